"""Piecewise-constant hazards: events in stretches of time at risk, fitted by Newton, with clustered uncertainty."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from dashboard.models.statistics import clusters

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

MAX_ITERATIONS = 60
DECREMENT_TOLERANCE = 1e-9
LONGEST_STEP = 5.0
SEPARATED_LOG_RATIO = 12.0
LEAST_APART = 1e-7
STEADYING = 0.01
"""Precision of a weak normal prior at zero on the steadied columns, per standard deviation of the column."""
CHUNK = 4096
"""Rows multiplied at a time, so that what is made of them stays in the processor's cache."""
DRAWS = 2000
SIMULATION_SEED = 20260102


@dataclass(frozen=True, slots=True)
class Rows:
    """Stretches at risk (n,): whether each ended in the event, its days, weight, cluster code, columns (n, columns).

    ``weight`` is the inverse of the chance with which a row was kept. ``is_steadied`` (columns,) marks columns that a
    weak prior keeps finite; the others are estimated free.
    """

    events: Floats
    days: Floats
    weight: Floats
    columns: Floats
    cluster: Codes
    is_steadied: Flags

    @property
    def clusters(self) -> int:
        return int(self.cluster.max()) + 1 if self.cluster.size else 0


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients (columns,), their penalised information, and each cluster's part of score and information.

    ``dropped`` (columns,) marks what does not vary or follows from the columns before it: its coefficient is 0.
    ``means`` (n,) are the expected events of each row; ``separated`` marks columns without a finite estimate.
    """

    coefficients: Floats
    information: Floats
    scores: Floats
    cluster_information: Floats
    means: Floats
    dropped: Flags
    separated: Flags
    has_converged: bool
    log_likelihood: float


def fit(rows: Rows, *, start: Floats | None = None) -> Fit:
    """Maximise the likelihood of a hazard exp(columns @ b) a day that is constant within a row, from ``start`` on.

    events ~ Poisson(days exp(columns @ b)), which for such a hazard is the likelihood itself (Holford 1980; Laird and
    Olivier 1981), weighted where rows were sampled.
    """
    dropped = _dropped(rows)
    kept = ~dropped
    columns = rows.columns if kept.all() else rows.columns[:, kept]
    prior = np.where(rows.is_steadied[kept], STEADYING * variances(columns), 0.0)
    begin = _start(rows, columns) if start is None else start[kept]
    coefficients, has_converged, value = _maximise(rows, columns, prior, begin)
    means = rows.days * np.exp(columns @ coefficients)
    residual = rows.weight * (rows.events - means)
    groups = rows.clusters
    scores = np.zeros((groups, columns.shape[1]))
    information = np.zeros((groups, columns.shape[1], columns.shape[1]))
    mass = rows.weight * means
    for group, places in _by_cluster(rows.cluster, groups):
        own = columns[places]
        scores[group] = own.T @ residual[places]
        information[group] = gram(own, mass[places])
    reach = np.ptp(columns, axis=0) if len(columns) else np.zeros(columns.shape[1])
    total = information.sum(axis=0) + np.diag(prior)
    return Fit(
        _spread(coefficients, kept),
        _spread_square(total, kept),
        _spread(scores, kept),
        np.stack([_spread_square(part, kept) for part in information]) if groups else np.zeros((0, *[kept.size] * 2)),
        means,
        dropped,
        _spread((np.abs(coefficients) * reach > SEPARATED_LOG_RATIO).astype(float), kept).astype(bool)
        & ~rows.is_steadied,
        has_converged,
        value,
    )


def covariance(fitted: Fit) -> Floats | None:
    """Covariance (columns, columns) of the coefficients from how they move without each cluster; None below ten.

    The jackknife's refits are one Newton step from the whole fit (CV3L of MacKinnon, Nielsen and Webb 2023); from
    ``clusters.ONE_STEP_BELOW`` clusters on the sandwich does as well (CR1).
    """
    groups = len(fitted.scores)
    if groups < clusters.FEWEST_CLUSTERS:
        return None
    kept = ~fitted.dropped
    total = fitted.information[np.ix_(kept, kept)]
    scores = fitted.scores[:, kept]
    if groups >= clusters.ONE_STEP_BELOW:
        bread = linalg.pinvh(total)
        return _spread_square(groups / (groups - 1) * bread @ (scores.T @ scores) @ bread, kept)
    away = np.stack(
        [
            linalg.lstsq(total - own[np.ix_(kept, kept)], score, lapack_driver="gelsy")[0]
            for own, score in zip(fitted.cluster_information, scores, strict=True)
        ]
    )
    return _spread_square((groups - 1) / groups * away.T @ away, kept)


def careful_covariance(fitted: Fit) -> Floats | None:
    """The clustered covariance with no interval shorter than the likelihood's own (``clusters.at_least``)."""
    found = covariance(fitted)
    if found is None:
        return None
    kept = ~fitted.dropped
    model = _spread_square(linalg.pinvh(fitted.information[np.ix_(kept, kept)]), kept)
    return clusters.at_least(found, model, len(fitted.scores))


