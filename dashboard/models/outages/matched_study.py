"""A second look at outages: each alone and all of a size, against matched neighbourhoods that had none.

    excess = O_post - D_post [O_pre / D_pre + (C_post - C_pre)]

O and D are events and customer-days of the hit neighbourhood in the eight weeks before and in the outage's week and the
eight after; C are the rates of the five neighbourhoods nearest in size and pre-period level, of the same technology where
there are enough, that had no outage in the window (event study with matched controls; MacKinlay 1997, Journal of Economic
Literature 35). It assumes that without the outage the rate would have moved as theirs did. How far chance takes the
excess is read from placebo dates, on which nothing happened (Abadie, Diamond and Hainmueller 2010, JASA 105): their
statistics, in units of their Poisson error, give intervals and p-values, clustered by drawing whole neighbourhoods, and
widened where the hit neighbourhoods differ more among themselves than that. Where latency, loss or utilisation moved with
the outage, its part cannot be told from theirs: such an outage is *not separable* and is left out of the sums.

Outages are rare and neighbourhoods small: for each the smallest excess that would be found in 80 of 100 cases is told, and
where that is more than all that was expected, the verdict is *too small to say*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from dashboard.models.outages import effect_rows, event_windows
from dashboard.models.outages.event_windows import Grid, Window
from dashboard.models.outages.outage_list import LEAST_DOWN_HOURS
from dashboard.models.statistics.multiplicity import benjamini_hochberg, holm

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

OUTCOMES: tuple[str, ...] = ("complaints_quality", "leaving")
SIZES: tuple[tuple[str, float], ...] = (("large", 4.0), ("medium", 1.0), ("small", 0.0))
"""Down hours per customer of the neighbourhood from which an outage is of that size."""
EVERY_SIZE = "all"
DESIGN = "matched"
FEWEST_PLACEBOS = 40
MOST_PLACEBOS = 250
DRAWS = 2000
POWER_FACTOR = 2.802
"""Normal quantiles of 97.5% and 80% added: an effect of so many standard errors is found in 80 of 100 cases."""
LARGEST_P, FALSE_SHARE = 0.05, 0.10


def matched(
    outages: pd.DataFrame,
    area_weeks: pd.DataFrame,
    customers_now: pd.DataFrame,
    *,
    seed: int,
    outcomes: Sequence[str] = OUTCOMES,
) -> pd.DataFrame:
    """Effects of each outage and of all of a size together: rows of ``incident_effects``.

    Outages of the same neighbourhood within eight weeks are one episode; an episode needs eight complete weeks before
    it without an outage. Planned works are compared likewise, and summed apart. ``outages`` is what
    `outage_list.known` gives.
    """
    grid = event_windows.grid_of(area_weeks, outages, customers_now, LEAST_DOWN_HOURS)
    episodes = [window for kind in event_windows.KINDS for window in event_windows.episodes(grid, kind)]
    placebos = _sampled(event_windows.placebos(grid), seed)
    prices = customers_now["monthly_price"].astype(float).groupby(customers_now["area"]).mean()
    rows: list[dict[str, Any]] = []
    for outcome in outcomes:
        chance = _Chance.of(grid, placebos, outcome, seed)
        found = [(window, event_windows.compare(grid, window, outcome)) for window in episodes]
        study = _Study(grid, outcome, chance, prices if outcome == "leaving" else None)
        rows += study.rows(found)
    return _adjusted(pd.DataFrame(rows, columns=effect_rows.COLUMNS))


@dataclass(frozen=True, slots=True)
class _Chance:
    """Placebo comparisons: statistics in units of their own error (placebos,), and areas."""

    statistics: Floats
    area: Codes
    seed: int

    @classmethod
    def of(cls, grid: Grid, placebos: list[Window], outcome: str, seed: int) -> _Chance:
        compared = [(w, event_windows.compare(grid, w, outcome)) for w in placebos]
        told = [(w, c) for w, c in compared if c is not None and c.is_separable]
        return cls(
            np.array([c.excess / c.error for _, c in told]),
            np.array([w.area for w, _ in told], dtype=np.int64),
            seed,
        )

    @property
    def is_enough(self) -> bool:
        return self.statistics.size >= FEWEST_PLACEBOS

    def sums(self, errors: Floats, groups: Codes) -> Floats:
        """(draws,) what chance makes of a sum of excesses with these errors: each hit area borrows one area's placebos."""
        random = np.random.default_rng(self.seed)
        values = self.statistics - self.statistics.mean()
        names, order = np.unique(self.area), np.argsort(self.area, kind="stable")
        starts = np.searchsorted(self.area[order], names)
        counts = np.bincount(np.searchsorted(names, self.area), minlength=names.size)
        total = np.zeros(DRAWS)
        for group in np.unique(groups):
            lender = random.choice(names.size, size=DRAWS, p=counts / counts.sum())
            for error in errors[groups == group]:
                place = starts[lender] + (random.random(DRAWS) * counts[lender]).astype(np.int64)
                total += error * values[order][place]
        return total


