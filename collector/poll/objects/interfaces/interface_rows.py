"""Rows of an interface table become InterfaceReadings: what each is called, and what its values say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from collector.poll.damage import Damaged
from collector.poll.objects.decode import Cells, number, text
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Value, decode_subids, oid_text
from collector.reading import InterfaceReading

_INTERFACE_PLACES = {name: place for place, name in enumerate(InterfaceReading._fields)}
_BITS = _INTERFACE_PLACES["counter_bits"]
BYTE_FIELDS = ("receive_bytes", "transmit_bytes")
_BYTES = tuple(_INTERFACE_PLACES[name] for name in BYTE_FIELDS)
_ABSENT_INTERFACE: list[object] = [64 if place == _BITS else None for place in range(len(_INTERFACE_PLACES))]


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
