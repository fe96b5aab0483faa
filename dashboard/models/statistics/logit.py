"""A logistic regression with a penalty on how far each standardised column may reach, and its clustered uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from dashboard.models.statistics import clusters

Floats = npt.NDArray[np.float64]

MAX_ITERATIONS = 40
TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Fit:
    """``coefficients`` (columns,), their penalised ``information``, and the columns' ``chances`` (n,)."""

    coefficients: Floats
    information: Floats
    chances: Floats
    has_converged: bool


def fit(columns: Floats, outcome: Floats, penalty: Floats, start: Floats | None = None) -> Fit:
    """Maximise sum[y eta - ln(1 + e^eta)] - b'diag(penalty)b / 2, eta = columns @ b, by Newton with halved steps.

    ``penalty`` (columns,) is 0 for what is free, as the constant must be.
    """
    coefficients = np.zeros(columns.shape[1]) if start is None else start.copy()
    value = _objective(columns, outcome, penalty, coefficients)
    for _ in range(MAX_ITERATIONS):
        chances = special.expit(columns @ coefficients)
        score = columns.T @ (outcome - chances) - penalty * coefficients
        information = (columns * (chances * (1 - chances))[:, None]).T @ columns + np.diag(penalty)
        step = _solve(information, score)
        if float(score @ step) < TOLERANCE:
            return Fit(coefficients, information, chances, True)
        length = 1.0
        while length > 1e-6:
            candidate = coefficients + length * step
            better = _objective(columns, outcome, penalty, candidate)
            if np.isfinite(better) and better >= value - 1e-12 * abs(value):
                break
            length /= 2
        coefficients, value = candidate, better
    return Fit(coefficients, information, chances, False)


def covariance(columns: Floats, outcome: Floats, fitted: Fit, cluster: npt.NDArray[np.int64]) -> Floats | None:
    """Covariance (columns, columns) by clusters of like rows: None below ten, the one-step jackknife (CR3) below 100,
    else the sandwich (CR1)."""
    groups = int(cluster.max()) + 1 if cluster.size else 0
    if groups < clusters.FEWEST_CLUSTERS:
        return None
    residual = (outcome - fitted.chances)[:, None] * columns
    scores = np.stack([np.bincount(cluster, weights=column, minlength=groups) for column in residual.T], axis=-1)
    if groups >= clusters.JACKKNIFE_BELOW:
        bread = linalg.pinvh(fitted.information)
        return np.asarray(groups / (groups - 1) * bread @ (scores.T @ scores) @ bread)
    spread = fitted.chances * (1 - fitted.chances)
    away = np.empty_like(scores)
    for group in range(groups):
        own = columns[cluster == group]
        part = (own * spread[cluster == group, None]).T @ own
        away[group] = linalg.lstsq(fitted.information - part, scores[group], lapack_driver="gelsy")[0]
    return np.asarray((groups - 1) / groups * away.T @ away)


def _objective(columns: Floats, outcome: Floats, penalty: Floats, coefficients: Floats) -> float:
    predictor = columns @ coefficients
    return float(outcome @ predictor - np.logaddexp(0.0, predictor).sum() - 0.5 * penalty @ coefficients**2)


def _solve(matrix: Floats, right: Floats) -> Floats:
    try:
        return np.asarray(linalg.cho_solve(linalg.cho_factor(matrix), right))
    except (linalg.LinAlgError, ValueError):
        return np.asarray(linalg.lstsq(np.nan_to_num(matrix), right, lapack_driver="gelsy")[0])
