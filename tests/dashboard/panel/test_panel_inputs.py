"""Where the panel begins and ends, what it says of its inputs, and what it does with hardly any."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from dashboard.panel import assemble as panels
from dashboard.tables.panel_tables import PANEL_TABLES
from dashboard.tables.quality_hours import TableError, pattern

DAY = datetime.date
FIRST, LAST = "2025-01-06", "2025-03-03"


def said(panel: Any) -> dict[str, str]:
    return {note.code: note.text for note in panel.notes}


@pytest.fixture
def eight_weeks(world: Any) -> Any:
    world.observe("ap", FIRST, LAST)
    world.customer("1", started_on="2024-01-01")
    return world


def test_frames_are_as_declared(eight_weeks: Any) -> None:
    panel = eight_weeks.build()
    for spec in PANEL_TABLES:
        frame = getattr(panel, spec.name)
        assert list(frame.columns) == list(spec.column_names)
        assert not frame.duplicated(list(spec.key)).any()
        required = [column.name for column in spec.columns if column.required]
        assert not frame[required].isna().any().any()
    assert panel.area_weeks["week"].dt.day_of_week.eq(0).all()


def test_without_customers_there_is_no_panel(world: Any) -> None:
    world.observe("ap", FIRST, LAST)
    with pytest.raises(panels.PanelError, match="no customers have been imported: bairro import customers FILE"):
        world.build()


def test_the_cut_off_is_where_the_first_input_ends_less_the_lag(eight_weeks: Any) -> None:
    eight_weeks.is_dated_by_content = True
    eight_weeks.customer("2", started_on="2025-02-27")
    eight_weeks.complaint("2025-01-20", customer_id="1")
    panel = eight_weeks.build(reporting_lag_days=3)
    assert panel.last_complete == {
        "quality_hours": DAY(2025, 3, 2),
        "customers": DAY(2025, 2, 27),
        "complaints": DAY(2025, 1, 20),
    }
    assert panel.cut_off == DAY(2025, 1, 17)
    assert said(panel)["complaints_end_early"] == (
        "Complaints end on 2025-01-20, 38 days before the other inputs; the analysis ends there, less the reporting lag."
    )


def test_an_end_that_is_announced_is_no_proof_of_complete_records(eight_weeks: Any) -> None:
    eight_weeks.is_dated_by_content = True
    eight_weeks.customer("2", started_on="2024-01-01", notice_on="2025-02-01", ended_on="2025-12-31")
    assert eight_weeks.build().last_complete["customers"] == DAY(2025, 2, 1)


def test_a_day_counts_as_observed_when_its_last_hour_was(world: Any) -> None:
    world.customer("1", started_on="2024-01-01")
    world.observe("ap", "2025-01-06T05:00", "2025-02-01T23:00")
    # In Lisbon (UTC in winter) 1 February lacks its last hour; in Berlin the hour from 22:00 UTC is the last.
    assert world.build("Europe/Lisbon").last_complete["quality_hours"] == DAY(2025, 1, 31)
    assert world.build("Europe/Berlin").last_complete["quality_hours"] == DAY(2025, 2, 1)


def test_too_short_a_time_is_said_and_not_an_error(eight_weeks: Any) -> None:
    panel = eight_weeks.build(reporting_lag_days=90)
    assert len(panel.customer_periods) == 0
    assert not panel.area_weeks["is_complete"].any()
    assert said(panel)["no_time_at_risk"] == (
        "There is nothing to analyse yet: the period would begin on 2025-01-06 and end on 2024-12-02"
        " (90 days before the records end, for departures entered late)."
    )
    assert panel.customer_periods["lock_in_days_left"].dtype == "Int64"


def test_customers_alone_give_weeks_without_quality(world: Any) -> None:
    world.customer("1", started_on="2025-01-01", ended_on="2025-01-20", end_reason="voluntary")
    world.customer("2", started_on="2025-01-01", valid_from="2025-02-01")
    panel = world.build()
    assert panel.entry == DAY(2025, 1, 1)
    assert panel.area_weeks["down_hours_per_customer"].isna().all()
    assert panel.area_weeks["leavers_voluntary"].sum() == 1
    assert {"no_quality", "no_complaints", "no_prices", "no_nps", "no_devices", "no_contracts"} <= set(said(panel))


def test_what_is_dropped_or_assumed_is_said(eight_weeks: Any) -> None:
    eight_weeks.customer("2", started_on="2024-01-01", device_id=None)
    eight_weeks.customer("3", started_on="2024-01-01", device_id="typo")
    eight_weeks.customer("4", started_on="2024-01-01", ended_on="2025-02-01")
    eight_weeks.observe("idle", FIRST, LAST)
    eight_weeks.rows["areas"] = [{"area": "south", "name": "South"}]
    for name, parent in (("core", None), ("olt", "core"), ("ap", "olt")):
        eight_weeks.device(name, parent)
    eight_weeks.complaint("2025-02-01", customer_id="stranger")
    eight_weeks.complaint("2020-02-01", customer_id="1")
    eight_weeks.complaint("2025-02-01", area="moon")
    eight_weeks.complaint("2025-02-20", customer_id="4")
    panel = eight_weeks.build()
    counts = panel.counts.set_index(["table", "code"])["rows"].to_dict()
    assert counts["complaints", "customer_unknown"] == 1
    assert counts["complaints", "outside_weeks"] == 1
    assert counts["complaints", "area_without_customers"] == 1
    assert counts["complaints", "area_unknown_then"] == 1
    assert counts["quality_hours", "serves_nobody"] == counts["quality_hours", "used"] == 56 * 24
    assert counts["areas", "nobody_lives_there"] == 1
    assert (counts["devices", "used"], counts["devices", "serves_nobody"]) == (2, 1)
    notes = said(panel)
    # Three customers for 56 days, one for 27.
    assert notes["customers_without_device"].startswith(f"{56 / 195:.1%} of customer time has no device on record")
    assert notes["devices_never_measured"].startswith(
        f"1 devices that serve customers were never measured ({56 / 195:.1%}"
    )
    assert notes["departures_without_reason"].startswith("1 departures have neither notice nor reason")
    assert notes["areas_unnamed"].startswith("1 neighbourhood of customers is not among the imported areas")
    assert notes["complaints_customer_unknown"] == (
        "1 of 4 complaints are left out: from a customer who is not in the customer records, and without a neighbourhood."
    )
    assert notes["records_complete_from_assumed"].startswith("Departures are assumed complete from 2025-01-06 on")
    assert "partly_observed" in notes


def test_files_give_what_a_table_gives(eight_weeks: Any) -> None:
    records, quality, devices = eight_weeks.tables()
    days = quality.column("hour").cast("string").to_pandas().str[:10]
    for day in days.unique():
        folder = eight_weeks.data / "quality" / f"date={day}"
        folder.mkdir(parents=True)
        rows = quality.filter((days == day).to_numpy())
        half = len(rows) // 2
        for number, part in enumerate((rows.slice(0, half), rows.slice(half))):
            pq.write_table(part, folder / f"hour-{number}.parquet")
    from_files = panels.build(records, pattern(eight_weeks.data), devices, eight_weeks.settings())
    from_table = panels.build(records, quality, devices, eight_weeks.settings())
    pd.testing.assert_frame_equal(from_files.area_weeks, from_table.area_weeks)
    pd.testing.assert_frame_equal(from_files.customer_periods, from_table.customer_periods)


def test_no_files_are_no_quality(eight_weeks: Any) -> None:
    records, _, devices = eight_weeks.tables()
    panel = panels.build(records, pattern(eight_weeks.data), devices, eight_weeks.settings())
    assert "no_quality" in said(panel)


def test_a_damaged_file_is_named(eight_weeks: Any) -> None:
    records, _, devices = eight_weeks.tables()
    folder: Path = eight_weeks.data / "quality" / "date=2025-01-06"
    folder.mkdir(parents=True)
    (folder / "hour-0.parquet").write_bytes(b"PAR1 torn PAR1")
    with pytest.raises(TableError, match=r"hour-0\.parquet"):
        panels.build(records, pattern(eight_weeks.data), devices, eight_weeks.settings())
