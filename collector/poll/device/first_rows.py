"""Poll stage: rows of an interface table that are named are found and asked for before the table is walked.

A table of thousands of rows may not be walked to its end within a poll. Its names alone take a tenth of that, and a row
whose index is known takes one GET.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from collector.poll.device.split_get import SplitGet
from collector.poll.device.talk import Talk
from collector.poll.device.walks.walk import Walk
from collector.poll.device.walks.walk_pace import Pace
from collector.poll.objects import decode
from collector.poll.objects.get_request import Asked, Question
from collector.poll.objects.interfaces.interface_cache import MOST_FIRST, InterfaceMemory
from collector.poll.snmp.codec import Absent, Message, Value, decode_subids, encode_subids
from collector.reading import InterfaceReading

NAME_BYTES = 40
"""A guess at the size of a varbind that holds a name."""


class FirstRows:
    """Finds the named rows, at the indexes at which they were or else by walking the columns of names, and reads them by
    GET. ``ended`` gets their readings, and the late ones' seconds; none where they were not found or time ran out.
    """

    def __init__(
        self, talk: Talk, memory: InterfaceMemory, ended: Callable[[tuple[InterfaceReading, ...], float], None]
    ) -> None:
        self._talk = talk
        self._memory = memory
        self._ended = ended
        self._columns = memory.naming_columns()
        self._wanted = set(memory.wanted_first[:MOST_FIRST])
        self._found: dict[str, bytes] = {}
        self._seen = 0
        self._question: Question

    def start(self) -> None:
        known = {name: index for name, index in self._memory.where.items() if name in self._wanted}
        if known:
            self._ask(known)
        else:
            self._seek()

    def _seek(self) -> None:
        """Walk the next column of names, until all are found."""
        if not self._columns or not self._wanted - self._found.keys():
            self._memory.is_sought = not self._found
            self._ask(self._found)
            return
        self._seen = 0
        pace = Pace(rows=self._talk.limits.max_rows, row_bytes=NAME_BYTES)
        Walk(self._talk, self._columns[:1], pace, self._sought, is_enough=self._has_all).step()

    def _has_all(self, walk: Walk) -> bool:
        """Look through the names that came since the last look."""
        cells = walk.cells[self._columns[0].name]
        for index, value in islice(cells.items(), self._seen, None):
            name = decode.text(value)
            if name in self._wanted:
                self._found.setdefault(name, index)
        self._seen = len(cells)
        return not self._wanted - self._found.keys()

    def _sought(self, walk: Walk) -> None:
        self._has_all(walk)
        if walk.failure is not None and not self._found:
            self._ended((), 0.0)
            return
        del self._columns[0]
        self._seek()

    def _ask(self, rows: dict[str, bytes]) -> None:
        """Ask for all columns of the rows."""
        if not rows or not self._talk.has_time():
            self._ended((), 0.0)
            return
        columns = self._memory.table.columns
        indexes = {decode_subids(index) for index in rows.values()}
        self._question = Question(
            [Asked(column, index) for index in sorted(indexes) for column in columns], self._talk.access
        )
        self._talk.ask_question(self._question, self._heard, lambda _reason: self._ended((), 0.0))

    def _heard(self, answer: list[Value] | Message, _rtt: float) -> None:
        if isinstance(answer, Message):
            SplitGet(self._talk, self._question, self._taken).error(answer)
        else:
            self._taken(answer, None, self._talk.late_seconds())

    def _taken(self, values: list[Value], failure: str | None, late: float) -> None:
        cells: dict[str, dict[bytes, Value]] = {column.name: {} for column in self._memory.table.columns}
        for item, value in zip(self._question.asked, values, strict=True):
            if not isinstance(value, Absent):
                cells[item.source.name][encode_subids(item.instance)] = value
        readings = self._memory.meet(cells) if failure is None else ()
        if readings or failure is not None or self._found:
            self._ended(readings, late)
        else:
            self._memory.where.clear()
            self._seek()
