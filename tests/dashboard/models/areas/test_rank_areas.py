from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dashboard.measures import COMPARED
from dashboard.models.areas import area_rates, drivers, rank_areas
from dashboard.models.complaints import complaint_model, effect_model
from dashboard.models.leaving import standardise
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers

CUT_OFF = datetime.date(2025, 12, 7)
RATIOS = np.r_[2.0, 1.7, 1.5, np.ones(9), np.full(12, 0.8)]


@pytest.fixture
def panel(make_area_weeks, make_customer_periods):
    return make_customer_periods(1, RATIOS), make_area_weeks(1)


def _rank(periods, weeks, **options) -> rank_areas.Ranking:
    return rank_areas.rank(periods, weeks, CUT_OFF, **{"minimum_expected": 2.0, "seed": 1, **options})


def test_the_areas_that_lose_most_are_found(panel):
    rows = _rank(*panel).rows
    assert set(rows["area"].head(3)) == {"area-00", "area-01", "area-02"}
    assert rows.set_index("area").loc[["area-00", "area-01"], "verdict"].tolist() == ["at_risk", "at_risk"]
    assert (rows["rank_low"] <= rows["rank"]).all()
    assert (rows["rank"] <= rows["rank_high"]).all()
    assert rows["rank"].tolist() == list(range(1, 25))
    assert (rows["excess_leavers_90d_low"] <= rows["excess_leavers_90d"]).all()
    assert rows["excess_leavers_90d"].sum() == pytest.approx(0, abs=3)
    assert (rows.loc[rows["excess_leavers_90d"] < 0, "monthly_revenue_at_risk"] == 0).all()
    first = rows.iloc[0]
    assert first["monthly_revenue_at_risk"] == pytest.approx(40 * first["excess_leavers_90d"])


def test_the_same_seed_gives_the_same_ranking(panel):
    pd.testing.assert_frame_equal(_rank(*panel).rows, _rank(*panel).rows)


def test_where_areas_do_not_differ_none_is_found(make_area_weeks, make_customer_periods):
    found = [
        _rank(make_customer_periods(seed, np.ones(24), customers=200), make_area_weeks(1)).rows["is_found"].any()
        for seed in range(8)
    ]
    assert sum(found) <= 3


def test_intervals_of_the_excess_cover_the_truth(make_area_weeks, make_customer_periods):
    weeks = make_area_weeks(1)
    covered = []
    for seed in range(8):
        ratios = np.random.default_rng(seed).gamma(16, 1 / 16, 24)
        periods = make_customer_periods(seed, ratios, customers=600)
        fitted = _rank(periods, weeks)
        rows = fitted.rows.set_index("area").sort_index()
        now = standardise.current_customers(periods, CUT_OFF)
        past = standardise.leaving(periods)
        base = pd.Series(standardise.leaving_probability(now, past.rates)).groupby(now["area"].to_numpy()).sum()
        share = past.areas["expected"] / past.areas["expected"].sum()
        truth = (ratios / (ratios * share).sum() - 1) * base
        covered.append(((rows["excess_leavers_90d_low"] <= truth) & (truth <= rows["excess_leavers_90d_high"])).mean())
    assert 0.90 <= np.mean(covered) <= 1.0


