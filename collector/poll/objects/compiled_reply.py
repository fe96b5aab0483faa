"""Poll stage: usual answers read in one step, from their bytes to the records of a Reading.

Replies of one device to one request differ, nearly always, only in their numbers. Once replies have been read the long
way it is known where each number stands and what it means; later ones give up their numbers and nothing else. Whatever
differs in anything but a number is no usual reply and goes the long way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from collector.poll.conversions import not_negative
from collector.poll.objects import decode
from collector.poll.objects.decode import Record, Scalars
from collector.poll.profile import Source
from collector.poll.snmp.reply_parser import Layout
from collector.reading import InterfaceReading, SignalReading

LARGEST_SHARED = 2048
"""A compiled reply is shared with other devices up to this many bytes: longer replies are hardly ever alike."""

_Pick = Callable[[Sequence[object]], tuple[object, ...]]
_new_record = tuple.__new__


class Recipe:
    """What becomes of the numbers of usual replies: they are converted, then known things stand after them in one row,
    and each record picks its fields from it.
    """

    __slots__ = ("_alternatives", "_conversions", "_interfaces", "_known", "_only", "_signals")

    def __init__(self, row: _Row, records: Iterable[Record]) -> None:
        interfaces: list[_Pick] = []
        signals: list[_Pick] = []
        for record in records:
            pick = _pick(*(row.field(record, name) for name in record.kind._fields))
            (interfaces if record.kind is InterfaceReading else signals).append(pick)
        self._interfaces, self._signals = tuple(interfaces), tuple(signals)
        self._only = interfaces[0] if len(interfaces) == 1 else None
        self._conversions = tuple(row.conversions.items())
        self._alternatives = tuple(row.alternatives)
        self._known = tuple(row.known)

    @property
    def steps(self) -> tuple[Any, ...]:
        """All that there is to it: recipes of the same steps do the same."""
        known = tuple((type(value), value) for value in self._known)
        return self._interfaces, self._signals, self._conversions, self._alternatives, known

    def row(self, numbers: Iterable[Any]) -> list[Any]:
        """The row that the replies' numbers fill."""
        row = [*numbers, *self._known]
        for place, convert in self._conversions:
            row[place] = convert(row[place])
        for place, other in self._alternatives:
            if row[place] is None:
                row[place] = row[other]
        return row

    def interfaces(self, row: Sequence[Any]) -> tuple[InterfaceReading, ...]:
        if self._only is not None:
            return (_new_record(InterfaceReading, self._only(row)),)
        return tuple([_new_record(InterfaceReading, pick(row)) for pick in self._interfaces])

    def signals(self, row: Sequence[Any]) -> tuple[SignalReading, ...]:
        return tuple(filter(None, [decode.signal(pick(row)) for pick in self._signals])) if self._signals else ()


class CompiledAnswer(NamedTuple):
    """All that the question of a usual poll asks for."""

    uptime_seconds: float | None
    boot_seconds: float | None
    interfaces: tuple[InterfaceReading, ...]
    signals: tuple[SignalReading, ...]


class Usual:
    """How usual replies to a question are read. Two that read alike are equal, and devices of one kind share one:
    what it consists of then stays in the processor's cache.
    """

    __slots__ = ("_boot", "_key", "_layout", "_recipe", "_uptime")

    def __init__(self, layout: Layout, row: _Row, scalars: Scalars, records: Sequence[Record]) -> None:
        self._layout = layout
        self._uptime = row.place(scalars.place("uptime_seconds"))
        self._boot = row.place(scalars.place("boot_seconds"))
        self._recipe = Recipe(row, records)
        self._key = (self._uptime, self._boot, layout.shape, self._recipe.steps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Usual) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def read(self, data: bytes) -> CompiledAnswer | None:
        """What a usual reply says; None for any other."""
        numbers = self._layout.numbers(data)
        if numbers is None:
            return None
        recipe = self._recipe
        row = recipe.row(numbers)
        fields = row[self._uptime], row[self._boot], recipe.interfaces(row), recipe.signals(row)
        return _new_record(CompiledAnswer, fields)


def learn_usual(layout: Layout, sources: Sequence[Source], scalars: Scalars, records: Sequence[Record]) -> Usual | None:
    """A compiled reply from one that gave ``records``; None if a number in it serves as a key."""
    if not set(layout.places).isdisjoint(place for record in records for place in record.proofs):
        return None
    usual = Usual(layout, _Row([layout], dict(enumerate(sources))), scalars, records)
    return _shared(usual) if layout.size <= LARGEST_SHARED else usual


@lru_cache(maxsize=4096)
def _shared(usual: Usual) -> Usual:
    """The first that read alike."""
    return usual


def learn_recipe(layouts: Sequence[Layout], sources: Mapping[int, Source], records: Sequence[Record]) -> Recipe:
    """A compiled reply from the replies of a walk; their values are numbered from the first value of the first reply."""
    return Recipe(_Row(layouts, sources), records)


class _Row:
    """Where each value stands in the row: the layouts' numbers first, after them all that is known beforehand."""

    def __init__(self, layouts: Sequence[Layout], sources: Mapping[int, Source]) -> None:
        """``sources`` say what a value is by its place, counted through all layouts."""
        self._sources = sources
        self._values: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._odd: set[int] = set()
        self._signed: set[int] = set()
        for layout in layouts:
            start = len(self._values)
            for place in layout.places:
                self._numbers[start + place] = len(self._numbers)
            self._odd.update(start + place for place in layout.odd)
            self._signed.update(start + place for place in layout.signed)
            self._values += layout.constants
        self.conversions: dict[int, Callable[[Any], Any]] = {}
        self.alternatives: list[tuple[int, int]] = []
        self.known: list[object] = []

    def field(self, record: Record, name: str) -> int:
        """The place in the row of one field of a record."""
        first, *others = record.measured.get(name) or (None,)
        place = self.place(first, record.known.get(name))
        self.alternatives += [(place, self.place(other)) for other in others]
        return place

    def place(self, asked: int | None, known: object = None) -> int:
        """The place in the row of one value asked for, or of what is known in its stead."""
        if asked is None:
            return self._add(known)
        source, number = self._sources[asked], self._numbers.get(asked)
        if number is None:
            return self._add(decode.number(source, self._values[asked]))
        is_signed = asked in self._signed
        checked = source.convert_number if source.convert else not_negative
        convert = checked if is_signed else source.convert_unsigned
        if asked in self._odd:
            convert = _after_bytes(convert, is_signed)
        if convert is not None:
            self.conversions[number] = convert
        return number

    def _add(self, known: object) -> int:
        self.known.append(known)
        return len(self._numbers) + len(self.known) - 1


@lru_cache(maxsize=16384)
def _pick(*places: int) -> _Pick:
    """Devices of one kind share it."""
    return itemgetter(*places)


@lru_cache(maxsize=4096)
def _after_bytes(convert: Callable[[Any], Any] | None, is_signed: bool) -> Callable[[Any], Any]:
    """A conversion of a number that a layout leaves as bytes, the highest first, as ``int.from_bytes`` takes them."""
    from_bytes = int.from_bytes

    def signed(value: bytes) -> int:
        return from_bytes(value, signed=True)

    def signed_not_negative(value: bytes) -> int | None:
        return None if value[0] & 0x80 else from_bytes(value)

    if convert is not_negative and is_signed:
        return signed_not_negative
    plain = signed if is_signed else from_bytes

    def converted(value: bytes) -> Any:
        return convert(plain(value))  # type: ignore[misc]

    return plain if convert is None else converted
