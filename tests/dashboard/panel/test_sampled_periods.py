"""Providers too large for every row: all departures stay, and the weights of the others come to the whole."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dashboard.panel import assemble
from tests.dashboard.panel.test_panel_oracle import fill


@pytest.fixture
def both(world: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[pd.DataFrame, pd.DataFrame]:
    fill(world, 1)
    whole = world.build("Europe/Lisbon").customer_periods
    monkeypatch.setattr(assemble, "MOST_PERIODS", len(whole) / 3)
    return whole, world.build("Europe/Lisbon").customer_periods


def test_rows_kept_are_as_they_were(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    whole, kept = both
    assert (whole["weight"] == 1).all()
    assert len(kept) <= len(whole) / 2
    key = ["customer_id", "started_on", "period"]
    found = kept[key].merge(whole, on=key, how="left")
    pd.testing.assert_frame_equal(found.drop(columns="weight"), kept[found.columns].drop(columns="weight"))


def test_all_departures_are_kept_and_weights_sum_to_the_rows(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    whole, kept = both
    for name in ("left_voluntarily", "left_otherwise"):
        assert kept[name].sum() == whole[name].sum() > 0
    left = whole["left_voluntarily"].astype(bool) | whole["left_otherwise"].astype(bool)
    gone = kept["left_voluntarily"].astype(bool) | kept["left_otherwise"].astype(bool)
    assert set(kept["weight"][gone]) == {1.0}
    assert set(kept["weight"][~gone]) == {3.0}
    assert kept["weight"][~gone].sum() == pytest.approx((~left).sum(), rel=0.1)
