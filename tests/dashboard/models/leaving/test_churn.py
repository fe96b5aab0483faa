"""The leaving model on small worlds with planted effects, and what is made of it: expected leavers, ranking, what would help."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pandas as pd
import pytest

from dashboard.models.areas import rank_areas
from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.fixes import avoidable
from dashboard.models.leaving import churn, churn_notes
from dashboard.models.leaving.covariates import TRAILING, WITHIN, design_of
from dashboard.models.leaving.doses import dose
from dashboard.models.leaving.doses.felt_hours import Felt
from dashboard.models.leaving.doses.own_slopes import OwnSlopes
from dashboard.models.leaving.fitted_hazard import LeftOut
from dashboard.models.leaving.forecast import expected_leavers

from ...sample_measures import PLANTED, not_taken

CUT_OFF = datetime.date(2025, 12, 7)
WEEKS = 40
PER = np.array([t.per for t in PLANTED])


def make_weeks(
    seed: int,
    effects: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
    *,
    areas: int = 24,
    customers: int = 120,
    between: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
    otherwise: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0),
) -> pd.DataFrame:
    """customer_weeks of a provider whose customers leave by quality within areas, by the areas' own, or neither."""
    random = np.random.default_rng(seed)
    level = random.gamma(4, 0.25, (areas, 1, 4)) * [0.3, 2.0, 0.5, 5.0]
    path = level * np.exp(random.normal(0, 0.4, (areas, WEEKS, 4)))
    path[:, :, 0] *= random.random((areas, WEEKS)) < 0.3
    mean = path.mean(axis=1, keepdims=True)
    area, week = np.repeat(np.arange(areas), customers * WEEKS), np.tile(np.arange(WEEKS), areas * customers)
    quality = path[area, week]
    held = np.repeat(random.random(areas * customers) < 0.4, WEEKS)
    tenure = np.repeat(random.integers(30, 2000, areas * customers), WEEKS) + 7 * week
    log_rate = np.log(0.0006) - 1.5 * held + (quality - mean[area, 0]) @ effects + mean[area, 0] @ between
    leaves = random.random(area.size) < -np.expm1(-7 * np.exp(log_rate))
    moves = random.random(area.size) < -np.expm1(-7 * 0.0004 * np.exp((quality - mean[area, 0]) @ otherwise))
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i // WEEKS}" for i in range(area.size)],
            "week": pd.Timestamp("2025-01-06") + pd.to_timedelta(7 * week, unit="D"),
            "area": np.array([f"area-{a:02}" for a in range(areas)])[area],
            "weight": 1.0,
            "days_at_risk": 7.0,
            "left_voluntarily": leaves,
            "left_otherwise": moves & ~leaves,
            "tenure_days": tenure,
            "is_locked_in": pd.array(held, dtype="boolean"),
            "lock_in_days_left": pd.array(np.where(held, 300, 0), dtype="Int64"),
            "free_days": pd.array(np.where(held, pd.NA, 400), dtype="Int64"),
            "termination_fee": np.nan,
            "monthly_price": 40.0,
            "price_gap": random.normal(2, 1, area.size),
            "price_change": 0.0,
            "technology": np.where(area % 3, "fibre", "cable"),
            "trailing_observed_ratio": 1.0,
            "device_id": np.array([f"node-{a:02}" for a in range(areas)])[area],
            "trailing_echoes_sent": 100_000_000,
        }
    )
    for place, term in enumerate(PLANTED):
        frame[TRAILING[term.name]] = quality[:, place] * term.per
    frame = frame.assign(**not_taken("trailing"))
    gone = (
        (frame["left_voluntarily"] | frame["left_otherwise"]).groupby(frame["customer_id"]).cumsum().shift(fill_value=0)
    )
    gone = gone.where(frame["customer_id"].eq(frame["customer_id"].shift()), 0)
    return frame[gone == 0].reset_index(drop=True)


def now_of(weeks: pd.DataFrame) -> pd.DataFrame:
    last = weeks[weeks["week"] == weeks["week"].max()]
    return last[~(last["left_voluntarily"] | last["left_otherwise"])].reset_index(drop=True)


def periods_of(weeks: pd.DataFrame) -> pd.DataFrame:
    block = (weeks["week"] - weeks["week"].min()).dt.days // 28
    start = weeks["week"].min() + pd.to_timedelta(28 * block, unit="D")
    first = weeks.assign(period=start).groupby(["customer_id", "period"], sort=False)
    sums = first[["days_at_risk"]].sum().join(first[["left_voluntarily", "left_otherwise"]].any())
    rest = (
        first.nth(0)
        .set_index(["customer_id", "period"])
        .drop(columns=["days_at_risk", "left_voluntarily", "left_otherwise", "week"])
    )
    return rest.join(sums).reset_index().assign(started_on=pd.Timestamp("2020-01-01"))


