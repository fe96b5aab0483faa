"""Whether rows that join agree with what they join: complaints from their customer's time, in the customer's own area,
prices of the size that the plan has for new customers."""

from __future__ import annotations

import contextlib

import pyarrow as pa

from dashboard.tables.imports.joining.join_counts import Imported, Join, Reason, Told
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.quality_hours import connect

DAY_OF = {"complaints": "CAST(opened_at AS DATE)", "nps": "answered_on"}
DAYS_BEFORE, DAYS_AFTER = 31, 92
"""So long before the start somebody waits for the installation, and so long after the end bills are talked about."""
FAR, FEWEST_PRICES = 5, 10

TIMES = """
WITH spells AS (
    SELECT customer_id, started_on, arg_max(coalesce(ended_on, DATE '9999-12-31'), valid_from) AS ended_on
    FROM customers GROUP BY customer_id, started_on
),
said AS (SELECT row_number() OVER () AS place, customer_id, {day} AS day FROM events WHERE customer_id IS NOT NULL),
judged AS (
    SELECT
        bool_or(day BETWEEN started_on - {before} AND ended_on + {after}) AS is_within,
        any_value(day) < min(started_on) AS is_before
    FROM said JOIN spells USING (customer_id) GROUP BY place
)
SELECT count(*), count(*) FILTER (is_within), count(*) FILTER (NOT is_within AND is_before) FROM judged
"""
AREAS = """
WITH said AS (
    SELECT row_number() OVER () AS place, customer_id, area FROM events
    WHERE customer_id IS NOT NULL AND area IS NOT NULL
),
judged AS (
    SELECT bool_or(said.area = own.area) AS is_own
    FROM said JOIN (SELECT DISTINCT customer_id, area FROM customers) AS own USING (customer_id) GROUP BY place
)
SELECT count(*), count(*) FILTER (is_own) FROM judged
"""
PRICES = """
SELECT count(*), median(held.monthly_price / priced.price)
FROM customers AS held
JOIN (SELECT plan, median(new_customer_price) AS price FROM prices WHERE new_customer_price > 0 GROUP BY plan) AS priced
    ON priced.plan = held.plan
WHERE held.monthly_price > 0
"""


def of_events(imported: Imported) -> Told:
    """Imported complaints or answers beside the customers on record."""
    customers = snapshots.read("customers", imported.settings.data)
    return Told(_joins(imported.kind, imported.kind, imported.rows, customers))


def of_stored_events(imported: Imported) -> Told:
    """Complaints and answers on record beside the customers after the import."""
    stored = {kind: snapshots.read(kind, imported.settings.data) for kind in DAY_OF}
    joins = [_joins(f"customers.{kind}", kind, rows, imported.after) for kind, rows in stored.items()]
    return Told(tuple(join for one in joins for join in one))


def _joins(key: str, kind: str, events: pa.Table, customers: pa.Table) -> tuple[Join, ...]:
    """The joins that have rows which disagree; none where all agree."""
    if not events.num_rows or not customers.num_rows or "customer_id" not in events.column_names:
        return ()
    with contextlib.closing(connect()) as connection:
        connection.register("events", events)
        connection.register("customers", customers)
        times = TIMES.format(day=DAY_OF[kind], before=DAYS_BEFORE, after=DAYS_AFTER)
        known, within, before = connection.execute(times).fetchall()[0]
        both, own = connection.execute(AREAS).fetchall()[0]
    noun = "survey answers" if kind == "nps" else "complaints"
    joins = []
    if within < known:
        said = (
            f"{noun} of customers on record date from their time with you ({before:,} are from before it,"
            f" {known - within - before:,} from after it)"
        )
        why = (
            "are dates read in the right order, and are these the same customers? The others count in no neighbourhood"
        )
        joins.append(Join(f"{key}.dates", said, known, within, reason=Reason(why)))
    if own < both:
        said = f"{noun} that name a customer and a neighbourhood name the customer's own"
        why = "are the neighbourhoods, or the ids, those of another system? The customer's own is taken"
        joins.append(Join(f"{key}.same_area", said, both, own, reason=Reason(why)))
    return tuple(joins)


def told_of_prices(imported: Imported) -> tuple[str, ...]:
    """A warning where customers pay a multiple, or a small part, of what their plans cost new ones."""
    if imported.kind not in ("customers", "prices"):
        return ()
    data = imported.settings.data
    customers, prices = (
        imported.rows if imported.kind == kind else snapshots.read(kind, data) for kind in ("customers", "prices")
    )
    if customers.num_rows < FEWEST_PRICES or not prices.num_rows:
        return ()
    with contextlib.closing(connect()) as connection:
        connection.register("customers", customers)
        connection.register("prices", prices)
        rows, ratio = connection.execute(PRICES).fetchall()[0]
    if rows < FEWEST_PRICES or ratio is None or 1 / FAR < ratio < FAR:
        return ()
    return (
        f"monthly_price is {ratio:,.3g} times the price of the same plan for new customers (the middle one of {rows:,}): is"
        " one of them in cents, or of a year? A mapping says so with divide = 100 (or 12) under the column",
    )
