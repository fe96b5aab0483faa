from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dashboard.models.complaints import complaint_model, effect_model, measure_lags
from dashboard.models.statistics.clusters import Inference

from ...sample_measures import PLANTED, not_taken

pytestmark = pytest.mark.slow


def _by_term(model: effect_model.EffectModel) -> dict[str, effect_model.Effect]:
    return {e.term.name: e for e in model.effects if e.term in PLANTED}


def _ratios(model: effect_model.EffectModel) -> list[float]:
    return [effect.rate_ratio for effect in _by_term(model).values()]


def test_planted_effects_are_found_with_their_size(make_area_weeks):
    planted = {"down_hours": 0.10, "evening_latency": 0.10, "loss": 0.20, "evening_utilization": 0.05}
    fits = [complaint_model.fit(make_area_weeks(seed, tuple(planted.values()), customers=1500)) for seed in range(4)]
    covered = [
        effect.low <= np.exp(planted[name]) <= effect.high for f in fits for name, effect in _by_term(f.main).items()
    ]
    assert np.mean(covered) >= 0.85
    assert sum(f.main.finds_something for f in fits) >= 3
    assert sum(_by_term(f.main)["down_hours"].is_found for f in fits) >= 3
    mean = {n: np.mean([np.log(_by_term(f.main)[n].rate_ratio) for f in fits]) for n in planted}
    # Sampling error of the mean of four fits, plus the bias of four blocks for nine unequal lags.
    for name, tolerance in {
        "down_hours": 0.03,
        "evening_latency": 0.10,
        "loss": 0.20,
        "evening_utilization": 0.02,
    }.items():
        assert mean[name] == pytest.approx(planted[name], abs=tolerance)


def test_nothing_is_found_where_nothing_is(make_area_weeks):
    fits = [complaint_model.fit(make_area_weeks(seed)) for seed in range(7)]
    covered = [e.low <= 1 <= e.high for f in fits for e in _by_term(f.main).values()]
    assert 0.88 <= np.mean(covered) <= 1.0
    for model in ("main", "placebo", "control"):
        assert sum(getattr(f, model).finds_something for f in fits) <= 2
    quiet = next(f for f in fits if not f.main.finds_something)
    assert "No effect of quality on complaints was found." in quiet.notes


def test_the_placebo_notices_complaints_that_come_before_their_cause(make_area_weeks):
    fitted = complaint_model.fit(make_area_weeks(1, (0.2, 0.3, 0.3, 0.05), customers=3000, early=4))
    assert fitted.placebo.finds_something
    assert fitted.wording == "association"
    assert any("called an association" in note for note in fitted.notes)


def test_the_placebo_corrects_what_is_claimed_for_that_alone(make_area_weeks, monkeypatch):
    asked = {}

    def spy(inference, kind, claimed):
        asked[kind] = claimed.tolist()
        return effect_model.tested(inference, kind, claimed)

    monkeypatch.setattr(complaint_model, "tested", spy)
    fitted = complaint_model.fit(make_area_weeks(1, (0.15, 0.0, 0.0, 0.0), customers=3000))
    assert [effect.term.name for effect in fitted.main.effects if effect.is_found] == ["down_hours"]
    assert asked["placebo"] == [True, False, False, False]
    assert not any(asked["negative_control"])
    inference = _told(np.array([0.02, 0.03, 0.6, 0.7]), clusters=25)
    claimed, plain = (effect_model.tested(inference, "placebo", np.arange(4) < one) for one in (1, 0))
    assert claimed[1] < plain[1]
    assert claimed[0][0] == claimed[1], "alone it is corrected only for being one of several ways to sound"
    assert plain[0][0] >= 4 * 0.02


def _told(p_values: np.ndarray, clusters: int) -> Inference:
    """Estimates that are independent of each other and have these p-values."""
    ratios = stats.t.isf(p_values / 2, clusters - 1)
    return Inference(ratios, np.eye(len(ratios)), clusters, "", np.zeros(len(ratios), bool))


def test_no_term_of_a_check_is_found_where_the_check_passes(make_area_weeks):
    inference = _told(np.array([0.012, 0.9, 0.9, 0.9]), clusters=25)
    adjusted, whole = effect_model.tested(inference, "negative_control", np.zeros(4, bool))
    assert 4 * 0.012 < 0.05 < whole < 0.1
    assert (adjusted >= whole).all()


def test_a_note_says_the_p_value_by_which_a_check_fails(make_area_weeks):
    """A single term may fail where the joint test passes."""
    fitted = complaint_model.fit(make_area_weeks(3))
    placebo = replace(fitted.placebo, p_value=0.0004, joint=replace(fitted.placebo.joint, p_value=0.4))
    (said,) = (note for note in complaint_model._verdict(fitted.main, placebo, fitted.control) if "the placebo" in note)
    assert "earlier complaints (p < 0.001), which it cannot" in said


