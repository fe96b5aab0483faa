"""What would help between the bounds of unseen hours: bounded where they hide outages, and as it was where they do not."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dashboard.analysis import bounded_help
from dashboard.measures import DOWN
from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers
from dashboard.models.outages import unseen_hours

from ..models.leaving.test_churn import make_weeks, now_of
from ..models.outages.test_unseen_hours import _days, _weeks

pytestmark = pytest.mark.slow


def _panel(hidden: float) -> SimpleNamespace:
    weeks = make_weeks(1, (0.5, 0.3, 0.4, 0.15), areas=10, customers=60).assign(trailing_unseen_ratio=0.01)
    of_areas = _weeks(1).assign(**{measure.area_column: 0.001 for measure in TERMS})
    of_areas["down_hours_variance"] = 0.0
    for name in ("billing", "price"):
        of_areas[f"complaints_{name}"] = 0
    return SimpleNamespace(
        area_days=_days(1, hidden=hidden),
        area_weeks=of_areas,
        customer_weeks=weeks,
        customers_now=now_of(weeks),
        cut_off=pd.Timestamp("2025-10-12"),
    )


def _seen(panel: SimpleNamespace) -> unseen_hours.Unseen:
    return unseen_hours.unseen(panel.area_days, panel.area_weeks)


def _rows() -> pd.DataFrame:
    rows = pd.DataFrame({"area": ["a"], "measure": ["everything"], "avoidable_leavers_90d": [0.7]})
    return rows.assign(avoidable_leavers_90d_low=0.7, avoidable_leavers_90d_high=0.7)


def _expected_leavers(customers: int) -> ExpectedLeavers:
    none, each = np.zeros((1, 1)), np.zeros(customers)
    return ExpectedLeavers(("a",), none, none, none[0], each, each.astype(int), none, none, none)


def test_both_bounds_are_worked_out_and_their_intervals_united():
    panel, looked_at = _panel(hidden=0.6), []

    def drawn(ahead, predictor, customers, coming):
        assert len(ahead.customers) == len(customers)
        hours = customers[DOWN.trailing].mean()
        looked_at.append(hours)
        numbers = [f"avoidable_leavers_90d{end}" for end in ("", "_low", "_high")]
        return pd.DataFrame(
            {"area": ["a"], "measure": ["everything"], **dict(zip(numbers, [[hours]] * 3, strict=True))}
        )

    united, code, why = bounded_help.bounded(
        _rows(), panel, _expected_leavers(len(panel.customers_now)), drawn, _seen(panel)
    )
    assert code == bounded_help.NOTE
    assert why.startswith("Nobody observed")
    assert bounded_help.NO_INTERVAL not in why
    none, every = looked_at
    assert every == pytest.approx(none + 168 * 0.01)
    assert united["avoidable_leavers_90d_low"].item() == pytest.approx(min(none, 0.7))
    assert united["avoidable_leavers_90d_high"].item() == pytest.approx(max(every, 0.7))


def test_a_bound_that_cannot_be_worked_out_takes_the_interval_and_says_so():
    panel = _panel(hidden=0.6)
    panel.customer_weeks = panel.customer_weeks.assign(left_voluntarily=False)
    told = bounded_help.bounded(_rows(), panel, _expected_leavers(1), _never, _seen(panel))
    broken = bounded_help.unbounded(_rows(), _seen(panel))
    for united, code, why in (told, broken):
        assert code == bounded_help.NOTE
        assert why.endswith(bounded_help.NO_INTERVAL)
        assert united["avoidable_leavers_90d"].item() == 0.7
        assert united[["avoidable_leavers_90d_low", "avoidable_leavers_90d_high"]].isna().all(axis=None)


def _never(*_):
    raise AssertionError("nothing is to be drawn again")


def test_hours_unseen_at_random_change_nothing():
    panel, rows = _panel(hidden=0.0), _rows()
    found, code, why = bounded_help.bounded(rows, panel, _expected_leavers(1), _never, _seen(panel))
    assert found is rows
    assert code == bounded_help.TESTED
    assert "no link was found" in why
    assert bounded_help.unbounded(rows, _seen(panel)) == (found, code, why)
