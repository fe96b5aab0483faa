"""What follows hours without service, week by week: a study that lives with outages in most weeks of most neighbourhoods.

    events / customers in week t = area x week + sum over lags j of b(j) hours(t - j)

Every outage before a week counts in it with its own age, so that those that overlap are told apart instead of being left
out (distributed lags; an event study with as many events as there are; Schmidheiny and Siegloch 2023, Journal of Applied
Econometrics 38). b is additive: events more for each hour that a customer was without service, within the neighbourhood and
the week. Beside it stand planned work, as hours of its own, and such other measures as move together with it. The sum of b is what an hour
costs in the weeks that follow. Hours of weeks to *come* cannot have caused anything: they are the placebo, and where they
seem to do something there is no answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from dashboard.models.complaints.measure_lags import lag_block
from dashboard.models.outages.outage_hours import ALL, OVER, PLANNED_KIND, UNDER, Hours
from dashboard.models.statistics import added_rates, clusters
from dashboard.models.statistics.multiplicity import said_p

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Block = tuple[int, int]

LAGS: tuple[Block, ...] = ((0, 0), (1, 2), (3, 4), (5, 8), (9, 12))
LEADS: tuple[Block, ...] = ((-8, -5), (-4, -1))
OTHER_LAGS: tuple[Block, ...] = ((0, 4), (5, 12))
FEWEST_BLOCKS = 3
FEWEST_WEEKS = 8
"""Weeks that can be compared, after those that are only looked back to."""
LEAST_KNOWN = 0.5
FEWEST_STRUCK = 10
LEAST_APART = 0.02
"""The part of the hours' variation that neighbourhoods and weeks have to leave."""
LEAST_SPREAD = 1e-9
MOVES_ALONG_P = 0.01
TOGETHER = (
    "nearly all neighbourhoods were without service in the same weeks, so that it cannot be told from the calendar"
)
NOT_APART = "it cannot be told apart from the other measures of quality"
MOVED_BEFORE = (
    "it moved already in the weeks before ({p_value}), which time without service that was still to come cannot"
    " have caused"
)
LARGEST_P = 0.05


