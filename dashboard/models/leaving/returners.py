"""Returners: of those who left, how many came back, where, and after what reason and time away.

    returns per 100 years gone = 100 R / sum of min(next start, records' end) - end of the spell

R is Poisson over the time gone, with the exact interval of Garwood 1936 (Biometrika 28). Counting by time gone lets
who left last month tell as little as they can. It assumes that the rate of coming back does not hang on how long one has
been away, and that a spell that begins within 28 days is a change of plan or address and no return.
"""

from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Floats = npt.NDArray[np.float64]

PROVIDER, EVERY_REASON = "", "all"
SHORTEST_GAP_DAYS = 28
YEAR_DAYS = 365.25
COLUMNS = [
    "area",
    "exit_reason",
    "departures",
    "returned",
    "returned_here",
    "gone_years",
    "returns_per_100_gone_years",
    "returns_per_100_gone_years_low",
    "returns_per_100_gone_years_high",
    "gap_days_median",
    "gap_days_shortest",
    "gap_days_longest",
]


def returners(departures: pd.DataFrame, until: datetime.date) -> pd.DataFrame:
    """Rows of the result table by area left and exit reason, each also over all areas and all reasons.

    ``until`` is the last day on which a return would be on record; spells that end after it, and those carried on
    within 28 days, are no departures.
    """
    end = pd.Timestamp(until)
    next_start = departures["next_started_on"].where(departures["next_started_on"] <= end)
    gap = (next_start - departures["ended_on"]).dt.days
    is_gone = (departures["ended_on"] <= end) & ~(gap < SHORTEST_GAP_DAYS)
    away = (next_start.fillna(end) - departures["ended_on"]).dt.days
    gone = departures.assign(
        gap=gap.astype(float),
        years=away / YEAR_DAYS,
        returned=gap.notna(),
        returned_here=gap.notna() & (departures["next_area"] == departures["area"]),
    )[is_gone]
    every = pd.concat([gone, gone.assign(area=PROVIDER)])
    every = pd.concat([every, every.assign(exit_reason=EVERY_REASON)])
    rows = (
        every.groupby(["area", "exit_reason"])
        .agg(
            departures=("years", "size"),
            returned=("returned", "sum"),
            returned_here=("returned_here", "sum"),
            gone_years=("years", "sum"),
            gap_days_median=("gap", "median"),
            gap_days_shortest=("gap", "min"),
            gap_days_longest=("gap", "max"),
        )
        .reset_index()
    )
    low, high = garwood(rows["returned"])
    time = rows["gone_years"].where(rows["gone_years"] > 0) / 100
    rows["returns_per_100_gone_years"] = rows["returned"] / time
    rows["returns_per_100_gone_years_low"], rows["returns_per_100_gone_years_high"] = low / time, high / time
    whole = {"gap_days_shortest": "Int64", "gap_days_longest": "Int64"}
    counts = dict.fromkeys(("departures", "returned", "returned_here"), "int64")
    return rows.astype(whole | counts)[COLUMNS]


def garwood(count: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """The exact interval (n,), (n,) of a Poisson mean of which ``count`` (n,) was seen."""
    k = np.asarray(count, float)
    tail = (1 - level) / 2
    low = np.where(k > 0, stats.chi2.ppf(tail, 2 * np.maximum(k, 1)) / 2, 0.0)
    return low, np.asarray(stats.chi2.ppf(1 - tail, 2 * (k + 1)) / 2)
