"""Two readings of a device become what passed between them: wraps undone, broken series left out, never a spike."""

from __future__ import annotations

from typing import NamedTuple

from collector.reading import InterfaceReading, Reading, SignalReading

UPTIME_WRAP_SECONDS = 2**32 / 100
WRAP_32 = 2**32
SLACK_SECONDS = 5.0


class InterfaceDelta(NamedTuple):
    """What one interface carried between two readings; None where the series broke or was not measured.

    ``seconds`` is the time between the two requests that its counters answered, retries and all.
    """

    name: str
    receive_bytes: int | None = None
    transmit_bytes: int | None = None
    error_packets: int | None = None
    discard_packets: int | None = None
    seconds: float = 0.0


class Delta(NamedTuple):
    """What one device did between two readings.

    ``seconds`` is the time that the differences span, however long; None where there is nothing to compare with.
    ``restarted`` says that the device itself started anew in between. ``before`` and ``after`` are the readings that
    may be compared interface by interface; None after a restart. ``codewords_*`` are sums over the DOCSIS channels
    whose series held.
    """

    seconds: float | None = None
    restarted: bool = False
    before: Reading | None = None
    after: Reading | None = None
    codewords_total: int | None = None
    codewords_uncorrectable: int | None = None

    @property
    def interfaces(self) -> tuple[InterfaceDelta, ...]:
        """What each interface that was read both times carried."""
        if self.after is None:
            return ()
        found = (self.of(interface) for interface in self.after.interfaces)
        return tuple(delta for delta in found if delta is not None)

    def interface(self, name: str) -> InterfaceDelta | None:
        """The interface called ``name``, if it was read both times."""
        return next((delta for delta in self.interfaces if delta.name == name), None)

    def of(self, after: InterfaceReading) -> InterfaceDelta | None:
        """What one interface carried until this reading of it; None where it was not read before.

        Worked out on demand, for of many interfaces only the uplink's difference is wanted.
        """
        if self.before is None or self.seconds is None:
            return None
        name = after.name
        for before in self.before.interfaces:
            if before.name == name:
                seconds = self.seconds
                if before.late_seconds is not None or after.late_seconds is not None:
                    seconds += (after.late_seconds or 0.0) - (before.late_seconds or 0.0)
                return _interface_delta(before, after, seconds) if seconds > 0.0 else None
        return None


NO_DELTA = Delta()


def difference(previous: Reading | None, current: Reading) -> Delta:
    """Compare ``current`` with ``previous``, the last reading of the device that held counters.

    Interfaces and channels are matched by name: a renumbered ifIndex changes nothing. After a restart, a
    discontinuity (RFC 2863 ifCounterDiscontinuityTime), a change of counter width or a counter that runs
    backwards, the series begins anew and its delta is None.
    """
    if previous is None:
        return NO_DELTA
    seconds = current.at - previous.at
    if seconds <= 0:
        return NO_DELTA
    old, new = previous.uptime_seconds, current.uptime_seconds
    ran_on = old is not None and new is not None and new >= old and new >= seconds
    if not ran_on:
        restarted = has_restarted(previous, current)
        if restarted or _lost_its_count(previous, current):
            return Delta(seconds, restarted)
    if not current.signals:
        return Delta(seconds, False, previous, current)
    total, uncorrectable = _codewords(previous.signals, current.signals)
    return Delta(seconds, False, previous, current, total, uncorrectable)


def has_restarted(previous: Reading, current: Reading) -> bool:
    """Whether the device started anew between two readings.

    sysUpTime fell, or is shorter than the time between the readings (a restart within a long gap). Its roll after
    497 days is no restart, nor is the restart of an agent alone on a host whose ``boot_seconds`` ran on.
    """
    if previous.uptime_seconds is None or current.uptime_seconds is None:
        return _boot(previous, current) == "fell"
    if not _uptime_fell(previous, current):
        return False
    return _boot(previous, current) != "ran on" and not _is_roll(previous, current)


def _lost_its_count(previous: Reading, current: Reading) -> bool:
    """Whether the agent started anew though the device did not: its counters may have started anew too."""
    return _uptime_fell(previous, current) and not _is_roll(previous, current)


def _uptime_fell(previous: Reading, current: Reading) -> bool:
    if previous.uptime_seconds is None or current.uptime_seconds is None:
        return False
    if current.uptime_seconds < previous.uptime_seconds:
        return True
    return current.uptime_seconds + _slack(previous, current) < current.at - previous.at


