"""How much of the records names what else is on record: whether what rests on each join may be shown.

A complaint whose customer is not on record falls in no neighbourhood. Counting only the rest would show "0 complaints"
where there were many. So below a floor (settings, [joins]) what rests on a join is not known, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboard.config import DashboardSettings
from dashboard.panel.engines.sql_engine import Engine
from dashboard.tables import quiet_areas
from dashboard.tables.imports.joining.agreement import DAYS_AFTER, DAYS_BEFORE

COMPLAINTS, COMPLAINERS, ANSWERS, ANSWERERS = "complaints", "complainers", "answers", "answerers"
DEVICES, AREAS, PRICES = "devices", "areas", "prices"
COMPLAINTS_OF_AREAS, COMPLAINERS_OF_AREAS = "area_complaints", "area_complainers"
ANSWERS_OF_AREAS = "area_answers"
WEEKS_OF_COMPLAINTS, WEEKS_OF_AREAS, WEEKS_OF_ANSWERS = "complaint_weeks", "area_complaint_weeks", "answer_weeks"
REASONS = "reasons"
RECENT_DAYS = 56
"""Also these last days are looked at by themselves: an export that changed lately leaves the whole looking well."""
FEWEST_RECENT = 10


@dataclass(frozen=True, slots=True)
class Join:
    """One join: of ``rows`` that should name something on record ``joined`` do; ``text`` says so, and what to do.

    ``is_known`` is whether what rests on it may be told; ``is_warning`` whether that is a fault that somebody can mend.
    ``areas`` are those of which it is not known though it is of the others, ``weeks`` the Mondays of such weeks (YYYY-MM-DD).
    """

    name: str
    rows: int
    joined: int
    floor: float
    is_known: bool
    is_warning: bool
    text: str
    areas: tuple[str, ...] = ()
    weeks: tuple[str, ...] = ()

    @property
    def as_note(self) -> str:
        """Without names: the page that shows it hides small areas."""
        return f"in {len(self.areas):,} of the neighbourhoods: {self.text}" if self.areas else self.text

    @property
    def with_areas(self) -> str:
        return f"{', '.join(self.areas)}: {self.text}" if self.areas else self.text


WITHIN = (
    f"(events.provider_day >= known.first_on - {DAYS_BEFORE} AND events.provider_day <= known.last_on + {DAYS_AFTER})"
)
EVENTS = """
SELECT
    events.source,
    CAST(sum(CASE WHEN events.provider_day > ends.last_day - {recent} THEN 1 ELSE 0 END) AS BIGINT) AS recent,
    count(*) AS total,
    CAST(sum(CASE WHEN {placed} AND events.provider_day > ends.last_day - {recent} THEN 1 ELSE 0 END) AS BIGINT) AS recent_placed,
    CAST(sum(CASE WHEN {placed} THEN 1 ELSE 0 END) AS BIGINT) AS placed,
    CAST(sum(CASE WHEN {named} AND events.provider_day > ends.last_day - {recent} THEN 1 ELSE 0 END) AS BIGINT) AS recent_named,
    CAST(sum(CASE WHEN {named} THEN 1 ELSE 0 END) AS BIGINT) AS named,
    CAST(sum(CASE WHEN events.outcome = 'used' THEN 1 ELSE 0 END) AS BIGINT) AS used,
    CAST(sum(CASE WHEN events.customer_id IS NULL AND NOT events.is_stand_in THEN 1 ELSE 0 END) AS BIGINT) AS nameless,
    CAST(sum(CASE WHEN events.outcome = 'stand_in' THEN 1 ELSE 0 END) AS BIGINT) AS stand_ins,
    CAST(sum(CASE WHEN events.outcome = 'area_unknown_then' AND NOT {within} THEN 1 ELSE 0 END) AS BIGINT) AS misdated
FROM events
JOIN (
    SELECT source, max(provider_day) AS last_day FROM events WHERE outcome <> 'outside_weeks' GROUP BY source
) AS ends ON ends.source = events.source
LEFT JOIN (
    SELECT customer_id, min(started_on) AS first_on, max(coalesce(ended_on, DATE '9999-01-01')) AS last_on
    FROM spells GROUP BY customer_id
) AS known ON known.customer_id = events.customer_id
WHERE events.outcome <> 'outside_weeks' AND events.source IN ('complaints', 'nps')
GROUP BY events.source
""".format(
    recent=RECENT_DAYS,
    placed=f"(events.outcome = 'used' OR (events.outcome = 'area_unknown_then' AND {WITHIN}))",
    named=f"(known.customer_id IS NOT NULL AND {WITHIN})",
    within=WITHIN,
)

BY_AREA = f"""
WITH ends AS (SELECT max(provider_day) AS last_day FROM events WHERE source = '{{source}}' AND outcome <> 'outside_weeks'),
said AS (
    SELECT
        events.area,
        count(*) AS placed,
        sum(CASE WHEN events.provider_day > ends.last_day - {RECENT_DAYS} THEN 1 ELSE 0 END) AS recent_placed,
        sum(CASE WHEN known.customer_id IS NOT NULL THEN 1 ELSE 0 END) AS named
    FROM events
    CROSS JOIN ends
    LEFT JOIN (SELECT DISTINCT customer_id FROM spells) AS known ON known.customer_id = events.customer_id
    WHERE events.source = '{{source}}' AND events.outcome = 'used'
    GROUP BY events.area
)
SELECT
    lived.area,
    CAST(sum(lived.customer_days) AS DOUBLE),
    CAST(sum(CASE WHEN lived.week > ends.last_day - {RECENT_DAYS} THEN lived.customer_days ELSE 0 END) AS DOUBLE),
    CAST(coalesce(max(said.placed), 0) AS BIGINT),
    CAST(coalesce(max(said.recent_placed), 0) AS BIGINT),
    CAST(coalesce(max(said.named), 0) AS BIGINT)
