"""What findings are called and how they are said: the one place of the words that pages and reports share."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.figures.style import numbers
from dashboard.measures import MEASURES, Form, Measure
from dashboard.models.statistics.interval_sides import Side, side_of


@dataclass(frozen=True, slots=True)
class DriverWords:
    """How one driver is named, its values are written, and what would help to look at next."""

    name: str
    short: str
    form: Callable[[Any, str], str]
    look_at: str


def _hours(value: float) -> str:
    places = 0 if value == 0 else 2 if abs(value) < 1 else 1
    return f"{numbers.decimal(value, places)}{numbers.after('h/week')}"


def _money_a_month(value: float, currency: str) -> str:
    return f"{numbers.money(value, currency, 2)}/month"


FORMS: dict[Form, Callable[[Any, int], str]] = {
    "hours": lambda value, _places: _hours(value),
    "milliseconds": numbers.milliseconds,
    "percent": numbers.percent,
    "decibels": lambda value, places: f"{numbers.decimal(value, places)}{numbers.after('dB')}",
}
"""How the values of a measure are written, with how many decimals."""


def _of_measure(measure: Measure) -> DriverWords:
    said = measure.words
    return DriverWords(said.name, said.short, lambda value, _: FORMS[said.form](value, said.places), said.look_at)


BY_NAME: dict[str, Measure] = {measure.name: measure for measure in MEASURES}
DRIVERS: dict[str, DriverWords] = {
    **{name: _of_measure(measure) for name, measure in BY_NAME.items()},
    "price_gap": DriverWords(
        "Price above a new customer's",
        "Price gap",
        _money_a_month,
        "what loyal customers pay compared with the offer to new ones",
    ),
    "locked_in": DriverWords(
        "Held by a contract",
        "In contract",
        lambda v, _: numbers.percent(v, 0),
        "customers whose contract ends soon: being held is not being loyal",
    ),
}


def step(term: str, per: float) -> str:
    """What an effect's ratio is for: 'per 10 ms', 'per hour a week', 'per 10 points of load'; a step below 0 is less."""
    size, less = abs(per), " less" if per < 0 else ""
    form = BY_NAME[term].words.form if term in BY_NAME else "percent"
    if form == "hours":
        return f"per hour{less} a week" if size == 1 else f"per {numbers.decimal(size, 1)} hours{less} a week"
    if form == "milliseconds":
        return f"per {numbers.milliseconds(size, 0 if size * 1000 >= 1 else 1)}{less}"
    if form == "decibels":
        return f"per {FORMS[form](size, 0 if size >= 1 else 1)}{less}"
    points = numbers.decimal(size * 100, 0 if round(size * 100, 1).is_integer() else 1)
    return f"per point{less}" if points == "1" else f"per {points} points{less}"


def size(term: str, per: float) -> str:
    """The same step as an amount: '10 ms', '1 hour a week', '1 point'."""
    text = step(term, per).removeprefix("per ")
    return text if text[:1].isdigit() else f"1 {text}"


def odds_off(level: float) -> str:
    """How far the odds of leaving that were predicted lie from those that came true; ``level`` is the logarithm."""
    ratio = math.exp(level)
    share = numbers.percent(abs(ratio - 1), 0)
    if round(100 * abs(ratio - 1)) < 1:
        return "the odds of leaving were off by less than 1%"
    return f"the odds of leaving were in fact {share} {'higher' if level > 0 else 'lower'}"


def way(term: str) -> str:
    """Where a measure goes as it gets better."""
    return "up" if term in BY_NAME and not BY_NAME[term].is_more_worse else "down"


def driver(key: str) -> DriverWords:
    """The words of a driver; one that a later build names is shown by its own key rather than dropped."""
    name = key.replace("_", " ")
    return DRIVERS.get(key) or DriverWords(
        name.capitalize(), name.capitalize(), lambda v, _: numbers.decimal(v, 2), name
    )


def reason(row: Mapping[str, Any], currency: str) -> str:
    """One driver as a short phrase, the provider's value in brackets: 'Evening latency 62 (31) ms', 'Evening load 69% (55%)'."""
    words = driver(str(row["driver"]))
    value = words.form(row["value"], currency)
    if numbers.is_missing(row["provider_value"]):
        return f"{words.short} {value}"
    beside = words.form(row["provider_value"], currency)
    (here, unit), (there, same) = _number_and_unit(value), _number_and_unit(beside)
    is_shared = unit == same and unit != "%"
    return f"{words.short} {here} ({there}){unit}" if is_shared else f"{words.short} {value} ({beside})"


