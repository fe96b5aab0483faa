"""Ends that are on record and that a new file of customers does not have: kept where it cannot say so, asked about where
it says that those who had left are customers again."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import pyarrow as pa

ENDS = ("ended_on", "notice_on", "end_reason")
FEW = 0.05
"""Of those who had left on record, or one: so many may be customers again without a question."""
MOST = 0.2
FEWEST_REFUSED = 5

KEEP = """
SELECT * EXCLUDE (known) REPLACE ({reason} AS end_reason) FROM (
    SELECT * REPLACE ({notice} AS notice_on) FROM (
        SELECT rows.* REPLACE ({end} AS ended_on), known
        FROM rows ASOF LEFT JOIN stored AS known ON rows.customer_id = known.customer_id
            AND rows.started_on = known.started_on AND rows.valid_from >= known.valid_from
    )
) ORDER BY line
"""
BY_ABSENCE = """
SELECT count(*) FILTER (
    known.ended_on + 1 = known.valid_from AND known.end_reason IS NULL AND known.notice_on IS NULL
)
FROM rows ASOF JOIN stored AS known ON rows.customer_id = known.customer_id
    AND rows.started_on = known.started_on AND rows.valid_from >= known.valid_from
"""
"""Those whom --absent left has ended: on the day before the export that did not have them, from which day on it holds."""
NEWEST = "SELECT * FROM {table} QUALIFY row_number() OVER (PARTITION BY customer_id, started_on ORDER BY valid_from DESC) = 1"


@dataclass(frozen=True)
class Kept:
    """The file's rows with the ends on record, of how many rows one was kept, and what to say of it."""

    rows: pa.Table
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def kept(connection: duckdb.DuckDBPyConnection, rows: pa.Table, stored: pa.Table, given: Collection[str]) -> Kept:
    """The typed ``rows`` with the last day, notice and reason that the record has, where the file has no such column.

    ``given`` are the file's columns. A notice stays only with the last day beside which it stands on record, and a reason
    only with both: a file that says another end says nothing of them.
    """
    lacking = [name for name in ENDS if name not in given]
    if not lacking or not rows.num_rows or not stored.num_rows:
        return Kept(rows)
    same_end = "ended_on IS NOT DISTINCT FROM known.ended_on"
    end = "known.ended_on" if "ended_on" in lacking else "rows.ended_on"
    notice = f"CASE WHEN {same_end} THEN known.notice_on END" if "notice_on" in lacking else "notice_on"
    reason = f"CASE WHEN {same_end} AND notice_on IS NOT DISTINCT FROM known.notice_on THEN known.end_reason END"
    connection.register("rows", rows)
    connection.register("stored", stored)
    query = KEEP.format(end=end, notice=notice, reason=reason if "end_reason" in lacking else "end_reason")
    made = connection.sql(query).to_arrow_table()
    number = made.column("ended_on").length() - made.column("ended_on").null_count if "ended_on" in lacking else 0
    absent = connection.execute(BY_ABSENCE).fetchall()[0][0] if number else 0
    return Kept(
        made,
        (_kept(number - absent),) if number > absent else (),
        (_kept_by_absence(absent),) if absent else (),
    )


def _kept(number: int) -> str:
    who = "1 row is of a customer who has" if number == 1 else f"{number:,} rows are of customers who have"
    return (
        f"{who} an end on record, and the file has no column ended_on: the end stays. Export ended_on too; say --came-back"
        " where they are customers again"
    )


def _kept_by_absence(number: int) -> str:
    who = "1 customer in this file was" if number == 1 else f"{number:,} customers in this file were"
    return (
        f"{who} ended by --absent left, since an earlier file did not have them, and this one has no column ended_on: they"
        " stay ended. If they are customers again, or always were, import it again with --came-back"
    )


def returned(
    connection: duckdb.DuckDBPyConnection, before: pa.Table, after: pa.Table, today: datetime.date
) -> tuple[int, int]:
    """Of how many spells that had ended by ``today`` in the records ``before`` there is no end ``after``, and of how many
    that had ended."""
    connection.register("before", before)
    connection.register("after", after)
    return connection.execute(
        "SELECT count(*) FILTER (now.ended_on IS NULL OR now.ended_on > $today), count(*)"
        f" FROM ({NEWEST.format(table='before')}) AS was"
        f" JOIN ({NEWEST.format(table='after')}) AS now USING (customer_id, started_on) WHERE was.ended_on <= $today",
        {"today": today},
    ).fetchall()[0]


def refusal(number: int, ended: int) -> str | None:
    """Why a file is refused by which ``number`` of ``ended`` who had left are customers again; None where it is not."""
    if number < FEWEST_REFUSED or number <= MOST * ended:
        return None
    return (
        f"{number:,} of the {ended:,} who had left on record have no end in this file, so they would be customers again and"
        " their departures would be gone: export ended_on with their last days, or leave the column out (and --absent left"
        " too) and the ends on record stay; say --came-back where they are customers again"
    )


def doubted(number: int, ended: int) -> tuple[list[str], list[str]]:
    """Warnings and notes on ``number`` of ``ended`` who had left and are customers again."""
    if not number:
        return [], []
    who = "customer who had left on record is one" if number == 1 else "customers who had left on record are customers"
    said = f"{number:,} {who} again, of {ended:,} who had left: the file has no end for them, and their departures are gone"
    return ([], [said]) if number <= max(1, FEW * ended) else ([f"{said}; --undo takes the import back"], [])
