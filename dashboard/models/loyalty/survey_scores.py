"""What surveys say by neighbourhood: the net promoter score with its interval, weighted, and whether it has fallen.

    NPS = 100 (p - d), p promoters (9, 10), d detractors (0 to 6); {t : (p - d - t)^2 <= z^2 (p_t + d_t - t^2) / n}
    fall: z = (s_recent - s_earlier) / sqrt(v (1/n_1 + 1/n_2)), four weeks against the four before, n_1, n_2 >= 30

p_t and d_t are the likeliest shares whose difference is t: the score interval of a difference of multinomial shares
(Tango 1998, Statistics in Medicine 17). Unlike Wald's it does not shrink to a point where all agree, and holds for few
answers; v is the variance of both samples together, as under no change. Falls are corrected over neighbourhoods
(Benjamini and Hochberg at 10%). Intervals of differences: Zou and Donner 2008 (Statistics in Medicine 27).

Weights are raked (Deming and Stephan 1940) until answers have the customers' own tenure, technology and complaints. That
assumes that within such a group who answers feels as who does not; nothing measured can test it. So bounds stand beside it
that also hold where answering depends on the score itself (``survey_selection``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, stats

from dashboard.models.loyalty import survey_selection
from dashboard.models.loyalty.survey_selection import Answering
from dashboard.models.statistics.multiplicity import benjamini_hochberg

Floats = npt.NDArray[np.float64]

PROVIDER = ""
WINDOW_WEEKS = 26
SIDE_WEEKS = 4
FEWEST_A_SIDE = 30
FALSE_SHARE = 0.10
FEWEST_OF_A_KIND = 10
LARGEST_WEIGHT = 5.0
RAKING_ROUNDS = 50
BESIDE = 1e-9
NOT_CORRECTABLE = (
    "Weights cannot correct for customers who answer because of their mood, or for another reason that is not on record"
    " (not correctable). The bounds allow for mood."
)


@dataclass(frozen=True, slots=True)
class Score:
    """A mean of -1, 0 and 1 with its 95% interval, each between -1 and 1, and the answers behind it."""

    value: float
    low: float
    high: float
    answers: float


def area_nps(answers: pd.DataFrame, customers_now: pd.DataFrame) -> pd.DataFrame:
    """Rows of the result table for every neighbourhood with customers or answers, and the provider's (blank area).

    Weeks count back from the newest answer of all. A neighbourhood with fewer than 30 answers on a side has no change.
    """
    votes = np.select([answers["score"] >= 9, answers["score"] <= 6], [1.0, -1.0], 0.0)
    frame = answers.assign(vote=votes, age=_weeks_back(answers["answered_on"]))
    frame = frame[frame["age"] < WINDOW_WEEKS]
    frame = frame.assign(weight=weights(frame, customers_now))
    areas = sorted(set(customers_now["area"]) | set(frame["area"]))
    found = answering(frame, customers_now)
    rows = [_row(PROVIDER, frame, found)] + [_row(area, frame[frame["area"] == area], found) for area in areas]
    table = pd.DataFrame(rows)
    is_area = (table["area"] != PROVIDER).to_numpy()
    p_values = table["p_value"].to_numpy(dtype=float)
    adjusted = p_values.copy()
    adjusted[is_area] = benjamini_hochberg(p_values[is_area])
    table["p_adjusted"] = adjusted
    table["is_real_fall"] = adjusted < FALSE_SHARE
    return table


def score_interval(promoters: float, detractors: float, answers: float, level: float = 0.95) -> Score:
    """The score of counts with Tango's interval; nan without answers. Counts may be fractions (effective ones)."""
    if answers <= 0:
        return Score(np.nan, np.nan, np.nan, 0.0)
    z = float(stats.norm.ppf((1 + level) / 2))
    value = (promoters - detractors) / answers

    def beyond(t: float) -> float:
        return (value - t) ** 2 * answers - z**2 * _variance_at(t, promoters, detractors, answers)

    # Where all agree the variance is 0 at the estimate itself, which is no end of the interval: one starts beside it.
    low = -1.0 if value <= -1 + BESIDE else float(optimize.brentq(beyond, -1.0, value - BESIDE))
    high = 1.0 if value >= 1 - BESIDE else float(optimize.brentq(beyond, value + BESIDE, 1.0))
    return Score(value, low, high, answers)


