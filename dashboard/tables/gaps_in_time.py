"""Weeks in which hardly any complaint is on record where the usual week has many: an export of the last days only, or a
month that was never exported. Nothing is known of such weeks; they are not weeks without complaints."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from dashboard.tables.quiet_areas import chance_of_at_most

AROUND = 52
HARDLY = 0.05
"""Up to this share of the usual week a week counts as empty: strays of another export."""
SHARE, CHANCE = 0.5, 1e-4
"""A gap is one if it would be by chance in one of ten thousand even at half of the usual rate."""
STORM = 3
"""Weeks count as no more than so many usual ones: a storm must not make quiet months look like gaps."""
END_CHANCE = 0.05
FEWEST_WEEKS = 4
LEAST_PAUSE, LONGER = 28, 3
"""What comes in waves has pauses: a gap has so many days, and is so many times as long as the second longest pause."""
WEEK = datetime.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Gap:
    """Days of which hardly any complaint is on record, and how many there are in the middle week of those with any."""

    first: datetime.date
    last: datetime.date
    usual: float
    mondays: tuple[datetime.date, ...]

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def gaps(
    per_day: Mapping[datetime.date, int], first: datetime.date, last: datetime.date, *, chance: float = CHANCE
) -> tuple[Gap, ...]:
    """The gaps between ``first`` and ``last``; whole weeks from Monday, those included into whose days a gap reaches."""
    mondays = _mondays(first, last)
    counts = [sum(per_day.get(monday + datetime.timedelta(days=day), 0) for day in range(7)) for monday in mondays]
    return tuple(
        _gap(per_day, mondays, run, median([count for count in _around(counts, run) if count]))
        for run in _empty_runs(counts)
        if (usual := _usual(counts, run)) and _is_gap(counts, run, usual, chance)
    )


def gaps_of_waves(per_day: Mapping[datetime.date, int], first: datetime.date, last: datetime.date) -> tuple[Gap, ...]:
    """The gaps of what may come in waves, as surveys do: those that are far longer than any other pause."""
    pauses = sorted(_longest_pauses(per_day, first, last))
    usual_pause = pauses[-2] if len(pauses) > 1 else 0
    found = gaps(per_day, first, last)
    return tuple(gap for gap in found if (gap.last - gap.first).days + 1 >= max(LEAST_PAUSE, LONGER * usual_pause))


def _longest_pauses(per_day: Mapping[datetime.date, int], first: datetime.date, last: datetime.date) -> list[int]:
    """Days without anything in a row, from ``first`` to ``last``."""
    days = [first - datetime.timedelta(days=1), *sorted(day for day in per_day if first <= day <= last)]
    days.append(last + datetime.timedelta(days=1))
    return [(after - before).days - 1 for before, after in pairwise(days)]


def said(found: Sequence[Gap], noun: str = "complaints", *, here: bool = False) -> str:
    """The gaps with their dates, in a sentence's first half; ``here``: of one neighbourhood."""
    usual = max(gap.usual for gap in found)
    dates = " and from ".join(str(gap) for gap in found)
    where = " there" if here else ""
    return f"no or hardly any {noun} are on record from {dates}, where about {usual:,.0f} a week are usual{where}"


def _mondays(first: datetime.date, last: datetime.date) -> list[datetime.date]:
    start = first - datetime.timedelta(days=first.weekday())
    return [start + WEEK * number for number in range(max(0, (last - start).days + 1) // 7)]


def _empty_runs(counts: Sequence[int]) -> list[range]:
    """Weeks in a row with hardly a complaint."""
    runs: list[range] = []
    for place, count in enumerate(counts):
        around = [one for one in counts[max(0, place - AROUND) : place + AROUND + 1] if one]
        if count > HARDLY * (median(around) if around else 0):
            continue
        if runs and runs[-1].stop == place:
            runs[-1] = range(runs[-1].start, place + 1)
        else:
            runs.append(range(place, place + 1))
    return runs


def _around(counts: Sequence[int], run: range) -> list[int]:
    """The weeks within a year of the run."""
    return [*counts[max(0, run.start - AROUND) : run.start], *counts[run.stop : run.stop + AROUND]]


def _usual(counts: Sequence[int], run: range) -> float:
    """Complaints of the mean week around the run, without storms; 0 where too few weeks have any."""
    around = _around(counts, run)
    if sum(count > 0 for count in around) < FEWEST_WEEKS:
        return 0.0
    most = max(1.0, STORM * median(around))
    return sum(min(count, most) for count in around) / len(around)


def _is_gap(counts: Sequence[int], run: range, usual: float, chance: float) -> bool:
    """Of all complaints of the run and around it, so few fall into the run: binomial, as the usual rate is itself a count."""
    found, weeks = sum(counts[place] for place in run), len(_around(counts, run))
    every, least = found + round(usual * weeks), SHARE * len(run)
    share = least / (least + weeks)
    if found >= share * every:
        return False
    whole = math.lgamma(every + 1)
    return (
        sum(
            math.exp(
                whole
                - math.lgamma(k + 1)
                - math.lgamma(every - k + 1)
                + k * math.log(share)
                + (every - k) * math.log1p(-share)
            )
            for k in range(found + 1)
        )
        < chance
    )


def _gap(per_day: Mapping[datetime.date, int], mondays: Sequence[datetime.date], run: range, usual: float) -> Gap:
    """With the weeks at its ends of which too many days are empty for the usual week."""
    first, last = mondays[run.start], mondays[run.stop - 1] + datetime.timedelta(days=6)
    day = datetime.timedelta(days=1)
    before, after = first, last
    while before > mondays[0] and not per_day.get(before - day):
        before -= day
    while after < mondays[-1] + datetime.timedelta(days=6) and not per_day.get(after + day):
        after += day
    first = before if chance_of_at_most(0, _of_days(first - before, usual)) < END_CHANCE else first
    last = after if chance_of_at_most(0, _of_days(after - last, usual)) < END_CHANCE else last
    touched = tuple(one for one in mondays if one + WEEK > first and one <= last)
    return Gap(first, last, usual, touched)


def _of_days(span: datetime.timedelta, usual: float) -> float:
    return max(usual * span.days / 7, 1e-9)
