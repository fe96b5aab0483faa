"""How well scores predicted what happened: AUC, lift at the top, calibration; each with weights, and paired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Floats = npt.NDArray[np.float64]

TOP_SHARE = 0.10
TENTHS = 10
BOOTSTRAPS = 400
SMALLEST_CHANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval; nan where it cannot be told."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What predicted chances came to: ``slope`` 1 and ``intercept`` 0 where they held.

    ``intercept`` is the log odds by which all chances together were off (Cox 1958; slope held at 1). ``tenths`` has a
    row per tenth of the rows by chance: customers, predicted, observed, low and high (Wilson's 95%), as (10, 5).
    """

    slope: Estimate
    intercept: Estimate
    tenths: Floats


def auc(outcome: Floats, score: Floats, weight: Floats | None = None) -> float:
    """The chance that who left had the higher score than who stayed, ties counting half (Hanley and McNeil 1982)."""
    mass = np.ones(len(score)) if weight is None else weight
    groups, left, stayed = _by_score(outcome, score, mass)
    if not groups.size or left.sum() <= 0 or stayed.sum() <= 0:
        return float("nan")
    below = np.cumsum(stayed) - stayed
    return float(left @ (below + stayed / 2) / (left.sum() * stayed.sum()))


def capture(outcome: Floats, score: Floats, weight: Floats | None = None, *, share: float = TOP_SHARE) -> float:
    """The part of all who left that the ``share`` with the highest scores holds.

    Where a tie straddles the border its members count in part, as if they were put in any order.
    """
    mass = np.ones(len(score)) if weight is None else weight
    _, left, stayed = _by_score(outcome, score, mass)
    total = float(left.sum() + stayed.sum())
    if total <= 0 or left.sum() <= 0:
        return float("nan")
    left, size = left[::-1], (left + stayed)[::-1]
    before = np.cumsum(size) - size
    taken = np.clip((share * total - before) / np.maximum(size, 1e-300), 0.0, 1.0)
    return float(left @ taken / left.sum())


def lift(outcome: Floats, score: Floats, weight: Floats | None = None, *, share: float = TOP_SHARE) -> float:
    """How many times the overall rate the ``share`` with the highest scores has: capture by share."""
    return capture(outcome, score, weight, share=share) / share


def precision_at(truth: Floats, score: Floats, count: int) -> float:
    """The part of the ``count`` areas with the highest scores that are among the ``count`` with the highest truth.

    Areas are put in the order given where scores are equal.
    """
    count = min(count, len(truth))
    if count == 0:
        return float("nan")
    chosen = np.argsort(-np.nan_to_num(score, nan=-np.inf), kind="stable")[:count]
    worst = np.argsort(-truth, kind="stable")[:count]
    return float(np.isin(chosen, worst).mean())


def auc_intervals(outcome: Floats, scores: Floats) -> tuple[list[Estimate], Floats]:
    """AUC of each score (scores, n) with its interval, and the covariance of the AUCs (DeLong et al. 1988).

    The interval is symmetric on the log odds, so that it stays between 0 and 1.
    """
    is_left = outcome > 0.5
    placed = [_placements(score, is_left) for score in scores]
    values = np.array([left.mean() for left, _ in placed])
    parts = [np.stack([pair[i] for pair in placed]) for i in range(2)]
    covariance = np.zeros((len(scores), len(scores)))
    for part in parts:
        if part.shape[1] > 1:
            covariance += np.atleast_2d(np.cov(part)) / part.shape[1]
    return [_on_log_odds(v, c) for v, c in zip(values, np.sqrt(np.diag(covariance)), strict=True)], covariance


def auc_difference(outcome: Floats, one: Floats, other: Floats) -> Estimate:
    """AUC of ``one`` less that of ``other`` on the same rows, with DeLong's paired interval."""
    (first, second), covariance = auc_intervals(outcome, np.stack([one, other]))
    error = float(np.sqrt(max(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], 0.0)))
    value = first.value - second.value
    return Estimate(value, value - 1.96 * error, value + 1.96 * error)


def bootstrapped(outcome: Floats, scores: Floats, weight: Floats, *, seed: int) -> Floats:
    """Lift at the top tenth (bootstraps, scores) of resampled rows, the same rows for each score."""
    random = np.random.default_rng(seed)
    size = len(outcome)
    found = np.empty((BOOTSTRAPS, len(scores)))
    orders = [np.argsort(-score, kind="stable") for score in scores]
    left, mass = weight * outcome, weight
    for draw in range(BOOTSTRAPS):
        count = np.bincount(random.integers(0, size, size), minlength=size)
        for column, order in enumerate(orders):
            found[draw, column] = _lift_in_order((left * count)[order], (mass * count)[order])
    return found


def interval(value: float, draws: Floats) -> Estimate:
    """``value`` with the 2.5 and 97.5 percentiles of its bootstrap."""
    known = draws[np.isfinite(draws)]
    if not known.size:
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(known, (0.025, 0.975))
    return Estimate(value, float(low), float(high))


