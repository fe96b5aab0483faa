"""Held or loyal: who stays by contract and who by choice, whose lock-in ends when, who suffers without complaining.

    bad_i     = any measure m: q_im > median of q_m over i's technology + one step of m
    unhappy_i = bad_i, or last score <= 6, or a quality complaint in the eight weeks before
    held_i    = a contract still binds i;  cliff_k = #{unhappy, held, lock-in ends in the k-th month from now}

``q`` is quality over the eight weeks before, a step is that of `dashboard/measures.py` (an hour down a week, 10 ms of
latency, one point of loss ...). These are counts, no estimates: it assumes that a step more than what others of the
same technology have is felt, and says nothing of who will go. Detractors: Reichheld 2003 (Harvard Business Review 81);
interval of a share: Wilson 1927 (JASA 22).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from dashboard.measures import COMPARED, DOWN, PLANNED
from dashboard.models.leaving.covariates import LEAST_OBSERVED

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

PROVIDER = ""
FEWEST_OF_A_TECHNOLOGY = 30
LARGEST_DETRACTOR = 6
CLIFF_MONTHS = 24
COMPLAINT_DAYS = 91
CLEAN_DOWN_HOURS = 5 / 60
CLEAN_STEP = 0.5
EIGHT_WEEKS = tuple(measure.trailing for measure in COMPARED)
SEVEN_DAYS = tuple(measure.column for measure in COMPARED)
"""The columns of customers_now and of quality_complaints that hold each measure."""


@dataclass(frozen=True, slots=True)
class Loyalty:
    """Rows of the result tables ``loyalty`` and ``contract_cliff``; the provider's are those with a blank area."""

    rows: pd.DataFrame
    cliff: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Standing:
    """Of each customer (n,): whether their quality could be judged, whether it is bad, whether they are unhappy."""

    is_judged: Flags
    is_bad: Flags
    is_unhappy: Flags


def loyalty(
    customers_now: pd.DataFrame,
    quality_complaints: pd.DataFrame,
    cut_off: datetime.date,
    *,
    knows_complaints: bool = True,
) -> Loyalty:
    """Count customers as of the day after the cut-off, and the complaints of the 13 weeks up to it: null where it is not
    known whose these are.

    A neighbourhood appears where it has a customer or such a complaint.
    """
    standing = standing_of(customers_now)
    marks = _marks(customers_now, standing)
    complaints = _complaints(customers_now, quality_complaints, cut_off)
    counts = _by_area(marks).join(_by_area(complaints), how="outer").fillna(0.0)
    gaps = _mean_by_area(customers_now["area"], customers_now["price_gap"].astype(float))
    rows = counts.join(gaps.rename("price_gap_mean")).rename_axis("area").reset_index()
    named = set(customers_now.loc[customers_now["complaints_before"].notna(), "area"])
    unnamed = (set(customers_now["area"]) - named) | (set() if named else {PROVIDER})
    rows.loc[rows["area"].isin(unnamed), ["silent_sufferers", "silent_sufferers_monthly_revenue"]] = np.nan
    rows.loc[rows["judged"] == 0, ["silent_sufferers", "silent_sufferers_monthly_revenue"]] = np.nan
    if not knows_complaints:
        unnamed = set(rows["area"])
    rows.loc[rows["area"].isin(unnamed), [*_OF_COMPLAINTS]] = np.nan
    rows = rows.astype(dict.fromkeys(("silent_sufferers", *_OF_COMPLAINTS), "Int64"))
    clean, judged = (
        rows[f"quality_complaints_{name}"].to_numpy(float, na_value=np.nan) for name in ("clean", "judged")
    )
    low, high = wilson(clean, judged)
    rows["clean_ratio"] = np.divide(clean, judged, out=np.full(len(rows), np.nan), where=judged > 0)
    rows = rows.assign(clean_ratio_low=low, clean_ratio_high=high)
    whole = [name for name in _COUNTS if name not in ("silent_sufferers", *_OF_COMPLAINTS)]
    return Loyalty(rows.astype(dict.fromkeys(whole, "int64")), _cliff(customers_now, standing, cut_off))


