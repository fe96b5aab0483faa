"""The truth of the next 90 days: who leaves in expectation over all that quality may yet do, and who would not.

Two truths are told of what better quality keeps. ``future``: quality goes on by its own process from where it stands, and
wherever what is remembered of it would be worse than the target it is at the target, from the first day on. ``continuing``:
it stays what it was in the last eight weeks. ``from_now`` is a third, of everything together: what has been borne
stays remembered, and only the weeks to come are better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.worlds_abroad.simulation import quality
from bench.worlds_abroad.simulation.doses import Remembered, Targets, remembered
from bench.worlds_abroad.simulation.layout import WEEKS, Codes, Floats
from bench.worlds_abroad.simulation.leaving import (
    AHEAD,
    FREE_WEEKS,
    HORIZON_DAYS,
    OTHERS,
    STORED_WEEKS,
    Doses,
    Rules,
    hazard,
)
from bench.worlds_abroad.simulation.population import Customers
from bench.worlds_abroad.simulation.quality import Course, Past

COPIES = 200
LAST = STORED_WEEKS + FREE_WEEKS + 2
"""Weeks of the past that the futures go on from."""
RECENT = 8
FROM = {"first": WEEKS, "first_stored": WEEKS - FREE_WEEKS}
"""With which weeks the doses of a future begin."""
EVERYTHING = "everything"
AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Future:
    """A world on its last day: its rules, who is there, what quality was (LAST weeks and more), and how it may go on."""

    rules: Rules
    people: Customers
    there: Codes
    past: Course
    whole: Course


def future(random: np.random.Generator, rules: Rules, people: Customers, past: Past) -> Future:
    _, course, _ = quality.run(random, past.places, past.state.copied(COPIES), AHEAD)
    whole = past.course.followed_by(course, LAST)
    return Future(rules, people, people.there(7 * WEEKS), past.course, whole)


def expected(of: Future, targets: Targets | None = None) -> Floats:
    """(there,) each one's chance of leaving by choice within 90 days; with quality at the ``targets``, where given."""
    return _chance(of, _doses(of, of.whole, targets))


def continuing(of: Future, targets: Targets | None = None) -> Floats:
    """The same with quality as it was in the last eight weeks."""
    return _chance(of, _constant(of, targets))


def from_now(of: Future, targets: Targets) -> Floats:
    """The same with past quality as it was, and at the targets in each week to come."""
    ahead = Remembered(*(v[:, LAST:] for v in (of.whole.short, of.whole.long)), _ahead(of.whole))
    usual = _recent(of)
    total = usual.short + usual.long
    kept = 1.0
    if "down_hours" in targets:
        kept = np.divide(targets["down_hours"], total, out=np.ones_like(total), where=total > targets["down_hours"])
    better = ahead.at({name: level for name, level in targets.items() if name != "down_hours"})
    course = Course(better.short * kept, better.long * kept, better.level)
    return _chance(of, _doses(of, of.past.followed_by(course, LAST), None))


def kept(of: Future, targets: Targets) -> dict[str, dict[str, Floats]]:
    """(areas,) whom quality at the target would keep: by kind of future, then by measure and for everything."""
    both, matters = {}, set(of.rules.mechanism.matters)
    for name, chance in (("future", expected), ("continuing", continuing)):
        now = chance(of)
        chosen = {measure: {measure: level} for measure, level in targets.items()} | {EVERYTHING: dict(targets)}
        both[name] = {
            what: by_area(of, now - (chance(of, own) if set(own) & matters else now)) for what, own in chosen.items()
        }
    both["from_now"] = {EVERYTHING: by_area(of, expected(of) - from_now(of, targets))}
    return both


def by_area(of: Future, values: Floats) -> Floats:
    area = of.rules.layout.area[of.people.node[of.there]]
    return np.bincount(area, values, of.rules.layout.areas)


def _ahead(whole: Course) -> dict[str, Floats]:
    return {name: values[:, LAST:] for name, values in whole.level.items()}


def _doses(of: Future, whole: Course, targets: Targets | None) -> Doses:
    mechanism = of.rules.mechanism
    own = remembered(whole, mechanism.window, LAST, AHEAD)
    half_year = remembered(whole, STORED_WEEKS, LAST - FREE_WEEKS, AHEAD + FREE_WEEKS)
    if targets is not None:
        own, half_year = own.at(targets), half_year.at(targets)
    return Doses.of(mechanism, own, half_year, **FROM)


def _recent(of: Future) -> Remembered:
    """(nodes, 1, 1): the mean of the last eight weeks."""
    return remembered(of.past, RECENT, of.past.short.shape[1], 1)


def _constant(of: Future, targets: Targets | None) -> Doses:
    usual = _recent(of)
    if targets is not None:
        usual = usual.at(targets)

    def lasting(weeks: int) -> Remembered:
        level = {name: np.repeat(values, weeks, axis=1) for name, values in usual.level.items()}
        return Remembered(np.repeat(usual.short, weeks, axis=1), np.repeat(usual.long, weeks, axis=1), level)

    return Doses.of(of.rules.mechanism, lasting(AHEAD), lasting(AHEAD + FREE_WEEKS), **FROM)


def _chance(of: Future, doses: Doses) -> Floats:
    """(there,) over the horizon, leaving for other reasons competing; the mean over the copies."""
    found = [_of_some(of, of.there[first : first + AT_ONCE], doses) for first in range(0, of.there.size, AT_ONCE)]
    return np.concatenate(found) if found else np.zeros(0)


def _of_some(of: Future, who: Codes, doses: Doses) -> Floats:
    total = np.zeros((who.size, doses.now.shape[2]))
    for week in range(AHEAD):
        length = min(1.0, HORIZON_DAYS / 7 - week)
        total += length * hazard(of.rules, of.people, who, WEEKS + week, doses)
    every = total + OTHERS * HORIZON_DAYS / 7
    return np.asarray((total / every * -np.expm1(-every)).mean(axis=1))


def base_of(of: Future, chance: Floats, groups: Sequence[Codes] | Mapping[str, Codes]) -> Floats:
    """(areas,) what each area would lose at the provider's mean chance for people of the same groups."""
    codes = list(groups.values()) if isinstance(groups, Mapping) else list(groups)
    stratum = np.ravel_multi_index(codes, [int(code.max()) + 1 for code in codes])
    count = np.bincount(stratum)
    mean = np.bincount(stratum, chance) / np.maximum(count, 1)
    return by_area(of, mean[stratum])
