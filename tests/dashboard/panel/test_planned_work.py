"""Planned work is a measure of its own in the panel: never down, known only where the hours tell it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest


@pytest.fixture
def nights(world: Any) -> Any:
    """Ten weeks of one device: two hours of planned work in the second week, an outage of one hour in the fourth."""
    world.customer("c", started_on="2024-01-01")
    world.observe("ap", "2025-03-03", "2025-05-12", planned_seconds=0.0)
    world.observe("ap", "2025-03-11T02", "2025-03-11T04", down_seconds=3600.0, planned_seconds=3600.0)
    world.observe("ap", "2025-03-26T12", "2025-03-26T13", down_seconds=3600.0)
    return world


def test_planned_hours_stand_beside_the_outages_of_a_week(nights: Any, row_of: Callable[..., pd.Series]) -> None:
    weeks = nights.build().area_weeks
    planned, struck = row_of(weeks, week="2025-03-10"), row_of(weeks, week="2025-03-24")
    assert (planned.down_hours_per_customer, planned.planned_hours_per_customer) == (0, 2)
    assert (struck.down_hours_per_customer, struck.planned_hours_per_customer) == (1, 0)
    assert planned.down_hours_variance == 0
    assert planned.observed_ratio == 1, "the work itself was observed"


def test_an_outage_that_outlasts_its_window_is_down_for_the_rest(nights: Any, row_of: Callable[..., pd.Series]) -> None:
    nights.observe("ap", "2025-03-11T04", "2025-03-11T05", down_seconds=1800.0, planned_seconds=600.0)
    week = row_of(nights.build().area_weeks, week="2025-03-10")
    assert week.down_hours_per_customer == pytest.approx(1200 / 3600)
    assert week.planned_hours_per_customer == pytest.approx(2 + 600 / 3600)


def test_the_eight_weeks_before_a_customer_is_looked_at(nights: Any, row_of: Callable[..., pd.Series]) -> None:
    row = row_of(nights.build().customer_periods, period="2025-04-28")
    assert row.trailing_down_hours == pytest.approx(1 / 8)
    assert row.trailing_planned_hours == pytest.approx(2 / 8)
    now = nights.build().customers_now.iloc[0]
    assert now.trailing_planned_hours == pytest.approx(0), "the work is more than eight weeks ago"


def test_a_complaint_in_a_night_of_works_is_told_with_them(nights: Any) -> None:
    nights.complaint("2025-03-12T09:00", "connection", customer_id="c")
    complaint = nights.build().quality_complaints.iloc[0]
    assert (complaint.down_hours, complaint.planned_hours) == (0, 2)


def test_hours_that_do_not_tell_planned_work_are_down_and_said(nights: Any, row_of: Callable[..., pd.Series]) -> None:
    told = {note.code for note in nights.build().notes}
    assert "planned_work_not_told" not in told
    nights.observe("ap", "2025-03-03", "2025-05-12", planned_seconds=None)
    panel = nights.build()
    week = row_of(panel.area_weeks, week="2025-03-10")
    assert week.down_hours_per_customer == 2
    assert pd.isna(week.planned_hours_per_customer), "not known is not none"
    (said,) = [note.text for note in panel.notes if note.code == "planned_work_not_told"]
    assert said.startswith("100% of the observed customer time")
    assert panel.customer_periods["trailing_planned_hours"].isna().all()


def test_more_planned_than_down_is_no_service_gained(nights: Any, row_of: Callable[..., pd.Series]) -> None:
    nights.observe("ap", "2025-03-11T02", "2025-03-11T03", down_seconds=600.0, planned_seconds=3600.0)
    week = row_of(nights.build().area_weeks, week="2025-03-10")
    assert week.down_hours_per_customer == 0
    assert week.planned_hours_per_customer == pytest.approx(1 + 600 / 3600)
