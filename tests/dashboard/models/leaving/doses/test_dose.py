"""The forms in which quality may move leaving: the planted one is found, and what is not told apart stays open."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dashboard.measures import LENGTHS
from dashboard.models.leaving.doses import dose, dose_fit
from dashboard.models.leaving.doses.felt_hours import Felt
from dashboard.models.statistics import hazard

AREAS, WEEKS = 40, 60


def fitted(seed: int, ratio: Callable[[np.ndarray], np.ndarray], base: float = 0.03) -> dose.Doses:
    """Doses of a provider whose areas have 30 customers a week, a level of their own, and hours without service."""
    random = np.random.default_rng(seed)
    area, week = np.divmod(np.arange(AREAS * WEEKS), WEEKS)
    hours = random.exponential(1.0, area.size) * (random.random(area.size) < 0.6)
    level = np.exp(random.normal(0, 0.3, AREAS))[area]
    days = np.full(area.size, 7.0 * 30)
    events = random.poisson(days / 7 * base * level * ratio(hours)).astype(float)
    places = dose_fit.Places(area, week, days)
    columns = np.column_stack([np.ones(area.size), places.within(hours), *(area == a for a in range(1, AREAS))])
    rows = hazard.Rows(events, days, np.ones(area.size), columns.astype(float), area, np.zeros(columns.shape[1], bool))
    return dose_fit.fit(
        rows, hazard.fit(rows), np.array([1]), steps=hours[:, None], places=places, is_estimated=np.array([True])
    )


def weight(found: dose.Doses, curvature: float) -> float:
    return sum(form.weight for form in found.forms if form.curvature == curvature)


def test_hours_that_add_up_are_told_from_hours_that_multiply():
    adding = fitted(1, lambda hours: 1 + 1.2 * hours)
    multiplying = fitted(2, lambda hours: np.exp(0.5 * hours))
    assert weight(adding, 1.0) > 0.5
    assert weight(adding, 0.0) == 0
    assert weight(multiplying, 0.0) > 0.9
    (form,) = (form for form in adding.forms if form.curvature == 1.0)
    assert form.effects[0] == pytest.approx(1.2, abs=3 * np.sqrt(form.covariance[0, 0]))


def test_hours_that_saturate_are_followed_by_a_form_that_does():
    found = fitted(3, lambda hours: 1 + 2 * (1 - np.exp(-2 * hours)))
    draws = found.draws(500, seed=1)
    told = np.exp(draws.log_ratios(0, np.array([0.25, 0.5, 1.0])))
    assert weight(found, 4.0) > 0.5
    assert np.median(told, axis=0) == pytest.approx([1.79, 2.26, 2.73], rel=0.12)


def test_where_nothing_can_be_told_apart_every_form_keeps_its_weight():
    found = fitted(4, lambda hours: 1.0 + 0.0 * hours)
    assert [form.curvature for form in found.forms] == list(dose.CURVATURES)
    assert min(form.weight for form in found.forms) > 0.1


def remembered(
    seed: int, weeks: int, ratio: Callable[[np.ndarray], np.ndarray], felt: Felt | None = None
) -> dose.Doses:
    """Doses of a provider whose customers mind the mean of their hours over so many weeks, or those of them that are ``felt``."""
    random = np.random.default_rng(seed)
    area, week = np.divmod(np.arange(AREAS * WEEKS), WEEKS)
    hours = random.exponential(3.0, (AREAS, WEEKS + 16)) * (random.random((AREAS, WEEKS + 16)) < 0.3)
    is_long = {w: hours > w for w in LENGTHS}

    def mean(values: np.ndarray, w: int) -> np.ndarray:
        sums = np.concatenate([np.zeros((AREAS, 1)), np.cumsum(values, axis=1)], axis=1)
        return ((sums[:, 16:-1] - sums[:, 16 - w : -1 - w]) / w).ravel()

    over = {w: mean(hours, w) for w in (2, 4, 8, 16)}

    def steps(one: Felt) -> np.ndarray:
        return one.of(over[one.weeks], mean(hours * is_long.get(one.longer_than, 1.0), one.weeks))

    days = np.full(area.size, 7.0 * 30)
    level = np.exp(random.normal(0, 0.3, AREAS))[area]
    events = random.poisson(days / 7 * 0.03 * level * ratio(steps(felt or Felt(weeks)))).astype(float)
    places = dose_fit.Places(area, week, days)
    own = places.within(over[8])
    columns = np.column_stack([np.ones(area.size), own, *(area == a for a in range(1, AREAS))]).astype(float)
    rows = hazard.Rows(events, days, np.ones(area.size), columns, area, np.zeros(columns.shape[1], bool))
    return dose_fit.fit(
        rows, hazard.fit(rows), np.array([1]), steps=over[8][:, None], places=places, is_estimated=np.array([True]),
        remembered=dose_fit.Remembered(0, (2, 4, 16), LENGTHS if felt else (), steps),
    )  # fmt: skip


@pytest.mark.parametrize("weeks", [2, 8, 16])
def test_over_how_many_weeks_hours_act_is_found_with_their_size(weeks):
    found = remembered(5, weeks, lambda hours: 1 + 1.2 * hours)
    assert found.felt == Felt(weeks)
    assert sum(form.weight for form in found.forms if form.felt.weeks == weeks) > 0.9
    draws = found.draws(400, seed=1)
    own = next(which for felt, which in draws.by_felt() if felt.weeks == weeks)
    told = np.exp(draws.only(own, [0]).log_ratios(0, np.array([2.0])) - draws.only(own, [0]).log_ratios(0, np.zeros(1)))
    assert np.median(told) == pytest.approx(3.4, rel=0.3)
    assert found.checks[0].passes


def test_where_hours_move_nobody_no_number_of_weeks_is_told_from_another():
    found = remembered(6, 8, lambda hours: 1.0 + 0.0 * hours)
    assert {form.felt.weeks for form in found.forms} == {2, 4, 8, 16}
    draws = found.draws(1000, seed=2)
    assert sorted(np.concatenate([which for _, which in draws.by_felt()])) == list(range(1000))
    for felt, which in draws.by_felt():
        assert which.size / 1000 == pytest.approx(sum(f.weight for f in found.forms if f.felt == felt), abs=0.06)


def of_long(found: dose.Doses, hours: int) -> float:
    """The weight of forms that go by single outages that lasted longer."""
    return sum(form.weight for form in found.forms if form.felt.longer_than == hours)


def test_hours_of_long_outages_are_told_from_those_of_short_ones():
    found = remembered(7, 8, lambda hours: 1 + 2.0 * hours, Felt(8, 4))
    assert found.felt == Felt(8, 4)
    assert of_long(found, 0) < 0.05
    assert of_long(found, 4) > 0.7
    assert found.checks[0].passes
    told = np.exp(next(f for f in found.forms if f.felt == found.felt and f.curvature == 1.0).effects[0])
    assert told == pytest.approx(np.exp(2.0), rel=0.6)


def test_long_outages_over_other_weeks_are_found_too():
    found = remembered(8, 2, lambda hours: 1 + 1.5 * hours, Felt(2, 4))
    assert found.felt.weeks == 2
    assert of_long(found, 0) < 0.05


def test_where_every_hour_counts_the_same_long_outages_alone_do_not_win():
    found = remembered(9, 8, lambda hours: 1 + 2.0 * hours, Felt(8))
    assert of_long(found, 0) > 0.9
    assert found.felt == Felt(8)
    nothing = remembered(6, 8, lambda hours: 1.0 + 0.0 * hours, Felt(8))
    assert 0.2 < of_long(nothing, 0) < 0.9


def test_hours_of_whom_the_length_is_not_known_are_shared_as_those_of_others():
    every, long = np.array([4.0, 4.0, 2.0, 0.0]), np.array([4.0, 0.0, np.nan, 0.0])
    assert Felt(8, 4).of(every, long) == pytest.approx([4.0, 0.0, 1.0, 0.0])
    assert Felt(8, 4, 0.5).of(every, long) == pytest.approx([4.0, 2.0, 1.5, 0.0])
    assert Felt(8).of(every, long) is every
    assert Felt(8, 4).of(np.zeros(2), np.full(2, np.nan)) == pytest.approx([0.0, 0.0])


def test_draws_are_reproducible_and_hold_every_form_by_its_weight():
    found = fitted(4, lambda hours: 1.0 + 0.0 * hours)
    draws, again = found.draws(4000, seed=3), found.draws(4000, seed=3)
    assert (draws.effects == again.effects).all()
    for form in found.forms:
        whose = draws.curvatures == form.curvature
        assert whose.mean() == pytest.approx(form.weight, abs=0.03)
        assert draws.effects[whose, 0].mean() == pytest.approx(form.effects[0], abs=0.05)


@pytest.mark.parametrize("curvature", dose.CURVATURES)
def test_forms_agree_at_the_good_level_and_bend_alike_on_both_sides(curvature):
    steps = np.array([0.0, 1e-6, 2.0])
    told = dose.log_ratio(curvature, 0.4, steps)
    assert told[:2] == pytest.approx(0.4 * steps[:2], abs=1e-9)
    assert dose.log_ratio(curvature, 0.4, -steps) == pytest.approx(-told)
    assert dose.log_ratio(curvature, -0.4, steps) == pytest.approx(-told)


def test_means_are_taken_out_of_residuals_as_of_steps():
    random = np.random.default_rng(5)
    area, week = random.integers(0, 6, 200), random.integers(0, 9, 200)
    places = dose_fit.Places(area, week, random.uniform(0.1, 7, 200))
    residual, steps = random.normal(size=(2, 200))
    assert places.turned(residual) @ steps == pytest.approx(residual @ places.within(steps))


@pytest.mark.parametrize("curvature", dose.CURVATURES)
@pytest.mark.parametrize("effect", [0.7, -0.7])
def test_slopes_bend_as_their_differences_say(curvature: float, effect: float):
    steps, apart = np.array([-1.0, 0.0, 0.5, 3.0]), 1e-6
    above, below = (dose.slope(curvature, np.array(effect + away), steps) for away in (apart, -apart))
    bends = dose.bend(curvature, np.array(effect), steps)
    assert bends == pytest.approx((above - below) / (2 * apart), abs=1e-6)
