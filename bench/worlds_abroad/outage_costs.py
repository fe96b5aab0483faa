"""What an hour without service truly cost: how many more left for it, week by week, than had that outage not been.

Of each week on record the outages are taken out alone, in all areas at once, all others staying as they were: the difference
that makes to expected departures in that week and the twelve after it, over the hours that were taken out. By the number of
weeks since, it is the mean over the weeks in which departures can be compared (those with twelve weeks before them),
each hour counting the same; the sum over weeks since is what an hour cost within thirteen weeks. Short are the hours of nodes
with four or fewer in the week, long those of the others.
"""

from __future__ import annotations

import numpy as np

from bench.worlds_abroad.simulation.layout import BEFORE, WEEKS, Codes, Floats
from bench.worlds_abroad.simulation.leaving import OTHERS, Doses, Rules, doses_of_past, hazard
from bench.worlds_abroad.simulation.population import Customers
from bench.worlds_abroad.simulation.quality import Course

AFTER = 12
LONG_HOURS = 4.0
KINDS: tuple[str, ...] = ("all", "under_4h", "over_4h")


def per_hour(rules: Rules, people: Customers, course: Course) -> dict[str, float]:
    """By kind: departures more for each hour of one customer; nan where there was no such hour."""
    there = [people.there(7 * week) for week in range(WEEKS)]
    usual = doses_of_past(rules.mechanism, course)
    left = [_leaving(rules, people, there[week], week, usual) for week in range(WEEKS)]
    return {kind: _of_kind(rules, people, course, kind, (there, left)) for kind in KINDS}


def _of_kind(
    rules: Rules, people: Customers, course: Course, kind: str, known: tuple[list[Codes], list[float]]
) -> float:
    there, left = known
    hours, more = np.zeros(WEEKS), np.zeros((WEEKS, AFTER + 1))
    for week in range(WEEKS):
        without, taken = _without(course, BEFORE + week, kind)
        hours[week] = taken @ np.bincount(people.node[there[week]], minlength=taken.size)
        if hours[week] > 0:
            spared = doses_of_past(rules.mechanism, without)
            for since in range(min(AFTER + 1, WEEKS - week)):
                then = week + since
                more[week, since] = left[then] - _leaving(rules, people, there[then], then, spared)
    spans = [slice(AFTER - since, WEEKS - since) for since in range(AFTER + 1)]
    shares = [
        more[span, since].sum() / hours[span].sum() if hours[span].any() else np.nan for since, span in enumerate(spans)
    ]
    return float(np.sum(shares))


def _without(course: Course, week: int, kind: str) -> tuple[Course, Floats]:
    """The course without one week's hours of a kind, and how many each node (nodes,) had of them."""
    total = course.short[:, week, 0] + course.long[:, week, 0]
    is_long = total > LONG_HOURS
    is_taken = (total > 0) & ((kind == "all") | (is_long == (kind == "over_4h")))
    short, long = course.short.copy(), course.long.copy()
    short[is_taken, week] = long[is_taken, week] = 0.0
    return Course(short, long, course.level), np.where(is_taken, total, 0.0)


def _leaving(rules: Rules, people: Customers, who: Codes, week: int, doses: Doses) -> float:
    """Expected departures by choice of those who are there, other ways of leaving competing."""
    own = hazard(rules, people, who, week, doses)[:, 0]
    every = own + OTHERS
    return float((own / every * -np.expm1(-every)).sum())
