"""Models of a customer table with a row per customer: a logit with splines, boosted trees, and both together.

    log odds of leaving = a + sum_j s_j(x_j)                 (penalised; restricted cubic splines, Harrell 2015)
    log odds of leaving = sum of trees                        (Friedman 2001; scikit-learn's histograms)

It assumes that the rows are independent given their columns, and that customers yet to come are like these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from dashboard.models.statistics import logit
from dashboard.models.statistics.splines import restricted_cubic_spline

Floats = npt.NDArray[np.float64]
Columns = Callable[[pd.DataFrame], Floats]

KNOT_SHARES = (0.05, 0.275, 0.5, 0.725, 0.95)
CLIPPED_SHARES = (0.002, 0.998)
FEWEST_FOR_SPLINE = 8
RARE_ROWS = 20
MOST_CODES = 200
PLAIN_PENALTY = 1e-3


@dataclass(frozen=True, slots=True)
class Trees:
    """How trees are grown: pace, rounds, leaves and the share of columns that each split may look at."""

    learning_rate: float
    rounds: int
    leaves: int
    column_share: float
    fewest_in_leaf: int = 100
    penalty: float = 10.0


QUICK = Trees(0.08, 100, 15, 0.5)
PATIENT = Trees(0.04, 300, 15, 0.3)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A fitted model: ``log_odds`` of leaving (n,) for predictors with the columns that it was fitted to."""

    log_odds: Columns


def is_number(predictors: pd.DataFrame, name: str) -> bool:
    return bool(pd.api.types.is_float_dtype(predictors[name].dtype))


def plain_logit(predictors: pd.DataFrame, outcome: Floats) -> Scorer:
    """The yardstick: numbers as they stand, a column per category, next to no penalty."""
    return _logit(_design(predictors, with_splines=False), predictors, outcome, (PLAIN_PENALTY,))[0]


def spline_logits(predictors: pd.DataFrame, outcome: Floats, penalties: tuple[float, ...]) -> list[Scorer]:
    """A scorer for each penalty (precision of the prior on standardised columns), the largest first fitted."""
    return _logit(_design(predictors, with_splines=True), predictors, outcome, penalties)


def boosted(predictors: pd.DataFrame, outcome: Floats, trees: Trees, *, seed: int) -> Scorer:
    """Boosted trees; missing numbers and categories not seen before go where the data send the missing."""
    columns, is_category = tree_columns(predictors)
    model = classifier(trees, is_category, seed).fit(columns(predictors), outcome)
    return Scorer(lambda frame: np.asarray(model.decision_function(columns(frame)), dtype=float))


def classifier(trees: Trees, is_category: list[bool], seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=trees.learning_rate,
        max_iter=trees.rounds,
        max_leaf_nodes=trees.leaves,
        max_features=trees.column_share,
        min_samples_leaf=trees.fewest_in_leaf,
        l2_regularization=trees.penalty,
        max_bins=127,
        early_stopping=False,
        categorical_features=is_category if any(is_category) else None,
        random_state=seed,
    )


def tree_columns(predictors: pd.DataFrame) -> tuple[Columns, list[bool]]:
    """How predictors become the trees' columns, and which of these are codes of categories."""
    names = list(predictors.columns)
    codes: dict[str, dict[object, int]] = {}
    for name in names:
        if not is_number(predictors, name):
            frequent = predictors[name].value_counts().index[: min(MOST_CODES, 120)]
            codes[name] = {value: code for code, value in enumerate(sorted(frequent, key=str))}

    def make(frame: pd.DataFrame) -> Floats:
        parts = [
            frame[name].map(codes[name]).to_numpy(dtype=float) if name in codes else frame[name].to_numpy(dtype=float)
            for name in names
        ]
        return np.stack(parts, axis=-1) if parts else np.zeros((len(frame), 0))

    return make, [name in codes for name in names]


def design(predictors: pd.DataFrame) -> Columns:
    """Standardised spline and category columns, without a constant: what others are adjusted for."""
    return _standardised(_design(predictors, with_splines=True), predictors)


def _logit(make: Columns, predictors: pd.DataFrame, outcome: Floats, penalties: tuple[float, ...]) -> list[Scorer]:
    standard = _standardised(make, predictors)
    columns = np.column_stack([np.ones(len(predictors)), standard(predictors)])
    start = np.zeros(columns.shape[1])
    found: dict[float, Scorer] = {}
    for penalty in sorted(penalties, reverse=True):
        fitted = logit.fit(columns, outcome, np.r_[0.0, np.full(columns.shape[1] - 1, penalty)], start)
        start = fitted.coefficients
        found[penalty] = Scorer(_linear(standard, fitted.coefficients))
    return [found[penalty] for penalty in penalties]


def _linear(standard: Columns, coefficients: Floats) -> Columns:
    return lambda frame: np.asarray(coefficients[0] + standard(frame) @ coefficients[1:])


def _standardised(make: Columns, predictors: pd.DataFrame) -> Columns:
    columns = make(predictors)
    mean, spread = columns.mean(axis=0), columns.std(axis=0)
    kept = spread > 1e-9
    return lambda frame: np.asarray((make(frame)[:, kept] - mean[kept]) / spread[kept])


def _design(predictors: pd.DataFrame, *, with_splines: bool) -> Columns:
    parts = [
        _number(predictors[name], with_splines) if is_number(predictors, name) else _category(predictors[name])
        for name in predictors.columns
    ]
    names = list(predictors.columns)

    def make(frame: pd.DataFrame) -> Floats:
        made = [part(frame[name]) for name, part in zip(names, parts, strict=True)]
        return np.concatenate(made, axis=1) if made else np.zeros((len(frame), 0))

    return make


def _number(values: pd.Series, with_spline: bool) -> Callable[[pd.Series], Floats]:
    """The number within its usual range and whether it is missing; with ``with_spline`` as a restricted cubic spline."""
    known = values.dropna().to_numpy(dtype=float)
    if not known.size:
        return lambda own: np.zeros((len(own), 1))
    low, high = np.quantile(known, CLIPPED_SHARES)
    middle = float(np.median(known))
    knots = _knots(known) if with_spline else np.zeros(0)

    def make(own: pd.Series) -> Floats:
        given = own.to_numpy(dtype=float)
        missing = np.isnan(given)
        filled = np.clip(np.where(missing, middle, given), low, high)
        return np.column_stack([restricted_cubic_spline(filled, knots), missing.astype(float)])

    return make


def _knots(known: Floats) -> Floats:
    """Usual quantiles; where most values are the same lowest one, those of the others. None for a few distinct values."""
    if np.unique(known).size < FEWEST_FOR_SPLINE:
        return np.zeros(0)
    knots = np.unique(np.quantile(known, KNOT_SHARES))
    if knots.size < len(KNOT_SHARES) - 1:
        others = known[known > known.min()]
        knots = np.unique(np.r_[known.min(), np.quantile(others, KNOT_SHARES[1:])])
    return knots


def _category(values: pd.Series) -> Callable[[pd.Series], Floats]:
    """A column for each value but the most frequent, one for all rare and new values, one for no value."""
    counts = values.value_counts()
    frequent = [value for value, rows in counts.items() if rows >= RARE_ROWS][:MOST_CODES]
    own = sorted(frequent[1:], key=str)

    def make(column: pd.Series) -> Floats:
        given, missing = column.to_numpy(dtype=object), column.isna().to_numpy()
        is_other = ~column.isin(frequent).to_numpy() & ~missing
        parts = [(given == value).astype(float) for value in own]
        return np.stack([*parts, is_other.astype(float), missing.astype(float)], axis=-1)

    return make
