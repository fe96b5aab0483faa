"""The truth of the worlds abroad held to counts, and to loops that are written another way."""

import copy

import numpy as np
import pytest

from bench.worlds_abroad import oracle, outage_costs
from bench.worlds_abroad.simulation import doses, futures, hours, leaving, mechanisms, quality, worlds
from bench.worlds_abroad.simulation.layout import BEFORE, WEEKS
from bench.worlds_abroad.simulation.population import NEVER, VOLUNTARY

SMALL = {"areas": 12, "customers": 1500}
TARGETS = {"down_hours": 0.1, "evening_latency": 0.02, "loss": 0.002, "evening_utilization": 0.45}
LIVES = 60
TOLD_APART = 4.0
"""Standard errors by which a mean may differ: once in 16,000 by chance."""


def lived(world: worlds.World, course: quality.Course, random: np.random.Generator) -> int:
    """How many of those there leave by choice within 90 days in one future, week by week and one after the other."""
    people, rules = copy.deepcopy(world.people), world.rules
    stayed, left = world.future.there, 0
    doses_now = futures._doses(world.future, course, None)
    for week in range(leaving.AHEAD):
        length = min(1.0, leaving.HORIZON_DAYS / 7 - week)
        own = length * leaving.hazard(rules, people, stayed, WEEKS + week, doses_now)[:, 0]
        goes = random.random(stayed.size) < -np.expm1(-(own + length * leaving.OTHERS))
        by_choice = random.random(stayed.size) < own / (own + length * leaving.OTHERS)
        left += int((goes & by_choice).sum())
        stayed = stayed[~goes]
    return left


@pytest.mark.parametrize("name", ["additive", "stored", "window-16", "threshold", "tenures-differ", "mixed"])
def test_expected_leavers_are_the_mean_of_futures_that_are_lived(name):
    world = worlds.simulate(name, 1, **SMALL)
    random = np.random.default_rng(5)
    counts = []
    for copied in random.permutation(futures.COPIES)[:LIVES]:
        whole = world.future.whole
        level = {key: values[..., [copied]] for key, values in whole.level.items()}
        course = quality.Course(whole.short[..., [copied]], whole.long[..., [copied]], level)
        counts.append(lived(world, course, random))
    error = np.std(counts, ddof=1) / np.sqrt(LIVES)
    assert futures.expected(world.future).sum() == pytest.approx(np.mean(counts), abs=TOLD_APART * error)


@pytest.mark.parametrize("name", [*mechanisms.FORMS, "null", "frailty", "national", "campaign"])
def test_as_many_left_as_the_hazard_says(name):
    world = worlds.simulate(name, 3, **SMALL)
    people, borne = world.people, leaving.doses_of_past(world.mechanism, world.course)
    chance = 0.0
    for week in range(WEEKS):
        own = leaving.hazard(world.rules, people, people.there(7 * week), week, borne)[:, 0]
        every = own + leaving.OTHERS
        chance += float((own / every * -np.expm1(-every)).sum())
    left = int(((people.left < NEVER) & (people.reason == VOLUNTARY)).sum())
    assert left == pytest.approx(chance, abs=TOLD_APART * np.sqrt(chance))


@pytest.mark.parametrize("form", mechanisms.FORMS)
def test_bad_quality_multiplies_the_hazard_by_the_ratio(form):
    mechanism = mechanisms.Mechanism("one", ratios={"down_hours": 2.5, "loss": 1.5}, form=form)
    one = np.ones((1, 1, 1))
    bad = {name: one * (doses.PERFECT[name] + doses.BAD[name]) for name in quality.LEVEL}
    at = doses.Remembered((1 - doses.LONG_OF_BAD) * 2 * one, doses.LONG_OF_BAD * 2 * one, bad)
    found = float(doses.dose(mechanism, at)[0, 0, 0])
    assert found == pytest.approx(2.0 if form == "additive" else np.log(2.5 * 1.5))
    perfect = doses.Remembered(0 * one, 0 * one, {name: one * doses.PERFECT[name] for name in quality.LEVEL})
    assert float(doses.dose(mechanism, perfect)[0, 0, 0]) == pytest.approx(0.0)


