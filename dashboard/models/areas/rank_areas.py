"""Which neighbourhoods lose more customers than their kind: excess leavers in 90 days, how sure, and what it costs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from dashboard.measures import DOWN
from dashboard.models.leaving import standardise
from dashboard.models.leaving.forecast import drifting_ratio
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers
from dashboard.models.statistics.multiplicity import benjamini_hochberg

Floats = npt.NDArray[np.float64]

DRAWS = 2000
FALSE_FINDS = 0.10
WATCH_PROBABILITY = 0.80
NAIVE_WEEKS = 13
EXPECTED, EXCESS = "expected_leavers_90d", "excess_leavers_90d"


@dataclass(frozen=True, slots=True)
class Ranking:
    """``rows``: one per area, as in the result table; ``expected`` and ``excess`` (draws, areas) as ``areas``."""

    rows: pd.DataFrame
    areas: tuple[str, ...]
    expected: Floats
    excess: Floats
    ratios: drifting_ratio.RatiosNow


def rank(
    customer_periods: pd.DataFrame,
    area_weeks: pd.DataFrame,
    cut_off: datetime.date,
    *,
    minimum_expected: float,
    seed: int,
    ahead: ExpectedLeavers | None = None,
    customers: pd.DataFrame | None = None,
    growth: Floats | None = None,
) -> Ranking:
    """Rank areas by the leavers expected in 90 days beyond what the provider's own rates would give.

    Departures per period O ~ Poisson(r E), with E of the hazard of leaving (``ahead``), or standardised by tenure and
    lock-in where there is none, and a ratio r that drifts. Draws of the ratio at the end, of what it depends on and
    of the hazard's coefficients, the same in past and future, give the expected leavers; less what the
    provider's mean rate gives customers of the same tenure and lock-in, the excess. It supposes that things stay as
    they are by now. ``customers`` are those of today, else those of the last period who stayed. Areas expecting fewer than ``minimum_expected`` departures so far get no rank.
    """
    past = standardise.leaving(customer_periods)
    now = standardise.current_customers(customer_periods, cut_off) if customers is None else customers
    areas = sorted(set(past.areas.index) | set(area_weeks["area"]))
    totals = past.areas.reindex(areas, fill_value=0.0)
    if ahead is None:
        ratios = drifting_ratio.ratios_now(past.by_period("events", areas), past.by_period("expected", areas))
    else:
        ratios = drifting_ratio.ratios_now(ahead.counts, ahead.past)
    chance = pd.Series(standardise.leaving_probability(now, past.rates), index=now["area"].to_numpy(), dtype=float)
    base = chance.groupby(level=0).sum().reindex(areas, fill_value=0.0).to_numpy()
    here = np.asarray(now.groupby("area").size().reindex(areas, fill_value=0), dtype=float)
    if ahead is None:
        times, leaving, there = ratios.draws(DRAWS, seed), base, here
    else:
        past_factors, next_factors = ahead.factors(DRAWS, seed)
        times = ratios.draws(DRAWS, seed, past_factors) * next_factors * (1.0 if growth is None else growth)
        leaving = ahead.next
        there = np.bincount(ahead.area_of_customer, minlength=len(areas)).astype(float)
    expected = _expected(leaving, there, times)
    total = base.sum()
    provider = expected.sum(axis=1) / total if total > 0 else np.ones(DRAWS)
    excess = expected - provider[:, None] * base
    told = (totals["expected"] >= minimum_expected).to_numpy() & (base > 0)
    rows = pd.DataFrame({"area": areas})
    rows["customers"] = here.astype(int)
    rows["leavers"] = totals["events"].to_numpy().astype(int)
    for name, draws in ((EXPECTED, expected), (EXCESS, excess)):
        rows[name] = np.where(told, draws.mean(axis=0), np.nan)
        rows[f"{name}_low"], rows[f"{name}_high"] = np.where(told, np.quantile(draws, (0.025, 0.975), axis=0), np.nan)
    rows["is_found"] = _found(excess, told)
    rows["verdict"] = _verdicts(rows, excess, told)
    _add_ranks(rows, excess, told)
    price = now.groupby("area")["monthly_price"].mean().reindex(areas).to_numpy(dtype=float)
    rows["monthly_revenue_at_risk"] = np.maximum(rows["excess_leavers_90d"], 0.0) * price
    rows["outage_minutes_per_customer"] = outage_minutes(area_weeks).reindex(areas).to_numpy()
    rows["note"] = _notes(rows, totals, told, minimum_expected)
    ordered = rows.sort_values(["rank", "area"], na_position="last", ignore_index=True)
    return Ranking(ordered, tuple(areas), expected, excess, ratios)


def unranked(customers: pd.DataFrame, area_weeks: pd.DataFrame, areas: list[str], why: str) -> pd.DataFrame:
    """Rows of the result table without ranks or leavers, where these are not known: ``why`` says so in each."""
    rows = pd.DataFrame({"area": areas})
    rows["customers"] = customers.groupby("area").size().reindex(areas, fill_value=0).to_numpy().astype(int)
    for name in ("leavers", "rank", "rank_low", "rank_high"):
        rows[name] = pd.array([pd.NA] * len(rows), dtype="Int64")
    ends = [f"{name}{end}" for name in (EXPECTED, EXCESS) for end in ("", "_low", "_high")]
    rows[[*ends, "monthly_revenue_at_risk"]] = np.nan
    rows["is_found"], rows["verdict"], rows["note"] = False, "too_little_data", why
    rows["outage_minutes_per_customer"] = outage_minutes(area_weeks).reindex(areas).to_numpy()
    return rows


def outage_minutes(area_weeks: pd.DataFrame) -> pd.Series:
    """Minutes down per customer by area over the last 13 complete weeks: the naive ranking to compare with."""
    complete = area_weeks[area_weeks["is_complete"].astype(bool)]
    recent = complete["week"].isin(sorted(complete["week"].unique())[-NAIVE_WEEKS:])
    hours = complete[recent].groupby("area")[DOWN.area_column].sum(min_count=1)
    return hours.astype(float) * 60


def _expected(leaving: Floats, customers: Floats, times: Floats) -> Floats:
    """Expected leavers (draws, areas), where ``leaving`` of the ``customers`` (areas,) go if the hazard is as fitted and
    each draw multiplies it by ``times``: (1 - p)^times of them stay, so that nobody leaves twice.
    """
    share = np.divide(leaving, customers, out=np.zeros_like(leaving), where=customers > 0)
    return np.asarray(customers * (1.0 - np.clip(1.0 - share, 0.0, 1.0) ** times))


def _found(excess: Floats, told: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Areas whose excess stands at a false-find rate of 10%, by the share of draws in which there is none."""
    if told.sum() < 2:
        return np.zeros(told.shape, bool)
    p_values = ((excess <= 0).sum(axis=0) + 1) / (len(excess) + 1)
    adjusted = benjamini_hochberg(np.where(told, p_values, np.nan))
    return np.asarray(np.nan_to_num(adjusted, nan=1.0) <= FALSE_FINDS)


