"""Reasons of leaving that are on record, beside a file that gives them in words that nobody knows: they stay."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

KEEP = """
SELECT rows.* REPLACE (
    CASE
        WHEN unknown.line IS NOT NULL
            AND rows.ended_on IS NOT DISTINCT FROM known.ended_on AND rows.notice_on IS NOT DISTINCT FROM known.notice_on
        THEN known.end_reason
        ELSE rows.end_reason
    END AS end_reason
)
FROM rows
LEFT JOIN unknown ON unknown.line = rows.line
ASOF LEFT JOIN stored AS known ON rows.customer_id = known.customer_id
    AND rows.started_on = known.started_on AND rows.valid_from >= known.valid_from
ORDER BY rows.line
"""


def kept(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, stored: pa.Table, lines: Sequence[int]
) -> tuple[pa.Table, tuple[str, ...]]:
    """The typed ``rows``, those on ``lines`` with the reason on record beside the same last day and notice, and a note."""
    if not lines or not rows.num_rows or not stored.num_rows:
        return rows, ()
    connection.register("rows", rows)
    connection.register("stored", stored)
    connection.register("unknown", pa.table({"line": pa.array(lines, pa.int64())}))
    made = connection.sql(KEEP).to_arrow_table()
    number = rows.column("end_reason").null_count - made.column("end_reason").null_count
    whose = "1 customer keeps the reason" if number == 1 else f"{number:,} customers keep the reasons"
    return made, (f"end_reason: {whose} of leaving on record, as the file's words are not known",) if number else ()
