"""What would help where unseen hours do not come at random: worked out again as if none of them, and all, had been down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pandas as pd

from dashboard.models.fixes import unseen_bounds
from dashboard.models.leaving import churn, coming_quality
from dashboard.models.leaving.expected_leavers import Prospect
from dashboard.models.outages import unseen_hours
from dashboard.panel.assemble import Panel

Draw = Callable[[Prospect, churn.Predictor, pd.DataFrame, coming_quality.Coming], pd.DataFrame]
"""What would help in a prospect, by a predictor, for its customers of today, with the quality to come."""
NOTE, TESTED = "unseen_hours", "unseen_hours_tested"
"""Codes of what is said of unseen hours where they go with something, and where tests find nothing."""


def bounded(rows: pd.DataFrame, panel: Panel, ahead: Prospect, drawn: Draw) -> tuple[pd.DataFrame, str, str]:
    """``rows`` with intervals that contain those of both bounds, and the code and text of why; as they are at random."""
    seen = unseen_hours.unseen(panel.area_days, panel.area_weeks)
    if not seen.found:
        return rows, TESTED, unseen_hours.nothing_found(seen)
    bounds = [_bound(panel, ahead, share, drawn) for share in unseen_bounds.BOUNDS]
    empty = rows.iloc[:0]
    united = unseen_bounds.united(rows, [empty if bound is None else bound for bound in bounds])
    return united, NOTE, unseen_hours.said(seen.found, seen.share)


def _bound(panel: Panel, ahead: Prospect, share: float, drawn: Draw) -> pd.DataFrame | None:
    """None where leaving cannot be fitted to it."""
    weeks = unseen_bounds.of_weeks(panel.area_weeks, share)
    lived, now = panel.customer_weeks, panel.customers_now
    lived = lived.iloc[unseen_bounds.sampled(len(lived))]
    predictor = churn.of_quality(unseen_bounds.of_customers(lived, share))
    if predictor is None:
        return None
    start = pd.Timestamp(panel.cut_off) + pd.Timedelta(days=1)
    coming = coming_quality.foresee(weeks, list(ahead.areas), predictor.design.quality.terms, start)
    some = unseen_bounds.sampled(len(now))
    of_some = replace(ahead, customers=ahead.customers[some], area_of_customer=ahead.area_of_customer[some])
    return drawn(of_some, predictor, unseen_bounds.of_customers(now.iloc[some], share), coming)
