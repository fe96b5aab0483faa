"""Poll stage: what is remembered of one device's small table of signals or probes: the cells that it fills."""

from __future__ import annotations

from collections.abc import Sequence

from collector.poll.damage import Damaged
from collector.poll.objects import decode
from collector.poll.objects.decode import Cells, Found, Record
from collector.poll.objects.get_request import Asked
from collector.poll.objects.probes import probes
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Absent, Value, decode_subids
from collector.reading import SignalReading

MOST_CELLS = 24
"""A table that fills more of them is walked at every poll."""


def found(table: Table, cells: Cells) -> Found:
    """The readings of a walked table of signals or probes."""
    if table.rows == "probes":
        return Found(probes=probes(table, cells))
    return Found(signals=decode.signals(table, cells))


class RowMemory:
    """The filled cells of one table, so that a usual poll asks for them by name instead of walking the table.

    ``is_asked`` says whether ``asked`` is all that counts, be it nothing. A cell that is gone, or a text that has
    changed, means that the rows are others now: they are forgotten.
    """

    has_first = False
    """It is asked for whole or not at all."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.is_asked = False
        self._cells: list[tuple[Source, bytes, Value]] = []
        self._most = MOST_CELLS

    def learn(self, cells: Cells) -> bool:
        """Take the cells that count from a whole walk; False where they are too many, or there is no room for them."""
        chosen = [(column, index, cells[column.name][index]) for column, index in decode.chosen(self.table, cells)]
        self.is_asked = len(chosen) <= self._most
        self._cells = chosen if self.is_asked else []
        return self.is_asked

    def set_aside(self) -> None:
        """There is no room for the cells in the question: walk the table."""
        self.forget()
        self._most = 0

    def forget(self) -> None:
        self.is_asked = False
        self._cells = []
        self._most = MOST_CELLS

    def asked(self) -> list[Asked]:
        """The cells as objects of a GET."""
        return [Asked(column, decode_subids(index) + column.ending) for column, index, _ in self._cells]

    def read(self, values: Sequence[Value]) -> Found | None:
        """What the values of ``asked()`` say; None, and all forgotten, where the rows are others now.

        A damaged text denies nothing.
        """
        cells: dict[str, dict[bytes, Value]] = {}
        for (column, index, before), given in zip(self._cells, values, strict=True):
            value = before if column.is_text and isinstance(given, Damaged) else given
            if value is None or isinstance(value, Absent) or (column.is_text and value != before):
                self.forget()
                return None
            cells.setdefault(column.name, {})[index] = value
        return found(self.table, cells)

    def question_records(self) -> list[Record] | None:
        """The rows as records of the question, their places counted from the first cell; None for probes."""
        if self.table.rows == "probes":
            return None
        cells: dict[str, dict[bytes, Value]] = {}
        places: dict[bytes, list[int]] = {}
        for place, (column, index, value) in enumerate(self._cells):
            cells.setdefault(column.name, {})[index] = value
            places.setdefault(index, []).append(place)
        readings = decode.signals(self.table, cells)
        if len(readings) != len(places):
            return None
        return [
            self._record(reading, places[index])
            for reading, index in zip(readings, sorted(places, key=decode_subids), strict=True)
        ]

    def _record(self, reading: SignalReading, places: Sequence[int]) -> Record:
        columns = {place: self._cells[place][0] for place in places}
        measured = {column.field: (place,) for place, column in columns.items() if not column.is_text}
        proofs = tuple(place for place, column in columns.items() if column.is_text)
        return Record(SignalReading, measured, {"channel": reading.channel, "dark_dbm": reading.dark_dbm}, proofs)
