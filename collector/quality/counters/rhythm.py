"""Whether an agent renews counters in a rhythm of its own: which polls find them moved, and which do not."""

from __future__ import annotations

from collections import deque
from math import inf, log2

BITS, SURE_BITS = 12.0, 24.0
"""A rhythm is one that chance makes once in 2^12 times; it is sure where chance makes it once in 2^24."""
LEAST_RUNS = 3
RUNS_FORETOLD = 3
MOST_MOVES = 40
SLACK_SECONDS = 0.5
"""How far the time at which an agent read its counters may lie from that of the poll."""

Move = tuple[int, float, float]
"""The number of a poll that found the counters moved, among those that did, and the two times between which they moved."""


class Rhythm:
    """Polls in a row. A run is some that found the counters unmoved and then some that found them moved.

    Of each run the first move and the last are kept: those between follow from them. ``since`` is the first poll of all.
    """

    __slots__ = (
        "_first",
        "_interval",
        "_is_moving",
        "_last",
        "_longest",
        "_moves",
        "_polled_at",
        "_polls",
        "_runs",
        "_shortest",
        "since",
    )

    def __init__(self) -> None:
        self._polled_at = self._interval = 0.0
        self._begin(inf)

    def _begin(self, at: float) -> None:
        self.since = at
        self._moves: deque[Move] = deque(maxlen=MOST_MOVES)
        self._last: Move | None = None
        self._is_moving = True
        self._polls = self._runs = 0
        self._first = 0
        self._shortest, self._longest = 0.0, inf

    def add(self, at: float, *, stands: bool) -> float | None:
        """Take in a poll; for how many seconds the next renewals are foretold, if it begins a run and all before are of one
        rhythm, which chance hardly makes: infinity where that is sure.
        """
        before, self._polled_at = self._polled_at, at
        interval, self._interval = self._interval, at - before
        if self._interval > 1.5 * interval > 0.0:  # a poll is missing
            self._begin(at)
        self._polls += self._runs > 0
        was_moving, self._is_moving = self._is_moving, not stands
        if stands:
            return None
        last = self._last
        move = self._last = (self._first, before, at)
        self._first += 1
        if was_moving:
            return None
        if (last is not None and not self._fits(last)) or not self._fits(move):
            self._begin(at)
            self._last, self._first = move, move[0] + 1
            self._fits(move)
        self._runs += 1
        return self._foretold()

    def _foretold(self) -> float | None:
        """Polls that move or not by chance make runs of k polls that are as long as one another, but for a poll, in 2/(e k)
        of the cases.
        """
        runs = self._runs - 1
        bits = runs * (log2(self._polls / runs) + 0.44) if runs >= LEAST_RUNS else 0.0
        if bits < BITS:
            return None
        return inf if bits >= SURE_BITS else RUNS_FORETOLD * self._polls / runs * self._interval

    def _fits(self, move: Move) -> bool:
        """Whether one period and phase put a renewal between the two times of this move and of each before.

        Of every two, the period must be long enough for them to be so far apart, and short enough.
        """
        number, after, until = move
        slack = 2 * min(SLACK_SECONDS, 0.1 * self._interval)
        for earlier, earlier_after, earlier_until in self._moves:
            if earlier < number:
                self._shortest = max(self._shortest, (after - earlier_until - slack) / (number - earlier))
                self._longest = min(self._longest, (until - earlier_after + slack) / (number - earlier))
        self._moves.append(move)
        return self._shortest < self._longest
