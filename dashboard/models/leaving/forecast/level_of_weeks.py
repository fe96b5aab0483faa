"""What today's level is where hours without service act over other weeks than the eight by which it was told.

    log level = [g_w(now_w) - log mean over the past of exp g_w] - [g_8(now_8) - log mean over the past of exp g_8]

Expected departures of the past and of today follow hours over eight weeks (g_8); an area's ratio makes the past agree with what was
counted. If hours act over w weeks (g_w), the same past stands for another today: who had an outage six weeks ago has forgotten it
where two weeks are remembered, and who had one yesterday minds it all. All of an area are taken together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dashboard.models.leaving.doses import dose

Floats = npt.NDArray[np.float64]

FURTHEST = 1.0
"""By how much the logarithm of a level may at most move: an area's mean is a rough guide to its customers."""


def levels(draws: dose.Draws, term: int, effect: float, felt: tuple[Floats, Floats]) -> Floats:
    """(draws, areas) factors on today's expected departures, for draws whose hours act over other weeks.

    ``felt`` are hours in steps (areas, weeks) over eight weeks and over the others, the last week today's; ``effect`` is that of a step over
    eight weeks. By the mean effect of the draws of a form: what they differ by is in what moves from today on.
    """
    eight, other = felt
    told = _above_its_past(effect * eight)
    found = np.ones((len(draws.curvatures), len(eight)))
    for curvature in np.unique(draws.curvatures):
        whose = draws.curvatures == curvature
        own = draws.own[term][whose].mean(axis=0) if draws.own and draws.own[term].size > 1 else np.ones(1)
        effects = float(draws.effects[whose, term].mean()) * own[:, None]
        above = other - float(draws.good[whose, term].mean())
        moved = _above_its_past(dose.log_ratio(float(curvature), effects, above)) - told
        found[whose] = np.exp(np.clip(moved, -FURTHEST, FURTHEST))
    return found


def _above_its_past(logs: Floats) -> Floats:
    """(areas,) the last of ``logs`` (areas, weeks) less the logarithm of the mean of all; 0 where today's is not known."""
    known = ~np.isnan(logs)
    total = np.where(known, np.exp(np.where(known, logs, 0.0)), 0.0).sum(axis=1)
    mean = np.log(np.maximum(total, 1e-300) / np.maximum(known.sum(axis=1), 1))
    return np.where(known[:, -1], np.nan_to_num(logs[:, -1]) - mean, 0.0)
