"""The quality of every access node, week by week: a process with a memory, that goes on after the last day on record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.worlds_abroad.simulation.layout import BEFORE, WEEKS, Codes, Floats, Layout
from bench.worlds_abroad.simulation.mechanisms import MEASURES

LONG_HOURS = 4
OUTAGES_A_WEEK, ROOT_OUTAGES_A_WEEK, LONG_SHARE = 0.09, 0.02, 0.25
SPREAD, MOST_OUTAGES = 0.5, 3.0
"""Standard deviation of the log outage rate between areas, and the most that one may have, in usual rates."""
TROUBLES = np.array([0.6, 1.0, 1.5])
"""The outage rate by technology."""
BEGINS, ENDS = 0.02, 0.12
"""Chances a week that an area falls into a bad spell of one measure, and that one ends."""
SPELL = {"down_hours": 3.5, "evening_latency": 0.015, "loss": 0.015, "evening_utilization": 0.15}
"""What a bad spell does: it multiplies outages, and adds to the others."""
LEVEL = {"evening_latency": 0.022, "loss": 0.002, "evening_utilization": 0.5}
BETWEEN = {"evening_latency": 0.004, "loss": 0.0015, "evening_utilization": 0.06}
DRIFT = {"evening_latency": 0.002, "loss": 0.0006, "evening_utilization": 0.03}
KEPT = 0.85
LEAST = {"evening_latency": 0.005, "loss": 0.0, "evening_utilization": 0.05}
MOST = {"evening_latency": 1.0, "loss": 0.5, "evening_utilization": 0.98}


@dataclass(frozen=True, slots=True)
class Places:
    """What stays: outage rate (nodes,) and the usual level of the other measures (nodes,)."""

    layout: Layout
    rate: Floats
    level: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class State:
    """What the next week depends on: bad spells (measures, areas, copies) and drifts by measure (areas, copies)."""

    spells: np.ndarray
    drift: dict[str, Floats]

    def copied(self, copies: int) -> State:
        """The same state many times, to go on from in as many ways."""
        return State(
            np.repeat(self.spells, copies, axis=2), {k: np.repeat(v, copies, axis=1) for k, v in self.drift.items()}
        )


@dataclass(frozen=True, slots=True)
class Week:
    """One week (nodes, copies): hours down in short and in long outages, and the levels of the other measures.

    ``struck`` and ``lengths`` are its outages: the node's and copy's place in the flattened array, and hours.
    """

    short: Floats
    long: Floats
    level: dict[str, Floats]
    struck: Codes
    lengths: Codes


@dataclass(frozen=True, slots=True)
class Course:
    """Weeks one after the other: ``short``, ``long`` and each ``level`` are (nodes, weeks, copies)."""

    short: Floats
    long: Floats
    level: dict[str, Floats]

    def followed_by(self, other: Course, last: int) -> Course:
        """The ``last`` weeks of this one and then the ``other``, in each of whose copies they are the same."""

        def joined(mine: Floats, theirs: Floats) -> Floats:
            own = np.broadcast_to(mine[:, -last:], (mine.shape[0], last, theirs.shape[2]))
            return np.concatenate([own, theirs], axis=1)

        level = {name: joined(self.level[name], other.level[name]) for name in self.level}
        return Course(joined(self.short, other.short), joined(self.long, other.long), level)


def places_of(random: np.random.Generator, layout: Layout) -> Places:
    rate = OUTAGES_A_WEEK * np.exp(random.normal(0, SPREAD, layout.areas)) * TROUBLES[layout.technology]
    own = np.exp(random.normal(0, 0.3, layout.nodes))
    level = {}
    for name, usual in LEVEL.items():
        by_area = BETWEEN[name] * (random.normal(0, 1, layout.areas) + 0.7 * (layout.technology - 1))
        by_node = BETWEEN[name] * random.normal(0, 0.3, layout.nodes)
        level[name] = np.maximum(usual + by_area[layout.area] + by_node, LEAST[name])
    return Places(layout, np.minimum(rate[layout.area] * own, MOST_OUTAGES * OUTAGES_A_WEEK), level)


def first_state(random: np.random.Generator, layout: Layout) -> State:
    share = BEGINS / (BEGINS + ENDS)
    spells = random.random((len(MEASURES), layout.areas, 1)) < share
    return State(spells, {name: sd * random.normal(0, 1, (layout.areas, 1)) for name, sd in DRIFT.items()})


def next_week(random: np.random.Generator, places: Places, state: State) -> tuple[State, Week]:
    """One week later, in every copy by itself."""
    layout, copies = places.layout, state.spells.shape[2]
    chance = random.random(state.spells.shape)
    spells = np.where(state.spells, chance >= ENDS, chance < BEGINS)
    drift = {
        name: KEPT * old + np.sqrt(1 - KEPT**2) * DRIFT[name] * random.normal(0, 1, old.shape)
        for name, old in state.drift.items()
    }
    rate = places.rate[:, None] * np.where(spells[0], SPELL["down_hours"], 1.0)[layout.area]
    short, struck_short, hours_short = _outages(random, rate * (1 - LONG_SHARE), 1, LONG_HOURS)
    long, struck_long, hours_long = _outages(random, rate * LONG_SHARE, LONG_HOURS + 1, 12)
    above, struck_above, hours_above = _from_above(random, layout, copies)
    level = {}
    for place, name in enumerate(MEASURES[1:], start=1):
        moved = drift[name] + SPELL[name] * spells[place]
        level[name] = np.clip(places.level[name][:, None] + moved[layout.area], LEAST[name], MOST[name])
    struck = np.concatenate([struck_short, struck_long, struck_above])
    lengths = np.concatenate([hours_short, hours_long, hours_above])
    return State(spells, drift), Week(short, long + above, level, struck, lengths)


def _outages(random: np.random.Generator, rate: Floats, least: int, most: int) -> tuple[Floats, Codes, Codes]:
    struck = np.repeat(np.arange(rate.size), random.poisson(rate).ravel())
    hours = random.integers(least, most + 1, struck.size)
    return np.bincount(struck, hours, rate.size).reshape(rate.shape), struck, hours


def _from_above(random: np.random.Generator, layout: Layout, copies: int) -> tuple[Floats, Codes, Codes]:
    """Long outages of a shared node take all access nodes behind it along."""
    hours, at, lengths = _outages(random, np.full((layout.roots, copies), ROOT_OUTAGES_A_WEEK), LONG_HOURS + 1, 12)
    root = layout.root[layout.area]
    struck, struck_hours = [], []
    for place, length in zip(at, lengths, strict=True):
        behind = np.flatnonzero(root == place // copies)
        struck.append(behind * copies + place % copies)
        struck_hours.append(np.full(behind.size, length))
    none = np.zeros(0, np.int64)
    return hours[root], np.concatenate([none, *struck]), np.concatenate([none, *struck_hours])


def run(
    random: np.random.Generator, places: Places, state: State, weeks: int
) -> tuple[State, Course, list[tuple[Codes, Codes]]]:
    """So many weeks on: the state then, the course, and each week's outages."""
    passed, outages = [], []
    for _ in range(weeks):
        state, week = next_week(random, places, state)
        passed.append(week)
        outages.append((week.struck, week.lengths))
    course = Course(
        np.stack([w.short for w in passed], axis=1),
        np.stack([w.long for w in passed], axis=1),
        {name: np.stack([w.level[name] for w in passed], axis=1) for name in LEVEL},
    )
    return state, course, outages


@dataclass(frozen=True, slots=True)
class Past:
    """All weeks up to the last on record: what they were, and the state that the next one follows from."""

    places: Places
    state: State
    course: Course


def past(random: np.random.Generator, places: Places) -> tuple[Past, list[tuple[Codes, Codes]]]:
    """From BEFORE weeks before the first on record to the last; the outages are those of the weeks on record."""
    state, course, outages = run(random, places, first_state(random, places.layout), BEFORE + WEEKS)
    return Past(places, state, course), outages[BEFORE:]
