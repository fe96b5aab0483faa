"""Poisson counts on a grid of areas and weeks with an effect of each: fitted by Newton, areas concentrated out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MAX_ITERATIONS = 60
DECREMENT_TOLERANCE = 1e-14
SEPARATED_LOG_RATIO = 12.0
UNIDENTIFIED_SHARE = 1e-7


@dataclass(frozen=True, slots=True)
class Grid:
    """Counts (areas, weeks), the log of their exposure, explaining columns (areas, weeks, columns), cells in use.

    Cells that are not used may hold anything finite.
    """

    counts: Floats
    log_exposure: Floats
    columns: Floats
    is_used: Flags

    def informative(self) -> Grid:
        """Without areas and weeks that have no event: their own effect explains them wholly."""
        counts = np.where(self.is_used, self.counts, 0.0)
        used = self.is_used & (counts.sum(axis=1) > 0)[:, None] & (counts.sum(axis=0) > 0)[None, :]
        areas, weeks = used.any(axis=1), used.any(axis=0)
        keep = np.ix_(areas, weeks)
        return Grid(counts[keep], self.log_exposure[keep], self.columns[keep], used[keep])

    def only(self, areas: Flags) -> Grid:
        return Grid(self.counts[areas], self.log_exposure[areas], self.columns[areas], self.is_used[areas])

    def with_columns(self, columns: Flags) -> Grid:
        return Grid(self.counts, self.log_exposure, self.columns[:, :, columns], self.is_used)


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients (columns,) and their information (columns, columns) net of areas and weeks.

    ``scores`` (areas, columns) are each area's part of the net score; ``net_columns`` (areas, weeks, columns) and
    ``means`` (areas, weeks) are what the net score of any counts is made of. ``separated`` and ``unidentified``
    (columns,) mark what has no finite estimate, or none at all.
    """

    coefficients: Floats
    information: Floats
    scores: Floats
    net_columns: Floats
    means: Floats
    separated: Flags
    unidentified: Flags
    has_converged: bool
    log_likelihood: float

    @property
    def area_information(self) -> Floats:
        """Each area's part (areas, columns, columns) of the net information."""
        weighted = self.net_columns * self.means[:, :, None]
        return np.asarray(np.matmul(weighted.transpose(0, 2, 1), self.net_columns))


@dataclass(frozen=True, slots=True)
class _Point:
    """The concentrated likelihood at one parameter value."""

    log_likelihood: float
    shares: Floats
    totals: Floats

    @property
    def means(self) -> Floats:
        return self.totals[:, None] * self.shares


def fit(grid: Grid, start: Floats | None = None) -> Fit:
    """Maximise the Poisson likelihood with area and week effects.

    Given its total, an area's counts over the weeks are multinomial (Hausman, Hall and Griliches 1984): the area
    effects drop out in closed form and the estimates are those of the Poisson model with all its dummies.
    A column with no variation of its own gets coefficient 0 and is marked unidentified.
    """
    grid = grid.informative()
    areas, weeks, columns = grid.columns.shape
    if areas == 0 or weeks < 2:
        everything = np.ones(columns, bool)
        nothing = np.zeros((0, columns))
        none = np.zeros((columns, columns))
        cells = np.zeros((0, weeks))
        net = np.zeros((0, weeks, columns))
        return Fit(nothing.sum(axis=0), none, nothing, net, cells, ~everything, everything, False, 0.0)
    coefficients = np.zeros(columns) if start is None else start.copy()
    week_effects = _first_week_effects(grid, coefficients)
    point = _at(grid, coefficients, week_effects)
    has_converged = False
    for _ in range(MAX_ITERATIONS):
        step, step_weeks, decrement = _newton(grid, point)
        if decrement < DECREMENT_TOLERANCE:
            has_converged = True
            break
        coefficients, week_effects, point, moved = _line_search(
            grid, point, (coefficients, week_effects), (step, step_weeks)
        )
        if not moved:
            break
    return _finish(grid, point, coefficients, has_converged)


def _first_week_effects(grid: Grid, coefficients: Floats) -> Floats:
    exposure = np.where(grid.is_used, np.exp(grid.log_exposure + grid.columns @ coefficients), 0.0)
    effects = np.log(grid.counts.sum(axis=0)) - np.log(exposure.sum(axis=0))
    return np.asarray(effects - effects[0])


def _at(grid: Grid, coefficients: Floats, week_effects: Floats) -> _Point:
    predictor = np.where(grid.is_used, grid.log_exposure + week_effects + grid.columns @ coefficients, -np.inf)
    top = predictor.max(axis=1, keepdims=True)
    weight = np.exp(predictor - top)
    total_weight = weight.sum(axis=1, keepdims=True)
    totals = grid.counts.sum(axis=1)
    explained = np.where(grid.counts > 0, grid.counts * np.where(grid.is_used, predictor, 0.0), 0.0).sum()
    return _Point(float(explained - totals @ (top + np.log(total_weight))[:, 0]), weight / total_weight, totals)


