"""Models of customer tables: the logit against statsmodels, oversampling against the truth, honest folds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

from dashboard.models.customer_table import evaluation, table_areas
from dashboard.models.statistics import accuracy, crossfit, logit, oversampling, tabular

QUICK = crossfit.Search(3, 2, (1.0, 30.0), (tabular.Trees(0.1, 40, 8, 1.0, fewest_in_leaf=30),))


def _table(seed: int, size: int = 4000, *, curve: float = 0.0, area_spread: float = 0.0, between: float = 0.0):
    """predictors, outcome, area of customers who leave by x, a curve in z, a kind, their area and its quality."""
    random = np.random.default_rng(seed)
    area = random.integers(0, 80, size)
    quality = random.gamma(2.0, 1.0, 80)[area] + random.normal(0, 1, size)
    x, z = random.normal(0, 1, size), random.uniform(-2, 2, size)
    kind = random.choice(["fibre", "cable", "radio"], size)
    odds = -0.5 + 0.6 * x + curve * (z**2 - 1) + 0.5 * (kind == "radio")
    means = np.bincount(area, weights=quality, minlength=80) / np.maximum(np.bincount(area, minlength=80), 1)
    odds += random.normal(0, 1, 80)[area] * area_spread + between * (means[area] - means.mean())
    outcome = (random.random(size) < special.expit(odds)).astype(float)
    predictors = pd.DataFrame({"x": x, "z": z, "quality": quality, "kind": pd.Series(kind, dtype=object)})
    predictors.loc[random.random(size) < 0.05, "x"] = np.nan
    return predictors, outcome, pd.Series([f"a{i:02}" for i in area], dtype=object)


def _columns(seed: int, groups: int, size: int = 1500):
    random = np.random.default_rng(seed)
    columns = np.column_stack([np.ones(size), random.normal(size=(size, 3))])
    cluster = random.integers(0, groups, size)
    odds = columns @ [-0.3, 0.5, -0.2, 0.0] + random.normal(0, 0.4, groups)[cluster]
    return columns, (random.random(size) < special.expit(odds)).astype(float), cluster


def test_the_logit_and_its_sandwich_are_those_of_statsmodels():
    columns, outcome, cluster = _columns(1, 120)
    ours = logit.fit(columns, outcome, np.zeros(4))
    theirs = sm.GLM(outcome, columns, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}, tol=1e-12
    )
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-6)
    groups = len(np.unique(cluster))
    found = logit.covariance(columns, outcome, ours, cluster)
    np.testing.assert_allclose(found, theirs.cov_params() * groups / (groups - 1), rtol=1e-5)


def test_few_clusters_are_left_out_one_by_one():
    columns, outcome, cluster = _columns(2, 20)
    ours = logit.fit(columns, outcome, np.zeros(4))
    refits = [logit.fit(columns[cluster != g], outcome[cluster != g], np.zeros(4)).coefficients for g in range(20)]
    away = np.stack(refits) - ours.coefficients
    expected = np.sqrt(np.diag(19 / 20 * away.T @ away))
    found = logit.covariance(columns, outcome, ours, cluster)
    np.testing.assert_allclose(np.sqrt(np.diag(found)), expected, rtol=0.05)  # one Newton step instead of a refit
    assert logit.covariance(columns, outcome, ours, cluster % 9) is None


def test_separation_ends_with_finite_numbers_under_a_penalty():
    x = np.r_[np.full(20, -1.0), np.full(20, 1.0)]
    fitted = logit.fit(np.column_stack([np.ones(40), x]), (x > 0).astype(float), np.array([0.0, 1.0]))
    assert fitted.has_converged
    assert np.isfinite(fitted.coefficients).all()


def test_the_shift_is_that_of_king_and_zeng():
    # ln[((1 - t) / t) (y / (1 - y))] for t = 0.02 and a sample of halves is ln 49.
    assert oversampling.intercept_shift(0.02, 0.5) == pytest.approx(np.log(49))
    assert oversampling.intercept_shift(0.3, 0.3) == pytest.approx(0.0)
    assert oversampling.corrected(np.zeros(1), 0.02, 0.5) == pytest.approx([0.02])
    weight = oversampling.weights(np.array([1.0, 1, 0, 0]), 0.02)
    assert weight == pytest.approx([0.04, 0.04, 1.96, 1.96])


def test_a_sample_chosen_by_outcome_gives_the_true_chances():
    random = np.random.default_rng(3)
    x = random.normal(size=300_000)
    left = random.random(x.size) < special.expit(-4.5 + 0.8 * x)
    kept = left | (random.random(x.size) < left.mean() / (1 - left.mean()))
    outcome = left[kept].astype(float)
    columns = np.column_stack([np.ones(kept.sum()), x[kept]])
    fitted = logit.fit(columns, outcome, np.zeros(2))
    assert fitted.coefficients[1] == pytest.approx(0.8, abs=0.06)
    shift = oversampling.intercept_shift(float(left.mean()), float(outcome.mean()))
    assert fitted.coefficients[0] - shift == pytest.approx(-4.5, abs=0.08)


def test_curves_are_found_by_splines_and_trees_and_not_by_a_plain_logit():
    predictors, outcome, _ = _table(4, 6000, curve=0.8)
    scores = crossfit.nested(predictors, outcome, QUICK, seed=1)
    assert accuracy.auc_difference(outcome, scores.chosen, scores.plain).low > 0.03
    assert all(choice.name in ("logit", "both") for choice in scores.choices)


def test_a_straight_world_chooses_the_logit_or_loses_nothing_by_it():
    predictors, outcome, _ = _table(5)
    scores = crossfit.nested(predictors, outcome, QUICK, seed=1)
    assert accuracy.auc_difference(outcome, scores.chosen, scores.plain).low > -0.02


def test_noise_earns_nothing_from_tuning():
    predictors, _, _ = _table(6, 3000)
    outcome = (np.random.default_rng(6).random(3000) < 0.3).astype(float)
    scores = crossfit.nested(predictors, outcome, QUICK, seed=1)
    ((found,), _) = accuracy.auc_intervals(outcome, scores.chosen[None])
    assert found.low < 0.5 < found.high


def test_the_same_seed_gives_the_same_scores():
    predictors, outcome, _ = _table(7, 1500)
    one, other = (crossfit.nested(predictors, outcome, QUICK, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.chosen, other.chosen)


def test_what_was_never_seen_is_scored_all_the_same():
    predictors, outcome, _ = _table(8, 2000)
    strange = predictors.head(3).assign(kind=["satellite", None, "fibre"], x=[np.nan, 1e9, -1e9])
    for scorer in (
        tabular.plain_logit(predictors, outcome),
        *tabular.spline_logits(predictors, outcome, (1.0,)),
        tabular.boosted(predictors, outcome, tabular.QUICK, seed=1),
    ):
        assert np.isfinite(scorer.log_odds(strange)).all()
        assert np.abs(scorer.log_odds(strange)).max() < 10


def test_areas_without_effects_are_not_found_and_planted_ones_are():
    _predictors, outcome, area = _table(9, 12_000)
    flat = np.full(len(outcome), float(special.logit(outcome.mean())))
    nothing = table_areas.rank(area, outcome, flat, shift=0.0, seed=1)
    assert nothing.spread[0] < 0.15
    assert not nothing.rows["is_found"].any()
    assert (nothing.rows["odds_ratio_low"] < 1).all()
    _predictors, outcome, area = _table(9, 12_000, area_spread=0.5)
    flat = np.full(len(outcome), float(special.logit(outcome.mean())))
    found = table_areas.rank(area, outcome, flat, shift=0.0, seed=1)
    assert found.spread[1] < 0.5 < found.spread[2] + 0.1
    assert found.rows["is_found"].sum() >= 5
    assert found.rows["rank"].tolist() == list(range(1, 81))


def test_intervals_of_areas_hold_the_truth_also_when_leavers_were_oversampled():
    inside = []
    for seed in range(4):
        random = np.random.default_rng([10, seed])
        truth = random.normal(0, 0.5, 100)
        place = random.integers(0, 100, 60_000)
        left = random.random(place.size) < special.expit(-3.0 + truth[place])
        kept = np.flatnonzero(left | (random.random(place.size) < left.mean() / (1 - left.mean())))
        outcome, area = left[kept].astype(float), pd.Series([f"{i:03}" for i in place[kept]])
        flat = np.full(kept.size, float(special.logit(outcome.mean())))
        shift = oversampling.intercept_shift(float(left.mean()), float(outcome.mean()))
        rows = table_areas.rank(area, outcome, flat, shift=shift, seed=1).rows.sort_values("area")
        relative = np.exp(truth - truth.mean())
        inside.append(((rows["odds_ratio_low"] <= relative) & (relative <= rows["odds_ratio_high"])).mean())
        assert rows["rate"].mean() == pytest.approx(left.mean(), rel=0.2)
    assert 0.92 <= np.mean(inside) <= 0.98


def test_quality_between_areas_is_told_apart_from_within():
    predictors, outcome, area = _table(11, 12_000, between=0.4)
    found = {(e.kind, e.is_adjusted): e for e in table_areas.quality_effects(predictors, area, outcome, ("quality",))}
    assert found["between", True].is_found
    expected = np.exp(0.4 * found["between", True].per)
    assert found["between", True].low < expected < found["between", True].high
    assert not found["within", True].is_found
    assert found["within", True].low < 1 < found["within", True].high


def test_a_few_areas_have_no_interval():
    predictors, outcome, area = _table(12, 1500)
    few = area.map(lambda name: "abc"[int(name[1:]) % 3])
    found = table_areas.quality_effects(predictors, few, outcome, ("quality",))
    assert all(np.isnan(e.low) and not e.is_found for e in found)


def test_too_few_leavers_are_said():
    predictors, _outcome, area = _table(13, 300)
    few = np.zeros(300)
    few[:12] = 1
    options = evaluation.Options(None, (), QUICK, 1)
    with pytest.raises(evaluation.EvaluationError, match="12 who left and 288 who stayed: at least 50"):
        evaluation.cross_validated(evaluation.Rows(predictors, few, area), options)
