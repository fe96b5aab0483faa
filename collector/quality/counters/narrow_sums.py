"""Sums of what 32-bit byte counters passed, to be shown in their place: to who takes rates, one that goes round began anew."""

from __future__ import annotations

from collections import Counter
from operator import itemgetter

from collector.quality.counters.counter_bounds import BYTES, SUMMED, WIDE, with_values
from collector.quality.counters.uplink import uplink_of
from collector.quality.counters.uplink_counters import UplinkCounters
from collector.reading import Device, InterfaceReading, Reading

bits_of = itemgetter(InterfaceReading._fields.index("counter_bits"))
"""The width of an interface's byte counters."""


def without_narrow(reading: Reading) -> Reading:
    """The reading without the byte counters that have 32 bits."""
    nothing: dict[str, int | None] = dict.fromkeys(BYTES)
    kept = (i if i.counter_bits >= WIDE else with_values(i, nothing) for i in reading.interfaces)
    return reading._replace(interfaces=tuple(kept))


class _Series:
    """What one interface received and sent, and what judges its counters if it is not the uplink."""

    __slots__ = ("counters", "received", "sent")

    def __init__(self) -> None:
        self.received = self.sent = 0
        self.counters: UplinkCounters | None = None

    def told(self, row: InterfaceReading, counted: tuple[int | None, int | None]) -> InterfaceReading:
        """The interface with the sums, those that ``counted`` adds to; what it does not know adds nothing and is not told."""
        received, sent = counted
        self.received += received or 0
        self.sent += sent or 0
        return row._replace(
            counter_bits=SUMMED,
            receive_bytes=None if received is None or row.receive_bytes is None else self.received,
            transmit_bytes=None if sent is None or row.transmit_bytes is None else self.sent,
        )


class NarrowSums:
    """The sums of one device's interfaces, by name. Each begins at 0, when the interface is first read with 32-bit counters,
    and never falls. What is in doubt is absent until it is settled, and what is not known adds nothing.
    """

    __slots__ = ("_series",)

    def __init__(self) -> None:
        self._series: dict[str, _Series] = {}

    def take(self, device: Device, reading: Reading, uplink: UplinkCounters, *, is_anew: bool) -> Reading:
        """The reading with sums. ``uplink`` has judged the uplink's counters; ``is_anew``: nothing before may be compared."""
        counted, uplink.counted = uplink.counted, None
        if not reading.interfaces:
            return reading
        led = uplink_of(device, reading.interfaces)
        before, self._series = self._series, {}
        told = []
        for row in reading.interfaces:
            if row.counter_bits >= WIDE:
                told.append(row)
                continue
            series = before.get(row.name)
            is_first = is_anew or series is None
            series = self._series[row.name] = series or _Series()
            if row is led:
                series.counters, shown, passed = None, row, counted
            else:
                shown, passed = _judged(device, row, reading, series, is_anew=is_anew)
            told.append(series.told(shown, (0, 0) if is_first else passed or (None, None)))
        if reading.snmp != "answered":
            self._series = {**before, **self._series}
        return reading._replace(interfaces=tuple(told))


def _judged(
    device: Device, row: InterfaceReading, reading: Reading, series: _Series, *, is_anew: bool
) -> tuple[InterfaceReading, tuple[int | None, int | None] | None]:
    """What is believed of an interface that is not the uplink, and what it has passed since it was read before."""
    counters = series.counters
    if counters is None:
        counters = series.counters = UplinkCounters(0.0)
    if is_anew:
        counters.begin(row, reading.at)
        return row, None
    counters.passed(device, row, reading, Counter())
    passed, counters.counted = counters.counted, None
    shown, counters.shown = counters.shown, None
    return shown or row, passed
