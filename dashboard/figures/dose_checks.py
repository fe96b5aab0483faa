"""Whether departures go along each measure as its fitted effect says, in words and as bars for the pages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.figures.style import numbers, words

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

PASSES, FAILS = "passes", "fails"
LEAST_REACH, MOST_REACH = math.log(1.25), math.log(4.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """Departures of one group of customers' time; ``places`` are low, middle, high and 1 on a line of 0 to 100."""

    range: str
    observed: str
    expected: str
    ratio: str
    span: str
    is_off: bool
    places: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class DoseCheck:
    """One measure: its name, what the check says, and its groups from the best quality to the worst."""

    name: str
    sentence: str
    fails: bool
    bars: tuple[Bar, ...]


def checks(results: Results) -> list[DoseCheck]:
    """A check for each measure, those that fail first."""
    made = [_check(row, results) for row in results.dose_checks.to_dict("records")]
    return sorted(made, key=lambda one: not one.fails)


def why_withheld(results: Results, measure: str) -> str:
    """Why *What would help* has no numbers for a measure, as a clause."""
    name = words.driver(measure).name.lower()
    rows = results.dose_checks[results.dose_checks["measure"] == measure].to_dict("records")
    if rows and rows[0]["verdict"] == FAILS:
        return f"departures do not follow {name} as fitted ({_p(rows[0])})"
    return f"it could not be checked whether departures follow {name} as fitted"


def _check(row: Mapping[Any, Any], results: Results) -> DoseCheck:
    measure = str(row["measure"])
    bins = results.dose_bins[results.dose_bins["measure"] == measure].sort_values("bin").to_dict("records")
    reach = _reach(bins)
    name = words.driver(measure).name
    return DoseCheck(name, _sentence(row, bins), row["verdict"] == FAILS, tuple(_bar(one, reach) for one in bins))


def _sentence(row: Mapping[Any, Any], bins: list[dict[Any, Any]]) -> str:
    name = f"{words.driver(str(row['measure'])).name}{_longer(row)}, mean of {row['weeks']} weeks"
    if row["verdict"] == PASSES:
        return f"{name}: no deviation from the fitted relationship was found ({_p(row)})."
    if row["verdict"] != FAILS:
        return f"{name}: could not be checked, because {row['note']}."
    withdrawn = "What would help gives no numbers for it." if _may_be_promised(str(row["measure"])) else ""
    return " ".join(
        filter(
            None, [f"{name}: departures do not follow the fitted relationship ({_p(row)}).", _worst(bins), withdrawn]
        )
    )


def _longer(row: Mapping[Any, Any]) -> str:
    """Which hours without service these were; results of an earlier version do not say it."""
    hours = row.get("longer_than_hours")
    if hours is None or numbers.is_missing(hours) or not hours:
        return ""
    return f" in single outages longer than {int(hours)} hours"


def _may_be_promised(measure: str) -> bool:
    return measure not in words.BY_NAME or words.BY_NAME[measure].may_be_promised


def _worst(bins: list[dict[Any, Any]]) -> str:
    """The group that is farthest from what was expected of it, in errors."""
    told = [one for one in bins if not numbers.is_missing(one["ratio"]) and one["ratio_high"] > one["ratio"]]
    if not told:
        return ""
    worst = max(told, key=lambda one: abs(one["ratio"] - 1) / (one["ratio_high"] - one["ratio"]))
    return (
        f"The largest difference is at {_range(worst)}: {numbers.count(worst['observed'])} customers left,"
        f" {numbers.count(worst['expected'])} were expected."
    )


def _p(row: Mapping[Any, Any]) -> str:
    told = numbers.probability(row["p_value"])
    return f"p {told}" if told.startswith("<") else f"p = {told}"


def _range(one: Mapping[Any, Any]) -> str:
    """From where to where a group reaches, written as values of its measure are."""
    form = words.driver(str(one["measure"])).form
    low, high = form(one["low"], ""), form(one["high"], "")
    return low if low == high else f"{low} to {high}"


def _bar(one: Mapping[Any, Any], reach: float) -> Bar:
    ends = (one["ratio_low"], one["ratio"], one["ratio_high"])
    is_known = not any(numbers.is_missing(end) for end in ends)
    span = numbers.interval(one["ratio_low"], one["ratio_high"], lambda v: numbers.decimal(v, 2))
    return Bar(
        range=_range(one),
        observed=numbers.count(one["observed"]),
        expected=numbers.count(one["expected"]),
        ratio=numbers.rate_ratio(one["ratio"]),
        span="" if span == numbers.NONE else span,
        is_off=is_known and not ends[0] <= 1 <= ends[2],
        places=tuple(_place(end, reach) for end in (*ends, 1.0)) if is_known else None,  # type: ignore[arg-type]
    )


def _reach(bins: list[dict[Any, Any]]) -> float:
    """How far the line goes on either side of 1, as a logarithm; what lies beyond is cut at its end."""
    ends = [one[end] for one in bins for end in ("ratio_low", "ratio_high")]
    told = [abs(math.log(end)) for end in ends if not numbers.is_missing(end) and end > 0]
    return min(max(LEAST_REACH, *told), MOST_REACH) if told else LEAST_REACH


def _place(ratio: float, reach: float) -> float:
    away = math.log(ratio) / reach if ratio > 0 else -1.0
    return round(50 + 50 * max(-1.0, min(1.0, away)), 2)
