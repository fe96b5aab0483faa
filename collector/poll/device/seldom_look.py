"""Poll stage: what is asked of a device once in some polls, after all else: its parts, and optical levels among sensors."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from collector.poll.device.outcome import Outcome
from collector.poll.device.talk import Talk
from collector.poll.device.walks.walk import Walk
from collector.poll.device.walks.walk_pace import Pace
from collector.poll.objects import decode, part_values
from collector.poll.objects.decode import Found
from collector.poll.objects.get_request import Asked, Question
from collector.poll.objects.seldom_table import SeldomTable
from collector.poll.profile import Profile, Source, Table
from collector.poll.snmp.codec import ERRORS, Message, Value
from collector.reading import SignalReading

MOST_ASKED = 48
"""Objects in one GET, so that its reply stays under a packet."""
LONGEST_WAIT = 60
"""Polls until a device that did not answer such a look is asked again, at most; the wait doubles each time."""
T = TypeVar("T")


class SeldomObjects:
    """What is known of one device's parts. ``signals`` are those of the last look: they are told until the next."""

    def __init__(self, profiles: Sequence[Profile], every_polls: int) -> None:
        self.tables = [SeldomTable(table) for profile in profiles for table in profile.tables if is_seldom(table)]
        self.scalars = [scalar for profile in profiles for scalar in profile.scalars if scalar.is_of_part]
        self.paces = {table.table.name: Pace() for table in self.tables}
        self.signals: tuple[SignalReading, ...] = ()
        self._every = self._wait = every_polls
        self._left = random.randrange(every_polls)

    def keep_from(self, before: SeldomObjects) -> None:
        """The device is learnt anew: what it showed last is told until the look that comes next."""
        self.signals = before.signals
        self._left = 0

    def is_due(self) -> bool:
        """Count a poll; whether this one looks."""
        self._left -= 1
        return self._left < 0

    def ended(self, *, is_lost: bool) -> None:
        """A look is over: the next comes after the usual number of polls, or later each time while none is answered."""
        self._wait = min(2 * self._wait, max(LONGEST_WAIT, self._every)) if is_lost else self._every
        self._left = self._wait - 1


def is_seldom(table: Table) -> bool:
    """Whether a table is asked for only in such looks."""
    return table.rows == "parts"


class SeldomLook:
    """One look: GETs of all that is known by name, then walks of the tables whose rows are not. What it finds goes into
    ``outcome``; what is not answered costs the poll nothing but time, and is told as the poll's ``failure``.
    """

    def __init__(self, talk: Talk, seldom: SeldomObjects, outcome: Outcome, ended: Callable[[], None]) -> None:
        self._talk = talk
        self._seldom = seldom
        self._outcome = outcome
        self._ended = ended
        self._found = Found()
        self._asked = [Asked(scalar) for scalar in seldom.scalars]
        self._known = [(table, table.asked()) for table in seldom.tables if table.is_known]
        for _, cells in self._known:
            self._asked += cells
        self._values: list[Value] = []
        self._unknown = deque(table for table in seldom.tables if not table.is_known)
        self._get()

    def _get(self) -> None:
        """The next objects by name; once all were, what they say."""
        coming = self._asked[len(self._values) : len(self._values) + MOST_ASKED]
        if not coming:
            self._read()
            self._walk()
        elif self._talk.has_time():
            question = Question(coming, self._talk.access)
            self._talk.ask_question(question, lambda answer, _: self._heard(answer, coming), self._lost)
        else:
            self._lost("the poll's time is over")

    def _heard(self, answer: list[Value] | Message, coming: Sequence[Asked]) -> None:
        if isinstance(answer, Message):
            self._refused(answer, coming)
            return
        self._values += answer
        self._get()

    def _refused(self, answer: Message, coming: Sequence[Asked]) -> None:
        """An error names the object that is not there, as version 1 does: it is left out; any other ends the look."""
        place = answer.error_index - 1
        if not 0 <= place < len(coming) or coming[place].source not in self._seldom.scalars:
            for table, _ in self._known:
                table.forget()
            self._lost(ERRORS[answer.error_status])
            return
        self._seldom.scalars.remove(coming[place].source)
        self._asked.remove(coming[place])
        self._get()

    def _read(self) -> None:
        scalars, start = self._seldom.scalars, len(self._seldom.scalars)
        self._found = self._found.plus(Found(parts=part_values.scalars(scalars, self._values[:start])))
        self._seldom.scalars = [
            scalar for scalar, value in zip(scalars, self._values, strict=False) if _is_given(scalar, value)
        ]
        for table, cells in self._known:
            self._found = self._found.plus(table.read(self._values[start : start + len(cells)]))
            start += len(cells)

    def _walk(self) -> None:
        if not self._unknown:
            self._end(is_lost=False)
        elif self._talk.has_time():
            table = self._unknown[0]
            Walk(self._talk, table.table.walked, self._seldom.paces[table.table.name], self._walked).step()
        else:
            self._lost("the poll's time is over")

    def _walked(self, walk: Walk) -> None:
        table = self._unknown.popleft()
        self._found = self._found.plus(table.learn(walk.cells))
        if walk.failure is not None:
            self._tell(f"{table.table.name}: {walk.failure}")
        if table.left_out:
            self._tell(f"{table.table.name}: {table.left_out} of its values are left out")
        self._walk()

    def _tell(self, failure: str) -> None:
        self._outcome.failure = self._outcome.failure or failure

    def _lost(self, reason: str) -> None:
        self._tell(f"the device's parts: {reason}")
        self._end(is_lost=True)

    def _end(self, *, is_lost: bool) -> None:
        self._seldom.ended(is_lost=is_lost)
        self._outcome.parts = first(self._found.parts, lambda part: part[:2])
        self._seldom.signals = self._found.signals
        self._outcome.add_seldom(self._found.signals)
        self._ended()


def _is_given(scalar: Source, value: Value) -> bool:
    return decode.number(scalar, value) is not None


def first(readings: Iterable[T], key: Callable[[T], object]) -> tuple[T, ...]:
    """Of several of one name the first."""
    found: dict[object, T] = {}
    for reading in readings:
        found.setdefault(key(reading), reading)
    return tuple(found.values())
