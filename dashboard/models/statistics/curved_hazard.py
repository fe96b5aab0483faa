"""Hazards in which some coefficients act along a curve: log hazard = columns @ c + f(b), fitted by steps of Gauss and Newton,
and near the maximum by Newton's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dashboard.models.statistics import hazard

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MAX_ITERATIONS = 40
DECREMENT_TOLERANCE = 1e-7
HALVINGS = 30
NEAR = 1.0
"""The decrement below which a step counts the curve's bends: near the maximum they save most steps, far from it they mislead."""


class Curve(Protocol):
    """What coefficients (curved,) add to the log hazard: a sum of curves, each of its own coefficient."""

    def at(self, effects: Floats) -> tuple[Floats, Floats]:
        """What they add to each row (n,), and its slopes in them (n, curved)."""

    def bends(self, effects: Floats, residual: Floats) -> Floats:
        """(curved,) the second slopes in them, summed over the rows, each times its ``residual`` (n,)."""


@dataclass(frozen=True, slots=True)
class CurvedFit:
    """``fit`` is of the columns with the curve's slopes in their place, at the maximum; ``log_means`` (n,) are of the
    expected events. Likelihoods, without the weak prior, are comparable between curves on the same rows.
    """

    fit: hazard.Fit
    log_means: Floats
    log_likelihood: float
    has_converged: bool


def fit(rows: hazard.Rows, places: Codes, curve: Curve, straight: hazard.Fit) -> CurvedFit:
    """Maximise the likelihood where the columns at ``places`` stand for ``curve``, from the ``straight`` fit on.

    The columns of ``rows`` at ``places`` are written over and left with the curve's slopes: a copy of all of them would
    not fit beside them in memory.
    """
    prior = np.where(rows.is_steadied, hazard.STEADYING * hazard.variances(rows.columns), 0.0)
    at, has_converged = _at(rows, places, curve, straight.coefficients), False
    for _ in range(MAX_ITERATIONS):
        rows.columns[:, places] = at.slopes
        mass = rows.weight * np.exp(at.log_means)
        residual = rows.weight * rows.events - mass
        score = np.where(straight.dropped, 0.0, rows.columns.T @ residual - prior * at.coefficients)
        information = _fixed(hazard.gram(rows.columns, mass) + np.diag(prior), straight)
        step = hazard.solve(information, score)
        if float(score @ step) < NEAR:
            bends = np.where(straight.dropped[places], 0.0, curve.bends(at.coefficients[places], residual))
            step = hazard.solve(_observed(information, places, bends), score)
        if float(score @ step) < DECREMENT_TOLERANCE:
            has_converged = True
            break
        better = _better(rows, places, curve, at, step=step, prior=prior)
        if better is None:
            break
        at = better
    rows.columns[:, places] = at.slopes
    away = np.exp(at.added - at.slopes @ at.coefficients[places])
    found = hazard.fit(replace(rows, days=rows.days * away), start=at.coefficients)
    return CurvedFit(found, at.log_means, _value(rows, at, 0.0 * prior), has_converged and found.has_converged)


def _fixed(information: Floats, straight: hazard.Fit) -> Floats:
    """The information where dropped columns stay as they are."""
    moves = ~straight.dropped
    return np.where(np.outer(moves, moves), information, np.diag(straight.dropped.astype(float)))


def _observed(information: Floats, places: Codes, bends: Floats) -> Floats:
    """The information with the curve's bends, as Newton has it; without them where it would not lead upwards."""
    observed = information.copy()
    observed[places, places] -= bends
    scale = 1.0 / np.sqrt(np.maximum(np.diag(information), 1e-300))
    try:
        np.linalg.cholesky(observed * np.outer(scale, scale))
    except np.linalg.LinAlgError:
        return information
    return observed


@dataclass(frozen=True, slots=True)
class _At:
    """The curve and the log means (n,) at some coefficients (columns,)."""

    coefficients: Floats
    added: Floats
    slopes: Floats
    log_means: Floats


def _at(rows: hazard.Rows, places: Codes, curve: Curve, coefficients: Floats) -> _At:
    added, slopes = curve.at(coefficients[places])
    straight = coefficients.copy()
    straight[places] = 0.0
    return _At(coefficients, added, slopes, np.log(np.maximum(rows.days, 1e-300)) + rows.columns @ straight + added)


def _value(rows: hazard.Rows, at: _At, prior: Floats) -> float:
    with np.errstate(over="ignore"):
        value = rows.weight @ (rows.events * at.log_means - np.exp(at.log_means))
    return float(value - 0.5 * prior @ at.coefficients**2)


def _better(rows: hazard.Rows, places: Codes, curve: Curve, at: _At, *, step: Floats, prior: Floats) -> _At | None:
    """As far along the step as the likelihood does not fall; None where it falls everywhere."""
    value, length = _value(rows, at, prior), 1.0
    for _ in range(HALVINGS):
        candidate = _at(rows, places, curve, at.coefficients + length * step)
        reached = _value(rows, candidate, prior)
        if np.isfinite(reached) and reached >= value - 1e-12 * (1 + abs(value)):
            return candidate
        length /= 2
    return None
