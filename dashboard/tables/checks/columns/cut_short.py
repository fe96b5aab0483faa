"""Exports that were cut: at a number of rows at which programs cut them, or to the last so many days."""

from __future__ import annotations

import datetime

import numpy as np
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
PAGES = (250,)
"""Programs hand out exports in pages of so many rows, or a multiple: that alone is chance too often to be told."""
LONG_BEFORE = 92
"""So many days before the first row of the file customers were on record already."""
FEWEST_GAPS, FEWEST_DAYS_LACKING = 20, 14
"""So many times the usual time between two rows, and so many days, nothing happened until the day of the export."""
IN_ORDER = 0.98
MAY_BE_CUT = ("customers", "complaints", "nps", "reviews")
DAY_OF = {"complaints": "opened_at", "nps": "answered_on", "reviews": "posted_on"}
FILLED = 0.5
"""Of the days that the file spans so many have rows: where they are few, the first may lie anywhere by chance."""


def told(
    spec: TableSpec, rows_read: int, rows: pa.Table, today: datetime.date, since: datetime.date | None = None
) -> tuple[str, ...]:
    """Warnings on a file of ``rows_read`` rows, of which ``rows`` (typed) were taken, exported on ``today``.

    ``since`` is when the first customer on record began.
    """
    if spec.name not in MAY_BE_CUT:
        return ()
    said = [_at_a_number(rows_read)] if rows_read in ROWS else []
    if not said and any(rows_read and rows_read % page == 0 for page in PAGES):
        said += _of_whole_pages(rows_read, _end_lacking(spec, rows, today, since))
    if spec.name in DAY_OF and (days := _last_days(rows.column(DAY_OF[spec.name]), today)):
        said.append(_of_last_days(*days))
    return tuple(said)


def _of_whole_pages(rows: int, lacking: str | None) -> list[str]:
    if lacking is None:
        return []
    return [
        f"the file has {rows:,} rows, a whole number of pages as programs hand them out, and {lacking}: was the export cut"
        " there? If there are more, export them in parts, as month by month; what is missing looks like nothing having happened"
    ]


def _end_lacking(spec: TableSpec, rows: pa.Table, today: datetime.date, since: datetime.date | None) -> str | None:
    """At which end rows seem to lack: nothing up to the export where much happened before, or a first day in the midst of
    a list that is in the order of its days, long after the first customer came."""
    name = DAY_OF.get(spec.name, "started_on")
    if name not in rows.column_names:
        return None
    days = rows.column(name).cast(pa.date32()).drop_null().to_numpy().astype("datetime64[D]")
    if len(days) < min(PAGES):
        return None
    first, last = days.min(), days.max()
    gap, lacking = (last - first).astype(int) / len(days), (np.datetime64(today) - last).astype(int)
    if lacking >= max(FEWEST_DAYS_LACKING, FEWEST_GAPS * gap):
        return f"nothing in it is later than {last}, {lacking:,} days before the export"
    is_late = since is not None and (first - np.datetime64(since)).astype(int) >= LONG_BEFORE
    begins_a_month = first.astype("datetime64[M]").astype("datetime64[D]") == first
    if spec.name == "customers" or not is_late or begins_a_month or not _is_in_order(days):
        return None
    return f"it begins in the midst of a month ({first}), though customers are on record since {since}"


def _is_in_order(days: np.ndarray) -> bool:
    """Whether the rows stand in the order of their days, the oldest or the newest first."""
    steps = np.diff(days).astype(int)
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) >= IN_ORDER)


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