def _verdicts(rows: pd.DataFrame, excess: Floats, told: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    is_above = rows["excess_leavers_90d"].fillna(0.0).to_numpy() > 0
    is_watched = (excess > 0).mean(axis=0) >= WATCH_PROBABILITY
    return np.select(
        [~told, rows["is_found"].to_numpy() & is_above, is_watched & is_above],
        ["too_little_data", "at_risk", "watch"],
        "ordinary",
    )


def _add_ranks(rows: pd.DataFrame, excess: Floats, told: npt.NDArray[np.bool_]) -> None:
    """Rank by the mean excess, with the 95% interval of each area's rank among the draws."""
    for name in ("rank", "rank_low", "rank_high"):
        rows[name] = pd.array([pd.NA] * len(rows), dtype="Int64")
    if not told.any():
        return
    rows.loc[told, "rank"] = stats.rankdata(-excess[:, told].mean(axis=0), method="ordinal")
    within = stats.rankdata(-excess[:, told], axis=1, method="ordinal")
    low, high = np.quantile(within, (0.025, 0.975), axis=0, method="nearest")
    rows.loc[told, "rank_low"], rows.loc[told, "rank_high"] = low.astype(int), high.astype(int)


def _notes(
    rows: pd.DataFrame, totals: pd.DataFrame, told: npt.NDArray[np.bool_], minimum_expected: float
) -> list[str | None]:
    return [
        None
        if known
        else "no customers on the cut-off day"
        if customers == 0
        else f"too little data: {expected:.1f} departures were to be expected so far, at least {minimum_expected:g} are needed"
        for known, customers, expected in zip(told, rows["customers"], totals["expected"], strict=True)
    ]
