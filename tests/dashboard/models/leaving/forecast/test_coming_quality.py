"""The quality to come: what lasted before lasts again, what passed passes, and nothing is forecast from a short history."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.measures import longer_than
from dashboard.models.complaints.measure_lags import TERMS
from dashboard.models.leaving.doses.felt_hours import PART, Felt
from dashboard.models.leaving.forecast import coming_quality

AREAS, WEEKS = 40, 56
FIRST = pd.Timestamp("2025-01-06")
START = FIRST + pd.Timedelta(weeks=WEEKS)
NAMES = [f"area-{area:02}" for area in range(AREAS)]


def area_weeks(hours: np.ndarray) -> pd.DataFrame:
    """area_weeks (areas, weeks) of these hours without service; the other measures stay as they are."""
    areas, weeks = hours.shape
    frame = pd.DataFrame(
        {
            "area": np.repeat(NAMES[:areas], weeks),
            "week": np.tile(FIRST + pd.to_timedelta(7 * np.arange(weeks), unit="D"), areas),
            "is_complete": True,
            "observed_ratio": 1.0,
            "customer_days": 1000.0,
            "down_hours_per_customer": hours.ravel(),
            "down_hours_variance": 0.0,
            **{f"complaints_{name}": 0.0 for name in ("connection", "slow", "billing", "price")},
        }
    )
    for place, term in enumerate(TERMS[1:], start=1):
        frame[term.column] = term.per * place
    return frame


def foreseen(hours: np.ndarray, start: pd.Timestamp = START) -> coming_quality.Coming:
    return coming_quality.foresee(area_weeks(hours), NAMES[: len(hours)], TERMS[:1], start)


def test_a_third_of_what_is_felt_has_been_lived():
    weights = coming_quality.weights()
    assert weights.sum() == pytest.approx(1.0)
    assert weights[: coming_quality.WINDOW].sum() == pytest.approx(36 / 104)


def test_levels_that_last_are_told_for_each_area():
    random = np.random.default_rng(1)
    level = random.gamma(2, 0.5, AREAS)
    found = foreseen(random.gamma(1, level[:, None], (AREAS, WEEKS)))
    assert found.lasting[0, 1] > 0.85
    assert found.lasting[0, 0] < 0.15
    recent = np.abs(found.now[:, 0] - level).mean()
    assert np.abs(found.mean[:, 0] - level).mean() < 0.75 * recent


def test_storms_that_pass_are_not_promised_to_return():
    random = np.random.default_rng(2)
    hours = random.gamma(1, 0.5, (AREAS, WEEKS))
    for area in range(AREAS):
        for week in random.integers(0, WEEKS, 3):
            hours[area, week : week + 3] += 4.0
    hours[0, -8:] = 5.0
    found = foreseen(hours)
    usual = hours[:, :-8].mean()
    assert found.mean[0, 0] < 0.65 * 5.0
    assert found.mean[0, 0] > usual


def test_what_is_told_holds_what_was_to_be_expected():
    held = areas = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        level, state = random.gamma(2, 0.5, AREAS), random.normal(0, 0.6, AREAS)
        hours = np.zeros((AREAS, WEEKS))
        for week in range(WEEKS):
            state = 0.9 * state + np.sqrt(1 - 0.9**2) * random.normal(0, 0.6, AREAS)
            hours[:, week] = random.gamma(0.5, 2 * level * np.exp(state))
        found = foreseen(hours)
        draws = found.draws(2000, seed=1)[:, :, 0]
        lived = hours[:, -8:] @ coming_quality.weights()[:8]
        to_come = np.zeros(AREAS)
        for ahead, weight in enumerate(coming_quality.weights()[8:], start=1):
            left = 0.9**ahead
            to_come += weight * level * np.exp(left * state + 0.5 * 0.36 * (1 - left**2))
        low, high = np.quantile(draws, (0.025, 0.975), axis=0)
        held += int(((low <= lived + to_come) & (lived + to_come <= high)).sum())
        areas += AREAS
    assert 0.90 < held / areas <= 0.995


def test_weeks_on_record_after_the_first_day_ahead_are_known():
    random = np.random.default_rng(3)
    hours = random.gamma(1, 1.0, (AREAS, WEEKS))
    hours[0, -4:] = 20.0
    early = START - pd.Timedelta(weeks=4)
    found = foreseen(hours, early)
    share = coming_quality.weights()[8:12].sum()
    assert found.mean[0, 0] > share * 20
    assert found.now[0, 0] == pytest.approx(hours[0, -12:-4].mean())


@pytest.mark.parametrize(("areas", "weeks"), [(AREAS, 20), (3, WEEKS)])
def test_from_a_short_history_or_few_areas_nothing_is_forecast(areas, weeks):
    random = np.random.default_rng(4)
    found = foreseen(random.gamma(1, 1.0, (areas, weeks)), FIRST + pd.Timedelta(weeks=weeks))
    assert not found.is_forecast
    assert found.note() == coming_quality.SUPPOSED
    steps = np.array([0.5, 2.0])
    assert (found.moved(0, np.ones((5, areas)), np.array([0, 1]), steps) == 0).all()


def test_unobserved_weeks_leave_numbers():
    random = np.random.default_rng(5)
    hours = random.gamma(1, 1.0, (AREAS, WEEKS))
    hours[1, -10:] = np.nan
    hours[2] = np.nan
    found = foreseen(hours)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.draws(10, 1)).all()
    assert found.mean[2, 0] == pytest.approx(np.nanmean(hours), rel=0.1)


def test_draws_have_the_mean_and_move_customers_to_it():
    random = np.random.default_rng(6)
    found = foreseen(random.gamma(1, 1.0, (AREAS, WEEKS)))
    drawn = found.draws(4000, seed=2)
    assert drawn.mean(axis=0) == pytest.approx(found.mean, rel=0.05)
    steps, area = found.now[:, 0], np.arange(AREAS)
    assert steps + found.moved(0, drawn[:5, :, 0], area, steps) == pytest.approx(drawn[:5, :, 0])


def test_hours_of_long_outages_are_foretold_from_their_own_history():
    random = np.random.default_rng(8)
    usual = random.gamma(4, 0.25, AREAS)
    hours = random.gamma(2, 0.5, (AREAS, WEEKS)) * usual[:, None]
    share = np.where(np.arange(AREAS) % 2 == 0, 0.1, 0.7)
    long = hours * share[:, None]
    weeks = area_weeks(hours).assign(**{longer_than(4): long.ravel()})
    felts = {felt: np.zeros(0) for felt in (Felt(), Felt(8, 4), Felt(2, 4), Felt(8, 4, PART))}
    found = coming_quality.foresee(weeks, NAMES[:AREAS], TERMS[:1], START, felts)
    own = coming_quality.foresee(area_weeks(long), NAMES[:AREAS], TERMS[:1], START)
    assert set(found.others) == {Felt(8, 4), Felt(2, 4), Felt(8, 4, PART)}
    assert found.over(Felt(8, 4)).mean == pytest.approx(own.mean)
    assert found.over(Felt(8, 4)).now == pytest.approx(own.now)
    assert found.over(Felt(2, 4)).now[:, 0] == pytest.approx(long[:, -2:].mean(axis=1))
    part = found.over(Felt(8, 4, PART)).now[:, 0]
    assert part == pytest.approx((long + PART * (hours - long))[:, -8:].mean(axis=1))
    assert found.over(Felt(16)) is found
