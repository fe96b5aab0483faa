"""Poll stage: counters that were read late, after a retry, are marked so, that their rates are over the true time."""

from __future__ import annotations

from collections.abc import Mapping

from collector.poll.snmp_codec import decode_subids
from collector.poll.snmp_fast import Exchange
from collector.reading import InterfaceReading

LATE_SECONDS = 0.5
"""What left within this time of the poll's first packet is not late: a rate over 10 s is wrong by 5% for half a second."""

Readings = tuple[InterfaceReading, ...]


def late_by(exchange: Exchange | None, since: float) -> float:
    """How long after ``since`` the request left that ``exchange`` had answered; 0 where that is no matter."""
    if exchange is None or not since:
        return 0.0
    late = exchange.first_sent_at + exchange.late_seconds - since
    return late if late > LATE_SECONDS else 0.0


def marked(readings: Readings, late: float) -> Readings:
    """The same, all read ``late`` seconds after the poll's begin."""
    return tuple(reading._replace(late_seconds=late) for reading in readings) if late else readings


def marked_by_row(readings: Readings, late: Mapping[bytes, float]) -> Readings:
    """The same, where ``late`` names rows by their index."""
    if not late:
        return readings
    seconds = {decode_subids(index)[0]: each for index, each in late.items()}
    return tuple(reading._replace(late_seconds=seconds.get(reading.index)) for reading in readings)
