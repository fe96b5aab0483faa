"""The queue of notices in the operations database: each message is there once, and one process at a time sends it.

A message is marked as sent after the receiver took it, so that a process that dies between the two leaves it to be sent
again, under the same id: at least once, and twice only then.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from collector.published import NOTICES

LEASE = timedelta(minutes=2)
BACKOFF_SECONDS = (5, 15, 60, 300, 900, 1_800)
GIVEN_UP_AFTER = timedelta(days=3)
MOST_SAID = 300
INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

_waits = NOTICES.c.sent_at.is_(None) & NOTICES.c.refused_at.is_(None)


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: the ``number``-th of its incident for its ``receiver``; ``attempts`` with this one."""

    receiver: str
    incident_id: str
    number: int
    event: str
    content: Mapping[str, Any]
    queued_at: datetime
    attempts: int = 1

    @property
    def notice_id(self) -> str:
        """The same at each attempt: receivers can drop what they have already by it."""
        return f"{self.incident_id}-{self.number}"

    @property
    def first_id(self) -> str:
        """That of the first message of the incident, to which this one belongs."""
        return f"{self.incident_id}-0"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: ``is_sent``; else ``is_final`` where the receiver refused it, and ``said`` why.

    ``wait_seconds`` is what the receiver asks to wait for, where it does.
    """

    is_sent: bool
    is_final: bool = False
    said: str = ""
    wait_seconds: float | None = None


def add(engine: sa.Engine, notices: Sequence[Notice]) -> int:
    """Put messages into the queue; one that another process has put there meanwhile stays as it is. Returns how many."""
    if not notices:
        return 0
    rows = [
        {
            "receiver": one.receiver,
            "incident_id": one.incident_id,
            "number": one.number,
            "event": one.event,
            "content": json.dumps(one.content, ensure_ascii=False),
            "queued_at": one.queued_at,
            "due_at": one.queued_at,
            "attempts": 0,
        }
        for one in notices
    ]
    insert = INSERT[engine.dialect.name](NOTICES).on_conflict_do_nothing()
    counted = {"preserve_rowcount": True}
    with engine.begin() as connection:
        return sum(connection.execute(insert.values(row), execution_options=counted).rowcount for row in rows)


def take(engine: sa.Engine, receiver: str, *, by: str, at: datetime) -> Notice | None:
    """The next message for ``receiver`` that is due, held for ``by`` alone for LEASE; None: none is.

    Of one incident the messages go in their order.
    """
    table, earlier = NOTICES.c, NOTICES.alias()
    is_before = (earlier.c.receiver == table.receiver) & (earlier.c.incident_id == table.incident_id)
    waits_before = earlier.c.sent_at.is_(None) & earlier.c.refused_at.is_(None) & (earlier.c.number < table.number)
    is_free = table.leased_until.is_(None) | (table.leased_until <= at)
    due = sa.select(NOTICES).where(
        table.receiver == receiver, _waits, is_free, table.due_at <= at, ~sa.exists().where(is_before, waits_before)
    )
    with engine.begin() as connection:
        rows = connection.execute(due.order_by(table.due_at, table.incident_id, table.number).limit(8)).mappings().all()
        for row in rows:
            lease = {"leased_by": by, "leased_until": at + LEASE, "attempts": row["attempts"] + 1}
            taking = (
                sa.update(NOTICES)
                .where(_this(row["receiver"], row["incident_id"], row["number"]), _waits, is_free)
                .values(lease)
            )
            if connection.execute(taking).rowcount == 1:
                return _notice(row)
    return None


def settle(engine: sa.Engine, notice: Notice, outcome: Outcome, *, at: datetime) -> datetime | None:
    """Note what came of an attempt; returns when the next is due, None where there is none."""
    values: dict[str, Any] = {"leased_by": None, "leased_until": None, "said": outcome.said[:MOST_SAID] or None}
    due_at = None
    if outcome.is_sent:
        values["sent_at"] = at
    elif outcome.is_final or at - notice.queued_at >= GIVEN_UP_AFTER:
        values["refused_at"] = at
    else:
        due_at = values["due_at"] = at + timedelta(seconds=pause(notice.attempts, outcome.wait_seconds))
    with engine.begin() as connection:
        connection.execute(
            sa.update(NOTICES).where(_this(notice.receiver, notice.incident_id, notice.number), _waits).values(values)
        )
    return due_at


def pause(attempts: int, asked: float | None = None) -> float:
    """Seconds until the next attempt after so many: ever longer, and no shorter than the receiver asks for."""
    own = float(BACKOFF_SECONDS[min(attempts, len(BACKOFF_SECONDS)) - 1])
    return max(own, min(asked or 0.0, 86_400.0))


def retry(engine: sa.Engine, receivers: Collection[str] | None, *, at: datetime) -> int:
    """Make what waits and what was refused due at once, for the receivers named (None: all); returns how many."""
    wanted = [NOTICES.c.sent_at.is_(None)]
    if receivers is not None:
        wanted.append(NOTICES.c.receiver.in_(receivers))
    values = {"due_at": at, "queued_at": at, "refused_at": None, "attempts": 0}
    with engine.begin() as connection:
        return connection.execute(sa.update(NOTICES).where(*wanted).values(values)).rowcount


def listed(engine: sa.Engine, *, all_of_them: bool = False, most: int = 200) -> list[dict[Any, Any]]:
    """What waits or was refused, oldest first; else also the newest that were sent."""
    query = sa.select(NOTICES).order_by(NOTICES.c.queued_at.desc(), NOTICES.c.number.desc()).limit(most)
    if not all_of_them:
        query = query.where(NOTICES.c.sent_at.is_(None))
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()][::-1]


def _this(receiver: str, incident_id: str, number: int) -> sa.ColumnElement[bool]:
    table = NOTICES.c
    return sa.and_(table.receiver == receiver, table.incident_id == incident_id, table.number == number)


def _notice(row: Mapping[Any, Any]) -> Notice:
    return Notice(
        row["receiver"],
        row["incident_id"],
        row["number"],
        row["event"],
        json.loads(row["content"]),
        row["queued_at"],
        row["attempts"] + 1,
    )
