"""Several services of one customer, as internet and television, taken as the one customer that they are of."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from collector import counted
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError
from dashboard.tables.schema import CUSTOMERS

SUM = "sum"
AT_ONCE = "two contracts at once"
OF_MAIN = ("area", "device_id", "technology", "plan", "contract_until", "termination_fee")
"""What is taken from the service that costs most, of those that run."""

MERGED = """
WITH ordered AS (
    SELECT
        *,
        max(coalesce(ended_on, DATE '9999-12-31')) OVER (
            PARTITION BY customer_id, valid_from ORDER BY started_on, line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS busy_until
    FROM rows
),
told AS (
    SELECT
        *,
        sum(CASE WHEN busy_until IS NULL OR started_on >= busy_until THEN 1 ELSE 0 END) OVER (
            PARTITION BY customer_id, valid_from ORDER BY started_on, line
        ) AS spell
    FROM ordered
),
ranked AS (
    SELECT
        *,
        coalesce(ended_on, DATE '9999-12-31') = max(coalesce(ended_on, DATE '9999-12-31')) OVER one AS is_last,
        coalesce(ended_on, DATE '9999-12-31') > $today AS runs,
        bool_or(coalesce(ended_on, DATE '9999-12-31') > $today) OVER one AS any_runs
    FROM told
    WINDOW one AS (PARTITION BY customer_id, valid_from, spell)
),
counting AS (SELECT *, CASE WHEN any_runs THEN runs ELSE is_last END AS counts FROM ranked)
SELECT {columns}, min(line) AS line, count(*) AS services
FROM counting
GROUP BY customer_id, valid_from, spell
ORDER BY min(line)
"""
BY_COLUMN = {
    "customer_id": "customer_id",
    "valid_from": "valid_from",
    "started_on": "min(started_on)",
    "ended_on": "CASE WHEN count(ended_on) = count(*) THEN max(ended_on) END",
    "monthly_price": "CASE WHEN count(monthly_price) FILTER (counts) = count(*) FILTER (counts)"
    " THEN sum(monthly_price) FILTER (counts) END",
    "notice_on": "CASE WHEN count(ended_on) = count(*) OR count(notice_on) = count(*) THEN max(notice_on) FILTER (is_last) END",
    "end_reason": "CASE WHEN count(ended_on) = count(*) OR count(notice_on) = count(*) THEN max(end_reason) FILTER (is_last) END",
}
NOT_OF_HISTORY = "services = 'sum' in a mapping is for exports without history: take valid_from out of it, or services"


def summed(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, sheet: Sheet, today: object
) -> tuple[pa.Table, int, tuple[str, ...]]:
    """The typed ``rows`` with services of a customer at the same time as one row, how many rows that took in, and a note.

    It begins with the first service and ends with the last; the price is the sum of those that run (``today``), not known
    where one of them is not; the rest is that of the service that costs most. Services one after the other stay apart.
    Raises UnreadableError for an export with history.
    """
    if sheet.services != SUM or not rows.num_rows:
        return rows, 0, ()
    if "valid_from" in sheet.columns:
        raise UnreadableError(NOT_OF_HISTORY)
    by_column = {
        **{name: f"arg_max({name}, coalesce(monthly_price, -1)) FILTER (counts)" for name in OF_MAIN},
        **BY_COLUMN,
    }
    columns = ", ".join(f"{by_column[name]} AS {name}" for name in CUSTOMERS.column_names)
    connection.register("rows", rows)
    made = connection.sql(MERGED.format(columns=columns), params={"today": today}).to_arrow_table()
    taken_in = rows.num_rows - made.num_rows
    made = made.select(rows.column_names).cast(rows.schema)
    if not taken_in:
        return rows, 0, ()
    return (
        made,
        taken_in,
        (f"{counted.of(taken_in, 'row')} of further services joined to their customer's main one, by the mapping",),
    )


def hinted(faults: Sequence[Fault], sheet: Sheet) -> tuple[str, ...]:
    """What to do where rows were refused as second contracts and nobody has said what several services of one customer are."""
    if sheet.services is not None or not any(fault.reason.startswith(AT_ONCE) for fault in faults):
        return ()
    return (
        'two contracts at once: where these are several services of one customer, a mapping says services = "sum" (one customer,'
        " who pays their sum), or leaves out the lesser ones with [skip]",
    )
