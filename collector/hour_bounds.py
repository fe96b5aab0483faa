"""What a row of ``quality_hours`` can hold at all, column by column, with the physical reason.

For whoever writes, repairs or reads the table: the collector's bounds of single readings are made of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

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

TEMPERATURE = Bound(-90.0, 250.0, "colder than any place on Earth, or hotter than solder bears")

HOUR_SECONDS = 3600.0
DURATIONS = ("observed_seconds", "down_seconds", "silent_seconds", "planned_seconds")
"""Times within the hour. If one is impossible, it is unknown how the rest of the hour was spent: the row is not believed."""
HOURS: Mapping[str, Bound] = {
    **dict.fromkeys(
        DURATIONS,
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
    **dict.fromkeys(("processor_ratio", "memory_ratio"), RATIO),
    "temperature_celsius": TEMPERATURE,
    **dict.fromkeys(
        ("codewords_total", "codewords_uncorrectable"),
        Bound(0.0, 64 * CODEWORDS_PER_SECOND * HOUR_SECONDS, "an hour of 64 channels"),
    ),
}
"""The bounds of a row of ``quality_hours`` by column. Of bytes the device's own capacity may say less."""
PART_OF: Mapping[str, str] = {
    "pings_lost": "pings_sent",
    "codewords_uncorrectable": "codewords_total",
    "down_seconds": "observed_seconds",
    "silent_seconds": "observed_seconds",
    "planned_seconds": "down_seconds",
}
"""Columns that cannot be more than another one of their row."""
ROUNDING = 1e-6
"""By which part of the whole, and by how much besides, a part may be more than it: sums of floating-point numbers."""
FIRST_HOUR, LAST_HOUR = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Hours beyond these are of a clock that was not set, or of a number that is no time."""
