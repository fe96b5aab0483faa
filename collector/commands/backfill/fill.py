"""Fills ``quality_hours`` from a Prometheus, day by day, where the collector has measured nothing itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector import file_lock, table_versions
from collector.commands.backfill.devices import Matcher
from collector.commands.backfill.prometheus import HOUR, Prometheus
from collector.commands.backfill.queries import Queries
from collector.commands.backfill.rows import RowMaker, Values
from collector.publish import parquet, write_locks
from collector.publish.hours.hour_files import SCHEMA
from collector.publish.hours.hour_history import LONGEST_SETTLE_SECONDS
from collector.publish.hours.journal import segment_in
from collector.publish.parquet import UnreadableError
from collector.published import QUALITY_HOURS
from collector.reading import Device

DAY = 24 * HOUR
FILE = "day-backfill.parquet"
SEGMENT = "%Y-%m-%dT%H"


@dataclass
class Report:
    """What came of it: rows by day's end, values by column, and what to look into."""

    rows: int = 0
    present: int = 0
    values: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def newest_hour(data: Path, now: float) -> int:
    """The first hour (Unix seconds) that is not to be filled: one that a collector may still write itself.

    Those are the hours that have not settled, and those that a collector's journal is still open for.
    """
    newest = int(now - LONGEST_SETTLE_SECONDS - HOUR) // HOUR * HOUR
    for path in (data / "journal").glob("quality-shard-*/*.journal"):
        try:
            at = datetime.strptime(segment_in(path), SEGMENT).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
        newest = min(newest, int(at))
    return newest


class Backfill:
    """Composes queries, inventory and files."""

    def __init__(self, data: Path, devices: dict[str, Device], queries: Queries, prometheus: Prometheus) -> None:
        self._folder = data / "quality"
        self._lock = data / "journal" / "backfill.lock"
        self._queries = queries
        self._prometheus = prometheus
        self._matcher = Matcher(devices.values())
        self._maker = RowMaker(devices)

    def run(self, first: int, until: int, say: Callable[[str], object], *, dry_run: bool = False) -> Report:
        """Fill the hours from ``first`` to before ``until`` (Unix seconds).

        Raises PrometheusError, file_lock.HeldError where another backfill writes here, and OSError; the days before
        stay filled.
        """
        report = Report()
        with self._alone(dry_run):
            for day in range(first // DAY * DAY, until, DAY):
                start, end = max(day, first), min(day + DAY, until) - HOUR
                if start <= end:
                    self._fill_day(day, (start, end), report, say, dry_run)
        report.problems += self._matcher.problems()
        report.problems += [
            f"{name}: {count} values left out because they are impossible"
            for name, count in sorted(self._maker.dropped.items())
        ]
        report.problems += [
            f"{name}: no value at all: {column.query}"
            for name, column in self._queries.columns.items()
            if not report.values[name]
        ]
        return report

    def _fill_day(
        self, day: int, span: tuple[int, int], report: Report, say: Callable[[str], object], dry_run: bool
    ) -> None:
        folder = self._folder / f"date={datetime.fromtimestamp(day, UTC):%Y-%m-%d}"
        unread: dict[Path, str] = {}
        present = _present(folder, unread)
        report.problems += [f"{path}: {why}" for path, why in unread.items()]
        if folder / FILE in unread:
            report.problems.append(f"{folder.name[5:]}: left out; move that file away to fill the day again")
            return
        hours = self._ask(*span, report)
        rows, skipped = [], 0
        for hour in sorted(hours):
            for row in self._maker.rows(hour, hours[hour]):
                if (hour, row["device_id"]) in present:
                    skipped += 1
                else:
                    rows.append(row)
        if rows and not dry_run:
            with write_locks.of_quality(self._folder.parent):
                _add(folder / FILE, rows)
        report.rows += len(rows)
        report.present += skipped
        if rows or skipped:
            what = "would be written" if dry_run else "written"
            say(f"{folder.name[5:]}: {len(rows):,} device-hours {what}, {skipped:,} were there already")

    def _ask(self, first: int, last: int, report: Report) -> dict[int, dict[str, Values]]:
        """hour -> device_id -> column -> value."""
        hours: dict[int, dict[str, Values]] = {}
        for name, column in self._queries.columns.items():
            found = self._matcher.of(name, column, self._prometheus.hourly(column.query, first, last))
            for device_id, values in found.items():
                for hour, value in values.items():
                    hours.setdefault(hour, {}).setdefault(device_id, {})[name] = value
                report.values[name] += len(values)
        return hours

    @contextmanager
    def _alone(self, dry_run: bool) -> Iterator[None]:
        if dry_run:
            yield
            return
        with file_lock.alone(self._lock, what="bairro backfill", at=time.time()):
            yield


def _present(folder: Path, unread: dict[Path, str]) -> set[tuple[int, str]]:
    """The hours and devices that any file of the day has, from this collector or another; files may be compacted meanwhile."""
    while True:
        with suppress(FileNotFoundError):
            return _keys_in(folder, unread)


def _keys_in(folder: Path, unread: dict[Path, str]) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    for path in sorted(folder.glob("*.parquet")):
        try:
            rows = parquet.read(path, QUALITY_HOURS, ("hour", "device_id"))
        except UnreadableError as error:
            unread[path] = str(error)
            continue
        stamps = rows["hour"].cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64())
        found.update(zip(stamps.to_pylist(), rows["device_id"].to_pylist(), strict=True))
    return found


def _add(path: Path, rows: list[dict[str, Any]]) -> None:
    """Put ``rows`` with those that an earlier backfill wrote."""
    table = parquet.table(([row.get(name) for name in SCHEMA.names] for row in rows), SCHEMA)
    if path.exists():
        table = pa.concat_tables([parquet.read(path, QUALITY_HOURS), table])
    table = table.sort_by([("hour", "ascending"), ("device_id", "ascending")])
    parquet.write(table_versions.stamp(table, QUALITY_HOURS), path, durable=True)
