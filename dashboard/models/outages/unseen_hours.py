"""Whether hours that nobody observed come at random, or go with outages, complaints and departures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from dashboard.models.complaints.measure_lags import lag_block
from dashboard.models.statistics import clusters, poisson
from dashboard.models.statistics.multiplicity import holm, said_p
from dashboard.tables.schema import QUALITY_CATEGORIES

Floats = npt.NDArray[np.float64]

LARGEST_P = 0.05
LEAST_PER_HOUR = 0.1
"""Unseen hours for each hour of outage that was seen: less would hide less than a tenth of the outages."""
STRETCH_DAYS = 28
"""Days are compared with those of the same four weeks: what changes slowly is no association."""
FELT_WEEKS = 8
NOT_APART = "hours that nobody observed cannot be told apart from differences between neighbourhoods and between weeks"
OUTAGES, COMPLAINTS, LEAVING = TESTED = ("outages", "complaints", "departures")


@dataclass(frozen=True, slots=True)
class Association:
    """With what unseen time goes together: ``size`` per unit of it, one-sided p-value corrected by Holm.

    ``size`` is in unseen hours for each hour of outage that was seen, or in the logarithm of a rate for a whole week unseen.
    """

    name: str
    size: float
    p_value: float

    @property
    def is_found(self) -> bool:
        is_large = self.name != OUTAGES or self.size >= LEAST_PER_HOUR
        return self.p_value < LARGEST_P and is_large


@dataclass(frozen=True, slots=True)
class Unseen:
    """The share of the devices' time that nobody observed, and every test that could be made of it."""

    share: float
    tests: tuple[Association, ...]
    untested: tuple[tuple[str, str], ...] = ()
    """With what it could not be tested, and why, as a clause."""

    @property
    def found(self) -> tuple[Association, ...]:
        return tuple(test for test in self.tests if test.is_found)

    @property
    def beside_outages(self) -> Association | None:
        """That they go with outages, with how many for each hour seen; None where this was not found."""
        return next((test for test in self.found if test.name == OUTAGES), None)


def unseen(area_days: pd.DataFrame, area_weeks: pd.DataFrame) -> Unseen:
    """Test what unseen time goes with, over the days and weeks of each neighbourhood.

    Outages: on days of the same four weeks on which more of a neighbourhood's observed time was down, was more of its time
    unseen? Complaints and departures: were there more in weeks (for departures: after eight weeks) of which less was seen?
    """
    total = float(area_days["device_hours"].sum())
    share = float(area_days["unseen_hours"].sum()) / total if total > 0 else 0.0
    if not 0 < share < 1:
        return Unseen(share, ())
    weekly = _Weekly.of(area_weeks)
    complaints = sum((weekly.grid(f"complaints_{name}") for name in QUALITY_CATEGORIES), np.zeros(weekly.shape))
    made = [
        (OUTAGES, _with_outages(area_days)),
        (COMPLAINTS, weekly.rises(complaints, 0, 0)),
        (LEAVING, weekly.rises(weekly.grid("leavers_voluntary"), 1, FELT_WEEKS)),
    ]
    told = [(name, test) for name, test in made if not isinstance(test, str)]
    untested = tuple((name, test) for name, test in made if isinstance(test, str))
    adjusted = holm(np.array([p_value for _, (_, p_value) in told]))
    return Unseen(
        share,
        tuple(Association(name, size, float(p)) for (name, (size, _)), p in zip(told, adjusted, strict=True)),
        untested,
    )


def _with_outages(days: pd.DataFrame) -> tuple[float, float] | str:
    """Slope of the unseen share on the down share within areas and four weeks, and its one-sided p-value; areas are clusters.

    Why not, with fewer than ten areas that tell anything.
    """
    known = days[days["judged_hours"] > 0]
    area = pd.factorize(known["area"], sort=True)[0]
    stretch = (known["day"] - known["day"].min()).dt.days.to_numpy() // STRETCH_DAYS
    place = np.unique(area * (stretch.max(initial=0) + 1) + stretch, return_inverse=True)[1]
    weight = known["device_hours"].to_numpy(dtype=float)
    down = _within(known["down_hours"].to_numpy(float) / known["judged_hours"].to_numpy(float), weight, place)
    dark = _within(known["unseen_hours"].to_numpy(float) / weight, weight, place)
    both, square = (np.bincount(area, weight * down * other).astype(float) for other in (dark, down))
    return _slope(both, square)


def _within(values: Floats, weight: Floats, place: npt.NDArray[np.int64]) -> Floats:
    """``values`` less the weighted mean of their place."""
    means = np.bincount(place, weight * values) / np.maximum(np.bincount(place, weight), 1e-300)
    return np.asarray(values - means[place])


def _too_few(count: int, had: str) -> str:
    only = "no neighbourhood" if count == 0 else f"only {count} neighbourhood{'' if count == 1 else 's'}"
    return f"{only} {had}; at least {clusters.FEWEST_CLUSTERS} are needed"


