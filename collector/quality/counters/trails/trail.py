"""Readings that do not follow from those before: which of them are believed, and from when on. A doubt waits a poll."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from collector.quality.counters.counter_bounds import (
    BYTES,
    MARGIN,
    PACKETS,
    WIDE,
    WRAP_32,
    counters,
    is_discontinuous,
    lenient,
    lies_between,
    misfits,
    most_passed,
    room_of,
    told_speed,
    with_values,
)
from collector.quality.counters.narrow import TIMES_AS_FAST, TIMES_BEYOND, Beyond, NarrowInDisguise, most_round
from collector.quality.counters.trails.aside import Aside
from collector.quality.counters.trails.jump import LAG_SECONDS, Jump
from collector.quality.counters.trails.left_out import LeftOut
from collector.quality.counters.trails.moves import Moves
from collector.reading import InterfaceReading

TIMES_TOO_FAST = 3
"""A stated speed is refuted by two polls in a row that exceed it, or by this many spread over time."""
CACHE_SECONDS = 180.0
"""So old may counters be that an agent caches: it makes up for that time at once when it renews them."""
MEMORY_SECONDS = 3600.0
"""So long is it remembered what was doubted last."""


class Step(NamedTuple):
    """What a reading of an interface says after those before it.

    ``before`` is the reading that it may be compared with over ``seconds``, None where there is none. ``refused`` are
    counters that the reading cannot have: they are not to be shown. ``news`` are those that were believed until now.
    ``late_share`` is above 0 where more has passed than the stated speed allows and it is believed all the same, because
    an agent that caches its counters would show it so: it is how much of the line that would be. ``late_times`` is how
    many times what the line carries the one poll brought that was doubted. ``lost`` is why what passed before it is not
    known for good, one of ODDITIES.
    """

    before: InterfaceReading | None
    seconds: float
    refused: tuple[str, ...] = ()
    news: tuple[str, ...] = ()
    late_share: float = 0.0
    late_times: float = 0.0
    lost: str | None = None


NO_STEP = Step(None, 0.0)


class Trail:
    """The readings of one interface, of which one or more did not follow from those before.

    A reading that cannot follow is doubted: the one before stays what the next is compared with, so that a glitch costs
    its own poll and no byte. Once the counters go on from the doubted reading instead, the series begins anew there. More
    than the stated speed allows, and no more than any line carries, is believed once the next reading bears it out, as far
    as an agent that caches its counters explains it: what lies above the line's speed may not add up to more than it
    carries in ``CACHE_SECONDS``, and no more may come late than the line carried while the counters stood still. Beyond
    that the speed is refuted, but by a single leap: that is not believed, the series begins anew after it, and what is
    shown leaves it out. Counters that do neither are set aside, and the others go on. ``still_since`` is when a poll first found the counters of ``base``.
    """

    __slots__ = (
        "_aside",
        "_beyond",
        "_cache_seconds",
        "_doubted",
        "_doubted_at",
        "_excess",
        "_lag",
        "_leaps",
        "_left",
        "_left_out",
        "_moved_at",
        "_moves",
        "_newest",
        "_newest_at",
        "_rate",
        "_still_since",
        "_too_fast",
        "_width",
        "at",
        "base",
        "refuted",
    )

    def __init__(
        self, base: InterfaceReading, at: float, still_since: float = -inf, cache_seconds: float | None = None
    ) -> None:
        self._cache_seconds = max(CACHE_SECONDS, cache_seconds or 0.0)
        self.base, self.at = base, at
        self.refuted: float | None = None
        self._newest, self._newest_at = base, at
        self._moved_at = self._still_since = still_since
        self._width = NarrowInDisguise()
        self._beyond, self._moves = Beyond(), Moves()
        self._rate = 0.0
        self._too_fast = self._leaps = 0
        self._aside: dict[str, Aside] = {}
        self._left_out = LeftOut()
        self._left: dict[str, tuple[int, int, float]] = {}
        self._doubted: InterfaceReading | None = None
        self._doubted_at = self._excess = self._lag = 0.0

    @property
    def unknown_speed(self) -> float | None:
        """A stated speed that is not to be shown: refuted, or leaps came that may be those of a faster line."""
        return self.base.speed_bytes_per_second if self._leaps >= TIMES_TOO_FAST else self.refuted

    @property
    def is_narrow(self) -> bool:
        """Whether counters of 64 bits have turned out to go round at 2^32."""
        return self._width.is_so

    @property
    def is_calm(self) -> bool:
        """Whether nothing is in doubt."""
        is_odd = self._aside or self._left_out or self._width.is_so or self._beyond.polls
        return self._doubted is None and not is_odd and self.refuted is None

    def is_over(self, at: float) -> bool:
        """Whether nothing is in doubt, and nothing was for an hour, so that the trail may be forgotten."""
        return self.is_calm and at - self._doubted_at > MEMORY_SECONDS

    def shown(self, interface: InterfaceReading, step: Step) -> InterfaceReading:
        """What is to be shown of the reading that ``step`` is of: without what is refused now, and the leaps of before."""
        if self.unknown_speed is not None and interface.speed_bytes_per_second == self.unknown_speed:
            interface = interface._replace(speed_bytes_per_second=None)
        return self._left_out.shown(interface, step.refused)

    def begin(self, reading: InterfaceReading, at: float) -> None:
        """The series begins anew with this reading: the device or the interface started anew."""
        self._aside.clear()
        self._left_out.clear()
        self._left.clear()
        self._excess = 0.0
        self._go_on(reading, at)

    def _go_on(self, reading: InterfaceReading, at: float) -> None:
        self._still_since = self._moved_at
        self.base, self.at, self._doubted = reading, at, None

    def take(self, reading: InterfaceReading, at: float, late_seconds: float = 0.0) -> Step:
        """The next reading, of ``at``; its counters may have been read up to ``late_seconds`` after that."""
        base, seconds = self.base, at - self.at
        if seconds <= 0.0:
            return NO_STEP
        newest, newest_at = self._newest, self._newest_at
        self._newest, self._newest_at = reading, at
        reading = self._with_speed(self.read(reading))
        if counters(reading) != counters(newest):
            moved_before, self._moved_at = self._moved_at, at
            if self._moves.note(newest, reading, at - moved_before, told_speed(base, reading, self.refuted)):
                return self._refute(newest, newest_at, reading, at)._replace(
                    late_times=(at - moved_before) / (at - newest_at)
                )
        if base.counter_bits != reading.counter_bits or is_discontinuous(base, reading):
            self.begin(reading, at)
            return Step(base, seconds)
        aside = self._still_aside(reading, at) if self._aside else ()
        if aside:
            reading = with_values(reading, dict.fromkeys(aside))
        back = self._come_back(reading, at) if self._left else None
        if back is not None:
            return back
        late_seconds = max(LAG_SECONDS, late_seconds)
        wrong = misfits(base, reading, lenient(reading, seconds, late_seconds), self.refuted)
        step = self._beyond_step(newest, newest_at, reading, at, wrong)
        if step is not None:
            return step
        if not wrong and self._waits(reading):
            wrong = BYTES
        if not wrong and self._was_cleared(reading, at):
            assert self._doubted is not None
            return self._begin_after(self._doubted, reading, at)
        if not wrong:
            step = self._borne_out(reading, at)._replace(refused=aside)
            return step._replace(lost="set_aside") if aside else step
        if self._doubted is None:
            self._doubted, self._doubted_at = reading, at
            self._lag = late_seconds
            return Step(None, 0.0, (*aside, *wrong), wrong)
        if at <= self._doubted_at:  # that one was read later than this, after retries
            return Step(None, 0.0, (*aside, *wrong))
        step = self._settle(self._doubted, reading, at, wrong)
        return step._replace(refused=(*aside, *step.refused))

    def read(self, interface: InterfaceReading) -> InterfaceReading:
        """The reading with counters as wide as they are."""
        return self._width.read(interface)

    def _beyond_step(
        self, newest: InterfaceReading, newest_at: float, reading: InterfaceReading, at: float, wrong: tuple[str, ...]
    ) -> Step | None:
        """A reading of 32-bit counters that lately passed more than the stated speed allows; None where they did not."""
        if reading.counter_bits >= WIDE or at <= newest_at or not told_speed(self.base, reading, self.refuted):
            return None
        passed = None if set(wrong) & set(BYTES) else most_round(self.base, reading)
        found = self._beyond.note(newest, reading, room_of(newest, reading, at - newest_at, self.refuted), passed)
        if found == "wrong speed":
            return self._refute(newest, newest_at, reading, at)
        if found == "chance":
            self._aside.clear()
            self._go_on(reading, at)
            return NO_STEP._replace(lost="may_have_wrapped")
        return None

    def _refute(self, newest: InterfaceReading, newest_at: float, reading: InterfaceReading, at: float) -> Step:
        """The stated speed is wrong, and the counters have been right all along."""
        self.refuted = told_speed(self.base, reading, None)
        self.begin(reading, at)
        return Step(newest, at - newest_at)

    def _with_speed(self, reading: InterfaceReading) -> InterfaceReading:
        """The reading with the speed that holds: the last one that was stated."""
        speed, before = reading.speed_bytes_per_second, self.base.speed_bytes_per_second
        if speed is None:
            return reading._replace(speed_bytes_per_second=before)
        if speed != self.refuted:
            self.refuted = None
        if speed != before:
            self._leaps = 0
        return reading

    def _borne_out(self, reading: InterfaceReading, at: float) -> Step:
        """A reading that follows from what is believed. So may one between that did not, if what it brought came late."""
        base, doubted, seconds = self.base, self._doubted, at - self.at
        times = 0.0
        if doubted is not None and at > self._doubted_at and lies_between(base, doubted, reading):
            jump = self._jump(doubted)
            times = jump.times(self.refuted)
            if times > MARGIN and not self._came_late(jump, reading, at):
                self._leaps += 1
                return self._begin_after(doubted, reading, at)
        self._excess = self._excess_of(reading, seconds)
        if self._width.is_so and not self._goes_round(reading, seconds):
            self._width = NarrowInDisguise()
            self.begin(reading, at)
            return NO_STEP._replace(lost="set_back")
        self._go_on(reading, at)
        return Step(base, seconds, late_times=times if times > MARGIN else 0.0)

    def _waits(self, reading: InterfaceReading) -> bool:
        """Whether a reading of 32-bit counters that fits is doubted all the same: a glitch fits by chance, now and then."""
        is_bound = reading.counter_bits < WIDE and told_speed(self.base, reading, self.refuted) > 0.0
        return is_bound and self._doubted is None and self._beyond.is_far

    def _was_cleared(self, reading: InterfaceReading, at: float) -> bool:
        """Whether 32-bit counters go on from what was doubted, far more closely than, gone round, from what is believed."""
        doubted, since = self._doubted, at - self._doubted_at
        if doubted is None or since <= 0.0 or reading.counter_bits >= WIDE or lies_between(self.base, doubted, reading):
            return False
        if not told_speed(self.base, reading, self.refuted):
            return False
        wrong = misfits(self.base, doubted, lenient(doubted, self._doubted_at - self.at, self._lag), self.refuted)
        if not set(wrong) & set(BYTES) or misfits(doubted, reading, since, self.refuted):
            return False
        passed, seconds = most_round(self.base, reading), at - self.at
        is_nearly_full = passed > room_of(self.base, reading, seconds, self.refuted) / 2
        return is_nearly_full and passed / seconds > TIMES_BEYOND * most_round(doubted, reading) / since

    def _goes_round(self, reading: InterfaceReading, seconds: float) -> bool:
        """Whether counters that fell go round at 2^32 as they did before: else they were set back. What is shown goes on."""
        fell = []
        for field, old, new in zip(BYTES, counters(self.base), counters(reading), strict=True):
            if old is None or new is None:
                continue
            if new >= old:
                self._rate = (new - old) / seconds
            elif new - old + WRAP_32 > TIMES_AS_FAST * self._rate * seconds:
                return False
            else:
                fell.append(field)
        for field in fell:
            self._left_out.note_round(field)
        return True

    def _still_aside(self, reading: InterfaceReading, at: float) -> tuple[str, ...]:
        """The counters that stay aside; the others are believed again, and compared from the next reading on."""
        for field, aside in list(self._aside.items()):
            if getattr(reading, field) is None:
                continue
            if aside.goes_on(field, self.base, reading, at):
                del self._aside[field]
            elif aside.goes_on_anew(field, self.base, reading, at):
                room = room_of(self.base, reading, aside.came_at - aside.at, self.refuted)
                self._left_out.note(field, aside.value, aside.came, room)
                if aside.came == getattr(reading, field) < aside.value:
                    self._left[field] = aside.came, aside.value, aside.at
                del self._aside[field]
        return tuple(self._aside)

    def _come_back(self, reading: InterfaceReading, at: float) -> Step | None:
        """A counter that fell, stood there, and now goes on from where it was before: nothing has passed with that."""
        back = []
        for field, (stood, value, left_at) in list(self._left.items()):
            new, base = getattr(reading, field), getattr(self.base, field)
            if new is None or new == stood:
                continue
            del self._left[field]
            if base == stood and 0 <= new - value <= room_of(self.base, reading, at - left_at, self.refuted):
                self._left_out.note(field, base, new, 0.0)
                back.append(field)
        if not back:
            return None
        self._go_on(reading, at)
        return NO_STEP._replace(lost="set_aside")

    def _begin_after(self, doubted: InterfaceReading, reading: InterfaceReading, at: float) -> Step:
        """The series begins anew with what was doubted."""
        before = self._doubted_at - self.at
        room = room_of(self.base, doubted, before, self.refuted)
        wrong = misfits(self.base, doubted, before, self.refuted)
        for field in wrong:
            self._left_out.note(field, getattr(self.base, field), getattr(doubted, field), room)
        leapt = any(getattr(doubted, field) > getattr(self.base, field) for field in wrong)
        since = at - self._doubted_at
        self._rate = most_passed(doubted, reading) / since
        self._width.note(self.base, doubted, min(room, TIMES_AS_FAST * self._rate * before))
        self._go_on(self.read(reading), at)
        return Step(self.read(doubted), since, lost="leap" if leapt else "set_back")

    def _settle(self, doubted: InterfaceReading, reading: InterfaceReading, at: float, wrong: tuple[str, ...]) -> Step:
        """A reading that does not follow from what is believed, after one that did not either."""
        base, seconds, since = self.base, at - self.at, at - self._doubted_at
        has_moved = any(getattr(doubted, field) != getattr(reading, field) for field in wrong)
        goes_on = has_moved and not misfits(doubted, reading, since, self.refuted)
        jump = self._jump(doubted)
        if not set(wrong) & set(PACKETS) and jump.is_only_too_fast(reading, at, self.refuted):
            excess, speed = self._excess_of(reading, seconds), told_speed(base, reading, None)
            came_late = self._came_late(jump, reading, at)
            if came_late and excess <= speed * self._cache_seconds:
                self._excess = excess
                self._too_fast += 1
                times = jump.times(self.refuted)
                share = most_passed(base, reading) / (speed * seconds)
                self._go_on(reading, at)
                return Step(base, seconds, late_share=share, late_times=times)
            goes_on_so = most_passed(doubted, reading) > speed * since * MARGIN
            if came_late or goes_on_so:
                self._too_fast += TIMES_TOO_FAST if goes_on_so else 1
            elif most_passed(base, doubted) <= speed * (CACHE_SECONDS + jump.seconds * MARGIN):
                self._leaps += 1
            if self._too_fast >= TIMES_TOO_FAST and (came_late or goes_on_so):
                self.refuted = speed
                self._go_on(reading, at)
                return Step(base, seconds)
        if goes_on:
            return self._begin_after(doubted, reading, at)
        for field in wrong:
            old, came = getattr(base, field), getattr(doubted, field)
            new = getattr(reading, field)
            self._aside[field] = Aside(old, self.at, new if came is None else came, self._doubted_at)
            if new is not None:
                self._aside[field].goes_on_anew(field, base, reading, at)
        nothing = dict.fromkeys(wrong)
        self._go_on(with_values(reading, nothing), at)
        return Step(with_values(base, nothing), seconds, wrong, lost="set_aside")

    def _jump(self, doubted: InterfaceReading) -> Jump:
        return Jump(self.base, self.at, doubted, self._doubted_at, self._lag)

    def _came_late(self, jump: Jump, reading: InterfaceReading, at: float) -> bool:
        return jump.came_late(reading, at, still_since=self._still_since, cache_seconds=self._cache_seconds)

    def _excess_of(self, reading: InterfaceReading, seconds: float) -> float:
        """How much more has passed than the line carries, with this reading: what it leaves over pays earlier excess."""
        room = room_of(self.base, reading, seconds, self.refuted)
        return max(0.0, self._excess + most_passed(self.base, reading) - room)
