"""How wide intervals have to be: those of somebody who knows all of a world but how much each measure matters and the levels.

The oracle knows form, window, who minds, shocks, contracts and how quality goes on. It does not know the ratio of each
measure that matters, the level of each area (but their spread) and that of each four weeks, and learns them from who left:
its errors are those of the Poisson likelihood of customers and weeks with a normal prior for the areas, carried to the truths by
the delta method. Nobody who has to find out the form as well can be as narrow and right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.worlds_abroad.simulation import futures
from bench.worlds_abroad.simulation.doses import Targets
from bench.worlds_abroad.simulation.futures import Future
from bench.worlds_abroad.simulation.layout import WEEKS, Codes, Floats
from bench.worlds_abroad.simulation.leaving import Rules, doses_of_past, hazard

STEP = 0.01
PERIOD_WEEKS = 4
WIDTH = 2 * 1.959964
LEAST_SPREAD = 0.05


@dataclass(frozen=True, slots=True)
class Widths:
    """Widths (areas,) of 95% intervals of expected leavers, and of those whom quality at the targets would keep."""

    expected: Floats
    kept: Floats


def widths(of: Future, targets: Targets) -> Widths:
    """Of both truths under ``future``."""
    covariance = _covariance(of)
    now, better = _by_area(of, None), _by_area(of, targets)
    moved = [_moved(of.rules, measure) for measure in of.rules.mechanism.matters]
    by_ratio_now = [(_by_area(replace(of, rules=rules), None) - now) / STEP for rules in moved]
    by_ratio_better = [(_by_area(replace(of, rules=rules), targets) - better) / STEP for rules in moved]
    slopes = _slopes(now, by_ratio_now), _slopes(better, by_ratio_better)
    return Widths(_width(slopes[0], covariance), _width(slopes[0] - slopes[1], covariance))


def _moved(rules: Rules, measure: str) -> Rules:
    ratios = rules.mechanism.ratios | {measure: rules.mechanism.ratio(measure) + STEP}
    return replace(rules, mechanism=replace(rules.mechanism, ratios=ratios))


def _by_area(of: Future, targets: Targets | None) -> Floats:
    return futures.by_area(of, futures.expected(of, targets))


def _slopes(values: Floats, by_ratio: list[Floats]) -> Floats:
    """(areas, parameters): ratios, the areas' log levels, and the log levels of four weeks, the last of which goes on."""
    periods = np.zeros((values.size, WEEKS // PERIOD_WEEKS))
    periods[:, -1] = values
    return np.column_stack([*by_ratio, np.diag(values), periods])


def _width(slopes: Floats, covariance: Floats) -> Floats:
    return np.asarray(WIDTH * np.sqrt(np.einsum("ap,pq,aq->a", slopes, covariance, slopes)))


def _covariance(of: Future) -> Floats:
    """(parameters, parameters) from all weeks on record."""
    rules, people = of.rules, of.people
    moved = [_moved(rules, measure) for measure in rules.mechanism.matters]
    borne = [doses_of_past(each.mechanism, of.past) for each in (rules, *moved)]
    ratios, areas = len(moved), rules.layout.areas
    size = ratios + areas + WEEKS // PERIOD_WEEKS
    information = np.zeros((size, size))
    for week in range(WEEKS):
        who = people.there(7 * week)
        usual, *others = (
            hazard(each, people, who, week, doses)[:, 0] for each, doses in zip((rules, *moved), borne, strict=True)
        )
        slopes = np.stack([(other - usual) / (STEP * usual) for other in others], axis=1) if others else None
        area = rules.layout.area[people.node[who]]
        _add(information, usual, slopes, area, ratios + areas + week // PERIOD_WEEKS)
    spread = max(float(np.std(np.log(rules.level * rules.shock[:, WEEKS - 1]))), LEAST_SPREAD)
    places = ratios + np.arange(areas)
    information[places, places] += spread**-2
    return np.linalg.pinv(information, hermitian=True)


def _add(information: Floats, usual: Floats, slopes: Floats | None, area: Codes, period: int) -> None:
    """One week of Poisson information: customers' slopes are those of the ratios, 1 of their area and of the week."""
    ratios = 0 if slopes is None else slopes.shape[1]
    areas = np.bincount(area, usual, minlength=int(area.max()) + 1)
    places = ratios + np.arange(areas.size)
    information[places, places] += areas
    information[places, period] += areas
    information[period, places] += areas
    information[period, period] += areas.sum()
    if slopes is None:
        return
    weighted = slopes * usual[:, None]
    information[:ratios, :ratios] += weighted.T @ slopes
    by_area = np.stack([np.bincount(area, column, minlength=areas.size) for column in weighted.T])
    information[:ratios, places] += by_area
    information[places, :ratios] += by_area.T
    information[:ratios, period] += by_area.sum(axis=1)
    information[period, :ratios] += by_area.sum(axis=1)
