"""Whether counters can have gone from one value to another: what a line can carry is the bound."""

from __future__ import annotations

from collections.abc import Mapping

from collector.hour_bounds import LEAST_PACKET_BYTES, UNTOLD_BYTES_PER_SECOND
from collector.reading import InterfaceReading

WRAP_32 = 2**32
NARROW, WIDE = 32, 64
SUMMED = 128
"""The width of what the collector has summed up itself: it was judged before, and never goes round."""
MARGIN = 1.1
"""How much more than its speed an interface may seem to have carried: counters and clocks are not read at one instant."""
BYTES = ("receive_bytes", "transmit_bytes")
PACKETS = ("receive_errors", "transmit_errors", "receive_discards", "transmit_discards")
COUNTERS = (*BYTES, *PACKETS)


def passed_bytes(before: int | None, after: int | None, bits: int, room: float, *, is_told: bool) -> int | None:
    """The difference of a byte counter; None where it is not known, or where it is more than ``room``.

    A 32-bit counter is unwrapped only where it cannot have wrapped twice, or once without showing: ``is_told`` says that
    ``room`` is worked out from the interface's own speed. ``room`` has its margin in it.
    """
    if before is None or after is None:
        return None
    passed = after - before
    if bits >= WIDE:
        return passed if 0 <= passed <= room else None
    if not is_told:
        return passed if passed >= 0 else None
    if room >= WRAP_32 * MARGIN:
        return None
    passed %= WRAP_32
    return passed if passed <= room else None


def passed_packets(before: int, after: int, most: float) -> int | None:
    """The difference of a Counter32 of packets; None where it is more than ``most``, or fell otherwise than by going round.

    A counter at 0 was cleared. It went round by little where that is much less than all that it can count.
    """
    passed = after - before
    if passed < 0 and after and before < WRAP_32:
        passed += WRAP_32
        most = min(most, WRAP_32 / 4)
    return passed if 0 <= passed <= most else None


def room_of(before: InterfaceReading, after: InterfaceReading, seconds: float, refuted: float | None) -> float:
    """The most bytes that the interface can have carried in ``seconds``; ``refuted`` is a speed that is not believed."""
    speed = told_speed(before, after, refuted)
    return (speed or UNTOLD_BYTES_PER_SECOND) * seconds * MARGIN


def told_speed(before: InterfaceReading, after: InterfaceReading, refuted: float | None) -> float:
    """The speed that the interface states, the greater of two; 0 if it states none that is believed."""
    speed = max(before.speed_bytes_per_second or 0.0, after.speed_bytes_per_second or 0.0)
    return 0.0 if speed == refuted else speed


def misfits(
    before: InterfaceReading, after: InterfaceReading, seconds: float, refuted: float | None = None
) -> tuple[str, ...]:
    """The counters that cannot have gone from ``before`` to ``after`` in that many seconds.

    A counter that is missing either time fits. So does any other value of a 32-bit byte counter that may have wrapped
    unseen, but for zero and its very end: a glitch shows those, a wrap next to never.
    """
    room = room_of(before, after, seconds, refuted)
    is_told = told_speed(before, after, refuted) > 0.0
    if before.counter_bits != after.counter_bits:
        return ()
    bits = after.counter_bits
    wrong = [
        field
        for field in BYTES
        if not _fits(getattr(before, field), getattr(after, field), bits, room, is_told=is_told)
    ]
    most = room / LEAST_PACKET_BYTES
    for field in PACKETS:
        old, new = getattr(before, field), getattr(after, field)
        if old is not None and new is not None and passed_packets(old, new, most) is None:
            wrong.append(field)
    return tuple(wrong)


def _fits(before: int | None, after: int | None, bits: int, room: float, *, is_told: bool) -> bool:
    if before is None or after is None:
        return True
    if bits >= WIDE:
        return 0 <= after - before <= room
    if after != before and after in (0, WRAP_32 - 1):
        return False
    if not is_told or room >= WRAP_32 * MARGIN:
        return True
    return (after - before) % WRAP_32 <= room


def lenient(reading: InterfaceReading, seconds: float, late_seconds: float) -> float:
    """The time in which 32-bit counters may have counted, if they were read late: nothing else bears them out."""
    return seconds if reading.counter_bits >= WIDE else seconds + late_seconds


def with_values(reading: InterfaceReading, counters: Mapping[str, int | None]) -> InterfaceReading:
    """The reading with other counters."""
    return reading._replace(**counters)  # type: ignore[arg-type]


def is_discontinuous(before: InterfaceReading, after: InterfaceReading) -> bool:
    """Whether the interface says itself that its counters began anew (RFC 2863 ifCounterDiscontinuityTime)."""
    old, new = before.discontinuity_seconds, after.discontinuity_seconds
    return old != new and old is not None and new is not None


def counters(reading: InterfaceReading) -> tuple[int | None, int | None]:
    """The byte counters: received and sent."""
    return reading.receive_bytes, reading.transmit_bytes


def lies_between(before: InterfaceReading, between: InterfaceReading, after: InterfaceReading) -> bool:
    """Whether no byte counter ran backwards."""
    counted = zip(counters(before), counters(between), counters(after), strict=True)
    return all(a is None or b is None or c is None or a <= b <= c for a, b, c in counted)


def most_passed(before: InterfaceReading, after: InterfaceReading) -> int:
    """The bytes of the direction that more has passed in."""
    pairs = [(getattr(before, field), getattr(after, field)) for field in BYTES]
    return max((new - old for old, new in pairs if old is not None and new is not None), default=0)