def infer(rows: Rows, fitted: Fit, named: Codes) -> clusters.Inference:
    """Estimates of the ``named`` columns with intervals by t(clusters - 1), and how far chance takes their statistics."""
    estimates, groups = fitted.coefficients[named], len(fitted.scores)
    nobody = np.zeros(named.size, bool)
    found = careful_covariance(fitted)
    if found is None:
        method = f"no interval: fewer than {clusters.FEWEST_CLUSTERS} clusters"
        return clusters.Inference(estimates, None, groups, method, nobody)
    own = found[np.ix_(named, named)]
    if groups >= clusters.ONE_STEP_BELOW:
        return clusters.Inference(estimates, own, groups, clusters.SANDWICH, nobody)
    reference = _reference(rows, fitted, named) if groups < clusters.JACKKNIFE_BELOW else None
    return clusters.Inference(estimates, own, groups, clusters.ONE_STEP, nobody, reference)


def _reference(rows: Rows, fitted: Fit, named: Codes) -> clusters.Reference:
    """The statistics of this design where nothing is there, from events drawn around the fitted means.

    Only the named columns net of all others matter: their scores need one draw of the events' places, since an
    expected event falls on a row in proportion to its mean.
    """
    order = np.argsort(rows.cluster, kind="stable")
    groups, net = rows.clusters, _net_columns(rows, fitted, named)[order]
    mass = (rows.weight * fitted.means)[order]
    ends = np.searchsorted(rows.cluster[order], np.arange(groups + 1))
    information = np.zeros((groups, named.size, named.size))
    expected = np.zeros((groups, named.size))
    for group, own in enumerate(slice(*pair) for pair in itertools.pairwise(ends)):
        information[group], expected[group] = gram(net[own], mass[own]), mass[own] @ net[own]
    edges = np.cumsum(mass)
    borders = np.append(0.0, edges)[ends]
    random = np.random.default_rng(SIMULATION_SEED)
    scores = np.empty((groups, DRAWS, named.size))
    for draw in range(DRAWS):
        struck_at = _ascending(random, random.poisson(edges[-1])) * edges[-1]
        struck = np.minimum(np.searchsorted(edges, struck_at), edges.size - 1)
        summed = np.vstack([np.zeros(named.size), np.cumsum(net[struck], axis=0)])
        scores[:, draw] = np.diff(summed[np.searchsorted(struck_at, borders)], axis=0)
    return clusters.simulate(scores - expected[:, None, :], information, np.eye(named.size), is_floored=True)


def _ascending(random: np.random.Generator, count: int) -> Floats:
    """``count`` uniform numbers in ascending order: neighbours are then looked up near each other in memory."""
    gaps = np.cumsum(random.standard_exponential(count + 1))
    return np.asarray(gaps[:-1] / gaps[-1])


def _net_columns(rows: Rows, fitted: Fit, named: Codes) -> Floats:
    """The named columns (n, named) less their weighted projection on all others."""
    others = np.setdiff1d(np.flatnonzero(~fitted.dropped), named)
    onto = linalg.lstsq(
        fitted.information[np.ix_(others, others)], fitted.information[np.ix_(others, named)], lapack_driver="gelsy"
    )[0]
    return np.asarray(rows.columns[:, named] - rows.columns[:, others] @ onto)