def test_planted_effects_are_found_and_the_control_finds_nothing():
    fitted = churn.fit(make_weeks(1, (0.5, 0.3, 0.4, 0.15)))
    ratios = {e.term.name: e for e in fitted.main.effects}
    for term, truth in zip(PLANTED, np.exp([0.5, 0.3, 0.4, 0.15]), strict=True):
        assert ratios[term.name].low < truth < ratios[term.name].high
    assert fitted.main.finds_something
    assert ratios["evening_latency"].is_found
    assert fitted.wording == "effect"


def test_where_only_the_areas_differ_no_effect_is_claimed():
    fitted = churn.fit(make_weeks(2, between=(0.8, 0.3, 0.6, 0.1)))
    assert not fitted.main.finds_something
    assert "No effect of quality on leaving was found." in fitted.notes


def test_quality_that_explains_who_moves_away_takes_the_word_effect():
    fitted = churn.fit(make_weeks(3, (0.0, 0.3, 0.0, 0.0), otherwise=(0.0, 0.8, 0.0, 0.0)))
    assert fitted.control.finds_something
    assert fitted.wording == "association"
    assert any("called an association" in note for note in fitted.notes)


def test_weights_of_weeks_and_shapes_are_said():
    none = np.zeros(1)
    forms = [(0.0, 8, 0.5), (2.0, 8, 0.1), (4.0, 16, 0.4)]
    doses = dose.Doses(tuple(dose.Dose(bend, none, None, share, none, Felt(weeks)) for bend, weeks, share in forms), 20)
    assert churn_notes.weights(doses) == (
        "leaving: what would help weighs several forms of the effects by how well they fit, with these weights. Hours without service act over"
        " 8 weeks 60%, 16 weeks 40%. With each step of worse quality leaving rises by the same factor 50%, by less and less 50%"
    )
    long = dose.Doses((*doses.forms[:2], dose.Dose(4.0, none, None, 0.4, none, Felt(16, 4))), 20)
    assert "16 weeks 40%, in single outages of any length 60%, longer than 4 hours 40%. With" in churn_notes.weights(
        long
    )


def test_forms_that_cannot_be_told_apart_are_said_to_whom_reads_what_would_help():
    some = np.array([0.3])
    forms = [(0.0, 0.79), (0.5, 0.2), (1.0, 0.01)]
    unsure = dose.Doses(tuple(dose.Dose(bend, some, None, share, some) for bend, share in forms), 20)
    assert "by the same factor 79%, between factor and number 20%, by the same number 1%." in churn_notes.undecided(
        unsure
    )
    sure = dose.Doses((dose.Dose(2.0, some, None, 0.95, some), dose.Dose(0.0, some, None, 0.05, some)), 20)
    assert churn_notes.undecided(sure) == ""


def test_shares_that_are_told_add_up_to_a_hundred():
    none = np.zeros(1)
    forms = [(2, 0.0104), (8, 0.9645), (16, 0.0251)]
    doses = dose.Doses(tuple(dose.Dose(0.0, none, None, share, none, Felt(weeks)) for weeks, share in forms), 20)
    assert "2 weeks 1%, 8 weeks 96%, 16 weeks 3%. With" in churn_notes.weights(doses)
    third = dose.Doses(tuple(dose.Dose(0.0, none, None, 1 / 3, none, Felt(weeks)) for weeks in (2, 8, 16)), 20)
    assert "2 weeks 34%, 8 weeks 33%, 16 weeks 33%. With" in churn_notes.weights(third)


def test_what_differs_among_areas_is_said_of_its_own_measure():
    """Also where a measure before it has no estimate."""
    alike, own = OwnSlopes(0.6, 0.0, np.zeros(3), np.zeros(3)), OwnSlopes(0.01, 0.5, np.zeros(3), np.zeros(3))
    form = dose.Dose(0.0, np.array([0.3, 0.0, 0.2]), None, 1.0, np.zeros(3))
    notes = churn_notes.apart(TERMS[:3], dose.Doses((form,), 3, (alike, alike, own)))
    (said,) = [note for note in notes if "differs among areas" in note]
    assert TERMS[2].name in said


def test_a_measure_that_was_not_taken_is_said_and_the_others_stand():
    weeks = make_weeks(4, (0.0, 0.4, 0.0, 0.0))
    weeks[TRAILING["loss"]] = np.nan
    fitted = churn.fit(weeks)
    effects = {e.term.name: e for e in fitted.main.effects}
    assert np.isnan(effects["loss"].rate_ratio)
    assert "not measured" in effects["loss"].method
    assert effects["evening_latency"].rate_ratio > 1.2


