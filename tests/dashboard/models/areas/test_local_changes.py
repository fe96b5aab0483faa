"""Where more leave than is explained: found at its size, silent where nothing local changed, and honest about what cannot be seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard.models.areas import local_changes

WEEKS = pd.date_range("2025-01-06", periods=56, freq="7D")


def provider(seed: int, *, a_quarter: float, step: float = 1.0, ago: int = 8, areas: int = 40, national: float = 0.1):
    """Departures and their expectation by week: areas of their own level, weeks of their own level, the first four stepped."""
    random = np.random.default_rng(seed)
    expected = np.full((WEEKS.size, areas), a_quarter / 13) * np.exp(random.normal(0, 0.3, areas))
    mean = expected * np.exp(random.normal(0, national, (WEEKS.size, 1))) * np.exp(random.normal(0, 0.3, areas))
    mean[-ago:, :4] *= step
    names = [f"a{place:02}" for place in range(areas)]
    return (pd.DataFrame(values, index=WEEKS, columns=names) for values in (random.poisson(mean), expected))


def found(seed: int, **world: float) -> pd.DataFrame:
    return local_changes.local_changes(*provider(seed, **world), seed=seed)


def test_a_lasting_step_is_found_with_its_size_and_its_week():
    rows = pd.concat([found(seed, a_quarter=60, step=3.0).head(4) for seed in range(8)])
    assert rows["is_found"].mean() >= 0.9
    weeks = rows["weeks"].to_numpy(dtype=int)
    assert np.median(np.abs(weeks - 8)) <= 2
    assert np.mean((rows["ratio_low"] <= 3.0) & (rows["ratio_high"] >= 3.0)) >= 0.75  # drawn towards no change
    assert rows["ratio"].between(1.7, 3.5).mean() >= 0.9


def test_where_nothing_local_changed_nothing_is_found():
    """960 looks at unchanged areas, with weeks in which everybody loses more.

    One alarm a year in 100 areas that stands for about eight weeks is 1.5 in 960 looks; six have a chance of half a percent.
    """
    rows = pd.concat([found(seed, a_quarter=30, national=0.4) for seed in range(24)])
    assert rows["is_found"].sum() <= 5


def test_overdispersed_departures_raise_no_alarm():
    """Households leave together: counts vary twice as much as Poisson ones."""
    alarms = 0
    for seed in range(12):
        leavers, expected = provider(seed, a_quarter=30)
        alarms += local_changes.local_changes(2 * (leavers // 2 + leavers % 2), expected, seed=seed)["is_found"].sum()
    assert alarms <= 4


def test_what_no_count_can_show_is_not_claimed():
    """+50% where 30 leave a quarter: at this rate of false alarms even who knows level and size finds 7% in eight weeks."""
    rows = pd.concat([found(seed, a_quarter=30, step=1.5).head(4) for seed in range(8)])
    assert rows["is_found"].mean() < 0.2


def test_a_small_provider_can_be_told_of_a_large_change_and_is_told_where_it_cannot():
    """Weeks in which nobody else left once made every departure look impossible, and no alarm could be told from that."""
    rows = pd.concat([found(seed, a_quarter=10, step=5.0, areas=16).head(4) for seed in range(2)])
    assert rows["is_found"].mean() >= 0.3
    quiet = pd.concat([found(seed, a_quarter=0.5, areas=6) for seed in range(2)])
    assert not quiet["is_found"].any()
    assert (quiet["note"] == local_changes.TOO_FEW).all()
    assert quiet["usual_leavers"].gt(0).all()
    assert found(1, a_quarter=60)["note"].isna().all()


def test_a_week_in_which_nobody_else_left_is_no_week_without_expectation():
    counts, expected = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]), np.full((2, 3), 0.5)
    usual = local_changes.Calendar(level=1.0, shape=4.0).scaled(counts, expected)
    assert usual[0, 0] == pytest.approx(0.5 * 4 / 5)
    assert usual[1, 0] == pytest.approx(0.5 * 6 / 5)


def test_weeks_of_a_large_provider_are_followed_and_those_of_a_small_one_hardly():
    leavers, expected = (frame.to_numpy(dtype=float) for frame in provider(2, a_quarter=30, national=0.4))
    large, small = (local_changes.Calendar.of(part, part * 0 + expected.mean()) for part in (leavers, leavers[:, :1]))
    assert large.shape == pytest.approx(0.4**-2, rel=0.6)
    assert small.shape >= 1.0
    nothing = local_changes.Calendar.of(leavers * 0, expected)
    assert (nothing.level, nothing.shape) == (1.0, local_changes.WEEK_FLOOR**-2)


@pytest.mark.parametrize("weeks", [0, 10, 14])
def test_a_short_history_says_so(weeks):
    leavers, expected = (frame.iloc[:weeks] for frame in provider(1, a_quarter=30))
    rows = local_changes.local_changes(leavers, expected, seed=1)
    assert not rows["is_found"].any()
    assert rows["note"].str.contains("too short").all()


def test_weeks_share_their_periods_expectation_by_customer_days():
    area_weeks = pd.DataFrame(
        {
            "area": ["a"] * 5 + ["b"] * 5,
            "week": list(pd.date_range("2026-01-05", periods=5, freq="7D")) * 2,
            "is_complete": [True, True, True, True, False] * 2,
            "customer_days": [70.0, 70.0, 140.0, 140.0, 1.0, 0.0, 0.0, 0.0, 7.0, 1.0],
            "leavers_voluntary": [1, 0, 2, 0, 9, 0, 0, 0, 1, 9],
        }
    )
    starts = [pd.Timestamp("2026-01-05"), pd.Timestamp("2026-02-02")]
    leavers, expected = local_changes.by_week(area_weeks, np.array([[6.0, 1.0], [9.0, 9.0]]), starts, ["a", "b"])
    assert leavers["a"].tolist() == [1, 0, 2, 0]
    assert expected["a"].tolist() == pytest.approx([1.0, 1.0, 2.0, 2.0])
    assert expected["b"].tolist() == pytest.approx([0.0, 0.0, 0.0, 1.0])
