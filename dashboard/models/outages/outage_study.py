"""What outages do to complaints and departures: by the weeks that follow, and as a second look against matched areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dashboard.models.outages import effect_rows, hidden_hours, matched_study, unseen_hours
from dashboard.models.outages.following_weeks import Following, following
from dashboard.models.outages.matched_study import LARGEST_P, OUTCOMES, POWER_FACTOR
from dashboard.models.outages.outage_hours import PLANNED_KIND, Hours, hours_of
from dashboard.models.statistics.multiplicity import holm

__all__ = ["OUTCOMES", "Incidents", "incidents"]

BY_WEEKS = "following_weeks"
NO_ANSWER = "no_answer"
WEEK_COLUMNS = ["size", "outcome", "weeks_since", "is_placebo", "outages", "excess_per_1000", "low", "high"]
LARGEST_UNSEEN = 0.5
"""Where not even a rise by this part of what is usual would have been seen, there is too little to say."""
HIDDEN = (
    "Hours that nobody observed go with hours without service (at most {hidden:.1f} for each), so an hour may cost less than"
    " it seems: the interval for an hour reaches as far as all of these would draw it. The totals stay as they are."
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
    unseen: unseen_hours.Unseen | None = None,
) -> Incidents:
    """Both studies of each outcome. ``outages`` is what `outage_list.known` gives.

    ``unseen`` says whether hours that nobody observed go with outages; None: not tested, and they are taken not to.
    """
    hours = hours_of(area_weeks, outages)
    prices = customers_now["monthly_price"].astype(float).groupby(customers_now["area"]).mean()
    beside = unseen.beside_outages if unseen is not None else None
    hidden = hidden_hours.per_hour(hours, beside.size) if beside is not None else 0.0
    rows: list[dict[str, Any]] = []
    course: list[dict[str, Any]] = []
    for outcome in outcomes:
        for found in following(hours, outcome):
            struck = _Struck.of(hours, found.kind, prices if outcome == "leaving" else None)
            rows.append(struck.row(found, outcome, effect_rows.source_of(outages["source"]), hidden))
            course += struck.course(found, outcome)
    by_weeks = _adjusted(pd.DataFrame(rows, columns=effect_rows.COLUMNS))
    second = matched_study.matched(outages, area_weeks, customers_now, seed=seed, outcomes=outcomes)
    return Incidents(
        effect_rows.typed(pd.concat([by_weeks.astype(object), second.astype(object)], ignore_index=True)),
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

    def row(self, found: Following, outcome: str, source: str | None, hidden: float) -> dict[str, Any]:
        is_outage = found.kind != PLANNED_KIND
        told = found.per_hour, found.low, found.high
        ends = "", "_low", "_high"
        per_hour = dict(zip(ends, told, strict=True))
        of_one = dict(zip(ends, hidden_hours.bounded(*told, hidden if is_outage else 0.0), strict=True))
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
            **{f"excess_per_1000_hours{end}": 1000 * value for end, value in of_one.items()},
            **{f"monthly_revenue{end}": value * self.customer_hours * self.price for end, value in per_hour.items()},
            "smallest_detectable": detectable,
            "placebo_p_value": found.placebo_p,
            "p_value": found.p_value,
            "verdict": NO_ANSWER if found.reason or np.isnan(found.error) else verdict,
            "note": found.reason or (HIDDEN.format(hidden=hidden) if hidden and is_outage else None),
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


def _adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Holm over kinds and outcomes, and what was found by it."""
    adjusted = holm(rows["p_value"].to_numpy(dtype=float))
    with np.errstate(invalid="ignore"):
        return rows.assign(p_adjusted=adjusted, verdict=rows["verdict"].mask(adjusted < LARGEST_P, "found"))
