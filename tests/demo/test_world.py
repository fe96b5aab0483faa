"""The simulated provider: the same seed gives the same world, and its rules can be found again in its records."""

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest

from collector.published import QUALITY_HOURS
from dashboard.measures import MEASURES
from demo import customers, world
from demo.rules import Rules

AS_OF = datetime.datetime(2026, 6, 3, 10, 30, tzinfo=datetime.UTC)
CUT_OFF = datetime.date(2026, 5, 4)


def make(rules=None, seed=5, **options):
    return world.simulate(rules or Rules(), seed, 8, 120, AS_OF, **({"cpe_hours": False} | options))


@pytest.fixture(scope="module")
def made():
    return make(cpe_hours=True)


def test_the_same_seed_gives_the_same_world(made):
    again = make(cpe_hours=True)
    for kind, frame in made.records.items():
        pd.testing.assert_frame_equal(frame, again.records[kind])
    assert made.quality_hours.equals(again.quality_hours)
    assert not make(seed=6).records["customers"].equals(made.records["customers"])


def test_quality_hours_keep_the_published_invariants(made):
    assert made.quality_hours.schema == QUALITY_HOURS.arrow_schema()
    hours = made.quality_hours.select(
        ["hour", "device_id", "observed_seconds", "down_seconds", "silent_seconds", "pings_sent", "pings_lost"]
    ).to_pandas()
    assert not hours.duplicated(["hour", "device_id"]).any()
    assert hours["observed_seconds"].between(0, 3600).all()
    seen = hours[hours["observed_seconds"] > 0]
    assert (seen["down_seconds"] + seen["silent_seconds"] <= seen["observed_seconds"] + 1e-9).all()
    assert (seen["pings_lost"] <= seen["pings_sent"]).all()
    assert hours.loc[hours["observed_seconds"] == 0, "down_seconds"].isna().all()
    assert hours["hour"].max() == pd.Timestamp("2026-06-03 09:00", tz="UTC")


def test_customers_have_one_open_spell_and_no_impossible_dates(made):
    rows = made.records["customers"]
    assert not rows.duplicated(["customer_id", "started_on", "valid_from"]).any()
    spells = rows.drop_duplicates(["customer_id", "started_on"]).sort_values(["customer_id", "started_on"])
    ended = spells.groupby("customer_id")["ended_on"].shift()
    is_second = spells.duplicated("customer_id")
    assert is_second.any(), "some come back"
    assert (ended[is_second] <= spells.loc[is_second, "started_on"]).all()
    assert (rows["ended_on"].isna() | (rows["ended_on"] >= rows["started_on"])).all()
    assert (rows["notice_on"].isna() | (rows["notice_on"] >= rows["started_on"])).all()
    assert (rows["end_reason"].notna() == rows["ended_on"].notna()).all()


def test_records_end_where_the_world_does(made):
    assert made.records["complaints"]["opened_at"].max() <= pd.Timestamp(AS_OF)
    assert made.records["customers"]["started_on"].max() <= pd.Timestamp("2026-06-03")
    assert made.records["nps"]["answered_on"].max() <= pd.Timestamp("2026-06-03")
    assert made.records["nps"]["score"].between(0, 10).all()


def test_leavers_of_their_own_device_sometimes_unplug_it_early(made):
    hours = made.quality_hours.select(["hour", "device_id", "silent_seconds"]).to_pandas()
    leavers = made.records["customers"].dropna(subset=["ended_on"])
    silent = hours[hours["silent_seconds"] > 0].merge(leavers, on="device_id")
    weeks_before = (silent["ended_on"].dt.tz_localize("UTC") - silent["hour"]).dt.days / 7
    assert (weeks_before > 2).any()


def test_quality_makes_people_complain_and_leave_but_not_about_bills():
    """The rules' own direction, found without any model: more in the weeks after outages, only where it should be."""
    strong = dataclasses.replace(Rules(), billing_per_price_rise=0.0, price_complaint_per_gap=0.0)
    made = make(strong)
    complaints = made.records["complaints"]
    week = (
        complaints["opened_at"].dt.tz_convert(world.PROVIDER_TIMEZONE).dt.tz_localize(None)
        - made.first_monday.tz_localize(None)
    ).dt.days // 7
    customers = made.records["customers"].drop_duplicates("customer_id").set_index("customer_id")
    area = complaints["customer_id"].map(customers["area"])
    areas = [p.area for p in made.network.places]
    node_of = {areas[a]: n for n, a in enumerate(made.network.area[made.network.nodes.start : made.network.nodes.stop])}
    down = np.array([made.setting.quality.down_hours[node_of[a], min(w, 52)] for a, w in zip(area, week, strict=True)])
    about_quality = complaints["category"].isin(["connection", "slow"]).to_numpy()
    assert down[about_quality].mean() > 1.2 * down[~about_quality].mean()


def test_without_quality_effects_truth_does_not_know_quality():
    true = world.truth(make(Rules().without_quality_effects()), CUT_OFF)
    np.testing.assert_allclose(true["probability_90d"], true["base_probability_90d"])


def test_truth_agrees_with_what_then_happens():
    """Over many customers the stated probabilities are the share of those who really leave in the 90 days."""
    expected = happened = 0.0
    for seed in range(4):
        early = AS_OF + datetime.timedelta(days=120)
        lived = world.simulate(Rules(), seed, 8, 120, early, cpe_hours=False, with_hours=False)
        true = world.truth(lived, CUT_OFF)
        day, crowd = lived.day(CUT_OFF), lived.life.crowd
        gone = (crowd.started <= day) & (crowd.ended > day) & (crowd.decided > day) & (crowd.decided <= day + 90)
        expected += true["probability_90d"].sum()
        happened += (gone & (crowd.reason == 1)).sum()
    # Quality moves on after the cut-off, so this is loose; Poisson noise alone is about 4%.
    assert happened == pytest.approx(expected, rel=0.25)


def test_area_truth_adds_up():
    made = make()
    each, areas = world.truth(made, CUT_OFF), world.area_truth(made, CUT_OFF)
    assert areas["customers"].sum() == len(each)
    assert areas["expected_leavers_90d"].sum() == pytest.approx(each["probability_90d"].sum())
    assert areas["excess_leavers_90d"].sum() == pytest.approx(0.0, abs=1e-9)


def test_avoidable_truth_is_nothing_at_targets_that_all_meet_and_everything_at_none():
    made = make()
    areas = world.area_truth(made, CUT_OFF)
    nothing = world.avoidable_truth(made, CUT_OFF, [1e9] * 4)
    assert set(nothing.columns) == {*customers.MEASURES, "everything"}
    assert (nothing.to_numpy() == 0).all()
    most = world.avoidable_truth(made, CUT_OFF, [0.0] * 4)
    pd.testing.assert_series_equal(most["everything"], areas["avoidable_leavers_90d"], check_names=False)
    assert (most[[*customers.MEASURES]].max(axis=1) <= most["everything"] + 1e-12).all()
    better = world.avoidable_truth(made, CUT_OFF, [0.5, 2.0, 0.2, 4.0])
    assert (better <= most + 1e-12).all().all()


def test_the_demo_names_its_measures_as_the_analysis_does():
    assert set(customers.MEASURES) <= {measure.name for measure in MEASURES}
