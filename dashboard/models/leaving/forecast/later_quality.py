"""What quality did after the day on which a four-week period asked for it: by how much that moves the period's hazard.

    c_pa = mean over the weeks t of period p of exp(w (q_at - q_ap))

``q_at`` is an area's quality over the eight weeks before week t and ``w`` its coefficients within areas. Customers are
looked at once in four weeks, the hazard follows the quality of every week: without c an outage at the beginning of a
period moves people in it whom nobody expected, and passes for a ratio of the area's own that drifts. It supposes that
the quality of an area's customers moves together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.models.complaints.measure_lags import EVERY_TERM, Term, area_weeks_as_grids, lag_block

Floats = npt.NDArray[np.float64]

TRAILING_WEEKS = 8
PERIOD_WEEKS = 4


@dataclass(frozen=True, slots=True)
class LaterQuality:
    """By period and area: the ``factors`` c (periods, areas), and how their logarithm moves with the coefficients,
    ``slopes`` (periods, areas, terms). Where quality was not observed 1 and 0."""

    factors: Floats
    slopes: Floats


def later_quality(
    area_weeks: pd.DataFrame, periods: pd.Series, areas: list[str], effects: dict[Term, float]
) -> LaterQuality:
    """Follow areas' quality through the ``periods``: their Mondays, and the most days (int) that anybody was at risk in each.

    ``effects`` are the coefficients of the terms a step, within areas.
    """
    terms = [t for t in EVERY_TERM if t in effects]
    strength = np.array([effects[t] for t in terms])
    trailing = _trailing(area_weeks, areas)[:, :, [EVERY_TERM.index(t) for t in terms]]
    moves = np.zeros((len(periods), PERIOD_WEEKS, len(areas), len(terms)))
    was_lived = np.zeros((len(periods), PERIOD_WEEKS))
    first = area_weeks.loc[area_weeks["is_complete"].astype(bool), "week"].min()
    for i, (monday, days) in enumerate(periods.items()):
        start = (monday - first).days // 7 if pd.notna(first) else -1
        for later in range(min(PERIOD_WEEKS, max(1, -(-int(days) // 7)))):
            was_lived[i, later] = 1.0
            if start >= 0 and start + later < trailing.shape[1]:
                moves[i, later] = np.nan_to_num(trailing[:, start + later] - trailing[:, start])
    share = np.exp(moves @ strength) * was_lived[:, :, None]
    total = share.sum(axis=1)
    slopes = (share[..., None] * moves).sum(axis=1) / total[..., None]
    return LaterQuality(total / was_lived.sum(axis=1)[:, None], slopes)


def _trailing(area_weeks: pd.DataFrame, areas: list[str]) -> Floats:
    """Quality (areas, weeks, terms) in steps over the eight weeks before each complete week, nan where not known."""
    grids = area_weeks_as_grids(area_weeks)
    before = np.full((len(grids.areas), TRAILING_WEEKS, len(EVERY_TERM)), np.nan)
    own = lag_block(np.concatenate([before, grids.quality], axis=1), 1, TRAILING_WEEKS)[:, TRAILING_WEEKS:]
    found = np.full((len(areas), *own.shape[1:]), np.nan)
    place = pd.Index(areas).get_indexer(pd.Index(grids.areas))
    found[place[place >= 0]] = own[place >= 0]
    return found
