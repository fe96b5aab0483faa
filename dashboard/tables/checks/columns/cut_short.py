"""Exports that were cut: at a number of rows at which programs cut them, or to the last so many days."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec

ROWS = frozenset(
    (
        *(500, 1_000, 2_000, 2_500, 5_000, 10_000, 15_000, 20_000, 25_000, 30_000, 50_000, 100_000, 200_000, 250_000),
        *(500_000, 1_000_000),
        *(65_535, 65_536),  # rows of a sheet of Excel 97 to 2003, with or without its header
        *(1_048_575, 1_048_576),  # of one since Excel 2007
    )
)
DAYS = frozenset((7, 14, 28, 30, 31, 60, 61, 62, 90, 91, 92, 180, 181, 182, 183, 184, 364, 365, 366))
MAY_BE_CUT = ("customers", "complaints", "nps", "reviews")
DAY_OF = {"complaints": "opened_at", "nps": "answered_on", "reviews": "posted_on"}
FILLED = 0.5
"""Of the days that the file spans so many have rows: where they are few, the first may lie anywhere by chance."""


def told(spec: TableSpec, rows_read: int, rows: pa.Table, today: datetime.date) -> tuple[str, ...]:
    """Warnings on a file of ``rows_read`` rows, of which ``rows`` (typed) were taken, exported on ``today``."""
    if spec.name not in MAY_BE_CUT:
        return ()
    said = [_at_a_number(rows_read)] if rows_read in ROWS else []
    if spec.name in DAY_OF and (days := _last_days(rows.column(DAY_OF[spec.name]), today)):
        said.append(_of_last_days(*days))
    return tuple(said)


def _last_days(moments: pa.ChunkedArray, today: datetime.date) -> tuple[int, datetime.date] | None:
    """How many days up to ``today`` the file goes back and since when, where that is a usual choice and its days are filled.

    A file that begins with a month was asked for from that day on.
    """
    days = pc.unique(moments.cast(pa.date32()).drop_null())
    if not len(days):
        return None
    first, last = pc.min(days).as_py(), pc.max(days).as_py()
    back = (today - first).days
    if first.day == 1 or (today - last).days > max(3, back // 10) or len(days) < FILLED * back:
        return None
    return next(((number, first) for number in (back, back + 1) if number in DAYS), None)


def _at_a_number(rows: int) -> str:
    return (
        f"the file has exactly {rows:,} rows, and programs often cut exports there: if there are more, export them in parts,"
        " as month by month; what is missing looks like nothing having happened"
    )


def _of_last_days(number: int, first: datetime.date) -> str:
    return (
        f"nothing is older than {number} days ({first}): was the export limited to them? Import the older ones too; until then"
        " nothing is known of the time before"
    )
