from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dashboard.models.areas import shrunken_rates
from dashboard.models.leaving import drifting_ratio


def _drifting(
    random: np.random.Generator, *, periods: int = 13, areas: int = 24, spread: float = 0.4, step: float = 0.3
):
    """Log ratios: a lasting part and one that wanders within about three periods; counts of about eight a period."""
    lasting = random.normal(0, spread / 2, areas)
    wander = np.zeros((periods, areas))
    wander[0] = random.normal(0, spread, areas)
    for t in range(1, periods):
        wander[t] = 0.7 * wander[t - 1] + random.normal(0, step, areas)
    ratios = np.exp(lasting + wander)
    expected = random.uniform(4, 12, areas) * np.ones((periods, areas))
    return random.poisson(ratios * expected).astype(float), expected, ratios[-1]


def test_the_weights_are_the_negative_binomial_probabilities_of_each_period_given_the_past():
    random = np.random.default_rng(1)
    observed, expected, _ = _drifting(random, periods=3, areas=5)
    fitted = drifting_ratio.current(observed, expected)
    prior = np.gradient(drifting_ratio.SPREADS) / (
        1 + (drifting_ratio.SPREADS / drifting_ratio.SPREAD_PRIOR_SCALE) ** 2
    )
    chosen = [0, fitted.weights.size // 2, fitted.weights.size - 1]
    logs = []
    for i in chosen:
        k, w = fitted.spreads[i] ** -2, fitted.memories[i]
        total = np.log(prior[np.searchsorted(drifting_ratio.SPREADS, fitted.spreads[i])])
        known = usual = np.zeros(5)
        for events, mean in zip(observed, expected, strict=True):
            shape, rate = k + w * known, k + w * usual
            total += stats.nbinom.logpmf(events, shape, rate / (rate + mean)).sum()
            known, usual = w * known + events, w * usual + mean
        logs.append(total)
    np.testing.assert_allclose(np.diff(np.log(fitted.weights[chosen])), np.diff(logs), rtol=1e-6, atol=1e-6)


def test_where_nothing_changes_it_agrees_with_the_ratio_of_the_whole_time():
    random = np.random.default_rng(2)
    ratios = random.gamma(12, 1 / 12, 24)
    expected = np.full((13, 24), 10.0)
    observed = random.poisson(ratios * expected).astype(float)
    fitted = drifting_ratio.current(observed, expected)
    assert fitted.weights @ fitted.memories > 0.85
    whole = shrunken_rates.shrink(observed.sum(axis=0), expected.sum(axis=0))
    np.testing.assert_allclose(fitted.mean, whole.mean, atol=0.2)
    assert np.corrcoef(fitted.mean, whole.mean)[0, 1] > 0.95


def test_intervals_hold_the_ratio_by_now_where_it_drifts_and_those_of_the_whole_time_do_not():
    now, whole = [], []
    for seed in range(15):
        observed, expected, truth = _drifting(np.random.default_rng(seed))
        low, high = np.quantile(drifting_ratio.current(observed, expected).draws(2000, seed=1), (0.025, 0.975), axis=0)
        now.append((low <= truth) & (truth <= high))
        past = shrunken_rates.shrink(observed.sum(axis=0), expected.sum(axis=0))
        whole.append((past.low <= truth) & (truth <= past.high))
    # 360 intervals: a standard error of 1.2 points.
    assert 0.91 <= np.mean(now) <= 0.99
    assert np.mean(whole) < 0.75


def test_where_areas_do_not_differ_the_ratios_are_close_to_one():
    observed = np.random.default_rng(3).poisson(8.0, (13, 24)).astype(float)
    fitted = drifting_ratio.current(observed, np.full((13, 24), 8.0))
    np.testing.assert_allclose(fitted.mean, 1.0, atol=0.12)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 2), (3, 0)])
def test_no_events_or_no_time_gives_finite_answers(shape):
    nothing = np.zeros(shape)
    fitted = drifting_ratio.current(nothing, nothing)
    assert np.isfinite(fitted.mean).all()
    assert fitted.draws(7, seed=1).shape == (7, shape[1])
    np.testing.assert_array_equal(fitted.draws(7, seed=1), fitted.draws(7, seed=1))
