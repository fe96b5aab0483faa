"""Time without service between two bounds, where unseen hours do not come at random: none of them was down, or all were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN, LENGTHS, REACHES, WINDOWS, longer_than, over
from dashboard.models.fixes.avoidable import NUMBERS

HOURS_A_WEEK = 168.0
MOST_ROWS = 300_000
SAMPLE_SEED = 20260103
NONE_DOWN, ALL_DOWN = 0.0, 1.0
BOUNDS: tuple[float, ...] = (NONE_DOWN, ALL_DOWN)
_, LOW, HIGH = NUMBERS


def of_customers(frame: pd.DataFrame, share: float) -> pd.DataFrame:
    """A table of customers as if this share of their unseen hours had been without service.

    The part that was unseen is known of eight weeks, and is taken to be the same of every other number of weeks; what nobody
    saw is taken for parts of long outages.
    """
    unseen = frame["trailing_unseen_ratio"].to_numpy(dtype=float, na_value=np.nan)
    long = (over(weeks, hours) for weeks in REACHES for hours in LENGTHS)
    columns = [name for name in (DOWN.trailing, *map(over, WINDOWS), *long) if name in frame]
    hours = {name: frame[name].to_numpy(dtype=float, na_value=np.nan) for name in columns}
    return frame.assign(**{name: _bounded(values, unseen, share) for name, values in hours.items()})


def of_weeks(area_weeks: pd.DataFrame, share: float) -> pd.DataFrame:
    """area_weeks as if this share of the unseen hours had been without service."""
    unseen = np.clip(1.0 - area_weeks["observed_ratio"].to_numpy(dtype=float, na_value=np.nan), 0.0, 1.0)
    columns = [name for name in (DOWN.area_column, *map(longer_than, LENGTHS)) if name in area_weeks]
    hours = {name: area_weeks[name].to_numpy(dtype=float, na_value=np.nan) for name in columns}
    return area_weeks.assign(**{name: _bounded(values, unseen, share) for name, values in hours.items()})


def _bounded(hours: np.ndarray, unseen: np.ndarray, share: float) -> np.ndarray:
    """Hours in a week of which the part ``unseen`` was, at this share, without service."""
    return np.asarray(hours * (1.0 - unseen) + HOURS_A_WEEK * unseen * share)


def sampled(rows: int) -> npt.NDArray[np.int64]:
    """The places of at most so many rows: a large provider's bounds would take too long. Errors become those of a sample."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SAMPLE_SEED).permutation(rows)[:MOST_ROWS])


def united(rows: pd.DataFrame, bounds: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """``rows`` of what would help with intervals that contain those of the ``bounds``; no interval where one of them has none."""
    keys = ["area", "measure"]
    every = [rows, *(rows[keys].merge(bound, on=keys, how="left") for bound in bounds)]
    lows, highs = (np.stack([one[end].to_numpy(dtype=float) for one in every]) for end in (LOW, HIGH))
    return rows.assign(**{LOW: lows.min(axis=0), HIGH: highs.max(axis=0)})
