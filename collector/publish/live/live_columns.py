"""The live table by columns: what stays is kept as it is, and only the rows that changed are worked out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from math import nan
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from collector.part_measures import Health, declared, failed, health
from collector.published import ARROW, LIVE
from collector.quality.counters.uplink import Traffic
from collector.reading import (
    Device,
    Fault,
    Measure,
    PartReading,
    Reading,
    StateName,
    worst_noise_ratio_db,
    worst_received_dbm,
)

SCHEMA = LIVE.arrow_schema()
BURSTS_FOR_LOSS = 5
FIGURES = (
    "polled_at",
    "answered_at",
    "rtt_seconds",
    "loss_ratio",
    "receive_bytes_per_second",
    "transmit_bytes_per_second",
    "utilization_ratio",
    "signal_dbm",
    "signal_noise_db",
    *Health._fields,
)
TEXTS = tuple(column.name for column in LIVE.columns if column.type == "text")
PARQUET_OPTIONS: dict[str, Any] = {
    "compression": {name: "zstd" if name in TEXTS else "none" for name in LIVE.column_names},
    "use_dictionary": [name for name in TEXTS if name != "device_id"],
    "write_statistics": False,
}
"""Half the time of the usual options: columns of figures neither repeat nor compress."""

Figures = tuple[float, ...]
Rates = tuple[float, float, float]
"""Received and sent in bytes a second, and the share of the line."""
_NO_RATES: Rates = (nan, nan, nan)
NO_HEALTH: Figures = (nan,) * len(Health._fields)
T = TypeVar("T")


class Newest:
    """What is believed of a device, and what its last poll measured: ``figures`` are the values of FIGURES.

    ``bursts`` are the last echo bursts as (sent, lost). ``spread`` is the last rate over many polls, and how long it holds.
    ``parts`` are what was measured of its parts when they were last asked for, ``health`` what they come to.
    """

    __slots__ = (
        "answered_at",
        "bursts",
        "device_id",
        "faults",
        "figures",
        "health",
        "incident_id",
        "measures",
        "oddities",
        "parts",
        "root",
        "since",
        "spread",
        "state",
        "usual_rtt_seconds",
    )

    def __init__(self, device_id: str, at: float) -> None:
        self.device_id = device_id
        self.state: StateName = "unknown"
        self.since = at
        self.root: str | None = None
        self.incident_id: str | None = None
        self.figures: Figures = ()
        self.answered_at = nan
        self.bursts: tuple[tuple[int, int], ...] = ()
        self.spread: tuple[float, Rates] | None = None
        self.measures: tuple[Measure, ...] = ()
        self.faults: tuple[Fault, ...] = ()
        self.oddities: tuple[str, ...] = ()
        self.usual_rtt_seconds: float | None = None
        self.health = NO_HEALTH
        self.parts: tuple[PartReading, ...] = ()

    def measure(self, reading: Reading, traffic: Traffic | None) -> None:
        """Take in one poll. Figures that it does not know are NaN: what was before a silence says nothing of now."""
        if reading.is_reachable:
            self.answered_at = reading.at
        echoes = reading.echoes
        if echoes is not None and echoes.sent:
            self.bursts = (*self.bursts[1 - BURSTS_FOR_LOSS :], (echoes.sent, echoes.lost))
        receive = transmit = share = dbm = noise = nan
        if traffic is not None:
            seconds, received, sent, _, _, utilization, polls, _ = traffic
            if polls == 1:
                receive = nan if received is None else received / seconds
                transmit = nan if sent is None else sent / seconds
                share = nan if utilization is None else utilization
                self.spread = None
            else:
                receive, transmit, share = self._spread(reading, traffic)
        elif self.spread is not None:
            receive, transmit, share = self._spread(reading, None)
        if reading.signals:
            worst, ratio = worst_received_dbm(reading.signals), worst_noise_ratio_db(reading.signals)
            dbm = nan if worst is None else worst
            noise = nan if ratio is None else ratio
        if reading.parts is not None or (self.parts and not reading.is_reachable):
            self._take_parts(reading.parts or ())
        round_trip, loss = _round_trip(reading), self._loss_ratio()
        figures = (reading.at, self.answered_at, round_trip, loss, receive, transmit, share, dbm, noise)
        self.figures = figures + self.health

    def _take_parts(self, parts: tuple[PartReading, ...]) -> None:
        self.parts = parts
        self.health = tuple(nan if value is None else value for value in health(parts))

    def _spread(self, reading: Reading, traffic: Traffic | None) -> Rates:
        """Rates that are known over many polls only: the newest, until a next one is due twice over."""
        if traffic is not None and traffic.over_polls > 1:
            self.spread = reading.at + 2 * traffic.seconds, _rates(traffic)
        if self.spread is None or reading.at > self.spread[0] or reading.snmp != "answered":
            self.spread = None
            return _NO_RATES
        return self.spread[1]

    def _loss_ratio(self) -> float:
        """Echoes lost in the last bursts; NaN if none was sent."""
        sent = lost = 0
        for asked, missed in self.bursts:
            sent += asked
            lost += missed
        return lost / sent if sent else nan


class Columns:
    """The columns over one inventory. Used by one thread at a time."""

    def __init__(self, devices: Sequence[Device]) -> None:
        self._number = {device.device_id: number for number, device in enumerate(devices)}
        self._figures = np.full((len(FIGURES), len(devices)), np.nan)
        self._since = np.zeros(len(devices))
        self._states: list[str] = ["unknown"] * len(devices)
        self._roots: list[str | None] = [None] * len(devices)
        self._incidents: dict[int, str] = {}
        self._measures: dict[int, tuple[Measure, ...]] = {}
        self._faults: dict[int, tuple[Fault, ...]] = {}
        self._oddities: dict[int, tuple[str, ...]] = {}
        self._usual: dict[int, float] = {}
        self._failed: dict[int, tuple[str, ...]] = {}
        self._declared: dict[int, tuple[tuple[str, float], ...]] = {}
        self._kept: dict[str, pa.Array] = {
            "device_id": pa.array([device.device_id for device in devices], pa.string()),
            "address": pa.array([device.address for device in devices], pa.string()),
            "area": pa.array([device.area for device in devices], pa.string()),
            "role": pa.array([device.role for device in devices], pa.string()),
            "parent": pa.array([device.parent for device in devices], pa.string()),
            "subscribers": pa.array([device.subscribers for device in devices], pa.int64()),
        }
        self.believe(())

    def measure(self, polled: Iterable[Newest]) -> None:
        """Take in the last polls of these devices."""
        known = [(number, new) for new in polled if (number := self._number.get(new.device_id)) is not None]
        for number, new in known:
            if new.parts or number in self._failed or number in self._declared:
                _put(self._failed, number, failed(new.parts))
                _put(self._declared, number, declared(new.parts))
        rows = [(number, new.figures) for number, new in known]
        if rows:
            numbers, figures = zip(*rows, strict=True)
            flat = np.fromiter(chain.from_iterable(figures), float, len(numbers) * len(FIGURES))
            self._figures[:, numbers] = flat.reshape(-1, len(FIGURES)).T

    def believe(self, turned: Iterable[Newest]) -> None:
        """Take in what is believed of these devices, and what ails them."""
        for newest in turned:
            number = self._number.get(newest.device_id)
            if number is not None:
                self._since[number] = newest.since
                self._states[number], self._roots[number] = newest.state, newest.root
                _put(self._incidents, number, newest.incident_id)
                _put(self._measures, number, newest.measures)
                _put(self._faults, number, newest.faults)
                _put(self._oddities, number, newest.oddities)
                _put(self._usual, number, newest.usual_rtt_seconds)
        self._kept["since"] = _moments(self._since)
        self._kept["state"] = pa.array(self._states, pa.string())
        self._kept["root"] = pa.array(self._roots, pa.string())
        self._kept["degraded"] = self._sparse(self._measures, pa.list_(pa.string()))
        self._kept["faults"] = self._sparse(self._faults, pa.list_(pa.string()))
        self._kept["counter_oddities"] = self._sparse(self._oddities, pa.list_(pa.string()))
        self._kept["usual_rtt_seconds"] = self._sparse(self._usual, pa.float64())

    def table(self, under_way: Mapping[str, float], row_of: Callable[[str], str]) -> pa.Table:
        """The whole table; ``under_way`` says who is in a maintenance window until when, ``row_of`` an incident's id."""
        incidents = {number: row_of(name) for number, name in self._incidents.items()}
        found = {
            **self._kept,
            "incident_id": self._sparse(incidents, pa.string()),
            "maintenance_until": self._maintenance(under_way),
            "failed_parts": self._sparse(self._failed, pa.list_(pa.string())),
            "measures": self._sparse(self._declared, ARROW["number_map"]),
        }
        for name, values in zip(FIGURES, self._figures, strict=True):
            found[name] = _moments(values) if name.endswith("_at") else pa.array(values, from_pandas=True)
        return pa.Table.from_arrays([found[name] for name in SCHEMA.names], schema=SCHEMA)

    def _sparse(self, values: Mapping[int, Any], kind: pa.DataType) -> pa.Array:
        """A column that is null for most."""
        if not values:
            return pa.nulls(len(self._number), kind)
        column: list[Any] = [None] * len(self._number)
        for number, value in values.items():
            column[number] = value
        return pa.array(column, kind)

    def _maintenance(self, under_way: Mapping[str, float]) -> pa.Array:
        until = np.full(len(self._number), np.nan)
        if under_way:
            for name, number in self._number.items():
                root = self._roots[number]
                until[number] = under_way.get(name) or (under_way.get(root, np.nan) if root is not None else np.nan)
        return _moments(until)


def _put(values: dict[int, T], number: int, value: T | None) -> None:
    if value:
        values[number] = value
    else:
        values.pop(number, None)


def _rates(traffic: Traffic) -> Rates:
    seconds, received, transmitted, _, _, share, *_ = traffic
    return (
        nan if received is None else received / seconds,
        nan if transmitted is None else transmitted / seconds,
        nan if share is None else share,
    )


def _round_trip(reading: Reading) -> float:
    """The median of the last burst, else the round trip of SNMP; NaN for a poll that nothing answered."""
    rtts = reading.echoes.rtt_seconds if reading.echoes is not None else ()
    if rtts:
        return sorted(rtts)[(len(rtts) - 1) // 2]
    found = reading.snmp_rtt_seconds
    return nan if found is None or not reading.is_reachable else found


def _moments(seconds: npt.NDArray[np.float64]) -> pa.Array:
    """Unix seconds as UTC timestamps; NaN is null."""
    missing = np.isnan(seconds)
    microseconds = np.round(np.where(missing, 0.0, seconds) * 1e6).astype(np.int64)
    return pa.array(microseconds, mask=missing).cast(pa.timestamp("us", tz="UTC"))
