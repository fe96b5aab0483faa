"""Whether leaving goes along each measure as the averaged forms of the dose say: departures observed over expected.

    S_b = sum over the bin of (observed - expected),   Z = max over cuts c of |S_1 + ... + S_c| / error

Bins of a measure hold about as many expected departures each. What an area loses altogether and what a week does to all areas are
given, and what the fitted columns could still explain is taken out (a score test with the rest of the model as
nuisance: Neyman 1959). Z is read against its distribution where the form is right, by simulation: the cumulative
residuals of Lin, Wei and Ying (1993, Biometrika 80) over bins. Areas that scatter more than independent departures widen its errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from dashboard.models.statistics import hazard

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MOST_BINS, FEWEST_BINS = 10, 3
FEWEST_EXPECTED = 10.0
"""Departures that each bin is to hold at least, as the forms expect them."""
FALSE_ALARMS = 0.05
DRAWS = 10_000
SEED = 20260
ROUNDS = 6
SLIGHT = 1e-6
PART = 200_000


@dataclass(frozen=True, slots=True)
class Check:
    """Of one term, by bin (bins,): from which to which step, departures ``observed`` and ``expected``, and the error of
    their difference; the largest standardised sum of differences and its p-value, nan with fewer than three bins or where
    the fit follows every bin whatever the form."""

    low: Floats
    high: Floats
    observed: Floats
    expected: Floats
    error: Floats
    statistic: float
    p_value: float

    @property
    def is_tested(self) -> bool:
        return not np.isnan(self.p_value)

    @property
    def passes(self) -> bool:
        """Whether it was tested and the form was not refuted."""
        return self.is_tested and self.p_value >= FALSE_ALARMS


_NONE: Floats = np.zeros(0)
NOTHING = Check(_NONE, _NONE, _NONE, _NONE, _NONE, float("nan"), float("nan"))
"""Of a term without an estimate."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows (n,): weighted events, expected events, area and week; and the fitted ``columns`` (n, columns) at the fit."""

    events: Floats
    means: Floats
    area: Codes
    week: Codes
    columns: Floats

    @classmethod
    def of(cls, rows: hazard.Rows, log_means: Floats, week: Codes) -> Counted:
        """Of the means, scaled so that every area and every week has as many departures as it had."""
        events, means = rows.weight * rows.events, rows.weight * np.exp(log_means)
        for group in (rows.cluster, week) * ROUNDS:
            there, wanted = np.bincount(group, means), np.bincount(group, events)
            means = means * np.divide(wanted, there, out=np.zeros_like(there), where=there > 0)[group]
        return cls(events, means, rows.cluster, week, rows.columns)


def check(counted: Counted, steps: Floats) -> tuple[Check, ...]:
    """Check each term of ``steps`` (n, terms)."""
    nuisance = _Nuisance.of(counted)
    return tuple(_check(counted, nuisance, values) for values in steps.T)


def _check(counted: Counted, nuisance: _Nuisance, values: Floats) -> Check:
    code = bins(values, counted.means)
    count = int(code.max()) + 1
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, code, values)
    np.maximum.at(high, code, values)
    observed = np.asarray(np.bincount(code, counted.events, count), dtype=float)
    scores, variance = nuisance.net(counted, code)
    total = scores.sum(axis=0)
    scatter = _scatter(scores, variance)
    error = np.sqrt(np.maximum(scatter * np.diag(variance), 0.0))
    statistic, p_value = float("nan"), float("nan")
    if count >= FEWEST_BINS:
        statistic, p_value = _largest(total, scatter * variance, float(counted.means.sum()))
    return Check(low, high, observed, observed - total, error, statistic, p_value)


