"""Agents that renew their counters more slowly than they are polled: how that shows, and rates over spans long enough."""

from __future__ import annotations

from math import inf

from collector.quality.counters.counter_bounds import MARGIN
from collector.quality.counters.rates import InterfaceDelta
from collector.quality.counters.rhythm import Rhythm
from collector.quality.counters.trails.trail import CACHE_SECONDS
from collector.quality.counters.uplink import Traffic, traffic_of
from collector.reading import Device, InterfaceReading

CACHING_SECONDS = 3600.0
"""So long an agent is taken to cache its counters after the last poll that shows it."""
LEAST_SECONDS, LEAST_POLLS = 180.0, 10
"""Over so many seconds and polls rates are taken then, from one renewal to another: a poll's error is a tenth of them."""
IDLE_SECONDS = 2 * CACHE_SECONDS
"""A counter that has stood still for longer is that of an idle line."""
TIMES_FOR_ONE, TIMES_FOR_TWO = 3.0, 1.5
"""One poll that brings so many times what the line carries shows a cache, or two that bring so many times.

An answer that is 2 s late makes 1.4 times of polls each five seconds."""


COUNTERS = slice(InterfaceReading._fields.index("receive_bytes"), InterfaceReading._fields.index("transmit_bytes") + 1)


class Renewals:
    """What polls have shown of when the agent renews the counters of one interface.

    While it is taken to cache them a poll says nothing of the rate: one that finds them unmoved is no zero, and one that
    finds them renewed brings what has passed since long before. What passed is added up until a poll finds them renewed
    after LEAST_SECONDS and LEAST_POLLS. Who has not been taken to cache, and brings more than the line carries, is added up
    until it does not. ``still_since`` is the poll that first found the counters where they are. ``told_seconds`` is how often they are renewed,
    where somebody has said so.
    """

    __slots__ = (
        "_excess_at",
        "_false_since",
        "_held",
        "_idle_seconds",
        "_is_begun",
        "_is_renewed",
        "_newest",
        "_polls",
        "_rhythm",
        "_stood_at",
        "_sure_until",
        "still_since",
        "until",
    )

    def __init__(self, newest: InterfaceReading, still_since: float, told_seconds: float | None = None) -> None:
        self.still_since = still_since
        self._excess_at = self._stood_at = -inf
        self.until = self._sure_until = -inf if told_seconds is None else inf
        self._idle_seconds = max(IDLE_SECONDS, 2 * (told_seconds or 0.0))
        self._false_since: float | None = None
        self._newest: InterfaceReading | None = newest
        self._rhythm = Rhythm()
        self._held: Traffic | None = None
        self._is_begun = self._is_renewed = False
        self._polls = 0

    def is_over(self, at: float) -> bool:
        """Whether there is no sign of a cache, and has been none for an hour."""
        return self._held is None and at - max(self.until, self._excess_at, self._stood_at) > CACHING_SECONDS

    def note_excess(self, at: float, times: float) -> None:
        """A poll has brought ``times`` what the line carries, and it is believed that it came late."""
        if times >= TIMES_FOR_ONE or (times >= TIMES_FOR_TWO and at - self._excess_at <= CACHING_SECONDS):
            self._is_sure(at)
        if times >= TIMES_FOR_TWO:
            self._excess_at = at

    def take(
        self, device: Device, uplink: InterfaceReading, at: float, passed: Traffic | None, *, speed: float | None
    ) -> Traffic | None:
        """What is to be told of a poll. ``passed`` is what passed since the one before, as far as that is known."""
        newest, self._newest = self._newest, uplink
        stands = newest is not None and newest[COUNTERS] == uplink[COUNTERS]
        if stands:
            self._stood_at = at
        else:
            self.still_since = at
        foretold = self._rhythm.add(at, stands=stands)
        if foretold == inf:
            self._is_sure(at)
        elif foretold is not None:
            self.until = max(self.until, at + foretold)
        self._polls += 1
        is_renewed, self._is_renewed = self._is_renewed or not stands, False
        if passed is None:
            self._is_renewed = is_renewed
            return None
        is_caching = at < self.until
        if is_caching and not self._is_begun:
            self._is_begun, self._polls = is_renewed, 0
            return self._told(self.rest(passed))  # some of it passed long before
        self._is_begun = is_caching
        if self._held is None and not is_caching and not _is_beyond(passed, speed):
            return passed
        held = self._held = passed if self._held is None else _both(self._held, passed, device, speed)
        is_due = is_renewed and held.seconds >= LEAST_SECONDS and self._polls >= LEAST_POLLS
        is_idle = stands and at - self.still_since > self._idle_seconds
        if is_due or is_idle or (not is_caching and not _is_beyond(held, speed)):
            polls, self._held, self._polls = self._polls, None, 0
            return self._told(held._replace(over_polls=polls if polls > 1 else held.over_polls))
        return None

    def _is_sure(self, at: float) -> None:
        """The agent caches. If that is news, what was told of rates since it began to show is false."""
        if at >= self._sure_until:
            self._false_since = min(self._rhythm.since, at - CACHE_SECONDS)
        self.until = self._sure_until = at + CACHING_SECONDS

    def _told(self, passed: Traffic | None) -> Traffic | None:
        if passed is None or self._false_since is None:
            return passed
        since, self._false_since = self._false_since, None
        return passed._replace(false_since=since)

    def begin_anew(self) -> Traffic | None:
        """The counters began anew, in the midst of a renewal; what has been added up and not been told."""
        self._is_begun = self._is_renewed = False
        return self.rest()

    def rest(self, passed: Traffic | None = None) -> Traffic | None:
        """What has been added up and not been told, and ``passed``: no rate, since some of it may have passed before."""
        held, self._held = self._held, None
        if held is not None and passed is not None:
            passed = _sum(held, passed)
        whole = passed or held
        return None if whole is None else whole._replace(utilization_ratio=None, over_polls=0)


def _is_beyond(passed: Traffic, speed: float | None) -> bool:
    """Whether a rate over these seconds is more than the line carries: some of it passed before."""
    if not speed or not passed.over_polls:
        return False
    return max(passed.receive_bytes or 0, passed.transmit_bytes or 0) > speed * passed.seconds * MARGIN


def _sum(held: Traffic, passed: Traffic) -> Traffic:
    """Two spans of time as one, without a share. What is not known of either is not known of both."""
    received, transmitted, errors, discards = (
        None if a is None or b is None else a + b for a, b in zip(held[1:5], passed[1:5], strict=True)
    )
    return Traffic(held.seconds + passed.seconds, received, transmitted, errors, discards, None)


def _both(held: Traffic, passed: Traffic, device: Device, speed: float | None) -> Traffic:
    """Two spans of time as one, with the share of the line."""
    whole = _sum(held, passed)
    return traffic_of(device, InterfaceDelta("", *whole[1:5], whole.seconds), speed)
