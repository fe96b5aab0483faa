"""Where more customers have been leaving for some weeks than network, contracts, prices and calendar explain.

    O_aw ~ Poisson(r_a E_aw), r_a ~ Gamma(k, k)          p_L = P(N' >= N | n, x): negative binomial, N over the last L weeks

E_aw are the departures that the hazard of leaving gives, scaled each week to what all other neighbourhoods lost, so that a change
which happens everywhere counts in no single area. Where these are few, a week in which none of them left says little of the week, so its level
is drawn towards the provider's usual one, the more so the less weeks differ beyond chance (``Calendar``). n and x are an area's departures and expectation before the last L weeks. The least p over L
of 2 to 26 weeks is compared with what a year of weekly looks makes of it where nothing changes: of 100 areas one is called
falsely in a year. Counts are divided by their dispersion, found by the spread of all areas' residuals. The size is drawn
towards no change (log ratio ~ N(0, 0.7²)) over all L together, since the least p has been picked among many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special, stats

Floats = npt.NDArray[np.float64]

LENGTHS: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10, 13, 17, 21, 26)
"""Weeks for which a change may have lasted."""
FEWEST_WEEKS_BEFORE = 13
YEAR_WEEKS = 52
BLOCK_WEEKS = 8
FALSE_ALARMS_A_YEAR = 0.01
"""For each area."""
AREA_YEARS = 6000
LOG_RATIOS: Floats = np.linspace(-0.7, 2.1, 57)
SIZE_SPREAD = 0.7
SPREAD_FLOOR = 0.05
WEEK_FLOOR = 0.1
"""The standard deviation by which weeks differ everywhere, at least."""
TOLD_BY, TOLD_WEEKS = 3.0, 13
"""Where not even so many times as many, for so many weeks, would be found, the note says so."""
COLUMNS = [
    "area",
    "since_week",
    "weeks",
    "leavers",
    "usual_leavers",
    "ratio",
    "ratio_low",
    "ratio_high",
    "is_found",
    "note",
]
TOO_FEW = f"too few leave here: even {TOLD_BY:g} times as many for {TOLD_WEEKS} weeks would not stand out from chance"
TOO_SHORT = f"the history is too short: {FEWEST_WEEKS_BEFORE} weeks are needed before a change"


@dataclass(frozen=True, slots=True)
class Windows:
    """Sums over the last L weeks and over the weeks before: departures ``after`` and ``before``, expected likewise; all (lengths, areas)."""

    after: Floats
    after_expected: Floats
    before: Floats
    before_expected: Floats

    @classmethod
    def at(cls, observed: Floats, usual: Floats, end: int) -> Windows:
        """The windows that end before week ``end``, of sums since the first week (see `_sums`); a length with too little
        before it is left out.
        """
        starts = [end - length for length in LENGTHS if length + FEWEST_WEEKS_BEFORE <= end]
        return cls(observed[end] - observed[starts], usual[end] - usual[starts], observed[starts], usual[starts])

    def times(self, ratio: float, k: float, most: int) -> Windows:
        """The same if ``ratio`` times as many as the weeks before lead one to expect had left, in windows of at most so many weeks."""
        kept = slice(0, sum(length <= most for length in LENGTHS[: len(self.after)]))
        usual = (k + self.before[kept]) / (k + self.before_expected[kept]) * self.after_expected[kept]
        return Windows(
            np.floor(ratio * usual), self.after_expected[kept], self.before[kept], self.before_expected[kept]
        )

    def p_values(self, k: float) -> Floats:
        """(lengths, areas) the chance of so many departures or more where nothing changed."""
        return self._p_values(k, self.after > 0)

    def least_p(self, k: float) -> Floats:
        """(areas,) the least of them. 1 where no length is a standard deviation above its mean: that is never a rare count."""
        rate = k + self.before_expected
        mean = (k + self.before) / rate * self.after_expected
        deviation = np.sqrt(mean * (1 + self.after_expected / rate))
        return np.asarray(self._p_values(k, self.after > mean + deviation).min(axis=0))

    def _p_values(self, k: float, wanted: npt.NDArray[np.bool_]) -> Floats:
        p_values = np.ones(self.after.shape)
        rate, after_expected = k + self.before_expected[wanted], self.after_expected[wanted]
        share = after_expected / (rate + after_expected)
        p_values[wanted] = special.betainc(self.after[wanted], k + self.before[wanted], share)
        return p_values


def _sums(values: Floats) -> Floats:
    """(weeks + 1, areas) the sums of ``values`` (weeks, areas) over the weeks before each."""
    return np.vstack([np.zeros(values.shape[1]), values.cumsum(axis=0)])


def by_week(
    area_weeks: pd.DataFrame, past: Floats, starts: Sequence[Any], areas: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Voluntary departures and those expected, both (complete weeks, areas), oldest first.

    ``past`` (periods, areas) are the departures expected in the four-week periods that begin on ``starts``; each week has
    of its period's what it has of its customer-days.
    """
    weeks = area_weeks[area_weeks["is_complete"].astype(bool)]
    days, leavers = (
        weeks.pivot(index="week", columns="area", values=name).reindex(columns=areas).fillna(0.0).sort_index()
        for name in ("customer_days", "leavers_voluntary")
    )
    begun = pd.DatetimeIndex(pd.to_datetime(list(starts)))
    period = begun.searchsorted(days.index, side="right") - 1
    known = period >= 0
    days, leavers, period = days[known], leavers[known], period[known]
    total = days.groupby(period).transform("sum").to_numpy()
    share = np.divide(days.to_numpy(), total, out=np.zeros(days.shape), where=total > 0)
    return leavers, pd.DataFrame(share * past[period], index=days.index, columns=areas)


