"""Boosted trees for the hazard of leaving: they may rank where the backtest shows them better, and explain nothing.

    log hazard = sum of trees, fitted to the Poisson likelihood of events in days at risk (Friedman 2001)

Stretches at risk and weights are those of the hazard model (`hazard.py`), so that both answer the same question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from dashboard.measures import PLANNED
from dashboard.models.leaving.covariates import SERVICE, TRAILING
from dashboard.models.leaving.forecast.horizon import stretches
from dashboard.models.statistics import tabular

Floats = npt.NDArray[np.float64]

FEWEST_EVENTS = 50
NUMBERS = (
    "tenure_days",
    "is_locked_in",
    "lock_in_days_left",
    "free_days",
    "termination_fee",
    "monthly_price",
    "price_gap",
    "price_change",
    *TRAILING.values(),
    *SERVICE,
)
CATEGORIES = ("technology", "plan")
PLANNED_COLUMN = TRAILING[PLANNED.name]
TREES = tabular.Trees(0.05, 120, 8, 0.5, fewest_in_leaf=200, penalty=10.0)


@dataclass(frozen=True, slots=True)
class Challenger:
    """Fitted trees: ``daily_hazard`` gives voluntary departures a day (n,) for customers as they are in a frame."""

    daily_hazard: Callable[[pd.DataFrame], Floats]

    def chance(self, customers: pd.DataFrame) -> Floats:
        """The chance (n,) of leaving voluntarily within 90 days, in which contracts end and price changes grow old."""
        total = np.zeros(len(customers))
        for whose, days, frame in stretches(customers):
            total[whose] += days * self.daily_hazard(frame)
        return np.asarray(-np.expm1(-total))


def fit(customer_weeks: pd.DataFrame, *, seed: int) -> Challenger | None:
    """Grow the trees; None where fewer than 50 have left."""
    events = customer_weeks["left_voluntarily"].to_numpy(dtype=float)
    if events.sum() < FEWEST_EVENTS:
        return None
    days = customer_weeks["days_at_risk"].to_numpy(dtype=float)
    given = _predictors(customer_weeks).dropna(axis="columns", how="all")  # trees cannot bin a column without a value
    if PLANNED_COLUMN in given and not (given[PLANNED_COLUMN] > 0).any():
        given = given.drop(columns=PLANNED_COLUMN)
    columns, is_category = tabular.tree_columns(given)
    model = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=TREES.learning_rate,
        max_iter=TREES.rounds,
        max_leaf_nodes=TREES.leaves,
        max_features=TREES.column_share,
        min_samples_leaf=TREES.fewest_in_leaf,
        l2_regularization=TREES.penalty,
        early_stopping=False,
        categorical_features=is_category if any(is_category) else None,
        random_state=seed,
    )
    weight = days * customer_weeks["weight"].to_numpy(dtype=float)
    model.fit(columns(given), events / days, sample_weight=weight)
    known = list(given.columns)
    return Challenger(lambda frame: np.asarray(model.predict(columns(_predictors(frame)[known])), dtype=float))


def _predictors(frame: pd.DataFrame) -> pd.DataFrame:
    numbers = {n: frame[n].astype("Float64").to_numpy(dtype=float, na_value=np.nan) for n in NUMBERS if n in frame}
    words = {name: frame[name].astype(object).to_numpy() for name in CATEGORIES if name in frame}
    made = pd.DataFrame(numbers)
    for name, values in words.items():
        made[name] = pd.Series(values, dtype=object)
    return made
