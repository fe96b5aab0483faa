"""Which share of a neighbourhood's expected departures goes away where quality comes down to its targets, by draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving import dose
from dashboard.models.leaving.expected_leavers import Prospect

Floats = npt.NDArray[np.float64]

BINS = 32
DRAWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Groups:
    """Customers of an area with like quality taken together: area (rising), expected leavers, and (groups, terms) of quality.

    ``known`` is the share whose quality is known, ``distance`` the mean of these from the target, below 0 where it is
    better, and ``excess`` the mean of what is worse than it. ``target`` is (terms,), in steps.
    """

    area: npt.NDArray[np.int64]
    leavers: Floats
    known: Floats
    distance: Floats
    excess: Floats
    target: Floats

    def less(self, draws: dose.Draws, term: int, by: Floats) -> Floats:
        """(draws, groups) the share of a group's hazard that is left with one term at its target.

        ``by`` (draws, groups) is by how many steps quality is worse than ``distance`` says.
        """
        distance = self.distance[:, term]
        excess = np.maximum(self.excess[:, term] + np.maximum(distance + by, 0.0) - np.maximum(distance, 0.0), 0.0)
        worse = self.target[term] + np.maximum(distance + by, excess)
        left = np.exp(draws.log_ratios(term, worse - excess) - draws.log_ratios(term, worse))
        return np.asarray(1.0 - self.known[:, term] * (1.0 - left))


def grouped(prospect: Prospect, effects: Floats, steps: Floats, target: Floats) -> Groups:
    """At most 32 groups an area, cut by what the target would do: draws then cost the same for a million customers."""
    is_known = ~np.isnan(steps)
    distance = np.where(is_known, steps - target, 0.0)
    excess = np.maximum(distance, 0.0)
    area = prospect.area_of_customer
    size = np.bincount(area, minlength=len(prospect.areas))
    order, rank = np.lexsort((distance @ effects, excess @ effects, area)), np.empty(len(area), np.int64)
    rank[order] = np.arange(len(area)) - (np.cumsum(size) - size)[area[order]]
    key = area * BINS + rank * BINS // size[area]
    names, position = np.unique(key, return_inverse=True)

    def summed(columns: Floats) -> Floats:
        parts = [np.bincount(position, prospect.customers * column, names.size) for column in columns.T]
        return np.stack(parts, axis=-1)

    leavers = np.bincount(position, prospect.customers, names.size).astype(float)
    known = summed(is_known.astype(float))
    there = np.maximum(known, 1e-300)
    share = known / np.maximum(leavers, 1e-300)[:, None]
    return Groups(names // BINS, leavers, share, summed(distance) / there, summed(excess) / there, target)


def shares(groups: Groups, draws: dose.Draws, moved: Floats) -> list[Floats]:
    """(draws, areas) the share of an area's departures that goes away with each term at its target, and last with all.

    ``moved`` (draws, areas, terms) is by how much quality is worse than measured. An area without customers saves
    nothing. Draws are taken some at a time: together they would not fit in memory.
    """
    terms = groups.target.size
    saved = [np.zeros(moved.shape[:2]) for _ in range(terms + 1)]
    starts = np.flatnonzero(np.diff(groups.area, prepend=-1))
    there, total = groups.area[starts], np.add.reduceat(groups.leavers, starts)
    for first in range(0, len(moved), DRAWS_AT_ONCE):
        some = slice(first, first + DRAWS_AT_ONCE)
        own, everything = draws.only(some, list(range(terms))), np.ones((1, 1))
        for term in range(terms):
            less = groups.less(own, term, moved[some, :, term][:, groups.area])
            everything = everything * less
            saved[term][some, there] = _gone(less, groups.leavers, starts, total)
        if terms:
            saved[terms][some, there] = _gone(everything, groups.leavers, starts, total)
    return saved


def _gone(less: Floats, leavers: Floats, starts: npt.NDArray[np.int64], total: Floats) -> Floats:
    left = np.add.reduceat(less * leavers, starts, axis=1)
    return np.asarray(1.0 - np.divide(left, total, out=np.ones_like(left), where=total > 0))