def test_nobody_leaves_twice_however_uncertain_a_hazard_is(panel):
    """Coefficients that say next to nothing of one area's customers of today, who are like none before."""
    periods, weeks = panel
    past, now = standardise.leaving(periods), standardise.current_customers(periods, CUT_OFF)
    areas = sorted(set(periods["area"]))
    here, chance = pd.Index(areas).get_indexer(now["area"]), np.full(len(now), 0.05)
    slopes = np.zeros((len(areas), 1))
    slopes[3] = 1.0
    ahead = ExpectedLeavers(
        tuple(areas),
        past.by_period("expected", areas),
        past.by_period("events", areas),
        np.bincount(here, weights=chance),
        chance,
        here,
        np.zeros_like(slopes),
        slopes,
        np.array([[6.0]]),
    )
    rows = _rank(periods, weeks, ahead=ahead, customers=now).rows.set_index("area").loc[areas]
    told = rows[["expected_leavers_90d_low", "expected_leavers_90d", "expected_leavers_90d_high", "customers"]]
    assert (told.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None), "low, mean, high and all customers, in this order"
    assert rows.iloc[3]["expected_leavers_90d_high"] > 0.99 * rows.iloc[3]["customers"]
    sure = replace(ahead, next_slopes=np.zeros_like(slopes))
    others = _rank(periods, weeks, ahead=sure, customers=now).rows.set_index("area").loc[areas]
    expected = ["expected_leavers_90d", "expected_leavers_90d_low", "expected_leavers_90d_high"]
    pd.testing.assert_frame_equal(rows[expected].drop(areas[3]), others[expected].drop(areas[3]))


def test_standardising_takes_out_tenure_and_lock_in(make_customer_periods):
    periods = make_customer_periods(2, np.ones(24))
    held = periods["is_locked_in"].astype(bool)
    # Area 0 keeps only held customers, who leave at a fifth of the rate: fewer leavers, but none too few.
    periods = periods[(periods["area"] != "area-00") | held]
    past = standardise.leaving(periods)
    area = past.areas.loc["area-00"]
    others = past.areas.drop("area-00")
    assert area["events"] / area["days"] < 0.5 * (others["events"].sum() / others["days"].sum())
    assert area["events"] / area["expected"] == pytest.approx(1.0, abs=0.5)
    assert past.areas["events"].sum() == pytest.approx(past.areas["expected"].sum())


def test_who_is_held_now_is_free_when_the_contract_ends():
    rates = np.zeros(len(standardise.TENURE_BANDS_DAYS) * 3)
    rates[standardise.FREE :: 3] = 0.001
    customers = pd.DataFrame(
        {
            "tenure_days": [500, 500, 500, 500],
            "is_locked_in": pd.array([False, True, True, None], dtype="boolean"),
            "lock_in_days_left": pd.array([0, 30, 400, None], dtype="Int64"),
        }
    )
    chance = standardise.leaving_probability(customers, rates)
    np.testing.assert_allclose(chance, [1 - np.exp(-0.09), 1 - np.exp(-0.06), 0, 0])


def test_too_little_data_is_said_instead_of_a_number(panel):
    periods, weeks = panel
    few = periods[periods["area"] == "area-05"].head(20)
    periods = pd.concat([periods[periods["area"] != "area-05"], few])
    rows = _rank(periods, weeks).rows.set_index("area")
    poor = rows.loc["area-05"]
    assert poor["verdict"] == "too_little_data"
    assert pd.isna(poor["rank"])
    assert np.isnan(poor["excess_leavers_90d"])
    assert poor["note"]
    assert not poor["is_found"]
    assert rows["rank"].dropna().tolist() == list(range(1, 24))


def test_empty_tables_and_one_area(panel):
    periods, weeks = panel
    nothing = _rank(periods.iloc[:0], weeks.iloc[:0])
    assert nothing.rows.empty
    only_weeks = _rank(periods.iloc[:0], weeks).rows
    assert (only_weeks["verdict"] == "too_little_data").all()
    one = _rank(periods[periods["area"] == "area-00"], weeks[weeks["area"] == "area-00"]).rows
    assert one["excess_leavers_90d"].item() == pytest.approx(0, abs=1e-9)
    assert one["verdict"].tolist() == ["ordinary"]
    assert one["expected_leavers_90d_low"].item() < one["expected_leavers_90d"].item()


def test_outage_minutes_are_those_of_the_last_thirteen_weeks(panel):
    weeks = panel[1].assign(down_hours_per_customer=0.5)
    assert rank_areas.outage_minutes(weeks).tolist() == [13 * 30.0] * 24


