"""An area's weeks and the provider's, in the units in which they are drawn: one series for page and report."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.measures import DOWN, MEASURES, Form
from dashboard.tables.schema import CATEGORIES, QUALITY_CATEGORIES

OUTAGE_HOURS = 1.0
BARS = "Bars are sums of a week; of complaints, below in blue those about quality, above in grey all others."
"""What bars show, and the key of those that have two parts."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the charts that share the time axis: a column of `weekly`, its title, what its values are called one by one
    (and those of what is stacked on it), unit and number of decimals.
    """

    column: str
    title: str
    name: str
    unit: str
    places: int
    is_bar: bool = False
    stacked: str | None = None
    stacked_name: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """In which unit values are drawn, and how many of them make one of the unit in which they are kept."""

    unit: str
    times: float


DRAWN: dict[Form, Drawn] = {
    "hours": Drawn("h", 1),
    "milliseconds": Drawn("ms", 1000),
    "percent": Drawn("%", 100),
    "decibels": Drawn("dB", 1),
}
CHARTED = tuple(measure for measure in MEASURES if measure.words.chart)

PANELS: tuple[Panel, ...] = (
    *(
        Panel(
            m.name,
            m.words.chart,
            m.words.name,
            DRAWN[m.words.form].unit,
            m.words.places,
            is_bar=m.words.form == "hours",
        )
        for m in CHARTED
    ),
    Panel(
        "complaints_quality",
        "Complaints per 1,000: quality, other",
        "Complaints about quality, per 1,000",
        "",
        1,
        is_bar=True,
        stacked="complaints_other",
        stacked_name="Other complaints, per 1,000",
    ),
    Panel("leavers", "Customers who left, per 1,000", "Customers who left, per 1,000", "", 1, is_bar=True),
)


def weekly(area_weeks: pd.DataFrame, area: str | None, weeks: int | None = None) -> pd.DataFrame:
    """The last ``weeks`` weeks of one area (None: of the whole provider), in drawn units, one row a week.

    Means are weighted by customer-days; a week in which nothing was measured stays missing. Weeks without
    customers are left out.
    """
    chosen = area_weeks if area is None else area_weeks[area_weeks["area"] == area]
    chosen = chosen[chosen["customer_days"] > 0]
    if chosen.empty:
        return pd.DataFrame(columns=["week", "is_complete", *_columns()])
    thousands = _thousands(chosen)
    counted = _thousands(chosen[chosen["complaints_other"].notna()])
    table = pd.DataFrame(
        {
            "is_complete": chosen.groupby("week")["is_complete"].all(),
            **{m.name: _mean(chosen, m.area_column) * DRAWN[m.words.form].times for m in CHARTED},
            "complaints_quality": _sum(chosen, [f"complaints_{c}" for c in QUALITY_CATEGORIES]) / counted,
            "complaints_other": _sum(chosen, [f"complaints_{c}" for c in CATEGORIES if c not in QUALITY_CATEGORIES])
            / counted,
            "leavers": _sum(chosen, ["leavers_voluntary"]) / thousands,
        }
    ).rename_axis("week")
    table = table.sort_index().reset_index()
    table["week"] = pd.to_datetime(table["week"])
    return table if weeks is None else table.tail(weeks).reset_index(drop=True)


def _columns() -> list[str]:
    return [name for panel in PANELS for name in (panel.column, panel.stacked) if name]


def _thousands(chosen: pd.DataFrame) -> pd.Series:
    """A thousand customers by week."""
    return chosen.groupby("week")["customer_days"].sum() / 7 / 1000


def _sum(chosen: pd.DataFrame, columns: list[str]) -> pd.Series:
    return chosen.groupby("week")[columns].sum(min_count=1).sum(axis=1, min_count=1).astype(float)


def _mean(chosen: pd.DataFrame, column: str) -> pd.Series:
    values = chosen[column].astype(float)
    weight = chosen["customer_days"].where(values.notna(), 0.0)
    sums = (
        pd.DataFrame({"week": chosen["week"], "value": values.fillna(0.0) * weight, "weight": weight})
        .groupby("week")
        .sum()
    )
    return sums["value"] / sums["weight"].replace(0.0, np.nan)


def is_known(table: pd.DataFrame, panel: Panel) -> bool:
    """Whether any week of ``table`` has a value of the panel."""
    return bool(table[panel.column].notna().any())


def outage_weeks(table: pd.DataFrame) -> list[pd.Timestamp]:
    """The weeks with an hour or more without service per customer."""
    return list(table.loc[table[DOWN.name] >= OUTAGE_HOURS, "week"])
