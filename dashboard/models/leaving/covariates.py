"""What a customer's hazard of leaving depends on, as columns: tenure, contract, price, technology, quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.measures import DOWN, LENGTHS, MEASURES, PLANNED, WINDOWS, over
from dashboard.models.complaints.measure_lags import TERMS, Term, is_planned
from dashboard.models.leaving.doses.felt_hours import ALL_OF_EIGHT, EIGHT, Felt
from dashboard.models.statistics.splines import restricted_cubic_spline

Floats = npt.NDArray[np.float64]

TRAILING: dict[str, str] = {measure.name: measure.trailing for measure in MEASURES}
"""The column of customer_weeks that holds each term over the eight weeks before."""
TENURE_KNOT_SHARES = (0.05, 0.35, 0.65, 0.95)
LEAST_KNOWN = 0.5
LEAST_OBSERVED = 0.5
LEAST_APART = 0.05
"""The share of the hours without service that long outages, and that shorter ones, must have for them to be told apart."""
BLOCK_WEEKS = 4
JUST_FREE_DAYS = 56
PRICE_CHANGE_DAYS = 56
"""How long ``price_change`` tells of a change."""
JUST_RISEN_WEEKS = 2
LONG_AGO_DAYS = 10_000.0
MONTH_DAYS = 30.4375
LONGEST_MONTHS_LEFT = 24.0
SERVICE: tuple[str, ...] = ("complaints_before", "quality_complaints_before", "answer_hours_before", "nps_score_before")
"""What quality may act through: left out where the whole effect of quality is asked for, used for prediction."""
COUNTED = frozenset(SERVICE[:3])
"""Numbers and hours from 0 up, of which the first say most: as log(1 + x), so that fifty complaints of one customer are
not fifty times one."""


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality terms in use and, by area, their mean over the customers' time at risk, in steps of each term."""

    terms: tuple[Term, ...]
    area_means: pd.DataFrame
    provider: Floats

    def steps(self, frame: pd.DataFrame, felt: Felt = ALL_OF_EIGHT) -> Floats:
        """(n, terms) quality of each row in steps; nan where less than half of the eight weeks was observed.

        A newcomer's first day with an outage of three hours is no eight weeks of three hours a day. Hours without service are
        those that are ``felt``, over eight weeks where more or less are not known; other measures are over eight.
        """
        is_seen = frame["trailing_observed_ratio"].to_numpy(dtype=float, na_value=0.0) >= LEAST_OBSERVED
        values = [(_hours(frame, felt) if t is DOWN else _trailing(frame, t)) / t.per for t in self.terms]
        steps = np.stack(values, axis=-1) if values else np.zeros((len(frame), 0))
        return np.where(is_seen[:, None], steps, np.nan)

    def other_weeks(self, frame: pd.DataFrame) -> tuple[int, ...]:
        """Over how many weeks, beside eight, ``frame`` tells hours without service."""
        return tuple(weeks for weeks in WINDOWS if DOWN in self.terms and _is_told(frame, over(weeks)))

    def lengths(self, frame: pd.DataFrame) -> tuple[int, ...]:
        """By which lengths of single outages, in hours, ``frame`` tells hours without service apart.

        A length that next to none lasted longer, or next to all, tells nothing apart; nor does one that is known of less than half of
        the customers' time.
        """
        told = [hours for hours in LENGTHS if DOWN in self.terms and over(EIGHT, hours) in frame]
        return tuple(hours for hours in told if LEAST_APART <= _share(frame, hours) <= 1 - LEAST_APART)

    def between(self, frame: pd.DataFrame) -> Floats:
        """(n, terms) the mean of each row's area; the provider's where the area is not known."""
        means = self.area_means.reindex(frame["area"]).to_numpy(dtype=float)
        return np.where(np.isnan(means), self.provider, means)


def _trailing(frame: pd.DataFrame, term: Term) -> Floats:
    """One term (n,) over the eight weeks; planned work that hours do not tell apart is 0, for all of it counts as down."""
    values = frame[TRAILING[term.name]].to_numpy(dtype=float, na_value=np.nan)
    return np.nan_to_num(values) if term is PLANNED else values


