"""Maintenance windows as operators enter, list and call them off; the collectors read them from the database."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from collector import parquet_footer
from collector.published import MAINTENANCE_WINDOWS
from dashboard.operations import audit
from dashboard.operations.audit import EntryError
from recurrence import Weekly, zone

LONGEST = timedelta(days=31)
TARGETS = {"device": "device_id", "site": "site", "area": "area"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One window as entered. Once: from ``starts_at`` to ``ends_at``. Weekly: every occurrence that begins between.

    Raises audit.EntryError for what can be no window.
    """

    target_kind: str
    target: str
    starts_at: datetime
    ends_at: datetime | None
    time_zone: str
    reason: str
    weekly: Weekly | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise EntryError("give the reason: it is what a colleague reads at night")
        if self.ends_at is None:
            if self.weekly is None:
                raise EntryError("give the end: --to or --hours")
            return
        if self.ends_at <= self.starts_at:
            raise EntryError(f"it would end ({_utc(self.ends_at)}) before it begins ({_utc(self.starts_at)})")
        if self.weekly is None and self.ends_at - self.starts_at > LONGEST:
            days = (self.ends_at - self.starts_at).days
            raise EntryError(f"it would last {days} days, more than the {LONGEST.days} that one window may")


def add(engine: sa.Engine, entry: Entry, *, by: str, at: datetime) -> str:
    """Store a window; returns its id."""
    weekly = entry.weekly
    window_id = str(uuid.uuid4())
    row = {
        "target_kind": entry.target_kind,
        "target": entry.target,
        "starts_at": entry.starts_at,
        "ends_at": entry.ends_at,
        "weekdays": None if weekly is None else ",".join(weekly.weekdays),
        "local_start": None if weekly is None else weekly.local_start,
        "duration_seconds": None if weekly is None else weekly.duration_seconds,
        "time_zone": entry.time_zone,
        "reason": entry.reason.strip(),
    }
    with engine.begin() as connection:
        made = {"window_id": window_id, "created_by": by, "created_at": at}
        connection.execute(sa.insert(MAINTENANCE_WINDOWS).values(**row, **made))
        audit.record(connection, "maintenance.add", window_id, by=by, at=at, details=row)
    return window_id


def cancel(engine: sa.Engine, window: str, *, by: str, at: datetime) -> Mapping[str, Any]:
    """Call off a window (its id, or the beginning of it) from ``at`` on; returns its row as it was.

    Raises audit.EntryError for one that is not there, has been called off, or is over.
    """
    table = MAINTENANCE_WINDOWS
    with engine.begin() as connection:
        window_id = audit.one_id(connection, table.c.window_id, window, what="window")
        this = table.c.window_id == window_id
        row = dict(connection.execute(sa.select(table).where(this)).mappings().one())
        if row["cancelled_at"] is not None:
            raise EntryError(f"{row['cancelled_by']} has cancelled window {window_id} at {_utc(row['cancelled_at'])}")
        if row["ends_at"] is not None and row["ends_at"] <= at:
            raise EntryError(f"window {window_id} ended {_utc(row['ends_at'])}: there is nothing left to cancel")
        connection.execute(sa.update(table).where(this).values(cancelled_by=by, cancelled_at=at))
        details = {"target_kind": row["target_kind"], "target": row["target"]}
        audit.record(connection, "maintenance.cancel", window_id, by=by, at=at, details=details)
    return row


def windows(engine: sa.Engine, at: datetime, *, past: bool = False) -> list[Mapping[str, Any]]:
    """The rows of the windows that hold at ``at`` or are to come, by start; with ``past`` all there ever were."""
    table = MAINTENANCE_WINDOWS
    query = sa.select(table).order_by(table.c.starts_at, table.c.window_id)
    if not past:
        query = query.where(table.c.cancelled_at.is_(None), table.c.ends_at.is_(None) | (table.c.ends_at > at))
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def following(row: Mapping[str, Any], at: datetime) -> tuple[datetime, datetime] | None:
    """The occurrence of a stored window that holds at ``at``, else the next one, in its own time zone; None: no more."""
    place = zone(row["time_zone"])
    if row["cancelled_at"] is not None:
        return None
    if row["weekdays"] is None:
        return (row["starts_at"].astimezone(place), row["ends_at"].astimezone(place)) if row["ends_at"] > at else None
    days = tuple(row["weekdays"].split(","))
    pattern = Weekly(days, row["local_start"], row["duration_seconds"], row["time_zone"])
    first = max(at, row["starts_at"])
    for start, end in pattern.spans(first.timestamp(), (first + timedelta(days=9)).timestamp()):
        begins = datetime.fromtimestamp(start, place)
        if begins >= row["starts_at"]:
            return (begins, datetime.fromtimestamp(end, place)) if _is_within(begins, row["ends_at"]) else None
    return None


def devices_of(data: Path, target_kind: str, target: str) -> int | None:
    """How many devices of the newest inventory a window on the target holds for; None where none was published yet."""
    column = TARGETS.get(target_kind, "device_id")
    try:
        table = parquet_footer.opened(data / "devices.parquet").read(
            columns=list({column, "device_id", "parent", "valid_to"})
        )
    except (OSError, pa.ArrowException):
        return None
    table = table.filter(pc.is_null(table["valid_to"]))
    if target_kind == "subtree":
        return _in_subtree(
            dict(zip(*(table[name].to_pylist() for name in ("device_id", "parent")), strict=True)), target
        )
    return int(pc.sum(pc.fill_null(pc.equal(table[column], target), False)).as_py() or 0)


def _in_subtree(parents: Mapping[str, str | None], top: str) -> int:
    """How many devices there are from ``top`` down; none where it is not there. A ring ends where it comes back."""
    children: dict[str, list[str]] = {}
    for name, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(name)
    seen, left = set(), [top] if top in parents else []
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += children.get(name, [])
    return len(seen)


def _is_within(begins: datetime, ends_at: datetime | None) -> bool:
    return ends_at is None or begins < ends_at


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
