"""What a measured value can be at all, field by field, with the physical reason: what lies outside was not measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from collector.reading import InterfaceReading, ProbeReading, SignalReading

UNTOLD_BYTES_PER_SECOND = 400e9 / 8
"""What an interface may carry whose speed is not known: 400 Gbit/s (IEEE 802.3bs)."""
CODEWORDS_PER_SECOND = 250_000.0
"""Of one DOCSIS channel: an OFDM channel of 192 MHz carries some 117,000 of 16,200 bits (CM-SP-PHYv3.1)."""
LEAST_PACKET_BYTES = 20.0
"""What the shortest thing on an Ethernet takes of the line: preamble and gap, with nothing in between."""


class Bound(NamedTuple):
    """The least and the most that a value can be, and why."""

    least: float
    most: float
    reason: str

    def holds(self, value: float) -> bool:
        """Whether ``value`` is possible; NaN is not."""
        return self.least <= value <= self.most


RATIO = Bound(0.0, 1.0, "a part of a whole")
LEVEL = Bound(-160.0, 40.0, "thermal noise of 15 kHz lies at -132 dBm, and 10 W into a receiver would burn it")
LEVEL_RATIO = Bound(-50.0, 130.0, "no receiver works 50 dB below its noise, none reaches further than 130 dB above")
NOISE = Bound(-174.0, 0.0, "thermal noise of 1 Hz at room temperature is -174 dBm")
SPEED = Bound(1.0, 25.6e12 / 8, "16 ports of 1.6 Tbit/s in one bundle; below 8 bit/s nothing is a link")
TIME_TO_ANSWER = Bound(0.0, 600.0, "no probe waits for ten minutes")

FIELDS: Mapping[str, Bound] = {
    "received_dbm": LEVEL,
    "noise_ratio_db": LEVEL_RATIO,
    "noise_dbm": NOISE,
    "quality_ratio": RATIO,
    "speed_bytes_per_second": SPEED,
    "rtt_seconds": TIME_TO_ANSWER,
    "jitter_seconds": TIME_TO_ANSWER,
    "loss_ratio": RATIO,
}
"""The bounds of what readings hold beside counters, by the field's name."""

R = TypeVar("R", SignalReading, ProbeReading, InterfaceReading)


def within(record: R, refused: Counter[str]) -> R:
    """The record without values that cannot be; each is counted in ``refused`` by its field."""
    wrong: dict[str, Any] = {}
    for field, value in zip(record._fields, record, strict=True):
        bound = FIELDS.get(field)
        if bound is not None and value is not None and not bound.least <= value <= bound.most:  # type: ignore[operator]
            wrong[field] = None
            refused[field] += 1
    return record._replace(**wrong) if wrong else record


HOUR_SECONDS = 3600.0
HOURS: Mapping[str, Bound] = {
    **dict.fromkeys(
        ("observed_seconds", "down_seconds", "silent_seconds", "planned_seconds"),
        Bound(0.0, HOUR_SECONDS + 1e-6, "an hour has 3,600 seconds"),
    ),
    **dict.fromkeys(("outages", "restarts", "polls_answered"), Bound(0, 36_000, "ten a second, all through the hour")),
    **dict.fromkeys(
        ("pings_sent", "pings_lost", "rtt_count"), Bound(0, 36e6, "ten thousand echoes a second, all through the hour")
    ),
    "rtt_seconds_sum": Bound(0.0, 36e6 * 60.0, "so many round trips of a minute each"),
    **dict.fromkeys(
        ("rtt_p50_seconds", "rtt_p95_seconds", "jitter_seconds"), Bound(0.0, 60.0, "no echo is waited for longer")
    ),
    **dict.fromkeys(
        ("receive_bytes", "transmit_bytes"),
        Bound(0.0, UNTOLD_BYTES_PER_SECOND * HOUR_SECONDS, "an hour of 400 Gbit/s"),
    ),
    **dict.fromkeys(
        ("receive_p95_bytes_per_second", "transmit_p95_bytes_per_second"),
        Bound(0.0, UNTOLD_BYTES_PER_SECOND, "400 Gbit/s"),
    ),
    "utilization_p95_ratio": RATIO,
    **dict.fromkeys(
        ("error_packets", "discard_packets"),
        Bound(
            0.0, UNTOLD_BYTES_PER_SECOND * HOUR_SECONDS / LEAST_PACKET_BYTES, "an hour of the shortest at 400 Gbit/s"
        ),
    ),
    "signal_dbm": LEVEL,
    "signal_noise_db": LEVEL_RATIO,
    **dict.fromkeys(
        ("codewords_total", "codewords_uncorrectable"),
        Bound(0.0, 64 * CODEWORDS_PER_SECOND * HOUR_SECONDS, "an hour of 64 channels"),
    ),
}
"""The bounds of a row of ``quality_hours`` by column. Of bytes the device's own capacity may say less."""
