"""The hazard of leaving, a week at a time: the same for the past that is simulated and for the futures that are predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.worlds_abroad.simulation.doses import Remembered, dose, remembered
from bench.worlds_abroad.simulation.layout import BEFORE, HAZARDS, WEEKS, Codes, Floats, Layout
from bench.worlds_abroad.simulation.mechanisms import Mechanism
from bench.worlds_abroad.simulation.population import MOVED, VOLUNTARY, YEAR, Customers
from bench.worlds_abroad.simulation.quality import Course

AHEAD = 13
HORIZON_DAYS = 90
WEEKLY, OTHERS = 0.0032, 0.0008
"""Hazards a week: of leaving by choice, with perfect quality, and for reasons that are not the provider's."""
NEW, PER_UNIT = 1.5, 0.03
"""How a customer's first year, and one unit of currency above a new customer's price, multiply it."""
HELD, HELD_STORING, JUST_FREE, FREE_WEEKS = 0.25, 0.08, 1.6, 8
STORED_WEEKS = 26
CAMPAIGN_WEEKS, CAMPAIGN_RATIO = 8, 1.7


@dataclass(frozen=True, slots=True)
class Rules:
    """What makes people of this world leave, beside the quality itself.

    ``level`` (areas,) and ``shock`` (areas, weeks on record and ahead) multiply the hazard; ``minding`` (nodes, 2) is how
    much those of a node mind quality, in their first year and after it. ``steps`` names areas with a lasting shock and
    its week.
    """

    mechanism: Mechanism
    layout: Layout
    level: Floats
    shock: Floats
    minding: Floats
    steps: dict[int, int]
    campaigns: tuple[int, ...]


def rules_of(random: np.random.Generator, layout: Layout, mechanism: Mechanism, customers: Codes) -> Rules:
    """What is drawn of a world; ``customers`` (areas,) says which areas are the largest."""
    own = random.normal(0, mechanism.levels, layout.areas)
    shared = random.normal(0, 1, layout.roots)[layout.root] * mechanism.node_levels
    shock = np.ones((layout.areas, WEEKS + AHEAD))
    order = random.permutation(layout.areas)
    if mechanism.launches_in_largest:
        order = np.argsort(-customers, kind="stable")
    launched, (least, most) = order[: mechanism.launches], mechanism.launch_weeks_ago
    steps = {int(place): int(random.integers(WEEKS - most, WEEKS - least + 1)) for place in launched}
    for place, week in steps.items():
        shock[place, week:] *= mechanism.launch_ratio
    fought = order[mechanism.launches :][: mechanism.campaigns]
    for place in fought:
        end = WEEKS - int(random.integers(2, 8))
        shock[place, end - CAMPAIGN_WEEKS : end] *= CAMPAIGN_RATIO
    if mechanism.national != 1.0:
        start, length = int(random.integers(20, WEEKS - 4)), int(random.integers(6, 16))
        shock[:, start : start + length] *= mechanism.national
    level = np.exp(own + shared) * HAZARDS[layout.technology]
    minding = _minding(random, layout, mechanism)
    return Rules(mechanism, layout, level, shock, minding, steps, tuple(int(place) for place in fought))


def _minding(random: np.random.Generator, layout: Layout, mechanism: Mechanism) -> Floats:
    by_area = np.ones(layout.areas)
    if mechanism.immune_areas > 0:
        is_immune = random.permutation(layout.areas) < round(mechanism.immune_areas * layout.areas)
        by_area = np.where(is_immune, 0.0, 1.0)
    if mechanism.by_technology:
        by_area = by_area * np.array([0.0, 1.0, 1.6])[layout.technology]
    by_tenure = np.array([1.6, 0.5]) if mechanism.by_tenure else np.ones(2)
    return np.asarray(by_area[layout.area][:, None] * by_tenure)


@dataclass(frozen=True, slots=True)
class Doses:
    """What quality does to a node's customers: ``now`` (nodes, weeks, copies) by the weeks before each week, and
    ``stored`` (nodes, weeks, copies) by the half year before it, for those whose contract ends in it. ``first`` and
    ``first_stored`` are the weeks that they begin with.
    """

    now: Floats
    stored: Floats | None
    first: int
    first_stored: int

    @classmethod
    def of(
        cls, mechanism: Mechanism, quality: Remembered, half_year: Remembered, *, first: int, first_stored: int
    ) -> Doses:
        stored = None
        if mechanism.stored > 0:
            stored = mechanism.stored * dose(mechanism, half_year, window=8)
        return cls(dose(mechanism, quality), stored, first, first_stored)


def doses_of_past(mechanism: Mechanism, course: Course) -> Doses:
    quality = remembered(course, mechanism.window, BEFORE, WEEKS)
    half_year = remembered(course, STORED_WEEKS, BEFORE, WEEKS)
    return Doses.of(mechanism, quality, half_year, first=0, first_stored=0)


def hazard(rules: Rules, people: Customers, who: Codes, week: int, doses: Doses) -> Floats:
    """(who, copies) of leaving by choice in a ``week``."""
    node, day = people.node[who], 7 * week
    is_old = (day - people.started[who] >= YEAR).astype(np.int64)
    usual = _usual(rules, people, who, week, is_old)
    lock = _lock(rules.mechanism, people.contract[who], day)
    minded = rules.minding[:, :, None] * doses.now[:, None, week - doses.first]
    if rules.mechanism.form == "additive":
        found = lock[:, None] * (usual[:, None] + WEEKLY * minded[node, is_old])
    else:
        found = (lock * usual)[:, None] * np.exp(minded)[node, is_old]
    if doses.stored is not None:
        ended = people.contract[who] // 7
        just = np.flatnonzero((ended <= week) & (ended > week - FREE_WEEKS) & (ended >= doses.first_stored))
        # Whose contract has just ended leaves for what they bore while it held them.
        found[just] *= np.exp(doses.stored[node[just], ended[just] - doses.first_stored])
    return np.asarray(found)


def _usual(rules: Rules, people: Customers, who: Codes, week: int, is_old: Codes) -> Floats:
    area = rules.layout.area[people.node[who]]
    around = rules.level[area] * rules.shock[area, week]
    own = np.where(is_old > 0, 1.0, NEW) * np.exp(PER_UNIT * people.surcharge[who]) * people.factor[who]
    return np.asarray(WEEKLY * around * own)


def _lock(mechanism: Mechanism, contract: Codes, day: int) -> Floats:
    held = HELD_STORING if mechanism.stored > 0 else HELD
    is_new = (contract <= day) & (contract > day - 7 * FREE_WEEKS)
    return np.where(contract > day, held, np.where(is_new, JUST_FREE, 1.0))


def simulate(random: np.random.Generator, rules: Rules, people: Customers, course: Course) -> None:
    """Let those leave who do, in each of the weeks on record: sets ``left`` and ``reason``."""
    doses = doses_of_past(rules.mechanism, course)
    for week in range(WEEKS):
        who = people.there(7 * week)
        own = hazard(rules, people, who, week, doses)[:, 0]
        goes = random.random(who.size) < -np.expm1(-(own + OTHERS))
        gone, share = who[goes], (own / (own + OTHERS))[goes]
        people.left[gone] = 7 * week + random.integers(0, 7, gone.size)
        people.reason[gone] = np.where(random.random(gone.size) < share, VOLUNTARY, MOVED)
