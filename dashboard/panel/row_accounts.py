"""What became of every row that the panel read, and what the reader of a page should know of it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from dashboard.config import DashboardSettings
from dashboard.panel.engines.sql_engine import Engine
from dashboard.tables.believed_hours import FAULTS


@dataclass(frozen=True, slots=True)
class Note:
    """One thing to know of the data: a code for programs, a sentence for people."""

    code: str
    text: str


OUTCOMES: dict[str, str] = {
    "used": "used",
    "holds_no_day": "valid on no day: replaced on the day they began, or written after the customer had left",
    "outside_weeks": "outside the weeks of the panel",
    "customer_unknown": "from a customer who is not in the customer records, and without a neighbourhood",
    "area_unknown_then": "on a day on which, by the records, the customer had already left or had not joined yet",
    "stand_in": "under one id that so many have that it stands for nobody, and without a neighbourhood",
    "area_not_given": "that name no neighbourhood",
    "area_without_customers": "in a neighbourhood where no customer lives",
    "left_before_first_known": "left before their first row",
    "left_before_entry": "left before the period analysed",
    "joined_after_cut_off": "joined, or first on record, after the cut-off",
    "serves_nobody": "of devices that serve no customer, or that stand at the top of the network above everybody",
    "never_observed": "of devices that were never observed",
    "nobody_lives_there": "in which no customer lives",
    "plan_of_nobody": "of plans that no customer has",
    "planned": "planned work, which is compared separately from outages",
    "degradation": "degraded service, not an outage: it counts in the measures other than time without service",
    "blind": "times when the collector itself had lost sight of the network",
    "struck_nobody": "of devices that served no customer",
    **FAULTS,
}

EXPECTED = frozenset(
    (
        "used",
        "serves_nobody",
        "plan_of_nobody",
        "holds_no_day",
        "planned",
        "degradation",
        "blind",
        "struck_nobody",
        "area_not_given",
        "nobody_lives_there",
        *FAULTS,
    )
)
"""Outcomes that come about at every provider, or are told with their files (see refused_hours): no note is made here."""

COUNTS = """
WITH needed AS (
    SELECT device_id FROM served
    UNION
    SELECT paths.ancestor FROM paths JOIN served ON served.device_id = paths.device_id
),
lived_in AS (SELECT DISTINCT area FROM crowds)
SELECT 'customers' AS "table", 'holds_no_day' AS code,
    (SELECT count(*) FROM customers) - (SELECT count(*) FROM attachments) AS rows
UNION ALL
SELECT 'customers', CASE WHEN from_day >= end_day OR to_day <= first_day THEN 'outside_weeks' ELSE 'used' END, count(*)
FROM attachments CROSS JOIN span GROUP BY ALL
UNION ALL
SELECT 'spells', outcome, count(*) FROM risk GROUP BY ALL
UNION ALL
SELECT source, outcome, count(*) FROM events WHERE source IN ('complaints', 'nps') GROUP BY ALL
UNION ALL
SELECT 'quality_hours', CASE
    WHEN device_hours.first_hour IS NULL THEN 'never_observed'
    WHEN needed.device_id IS NOT NULL THEN 'used'
    ELSE 'serves_nobody' END, CAST(sum(device_hours.rows_read) AS BIGINT)
FROM device_hours
LEFT JOIN needed ON needed.device_id = device_hours.device_id
GROUP BY ALL
UNION ALL
SELECT 'quality_hours', code, CAST(sum(rows) AS BIGINT) FROM history_refused WHERE code IS NOT NULL GROUP BY ALL
UNION ALL
SELECT 'prices', CASE WHEN had.plan IS NOT NULL THEN 'used' ELSE 'plan_of_nobody' END, count(*)
FROM prices
LEFT JOIN (SELECT DISTINCT plan FROM attachments) AS had ON had.plan = prices.plan
GROUP BY ALL
UNION ALL
SELECT 'areas', CASE WHEN lived_in.area IS NOT NULL THEN 'used' ELSE 'nobody_lives_there' END, count(*)
FROM areas
LEFT JOIN lived_in ON lived_in.area = areas.area
GROUP BY ALL
UNION ALL
SELECT 'devices', CASE WHEN needed.device_id IS NOT NULL THEN 'used' ELSE 'serves_nobody' END, count(*)
FROM devices
LEFT JOIN needed ON needed.device_id = devices.device_id
GROUP BY ALL
UNION ALL
SELECT 'reviews', CASE
    WHEN reviews.posted_on < span.first_day OR reviews.posted_on >= span.end_day THEN 'outside_weeks'
    WHEN reviews.area IS NULL THEN 'area_not_given'
    WHEN lived_in.area IS NULL THEN 'area_without_customers'
    ELSE 'used' END AS outcome, count(*)
