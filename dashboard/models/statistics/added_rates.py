"""Rates that rise by so much for each unit of something, on a grid of areas and weeks with an effect of each.

    events / customers = area x week + shift of the week + columns b

Areas and weeks multiply, as levels and calendars do; what the columns do adds. A week may also add the same to all areas,
so that what befalls all of them at once is never told from the calendar by its form. b is found by least squares with
customers as weights, areas and weeks projected out around their own fit. Where the true response bends, b is its mean slope, over the
units as they fell (Angrist and Krueger 1999; Yitzhaki 1996): no form is carried to where no unit was. Errors are those of
the jackknife that leaves one area out at a time (CR3; Bell and McCaffrey 2002), never below those that counts have by
themselves, and read against Student's t or, where a few areas carry the columns, against what the same design does with
drawn counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from dashboard.models.statistics import clusters

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ROUNDS = 3
LEVEL_ROUNDS = 20
DRAWS = 1000
RIDGE = 1e-9
LEAST_LEFT = 1e-6
"""The part of a column's variation that has to be left beyond areas and weeks for it to have a slope."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Events and customers (areas, weeks), columns (areas, weeks, columns), cells in use; others may hold anything finite."""

    events: Floats
    customers: Floats
    columns: Floats
    is_used: Flags

    def informative(self) -> Grid:
        """Without areas and weeks of which no cell is used."""
        used = self.is_used & (self.customers > 0)
        keep = np.ix_(used.any(axis=1), used.any(axis=0))
        return Grid(self.events[keep], self.customers[keep], self.columns[keep], used[keep])


@dataclass(frozen=True, slots=True)
class Fit:
    """Slopes (columns,), and what they were made of: ``net`` (areas, weeks, columns) and ``means`` (areas, weeks) events.

    ``information`` (areas, columns, columns) is each area's part; ``left`` (columns,) the part of each column's variation
    that areas and weeks leave; ``levels`` (areas,) and (weeks,) are theirs.
    """

    slopes: Floats
    information: Floats
    net: Floats
    means: Floats
    left: Floats
    levels: tuple[Floats, Floats]

    @property
    def is_estimated(self) -> bool:
        return bool(self.slopes.size and (self.left > LEAST_LEFT).all() and np.isfinite(self.slopes).all())


def fit(grid: Grid) -> Fit:
    """Least squares around levels of areas and weeks, which are found again with each new slope."""
    weight, rate, columns = _cells(grid)
    slopes = np.zeros(columns.shape[2])
    for _ in range(ROUNDS):
        area, week = _levels(rate - columns @ slopes, weight)
        net, left = _net(columns, rate, weight, (area, week))
        information = np.einsum("atk,at,atl->akl", net, weight, net)
        slopes = _solved(information.sum(axis=0), np.einsum("atk,at,at->k", net, weight, left))
    means = np.maximum(grid.customers * (area[:, None] * week + columns @ slopes), 0.0)
    centred = columns - np.average(columns.reshape(-1, slopes.size), axis=0, weights=weight.ravel())
    whole = np.einsum("at,atk->k", weight, centred**2)
    own = np.einsum("akk->k", information)
    part = np.divide(own, whole, out=np.zeros_like(own), where=whole > 0)
    return Fit(slopes, information, net, np.where(grid.is_used, means, 0.0), part, (area, week))


def _cells(grid: Grid) -> tuple[Floats, Floats, Floats]:
    """Customers, rates and columns, 0 where a cell is not used."""
    weight = np.where(grid.is_used, grid.customers, 0.0)
    rate = np.divide(grid.events, grid.customers, out=np.zeros_like(weight), where=weight > 0)
    return weight, rate, np.where(grid.is_used[:, :, None], grid.columns, 0.0)


