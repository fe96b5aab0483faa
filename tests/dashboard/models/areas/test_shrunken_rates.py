from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from dashboard.models.areas import shrunken_rates

# Lip cancer in 56 districts of Scotland, 1975-1980: Clayton and Kaldor (1987), Biometrics 43, table 1.
OBSERVED = np.array([
    9, 39, 11, 9, 15, 8, 26, 7, 6, 20, 13, 5, 3, 8, 17, 9, 2, 7, 9, 7, 16, 31, 11, 7, 19, 15, 7, 10, 16, 11,
    5, 3, 7, 8, 11, 9, 11, 8, 6, 4, 10, 8, 2, 6, 19, 3, 2, 3, 28, 6, 1, 1, 1, 1, 0, 0
], dtype=float)  # fmt: skip
EXPECTED = np.array([
    1.4, 8.7, 3.0, 2.5, 4.3, 2.4, 8.1, 2.3, 2.0, 6.6, 4.4, 1.8, 1.1, 3.3, 7.8, 4.6, 1.1, 4.2, 5.5, 4.4, 10.5,
    22.7, 8.8, 5.6, 15.5, 12.5, 6.0, 9.0, 14.4, 10.2, 4.8, 2.9, 7.0, 8.5, 12.3, 10.1, 12.7, 9.4, 7.2, 5.3,
    18.8, 15.8, 4.3, 14.6, 50.7, 8.2, 5.6, 9.3, 88.7, 19.6, 3.4, 3.6, 5.7, 7.0, 4.2, 1.8
])  # fmt: skip


def test_shape_and_level_are_the_negative_binomial_maximum_likelihood_estimates():
    fitted = shrunken_rates.shrink(OBSERVED, EXPECTED)
    oracle = sm.NegativeBinomial(OBSERVED, np.ones(56), offset=np.log(EXPECTED)).fit(disp=0)
    # Both maximise the same likelihood; statsmodels stops at a gradient of 1e-5.
    assert fitted.shape == pytest.approx(1 / oracle.params[1], rel=1e-5)
    assert fitted.level == pytest.approx(np.exp(oracle.params[0]), rel=1e-5)


def test_plug_in_estimates_are_clayton_and_kaldors_formula():
    fitted = shrunken_rates.shrink(OBSERVED, EXPECTED)
    shape, rate = fitted.shape, fitted.shape / fitted.level
    np.testing.assert_allclose(fitted.at_maximum(), (OBSERVED + shape) / (EXPECTED + rate), rtol=1e-12)
    # Integrating over shape and level moves the means little with 56 areas, and always widens the intervals.
    np.testing.assert_allclose(fitted.mean, fitted.at_maximum(), rtol=0.05)


def test_small_areas_shrink_more_and_every_interval_holds_its_mean():
    fitted = shrunken_rates.shrink([2, 200], [1, 100])
    raw = np.array([2.0, 2.0])
    assert fitted.level < 2.01
    pair = shrunken_rates.shrink(np.r_[OBSERVED, 4, 400], np.r_[EXPECTED, 1, 100])
    assert abs(pair.mean[-2] - pair.level) < abs(pair.mean[-1] - pair.level)
    assert np.all((pair.low < pair.mean) & (pair.mean < pair.high))
    assert np.all(fitted.mean < raw + 0.1)


def test_no_variation_between_areas_gives_an_infinite_shape_and_intervals_that_still_have_width():
    expected = np.full(24, 40.0)
    fitted = shrunken_rates.shrink(np.full(24, 40.0), expected)
    assert np.isinf(fitted.shape)
    assert fitted.level == pytest.approx(1.0)
    np.testing.assert_allclose(fitted.mean, 1.0, atol=0.01)
    # The level alone is known to 1/sqrt(960), about 3%; not knowing k adds to it.
    assert np.all(fitted.high - fitted.low > 4 * 0.03)
    assert np.all(fitted.high - fitted.low < 4 / np.sqrt(40))


def test_intervals_cover_the_true_ratios():
    random = np.random.default_rng(1)
    covered = []
    for spread in (0.0, 0.1, 0.3):
        for _ in range(10):
            expected = random.gamma(4, 10, 24)
            ratios = random.gamma(spread**-2, spread**2, 24) if spread else np.ones(24)
            fitted = shrunken_rates.shrink(random.poisson(ratios * expected), expected)
            covered.append(np.mean((fitted.low <= ratios) & (ratios <= fitted.high)))
    # 720 intervals: the standard error of the coverage is 0.8 points if they were independent.
    assert 0.93 <= np.mean(covered) <= 0.99


def test_draws_agree_with_the_posterior_and_repeat_with_the_seed():
    fitted = shrunken_rates.shrink(OBSERVED, EXPECTED)
    draws = fitted.draws(20_000, seed=3)
    np.testing.assert_allclose(draws.mean(axis=0), fitted.mean, rtol=0.03)
    np.testing.assert_allclose(np.quantile(draws, 0.975, axis=0), fitted.high, rtol=0.05)
    np.testing.assert_array_equal(draws, fitted.draws(20_000, seed=3))


@pytest.mark.parametrize(
    ("observed", "expected"), [([], []), ([5], [5]), ([0, 0, 0], [3, 4, 0]), ([0, 0], [0, 0]), ([5, 0], [5, 0])]
)
def test_too_few_areas_or_events_still_give_finite_answers(observed, expected):
    fitted = shrunken_rates.shrink(observed, expected)
    assert np.isfinite([*fitted.mean, *fitted.low, *fitted.high]).all()
    assert fitted.draws(10, seed=1).shape == (10, len(observed))


@pytest.mark.parametrize(("observed", "expected"), [([1], [1, 2]), ([-1], [1]), ([np.nan], [1]), ([1], [np.inf])])
def test_impossible_counts_are_refused(observed, expected):
    with pytest.raises(ValueError, match="expected"):
        shrunken_rates.shrink(observed, expected)