_COUNTS = (
    "customers",
    "judged",
    "held_bad",
    "held_good",
    "free_bad",
    "free_good",
    "contract_unknown",
    "unhappy",
    "unhappy_held",
    "silent_sufferers",
    "quality_complaints",
    "quality_complaints_judged",
    "quality_complaints_clean",
)


_OF_COMPLAINTS = ("quality_complaints", "quality_complaints_judged", "quality_complaints_clean")


def standing_of(customers_now: pd.DataFrame) -> Standing:
    """Judge customers by the definitions above; a measure that was not taken makes nobody's quality bad.

    Whose quality could not be judged is unhappy only by a score or a complaint; otherwise it is not known.
    """
    observed = customers_now["trailing_observed_ratio"].to_numpy(dtype=float, na_value=0.0)
    values = _steps(customers_now, EIGHT_WEEKS)
    is_judged = (observed >= LEAST_OBSERVED) & ~np.isnan(values).all(axis=1)
    usual = _usual(customers_now["technology"], np.where(is_judged[:, None], values, np.nan))
    with np.errstate(invalid="ignore"):
        is_bad = is_judged & (values > usual + 1.0).any(axis=1)
    score = customers_now["nps_score_before"].to_numpy(dtype=float, na_value=10.0)
    complained = customers_now["quality_complaints_before"].to_numpy(dtype=float, na_value=0.0) > 0
    return Standing(is_judged, is_bad, is_bad | (score <= LARGEST_DETRACTOR) | complained)


