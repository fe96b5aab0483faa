"""Poll stage, last step: raw values become the records of a Reading. What a device did not give is None."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from operator import add
from typing import NamedTuple

from collector.bounds import can_be
from collector.poll.damage import Damaged
from collector.poll.objects.text_encodings import decoded
from collector.poll.profile import CLOCKS, Source, Table
from collector.poll.snmp.codec import Absent, Oid, Value, decode_subids, oid_text
from collector.reading import InterfaceReading, PartReading, ProbeReading, SignalReading

Cells = Mapping[str, Mapping[bytes, Value]]
"""A walked table: column name -> index bytes -> raw value."""


class Record(NamedTuple):
    """One record that answers fill: field -> the places among the values asked for that measure it, or what is known.

    Of several places the first that has a value counts. ``proofs`` are the places of texts that show the record to be
    still of the same thing.
    """

    kind: type[InterfaceReading] | type[SignalReading]
    measured: Mapping[str, Sequence[int]]
    known: Mapping[str, object]
    proofs: tuple[int, ...] = ()

    def moved(self, places: int) -> Record:
        """The same, with its values moved on by an offset."""
        measured = {field: [place + places for place in found] for field, found in self.measured.items()}
        return self._replace(measured=measured, proofs=tuple(place + places for place in self.proofs))


class Found(NamedTuple):
    """What tables gave."""

    interfaces: tuple[InterfaceReading, ...] = ()
    signals: tuple[SignalReading, ...] = ()
    probes: tuple[ProbeReading, ...] = ()
    parts: tuple[PartReading, ...] = ()

    def plus(self, more: Found) -> Found:
        return Found(*map(add, self, more))


LONGEST_TEXT = 255
LEAST_SIGNED_BYTE = -128.0
"""What agents give for level and noise alike when they have measured neither."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_SIGNAL_PLACES = {name: place for place, name in enumerate(SignalReading._fields)}
_ABSENT_SIGNAL: tuple[object, ...] = (None,) * len(_SIGNAL_PLACES)


def text(value: Value) -> str | None:
    """Text in the encoding that the device uses, on one line and without control characters; None if empty."""
    if isinstance(value, tuple):
        return oid_text(value)
    if not isinstance(value, bytes):
        return None
    told, _ = decoded(value.rstrip(b"\0"))
    return _CONTROL.sub(" ", told).strip()[:LONGEST_TEXT] or None


def number(source: Source, value: Value) -> int | float | bool | None:
    """One number, boolean or counter as its source declares; None if the device has none."""
    convert = source.convert
    if convert is not None:
        return convert(value)
    return value if type(value) is int and value >= 0 else None


def read(source: Source, value: Value) -> Value:
    """The value as it came, or Damaged where its object cannot have it: no counter and no clock is a text, or negative,
    and an enumeration has the numbers that it names.
    """
    if value is None or isinstance(value, (Absent, Damaged)):
        return value
    if source.values:
        return value if value in source.meanings else Damaged.UNFIT
    if not source.is_never_negative:
        return value
    if source.bits:
        return value if type(value) is int and value >= 0 else Damaged.UNFIT
    if isinstance(value, bytes) and source.field in CLOCKS:
        return Damaged.UNFIT
    return Damaged.UNFIT if isinstance(value, (int, float)) and value < 0 else value


