"""Rows of a file become hours of devices that keep the bounds of ``quality_hours``, or the reason why they cannot."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean, median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bairro_error import BairroError
from collector.commands.ingest import mapping as mappings
from collector.commands.ingest.file_rows import Cells
from collector.hour_bounds import FIRST_HOUR, HOURS, LAST_HOUR, PART_OF, ROUNDING
from collector.reading import Device

HOUR = 3600
NEARLY_WHOLE = 1e-6
"""What sums of fractions are off by."""
MOST_RESTARTS = 120
Key = tuple[int, str]
Values = dict[str, float]


class UnusableRowError(BairroError, ValueError):
    """A row that cannot be used; ``field`` is the column of the file, or of ours."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class Sample(NamedTuple):
    """One measurement: when (Unix seconds), of which device, where in which file, and its values by our columns."""

    at: float
    device_id: str
    place: str
    values: Values


class RowReader:
    """Reads rows as a mapping says. ``newest`` (Unix seconds) is the first hour that may not be taken yet."""

    def __init__(
        self, wanted: mappings.Mapping, columns: Sequence[str], devices: Mapping[str, Device], newest: int
    ) -> None:
        self._wanted = wanted
        self._zone = ZoneInfo(wanted.time.timezone)
        self._newest = newest
        self._absent = {"", *(word.casefold() for word in wanted.absent)}
        given = wanted.columns
        if given is None:
            given = {name: mappings.Column(name) for name in mappings.COLUMNS if name in columns}
        self._columns = given
        self._pattern = re.compile(wanted.device.pattern) if wanted.device.pattern else None
        self._devices: dict[str, list[str]] = {}
        for device in devices.values():
            called = getattr(device, wanted.device.field)
            if called is not None:
                self._devices.setdefault(called, []).append(device.device_id)

    def missing(self, columns: Sequence[str]) -> list[str]:
        """The columns of the file that the mapping names and that are not there."""
        named = [self._wanted.time.column, self._wanted.device.column]
        named += [told for column in self._columns.values() if (told := column.column or column.where)]
        return [name for name in dict.fromkeys(named) if self._key(name, columns) not in columns]

    @staticmethod
    def _key(name: str, columns: Sequence[str]) -> str:
        return name if name in columns else name.lower()

    def sample(self, cells: Cells, place: str) -> Sample:
        """One row. Raises UnusableRowError."""
        device_id = self._device(cells)
        at = self._time(cells)
        values: Values = {}
        for name, column in self._columns.items():
            told = column.column or column.where or ""
            value = self._number(_cell(cells, told), told)
            if value is not None:
                values[name] = column.scale * (value if column.constant is None else column.constant)
        return Sample(at, device_id, place, values)

    def _device(self, cells: Cells) -> str:
        named = self._wanted.device
        called = str(_cell(cells, named.column) or "").strip()
        if not called:
            raise UnusableRowError(named.column, "is empty")
        if self._pattern is not None:
            match = self._pattern.search(called)
            if match is None:
                raise UnusableRowError(named.column, f"{called!r} does not match {named.pattern}")
            called = match[1] or ""
        found = self._devices.get(called, [])
        if len(found) != 1:
            what = "no device" if not found else f"{len(found)} devices"
            raise UnusableRowError(named.column, f"{what} of the inventory has the {named.field} {called!r}")
        return found[0]

    def _time(self, cells: Cells) -> float:
        column = self._wanted.time.column
        at = self._moment(_cell(cells, column), column)
        if not FIRST_HOUR.timestamp() <= at < LAST_HOUR.timestamp():
            raise UnusableRowError(column, f"{_cell(cells, column)} is of a clock that was not set")
        if at >= self._newest:
            raise UnusableRowError(column, f"{_cell(cells, column)} is not over for long enough; ingest it later")
        if self._wanted.rows == mappings.HOURS and at % HOUR:
            raise UnusableRowError(column, f"{_cell(cells, column)} is not the start of an hour (UTC)")
        return at

    def _moment(self, value: Any, column: str) -> float:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        else:
            text = str(value if value is not None else "").strip()
            if re.fullmatch(r"[0-9]{9,11}(\.[0-9]+)?", text):
                return float(text)
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise UnusableRowError(
                    column, f"{text!r} is no time: 2026-03-01T12:00:00+00:00 or Unix seconds"
                ) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).timestamp()

    def _number(self, value: Any, column: str) -> float | None:
        if value is None or (isinstance(value, str) and value.strip().casefold() in self._absent):
            return None
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise UnusableRowError(column, f"{value!r} is no number") from None
        if math.isnan(number) and isinstance(value, float):
            return None
        if not math.isfinite(number):
            raise UnusableRowError(column, f"{value!r} is no number")
        return number

    def hours(self, samples: Sequence[Sample]) -> Iterator[tuple[Key, str, Values]]:
        """Samples of all devices as hours, with the place of the first of each; those without any value count for nothing."""
        if self._wanted.rows == mappings.HOURS:
            for one in samples:
                yield (int(one.at), one.device_id), one.place, one.values
            return
        samples = _merged(samples)
        grouped: dict[Key, list[Sample]] = {}
        for one in samples:
            grouped.setdefault((int(one.at // HOUR) * HOUR, one.device_id), []).append(one)
        counted = self._counted(samples)
        for key, own in sorted(grouped.items()):
            values = {name: value for name, value in self._together(own) if value is not None}
            values |= {name: hours[key] for name, hours in counted.items() if key in hours}
            observed = min(float(HOUR), len(own) * self._wanted.every_seconds)
            yield key, own[0].place, {"observed_seconds": observed, **values}

    def _together(self, own: Sequence[Sample]) -> Iterator[tuple[str, float | None]]:
        for name, column in self._columns.items():
            values = [one.values[name] for one in own if name in one.values]
            if column.aggregate != "counter":
                yield name, _aggregated(values, column.aggregate) if values else None

    def _counted(self, samples: Sequence[Sample]) -> dict[str, dict[Key, float]]:
        """What counters went on by, shared out over the hours by time; one that falls has begun anew, and says nothing."""
        found: dict[str, dict[Key, float]] = {}
        longest = max(2 * self._wanted.every_seconds, HOUR)
        ordered = sorted(samples, key=lambda one: (one.device_id, one.at))
        for name in (name for name, column in self._columns.items() if column.aggregate == "counter"):
            hours = found.setdefault(name, {})
            told = [one for one in ordered if name in one.values]
            for before, now in pairwise(told):
                went_on, took = now.values[name] - before.values[name], now.at - before.at
                if before.device_id == now.device_id and went_on >= 0 and 0 < took <= longest:
                    for hour, seconds in _split(before.at, now.at):
                        key = hour, now.device_id
                        hours[key] = hours.get(key, 0.0) + went_on * seconds / took
        return found


def _merged(samples: Sequence[Sample]) -> list[Sample]:
    """One sample for each device and moment, be it told in several rows or several times; without those of no value."""
    found: dict[tuple[str, float], Sample] = {}
    for one in samples:
        if one.values:
            before = found.setdefault((one.device_id, one.at), one)
            found[one.device_id, one.at] = before._replace(values=before.values | one.values)
    return list(found.values())


def _split(first: float, last: float) -> Iterator[tuple[int, float]]:
    """Each hour between two moments, with the seconds in it."""
    at = first
    while at < last:
        hour = int(at // HOUR) * HOUR
        until = min(last, hour + HOUR)
        yield hour, until - at
        at = until


def _aggregated(values: Sequence[float], how: str) -> float:
    if how in ("p50", "p95"):
        return median(values) if how == "p50" else _percentile(sorted(values), 0.95)
    plain = {"mean": fmean, "sum": math.fsum, "min": min, "max": max, "count": len}
    return float(plain[how](values))  # type: ignore[operator]


def _percentile(ordered: Sequence[float], share: float) -> float:
    """By linear interpolation, as numpy and DuckDB's quantile_cont do."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _cell(cells: Cells, column: str) -> Any:
    return cells[column] if column in cells else cells.get(column.lower())


def checked(values: Values, device: Device) -> Values:
    """The values of an hour as they may stand in the table. Raises UnusableRowError for what cannot be."""
    if values.get("observed_seconds") is None:
        raise UnusableRowError("observed_seconds", "is missing: without it nobody knows whether the hour was observed")
    row = {name: _whole(name, value) if name in mappings.WHOLE_NUMBERS else value for name, value in values.items()}
    for name, value in row.items():
        bound = HOURS[name]
        if not bound.holds(value):
            raise UnusableRowError(name, f"{value:g} is beyond {bound.least:g} to {bound.most:g}: {bound.reason}")
    for part, whole in PART_OF.items():
        if part in row and whole in row and row[part] > row[whole] * (1 + ROUNDING) + ROUNDING:
            raise UnusableRowError(part, f"{row[part]:g} is more than {whole}, {row[whole]:g}")
    if row.get("rtt_p50_seconds", 0.0) > row.get("rtt_p95_seconds", math.inf):
        raise UnusableRowError("rtt_p50_seconds", "is above rtt_p95_seconds")
    if row.get("down_seconds", 0.0) + row.get("silent_seconds", 0.0) > row["observed_seconds"] + 1e-6:
        raise UnusableRowError("down_seconds", "with silent_seconds is more than observed_seconds")
    _agree(row)
    for way in ("receive", "transmit"):
        capacity = getattr(device, f"capacity_{way}_bytes_per_second")
        if capacity is not None and row.get(f"{way}_bytes", 0.0) > 2 * capacity * HOUR:
            raise UnusableRowError(
                f"{way}_bytes", f"{row[f'{way}_bytes']:g} in an hour are more than twice what the device can carry"
            )
    return row


def _whole(name: str, value: float) -> float:
    """A count. Raises UnusableRowError for a part of one: half a restart is none that happened, or one that did."""
    whole = float(round(value))
    if abs(value - whole) > NEARLY_WHOLE * max(1.0, abs(value)):
        raise UnusableRowError(
            name,
            f"{value:g} is no whole number, and it counts: take the sum or the largest of the hour, and look at scale",
        )
    return whole


def shown(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour, UTC):%Y-%m-%d %H:%M}"


def _agree(row: Values) -> None:
    """Raises UnusableRowError where values of one hour deny each other."""
    heard = ["polls_answered"] if row.get("polls_answered", 0.0) > 0 else []
    if "pings_lost" in row and row.get("pings_sent", 0.0) > row["pings_lost"]:
        heard.append("pings_sent")
    if heard and 0 < row["observed_seconds"] <= row.get("down_seconds", 0.0):
        raise UnusableRowError(
            "down_seconds", f"is the whole time observed, though {heard[0]} says that the device was heard"
        )
    for name in ("rtt_p50_seconds", "rtt_p95_seconds", "rtt_seconds_sum"):
        if row.get("pings_sent") == 0 and row.get(name, 0.0) > 0:
            raise UnusableRowError(name, "is given, though pings_sent is 0")
    if row.get("restarts", 0.0) > MOST_RESTARTS:
        raise UnusableRowError("restarts", f"{row['restarts']:g} is more than one in half a minute")