@dataclass(frozen=True, slots=True)
class _Study:
    """One outcome over all episodes."""

    grid: Grid
    outcome: str
    chance: _Chance
    prices: pd.Series | None

    def rows(self, found: list[tuple[Window, event_windows.Comparison | None]]) -> list[dict[str, Any]]:
        rows = [self._single(window, compared) for window, compared in found]
        outages = [(w, c) for w, c in found if w.kind == "outage"]
        for size in (*(name for name, _ in SIZES), EVERY_SIZE):
            own = [(w, c) for w, c in outages if size in (EVERY_SIZE, size_of(w.down_hours))]
            rows.append(self._pooled(f"matched:{size}", size, own))
        if planned := [(w, c) for w, c in found if w.kind == "planned"]:
            rows.append(self._pooled("matched:planned", EVERY_SIZE, planned))
        return rows

    def _single(self, window: Window, compared: event_windows.Comparison | None) -> dict[str, Any]:
        week = self.grid.weeks[window.week]
        name = self.grid.areas[window.area]
        start = {"area": name, "started_at": window.started_at, "weeks_after": window.weeks_after}
        row = self._blank(f"{name} {week:%Y-%m-%d}", size_of(window.down_hours), [window]) | start
        if not window.is_late_enough:
            return row | {"verdict": "too_early"}
        if compared is None or not self.chance.is_enough:
            return row | {"verdict": "no_match"}
        told = self._told([(window, compared)])
        return row | told if compared.is_separable else row | told | {"p_value": np.nan, "verdict": "not_separable"}

    def _pooled(
        self, name: str, size: str, own: list[tuple[Window, event_windows.Comparison | None]]
    ) -> dict[str, Any]:
        told = _separable(own)
        row = self._blank(name, size, [w for w, _ in told] or [w for w, _ in own]) | {"is_pooled": True}
        if not told or not self.chance.is_enough:
            return row | {"outages": len(told), "verdict": "no_match" if own else "too_small"}
        return row | self._told(told) | {"weeks_after": min(w.weeks_after for w, _ in told)}

    def _blank(self, outage: str, size: str, windows: list[Window]) -> dict[str, Any]:
        return {
            "outage": outage,
            "outcome": self.outcome,
            "design": DESIGN,
            "is_pooled": False,
            "kind": "planned" if any(w.kind == "planned" for w in windows) else "outage",
            "source": effect_rows.source_of(frozenset[str]().union(*(w.sources for w in windows))),
            "size": size,
            "outages": len(windows),
            "customers": round(sum(w.customers for w in windows)),
            "customer_minutes": float(sum(w.customer_minutes for w in windows)),
        }

    def _told(self, told: list[tuple[Window, event_windows.Comparison]]) -> dict[str, Any]:
        """The sum of these comparisons with interval, p-value and verdict (before correction)."""
        groups = np.array([w.area for w, _ in told], dtype=np.int64)
        errors = np.array([c.error for _, c in told])
        excess = float(sum(c.excess for _, c in told))
        expected = float(sum(c.expected for _, c in told))
        chance = self.chance.sums(errors, groups)
        chance *= _stretch(np.array([c.excess for _, c in told]), groups, float(chance.std()))
        below, above = np.quantile(chance, (0.025, 0.975))
        low, high = excess - above, excess - below
        customers = sum(w.customers for w, _ in told)
        detectable = POWER_FACTOR * float(chance.std())
        numbers = {"excess": excess, "excess_low": low, "excess_high": high}
        row = {
            "matched_areas": min(c.matched for _, c in told),
            "observed": float(sum(c.observed for _, c in told)),
            "expected": expected,
            **numbers,
            **{name.replace("excess", "excess_per_1000"): 1000 * v / customers for name, v in numbers.items()},
            "smallest_detectable": detectable,
            "p_value": float((1 + (np.abs(chance) >= abs(excess)).sum()) / (1 + chance.size)),
            "verdict": "too_small" if detectable >= max(expected, 0.0) else "not_found",
        }
        if self.prices is None:
            return row
        price = np.average(
            [self.prices.get(self.grid.areas[w.area], self.prices.mean()) for w, _ in told],
            weights=[w.customers for w, _ in told],
        )
        return row | {name.replace("excess", "monthly_revenue"): price * v for name, v in numbers.items()}


def _separable(
    found: list[tuple[Window, event_windows.Comparison | None]],
) -> list[tuple[Window, event_windows.Comparison]]:
    return [(w, c) for w, c in found if c is not None and c.is_separable]


def _stretch(excess: Floats, groups: Codes, error: float) -> float:
    """By how much the hit areas differ among themselves beyond chance: the clustered error over ``error``, at least 1.

    Areas that are hit may drift more than those on which placebos can be laid; Student's t of so few widens it further.
    """
    sums = pd.Series(excess).groupby(groups).sum().to_numpy()
    if sums.size < 2 or error <= 0:
        return 1.0
    clustered = float(np.sqrt(sums.size * sums.var(ddof=1)))
    return max(1.0, clustered / error * float(stats.t.ppf(0.975, sums.size - 1) / stats.norm.ppf(0.975)))


def size_of(down_hours: float) -> str:
    """The size of an outage that took so many hours of service from the mean customer of its neighbourhood."""
    return next(name for name, least in SIZES if down_hours >= least)


def _sampled(windows: list[Window], seed: int) -> list[Window]:
    if len(windows) <= MOST_PLACEBOS:
        return windows
    chosen = np.random.default_rng(seed).choice(len(windows), size=MOST_PLACEBOS, replace=False)
    return [windows[i] for i in np.sort(chosen)]


def _adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Corrected p-values and verdicts: over sizes and outcomes by Holm, over single outages by outcome at 10%."""
    p_values = rows["p_value"].to_numpy(dtype=float)
    pooled = rows["is_pooled"].to_numpy(dtype=bool)
    adjusted = np.full(p_values.shape, np.nan)
    adjusted[pooled] = holm(p_values[pooled])
    for outcome in OUTCOMES:
        own = ~pooled & (rows["outcome"] == outcome).to_numpy()
        adjusted[own] = benjamini_hochberg(p_values[own])
    with np.errstate(invalid="ignore"):
        is_found = adjusted < np.where(pooled, LARGEST_P, FALSE_SHARE)
    verdict = rows["verdict"].mask(is_found, "found")
    return effect_rows.typed(rows.assign(p_adjusted=adjusted, verdict=verdict))