def test_the_negative_control_notices_billing_complaints_that_follow_quality(make_area_weeks):
    fitted = complaint_model.fit(
        make_area_weeks(2, (0.1, 0.1, 0.2, 0.05), customers=3000, control_effects=(0.1, 0.1, 0.2, 0.1))
    )
    assert fitted.control.finds_something
    assert fitted.wording == "association"


def test_who_complains_of_bills_after_an_outage_complaint_does_not_sound_the_control(make_area_weeks):
    planted = (0.1, 0.1, 0.2, 0.05)
    weeks = make_area_weeks(1, planted, customers=3000, control_effects=(0.1, 0.1, 0.2, 0.1))
    calm = make_area_weeks(1, planted, customers=1500)
    assert not complaint_model.fit(calm).control.finds_something
    quiet = {f"quiet_complaints_{c}": calm[f"complaints_{c}"] for c in ("billing", "price")}
    known = complaint_model.fit(weeks.assign(quiet_customer_days=calm["customer_days"], **quiet))
    assert not known.control.finds_something
    unknown = complaint_model.fit(weeks.assign(quiet_customer_days=np.nan, **dict.fromkeys(quiet, np.nan)))
    assert unknown.control.finds_something
    assert any("do not name their customers" in note for note in unknown.notes)


def test_effects_keep_their_name_where_placebo_and_control_pass(make_area_weeks):
    fitted = complaint_model.fit(make_area_weeks(1, (0.1, 0.1, 0.2, 0.05), customers=1500))
    assert fitted.wording == "effect"
    assert not any("called an association" in note for note in fitted.notes)


def test_rows_come_in_any_order_and_weeks_may_be_missing(make_area_weeks):
    weeks = make_area_weeks(3, areas=12)
    shuffled = weeks.sample(frac=1.0, random_state=1)
    a, b = complaint_model.fit(weeks).main, complaint_model.fit(shuffled).main
    assert _ratios(a) == pytest.approx(_ratios(b), rel=1e-9)
    gone = weeks[weeks["week"] != sorted(weeks["week"].unique())[20]]
    assert complaint_model.fit(gone).main.joint is not None


def test_lag_blocks_average_the_weeks_they_name():
    quality = np.arange(12.0).reshape(1, 12, 1)
    np.testing.assert_array_equal(measure_lags.lag_block(quality, 0, 0)[0, :, 0], np.arange(12))
    lagged = measure_lags.lag_block(quality, 1, 4)[0, :, 0]
    assert np.isnan(lagged[:4]).all()
    np.testing.assert_array_equal(lagged[4:], np.arange(4, 12) - 2.5)
    ahead = measure_lags.lag_block(quality, -4, -1)[0, :, 0]
    assert np.isnan(ahead[8:]).all()
    np.testing.assert_array_equal(ahead[:8], np.arange(8) + 2.5)
    quality[0, 5] = np.nan
    assert measure_lags.lag_block(quality, 1, 4)[0, 6, 0] == pytest.approx(np.mean([2, 3, 4]))
    assert np.isnan(measure_lags.lag_block(quality, 0, 0)[0, 5, 0])


def test_an_empty_panel_and_one_without_complaints_say_why_there_is_nothing(make_area_weeks):
    weeks = make_area_weeks(4, areas=12)
    empty = complaint_model.fit(weeks.iloc[:0])
    silent = complaint_model.fit(weeks.assign(complaints_connection=0, complaints_slow=0))
    for fitted, reason in ((empty, "weeks in a row"), (silent, "no complaints of this kind")):
        assert fitted.main.joint is None
        effects = _by_term(fitted.main).values()
        assert all(np.isnan(e.rate_ratio) and reason in e.method and not e.is_found for e in effects)
        assert fitted.wording == "association"


def test_a_measure_that_was_not_taken_is_left_out_and_the_others_stand(make_area_weeks):
    weeks = make_area_weeks(5).assign(loss_ratio=np.nan)
    fitted = complaint_model.fit(weeks).main
    assert "not measured" in _by_term(fitted)["loss"].method
    assert np.isfinite(_by_term(fitted)["down_hours"].low)
    assert fitted.joint.numerator_df == 3


def test_a_constant_measure_and_a_copied_one_are_named(make_area_weeks):
    weeks = make_area_weeks(6)
    copied = weeks.assign(loss_ratio=weeks["evening_rtt_p95_mean_seconds"] * 0.1 + 0.001)
    assert "cannot be told apart" in _by_term(complaint_model.fit(copied).main)["loss"].method
    constant = weeks.assign(down_hours_per_customer=0.0)
    assert "does not vary" in _by_term(complaint_model.fit(constant).main)["down_hours"].method


