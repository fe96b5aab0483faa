"""Leaving and complaint rates of every neighbourhood, as counted and shrunk towards the provider's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.models.areas import shrunken_rates
from dashboard.models.leaving import standardise
from dashboard.tables.schema import CATEGORIES, QUALITY_CATEGORIES

OUTCOMES: dict[str, tuple[str, ...]] = {
    "complaints_quality": QUALITY_CATEGORIES,
    "complaints_all": CATEGORIES,
}


def area_rates(customer_periods: pd.DataFrame, area_weeks: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Rows of the area_rates result table: each area and outcome. ``customers`` are those at the cut-off.

    Leaving is standardised by tenure and lock-in. Complaints are counted by area and week, without their makers'
    tenure, and so are standardised by customer-days alone; areas and weeks in which they are not known are left out.
    There are no rows of leaving where it is not known who left of their own will.
    """
    has_leaving = bool(customer_periods["left_voluntarily"].notna().all())
    leaving = standardise.leaving(customer_periods if has_leaving else customer_periods.iloc[:0]).areas
    complete = area_weeks[area_weeks["is_complete"].astype(bool)]
    areas = sorted(set(customer_periods["area"]) | set(area_weeks["area"]))
    current = customers.groupby("area").size().reindex(areas, fill_value=0).to_numpy()
    by_area = leaving.reindex(areas if has_leaving else [], fill_value=0.0)
    parts = [_rows("leaving", by_area, current if has_leaving else current[:0])]
    told = complete[complete["complaints_other"].notna()]
    withheld = set(complete["area"]) - set(told["area"])
    known = [place for place, area in enumerate(areas) if area not in withheld]
    for outcome, categories in OUTCOMES.items() if len(told) or complete.empty else ():
        events = told[[f"complaints_{c}" for c in categories]].sum(axis=1)
        totals = pd.DataFrame({"days": told["customer_days"].astype(float), "events": events.astype(float)})
        totals = totals.groupby(told["area"]).sum().reindex([areas[place] for place in known], fill_value=0.0)
        days = totals["days"].sum()
        totals["expected"] = totals["days"] * (totals["events"].sum() / days if days > 0 else 0.0)
        parts.append(_rows(outcome, totals, current[known]))
    return pd.concat(parts, ignore_index=True)


def _rows(outcome: str, totals: pd.DataFrame, customers: np.ndarray) -> pd.DataFrame:
    """Ratios of the expected become rates per customer and 90 days of the area's own mix of customers."""
    days = totals["days"].to_numpy(dtype=float)
    expected = totals["expected"].to_numpy(dtype=float)
    events = totals["events"].to_numpy(dtype=float)
    shrinkage = shrunken_rates.shrink(events, expected)
    with np.errstate(invalid="ignore", divide="ignore"):
        counted = np.where(days > 0, events / days, np.nan) * standardise.HORIZON_DAYS
        usual = np.where(days > 0, expected / days, np.nan) * standardise.HORIZON_DAYS
    return pd.DataFrame(
        {
            "area": totals.index,
            "outcome": outcome,
            "customers": customers,
            "customer_days": days,
            "events": events.astype(int),
            "expected_events": expected,
            "rate_90d": counted,
            "shrunk_rate_90d": usual * shrinkage.mean,
            "shrunk_rate_90d_low": usual * shrinkage.low,
            "shrunk_rate_90d_high": usual * shrinkage.high,
        }
    )
