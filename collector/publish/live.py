"""``live``: the newest state of each device, in one file that is replaced whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from collector.publish import parquet
from collector.published import LIVE
from collector.quality.uplink import Traffic
from collector.reading import Device, Fault, Impairment, Measure, Reading, StateName, Transition

SCHEMA = LIVE.arrow_schema()
BURSTS_FOR_LOSS = 5


class _Newest:
    """What is believed of a device and what its last polls measured."""

    __slots__ = (
        "answered_at",
        "bursts",
        "faults",
        "incident_id",
        "measures",
        "noise_db",
        "polled_at",
        "root",
        "rtt_seconds",
        "signal_dbm",
        "since",
        "state",
        "traffic",
    )

    def __init__(self, at: float) -> None:
        self.state: StateName = "unknown"
        self.since = at
        self.root: str | None = None
        self.incident_id: str | None = None
        self.polled_at: float | None = None
        self.answered_at: float | None = None
        self.rtt_seconds: float | None = None
        self.bursts: tuple[tuple[int, int], ...] = ()
        self.traffic: Traffic | None = None
        self.signal_dbm: float | None = None
        self.noise_db: float | None = None
        self.measures: tuple[Measure, ...] = ()
        self.faults: tuple[Fault, ...] = ()

    @property
    def loss_ratio(self) -> float | None:
        """Echoes lost in the last bursts."""
        sent = sum(burst[0] for burst in self.bursts)
        return sum(burst[1] for burst in self.bursts) / sent if sent else None


class LiveTable:
    """Collects the newest figures and writes them when something changed.

    ``row_of`` gives the id that an incident has in the database, which may be that of another shard's row.
    """

    def __init__(
        self,
        data: Path,
        devices: Iterable[Device],
        *,
        at: float,
        shard: str = "0",
        row_of: Callable[[str], str] = str,
    ) -> None:
        self.path = data / "live" / f"shard={shard}.parquet"
        self._row_of = row_of
        self._newest: dict[str, _Newest] = {}
        self._devices: tuple[Device, ...] = ()
        self._under_way: Mapping[str, float] = {}
        self._has_changed = True
        self.replace(devices, at)

    def replace(self, devices: Iterable[Device], at: float) -> None:
        """Take in a new inventory."""
        self._devices = tuple(devices)
        self._newest = {d.device_id: self._newest.get(d.device_id) or _Newest(at) for d in self._devices}
        self._has_changed = True

    def update(self, reading: Reading, traffic: Traffic | None) -> None:
        """Take in one poll; what a silent device last measured is dropped, for it says nothing of now."""
        newest = self._newest.get(reading.device_id)
        if newest is None:
            return
        self._has_changed = True
        newest.polled_at = reading.at
        echoes = reading.echoes
        if echoes is not None and echoes.sent:
            newest.bursts = (*newest.bursts[1 - BURSTS_FOR_LOSS :], (echoes.sent, echoes.lost))
        newest.rtt_seconds = None
        if reading.is_reachable:
            newest.answered_at = reading.at
            newest.rtt_seconds = reading.snmp_rtt_seconds
            if echoes is not None and echoes.rtt_seconds:
                newest.rtt_seconds = sorted(echoes.rtt_seconds)[(len(echoes.rtt_seconds) - 1) // 2]
        newest.traffic = traffic
        signals = reading.signals
        newest.signal_dbm = newest.noise_db = None
        if signals:
            newest.signal_dbm = min((s.received_dbm for s in signals if s.received_dbm is not None), default=None)
            newest.noise_db = min((s.noise_ratio_db for s in signals if s.noise_ratio_db is not None), default=None)

    def change(self, transition: Transition) -> None:
        """Take in a change of state."""
        newest = self._newest.get(transition.device_id)
        if newest is not None:
            self._has_changed = True
            newest.state, newest.since = transition.new, transition.since
            newest.root, newest.incident_id = transition.root, transition.incident_id

    def maintain(self, under_way: Mapping[str, float]) -> None:
        """Take in who is in a maintenance window now, and until when."""
        self._has_changed = self._has_changed or under_way != self._under_way
        self._under_way = under_way

    def impair(self, impairment: Impairment) -> None:
        """Take in what ails a device that answers."""
        newest = self._newest.get(impairment.device_id)
        if newest is not None:
            self._has_changed = True
            newest.measures, newest.faults = impairment.measures, impairment.faults

    async def write(self) -> bool:
        """Replace the file if anything changed since; raises OSError, and then tries again at the next call."""
        if not self._has_changed:
            return False
        self._has_changed = False
        try:
            await asyncio.to_thread(self._write)
        except BaseException:
            self._has_changed = True
            raise
        return True

    def _write(self) -> None:
        rows = []
        for device in self._devices:
            newest = self._newest.get(device.device_id)
            if newest is not None:
                name = newest.incident_id
                rows.append(_row(device, newest, self._row_of(name) if name is not None else None, self._under_way))
        parquet.write(parquet.table(rows, SCHEMA), self.path, durable=False)


def _row(device: Device, newest: _Newest, incident_id: str | None, under_way: Mapping[str, float]) -> tuple[Any, ...]:
    """The columns of ``published.LIVE``, in their order; times in Unix seconds."""
    traffic, root = newest.traffic, newest.root
    return (
        device.device_id,
        device.area,
        device.role,
        device.parent,
        device.subscribers,
        newest.state,
        newest.since,
        newest.root,
        incident_id,
        under_way.get(device.device_id) or (under_way.get(root) if root is not None else None),
        newest.polled_at,
        newest.answered_at,
        newest.rtt_seconds,
        newest.loss_ratio,
        traffic.receive_bytes_per_second if traffic else None,
        traffic.transmit_bytes_per_second if traffic else None,
        traffic.utilization_ratio if traffic else None,
        newest.signal_dbm,
        newest.noise_db,
        newest.measures or None,
        newest.faults or None,
    )


def read_state(data: Path, device_id: str) -> dict[str, Any] | None:
    """The row of one device in whatever shard's table has it; None if no table does, or none can be read."""
    for path in sorted((data / "live").glob("shard=*.parquet")):
        try:
            rows = pq.ParquetFile(path).read()
        except (OSError, pa.ArrowInvalid):
            continue
        for row in rows.filter(pc.equal(rows["device_id"], device_id)).to_pylist():
            return dict(row)
    return None
