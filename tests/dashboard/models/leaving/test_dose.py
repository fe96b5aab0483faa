"""The forms in which quality may move leaving: the planted one is found, and what is not told apart stays open."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dashboard.models.leaving import dose
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
    places = dose.Places(area, week, days)
    columns = np.column_stack([np.ones(area.size), places.within(hours), *(area == a for a in range(1, AREAS))])
    rows = hazard.Rows(events, days, np.ones(area.size), columns.astype(float), area, np.zeros(columns.shape[1], bool))
    return dose.fit(
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
