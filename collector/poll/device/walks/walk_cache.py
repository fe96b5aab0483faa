"""Poll stage: how a walk went last time, so that the next one need not find its way anew.

The replies of one device to the same walk differ, nearly always, only in their numbers. A route keeps every request of
a walk and the shape of its reply. While replies keep to it, their order, rows and ends are those that were checked when
it was learnt, and only numbers are read. The first that does not ends the route, and the walk goes on the careful way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from collector.poll.objects.compiled_reply import Recipe, learn_recipe
from collector.poll.objects.decode import Record
from collector.poll.profile import Source
from collector.poll.snmp.codec import Value
from collector.poll.snmp.reply_parser import Layout, expected_rows, learn_layout


class Cell(NamedTuple):
    """One cell that a reply gave: its column's name, its row, and the place of its value in the reply."""

    column: str
    index: bytes  # type: ignore[assignment]
    place: int


class Bulk(NamedTuple):
    """One request of a walk: its packet, which is patched with each id, and what it asks for, by columns' prefixes."""

    packet: bytearray
    id_at: int
    prefixes: list[bytes]
    repetitions: int


class Step:
    """One request of a walk and the shape of the reply to it.

    States and speeds rarely change, so they belong to the shape and cost nothing while they stay. One that has changed
    is read as a number from then on.
    """

    __slots__ = ("_indexes", "_still", "cells", "ended", "layout", "request")

    def __init__(
        self, request: Bulk, layout: Layout, indexes: list[bytes | None], still: frozenset[int] = frozenset()
    ) -> None:
        """``indexes`` are those of all varbinds of the reply, ``still`` the places that ``layout`` holds still."""
        self.request = request
        self.layout = layout
        self.cells: list[Cell] = []
        self.ended: list[str] = []
        self._indexes = indexes
        self._still = still

    def note(self, column: str, places: Sequence[int], *, is_ended: bool) -> None:
        """These varbinds belong to a column, which ends with them or goes on."""
        self.cells += [Cell(column, self._indexes[place] or b"", place) for place in places]
        if is_ended:
            self.ended.append(column)

    def learn_again(self, data: bytes, head: bytes) -> bool:
        """Take on another shape of the same rows: a text, a state or the size of a number has changed. False for other
        rows.
        """
        cells = expected_rows(data, head, self.request.prefixes)
        if cells is None or cells.indexes != self._indexes:
            return False
        before, now = self.layout.constants, cells.values
        self._still = frozenset(place for place in self._still if now[place] == before[place])
        self.layout = learn_layout(data, head, now, self._still)
        return True


class Route:
    """A whole walk of ``columns``, by GETBULK or by GETNEXT. ``recipe`` is what the asker makes of its numbers, while that
    is known: the rows but those ``without``, which it has from elsewhere.
    """

    __slots__ = ("columns", "is_bulk", "recipe", "steps", "without")

    def __init__(self, columns: Sequence[Source], steps: Iterable[Step], *, is_bulk: bool) -> None:
        self.is_bulk = is_bulk
        self.columns = tuple(columns)
        self.steps = tuple(steps)
        self.recipe: Recipe | None = None
        self.without: frozenset[int] = frozenset()

    def places(self) -> dict[tuple[str, bytes], int]:
        """Where the value of each cell stands among those of all replies, by column's name and index."""
        found, start = {}, 0
        for step in self.steps:
            found.update({(cell.column, cell.index): start + cell.place for cell in step.cells})
            start += len(step.layout.constants)
        return found

    def learn(self, records: Sequence[Record], without: frozenset[int] = frozenset()) -> None:
        """Remember which of its values make these records; their places are those of ``places``."""
        self.without = without
        by_name = {column.name: column for column in self.columns}
        sources, start = {}, 0
        for step in self.steps:
            sources.update({start + cell.place: by_name[cell.column] for cell in step.cells})
            start += len(step.layout.constants)
        self.recipe = learn_recipe([step.layout for step in self.steps], sources, records)


class Progress:
    """A walk that follows a route: the numbers of its replies so far."""

    __slots__ = ("_numbers", "route")

    def __init__(self, route: Route) -> None:
        self.route = route
        self._numbers: list[tuple[Any, ...]] = []

    @property
    def is_complete(self) -> bool:
        return len(self._numbers) == len(self.route.steps)

    @property
    def step(self) -> Step:
        """The step whose reply is next."""
        return self.route.steps[len(self._numbers)]

    @property
    def done(self) -> Sequence[Step]:
        """The steps whose replies have come."""
        return self.route.steps[: len(self._numbers)]

    def read(self, data: bytes, head: bytes) -> tuple[Any, ...] | None:
        """The numbers of the next step's reply; None for one that shows other rows, or is no such reply at all."""
        step = self.step
        numbers = step.layout.numbers(data)
        if numbers is None and step.learn_again(data, head):
            self.route.recipe = None
            numbers = step.layout.numbers(data)
        return numbers

    def take(self, numbers: tuple[Any, ...]) -> None:
        self._numbers.append(numbers)

    def row(self) -> list[Any] | None:
        """All numbers in the order of the route's recipe; None if there is none."""
        recipe = self.route.recipe
        return recipe.row(chain.from_iterable(self._numbers)) if recipe is not None else None

    def cells(self) -> Iterator[tuple[str, bytes, Value]]:
        """What the replies so far gave, in their order: column's name, index and value."""
        for step, numbers in zip(self.done, self._numbers, strict=True):
            values = step.layout.filled(numbers)
            for cell in step.cells:
                yield cell.column, cell.index, values[cell.place]
