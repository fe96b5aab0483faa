"""How unlike hours without service are: learnt whatever the mean, and kept when an area's mean moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dashboard.models.leaving.forecast import coming_quality, spread_of_hours

AREAS, EACH = 30, 400


@pytest.fixture(scope="module")
def learnt() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hours, areas and spread of customers of whom half have none, in areas of different means."""
    random = np.random.default_rng(1)
    area = np.repeat(np.arange(AREAS), EACH)
    hours = random.gamma(2, 0.5, AREAS)[area] * random.exponential(2.0, area.size) * (random.random(area.size) < 0.5)
    return hours, area, spread_of_hours.spread(hours, np.ones(area.size), area)


def test_the_spread_has_mean_one_and_its_tail(learnt):
    _, _, found = learnt
    assert found.mean() == pytest.approx(1.0)
    assert (np.diff(found) >= -1e-9).all()
    assert (found == 0).mean() == pytest.approx(0.5, abs=0.03)
    assert np.exp(0.3 * found).mean() == pytest.approx(0.5 + 0.5 / (1 - 0.6), rel=0.06)


def test_customers_who_are_alike_have_no_spread():
    area = np.repeat(np.arange(3), 5)
    found = spread_of_hours.spread(np.array([1.0, 2.0, 3.0])[area], np.ones(15), area)
    assert found == pytest.approx(np.ones(spread_of_hours.ATOMS))
    assert spread_of_hours.spread(np.zeros(15), np.ones(15), area).size == 0
    assert spread_of_hours.spread(np.full(15, np.nan), np.ones(15), area).size == 0


def test_groups_keep_their_order_and_their_areas_mean(learnt):
    _, _, found = learnt
    area = np.array([0, 0, 0, 0, 2, 2])
    times = spread_of_hours.times(found, area, np.array([0.0, 3.0, 1.0, 0.0, 5.0, 0.0]))
    assert times[:4].mean() == pytest.approx(1.0)
    assert times[4:].mean() == pytest.approx(1.0)
    assert list(np.argsort(times[:4], kind="stable")) == [0, 3, 2, 1]
    assert times[4] > 1.9


def test_hours_to_come_are_as_unlike_as_they_usually_are(learnt):
    _, _, found = learnt
    coming = replace(coming_quality.continuing(2, 2), is_forecast=True, now=np.zeros((2, 2)), hours=0, spread=found)
    area, steps = np.repeat([0, 1], 16), np.zeros(32)
    ahead = np.array([[0.4, 2.0]])
    (moved,) = coming.moved(0, ahead, area, steps)
    assert [moved[area == one].mean() for one in (0, 1)] == pytest.approx([0.4, 2.0])
    assert moved[area == 1].max() > 6
    assert coming.moved(1, ahead, area, steps)[0] == pytest.approx(ahead[0][area])
    assert coming.only([1]).hours is None
    assert coming.only([1, 0]).hours == 1
