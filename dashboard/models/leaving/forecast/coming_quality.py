"""The quality of the next 90 days, forecast for each area from its last weeks, its history and the provider's.

    F = p + b1 (m - h) + b2 (h - p)

m is an area's mean over the last eight weeks, h over all of its history, p the provider's. How much of each lasts (b1, b2)
is what forecast best at the earlier weeks of the same history, and so is the error. Customers feel the eight weeks before, so
that a third of what they will feel in 90 days has been lived already; of hours without service others may be felt (see ``over``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN, longer_than
from dashboard.models.complaints.measure_lags import EVERY_TERM, AreaWeeks, Term, area_weeks_as_grids, on_grid
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT, Felt
from dashboard.models.leaving.forecast import spread_of_hours

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

WINDOW, HORIZON = 8, 13
"""Weeks that are felt, and weeks (90 days) that are looked at."""
FEWEST_HISTORY = 12
FEWEST_STATES, FEWEST_AREAS = 8, 5
USUAL_LASTING = np.array([0.5, 0.8])
PRIOR_SHARE = 0.05
LEAST_OF_ERROR = 0.2
"""The part of the forecast's error, at least, that lies in what was to be expected, and not in single weeks' chance."""
MOST_GROWTH = 2.0
STEADYING_WEEKS = 26.0
FORETOLD = (
    "The quality of the next 90 days is forecast for each neighbourhood from its last eight weeks, its whole history and the"
    " provider's mean, by how much of each lasted in the past. The intervals include the error of this forecast."
)
SUPPOSED = (
    "The history is too short to forecast quality. The numbers assume that the quality of the last eight weeks continues, and the"
    " intervals do not include that it may not."
)


@dataclass(frozen=True, slots=True)
class Coming:
    """By area and term (areas, terms), in steps: the last eight weeks, what is felt in the next 90 days, and its error.

    ``others`` are the same where other hours without service are felt than all of eight weeks. ``is_forecast`` is False where the
    history is too short: then the last eight weeks are supposed to go on.
    ``lasting`` (terms, 2) are b1 and b2. ``hours`` is the place of the hours without service among the terms, and ``spread`` how
    unlike they are between customers and weeks (see ``spread_of_hours``); empty: as unlike as today. ``felt`` are, by which are felt, the hours
    without service (areas, weeks of the past) that were remembered before each week, the last on the first day ahead.
    """

    now: Floats
    mean: Floats
    error: Floats
    lasting: Floats
    is_forecast: bool
    others: Mapping[Felt, Coming] = field(default_factory=dict)
    hours: int | None = None
    spread: Floats = field(default_factory=lambda: spread_of_hours.NONE)
    felt: Mapping[Felt, Floats] = field(default_factory=dict)

    def over(self, felt: Felt) -> Coming:
        """The same where these hours without service are felt."""
        return self.others.get(felt, self)

    def draws(self, count: int, seed: int) -> Floats:
        """(count, areas, terms) of what would be expected to be felt, by Gamma distributions: none is below 0."""
        random = np.random.default_rng([seed, 4])
        shape = np.divide(self.mean, self.error, out=np.full(self.mean.shape, np.inf), where=self.error > 0) ** 2
        drawn = random.standard_gamma(np.where(np.isfinite(shape), np.maximum(shape, 1e-3), 1.0), (count, *shape.shape))
        return np.where(np.isfinite(shape), drawn * self.mean / np.maximum(shape, 1e-3), self.mean)

    def moved(self, term: int, ahead: Floats, area: Codes, steps: Floats) -> Floats:
        """(draws, n) by how much quality of ``steps`` (n,) in an ``area`` (n,) moves where the area's comes to ``ahead`` (draws, areas).

        Hours without service become as unlike as they usually are, those who have most today having most. Of other terms all of an
        area move by one factor, at most 2; what is then missing is added to all.
        """
        if not self.is_forecast:
            return np.zeros((1, 1))
        if term == self.hours and self.spread.size:
            return np.asarray(ahead[:, area] * spread_of_hours.times(self.spread, area, steps) - steps)
        now = self.now[:, term]
        growth = np.clip(np.divide(ahead, now, out=np.full(ahead.shape, MOST_GROWTH), where=now > 0), 0.0, MOST_GROWTH)
        rest = ahead - growth * now
        return np.asarray((growth - 1.0)[:, area] * steps + rest[:, area])

    def note(self) -> str:
        """What is supposed of the quality of the next 90 days."""
        if self.is_forecast:
            return FORETOLD
        return SUPPOSED

    def only(self, terms: list[int]) -> Coming:
        """The same of some terms."""
        return replace(
            self,
            now=self.now[:, terms],
            mean=self.mean[:, terms],
            error=self.error[:, terms],
            lasting=self.lasting[terms],
            hours=terms.index(self.hours) if self.hours in terms else None,
            others={felt: other.only(terms) for felt, other in self.others.items()},
        )


def continuing(areas: int, terms: int) -> Coming:
    """Quality as it was in the last eight weeks, without doubt."""
    nothing = np.zeros((areas, terms))
    return Coming(nothing, nothing, nothing, np.full((terms, 2), np.nan), is_forecast=False)


def foresee(
    area_weeks: pd.DataFrame,
    areas: list[str],
    terms: tuple[Term, ...],
    start: pd.Timestamp,
    spreads: Mapping[Felt, Floats] | None = None,
) -> Coming:
    """Foretell from all complete weeks; ``start`` is the Monday of the first day ahead. Later weeks on record are known.

    ``spreads`` tell how unlike hours without service are, and which to forecast beside all of eight weeks.
    """
    grids = area_weeks_as_grids(area_weeks)
    weekly = np.full((len(areas), grids.quality.shape[1], len(terms)), np.nan)
    place = pd.Index(areas).get_indexer(pd.Index(grids.areas))
    which = [EVERY_TERM.index(term) for term in terms]
    weekly[place[place >= 0]] = grids.quality[place >= 0][:, :, which]
    first = area_weeks.loc[area_weeks["is_complete"].astype(bool), "week"].min()
    origin = (start - first).days // 7 if pd.notna(first) else 0
    eight = _coming(weekly, origin, [WINDOW] * len(terms))
    if DOWN not in terms or not eight.is_forecast:
        return eight
    known, hours = spreads or {}, terms.index(DOWN)
    eight = replace(eight, hours=hours, spread=known.get(ALL_OF_EIGHT, spread_of_hours.NONE))
    others, lived = {}, {ALL_OF_EIGHT: _remembered(weekly[:, :origin, hours], WINDOW)}
    for one in sorted(set(known) - {ALL_OF_EIGHT}):
        own = np.full(weekly.shape[:2], np.nan)
        own[place[place >= 0]] = _felt_hours(area_weeks, grids, one)[place >= 0]
        others[one] = replace(_with_hours(eight, own, origin, one.weeks), spread=known[one])
        lived[one] = _remembered(own[:, :origin], one.weeks)
    return replace(eight, others=others, felt=lived)


def _remembered(weekly: Floats, window: int) -> Floats:
    """(areas, weeks) the mean over so many weeks before each week from the ninth on, and before the one after the last.

    Over fewer where the history does not reach back so far; nan where less than half of them is known.
    """
    known = ~np.isnan(weekly)
    sums, counts = (np.pad(v.cumsum(axis=1), ((0, 0), (1, 0))) for v in (np.where(known, weekly, 0.0), known))
    ends = np.arange(WINDOW, weekly.shape[1] + 1)
    starts = np.maximum(ends - window, 0)
    count = counts[:, ends] - counts[:, starts]
    mean = np.divide(sums[:, ends] - sums[:, starts], count, out=np.full(count.shape, np.nan), where=count > 0)
    return np.where(2 * count >= ends - starts, mean, np.nan)


def _felt_hours(area_weeks: pd.DataFrame, grids: AreaWeeks, felt: Felt) -> Floats:
    """(areas, weeks) the hours without service that are felt, in steps, of areas by themselves."""
    every = grids.quality[:, :, EVERY_TERM.index(DOWN)]
    name = longer_than(felt.longer_than)
    if not felt.longer_than or name not in area_weeks:
        return every
    long = on_grid(area_weeks, grids, name) / DOWN.per
    return felt.of(every.ravel(), long.ravel()).reshape(every.shape)


def _with_hours(eight: Coming, hours: Floats, origin: int, window: int) -> Coming:
    """``eight`` with other hours without service in the place of its own."""
    term = eight.hours or 0
    own = _coming(hours[:, :, None], origin, [window])
    if not own.is_forecast:
        return continuing(*eight.now.shape)
    return replace(
        eight,
        now=_put(eight.now, term, own.now[:, 0]),
        mean=_put(eight.mean, term, own.mean[:, 0]),
        error=_put(eight.error, term, own.error[:, 0]),
        lasting=_put(eight.lasting.T, term, own.lasting[0]).T,
    )


def _put(values: Floats, term: int, own: Floats) -> Floats:
    values = values.copy()
    values[:, term] = own
    return values


def _coming(weekly: Floats, origin: int, windows: list[int]) -> Coming:
    """Of terms that are each felt over so many weeks."""
    found = [_forecast(weekly[:, :, term], origin, window) for term, window in enumerate(windows)]
    is_forecast = bool(found) and all(one is not None for one in found)
    if not is_forecast:
        return continuing(len(weekly), len(windows))
    mean, error = (np.stack([one[i] for one in found if one is not None], axis=-1) for i in (0, 1))
    lasting = np.stack([one[2] for one in found if one is not None])
    now = np.stack([_mean(weekly[:, max(origin - window, 0) : origin, t]) for t, window in enumerate(windows)], axis=-1)
    return Coming(now, np.maximum(mean, 0.0), error, lasting, is_forecast=True)


def weights(window: int = WINDOW) -> Floats:
    """(window + HORIZON - 1,) how much each week, from ``window`` before the first day on, is felt in the 90 days; sums to 1."""
    felt = np.zeros(window + HORIZON - 1)
    for week in range(HORIZON):
        felt[week : week + window] += 1.0
    return np.asarray(felt / felt.sum())


def _mean(weekly: Floats) -> Floats:
    """(areas,) over the known of (areas, weeks); the mean of the areas where none is known, and 0 where none is at all."""
    known = ~np.isnan(weekly)
    count = known.sum(axis=1)
    means = np.divide(
        np.where(known, weekly, 0.0).sum(axis=1), count, out=np.full(len(weekly), np.nan), where=count > 0
    )
    usual = float(np.nanmean(means)) if np.isfinite(means).any() else 0.0
    return np.where(np.isnan(means), usual, means)


def _forecast(weekly: Floats, origin: int, window: int) -> tuple[Floats, Floats, Floats] | None:
    """What is felt (areas,), its error (areas,) and what lasts (2,), of one term; None where the history is too short."""
    felt = weights(window)
    lead = int(np.clip(weekly.shape[1] - origin, 0, HORIZON - 1))
    to_come = felt[window + lead :]
    states = range(max(FEWEST_HISTORY, lead), origin + lead - to_come.size + 1)
    if (
        origin < window
        or len(states) < FEWEST_STATES
        or len(weekly) < FEWEST_AREAS
        or to_come.size == 0
        or np.isnan(weekly).all()
    ):
        return None
    variance, chance = _variances(weekly)
    before = [_predictors(weekly[:, :state]) for state in states]
    after = [_felt(weekly[:, state : state + to_come.size], to_come) for state in states]
    found = np.stack([a - b[:, 0] for a, b in zip(after, before, strict=True)])
    columns = np.stack([b[:, 1:] for b in before])
    lasting = _lasting(columns, found, variance)
    left = (found - columns @ lasting) ** 2 / variance
    by_chance = float(np.mean(chance / variance)) * float((to_come**2).sum() / to_come.sum() ** 2)
    total = float(np.nanmean(left))
    error = np.sqrt(max(total - by_chance, LEAST_OF_ERROR * total) * variance)
    known = weekly[:, max(origin - window, 0) : origin + lead]
    now = _predictors(weekly[:, : origin + lead])
    share = felt[window + lead - known.shape[1] : window + lead]
    lived = _felt(known, share)
    ahead = now[:, 0] + now[:, 1:] @ lasting
    part = to_come.sum()
    return np.asarray((1 - part) * np.where(np.isnan(lived), ahead, lived) + part * ahead), part * error, lasting


def _felt(weekly: Floats, share: Floats) -> Floats:
    """(areas,) mean of (areas, weeks) by shares (weeks,), nan where less than half of them is known."""
    known = ~np.isnan(weekly)
    total = known @ share
    mean = np.divide(np.where(known, weekly, 0.0) @ share, total, out=np.zeros(len(weekly)), where=total > 0)
    return np.where(total >= 0.5 * share.sum(), mean, np.nan)


def _predictors(weekly: Floats) -> Floats:
    """(areas, 3): the provider's mean, the last weeks' from the history's, the history's from the provider's."""
    history = _mean(weekly)
    recent = weekly[:, -WINDOW:]
    last = np.where(np.isnan(recent).all(axis=1), history, _mean(recent))
    provider = float(history.mean())
    return np.stack([np.full(len(weekly), provider), last - history, history - provider], axis=-1)


