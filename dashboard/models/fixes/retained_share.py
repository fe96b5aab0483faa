"""Which share of a neighbourhood's expected departures goes away where quality comes down to its targets, by draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving.doses import dose
from dashboard.models.leaving.forecast.coming_quality import Coming
from dashboard.models.leaving.forecast.like_customers import DRAWS_AT_ONCE, FURTHEST, Groups

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ahead:
    """Quality to come: draws (draws, areas, terms) of ``coming``, and by how much it ``was_worse`` than measured."""

    coming: Coming
    drawn: Floats
    was_worse: Floats

    def worse(self, groups: Groups, which: slice, term: int) -> Floats:
        """(draws, groups) by how many steps the quality to come is worse than what was measured."""
        steps = groups.steps(term)
        moved = self.coming.moved(term, self.drawn[which, :, term], groups.area, steps)
        return np.asarray(moved + self.was_worse[which, :, term][:, groups.area])


def shares(groups: Groups, draws: dose.Draws, ahead: Ahead) -> list[Floats]:
    """(draws, areas) the share of an area's departures that goes away with each term at its target, and last with all.

    The departures are those with the quality to come. An area without customers saves nothing. Draws are taken some
    at a time: together they would not fit in memory.
    """
    terms = groups.target.size
    saved = [np.zeros(ahead.drawn.shape[:2]) for _ in range(terms + 1)]
    for first in range(0, len(ahead.drawn), DRAWS_AT_ONCE):
        some = slice(first, first + DRAWS_AT_ONCE)
        own, weight, everything = draws.only(some, list(range(terms))), np.ones((1, 1)), np.ones((1, 1))
        less = []
        for term in range(terms):
            grows, left = _grows_and_left(groups, own, term, ahead.worse(groups, some, term))
            weight, everything = weight * grows, everything * left
            less.append(left)
        for place, left in enumerate([*less, everything] if terms else []):
            saved[place][some, groups.area[groups.starts]] = _gone(groups, weight, left)
    return saved


def _grows_and_left(groups: Groups, draws: dose.Draws, term: int, by: Floats) -> tuple[Floats, Floats]:
    """(draws, groups) by how much the hazard grows with the quality to come, and the share left of it at the target.

    ``by`` (draws, groups) is by how many steps quality is worse than ``distance`` says.
    """
    distance, known = groups.distance[:, term], groups.known[:, term]
    excess = np.maximum(groups.excess[:, term] + np.maximum(distance + by, 0.0) - np.maximum(distance, 0.0), 0.0)
    worse = groups.target[term] + np.maximum(distance + by, excess)
    after = draws.log_ratios(term, worse, groups.area)
    before = draws.log_ratios(term, groups.target[term] + np.maximum(distance, groups.excess[:, term]), groups.area)
    grows = np.exp(np.clip(after - before, -FURTHEST, FURTHEST))
    with np.errstate(over="ignore"):
        left = np.exp(draws.log_ratios(term, worse - excess, groups.area) - after)
    return 1.0 + known * (grows - 1.0), 1.0 - known * (1.0 - left)


def _gone(groups: Groups, weight: Floats, left: Floats) -> Floats:
    total = groups.summed(np.broadcast_to(weight, left.shape))
    return np.asarray(1.0 - np.divide(groups.summed(weight * left), total, out=np.ones_like(total), where=total > 0))
