"""What is believed of a reading: what cannot be is taken out of it and counted before anybody judges or publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from collector.bounds import parts_within, within
from collector.quality.counters import clocks
from collector.quality.counters.counter_bounds import NARROW, WIDE, misfits, room_of
from collector.quality.counters.narrow_sums import NarrowSums, bits_of
from collector.quality.counters.rates import NO_DELTA, Delta, codewords
from collector.quality.counters.trails.aside import POLLS_TO_STAND
from collector.quality.counters.uplink import Traffic, uplink_of
from collector.quality.counters.uplink_counters import UplinkCounters
from collector.reading import Device, Fault, InterfaceReading, Reading, SnmpOutcome

QUITE_SECONDS = 5.0
"""A clock that is so near to where it should be has run on."""
RECURRENCES = 2
"""Another clock must come back this often before it is concluded that two devices answer."""
POLLS_WITHOUT = 20
"""So many polls of one clock end that."""
POLLS_UNLOOKED = 16
"""In one of so many polls the widths of all counters are looked at: they hardly ever change while the rows stay."""
_new_record = tuple.__new__
PERHAPS = ("young", "agent restarted")
NO_CODEWORDS: dict[str, Any] = dict.fromkeys(("codewords_unerrored", "codewords_corrected", "codewords_uncorrectable"))


class Believed(NamedTuple):
    """A reading as it is believed, what passed since the one before, and faults that only several readings show."""

    reading: Reading
    delta: Delta
    traffic: Traffic | None
    faults: tuple[Fault, ...] = ()


class Beliefs:
    """All devices' last readings. ``refused`` counts values that were not believed, by the field that they came in;
    ``unknown`` polls that read an uplink's counters and do not tell its traffic, by the reason (of ODDITIES).
    """

    def __init__(self, refresh_seconds: float | None = None) -> None:
        self._refresh_seconds = refresh_seconds
        self.refused: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self._known: dict[str, _Known] = {}

    def keep_only(self, device_ids: Collection[str]) -> None:
        """Forget the devices that left the inventory."""
        self._known = {name: known for name, known in self._known.items() if name in device_ids}

    def take(self, device: Device, reading: Reading) -> Believed:
        """One poll of one device."""
        if reading.signals or reading.probes or reading.parts:
            reading = self._within_bounds(reading)
        known = self._known.get(reading.device_id)
        if known is None:
            if not reading.interfaces and reading.uptime_seconds is None:
                return Believed(reading, NO_DELTA, None)
            known = self._known[reading.device_id] = _Known(device, reading, self._refresh_seconds)
            believed = Believed(reading, NO_DELTA, None)
        else:
            believed = known.take(device, reading, self.refused)
        if known.sums is not None or known.finds_narrow(believed.reading.interfaces):
            believed = believed._replace(reading=known.summed(device, believed.reading))
        if known.uplink.lost is not None:
            self.unknown[known.uplink.lost] += 1
            known.uplink.lost = None
        return believed

    def _within_bounds(self, reading: Reading) -> Reading:
        """The reading without levels, round trips and values of parts that cannot be."""
        signals = tuple([within(signal, self.refused) for signal in reading.signals])
        probes = tuple([within(probe, self.refused) for probe in reading.probes])
        parts = parts_within(reading.parts, self.refused) if reading.parts else reading.parts
        return reading._replace(signals=signals, probes=probes, parts=parts)


class _Known:
    """What is known of one device from its polls.

    ``last`` is the newest reading that held counters or a clock. ``other`` is the last reading by another clock than that of
    ``last``, ``astray`` how many polls in a row it has answered, ``strangers`` how many polls in a row were of no clock that
    is known: then the device has none. ``before_restart`` is the last reading before a restart that only the newest tells
    of.
    """

    __slots__ = (
        "_astray",
        "_before_restart",
        "_is_begun",
        "_is_watched",
        "_other",
        "_quiet_polls",
        "_recurrences",
        "_row_count",
        "_strangers",
        "_unlooked",
        "last",
        "sums",
        "uplink",
    )

    def __init__(self, device: Device, reading: Reading, refresh_seconds: float | None) -> None:
        self.last = reading
        self.uplink = UplinkCounters(refresh_seconds)
        self._other: Reading | None = None
        self._before_restart: Reading | None = None
        self._is_watched = self._is_begun = False
        self.sums: NarrowSums | None = None
        self._row_count, self._unlooked = -1, 1
        self._astray = self._strangers = self._recurrences = self._quiet_polls = 0
        self._begin(device, reading)

    def take(self, device: Device, reading: Reading, refused: Counter[str]) -> Believed:
        """The next reading of the device."""
        last = self.last
        seconds = reading.at - last.at
        if seconds <= 0.0:
            self._keep(reading)
            return Believed(reading, NO_DELTA, None)
        old, new = last.uptime_seconds, reading.uptime_seconds
        if old is None or new is None or not -QUITE_SECONDS <= new - old - seconds <= QUITE_SECONDS:
            course = clocks.course(last, reading)
            if course == "another clock" and self._strangers < POLLS_TO_STAND:
                return self._go_astray(device, reading, refused)
            if course == "restarted" or (course in PERHAPS and not _went_on(last, reading)):
                return self._start_anew(device, reading, restarted=course != "agent restarted")
            if course in ("young", "another clock"):
                refused["uptime_seconds"] += 1
                reading = reading._replace(uptime_seconds=None)
        total = uncorrectable = passed = None
        if reading.signals and last.signals:
            reading, total, uncorrectable = self._codewords(reading, seconds, refused)
        if reading.interfaces:
            uplink = uplink_of(device, reading.interfaces)
            if uplink is not None:
                passed = self.uplink.passed(device, uplink, reading, refused)
            self.last = reading
            if uplink is not None and self.uplink.shown is not None:
                reading = _with_uplink(reading, uplink, self.uplink.shown)
                self.uplink.shown = None
            if self.uplink.oddities is not None:
                reading = reading._replace(counter_oddities=self.uplink.oddities.told(reading.at))
        elif new is not None:
            self.last = reading
        self._before_restart = None
        delta = _new_record(Delta, (seconds, False, total, uncorrectable))
        believed = _new_record(Believed, (reading, delta, passed, ()))
        return self._watch(believed) if self._is_watched else believed

    def finds_narrow(self, rows: Sequence[InterfaceReading]) -> bool:
        """Whether any interface has 32-bit byte counters: looked for where there is a sign, and in some polls."""
        self._unlooked -= 1
        if self._unlooked and len(rows) == self._row_count and self.uplink.counted is None:
            return False
        self._unlooked, self._row_count = POLLS_UNLOOKED, len(rows)
        found = NARROW in map(bits_of, rows)
        if not found:
            self.uplink.counted = None
        return found

    def summed(self, device: Device, reading: Reading) -> Reading:
        """What is believed, with sums of what passed in place of 32-bit byte counters."""
        if self.sums is None:
            self.sums = NarrowSums()
        is_begun, self._is_begun = self._is_begun, self._is_begun and not reading.interfaces
        return self.sums.take(device, reading, self.uplink, is_anew=is_begun)

    def _keep(self, reading: Reading) -> None:
        if reading.interfaces or reading.uptime_seconds is not None:
            self.last = reading

    def _begin(self, device: Device, reading: Reading) -> Traffic | None:
        """Nothing before this reading may be compared with it or with later ones; what had passed and was not told yet."""
        self._keep(reading)
        self._is_begun = True
        return self.uplink.begin(uplink_of(device, reading.interfaces), reading.at)

    def _start_anew(self, device: Device, reading: Reading, *, restarted: bool) -> Believed:
        last, seconds = self.last, reading.at - self.last.at
        rest = self._begin(device, reading)
        self._before_restart = last if restarted else None
        return Believed(reading, Delta(seconds, restarted), rest)

    def _codewords(
        self, reading: Reading, seconds: float, refused: Counter[str]
    ) -> tuple[Reading, int | None, int | None]:
        """The reading without counts of codewords that cannot be, and how many there were since the one before."""
        total, uncorrectable, wrong = codewords(self.last.signals, reading.signals, seconds)
        if wrong:
            refused["codewords"] += len(wrong)
            kept = (s._replace(**NO_CODEWORDS) if s.channel in wrong else s for s in reading.signals)
            reading = reading._replace(signals=tuple(kept))
        return reading, total, uncorrectable

    def _go_astray(self, device: Device, reading: Reading, refused: Counter[str]) -> Believed:
        """Another clock answers: another device, unless it stays so, and then nothing before may be compared with it."""
        refused["uptime_seconds"] += 1
        self._is_watched = True
        if self._before_restart is not None and clocks.follows(self._before_restart, reading):
            return self._start_anew(device, reading, restarted=False)
        is_known = self._other is not None and clocks.follows(self._other, reading)
        self._astray = self._astray + 1 if is_known and self._astray else 1
        self._strangers = 0 if is_known else self._strangers + 1
        if self._astray >= POLLS_TO_STAND:
            last, self._astray = self.last, 0
            self._begin(device, reading)
            self._other = last
            return self._watch(Believed(reading, NO_DELTA, None))
        if is_known and self._astray == 1:
            self._recurrences += 1
            self._quiet_polls = 0
        self._other = reading
        return Believed(_without(reading, "answered" if self._faults else "partial"), NO_DELTA, None, self._faults)

    def _watch(self, believed: Believed) -> Believed:
        """A poll after one that another clock answered: while they alternate nothing is believed."""
        self._astray = 0
        if self._strangers < POLLS_TO_STAND:
            self._strangers = 0
        self._quiet_polls += 1
        if self._quiet_polls >= POLLS_WITHOUT:
            self._is_watched, self._recurrences, self._other = False, 0, None
        if not self._faults:
            return believed
        return Believed(_without(believed.reading, "answered"), NO_DELTA, None, self._faults)

    @property
    def _faults(self) -> tuple[Fault, ...]:
        return ("two_devices",) if self._recurrences >= RECURRENCES else ()


def _without(reading: Reading, snmp: SnmpOutcome) -> Reading:
    """The reading without anything that may be another device's: a device answered, but it is unknown which."""
    return reading._replace(
        snmp=snmp if reading.snmp == "answered" else reading.snmp,
        uptime_seconds=None,
        boot_seconds=None,
        interfaces=(),
        signals=(),
        probes=(),
        failure=reading.failure or "another device answers at this address",
    )


def _with_uplink(reading: Reading, uplink: InterfaceReading, shown: InterfaceReading) -> Reading:
    """The reading with ``shown`` for its uplink."""
    return reading._replace(interfaces=tuple(shown if i is uplink else i for i in reading.interfaces))


def _went_on(last: Reading, reading: Reading) -> bool:
    """Whether a counter is higher than it could be since the restart that the clock reports: then there was no restart."""
    known = {interface.name: interface for interface in last.interfaces}
    young, seconds = reading.uptime_seconds, reading.at - last.at
    if young is None:
        return False
    for after in reading.interfaces:
        before = known.get(after.name)
        if before is None or after.counter_bits < WIDE or misfits(before, after, seconds):
            continue
        room = room_of(before, after, young + clocks.SLACK_SECONDS, None)
        if max(after.receive_bytes or 0, after.transmit_bytes or 0) > room:
            return True
    return False