def test_too_few_departures_are_said_instead_of_fitted():
    weeks = make_weeks(5)
    weeks = weeks[~weeks["left_voluntarily"]]
    fitted = churn.fit(weeks)
    assert fitted.predicting is None
    assert fitted.main.joint is None
    assert "fewer than 50 departures" in fitted.notes[0]
    assert churn.fit(weeks.iloc[:0]).predicting is None


def test_newcomers_whose_weeks_were_hardly_observed_are_left_out_and_counted():
    weeks = make_weeks(6)
    weeks.loc[weeks.index % 5 == 0, "trailing_observed_ratio"] = 0.1
    fitted = churn.fit(weeks)
    (said,) = (note for note in fitted.notes if "20% of the customers' time is left out" in note)
    assert re.search(
        r"\((2\d)% of that is in the first 8 weeks of the period, 1?\d% in the first 8 weeks of later", said
    )


def test_time_without_weeks_before_it_is_told_by_where_it_lies():
    weeks = make_weeks(6, areas=2, customers=30).drop_duplicates("week").assign(tenure_days=400)
    place = (weeks["week"] - weeks["week"].min()).dt.days // 7
    weeks.loc[place.between(20, 21), "tenure_days"] = 14
    seen = ~(place.lt(4) | place.between(20, 21) | place.between(30, 31)).to_numpy()
    assert LeftOut.of(weeks, seen) == LeftOut(8 / WEEKS, 0.5, 0.25)
    assert LeftOut.of(weeks, np.ones(len(weeks), dtype=bool)) == LeftOut(0.0, 0.0, 0.0)


def test_columns_are_the_same_for_the_past_and_for_today():
    weeks = make_weeks(7)
    design = design_of(weeks, with_service=True)
    today = now_of(weeks)
    columns = design.columns(today)
    assert columns.shape == (len(today), len(design.names))
    within = design.places(WITHIN)
    direct = today[[TRAILING[t.name] for t in PLANTED]].to_numpy() / PER - design.quality.between(today)
    np.testing.assert_allclose(columns[:, within], direct)
    assert not columns[:, design.places("period:")].any()


def test_fifty_complaints_are_not_fifty_times_one():
    """Few complain dozens of times, and a straight line through one and two says nothing of them."""
    weeks = make_weeks(9).head(400)
    weeks["complaints_before"] = pd.array(np.arange(400) % 3, dtype="Int64")
    design = design_of(weeks, with_service=True)
    own = design.columns(weeks.head(3).assign(complaints_before=pd.array([0, 1, 50], dtype="Int64")))
    place = design.names.index("complaints_before")
    assert np.diff(own[:, place]) == pytest.approx([np.log(2), np.log(51 / 2)])


@pytest.fixture(scope="module")
def fitted():
    weeks = make_weeks(8, (0.5, 0.3, 0.4, 0.15), between=(0.5, 0.3, 0.4, 0.15))
    model = churn.fit(weeks)
    periods, today = periods_of(weeks), now_of(weeks)
    areas = sorted(weeks["area"].unique())
    return weeks, model, periods, today, expected_leavers.expect(model.predicting, periods, today, areas)


def test_who_leaves_is_told_alike_with_the_forms_of_the_dose_and_without(fitted):
    weeks, model, *_ = fitted
    whole, quick = model.predicting, churn.predictor(weeks, with_doses=False)
    assert quick is not None
    assert np.array_equal(whole.daily_hazard(weeks), quick.daily_hazard(weeks))
    assert np.array_equal(whole.effects, quick.effects)
    assert [form.curvature for form in quick.doses.forms] == [0.0]


def test_expected_leavers_give_back_the_departures_they_were_fitted_to(fitted):
    weeks, _, _, _, ahead = fitted
    assert ahead.past.sum() == pytest.approx(weeks["left_voluntarily"].sum(), rel=0.15)
    assert ahead.next.sum() == pytest.approx(ahead.customers.sum())


def test_who_is_held_for_the_whole_horizon_is_less_likely_to_go(fitted):
    _, _, _, today, ahead = fitted
    held = today["is_locked_in"].to_numpy(dtype=bool)
    assert ahead.customers[held].mean() < 0.5 * ahead.customers[~held].mean()


