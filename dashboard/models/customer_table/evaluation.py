"""How well departures can be predicted from a customer table, what that is worth, and which areas stand out in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bairro_error import BairroError
from dashboard.models.customer_table import table_areas
from dashboard.models.statistics import accuracy, crossfit, oversampling, tabular
from dashboard.models.statistics.accuracy import Calibration, Estimate

Floats = npt.NDArray[np.float64]

FEWEST_OF_EACH = 50


class EvaluationError(BairroError, ValueError):
    """A table on which no model can be judged; the message says why."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Customers (n,): what they are judged by, 1 for who left, and the neighbourhood where it is known."""

    predictors: pd.DataFrame
    outcome: Floats
    area: pd.Series | None


@dataclass(frozen=True, slots=True)
class Options:
    """``true_rate`` is the share that leaves where the table holds more leavers than there are; None: it is as they are."""

    true_rate: float | None
    quality: tuple[str, ...]
    search: crossfit.Search
    seed: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One model on rows that it did not see; lifts are of the tenth with the highest scores."""

    auc: Estimate
    lift_in_sample: float
    lift: Estimate
    capture: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found. ``model`` and ``plain`` (a plain logit) are judged on the same rows; ``auc_gain`` and
    ``lift_gain`` are their paired differences. Lift, capture and calibration are those at the true rate.
    """

    how: str
    customers: int
    leavers: int
    true_rate: float | None
    model: Judged
    plain: Judged
    auc_gain: Estimate
    lift_gain: Estimate
    calibration: Calibration
    choices: tuple[crossfit.Choice, ...]
    areas: table_areas.Areas | None
    quality: tuple[table_areas.QualityEffect, ...]


def cross_validated(rows: Rows, options: Options) -> Evaluation:
    """Judge by nested cross-validation: every row by models tuned and fitted on other folds. Raises EvaluationError."""
    _check(rows)
    scores = crossfit.nested(rows.predictors, rows.outcome, options.search, seed=options.seed)
    how = f"{options.search.folds} folds, tuned on {options.search.inner} folds within each"
    sampled = float(rows.outcome.mean())
    return _judge(rows, (scores.chosen, scores.plain), options, how=how, choices=scores.choices, sampled=sampled)


def on_holdout(rows: Rows, holdout: Rows, options: Options) -> tuple[Evaluation, tabular.Scorer]:
    """Judge on rows kept aside: tuned and fitted on ``rows`` alone. Raises EvaluationError."""
    _check(rows)
    _check(holdout, fewest=10)
    choice, scorer = learn(rows, options)
    plain = tabular.plain_logit(rows.predictors, rows.outcome)
    scores = scorer.log_odds(holdout.predictors), plain.log_odds(holdout.predictors)
    sampled = float(rows.outcome.mean())
    return _judge(holdout, scores, options, how="a table kept aside", choices=(choice,), sampled=sampled), scorer


def learn(rows: Rows, options: Options) -> tuple[crossfit.Choice, tabular.Scorer]:
    """The model on all rows, tuned by folds of them: what other tables are scored with. Raises EvaluationError."""
    _check(rows)
    choice = crossfit.choose(rows.predictors, rows.outcome, options.search, seed=options.seed)
    return choice, crossfit.fit(rows.predictors, rows.outcome, choice, seed=options.seed)


def chances(log_odds: Floats, rows: Rows, options: Options) -> Floats:
    """Chances of leaving (n,) at the true rate, for log odds of a model that was fitted to ``rows``."""
    return oversampling.corrected(log_odds, options.true_rate, float(rows.outcome.mean()))


def _check(rows: Rows, fewest: int = FEWEST_OF_EACH) -> None:
    left = int(rows.outcome.sum())
    least = min(left, len(rows.outcome) - left)
    if least < fewest:
        raise EvaluationError(
            f"{left} who left and {len(rows.outcome) - left} who stayed: at least {fewest} of each are needed"
        )
    if rows.predictors.shape[1] == 0:
        raise EvaluationError("no column is left to judge customers by")


def _judge(
    rows: Rows,
    scores: tuple[Floats, Floats],
    options: Options,
    *,
    how: str,
    choices: Sequence[crossfit.Choice],
    sampled: float,
) -> Evaluation:
    weight = oversampling.weights(rows.outcome, options.true_rate)
    both = np.stack(scores)
    aucs, _ = accuracy.auc_intervals(rows.outcome, both)
    draws = accuracy.bootstrapped(rows.outcome, both, weight, seed=options.seed)
    judged = [
        Judged(
            area,
            accuracy.lift(rows.outcome, score),
            accuracy.interval(accuracy.lift(rows.outcome, score, weight), draws[:, i]),
            accuracy.capture(rows.outcome, score, weight),
        )
        for i, (area, score) in enumerate(zip(aucs, both, strict=True))
    ]
    gain = judged[0].lift.value - judged[1].lift.value
    chance = oversampling.corrected(scores[0], options.true_rate, sampled)
    return Evaluation(
        how,
        len(rows.outcome),
        int(rows.outcome.sum()),
        options.true_rate,
        judged[0],
        judged[1],
        accuracy.auc_difference(rows.outcome, both[0], both[1]),
        accuracy.interval(gain, draws[:, 0] - draws[:, 1]),
        accuracy.calibration(rows.outcome, chance, weight),
        tuple(choices),
        _areas(rows, scores[0], options),
        () if rows.area is None else _quality(rows, rows.area, options),
    )


def _areas(rows: Rows, log_odds: Floats, options: Options) -> table_areas.Areas | None:
    """Areas against what their customers' columns explain; the scores are levelled on these rows first."""
    if rows.area is None or rows.area.nunique() < 2:
        return None
    known = np.flatnonzero(rows.area.notna().to_numpy())
    outcome = rows.outcome[known]
    shift = 0.0
    if options.true_rate is not None:
        shift = oversampling.intercept_shift(options.true_rate, float(outcome.mean()))
    levelled = crossfit.level(log_odds[known], outcome)
    return table_areas.rank(rows.area.iloc[known], outcome, levelled, shift=shift, seed=options.seed)


def _quality(rows: Rows, area: pd.Series, options: Options) -> tuple[table_areas.QualityEffect, ...]:
    told = tuple(name for name in options.quality if name in rows.predictors.columns)
    return table_areas.quality_effects(rows.predictors, area, rows.outcome, told)