def _variances(weekly: Floats) -> tuple[Floats, Floats]:
    """(areas,) variance of the weeks, drawn towards the mean of all, and the part of it that changes from week to week."""
    known = ~np.isnan(weekly)
    count = np.maximum(known.sum(axis=1), 1)
    away = np.where(known, weekly - _mean(weekly)[:, None], 0.0)
    own = (away**2).sum(axis=1)
    total = float(own.sum() / count.sum())
    steps = np.diff(weekly, axis=1)
    changes = np.divide(np.nansum(steps**2, axis=1), 2 * np.maximum((~np.isnan(steps)).sum(axis=1), 1))
    drawn = (own + STEADYING_WEEKS * total) / (count + STEADYING_WEEKS)
    whole = max(float(changes.mean()), 1e-300)
    steady = (changes * count + STEADYING_WEEKS * whole) / (count + STEADYING_WEEKS)
    return np.maximum(drawn, 1e-12), np.minimum(steady, drawn)


def _lasting(columns: Floats, found: Floats, variance: Floats) -> Floats:
    """Weighted least squares (2,) of ``found`` (states, areas) on (states, areas, 2), drawn a little towards the usual, 0 to 1."""
    is_known = ~np.isnan(found)
    weight = np.where(is_known, 1.0 / variance, 0.0)
    inner = np.einsum("sap,sa,saq->pq", columns, weight, columns)
    right = np.einsum("sap,sa->p", columns, weight * np.nan_to_num(found))
    prior = PRIOR_SHARE * np.diag(inner) + 1e-12
    return np.asarray(np.clip(np.linalg.solve(inner + np.diag(prior), right + prior * USUAL_LASTING), 0.0, 1.0))
