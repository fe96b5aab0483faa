"""Poll stage: what is remembered of one table that is asked for once in some polls: names and kinds, which stay."""

from __future__ import annotations

from collections.abc import Sequence

from collector.poll.objects import decode
from collector.poll.objects.decode import Cells, Found
from collector.poll.objects.get_request import Asked
from collector.poll.objects.part_values import parts
from collector.poll.objects.table_cache import found
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Absent, Value, decode_subids

STEADY = ("kind", "scale", "precision", "memory_size")
MOST_CELLS = 480
"""Cells of one table that are asked for: ten packets."""


class SeldomTable:
    """The rows of one table that give anything. Their names, kinds and scales are learnt by a walk and not asked again;
    ``is_known`` says that they are known, be it that there are none. ``left_out`` counts the cells beyond MOST_CELLS.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.is_known = False
        self.left_out = 0
        self._steady: dict[str, dict[bytes, Value]] = {}
        self._asked: list[tuple[Source, bytes]] = []

    def learn(self, walked: Cells) -> Found:
        """Take in a walk, and what it gives."""
        cells = self._in_use(self.table.spread(walked))
        self.is_known = True
        self._steady, self._asked = {}, []
        for column, index in decode.chosen(self.table, cells):
            if column.is_text or column.field in STEADY:
                self._steady.setdefault(column.name, {})[index] = cells[column.name][index]
            else:
                self._asked.append((column, index))
        self.left_out = max(0, len(self._asked) - MOST_CELLS)
        del self._asked[MOST_CELLS:]
        return self._found(cells)

    def _in_use(self, cells: Cells) -> Cells:
        """The cells without rows that give nothing: kinds that nobody asks for, parts that are not in use."""
        indexes = {index for column in cells.values() for index in column}
        if not self.table.kinds and not self.table.only:
            return cells
        kept = {index for index in indexes if any(self._found(_row(cells, index))[1::2])}
        return {name: {i: value for i, value in column.items() if i in kept} for name, column in cells.items()}

    def _found(self, cells: Cells) -> Found:
        return parts(self.table, cells) if self.table.rows == "parts" else found(self.table, cells)

    def forget(self) -> None:
        """Its rows are others now: walk it."""
        self.is_known = False
        self._asked = []

    def asked(self) -> list[Asked]:
        """The cells whose values change, as objects of a GET."""
        return [Asked(column, decode_subids(index) + column.ending) for column, index in self._asked]

    def read(self, values: Sequence[Value]) -> Found:
        """What the values of ``asked()`` say. Where one is gone the table is walked the next time."""
        cells = {name: dict(column) for name, column in self._steady.items()}
        is_gone = False
        for (column, index), value in zip(self._asked, values, strict=True):
            is_gone = is_gone or value is None or isinstance(value, Absent)
            cells.setdefault(column.name, {})[index] = value
        given = self._found(cells)
        if is_gone:
            self.forget()
        return given


def _row(cells: Cells, index: bytes) -> Cells:
    return {name: {index: column[index]} for name, column in cells.items() if index in column}