class Scalars:
    """The scalars asked of one device, in the order of the question. Of a field the first that has a value gives it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)
        self.count = len(self.sources)
        self.has_channels = any(source.channel is not None for source in sources)
        self._places: dict[str, list[tuple[int, Source]]] = {}
        for place, source in enumerate(sources):
            if source.channel is None:
                self._places.setdefault(source.field, []).append((place, source))

    def settled(self, values: Sequence[Value]) -> list[Value]:
        """The same values, without those that would stand in for a damaged one."""
        damaged: set[tuple[str | None, str]] = set()
        kept: list[Value] = []
        for source, value in zip(self.sources, values, strict=False):
            field = source.channel, source.field
            kept.append(None if field in damaged else value)
            if isinstance(value, Damaged):
                damaged.add(field)
        return kept

    def number(self, field: str, values: Sequence[Value]) -> float | None:
        for place, source in self._places.get(field, ()):
            found = number(source, values[place])
            if found is not None:
                return found
        return None

    def channels(self, values: Sequence[Value]) -> tuple[SignalReading, ...]:
        """Signals given as scalars, one reading per channel that has any value."""
        rows: dict[str, list[object]] = {}
        for source, value in zip(self.sources, values, strict=False):
            measured = number(source, value) if source.channel is not None else None
            if source.channel is None or measured is None:
                continue
            row = rows.setdefault(source.channel, [source.channel, *_ABSENT_SIGNAL[1:]])
            if row[_SIGNAL_PLACES[source.field]] is None:
                row[_SIGNAL_PLACES[source.field]] = measured
            if source.dark_dbm is not None:
                row[_SIGNAL_PLACES["dark_dbm"]] = source.dark_dbm
        return tuple(filter(None, map(signal, rows.values())))

    def records(self) -> list[Record] | None:
        """The channels as records of the question; None where several sources may give one field of the device."""
        if any(len(places) > 1 for places in self._places.values()):
            return None
        measured: dict[str, dict[str, list[int]]] = {}
        for place, source in enumerate(self.sources):
            if source.channel is not None:
                measured.setdefault(source.channel, {}).setdefault(source.field, []).append(place)
        dark = {source.channel: source.dark_dbm for source in self.sources if source.dark_dbm is not None}
        return [
            Record(SignalReading, found, {"channel": channel, "dark_dbm": dark.get(channel)})
            for channel, found in measured.items()
        ]

    def place(self, field: str) -> int | None:
        """Where the question asks for a field."""
        found = self._places.get(field)
        return found[0][0] if found else None

    def given(self, values: Sequence[Value]) -> Scalars:
        """Those that this device answers and that no earlier one makes redundant; all if it answers none.

        One that is damaged is given.
        """
        kept: dict[str, Source] = {}
        for source, value in zip(self.sources, values, strict=False):
            if not isinstance(value, Absent) and value is not None:
                kept.setdefault(source.name if source.channel is not None else source.field, source)
        return Scalars(tuple(kept.values())) if kept else self


def settled(table: Table, cells: Cells, cut: Container[str] = ()) -> Cells:
    """The same cells, without those that would stand in for one that is damaged, or that was not reached.

    ``cut`` are the columns that were walked in part.
    """
    kept: dict[str, dict[bytes, Value]] = {}
    damaged: set[tuple[str, bytes]] = set()
    reached: dict[str, Container[bytes]] = {}
    for column in table.columns:
        given = cells.get(column.name)
        if given is None:
            continue
        field, within = column.field, reached.get(column.field, given)
        found = {
            index: read(column, value)
            for index, value in given.items()
            if index in within and (field, index) not in damaged
        }
        kept[column.name] = found
        damaged.update((field, index) for index, value in found.items() if isinstance(value, Damaged))
        if column.name in cut and given:
            reached.setdefault(field, given)
    return kept


Row = dict[str, object]
"""What one row of a table gives: field -> value, without those that it lacks."""


def giving(columns: Sequence[Source], values: Sequence[Value]) -> Iterable[Source]:
    """Of the columns of one row those that give its fields: of each field the first of which something can be read, or
    that is damaged, else the first that is answered.
    """
    best: dict[str, Source] = {}
    mute: dict[str, Source] = {}
    for column, raw in zip(columns, values, strict=True):
        value = read(column, raw)
        if _value(column, value) is not None or isinstance(value, Damaged):
            best.setdefault(column.field, column)
        elif value is not None and not isinstance(value, Absent):
            mute.setdefault(column.field, column)
    return (mute | best).values()


def chosen(table: Table, cells: Cells) -> list[tuple[Source, bytes]]:
    """The cells of a walked table that count: those that give the fields of every row that measures anything."""
    indexes = sorted({index for column in table.columns for index in cells.get(column.name, {})}, key=decode_subids)
    found: list[tuple[Source, bytes]] = []
    for index in indexes:
        row = {column: cells.get(column.name, {}).get(index) for column in table.columns}
        if any(_measures(column, raw) for column, raw in row.items()):
            found += [(column, index) for column in giving(tuple(row), tuple(row.values()))]
    return found


def _measures(column: Source, raw: Value) -> bool:
    return not column.is_text and (isinstance(raw, Damaged) or number(column, raw) is not None)


def rows(table: Table, cells: Cells) -> list[tuple[str, Row]]:
    """Every row of a walked table that measures anything, by its index as text. Of a field the first value counts."""
    found: dict[bytes, Row] = {}
    for column, index in chosen(table, cells):
        row = found.setdefault(index, {})
        value = _value(column, cells[column.name][index])
        if value is not None:
            row[column.field] = value
        if column.dark_dbm is not None:
            row["dark_dbm"] = column.dark_dbm
    return [(index_text(decode_subids(index)), row) for index, row in found.items()]


def _value(column: Source, raw: Value) -> object:
    if column.is_text:
        return column.values.get(str(raw)) if column.values and isinstance(raw, int) else text(raw)
    return number(column, raw)


def row_names(offered: Sequence[tuple[str, str | None]]) -> list[str]:
    """A name for each (index, text): the text, with the index where several have the same, else the index alone."""
    counted = Counter(name for _, name in offered)
    return [(f"{name}#{index}" if counted[name] > 1 else name) if name else index for index, name in offered]


def signals(table: Table, cells: Cells) -> tuple[SignalReading, ...]:
    """Every row of a walked signal table that measures anything, by a channel of its own."""
    found = rows(table, cells)
    names = row_names([(index, str(row.pop("channel", "")) or None) for index, row in found])
    readings = []
    for name, (_, row) in zip(names, found, strict=True):
        values = list(_ABSENT_SIGNAL)
        values[0] = f"{table.channel} {name}".lstrip()
        for field, value in row.items():
            values[_SIGNAL_PLACES[field]] = value
        readings.append(signal(values))
    return tuple(filter(None, readings))


def signal(row: Sequence[object]) -> SignalReading | None:
    """The reading of one row of a signal's fields; None where nothing was measured.

    The ratio of signal to noise is the difference of both where the device does not give it and both are possible.
    """
    reading: SignalReading = tuple.__new__(SignalReading, row)
    level, noise = reading.received_dbm, reading.noise_dbm
    if level == noise == LEAST_SIGNED_BYTE:
        reading = reading._replace(received_dbm=None, noise_dbm=None)
    if reading[1:-1] == _ABSENT_SIGNAL[1:-1]:
        return None
    if reading.noise_ratio_db is not None or level is None or noise is None or reading.received_dbm is None:
        return reading
    if can_be("received_dbm", level) and can_be("noise_dbm", noise):
        return reading._replace(noise_ratio_db=level - noise)
    return reading


def index_text(index: Oid) -> str:
    """An index as a person reads it: texts where it is made of texts with their lengths before them, else numbers."""
    texts = []
    rest = index
    while rest:
        size, inside = rest[0], rest[1 : 1 + rest[0]]
        if not 1 < size == len(inside) or not all(32 < subid < 127 for subid in inside):
            return oid_text(index)
        texts.append(bytes(inside).decode("ascii"))
        rest = rest[1 + size :]
    return "/".join(texts)
