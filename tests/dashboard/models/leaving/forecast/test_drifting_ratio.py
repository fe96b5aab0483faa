from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dashboard.models.areas import shrunken_rates
from dashboard.models.leaving.forecast import drifting_ratio

NO_JUMPS = np.zeros(1)


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
    fitted = drifting_ratio.ratios_now(observed, expected, NO_JUMPS)
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
    fitted = drifting_ratio.ratios_now(observed, expected)
    assert fitted.weights @ fitted.memories > 0.85
    whole = shrunken_rates.shrink(observed.sum(axis=0), expected.sum(axis=0))
    np.testing.assert_allclose(fitted.mean, whole.mean, atol=0.2)
    assert np.corrcoef(fitted.mean, whole.mean)[0, 1] > 0.95


def test_intervals_hold_the_ratio_by_now_where_it_drifts_and_those_of_the_whole_time_do_not():
    now, whole = [], []
    for seed in range(15):
        observed, expected, truth = _drifting(np.random.default_rng(seed))
        low, high = np.quantile(
            drifting_ratio.ratios_now(observed, expected).draws(2000, seed=1), (0.025, 0.975), axis=0
        )
        now.append((low <= truth) & (truth <= high))
        past = shrunken_rates.shrink(observed.sum(axis=0), expected.sum(axis=0))
        whole.append((past.low <= truth) & (truth <= past.high))
    # 360 intervals: a standard error of 1.2 points.
    assert 0.91 <= np.mean(now) <= 0.99
    assert np.mean(whole) < 0.75


def test_where_areas_do_not_differ_the_ratios_are_close_to_one():
    observed = np.random.default_rng(3).poisson(8.0, (13, 24)).astype(float)
    fitted = drifting_ratio.ratios_now(observed, np.full((13, 24), 8.0))
    np.testing.assert_allclose(fitted.mean, 1.0, atol=0.12)


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (5, 2), (3, 0)])
def test_no_events_or_no_time_gives_finite_answers(shape):
    nothing = np.zeros(shape)
    fitted = drifting_ratio.ratios_now(nothing, nothing)
    assert np.isfinite(fitted.mean).all()
    assert fitted.draws(7, seed=1).shape == (7, shape[1])
    np.testing.assert_array_equal(fitted.draws(7, seed=1), fitted.draws(7, seed=1))


def _jumping(seed: int, factor: float, ended: int = 0):
    """Ratios that stay, but for three of forty areas that jumped in one of the last five periods (and fell back ``ended`` ago)."""
    random = np.random.default_rng(seed)
    expected = random.uniform(10, 30, 40) * np.ones((13, 40))
    logs = np.zeros((13, 40)) + random.normal(0, 0.3, 40)
    for area in range(3):
        logs[13 - (6 if ended else random.integers(2, 6)) : 13 - ended or None, area] += np.log(factor)
    return random.poisson(np.exp(logs) * expected).astype(float), expected, np.exp(logs[-1])


@pytest.mark.parametrize("ended", [0, 2])
def test_an_area_that_jumps_is_followed_and_the_others_keep_their_intervals(ended):
    """A competitor's launch, and a price campaign that has ended: one memory for all areas follows neither."""
    held: dict[bool, list] = {True: [], False: []}
    others, widths = [], {True: [], False: []}
    for seed in range(12):
        observed, expected, truth = _jumping(seed, 2.0, ended)
        for jumps in (False, True):
            fitted = drifting_ratio.ratios_now(observed, expected, drifting_ratio.CHANCES if jumps else NO_JUMPS)
            low, high = np.quantile(fitted.draws(2000, seed=1), (0.025, 0.975), axis=0)
            is_held = (low <= truth) & (truth <= high)
            held[jumps].append(is_held[:3])
            widths[jumps].append((high - low)[3:])
            if jumps:
                others.append(is_held[3:])
                assert fitted.jumped[:3].mean() > fitted.jumped[3:].mean()
    assert np.mean(held[True]) > np.mean(held[False]) + 0.2
    assert np.mean(others) > 0.93
    assert np.mean(widths[True]) < 1.15 * np.mean(widths[False])


def test_the_chance_of_a_jump_is_a_bayes_factor():
    """One area, one component: the shares of the jumps are prior times the likelihood of all counts, by hand."""
    observed, expected = np.array([[4.0, 5.0], [6.0, 5.0], [15.0, 4.0]]), np.full((3, 2), 5.0)
    fitted = drifting_ratio.ratios_now(observed, expected, np.array([0.02]))
    i = int(fitted.weights.argmax())
    k, w, shape = fitted.spreads[i] ** -2, fitted.memories[i], drifting_ratio.JUMP_SHAPE

    def log(events: float, a: float, b: float) -> float:
        return float(stats.nbinom.logpmf(events, a, b / (b + 5.0)))

    known, usual = w * 4.0 + 6.0, w * 5.0 + 5.0
    never = log(6.0, k + w * 4.0, k + w * 5.0) + log(15.0, k + w * known, k + w * usual)
    first_mean = (k + 4.0) / (k + 5.0)
    first = log(6.0, shape, shape / first_mean)
    first += log(15.0, shape + w * 6.0, shape / first_mean + w * 5.0)
    earlier = drifting_ratio.EARLIER_CHANCE * np.exp(
        log(6.0, shape, shape / first_mean) - log(6.0, k + w * 4.0, k + w * 5.0)
    )
    mean = ((k + known) / (k + usual) + earlier * (shape + 6.0) / (shape / first_mean + 5.0)) / (1 + earlier)
    last = log(6.0, k + w * 4.0, k + w * 5.0) + np.log(1 + earlier) + log(15.0, shape, shape / mean)
    odds = np.exp(np.array([never, first, last]) - never) * np.array([0.96, 0.02, 0.02])
    np.testing.assert_allclose(fitted.shares[i, :, 0], odds / odds.sum(), rtol=1e-6)
    assert fitted.jumped[0] > fitted.jumped[1]