def _levels(rate: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Levels of areas (areas,) and weeks (weeks,), the latter about 1, whose products are nearest to the rates."""
    area, week = np.ones(rate.shape[0]), np.ones(rate.shape[1])
    least = 1e-3 * max(float((weight * rate).sum() / max(weight.sum(), 1e-300)), 1e-12)
    for _ in range(LEVEL_ROUNDS):
        area = np.maximum((weight * week * rate).sum(axis=1) / (weight * week**2).sum(axis=1), least)
        by_area = area[:, None]
        week = np.maximum((weight * by_area * rate).sum(axis=0) / (weight * by_area**2).sum(axis=0), 1e-3)
        week /= week.mean()
    return area, week


def _net(columns: Floats, rate: Floats, weight: Floats, levels: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Columns and rates less their projection on every area's course of weeks and every week's of areas."""
    area, week = levels
    values = np.concatenate([columns, rate[:, :, None]], axis=2)
    by_area = np.maximum((weight * week**2).sum(axis=1), 1e-300)

    def off_areas(x: Floats) -> Floats:
        share = np.einsum("at,atk->ak", weight * week, x) / by_area[:, None]
        return np.asarray(x - week[None, :, None] * share[:, None, :])

    values = off_areas(values)
    shapes = np.stack([area / area.mean(), np.ones_like(area)], axis=1)
    parts = weight[:, :, None] * shapes[:, None, :]
    cross = (parts * week[None, :, None]).reshape(len(area), -1)
    weeks = -(cross / by_area[:, None]).T @ cross
    same = np.einsum("ati,aj->tij", parts, shapes)
    for place, own in enumerate(same):
        span = slice(2 * place, 2 * place + 2)
        weeks[span, span] += own
    # A week that adds to all what an area's course already holds has no place of its own: the ridge leaves it at none.
    weeks[np.diag_indices(len(weeks))] *= 1 + RIDGE
    onto = _onto(weeks, np.einsum("ati,atk->tik", parts, values).reshape(len(weeks), -1))
    values -= off_areas(np.einsum("ai,tik->atk", shapes, onto.reshape(len(week), 2, -1)))
    return values[:, :, :-1], values[:, :, -1]


def _onto(matrix: Floats, right: Floats) -> Floats:
    """The solution of the weeks' equations; where two of them say the same, the smallest."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled, asked = matrix * np.outer(scale, scale), scale[:, None] * right
    try:
        found = linalg.cho_solve(linalg.cho_factor(scaled), asked)
    except linalg.LinAlgError:
        found = linalg.pinvh(scaled, rtol=RIDGE) @ asked
    return np.asarray(scale[:, None] * found)


def _solved(matrix: Floats, right: Floats) -> Floats:
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * np.outer(scale, scale)
    return np.asarray(scale * (linalg.pinvh(scaled, rtol=1e-10) @ (scale * right)))


def infer(grid: Grid, fitted: Fit, contrasts: Floats, *, is_counted: bool = True) -> clusters.Inference:
    """Estimates of ``contrasts`` (contrasts, columns) with the covariance of the jackknife over areas.

    Below ten areas there is none. From 100 on an area is left out of the sums only, not of the levels of weeks. What
    counts do by themselves is asked only of events that are counted.
    """
    areas, estimates = len(grid.events), contrasts @ fitted.slopes
    nobody = np.zeros(estimates.shape, bool)
    if areas < clusters.FEWEST_CLUSTERS:
        why = f"no interval: fewer than {clusters.FEWEST_CLUSTERS} neighbourhoods"
        return clusters.Inference(estimates, None, areas, why, nobody)
    is_few = areas < clusters.JACKKNIFE_BELOW
    away, is_lost = (_refitted if is_few else _left_out)(grid, fitted)
    away = (away - fitted.slopes) @ contrasts.T
    rests_on_one = (np.abs(contrasts) > 0) @ is_lost
    covariance, reference = (areas - 1) / areas * away.T @ away, None
    if is_counted:
        covariance = clusters.at_least(covariance, _of_counts(fitted, contrasts), areas)
    if is_counted and is_few and not rests_on_one.any():
        reference = clusters.simulate(_drawn(fitted), fitted.information, contrasts)
    method = clusters.JACKKNIFE if is_few else clusters.ONE_STEP
    return clusters.Inference(estimates, covariance, areas, method, rests_on_one, reference)


def _refitted(grid: Grid, fitted: Fit) -> tuple[Floats, Flags]:
    """Slopes (areas, columns) without each area, and the columns that one area's absence leaves without a slope."""
    cells, (area, week) = _cells(grid), fitted.levels
    whole = np.einsum("akk->k", fitted.information)
    slopes, is_lost = [], np.zeros(whole.size, bool)
    for one in range(len(grid.events)):
        weight, rate, columns = (np.delete(values, one, axis=0) for values in cells)
        net, left = _net(columns, rate, weight, (np.delete(area, one), week))
        information = np.einsum("atk,at,atl->kl", net, weight, net)
        slopes.append(_solved(information, np.einsum("atk,at,at->k", net, weight, left)))
        is_lost |= np.diag(information) <= LEAST_LEFT * whole
    return np.stack(slopes), is_lost


def _left_out(grid: Grid, fitted: Fit) -> tuple[Floats, Flags]:
    total, weight = fitted.information.sum(axis=0), np.where(grid.is_used, grid.customers, 0.0)
    rate = np.divide(grid.events - fitted.means, grid.customers, out=np.zeros_like(weight), where=weight > 0)
    score = np.einsum("atk,at,at->ak", fitted.net, weight, rate)
    slopes = np.stack(
        [fitted.slopes - _solved(total - own, part) for own, part in zip(fitted.information, score, strict=True)]
    )
    kept = np.einsum("kk->k", total) - np.einsum("akk->ak", fitted.information)
    return slopes, (kept <= LEAST_LEFT * np.diag(total)).any(axis=0)


def _of_counts(fitted: Fit, contrasts: Floats) -> Floats:
    """The covariance of the contrasts if events came by themselves, one at a time (Poisson)."""
    bread = linalg.pinvh(fitted.information.sum(axis=0), rtol=1e-12) @ contrasts.T
    counted = np.einsum("atk,at,atl->kl", fitted.net, fitted.means, fitted.net)
    return np.asarray(bread.T @ counted @ bread)


def _drawn(fitted: Fit) -> Floats:
    """Net scores (areas, draws, columns) of Poisson counts around the fitted means, with a fixed seed."""
    random = np.random.default_rng(clusters.SIMULATION_SEED)
    scores = [
        (random.poisson(means, (DRAWS, means.size)) - means) @ net
        for means, net in zip(fitted.means, fitted.net, strict=True)
    ]
    return np.stack(scores)


def reach(inference: clusters.Inference, level: float = 0.95) -> Floats:
    """By how many errors (contrasts,) an interval reaches to each side: Student's t, or the reference's where it is wider."""
    usual = float(stats.t.ppf((1 + level) / 2, max(inference.clusters - 1, 1)))
    if inference.reference is None:
        return np.full(inference.estimates.shape, usual)
    return np.maximum(np.quantile(inference.reference.ratios, level, axis=0), usual)