def _is_told(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and bool(frame[name].notna().any())


def _share(frame: pd.DataFrame, hours: int) -> float:
    """Of the hours without service, the share in single outages that lasted longer; 0 where there are none, or too little is known."""
    long, every = frame[over(EIGHT, hours)].to_numpy(dtype=float, na_value=np.nan), _trailing(frame, DOWN)
    known = ~np.isnan(long) & ~np.isnan(every)
    whole = float(every[known].sum())
    if known.sum() < LEAST_KNOWN * (~np.isnan(every)).sum() or whole <= 0:
        return 0.0
    return float(np.minimum(long, every)[known].sum()) / whole


def _hours(frame: pd.DataFrame, felt: Felt) -> Floats:
    """(n,) hours without service that are felt."""
    every = _over(frame, felt.weeks)
    if not felt.longer_than:
        return every
    long = np.full(len(every), np.nan)
    for name in (over(felt.weeks, felt.longer_than), over(EIGHT, felt.longer_than)):
        if name in frame:
            long = np.where(np.isnan(long), frame[name].to_numpy(dtype=float, na_value=np.nan), long)
    return felt.of(every, long)


def _over(frame: pd.DataFrame, weeks: int) -> Floats:
    """(n,) hours without service over so many weeks, and over eight where that is not known."""
    eight = _trailing(frame, DOWN)
    if weeks == EIGHT or over(weeks) not in frame:
        return eight
    own = frame[over(weeks)].to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isnan(own), eight, own)


def quality_of(weeks: pd.DataFrame) -> Quality:
    """Terms known in at least half of the time at risk, with their means by area (Mundlak 1978)."""
    days = (weeks["days_at_risk"] * weeks["weight"]).to_numpy(dtype=float)
    terms = []
    for term in TERMS:
        known = weeks[TRAILING[term.name]].notna().to_numpy()
        if days.sum() > 0 and days[known].sum() >= LEAST_KNOWN * days.sum():
            terms.append(term)
    if TRAILING[PLANNED.name] in weeks:
        hours = weeks[TRAILING[PLANNED.name]].to_numpy(dtype=float, na_value=np.nan)
        terms += [PLANNED] if is_planned(hours, days) else []
    chosen = Quality(tuple(terms), pd.DataFrame(), np.zeros(len(terms)))
    steps = chosen.steps(weeks)
    is_known = ~np.isnan(steps).any(axis=1)
    weight = np.where(is_known, days, 0.0)
    summed = pd.DataFrame(np.nan_to_num(steps) * weight[:, None]).groupby(weeks["area"].to_numpy()).sum()
    total = pd.Series(weight).groupby(weeks["area"].to_numpy()).sum()
    means = summed.div(total.where(total > 0), axis=0)
    provider = (np.nan_to_num(steps) * weight[:, None]).sum(axis=0) / max(weight.sum(), 1e-300)
    return Quality(tuple(terms), means, provider)


@dataclass(frozen=True, slots=True)
class Block:
    """Some columns of the design: their names, how they are made of a frame, and whether a weak prior steadies them."""

    names: tuple[str, ...]
    make: Callable[[pd.DataFrame], Floats]
    is_steadied: bool = True


@dataclass(frozen=True, slots=True)
class Design:
    """How customers become columns: learnt once from the weeks at risk, then the same for whoever is looked at."""

    blocks: tuple[Block, ...]
    quality: Quality

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for block in self.blocks for name in block.names)

    @property
    def is_steadied(self) -> npt.NDArray[np.bool_]:
        return np.array([block.is_steadied for block in self.blocks for _ in block.names], dtype=bool)

    def columns(self, frame: pd.DataFrame) -> Floats:
        """(n, columns) in the order of ``names``."""
        columns, place = np.empty((len(frame), len(self.names))), 0
        for block in self.blocks:
            columns[:, place : place + len(block.names)] = block.make(frame)
            place += len(block.names)
        return columns

    def places(self, prefix: str) -> npt.NDArray[np.int64]:
        """The columns whose names begin with ``prefix``, in order."""
        return np.array([i for i, name in enumerate(self.names) if name.startswith(prefix)], dtype=np.int64)


WITHIN, BETWEEN, EVERYWHERE, PERIOD = "within:", "between:", "everywhere:", "period:"