FROM reviews
CROSS JOIN span
LEFT JOIN lived_in ON lived_in.area = reviews.area
GROUP BY ALL
UNION ALL
SELECT 'incidents', CASE
    WHEN told.kind IN ('degradation', 'blind') THEN told.kind
    WHEN struck.incident_id IS NULL THEN 'struck_nobody'
    WHEN struck.last_week < span.first_day OR struck.week >= span.end_day THEN 'outside_weeks'
    WHEN told.kind = 'planned' THEN 'planned'
    ELSE 'used' END AS outcome, count(*)
FROM (SELECT DISTINCT incident_id, kind FROM incident_spans) AS told
CROSS JOIN span
LEFT JOIN (
    SELECT incident_id, min(week) AS week, max(last_week) AS last_week FROM outages GROUP BY incident_id
) AS struck ON struck.incident_id = told.incident_id
GROUP BY ALL
"""


def counts_of(engine: Engine) -> pd.DataFrame:
    """Per input and outcome the number of rows (``table, code, rows, text``); per table they add up to the rows read."""
    counts = engine.table(COUNTS).to_pandas().query("rows > 0").sort_values(["table", "code"], ignore_index=True)
    counts["rows"] = counts["rows"].astype("int64")
    return counts.assign(text=counts["code"].map(OUTCOMES))


def notes_of(
    engine: Engine,
    counts: pd.DataFrame,
    last_complete: Mapping[str, datetime.date],
    settings: DashboardSettings,
) -> tuple[Note, ...]:
    """Everything that was dropped, assumed or is missing, the gravest first."""
    return (
        *_ends(engine, last_complete, settings),
        *_missing(engine),
        *_unobserved(engine),
        *_assumed(engine, settings),
        *_dropped(counts),
    )


def _ends(engine: Engine, last_complete: Mapping[str, datetime.date], settings: DashboardSettings) -> list[Note]:
    (entry, cut_off) = engine.rows("SELECT entry, cut_off FROM span")[0]
    notes = []
    if cut_off < entry:
        notes.append(
            Note(
                "no_time_at_risk",
                f"There is nothing to analyse yet: the period would begin on {entry} and end on {cut_off}"
                f" ({settings.analysis.reporting_lag_days} days before the records end, for departures entered late).",
            )
        )
    first, *others = sorted(last_complete, key=lambda name: last_complete[name])
    if others and (gap := (last_complete[others[0]] - last_complete[first]).days) > 7:
        notes.append(
            Note(
                f"{first}_end_early",
                f"{NAMES[first]} end on {last_complete[first]}, {gap} days before the other inputs;"
                " the analysis ends there, less the reporting lag.",
            )
        )
    return notes


PLANNING_TOLD = 0.995
ROWS = {"customers": "rows of customers", "spells": "periods as a customer", "nps": "survey answers"}
NAMES = {"quality_hours": "The network's measurements", "customers": "Customer records", "complaints": "Complaints"}


def _missing(engine: Engine) -> list[Note]:
    questions = {
        "no_quality": (
            "device_hours",
            "No network quality is on record, so its effect cannot be estimated.",
        ),
        "no_complaints": ("complaints", "No complaints are on record."),
        "no_prices": ("prices", "No prices for new customers are on record, so price gaps are not known."),
        "no_nps": ("nps", "No survey answers are on record."),
        "no_devices": ("devices", "No inventory is on record, so the load of the links above a device is not known."),
    }
    found = [
        Note(code, text)
        for code, (table, text) in questions.items()
        if not engine.rows(f"SELECT count(*) FROM {table}")[0][0]
    ]
    if not engine.rows("SELECT count(contract_until) FROM customers")[0][0]:
        found.append(Note("no_contracts", "No customer has a contract date, so it is not known who is bound by one."))
    return found


def _unobserved(engine: Engine) -> list[Note]:
    notes = []
    days, without, blind, devices = engine.rows(
        "SELECT CAST(sum(days) AS BIGINT), CAST(sum(days) FILTER (WHERE held.served_no = 0) AS BIGINT),"
        " CAST(sum(days) FILTER (WHERE held.served_no > 0 AND measured.served_no IS NULL) AS BIGINT),"
        " count(*) FILTER (WHERE held.served_no > 0 AND measured.served_no IS NULL)"
        " FROM (SELECT served_no, sum(change * date_diff('day', day, end_day)) AS days FROM crowd_changes, span"
        " GROUP BY served_no) AS held LEFT JOIN (SELECT DISTINCT served_no FROM quality_weeks) AS measured"
        " ON measured.served_no = held.served_no"
    )[0]
    if without:
        text = f"{without / days:.1%} of customer time has no device on record, so its quality is not known."
        notes.append(Note("customers_without_device", text))
    if blind:
        text = (
            f"{devices:,} devices that serve customers were never measured ({blind / days:.1%} of customer time):"
            " are these device ids missing in the inventory?"
        )
        notes.append(Note("devices_never_measured", text))
    (observed,) = engine.rows(
        "SELECT CAST(sum(coalesce(observed_ms, 0)) AS DOUBLE) / CAST(nullif(sum(customer_ms), 0) AS DOUBLE)"
        " FROM area_quality, span WHERE week >= entry AND week + 6 <= cut_off"
    )[0]
    if observed is not None and observed < 0.95:
        text = f"{observed:.0%} of customer time was observed; the rest is left out and counts as neither good nor bad."
        notes.append(Note("partly_observed", text))
    return notes + _untold_planning(engine)


def _untold_planning(engine: Engine) -> list[Note]:
    """Hours from before the collector kept maintenance windows, or read from Prometheus, do not tell planned work apart."""
    judged, told, down = engine.rows(
        "SELECT CAST(sum(judged_ms) AS DOUBLE), CAST(sum(coalesce(planned_known_ms, 0)) AS DOUBLE),"
        " CAST(sum(down_ms) AS DOUBLE) FROM area_quality, span WHERE week >= entry AND week + 6 <= cut_off"
    )[0]
    if not judged or not down or told >= PLANNING_TOLD * judged:
        return []
    text = (
        f"{1 - told / judged:.0%} of the observed customer time is from hours that do not record planned work separately. All"
        " time without service in them counts as outages, so the effect of outages may be underestimated."
    )
    return [Note("planned_work_not_told", text)]


def _assumed(engine: Engine, settings: DashboardSettings) -> list[Note]:
    notes = []
    (entry,) = engine.rows("SELECT entry FROM span")[0]
    if settings.analysis.records_complete_from is None:
        text = (
            f"Departures are assumed complete from {entry} on."
            " Set analysis.records_complete_from if the records are complete only from a later day."
        )
        notes.append(Note("records_complete_from_assumed", text))
    (reasonless,) = engine.rows(
        "SELECT count(*) FROM risk, span WHERE lacks_reason AND outcome = 'used' AND event_on <= cut_off"
    )[0]
    if reasonless:
        text = f"{reasonless:,} departures have neither notice nor reason and count as departures for other reasons."
        notes.append(Note("departures_without_reason", text))
    (unnamed,) = engine.rows("SELECT count(DISTINCT area) FROM customers WHERE area NOT IN (SELECT area FROM areas)")[0]
    if unnamed:
        which, they = (
            ("neighbourhood of customers is", "it has")
            if unnamed == 1
            else ("neighbourhoods of customers are", "they have")
        )
        text = f"{unnamed:,} {which} not among the imported areas, so {they} no name and no map."
        notes.append(Note("areas_unnamed", text))
    return notes


def _dropped(counts: pd.DataFrame) -> list[Note]:
    worth_telling = counts[~counts["code"].isin(EXPECTED)]
    return [
        Note(
            f"{row.table}_{row.code}",
            f"{row.rows:,} of {total:,} {ROWS.get(str(row.table), row.table)} are left out: {row.text}.",
        )
        for row in worth_telling.itertuples()
        if (total := int(counts.loc[counts["table"] == row.table, "rows"].sum()))
    ]
