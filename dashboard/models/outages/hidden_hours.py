"""Whether hours that nobody observed go with hours without service: then more were without service than was seen."""

from __future__ import annotations

import numpy as np

from dashboard.models.outages.outage_hours import ALL, Hours
from dashboard.models.statistics import added_rates, clusters

LEAST_SHARE = 0.05
"""Unseen hours for each hour without service that are worth a word."""


def per_hour(hours: Hours) -> float:
    """The most hours (upper end of the 95% interval) that go unseen beside each hour without service in the same week,
    within neighbourhood and week; 0 where they do not go together.
    """
    down = hours.hours[ALL]
    is_used = hours.is_counted & ~np.isnan(down)
    columns = np.where(is_used, down, 0.0)[:, :, None]
    grid = added_rates.Grid(hours.unseen * hours.customers, hours.customers, columns, is_used).informative()
    if len(grid.events) < clusters.FEWEST_CLUSTERS or grid.events.shape[1] < 2:
        return 0.0
    fitted = added_rates.fit(grid)
    if not fitted.is_estimated:
        return 0.0
    inference = added_rates.infer(grid, fitted, np.eye(1), is_counted=False)
    low, high = inference.intervals()
    return float(high[0]) if low[0] > 0 and inference.estimates[0] > LEAST_SHARE else 0.0


def bounded(estimate: float, low: float, high: float, hidden: float) -> tuple[float, float, float]:
    """Events for each seen hour with both ends, drawn towards none as far as all hidden hours would draw them; the estimate
    to the middle between that and itself.
    """
    share = 1 + hidden
    return (estimate + estimate / share) / 2, low / share if low > 0 else low, high / share if high < 0 else high
