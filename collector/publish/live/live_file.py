"""``live``: the newest state of each device, in one file that is replaced whole, with a note of who wrote it when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from collector import table_versions
from collector.publish import parquet
from collector.publish.live.live_columns import PARQUET_OPTIONS, Columns, Newest
from collector.published import LIVE, LiveNote
from collector.quality.counters.uplink import Traffic
from collector.reading import Device, Impairment, Reading, Transition

WITHOUT_SERVICE = ("down", "suppressed")
UNSAID = LiveNote()


class LiveTable:
    """Remembers the last poll of each device, and writes the table.

    ``note`` says who writes and how often. ``row_of`` gives the id that an incident has in the database, which may be
    that of another shard's row. ``is_urgent`` says that service was lost or came back since the last write.
    """

    def __init__(
        self,
        data: Path,
        devices: Iterable[Device],
        *,
        at: float,
        note: LiveNote = UNSAID,
        row_of: Callable[[str], str] = str,
    ) -> None:
        self.path = data / "live" / f"shard={note.shard}.parquet"
        self.is_urgent = False
        self._note = note
        self._writing = asyncio.Lock()
        self._row_of = row_of
        self._newest: dict[str, Newest] = {}
        self._under_way: Mapping[str, float] = {}
        self.replace(devices, at)

    def replace(self, devices: Iterable[Device], at: float) -> None:
        """Take in a new inventory."""
        devices, old = tuple(devices), self._newest
        self._note = replace(self._note, inventory_at=at)
        self._newest = {d.device_id: old.get(d.device_id) or Newest(d.device_id, at) for d in devices}
        self._columns = Columns(devices)
        self._polled = {newest for newest in self._newest.values() if newest.figures}
        self._turned = set(self._newest.values())
        self._has_changed = True

    def update(self, reading: Reading, traffic: Traffic | None) -> None:
        """Take in one poll."""
        newest = self._newest.get(reading.device_id)
        if newest is not None:
            newest.measure(reading, traffic)
            self._polled.add(newest)
            if newest.oddities != reading.counter_oddities:
                newest.oddities = reading.counter_oddities
                self._turned.add(newest)

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        newest = self._newest.get(transition.device_id)
        if newest is not None:
            newest.state, newest.since = transition.new, transition.since
            newest.root, newest.incident_id = transition.root, transition.incident_id
            self._turned.add(newest)
            self.is_urgent |= transition.new in WITHOUT_SERVICE or transition.old in WITHOUT_SERVICE

    def impair(self, impairment: Impairment) -> None:
        """Take in what ails a device that answers."""
        newest = self._newest.get(impairment.device_id)
        if newest is not None:
            newest.measures, newest.faults = impairment.measures, impairment.faults
            newest.usual_rtt_seconds = impairment.usual_rtt_seconds if impairment.measures else None
            self._turned.add(newest)

    def blind(self, since: float | None) -> None:
        """The collector doubts its own connection since then; None: no longer."""
        self._note = replace(self._note, blind_since=since)
        self._has_changed = self.is_urgent = True

    def maintain(self, under_way: Mapping[str, float]) -> None:
        """Take in who is in a maintenance window now, and until when."""
        self._has_changed = self._has_changed or under_way != self._under_way
        self._under_way = under_way

    async def write(self, at: float, *, is_due: bool = False) -> bool:
        """Replace the file if anything changed since, or if it ``is_due`` to show that the collector lives.

        ``at`` is now. Raises OSError, and then tries again at the next call.
        """
        async with self._writing:
            if not (is_due or self._has_changed or self._polled or self._turned):
                return False
            polled, turned = self._polled, self._turned
            self._polled, self._turned, self._has_changed, self.is_urgent = set(), set(), False, False
            note = replace(self._note, written_at=at)
            try:
                await asyncio.to_thread(self._write, self._columns, polled, turned, note)
            except BaseException:
                self._polled |= polled
                self._turned |= turned
                self._has_changed = self.is_urgent = True
                raise
            return True

    def _write(self, columns: Columns, polled: set[Newest], turned: set[Newest], note: LiveNote) -> None:
        columns.measure(polled)
        if turned:
            columns.believe(turned)
        table = columns.table(self._under_way, self._row_of)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **note.metadata()})
        parquet.write(table_versions.stamp(table, LIVE), self.path, durable=False, **PARQUET_OPTIONS)


def read_state(data: Path, device_id: str) -> dict[str, Any] | None:
    """The row of one device, from the shard's table that has it; None if no table does, or none can be read."""
    for path in sorted((data / "live").glob("shard=*.parquet")):
        try:
            rows = parquet.read(path, LIVE)
        except (OSError, parquet.UnreadableError):
            continue
        for row in rows.filter(pc.equal(rows["device_id"], device_id)).to_pylist():
            return dict(row)
    return None


def read_faults(data: Path) -> list[dict[str, Any]]:
    """The rows of all devices that answer and of which a part fails, as the collectors last wrote them."""
    found: list[dict[str, Any]] = []
    for path in sorted((data / "live").glob("shard=*.parquet")):
        try:
            rows = parquet.read(path, LIVE, ("device_id", "polled_at", "faults"))
        except (OSError, parquet.UnreadableError):
            continue
        found += rows.filter(pc.is_valid(rows["faults"])).to_pylist()
    return found
