"""Feeds a History as the pipeline does and reads what it published, holding every row to what must be true of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from collector.publish.hours.hour_history import History
from collector.published import QUALITY_HOURS
from collector.quality.counters.belief import Beliefs
from collector.reading import Device, Reading, StateName, Transition

from .readings import CPE

HOUR = 3600
START = 1_700_002_800  # 2023-11-14 23:00:00 UTC
SETTLE = 600.0
AP = Device("ap-1", "127.0.0.2", "ap", "centro", uplink_interface="wan")


class Recorder:
    """Feeds a History as the pipeline does."""

    def __init__(self, data: Path, *devices: Device, interval: float = 60.0) -> None:
        self.data = data
        self.history = History(data, devices or (CPE,), interval_seconds=interval, settle_seconds=SETTLE)
        self.beliefs = Beliefs()

    def take(self, reading: Reading, device: Device = CPE) -> None:
        reading, delta, passed, _ = self.beliefs.take(device, reading)
        self.history.observe(reading, delta, passed)

    def turn(self, new: StateName, at: float, since: float, device: Device = CPE, old: StateName = "suspect") -> None:
        self.history.change(Transition(device.device_id, at, since, old, new))

    def flush(self, at: float) -> None:
        asyncio.run(self.history.flush(at))

    def rows(self) -> dict[tuple[str, int], dict[str, Any]]:
        """All published rows by device and hour (0 is the first); fails on a double."""
        return published(self.data)


def published(data: Path) -> dict[tuple[str, int], dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for path in sorted(data.glob("quality/date=*/*.parquet")):
        table = pq.ParquetFile(path).read()
        assert table.schema.equals(QUALITY_HOURS.arrow_schema())
        for row in table.to_pylist():
            key = row["device_id"], int(row["hour"].timestamp() - START) // HOUR
            assert key not in found
            found[key] = row
            hold_invariants(row)
    return found


def hold_invariants(row: dict[str, Any]) -> None:
    observed, down, silent = row["observed_seconds"], row["down_seconds"], row["silent_seconds"]
    assert 0 <= observed <= HOUR
    assert (down is None) == (silent is None) == (observed == 0)
    if down is not None:
        assert down >= 0
        assert silent >= 0
        assert down + silent <= observed + 1e-6
        assert row["planned_seconds"] <= down
