"""Today's level where hours act over other weeks than eight: by who has had an outage lately, and who long ago."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.leaving.doses import dose
from dashboard.models.leaving.doses.felt_hours import Felt
from dashboard.models.leaving.forecast import coming_quality, level_of_weeks, like_customers
from dashboard.models.leaving.forecast.expected_leavers import ExpectedLeavers

from .test_coming_quality import FIRST, NAMES, area_weeks

LONG_AGO, LATELY, NEVER, ALWAYS = range(4)
WEEKS = 40
EVERY, TWO = Felt(8), Felt(2)


def _felt() -> tuple[np.ndarray, np.ndarray]:
    """Hours over eight weeks and over two: four areas of which one was struck six weeks ago, one last week."""
    weekly = np.zeros((4, WEEKS))
    weekly[LONG_AGO, WEEKS - 6] = weekly[LATELY, WEEKS - 1] = 8.0
    weekly[ALWAYS] = 1.0
    return coming_quality._remembered(weekly, 8), coming_quality._remembered(weekly, 2)


def _draws(effect: float, curvature: float = 0.0) -> dose.Draws:
    none = np.zeros((3, 1))
    return dose.Draws(np.full(3, curvature), none + effect, none, (TWO,) * 3)


def test_who_was_struck_long_ago_has_forgotten_and_who_was_lately_minds_it_all():
    found = level_of_weeks.levels(_draws(0.2), 0, 0.2, _felt())
    assert found.shape == (3, 4)
    long_ago, lately, never, always = found[0]
    assert long_ago == pytest.approx(np.exp(-0.2), rel=0.1), "eight hours in eight weeks were an hour a week"
    assert lately == pytest.approx(np.exp(0.2 * 4 - 0.2), rel=0.1)
    assert (never, always) == pytest.approx((1.0, 1.0))


def test_over_the_same_weeks_nothing_moves():
    eight, _ = _felt()
    assert level_of_weeks.levels(_draws(0.2), 0, 0.2, (eight, eight)) == pytest.approx(np.ones((3, 4)))


def test_a_form_that_bends_moves_less_and_nothing_moves_further_than_it_may():
    straight, bent = (level_of_weeks.levels(_draws(0.2, c), 0, 0.2, _felt())[0, LATELY] for c in (0.0, 2.0))
    assert 1.0 < bent < straight
    assert level_of_weeks.levels(_draws(5.0), 0, 0.2, _felt()).max() == pytest.approx(np.exp(level_of_weeks.FURTHEST))


def test_where_todays_hours_are_not_known_nothing_moves():
    eight, two = _felt()
    two[LATELY, -1] = np.nan
    found = level_of_weeks.levels(_draws(0.2), 0, 0.2, (eight, two))
    assert np.isfinite(found).all()


def test_hours_are_remembered_over_what_there_is():
    weekly = np.array([[4.0, *[0.0] * 8, np.nan, np.nan, 2.0]])
    assert coming_quality._remembered(weekly, 8)[0, 0] == pytest.approx(0.5)
    two = coming_quality._remembered(weekly, 2)[0]
    assert np.isnan(two[3])
    assert two[-1] == 2.0
    assert coming_quality._remembered(weekly, 16).shape == (1, 5)


def test_expected_leavers_start_from_the_level_of_the_weeks_that_are_remembered():
    hours = np.random.default_rng(1).gamma(0.3, 2.0, (6, WEEKS))
    start, alike = FIRST + pd.Timedelta(weeks=WEEKS), {felt: np.zeros(0) for felt in (EVERY, TWO)}
    coming = coming_quality.foresee(area_weeks(hours), NAMES[:6], TERMS[:1], start, alike)
    np.testing.assert_allclose(coming.felt[EVERY][:, -1], coming.now[:, 0])
    np.testing.assert_allclose(coming.felt[TWO][:, -1], coming.over(TWO).now[:, 0])
    draws, none = _draws(0.2), np.zeros((6, 1))
    quality = SimpleNamespace(terms=TERMS[:1], steps=lambda customers, felt: coming.over(felt).now)
    design = SimpleNamespace(quality=quality, places=lambda kind: np.zeros(1, dtype=np.int64))
    predictor = SimpleNamespace(
        design=design, coefficients=np.array([0.1]), effects=np.array([0.1]), draws=lambda *asked: draws
    )
    expected_leavers = ExpectedLeavers(
        tuple(NAMES[:6]), none, none, np.ones(6), np.ones(6), np.arange(6), none, none, none
    )

    def growth(of: coming_quality.Coming) -> np.ndarray:
        return like_customers.growth(expected_leavers, predictor, pd.DataFrame(index=range(6)), of, seed=1, count=3)

    level = level_of_weeks.levels(draws, 0, 0.1, (coming.felt[EVERY], coming.felt[TWO]))
    assert np.ptp(level) > 0.1
    np.testing.assert_allclose(growth(coming), growth(replace(coming, felt={})) * level)
