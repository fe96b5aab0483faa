"""Honest scores of a customer table: each row scored by models that were tuned and fitted without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from dashboard.models.statistics import accuracy, logit, tabular

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

SHARES = (0.25, 0.5, 0.75)
"""Of the trees in the combination with the logit."""


@dataclass(frozen=True, slots=True)
class Search:
    """How models are tuned: ``folds`` outer ones, ``inner`` ones within each training part, and what is tried there."""

    folds: int = 5
    inner: int = 3
    penalties: tuple[float, ...] = (1.0, 10.0, 100.0)
    trees: tuple[tabular.Trees, ...] = (tabular.QUICK, tabular.PATIENT)


@dataclass(frozen=True, slots=True)
class Choice:
    """What won within a training part: logit (``tree_share`` 0), trees (1) or both, and by how much.

    ``intercept`` and ``slope`` make its scores hold on rows that it was not fitted to. ``auc_logit`` and the others
    are those of the inner folds.
    """

    penalty: float
    trees: tabular.Trees
    tree_share: float
    intercept: float
    slope: float
    auc_logit: float
    auc_trees: float
    auc_both: float

    @property
    def name(self) -> str:
        return {0.0: "logit", 1.0: "trees"}.get(self.tree_share, "both")


@dataclass(frozen=True, slots=True)
class Scores:
    """Log odds (n,) of rows not fitted to: of the chosen model, and of a plain logit beside it; a choice per fold."""

    chosen: Floats
    plain: Floats
    choices: tuple[Choice, ...]


def nested(predictors: pd.DataFrame, outcome: Floats, search: Search, *, seed: int) -> Scores:
    """Score each outer fold by what was tuned, fitted and levelled on the other folds alone (Varma and Simon 2006)."""
    fold = folds(outcome, search.folds, seed)
    chosen, plain = np.empty(len(outcome)), np.empty(len(outcome))
    choices = []
    for held in range(search.folds):
        inside, outside = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        known, unknown = predictors.iloc[inside], predictors.iloc[outside]
        choice = choose(known, outcome[inside], search, seed=seed + 1 + held)
        chosen[outside] = fit(known, outcome[inside], choice, seed=seed).log_odds(unknown)
        plain[outside] = tabular.plain_logit(known, outcome[inside]).log_odds(unknown)
        choices.append(choice)
    return Scores(chosen, plain, tuple(choices))


def choose(predictors: pd.DataFrame, outcome: Floats, search: Search, *, seed: int) -> Choice:
    """Tune on ``inner`` folds of these rows: the best logit, the best trees, and both only where that is better still."""
    fold = folds(outcome, search.inner, seed)
    logits, trees = np.empty((len(search.penalties), len(outcome))), np.empty((len(search.trees), len(outcome)))
    for held in range(search.inner):
        inside, outside = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        known, unknown = predictors.iloc[inside], predictors.iloc[outside]
        for i, scorer in enumerate(tabular.spline_logits(known, outcome[inside], search.penalties)):
            logits[i, outside] = scorer.log_odds(unknown)
        for i, grown in enumerate(search.trees):
            trees[i, outside] = tabular.boosted(known, outcome[inside], grown, seed=seed).log_odds(unknown)
    penalty, auc_logit = _best(outcome, logits)
    tree, auc_trees = _best(outcome, trees)
    mixed = np.stack([(1 - share) * logits[penalty] + share * trees[tree] for share in SHARES])
    both, auc_both = _best(outcome, mixed)
    share, scores = max(
        ((0.0, logits[penalty], auc_logit), (1.0, trees[tree], auc_trees), (SHARES[both], mixed[both], auc_both)),
        key=lambda candidate: candidate[2],
    )[:2]
    columns = np.column_stack([np.ones(len(outcome)), scores])
    intercept, slope = logit.fit(columns, outcome, np.zeros(2)).coefficients
    return Choice(
        search.penalties[penalty],
        search.trees[tree],
        share,
        float(intercept),
        float(slope),
        auc_logit,
        auc_trees,
        auc_both,
    )


def fit(predictors: pd.DataFrame, outcome: Floats, choice: Choice, *, seed: int) -> tabular.Scorer:
    """The chosen model on all of these rows."""
    parts: list[tuple[float, tabular.Scorer]] = []
    if choice.tree_share < 1:
        (scorer,) = tabular.spline_logits(predictors, outcome, (choice.penalty,))
        parts.append((1 - choice.tree_share, scorer))
    if choice.tree_share > 0:
        parts.append((choice.tree_share, tabular.boosted(predictors, outcome, choice.trees, seed=seed)))

    def log_odds(frame: pd.DataFrame) -> Floats:
        score = sum((share * scorer.log_odds(frame) for share, scorer in parts), np.zeros(len(frame)))
        return np.asarray(choice.intercept + choice.slope * score)

    return tabular.Scorer(log_odds)


def folds(outcome: Floats, count: int, seed: int) -> Codes:
    """A fold (n,) for each row, drawn so that each holds the same share of leavers."""
    random = np.random.default_rng(seed)
    fold = np.empty(len(outcome), dtype=np.int64)
    first = 0
    for value in (0.0, 1.0):
        places = np.flatnonzero(outcome == value)
        fold[random.permutation(places)] = (first + np.arange(places.size)) % count
        first += places.size
    return fold


def level(log_odds: Floats, outcome: Floats) -> Floats:
    """Log odds shifted and stretched so that, on these rows, they came true: what areas are compared with."""
    columns = np.column_stack([np.ones(len(outcome)), log_odds])
    fitted = logit.fit(columns, outcome, np.zeros(2))
    return np.asarray(special.logit(np.clip(fitted.chances, 1e-9, 1 - 1e-9)))


def _best(outcome: Floats, scores: Floats) -> tuple[int, float]:
    values = [accuracy.auc(outcome, score) for score in scores]
    place = int(np.argmax(values))
    return place, values[place]
