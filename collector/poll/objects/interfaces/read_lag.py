"""Poll stage: counters that were read late, after a retry, are marked so, that their rates are over the true time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collector.poll.objects.decode import Cells, number
from collector.poll.profile import Source
from collector.poll.snmp.codec import decode_subids
from collector.poll.snmp.engine import Exchange
from collector.reading import InterfaceReading

LATE_SECONDS = 0.5
"""What left within this time of the poll's first packet is not late: a rate over 10 s is wrong by 5% for half a second."""
BYTE_COUNTERS = ("receive_bytes", "transmit_bytes")

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


def marked_by_row(
    readings: Readings, columns: Sequence[Source], cells: Cells, late: Mapping[tuple[str, bytes], float]
) -> Readings:
    """The same, where ``late`` says by column and row how late cells of ``columns`` were read; a row's time is that of the
    counters it shows, whatever else of it was late. Where its two byte counters were read at times apart, one time cannot
    stand for both, and the one of bytes sent is left out.
    """
    if not late:
        return readings
    received, sent = (_late_by_row(field, columns, cells, late) for field in BYTE_COUNTERS)
    return tuple(_marked(reading, received.get(reading.index), sent.get(reading.index)) for reading in readings)


def _marked(reading: InterfaceReading, received: float | None, sent: float | None) -> InterfaceReading:
    if received is not None and sent is not None and abs(received - sent) > LATE_SECONDS:
        reading, sent = reading._replace(transmit_bytes=None), None
    return reading._replace(late_seconds=(sent if received is None else received) or None)


def _late_by_row(
    field: str, columns: Sequence[Source], cells: Cells, late: Mapping[tuple[str, bytes], float]
) -> dict[int, float]:
    """How late the value of ``field`` was read, by ifIndex: of a row's values the first counts."""
    found: dict[int, float] = {}
    for column in columns:
        for index, value in cells.get(column.name, {}).items() if column.field == field else ():
            if number(column, value) is not None:
                found.setdefault(decode_subids(index)[0], late.get((column.name, index), 0.0))
    return found
