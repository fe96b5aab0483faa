"""A poll that brought more than the line carries: whether that came late, or the stated speed is wrong, or it is a leap."""

from __future__ import annotations

from typing import NamedTuple

from collector.quality.counters.counter_bounds import MARGIN, WIDE, misfits, most_passed, told_speed
from collector.reading import InterfaceReading

FAR_ABOVE = 2.5
"""Who renews counters a little more slowly than they are polled brings twice as much in some polls, and no more than that."""
LAG_SECONDS = 2.0
"""So much later than asked an agent may read its counters without that its answer shows it."""


class Jump(NamedTuple):
    """A reading that is ``doubted``, and the one before, ``base``; the counters may have been read ``lag`` seconds late."""

    base: InterfaceReading
    base_at: float
    doubted: InterfaceReading
    doubted_at: float
    lag: float

    @property
    def seconds(self) -> float:
        """The time between the two."""
        return self.doubted_at - self.base_at

    def came_late(self, reading: InterfaceReading, at: float, *, still_since: float, cache_seconds: float) -> bool:
        """Whether an agent that caches its counters would show what was doubted: it held back what passed while they
        stood still, or renews them hardly more slowly than they are polled, and then the polls beside brought half as much.
        """
        before, since = self.seconds, at - self.doubted_at
        line = told_speed(self.base, self.doubted, None) * MARGIN
        jump, follows = most_passed(self.base, self.doubted), most_passed(self.doubted, reading)
        if jump <= line * (before + self.lag) and follows <= line * since:
            return True
        held = min(self.doubted_at - still_since, cache_seconds) + max(before, since)
        if jump > line * held or jump + follows > line * (held + since):
            return False
        return still_since < self.base_at or jump / before <= FAR_ABOVE * follows / since

    def times(self, refuted: float | None) -> float:
        """How many times what the line carries the poll brought that was doubted, until it was answered; 0: not known."""
        carried = told_speed(self.base, self.doubted, refuted) * self.seconds
        if not carried:
            return 0.0
        times = most_passed(self.base, self.doubted) / carried
        if times <= MARGIN:
            return times
        return max(MARGIN + 1e-9, times / (1.0 + (self.lag - LAG_SECONDS) / self.seconds))

    def is_only_too_fast(self, reading: InterfaceReading, at: float, refuted: float | None) -> bool:
        """Whether only the stated speed contradicts what has passed; for 32-bit counters that cannot be known."""
        stated = told_speed(self.base, reading, None)
        if not stated or stated == refuted or reading.counter_bits < WIDE:
            return False
        return not (
            misfits(self.base, self.doubted, self.seconds, stated)
            or misfits(self.doubted, reading, at - self.doubted_at, stated)
        )