def local_changes(leavers: pd.DataFrame, expected: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """Rows by area. ``leavers`` and ``expected`` (weeks, areas) have the complete weeks as index, oldest first."""
    areas = list(leavers.columns)
    if len(leavers) < FEWEST_WEEKS_BEFORE + LENGTHS[0] or len(areas) < 2 or not leavers.to_numpy().any():
        return pd.DataFrame([{"area": area, "is_found": False, "note": TOO_SHORT} for area in areas], columns=COLUMNS)
    counts = leavers.to_numpy(dtype=float)
    calendar = Calendar.of(counts, expected.to_numpy(dtype=float))
    usual = calendar.scaled(counts, expected.to_numpy(dtype=float))
    k, dispersion = _spread(counts, usual), _dispersion(counts, usual)
    steadied, means = counts / dispersion, usual / dispersion
    windows = Windows.at(_sums(steadied), _sums(means), len(counts))
    p_values = windows.p_values(k)
    limit = _limit(means, k, replace(calendar, level=1.0, shape=calendar.shape / dispersion), seed)
    best = p_values.argmin(axis=0)
    ratios, low, high = _sizes(windows, k)
    could_be = windows.times(TOLD_BY, k, TOLD_WEEKS).p_values(k).min(axis=0) < limit
    rows = []
    for place, area in enumerate(areas):
        length = LENGTHS[best[place]]
        base = (k + windows.before[best[place], place]) / (k + windows.before_expected[best[place], place])
        is_found = bool(p_values[best[place], place] < limit and low[place] > 1.0)
        rows.append(
            {
                "area": area,
                "since_week": leavers.index[-length],
                "weeks": length,
                "leavers": int(counts[-length:, place].sum()),
                "usual_leavers": float(base * usual[-length:, place].sum()),
                "ratio": ratios[place],
                "ratio_low": low[place],
                "ratio_high": high[place],
                "is_found": is_found,
                "note": None if is_found or could_be[place] else TOO_FEW,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What weeks do to all areas: the usual ``level`` of departures over expected, and ``shape`` of the Gamma of weeks about it."""

    level: float
    shape: float

    @classmethod
    def of(cls, counts: Floats, expected: Floats) -> Calendar:
        """By moments of the provider's departures and expectation (weeks, areas): what weeks vary beyond chance."""
        observed, usual = counts.sum(axis=1), expected.sum(axis=1)
        known = usual > 0
        if not observed[known].any():
            return cls(1.0, WEEK_FLOOR**-2)
        level = float(observed[known].sum() / usual[known].sum())
        mean = level * usual[known]
        between = float(np.average((observed[known] / mean - 1) ** 2 - 1 / mean, weights=mean))
        return cls(level, max(between, WEEK_FLOOR**2) ** -1)

    def scaled(self, counts: Floats, expected: Floats) -> Floats:
        """``expected`` (..., areas) at the level that all other areas together had that week, drawn towards the usual one."""
        others, usual = (values.sum(axis=-1, keepdims=True) - values for values in (counts, expected))
        return np.asarray(expected * (self.shape + others) / (self.shape / self.level + usual))


def _spread(counts: Floats, expected: Floats) -> float:
    """k of the areas' ratios: what their variance over the whole time has beyond chance (moments)."""
    observed, usual = counts.sum(axis=0), expected.sum(axis=0)
    known = usual > 0
    ratio = observed[known] / usual[known]
    between = np.average((ratio - 1) ** 2 - 1 / usual[known], weights=usual[known]) if known.any() else 0.0
    return float(max(between, SPREAD_FLOOR**2) ** -1)


def _dispersion(counts: Floats, expected: Floats) -> float:
    """Variance over mean of what areas lose in eight weeks about their own mean, at least 1.

    The median over areas, so that the few that changed count little, less its own standard error.
    """
    blocks = len(counts) // BLOCK_WEEKS
    if blocks < 3:
        return 1.0
    shape = (blocks, BLOCK_WEEKS, counts.shape[1])
    observed, usual = (values[-blocks * BLOCK_WEEKS :].reshape(shape).sum(axis=1) for values in (counts, expected))
    total = usual.sum(axis=0)
    own = usual * np.divide(observed.sum(axis=0), total, out=np.ones_like(total), where=total > 0)
    squares = np.divide((observed - own) ** 2, own, out=np.zeros_like(own), where=own > 0).sum(axis=0)
    median = float(np.median(squares) / stats.chi2.median(blocks - 1))
    error = np.sqrt(np.pi / 2 * 2 / (blocks - 1) / counts.shape[1])
    return max(1.0, median / (1 + error))


def _limit(expected: Floats, k: float, calendar: Calendar, seed: int) -> float:
    """The p below which a year of weekly looks goes in at most one of 100 areas in which nothing changes.

    Where few leave p takes few values, and many areas may share the one at the border: below it, not at it.
    """
    random = np.random.default_rng([seed, 5])
    weeks = FEWEST_WEEKS_BEFORE + max(LENGTHS) + YEAR_WEEKS
    typical = np.resize(expected, (weeks, expected.shape[1]))
    copies = max(1, -(-AREA_YEARS // expected.shape[1]))
    usual = np.broadcast_to(typical[:, None], (weeks, copies, expected.shape[1]))
    levels = random.gamma(calendar.shape, 1 / calendar.shape, (weeks, copies, 1))
    counts = random.poisson(usual * levels * random.gamma(k, 1 / k, usual.shape[1:])).astype(float)
    means = _sums(calendar.scaled(counts, usual).reshape(weeks, -1))
    sums = _sums(counts.reshape(weeks, -1))
    least = np.ones(sums.shape[1])
    for end in range(weeks - YEAR_WEEKS, weeks):
        least = np.minimum(least, Windows.at(sums, means, end).least_p(k))
    return float(np.quantile(least, FALSE_ALARMS_A_YEAR, method="lower"))


def _sizes(windows: Windows, k: float) -> tuple[Floats, Floats, Floats]:
    """Posterior mean and 95% interval (areas,) of the ratio to before, over all lengths and sizes together.

    The area's own level is integrated out: weeks of one level, then of ratio times that level, given k.
    """
    total, rate = k + windows.before + windows.after, k + windows.before_expected
    log = windows.after * LOG_RATIOS[:, None, None]
    log = log - total * np.log(rate + np.exp(LOG_RATIOS)[:, None, None] * windows.after_expected)
    log -= 0.5 * (LOG_RATIOS[:, None, None] / SIZE_SPREAD) ** 2
    weight = np.exp(log - log.max(axis=(0, 1)))
    by_size = weight.sum(axis=1) / weight.sum(axis=(0, 1))
    mean = np.exp(LOG_RATIOS @ by_size)
    below = by_size.cumsum(axis=0)
    ends = [np.exp(LOG_RATIOS[np.minimum((below < q).sum(axis=0), LOG_RATIOS.size - 1)]) for q in (0.025, 0.975)]
    return mean, ends[0], ends[1]
