"""By how much an hour without service costs less than it seems where hours that nobody observed go with it (`unseen_hours`)."""

from __future__ import annotations

import numpy as np

from dashboard.models.outages.outage_hours import ALL, Hours
from dashboard.models.statistics import added_rates, clusters


def per_hour(hours: Hours, found: float) -> float:
    """The most hours that go unseen beside each hour without service in the same week, within neighbourhood and week.

    The upper end of the 95% interval of that slope, and at least ``found``, which is what the test of unseen hours found by
    days. It is asked by weeks because the study is: an hour's cost is too large by one plus this slope, the omitted-variable
    formula.
    """
    down = hours.hours[ALL]
    is_used = hours.is_counted & ~np.isnan(down)
    columns = np.where(is_used, down, 0.0)[:, :, None]
    grid = added_rates.Grid(hours.unseen * hours.customers, hours.customers, columns, is_used).informative()
    if len(grid.events) < clusters.FEWEST_CLUSTERS or grid.events.shape[1] < 2:
        return found
    fitted = added_rates.fit(grid)
    if not fitted.is_estimated:
        return found
    high = added_rates.infer(grid, fitted, np.eye(1), is_counted=False).intervals()[1]
    return float(np.fmax(high[0], found))


def bounded(estimate: float, low: float, high: float, hidden: float) -> tuple[float, float, float]:
    """Events for each hour with both ends, drawn towards none as far as all hidden hours would draw them; the estimate
    to the middle between that and itself.

    Only what one hour costs: fewer events for each of more hours come to the same total.
    """
    share = 1 + hidden
    return (estimate + estimate / share) / 2, low / share if low > 0 else low, high / share if high < 0 else high
