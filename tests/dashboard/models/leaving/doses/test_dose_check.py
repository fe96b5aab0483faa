"""Departures over expected along a measure: what is taken out of them, how often chance alarms, and what is found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dashboard.models.leaving.doses import dose_check
from dashboard.models.leaving.doses.dose_check import Counted

AREAS, WEEKS = 40, 52
Ratio = Callable[[np.ndarray], np.ndarray]


def counted(seed: int, ratio: Ratio, *, departures: float = 2400.0, scatter: float = 0.0) -> tuple[Counted, np.ndarray]:
    """Departures where hours multiply leaving by ``ratio``, beside the expectation that each step multiplies by 1.4.

    Areas have levels of their own; ``scatter`` is the standard deviation of what four weeks of an area share besides.
    """
    random = np.random.default_rng(seed)
    area, week = np.divmod(np.arange(AREAS * WEEKS), WEEKS)
    hours = np.round(random.gamma(0.7, 1.2, area.size), 1)
    level = np.exp(random.normal(0, 0.3, AREAS))[area]
    shared = np.exp(random.normal(0, scatter, (AREAS, WEEKS // 4))).repeat(4, axis=1).ravel()
    base = departures / (level * ratio(hours)).sum()
    events = random.poisson(base * level * shared * ratio(hours)).astype(float)
    fitted = 1.4**hours
    scaled = fitted * events.sum() / fitted.sum()
    return _counted(events, scaled, area, week, hours[:, None]), hours


def _counted(events, means, area, week, columns) -> Counted:
    for group in (area, week) * 6:
        means = means * (np.bincount(group, events) / np.bincount(group, means))[group]
    return Counted(events, means, area, week, columns)


def p_value(seed: int, ratio: Ratio, **other: float) -> float:
    made, hours = counted(seed, ratio, **other)
    (found,) = dose_check.check(made, hours[:, None])
    return found.p_value


def alarms(ratio: Ratio, worlds: int, **other: float) -> float:
    return float(np.mean([p_value(seed, ratio, **other) < dose_check.FALSE_ALARMS for seed in range(worlds)]))


@pytest.mark.parametrize("scatter", [0.0, 0.3])
def test_a_form_that_is_right_is_refuted_by_chance_alone(scatter):
    """Of 60 worlds at most 8 where 5% are expected (a chance of 1 in 200), also where areas scatter."""
    assert alarms(lambda hours: 1.4**hours, 60, scatter=scatter) <= 8 / 60


def test_a_slope_that_is_wrong_is_no_fault_of_the_form():
    """The effect's size is fitted, so it is taken out: what is left is how it bends."""
    assert alarms(lambda hours: 1.5**hours, 20) <= 3 / 20


@pytest.mark.parametrize(
    "ratio",
    [lambda hours: 1 + 1.5 * (hours > 1.5), lambda hours: 1 + 2 * (1 - np.exp(-4 * hours))],
    ids=["threshold", "saturating"],
)
def test_a_form_that_is_wrong_is_refuted(ratio):
    assert alarms(ratio, 10) >= 0.9


def test_what_the_rest_of_the_model_explains_is_taken_out_as_by_a_regression_with_dummies():
    made, hours = counted(3, lambda hours: 1.4**hours)
    code = dose_check.bins(hours, made.means)
    (found,) = dose_check.check(made, hours[:, None])
    dummies = [made.area[:, None] == np.arange(AREAS), made.week[:, None] == np.arange(WEEKS)]
    others = np.column_stack([made.columns, *dummies]).astype(float)
    root = np.sqrt(made.means)[:, None]
    groups = (code[:, None] == np.arange(code.max() + 1)).astype(float)
    net = groups - others @ np.linalg.lstsq(root * others, root * groups, rcond=1e-10)[0]
    assert found.observed - found.expected == pytest.approx(net.T @ (made.events - made.means), abs=1e-6)
    independent = np.sqrt(np.diag(net.T @ (made.means[:, None] * net)))
    assert (found.error / independent).std() == pytest.approx(0, abs=1e-6), "one factor for all groups"
    assert found.error[0] >= independent[0] * (1 - 1e-9)
    assert (found.observed - found.expected).sum() == pytest.approx(0, abs=1e-6)


def test_groups_hold_as_many_expected_departures_and_equal_values_stay_together():
    random = np.random.default_rng(1)
    values, means = np.repeat(np.arange(1000.0), 3), random.exponential(0.1, 3000)
    code = dose_check.bins(values, means)
    held = np.bincount(code, means)
    assert held.size == dose_check.MOST_BINS
    assert held == pytest.approx(np.full(10, means.sum() / 10), rel=0.05)
    assert all(np.unique(code[values == value]).size == 1 for value in (0.0, 333.0, 999.0))
    assert (np.diff(code) >= 0).all()


@pytest.mark.parametrize(
    ("values", "means", "groups"),
    [
        ([0, 0, 1, 1, 2, 2], [100.0] * 6, 3),
        ([0, 0, 0, 0, 1, 1], [100.0] * 6, 2),
        ([5] * 6, [100.0] * 6, 1),
        (range(6), [4.0] * 6, 2),
        ([0, 0, 0, 0, 0, 9], [30.0] * 5 + [2.0], 1),
        (range(6), [0.0] * 6, 1),
    ],
)
def test_few_values_and_few_departures_make_few_groups(values, means, groups):
    assert dose_check.bins(np.array(values, float), np.array(means)).max() + 1 == groups


def test_two_values_cannot_bend_and_are_not_tested():
    made, hours = counted(1, lambda hours: 1.4**hours)
    (found,) = dose_check.check(made, (hours > 1)[:, None].astype(float))
    assert not found.is_tested
    assert not found.passes
    assert len(found.observed) == 2


def test_three_values_that_the_columns_follow_whatever_the_form_are_not_tested():
    """Two measures that depend on the same three kinds of places: the fit takes each group as it is."""
    made, hours = counted(6, lambda hours: 1.4**hours)
    kinds = np.searchsorted([0.3, 1.0], hours)
    columns = np.column_stack([kinds, kinds == 2]).astype(float)
    (found,) = dose_check.check(Counted(made.events, made.means, made.area, made.week, columns), kinds[:, None])
    assert len(found.low) == 3
    assert not found.is_tested
    assert not found.passes
    (alone,) = dose_check.check(Counted(made.events, made.means, made.area, made.week, columns[:, :1]), kinds[:, None])
    assert alone.is_tested


def test_the_same_inputs_give_the_same_answer():
    assert p_value(4, lambda hours: 1.4**hours) == p_value(4, lambda hours: 1.4**hours)
