"""The days ahead of a customer, cut where what is known today stops holding: a contract ends, a price change grows old."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.leaving.covariates import JUST_FREE_DAYS, JUST_RISEN_WEEKS, LONG_AGO_DAYS, PRICE_CHANGE_DAYS
from dashboard.models.leaving.standardise import HORIZON_DAYS

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Stretch = tuple[Floats, Floats, dict[str, Any]]
"""From which day on and until which (customers,), and the columns that are then other than today."""


def stretches(customers: pd.DataFrame) -> Iterator[tuple[Codes, Floats, pd.DataFrame]]:
    """A customer's next 90 days as stretches: whose (n,), as positions, of how many days (n,), what is known then.

    Held until the contract ends, just free for eight weeks, free; and for eight weeks after a change of price as one
    whose price has changed, afterwards not.
    """
    middle = customers["tenure_days"].to_numpy(dtype=float) + HORIZON_DAYS / 2
    prices = _prices(customers)
    for start, end, contract in _contracts(customers):
        for from_day, to_day, price in prices:
            days = np.minimum(end, to_day) - np.maximum(start, from_day)
            whose = np.flatnonzero(days > 0)
            if whose.size:
                then = {name: _of(values, whose) for name, values in (contract | price).items()}
                yield whose, days[whose], customers.iloc[whose].assign(tenure_days=middle[whose], **then)


def _of(values: Any, whose: Codes) -> Any:
    return values if isinstance(values, float) else values[whose]


def _contracts(customers: pd.DataFrame) -> list[Stretch]:
    held = customers["is_locked_in"].fillna(False).to_numpy(dtype=bool)
    left = np.where(held, customers["lock_in_days_left"].to_numpy(dtype=float, na_value=0.0), 0.0)
    since = customers["free_days"].to_numpy(dtype=float, na_value=LONG_AGO_DAYS)
    held_days = np.minimum(left, HORIZON_DAYS)
    new_days = np.where(held, JUST_FREE_DAYS, np.clip(JUST_FREE_DAYS - since, 0, None))
    new_days = np.minimum(new_days, HORIZON_DAYS - held_days)
    known = customers["is_locked_in"].notna().to_numpy()
    edges = (np.zeros(len(customers)), held_days, held_days + new_days, np.full(len(customers), float(HORIZON_DAYS)))
    then = (
        (held, np.maximum(left - held_days / 2, 0), LONG_AGO_DAYS),
        (np.zeros_like(held), np.zeros(len(customers)), 0.0),
        (np.zeros_like(held), np.zeros(len(customers)), LONG_AGO_DAYS),
    )
    return [
        (start, end, {"is_locked_in": _known(is_held, known), "lock_in_days_left": days_left, "free_days": free_days})
        for (start, end), (is_held, days_left, free_days) in zip(pairwise(edges), then, strict=True)
    ]


def _known(values: npt.NDArray[np.bool_], known: npt.NDArray[np.bool_]) -> pd.arrays.BooleanArray:
    return pd.arrays.BooleanArray(values.copy(), ~known)


def _prices(customers: pd.DataFrame) -> list[Stretch]:
    """The first weeks after a change, the rest of the eight, and none; newcomers become customers without a change."""
    none, horizon = np.zeros(len(customers)), np.full(len(customers), float(HORIZON_DAYS))
    if "price_change" not in customers:
        return [(none, horizon, {})]
    change = customers["price_change"].to_numpy(dtype=float, na_value=np.nan)
    age = customers["tenure_days"].to_numpy(dtype=float)
    if "price_held_days" in customers:
        held = customers["price_held_days"].to_numpy(dtype=float, na_value=np.nan)
        age = np.where(np.isnan(change) | np.isnan(held), age, held)
    is_new = np.isnan(change) & (age < PRICE_CHANGE_DAYS)
    fades = is_new | (np.nan_to_num(change) != 0)
    until = np.where(fades, np.clip(PRICE_CHANGE_DAYS - age, 0.0, HORIZON_DAYS), HORIZON_DAYS)
    found, start = [], none
    for week in range(JUST_RISEN_WEEKS):
        end = np.where(change > 0, np.clip(7.0 * (week + 1) - age, 0.0, HORIZON_DAYS), 0.0)
        found.append((start, end, {"price_held_days": 7.0 * week}))
        start = end
    found.append((start, until, {"price_held_days": 7.0 * JUST_RISEN_WEEKS}))
    return [*found, (until, horizon, {"price_change": np.where(fades, 0.0, change), "price_held_days": LONG_AGO_DAYS})]
