"""One poll as the quality history keeps it."""

from __future__ import annotations

from collector.part_measures import health
from collector.publish.hours.facts import NO_AMOUNTS, Row
from collector.quality.counters.rates import Delta
from collector.quality.counters.uplink import NO_TRAFFIC, Traffic
from collector.reading import EchoBurst, Reading, worst_noise_ratio_db, worst_received_dbm

_NO_ECHOES = EchoBurst(0, 0)


def poll_row(
    reading: Reading, delta: Delta, since: float | None, *, traffic: Traffic | None, gap: float, reachable: bool
) -> Row:
    """A PollFact's values in their order, for the journal and for that.

    ``gap`` is the longest time between two polls that tells a rate.
    """
    sent, lost, rtts = reading.echoes or _NO_ECHOES
    seconds = (delta.seconds if traffic is None else traffic.seconds) or 0.0
    dbm = noise = utilization = None
    amounts, polls = NO_AMOUNTS, 1
    if traffic is not None or delta.codewords_total is not None:
        _, received, sent_on, errors, discards, utilization, polls, _ = traffic or NO_TRAFFIC
        amounts = received, sent_on, errors, discards, delta.codewords_total, delta.codewords_uncorrectable
    if reading.signals:
        dbm = worst_received_dbm(reading.signals)
        noise = worst_noise_ratio_db(reading.signals)
    has_rate = 0 < seconds <= gap * polls
    return (
        "poll", reading.device_id, reading.at, since, reachable, sent, lost, rtts, seconds, has_rate, amounts,
        utilization, delta.restarted, dbm, noise, tuple(health(reading.parts)) if reading.parts else None,
    )  # fmt: skip