def test_perfect_separation_is_said_and_the_others_stand(make_area_weeks):
    weeks = make_area_weeks(7)
    hit = (weeks.groupby("area").cumcount() % 17 == 5) & (weeks["area"] < "area-16")
    weeks["down_hours_per_customer"] = np.where(hit, 8.0, 0.0)
    near = hit.copy()
    for lag in range(9):
        near |= hit.shift(lag, fill_value=False)
    weeks.loc[near, ["complaints_connection", "complaints_slow"]] = 0
    fitted = complaint_model.fit(weeks).main
    assert "separation" in _by_term(fitted)["down_hours"].method
    assert np.isfinite(_by_term(fitted)["evening_latency"].rate_ratio)


def _in_halves(seed: int) -> pd.DataFrame:
    """area_weeks of 60 neighbourhoods of two halves; outages take one half at a time, 0.2 a customer's hour in that week."""
    random = np.random.default_rng(seed)
    areas, weeks, days = 60, 60, 7.0 * 3000
    down = np.where(random.random((areas, weeks, 2)) < 0.02, random.uniform(4, 14, (areas, weeks, 2)), 0.0)
    others = random.normal(1, 0.3, (areas, weeks, 3))
    counts = random.poisson(days * 0.001 * np.exp(0.2 * down).mean(axis=2))
    index = pd.MultiIndex.from_product([range(areas), pd.date_range("2025-01-06", periods=weeks, freq="7D")])
    frame = index.to_frame(index=False, name=["area", "week"]).astype({"area": str})
    names = ("evening_rtt_p95_mean_seconds", "loss_ratio", "evening_utilization_mean_ratio")
    return frame.assign(
        is_complete=True,
        customer_days=days,
        observed_ratio=1.0,
        down_hours_per_customer=down.mean(axis=2).ravel(),
        down_hours_variance=down.var(axis=2).ravel(),
        **{name: others[:, :, i].ravel() * 0.01 for i, name in enumerate(names)},
        **not_taken("area_column"),
        complaints_connection=counts.ravel(),
        **{f"complaints_{c}": random.poisson(5, counts.size) for c in ("slow", "billing", "price")},
    )


def test_outages_that_take_a_half_do_not_count_for_more_than_an_hour_does():
    weeks = _in_halves(1)
    weeks["complaints_slow"] = 0
    found = _by_term(complaint_model.fit(weeks).main)["down_hours"]
    assert found.low < np.exp(0.2) < found.high
    assert np.log(found.rate_ratio) == pytest.approx(0.2, abs=0.03)
    by_the_mean = _by_term(complaint_model.fit(weeks.assign(down_hours_variance=0.0)).main)["down_hours"]
    assert by_the_mean.low > np.exp(0.2), "the mean alone takes what is concentrated for strong"


def test_a_spread_that_says_nothing_of_its_own_changes_nothing(make_area_weeks):
    weeks = make_area_weeks(6)
    bare = complaint_model.fit(weeks).main
    for spread in (0.0, np.nan, weeks["down_hours_per_customer"] * 2):
        same = complaint_model.fit(weeks.assign(down_hours_variance=spread)).main
        assert _ratios(same) == _ratios(bare)


@pytest.mark.parametrize("areas", [1, 2, 9])
def test_fewer_than_ten_clusters_have_no_interval(make_area_weeks, areas):
    fitted = complaint_model.fit(make_area_weeks(8, areas=areas))
    for effect in fitted.main.effects:
        assert np.isnan([effect.low, effect.high, effect.p_value]).all()
        assert effect.method.startswith("no ")
        assert not effect.is_found
    assert fitted.main.joint is None


def test_areas_that_hang_together_are_one_cluster(make_area_weeks):
    weeks = make_area_weeks(9)
    pairs = {area: f"root-{int(area[-2:]) // 2}" for area in weeks["area"].unique()}
    fitted = complaint_model.fit(weeks, pairs).main
    assert {e.clusters for e in _by_term(fitted).values()} == {12}


def test_weeks_that_are_not_complete_or_hardly_observed_do_not_count(make_area_weeks):
    weeks = make_area_weeks(10)
    last = weeks["week"] == weeks["week"].max()
    spoiled = weeks.assign(is_complete=~last)
    spoiled.loc[last, "complaints_connection"] = 10_000
    kept = weeks[~last]
    a, b = complaint_model.fit(spoiled).main, complaint_model.fit(kept).main
    assert _ratios(a) == pytest.approx(_ratios(b))
    dark = weeks.assign(observed_ratio=0.2)
    assert complaint_model.fit(dark).main.joint is None
