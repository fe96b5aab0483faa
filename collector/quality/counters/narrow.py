"""Counters that go round at 2^32: how often they did is known only where so little passes that they cannot have done so twice."""

from __future__ import annotations

from collections import deque
from math import comb
from statistics import median
from typing import Literal

from collector.quality.counters.counter_bounds import BYTES, NARROW, WIDE, WRAP_32, counters
from collector.reading import InterfaceReading

FALLS_TO_TELL = 2
"""A 64-bit counter that has gone round at 2^32 so often, and never stood higher, has no more than 32 bits."""
STEPS_TO_REFUTE = 5
"""Polls in a row that a 32-bit counter passed more in than its stated speed allows, and still little: the speed is wrong."""
LITTLE = WRAP_32 // 4
"""By chance, and if it goes round unseen, a counter passes so little in one of four polls."""
TIMES_BEYOND = 1.5
"""So many times what the line carries no poll brings because of a late answer alone, but for a few."""
STRANGE_POLLS, POLLS_OF_CHANCE = 3, 10
"""Where so many of the last polls passed more than the line carries, what the others seem to have passed is chance."""
POLLS_TO_TELL, BY_CHANCE = 30, 0.01
"""Unless so many of the last polls, or fewer, go on from what is believed more closely than chance makes it so often."""
STEPS_KEPT = 5
TIMES_AS_FAST = 4.0
"""A counter that would have passed so many times what it did lately did not go round, if nothing else says so: it was set
back."""
NEARLY_ROUND, LEAST_FALL = WRAP_32 // 4 * 3, 2**20
"""Who passes nearly 2^32 bytes in a poll may pass more in the next. A counter that jitters falls by less than LEAST_FALL."""
NEARLY_POLLS, POLLS_OF_NEARLY = 2, 30
"""Where so many of the last polls passed nearly 2^32, or seemed to, what the others seem to have passed is chance."""


class NarrowInDisguise:
    """Whether the 64-bit byte counters of an interface go round at 2^32."""

    __slots__ = ("_falls", "is_so")

    def __init__(self) -> None:
        self._falls = 0
        self.is_so = False

    def read(self, interface: InterfaceReading) -> InterfaceReading:
        """The reading with the width that its counters have."""
        if self.is_so and max(interface.receive_bytes or 0, interface.transmit_bytes or 0) >= WRAP_32:
            self._falls, self.is_so = 0, False
        return interface._replace(counter_bits=NARROW) if self.is_so else interface

    def note(self, before: InterfaceReading, after: InterfaceReading, room: float) -> None:
        """Take in two readings that would go on from each other, with no more than ``room``, if a counter went round."""
        if before.counter_bits < WIDE or after.counter_bits < WIDE:
            return
        fell = False
        for field in BYTES:
            old, new = getattr(before, field), getattr(after, field)
            if old is None or new is None:
                continue
            if max(old, new) >= WRAP_32:
                self._falls, self.is_so = 0, False
                return
            fell = fell or (new < old and new - old + WRAP_32 <= room)
        self._falls += fell
        self.is_so = self._falls >= FALLS_TO_TELL


Found = Literal["wrong speed", "chance"]


class Beyond:
    """Whether the 32-bit counters of an interface pass more than its stated speed allows; ``polls`` has a bit for each.

    ``is_far``: the last poll fits, but passed far more than others did, while some are strange. It may be strange too.
    """

    __slots__ = ("_runs", "_shares", "is_far", "polls")

    def __init__(self) -> None:
        self._runs = self.polls = 0
        self.is_far = False
        self._shares: deque[float | None] = deque(maxlen=POLLS_TO_TELL)

    def note(self, before: InterfaceReading, after: InterfaceReading, room: float, passed: int | None) -> Found | None:
        """Take in two polls in a row; ``passed`` since what is believed, None where the second does not go on from there.

        If they pass so little, again and again, that chance does not make it, the counters are right and the speed is wrong.
        Else they may go round unseen, and what fits fits by chance: but not where so many fit, and so closely, that chance
        does not make that. Then the others are glitches, or the counter was cleared.
        """
        size = most_round(before, after)
        self.is_far = False
        if not size:
            return None
        self._shares.append(None if passed is None else passed / WRAP_32)
        is_little, is_much = size <= LITTLE, size > TIMES_BEYOND * room
        self._runs = self._runs + 1 if is_much and is_little else 0
        self.polls = (self.polls << 1 | (is_much and not is_little)) % 2**POLLS_OF_CHANCE
        if self._runs >= STEPS_TO_REFUTE:
            self._runs = self.polls = 0
            self._shares.clear()
            return "wrong speed"
        fits = [share for share in self._shares if share is not None]
        self.is_far = passed is not None and self.polls > 0 and fits[-1] > TIMES_AS_FAST * median(fits)
        return "chance" if self.polls.bit_count() >= STRANGE_POLLS and self._may_be_chance(fits) else None

    def _may_be_chance(self, fits: list[float]) -> bool:
        """Whether counters that stand anywhere would fit as often, and as closely, as these did: by parts of 2^32."""
        return not fits or comb(len(self._shares), len(fits)) * max(fits) ** len(fits) > BY_CHANCE


def most_round(before: InterfaceReading, after: InterfaceReading) -> int:
    """The bytes of the direction that more has passed in, if neither counter went round more than once."""
    pairs = zip(counters(before), counters(after), strict=True)
    return max(((new - old) % WRAP_32 for old, new in pairs if old is not None and new is not None), default=0)


class LatelyPassed:
    """What 32-bit byte counters of an interface whose speed is not known have passed lately: it tells whether they went round."""

    __slots__ = ("_nearly", "_rates")

    def __init__(self) -> None:
        self._rates: dict[str, list[float]] = {field: [] for field in BYTES}
        self._nearly = dict.fromkeys(BYTES, 0)

    def passed(self, before: InterfaceReading, after: InterfaceReading, seconds: float) -> list[int | None]:
        """The bytes of both directions; None where it cannot be known."""
        return [self._one(field, getattr(before, field), getattr(after, field), seconds) for field in BYTES]

    def _one(self, field: str, before: int | None, after: int | None, seconds: float) -> int | None:
        if before is None or after is None:
            return None
        rates, size = self._rates[field], (after - before) % WRAP_32
        if self._is_chance(field, size):
            rates.clear()
            return None
        if after < before and (len(rates) < STEPS_KEPT or size > TIMES_AS_FAST * max(rates) * seconds):
            return None
        if size > LITTLE:
            rates.clear()
            return None
        rates[:-STEPS_KEPT] = []
        rates.append(size / seconds)
        return size

    def _is_chance(self, field: str, size: int) -> bool:
        """Whether lately so many polls passed nearly 2^32 that all may have gone round; there is a bit for each of them."""
        is_nearly = NEARLY_ROUND < size < WRAP_32 - LEAST_FALL
        self._nearly[field] = (self._nearly[field] << 1 | is_nearly) % 2**POLLS_OF_NEARLY
        return self._nearly[field].bit_count() >= NEARLY_POLLS
