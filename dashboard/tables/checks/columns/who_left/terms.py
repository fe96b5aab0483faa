"""Ends that lie whole years after their own start: until when a contract runs, and not when somebody went."""

from __future__ import annotations

import pyarrow as pa

FEWEST, SHARE = 20, 0.8
MOST_DAYS_OFF = 1
"""From a mean year: a term of a year ends on the day of its beginning or on the day before, also in leap years."""


def told(rows: pa.Table) -> tuple[str, ...]:
    """A warning where most customers with an end have one whole years after they began, to the day.

    Some do leave at the end of a contract, but others move or stop paying on all days of the year.
    """
    frame = rows.select(["started_on", "ended_on"]).to_pandas(date_as_object=False).dropna()
    if len(frame) < FEWEST:
        return ()
    started, ended = frame["started_on"], frame["ended_on"]
    days = (ended - started).dt.days
    years = (days / 365.25).round()
    is_term = (years > 0) & ((days - years * 365.25).abs() < MOST_DAYS_OFF + 1)
    number = int(is_term.sum())
    if number < SHARE * len(frame):
        return ()
    return (
        f"ended_on: {number:,} of {len(frame):,} ends lie whole years after the customer's own start, to the day: does the column"
        " say until when a contract runs, and not when service ended? Then leave it out, or map it to contract_until",
    )
