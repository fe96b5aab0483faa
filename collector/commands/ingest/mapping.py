"""The file that says what the columns of another system's measurements are: which hour, whose, and how values become ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import settings_file
from collector.published import QUALITY_HOURS

KEYS = ("hour", "device_id")
COLUMNS = tuple(name for name in QUALITY_HOURS.column_names if name not in KEYS)
WHOLE_NUMBERS = frozenset(column.name for column in QUALITY_HOURS.columns if column.type == "integer")
FIELDS = ("device_id", "address", "site")
HOURS, SAMPLES = "hours", "samples"
AGGREGATES = ("mean", "sum", "min", "max", "p50", "p95", "count", "counter")
USUAL = {
    "rtt_p50_seconds": "p50",
    "rtt_p95_seconds": "p95",
    "receive_p95_bytes_per_second": "p95",
    "transmit_p95_bytes_per_second": "p95",
    "utilization_p95_ratio": "p95",
    "jitter_seconds": "mean",
    "signal_dbm": "mean",
    "signal_noise_db": "mean",
    "rtt_count": "sum",
}
"""How samples become an hour where the file does not say; the rest are sums."""


@dataclass(frozen=True, slots=True)
class Time:
    """The column with the time: ISO 8601, or Unix seconds. ``timezone`` is for texts that name none."""

    column: str = "hour"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Device:
    """The column that names the device: by its ``field`` in the inventory, or by the first group of ``pattern``."""

    column: str = "device_id"
    field: str = "device_id"
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of ours: ``column`` of the file times ``scale``, or ``constant`` in each row in which the column ``where``
    has a value.

    ``aggregate`` says how several samples become an hour's value; a ``counter`` runs on from sample to sample.
    """

    column: str | None = None
    constant: float | None = None
    where: str | None = None
    scale: float = 1.0
    aggregate: str = ""


@dataclass(frozen=True, slots=True)
class Mapping:
    """All of the file. ``rows`` are ``hours``, one of each device, or ``samples``, of which each stands for ``every_seconds``.

    ``absent`` are words for a value that was not measured, beside an empty cell.
    """

    rows: str = HOURS
    every_seconds: float = 0.0
    time: Time = Time()
    device: Device = Device()
    columns: dict[str, Column] | None = None
    absent: tuple[str, ...] = ("NA", "N/A", "NaN", "null", "None", "-")


def load(path: Path | None) -> Mapping:
    """Read the file; without one the columns are called as ours. Raises settings_file.SettingsError, naming the key."""
    if path is None:
        return Mapping()
    found = settings_file.load(path, Mapping)
    if found.rows not in (HOURS, SAMPLES):
        raise settings_file.SettingsError(f"{path}: rows: must be {HOURS} or {SAMPLES}, not {found.rows!r}")
    if found.rows == SAMPLES and not 0 < found.every_seconds <= 3600:
        raise settings_file.SettingsError(
            f"{path}: every_seconds: must be above 0 and at most 3600: for how long a sample stands"
        )
    try:
        ZoneInfo(found.time.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise settings_file.SettingsError(
            f"{path}: time.timezone: {found.time.timezone!r} is no name of a time zone, such as Europe/Lisbon"
        ) from None
    _check_device(found.device, path)
    columns = {name: _column(name, column, found.rows, path) for name, column in (found.columns or {}).items()}
    return replace(found, columns=columns or None)


def _check_device(device: Device, path: Path) -> None:
    if device.field not in FIELDS:
        raise settings_file.SettingsError(
            f"{path}: device.field: must be one of {', '.join(FIELDS)}, not {device.field!r}"
        )
    try:
        groups = re.compile(device.pattern or "()").groups
    except re.error as error:
        raise settings_file.SettingsError(f"{path}: device.pattern: is no regular expression: {error}") from None
    if not groups:
        raise settings_file.SettingsError(
            f"{path}: device.pattern: has no group (...) that says what the device is called"
        )


def _column(name: str, column: Column, rows: str, path: Path) -> Column:
    where = f"{path}: columns.{name}"
    if name not in COLUMNS:
        raise settings_file.SettingsError(f"{where}: no such column; there are: {', '.join(COLUMNS)}")
    if (column.column is None) == (column.constant is None):
        raise settings_file.SettingsError(f"{where}: needs one of column and constant")
    if (column.constant is None) != (column.where is None):
        raise settings_file.SettingsError(f"{where}: constant and where go together: in which rows it holds")
    if column.aggregate and rows == HOURS:
        raise settings_file.SettingsError(f"{where}.aggregate: is for rows that are samples")
    if column.aggregate not in ("", *AGGREGATES):
        raise settings_file.SettingsError(
            f"{where}.aggregate: must be one of {', '.join(AGGREGATES)}, not {column.aggregate!r}"
        )
    if rows == SAMPLES and name == "observed_seconds":
        raise settings_file.SettingsError(f"{where}: is the number of samples times every_seconds; leave it out")
    return replace(column, aggregate=column.aggregate or USUAL.get(name, "sum"))