def test_quality_is_remembered_over_the_weeks_before_and_not_the_week_itself():
    world = worlds.simulate("window-4", 1, **SMALL)
    found = doses.remembered(world.course, 4, BEFORE, WEEKS)
    for week in (0, 1, 30, WEEKS - 1):
        before = world.course.long[:, BEFORE + week - 4 : BEFORE + week, 0].mean(axis=1)
        assert found.long[:, week, 0] == pytest.approx(before)


def test_what_is_borne_is_what_is_on_record():
    world = worlds.simulate("planned", 1, **SMALL)
    total = (world.course.short + world.course.long)[:, BEFORE:, 0]
    assert hours.weekly(world.record.down) == pytest.approx(total)
    assert not (world.record.down & world.record.planned).any()
    assert hours.weekly(world.record.planned).sum(axis=1).reshape(-1, 3)[:3, 0].tolist() == [0, 28, 56]


def test_quality_at_its_targets_keeps_nobody_where_it_moves_nobody_and_all_measures_keep_most():
    nothing = futures.kept(worlds.simulate("null", 1, **SMALL).future, TARGETS)
    assert all(values == pytest.approx(0.0) for kind in nothing.values() for values in kind.values())
    some = futures.kept(worlds.simulate("additive", 1, **SMALL).future, TARGETS)["future"]
    alone = [values for measure, values in some.items() if measure != futures.EVERYTHING]
    assert (some[futures.EVERYTHING] >= np.max(alone, axis=0) - 1e-9).all()
    assert some[futures.EVERYTHING].sum() > 1.0


def test_a_world_is_the_same_for_the_same_seed_and_another_for_the_next():
    first, again, other = (worlds.simulate("mixed", seed, **SMALL) for seed in (1, 1, 3))
    assert first.people.left.tolist() == again.people.left.tolist()
    assert first.mechanism == again.mechanism
    assert first.mechanism != other.mechanism


def test_who_knows_the_form_is_surer_of_many_customers_and_of_nothing_to_keep():
    few, many = (worlds.simulate("saturating", 1, areas=12, customers=n).future for n in (1500, 6000))
    told = [oracle.widths(one, TARGETS) for one in (few, many)]
    shares = [
        w.kept.sum() / futures.kept(one, TARGETS)["future"][futures.EVERYTHING].sum()
        for w, one in zip(told, (few, many), strict=True)
    ]
    assert 0 < shares[1] < shares[0] < 5
    nothing = oracle.widths(worlds.simulate("null", 1, **SMALL).future, TARGETS)
    assert nothing.kept == pytest.approx(0.0)
    assert (nothing.expected > 0).all()


def test_an_hour_costs_what_the_hazard_says_of_it():
    """Where hours add up, each costs its share of the hazard in as many weeks as it is remembered, whatever else is borne."""
    world = worlds.simulate("additive", 1, **SMALL)
    rules = leaving.Rules(
        world.mechanism, world.layout, world.rules.level, world.rules.shock, np.ones_like(world.rules.minding), {}, ()
    )
    of_hours = leaving.Rules(
        mechanisms.Mechanism("additive", {"down_hours": 2.0}, form="additive", window=4), *_rest(rules)
    )
    people = copy.deepcopy(world.people)
    people.contract[:] = -(10**6)
    cost = outage_costs.per_hour(of_hours, people, world.course)
    # One hour in four weeks is a quarter of an hour a week in each of them; bad are two hours a week, longer remembered.
    share = leaving.WEEKLY * (2.0 - 1.0) / (doses.BAD["down_hours"] * np.sqrt(doses.BAD_WEEKS / 4))
    for kind in outage_costs.KINDS:
        assert cost[kind] == pytest.approx(share, rel=0.05)


def _rest(rules: leaving.Rules) -> tuple[object, ...]:
    return rules.layout, rules.level, rules.shock, rules.minding, rules.steps, rules.campaigns
