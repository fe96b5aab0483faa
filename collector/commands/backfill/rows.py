"""Values by column, device and hour become rows of ``quality_hours`` that keep its invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from collector.commands.backfill.queries import SILENCE
from collector.published import QUALITY_HOURS
from collector.reading import Device

HOUR_SECONDS = 3600.0
MOST_STEPS_UP = 64

Values = dict[str, float]
Row = dict[str, Any]

_COUNTS = frozenset(column.name for column in QUALITY_HOURS.columns if column.type == "integer")
_LEVELS = frozenset({"signal_dbm", "signal_noise_db", "temperature_celsius"})
"""Alone among the columns, these may be below zero."""

_PARTS = (
    ("planned_seconds", "down_seconds"),
    ("pings_lost", "pings_sent"),
    ("rtt_count", "pings_sent"),
    ("rtt_p50_seconds", "rtt_p95_seconds"),
    ("codewords_uncorrectable", "codewords_total"),
)
"""Pairs of which the first cannot be more than the second."""


class RowMaker:
    """Makes the rows of one hour after another; ``dropped`` counts by column what could not be true."""

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self._devices = devices
        self.dropped: Counter[str] = Counter()

    def rows(self, hour: int, found: Mapping[str, Values]) -> Iterator[Row]:
        """The rows of ``hour`` (Unix seconds) of the devices in ``found`` that were observed in it."""
        for device_id, values in found.items():
            observed = min(values.get("observed_seconds", 0.0), HOUR_SECONDS)
            if observed <= 0:
                continue
            given: dict[str, float | None] = {k: v for k, v in values.items() if k not in (SILENCE, "observed_seconds")}
            if SILENCE in values:
                given |= self._silence(device_id, found, observed)
            yield {
                "hour": hour,
                "device_id": device_id,
                "observed_seconds": observed,
                **self._possible(given, observed),
            }

    def _silence(self, device_id: str, found: Mapping[str, Values], observed: float) -> dict[str, float | None]:
        """A network device's silence is an outage; a customer's only as far as a device above was silent too.

        Where the devices above were not measured nobody can say, and both stay unknown.
        """
        silence = min(max(0.0, found[device_id][SILENCE]), observed)
        device = self._devices[device_id]
        if device.role != "cpe":
            return {"down_seconds": silence, "silent_seconds": 0.0}
        above = list(self._above(device))
        known = [found[name][SILENCE] for name in above if SILENCE in found.get(name, {})]
        if above and not known:
            return (
                {"down_seconds": None, "silent_seconds": None}
                if silence
                else {"down_seconds": 0.0, "silent_seconds": 0.0}
            )
        down = min(silence, max(known, default=0.0))
        return {"down_seconds": down, "silent_seconds": silence - down}

    def _above(self, device: Device) -> Iterator[str]:
        """The devices above, nearest first."""
        at: Device | None = device
        for _ in range(MOST_STEPS_UP):
            at = self._devices.get(at.parent) if at is not None and at.parent is not None else None
            if at is None:
                return
            yield at.device_id

    def _possible(self, given: dict[str, float | None], observed: float) -> Row:
        """What may stand in a row; the rest is left out, so that it counts as not measured."""
        row: Row = {}
        for name, value in given.items():
            if value is None:
                continue
            if name == "utilization_p95_ratio":
                value = min(value, 1.0)  # noqa: PLW2901
            if value < 0 and name not in _LEVELS:
                self.dropped[name] += 1
                continue
            row[name] = round(value) if name in _COUNTS else value
        for name, whole in _PARTS:
            if name in row and whole in row and row[name] > row[whole]:
                self._drop(row, name)
        if row.get("down_seconds", 0.0) + row.get("silent_seconds", 0.0) > observed + 1e-6:
            for name in ("down_seconds", "silent_seconds", "planned_seconds"):
                self._drop(row, name)
        return row

    def _drop(self, row: Row, name: str) -> None:
        if row.pop(name, None) is not None:
            self.dropped[name] += 1
