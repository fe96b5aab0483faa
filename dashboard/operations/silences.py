"""Silences as operators enter and end them: for a while no notice and no sound of a device, a site or an area.

What is silenced is still shown, with who silenced it and why. Pages and commands go through the same functions.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from collector.published import SILENCES
from dashboard.operations import audit
from dashboard.operations.audit import EntryError
from dashboard.operations.incident_work import MOST_TEXT, named

KINDS = ("device", "site", "area")
LONGEST = timedelta(days=31)

Row = Mapping[str, Any]


def add(engine: sa.Engine, kind: str, target: str, *, hours: float, reason: str, by: str, at: datetime) -> str:
    """Silence ``target`` from ``at`` on for so many hours; returns the silence's id. Raises audit.EntryError."""
    target, reason = target.strip(), reason.strip()
    if kind not in KINDS or not target:
        raise EntryError(f"name a {', a '.join(KINDS[:-1])} or an {KINDS[-1]}")
    if len(target) > 200:
        raise EntryError("a name has at most 200 letters")
    if not reason:
        raise EntryError("give the reason: it is what a colleague reads at night")
    if len(reason) > MOST_TEXT:
        raise EntryError(f"a reason has at most {MOST_TEXT:,} letters")
    if not 0 < hours <= LONGEST.total_seconds() / 3600:
        raise EntryError(f"the hours that it lasts are more than 0 and at most {LONGEST.days} days")
    silence_id, by = str(uuid.uuid4()), named(by)
    row = {"target_kind": kind, "target": target, "starts_at": at, "ends_at": at + timedelta(hours=hours)}
    with engine.begin() as connection:
        made = {"silence_id": silence_id, **row, "reason": reason, "created_by": by}
        connection.execute(sa.insert(SILENCES).values(made))
        audit.record(connection, "silence.add", silence_id, by=by, at=at, details={**row, "reason": reason})
    return silence_id


def end(engine: sa.Engine, silence: str, *, by: str, at: datetime) -> Row:
    """End a silence (its id, or the beginning of it) now; returns its row as it was. Raises audit.EntryError."""
    by = named(by)
    with engine.begin() as connection:
        silence_id = audit.one_id(connection, SILENCES.c.silence_id, silence, what="silence")
        this = SILENCES.c.silence_id == silence_id
        row = dict(connection.execute(sa.select(SILENCES).where(this)).mappings().one())
        if row["ends_at"] <= at:
            who = f" by {row['ended_by']}" if row["ended_by"] else ""
            raise EntryError(f"silence {silence_id} ended {row['ends_at'].astimezone(UTC):%Y-%m-%d %H:%M} UTC{who}")
        connection.execute(sa.update(SILENCES).where(this).values(ends_at=at, ended_by=by))
        details = {"target_kind": row["target_kind"], "target": row["target"]}
        audit.record(connection, "silence.end", silence_id, by=by, at=at, details=details)
    return row


def held(connection: sa.Connection, at: datetime, *, past: bool = False) -> list[Row]:
    """The silences that hold at ``at``, the one that ends first before the others; with ``past`` all there ever were."""
    query = sa.select(SILENCES).order_by(SILENCES.c.ends_at, SILENCES.c.silence_id)
    if not past:
        query = query.where(SILENCES.c.starts_at <= at, SILENCES.c.ends_at > at)
    return [dict(row) for row in connection.execute(query).mappings()]


def covering(silences: Iterable[Row], *, root: str | None, site: str | None, areas: Sequence[str]) -> list[Row]:
    """Which of the silences an incident falls under, the one that ends last at the end: of its root, of the root's site,
    or of areas that hold all of it.

    An outage that reaches beyond a silenced area is told.
    """
    rows = list(silences)
    silent = {row["target"] for row in rows if row["target_kind"] == "area"}
    found = [row for row in rows if (row["target_kind"], row["target"]) in {("device", root), ("site", site)}]
    if areas and silent.issuperset(areas):
        found += [row for row in rows if row["target_kind"] == "area" and row["target"] in areas]
    return sorted(found, key=lambda row: row["ends_at"])
