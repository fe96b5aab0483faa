"""Going back in whole demo worlds: what is known then and no more, a true gain found, none claimed where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.truth import demo_worlds
from dashboard.models.leaving import challenger, rolling_origin
from dashboard.models.leaving.rolling_origin import Backtest, Origin, Past
from dashboard.models.statistics import accuracy
from demo.rules import Rules

pytestmark = pytest.mark.slow

NOTHING_MATTERS = replace(
    Rules().without_quality_effects(),
    leaving_per_price_gap=0.0,
    leaving_locked_in=0.0,
    leaving_just_free=0.0,
    leaving_per_tenure_year=0.0,
    leaving_area_spread=0.0,
)


def _past(rules: Rules, seed: int) -> Past:
    panel, _ = demo_worlds.panel_of(rules, seed)
    return Past(panel.customer_weeks, panel.customer_periods, panel.area_weeks, panel.cut_off, 28)


@pytest.fixture(scope="module")
def past() -> Past:
    return _past(Rules(), 1)


@pytest.fixture(scope="module")
def gone_back(past) -> tuple[Backtest, dict[pd.Timestamp, Origin]]:
    """A backtest, and what was predicted on each of its days."""
    scored: dict[pd.Timestamp, Origin] = {}
    at_origin = rolling_origin.at_origin

    def kept(asked: Past, day: pd.Timestamp, *, seed: int) -> Origin | None:
        if (origin := at_origin(asked, day, seed=seed)) is not None:
            scored[day] = origin
        return origin

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling_origin, "at_origin", kept)
        return rolling_origin.backtest(past, most=2, seed=1), scored


@pytest.fixture(scope="module")
def found(gone_back) -> Backtest:
    return gone_back[0]


@pytest.fixture(scope="module")
def scored(past, gone_back) -> tuple[pd.Timestamp, Origin]:
    """The last day to go back to, and what was predicted on it."""
    (day,) = rolling_origin.origins_of(past, 1)
    return day, gone_back[1][day]


def test_a_world_with_effects_is_forecast_better_than_by_any_naive_ranking(found):
    assert found.beats_naive("auc")
    assert found.beats_naive("lift")
    table = found.measures.set_index(["scorer", "measure"])
    assert table.loc[("hazard", "auc"), "value"] > 0.7
    assert (table["origins"] == 2).all()
    # Trees given the same world come close, and are not told to be better where that is not shown.
    assert table.loc[("challenger", "auc"), "value"] > 0.7
    assert found.ranker in ("hazard", "challenger")
    hazard = found.calibration[found.calibration["scorer"] == "hazard"]
    assert 0.75 < hazard["slope"].iloc[0] < 1.25
    assert abs(hazard["level"].iloc[0]) < 0.25


def test_a_world_in_which_nothing_matters_leads_to_no_claim():
    found = rolling_origin.backtest(_past(NOTHING_MATTERS, 1), most=1, seed=1)
    table = found.measures.set_index(["scorer", "measure"])
    assert abs(table.loc[("hazard", "auc"), "value"] - 0.5) < 0.06
    assert not any(found.beats_naive(measure) for measure in rolling_origin.MEASURES)


def test_nothing_from_after_the_day_is_known_on_it(past, scored):
    """The future set on fire: other departures, other quality, other complaints; the scores stay as they were."""
    day, one = scored
    known_by = day - pd.Timedelta(days=past.lag_days)
    weeks, periods, area_weeks = past.customer_weeks.copy(), past.customer_periods.copy(), past.area_weeks.copy()
    late = weeks["week"] + pd.Timedelta(days=7) > known_by
    weeks.loc[late, ["left_voluntarily", "left_otherwise"]] = True
    weeks.loc[late, ["trailing_down_hours", "monthly_price"]] = 99.0
    later = periods["period"] + pd.Timedelta(days=28) > known_by
    periods.loc[later & (periods["period"] != day), ["trailing_down_hours", "monthly_price", "price_gap"]] = 99.0
    periods.loc[later, "left_otherwise"] = True
    periods.loc[later, "left_voluntarily"] = np.random.default_rng(1).random(int(later.sum())) < 0.5
    after = area_weeks["week"] >= day
    area_weeks.loc[after, ["down_hours_per_customer", "complaints_slow"]] = 99
    burnt = Past(weeks, periods, area_weeks, past.cut_off, past.lag_days)
    other = rolling_origin.at_origin(burnt, day, seed=1)
    assert other is not None
    assert one.outcome.sum() != other.outcome.sum()
    for name, score in one.by_customer.items():
        np.testing.assert_allclose(other.by_customer[name], score, err_msg=name)
    for name, score in one.by_area.items():
        np.testing.assert_allclose(other.by_area[name], score, err_msg=name)


def test_days_to_go_back_to_lie_four_weeks_apart_and_leave_twelve_weeks(past):
    days = rolling_origin.origins_of(past, 3)
    assert [gap.days for gap in np.diff(pd.DatetimeIndex(days)).astype("timedelta64[D]").tolist()] == [28, 28]
    assert days[-1] + pd.Timedelta(days=84) <= pd.Timestamp(past.cut_off) + pd.Timedelta(days=1)
    assert days[-1] + pd.Timedelta(days=84 + 28) > pd.Timestamp(past.cut_off)


def test_who_is_scored_was_there_and_who_left_left_in_time(past, scored):
    day, found = scored
    periods = past.customer_periods
    there = periods[(periods["period"] == day) & (periods["started_on"] <= day)]
    assert len(there) == found.outcome.size
    inside = periods["period"].between(day, day + pd.Timedelta(days=83))
    assert found.outcome.sum() <= periods[inside]["left_voluntarily"].sum()


def test_a_history_that_is_too_short_says_so(past):
    first = past.customer_periods["period"].min()
    short = replace(past, cut_off=(first + pd.Timedelta(days=60)).date())
    nothing = rolling_origin.backtest(short, most=3, seed=1)
    assert nothing.measures.empty
    assert "no date is far enough back" in nothing.notes[-1]
    early = replace(past, cut_off=(first + pd.Timedelta(days=120)).date())
    nothing = rolling_origin.backtest(early, most=1, seed=1)
    assert nothing.measures.empty
    assert "too few customers left" in nothing.notes[0]


def _origin(seed: int, areas: int, size: int = 3000, gain: float = 1.0) -> Origin:
    """Customers whose hazard score knows something; the naive ones know nothing."""
    random = np.random.default_rng(seed)
    area, odds = random.integers(0, areas, size), random.normal(-3, 1, size)
    outcome = (random.random(size) < 1 / (1 + np.exp(-odds))).astype(float)
    noise = {name: random.normal(size=size).round(1) for name in rolling_origin.NAIVE}
    chance = 1 / (1 + np.exp(-(gain * odds + (1 - gain) * random.normal(-3, 1, size))))
    by_customer = {"hazard": chance, "challenger": chance, **noise}
    by_area = {name: np.bincount(area, score, areas) / np.bincount(area) for name, score in by_customer.items()}
    chances = {"hazard": chance, "challenger": chance}
    names = tuple(f"a{i}" for i in range(areas))
    return Origin(pd.Timestamp("2026-01-05"), outcome, area, names, by_customer, by_area, chances)


def test_the_bootstrap_counts_what_the_measures_count():
    origin = _origin(1, 24, size=500)
    for score in (origin.by_customer["hazard"], origin.by_customer["churn"]):
        left, stayed = (part.sum(axis=0, keepdims=True) for part in rolling_origin._by_bin(origin, score))
        assert rolling_origin._auc(left, stayed)[0] == pytest.approx(accuracy.auc(origin.outcome, score), abs=1e-12)
        assert rolling_origin._capture(left, stayed)[0] == pytest.approx(
            accuracy.capture(origin.outcome, score), abs=1e-12
        )


def test_a_known_gain_is_claimed_none_is_not_and_few_areas_claim_nothing():
    assert rolling_origin.judge([_origin(2, 24)], (), seed=1).beats_naive("auc")
    claims = [rolling_origin.judge([_origin(seed, 24, gain=0.0)], (), seed=1).beats_naive("auc") for seed in range(20)]
    assert sum(claims) <= 1
    few = rolling_origin.judge([_origin(3, 4)], (), seed=1)
    assert few.measures["gain_low"].isna().all()
    assert not few.beats_naive("auc")
    assert "fewer than 5 areas" in few.notes[0]


def test_tenths_have_intervals_of_areas_drawn_again_and_none_of_few_areas():
    """Customers who share their area's fate, three times over: as if independent, the intervals are too short."""
    random = np.random.default_rng(5)
    one = _origin(4, 12)
    fate = random.normal(0, 1, 12)[one.area]
    outcome = (random.random(one.area.size) < 1 / (1 + np.exp(2.0 - fate))).astype(float)
    shared = replace(one, outcome=outcome)
    found = rolling_origin.judge([shared] * 3, (), seed=1)
    assert found.areas == (12, 12, 12)
    table = found.calibration.query("scorer == 'hazard'")
    wilson = accuracy.calibration(np.tile(outcome, 3), np.tile(one.chances["hazard"], 3)).tenths
    assert ((table["observed_high"] - table["observed_low"]).to_numpy() > 1.5 * (wilson[:, 4] - wilson[:, 3])).all()
    assert table["observed"].between(table["observed_low"], table["observed_high"]).all()
    few = rolling_origin.judge([_origin(3, 4)], (), seed=1).calibration
    assert few[["observed_low", "observed_high"]].isna().all(axis=None)


def test_trees_give_the_departures_that_there_are(past):
    weeks = past.customer_weeks
    trees = challenger.fit(weeks, seed=1)
    assert trees is not None
    days = (weeks["days_at_risk"] * weeks["weight"]).to_numpy(float)
    assert days @ trees.daily_hazard(weeks) == pytest.approx(weeks["left_voluntarily"].sum(), rel=0.03)
    assert challenger.fit(weeks[~weeks["left_voluntarily"]], seed=1) is None
    without = challenger.fit(weeks.assign(termination_fee=float("nan")), seed=1)
    assert without is not None
    assert np.isfinite(without.daily_hazard(weeks)).all()