def test_area_rates_have_a_row_for_every_area_and_outcome(panel):
    periods, weeks = panel
    rows = area_rates.area_rates(periods, weeks, standardise.current_customers(periods, CUT_OFF))
    assert len(rows) == 24 * 3
    assert (rows["shrunk_rate_90d_low"] < rows["shrunk_rate_90d"]).all()
    assert (rows["shrunk_rate_90d"] < rows["shrunk_rate_90d_high"]).all()
    by_outcome = rows.groupby("outcome")[["events", "expected_events"]].sum()
    np.testing.assert_allclose(by_outcome["events"], by_outcome["expected_events"])
    leaving = rows[(rows["outcome"] == "leaving") & (rows["area"] == "area-00")].iloc[0]
    assert leaving["rate_90d"] == pytest.approx(leaving["events"] / leaving["customer_days"] * 90)
    assert leaving["shrunk_rate_90d"] < leaving["rate_90d"]


def test_drivers_put_an_effect_that_stands_first(make_area_weeks, make_customer_periods):
    weeks = make_area_weeks(1, (0.15, 0.0, 0.0, 0.0), customers=3000)
    fitted = complaint_model.fit(weeks)
    recent = weeks["week"] > sorted(weeks["week"].unique())[-9]
    weeks.loc[recent & (weeks["area"] == "area-07"), "down_hours_per_customer"] += 6.0
    current = standardise.current_customers(make_customer_periods(1, np.ones(24), customers=50), CUT_OFF)
    rows = drivers.area_drivers(weeks, current, fitted.main.effects)
    mine = rows[rows["area"] == "area-07"].sort_values("position")
    first = mine.iloc[0]
    assert first["driver"] == "down_hours"
    assert first["is_found"]
    assert first["rate_ratio_low"] <= first["rate_ratio"] <= first["rate_ratio_high"]
    assert first["standing"] > 3
    assert mine["position"].tolist() == list(range(1, len(COMPARED) + 3))
    assert mine["driver"].iloc[-1] == "locked_in"
    assert set(rows.groupby("area").size()) == {len(COMPARED) + 2}


def test_drivers_of_an_unfitted_model_still_stand_in_order(make_area_weeks, make_customer_periods):
    weeks = make_area_weeks(1).assign(complaints_connection=0, complaints_slow=0, evening_utilization_mean_ratio=np.nan)
    current = standardise.current_customers(make_customer_periods(1, np.ones(24), customers=20), CUT_OFF)
    rows = drivers.area_drivers(weeks, current, complaint_model.fit(weeks).main.effects)
    assert rows["rate_ratio"].isna().all()
    assert not rows["is_found"].any()
    known = rows[rows["standing"].notna() & (rows["driver"] != "locked_in")]
    for _, group in known.groupby("area"):
        assert group.sort_values("position")["standing"].is_monotonic_decreasing
    assert drivers.area_drivers(weeks.iloc[:0], current, complaint_model.fit(weeks).main.effects).empty


def test_less_is_worse_where_the_step_is_below_zero(make_area_weeks, make_customer_periods):
    snr = replace(COMPARED[-1], name="snr", column="signal_noise_mean_db", per=-3.0)
    effect = effect_model.Effect("complaints", snr, "effect", 1.5, 1.2, 1.9, 0.01, 0.01, 24, "by hand")
    weeks = make_area_weeks(1).assign(signal_noise_mean_db=30.0)
    weeks["signal_noise_mean_db"] += weeks["area"].str[-2:].astype(float) / 10
    weeks.loc[weeks["area"] == "area-07", "signal_noise_mean_db"] = 24.0
    current = standardise.current_customers(make_customer_periods(1, np.ones(24), customers=20), CUT_OFF)
    rows = drivers.area_drivers(weeks, current, (effect,)).query("driver == 'snr'").set_index("area")
    bad = rows.loc["area-07"]
    assert bad["standing"] == rows["standing"].max() > 3
    assert bad["rate_ratio"] == pytest.approx(1.5 ** ((bad["provider_value"] - 24.0) / 3.0))
    assert (rows["rate_ratio"].gt(1) == rows["standing"].gt(0)).all()
