"""The counters of one device's uplink, poll after poll: what passed since the last that are believed, and what is odd."""

from __future__ import annotations

from collections import Counter

from collector.quality.counters.counter_bounds import WIDE, is_discontinuous, lenient, misfits, told_speed
from collector.quality.counters.narrow import LatelyPassed
from collector.quality.counters.oddities import Oddities
from collector.quality.counters.rates import InterfaceDelta, interface_delta
from collector.quality.counters.renewals import Renewals
from collector.quality.counters.trails.jump import LAG_SECONDS
from collector.quality.counters.trails.trail import NO_STEP, Step, Trail
from collector.quality.counters.uplink import Traffic, plain_traffic, traffic_of
from collector.reading import Device, InterfaceReading, Reading

MOST_LATE_TIMES = 1.5
"""A poll that brought more than this many times what the line carries says nothing of a rate, nor does the one after it."""


class UplinkCounters:
    """The uplink is compared with ``base``, its newest reading that is believed, of ``base_at``.

    ``trail`` is there once one was not, ``renewals`` once one found it unmoved. ``shown`` is what is to be shown of the
    newest reading where that is not all, ``lost`` why it does not tell the traffic for good, ``counted`` what its 32-bit
    byte counters passed, received and sent; whoever reads them clears them.
    """

    __slots__ = (
        "_base",
        "_base_at",
        "_lately",
        "_refresh_seconds",
        "_renewals",
        "_trail",
        "counted",
        "lost",
        "oddities",
        "shown",
    )

    def __init__(self, refresh_seconds: float | None) -> None:
        self._refresh_seconds = refresh_seconds
        self._base: InterfaceReading | None = None
        self._base_at = 0.0
        self._trail: Trail | None = None
        self._renewals: Renewals | None = None
        self._lately: LatelyPassed | None = None
        self.oddities: Oddities | None = None
        self.shown: InterfaceReading | None = None
        self.lost: str | None = None
        self.counted: tuple[int | None, int | None] | None = None

    def begin(self, uplink: InterfaceReading | None, at: float) -> Traffic | None:
        """Nothing before this reading may be compared with it or with later ones. What was not told yet is returned."""
        self._trail, self._base, self.counted = None, uplink, None
        if uplink is not None:
            self._base_at = at + (uplink.late_seconds or 0.0)
        return self._renewals.begin_anew() if self._renewals is not None else None

    def passed(
        self, device: Device, uplink: InterfaceReading, reading: Reading, refused: Counter[str]
    ) -> Traffic | None:
        """What passed the uplink since its last reading that is believed."""
        at = reading.at
        if uplink.late_seconds is not None:
            at += uplink.late_seconds
        base = self._base
        if base is None or base.name != uplink.name:
            self._base, self._base_at = uplink, at
            self._trail = self._renewals = self.oddities = None
            return None
        if self._renewals is None and (device.counters_refresh_seconds or self._refresh_seconds):
            self._renewals = self._told_renewals(device, base)
        if base.index != uplink.index:
            self._note("renumbered", at)
        if self._trail is None:
            seconds = at - self._base_at
            plain = plain_traffic(device, base, uplink, seconds) if seconds > 0.0 else None
            if plain is None and _lacks_bytes(base, uplink):
                return None
            if plain is None and seconds > 0.0 and not misfits(base, uplink, seconds):
                speed = told_speed(base, uplink, None)
                plain = traffic_of(device, self._delta(base, uplink, seconds, None), speed)
            if plain is not None:
                before, self._base, self._base_at = self._base_at, uplink, at
                if self._renewals is None:
                    if plain[1] or plain[2] or self._told_refresh(device) == 0.0:
                        return plain
                    self._renewals = Renewals(base, before)
                return self._renewed(device, uplink, at, plain, told_speed(base, uplink, None))
            self._trail = Trail(base, self._base_at, self._still_since(), self._told_refresh(device))
        if _lacks_bytes(base, uplink):
            self.shown = self._trail.shown(uplink, NO_STEP)
            return None
        return self._follow(device, self._trail, uplink, (at, reading.duration_seconds), refused)

    def _told_refresh(self, device: Device) -> float | None:
        """How often the agent renews its counters, as its inventory row or the settings say."""
        own = device.counters_refresh_seconds
        return self._refresh_seconds if own is None else own

    def _told_renewals(self, device: Device, base: InterfaceReading) -> Renewals | None:
        told = self._told_refresh(device)
        return Renewals(base, self._base_at, told) if told else None

    def _still_since(self) -> float:
        """When a poll first found the counters of ``base``."""
        return self._base_at if self._renewals is None else self._renewals.still_since

    def _follow(
        self,
        device: Device,
        trail: Trail,
        uplink: InterfaceReading,
        at_and_after: tuple[float, float],
        refused: Counter[str],
    ) -> Traffic | None:
        """The same if something was in doubt recently, or needs a closer look."""
        at, late_seconds = at_and_after
        was_unknown = trail.unknown_speed
        step = trail.take(uplink, at, late_seconds)
        self.shown, uplink = trail.shown(uplink, step), trail.read(uplink)
        refused.update(step.news)
        self._note_step(trail, step, at)
        if trail.unknown_speed is not None and was_unknown is None:
            refused["speed_bytes_per_second"] += 1
        self._base, self._base_at = trail.base, trail.at
        if trail.is_over(at):
            self._trail = None
        speed = told_speed(step.before or uplink, uplink, trail.refuted)
        passed = None
        if step.before is not None:
            seconds = lenient(uplink, step.seconds, max(LAG_SECONDS, late_seconds))
            delta = self._delta(step.before, uplink, seconds, speed if step.late_share else trail.refuted)
            delta = delta._replace(seconds=step.seconds)
            passed = traffic_of(device, delta, speed if trail.unknown_speed is None else None)
            if passed.utilization_ratio == 1.0 and uplink.counter_bits < WIDE:
                self._renewals = self._renewals or Renewals(uplink, at)
        stands = passed is not None and passed.receive_bytes == passed.transmit_bytes == 0
        if stands and self._renewals is None and self._told_refresh(device) is None:
            self._renewals = Renewals(uplink, at)
        if step.late_times:
            if self._told_refresh(device) is None:
                self._renewals = self._renewals or Renewals(uplink, at)
                self._renewals.note_excess(at, step.late_times)
            if passed is not None and step.late_times > MOST_LATE_TIMES:
                passed = passed._replace(utilization_ratio=None, over_polls=0)
        return self._renewed(device, uplink, at, passed, speed)

    def _delta(
        self, before: InterfaceReading, after: InterfaceReading, seconds: float, refuted: float | None
    ) -> InterfaceDelta:
        """What passed between two readings. Where no speed tells how often 32-bit counters went round, what lately passed does."""
        delta = interface_delta(before, after, seconds, refuted)
        if after.counter_bits >= WIDE:
            return delta
        is_comparable = before.counter_bits < WIDE and not is_discontinuous(before, after)
        if is_comparable and not told_speed(before, after, refuted):
            if self._lately is None:
                self._lately = LatelyPassed()
            received, sent = self._lately.passed(before, after, seconds)
            delta = delta._replace(receive_bytes=received, transmit_bytes=sent)
        self.counted = delta.receive_bytes, delta.transmit_bytes
        self.lost = "may_have_wrapped" if self.counted == (None, None) else None
        return delta

    def _note(self, kind: str, at: float) -> None:
        if self.oddities is None:
            self.oddities = Oddities()
        self.oddities.note(kind, at)

    def _note_step(self, trail: Trail, step: Step, at: float) -> None:
        """Keep what is odd for whoever asks."""
        if step.lost is not None:
            self.lost = step.lost
            self._note(step.lost, at)
        if trail.unknown_speed is not None:
            self._note("speed_unknown", at)
        if trail.is_narrow:
            self._note("wraps_at_32_bits", at)

    def _renewed(
        self, device: Device, uplink: InterfaceReading, at: float, passed: Traffic | None, speed: float
    ) -> Traffic | None:
        """The same if the counters may be renewed more slowly than they are polled."""
        renewals = self._renewals
        if renewals is None:
            return passed
        passed = renewals.take(device, uplink, at, passed, speed=speed or None)
        if renewals.until > at:
            self._note("cached", at)
        if renewals.is_over(at):
            self._renewals = None
        return passed


def _lacks_bytes(base: InterfaceReading, uplink: InterfaceReading) -> bool:
    """Whether a poll has not read the bytes that were read before: the next one that has is compared over both."""
    if uplink.receive_bytes is not None or uplink.transmit_bytes is not None:
        return False
    return base.receive_bytes is not None or base.transmit_bytes is not None
