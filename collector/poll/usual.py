"""Poll stage: the reply to a usual poll's GET read in one step, from its bytes to the records of a Reading.

Replies of one device to one question differ, nearly always, only in their numbers. Once a reply has been read the long
way it is known where each number stands and what it means; later ones give up their numbers and nothing else. Whatever
differs in anything but a number is no usual reply and goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from collector.poll import decode
from collector.poll.decode import Record, Scalars
from collector.poll.profile import Source
from collector.poll.snmp_expected import Layout
from collector.reading import InterfaceReading, SignalReading

_Pick = Callable[[Sequence[object]], tuple[object, ...]]
_new_record = tuple.__new__


class UsualAnswer(NamedTuple):
    """All that a usual poll asks for."""

    uptime_seconds: float | None
    boot_seconds: float | None
    interfaces: tuple[InterfaceReading, ...]
    signals: tuple[SignalReading, ...]


class Usual:
    """How one device's usual replies are read: a row of all numbers and known things, and who takes which of them."""

    __slots__ = ("_boot", "_conversions", "_interfaces", "_known", "_layout", "_signals", "_uptime")

    def __init__(self, layout: Layout, row: _Row, scalars: Scalars, records: Sequence[Record]) -> None:
        self._layout = layout
        self._uptime = row.place(scalars.place("uptime_seconds"))
        self._boot = row.place(scalars.place("boot_seconds"))
        self._interfaces: list[_Pick] = []
        self._signals: list[_Pick] = []
        for record in records:
            pick = itemgetter(*(row.field(record, name) for name in record.kind._fields))
            (self._interfaces if record.kind is InterfaceReading else self._signals).append(pick)
        self._conversions = tuple(row.conversions.items())
        self._known = tuple(row.known)

    def read(self, data: bytes) -> UsualAnswer | None:
        """What a usual reply says; None for any other."""
        numbers = self._layout.numbers(data)
        if numbers is None:
            return None
        row: list[Any] = [*numbers, *self._known]
        for place, convert in self._conversions:
            row[place] = convert(row[place])
        interfaces = tuple([_new_record(InterfaceReading, pick(row)) for pick in self._interfaces])
        signals = tuple(filter(None, [decode.signal(pick(row)) for pick in self._signals])) if self._signals else ()
        return UsualAnswer(row[self._uptime], row[self._boot], interfaces, signals)


def learn_usual(layout: Layout, sources: Sequence[Source], scalars: Scalars, records: Sequence[Record]) -> Usual | None:
    """What is learnt from a reply that gave ``records``; None where a number in it is what tells things apart."""
    if not set(layout.places).isdisjoint(place for record in records for place in record.proofs):
        return None
    return Usual(layout, _Row(layout, sources), scalars, records)


class _Row:
    """Where each value stands in the row: the layout's numbers first, after them all that is known beforehand."""

    def __init__(self, layout: Layout, sources: Sequence[Source]) -> None:
        self._layout = layout
        self._sources = sources
        self._numbers = {place: number for number, place in enumerate(layout.places)}
        self.conversions: dict[int, Callable[[Any], Any]] = {}
        self.known: list[object] = []

    def field(self, record: Record, name: str) -> int:
        """The place in the row of one field of a record."""
        return self.place(record.measured.get(name), record.known.get(name))

    def place(self, asked: int | None, known: object = None) -> int:
        """The place in the row of one value asked for, or of what is known in its stead."""
        if asked is None:
            return self._add(known)
        source = self._sources[asked]
        number = self._numbers.get(asked)
        if number is None:
            return self._add(decode.number(source, self._layout.constants[asked]))
        is_signed = asked in self._layout.signed
        convert = source.convert_number if source.convert or not is_signed else _not_negative
        if asked in self._layout.odd:
            convert = _after_bytes(convert, is_signed=is_signed)
        if convert is not None:
            self.conversions[number] = convert
        return number

    def _add(self, known: object) -> int:
        self.known.append(known)
        return len(self._layout.places) + len(self.known) - 1


def _after_bytes(convert: Callable[[Any], Any] | None, *, is_signed: bool) -> Callable[[Any], Any]:
    """A conversion of a number that a layout leaves as bytes."""
    from_bytes = int.from_bytes

    def plain(value: bytes) -> int:
        return from_bytes(value, "big", signed=is_signed)

    def converted(value: bytes) -> Any:
        return convert(from_bytes(value, "big", signed=is_signed))  # type: ignore[misc]

    return plain if convert is None else converted


def _not_negative(value: int) -> int | None:
    """A counter that an agent gives as INTEGER."""
    return value if value >= 0 else None