def _slope(both: Floats, square: Floats) -> tuple[float, float] | str:
    """Sum over sum with the jackknife over clusters, against Student's t above zero; or why it cannot be told."""
    tells = square > 0
    both, square = both[tells], square[tells]
    count = both.size
    if count < clusters.FEWEST_CLUSTERS:
        return _too_few(count, "had outages in the hours that were observed")
    slope = both.sum() / square.sum()
    without = (both.sum() - both) / (square.sum() - square)
    error = np.sqrt((count - 1) / count * ((without - slope) ** 2).sum())
    if not error > 0:
        return "it is the same in every neighbourhood"
    return float(slope), float(stats.t.sf(slope / error, count - 1))


@dataclass(frozen=True, slots=True)
class _Weekly:
    """Complete weeks as a grid of areas and weeks; ``dark`` is the share that nobody observed."""

    frame: pd.DataFrame
    shape: tuple[int, int]

    @classmethod
    def of(cls, area_weeks: pd.DataFrame) -> _Weekly:
        frame = area_weeks[area_weeks["is_complete"].astype(bool)].sort_values(["area", "week"])
        index = pd.MultiIndex.from_product([frame["area"].unique(), sorted(frame["week"].unique())])
        whole = frame.set_index(["area", "week"]).reindex(index)
        return cls(whole, (frame["area"].nunique(), frame["week"].nunique()))

    def grid(self, name: str) -> Floats:
        return self.frame[name].to_numpy(dtype=float, na_value=np.nan).reshape(self.shape)

    def rises(self, counts: Floats, first: int, last: int) -> tuple[float, float] | str:
        """By how much counts rise with the unseen share of the weeks so far before; or why it cannot be told."""
        dark = lag_block(1.0 - self.grid("observed_ratio")[:, :, None], first, last)
        exposure = np.nan_to_num(self.grid("customer_days"))
        is_used = (exposure > 0) & ~np.isnan(dark[:, :, 0]) & ~np.isnan(counts)
        is_told = np.where(is_used, counts, 0.0).sum(axis=1) > 0
        if is_told.sum() < clusters.FEWEST_CLUSTERS:
            return _too_few(int(is_told.sum()), "had any in weeks of which enough is known")
        if not np.ptp(dark[is_used]) > 0:
            return "the share of the customers' time that was not observed is the same in every week"
        log_exposure = np.log(np.where(exposure > 0, exposure, 1.0))
        grid = poisson.Grid(np.nan_to_num(counts), log_exposure, np.where(is_used[..., None], dark, 0.0), is_used)
        grid = grid.only(is_told)
        fitted = poisson.fit(grid)
        if not fitted.has_converged or fitted.unidentified.any():
            return NOT_APART
        found = clusters.infer(grid, fitted, np.eye(1), np.arange(grid.counts.shape[0]))
        if found.covariance is None:
            return NOT_APART
        if found.rests_on_one[0]:
            return "what can be seen rests on a single neighbourhood"
        two_sided = float(found.careful_p_values()[0])
        size = float(found.estimates[0])
        return size, two_sided / 2 if size > 0 else 1 - two_sided / 2


def nothing_found(seen: Unseen) -> str:
    """The note of tests that found nothing, for Evidence; empty where all time or none was observed."""
    if not 0 < seen.share < 1:
        return ""
    made = {test.name: test for test in seen.tests}
    why: dict[str, list[str]] = {}
    for name, reason in seen.untested:
        why.setdefault(reason, []).append(name)
    told = (
        [f"{_and([f'{name} ({_result(made[name])})' for name in TESTED if name in made])}: no link was found"]
        if made
        else []
    )
    told += [f"{_and(names)}: not known, this could not be tested, because {reason}" for reason, names in why.items()]
    corrected = " The p-values are corrected for several tests." if len(made) > 1 else ""
    return (
        f"Nobody observed {_part(seen.share)} of the devices' time. Does it go together with anything? With {'; with '.join(told)}.{corrected}"
        " What would help takes these hours to be like the others."
    )


def _result(test: Association) -> str:
    is_small = test.name == OUTAGES and test.p_value < LARGEST_P
    return said_p(test.p_value) + (f", but only {test.size:.2f} unseen hours for each hour seen" if is_small else "")


def _and(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _part(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "less than 0.1%"


def said(found: Sequence[Association], share: float) -> str:
    """The note of what was found, for the pages."""
    names = [test.name for test in found]
    what = _and(names)
    more = next((test.size for test in found if test.name == OUTAGES), None)
    hidden = f" For each hour of outage that was seen, {more:.1f} more hours than usual were not." if more else ""
    return (
        f"Nobody observed {_part(share)} of the devices' time, and not at random: these hours go together with {what}.{hidden}"
        " So there may have been more time without service than was measured. What would help is worked out three times: as if"
        " all of these hours had been without service, as if none had, and as if they had been like the others. Its intervals"
        " contain all three. The ranking, and the effects on Evidence, are for what was measured."
    )