def _maximise(rows: Rows, columns: Floats, prior: Floats, coefficients: Floats) -> tuple[Floats, bool, float]:
    value = _log_likelihood(rows, columns, prior, coefficients)
    for _ in range(MAX_ITERATIONS):
        mass = rows.weight * rows.days * np.exp(columns @ coefficients)
        score = columns.T @ (rows.weight * rows.events - mass) - prior * coefficients
        step = solve(gram(columns, mass) + np.diag(prior), score)
        reach = np.abs(columns @ step).max(initial=0.0)
        if float(score @ step) < DECREMENT_TOLERANCE:
            return coefficients, True, value
        length = min(1.0, LONGEST_STEP / reach) if reach > 0 else 1.0
        for _ in range(30):
            candidate = coefficients + length * step
            better = _log_likelihood(rows, columns, prior, candidate)
            if np.isfinite(better) and better >= value - 1e-12 * (1 + abs(value)):
                break
            length /= 2
        else:
            return coefficients, False, value
        coefficients, value = candidate, better
    return coefficients, False, value


def _start(rows: Rows, columns: Floats) -> Floats:
    """The overall rate on the constant column, which comes first; 0 on the others."""
    start = np.zeros(columns.shape[1])
    events, days = float(rows.weight @ rows.events), float(rows.weight @ rows.days)
    if start.size and events > 0 and days > 0:
        start[0] = np.log(events / days)
    return start


def _log_likelihood(rows: Rows, columns: Floats, prior: Floats, coefficients: Floats) -> float:
    with np.errstate(over="ignore"):
        predictor = columns @ coefficients
        value = rows.weight @ (rows.events * predictor - rows.days * np.exp(predictor))
    return float(value - 0.5 * prior @ coefficients**2)


def solve(matrix: Floats, right: Floats) -> Floats:
    scale = 1.0 / np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix * np.outer(scale, scale)
    try:
        solution = linalg.cho_solve(linalg.cho_factor(scaled), right * scale)
    except (linalg.LinAlgError, ValueError):
        solution = linalg.pinvh(np.nan_to_num(scaled), rtol=1e-10) @ (right * scale)
    return np.asarray(solution * scale)


def _dropped(rows: Rows) -> Flags:
    """Columns that say nothing the ones before them do not: what is left of them is a rounding error."""
    inner = gram(rows.columns, rows.weight * rows.days)
    size = np.diag(inner)
    scale = 1.0 / np.sqrt(np.where(size > 0, size, 1.0))
    left = inner * np.outer(scale, scale)
    dropped = np.zeros(size.size, bool)
    for i in range(size.size):
        if size[i] <= 0 or left[i, i] < LEAST_APART:
            dropped[i] = True
            continue
        left -= np.outer(left[:, i], left[i]) / left[i, i]
    return dropped


def gram(columns: Floats, weight: Floats) -> Floats:
    """columns' diag(weight) columns, of weights from 0 on. A matrix times its own transpose is half of the work."""
    total = np.zeros((columns.shape[1], columns.shape[1]))
    for start in range(0, len(columns), CHUNK):
        own = columns[start : start + CHUNK]
        own = own * np.sqrt(weight[start : start + CHUNK, None])
        total += own.T @ own
    return total


def variances(columns: Floats) -> Floats:
    """The variance (columns,) of each column."""
    if not len(columns):
        return np.zeros(columns.shape[1])
    means = columns.mean(axis=0)
    return np.maximum(np.einsum("ij,ij->j", columns, columns) / len(columns) - means**2, 0.0)


def _by_cluster(cluster: Codes, groups: int) -> list[tuple[int, Codes | slice]]:
    """Where each cluster's rows are; where they stand together, without copying them to look at them."""
    is_sorted = bool((cluster[:-1] <= cluster[1:]).all())
    order = None if is_sorted else np.argsort(cluster, kind="stable")
    edges = np.searchsorted(cluster if order is None else cluster[order], np.arange(groups + 1)).tolist()
    places = (slice(*pair) for pair in itertools.pairwise(edges))
    return [(group, own if order is None else order[own]) for group, own in enumerate(places)]


def _spread(values: Floats, kept: Flags) -> Floats:
    """Put values (…, kept) back among all columns, 0 elsewhere."""
    out = np.zeros((*values.shape[:-1], kept.size))
    out[..., kept] = values
    return out


def _spread_square(values: Floats, kept: Flags) -> Floats:
    out = np.zeros((kept.size, kept.size))
    out[np.ix_(kept, kept)] = values
    return out
