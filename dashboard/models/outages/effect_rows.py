"""Rows of the result table ``incident_effects``, which both studies of outages make."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

COLUMNS = [
    "outage",
    "outcome",
    "design",
    "is_pooled",
    "kind",
    "source",
    "size",
    "area",
    "started_at",
    "outages",
    "customers",
    "customer_minutes",
    "hours_each",
    "weeks_after",
    "matched_areas",
    "observed",
    "expected",
    "excess",
    "excess_low",
    "excess_high",
    "excess_per_1000",
    "excess_per_1000_low",
    "excess_per_1000_high",
    "excess_per_1000_hours",
    "excess_per_1000_hours_low",
    "excess_per_1000_hours_high",
    "monthly_revenue",
    "monthly_revenue_low",
    "monthly_revenue_high",
    "smallest_detectable",
    "placebo_p_value",
    "p_value",
    "p_adjusted",
    "verdict",
    "note",
]
"""In the order of the result table."""
COUNTS = dict.fromkeys(("weeks_after", "matched_areas"), "Int64") | dict.fromkeys(("outages", "customers"), "int64")
TEXTS = ("outage", "outcome", "design", "kind", "source", "size", "area", "verdict", "note")


def typed(rows: pd.DataFrame) -> pd.DataFrame:
    """``rows`` of any of these columns with their types; what a study does not tell is missing."""
    numbers = [name for name in COLUMNS if name not in (*COUNTS, *TEXTS, "is_pooled", "started_at")]
    return rows.astype(dict.fromkeys(numbers, float) | COUNTS | {"is_pooled": bool}).assign(
        started_at=pd.to_datetime(rows["started_at"], utc=True)
    )


def source_of(known: Iterable[str]) -> str | None:
    """incidents | weekly_down_time | both; None of no outages."""
    names = set(known)
    return "both" if len(names) > 1 else next(iter(names), None)
