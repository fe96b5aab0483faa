"""Quality that changes within a four-week period moves the period's expected departures, and nothing else does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.measures import DOWN
from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.leaving.forecast.later_quality import later_quality

FIRST = pd.Timestamp("2025-01-06")


def _area_weeks(hours: dict[str, list[float]], observed: float = 1.0) -> pd.DataFrame:
    """area_weeks of these hours without service a week; the other measures never change."""
    rows = [
        {
            "area": area,
            "week": FIRST + pd.Timedelta(weeks=i),
            "is_complete": True,
            "observed_ratio": observed,
            "customer_days": 700.0,
            **{term.area_column: 1.0 for term in TERMS},
            "down_hours_variance": 0.0,
            DOWN.area_column: own,
            **{f"complaints_{name}": 0 for name in ("connection", "slow", "billing", "price")},
        }
        for area, values in hours.items()
        for i, own in enumerate(values)
    ]
    return pd.DataFrame(rows)


def _periods(*lengths: int) -> pd.Series:
    """The most days at risk of the periods from the eighth week on."""
    return pd.Series(lengths, index=FIRST + pd.to_timedelta([56 + 28 * i for i in range(len(lengths))], unit="D"))


def test_a_storm_in_the_second_week_counts_in_the_third_and_fourth():
    stormy = [0.0] * 9 + [16.0] + [0.0] * 6
    found = later_quality(_area_weeks({"a": stormy, "b": [1.0] * 16}), _periods(28, 28), ["a", "b"], {DOWN: 0.35})
    after = np.exp(0.35 * 16 / 8)
    assert found.factors[0, 0] == pytest.approx((2 + 2 * after) / 4)
    assert found.slopes[0, 0, 0] == pytest.approx(2 * after * 2.0 / (2 + 2 * after))
    # The period after it begins in the storm's wake, which lasts for all of its weeks.
    assert found.factors[1, 0] == pytest.approx(1.0)
    np.testing.assert_allclose(found.factors[:, 1], 1.0)


def test_weeks_after_the_last_day_at_risk_do_not_count():
    stormy = [0.0] * 9 + [16.0] + [0.0] * 6
    found = later_quality(_area_weeks({"a": stormy}), _periods(14), ["a"], {DOWN: 0.35})
    assert found.factors[0, 0] == pytest.approx(1.0)


def test_where_quality_was_not_observed_nothing_moves():
    stormy = [0.0] * 9 + [16.0] + [0.0] * 6
    blind = later_quality(_area_weeks({"a": stormy}, observed=0.2), _periods(28), ["a", "elsewhere"], {DOWN: 0.35})
    np.testing.assert_array_equal(blind.factors, 1.0)
    np.testing.assert_array_equal(blind.slopes, 0.0)
    empty = later_quality(_area_weeks({"a": stormy}).iloc[:0], _periods(28), ["a"], {DOWN: 0.35})
    np.testing.assert_array_equal(empty.factors, 1.0)
