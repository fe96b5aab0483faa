"""What is believed of a reading: what cannot be is taken out of it and counted before anybody judges or publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from collector.bounds import parts_within, within
from collector.quality.counters import clocks
from collector.quality.counters.aside import POLLS_TO_STAND
from collector.quality.counters.counter_bounds import WIDE, lenient, misfits, room_of, told_speed
from collector.quality.counters.counter_trails import LAG_SECONDS, NO_STEP, Step, Trail
from collector.quality.counters.narrow import LatelyPassed
from collector.quality.counters.oddities import Oddities
from collector.quality.counters.rates import NO_DELTA, Delta, InterfaceDelta, codewords, interface_delta
from collector.quality.counters.renewals import Renewals
from collector.quality.counters.uplink import Traffic, plain_traffic, traffic_of, uplink_of
from collector.reading import Device, Fault, InterfaceReading, Reading, SnmpOutcome

QUITE_SECONDS = 5.0
"""A clock that is so near to where it should be has run on."""
RECURRENCES = 2
"""Another clock must come back this often before it is concluded that two devices answer."""
POLLS_WITHOUT = 20
"""So many polls of one clock end that."""
MOST_LATE_TIMES = 1.5
"""A poll that brought more than this many times what the line carries says nothing of a rate, nor does the one after it."""
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
            self._known[reading.device_id] = _Known(device, reading, self._refresh_seconds)
            return Believed(reading, NO_DELTA, None)
        believed = known.take(device, reading, self.refused)
        if known.lost is not None:
            self.unknown[known.lost] += 1
            known.lost = None
        return believed

    def _within_bounds(self, reading: Reading) -> Reading:
        """The reading without levels, round trips and values of parts that cannot be."""
        signals = tuple([within(signal, self.refused) for signal in reading.signals])
        probes = tuple([within(probe, self.refused) for probe in reading.probes])
        parts = parts_within(reading.parts, self.refused) if reading.parts else reading.parts
        return reading._replace(signals=signals, probes=probes, parts=parts)


class _Known:
    """What is known of one device from its polls.

    ``last`` is the newest reading that held counters or a clock. The uplink is compared with ``base``, its newest reading
    that is believed, of ``base_at``; ``trail`` is there once one was not, ``renewals`` once one found it unmoved. ``other`` is the last reading by another clock
    than that of ``last``, ``astray`` how many polls in a row it has answered, ``strangers`` how many polls in a row were
    of no clock that is known: then the device has none. ``before_restart`` is the last reading before a restart that only
    the newest tells of. ``lost`` is why the newest poll does not tell the uplink's traffic for good; whoever reads it clears it.
    """

    __slots__ = (
        "_astray",
        "_base",
        "_base_at",
        "_before_restart",
        "_is_watched",
        "_lately",
        "_oddities",
        "_other",
        "_quiet_polls",
        "_recurrences",
        "_refresh_seconds",
        "_renewals",
        "_shown",
        "_strangers",
        "_trail",
        "last",
        "lost",
    )

    def __init__(self, device: Device, reading: Reading, refresh_seconds: float | None) -> None:
        self.last = reading
        self._refresh_seconds = refresh_seconds
        self._trail: Trail | None = None
        self._renewals: Renewals | None = None
        self._lately: LatelyPassed | None = None
        self._oddities: Oddities | None = None
        self.lost: str | None = None
        self._shown: InterfaceReading | None = None
        self._other: Reading | None = None
        self._before_restart: Reading | None = None
        self._is_watched = False
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
                passed = self._pass(device, uplink, reading, refused)
            self.last = reading
            if uplink is not None and self._shown is not None:
                reading = _with_uplink(reading, uplink, self._shown)
                self._shown = None
            if self._oddities is not None:
                reading = reading._replace(counter_oddities=self._oddities.told(reading.at))
        elif new is not None:
            self.last = reading
        self._before_restart = None
        delta = _new_record(Delta, (seconds, False, total, uncorrectable))
        believed = _new_record(Believed, (reading, delta, passed, ()))
        return self._watch(believed) if self._is_watched else believed

    def _keep(self, reading: Reading) -> None:
        if reading.interfaces or reading.uptime_seconds is not None:
            self.last = reading

    def _begin(self, device: Device, reading: Reading) -> None:
        """Nothing before this reading may be compared with it or with later ones."""
        self._keep(reading)
        self._trail = self._base = None
        uplink = uplink_of(device, reading.interfaces)
        if uplink is not None:
            self._base, self._base_at = uplink, reading.at + (uplink.late_seconds or 0.0)

    def _start_anew(self, device: Device, reading: Reading, *, restarted: bool) -> Believed:
        last, seconds = self.last, reading.at - self.last.at
        self._begin(device, reading)
        self._before_restart = last if restarted else None
        rest = self._renewals.rest() if self._renewals is not None else None
        return Believed(reading, Delta(seconds, restarted), rest)

    def _pass(
        self, device: Device, uplink: InterfaceReading, reading: Reading, refused: Counter[str]
    ) -> Traffic | None:
        """What passed the uplink since its last reading that is believed."""
        at = reading.at
        if uplink.late_seconds is not None:
            at += uplink.late_seconds
        base = self._base
        if base is None or base.name != uplink.name:
            self._base, self._base_at = uplink, at
            self._trail = self._renewals = self._oddities = None
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
            self._shown = self._trail.shown(uplink, NO_STEP)
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
        self._shown, uplink = trail.shown(uplink, step), trail.read(uplink)
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
        if after.counter_bits < WIDE and delta.receive_bytes is delta.transmit_bytes is None:
            self.lost = "may_have_wrapped"
        if not before.counter_bits == after.counter_bits < WIDE or told_speed(before, after, refuted):
            return delta
        if self._lately is None:
            self._lately = LatelyPassed()
        received, sent = self._lately.passed(before, after, seconds)
        self.lost = "may_have_wrapped" if received is sent is None else None
        return delta._replace(receive_bytes=received, transmit_bytes=sent)

    def _note(self, kind: str, at: float) -> None:
        if self._oddities is None:
            self._oddities = Oddities()
        self._oddities.note(kind, at)

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


def _lacks_bytes(base: InterfaceReading, uplink: InterfaceReading) -> bool:
    """Whether a poll has not read the bytes that were read before: the next one that has is compared over both."""
    if uplink.receive_bytes is not None or uplink.transmit_bytes is not None:
        return False
    return base.receive_bytes is not None or base.transmit_bytes is not None


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
