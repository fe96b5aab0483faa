"""Areas' own slopes: found where half of the areas do not mind, and hardly ever where all are alike."""

from __future__ import annotations

import numpy as np

from dashboard.models.leaving.doses import own_slopes
from dashboard.models.leaving.doses.own_slopes import Counted, Term

AREAS, WEEKS, EFFECT = 40, 52, 0.5


def judged(seed: int, minds: np.ndarray, *, departures: float = 0.5) -> own_slopes.OwnSlopes:
    """A test of areas that mind hours without service ``minds`` times as much, given their true mean effect."""
    random = np.random.default_rng(seed)
    area = np.repeat(np.arange(AREAS), WEEKS)
    hours = random.gamma(0.5, 1.0, area.size)
    usual = np.log(departures) + EFFECT * hours
    level = np.exp(random.normal(0, 0.3, AREAS))[area]
    events = random.poisson(departures * level * np.exp(EFFECT * minds[area] * hours)).astype(float)
    return own_slopes.test(Counted(events, usual, area), Term(0.0, EFFECT * hours))


def test_where_all_areas_are_alike_a_twentieth_is_said_to_differ():
    found = [judged(seed, np.ones(AREAS)) for seed in range(300)]
    assert np.mean([one.differs for one in found]) < 0.08
    assert np.mean([one.p_value < 0.5 for one in found]) > 0.33  # a little careful, not silent


def test_areas_that_do_not_mind_are_told_from_those_that_do():
    minds = np.where(np.arange(AREAS) % 2, 0.0, 2.0)
    found = judged(1, minds)
    assert found.differs
    assert found.mean[minds == 0].mean() < -0.5
    assert found.mean[minds == 2].mean() > 0.5
    drawn = found.draws(np.random.default_rng(1), 2000, np.arange(AREAS))
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    assert ((low <= minds) & (minds <= high)).mean() > 0.85
    assert (drawn >= 0).all()


def test_an_area_that_was_not_in_the_fit_is_any_of_them():
    found = judged(1, np.where(np.arange(AREAS) % 2, 0.0, 2.0))
    drawn = found.draws(np.random.default_rng(1), 4000, np.array([-1]))
    assert abs(np.median(drawn) - 1.0) < 0.1
    assert drawn.std() > 0.5 * found.spread


def test_areas_of_which_the_test_cannot_tell_may_differ_in_a_share_of_the_draws():
    """Few departures: the test misses most such providers, and intervals must not be as if all were alike."""
    minds = np.where(np.arange(AREAS) % 2, 0.0, 2.0)
    missed = [one for seed in range(20) if not (one := judged(seed, minds, departures=0.005)).differs]
    alike = [one for seed in range(20) if not (one := judged(seed, np.ones(AREAS))).differs]
    assert len(missed) > 3
    assert min(one.chance for one in missed) > 0.3
    assert np.median([one.chance for one in alike]) < 0.1
    drawn = [one.draws(np.random.default_rng(1), 2000, np.arange(AREAS)) for one in missed]
    assert abs((drawn[0] == 1.0).all(axis=1).mean() - (1 - missed[0].chance)) < 0.05
    reaches_none = np.array([np.quantile(one, 0.025, axis=0) == 0 for one in drawn])
    assert reaches_none[:, minds == 0].mean() > 0.9


def test_few_areas_are_not_asked():
    rows = Counted(np.ones(50), np.zeros(50), np.repeat(np.arange(5), 10))
    found = own_slopes.test(rows, Term(0.0, np.linspace(0, 1, 50)))
    assert not found.differs
    assert np.isnan(found.p_value)


def test_a_slope_is_that_of_what_is_added():
    times, products = np.linspace(0.1, 2, 7), np.linspace(-0.5, 3, 7)
    for curvature in (0.0, 1.0, 4.0):
        term = Term(curvature, products)
        value, slope = term.added(times)
        ahead, _ = term.added(times + 1e-6)
        assert np.allclose((ahead - value) / 1e-6, slope, atol=1e-4)
