"""Poll stage: the tables that a poll walks, one after the other, and what becomes of their rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from collector.poll.damage import Damaged
from collector.poll.device.device_cache import DeviceCache
from collector.poll.device.first_rows import FirstRows
from collector.poll.device.outcome import Outcome
from collector.poll.device.talk import Talk
from collector.poll.device.walks.walk import Walk
from collector.poll.device.walks.walk_pace import Pace
from collector.poll.objects import decode
from collector.poll.objects.interfaces.interface_cache import InterfaceMemory
from collector.poll.objects.interfaces.read_lag import marked, marked_by_row
from collector.poll.objects.table_cache import RowMemory, found
from collector.poll.profile import Table
from collector.reading import InterfaceReading


class TableWalks:
    """The tables of one poll that its question does not ask for; ``ended`` is called when all have been walked."""

    def __init__(
        self, talk: Talk, tables: Iterable[Table], cache: DeviceCache, outcome: Outcome, ended: Callable[[], None]
    ) -> None:
        self._talk = talk
        self._tables = deque(tables)
        self._cache = cache
        self._outcome = outcome
        self._ended = ended
        self._has_sought = False
        self._first = frozenset(interface.index for interface in outcome.interfaces)

    def next(self) -> None:
        """Walk the next table, or end; rows that are named come before their table."""
        if not self._tables:
            self._ended()
            return
        table = self._tables[0]
        memory = self._cache.memory(table)
        if isinstance(memory, InterfaceMemory) and memory.is_to_be_sought and not self._has_sought:
            self._has_sought = True
            FirstRows(self._talk, memory, self._met).start()
            return
        columns = memory.columns() if isinstance(memory, InterfaceMemory) else table.walked
        Walk(self._talk, columns, self._cache.pace(table), self._walked).step()

    def _met(self, readings: tuple[InterfaceReading, ...], late: float) -> None:
        if readings:
            self._cache.has_changed()
            self._outcome.interfaces += marked(readings, late)
            self._first = frozenset(interface.index for interface in self._outcome.interfaces)
        self.next()

    def _walked(self, walk: Walk) -> None:
        table = self._tables.popleft()
        memory = self._cache.memory(table)
        if walk.failure is not None:
            self._outcome.cut(f"{table.name}: {walk.failure}")
        if isinstance(memory, RowMemory):
            self._take_rows(memory, walk)
            return
        if self._take_usual_walk(memory, walk):
            return
        memory.is_joined = walk.join(table)
        left = memory.columns_left(walk.cells) if walk.failure is None else ()
        if left:
            self._tables.appendleft(table)
            if memory.is_torn(walk.cells):
                Walk(self._talk, table.columns, Pace(), self._walked).step()
            else:
                Walk(self._talk, left, Pace(), lambda more: self._walked_rest(walk, more)).step()
            return
        self._take_interfaces(memory, walk)

    def _take_rows(self, memory: RowMemory, walk: Walk) -> None:
        cells = memory.table.spread(walk.cells)
        self._outcome.add(found(memory.table, cells))
        if walk.failure is None and memory.learn(cells):
            self._cache.has_changed()
        self.next()

    def _take_usual_walk(self, memory: InterfaceMemory, walk: Walk) -> bool:
        """The interfaces of a walk that went as it usually does; False for any other walk."""
        row = walk.usual_row()
        if row is None or walk.route is None or walk.route.recipe is None or walk.route.without != self._first:
            return False
        self._note_missing(memory)
        readings = walk.route.recipe.interfaces(row)
        if walk.late:
            readings = marked_by_row(readings, memory.table.columns, walk.cells, walk.late)
        self._outcome.interfaces += memory.summed.fold(readings, self._outcome.sent_at)
        self.next()
        return True

    def _walked_rest(self, first: Walk, rest: Walk) -> None:
        """The rows were new: what is asked rarely has been asked too."""
        first.cells.update(rest.cells)
        first.late |= rest.late
        first.cut |= rest.cut
        first.is_damaged |= rest.is_damaged
        first.failure = rest.failure
        self._walked(first)

    def _take_interfaces(self, memory: InterfaceMemory, walk: Walk) -> None:
        if walk.failure is None and memory.learn(walk.cells, is_damaged=walk.is_damaged):
            self._cache.has_changed()
        self._note_missing(memory)
        cells = decode.settled(memory.table, walk.cells, walk.cut)
        for column in cells:
            for value in cells[column].values():
                if value is Damaged.UNFIT:
                    self._talk.count_damage(value, column)
        readings = memory.readings(cells, self._first)
        shown = marked_by_row(readings, memory.table.columns, walk.cells, walk.late)
        self._outcome.interfaces += memory.summed.fold(shown, self._outcome.sent_at)
        if walk.failure is None and walk.route is not None:
            records = memory.records(readings, walk.cells, walk.route.places(), self._first)
            if records is not None:
                walk.route.learn(records, self._first)
        self.next()

    def _note_missing(self, memory: InterfaceMemory) -> None:
        if memory.missing_uplink is not None:
            self._outcome.failure = f"uplink_interface: no interface named {memory.missing_uplink!r}"
