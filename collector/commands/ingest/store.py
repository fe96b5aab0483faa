"""Hours from outside in ``quality_hours``: one file a day beside the collectors' own, written only where it changes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from collector import file_lock, table_versions
from collector.commands.ingest.read_hours import Key, Values
from collector.publish import parquet, write_locks
from collector.publish.hours.hour_files import SCHEMA
from collector.publish.parquet import UnreadableError
from collector.published import QUALITY_HOURS

FILE = "day-ingest.parquet"
DAY = 86_400


@dataclass
class Stored:
    """What came of the hours: new ones, changed ones, those that were there just so, those that others had measured, and
    those of which more had been observed before."""

    new: int = 0
    changed: int = 0
    same: int = 0
    measured: int = 0
    shorter: int = 0
    problems: list[str] = field(default_factory=list)


def store(data: Path, hours: Mapping[Key, Values], *, dry_run: bool) -> Stored:
    """Put hours into the table, or count what would become of them.

    An hour that a collector or a backfill has measured stays as it is. Raises file_lock.HeldError where another
    ingest writes here, and OSError.
    """
    if dry_run:
        return _store(data, hours, dry_run=True)
    with file_lock.alone(data / "journal" / "ingest.lock", what="bairro ingest", at=time.time()):
        return _store(data, hours, dry_run=False)


def _store(data: Path, hours: Mapping[Key, Values], *, dry_run: bool) -> Stored:
    report = Stored()
    days: dict[int, dict[Key, Values]] = {}
    for key, values in hours.items():
        days.setdefault(key[0] // DAY * DAY, {})[key] = values
    for day, own in sorted(days.items()):
        folder = data / "quality" / f"date={datetime.fromtimestamp(day, UTC):%Y-%m-%d}"
        if dry_run:
            _add(folder, own, report, dry_run=True)
        else:
            with write_locks.of_quality(data):
                _add(folder, own, report, dry_run=False)
    return report


def _add(folder: Path, own: Mapping[Key, Values], report: Stored, *, dry_run: bool) -> None:
    try:
        before = _earlier(folder / FILE)
    except UnreadableError as error:
        report.problems.append(f"{folder / FILE}: {error}; the day is left out: move that file away to fill it again")
        return
    measured = _measured(folder, report)
    now = dict(before)
    for key, values in own.items():
        if key in measured:
            report.measured += 1
        elif key not in before:
            report.new += 1
            now[key] = values
        elif before[key] == values:
            report.same += 1
        elif values["observed_seconds"] < before[key]["observed_seconds"]:
            report.shorter += 1
        else:
            report.changed += 1
            now[key] = values
    if now != before and not dry_run:
        rows = (
            [hour, who, *(values.get(name) for name in SCHEMA.names[2:])] for (hour, who), values in sorted(now.items())
        )
        typed = ([_typed(name, cell) for name, cell in zip(SCHEMA.names, row, strict=True)] for row in rows)
        table = table_versions.stamp(parquet.table(typed, SCHEMA), QUALITY_HOURS)
        parquet.write(table, folder / FILE, durable=True)


def _typed(name: str, cell: object) -> object:
    return int(cell) if isinstance(cell, float) and pa.types.is_integer(SCHEMA.field(name).type) else cell


def _earlier(path: Path) -> dict[Key, Values]:
    """What earlier ingests have put there. Raises UnreadableError."""
    if not path.exists():
        return {}
    found: dict[Key, Values] = {}
    for row in parquet.read(path, QUALITY_HOURS).to_pylist():
        key = int(row.pop("hour").timestamp()), row.pop("device_id")
        found[key] = {name: float(value) for name, value in row.items() if value is not None}
    return found


def _measured(folder: Path, report: Stored) -> set[Key]:
    """The hours and devices in the other files of the day; they may be put together meanwhile."""
    while True:
        with suppress(FileNotFoundError):
            return _keys_in(folder, report)


def _keys_in(folder: Path, report: Stored) -> set[Key]:
    found: set[Key] = set()
    for path in sorted(folder.glob("*.parquet")):
        if path.name == FILE:
            continue
        try:
            rows = parquet.read(path, QUALITY_HOURS, ("hour", "device_id"))
        except UnreadableError as error:
            report.problems.append(f"{path}: {error}")
            continue
        stamps = rows["hour"].cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64())
        found.update(zip(stamps.to_pylist(), rows["device_id"].to_pylist(), strict=True))
    return found
