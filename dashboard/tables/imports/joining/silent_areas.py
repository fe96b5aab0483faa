"""Areas with so few complaints or survey answers on record that those which name nobody may be theirs."""

from __future__ import annotations

import contextlib

import pyarrow as pa

from dashboard.config import DashboardSettings
from dashboard.tables import quiet_areas
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.quality_hours import connect

SHOWN = 5
DAY_OF = {"complaints": "CAST(opened_at AS DATE)", "nps": "answered_on"}
BY_AREA = """
WITH said AS (SELECT customer_id, area, {day} AS day FROM events),
ends AS (SELECT min(day) AS first_day, max(day) AS last_day, max(day) - 56 AS recent_from FROM said),
held AS (
    SELECT
        customer_id, arg_max(area, valid_from) AS area, min(started_on) AS started_on,
        coalesce(arg_max(coalesce(ended_on, DATE '9999-12-31'), valid_from), DATE '9999-12-31') AS ended_on
    FROM customers GROUP BY customer_id
),
lived AS (
    SELECT
        held.area,
        sum(greatest(0, least(ended_on, last_day) - greatest(started_on, first_day) + 1)) AS days,
        sum(greatest(0, least(ended_on, last_day) - greatest(started_on, recent_from) + 1)) AS recent_days
    FROM held CROSS JOIN ends GROUP BY held.area
),
counted AS (
    SELECT
        lived.area, count(*) AS placed, count(*) FILTER (said.day > recent_from) AS recent_placed
    FROM said CROSS JOIN ends
    LEFT JOIN held ON held.customer_id = said.customer_id
    LEFT JOIN lived ON lived.area = coalesce(held.area, said.area)
    GROUP BY lived.area
)
SELECT area, days, recent_days, coalesce(placed, 0), coalesce(recent_placed, 0) FROM lived LEFT JOIN counted USING (area)
UNION ALL
SELECT NULL, 0, 0, placed, recent_placed FROM counted WHERE area IS NULL
"""


def told(kind: str, after: pa.Table, settings: DashboardSettings) -> tuple[str, ...]:
    """Warnings where complaints (or answers) that name nobody are enough to explain why an area has so few; ``after`` is the
    import."""
    if kind not in (*DAY_OF, "customers"):
        return ()
    customers = after if kind == "customers" else snapshots.read("customers", settings.data)
    if not customers.num_rows:
        return ()
    events = {kind: after} if kind in DAY_OF else {one: snapshots.read(one, settings.data) for one in DAY_OF}
    floors = {"complaints": settings.joins.complaints, "nps": settings.joins.nps}
    found = (_told(one, rows, customers, floors[one]) for one, rows in events.items() if rows.num_rows)
    return tuple(text for text in found if text)


def _told(kind: str, events: pa.Table, customers: pa.Table, floor: float) -> str:
    with contextlib.closing(connect()) as connection:
        connection.register("events", events)
        connection.register("customers", customers)
        rows = connection.execute(BY_AREA.format(day=DAY_OF[kind])).fetchall()
    lost = next((row for row in rows if row[0] is None), None)
    areas = _in_doubt([row for row in rows if row[0] is not None], lost) if lost else []
    if not lost or not areas or lost[3] > (1 - floor) * events.num_rows:
        return ""
    more = f" and {len(areas) - SHOWN:,} more" if len(areas) > SHOWN else ""
    noun = "survey answers" if kind == "nps" else "complaints"
    return (
        f"{lost[3]:,} of {events.num_rows:,} {noun} on record name no customer or area on record, enough to explain why"
        f" so few are counted in {', '.join(areas[:SHOWN])}{more}: have these customers moved to another system with other ids?"
        f" Until their ids match, {noun} there are shown as not known"
    )


def _in_doubt(rows: list[tuple[str, int, int, int, int]], lost: tuple[None, int, int, int, int]) -> list[str]:
    every, lately = {row[0]: row[3] for row in rows}, {row[0]: row[4] for row in rows}
    earlier = {row[0]: float(row[3] - row[4]) for row in rows}
    return sorted(
        {
            *quiet_areas.in_doubt(every, {row[0]: float(row[1]) for row in rows}, lost[3]),
            *quiet_areas.in_doubt(lately, {row[0]: float(row[2]) for row in rows}, lost[4]),
            *quiet_areas.in_doubt(lately, earlier, lost[4]),
        }
    )