def design_of(weeks: pd.DataFrame, *, with_service: bool) -> Design:
    """The columns for these weeks.

    Quality enters as its difference from the area's own mean (``within:``, of which alone an effect is claimed) and
    as that mean (``between:``). ``with_service`` adds complaints, their answer times and survey scores, to predict.
    Without it, where an effect is asked for, the week's own mean of that difference is taken out of it and stands by
    itself (``everywhere:``): what all areas shared that week cannot be told from the calendar.
    """
    quality = quality_of(weeks)
    shared = _no_shared if with_service else _shared_by_week(quality, weeks)
    blocks = [
        Block(("constant",), lambda frame: np.ones((len(frame), 1)), is_steadied=False),
        _within(quality, shared),
        _everywhere(quality, shared, with_service),
        _between(quality),
        _periods(weeks),
        _tenure(weeks),
        _contract(weeks),
        *_prices(weeks),
        _categories(weeks, "technology"),
    ]
    if with_service:
        blocks += [_measured(weeks, name, is_log=name in COUNTED) for name in SERVICE if name in weeks]
    return Design(tuple(block for block in blocks if block.names), quality)


Shared = Callable[[pd.DataFrame], "Floats | float"]


def _no_shared(_frame: pd.DataFrame) -> float:
    return 0.0


def _shared_by_week(quality: Quality, weeks: pd.DataFrame) -> Shared:
    """Makes (n, terms): the mean over the provider of the differences from the areas' means in each row's week.

    With the areas' means this is the two-way Mundlak device (Wooldridge 2021, NBER w29154): the differences left
    vary within area and within week alone.
    """
    days = (weeks["days_at_risk"] * weeks["weight"]).to_numpy(dtype=float)
    away = quality.steps(weeks) - quality.between(weeks)
    weight = np.where(np.isnan(away).any(axis=1), 0.0, days)
    by_week = pd.DataFrame(np.nan_to_num(away) * weight[:, None]).groupby(weeks["week"].to_numpy()).sum()
    total = pd.Series(weight).groupby(weeks["week"].to_numpy()).sum()
    means = by_week.div(total.where(total > 0), axis=0).fillna(0.0)

    def shared(frame: pd.DataFrame) -> Floats:
        return np.nan_to_num(means.reindex(frame["week"].to_numpy()).to_numpy(dtype=float))

    return shared


def _everywhere(quality: Quality, shared: Shared, with_service: bool) -> Block:
    if with_service:
        return Block((), lambda frame: np.zeros((len(frame), 0)))
    return Block(tuple(EVERYWHERE + t.name for t in quality.terms), lambda frame: np.asarray(shared(frame)))


def _within(quality: Quality, shared: Shared) -> Block:
    def make(frame: pd.DataFrame) -> Floats:
        return np.nan_to_num(quality.steps(frame) - quality.between(frame) - shared(frame))

    return Block(tuple(WITHIN + t.name for t in quality.terms), make, is_steadied=False)


def _between(quality: Quality) -> Block:
    def make(frame: pd.DataFrame) -> Floats:
        return np.asarray(quality.between(frame) - quality.provider)

    return Block(tuple(BETWEEN + t.name for t in quality.terms), make)


def _periods(weeks: pd.DataFrame) -> Block:
    """A level for each four weeks, which takes up whatever hits the whole provider; the last ones are the reference."""
    if "week" not in weeks or weeks.empty:
        return Block((), lambda frame: np.zeros((len(frame), 0)))
    first = weeks["week"].min()
    count = _blocks(weeks["week"], first).max()

    def make(frame: pd.DataFrame) -> Floats:
        own = _blocks(frame["week"], first) if "week" in frame else np.full(len(frame), count)
        return (own[:, None] == np.arange(count)[None, :]).astype(float)

    names = (f"{PERIOD}{first + pd.Timedelta(weeks=BLOCK_WEEKS * i):%Y-%m-%d}" for i in range(count))
    return Block(tuple(names), make)


