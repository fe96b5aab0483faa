"""Poll stage: rows and scalars that tell of a device's parts become one reading a value, or optical levels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from collector.poll.conversions import dbm
from collector.poll.objects import decode
from collector.poll.objects.decode import Cells, Found
from collector.poll.profile import MEMORY_HELPERS, PART_HELPERS, Source, Table
from collector.poll.snmp.codec import Value
from collector.reading import PartReading, SignalReading

UNITS = 9
"""EntitySensorDataScale (RFC 3433) of a value in whole units; each step from it is a factor of 1,000."""
SCALES = range(1, 18)
PRECISIONS = range(-8, 10)
_RECEIVED = re.compile(r"(?i)(?<![a-z])(rx|receiv\w*|input)(?![a-z])")
_SENT = re.compile(r"(?i)(?<![a-z])(tx|transmit\w*|output)(?![a-z])")
_OPTICAL = re.compile(r"(?i)optic|transceiver|xcvr|\bdom\b|\bsfp|\bqsfp|laser|lane")
_WORDS = re.compile(
    r"(?i)(?<![a-z])(rx|tx|receiv\w*|transmit\w*|input|output|optical|power|sensor|dom|for|level)(?![a-z])"
)
"""Words of a sensor's name that say what it measures rather than of which port."""


def parts(table: Table, cells: Cells) -> Found:
    """Every value of a walked table of parts; optical levels among them are signals."""
    found = decode.rows(table, cells)
    offered = Counter((row.get("name"), row.get("kind")) for _, row in found)
    readings: list[PartReading] = []
    levels: list[SignalReading] = []
    for index, row in found:
        name = _name(index, row.get("name"), is_double=offered[row.get("name"), row.get("kind")] > 1)
        if row.get("is_in_use") is False or (table.only and not re.search(table.only, name)):
            continue
        target = table.kinds.get(str(row.get("kind"))) or table.kinds.get(str(row.get("units")))
        if table.kinds and target is None:
            continue
        part = f"{table.channel} {name}".strip()
        if target is not None and "value" in row:
            value = _scaled(row, target)
            level = _level(name, target, value)
            if level is not None:
                levels.append(level)
            elif value is not None:
                readings += _named(target, part, value)
        readings += measured(part, {field: value for field, value in row.items() if field not in ("kind", "value")})
    return Found(signals=joined(levels), parts=tuple(readings))


def scalars(sources: Sequence[Source], values: Sequence[Value]) -> tuple[PartReading, ...]:
    """Values that the device has once; ``channel`` names the part. Several that are free add up."""
    given = [
        (source.channel or "", source.field, value)
        for source, raw in zip(sources, values, strict=True)
        if isinstance(value := decode.number(source, raw), (int, float))
    ]
    readings: list[PartReading] = []
    for part, group in groupby(sorted(given, key=itemgetter(0)), key=itemgetter(0)):
        row: dict[str, float] = {}
        for _, field, value in group:
            if field == "memory_free":
                row[field] = row.get(field, 0.0) + value
            else:
                row.setdefault(field, value)
        readings += measured(part, row)
    return tuple(readings)


def measured(part: str, row: Mapping[str, object]) -> list[PartReading]:
    """The measures of one row: those that it gives, and the share of a memory that is in use."""
    readings = [
        PartReading(field, part, float(value))
        for field, value in row.items()
        if field not in PART_HELPERS and isinstance(value, (int, float))
    ]
    share = _memory_ratio(*(row.get(field) for field in MEMORY_HELPERS))
    return readings if share is None else [*readings, PartReading("memory_ratio", part, share)]


def joined(levels: Iterable[SignalReading]) -> tuple[SignalReading, ...]:
    """One reading a channel: what it receives and what it sends stand in rows of their own."""
    found: dict[str, SignalReading] = {}
    for level in levels:
        known = found.get(level.channel, level)
        found[level.channel] = known._replace(**{k: v for k, v in level._asdict().items() if v is not None})
    return tuple(found.values())


def _memory_ratio(used: object, free: object, size: object) -> float | None:
    """Of used, free and size any two tell the share that is in use."""
    numbers = [value if isinstance(value, (int, float)) else None for value in (used, free, size)]
    in_use, left, whole = numbers
    if whole is None and in_use is not None and left is not None:
        whole = in_use + left
    if in_use is None and left is not None and whole is not None:
        in_use = whole - left
    return in_use / whole if in_use is not None and whole else None


def _scaled(row: Mapping[str, object], target: str) -> float | None:
    """The row's value by RFC 3433's scale and precision, where it has them, and by the divisor of its kind."""
    value, scale, precision = row.get("value"), row.get("scale"), row.get("precision")
    if not isinstance(value, (int, float)):
        return None
    scaled = float(value)
    if scale in SCALES and isinstance(scale, int):
        scaled *= 1000.0 ** (scale - UNITS)
    if precision in PRECISIONS and isinstance(precision, int):
        scaled /= 10.0**precision
    divisor = target.partition("/")[2]
    return scaled / int(divisor) if divisor else scaled


def _named(target: str, part: str, value: float) -> list[PartReading]:
    measure = target.lstrip("!").partition("/")[0].replace("level_watts", "power_watts")
    if measure == "level_dbm":
        return []
    return [PartReading(measure, part, float(not value) if target.startswith("!") else value)]


def _level(name: str, target: str, value: float | None) -> SignalReading | None:
    """An optical level, where the name says which way the light goes; for watts it must say that it is light, too."""
    if (
        value is None
        or target not in ("level_dbm", "level_watts")
        or not (_RECEIVED.search(name) or _SENT.search(name))
    ):
        return None
    if target == "level_watts":
        if not _OPTICAL.search(name) or value > 1.0:
            return None
        value = dbm(value * 1000.0)
    channel = " ".join(_WORDS.sub(" ", name).split()) or name
    if _RECEIVED.search(name):
        return SignalReading(f"optical {channel}", received_dbm=value, dark_dbm=DARK_DBM)
    return SignalReading(f"optical {channel}", transmitted_dbm=value)


DARK_DBM = -40.0
"""What an optical receiver shows, at most, without light (SFF-8472 modules give 0.1 microwatt, which is -40 dBm)."""


def _name(index: str, name: object, *, is_double: bool) -> str:
    """The part's name, with the row's number where another part of its kind has the same; else the number alone."""
    if not isinstance(name, str):
        return index
    return f"{name}#{index}" if is_double else name
