"""The study by the weeks that follow, against planted effects in providers where outages are everywhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dashboard.models.outages import effect_rows, following_weeks, hidden_hours, outage_hours, outage_list, outage_study
from dashboard.models.outages.outage_hours import ALL, OVER, UNDER
from dashboard.models.outages.unseen_hours import OUTAGES, Association, Unseen
from dashboard.models.statistics import added_rates

from ...sample_measures import not_taken

GOES = Association(OUTAGES, 1.5, 0.001)
"""That unseen hours go with outages."""
PER_HOUR = 0.004
"""Departures more for each hour of one customer, spread evenly over the eight weeks after its own."""


def provider(seed: int, *, areas: int = 30, weeks: int = 52, customers: int = 3000, **planted):
    """area_weeks in which most areas have outages every few weeks: short ones, and one in four of twelve hours.

    ``under`` and ``over`` (default 1) are which part of PER_HOUR each sort costs, ``before`` what outages to come do.
    """
    random = np.random.default_rng(seed)
    reach = 20
    struck = random.random((areas, weeks + 2 * reach)) < 0.4
    is_long = random.random(struck.shape) < 0.25
    share = np.where(struck, random.uniform(0.2, 1.0, struck.shape), 0.0)
    under, over = share * 2.0 * ~is_long, share * 12.0 * is_long
    if planted.get("together"):
        under, over = (np.broadcast_to(values[:1], values.shape) for values in (under, over))
    dose = planted.get("under", 1.0) * under + planted.get("over", 1.0) * over
    week = np.arange(reach, reach + weeks)
    added = PER_HOUR / 8 * sum(dose[:, week - lag] for lag in range(1, 9))
    added = added + planted.get("before", 0.0) * PER_HOUR / 8 * sum(dose[:, week + lead] for lead in range(1, 9))
    level = 0.004 * np.exp(random.normal(0, 0.3, (areas, 1))) * (1 + 0.3 * np.sin(week / 8))
    left = random.poisson(customers * (level + added))
    down, long = (under + over)[:, week], over[:, week]
    index = pd.MultiIndex.from_product(
        [[f"a{a:02}" for a in range(areas)], pd.date_range("2025-01-06", periods=weeks, freq="7D")],
        names=["area", "week"],
    )
    frame = index.to_frame(index=False).assign(
        is_complete=True,
        customer_days=7.0 * customers,
        observed_ratio=1.0,
        complaints_connection=random.poisson(customers * 0.004, areas * weeks),
        complaints_slow=0,
        leavers_voluntary=left.ravel(),
        down_hours_per_customer=down.ravel(),
        down_ratio=share[:, week].ravel(),
        long_down_ratio=(share * is_long)[:, week].ravel(),
        long_down_hours_per_customer=long.ravel(),
        evening_rtt_p95_mean_seconds=0.02,
        loss_ratio=0.001,
        evening_utilization_mean_ratio=0.5,
        **not_taken("area_column"),
    )
    now = pd.DataFrame({"area": sorted(frame["area"].unique()), "technology": "cable", "monthly_price": 30.0})
    return frame, now


def studied(frame: pd.DataFrame, now: pd.DataFrame, unseen: Unseen | None = None) -> pd.DataFrame:
    known = outage_list.of_weeks(frame)
    made = outage_study.incidents(known, frame, now, seed=1, outcomes=("leaving",), unseen=unseen).effects
    return made[made["design"] == outage_study.BY_WEEKS].set_index("outage")


@pytest.fixture(scope="module")
def usual():
    return provider(1)


@pytest.fixture(scope="module")
def found(usual):
    frame, now = usual
    return outage_study.incidents(outage_list.of_weeks(frame), frame, now, seed=1)


def test_what_an_hour_costs_is_found_where_every_area_has_outages(found):
    rows = found.effects.set_index(["outage", "outcome"])
    for kind in (ALL, OVER):
        row = rows.loc[(f"pooled:{kind}", "leaving")]
        assert row["verdict"] == "found"
        assert row["excess_per_1000_hours_low"] < 1000 * PER_HOUR < row["excess_per_1000_hours_high"]
        assert row["excess"] == pytest.approx(row["excess_per_1000_hours"] * row["customer_minutes"] / 60 / 1000)
        assert row["excess_per_1000"] == pytest.approx(row["excess_per_1000_hours"] * row["hours_each"])
        assert row["monthly_revenue"] == pytest.approx(30 * row["excess"])
    assert rows.loc[("pooled:over_4h", "leaving"), "hours_each"] == pytest.approx(12.0)
    assert rows.loc[("pooled:all", "complaints_quality"), "verdict"] != "found"
    assert rows.loc[("matched:all", "leaving"), "verdict"] == "no_match", "no week is quiet"


def test_the_course_is_nothing_before_and_what_was_planted_after(found):
    weeks = found.weeks[(found.weeks["outcome"] == "leaving") & (found.weeks["size"] == "all")].set_index("weeks_since")
    assert list(weeks.index) == list(range(-8, 13))
    assert (weeks["is_placebo"] == (weeks.index < 0)).all()
    each = found.effects.set_index(["outage", "outcome"]).loc[("pooled:all", "leaving"), "hours_each"]
    planted = pd.Series(np.where((weeks.index >= 1) & (weeks.index <= 8), 1000 * each * PER_HOUR / 8, 0.0), weeks.index)
    inside = (weeks["low"] <= planted) & (planted <= weeks["high"])
    assert inside.mean() >= 0.8
    assert (weeks.loc[1:8, "low"] > 0).all()


def test_long_outages_that_alone_matter_are_told_from_short_ones():
    rows = studied(*provider(2, under=0.0))
    assert rows.loc["pooled:over_4h", "verdict"] == "found"
    assert rows.loc["pooled:under_4h", "verdict"] != "found"
    assert rows.loc["pooled:under_4h", "excess_per_1000_hours_low"] < 0


def test_intervals_hold_what_was_planted_and_nothing_is_found_where_nothing_is():
    """Eight providers each: of 95% intervals at least 6 hold, and of nothing at most 2 have a p-value below 0.05."""
    held = sum(
        row["excess_per_1000_hours_low"] < 1000 * PER_HOUR < row["excess_per_1000_hours_high"]
        for row in (one("leaving", provider(100 + seed, areas=16, weeks=40)) for seed in range(8))
    )
    rows = [one("leaving", provider(200 + seed, areas=16, weeks=40, under=0.0, over=0.0)) for seed in range(8)]
    assert held >= 6
    assert sum(row["p_value"] < 0.05 for row in rows) <= 2
    assert sum(row["verdict"] == "no_answer" for row in rows) <= 2


def one(outcome: str, made: tuple[pd.DataFrame, pd.DataFrame]) -> pd.Series:
    """All outages together, as told from an estimate that does not split them."""
    frame, _ = made
    hours = outage_hours.hours_of(frame.drop(columns=list(outage_hours.LONG_COLUMNS)), outage_list.of_weeks(frame))
    told = following_weeks.following(hours, outcome)[0]
    return pd.Series(
        {
            "excess_per_1000_hours_low": 1000 * told.low,
            "excess_per_1000_hours_high": 1000 * told.high,
            "p_value": told.p_value,
            "verdict": "no_answer" if told.reason else "",
        }
    )


def test_what_moves_before_the_outage_is_no_answer():
    row = studied(*provider(3, before=1.0)).loc["pooled:all"]
    assert row["verdict"] == "no_answer"
    assert "already in the weeks before" in row["note"]
    assert np.isnan(row["excess"])
    assert row["placebo_p_value"] < 0.05


def test_outages_of_all_areas_at_once_cannot_be_told_from_the_calendar():
    rows = studied(*provider(4, together=True))
    assert set(rows["verdict"]) == {"no_answer"}
    assert rows["note"].str.contains("in the same weeks").all()


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (lambda f: f[f["week"] < "2025-03-01"], "the history is too short: 8 complete weeks"),
        (lambda f: f[f["area"] < "a09"], "fewer than 10 neighbourhoods"),
        (lambda f: f.assign(down_hours_per_customer=0.0, long_down_hours_per_customer=0.0), "there was none"),
        (
            lambda f: f.assign(down_hours_per_customer=f["down_hours_per_customer"] * (f["area"] < "a05")),
            "only 5 of 30",
        ),
        (lambda f: f.assign(observed_ratio=0.2), "there was none"),
    ],
    ids=["eight weeks", "nine areas", "no outage", "few areas struck", "not observed"],
)
def test_no_answer_says_why(usual, cut, says):
    frame, now = usual
    row = studied(cut(frame), now).loc["pooled:all"]
    assert row["verdict"] == "no_answer"
    assert says in row["note"]


def test_a_short_history_is_told_over_fewer_weeks(usual):
    frame, now = usual
    row = studied(frame[frame["week"] < "2025-07-07"], now).loc["pooled:all"]
    assert row["weeks_after"] == 8
    assert np.isfinite(row["excess"])


def test_without_the_columns_of_length_all_outages_are_told_together(usual):
    frame, now = usual
    rows = studied(frame.drop(columns=list(outage_hours.LONG_COLUMNS)), now)
    assert list(rows.index) == ["pooled:all"]
    assert np.isfinite(rows.loc["pooled:all", "excess_per_1000_hours"])


def test_too_little_to_see_says_what_could_have_been_seen():
    row = studied(*provider(5, areas=12, customers=8, under=0.0, over=0.0)).loc["pooled:over_4h"]
    assert row["verdict"] == "too_small"
    assert row["smallest_detectable"] > row["expected"] / 2


def test_incidents_tell_the_hours_of_weeks_that_nobody_observed(usual):
    frame, _ = usual
    blind = frame["area"].eq("a00") & frame["week"].eq(pd.Timestamp("2025-03-03"))
    hidden = frame.assign(observed_ratio=frame["observed_ratio"].mask(blind, 0.1))
    start = pd.Timestamp("2025-03-04", tz="UTC")
    told = pd.DataFrame(
        {
            "area": "a00", "kind": "outage", "source": "incidents", "week": pd.Timestamp("2025-03-03"),
            "started_at": start, "customers": [600, 300], "customer_minutes": [600 * 60.0 * 6, 300 * 60.0 * 2],
        }
    )  # fmt: skip
    place = 0, 8
    without = outage_hours.hours_of(hidden, told.iloc[:0])
    assert np.isnan(without.hours[ALL][place])
    hours = outage_hours.hours_of(hidden, told)
    assert hours.hours[ALL][place] == pytest.approx((600 * 6 + 300 * 2) / 3000)
    assert hours.hours[OVER][place] == pytest.approx(600 * 6 / 3000)
    assert hours.hours[UNDER][place] == pytest.approx(300 * 2 / 3000)
    assert hours.hit[OVER][place] == pytest.approx(600 / 3000)


def test_hidden_hours_draw_what_an_hour_costs_towards_none_and_leave_the_totals(usual):
    frame, now = usual
    hours = outage_hours.hours_of(frame, outage_list.of_weeks(frame))
    gone = 1.5 * hours.hours[ALL]
    at_random = np.random.default_rng(1).uniform(0, 20, gone.shape)
    assert hidden_hours.per_hour(replace(hours, unseen=gone + at_random), 0.4) == pytest.approx(1.5, abs=0.3)
    assert hidden_hours.per_hour(hours, 0.4) == 0.4, "what was found by days is the least"
    assert hidden_hours.bounded(4.0, 3.0, 6.0, 1.0) == (3.0, 1.5, 6.0)
    assert hidden_hours.bounded(2.0, -2.0, 6.0, 0.0) == (2.0, -2.0, 6.0)
    dark = frame.assign(observed_ratio=1 - frame["down_hours_per_customer"] * 1.5 / 168)
    plain, row = (studied(dark, now, unseen=Unseen(0.02, tests)).loc["pooled:all"] for tests in ((), (GOES,)))
    assert row["excess_per_1000_hours_low"] < plain["excess_per_1000_hours_low"] / 2
    totals = [name for name in effect_rows.COLUMNS if name.startswith(("excess", "monthly")) and "hours" not in name]
    pd.testing.assert_series_equal(row[totals], plain[totals], check_names=False)
    assert "nobody observed" in row["note"]
    assert pd.isna(plain["note"]), "one test decides for all pages"


def test_another_measure_stands_beside_the_hours_only_where_it_moves_with_them(usual):
    frame, _ = usual
    hours = outage_hours.hours_of(frame, outage_list.of_weeks(frame))
    noise = np.random.default_rng(2).normal(2.0, 0.3, hours.customers.shape)
    assert len(following_weeks._others(replace(hours, others=noise[None]))) == 0
    along = noise + 0.05 * hours.hours[ALL]
    assert len(following_weeks._others(replace(hours, others=along[None]))) == len(following_weeks.OTHER_LAGS)
    assert len(following_weeks._others(replace(hours, others=np.full_like(along, np.nan)[None]))) == 0


@pytest.mark.parametrize("areas", [12, 30])
@pytest.mark.parametrize("customers", [1000.0, 1037.0, 3.7e5])
def test_events_of_a_single_week_add_nothing_to_what_an_hour_costs(areas, customers):
    """All weeks but one are at no level then, and areas are alike: two of their equations say the same."""
    events, used = np.zeros((areas, 104)), np.ones((areas, 104), dtype=bool)
    events[:, 0] = 2.0
    hours = np.random.default_rng(1).exponential(0.3, (areas, 104, 1))
    grid = added_rates.Grid(events, np.full((areas, 104), customers), hours, used)
    inference = added_rates.infer(grid, added_rates.fit(grid), np.eye(1), is_counted=False)
    assert inference.estimates[0] == pytest.approx(0.0, abs=1e-9)
