"""Poll stage, last step: raw values become the records of a Reading. What a device did not give is None."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from collector.bounds import can_be
from collector.poll.damage import Damaged
from collector.poll.profile import CLOCKS, Source, Table
from collector.poll.snmp.codec import Absent, Oid, Value, decode_subids, oid_text
from collector.reading import InterfaceReading, ProbeReading, SignalReading

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

    def plus(self, more: Found) -> Found:
        return Found(self.interfaces + more.interfaces, self.signals + more.signals, self.probes + more.probes)


LONGEST_TEXT = 255
LEAST_SIGNED_BYTE = -128.0
"""What agents give for level and noise alike when they have measured neither."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]+")
_INTERFACE_PLACES = {name: place for place, name in enumerate(InterfaceReading._fields)}
_SIGNAL_PLACES = {name: place for place, name in enumerate(SignalReading._fields)}
_BITS = _INTERFACE_PLACES["counter_bits"]
BYTE_FIELDS = ("receive_bytes", "transmit_bytes")
_BYTES = tuple(_INTERFACE_PLACES[name] for name in BYTE_FIELDS)
_ABSENT_INTERFACE: list[object] = [64 if place == _BITS else None for place in range(len(_INTERFACE_PLACES))]
_ABSENT_SIGNAL: tuple[object, ...] = (None,) * len(_SIGNAL_PLACES)


def text(value: Value) -> str | None:
    """Text in the encoding that the device uses, on one line and without control characters; None if empty."""
    if isinstance(value, tuple):
        return oid_text(value)
    if not isinstance(value, bytes):
        return None
    try:
        decoded = value.decode("utf-8")
    except UnicodeDecodeError:
        decoded = value.decode("latin-1")
    return _CONTROL.sub(" ", decoded.rstrip("\0")).strip()[:LONGEST_TEXT] or None


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


class Correction(NamedTuple):
    """What is believed of one row of an interface table beside what stands in it.

    The columns ``without`` are not believed; where ``has_speed``, ``speed`` (bytes a second, None where nobody knows) is
    the interface's instead of theirs. ``why`` says it in words.
    """

    without: frozenset[str]
    has_speed: bool = False
    speed: float | None = None
    why: str = ""


Names = dict[bytes, tuple[str, str | None]]
"""Index bytes -> the interface's name and alias."""


def name_interfaces(
    table: Table, cells: Cells, kept: Mapping[bytes, str] | None = None, unnamed: Iterable[bytes] = ()
) -> Names:
    """A name for every row: ifName, or ifAlias, then ifDescr, where it is missing or double. Others are left out.

    Where only doubles exist, ifName or ifDescr is told apart by the row's number; the rows ``unnamed`` have nothing but
    that (``#7``). The rows of ``kept`` have the names that they had before.
    """
    candidates = row_texts(table, cells)
    aliases = next((texts for column, texts in candidates if column.field == "alias"), {})
    offers = [(texts, Counter(texts.values())) for _, texts in candidates]
    kept = kept or {}
    names: Names = {}
    taken: set[str] = set(kept.values())
    for index in sorted({*unnamed, *(index for texts, _ in offers for index in texts)}, key=decode_subids):
        offered = [texts[index] for texts, count in offers if index in texts and count[texts[index]] == 1]
        text_of_row = next((texts[index] for texts, _ in offers if index in texts), "")
        fallback = f"{text_of_row}#{oid_text(decode_subids(index))}"
        name = kept.get(index) or next((offer for offer in (*offered, fallback) if offer not in taken), fallback)
        if table.leave_out and re.fullmatch(table.leave_out, name):
            continue
        taken.add(name)
        names[index] = (name, aliases.get(index))
    return names


def row_texts(table: Table, cells: Cells) -> list[tuple[Source, dict[bytes, str]]]:
    """The columns that may name a row, the best first, with the texts of each that say anything."""
    first = [column for column in table.columns if column.field == "name" and column.instead_of is None]
    second = [column for column in table.columns if column.field == "alias"]
    third = [column for column in table.columns if column.field == "name" and column.instead_of is not None]
    return [
        (column, {index: readable for index, value in cells.get(column.name, {}).items() if (readable := text(value))})
        for column in (*first, *second, *third)
    ]


def unnamed_rows(table: Table, cells: Cells) -> frozenset[bytes]:
    """The rows of a whole walk that measure something, and that no column names or may name once it can be read."""
    texts = [cells.get(column.name, {}) for column in table.columns if column.is_text]
    named = {i for found in texts for i, value in found.items() if isinstance(value, Damaged) or text(value)}
    measured = [(column, cells.get(column.name, {})) for column in table.columns if not column.is_text]
    rows = {i for column, found in measured for i, value in found.items() if number(column, value) is not None}
    return frozenset(rows - named)


class InterfaceRow:
    """How the values of some columns of one row become an InterfaceReading; of a field the first value counts."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._plan = [(_INTERFACE_PLACES[source.field], source.convert, source.bits) for source in sources]
        self.bits = 32 if any(place in _BYTES and bits == 32 for place, _, bits in self._plan) else 64

    def reading(self, values: Iterable[Value], *, index: int, name: str, alias: str | None) -> InterfaceReading:
        """One interface; values that are absent or of another type than they should be are None."""
        row = _ABSENT_INTERFACE.copy()
        row[0], row[1], row[2] = name, index, alias
        for (place, convert, bits), value in zip(self._plan, values, strict=True):
            if row[place] is not None:
                continue
            if convert is not None:
                row[place] = convert(value)
            elif value.__class__ is int and value >= 0:
                row[place] = value
                if bits == 32 and place in _BYTES:
                    row[_BITS] = 32
        return InterfaceReading._make(row)


def interfaces(
    table: Table, cells: Cells, names: Names, corrected: Mapping[bytes, Correction] | None = None
) -> tuple[InterfaceReading, ...]:
    """Every named row of a walked interface table, in the order of ``names``, its ``corrected`` values put right."""
    if corrected:
        cells = {
            name: {i: value for i, value in column.items() if i not in corrected or name not in corrected[i].without}
            for name, column in cells.items()
        }
    nothing = [None] * len(names)
    fields: list[Sequence[object]] = [nothing] * len(_ABSENT_INTERFACE)
    fields[_BITS] = [64] * len(names)
    for column in table.columns:
        if column.is_text or not cells.get(column.name):
            continue
        raw = map(cells[column.name].get, names)
        convert = column.convert
        found = list(map(convert, raw)) if convert else [number(column, value) for value in raw]
        place = _INTERFACE_PLACES[column.field]
        before = fields[place]
        if before is nothing:
            fields[place] = found
        else:
            fields[place] = [new if old is None else old for old, new in zip(before, found, strict=True)]
        if column.bits == 32 and place in _BYTES:
            narrow = [old is None and new is not None for old, new in zip(before, found, strict=True)]
            fields[_BITS] = [32 if is_narrow else old for is_narrow, old in zip(narrow, fields[_BITS], strict=True)]
    fields[0] = [name for name, _ in names.values()]
    fields[1] = [decode_subids(index)[0] for index in names]
    fields[2] = [alias for _, alias in names.values()]
    readings = map(InterfaceReading._make, zip(*fields, strict=True))
    if not corrected:
        return tuple(readings)
    return tuple(
        reading._replace(speed_bytes_per_second=corrected[index].speed)
        if index in corrected and corrected[index].has_speed
        else reading
        for index, reading in zip(names, readings, strict=True)
    )


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
    return text(raw) if column.is_text else number(column, raw)


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