@dataclass(frozen=True, slots=True)
class Following:
    """What one hour without service of ``kind`` adds to an outcome, per customer: in all and week by week.

    ``per_hour``, ``low`` and ``high`` are over the ``weeks_after`` weeks that follow, its own among them; ``error`` is the
    estimate's. ``course`` has a line for each week since. ``placebo_p`` is that of the weeks before. ``usual`` are events a
    customer-week without any hours. Where ``reason`` says why there is no answer, the numbers are nan.
    """

    kind: str
    weeks_after: int
    per_hour: float = np.nan
    low: float = np.nan
    high: float = np.nan
    error: float = np.nan
    p_value: float = np.nan
    placebo_p: float = np.nan
    usual: float = np.nan
    reason: str = ""
    course: tuple[Week, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Week:
    """One week before or after: events a customer and hour more, with the ends of its 95% interval."""

    since: int
    value: float
    low: float
    high: float


def following(hours: Hours, outcome: str) -> list[Following]:
    """One for each kind of hours: all together, those of short and long outages where they can be told apart, planned work."""
    kinds = [kind for kind in (ALL, UNDER, OVER, PLANNED_KIND) if kind in hours.hours]
    blocks = _blocks(hours)
    if not blocks:
        return [Following(kind, 0, reason=_too_short(hours)) for kind in kinds]
    few = {kind: why for kind in kinds if (why := _too_few(hours, kind))}
    found = {kind: Following(kind, blocks[-1][1] + 1, reason=why) for kind, why in few.items()}
    known = [kind for kind in kinds if kind not in few]
    others = _others(hours) if known else []
    for wanted in ((ALL, PLANNED_KIND), (UNDER, OVER, PLANNED_KIND)):
        study = _Study(hours, outcome, tuple(kind for kind in wanted if kind in known), blocks, others)
        if wanted[0] in known and (len(wanted) == 2 or OVER in known):
            found = {one.kind: one for one in study.estimated()} | found
    return [found[kind] for kind in kinds if kind in found]


def _blocks(hours: Hours) -> tuple[Block, ...]:
    """As many blocks of lags as leave enough weeks to compare, none where the history is too short for any."""
    for count in range(len(LAGS), FEWEST_BLOCKS - 1, -1):
        if _complete(hours) >= _needed(LAGS[count - 1][1]):
            return LAGS[:count]
    return ()


def _complete(hours: Hours) -> int:
    return int(hours.is_counted.any(axis=0).sum())


def _needed(last: int) -> int:
    """Weeks that a study of so many lags needs: some to look back to, some to compare, and those of the placebo."""
    return last + FEWEST_WEEKS - LEADS[0][0]


def _too_short(hours: Hours) -> str:
    least = _needed(LAGS[FEWEST_BLOCKS - 1][1])
    return f"the history is too short: {_complete(hours)} complete weeks are on record, and at least {least} are needed"


def _too_few(hours: Hours, kind: str) -> str:
    """Why nothing can be estimated of a kind, before it is tried; blank where it can."""
    areas = int(hours.is_counted.any(axis=1).sum())
    if areas < clusters.FEWEST_CLUSTERS:
        return f"there are fewer than {clusters.FEWEST_CLUSTERS} neighbourhoods to compare"
    values = hours.hours[kind]
    struck = int((np.nan_to_num(values) > 0).any(axis=1).sum())
    if not struck:
        return "there was none"
    if struck < FEWEST_STRUCK:
        return f"only {struck} of {areas} neighbourhoods had any, and at least {FEWEST_STRUCK} are needed"
    known = ~np.isnan(values[hours.is_counted])
    if known.mean() < LEAST_KNOWN:
        return "the network was not observed in most weeks"
    return ""


@dataclass(frozen=True, slots=True)
class _Before:
    """The placebo: p-values of what is told, and the weeks before of each."""

    p_values: Floats
    courses: tuple[tuple[Week, ...], ...]


@dataclass(frozen=True, slots=True)
class _Study:
    """Some kinds of hours in one fit, each with its own blocks of lags, beside the columns of ``others``."""

    hours: Hours
    outcome: str
    kinds: tuple[str, ...]
    blocks: tuple[Block, ...]
    others: list[Floats]

    def estimated(self) -> list[Following]:
        after, own = self.blocks[-1][1] + 1, len(self.kinds) * len(self.blocks)
        grid, fitted = _fitted(self._grid(self.blocks), own)
        left = fitted.left[:own].reshape(len(self.kinds), -1).min(axis=1, initial=1.0)
        if (left < LEAST_APART).any() or not fitted.is_estimated:
            why = np.where(left < LEAST_APART, TOGETHER, NOT_APART)
            return [Following(kind, after, reason=str(why[i])) for i, kind in enumerate(self.kinds)]
        inference = added_rates.infer(grid, fitted, self._contrasts(self.blocks, grid, slice(None)))
        before = self._before()
        usual = float(grid.events[grid.is_used].sum() / grid.customers[grid.is_used].sum())
        courses = _courses(inference, self.blocks, len(self.kinds))
        return [
            _told(Following(kind, after, usual=usual, course=courses[i]), i, inference, before)
            for i, kind in enumerate(self.kinds)
        ]

    def _before(self) -> _Before | None:
        """The same with hours of weeks to come beside it; None where there are too few weeks for it."""
        every = (*self.blocks, *LEADS)
        grid = self._grid(every)
        if grid.events.shape[1] < FEWEST_WEEKS or len(grid.events) < clusters.FEWEST_CLUSTERS:
            return None
        grid, fitted = _fitted(grid, len(self.kinds) * len(every))
        if not fitted.is_estimated:
            return None
        inference = added_rates.infer(grid, fitted, self._contrasts(every, grid, slice(len(self.blocks), None)))
        return _Before(inference.careful_p_values(), _courses(inference, LEADS, len(self.kinds)))

    def _contrasts(self, blocks: tuple[Block, ...], grid: added_rates.Grid, summed: slice) -> Floats:
        """The sum over some blocks of each kind, then each of these blocks by the week: (contrasts, columns)."""
        chosen, every = np.eye(len(blocks))[summed], np.eye(len(self.kinds))
        weeks = np.array([last - first + 1 for first, last in blocks[summed]])
        own = np.concatenate([np.kron(every, chosen.sum(axis=0)[None, :]), np.kron(every, chosen / weeks[:, None])])
        return np.pad(own, ((0, 0), (0, grid.columns.shape[2] - own.shape[1])))

    def _grid(self, blocks: tuple[Block, ...]) -> added_rates.Grid:
        """Hours in the mean week of each block, kind by kind, then the others; one hour in one of a block's weeks adds one
        over their number to that mean, so that a slope is what follows in all of them.
        """
        hours = self.hours
        own = [lag_block(hours.hours[kind][:, :, None], *block)[:, :, 0] for kind in self.kinds for block in blocks]
        columns = np.stack([*own, *self.others], axis=-1)
        events = hours.events[self.outcome]
        is_used = hours.is_counted & ~np.isnan(columns).any(axis=-1) & ~np.isnan(events)
        columns = np.where(is_used[:, :, None], columns, 0.0)
        return added_rates.Grid(np.nan_to_num(events), hours.customers, columns, is_used).informative()


def _told(blank: Following, place: int, inference: clusters.Inference, before: _Before | None) -> Following:
    """The numbers, or why there are none."""
    placebo = float(before.p_values[place]) if before is not None else np.nan
    course = (*(before.courses[place] if before is not None else ()), *blank.course)
    blank = replace(blank, placebo_p=placebo, course=course)
    if inference.rests_on_one[place]:
        return replace(blank, reason="it rests on a single neighbourhood")
    if before is None:
        return replace(blank, reason="there are too few weeks to check it by the weeks before")
    if placebo < LARGEST_P:
        return replace(blank, reason=MOVED_BEFORE.format(p_value=said_p(placebo)))
    estimate, error = float(inference.estimates[place]), float(_errors(inference)[place])
    reach = float(added_rates.reach(inference)[place]) * error
    p_value = float(inference.careful_p_values()[place])
    return replace(blank, per_hour=estimate, low=estimate - reach, high=estimate + reach, error=error, p_value=p_value)


def _errors(inference: clusters.Inference) -> Floats:
    assert inference.covariance is not None  # areas were counted before
    return np.sqrt(np.diag(inference.covariance))


def _courses(inference: clusters.Inference, blocks: tuple[Block, ...], told: int) -> tuple[tuple[Week, ...], ...]:
    """A line for each week of the blocks, all of one block alike, of each that is told."""
    values = inference.estimates[told:].reshape(told, -1)
    reach = (added_rates.reach(inference) * _errors(inference))[told:].reshape(told, -1)
    return tuple(
        tuple(
            Week(week, float(value), float(value - wide), float(value + wide))
            for (first, last), value, wide in zip(blocks, *own, strict=True)
            for week in range(first, last + 1)
        )
        for own in zip(values, reach, strict=True)
    )


def _fitted(grid: added_rates.Grid, own: int) -> tuple[added_rates.Grid, added_rates.Fit]:
    """The fit, without such of the other measures, behind the first ``own`` columns, as areas and weeks explain wholly."""
    fitted = added_rates.fit(grid)
    kept = fitted.left > added_rates.LEAST_LEFT
    kept[:own] = True
    if kept.all():
        return grid, fitted
    grid = replace(grid, columns=grid.columns[:, :, kept])
    return grid, added_rates.fit(grid)


def _others(hours: Hours) -> list[Floats]:
    """Means over the weeks before of each other measure that moves together with the hours, so that theirs is not laid to
    them; where the measure was not taken, the area's own mean.

    Those that do not move along stay out: beside what multiplies, columns that add draw the slope of the hours down.
    """
    told = []
    for measure in hours.others:
        known = ~np.isnan(measure)
        if known[hours.is_counted].mean() < LEAST_KNOWN or not _moves_along(hours, measure):
            continue
        usual = np.where(known, measure, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        means = [lag_block(measure[:, :, None], *block)[:, :, 0] for block in OTHER_LAGS]
        told += [np.where(np.isnan(mean), usual[:, None], mean) for mean in means]
    return told


def _moves_along(hours: Hours, measure: Floats) -> bool:
    """Whether a measure goes with the hours of the same week, within neighbourhood and week."""
    is_used = hours.is_counted & ~np.isnan(hours.hours[ALL]) & ~np.isnan(measure)
    columns = np.where(is_used, hours.hours[ALL], 0.0)[:, :, None]
    level = np.where(is_used, measure, 0.0) * hours.customers
    grid = added_rates.Grid(level, hours.customers, columns, is_used).informative()
    if (
        len(grid.events) < clusters.FEWEST_CLUSTERS
        or np.ptp(measure[is_used]) <= LEAST_SPREAD * np.abs(measure[is_used]).max()
    ):
        return False
    fitted = added_rates.fit(grid)
    inference = added_rates.infer(grid, fitted, np.eye(1), is_counted=False)
    return fitted.is_estimated and bool(inference.p_values()[0] < MOVES_ALONG_P)