def _blocks(week: pd.Series, first: pd.Timestamp) -> npt.NDArray[np.int64]:
    return np.asarray((week - first).dt.days // (7 * BLOCK_WEEKS), dtype=np.int64)


def _tenure(weeks: pd.DataFrame) -> Block:
    """A restricted cubic spline of the years as a customer, straight beyond its outer knots (Harrell 2015, 2.4.5)."""
    years = weeks["tenure_days"].to_numpy(dtype=float) / 365.25
    knots = np.unique(np.quantile(years, TENURE_KNOT_SHARES)) if years.size else np.zeros(0)

    def make(frame: pd.DataFrame) -> Floats:
        return restricted_cubic_spline(frame["tenure_days"].to_numpy(dtype=float) / 365.25, knots)

    return Block(tuple(f"tenure:{i}" for i in range(max(1, knots.size - 1))), make)


def _contract(weeks: pd.DataFrame) -> Block:
    """Held by a contract, for how many more months, at what fee, or free since less than eight weeks."""
    has_fee = "termination_fee" in weeks and bool(weeks["termination_fee"].notna().any())
    has_freedom = "free_days" in weeks

    def make(frame: pd.DataFrame) -> Floats:
        known = frame["is_locked_in"].notna().to_numpy()
        held = frame["is_locked_in"].fillna(False).to_numpy(dtype=bool).astype(float)
        left = frame["lock_in_days_left"].to_numpy(dtype=float, na_value=0.0) / MONTH_DAYS
        columns = [held, 1.0 - known, held * np.minimum(left, LONGEST_MONTHS_LEFT) / 12.0]
        if has_fee:
            columns.append(held * np.nan_to_num(frame["termination_fee"].to_numpy(dtype=float, na_value=np.nan)) / 100)
        if has_freedom:
            free = frame["free_days"].to_numpy(dtype=float, na_value=np.inf)
            columns.append((free < JUST_FREE_DAYS).astype(float))
        return np.stack(columns, axis=-1)

    names = ["contract:held", "contract:unknown", "contract:years_left"]
    names += ["contract:fee"] * has_fee + ["contract:just_free"] * has_freedom
    return Block(tuple(names), make)


def _prices(weeks: pd.DataFrame) -> list[Block]:
    levels = [_measured(weeks, name) for name in ("price_gap", "monthly_price") if name in weeks]
    return [*levels, *([_price_change(weeks)] if "price_change" in weeks else [])]


def _price_change(weeks: pd.DataFrame) -> Block:
    """Whether the price rose or fell in the eight weeks before, by how much, whether just now, and whether not known.

    A rise of six and one of two need not lie on one straight line through no rise at all, nor a fall on a rise's. Each
    of the first weeks after a rise stands by itself: whoever goes for it need not go at once.
    """
    change = weeks["price_change"].to_numpy(dtype=float, na_value=0.0)
    signs = {side: sign for side, sign in (("rise", 1.0), ("fall", -1.0)) if (sign * change > 0).any()}
    has_days = "rise" in signs and "price_held_days" in weeks

    def make(frame: pd.DataFrame) -> Floats:
        own = frame["price_change"].to_numpy(dtype=float, na_value=np.nan)
        columns = [np.isnan(own).astype(float)]
        for sign in signs.values():
            size = np.nan_to_num(np.maximum(sign * own, 0.0))
            columns += [(size > 0).astype(float), size]
        if has_days:
            days = frame["price_held_days"].to_numpy(dtype=float, na_value=LONG_AGO_DAYS)
            weeks_ago = np.where(own > 0, days // 7, np.inf)
            columns += [(weeks_ago == week).astype(float) for week in range(JUST_RISEN_WEEKS)]
        return np.stack(columns, axis=-1)

    names = [f"price_change:{name}" for side in signs for name in (side, f"{side}_by")]
    names += [f"price_change:risen_{week}_weeks_ago" for week in range(JUST_RISEN_WEEKS)] * has_days
    return Block(("price_change:unknown", *names), make)


def _measured(weeks: pd.DataFrame, name: str, *, is_log: bool = False) -> Block:
    """A number as it stands or its logarithm, its mean where it is not known, and whether it is not known."""

    def read(frame: pd.DataFrame) -> Floats:
        values = frame[name].to_numpy(dtype=float, na_value=np.nan)
        return np.log1p(np.maximum(values, 0.0)) if is_log else values

    values = read(weeks)
    known = ~np.isnan(values)
    if not known.any():
        return Block((), lambda frame: np.zeros((len(frame), 0)))
    mean = float(values[known].mean())

    def make(frame: pd.DataFrame) -> Floats:
        own = read(frame)
        missing = np.isnan(own)
        return np.stack([np.where(missing, 0.0, own - mean), missing.astype(float)], axis=-1)

    return Block((name, f"{name}:unknown"), make)


def _categories(weeks: pd.DataFrame, name: str) -> Block:
    """One column for each value but the most frequent one."""
    counts = weeks[name].value_counts()
    values: Sequence[str] = sorted(counts.index[1:])

    def make(frame: pd.DataFrame) -> Floats:
        own = frame[name].astype(object).to_numpy()
        return np.stack([(own == v).astype(float) for v in values], axis=-1) if values else np.zeros((len(frame), 0))

    return Block(tuple(f"{name}:{v}" for v in values), make)