def price_association(driver: Mapping[str, Any], link: Mapping[str, Any], currency: str) -> str:
    """What was found of price gaps and leaving, and what it comes to for one area's own difference from the provider.

    ``driver`` is the area's row of AREA_DRIVERS, ``link`` the row of PRICE_GAPS on all plans: its ratio is for one unit
    of ``currency`` a month.
    """
    said = "goes with leaving (association"
    if not any(numbers.is_missing(driver[column]) for column in ("value", "provider_value")):
        excess = float(driver["value"]) - float(driver["provider_value"])
        exponent = excess * math.log(link["rate_ratio"])
        if 0 < exponent < MOST_EXPONENT:
            said += f", {numbers.rate_ratio(math.exp(exponent))} for {numbers.money(excess, currency, 2)}"
    return f"{said}), {SEE_LOYALTY}"


SEE_LOYALTY = "see Loyalty (gaps here: all customers, there: those of a year or more)"
"""Why the gap of an area's or the provider's customers is another than that on *Loyalty*."""
MOST_EXPONENT = 5.0
"""Beyond it (×148) no ratio is told: so large a difference was not among those that it was fitted to."""


def _number_and_unit(text: str) -> tuple[str, str]:
    number = text.rstrip("".join({c for c in text if not c.isdigit()}))
    return number, text[len(number) :]


def evidence(row: Mapping[str, Any], odd: frozenset[str] = frozenset()) -> str:
    """What the effect models say of one driver, with intervals, and whether it counts as found.

    ``odd`` are the outcomes of which less goes with more of it, beyond chance.
    """
    found = {"leaving": bool(row["is_found_leaving"]), "complaints": bool(row["is_found"])}
    columns = {"leaving": "leaving_rate_ratio", "complaints": "rate_ratio"}
    known = [outcome for outcome, column in columns.items() if not numbers.is_missing(row[column])]
    if not known:
        return "effect not estimated"
    if any(found[outcome] for outcome in known):
        return "; ".join(_ratio(outcome, row, columns[outcome], is_told=not found[outcome]) for outcome in known)
    said = "; ".join(_ratio(outcome, row, columns[outcome], is_told=False) for outcome in known)
    if odd:
        return f"{said}: {OTHER_WAY}"
    return f"{said}: {NOT_AFTER if any(_excludes_none(row, columns[outcome]) for outcome in known) else NOT_PROVEN}"


def _excludes_none(row: Mapping[str, Any], column: str) -> bool:
    return side_of(row[column], row[f"{column}_low"], row[f"{column}_high"], none=1.0) in {Side.ABOVE, Side.BELOW}


def _ratio(outcome: str, row: Mapping[str, Any], column: str, *, is_told: bool) -> str:
    """One ratio with its interval; ``is_told`` says beside it that it is not proven."""
    ratio = numbers.rate_ratio(row[column])
    if numbers.is_missing(row[f"{column}_low"]) or numbers.is_missing(row[f"{column}_high"]):
        return f"{outcome} {ratio}, too few areas for an interval"
    span = numbers.interval(row[f"{column}_low"], row[f"{column}_high"], lambda v: numbers.decimal(v, 2))
    if not is_told:
        return f"{outcome} {ratio} ({span})"
    return f"{outcome} {ratio} ({span}), {NOT_AFTER if _excludes_none(row, column) else NOT_PROVEN}"


FOUND, OTHER_WAY, NOT_PROVEN, UNTESTED = "found", "found, in the opposite direction", "not proven", "not tested"
NOT_AFTER = "not proven after correction for testing several measures"
"""Of an interval, which is not corrected, that leaves out ×1."""


def once(lines: Iterable[str]) -> tuple[str, ...]:
    """Lines that are read one after the other: why something is not proven is said the first time, then only that."""
    said: list[str] = []
    is_told = False
    for line in lines:
        before, mark, after = ("", "", line) if is_told else line.partition(NOT_AFTER)
        is_told = is_told or bool(mark)
        said.append(f"{before}{mark}{after.replace(NOT_AFTER, NOT_PROVEN)}")
    return tuple(said)


def verdict(is_found: bool, side: Side) -> str:
    """What is said of a ratio: found where it stands after correction and more of one goes with more of the other."""
    if side is Side.UNKNOWN:
        return UNTESTED
    if side is Side.EITHER:
        return NOT_PROVEN
    if not is_found:
        return NOT_AFTER
    return OTHER_WAY if side is Side.BELOW else FOUND
