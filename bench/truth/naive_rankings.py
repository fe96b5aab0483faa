"""The rankings that a provider could make without a model, each in two forms: a rate per customer, and a total."""

from __future__ import annotations

import pandas as pd

from dashboard.models.areas import rank_areas
from dashboard.panel import assemble as panels

MONTH_WEEKS = 4
QUARTER_PERIODS = 3


def naive_rankings(panel: panels.Panel) -> dict[str, pd.Series]:
    """A score by area for each naive ranking: the highest is to be looked at first."""
    customers = panel.customers_now.groupby("area").size().astype(float)
    minutes = rank_areas.outage_minutes(panel.area_weeks)
    complaints = _last_month_complaints(panel.area_weeks)
    leavers, days = _last_quarter(panel.customer_periods)
    newness = -panel.customers_now.groupby("area")["tenure_days"].mean().astype(float)
    new = (panel.customers_now["tenure_days"] < 365).groupby(panel.customers_now["area"]).sum().astype(float)
    return {
        "outage minutes per customer": minutes,
        "outage minutes": minutes * customers,
        "last month's complaints per customer": complaints / customers,
        "last month's complaints": complaints,
        "last quarter's churn rate": leavers / days,
        "last quarter's leavers": leavers,
        "shortest tenure": newness,
        "customers of less than a year": new,
        "customers": customers,
    }


def _last_month_complaints(area_weeks: pd.DataFrame) -> pd.Series:
    complete = area_weeks[area_weeks["is_complete"].astype(bool)]
    recent = complete[complete["week"].isin(sorted(complete["week"].unique())[-MONTH_WEEKS:])]
    columns = [name for name in recent if name.startswith("complaints_")]
    return recent.groupby("area")[columns].sum().sum(axis=1).astype(float)


def _last_quarter(customer_periods: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Voluntary leavers of the last three four-week periods by area, and their days at risk."""
    recent = customer_periods[
        customer_periods["period"].isin(sorted(customer_periods["period"].unique())[-QUARTER_PERIODS:])
    ]
    sums = recent.groupby("area")[["left_voluntarily", "days_at_risk"]].sum().astype(float)
    return sums["left_voluntarily"], sums["days_at_risk"]
