"""One device-hour: what the polls of an hour add up to, and the row of ``quality_hours`` made of it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from collector.publish import spans
from collector.publish.spans import Belief, Span
from collector.quality.maintenance import Calendar

HOUR = 3600


AMOUNTS = (
    "receive_bytes",
    "transmit_bytes",
    "error_packets",
    "discard_packets",
    "codewords_total",
    "codewords_uncorrectable",
)


Amounts = tuple[int | None, int | None, int | None, int | None, int | None, int | None]


class Poll(NamedTuple):
    """What history keeps of one poll; plain values, for this is also what the journal holds.

    ``since`` is the poll before, where the time between counts as observed. ``amounts`` are those of AMOUNTS, over
    ``seconds``, which may be long after a gap; ``has_rate`` says that it is short enough for a rate.
    """

    device_id: str
    at: float
    since: float | None
    is_reachable: bool
    pings_sent: int = 0
    pings_lost: int = 0
    rtt_seconds: tuple[float, ...] = ()
    seconds: float = 0.0
    has_rate: bool = False
    amounts: Amounts = (None,) * 6
    utilization_ratio: float | None = None
    has_restarted: bool = False
    signal_dbm: float | None = None
    signal_noise_db: float | None = None


class DeviceHour:
    """The sums of one device and hour, and the values that percentiles are taken of, in single precision."""

    __slots__ = (
        "amounts",
        "jitter_count",
        "jitter_sum",
        "noise",
        "pings_lost",
        "pings_sent",
        "polls_answered",
        "receive_rates",
        "restarts",
        "rtt_sum",
        "rtts",
        "signal",
        "transmit_rates",
        "utilizations",
    )

    def __init__(self) -> None:
        self.polls_answered = self.pings_sent = self.pings_lost = self.restarts = self.jitter_count = 0
        self.rtt_sum = self.jitter_sum = 0.0
        self.rtts, self.receive_rates, self.transmit_rates, self.utilizations = (array("f") for _ in range(4))
        self.amounts: list[float | None] = [None] * len(AMOUNTS)
        self.signal: list[float] | None = None
        self.noise: list[float] | None = None

    def add_pings(self, sent: int, lost: int, rtts: tuple[float, ...]) -> None:
        """A burst of echoes."""
        self.pings_sent += sent
        self.pings_lost += lost
        if rtts:
            self.rtt_sum += sum(rtts)
            self.rtts.extend(rtts)
            if len(rtts) > 1:
                self.jitter_sum += sum([abs(b - a) for a, b in pairwise(rtts)])
                self.jitter_count += len(rtts) - 1

    def add_amounts(self, amounts: Amounts, share: float) -> None:
        """A part, 0 to 1, of what was counted between two polls."""
        sums = self.amounts
        for i, amount in enumerate(amounts):
            if amount is not None:
                sums[i] = (sums[i] or 0.0) + amount * share

    def add_rates(self, poll: Poll) -> None:
        """The rates between this poll and the one before."""
        received, transmitted = poll.amounts[:2]
        if received is not None:
            self.receive_rates.append(received / poll.seconds)
        if transmitted is not None:
            self.transmit_rates.append(transmitted / poll.seconds)
        if poll.utilization_ratio is not None:
            self.utilizations.append(poll.utilization_ratio)

    def add_signals(self, signal_dbm: float | None, noise_db: float | None) -> None:
        """The levels of the worst channel."""
        if signal_dbm is not None:
            self.signal = (self.signal or []) + [signal_dbm]
        if noise_db is not None:
            self.noise = (self.noise or []) + [noise_db]


def row(
    device_id: str,
    hour: int,
    sums: DeviceHour | None,
    *,
    observed: Sequence[Span],
    beliefs: Sequence[Belief],
    calendar: Calendar,
) -> dict[str, Any]:
    """One row of ``quality_hours`` by column, the hour in Unix seconds. What was not measured is None or left out.

    ``hour`` is its start in Unix seconds; ``observed`` are the spans between polls, ``beliefs`` the states of the
    device; both may reach beyond the hour. Time in the state ``unknown`` is unobserved.
    """
    start, end = float(hour), float(hour + HOUR)
    seen = spans.subtract(spans.clip(observed, start, end), spans.held(beliefs, spans.UNOBSERVED, end))
    down = spans.held(beliefs, spans.NETWORK_DOWN, end)
    silent = spans.held(beliefs, spans.LONE_SILENCE, end)
    planned = spans.planned(device_id, beliefs, calendar, within=(start, end)) if down else []
    is_seen = bool(seen)
    values: dict[str, Any] = {
        "hour": hour,
        "device_id": device_id,
        "observed_seconds": spans.seconds(seen),
        "down_seconds": spans.within(seen, down) if is_seen else None,
        "silent_seconds": spans.within(seen, silent) if is_seen else None,
        "planned_seconds": spans.within(seen, planned) if is_seen else None,
        "outages": sum(start <= begun < end for begun, _ in down) if is_seen else None,
        "restarts": 0 if is_seen else None,
        "polls_answered": 0 if is_seen else None,
    }
    return {**values, **_measured(sums)} if sums is not None else values


def _measured(sums: DeviceHour) -> dict[str, Any]:
    pings = sums.pings_sent > 0
    rtts = len(sums.rtts)
    return {
        "restarts": sums.restarts,
        "polls_answered": sums.polls_answered,
        "pings_sent": sums.pings_sent if pings else None,
        "pings_lost": sums.pings_lost if pings else None,
        "rtt_seconds_sum": sums.rtt_sum if rtts else None,
        "rtt_count": rtts if pings else None,
        "rtt_p50_seconds": quantile(sums.rtts, 0.5),
        "rtt_p95_seconds": quantile(sums.rtts, 0.95),
        "jitter_seconds": sums.jitter_sum / sums.jitter_count if sums.jitter_count else None,
        "receive_p95_bytes_per_second": quantile(sums.receive_rates, 0.95),
        "transmit_p95_bytes_per_second": quantile(sums.transmit_rates, 0.95),
        "utilization_p95_ratio": quantile(sums.utilizations, 0.95),
        "signal_dbm": sum(sums.signal) / len(sums.signal) if sums.signal else None,
        "signal_noise_db": sum(sums.noise) / len(sums.noise) if sums.noise else None,
        **dict(zip(AMOUNTS, sums.amounts, strict=True)),
    }


def quantile(values: array[float], q: float) -> float | None:
    """The ``q`` quantile by nearest rank; None of nothing."""
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)] if values else None
