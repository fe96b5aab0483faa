"""One device-hour: what the polls of an hour add up to, and the row of ``quality_hours`` made of it."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from collector.part_measures import Health
from collector.publish.hours import time_intervals
from collector.publish.hours.facts import AMOUNTS, PollFact
from collector.publish.hours.time_intervals import Belief, Span
from collector.quality.maintenance import Calendar

HOUR = 3600
_carried = itemgetter(*map(AMOUNTS.index, ("receive_bytes", "transmit_bytes")))


class DeviceHour:
    """The sums of one device and hour, and the values that percentiles are taken of, in single precision.

    ``bursts`` are the numbers of round trips that came back together: jitter is taken within a burst.
    """

    __slots__ = (
        "amounts",
        "bursts",
        "health",
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
        self.polls_answered = self.pings_sent = self.pings_lost = self.restarts = 0
        self.rtt_sum = 0.0
        self.rtts, self.receive_rates, self.transmit_rates, self.utilizations = (array("f") for _ in range(4))
        self.bursts = array("H")
        self.amounts: list[float | None] = [None] * len(AMOUNTS)
        self.signal: list[float] | None = None
        self.noise: list[float] | None = None
        self.health: list[list[float]] | None = None

    def add(self, poll: PollFact) -> None:
        """An answered poll, but for its amounts, which may belong to two hours."""
        self.polls_answered += 1
        if poll.has_restarted:
            self.restarts += 1
        sent = poll.pings_sent
        if sent:
            self.add_pings(sent, poll.pings_lost, poll.rtt_seconds)
        if poll.has_rate:
            self._add_rates(poll)
        if poll.signal_dbm is not None:
            self.signal = (self.signal or []) + [poll.signal_dbm]
        if poll.signal_noise_db is not None:
            self.noise = (self.noise or []) + [poll.signal_noise_db]
        if poll.health is not None:
            self._add_health(poll.health)

    def _add_rates(self, poll: PollFact) -> None:
        """A rate over several polls counts as that of each."""
        seconds, since = poll.seconds, poll.since
        received, transmitted = _carried(poll.amounts)
        utilization = poll.utilization_ratio
        if since is not None and seconds >= 1.5 * (poll.at - since):
            polls = round(seconds / (poll.at - since))
            rates = (received and received / seconds, transmitted and transmitted / seconds, utilization)
            for values, rate in zip((self.receive_rates, self.transmit_rates, self.utilizations), rates, strict=True):
                if rate is not None:
                    values.extend([rate] * polls)
            return
        if received is not None:
            self.receive_rates.append(received / seconds)
        if transmitted is not None:
            self.transmit_rates.append(transmitted / seconds)
        if utilization is not None:
            self.utilizations.append(utilization)

    def forget_rates(self) -> None:
        """What polls seemed to show of rates was none."""
        self.receive_rates, self.transmit_rates, self.utilizations = (array("f") for _ in range(3))

    def _add_health(self, health: Iterable[float | None]) -> None:
        sums = self.health = self.health or [[] for _ in Health._fields]
        for values, value in zip(sums, health, strict=True):
            if value is not None:
                values.append(value)

    def add_pings(self, sent: int, lost: int, rtts: tuple[float, ...]) -> None:
        """A burst of echoes."""
        self.pings_sent += sent
        self.pings_lost += lost
        if rtts:
            self.rtt_sum += sum(rtts)
            self.rtts.extend(rtts)
            self.bursts.append(len(rtts))

    def add_amounts(self, amounts: Iterable[float | None]) -> None:
        """What was counted between two polls, or the part of it that this hour gets, in the order of AMOUNTS."""
        sums = self.amounts
        for i, amount in enumerate(amounts):
            if amount is not None:
                sums[i] = (sums[i] or 0) + amount

    def usual_most(self, values: Sequence[float]) -> float | None:
        """The 95th percentile of rates or of their shares; None if fewer than half of the polls have one."""
        return quantile(values, 0.95) if 2 * len(values) >= self.polls_answered else None

    def jitter_seconds(self) -> float | None:
        """The mean absolute difference of consecutive round trips within a burst; None of no two."""
        count = len(self.rtts) - len(self.bursts)
        if not count:
            return None
        rtts = np.array(self.rtts, dtype=float)
        steps = np.abs(rtts[1:] - rtts[:-1])
        between_bursts = steps[np.cumsum(self.bursts)[:-1] - 1]
        return float((steps.sum() - between_bursts.sum()) / count)


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
    seen = time_intervals.subtract(
        time_intervals.clip(observed, start, end), time_intervals.held(beliefs, time_intervals.UNOBSERVED, end)
    )
    down = time_intervals.held(beliefs, time_intervals.NETWORK_DOWN, end)
    silent = time_intervals.held(beliefs, time_intervals.LONE_SILENCE, end)
    planned = time_intervals.planned(device_id, beliefs, calendar, within=(start, end)) if down else []
    is_seen = bool(seen)
    values: dict[str, Any] = {
        "hour": hour,
        "device_id": device_id,
        "observed_seconds": time_intervals.seconds(seen),
        "down_seconds": time_intervals.within(seen, down) if is_seen else None,
        "silent_seconds": time_intervals.within(seen, silent) if is_seen else None,
        "planned_seconds": time_intervals.within(seen, planned) if is_seen else None,
        "outages": sum(start <= begun < end for begun, _ in down) if is_seen else None,
        "restarts": 0 if is_seen else None,
        "polls_answered": 0 if is_seen else None,
    }
    return {**values, **_measured(sums)} if sums is not None else values


def _measured(sums: DeviceHour) -> dict[str, Any]:
    pings = sums.pings_sent > 0
    rtts = len(sums.rtts)
    ranked = sorted(sums.rtts)
    return {
        "restarts": sums.restarts,
        "polls_answered": sums.polls_answered,
        "pings_sent": sums.pings_sent if pings else None,
        "pings_lost": sums.pings_lost if pings else None,
        "rtt_seconds_sum": sums.rtt_sum if rtts else None,
        "rtt_count": rtts if pings else None,
        "rtt_p50_seconds": quantile(ranked, 0.5),
        "rtt_p95_seconds": quantile(ranked, 0.95),
        "jitter_seconds": sums.jitter_seconds(),
        "receive_p95_bytes_per_second": sums.usual_most(sums.receive_rates),
        "transmit_p95_bytes_per_second": sums.usual_most(sums.transmit_rates),
        "utilization_p95_ratio": sums.usual_most(sums.utilizations),
        "signal_dbm": sum(sums.signal) / len(sums.signal) if sums.signal else None,
        "signal_noise_db": sum(sums.noise) / len(sums.noise) if sums.noise else None,
        **{
            name: sum(values) / len(values)
            for name, values in zip(Health._fields, sums.health or (), strict=False)
            if values
        },
        **{name: None if total is None else float(total) for name, total in zip(AMOUNTS, sums.amounts, strict=True)},
    }


def quantile(values: Iterable[float], q: float) -> float | None:
    """The ``q`` quantile by nearest rank; None of nothing."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(q * len(ranked)) - 1)] if ranked else None
