"""Hours without service by the length of the single outage that they lie in: what counts as one, and where it is told."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dashboard.measures import LENGTHS, REACHES, longer_than, over
from dashboard.panel import assemble

FIRST = datetime.datetime(2025, 3, 3, tzinfo=datetime.UTC)
WEEKS = 18
ZONE = "America/Sao_Paulo"
HOUR = datetime.timedelta(hours=1)
WHOLE = {"down_seconds": 3600.0}
HALF = {"down_seconds": 1800.0}
SILENT = {"down_seconds": 0.0, "silent_seconds": 3600.0}
PLANNED = {"down_seconds": 3600.0, "planned_seconds": 3600.0}
UNSEEN: dict[str, float] = {}
BLIND = {"observed_seconds": 0.0, "down_seconds": 0.0}

SUNDAY_NIGHT = "2025-06-08T20"  # UTC: the files of the next hour but four are another week's
CASES: dict[str, tuple[str, list[dict[str, float]], tuple[float, float, float]]] = {
    "six short ones": ("2025-06-03T08", [WHOLE, {}, {}] * 6, (0, 0, 0)),
    "ten minutes an hour for a day": ("2025-06-03T08", [{"down_seconds": 600.0}] * 24, (0, 0, 0)),
    "over midnight": ("2025-06-03T22", [WHOLE] * 6, (6, 6, 0)),
    "over the end of a week": (SUNDAY_NIGHT, [WHOLE] * 9, (9, 9, 9)),
    "over the end of the local week": ("2025-06-09T00", [WHOLE] * 9, (9, 9, 9)),
    "begins and ends within an hour": ("2025-06-03T08", [HALF, *[WHOLE] * 4, HALF], (5, 5, 0)),
    "four hours to the second": ("2025-06-03T08", [WHOLE] * 4, (4, 0, 0)),
    "back for half an hour": ("2025-06-03T08", [*[WHOLE] * 3, HALF, *[WHOLE] * 3], (6.5, 0, 0)),
    "back for an hour": ("2025-06-03T08", [*[WHOLE] * 3, {}, *[WHOLE] * 3], (6, 0, 0)),
    "two hours unseen within": ("2025-06-03T08", [*[WHOLE] * 3, UNSEEN, BLIND, *[WHOLE] * 2], (5, 5, 0)),
    "unseen at the end of a week": (SUNDAY_NIGHT, [*[WHOLE] * 3, *[UNSEEN] * 3, *[WHOLE] * 3], (6, 6, 6)),
    "back within, then unseen": ("2025-06-03T08", [*[WHOLE] * 3, HALF, UNSEEN, *[WHOLE] * 3], (6.5, 0, 0)),
    "over the end of a week by halves": (SUNDAY_NIGHT, [HALF, *[WHOLE] * 4, HALF], (5, 5, 0)),
    "unseen for seven hours": ("2025-06-03T08", [*[WHOLE] * 3, *[UNSEEN] * 7, *[WHOLE] * 3], (6, 0, 0)),
    "silent within": ("2025-06-03T08", [*[WHOLE] * 3, SILENT, *[WHOLE] * 3], (6, 6, 0)),
    "planned": ("2025-06-03T08", [PLANNED] * 6, (0, 0, 0)),
    "after planned work": ("2025-06-03T08", [*[WHOLE] * 3, *[PLANNED] * 6], (3, 0, 0)),
    "nine weeks ago": ("2025-05-01T08", [WHOLE] * 9, (0, 0, 0)),
}
LONG_AGO = 9.0
AS_NEW = "new"


@pytest.fixture
def told(world: Any) -> Any:
    """A device and a customer for each case."""
    world.rows["areas"] = [{"area": "north", "name": "north", "timezone": ZONE}]
    for case, (start, hours, _) in CASES.items():
        world.customer(case, device_id=case, started_on="2024-01-01")
        first = datetime.datetime.fromisoformat(start).replace(tzinfo=datetime.UTC)
        changes = {first + HOUR * place: change for place, change in enumerate(hours)}
        for place in range(0 if case == "nine weeks ago" else 7 * 168, WEEKS * 168):
            at = FIRST + HOUR * place
            change = changes.get(at, {"down_seconds": 0.0})
            if change is not UNSEEN:
                quiet = {"observed_seconds": 3600.0, "down_seconds": 0.0, "planned_seconds": 0.0}
                world.hours[at, case] = {**quiet, **change}
    world.customer(AS_NEW, device_id="over midnight", started_on="2025-06-20")
    return world


def test_hours_are_told_by_the_length_of_the_single_outage(told: Any) -> None:
    panel = told.build(ZONE)
    now = panel.customers_now.set_index("customer_id")
    weeks = now["trailing_observed_ratio"] * 8
    for case, (_, _, expected) in CASES.items():
        found = [now.loc[case, over(8, hours)] * weeks[case] for hours in LENGTHS]
        assert found == pytest.approx(expected, abs=0.01), case
    long_ago = now.loc["nine weeks ago"]
    assert [long_ago[over(weeks, 8)] for weeks in REACHES] == pytest.approx([0, 0, 0, 9 / 16], abs=0.001)
    assert np.isnan(now.loc[AS_NEW, over(8, 4)]), "its device did not serve them for eight weeks"
    _are_means_of_customers(panel.area_weeks)


def _are_means_of_customers(weeks: pd.DataFrame) -> None:
    for place, hours in enumerate(LENGTHS):
        total = (weeks[longer_than(hours)] * len(CASES)).sum()
        assert total == pytest.approx(sum(case[2][place] for case in CASES.values()) + LONG_AGO, rel=0.02)
    known = weeks[weeks[longer_than(4)].notna()]
    assert known[longer_than(4)].le(known["down_hours_per_customer"] + 1e-9).all()


def test_weeks_of_files_find_the_same_outages_as_the_whole_history_at_once(told: Any, tmp_path: Path) -> None:
    records, hours, devices = told.tables()
    for week in range(WEEKS):
        start = FIRST + datetime.timedelta(weeks=week)
        at = pa.scalar(start, hours["hour"].type), pa.scalar(start + datetime.timedelta(weeks=1), hours["hour"].type)
        folder = tmp_path / "quality" / f"date={start.date()}"
        folder.mkdir(parents=True)
        own = hours.filter(pc.and_(pc.greater_equal(hours["hour"], at[0]), pc.less(hours["hour"], at[1])))
        pq.write_table(own, folder / "shard=0.parquet")
    settings = told.settings(ZONE)
    pattern = str(tmp_path / "quality" / "date=*" / "*.parquet")
    at_once = assemble.build(records, hours, devices, settings)
    for _ in range(2):
        by_weeks = assemble.build(records, pattern, devices, settings, cache=tmp_path / "cache")
        pd.testing.assert_frame_equal(by_weeks.customers_now, at_once.customers_now)
        pd.testing.assert_frame_equal(by_weeks.area_weeks, at_once.area_weeks)
