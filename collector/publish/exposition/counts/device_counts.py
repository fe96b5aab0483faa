"""What one device has counted, poll after poll, and what its last burst of echoes came to. No text is made here."""

from __future__ import annotations

from typing import NamedTuple

from collector.publish.exposition.family import Detail
from collector.reading import Device, EchoBurst, Reading, StateName, Transition

OUTAGE_STATES = ("down", "suppressed")
MISSES_UNTIL_GONE = 2
_new_record = tuple.__new__


class BurstFigures(NamedTuple):
    """Round trips of one burst: percentiles by nearest rank, and the mean absolute difference of neighbours."""

    p50_seconds: float | None = None
    p95_seconds: float | None = None
    jitter_seconds: float | None = None


NO_BURST = BurstFigures()


def burst_figures(burst: EchoBurst) -> BurstFigures:
    """Those of a burst of which something came back; one echo has no jitter."""
    rtts = burst.rtt_seconds
    ranked = sorted(rtts)
    count = len(ranked)
    steps, before = 0.0, rtts[0]
    for rtt in rtts:
        steps += rtt - before if rtt > before else before - rtt
        before = rtt
    jitter = steps / (count - 1) if count > 1 else None
    return _new_record(BurstFigures, (ranked[(count - 1) // 2], ranked[-(-95 * count // 100) - 1], jitter))


class DeviceCounts:
    """Counters and newest values of one device; None is what was never measured, or is not known any more."""

    __slots__ = (
        "_burst",
        "detail",
        "device",
        "down_since",
        "duration",
        "is_up",
        "last_poll",
        "misses",
        "outage_seconds",
        "outage_seconds_so_far",
        "outages",
        "ping_misses",
        "pings_lost",
        "pings_sent",
        "polls",
        "polls_failed",
        "restarts",
        "rtt_count",
        "rtt_seconds",
        "snmp_misses",
        "snmp_rtt_count",
        "snmp_rtt_seconds",
        "state",
        "uptime",
    )

    def __init__(self, device: Device, detail: Detail) -> None:
        self.device, self.detail = device, detail
        self.state: StateName = "unknown"
        self.down_since: float | None = None
        self.outage_seconds = self.outage_seconds_so_far = self.rtt_seconds = self.snmp_rtt_seconds = 0.0
        self.outages = self.restarts = self.polls_failed = 0
        self.rtt_count = self.snmp_rtt_count = self.snmp_misses = self.ping_misses = self.misses = 0
        self.polls: int | None = None
        self.pings_sent: int | None = None
        self.pings_lost: int | None = None
        self.is_up: int | None = None
        self.last_poll: float | None = None
        self.uptime: float | None = None
        self.duration: float | None = None
        self._burst: EchoBurst | None = None

    @property
    def ping_rtt(self) -> tuple[int, float] | None:
        """Count and sum of the round trips of echoes."""
        return (self.rtt_count, self.rtt_seconds) if self.pings_sent else None

    @property
    def snmp_rtt(self) -> tuple[int, float] | None:
        """Count and sum of the response times of the SNMP agent."""
        return (self.snmp_rtt_count, self.snmp_rtt_seconds) if self.snmp_rtt_count else None

    def last_burst(self) -> BurstFigures:
        """The last burst that came back, until two in a row have not."""
        return NO_BURST if self._burst is None else burst_figures(self._burst)

    def count_change(self, transition: Transition) -> None:
        """Take in a change of state."""
        is_out = transition.new in OUTAGE_STATES
        if is_out and self.down_since is None:
            self.down_since = transition.since
            self.outages += 1
        elif not is_out and self.down_since is not None:
            self.count_outage(transition.since)
            self.outage_seconds = self.outage_seconds_so_far
            self.down_since = None
        self.state = transition.new

    def count_outage(self, until: float) -> None:
        """``outage_seconds_so_far`` with the outage that goes on, if one does."""
        if self.down_since is not None:
            self.outage_seconds_so_far = self.outage_seconds + max(0.0, until - self.down_since)

    def count(self, reading: Reading) -> None:
        """What a poll says of the two methods, and how fast they were."""
        self.polls = (self.polls or 0) + 1
        up = reading.is_reachable
        if up:
            self.is_up, self.last_poll, self.misses = 1, reading.at, 0
        elif up is False:
            self.is_up = 0
            self.misses += 1
            self.polls_failed += 1
        snmp = reading.snmp
        if snmp == "silent":
            self.snmp_misses += reading.sent
        elif snmp != "off":
            self.snmp_misses = 0
            rtt = reading.snmp_rtt_seconds
            if rtt is not None:
                self.snmp_rtt_seconds += rtt
                self.snmp_rtt_count += 1
        if reading.uptime_seconds is not None:
            self.uptime = reading.uptime_seconds
        elif snmp in ("answered", "refused") or self.snmp_misses >= MISSES_UNTIL_GONE:
            self.uptime = None
        self.duration = reading.duration_seconds if self.misses < MISSES_UNTIL_GONE else None
        burst = reading.echoes
        if burst is not None and burst.sent:
            self._count_pings(burst)

    def _count_pings(self, burst: EchoBurst) -> None:
        rtts = burst.rtt_seconds
        self.pings_sent = (self.pings_sent or 0) + burst.sent
        self.pings_lost = (self.pings_lost or 0) + burst.lost
        if rtts:
            self.ping_misses = 0
            self.rtt_seconds += sum(rtts)
            self.rtt_count += len(rtts)
            self._burst = burst
        else:
            self.ping_misses += 1
            if self.ping_misses >= MISSES_UNTIL_GONE:
                self._burst = None