def test_better_quality_saves_departures_where_it_is_worse_than_the_target(fitted):
    _, model, periods, today, ahead = fitted
    area_weeks = pd.DataFrame({"area": [], "is_complete": [], "week": [], "down_hours_per_customer": []})
    ranked = rank_areas.rank(periods, area_weeks, CUT_OFF, minimum_expected=2.0, seed=1, ahead=ahead)
    goal = avoidable.targets(model.predicting, today)
    rows = avoidable.avoidable(ahead, model.predicting, today, ranked.expected, goal, seed=1)
    assert len(rows) == 24 * 5
    every = rows[rows["measure"] == avoidable.EVERYTHING].set_index("area")
    assert every["position"].isna().all()
    lived_in = np.unique(today["area"])
    assert every["avoidable_leavers_90d"].notna().sum() == lived_in.size
    every = every.loc[lived_in]
    assert (every["avoidable_leavers_90d_low"] <= every["avoidable_leavers_90d"]).all()
    single = rows[(rows["measure"] != avoidable.EVERYTHING) & rows["area"].isin(lived_in)]
    assert sorted(single["position"]) == list(range(1, 4 * lived_in.size + 1))
    first, last = single.loc[single["position"].idxmin()], single.loc[single["position"].idxmax()]
    assert first["avoidable_leavers_90d"] > last["avoidable_leavers_90d"]
    assert first["value"] > first["target"]
    # Measures overlap: all together save less than the sum, and more than the best of them.
    summed = single.groupby("area")["avoidable_leavers_90d"].sum()
    assert (every["avoidable_leavers_90d"] <= summed + 1e-6).mean() > 0.9


def test_a_target_that_everybody_meets_saves_nothing(fitted):
    _, model, _, today, ahead = fitted
    nowhere = avoidable.targets(model.predicting, today, {t.name: 1e9 for t in TERMS})
    rows = avoidable.avoidable(ahead, model.predicting, today, np.ones((50, 24)), nowhere, seed=1)
    assert (rows["avoidable_leavers_90d"].dropna().abs() < 1e-9).all()


def test_loss_counted_from_few_echoes_makes_what_it_would_save_uncertain(fitted):
    _, model, _, today, ahead = fitted
    goal = avoidable.targets(model.predicting, today)
    told = {}
    for sent in (1000, 100_000_000):
        counted = today.assign(trailing_echoes_sent=sent)
        rows = avoidable.avoidable(ahead, model.predicting, counted, np.ones((2000, 24)), goal, seed=1)
        told[sent] = rows.dropna(subset=["avoidable_leavers_90d"]).set_index(["measure", "area"])
    few, many = (told[sent].loc["loss"] for sent in told)
    width = {sent: (r["avoidable_leavers_90d_high"] - r["avoidable_leavers_90d_low"]) for sent, r in told.items()}
    assert (width[1000].loc["loss"] > width[100_000_000].loc["loss"]).all()
    assert (width[1000].loc["everything"] > 0.9 * width[100_000_000].loc["everything"]).all()
    assert width[1000].loc["everything"].mean() > 1.1 * width[100_000_000].loc["everything"].mean()
    pd.testing.assert_series_equal(width[1000].loc["evening_latency"], width[100_000_000].loc["evening_latency"])
    # Who seems to meet the target may lie above it after all.
    meets = many["value"] <= many["target"]
    assert meets.any()
    assert (many["avoidable_leavers_90d_high"][meets] < 1e-3).all()
    assert (few["avoidable_leavers_90d_high"][meets] > 1e-3).any()
    # Far above the target the error cancels in the mean.
    far = many["value"] > many["target"] + 0.005
    assert far.any()
    np.testing.assert_allclose(few["avoidable_leavers_90d"][far], many["avoidable_leavers_90d"][far], rtol=0.05)


def test_departures_before_quality_was_observed_are_on_neither_side_of_the_ratio(fitted):
    _, model, periods, today, ahead = fitted
    blind = periods.copy()
    is_first = blind["period"] == blind["period"].min()
    blind.loc[is_first, "trailing_observed_ratio"] = 0.2
    seen = expected_leavers.expect(model.predicting, blind, today, list(ahead.areas))
    assert not seen.past[0].any()
    assert not seen.counts[0].any()
    np.testing.assert_allclose(seen.past[1:], ahead.past[1:])
    np.testing.assert_allclose(seen.counts[1:], ahead.counts[1:])
    assert ahead.counts.sum() == periods["left_voluntarily"].sum()


def test_what_an_areas_own_ratio_could_explain_the_coefficients_do_not_claim(fitted):
    _, model, _, _, ahead = fitted
    known = np.flatnonzero(np.diag(model.predicting.information) > 0)
    alone = np.linalg.inv(model.predicting.information[np.ix_(known, known)])
    assert (np.diag(ahead.error @ ahead.error.T)[known] >= 0.999 * np.diag(alone)).all()


def test_the_level_to_go_on_with_lies_between_the_last_and_the_usual(fitted):
    _, model, _, today, _ = fitted
    predictor = model.predicting
    places = predictor.design.places("period:")
    assert 0 <= predictor.calendar.sum() == predictor.calendar[places].sum() <= 1
    going_on = predictor.daily_hazard(today.drop(columns="week"))
    last = predictor.daily_hazard(today)
    usual = last * np.exp(predictor.coefficients[places] @ predictor.calendar[places])
    np.testing.assert_allclose(going_on, usual)
