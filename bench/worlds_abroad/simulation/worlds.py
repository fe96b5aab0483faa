"""One world from a seed: everything simulated, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bench.worlds_abroad.simulation import futures, hours, leaving, quality, voices
from bench.worlds_abroad.simulation.futures import Future
from bench.worlds_abroad.simulation.layout import BEFORE, Floats, Layout, lay_out
from bench.worlds_abroad.simulation.leaving import Rules
from bench.worlds_abroad.simulation.mechanisms import NAMES, Mechanism, drawn
from bench.worlds_abroad.simulation.population import Customers, population
from bench.worlds_abroad.simulation.quality import Course
from bench.worlds_abroad.simulation.voices import Answers, Complaints

AREAS, CUSTOMERS = 40, 10_000


@dataclass(frozen=True, slots=True)
class World:
    """What was simulated: the history is made of ``course`` and ``record``, the exports of ``people`` and what they said. ``future`` is where the truth of the next 90 days comes from, ``nps`` (areas,) the true score."""

    seed: int
    mechanism: Mechanism
    layout: Layout
    rules: Rules
    course: Course
    record: hours.Record
    people: Customers
    complaints: Complaints
    answers: Answers
    nps: Floats
    future: Future


def simulate(name: str, seed: int, *, areas: int = AREAS, customers: int = CUSTOMERS) -> World:
    """The world of that mechanism and seed; raises KeyError for an unknown mechanism."""
    return of(drawn(name, seed, areas), seed, areas=areas, customers=customers)


def of(mechanism: Mechanism, seed: int, *, areas: int = AREAS, customers: int = CUSTOMERS) -> World:
    """The world of a mechanism, whose name is one of NAMES, however it was changed."""
    streams = np.random.default_rng([seed, NAMES.index(mechanism.name), 2]).spawn(9)
    layout = lay_out(streams[0], areas)
    places = quality.places_of(streams[1], layout)
    past, outages = quality.past(streams[2], places)
    planned = hours.planned_nights(streams[4], layout, mechanism)
    down = hours.down_hours(streams[3], layout, outages) & ~planned
    past = replace(past, course=_as_placed(past.course, down))
    course = past.course
    people = population(streams[6], layout, mechanism, customers)
    size = np.bincount(layout.area[people.node], minlength=layout.areas)
    rules = leaving.rules_of(streams[5], layout, mechanism, size)
    leaving.simulate(streams[7], rules, people, course)
    ahead, said, asked, eyes = streams[8].spawn(4)
    answers, nps = voices.answer(asked, rules, people, course)
    return World(
        seed,
        mechanism,
        layout,
        rules,
        course,
        hours.Record(down, planned, hours.unseen(eyes, mechanism, down)),
        people,
        voices.complain(said, rules, people, course),
        answers,
        nps,
        futures.future(ahead, rules, people, past),
    )


def _as_placed(course: Course, down: hours.Flags) -> Course:
    """Outages that fell on one another take no more time than there was: what is borne is what is on record."""
    there = hours.weekly(down)[..., None]
    total = (course.short + course.long)[:, BEFORE:]
    share = np.divide(there, total, out=np.ones_like(total), where=total > 0)
    share = np.concatenate([np.ones_like(course.short[:, :BEFORE]), share], axis=1)
    return Course(course.short * share, course.long * share, course.level)
