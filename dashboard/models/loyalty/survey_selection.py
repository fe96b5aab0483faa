"""How far the score may lie from the customers' own if who answers depends on the score itself.

    answered(vote v) ~ exp(-g v / 2), v = -1, 0, 1      A = exp(g): how many times as readily a detractor answers as a promoter
    P_g(z) = sum_v exp(g v / 2) n(v, z) / sum n exp(g v / 2)      Q(g) = (P_g - P)' V(g)^-1 (P_g - P)

n(v, z) are the answers by vote and kind z of customer (tenure, technology, complaints), P the shares of all customers. Where
answering depends on the vote alone, the kind tells of it what the vote cannot: the votes weighted back by g must give the
customers' own kinds (a shadow variable: Miao and Tchetgen Tchetgen 2016, Biometrika 103). A runs over every g with
Q(g) <= min Q + 3.84 (the continuously updated criterion: Hansen, Heaton and Yaron 1996), at most ten either way.
Raking supposes the opposite: that answering depends on the kind and, within it, not on the vote. Nothing measured tells
the two apart, so the bounds hold under either.

    {t : n (sum_v c_v p_v)^2 <= z^2 sum_v c_v^2 p_v(t)}      c_v = A^(v / 2) (v - t)

is the interval of the customers' score t if detractors answer A times as readily: the score test that sum c_v p_v = 0, with
p(t) the likeliest shares of the answers for which it is. At A = 1 it is Tango's. A vote that nobody gave has no answer to
weight, but may have customers; p(t) allows for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

STRONGEST = 10.0
"""Beyond this many times as readily the search ends: what is not ruled out by then is not known."""
STEPS = 121
VOTES = np.array([-1.0, 0.0, 1.0])
BESIDE = 1e-9


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


def customers_score(votes: Floats, ratio: float) -> tuple[float, float]:
    """The 95% interval of the customers' mean vote if detractors answer ``ratio`` times as readily as promoters.

    ``votes`` (n,) are -1, 0 or 1, and at least one.
    """
    counts = np.array([(votes == vote).sum() for vote in VOTES], dtype=float)
    weight = ratio ** (VOTES / 2)
    value = float((VOTES * weight * counts).sum() / (weight * counts).sum())
    z = float(stats.norm.ppf(0.975))

    def beyond(t: float) -> float:
        contrast = weight * (VOTES - t)
        off = float(contrast @ counts) / votes.size
        return votes.size * off**2 - z**2 * float(contrast**2 @ _likeliest_shares(counts, contrast))

    low = -1.0 if value <= -1 + BESIDE else float(optimize.brentq(beyond, -1.0, value - BESIDE))
    high = 1.0 if value >= 1 - BESIDE else float(optimize.brentq(beyond, value + BESIDE, 1.0))
    return low, high


def _likeliest_shares(counts: Floats, contrast: Floats) -> Floats:
    """Shares p (3,) with contrast @ p = 0 that make ``counts`` (3,) likeliest.

    They lie on a line, start + s slope, with s the passives' share. Where the likelihood is flat its slope's quadratic has a
    root; where it grows up to an edge, that is the likeliest.
    """
    low, middle, high = contrast
    apart = high - low
    start = np.array([high, 0.0, -low]) / apart
    slope = np.array([middle - high, apart, low - middle]) / apart
    falls = slope < 0
    last = float(min(1.0, np.min(-start[falls] / slope[falls], initial=1.0)))
    flat = np.zeros(3)
    for vote in range(3):
        one, other = (u for u in range(3) if u != vote)
        product = np.polymul([slope[one], start[one]], [slope[other], start[other]])
        flat += counts[vote] * slope[vote] * np.pad(product, (3 - len(product), 0))
    tried = np.clip(np.concatenate([np.roots(flat).real, [0.0, last]]), 0.0, last)
    shares = np.maximum(start + tried[:, None] * slope, 0.0)
    with np.errstate(divide="ignore"):
        likelihood = np.where(counts > 0, counts * np.log(np.where(counts > 0, shares, 1.0)), 0.0).sum(axis=1)
    return np.asarray(shares[likelihood.argmax()])


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
