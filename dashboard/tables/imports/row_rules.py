"""What a row of each kind of record must keep to beyond its columns' types: conditions as data, counted in SQL."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.readers.sheets import Fault


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows for which ``refused`` (SQL over the row; ``today`` is the day of the export) holds are refused."""

    column: str
    reason: str
    refused: str


TOO_LARGE = "is a thousand million or more, which no price is"
WHOSE = Rule("customer_id", "names neither a customer nor an area", "customer_id IS NULL AND area IS NULL")

RULES: dict[str, tuple[Rule, ...]] = {
    "areas": (),
    "customers": (
        Rule("started_on", "lies in the future", "started_on > today"),
        Rule("valid_from", "lies in the future", "valid_from > today"),
        Rule("notice_on", "lies in the future", "notice_on > today"),
        Rule("ended_on", "lies in the future, and no notice_on says so", "ended_on > today AND notice_on IS NULL"),
        Rule("ended_on", "is before started_on", "ended_on < started_on"),
        Rule("notice_on", "is before started_on", "notice_on < started_on"),
        Rule("notice_on", "is after ended_on", "notice_on > ended_on"),
        Rule(
            "end_reason",
            "is given, but neither ended_on nor notice_on",
            "end_reason IS NOT NULL AND ended_on IS NULL AND notice_on IS NULL",
        ),
        Rule("monthly_price", "is negative", "monthly_price < 0"),
        Rule("monthly_price", TOO_LARGE, "monthly_price >= 1e9"),
        Rule("termination_fee", "is negative", "termination_fee < 0"),
        Rule("termination_fee", TOO_LARGE, "termination_fee >= 1e9"),
    ),
    "prices": (
        Rule("new_customer_price", "is negative", "new_customer_price < 0"),
        Rule("new_customer_price", TOO_LARGE, "new_customer_price >= 1e9"),
    ),
    "complaints": (
        WHOSE,
        Rule("opened_at", "lies in the future", "opened_at >= tomorrow"),
    ),
    "nps": (
        WHOSE,
        Rule("answered_on", "lies in the future", "answered_on > today"),
        Rule("score", "is not between 0 and 10", "score < 0 OR score > 10"),
    ),
    "reviews": (
        Rule("posted_on", "lies in the future", "posted_on > today"),
        Rule("rating", "is not between 1 and 5", "rating < 1 OR rating > 5"),
    ),
}


AFTER_OPENED = ("first_answer_at", "solved_at")


def without_early(rows: pa.Table, kind: str) -> tuple[pa.Table, dict[tuple[str, str], list[int]]]:
    """Complaints with a blank answer or solution where it is dated before the complaint: that one is known all the same."""
    early: dict[tuple[str, str], list[int]] = {}
    for name in AFTER_OPENED if kind == "complaints" else ():
        is_early = pc.fill_null(pc.less(rows.column(name), rows.column("opened_at")), False)
        if lines := rows.column("line").filter(is_early).to_pylist():
            early[name, "is before opened_at"] = lines
            cells = pc.if_else(is_early, pa.scalar(None, rows.column(name).type), rows.column(name))
            rows = rows.set_column(rows.schema.get_field_index(name), name, cells)
    return rows, early


def broken_rules(
    connection: duckdb.DuckDBPyConnection,
    kind: str,
    rows: pa.Table,
    *,
    today: datetime.date,
    tomorrow_at: datetime.datetime,
) -> list[Fault]:
    """Every row of ``rows`` (typed, with ``line``) that breaks a rule of ``kind``; a row may break several."""
    connection.register("rows", rows)
    faults = []
    for rule in RULES[kind]:
        found = connection.execute(
            f"SELECT line FROM rows, (SELECT CAST(? AS DATE) AS today, to_timestamp(?) AS tomorrow) WHERE {rule.refused}",
            [today, tomorrow_at.timestamp()],
        )
        faults += [Fault(line, rule.column, rule.reason) for (line,) in found.fetchall()]
    return faults


@dataclass(frozen=True)
class Doubles:
    """Rows whose key stands further up in the same file: alike in everything, or at odds with the first."""

    lines_alike: tuple[int, ...]
    at_odds: tuple[Fault, ...]


