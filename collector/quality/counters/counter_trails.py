"""Whether counters can have gone from one value to another: what a line can carry is the bound, a doubt waits a poll."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from collector.hour_bounds import LEAST_PACKET_BYTES, UNTOLD_BYTES_PER_SECOND
from collector.reading import InterfaceReading

WRAP_32 = 2**32
WIDE = 64
MARGIN = 1.1
"""How much more than its speed an interface may seem to have carried: counters and clocks are not read at one instant."""
POLLS_TO_STAND = 5
"""A counter at a value that it cannot have reached is believed after it has stayed there for this many polls."""
TIMES_TOO_FAST = 3
"""A stated speed is refuted by two polls in a row that exceed it, or by this many spread over time."""
FAR_ABOVE = 10.0
"""A single reading that is so many times as fast as the next one, and too fast for any cache, is a glitch of the counter."""
CACHE_SECONDS = 180.0
"""So old may counters be that an agent caches: it makes up for that time at once when it renews them."""
MEMORY_SECONDS = 3600.0
"""So long is it remembered what was doubted last."""

BYTES = ("receive_bytes", "transmit_bytes")
PACKETS = ("receive_errors", "transmit_errors", "receive_discards", "transmit_discards")
COUNTERS = (*BYTES, *PACKETS)


def passed_bytes(before: int | None, after: int | None, bits: int, room: float, *, is_told: bool) -> int | None:
    """The difference of a byte counter; None where it is not known, or where it is more than ``room``.

    A 32-bit counter is unwrapped only where it cannot have wrapped twice, or once without showing: ``is_told`` says that
    ``room`` is worked out from the interface's own speed. ``room`` has its margin in it.
    """
    if before is None or after is None:
        return None
    passed = after - before
    if bits >= WIDE:
        return passed if 0 <= passed <= room else None
    if not is_told:
        return passed if passed >= 0 else None
    if room >= WRAP_32 * MARGIN:
        return None
    passed %= WRAP_32
    return passed if passed <= room else None


def room_of(before: InterfaceReading, after: InterfaceReading, seconds: float, refuted: float | None) -> float:
    """The most bytes that the interface can have carried in ``seconds``; ``refuted`` is a speed that is not believed."""
    speed = told_speed(before, after, refuted)
    return (speed or UNTOLD_BYTES_PER_SECOND) * seconds * MARGIN


def told_speed(before: InterfaceReading, after: InterfaceReading, refuted: float | None) -> float:
    """The speed that the interface states, the greater of two; 0 if it states none that is believed."""
    speed = max(before.speed_bytes_per_second or 0.0, after.speed_bytes_per_second or 0.0)
    return 0.0 if speed == refuted else speed


def misfits(
    before: InterfaceReading, after: InterfaceReading, seconds: float, refuted: float | None = None
) -> tuple[str, ...]:
    """The counters that cannot have gone from ``before`` to ``after`` in that many seconds.

    A counter that is missing either time fits. So does any other value of a 32-bit byte counter that may have wrapped
    unseen, but for zero and its very end: a glitch shows those, a wrap next to never.
    """
    room = room_of(before, after, seconds, refuted)
    is_told = told_speed(before, after, refuted) > 0.0
    if before.counter_bits != after.counter_bits:
        return ()
    bits = after.counter_bits
    wrong = [
        field
        for field in BYTES
        if not _fits(getattr(before, field), getattr(after, field), bits, room, is_told=is_told)
    ]
    most = room / LEAST_PACKET_BYTES
    for field in PACKETS:
        old, new = getattr(before, field), getattr(after, field)
        if old is not None and new is not None and not 0 <= new - old <= most:
            wrong.append(field)
    return tuple(wrong)


def _fits(before: int | None, after: int | None, bits: int, room: float, *, is_told: bool) -> bool:
    if before is None or after is None:
        return True
    if bits >= WIDE:
        return 0 <= after - before <= room
    if after != before and after in (0, WRAP_32 - 1):
        return False
    if not is_told or room >= WRAP_32 * MARGIN:
        return True
    return (after - before) % WRAP_32 <= room


class Step(NamedTuple):
    """What a reading of an interface says after those before it.

    ``before`` is the reading that it may be compared with over ``seconds``, None where there is none. ``refused`` are
    counters that the reading cannot have: they are not to be shown. ``news`` are those that were believed until now.
    ``late_share`` is above 0 where more has passed than the stated speed allows and it is believed all the same, because
    an agent that caches its counters would show it so: it is how much of the line that would be.
    """

    before: InterfaceReading | None
    seconds: float
    refused: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    late_share: float = 0.0


class _Aside:
    """A counter that is not believed while the others of its interface go on: its last value that was, and what came."""

    __slots__ = ("at", "bits", "came", "came_at", "polls", "value")

    def __init__(self, value: int, at: float, came: int, came_at: float) -> None:
        self.value, self.at = value, at
        self.came, self.came_at = came, came_at
        self.polls = 1

    def is_back(self, field: str, base: InterfaceReading, reading: InterfaceReading, at: float) -> bool:
        """Whether the counter goes on from where it was believed, or has gone on for a while from where it is now, be it
        faster than the stated speed: that speed may be wrong.
        """
        new = getattr(reading, field)
        if new is None:
            return False
        if field not in misfits(with_values(base, {field: self.value}), reading, at - self.at):
            return True
        stated = told_speed(base, reading, None) if field in BYTES else None
        if field in misfits(with_values(base, {field: self.came}), reading, at - self.came_at, stated):
            self.came, self.came_at, self.polls = new, at, 1
            return False
        self.polls += 1
        return new != self.came or self.polls >= POLLS_TO_STAND


class Trail:
    """The readings of one interface, of which one or more did not follow from those before.

    A reading that cannot follow is doubted: the one before stays what the next is compared with, so that a glitch costs
    its own poll and no byte. Once the counters go on from the doubted reading instead, the series begins anew there. More
    than the stated speed allows, and no more than any line carries, is believed once the next reading bears it out, as far
    as an agent that caches its counters explains it: what lies above the line's speed may not add up to more than it
    carries in ``CACHE_SECONDS``. Beyond that the speed is refuted, but for a single leap between polls that are far slower:
    that is a glitch, and the series begins anew after it. Counters that do neither are set aside, and the others go on.
    """

    __slots__ = (
        "_aside",
        "_doubted",
        "_doubted_at",
        "_excess",
        "_too_fast",
        "at",
        "base",
        "refuted",
    )

    def __init__(self, base: InterfaceReading, at: float) -> None:
        self.base, self.at = base, at
        self.refuted: float | None = None
        self._too_fast = 0
        self._aside: dict[str, _Aside] = {}
        self._doubted: InterfaceReading | None = None
        self._doubted_at = self._excess = 0.0

    @property
    def is_calm(self) -> bool:
        """Whether nothing is in doubt."""
        return self._doubted is None and not self._aside and self.refuted is None

    def is_over(self, at: float) -> bool:
        """Whether nothing is in doubt, and nothing was for an hour, so that the trail may be forgotten."""
        return self.is_calm and at - self._doubted_at > MEMORY_SECONDS

    def begin(self, reading: InterfaceReading, at: float) -> None:
        """The series begins anew with this reading: the device or the interface started anew."""
        self._aside.clear()
        self._excess = 0.0
        self._go_on(reading, at)

    def _go_on(self, reading: InterfaceReading, at: float) -> None:
        self.base, self.at, self._doubted = reading, at, None

    def take(self, reading: InterfaceReading, at: float) -> Step:
        """The next reading, of ``at``."""
        base, seconds = self.base, at - self.at
        if seconds <= 0.0:
            return Step(None, 0.0)
        if reading.speed_bytes_per_second is None:  # it holds until another is stated
            reading = reading._replace(speed_bytes_per_second=base.speed_bytes_per_second)
        elif reading.speed_bytes_per_second != self.refuted:
            self.refuted = None
        if base.counter_bits != reading.counter_bits or is_discontinuous(base, reading):
            self.begin(reading, at)
            return Step(base, seconds)
        aside = self._still_aside(reading, at) if self._aside else ()
        if aside:
            reading = with_values(reading, dict.fromkeys(aside))
        wrong = misfits(base, reading, seconds, self.refuted)
        if not wrong:
            self._excess = self._excess_of(reading, seconds)
            self._go_on(reading, at)
            return Step(base, seconds, aside)
        if self._doubted is None:
            self._doubted, self._doubted_at = reading, at
            return Step(None, 0.0, (*aside, *wrong), wrong)
        if at <= self._doubted_at:  # that one was read later than this, after retries
            return Step(None, 0.0, (*aside, *wrong))
        step = self._settle(self._doubted, reading, at, wrong)
        return step._replace(refused=(*aside, *step.refused))

    def _still_aside(self, reading: InterfaceReading, at: float) -> tuple[str, ...]:
        """The counters that stay aside; the others are believed again, and compared from the next reading on."""
        for field in [f for f, aside in self._aside.items() if aside.is_back(f, self.base, reading, at)]:
            del self._aside[field]
        return tuple(self._aside)

    def _settle(self, doubted: InterfaceReading, reading: InterfaceReading, at: float, wrong: tuple[str, ...]) -> Step:
        """A reading that does not follow from what is believed, after one that did not either."""
        base, seconds, since = self.base, at - self.at, at - self._doubted_at
        has_moved = any(getattr(doubted, field) != getattr(reading, field) for field in wrong)
        goes_on = has_moved and not misfits(doubted, reading, since, self.refuted)
        is_lone = goes_on and self._is_lone(doubted, reading, at)
        if not is_lone and not set(wrong) & set(PACKETS) and self._is_only_too_fast(doubted, reading, at):
            excess, speed = self._excess_of(reading, seconds), told_speed(base, reading, None)
            if excess <= speed * CACHE_SECONDS:
                self._excess = excess
                self._too_fast += 1
                self._go_on(reading, at)
                return Step(base, seconds, late_share=_most_passed(base, reading) / (speed * seconds))
            self._too_fast += 1 if goes_on else TIMES_TOO_FAST
            if self._too_fast >= TIMES_TOO_FAST:
                self.refuted = speed
                self._go_on(reading, at)
                return Step(base, seconds)
        if goes_on:
            self._go_on(reading, at)
            return Step(doubted, since)
        for field in wrong:
            old, came = getattr(base, field), getattr(doubted, field)
            new = getattr(reading, field)
            self._aside[field] = _Aside(old, self.at, new if came is None else came, self._doubted_at)
            self._aside[field].is_back(field, base, reading, at)
        nothing = dict.fromkeys(wrong)
        self._go_on(with_values(reading, nothing), at)
        return Step(with_values(base, nothing), seconds, wrong)

    def _is_lone(self, doubted: InterfaceReading, reading: InterfaceReading, at: float) -> bool:
        """Whether the doubted reading alone brought more than a cache can hold back, and the next one far less."""
        before, since = self._doubted_at - self.at, at - self._doubted_at
        jump = _most_passed(self.base, doubted)
        held_back = told_speed(self.base, doubted, None) * (CACHE_SECONDS + before * MARGIN)
        return jump > held_back and jump / before > FAR_ABOVE * _most_passed(doubted, reading) / since

    def _excess_of(self, reading: InterfaceReading, seconds: float) -> float:
        """How much more has passed than the line carries, with this reading: what it leaves over pays earlier excess."""
        room = room_of(self.base, reading, seconds, self.refuted)
        return max(0.0, self._excess + _most_passed(self.base, reading) - room)

    def _is_only_too_fast(self, doubted: InterfaceReading, reading: InterfaceReading, at: float) -> bool:
        """Whether only the stated speed contradicts what has passed; for 32-bit counters that cannot be known."""
        stated = told_speed(self.base, reading, None)
        if not stated or stated == self.refuted or reading.counter_bits < WIDE:
            return False
        return not (
            misfits(self.base, doubted, self._doubted_at - self.at, stated)
            or misfits(doubted, reading, at - self._doubted_at, stated)
        )


def _most_passed(before: InterfaceReading, after: InterfaceReading) -> int:
    """The bytes of the direction that more has passed in."""
    pairs = [(getattr(before, field), getattr(after, field)) for field in BYTES]
    return max((new - old for old, new in pairs if old is not None and new is not None), default=0)


def with_values(reading: InterfaceReading, counters: Mapping[str, int | None]) -> InterfaceReading:
    """The reading with other counters."""
    return reading._replace(**counters)  # type: ignore[arg-type]


def is_discontinuous(before: InterfaceReading, after: InterfaceReading) -> bool:
    """Whether the interface says itself that its counters began anew (RFC 2863 ifCounterDiscontinuityTime)."""
    old, new = before.discontinuity_seconds, after.discontinuity_seconds
    return old != new and old is not None and new is not None
