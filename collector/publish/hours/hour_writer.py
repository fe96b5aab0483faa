"""The part of the history that touches the disk: journals facts, writes closed hours, tries again after a failure."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from collector.publish import parquet, write_locks
from collector.publish.hours.facts import Row
from collector.publish.hours.hour_facts import DeviceHour, row
from collector.publish.hours.hour_files import SCHEMA, QualityFiles
from collector.publish.hours.journal import Journal
from collector.publish.hours.time_intervals import Belief, Span
from collector.publish.quarantine import Aside
from collector.quality.maintenance import Calendar

log = logging.getLogger(__name__)


class ClosedDevice(NamedTuple):
    """What a device's row of a closed hour is made of; ``sums`` None: no poll was answered."""

    device_id: str
    sums: DeviceHour | None
    observed: list[Span]
    beliefs: list[Belief]


def segment_of(at: float) -> str:
    """The journal's segment for what is written at ``at``: its hour."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H}"


class HourWriter:
    """Everything handed in stays in memory until it is on the disk. Methods may be called from any thread."""

    def __init__(self, data: Path, shard: str, aside: Aside | None = None) -> None:
        self._data = data
        self.journal = Journal(data / "journal" / f"quality-shard-{shard}", aside)
        self.files = QualityFiles(data, shard, aside)
        self._has_looked = False
        self._unjournalled: list[tuple[str, list[Row]]] = []
        self._pending: dict[int, pa.Table] = {}
        self._complaint = ""
        self.why_unwritten = ""
        """What keeps it from the disk now, as the system says it; empty where nothing does."""
        self._lock = threading.Lock()
        self.rows_written = 0
        self.failures = 0

    @property
    def pending_hours(self) -> int:
        """Closed hours that wait to be written."""
        return len(self._pending)

    def queue(self, segment: str, rows: list[Row]) -> None:
        """Hand in what the journal holds of facts; the next ``write`` writes it."""
        if rows:
            self._unjournalled.append((segment, rows))

    def write(self, closed: Sequence[tuple[int, list[ClosedDevice]]], *, closed_until: int, calendar: Calendar) -> None:
        """Write what was queued and the hours that have closed; what fails is kept for the next call."""
        with self._lock:
            for hour, devices in closed:
                self._pending[hour] = _table(hour, devices, calendar)
            try:
                self._write(closed_until, has_closed=bool(closed))
            except OSError as error:
                self._complain(error)
                still_open = segment_of(closed_until)
                self._unjournalled = [(segment, rows) for segment, rows in self._unjournalled if segment >= still_open]
                return
            if self._complaint:
                log.warning("the quality history is written again")
                self._complaint = self.why_unwritten = ""

    def _write(self, closed_until: int, *, has_closed: bool) -> None:
        while self._unjournalled:
            segment, rows = self._unjournalled[0]
            self.journal.append(segment, rows)
            self._unjournalled.pop(0)
        if has_closed or self._pending or not self._has_looked:
            with write_locks.of_quality(self._data):
                self._write_hours(closed_until)
            for segment in self.journal.segments():
                if segment < segment_of(closed_until):
                    self.journal.drop(segment)

    def _write_hours(self, closed_until: int) -> None:
        if not self._has_looked:
            self.files.look_through()
            self._has_looked = True
        for hour in sorted(self._pending):
            self.rows_written += self.files.write_hour(hour, self._pending[hour])
            del self._pending[hour]
        self.files.compact(closed_until)

    def _complain(self, error: OSError) -> None:
        """Count every failure, log only news."""
        self.failures += 1
        self.why_unwritten = error.strerror or str(error)
        what = f"{self.files.folder.parent}: the quality history cannot be written: {error.strerror or error}"
        if what != self._complaint:
            log.error("%s; it is kept in memory and tried again every few seconds", what)
            self._complaint = what


def _table(hour: int, devices: list[ClosedDevice], calendar: Calendar) -> pa.Table:
    rows = (
        row(d.device_id, hour, d.sums, observed=d.observed, beliefs=d.beliefs, calendar=calendar)
        for d in sorted(devices, key=lambda device: device.device_id)
    )
    return parquet.table(([values.get(name) for name in SCHEMA.names] for values in rows), SCHEMA)
