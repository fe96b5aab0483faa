"""How quality that is remembered becomes a dose: the mean over the weeks before, and the shape from perfect to bad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.worlds_abroad.simulation.layout import Floats
from bench.worlds_abroad.simulation.mechanisms import MEASURES, Mechanism
from bench.worlds_abroad.simulation.quality import Course

PERFECT = {"down_hours": 0.0, "evening_latency": 0.015, "loss": 0.0, "evening_utilization": 0.4}
BAD = {"down_hours": 2.0, "evening_latency": 0.020, "loss": 0.015, "evening_utilization": 0.25}
"""What lies above perfect when a measure is bad: hours a week over eight weeks, seconds, ratios."""
BAD_WEEKS = 8
LONG_OF_BAD = 0.6
"""The part of bad hours that long outages make: where they alone count, so much of them is bad."""
THRESHOLD = 0.5
SATURATES_BY = 2.0

Targets = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Remembered:
    """Quality over the weeks before, each (nodes, weeks, copies): hours a week in short and in long outages, and levels."""

    short: Floats
    long: Floats
    level: dict[str, Floats]

    def at(self, targets: Targets) -> Remembered:
        """The same where what is worse than a target has come down to it; hours by a factor, short and long alike."""
        kept = 1.0
        if "down_hours" in targets:
            total = self.short + self.long
            kept = np.divide(targets["down_hours"], total, out=np.ones_like(total), where=total > targets["down_hours"])
        level = {n: np.minimum(v, targets[n]) if n in targets else v for n, v in self.level.items()}
        return Remembered(self.short * kept, self.long * kept, level)


def remembered(course: Course, window: int, first: int, weeks: int) -> Remembered:
    """Means over the ``window`` weeks before each of ``weeks`` weeks, the first of which is the course's ``first``."""

    def mean(values: Floats) -> Floats:
        total = np.concatenate([np.zeros_like(values[:, :1]), np.cumsum(values, axis=1)], axis=1)
        return (total[:, first : first + weeks] - total[:, first - window : first + weeks - window]) / window

    return Remembered(mean(course.short), mean(course.long), {n: mean(v) for n, v in course.level.items()})


def dose(mechanism: Mechanism, quality: Remembered, *, window: int | None = None) -> Floats:
    """(nodes, weeks, copies): the logarithm by which the hazard rises, or by how many mean hazards where it adds up."""
    total = np.zeros_like(quality.short)
    for measure in mechanism.matters:
        total += _of(mechanism, measure, _badness(mechanism, measure, quality, window or mechanism.window))
    return total


def _badness(mechanism: Mechanism, measure: str, quality: Remembered, window: int) -> Floats:
    """0 perfect, 1 bad; hours are bad from more of them on the shorter they are remembered."""
    if measure == MEASURES[0]:
        bad = BAD[measure] * np.sqrt(BAD_WEEKS / window)
        if mechanism.form == "threshold":
            return quality.long / (LONG_OF_BAD * bad)
        return (quality.short + quality.long) / bad
    above = np.maximum(quality.level[measure] - PERFECT[measure], 0.0) / BAD[measure]
    if mechanism.form == "threshold":
        return np.maximum(above - THRESHOLD, 0.0) / (1 - THRESHOLD)
    return above


def _of(mechanism: Mechanism, measure: str, bad: Floats) -> Floats:
    more = mechanism.ratio(measure) - 1.0
    match mechanism.form:
        case "exponential":
            return np.log(mechanism.ratio(measure)) * bad
        case "additive":
            return more * bad
        case "power":
            return np.log1p(more * bad**mechanism.exponent)
        case "threshold":
            return np.log1p(more * bad)
        case "saturating":
            return np.log1p(more * np.expm1(-SATURATES_BY * bad) / np.expm1(-SATURATES_BY))
    raise ValueError(f"no dose has the form {mechanism.form!r}")
