"""What would help where unseen hours do not come at random: worked out again as if none of them, and all, had been down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from dashboard.models.fixes import unseen_bounds
from dashboard.models.leaving import churn
from dashboard.models.leaving.fitted_hazard import Predictor
from dashboard.models.leaving.forecast import coming_quality, spread_of_hours
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers
from dashboard.models.outages import unseen_hours
from dashboard.panel.assemble import Panel

Draw = Callable[[ExpectedLeavers, Predictor, pd.DataFrame, coming_quality.Coming], pd.DataFrame]
"""What would help of the expected leavers, by a predictor, for its customers of today, with the quality to come."""
NOTE, TESTED = "unseen_hours", "unseen_hours_tested"
"""Codes of what is said of unseen hours where they go with something, and where tests find nothing."""
NO_INTERVAL = "Where one of the three could not be worked out, the number has no interval."


def bounded(
    rows: pd.DataFrame, panel: Panel, ahead: ExpectedLeavers, drawn: Draw, seen: unseen_hours.Unseen
) -> tuple[pd.DataFrame, str, str]:
    """``rows`` with intervals that contain those of both bounds, and the code and text of why; as they are at random.

    Where a bound cannot be worked out the interval is unknown, and the text says so.
    """
    if not seen.found:
        return rows, TESTED, unseen_hours.nothing_found(seen)
    bounds = [_bound(panel, ahead, share, drawn) for share in unseen_bounds.BOUNDS]
    return _united(rows, bounds, seen)


def unbounded(rows: pd.DataFrame, seen: unseen_hours.Unseen) -> tuple[pd.DataFrame, str, str]:
    """What `bounded` gives where working out the bounds broke: no interval wherever there should be bounds."""
    if not seen.found:
        return rows, TESTED, unseen_hours.nothing_found(seen)
    return _united(rows, [None], seen)


def _united(
    rows: pd.DataFrame, bounds: Sequence[pd.DataFrame | None], seen: unseen_hours.Unseen
) -> tuple[pd.DataFrame, str, str]:
    empty = rows.iloc[:0]
    united = unseen_bounds.united(rows, [empty if bound is None else bound for bound in bounds])
    low = unseen_bounds.LOW
    is_lost = bool((united[low].isna() & rows[low].notna()).any())
    return united, NOTE, unseen_hours.said(seen.found, seen.share) + (f" {NO_INTERVAL}" if is_lost else "")


def _bound(panel: Panel, ahead: ExpectedLeavers, share: float, drawn: Draw) -> pd.DataFrame | None:
    """None where leaving cannot be fitted to it."""
    weeks = unseen_bounds.of_weeks(panel.area_weeks, share)
    lived, now = panel.customer_weeks, panel.customers_now
    lived = lived.iloc[unseen_bounds.sampled(len(lived))]
    predictor = churn.of_quality(unseen_bounds.of_customers(lived, share))
    if predictor is None:
        return None
    start = pd.Timestamp(panel.cut_off) + pd.Timedelta(days=1)
    unlike = spread_of_hours.spreads(predictor, unseen_bounds.of_customers(lived, share))
    coming = coming_quality.foresee(weeks, list(ahead.areas), predictor.design.quality.terms, start, unlike)
    some = unseen_bounds.sampled(len(now))
    of_some = replace(ahead, customers=ahead.customers[some], area_of_customer=ahead.area_of_customer[some])
    return drawn(of_some, predictor, unseen_bounds.of_customers(now.iloc[some], share), coming)
