"""Areas of which nobody says why customers went, while of the others it is known: they would seem to lose nobody by choice."""

from __future__ import annotations

import contextlib

import pyarrow as pa

from dashboard.tables.quality_hours import connect

FEWEST, SHOWN = 8, 5
LIKELY = 0.5
"""An area is named where less than this share of the known reasons of the others is known of its own departures."""
BY_AREA = """
WITH spells AS (
    SELECT
        customer_id, started_on, arg_max(area, valid_from) AS area, max(ended_on) AS ended_on,
        bool_or(notice_on IS NOT NULL OR end_reason IS NOT NULL) AS is_known
    FROM customers GROUP BY customer_id, started_on
)
SELECT area, count(*), count(*) FILTER (is_known) FROM spells WHERE ended_on IS NOT NULL GROUP BY area ORDER BY area
"""


def told(customers: pa.Table, floor: float) -> tuple[str, ...]:
    """A warning that names such areas among ``customers``; ``floor`` is the share of reasons that has to be known.

    Where it is below the floor everywhere, nothing is said here: pages then say nothing of reasons at all.
    """
    with contextlib.closing(connect()) as connection:
        connection.register("customers", customers)
        rows = connection.execute(BY_AREA).fetchall()
    every, known = sum(row[1] for row in rows), sum(row[2] for row in rows)
    if not every or known < floor * every:
        return ()
    silent = [
        (area, ended, told_of)
        for area, ended, told_of in rows
        if ended >= FEWEST
        and told_of < floor * ended
        and told_of / ended < LIKELY * (known - told_of) / max(1, every - ended)
    ]
    return (_said(silent),) if silent else ()


def _said(silent: list[tuple[str, int, int]]) -> str:
    some = ", ".join(f"{area!r} {known:,} of {ended:,}" for area, ended, known in silent[:SHOWN])
    more = f" and {len(silent) - SHOWN:,} more areas" if len(silent) > SHOWN else ""
    return (
        f"end_reason: of departures in {some}{more} a reason or a notice is known, and of nearly all others: customers who left"
        " there of their own will are counted as gone for other reasons, and the area seems to keep its customers. Export the"
        " reasons of these areas too, and do not compare how many chose to leave there until then"
    )
