"""Windows around outages, and around dates without any: a neighbourhood's weeks beside those of its matches."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import COMPARED, DOWN, PLANNED
from dashboard.tables.schema import QUALITY_CATEGORIES

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

KINDS = ("outage", "planned")
BEFORE, AFTER = 8, 8
FEWEST_AFTER = 4
MATCHES = 5
FEWEST_MATCHES = 2
FARTHEST_MOVE = 0.5


@dataclass(frozen=True, slots=True)
class Grid:
    """Neighbourhoods by complete weeks (areas, weeks): customer-days, events by outcome, outages by kind.

    ``minutes`` are customer-minutes of outages and of planned work, in the week in which each began;
    ``is_hit`` marks by kind the weeks in which they took a quarter of an hour or more from the mean customer, and
    ``is_disturbed`` those in which anything did, be it only by the quality measured: such weeks are neither before,
    nor placebo, nor match. ``started_at`` and ``sources`` are by kind, area and week. ``quality`` (measures, areas,
    weeks) is what else may move: the other measures in their steps, nan where one was not taken.
    """

    areas: tuple[str, ...]
    weeks: pd.DatetimeIndex
    days: Floats
    counts: dict[str, Floats]
    minutes: dict[str, Floats]
    is_hit: dict[str, Flags]
    is_disturbed: Flags
    started_at: dict[tuple[str, int, int], pd.Timestamp]
    sources: dict[tuple[str, int, int], frozenset[str]]
    technology: tuple[str, ...]
    quality: Floats

    def of(self, outcome: str) -> tuple[Floats, Floats]:
        """Events, and the customer-days over which they are known."""
        counts = self.counts[outcome]
        return np.nan_to_num(counts), np.where(np.isnan(counts), 0.0, self.days)


@dataclass(frozen=True, slots=True)
class Window:
    """An outage's place in the grid, and how many complete weeks follow its own (at most eight).

    ``sources`` tell where it is known from: incidents, weekly_down_time.
    """

    kind: str
    sources: frozenset[str]
    area: int
    week: int
    weeks_after: int
    customers: float
    customer_minutes: float
    down_hours: float
    started_at: pd.Timestamp

    @property
    def is_late_enough(self) -> bool:
        return self.weeks_after >= FEWEST_AFTER


@dataclass(frozen=True, slots=True)
class Comparison:
    """Observed and expected events from the outage's week on, their difference and its Poisson error.

    ``is_separable`` is False where another measure moved with the outage by half a step against the matches.
    """

    observed: float
    expected: float
    error: float
    matched: int
    is_separable: bool

    @property
    def excess(self) -> float:
        return self.observed - self.expected


def grid_of(area_weeks: pd.DataFrame, outages: pd.DataFrame, customers_now: pd.DataFrame, least: float) -> Grid:
    """The complete weeks of area_weeks with ``outages`` laid on them; ``least`` down hours per customer make a hit."""
    frame = area_weeks[area_weeks["is_complete"].astype(bool)]
    areas = tuple(sorted(frame["area"].unique()))
    weeks = pd.DatetimeIndex(frame["week"].unique()).sort_values()
    rows = pd.Categorical(frame["area"], categories=list(areas)).codes
    columns = weeks.get_indexer(pd.DatetimeIndex(frame["week"]))

    def laid(values: pd.Series, blank: float = 0.0) -> Floats:
        out = np.full((len(areas), len(weeks)), blank)
        out[rows, columns] = values.to_numpy(dtype=float, na_value=blank)
        return out

    days = laid(frame["customer_days"])
    counts = {
        "complaints_quality": sum(
            (laid(frame[f"complaints_{c}"], np.nan) for c in QUALITY_CATEGORIES), np.zeros(days.shape)
        ),
        "leaving": laid(frame["leavers_voluntary"]),
    }
    laid_out = _Laid.of(outages, areas, weeks)
    people = np.maximum(days / 7, 1.0)
    is_hit = {kind: minutes / 60 / people >= least for kind, minutes in laid_out.minutes.items()}
    is_disturbed = is_hit["outage"] | is_hit["planned"] | (laid(frame[DOWN.area_column]) >= least)
    if PLANNED.area_column in frame:
        is_disturbed |= laid(frame[PLANNED.area_column]) >= least
    usual = customers_now.groupby("area")["technology"].agg(_most_frequent)
    technology = tuple(str(usual.get(area, "")) for area in areas)
    others = [measure for measure in COMPARED if measure is not DOWN]
    quality = np.stack([laid(frame[measure.area_column], np.nan) / measure.per for measure in others])
    return Grid(
        areas=areas,
        weeks=weeks,
        days=days,
        counts=counts,
        minutes=laid_out.minutes,
        is_hit=is_hit,
        is_disturbed=is_disturbed,
        started_at=laid_out.started_at,
        sources=laid_out.sources,
        technology=technology,
        quality=quality,
    )


def _most_frequent(values: pd.Series) -> str:
    return str(values.mode().iat[0]) if values.notna().any() else ""


@dataclass(frozen=True, slots=True)
class _Laid:
    """Outages laid on areas and weeks: customer-minutes by kind; first start and sources by kind, area and week."""

    minutes: dict[str, Floats]
    started_at: dict[tuple[str, int, int], pd.Timestamp]
    sources: dict[tuple[str, int, int], frozenset[str]]

    @classmethod
    def of(cls, outages: pd.DataFrame, areas: tuple[str, ...], weeks: pd.DatetimeIndex) -> _Laid:
        made = cls({kind: np.zeros((len(areas), len(weeks))) for kind in KINDS}, {}, {})
        rows = pd.Index(areas).get_indexer(pd.Index(outages["area"]))
        columns = weeks.get_indexer(pd.DatetimeIndex(outages["week"]))
        told = (outages["kind"], outages["source"], outages["started_at"], outages["customer_minutes"])
        for row, column, kind, source, started_at, minutes in zip(rows, columns, *told, strict=True):
            if row >= 0 and column >= 0:
                where, start = (str(kind), int(row), int(column)), pd.Timestamp(started_at)
                made.minutes[where[0]][row, column] += float(minutes)
                made.started_at[where] = min(start, made.started_at.get(where, start))
                made.sources[where] = made.sources.get(where, frozenset()) | {str(source)}
        return made


def episodes(grid: Grid, kind: str = "outage") -> list[Window]:
    """Outages (or planned works) with eight undisturbed weeks before them; what follows within eight weeks belongs to
    them. A planned work with an outage in the weeks after it is neither.
    """
    found = []
    for area, week in zip(*np.nonzero(grid.is_hit[kind]), strict=True):
        is_first = week >= BEFORE and not grid.is_disturbed[area, week - BEFORE : week].any()
        is_mixed = kind != "outage" and grid.is_hit["outage"][area, week : week + AFTER + 1].any()
        if is_first and not is_mixed and grid.days[area, week] > 0:
            found.append(_window(grid, int(area), int(week), kind))
    return found


def placebos(grid: Grid) -> list[Window]:
    """Every neighbourhood and week in whose window, as far as it is complete, nothing happened."""
    found = []
    for area in range(len(grid.areas)):
        for week in range(BEFORE, len(grid.weeks) - FEWEST_AFTER):
            around = grid.is_disturbed[area, week - BEFORE : week + AFTER + 1]
            if not around.any() and grid.days[area, week] > 0:
                found.append(_window(grid, area, week, "outage"))
    return found


def _window(grid: Grid, area: int, week: int, kind: str) -> Window:
    after = min(AFTER, len(grid.weeks) - 1 - week)
    reach = range(week, week + after + 1)
    by_week = grid.minutes[kind][area, week : week + after + 1]
    people = np.maximum(grid.days[area, week : week + after + 1] / 7, 1.0)
    sources = frozenset[str]().union(*(grid.sources.get((kind, area, w), frozenset()) for w in reach))
    return Window(
        kind=kind,
        sources=sources,
        area=area,
        week=week,
        weeks_after=after,
        customers=float(grid.days[area, week] / 7),
        customer_minutes=float(by_week.sum()),
        down_hours=float((by_week / 60 / people).sum()),
        started_at=grid.started_at.get((kind, area, week), pd.Timestamp(grid.weeks[week], tz="UTC")),
    )


def compare(grid: Grid, window: Window, outcome: str) -> Comparison | None:
    """The window against its matches; None where it is too early or too few neighbourhoods were spared."""
    if not window.is_late_enough:
        return None
    matched = _matches(grid, window, outcome)
    if matched.size < FEWEST_MATCHES:
        return None
    pre = slice(window.week - BEFORE, window.week)
    post = slice(window.week, window.week + window.weeks_after + 1)
    counts, days = grid.of(outcome)
    if not days[window.area, post].any():
        return None
    own = (float(counts[window.area, pre].sum()), float(days[window.area, pre].sum()))
    before = (float(counts[matched, pre].sum()), float(days[matched, pre].sum()))

    def against(part: slice) -> tuple[float, float, float]:
        """Observed, expected and the error of their difference in some weeks."""
        seen, time = float(counts[window.area, part].sum()), float(days[window.area, part].sum())
        other = (float(counts[matched, part].sum()), float(days[matched, part].sum()))
        expected = time * (own[0] / own[1] + other[0] / other[1] - before[0] / before[1])
        # Half an event is added to each count, so that none of them claims to be known without error.
        spread = sum((count + 0.5) / span**2 for count, span in (own, before, other))
        return seen, expected, float(np.sqrt(max(expected, 0.0) + 0.5 + time**2 * spread))

    seen, expected, error = against(post)
    is_separable = _is_separable(grid, window, matched, (pre, post))
    return Comparison(seen, expected, error, int(matched.size), is_separable)


def _is_separable(grid: Grid, window: Window, matched: npt.NDArray[np.int64], parts: tuple[slice, slice]) -> bool:
    """Whether the other measures kept within half a step of where the matches' went."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of weeks of which none was measured is nan
        before, after = (np.nanmean(grid.quality[:, :, part], axis=2) for part in parts)
        moved = (after - before)[:, window.area] - np.nanmean((after - before)[:, matched], axis=1)
    return not bool((np.abs(moved) > FARTHEST_MOVE).any())


def _matches(grid: Grid, window: Window, outcome: str) -> npt.NDArray[np.int64]:
    """The nearest spared neighbourhoods in log size and pre-period level, of the same technology where five are."""
    pre = slice(window.week - BEFORE, window.week)
    whole = slice(window.week - BEFORE, window.week + window.weeks_after + 1)
    counts, days = grid.of(outcome)
    spared = ~grid.is_disturbed[:, whole].any(axis=1) & (days[:, whole] > 0).all(axis=1)
    spared = spared & (np.arange(len(grid.areas)) != window.area)
    alike = spared & (np.array(grid.technology) == grid.technology[window.area])
    pool = np.flatnonzero(alike if alike.sum() >= MATCHES else spared)
    days, counts = days[:, pre].sum(axis=1), counts[:, pre].sum(axis=1)
    if not pool.size or days[window.area] <= 0:
        return np.zeros(0, dtype=np.int64)
    size = np.log(np.maximum(days, 1.0))
    level = np.sqrt((counts + 0.375) / np.maximum(days, 1.0))
    distance = sum(((v[pool] - v[window.area]) / max(float(v[pool].std()), 1e-9)) ** 2 for v in (size, level))
    return np.asarray(pool[np.argsort(distance, kind="stable")[:MATCHES]])
