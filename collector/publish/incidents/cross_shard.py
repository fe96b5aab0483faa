"""Several shards, one incident: whose row in ``incidents`` a shard's devices go into.

The row of an incident is written by one shard only, the one that made it (``detected_by``). That is the owner of the
root; a shard whose devices are behind a root that another one owns waits for that row and then adds its devices.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from collector.config import ALONE, Shard
from collector.publish.incidents import incident_lines
from collector.publish.incidents.line_journal import LineJournal
from collector.publish.quarantine import Aside
from collector.published import INCIDENTS
from collector.reading import IncidentChange

ADVISORY_LOCK = 0x6261_6972_7273  # "bairrs"

OUTAGES = ("outage", "planned")
"""Shards read a maintenance window at different moments, so that one outage may be either to them for a while."""

Entry = dict[str, Any]
Role = Literal["writer", "member", "waits", "nothing"]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """This shard among the others. ``near_seconds``: two verdicts on one root whose starts lie so close are of one
    outage; ``wait_seconds``: how long to wait for the row of the root's owner before making one;
    ``settle_seconds``: how often what the others told of our incidents is added up.
    """

    shard: Shard = ALONE
    near_seconds: float = 0.0
    wait_seconds: float = 0.0
    settle_seconds: float = 20.0


NOBODY = Neighbours()


class Place(NamedTuple):
    """Where a change goes: the row's id, and what this shard is to it."""

    incident_id: str
    role: Role


def own_part(change: IncidentChange, is_shadow: Callable[[str], bool]) -> IncidentChange | None:
    """``change`` without the devices that another shard publishes; None if nothing is left of it."""
    joined = tuple(member for member in change.joined if not is_shadow(member[0]))
    left = tuple(member for member in change.left if not is_shadow(member[0]))
    has_own_root = change.root is None or not is_shadow(change.root)
    if not (joined or left or has_own_root or change.ended_at is not None):
        return None
    return replace(change, joined=joined, left=left)


class Attaching:
    """Finds the row of each incident; what was found is kept in ``path``, for it must be the same after a restart."""

    def __init__(
        self,
        path: Path,
        neighbours: Neighbours,
        clock: Callable[[], float] = time.monotonic,
        aside: Aside | None = None,
    ) -> None:
        self._kept = LineJournal(path)
        self._known = {line["id"]: line["row"] for line in self._kept.read(incident_lines.attached, aside)}
        self._neighbours = neighbours
        self._clock = clock
        self._waiting_since: dict[str, float] = {}

    @property
    def is_alone(self) -> bool:
        return self._neighbours.shard.count == 1

    def row_of(self, incident_id: str) -> str:
        """The id in the database of an incident that is called ``incident_id`` here."""
        return self._known.get(incident_id, incident_id)

    def forget(self) -> None:
        """Forget the names of incidents that are all written. Raises OSError."""
        self._known.clear()
        self._kept.replace(())

    def begin(self, connection: sa.Connection) -> None:
        """Keep the other shards from looking for a row and making one until this transaction ends."""
        if self.is_alone:
            return
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})

    def place(self, connection: sa.Connection, entry: Entry, *, waits: bool = True) -> Place:
        """Where ``entry`` goes. One that waits is to be asked for again, with all that follow of its incident."""
        name = entry["id"]
        if name in self._known:
            return Place(self._known[name], "member")
        made_by = connection.execute(
            sa.select(INCIDENTS.c.detected_by).where(INCIDENTS.c.incident_id == name)
        ).scalar_one_or_none()
        if made_by is not None:
            return Place(name, "writer" if made_by == self._neighbours.shard.name else "member")
        if self.is_alone or entry["root"] is None:
            return Place(name, "writer")
        if not entry["joined"] and not entry["has_own_root"]:
            return Place(name, "nothing")
        found = _row_of_another(connection, entry, self._neighbours)
        if found is not None:
            self._waiting_since.pop(name, None)
            self._kept.append([{"id": name, "row": found}])
            self._known[name] = found
            return Place(found, "member")
        if waits and not entry["has_own_root"] and not self._has_waited(name):
            return Place(name, "waits")
        self._waiting_since.pop(name, None)
        return Place(name, "writer")

    def _has_waited(self, name: str) -> bool:
        since = self._waiting_since.setdefault(name, self._clock())
        return self._clock() - since >= self._neighbours.wait_seconds


def _row_of_another(connection: sa.Connection, entry: Entry, neighbours: Neighbours) -> str | None:
    """The row that another shard made of the same outage: of the same root, and at the same time."""
    started = datetime.fromtimestamp(entry["started"], UTC)
    near = timedelta(seconds=neighbours.near_seconds)
    is_group = INCIDENTS.c.scope == "group"
    rows = connection.execute(
        sa.select(INCIDENTS.c.incident_id, INCIDENTS.c.started_at).where(
            INCIDENTS.c.root_device_id == entry["root"],
            INCIDENTS.c.kind.in_(OUTAGES if entry["kind"] in OUTAGES else (entry["kind"],)),
            INCIDENTS.c.detected_by != neighbours.shard.name,
            is_group if entry["scope"] == "group" else ~is_group,
            INCIDENTS.c.started_at <= started + near,
            sa.or_(
                INCIDENTS.c.ended_at.is_(None),
                INCIDENTS.c.ended_at > started,
                INCIDENTS.c.started_at >= started - near,
            ),
        )
    ).all()
    nearest = min(rows, key=lambda row: abs(row.started_at - started), default=None)
    return None if nearest is None else str(nearest.incident_id)
