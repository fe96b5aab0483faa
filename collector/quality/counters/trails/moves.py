"""Counters that stand still and leap, and do nothing else: so a line that is faster than it states looks through a cache."""

from __future__ import annotations

from math import isfinite

from collector.hour_bounds import UNTOLD_BYTES_PER_SECOND
from collector.quality.counters.counter_bounds import MARGIN, WIDE, lies_between, most_passed
from collector.reading import InterfaceReading

MOVES_TO_REFUTE = 5


class Moves:
    """How often in a row a byte counter moved by more than the line carries since it moved before.

    A glitch leaps away from counters that go on beside it, by what the line carries; here there is nothing but leaps.
    """

    __slots__ = ("_bytes", "_count", "_seconds")

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._count = self._bytes = 0
        self._seconds = 0.0

    def note(self, before: InterfaceReading, after: InterfaceReading, seconds: float, speed: float) -> bool:
        """Take in a move, ``seconds`` after the one before; whether all of late together refute the ``speed``.

        An agent may have read its counters up to one move late, so that much more time counts.
        """
        size = most_passed(before, after)
        is_known = speed > 0.0 and isfinite(seconds) and seconds > 0.0 and after.counter_bits >= WIDE
        if not is_known or not lies_between(before, before, after):
            self._begin()
            return False
        if not speed * seconds * MARGIN < size <= UNTOLD_BYTES_PER_SECOND * seconds * MARGIN:
            self._begin()
            return False
        self._count += 1
        self._bytes += size
        self._seconds += seconds
        if self._count < MOVES_TO_REFUTE or self._bytes <= speed * MARGIN * (self._seconds + seconds):
            return False
        self._begin()
        return True
