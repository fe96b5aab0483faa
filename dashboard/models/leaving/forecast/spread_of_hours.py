"""How unlike the hours without service of customers and weeks are beside their mean: many have none, a few very many.

Where each step of worse quality multiplies leaving, the few who will be hit worst count most: what is expected of an area's mean
is then less than what is expected of its customers. Who they will be nobody knows, but how unlike they are lasts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT, Felt
from dashboard.models.leaving.fitted_hazard import Predictor

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

ATOMS = 64
NONE: Floats = np.zeros(0)
"""Where there are no hours to learn it from."""


def spreads(predictor: Predictor, customer_weeks: pd.DataFrame) -> dict[Felt, Floats]:
    """Of all hours of eight weeks, and of those that are felt in any form of the dose."""
    terms = predictor.design.quality.terms
    if DOWN not in terms:
        return {ALL_OF_EIGHT: NONE}
    place, area = terms.index(DOWN), pd.factorize(customer_weeks["area"])[0]
    days = (customer_weeks["days_at_risk"] * customer_weeks["weight"]).to_numpy(dtype=float)
    return {
        felt: spread(predictor.design.quality.steps(customer_weeks, felt)[:, place], days, area)
        for felt in {ALL_OF_EIGHT, *predictor.doses.felts}
    }


def spread(hours: Floats, weight: Floats, area: Codes) -> Floats:
    """(ATOMS,) rising, with mean 1: hours (n,) over the mean of their area, all areas together by the hours they had.

    Each is the mean of as large a part of the customers' time.
    """
    known = ~np.isnan(hours)
    hours, weight, area = hours[known], weight[known], area[known]
    if not hours.size or (weight * hours).sum() <= 0:
        return NONE
    mean = np.bincount(area, weight * hours) / np.maximum(np.bincount(area, weight), 1e-300)
    mass = weight * mean[area]
    order = np.argsort(np.divide(hours, mean[area], out=np.zeros_like(hours), where=mean[area] > 0), kind="stable")
    there = np.concatenate([[0.0], np.cumsum(mass[order])])
    held = np.concatenate([[0.0], np.cumsum((weight * hours)[order])])
    ends = np.interp(np.linspace(0.0, there[-1], ATOMS + 1), there, held)
    return np.asarray(np.diff(ends) * ATOMS / held[-1])


def times(spread_of_all: Floats, area: Codes, hours: Floats) -> Floats:
    """(n,) by how many times the area's mean each of its groups (n,) of customers has, by its place among them today."""
    size = np.bincount(area)
    order, rank = np.lexsort((hours, area)), np.empty(area.size, np.int64)
    rank[order] = np.arange(area.size) - (np.cumsum(size) - size)[area[order]]
    ends = np.concatenate([[0.0], np.cumsum(spread_of_all)]) / spread_of_all.size
    at = np.linspace(0.0, 1.0, spread_of_all.size + 1)
    low, high = rank / size[area], (rank + 1) / size[area]
    return np.asarray((np.interp(high, at, ends) - np.interp(low, at, ends)) * size[area])