def _variance_at(t: float, promoters: float, detractors: float, answers: float) -> float:
    """p + d - t^2 at the likeliest p and d with p - d = t: d solves 2n d^2 + B d + C = 0 (Tango 1998, equation 7)."""
    b = -promoters - detractors + (2 * answers - promoters + detractors) * t
    c = -detractors * t * (1 - t)
    root = np.sqrt(max(b * b - 8 * answers * c, 0.0))
    d = float(np.clip((root - b) / (4 * answers), max(0.0, -t), (1 - t) / 2))
    return max(2 * d + t - t * t, 0.0)


def fall_p_value(recent: Floats, earlier: Floats) -> float:
    """One-sided p-value that votes (-1, 0, 1) have fallen, against no change; 1 where all votes are alike."""
    both = np.concatenate([recent, earlier])
    error = np.sqrt(both.var(ddof=1) * (1 / recent.size + 1 / earlier.size))
    return float(stats.norm.cdf((recent.mean() - earlier.mean()) / error)) if error > 0 else 1.0


def difference(recent: Score, earlier: Score) -> tuple[float, float, float]:
    """Recent less earlier with its interval, from the intervals of both (Zou and Donner 2008, MOVER)."""
    change = recent.value - earlier.value
    down = np.hypot(recent.value - recent.low, earlier.high - earlier.value)
    up = np.hypot(recent.high - recent.value, earlier.value - earlier.low)
    return change, change - down, change + up


def weights(answers: pd.DataFrame, customers_now: pd.DataFrame) -> Floats:
    """Weights (n,) with mean 1 that give the answers the customers' margins; nan where the customer is not known.

    Groups with fewer than ten answers join the rest of their margin; no weight exceeds five times the mean.
    """
    known = answers["tenure_days"].notna().to_numpy()
    out = np.full(len(answers), np.nan)
    if known.sum() < FEWEST_OF_A_KIND or customers_now.empty:
        return out
    margins = list(zip(_kinds(answers[known]), _kinds(customers_now), strict=True))
    raked = np.ones(int(known.sum()))
    merged = [_merged(own, whole) for own, whole in margins]
    for _ in range(RAKING_ROUNDS):
        for code, target in merged:
            share = np.bincount(code, weights=raked, minlength=target.size) / raked.sum()
            raked *= (target / np.where(share > 0, share, 1.0))[code]
        raked = np.minimum(raked / raked.mean(), LARGEST_WEIGHT)
    out[known] = raked / raked.mean()
    return out


def _kinds(frame: pd.DataFrame) -> list[npt.NDArray[np.str_]]:
    tenure = np.digitize(frame["tenure_days"].to_numpy(dtype=float), [365, 1461]).astype(str)
    technology = frame["technology"].astype(object).where(frame["technology"].notna(), "?").to_numpy().astype(str)
    complained = (frame["complaints_before"].to_numpy(dtype=float, na_value=0.0) > 0).astype(str)
    return [tenure, technology, complained]