def doubles(connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: pa.Table, unit: str = "line") -> Doubles:
    """Rows that repeat a key: those that say the same again are no fault, those that say something else are."""
    connection.register("rows", rows)
    key = ", ".join(spec.key)
    others = [name for name in spec.column_names if name not in spec.key]
    same = " AND ".join(f"rows.{name} IS NOT DISTINCT FROM firsts.{name}" for name in others) or "TRUE"
    on = " AND ".join(f"rows.{name} IS NOT DISTINCT FROM firsts.{name}" for name in spec.key)
    found = connection.execute(
        f"WITH firsts AS (SELECT * FROM rows WINDOW alike AS (PARTITION BY {key}), ordered AS (PARTITION BY {key} ORDER BY line)"
        " QUALIFY row_number() OVER ordered = 1 AND count(*) OVER alike > 1)"
        f" SELECT rows.line, firsts.line, {same} FROM rows JOIN firsts ON {on} WHERE rows.line > firsts.line"
    ).fetchall()
    what = " and ".join(spec.key) if len(spec.key) < 3 else f"{', '.join(spec.key[:-1])} and {spec.key[-1]}"
    odd = [
        Fault(line, spec.key[0], f"has the same {what} as {unit} {first}") for line, first, alike in found if not alike
    ]
    return Doubles(tuple(line for line, _, alike in found if alike), tuple(odd))


def numbered(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
    """Reviews with ``number`` counted over those that are alike: the same file again gives the same numbers."""
    connection.register("rows", rows)
    return connection.sql(
        "SELECT * REPLACE (row_number() OVER (PARTITION BY posted_on, source, area, rating ORDER BY line) AS number)"
        " FROM rows ORDER BY line"
    ).to_arrow_table()


OVERLAPS = """
WITH ends AS (
    SELECT customer_id, started_on, ended_on, min(line) OVER spell AS line,
        row_number() OVER (spell ORDER BY valid_from DESC) AS age
    FROM merged
    WHERE (customer_id, started_on) NOT IN (SELECT (customer_id, started_on) FROM refused)
    WINDOW spell AS (PARTITION BY customer_id, started_on)
),
following AS (
    SELECT *, lag(started_on) OVER one AS before_on, lag(ended_on) OVER one AS before_ended_on,
        lag(line) OVER one AS before_line
    FROM ends WHERE age = 1
    WINDOW one AS (PARTITION BY customer_id ORDER BY started_on)
)
SELECT
    customer_id,
    CASE WHEN line IS NULL THEN before_on ELSE started_on END AS refused_on,
    CASE WHEN line IS NULL THEN started_on ELSE before_on END AS other_on,
    before_ended_on IS NULL AND ended_on IS NULL AS are_both_open
FROM following
WHERE before_on IS NOT NULL AND coalesce(before_ended_on, DATE '9999-12-31') > started_on
    AND (line IS NOT NULL OR before_line IS NOT NULL)
QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY started_on) = 1
"""


def overlapping_spells(connection: duckdb.DuckDBPyConnection, rows: pa.Table, stored: pa.Table) -> list[Fault]:
    """Rows of spells that begin before the same customer's earlier one has ended, in the file or in what is stored.

    What is stored stays; of two in the file the earlier one stays. A spell may begin on the day on which one ends.
    """
    connection.register("rows", rows)
    connection.register("stored", stored)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE merged AS SELECT customer_id, started_on, ended_on, valid_from, line FROM rows"
        " UNION ALL SELECT customer_id, started_on, ended_on, valid_from, NULL FROM stored ANTI JOIN rows"
        " USING (customer_id, started_on, valid_from)"
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE refused (customer_id VARCHAR, started_on DATE, reason VARCHAR)")
    while found := connection.execute(OVERLAPS).fetchall():
        reasons = [
            f"two contracts at once: the spell from {other_on} has not ended either"
            if are_both_open
            else f"overlaps the customer's spell from {other_on}"
            for _, _, other_on, are_both_open in found
        ]
        overlaps = pa.table(
            {
                "customer_id": [row[0] for row in found],
                "started_on": pa.array([row[1] for row in found], pa.date32()),
                "reason": reasons,
            }
        )
        connection.register("found_overlaps", overlaps)
        connection.execute("INSERT INTO refused SELECT * FROM found_overlaps")
    refused = connection.execute("SELECT line, reason FROM rows JOIN refused USING (customer_id, started_on)")
    return [Fault(line, "started_on", reason) for line, reason in refused.fetchall()]