def bins(values: Floats, means: Floats) -> Codes:
    """(n,) the bin of each row: about as many expected departures in each, equal values together."""
    distinct, place = np.unique(values, return_inverse=True)
    mass = np.bincount(place, means)
    total = float(mass.sum())
    wanted = total / int(np.clip(total // FEWEST_EXPECTED, 1, MOST_BINS))
    starts, held = np.zeros(distinct.size, np.int64), 0.0
    for number, own in enumerate(mass.tolist()):
        if held > 0 and (held + own / 2 > wanted) and held >= min(FEWEST_EXPECTED, wanted):
            starts[number], held = 1, 0.0
        held += own
    code = np.cumsum(starts)
    if held < FEWEST_EXPECTED and code[-1] > 0:
        code = np.minimum(code, code[-1] - 1)
    return np.asarray(code[place], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Nuisance:
    """What else explains leaving within areas, the columns and then the weeks (q together).

    ``information`` (q, q), and by area (areas, q) the sums over expected departures (``means``) and over departures less
    these (``scores``); ``by_area`` (areas,) are the expected departures.
    """

    information: Floats
    means: Floats
    scores: Floats
    by_area: Floats

    @classmethod
    def of(cls, counted: Counted) -> _Nuisance:
        areas, weeks, width = int(counted.area.max()) + 1, int(counted.week.max()) + 1, counted.columns.shape[1]
        left = counted.events - counted.means
        within = np.zeros((width, width))
        crossed = np.zeros((weeks, width))
        means, scores = np.zeros((areas, width + weeks)), np.zeros((areas, width + weeks))
        for start in range(0, len(left), PART):
            part = slice(start, start + PART)
            columns, mass, area = counted.columns[part], counted.means[part], counted.area[part]
            within += hazard.gram(columns, mass)
            crossed += _summed(columns, mass, counted.week[part], weeks)
            means[:, :width] += _summed(columns, mass, area, areas)
            scores[:, :width] += _summed(columns, left[part], area, areas)
        means[:, width:] = _table(counted.area, counted.week, counted.means, (areas, weeks))
        scores[:, width:] = _table(counted.area, counted.week, left, (areas, weeks))
        by_area = np.asarray(np.bincount(counted.area, counted.means, areas), dtype=float)
        whole = np.block([[within, crossed.T], [crossed, np.diag(means[:, width:].sum(axis=0))]])
        return cls(whole - _between(means, means, by_area), means, scores, by_area)

    def net(self, counted: Counted, code: Codes) -> tuple[Floats, Floats]:
        """Scores (areas, bins) of the bins less what the nuisance takes of them, and their variance (bins, bins)."""
        count, width = int(code.max()) + 1, counted.columns.shape[1]
        shape = (len(self.by_area), count)
        own = _table(counted.area, code, counted.means, shape)
        left = _table(counted.area, code, counted.events - counted.means, shape)
        crossed = np.zeros((self.information.shape[0], count))
        for start in range(0, len(code), PART):
            part = slice(start, start + PART)
            crossed[:width] += _summed(counted.columns[part], counted.means[part], code[part], count).T
        crossed[width:] = _table(counted.week, code, counted.means, (crossed.shape[0] - width, count))
        crossed -= _between(self.means, own, self.by_area)
        scale = 1.0 / np.sqrt(np.maximum(np.diag(self.information), 1e-300))
        scale[np.diag(self.information) <= SLIGHT * self.means.sum(axis=0).max()] = 0.0
        scaled = self.information * np.outer(scale, scale)
        onto = scale[:, None] * linalg.lstsq(scaled, scale[:, None] * crossed, cond=1e-9, lapack_driver="gelsd")[0]
        variance = np.diag(own.sum(axis=0)) - _between(own, own, self.by_area) - crossed.T @ onto
        return left - self.scores @ onto, (variance + variance.T) / 2


def _summed(columns: Floats, weight: Floats, group: Codes, groups: int) -> Floats:
    """(groups, columns) weighted sums."""
    spread = sparse.csc_array((weight, group, np.arange(len(columns) + 1)), shape=(groups, len(columns)))
    return np.asarray(spread @ columns)


def _table(first: Codes, second: Codes, weight: Floats, shape: tuple[int, int]) -> Floats:
    summed = np.bincount(first * shape[1] + second, weight, shape[0] * shape[1])
    return np.asarray(summed, dtype=float).reshape(shape)


def _between(first: Floats, second: Floats, by_area: Floats) -> Floats:
    """What of a product of columns lies between areas: the sum over areas of their sums' products over the area's own."""
    share = np.divide(1.0, by_area, out=np.zeros_like(by_area), where=by_area > 0)
    return first.T @ (second * share[:, None])


def _scatter(scores: Floats, variance: Floats) -> float:
    """By how much areas' scores vary beyond what independent departures would, at least 1."""
    areas = len(scores)
    values, vectors = np.linalg.eigh(variance)
    told = values > SLIGHT * max(float(values[-1]), 1e-300)
    if areas < 2 or not told.any():
        return 1.0
    standard = (scores - scores.mean(axis=0)) @ vectors[:, told] / np.sqrt(values[told])
    return max(1.0, float((standard**2).sum()) * areas / (areas - 1) / int(told.sum()))


def _largest(total: Floats, variance: Floats, expected: float) -> tuple[float, float]:
    """The largest standardised cumulative sum, and how often chance makes one as large; nan where next to nothing of the
    variance of the ``expected`` departures is left to chance, because the fit follows every bin."""
    cumulated, along = np.cumsum(total)[:-1], np.cumsum(np.cumsum(variance, axis=0), axis=1)[:-1, :-1]
    size = np.diag(along)
    told = size > SLIGHT * max(float(np.trace(variance)), expected)
    if not told.any():
        return float("nan"), float("nan")
    error = np.sqrt(size[told])
    found = float(np.abs(cumulated[told] / error).max())
    values, vectors = np.linalg.eigh(along[np.ix_(told, told)] / np.outer(error, error))
    normal = np.random.default_rng(SEED).standard_normal((DRAWS, values.size))
    chance = np.abs(normal @ (vectors * np.sqrt(np.maximum(values, 0.0))).T).max(axis=1)
    return found, float((1 + (chance >= found).sum()) / (1 + DRAWS))
