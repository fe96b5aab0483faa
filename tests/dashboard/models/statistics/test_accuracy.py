"""AUC, lift and calibration against scikit-learn, statsmodels, the formulas themselves, and cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import special
from sklearn.metrics import roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from dashboard.models.statistics import accuracy


def _rows(seed: int, size: int = 2000, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    odds = random.normal(-1.0, 1.0, size)
    outcome = (random.random(size) < special.expit(slope * odds)).astype(float)
    return outcome, special.expit(odds), random.uniform(0.2, 3.0, size)


@pytest.mark.parametrize("digits", [1, 15])
def test_auc_is_that_of_scikit_learn_with_ties_and_weights(digits):
    outcome, chance, weight = _rows(1)
    score = np.round(chance, digits)
    assert accuracy.auc(outcome, score) == pytest.approx(roc_auc_score(outcome, score), abs=1e-12)
    expected = roc_auc_score(outcome, score, sample_weight=weight)
    assert accuracy.auc(outcome, score, weight) == pytest.approx(expected, abs=1e-12)


def test_delong_is_the_structural_components_of_the_paper():
    outcome, chance, weight = _rows(2, size=150)
    scores = np.stack([np.round(chance, 1), chance + 0.2 * weight])
    left, stayed = scores[:, outcome == 1], scores[:, outcome == 0]
    psi = (left[:, :, None] > stayed[:, None, :]) + 0.5 * (left[:, :, None] == stayed[:, None, :])
    expected = np.cov(psi.mean(axis=2)) / left.shape[1] + np.cov(psi.mean(axis=1)) / stayed.shape[1]
    found, covariance = accuracy.auc_intervals(outcome, scores)
    np.testing.assert_allclose(covariance, expected, rtol=1e-10)
    assert [estimate.value for estimate in found] == pytest.approx(psi.mean(axis=(1, 2)))
    error = np.sqrt(expected[0, 0] + expected[1, 1] - 2 * expected[0, 1])
    gain = accuracy.auc_difference(outcome, scores[0], scores[1])
    assert gain.high - gain.value == pytest.approx(1.96 * error)


def test_the_interval_of_auc_covers():
    truth = roc_auc_score(*_rows(99, 400_000)[:2])
    covered = 0
    for seed in range(200):
        outcome, chance, _ = _rows(seed, 300)
        ((interval,), _) = accuracy.auc_intervals(outcome, chance[None])
        covered += interval.low <= truth <= interval.high
    assert covered >= 183  # 95% of 200, less two and a half standard deviations


def test_lift_by_hand():
    outcome = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 1.0] * 2)
    score = np.array([9, 5, 5, 1, 1, 1, 1, 1, 1, 1.0] * 2)
    # The top tenth are the two nines, both of whom left, of six who left in all.
    assert accuracy.capture(outcome, score) == pytest.approx(2 / 6)
    assert accuracy.lift(outcome, score) == pytest.approx(10 / 3)
    # A fifth takes half of the four fives, half of whom left: one more.
    assert accuracy.capture(outcome, score, share=0.2) == pytest.approx(3 / 6)


def test_lift_of_nothing_known_is_one_and_of_everything_at_most_one_by_the_share():
    outcome, _, weight = _rows(3)
    assert accuracy.lift(outcome, np.zeros(len(outcome)), weight) == pytest.approx(1.0)
    rate = float(outcome.mean())
    assert accuracy.lift(outcome, outcome) == pytest.approx(min(10.0, 1 / rate))


def test_weights_stand_for_repeated_rows():
    outcome, chance, _ = _rows(4, size=300)
    times = np.random.default_rng(4).integers(1, 4, 300)
    repeated = np.repeat(outcome, times), np.repeat(chance, times)
    assert accuracy.lift(outcome, chance, times.astype(float)) == pytest.approx(accuracy.lift(*repeated))
    ours = accuracy.calibration(outcome, chance, times.astype(float))
    theirs = accuracy.calibration(*repeated)
    assert ours.slope.value == pytest.approx(theirs.slope.value)
    assert ours.intercept.value == pytest.approx(theirs.intercept.value)


def test_calibration_is_that_of_statsmodels():
    outcome, chance, _ = _rows(5, slope=0.7)
    odds = special.logit(chance)
    found = accuracy.calibration(outcome, chance)
    slope = sm.GLM(outcome, sm.add_constant(odds), family=sm.families.Binomial()).fit(cov_type="HC0")
    assert found.slope.value == pytest.approx(slope.params[1], abs=1e-6)
    assert found.slope.high - found.slope.value == pytest.approx(1.96 * slope.bse[1], rel=1e-4)
    assert found.slope.high < 1.0  # chances that are too far apart
    level = sm.GLM(outcome, np.ones((len(odds), 1)), family=sm.families.Binomial(), offset=odds).fit()
    assert found.intercept.value == pytest.approx(level.params[0], abs=1e-6)


def test_tenths_hold_the_customers_and_wilsons_interval():
    outcome, chance, _ = _rows(6)
    tenths = accuracy.calibration(outcome, chance).tenths
    assert tenths[:, 0].sum() == 2000
    assert tenths[:, 0] @ tenths[:, 2] == pytest.approx(outcome.sum())
    assert (np.diff(tenths[:, 1]) > 0).all()
    low, high = proportion_confint(round(tenths[3, 2] * 200), 200, method="wilson")
    assert tenths[3, 3:] == pytest.approx([low, high])


def test_tenths_at_the_true_rate_cover_it():
    random = np.random.default_rng(7)
    odds = random.normal(-4.0, 1.0, 400_000)
    left = random.random(odds.size) < special.expit(odds)
    kept = left | (random.random(odds.size) < left.mean())
    outcome, chance = left[kept].astype(float), special.expit(odds[kept])
    weight = np.where(outcome > 0, 1.0, 1 / left.mean())
    found = accuracy.calibration(outcome, chance, weight)
    assert found.slope.low < 1 < found.slope.high
    inside = (found.tenths[:, 3] <= found.tenths[:, 1]) & (found.tenths[:, 1] <= found.tenths[:, 4])
    assert inside.sum() >= 9


def test_precision_counts_the_worst_that_are_chosen():
    truth, score = np.array([5.0, 4, 3, 2, 1]), np.array([1.0, 5, 4, np.nan, 2])
    assert accuracy.precision_at(truth, score, 2) == 0.5
    assert accuracy.precision_at(truth, score, 9) == 1.0
    assert np.isnan(accuracy.precision_at(truth[:0], score[:0], 3))


def test_nobody_left_is_no_number():
    score = np.arange(5.0)
    assert np.isnan(accuracy.auc(np.zeros(5), score))
    assert np.isnan(accuracy.lift(np.zeros(5), score))
    assert np.isnan(accuracy.auc(np.zeros(0), score[:0]))
