"""What customers say: complaints, and answers to surveys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.worlds_abroad.simulation.doses import dose, remembered
from bench.worlds_abroad.simulation.layout import BEFORE, WEEKS, Codes, Floats
from bench.worlds_abroad.simulation.leaving import Rules
from bench.worlds_abroad.simulation.population import Customers
from bench.worlds_abroad.simulation.quality import Course

CATEGORIES: tuple[str, ...] = ("connection", "slow", "billing", "price", "installation", "other")
RATES = np.array([0.004, 0.003, 0.002, 0.0015, 0.001, 0.0015])
OF_QUALITY = np.array([True, True, False, False, False, False])
LEVELS = 0.25
FORGETS = 2.0
"""Weeks over which the wish to complain again fades to a third."""
ANSWERS_A_WEEK = 0.006
SCORE, SCATTER, PER_DOSE = 8.3, 2.2, 2.5
SURVEY_WEEKS = 26


@dataclass(frozen=True, slots=True)
class Complaints:
    """One line per complaint: who, at which hour since the first Monday, of which category (a place in CATEGORIES)."""

    who: Codes
    hour: Codes
    category: Codes


@dataclass(frozen=True, slots=True)
class Answers:
    """One line per answer: who, on which day, with which score."""

    who: Codes
    day: Codes
    score: Codes


def complain(random: np.random.Generator, rules: Rules, people: Customers, course: Course) -> Complaints:
    """Quality of the very week moves complaints about it; one complaint makes the next, of whatever kind, likelier."""
    own = dose(rules.mechanism, remembered(course, 1, BEFORE + 1, WEEKS), window=1)[..., 0]
    level = np.exp(random.normal(0, LEVELS, rules.layout.areas))[rules.layout.area]
    heat = np.zeros(people.node.size)
    found: list[tuple[Codes, Codes, Codes]] = []
    for week in range(WEEKS):
        who = people.there(7 * week)
        node = people.node[who]
        usual = level[node] * people.factor[who] * (1 + rules.mechanism.excitation * heat[who])
        minded = rules.minding[node, 1] * own[node, week]
        raised = 1 + minded if rules.mechanism.form == "additive" else np.exp(minded)
        rate = usual[:, None] * RATES * np.where(OF_QUALITY, raised[:, None], 1.0)
        line, category = np.nonzero(random.random(rate.shape) < -np.expm1(-rate))
        hour = 168 * week + random.integers(0, 168, line.size)
        is_there = hour < 24 * people.left[who[line]]
        found.append((who[line][is_there], hour[is_there], category[is_there]))
        heat *= np.exp(-1 / FORGETS)
        heat[who[line]] = 1.0
    return Complaints(*(np.concatenate(part) for part in zip(*found, strict=True)))


def answer(random: np.random.Generator, rules: Rules, people: Customers, course: Course) -> tuple[Answers, Floats]:
    """The answers, and the true net promoter score (areas,) of the last half year, had everybody answered."""
    raised = dose(rules.mechanism, remembered(course, 8, BEFORE, WEEKS), window=8)[..., 0]
    taste = random.normal(0, 0.5, rules.layout.areas)[rules.layout.area]
    found: list[tuple[Codes, Codes, Codes]] = []
    sums, counts = np.zeros(rules.layout.areas), np.zeros(rules.layout.areas)
    for week in range(WEEKS):
        who = people.there(7 * week)
        node = people.node[who]
        mind = rules.minding[node, 1] * raised[node, week]
        wish = SCORE + taste[node] - PER_DOSE * mind + random.normal(0, SCATTER, who.size)
        score = np.clip(np.round(wish), 0, 10).astype(np.int64)
        if week >= WEEKS - SURVEY_WEEKS:
            sums += np.bincount(rules.layout.area[node], votes(score), rules.layout.areas)
            counts += np.bincount(rules.layout.area[node], minlength=rules.layout.areas)
        eager = np.where(score <= 6, rules.mechanism.detractors_answer, 1.0)
        answers = random.random(who.size) < ANSWERS_A_WEEK * eager
        day = 7 * week + random.integers(0, 7, int(answers.sum()))
        is_there = day < people.left[who[answers]]
        found.append((who[answers][is_there], day[is_there], score[answers][is_there]))
    true = 100 * np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return Answers(*(np.concatenate(part) for part in zip(*found, strict=True))), true


def votes(score: npt.NDArray[np.int64]) -> Floats:
    """1 for promoters (9 and 10), -1 for detractors (0 to 6), 0 between."""
    return np.where(score >= 9, 1.0, np.where(score <= 6, -1.0, 0.0))
