"""Customers of an area with like quality taken together, so that draws cost the same for a million of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN
from dashboard.models.leaving.covariates import WITHIN
from dashboard.models.leaving.doses import dose
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT
from dashboard.models.leaving.fitted_hazard import Predictor
from dashboard.models.leaving.forecast import level_of_weeks
from dashboard.models.leaving.forecast.coming_quality import Coming
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers

Floats = npt.NDArray[np.float64]

BINS, FEWER_BINS = 16, 8
"""Groups an area: for what targets keep, and for what quality to come makes of the expected leavers."""
DRAWS_AT_ONCE = 256
FURTHEST = 3.0
"""By how much the logarithm of a hazard may at most move with the quality to come: twentyfold, either way."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Area (rising), expected leavers as quality was, and (groups, terms) of quality in steps.

    ``known`` is the share whose quality is known, ``distance`` the mean of these from the target, below 0 where it is
    better, and ``excess`` the mean of what is worse than it. ``target`` is (terms,), in steps.
    """

    area: npt.NDArray[np.int64]
    leavers: Floats
    known: Floats
    distance: Floats
    excess: Floats
    target: Floats

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Where each area's groups begin."""
        return np.flatnonzero(np.diff(self.area, prepend=-1))

    def steps(self, term: int) -> Floats:
        """(groups,) the mean of one term where it is known."""
        return np.asarray(self.target[term] + self.distance[:, term])

    def summed(self, share: Floats) -> Floats:
        """(draws, areas with customers) leavers of whom a share (draws, groups) is left."""
        return np.asarray(np.add.reduceat(share * self.leavers, self.starts, axis=1))


def grouped(
    expected_leavers: ExpectedLeavers, effects: Floats, steps: Floats, target: Floats, *, bins: int = BINS
) -> Groups:
    """At most so many groups an area, cut by what the target would do: draws then cost the same for a million customers."""
    is_known = ~np.isnan(steps)
    distance = np.where(is_known, steps - target, 0.0)
    excess = np.maximum(distance, 0.0)
    area = expected_leavers.area_of_customer
    size = np.bincount(area, minlength=len(expected_leavers.areas))
    order, rank = np.lexsort((distance @ effects, excess @ effects, area)), np.empty(len(area), np.int64)
    rank[order] = np.arange(len(area)) - (np.cumsum(size) - size)[area[order]]
    key = area * bins + rank * bins // size[area]
    names, position = np.unique(key, return_inverse=True)

    def summed(columns: Floats) -> Floats:
        parts = [np.bincount(position, expected_leavers.customers * column, names.size) for column in columns.T]
        return np.stack(parts, axis=-1)

    leavers = np.bincount(position, expected_leavers.customers, names.size).astype(float)
    known = summed(is_known.astype(float))
    there = np.maximum(known, 1e-300)
    share = known / np.maximum(leavers, 1e-300)[:, None]
    return Groups(names // bins, leavers, share, summed(distance) / there, summed(excess) / there, target)


def factors(groups: Groups, draws: dose.Draws, coming: Coming, ahead: Floats) -> Floats:
    """(draws, areas) by how much an area's departures grow where its quality moves from what it was to ``ahead``.

    ``ahead`` (draws, areas, terms) are draws of ``coming``; ``groups`` are of a target of 0.
    """
    found = np.ones(ahead.shape[:2])
    there, total = groups.area[groups.starts], np.add.reduceat(groups.leavers, groups.starts)
    for first in range(0, len(ahead), DRAWS_AT_ONCE):
        some = slice(first, first + DRAWS_AT_ONCE)
        own, moved = draws.only(some, list(range(groups.target.size))), np.zeros((1, 1))
        for term in range(groups.target.size):
            steps = groups.steps(term)
            later = steps + coming.moved(term, ahead[some, :, term], groups.area, steps)
            moved = moved + groups.known[:, term] * (
                own.log_ratios(term, later, groups.area) - own.log_ratios(term, steps, groups.area)
            )
        after = groups.summed(np.exp(np.clip(moved, -FURTHEST, FURTHEST)))
        found[some, there] = np.divide(after, total, out=np.ones_like(after), where=total > 0)
    return found


def growth(
    expected_leavers: ExpectedLeavers,
    predictor: Predictor,
    customers_now: pd.DataFrame,
    coming: Coming,
    *,
    seed: int,
    count: int,
) -> Floats:
    """``factors`` (count, areas) of all customers of today, drawn as the doses and the quality to come are elsewhere.

    Where other hours than all of eight weeks are felt, from the level that these give today (`level_of_weeks`).
    """
    effects = predictor.coefficients[predictor.design.places(WITHIN)]
    draws, found = predictor.draws(count, seed, expected_leavers.areas), np.ones((count, len(expected_leavers.areas)))
    for felt, which in draws.by_felt():
        steps = predictor.design.quality.steps(customers_now, felt)
        target, terms = np.zeros(steps.shape[1]), list(range(steps.shape[1]))
        groups = grouped(expected_leavers, np.maximum(predictor.effects, 0.0), steps, target, bins=FEWER_BINS)
        ahead = coming.over(felt)
        own = draws.only(which, terms)
        found[which] = factors(groups, own, ahead, ahead.draws(count, seed)[which])
        if felt != ALL_OF_EIGHT and felt in coming.felt:
            down = predictor.design.quality.terms.index(DOWN)
            lived = coming.felt[ALL_OF_EIGHT], coming.felt[felt]
            found[which] *= level_of_weeks.levels(own, down, float(effects[down]), lived)
    return found