FROM area_quality AS lived
CROSS JOIN ends
LEFT JOIN said ON said.area = lived.area
GROUP BY lived.area
"""

CUSTOMERS = """
SELECT
    count(*),
    CAST(sum(CASE WHEN inventory.device_id IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT),
    CAST(sum(CASE WHEN listed.area IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT),
    CAST(sum(CASE WHEN held.plan IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT),
    CAST(sum(CASE WHEN priced.plan IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT)
FROM attachments AS held
CROSS JOIN span
LEFT JOIN (
    SELECT device_id FROM devices
    UNION
    SELECT device_id FROM device_hours WHERE first_hour IS NOT NULL
) AS inventory ON inventory.device_id = held.device_id
LEFT JOIN (SELECT DISTINCT area FROM areas) AS listed ON listed.area = held.area
LEFT JOIN (SELECT DISTINCT plan FROM prices) AS priced ON priced.plan = held.plan
WHERE held.from_day < span.end_day AND held.to_day >= span.end_day
"""


def joins_of(engine: Engine, settings: DashboardSettings) -> tuple[Join, ...]:
    """Every join of the panel that is in ``engine``."""
    floors = settings.joins
    events = {row[0]: tuple(int(number) for number in row[1:]) for row in engine.rows(EVENTS)}
    read = {
        kind: engine.rows(f"SELECT count(*) FROM {kind}")[0][0] for kind in ("complaints", "nps", "areas", "prices")
    }
    customers = [int(number or 0) for number in engine.rows(CUSTOMERS)[0]]
    complaints = _of_events((COMPLAINTS, COMPLAINERS), events.get("complaints"), read["complaints"], floors.complaints)
    answers = _of_events((ANSWERS, ANSWERERS), events.get("nps"), read["nps"], floors.nps)
    return (
        *complaints,
        *_of_areas(engine, complaints, events.get("complaints"), floors.complaints),
        *answers,
        *_of_areas(engine, answers, events.get("nps"), floors.nps),
        _of_customers(DEVICES, customers[0], customers[1], floors.devices),
        _of_customers(AREAS, customers[0] if read["areas"] else 0, customers[2], floors.areas),
        _of_customers(PRICES, customers[3] if read["prices"] else 0, customers[4], floors.prices),
    )


def _of_events(names: tuple[str, str], counts: tuple[int, ...] | None, read: int, floor: float) -> tuple[Join, Join]:
    """Complaints (or answers) that fall in a neighbourhood, and those that name a customer of that day."""
    placed_name, named_name = names
    noun = _noun(placed_name)
    if counts is None:
        why = f"none of the {read:,} {noun} on record falls in these weeks" if read else f"no {noun} are on record"
        return _nothing(placed_name, floor, read, why), _nothing(named_name, floor, read, why)
    recent, total, recent_placed, placed, recent_named, named, used, nameless, stand_ins, misdated = counts
    where = "name a customer on record" if placed == named else "name a customer or a neighbourhood on record"
    if stand_ins:
        where += f" (another {stand_ins:,} name the same customer over and over, as a placeholder does)"
    if misdated:
        where += f" ({misdated:,} are from before or after their customer's time)"
    of_areas = _judged(placed_name, Counted(placed, total, recent_placed, recent), floor, where)
    if of_areas.is_known and not used:
        why = f"none of {total:,} {noun} dates from a day when its customer was on record"
        of_areas = _nothing(placed_name, floor, read, why, is_warning=True)
    of_customers = _judged(named_name, Counted(named, total, recent_named, recent), floor, "name a customer on record")
    if not of_areas.is_known:
        of_customers = replace(of_areas, name=named_name, is_warning=False)
    elif nameless == total:
        of_customers = _nothing(named_name, floor, 0, f"no {noun[:-1]} names a customer, all name a neighbourhood only")
    return of_areas, of_customers


@dataclass(frozen=True, slots=True)
class Counted:
    """Of ``rows`` ``joined`` join, over all weeks and over the last eight."""

    joined: int
    rows: int
    recent_joined: int
    recent: int

    def at_worst(self, floor: float) -> tuple[int, int, str]:
        """How many join of how many, and of when: of the last eight weeks where these are worse and the whole is well."""
        is_whole_well = self.joined >= floor * self.rows
        is_late_worse = self.recent >= FEWEST_RECENT and self.recent_joined * self.rows < self.joined * self.recent
        if is_whole_well and is_late_worse:
            return self.recent_joined, self.recent, " of the last eight weeks"
        return self.joined, self.rows, ""


def _judged(name: str, counted: Counted, floor: float, what: str) -> Join:
    """The whole, or the last eight weeks where these are worse and the whole is above the floor."""
    joined, rows, lately = counted.at_worst(floor)
    noun = _noun(name)
    is_known = joined >= floor * rows
    kind = "nps" if name in (ANSWERS, ANSWERERS) else "complaints"
    remedy = f"the import of {kind} says why and how to fix it (bairro import {kind} FILE); then build again"
    text = f"{joined:,} of {rows:,} {noun}{lately} {what} ({floor:.0%} are needed): {remedy}"
    return Join(name, rows, joined, floor, is_known, not is_known, text)


def _of_areas(
    engine: Engine, whole: tuple[Join, Join], counts: tuple[int, ...] | None, floor: float
) -> tuple[Join, ...]:
    """Areas of which complaints (answers), or who made them, are not known though it is of the others; none where all are."""
    if counts is None or not whole[0].is_known:
        return ()
    recent, total, recent_placed, placed = counts[:4]
    is_of_answers = whole[0].name == ANSWERS
    query = BY_AREA.format(source="nps" if is_of_answers else "complaints")
    rows = [_InArea(str(row[0]), *(float(number) for number in row[1:])) for row in engine.rows(query)]
    silent = _silent(rows, total - placed, recent - recent_placed)
    if is_of_answers:
        text = f"{total - placed:,} {ANSWER_NOBODY}"
        return (_in_part(ANSWERS_OF_AREAS, silent, floor, text),) if silent else ()
    unnamed = {one.area for one in rows if one.placed >= FEWEST_RECENT and one.named < floor * one.placed}
    made = []
    if silent:
        made.append(_in_part(COMPLAINTS_OF_AREAS, silent, floor, f"{total - placed:,} {NAME_NOBODY}"))
    if unnamed - silent and whole[1].is_known:
        made.append(_in_part(COMPLAINERS_OF_AREAS, unnamed - silent, floor, NO_CUSTOMER))
    return tuple(made)


def _silent(rows: list[_InArea], lost: int, recent_lost: int) -> set[str]:
    """Areas that have so few that the ``lost`` rows, which fall in none, may be theirs."""
    every = {one.area: int(one.placed) for one in rows}
    lately = {one.area: int(one.recent_placed) for one in rows}
    earlier = {one.area: one.placed - one.recent_placed for one in rows}
    return {
        *quiet_areas.in_doubt(every, {one.area: one.days for one in rows}, lost),
        *quiet_areas.in_doubt(lately, {one.area: one.recent_days for one in rows}, recent_lost),
        *quiet_areas.in_doubt(lately, earlier, recent_lost),
    }


@dataclass(frozen=True, slots=True)
class _InArea:
    """Customer-days and complaints (or answers) of one area, over all weeks and over the last eight."""

    area: str
    days: float
    recent_days: float
    placed: float
    recent_placed: float
    named: float


NAME_NOBODY = (
    "complaints name no customer or neighbourhood on record, enough to explain why so few are counted here: have these"
    " customers moved to another system with other ids? The import of complaints shows such ids (bairro import complaints"
    " FILE); then build again"
)
ANSWER_NOBODY = (
    "survey answers name no customer or neighbourhood on record, enough to explain why so few are counted here: the import of nps"
    " shows such ids (bairro import nps FILE); then build again"
)
NO_CUSTOMER = (
    "most complaints here name a neighbourhood, but no customer on record; the import of complaints shows their ids"
    " (bairro import complaints FILE); then build again"
)


def _in_part(name: str, areas: set[str], floor: float, text: str) -> Join:
    return Join(name, 0, 0, floor, is_known=False, is_warning=True, text=text, areas=tuple(sorted(areas)))


def _noun(name: str) -> str:
    return "survey answers" if name in (ANSWERS, ANSWERERS) else "complaints"


def _nothing(name: str, floor: float, rows: int, why: str, *, is_warning: bool = False) -> Join:
    return Join(name, rows, 0, floor, is_known=False, is_warning=is_warning, text=why)


WHAT = {
    DEVICES: "customers are served by a device that the network knows",
    AREAS: "customers live in a neighbourhood on record",
    PRICES: "customers with a plan have one with a price for new customers",
}
REMEDIES = {
    DEVICES: "device_id must be an id of the inventory; the import of customers lists those that are not",
    AREAS: "area must be one of the imported areas; the import of customers lists those that are not",
    PRICES: "plans must be spelled the same in customers and prices; the import of prices lists those that are not",
}


def _of_customers(name: str, rows: int, joined: int, floor: float) -> Join:
    """Without a row there is nothing that would be told falsely."""
    is_known = not rows or joined >= floor * rows
    text = f"{joined:,} of {rows:,} {WHAT[name]} ({floor:.0%} are needed): {REMEDIES[name]}; then build again"
    return Join(name, rows, joined if rows else 0, floor, is_known, not is_known, text)
