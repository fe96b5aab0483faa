"""What a neighbourhood would lose at the provider's own rates, given how long its customers stay and who is held."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

HORIZON_DAYS = 90
TENURE_BANDS_DAYS: tuple[int, ...] = (0, 90, 180, 365, 730, 1460)
FREE, HELD, UNKNOWN = 0, 1, 2
STEADYING_EVENTS = 1.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """Voluntary leaving over the whole time at risk.

    ``rates`` (strata,) are departures per customer-day by tenure band and lock-in; ``areas`` has one row per area
    with ``days``, ``events`` and ``expected`` (what the provider's rates give, summing to the events), ``periods``
    the same per four-week period and area.
    """

    rates: Floats
    areas: pd.DataFrame
    periods: pd.DataFrame

    def by_period(self, column: str, areas: list[str]) -> Floats:
        """(periods, areas) of one column, 0 where an area had nobody at risk."""
        table = self.periods[column].unstack("area", fill_value=0).sort_index()
        return table.reindex(columns=areas, fill_value=0.0).to_numpy(dtype=float)


def stratum(tenure_days: npt.ArrayLike, lock: npt.ArrayLike) -> Codes:
    """Code of tenure band and lock-in (FREE, HELD, UNKNOWN)."""
    band = np.searchsorted(np.array(TENURE_BANDS_DAYS), np.asarray(tenure_days), side="right") - 1
    return np.asarray(np.maximum(band, 0) * 3 + np.asarray(lock), dtype=np.int64)


def lock_codes(is_locked_in: pd.Series) -> Codes:
    known = is_locked_in.notna().to_numpy()
    held = is_locked_in.fillna(False).to_numpy(dtype=bool)
    return np.where(known, np.where(held, HELD, FREE), UNKNOWN).astype(np.int64)


def leaving(customer_periods: pd.DataFrame) -> Leaving:
    """Person-time and voluntary departures by stratum, and by area against what the strata give.

    A stratum's rate is steadied by one event's worth of the provider's overall rate, so that a stratum of a few
    days cannot claim a rate of its own.
    """
    strata = len(TENURE_BANDS_DAYS) * 3
    if customer_periods.empty:
        index = pd.MultiIndex.from_arrays([[], []], names=["period", "area"])
        nothing = pd.DataFrame({"days": [], "events": [], "expected": []}, dtype=float, index=index)
        return Leaving(np.zeros(strata), nothing.droplevel("period"), nothing)
    code = stratum(customer_periods["tenure_days"], lock_codes(customer_periods["is_locked_in"]))
    days = weights_of(customer_periods) * customer_periods["days_at_risk"].to_numpy(dtype=float)
    events = customer_periods["left_voluntarily"].to_numpy(dtype=float)
    days_in = np.bincount(code, weights=days, minlength=strata).astype(float)
    events_in = np.bincount(code, weights=events, minlength=strata).astype(float)
    rates = _steadied(events_in, days_in)
    frame = pd.DataFrame({"days": days, "events": events, "expected": days * rates[code]})
    keys = [customer_periods[name].to_numpy() for name in ("period", "area")]
    periods = frame.groupby(keys).sum().rename_axis(["period", "area"])
    return Leaving(rates, periods.groupby(level="area").sum(), periods)


def weights_of(customer_periods: pd.DataFrame) -> Floats:
    """(rows,) for how many rows each stands: one where none was left out."""
    if "weight" not in customer_periods:
        return np.ones(len(customer_periods))
    return np.asarray(customer_periods["weight"].to_numpy(dtype=float))


def _steadied(events: Floats, days: Floats) -> Floats:
    total = events.sum()
    if total == 0:
        return np.zeros(days.shape)
    overall = total / days.sum()
    rates = (events + STEADYING_EVENTS) / (days + STEADYING_EVENTS / overall)
    return np.asarray(rates * total / (rates @ days))


def current_customers(customer_periods: pd.DataFrame, cut_off: datetime.date) -> pd.DataFrame:
    """Customers at the cut-off: the last period's spells that did not end in it, aged to that day.

    Columns: area, tenure_days, is_locked_in, lock_in_days_left, monthly_price, price_gap.
    """
    if customer_periods.empty:
        return customer_periods.reindex(columns=[*_CURRENT])
    last = customer_periods["period"].max()
    rows = customer_periods[
        (customer_periods["period"] == last)
        & ~customer_periods["left_voluntarily"].astype(bool)
        & ~customer_periods["left_otherwise"].astype(bool)
    ]
    rows = rows.drop_duplicates(["customer_id", "started_on"], keep="last")
    days = (pd.Timestamp(cut_off) - pd.to_datetime(rows["started_on"])).dt.days
    aged = days - rows["tenure_days"].astype(int)
    left = (rows["lock_in_days_left"] - aged).clip(lower=0)
    held = (left > 0).where(rows["is_locked_in"].notna()).astype("boolean")
    return rows.assign(tenure_days=days, lock_in_days_left=left, is_locked_in=held)[[*_CURRENT]]


_CURRENT = ("area", "tenure_days", "is_locked_in", "lock_in_days_left", "monthly_price", "price_gap")


def leaving_probability(customers: pd.DataFrame, rates: Floats, horizon_days: int = HORIZON_DAYS) -> Floats:
    """Probability (customers,) of leaving within the horizon at the provider's rates.

    Who is held is so only until the contract ends: the hazard is that of a held customer up to that day and of a
    free one after it. Tenure bands are those of the horizon's middle.
    """
    tenure = customers["tenure_days"].to_numpy(dtype=float) + horizon_days / 2
    lock = lock_codes(customers["is_locked_in"])
    left = customers["lock_in_days_left"].to_numpy(dtype=float, na_value=0.0)
    held_days = np.where(lock == HELD, np.clip(left, 0, horizon_days), 0.0)
    other = np.where(lock == UNKNOWN, UNKNOWN, FREE)
    hazard = held_days * rates[stratum(tenure, np.full(lock.shape, HELD))]
    hazard += (horizon_days - held_days) * rates[stratum(tenure, other)]
    return np.asarray(-np.expm1(-hazard))
