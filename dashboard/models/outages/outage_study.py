"""What outages do to complaints and departures: by the weeks that follow, and as a second look against matched areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.models.outages import hidden_hours, matched_study
from dashboard.models.outages.following_weeks import Following, following
from dashboard.models.outages.matched_study import LARGEST_P, OUTCOMES, POWER_FACTOR
from dashboard.models.outages.outage_hours import PLANNED_KIND, Hours, hours_of
from dashboard.models.statistics.multiplicity import holm

__all__ = ["OUTCOMES", "Incidents", "incidents"]

BY_WEEKS, MATCHED = "following_weeks", "matched"
NO_ANSWER = "no_answer"
LARGEST_UNSEEN = 0.5
"""Where not even a rise by this part of what is usual would have been seen, there is too little to say."""
UNSEEN = (
    "Hours that nobody observed go with hours without service (at most {unseen:.1f} for each), so the interval"
    " reaches as far as all of these would draw it."
)


@dataclass(frozen=True, slots=True)
class Incidents:
    """Rows of the result tables ``incident_effects`` and ``incident_weeks``."""

    effects: pd.DataFrame
    weeks: pd.DataFrame


def incidents(
    outages: pd.DataFrame,
    area_weeks: pd.DataFrame,
    customers_now: pd.DataFrame,
    *,
    seed: int,
    outcomes: Sequence[str] = OUTCOMES,
) -> Incidents:
    """Both studies of each outcome. ``outages`` is what `outage_list.known` gives."""
    hours = hours_of(area_weeks, outages)
    prices = customers_now["monthly_price"].astype(float).groupby(customers_now["area"]).mean()
    unseen = hidden_hours.per_hour(hours)
    rows: list[dict[str, Any]] = []
    course: list[dict[str, Any]] = []
    for outcome in outcomes:
        for found in following(hours, outcome):
            struck = _Struck.of(hours, found.kind, prices if outcome == "leaving" else None)
            rows.append(struck.row(found, outcome, _source(outages), unseen))
            course += struck.course(found, outcome)
    by_weeks = _adjusted(pd.DataFrame(rows, columns=COLUMNS))
    second = matched_study.matched(outages, area_weeks, customers_now, seed=seed, outcomes=outcomes)
    second = second.assign(design=MATCHED).reindex(columns=COLUMNS)
    return Incidents(
        _typed(pd.concat([by_weeks.astype(object), second.astype(object)], ignore_index=True)),
        pd.DataFrame(course, columns=WEEK_COLUMNS),
    )


@dataclass(frozen=True, slots=True)
class _Struck:
    """Whom hours of one kind struck in the weeks that are compared.

    ``weeks`` are weeks of neighbourhoods, ``customers`` those who were struck in one, once for each; nan where it is not
    known who was. ``price`` is the mean monthly one there.
    """

    weeks: int
    customers: float
    customer_hours: float
    around: float
    price: float

    @classmethod
    def of(cls, hours: Hours, kind: str, prices: pd.Series | None) -> _Struck:
        told = np.where(hours.is_counted, np.nan_to_num(hours.hours[kind]), 0.0)
        is_struck = told > 0
        by_area = (told * hours.customers).sum(axis=1)
        people = np.nan
        if kind in hours.hit:
            people = float((np.where(is_struck, np.nan_to_num(hours.hit[kind]), 0.0) * hours.customers).sum())
        price = np.nan
        if prices is not None and by_area.sum() > 0:
            price = float(np.average([prices.get(area, prices.mean()) for area in hours.areas], weights=by_area))
        around = float(hours.customers[is_struck].sum())
        return cls(int(is_struck.sum()), people or np.nan, float(by_area.sum()), around, price)

    @property
    def hours_each(self) -> float:
        """Hours that a struck customer was without service in the week, in the mean."""
        return self.customer_hours / self.customers

    def row(self, found: Following, outcome: str, source: str | None, unseen: float) -> dict[str, Any]:
        is_outage = found.kind != PLANNED_KIND
        told = found.per_hour, found.low, found.high
        if is_outage:
            told = hidden_hours.bounded(*told, unseen)
        per_hour = dict(zip(("", "_low", "_high"), told, strict=True))
        people = self.customers if np.isfinite(self.customers) else self.around
        expected = found.usual * found.weeks_after * people
        detectable = POWER_FACTOR * found.error * self.customer_hours
        verdict = "not_found" if detectable < LARGEST_UNSEEN * expected else "too_small"
        return {
            "outage": f"pooled:{found.kind}",
            "outcome": outcome,
            "design": BY_WEEKS,
            "is_pooled": True,
            "kind": "outage" if is_outage else "planned",
            "source": source,
            "size": found.kind if is_outage else "all",
            "outages": self.weeks,
            "customers": round(people),
            "customer_minutes": 60 * self.customer_hours,
            "hours_each": self.hours_each,
            "weeks_after": found.weeks_after - 1 if found.weeks_after else None,
            "expected": expected,
            **{f"excess{end}": value * self.customer_hours for end, value in per_hour.items()},
            **{f"excess_per_1000{end}": 1000 * value * self.hours_each for end, value in per_hour.items()},
            **{f"excess_per_1000_hours{end}": 1000 * value for end, value in per_hour.items()},
            **{f"monthly_revenue{end}": value * self.customer_hours * self.price for end, value in per_hour.items()},
            "smallest_detectable": detectable,
            "placebo_p_value": found.placebo_p,
            "p_value": found.p_value,
            "verdict": NO_ANSWER if found.reason or np.isnan(found.error) else verdict,
            "note": found.reason or (UNSEEN.format(unseen=unseen) if unseen and is_outage else None),
        }

    def course(self, found: Following, outcome: str) -> list[dict[str, Any]]:
        each = self.hours_each if np.isfinite(self.hours_each) else 1.0
        return [
            {
                "size": found.kind,
                "outcome": outcome,
                "weeks_since": week.since,
                "is_placebo": week.since < 0,
                "outages": self.weeks,
                "excess_per_1000": 1000 * each * week.value,
                "low": 1000 * each * week.low,
                "high": 1000 * each * week.high,
            }
            for week in found.course
        ]


def _source(outages: pd.DataFrame) -> str | None:
    """incidents | weekly_down_time | both; None of no outages."""
    known = set(outages["source"])
    return "both" if len(known) > 1 else next(iter(known), None)


def _adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Holm over kinds and outcomes, and what was found by it."""
    adjusted = holm(rows["p_value"].to_numpy(dtype=float))
    with np.errstate(invalid="ignore"):
        return rows.assign(p_adjusted=adjusted, verdict=rows["verdict"].mask(adjusted < LARGEST_P, "found"))


def _typed(rows: pd.DataFrame) -> pd.DataFrame:
    whole = dict.fromkeys(("weeks_after", "matched_areas"), "Int64") | dict.fromkeys(("outages", "customers"), "int64")
    texts = ("outage", "outcome", "design", "kind", "source", "size", "area", "verdict", "note")
    numbers = [name for name in COLUMNS if name not in (*whole, *texts, "is_pooled", "started_at")]
    return rows.astype(dict.fromkeys(numbers, float) | whole | {"is_pooled": bool}).assign(
        started_at=pd.to_datetime(rows["started_at"], utc=True)
    )


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
WEEK_COLUMNS = ["size", "outcome", "weeks_since", "is_placebo", "outages", "excess_per_1000", "low", "high"]