def _derivatives(grid: Grid, point: _Point) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Scores of columns and weeks, information (columns, columns), (weeks, columns), (weeks, weeks); first week fixed."""
    means, shares, totals = point.means, point.shares, point.totals[:, None]
    flat = grid.columns.reshape(-1, grid.columns.shape[2])
    weighted = flat * means.reshape(-1, 1)
    area_means = np.einsum("at,atq->aq", shares, grid.columns)
    residuals = grid.counts - means
    score = flat.T @ residuals.reshape(-1)
    columns_columns = weighted.T @ flat - area_means.T @ (totals * area_means)
    weeks_columns = weighted.reshape(grid.columns.shape).sum(axis=0) - shares.T @ (totals * area_means)
    weeks_weeks = np.diag(means.sum(axis=0)) - shares.T @ (totals * shares)
    return score, residuals.sum(axis=0)[1:], columns_columns, weeks_columns[1:], weeks_weeks[1:, 1:]


def _newton(grid: Grid, point: _Point) -> tuple[Floats, Floats, float]:
    score, week_score, columns_columns, weeks_columns, weeks_weeks = _derivatives(grid, point)
    projection = _solve(weeks_weeks, np.column_stack([weeks_columns, week_score]))
    onto, week_step = projection[:, :-1], projection[:, -1]
    information = columns_columns - weeks_columns.T @ onto
    net_score = score - onto.T @ week_score
    step = _solve(information, net_score)
    step_weeks = week_step - onto @ step
    return step, step_weeks, float(score @ step + week_score @ step_weeks)


def _solve(matrix: Floats, right: Floats) -> Floats:
    """The least-norm solution where the matrix is singular, as it is for columns with no variation."""
    if matrix.size == 0:
        return np.zeros_like(right)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * scale[:, None] * scale[None, :]
    right = right * (scale if right.ndim == 1 else scale[:, None])
    try:
        solution = linalg.cho_solve(linalg.cho_factor(scaled), right)
    except (linalg.LinAlgError, ValueError):
        solution = linalg.pinvh(np.nan_to_num(scaled), rtol=1e-10) @ right
    return np.asarray(solution * (scale if right.ndim == 1 else scale[:, None]))


def _line_search(
    grid: Grid, point: _Point, place: tuple[Floats, Floats], step: tuple[Floats, Floats]
) -> tuple[Floats, Floats, _Point, bool]:
    """Halve the step until the likelihood does not fall."""
    length, slack = 1.0, 1e-12 * (1.0 + abs(point.log_likelihood))
    for _ in range(30):
        coefficients = place[0] + length * step[0]
        week_effects = place[1] + length * np.concatenate([[0.0], step[1]])
        with np.errstate(over="ignore", invalid="ignore"):
            candidate = _at(grid, coefficients, week_effects)
        if np.isfinite(candidate.log_likelihood) and candidate.log_likelihood >= point.log_likelihood - slack:
            return coefficients, week_effects, candidate, True
        length /= 2
    return place[0], place[1], point, False


def _finish(grid: Grid, point: _Point, coefficients: Floats, has_converged: bool) -> Fit:
    _, _, columns_columns, weeks_columns, weeks_weeks = _derivatives(grid, point)
    onto = _solve(weeks_weeks, weeks_columns)
    information = columns_columns - weeks_columns.T @ onto
    residuals = grid.counts - point.means
    scores = np.einsum("at,atq->aq", residuals, grid.columns) - residuals[:, 1:] @ onto
    spread = np.where(grid.is_used[:, :, None], grid.columns, np.nan)
    reach = np.nanmax(spread, axis=(0, 1)) - np.nanmin(spread, axis=(0, 1))
    separated = np.abs(coefficients) * reach > SEPARATED_LOG_RATIO
    raw = (grid.counts.sum() * reach**2) + 1e-300
    unidentified = (np.diag(information) / raw < UNIDENTIFIED_SHARE) & ~separated
    return Fit(
        np.where(unidentified, 0.0, coefficients),
        information,
        scores,
        _net_columns(grid, point, onto),
        point.means,
        separated,
        unidentified,
        has_converged and not separated.any(),
        point.log_likelihood,
    )


def _net_columns(grid: Grid, point: _Point, onto: Floats) -> Floats:
    """The columns (areas, weeks, columns) less their area means and their projection on the weeks."""
    net = grid.columns - np.concatenate([np.zeros((1, onto.shape[1])), onto])[None, :, :]
    return np.asarray(net - np.einsum("at,atq->aq", point.shares, net)[:, None, :])


def one_step(grid: Grid, fitted: Fit, kept: Flags) -> tuple[Floats, Flags]:
    """How one Newton step moves the coefficients (columns,) where only the ``kept`` areas count, and which then have none.

    ``grid`` is the one that was fitted, without areas and weeks that have no event.
    """
    own = grid.only(kept)
    totals = own.counts.sum(axis=1)
    point = _Point(fitted.log_likelihood, fitted.means[kept] / totals[:, None], totals)
    score, week_score, columns_columns, weeks_columns, weeks_weeks = _derivatives(own, point)
    onto = _solve(weeks_weeks, weeks_columns)
    information = columns_columns - weeks_columns.T @ onto
    unidentified = np.diag(information) < UNIDENTIFIED_SHARE * np.diag(fitted.information)
    return _solve(information, score - onto.T @ week_score), np.asarray(unidentified)


def net_information(grid: Grid) -> Floats:
    """Information (columns, columns) net of areas and weeks where every coefficient is zero: what can be told apart."""
    grid = grid.informative()
    if 0 in grid.columns.shape[:2]:
        return np.zeros((grid.columns.shape[2],) * 2)
    nothing = np.zeros(grid.columns.shape[2])
    point = _at(grid, nothing, _first_week_effects(grid, nothing))
    _, _, columns_columns, weeks_columns, weeks_weeks = _derivatives(grid, point)
    return np.asarray(columns_columns - weeks_columns.T @ _solve(weeks_weeks, weeks_columns))
