"""The panel as grids of areas and weeks: quality now, before and ahead, beside exposure and counts of complaints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import COMPARED, PLANNED, Measure
from dashboard.tables.schema import CONTROL_CATEGORIES, QUALITY_CATEGORIES

Floats = npt.NDArray[np.float64]

LEAST_OBSERVED = 0.5
SPREAD = "down_hours_variance"
QUIET_DAYS = "quiet_customer_days"


Term = Measure
"""In a model a measure of quality is a term."""
TERMS: tuple[Term, ...] = COMPARED
EVERY_TERM: tuple[Term, ...] = (*TERMS, PLANNED)
LEAST_PLANNED_KNOWN = 0.5


@dataclass(frozen=True, slots=True)
class AreaWeeks:
    """area_weeks as grids (areas, weeks): quality per step (every term), exposure, counts, what is usable.

    ``spread`` is the variance of the hours without service between an area's customers, in hours squared. ``terms``
    are those to fit. Where hours do not tell planned work it is 0: all time without service is down there.
    ``quiet_exposure`` and ``quiet_counts`` are those of customers who had not complained in the eight weeks before;
    None where complaints do not name their customers.
    """

    areas: tuple[str, ...]
    exposure: Floats
    quality: Floats
    counts: dict[str, Floats]
    spread: Floats
    terms: tuple[Term, ...]
    quiet_exposure: Floats | None = None
    quiet_counts: dict[str, Floats] = field(default_factory=dict)

    @property
    def counted(self) -> AreaWeeks:
        """The same without the areas and weeks whose complaints are not known."""
        is_known = ~np.any([np.isnan(cells) for cells in self.counts.values()], axis=0)
        counts = {name: np.nan_to_num(cells) for name, cells in self.counts.items()}
        return replace(self, exposure=np.where(is_known, self.exposure, 0.0), counts=counts)

    @property
    def quiet(self) -> AreaWeeks | None:
        """The same of customers who had not complained in the eight weeks before; None where they are not known."""
        if self.quiet_exposure is None:
            return None
        return replace(self, exposure=self.quiet_exposure, counts=self.quiet_counts)


def area_weeks_as_grids(area_weeks: pd.DataFrame) -> AreaWeeks:
    """Complete weeks of the area_weeks table; cells observed for less than half of the time have no quality."""
    frame = area_weeks[area_weeks["is_complete"].astype(bool)]
    areas = tuple(sorted(frame["area"].unique()))
    weeks = _every_week(frame["week"])
    rows = pd.Categorical(frame["area"], categories=list(areas)).codes
    columns = weeks.get_indexer(pd.DatetimeIndex(pd.to_datetime(frame["week"])))

    def grid(values: pd.Series) -> Floats:
        cells = np.full((len(areas), len(weeks)), np.nan)
        cells[rows, columns] = values.to_numpy(dtype=float, na_value=np.nan)
        return cells

    observed = grid(frame["observed_ratio"])
    is_watched = np.nan_to_num(observed) >= LEAST_OBSERVED
    measured = [np.where(is_watched, grid(frame[t.area_column]), np.nan) / t.per for t in TERMS]
    planned = grid(frame[PLANNED.area_column]) if PLANNED.area_column in frame else np.full(observed.shape, np.nan)
    terms = EVERY_TERM if is_planned(planned[is_watched]) else TERMS
    quality = np.stack([*measured, np.where(is_watched, np.nan_to_num(planned), np.nan) / PLANNED.per], axis=-1)
    counts = {c: grid(frame[f"complaints_{c}"]) for c in (*QUALITY_CATEGORIES, *CONTROL_CATEGORIES)}
    spread = np.where(is_watched, grid(frame[SPREAD]), np.nan)
    is_quiet_known = QUIET_DAYS in frame and bool(frame[QUIET_DAYS].notna().any())
    quiet = {c: np.nan_to_num(grid(frame[f"quiet_complaints_{c}"])) for c in CONTROL_CATEGORIES if is_quiet_known}
    return AreaWeeks(
        areas,
        np.nan_to_num(grid(frame["customer_days"])),
        quality,
        counts,
        spread,
        terms,
        np.nan_to_num(grid(frame[QUIET_DAYS])) if is_quiet_known else None,
        quiet,
    )


def on_grid(area_weeks: pd.DataFrame, grids: AreaWeeks, column: str) -> Floats:
    """(areas, weeks) one more column of area_weeks in the places of the ``grids``; nan where it is not known."""
    frame = area_weeks[area_weeks["is_complete"].astype(bool)]
    weeks = _every_week(frame["week"])
    cells = np.full((len(grids.areas), len(weeks)), np.nan)
    rows = pd.Index(grids.areas).get_indexer(pd.Index(frame["area"]))
    columns = weeks.get_indexer(pd.DatetimeIndex(pd.to_datetime(frame["week"])))
    cells[rows, columns] = frame[column].to_numpy(dtype=float, na_value=np.nan)
    return cells


def is_planned(hours: Floats, weights: Floats | None = None) -> bool:
    """Whether planned work can be a measure: there was any, and at least half of the time tells it apart."""
    weight = np.ones(hours.shape) if weights is None else weights
    known = ~np.isnan(hours)
    share = weight[known].sum() / weight.sum() if weight.sum() > 0 else 0.0
    return bool(share >= LEAST_PLANNED_KNOWN and (hours[known] > 0).any())


def _every_week(weeks: pd.Series) -> pd.DatetimeIndex:
    """Every Monday from first to last, so that a lag is a lag even where a week is missing altogether."""
    if weeks.empty:
        return pd.DatetimeIndex([])
    stamps = pd.to_datetime(weeks)
    return pd.date_range(stamps.min(), stamps.max(), freq="7D").as_unit(stamps.dt.unit)


def lag_block(quality: Floats, first: int, last: int) -> Floats:
    """Mean over lags ``first`` to ``last`` (negative: weeks to come) of (areas, weeks, terms), nan-aware.

    Nan where fewer than half of the block's weeks are known or where it reaches beyond the panel.
    """
    weeks = quality.shape[1]
    shifted = np.full((last - first + 1, *quality.shape), np.nan)
    for i, lag in enumerate(range(first, last + 1)):
        if lag >= 0:
            shifted[i, :, lag:] = quality[:, : weeks - lag]
        else:
            shifted[i, :, :lag] = quality[:, -lag:]
    known = ~np.isnan(shifted)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, shifted, 0.0).sum(axis=0) / count
    mean = np.where(count * 2 >= shifted.shape[0], mean, np.nan)
    week = np.arange(weeks)
    within = (week - last >= 0) & (week - first < weeks)
    return np.where(within[None, :, None], mean, np.nan)
