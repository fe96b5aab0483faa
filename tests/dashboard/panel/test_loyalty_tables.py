"""survey_answers, quality_complaints and departures, each worked out by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest


def test_answers_complaints_and_departures_of_a_small_world(world: Any, row_of: Any) -> None:
    world.observe("ap", "2025-01-06", "2025-06-23")
    world.observe("ap", "2025-03-05", "2025-03-06", down_seconds=1800.0)
    world.customer("1", started_on="2024-01-01", technology="cable")
    world.customer("2", started_on="2024-01-01", ended_on="2025-02-01", end_reason="voluntary")
    world.customer("2", area="south", started_on="2025-04-02")
    world.complaint("2025-03-08", customer_id="1")
    world.complaint("2025-03-20", customer_id="1")
    world.complaint("2025-03-20", category="billing", customer_id="1")
    world.rows["nps"] += [
        {"response_id": "a", "customer_id": "1", "answered_on": "2025-03-10", "score": 3},
        {"response_id": "b", "area": "north", "answered_on": "2025-03-10", "score": 9},
    ]
    panel = world.build()
    known = row_of(panel.survey_answers, response_id="a")
    assert (known.area, known.score, known.technology, known.tenure_days) == ("north", 3, "cable", 434)
    assert known.complaints_before == 1
    assert pd.isna(row_of(panel.survey_answers, response_id="b").tenure_days)
    assert len(panel.quality_complaints) == 2
    # The 2nd to the 8th of March hold the day with twelve hours down; the 14th to the 20th none.
    assert row_of(panel.quality_complaints, complaint_id="0").down_hours == pytest.approx(12.0)
    assert row_of(panel.quality_complaints, complaint_id="1").down_hours == 0
    gone = row_of(panel.departures, customer_id="2")
    assert (gone.area, gone.exit_reason, gone.next_area) == ("north", "voluntary", "south")
    assert gone.next_started_on == pd.Timestamp("2025-04-02")