def wilson(count: npt.ArrayLike, total: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson's interval (n,), (n,) of shares; nan where the total is 0."""
    k, n = np.asarray(count, float), np.asarray(total, float)
    z = stats.norm.ppf((1 + level) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = k / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At a share of 0 or 1 the end is exact; a rounding error must not carry it beyond.
    return np.clip(middle - reach, 0.0, 1.0), np.clip(middle + reach, 0.0, 1.0)


def _steps(frame: pd.DataFrame, columns: Sequence[str]) -> Floats:
    """(n, terms) quality in steps of each term, which ``columns`` hold."""
    measured = zip(columns, COMPARED, strict=True)
    return np.stack([frame[column].to_numpy(dtype=float, na_value=np.nan) / m.per for column, m in measured], axis=-1)


def _usual(technology: pd.Series, values: Floats) -> Floats:
    """(n, terms) the median of each customer's technology; all customers' where it has few or is not known."""
    frame = pd.DataFrame(values)
    whole = frame.median().to_numpy(dtype=float)
    groups = frame.groupby(technology.astype(object).where(technology.notna(), None).to_numpy(), dropna=True)
    medians = groups.median().where(groups.count() >= FEWEST_OF_A_TECHNOLOGY)
    own = medians.reindex(technology.astype(object).to_numpy()).to_numpy(dtype=float).reshape(values.shape)
    return np.where(np.isnan(own), whole, own)


def _marks(customers: pd.DataFrame, standing: Standing) -> pd.DataFrame:
    """Area and one column per count of the customers, to be added up."""
    price = customers["monthly_price"].to_numpy(dtype=float, na_value=0.0)
    known = customers["is_locked_in"].notna().to_numpy()
    held = customers["is_locked_in"].fillna(False).to_numpy(dtype=bool)
    judged, bad, unhappy = standing.is_judged, standing.is_bad, standing.is_unhappy
    silent = bad & (customers["complaints_before"].to_numpy(dtype=float, na_value=np.nan) == 0)
    return pd.DataFrame(
        {
            "area": customers["area"].to_numpy(),
            "customers": 1.0,
            "judged": judged,
            "held_bad": judged & held & bad,
            "held_good": judged & held & ~bad,
            "free_bad": judged & known & ~held & bad,
            "free_good": judged & known & ~held & ~bad,
            "contract_unknown": judged & ~known,
            "unhappy": unhappy,
            "unhappy_held": unhappy & held,
            "unhappy_monthly_revenue": unhappy * price,
            "silent_sufferers": silent,
            "silent_sufferers_monthly_revenue": silent * price,
        }
    )


def _complaints(customers: pd.DataFrame, complaints: pd.DataFrame, cut_off: datetime.date) -> pd.DataFrame:
    """Area and marks of the recent quality complaints: whether their week was observed, whether it was clean.

    Clean: less than five minutes down, be it for planned work, and no other measure more than half a step above what the provider's middle
    customer had over the eight weeks. A measure that was not taken that week speaks against nobody.
    """
    day = pd.Timestamp(cut_off)
    recent = complaints[
        (complaints["opened_on"] > day - pd.Timedelta(days=COMPLAINT_DAYS)) & (complaints["opened_on"] <= day)
    ]
    values = _steps(recent, SEVEN_DAYS)
    usual = pd.DataFrame(_steps(customers, EIGHT_WEEKS)).median().to_numpy(dtype=float)
    limit = usual + CLEAN_STEP
    limit[COMPARED.index(DOWN)] = CLEAN_DOWN_HOURS
    observed = recent["observed_ratio"].to_numpy(dtype=float, na_value=0.0)
    is_judged = (observed >= LEAST_OBSERVED) & ~np.isnan(values).all(axis=1)
    planned = recent[PLANNED.column].to_numpy(dtype=float, na_value=0.0) if PLANNED.column in recent else 0.0
    with np.errstate(invalid="ignore"):
        is_clean = is_judged & ~(values > limit).any(axis=1) & ~(np.nan_to_num(planned) > CLEAN_DOWN_HOURS)
    return pd.DataFrame(
        {
            "area": recent["area"].to_numpy(),
            "quality_complaints": np.ones(len(recent)),
            "quality_complaints_judged": is_judged,
            "quality_complaints_clean": is_clean,
        }
    )


def _by_area(marks: pd.DataFrame) -> pd.DataFrame:
    """Sums by area, and the provider's under the blank name."""
    sums = marks.groupby("area").sum().astype(float)
    return pd.concat([sums, sums.sum().to_frame(PROVIDER).T])


def _mean_by_area(area: pd.Series, values: pd.Series) -> pd.Series:
    means = values.groupby(area).mean()
    return pd.concat([means, pd.Series({PROVIDER: values.mean()})])


def _cliff(customers: pd.DataFrame, standing: Standing, cut_off: datetime.date) -> pd.DataFrame:
    """Every area and month ahead, months without an end included; a month runs from a day to the same day of the next."""
    months = range(1, CLIFF_MONTHS + 1)
    first = pd.Timestamp(cut_off) + pd.Timedelta(days=1)
    starts = [first + pd.DateOffset(months=number) for number in range(CLIFF_MONTHS + 1)]
    left = customers["lock_in_days_left"].to_numpy(dtype=float, na_value=0.0)
    month = np.searchsorted([(start - first).days for start in starts], left, side="left")
    price = customers["monthly_price"].to_numpy(dtype=float, na_value=0.0)
    ends = pd.DataFrame(
        {
            "area": customers["area"].to_numpy(),
            "months_ahead": month,
            "ending": 1.0,
            "ending_monthly_revenue": price,
            "unhappy_ending": standing.is_unhappy.astype(float),
            "unhappy_monthly_revenue": standing.is_unhappy * price,
            "unjudged_ending": (~standing.is_judged & ~standing.is_unhappy).astype(float),
        }
    )[(month >= 1) & (month <= CLIFF_MONTHS)]
    names = [PROVIDER, *sorted(customers["area"].unique())]
    grid = pd.MultiIndex.from_product([names, months], names=["area", "months_ahead"])
    sums = pd.concat([ends.assign(area=PROVIDER), ends]).groupby(["area", "months_ahead"]).sum()
    rows = sums.reindex(grid, fill_value=0.0).reset_index()
    rows["month_starts_on"] = rows["months_ahead"].map(dict(zip(months, starts, strict=False)))
    return rows.astype(dict.fromkeys(("months_ahead", "ending", "unhappy_ending", "unjudged_ending"), "int64"))
