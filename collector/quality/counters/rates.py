"""What passed between two readings that may be compared: wraps undone, what cannot have passed left out."""

from __future__ import annotations

from typing import Any, NamedTuple

from collector.hour_bounds import CODEWORDS_PER_SECOND, LEAST_PACKET_BYTES
from collector.quality.counters.counter_bounds import (
    MARGIN,
    WRAP_32,
    is_discontinuous,
    passed_bytes,
    passed_packets,
    room_of,
    told_speed,
)
from collector.reading import InterfaceReading, SignalReading


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
    ``restarted`` says that the device itself started anew in between. ``codewords_*`` are sums over the DOCSIS channels
    whose series held.
    """

    seconds: float | None = None
    restarted: bool = False
    codewords_total: int | None = None
    codewords_uncorrectable: int | None = None


NO_DELTA = Delta()


def interface_delta(
    before: InterfaceReading, after: InterfaceReading, seconds: float, refuted: float | None = None
) -> InterfaceDelta:
    """What passed, in ``seconds``; ``refuted`` is a stated speed that is not believed.

    After a discontinuity (RFC 2863 ifCounterDiscontinuityTime), a change of counter width, or where a counter ran
    backwards or further than a line carries, there is no difference.
    """
    if is_discontinuous(before, after):
        return InterfaceDelta(after.name, seconds=seconds)
    room = room_of(before, after, seconds, refuted)
    is_told = told_speed(before, after, refuted) > 0.0
    received = transmitted = None
    if before.counter_bits == after.counter_bits:
        bits = after.counter_bits
        received = passed_bytes(before.receive_bytes, after.receive_bytes, bits, room, is_told=is_told)
        transmitted = passed_bytes(before.transmit_bytes, after.transmit_bytes, bits, room, is_told=is_told)
    return InterfaceDelta(
        after.name,
        received,
        transmitted,
        _packets(before, after, ("receive_errors", "transmit_errors"), room),
        _packets(before, after, ("receive_discards", "transmit_discards"), room),
        seconds,
    )


def _packets(before: InterfaceReading, after: InterfaceReading, fields: tuple[str, str], room: float) -> int | None:
    """Packets of both directions, as far as they were counted."""
    total = None
    for field in fields:
        old, new = getattr(before, field), getattr(after, field)
        passed = passed_packets(old, new, room / LEAST_PACKET_BYTES) if old is not None and new is not None else None
        if passed is not None:
            total = (total or 0) + passed
    return total


def codewords(
    before: tuple[SignalReading, ...], after: tuple[SignalReading, ...], seconds: float
) -> tuple[int | None, int | None, tuple[str, ...]]:
    """All codewords and the uncorrectable ones, over the channels that have all three counts both times.

    Last come the channels whose counts cannot have gone so.
    """
    known = {signal.channel: signal for signal in before}
    total = bad = None
    wrong = []
    most = CODEWORDS_PER_SECOND * seconds * MARGIN
    for signal in after:
        old = known.get(signal.channel)
        if old is None or None in signal[3:6] or None in old[3:6]:
            continue
        passed = [_count32(a, b, most) for a, b in zip(old[3:6], signal[3:6], strict=True)]
        counted = [count for count in passed if count is not None]
        if len(counted) < len(passed):
            wrong.append(signal.channel)
            continue
        total = (total or 0) + sum(counted)
        bad = (bad or 0) + counted[2]
    return total, bad, tuple(wrong)


def _count32(before: Any, after: Any, most: float) -> int | None:
    """The difference of a Counter32; a step backwards is a wrap only if so much can have passed."""
    passed: int = after - before
    if passed < 0 and before < WRAP_32:
        passed += WRAP_32
    return passed if 0 <= passed <= most else None
