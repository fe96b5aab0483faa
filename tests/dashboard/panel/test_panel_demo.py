"""The demo's world through the whole door: exported as CSV, imported, joined, and held against what truly was."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from dashboard.config import DashboardSettings
from dashboard.panel import assemble as panels
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.schema import CATEGORIES, RECORDS
from demo.rules import Rules
from demo.world import PROVIDER_TIMEZONE, World, simulate

AS_OF = datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.UTC)


@dataclass
class Joined:
    world: World
    panel: panels.Panel


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Joined:
    folder = tmp_path_factory.mktemp("demo")
    world = simulate(Rules(), 7, 24, 120, AS_OF, weeks=26, cpe_hours=False)
    settings = DashboardSettings(
        data=folder / "data", customer_key=folder / "customer.key", timezone=str(PROVIDER_TIMEZONE)
    )
    for kind, frame in world.records.items():
        frame.to_csv(folder / f"{kind}.csv", index=False)
        report = import_records(kind, folder / f"{kind}.csv", settings, as_of=AS_OF.date())
        assert (report.failure, report.rejected, report.added) == (None, 0, len(frame)), report
    records = {kind: read(kind, settings.data) for kind in RECORDS}
    return Joined(world, panels.build(records, world.quality_hours, world.devices, settings))


def test_everything_that_came_in_is_accounted_for(joined: Joined) -> None:
    counts = joined.panel.counts
    read_rows = counts.groupby("table")["rows"].sum()
    for kind in ("customers", "complaints", "nps", "prices"):
        assert read_rows[kind] == len(joined.world.records[kind])
    assert read_rows["quality_hours"] == joined.world.quality_hours.num_rows
    used = counts.query("code == 'used'").set_index("table")["rows"]
    assert used["complaints"] > 0.99 * read_rows["complaints"]
    complaints = joined.panel.area_weeks[[f"complaints_{category}" for category in CATEGORIES]]
    assert complaints.to_numpy().sum() == used["complaints"]


def test_leavers_are_those_of_the_world(joined: Joined) -> None:
    exports = joined.world.records["customers"].drop_duplicates(["customer_id", "started_on"], keep="last")
    on = exports["notice_on"].fillna(exports["ended_on"])
    entry, cut_off = pd.Timestamp(joined.panel.entry), pd.Timestamp(joined.panel.cut_off)
    left = exports[(on >= entry) & (on <= cut_off)]
    is_willing = left["end_reason"].fillna("voluntary") == "voluntary"
    periods = joined.panel.customer_periods
    assert periods["left_voluntarily"].sum() == is_willing.sum() > 100
    assert periods["left_otherwise"].sum() == (~is_willing).sum()
    complete = joined.panel.area_weeks.query("is_complete")
    until = complete["week"].max() + pd.Timedelta(days=6)
    assert complete["leavers_voluntary"].sum() == (is_willing & (on[left.index] <= until)).sum()


def test_neighbourhoods_have_the_quality_that_truly_was(joined: Joined) -> None:
    """What was measured with gaps lies close to what was: the median over area-weeks is within a twentieth, for loss
    within a seventh (some hundred echoes lost in a week are known to a tenth).

    Areas of one access node only, so that the truth needs no weighting by customers.
    """
    world = joined.world
    truth = world.setting.quality
    single = {
        place.area: int(nodes[0]) - world.network.nodes.start
        for n, place in enumerate(world.network.places)
        if len(nodes := world.network.nodes_of(n)) == 1
    }
    assert len(single) > 5
    weeks = joined.panel.area_weeks.query("is_complete and observed_ratio > 0.9 and area in @single").copy()
    at = (weeks["area"].map(single).to_numpy(), ((weeks["week"] - weeks["week"].min()).dt.days // 7).to_numpy())
    for column, true, least, most in (
        ("down_hours_per_customer", truth.down_hours[at], 0.98, 0.05),
        ("evening_rtt_p95_mean_seconds", truth.latency_10ms[at] / 100, 0.95, 0.05),
        ("loss_ratio", truth.loss_points[at] / 100, 0.9, 0.14),
        ("evening_utilization_mean_ratio", truth.utilization_tenths[at] / 10, 0.95, 0.05),
    ):
        found = weeks[column].to_numpy()
        assert np.corrcoef(found, true)[0, 1] > least, column
        off = np.abs(found - true)[true > 0] / true[true > 0]
        assert np.median(off) < most, column


def test_no_note_is_grave(joined: Joined) -> None:
    grave = ("no_", "devices_never_measured", "customers_without_device", "areas_unnamed", "customers_end_early")
    assert not [note for note in joined.panel.notes if note.code.startswith(grave)]
