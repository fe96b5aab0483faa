"""Time without service between none and all of the unseen hours, and intervals that contain what follows of both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.measures import DOWN, WINDOWS, over
from dashboard.models.fixes import unseen_bounds


def test_unseen_hours_count_as_none_or_all_without_service():
    customers = pd.DataFrame({"trailing_unseen_ratio": [0.0, 0.5, None], DOWN.trailing: [3.0, 2.0, 1.0]})
    weeks = pd.DataFrame({"observed_ratio": [1.0, 0.5, None], DOWN.area_column: [3.0, 2.0, 1.0]})
    for made, column in ((unseen_bounds.of_customers, DOWN.trailing), (unseen_bounds.of_weeks, DOWN.area_column)):
        frame = customers if column == DOWN.trailing else weeks
        none, every = (made(frame, share)[column].to_numpy() for share in unseen_bounds.BOUNDS)
        assert none == pytest.approx([3.0, 1.0, np.nan], nan_ok=True)
        assert every == pytest.approx([3.0, 1.0 + 84.0, np.nan], nan_ok=True)


def test_hours_over_other_weeks_have_the_same_bounds():
    hours = {over(weeks): [2.0, np.nan] for weeks in WINDOWS}
    customers = pd.DataFrame({"trailing_unseen_ratio": [0.5, 0.5], DOWN.trailing: [2.0, 2.0], **hours})
    none, every = (unseen_bounds.of_customers(customers, share) for share in unseen_bounds.BOUNDS)
    for weeks in WINDOWS:
        assert none[over(weeks)].to_numpy() == pytest.approx([1.0, np.nan], nan_ok=True)
        assert every[over(weeks)].to_numpy() == pytest.approx([85.0, np.nan], nan_ok=True)


def _rows(low: float, high: float) -> pd.DataFrame:
    numbers = {"avoidable_leavers_90d": 1.0, "avoidable_leavers_90d_low": low, "avoidable_leavers_90d_high": high}
    return pd.DataFrame({"area": ["a", "b"], "measure": "down_hours", **numbers})


def test_intervals_contain_those_of_both_bounds_and_are_none_where_a_bound_has_none():
    rows, bounds = _rows(0.5, 2.0), [_rows(0.2, 1.0), _rows(0.8, 5.0).iloc[::-1]]
    united = unseen_bounds.united(rows, bounds)
    assert (united["avoidable_leavers_90d_low"] == 0.2).all()
    assert (united["avoidable_leavers_90d_high"] == 5.0).all()
    assert (united["avoidable_leavers_90d"] == 1.0).all()
    lacking = unseen_bounds.united(rows, [bounds[0].iloc[:1], bounds[1]])
    assert lacking["avoidable_leavers_90d_low"].isna().tolist() == [False, True]


def test_fits_of_the_bounds_take_a_sample_of_a_large_provider_that_is_always_the_same(monkeypatch):
    monkeypatch.setattr(unseen_bounds, "MOST_ROWS", 10)
    chosen = unseen_bounds.sampled(40)
    assert len(set(chosen)) == 10
    assert (chosen == unseen_bounds.sampled(40)).all()
    assert (unseen_bounds.sampled(10) == np.arange(10)).all()