def _is_roll(previous: Reading, current: Reading) -> bool:
    """Whether sysUpTime stands where its roll at 2^32 hundredths would have put it; ``boot_seconds`` may deny it."""
    if previous.uptime_seconds is None or current.uptime_seconds is None or _boot(previous, current) == "fell":
        return False
    expected = previous.uptime_seconds + current.at - previous.at - UPTIME_WRAP_SECONDS
    return abs(current.uptime_seconds - expected) <= _slack(previous, current)


def _boot(previous: Reading, current: Reading) -> str:
    """What the clock that outlives the roll says: ``ran on``, ``fell``, or ``unknown`` where it was not read."""
    if previous.boot_seconds is None or current.boot_seconds is None:
        return "unknown"
    expected = previous.boot_seconds + current.at - previous.at
    if abs(current.boot_seconds - expected) <= _slack(previous, current):
        return "ran on"
    if abs(current.boot_seconds - (expected - UPTIME_WRAP_SECONDS)) <= _slack(previous, current):
        return "unknown"  # hrSystemUptime is a TimeTicks too: this is its own roll
    return "fell" if current.boot_seconds < min(previous.boot_seconds, current.at - previous.at) else "unknown"


def _slack(previous: Reading, current: Reading) -> float:
    """How far two clocks may disagree over the time between: 5 s, or 1% of it."""
    return max(SLACK_SECONDS, 0.01 * (current.at - previous.at))


def _interface_delta(before: InterfaceReading, after: InterfaceReading, seconds: float) -> InterfaceDelta:
    old, new = before.discontinuity_seconds, after.discontinuity_seconds
    if old != new and old is not None and new is not None:
        return InterfaceDelta(after.name, seconds=seconds)
    bits = after.counter_bits
    received = transmitted = None
    if before.counter_bits != bits:
        pass
    elif bits > 32:
        received = _forward(before.receive_bytes, after.receive_bytes)
        transmitted = _forward(before.transmit_bytes, after.transmit_bytes)
    else:
        speed = max(before.speed_bytes_per_second or 0.0, after.speed_bytes_per_second or 0.0)
        room = speed * seconds if speed else None
        received = _bytes32(before.receive_bytes, after.receive_bytes, room)
        transmitted = _bytes32(before.transmit_bytes, after.transmit_bytes, room)
    errors = _forward(before.receive_errors, after.receive_errors)
    errors_sent = _forward(before.transmit_errors, after.transmit_errors)
    discards = _forward(before.receive_discards, after.receive_discards)
    discards_sent = _forward(before.transmit_discards, after.transmit_discards)
    return InterfaceDelta(
        after.name,
        received,
        transmitted,
        errors_sent if errors is None else errors if errors_sent is None else errors + errors_sent,
        discards_sent if discards is None else discards if discards_sent is None else discards + discards_sent,
        seconds,
    )


def _bytes32(before: int | None, after: int | None, room: float | None) -> int | None:
    """The difference of a 32-bit byte counter; ``room`` is what the interface could carry meanwhile, None if unknown.

    It is believed only where it cannot have wrapped twice, or once without showing.
    """
    if before is None or after is None:
        return None
    if room is None:
        return after - before if after >= before else None
    if room >= WRAP_32:
        return None
    passed = (after - before) % WRAP_32
    return passed if after >= before or passed <= room * 1.1 else None


def _forward(before: int | None, after: int | None) -> int | None:
    if before is None or after is None or after < before:
        return None
    return after - before


def _codewords(before: tuple[SignalReading, ...], after: tuple[SignalReading, ...]) -> tuple[int | None, int | None]:
    """All codewords and the uncorrectable ones, over the channels that have all three counts both times."""
    known = {signal.channel: signal for signal in before}
    total = bad = None
    for signal in after:
        old = known.get(signal.channel)
        if old is None:
            continue
        good = _count32(old.codewords_unerrored, signal.codewords_unerrored)
        corrected = _count32(old.codewords_corrected, signal.codewords_corrected)
        lost = _count32(old.codewords_uncorrectable, signal.codewords_uncorrectable)
        if good is None or corrected is None or lost is None:
            continue
        total = (total or 0) + good + corrected + lost
        bad = (bad or 0) + lost
    return total, bad


def _count32(before: int | None, after: int | None) -> int | None:
    """The difference of a Counter32 that takes hours to go round: backwards is a wrap only from near its end."""
    if before is None or after is None:
        return None
    if after >= before:
        return after - before
    passed = after + WRAP_32 - before
    return passed if passed < WRAP_32 // 4 and before < WRAP_32 else None
