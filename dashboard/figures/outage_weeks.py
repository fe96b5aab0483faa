"""What an outage adds week by week, placed on a scale: an event study for each outcome, and whether its check is passed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from dashboard.figures.outages import AFTER, BY_WEEKS, OUTCOMES
from dashboard.figures.style import numbers

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

TOLD_FIRST = ("over_4h", "all")
"""Long outages where they are told apart, else all."""
UNIT = "more per 1,000 customers, in a week"
UNIT_AN_HOUR = "more per 1,000 customers and hour, in a week"
PASSED_FROM = 0.05
STEPS = 4
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Some weeks since an outage that share one estimate, drawn on a scale from 0 (bottom) to 100 (top).

    ``width`` is how many weeks they are; ``says`` is the whole in words.
    """

    weeks: str
    width: int
    low: float
    value: float
    high: float
    is_placebo: bool
    says: str


@dataclass(frozen=True, slots=True)
class Course:
    """What an outage adds to one outcome: its title, what the scale measures, its marks with their place from 0 to 100 (one
    of them is zero, at ``nothing``), the steps, and what the weeks before say.
    """

    title: str
    unit: str
    marks: tuple[tuple[float, str], ...]
    nothing: float
    steps: tuple[Step, ...]
    check: str


def courses(results: Results) -> list[Course]:
    """One for each outcome that has weeks, leaving first."""
    every = results.incident_weeks
    table = every.loc[np.isfinite(every[["excess_per_1000", "low", "high"]].to_numpy(dtype=float)).all(axis=1)]
    told = []
    for outcome in reversed(OUTCOMES):
        own = table[table["outcome"] == outcome]
        for kind in [kind for kind in TOLD_FIRST if (own["size"] == kind).any()][:1]:
            weeks = _records(own[own["size"] == kind].sort_values("weeks_since"))
            told.append(_course(kind, outcome, weeks, _row(results, kind, outcome)))
    return told


def _row(results: Results, kind: str, outcome: str) -> Row:
    """What the study says of that kind and outcome in all; empty where there is no such row, as in older builds."""
    table = results.incident_effects
    is_own = (table["outage"] == f"pooled:{kind}") & (table["outcome"] == outcome) & (table["design"] == BY_WEEKS)
    rows = _records(table[is_own])
    return rows[0] if rows else {}


def _records(table: Any) -> list[Row]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _course(kind: str, outcome: str, weeks: list[Row], row: Row) -> Course:
    marks = _marks([0.0, *(float(week[end]) for week in weeks for end in ("low", "high"))])
    least, most = marks[0], marks[-1]

    def place(value: float) -> float:
        return round(100 * (value - least) / (most - least), 1)

    steps = []
    for (value, low, high), group in groupby(
        weeks, key=lambda week: (week["excess_per_1000"], week["low"], week["high"])
    ):
        own = list(group)
        first, last = int(own[0]["weeks_since"]), int(own[-1]["weeks_since"])
        span = (f"{first}" if first == last else f"{first} to {last}").replace("-", "−")
        told = f"{numbers.decimal(value, 2)} of 1,000 a week ({numbers.interval(low, high, lambda v: numbers.decimal(v, 2))})"
        ends_of = (place(low), place(value), place(high))
        steps.append(Step(span, len(own), *ends_of, first < 0, f"week {span}: {told}"))
    places = max(0, -math.floor(math.log10(marks[1] - marks[0]) + 1e-9))
    labels = tuple((place(mark), numbers.decimal(mark, places)) for mark in marks)
    unit = UNIT_AN_HOUR if row and numbers.is_missing(row["hours_each"]) else UNIT
    title = f"{OUTCOMES[outcome]}, week by week around {AFTER[kind]}"
    return Course(title, unit, labels, place(0.0), tuple(steps), _check(row))


def _marks(values: list[float]) -> list[float]:
    """About five round numbers that span the values, zero among them."""
    wide = max(max(values) - min(values), 1e-9)
    power = 10.0 ** math.floor(math.log10(wide / STEPS))
    step = next(size * power for size in (1, 2, 5, 10) if size * power * STEPS >= wide * (1 - 1e-9))
    first, last = math.floor(min(values) / step + 1e-9), math.ceil(max(values) / step - 1e-9)
    return [step * place for place in range(first, max(last, first + 1) + 1)]


def _check(row: Row) -> str:
    """Whether the weeks before stayed quiet, in a sentence; blank where the build did not say so."""
    if not row:
        return ""
    p_value = row.get("placebo_p_value")
    if numbers.is_missing(p_value):
        return "The check by the weeks before could not be made."
    assert p_value is not None
    told = f"p {numbers.probability(p_value)}"
    if p_value < PASSED_FROM:
        return f"The check by the weeks before is not passed ({told}), so there is no answer."
    return f"The check by the weeks before is passed ({told})."
