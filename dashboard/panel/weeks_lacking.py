"""Weeks of which the records lack complaints or survey answers, everywhere or in one neighbourhood: they are not known."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from dashboard.panel.engines.sql_engine import Engine
from dashboard.panel.join_coverage import WEEKS_OF_ANSWERS, WEEKS_OF_AREAS, WEEKS_OF_COMPLAINTS, Join
from dashboard.tables import gaps_in_time
from dashboard.tables.gaps_in_time import Gap

PerDay = Mapping[datetime.date, int]
LEAST_PEOPLED = 0.5
"""An area is looked at in the weeks between the first and last in which so much of its middle week's customers are there."""

BY_DAY = """
SELECT source, day, count(*) FROM events
WHERE source IN ('complaints', 'nps') AND outcome <> 'outside_weeks' GROUP BY source, day
"""
BY_AREA = """
SELECT events.area, events.day, count(*) FROM events
WHERE events.source = 'complaints' AND events.outcome = 'used' GROUP BY events.area, events.day
"""
LIVED_IN = f"""
WITH middle AS (SELECT area, median(customer_days) AS days FROM area_quality WHERE customer_days > 0 GROUP BY area)
SELECT lived.area, min(lived.week), max(lived.week) + 6
FROM area_quality AS lived
JOIN middle ON middle.area = lived.area
WHERE lived.customer_days >= {LEAST_PEOPLED} * middle.days
GROUP BY lived.area
"""
ADVICE = "these weeks count as not known, not as free of {noun}. Import the {noun} of these weeks, then build again"


def of_weeks(engine: Engine) -> tuple[Join, ...]:
    """Weeks up to the cut-off that are not known, of all neighbourhoods and then of single ones."""
    first, last = engine.rows("SELECT entry, cut_off FROM span")[0]
    days = _counted(engine.rows(BY_DAY))
    complaints = gaps_in_time.gaps(days["complaints"], first, last) if "complaints" in days else ()
    answers = gaps_in_time.gaps_of_waves(days["nps"], first, last) if "nps" in days else ()
    return (
        *([_join(WEEKS_OF_COMPLAINTS, complaints, "complaints")] if complaints else []),
        *_of_areas(engine, first, last, complaints),
        *([_join(WEEKS_OF_ANSWERS, answers, "survey answers")] if answers else []),
    )


def _of_areas(engine: Engine, first: datetime.date, last: datetime.date, everywhere: Sequence[Gap]) -> tuple[Join, ...]:
    """Weeks that one area lacks and the others have; corrected for looking at so many areas."""
    days, lived_in = _counted(engine.rows(BY_AREA)), {row[0]: row[1:] for row in engine.rows(LIVED_IN)}
    known = {monday for gap in everywhere for monday in gap.mondays}
    made = []
    for area in sorted(set(days) & set(lived_in)):
        since, until = lived_in[area]
        chance = gaps_in_time.CHANCE / len(days)
        found = gaps_in_time.gaps(days[area], max(first, since), min(last, until), chance=chance)
        found = tuple(gap for gap in found if not known & set(gap.mondays))
        if found:
            made.append(_join(WEEKS_OF_AREAS, found, "complaints", (area,)))
    return tuple(made)


def _counted(rows: Sequence[tuple[str, datetime.date, int]]) -> dict[str, dict[datetime.date, int]]:
    counts: dict[str, dict[datetime.date, int]] = {}
    for of, day, number in rows:
        counts.setdefault(str(of), {})[day] = int(number)
    return counts


def _join(name: str, found: Sequence[Gap], noun: str, areas: tuple[str, ...] = ()) -> Join:
    text = f"{gaps_in_time.said(found, noun, here=bool(areas))}: {ADVICE.format(noun=noun)}"
    weeks = tuple(monday.isoformat() for monday in sorted({monday for gap in found for monday in gap.mondays}))
    return Join(name, 0, 0, 0.0, is_known=False, is_warning=True, text=text, areas=areas, weeks=weeks)
