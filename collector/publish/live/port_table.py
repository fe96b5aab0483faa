"""``ports``: what the ports of network devices carry and how they stand, in one file that is replaced whole.

Customers' devices have none here: there are too many of them, and their uplink is in the live table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from collector import table_versions
from collector.publish import parquet
from collector.published import PORTS
from collector.quality.counters.rates import interface_delta
from collector.reading import Device, InterfaceReading, Reading

SCHEMA = PORTS.arrow_schema()
LEAST_WRITE_SECONDS = 30.0

Row = tuple[Any, ...]


class PortTable:
    """Remembers the last two answers of each network device, and writes the table of shard ``number``."""

    def __init__(self, data: Path, devices: Iterable[Device], number: int = 0) -> None:
        self.path = data / "live" / f"ports={number}.parquet"
        self._last: dict[str, tuple[Reading | None, Reading | None]] = {}
        self._has_changed = False
        self.replace(devices)

    def replace(self, devices: Iterable[Device]) -> None:
        """Take in a new inventory."""
        names = [device.device_id for device in devices if device.role != "cpe"]
        self._last = {name: self._last.get(name, (None, None)) for name in names}
        self._has_changed = True

    def update(self, reading: Reading, *, restarted: bool) -> None:
        """Take in one poll; rates begin anew after a restart."""
        known = self._last.get(reading.device_id)
        if known is not None and reading.interfaces:
            self._last[reading.device_id] = (None if restarted else known[1], reading)
            self._has_changed = True

    def write(self) -> None:
        """Replace the file if anything changed. Raises OSError, and then tries again at the next call."""
        if not self._has_changed:
            return
        self._has_changed = False
        try:
            rows = [row for pair in list(self._last.values()) for row in _rows(*pair)]
            parquet.write(table_versions.stamp(parquet.table(rows, SCHEMA), PORTS), self.path, durable=False)
        except OSError:
            self._has_changed = True
            raise


def _rows(before: Reading | None, after: Reading | None) -> list[Row]:
    """A row for each port of the newest answer."""
    if after is None:
        return []
    old = {} if before is None else {port.name: port for port in before.interfaces}
    return [_row(after, port, *_rates(before, old, after, port)) for port in after.interfaces]


def _rates(
    before: Reading | None, old: Mapping[str, InterfaceReading], after: Reading, port: InterfaceReading
) -> tuple[float | None, float | None]:
    """Bytes a second received and sent since the answer before; None where that cannot be known.

    An agent that renews its uplink's counters more slowly than it is polled does so with all of them.
    """
    was = old.get(port.name)
    if before is None or was is None or was.index != port.index or "cached" in after.counter_oddities:
        return None, None
    seconds = after.at + (port.late_seconds or 0.0) - before.at - (was.late_seconds or 0.0)
    if seconds <= 0:
        return None, None
    passed = interface_delta(was, port, seconds)
    return _each(passed.receive_bytes, seconds), _each(passed.transmit_bytes, seconds)


def _each(count: int | None, seconds: float) -> float | None:
    return None if count is None else count / seconds


def _row(reading: Reading, port: InterfaceReading, received: float | None, sent: float | None) -> Row:
    return (
        reading.device_id,
        port.name,
        port.index,
        port.alias,
        port.is_up,
        port.is_admin_up,
        port.speed_bytes_per_second,
        received,
        sent,
        reading.at,
    )