def _merged(own: npt.NDArray[np.str_], whole: npt.NDArray[np.str_]) -> tuple[npt.NDArray[np.int64], Floats]:
    """Codes of the answers and the customers' shares by code; groups with few answers are one."""
    names, counts = np.unique(own, return_counts=True)
    kept = names[counts >= FEWEST_OF_A_KIND]

    def coded(values: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
        place = np.searchsorted(kept, values)
        is_kept = np.isin(values, kept)
        return np.where(is_kept, place, kept.size).astype(np.int64)

    codes, totals = coded(own), np.bincount(coded(whole), minlength=kept.size + 1).astype(float)
    totals[np.bincount(codes, minlength=kept.size + 1) == 0] = 0.0
    return codes, totals / max(totals.sum(), 1.0)


def _weeks_back(days: pd.Series) -> pd.Series:
    """Whole weeks before the newest answer: 0 is the last seven days."""
    return (days.max() - days).dt.days // 7 if len(days) else pd.Series(0.0, index=days.index)


def answering(answers: pd.DataFrame, customers_now: pd.DataFrame) -> Answering:
    """How much more readily the unhappy answer, from the kinds of customers who answered: one number for the provider."""
    known = answers[answers["tenure_days"].notna()]
    if len(known) < FEWEST_OF_A_KIND or customers_now.empty:
        return survey_selection.UNKNOWN
    codes, shares = _merged(_kind(known), _kind(customers_now))
    return survey_selection.answering(known["vote"].to_numpy(dtype=float), codes, shares)


def _kind(frame: pd.DataFrame) -> npt.NDArray[np.str_]:
    """Tenure, technology and complaints together."""
    tenure, technology, complained = _kinds(frame)
    return np.char.add(np.char.add(tenure, technology), complained)


def _bounds(votes: Floats, found: Answering, weighted: Score) -> tuple[float, float]:
    """The lowest and highest score that either supposition leaves, with sampling error; nan without answers."""
    if not votes.size:
        return np.nan, np.nan
    ends = [survey_selection.customers_score(votes, ratio) for ratio in (found.low, found.high)]
    ends += [(score.low, score.high) for score in (_score(votes), weighted) if score.answers]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _row(area: str, frame: pd.DataFrame, found: Answering) -> dict[str, Any]:
    votes = frame["vote"].to_numpy(dtype=float)
    whole = _score(votes)
    weighted, known = _weighted(frame)
    low, high = _bounds(votes, found, weighted)
    row: dict[str, Any] = {
        "area": area,
        "answers": votes.size,
        "promoters": int((votes > 0).sum()),
        "detractors": int((votes < 0).sum()),
        **_named("nps", whole),
        **_named("weighted_nps", weighted),
        "weighted_answers": known,
        "bounded_nps_low": 100 * low,
        "bounded_nps_high": 100 * high,
        "answering_ratio": found.likeliest,
        "answering_ratio_low": found.low,
        "answering_ratio_high": found.high,
        "not_correctable": NOT_CORRECTABLE,
    }
    return row | _change(frame["age"].to_numpy(dtype=float), votes)


def _change(age: Floats, votes: Floats) -> dict[str, Any]:
    recent, earlier = votes[age < SIDE_WEEKS], votes[(age >= SIDE_WEEKS) & (age < 2 * SIDE_WEEKS)]
    sides = _score(recent), _score(earlier)
    told: dict[str, Any] = {
        "recent_answers": recent.size,
        "recent_nps": 100 * sides[0].value,
        "earlier_answers": earlier.size,
        "earlier_nps": 100 * sides[1].value,
    }
    if min(recent.size, earlier.size) < FEWEST_A_SIDE:
        note = f"too few answers to judge a change: {FEWEST_A_SIDE} are needed in each four weeks"
        return told | dict.fromkeys(("change", "change_low", "change_high", "p_value"), np.nan) | {"note": note}
    change, low, high = difference(*sides)
    ends = {"change": 100 * change, "change_low": 100 * low, "change_high": 100 * high}
    return told | ends | {"p_value": fall_p_value(recent, earlier), "note": None}


def _score(votes: Floats) -> Score:
    return score_interval(float((votes > 0).sum()), float((votes < 0).sum()), float(votes.size))


def _weighted(frame: pd.DataFrame) -> tuple[Score, int]:
    """The weighted score, its interval at Kish's (1965) effective number of answers, and how many could be weighted."""
    known = frame[frame["weight"].notna()]
    weight, votes = known["weight"].to_numpy(dtype=float), known["vote"].to_numpy(dtype=float)
    return _weighted_score(votes, weight), votes.size


def _weighted_score(votes: Floats, weight: Floats) -> Score:
    if not votes.size:
        return score_interval(0, 0, 0)
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    promoters, detractors = (effective * float(weight[votes == v].sum() / weight.sum()) for v in (1.0, -1.0))
    return score_interval(promoters, detractors, effective)


def _named(name: str, score: Score) -> dict[str, float]:
    return {name: 100 * score.value, f"{name}_low": 100 * score.low, f"{name}_high": 100 * score.high}