def calibration(outcome: Floats, chance: Floats, weight: Floats | None = None) -> Calibration:
    """Slope and intercept of a logistic regression of what happened on the log odds of the chance, and the tenths."""
    mass = np.ones(len(chance)) if weight is None else weight
    odds = special.logit(np.clip(chance, SMALLEST_CHANCE, 1 - SMALLEST_CHANCE))
    slope = _logistic(np.column_stack([np.ones(len(odds)), odds]), outcome, mass, np.zeros(len(odds)))
    level = _logistic(np.ones((len(odds), 1)), outcome, mass, odds)
    return Calibration(slope[1], level[0], _tenths(outcome, chance, mass))


def tenth_of(chance: Floats, weight: Floats | None = None) -> npt.NDArray[np.int64]:
    """(n,) in which tenth by chance each row is, from 0."""
    mass = np.ones(len(chance)) if weight is None else weight
    order = np.argsort(chance, kind="stable")
    reached = np.cumsum(mass[order]) - mass[order] / 2
    tenth = np.empty(len(chance), dtype=np.int64)
    tenth[order] = np.minimum((reached / max(mass.sum(), 1e-300) * TENTHS).astype(int), TENTHS - 1)
    return tenth


def _tenths(outcome: Floats, chance: Floats, weight: Floats) -> Floats:
    tenth = tenth_of(chance, weight)
    is_left = outcome > 0.5
    odds = float(weight[is_left].mean() / weight[~is_left].mean()) if 0 < is_left.sum() < is_left.size else 1.0
    rows = np.full((TENTHS, 5), np.nan)
    for i in range(TENTHS):
        own = np.flatnonzero(tenth == i)
        if not own.size:
            continue
        mass = weight[own]
        rate = float(mass @ outcome[own] / mass.sum())
        low, high = (_reweighted(end, odds) for end in wilson(float(outcome[own].mean()), own.size))
        rows[i] = (own.size, mass @ chance[own] / mass.sum(), rate, low, high)
    return rows


def _reweighted(share: float, odds: float) -> float:
    """A share of rows as a share of what they stand for, where who left weighs ``odds`` times who stayed."""
    return share * odds / (share * odds + 1 - share)


def wilson(rate: float, size: float) -> tuple[float, float]:
    """Wilson's (1927) 95% interval of a share seen among ``size``."""
    z = float(stats.norm.ppf(0.975))
    centre = (rate + z * z / (2 * size)) / (1 + z * z / size)
    half = z * np.sqrt(rate * (1 - rate) / size + z * z / (4 * size * size)) / (1 + z * z / size)
    return max(0.0, centre - half), min(1.0, centre + half)


def _logistic(columns: Floats, outcome: Floats, weight: Floats, offset: Floats) -> list[Estimate]:
    """A small logistic regression by Newton; intervals by the sandwich, which holds for weights too."""
    coefficients = np.zeros(columns.shape[1])
    for _ in range(50):
        chance = special.expit(columns @ coefficients + offset)
        information = (columns * (weight * chance * (1 - chance))[:, None]).T @ columns
        step = np.linalg.lstsq(information, columns.T @ (weight * (outcome - chance)), rcond=None)[0]
        coefficients += np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-10:
            break
    scores = columns * (weight * (outcome - chance))[:, None]
    bread = np.linalg.pinv(information)
    error = np.sqrt(np.maximum(np.diag(bread @ (scores.T @ scores) @ bread), 0.0))
    return [
        Estimate(float(b), float(b - 1.96 * e), float(b + 1.96 * e)) for b, e in zip(coefficients, error, strict=True)
    ]


def _by_score(outcome: Floats, score: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct scores, ascending, and the mass of those who left and who stayed at each."""
    groups, position = np.unique(score, return_inverse=True)
    left = np.bincount(position, weights=weight * outcome, minlength=groups.size)
    stayed = np.bincount(position, weights=weight * (1 - outcome), minlength=groups.size)
    return groups, np.asarray(left, dtype=float), np.asarray(stayed, dtype=float)


def _placements(score: Floats, is_left: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """For each who left the share of stayers below, for each stayer the share of leavers above (Sun and Xu 2014)."""
    left, stayed = score[is_left], score[~is_left]
    if not left.size or not stayed.size:
        return np.full(1, np.nan), np.full(1, np.nan)
    whole = stats.rankdata(np.concatenate([left, stayed]))
    above = (whole[: left.size] - stats.rankdata(left)) / stayed.size
    below = 1.0 - (whole[left.size :] - stats.rankdata(stayed)) / left.size
    return np.asarray(above), np.asarray(below)


def _on_log_odds(value: float, error: float) -> Estimate:
    if not 0 < value < 1 or not np.isfinite(error):
        return Estimate(float(value), float(value), float(value))
    reach = 1.96 * error / (value * (1 - value))
    low, high = special.expit(special.logit(value) + np.array([-reach, reach]))
    return Estimate(float(value), float(low), float(high))


def _lift_in_order(left: Floats, mass: Floats) -> float:
    """Lift at the top share of rows that are in order already."""
    reached = np.cumsum(mass)
    if reached[-1] <= 0 or left.sum() <= 0:
        return float("nan")
    border = TOP_SHARE * reached[-1]
    taken = np.clip((border - (reached - mass)) / np.maximum(mass, 1e-300), 0.0, 1.0)
    return float(left @ taken / left.sum() / TOP_SHARE)
