"""How far the score may lie from the customers' own if who answers depends on the score itself.

    answered(vote v) ~ exp(-g v / 2), v = -1, 0, 1      A = exp(g): how many times as readily a detractor answers as a promoter
    P_g(z) = sum_v exp(g v / 2) n(v, z) / sum n exp(g v / 2)      Q(g) = (P_g - P)' V(g)^-1 (P_g - P)

n(v, z) are the answers by vote and kind z of customer (tenure, technology, complaints), P the shares of all customers. Where
answering depends on the vote alone, the kind tells of it what the vote cannot: the votes weighted back by g must give the
customers' own kinds (a shadow variable: Miao and Tchetgen Tchetgen 2016, Biometrika 103). A runs over every g with
Q(g) <= min Q + 3.84 (the continuously updated criterion: Hansen, Heaton and Yaron 1996), at most ten either way.
Raking supposes the opposite: that answering depends on the kind and, within it, not on the vote. Nothing measured tells
the two apart, so the bounds hold under either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

STRONGEST = 10.0
"""Beyond this many times as readily the search ends: what is not ruled out by then is not known."""
STEPS = 121
VOTES = np.array([-1.0, 0.0, 1.0])


@dataclass(frozen=True, slots=True)
class Answering:
    """How many times as readily a detractor answers as a promoter: the likeliest, and the ends of its 95% region.

    Where too little is known, or one kind of customer answers only, ``likeliest`` is nan and the region is all that is looked at.
    """

    likeliest: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether the answers rule out anything at either end."""
        return bool(self.low > 1.01 / STRONGEST or self.high < STRONGEST / 1.01)


UNKNOWN = Answering(np.nan, 1 / STRONGEST, STRONGEST)


def answering(votes: Floats, kinds: Codes, shares: Floats) -> Answering:
    """From ``votes`` (n,) of -1, 0, 1, the ``kinds`` (n,) of who gave them, and the customers' ``shares`` (kinds,)."""
    counts = np.zeros((VOTES.size, shares.size))
    np.add.at(counts, (np.rint(votes).astype(np.int64) + 1, kinds), 1.0)
    is_there = counts.sum(axis=0) > 0
    counts, shares = counts[:, is_there], shares[is_there] / max(float(shares[is_there].sum()), 1e-300)
    if is_there.sum() < 2 or (counts.sum(axis=1) > 0).sum() < 2:
        return UNKNOWN
    grid = np.linspace(-np.log(STRONGEST), np.log(STRONGEST), STEPS)
    distance = np.array([_distance(counts, shares, g) for g in grid])
    inside = grid[distance <= distance.min() + stats.chi2.ppf(0.95, 1)]
    return Answering(*(float(np.exp(g)) for g in (grid[distance.argmin()], inside.min(), inside.max())))


def back_weights(votes: Floats, ratio: float) -> Floats:
    """(n,) what each answer stands for if detractors answer ``ratio`` times as readily as promoters."""
    return np.asarray(ratio ** (votes / 2))


def _distance(counts: Floats, shares: Floats, g: float) -> float:
    """Q(g), with the variance of a ratio of weighted sums."""
    weight = np.exp(g * VOTES / 2)[:, None]
    total = float((weight * counts).sum())
    mixed = (weight * counts).sum(axis=0) / total
    squared = (weight**2 * counts).sum(axis=0)
    variance = np.diag(squared) - np.outer(squared, mixed) - np.outer(mixed, squared)
    variance = (variance + squared.sum() * np.outer(mixed, mixed)) / total**2
    gap = (mixed - shares)[:-1]
    return float(gap @ np.linalg.pinv(variance[:-1, :-1], hermitian=True) @ gap)
