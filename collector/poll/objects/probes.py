"""Poll stage: the probes that a device runs itself, out of a walked table of their last results."""

from __future__ import annotations

from collections.abc import Mapping

from collector.poll.objects import decode
from collector.poll.profile import Table
from collector.reading import ProbeReading


def probes(table: Table, cells: decode.Cells) -> tuple[ProbeReading, ...]:
    """Every probe that has run, by a name of its own: its text, or its index where that is made of texts.

    A test that failed has no round trip, whatever number the device leaves in the column: it is lost.
    """
    rows = decode.rows(table, cells)
    names = decode.row_names([(index, _text(row.get("name"))) for index, row in rows])
    readings = (_reading(name, row) for name, (_, row) in zip(names, rows, strict=True))
    return tuple(reading for reading in readings if reading.rtt_seconds is not None or reading.loss_ratio is not None)


def _reading(name: str, row: Mapping[str, object]) -> ProbeReading:
    is_answered, loss = row.get("is_answered"), _loss_ratio(row)
    if loss is None and is_answered is not None:
        loss = 0.0 if is_answered else 1.0
    if is_answered is False or loss == 1.0:
        return ProbeReading(name, loss_ratio=loss)
    divisor = 1000 if row.get("is_in_microseconds") else 1
    rtt, jitter = (_divided(row.get(field), divisor) for field in ("rtt_seconds", "jitter_seconds"))
    return ProbeReading(name, rtt, jitter, loss)


def _loss_ratio(row: Mapping[str, object]) -> float | None:
    """As the device says, else of what it sent in the test; a test that has only begun is yet to lose anything."""
    given, sent, received = row.get("loss_ratio"), row.get("sent"), row.get("received")
    if isinstance(given, (int, float)):
        return min(1.0, max(0.0, given))
    if not isinstance(sent, int) or not isinstance(received, int) or sent <= 0:
        return None
    return max(0, sent - received) / sent


def _divided(value: object, divisor: int) -> float | None:
    return value / divisor if isinstance(value, (int, float)) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
