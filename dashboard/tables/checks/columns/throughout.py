"""What nearly all customers of a file have in common, and customers do not: an end, a price of nothing, a neighbourhood each."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet

FEWEST, FEWEST_ENDED, FEWEST_AREAS, FEWEST_PLANS = 10, 5, 20, 3
HALF, MOST_AREAS = 0.5, 0.8


def told(rows: pa.Table, after: pa.Table, sheet: Sheet, today: datetime.date, *, knows_areas: bool) -> Iterator[str]:
    """Warnings on the accepted ``rows`` of customers; ``after`` is all on record, ``knows_areas`` whether areas are imported."""
    ended = rows.column("ended_on").drop_null()
    if len(ended) == rows.num_rows >= FEWEST and not _has_customers(after, today):
        yield (
            f"ended_on: all {rows.num_rows:,} customers of the file have ended, and nobody else is a customer: is it a list of"
            " former customers, or does the column say until when a contract runs? Import those who are customers too"
        )
    at_once = _number(pc.equal(rows.column("ended_on"), rows.column("started_on")))
    if at_once >= max(FEWEST_ENDED, HALF * len(ended)):
        yield (
            f"ended_on: {at_once:,} of {len(ended):,} who went did so on the day on which they began: is one of the two columns"
            " taken for the other?"
        )
    free, priced = _number(pc.equal(rows.column("monthly_price"), 0)), len(rows.column("monthly_price").drop_null())
    if free >= max(FEWEST, HALF * priced) and "monthly_price" not in sheet.divisors:
        yield (
            f"monthly_price: {free:,} of {priced:,} pay 0: where the price is not known, leave the cell blank; where they do pay"
            " nothing, a mapping says so under [columns.monthly_price] with divide = 1"
        )
    areas = len(pc.unique(rows.column("area")))
    if rows.num_rows >= FEWEST_AREAS and areas >= MOST_AREAS * rows.num_rows and not knows_areas:
        yield (
            f"area: {rows.num_rows:,} customers live in {areas:,} different neighbourhoods: does the column hold addresses or"
            " numbers? Neighbourhoods of a single customer can be compared with nothing"
        )


def told_of_prices(rows: pa.Table, sheet: Sheet) -> Iterator[str]:
    """A warning where most plans cost new customers nothing: each of their customers would seem to pay too much."""
    free = _number(pc.equal(rows.column("new_customer_price"), 0))
    if free >= max(FEWEST_PLANS, HALF * rows.num_rows) and "new_customer_price" not in sheet.divisors:
        yield (
            f"new_customer_price: {free:,} of {rows.num_rows:,} are 0: where that is a free first month, import what follows;"
            " where they do cost nothing, a mapping says so under [columns.new_customer_price] with divide = 1"
        )


def _number(says: pa.Array) -> int:
    return int(pc.sum(says).as_py() or 0)


def _has_customers(after: pa.Table, today: datetime.date) -> bool:
    ended = after.column("ended_on")
    return bool(ended.null_count) or bool(pc.any(pc.greater(ended, pa.scalar(today, pa.date32()))).as_py())
