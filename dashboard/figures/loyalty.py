"""Who is held and who stays by choice, in words: small areas are left out of every table here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures import known
from dashboard.figures.build_dates import cut_off
from dashboard.figures.findings import area_names
from dashboard.figures.style import numbers, words
from dashboard.figures.style.suppression import small_areas
from dashboard.measures import COMPARED, DOWN
from dashboard.models.loyalty.held_or_loyal import CLEAN_DOWN_HOURS, CLEAN_STEP
from dashboard.models.statistics.interval_sides import Side, side_in

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

SHOWN = 40
MOOD = "If mood alone decides who answers"
STRONGEST = 10.0
"""From this ratio on nothing was looked at (``answering_ratio``)."""
AT_THE_END = 1.01 / STRONGEST, STRONGEST / 1.01
REVIEW_WEEKS = 26
EXITS = {"voluntary": "of their own will", "nonpayment": "for not paying", "moved": "moved away", "other": "other"}
NO_REVIEWS = "No public reviews are on record, so no stars are shown."
TOO_FEW_ANSWERS = "too few answers to say"
NO_LINK = "was not shown to be related to"
CHANGES: dict[Side, str] = {
    Side.ABOVE: "a rise, but with many areas it can be chance",
    Side.BELOW: "a fall, but with many areas it can be chance",
    Side.EITHER: "no clear change",
}
"""What a score's change says that is no real fall."""
Row = dict[str, Any]
Line = tuple[str | None, tuple[tuple[str, str], ...]]
"""An area (None: the provider) and its cells: text and, under it, the interval or another small print."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the contract cliff: whose lock-in ends, how many of them are unhappy, and of how many that is not known."""

    starts_on: str
    ending: int
    unhappy: str
    unhappy_share: float
    unknown: str
    revenue: str
    label: str


def provider(table: pd.DataFrame) -> list[Row]:
    """The rows of the whole provider, whose area is blank."""
    return _records(table[table["area"].eq("")])


def areas(results: Results, table: pd.DataFrame, minimum: int, by: str) -> list[Row]:
    """The rows of areas that may be shown separately, most of ``by`` first."""
    small = small_areas(results, minimum)
    mine = table[table["area"].ne("") & ~table["area"].isin(small)]
    return _records(mine.sort_values([by, "area"], ascending=[False, True], na_position="last", kind="stable"))


def _records(table: pd.DataFrame) -> list[Row]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def names(results: Results) -> Mapping[str, str]:
    return area_names(results)


BY_CONTRACT = ("held_bad", "free_bad", "free_good")
NOT_AMONG_THEM = "Customers of neighbourhoods whose complaints are not known are not among them."
COMPLAINTS_IN_PART = ("area_complaints", "area_complainers", "area_complaint_weeks")


def headline(results: Results, currency: str) -> list[str]:
    """The provider in sentences."""
    rows = provider(results.loyalty)
    if not rows:
        return []
    row = rows[0]
    if not row["judged"]:
        return ["Whose quality is bad is not known: no customer's connection was observed."]
    whose, answered = known.unknown(results, "complainers"), known.unknown(results, "answerers")
    signs = [
        "bad quality",
        *([] if answered else ["a last score below 7"]),
        *([] if whose else ["a complaint about quality in eight weeks"]),
    ]
    said = [
        *_by_contract(
            row,
            f"Of {numbers.count(row['judged'])} customers at the end of {numbers.day(cut_off(results))} whose connection was observed",
        ),
        f"{numbers.count(row['unhappy'])} are unhappy ({_or(signs)}) and pay "
        f"{numbers.money(row['unhappy_monthly_revenue'], currency)} a month"
        + (
            "."
            if _knows_no_contract(row)
            else f"; {numbers.count(row['unhappy_held'])} of them are bound by a contract."
        ),
    ]
    if not numbers.is_missing(row["silent_sufferers"]):
        said.append(
            f"{numbers.count(row['silent_sufferers'])} have bad quality and have not complained in eight weeks (silent "
            f"sufferers); they pay {numbers.money(row['silent_sufferers_monthly_revenue'], currency)} a month."
        )
        said += [NOT_AMONG_THEM] if known.is_unknown_somewhere(results, *COMPLAINTS_IN_PART) else []
    if unseen := int(row["customers"]) - int(row["judged"]):
        said.append(
            f"Whose quality is bad is not known for {numbers.count(unseen)} of {numbers.count(row['customers'])} customers: "
            f"their connection was observed for less than half of the eight weeks, as that of new customers. {_unjudged(signs[1:])}"
        )
    if whose is not None:
        said.append(f"How many suffer without complaining is not known. {whose}")
    if answered is not None and known.unknown(results, "answers") is None:
        said.append(answered)
    if not numbers.is_missing(row["clean_ratio"]):
        span = numbers.interval(row["clean_ratio_low"], row["clean_ratio_high"], lambda v: numbers.percent(v, 0))
        said.append(
            f"{numbers.percent(row['clean_ratio'], 0)} ({span}) of {_complaints_judged(row)} came from customers whose "
            f"connection was fine in the seven days before; the cause may lie in their homes. {fine_connection()}"
        )
    return said


def _by_contract(row: Row, of: str) -> list[str]:
    """How many are held, and how many are loyal, as far as contracts are on record; ``of`` begins the first sentence."""
    if _knows_no_contract(row):
        return [
            f"{of}, it is not known who is bound by a contract and who is free to leave: the records hold no contract of theirs "
            "(contract_until)."
        ]
    said = [
        f"{of}, {numbers.count(row['held_bad'])} have bad quality and are bound by a contract: that they stay does not show that "
        f"they are loyal. {numbers.count(row['free_good'])} have good quality, are free to leave, and stay.",
        f"{numbers.count(row['free_bad'])} have bad quality and are free to leave.",
    ]
    if unknown := int(row["contract_unknown"]):
        said.append(
            f"Of {numbers.count(unknown)} of them it is not known whether a contract binds them; none of these numbers counts them."
        )
    return said


def _knows_no_contract(row: Row) -> bool:
    """Whether of no customer whose connection was observed it is known if a contract binds them."""
    return bool(row["judged"]) and row["contract_unknown"] == row["judged"]


def _unjudged(signs: list[str]) -> str:
    """How customers whose quality is not known are counted; ``signs`` are what else shows that somebody is unhappy."""
    return f"They count as unhappy only by {_or(signs)}." if signs else "None of them counts as unhappy."


def _complaints_judged(row: Row) -> str:
    """The complaints whose share with a fine connection is told, and how many that leaves out."""
    every, judged = int(row["quality_complaints"]), int(row["quality_complaints_judged"])
    which = f"the {numbers.count(judged)} complaints about quality of the last 13 weeks"
    return f"{which} that could be judged (of {numbers.count(every)})" if judged < every else which


def fine_connection() -> str:
    """What a fine connection is, in a sentence: the rule of `held_or_loyal.py` for the week of a complaint."""
    others = [
        f"{words.size(m.name, m.per * CLEAN_STEP)} of {words.driver(m.name).name.lower()}"
        for m in COMPARED
        if m is not DOWN
    ]
    minutes = numbers.count(CLEAN_DOWN_HOURS * 60)
    return (
        f"Fine: without service for {minutes} minutes or less, planned work included, and not worse than the provider's middle customer"
        f" of the last eight weeks by more than {_or(others)}."
    )


def bad_quality(results: Results) -> str:
    """What is meant by bad quality, in a sentence: the rule of `held_or_loyal.py`."""
    worse = [f"{words.size(m.name, m.per)} of {words.driver(m.name).name.lower()}" for m in COMPARED]
    until = numbers.day(cut_off(results))
    return (
        f"Quality is called bad where at least one measure was, over the eight weeks up to {until}, worse than that of the middle"
        f" customer of the same technology by more than {_or(worse)}."
    )


def _or(parts: list[str]) -> str:
    return " or ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def held_rows(results: Results, minimum: int) -> list[Line]:
    """By area: held with bad quality, free with bad quality, free with good quality, silent sufferers, customers.

    Where no customer's quality was observed, nobody knows whose is bad; where no contract is on record, who is held.
    """
    columns = ("held_bad", "free_bad", "free_good", "silent_sufferers", "judged")
    return [
        (row["area"], tuple((_judged(row, column), "") for column in columns))
        for row in areas(results, results.loyalty, minimum, "held_bad")[:SHOWN]
    ]


def _judged(row: Row, column: str) -> str:
    if numbers.is_missing(row[column]) or (not row["judged"] and column != "judged"):
        return known.NOT_KNOWN
    if column in BY_CONTRACT and _knows_no_contract(row):
        return known.NOT_KNOWN
    return numbers.count(row[column])


def cliff(results: Results, currency: str) -> list[Month]:
    """The provider's contract cliff, month by month."""
    months = []
    for row in sorted(provider(results.contract_cliff), key=lambda row: int(row["months_ahead"])):
        start = numbers.day(row["month_starts_on"])
        revenue = numbers.money(row["unhappy_monthly_revenue"], currency)
        ending, unhappy = int(row["ending"]), int(row["unhappy_ending"])
        open_still = 0 if numbers.is_missing(row["unjudged_ending"]) else int(row["unjudged_ending"])
        unknown = f"{known.NOT_KNOWN} for {numbers.count(open_still)}" if open_still else ""
        label = f"month from {start}: {numbers.count(ending)} contracts end, {numbers.count(unhappy)} of unhappy customers who pay {revenue} a month"
        label += f", {unknown}" if unknown else ""
        share = unhappy / ending if ending else 0.0
        if open_still and open_still == ending:
            months.append(Month(start, ending, known.NOT_KNOWN, share, "", numbers.NONE, label))
        else:
            months.append(Month(start, ending, numbers.count(unhappy), share, unknown, revenue, label))
    return months


def cliff_how(results: Results) -> str:
    """What the contract cliff shows, and on which day its customers were unhappy."""
    until = numbers.day(cut_off(results))
    return (
        f"Contracts on record at the end of {until}, by the month in which they end, as far as 24 months ahead. The first part of"
        " each bar: contracts of customers who were unhappy on that day; the rest: all others, those of whom it is not known among"
        " them. Who of them will leave is not predicted here."
    )


def nps_rows(results: Results, minimum: int) -> list[Line]:
    """By area, the lowest score first: score, weighted, its bounds, change over four weeks, what that says, answers."""
    rows = provider(results.area_nps) + areas(results, results.area_nps, minimum, "nps")[::-1]
    told: list[Line] = []
    for row in rows[: SHOWN + 1]:
        text = change(row)
        is_said_below = text == TOO_FEW_ANSWERS and not numbers.is_missing(row["note"])
        said = (numbers.NONE if is_said_below else text, "")
        bounds = (numbers.interval(row["bounded_nps_low"], row["bounded_nps_high"], _whole), "")
        cells = (_with(row, "nps"), _with(row, "weighted_nps"), bounds, _with(row, "change"), said)
        answers = (numbers.count(row["answers"]), "")
        told.append((row["area"] or None, (*cells, answers, _stars(results, row["area"] or None))))
    return told


def change(row: Mapping[str, Any]) -> str:
    """What is said of a score's change in four weeks."""
    side = side_in(row, "change")
    if side is Side.UNKNOWN:
        return TOO_FEW_ANSWERS
    if row["is_real_fall"] and row["change"] < 0:
        return "a clear fall"
    return CHANGES[side]


def why_too_few(results: Results) -> str:
    """Why no change is told of some, in a sentence, as the build said it; empty where it is told of all."""
    notes = results.area_nps["note"].dropna().unique()
    return " ".join(f"{note[:1].upper()}{note[1:]}." for note in map(str, notes))


def reviews(results: Results) -> str:
    """What public reviews say of the provider, in a sentence, or that none is on record; empty in builds that counted no rows."""
    read = [row for row in results.manifest.get("counts", []) if row["table"] == "reviews"]
    if not read:
        return NO_REVIEWS if results.manifest.get("counts") else ""
    mean, count = _stars(results, None)
    nowhere = sum(int(row["rows"]) for row in read if row["code"] == "area_not_given")
    said = f"Public reviews of the last {REVIEW_WEEKS} weeks: "
    said += f"{mean} of 5 stars on average in {count}." if count else "none that name a neighbourhood."
    said += (
        f" {numbers.count(nowhere)} of all reviews on record name no neighbourhood and are not counted."
        if nowhere
        else ""
    )
    return f"{said} People who write reviews are not a representative sample, so reviews are shown beside the survey and nothing is estimated from them."


def _stars(results: Results, area: str | None) -> tuple[str, str]:
    """Mean stars of the last half year of an area's (None: all areas') reviews, and how many there were."""
    weeks = results.area_weeks
    weeks = weeks[(weeks["week"] > weeks["week"].max() - pd.Timedelta(weeks=REVIEW_WEEKS)) & (weeks["reviews"] > 0)]
    mine = weeks if area is None else weeks[weeks["area"] == area]
    count = int(mine["reviews"].sum())
    if not count:
        return numbers.NONE, ""
    mean = float((mine["review_rating_mean"].astype(float) * mine["reviews"].astype(float)).sum()) / count
    return numbers.decimal(mean, 1), f"{numbers.count(count)} review{'' if count == 1 else 's'}"


def not_correctable(results: Results) -> str:
    """What weighting the answers cannot correct, in words."""
    rows = provider(results.area_nps)
    return str(rows[0]["not_correctable"]) if rows else ""


def who_answers(results: Results) -> str:
    """Whether the unhappy answer more readily, and what that leaves of the score, in words; empty where it was not asked."""
    row = next(iter(provider(results.area_nps)), None)
    if row is None or numbers.is_missing(row["bounded_nps_low"]):
        return ""
    between = numbers.interval(row["bounded_nps_low"], row["bounded_nps_high"], _whole)
    low, likeliest, high = (row[f"answering_ratio{end}"] for end in ("_low", "", "_high"))
    is_open = low <= AT_THE_END[0] or high >= AT_THE_END[1]
    most = ", and if nobody answers more than ten times as readily as others" if is_open else ""
    said = f"Depending on why customers answer{most}, the provider's score lies within {between}. "
    if numbers.is_missing(likeliest) or (low <= AT_THE_END[0] and high >= AT_THE_END[1]):
        return f"{said}Whether unhappy customers answer more readily than happy ones is not known."
    if low > 1:
        return f"{said}{MOOD}, unhappy customers answer {_times(likeliest)} times as readily as happy ones ({_times(low)} to {_times(high)})."
    if high < 1:
        span = f"{_times(1 / high)} to {_times(1 / low)}"
        return (
            f"{said}{MOOD}, happy customers answer {_times(1 / likeliest)} times as readily as unhappy ones ({span})."
        )
    span = f"{_times(low)} to {_times(high)} times as readily"
    return f"{said}{MOOD}, unhappy customers were not seen to answer more or less readily than happy ones ({span})."


def _times(ratio: float) -> str:
    """How many times as readily; at an end of what was looked at it may be any number beyond."""
    if ratio >= AT_THE_END[1]:
        return f"{numbers.decimal(STRONGEST, 0)} or more"
    return f"{numbers.decimal(1 / STRONGEST, 1)} or less" if ratio <= AT_THE_END[0] else numbers.decimal(ratio, 1)


def _whole(value: Any) -> str:
    return numbers.decimal(value, 0)


def _with(row: Row, column: str, places: int = 0) -> tuple[str, str]:
    """A value and its interval."""
    span = numbers.interval(row[f"{column}_low"], row[f"{column}_high"], lambda v: numbers.decimal(v, places))
    return numbers.decimal(row[column], places), "" if span == numbers.NONE else span


def price_rows(results: Results, currency: str, minimum: int) -> tuple[list[list[str]], str]:
    """By plan with enough customers what loyal ones pay beyond new ones; and what the gap does to leaving, in words."""
    rows = _records(results.price_gaps)
    shown = [
        [
            str(row["plan"]) or "All plans",
            numbers.count(row["loyal_customers"]),
            numbers.money(row["loyal_price_mean"], currency, 2),
            numbers.money(row["new_price_mean"], currency, 2),
            numbers.money(row["gap_mean"], currency, 2),
            numbers.percent(row["paying_more_ratio"], 0),
        ]
        for row in rows
        if not row["plan"] or int(row["loyal_customers"]) >= minimum
    ]
    if (why := known.unknown(results, "prices")) is not None:
        return [], why
    every = next((row for row in rows if not row["plan"]), None)
    if every is None:
        return shown, "Prices for new customers are not on record, so price gaps cannot be computed."
    if numbers.is_missing(every["rate_ratio"]):
        return shown, known.unknown(results, "reasons") or str(
            every["note"] or "Whether the gap affects leaving could not be estimated."
        )
    note = str(every["note"] or "")
    said = f"{price_link(every, numbers.money(1, currency))}."
    return shown, f"{said} {note[:1].upper()}{note[1:].rstrip('.')}." if note else said


def price_link(row: Mapping[str, Any], unit: str) -> str:
    """What ``unit`` a month above a new customer's price has to do with leaving."""
    span = numbers.interval(row["rate_ratio_low"], row["rate_ratio_high"], lambda v: numbers.decimal(v, 3))
    ratio = f"×{numbers.decimal(row['rate_ratio'], 3)}" + (f", {span}" if span != numbers.NONE else "")
    side = side_in(row, "rate_ratio", none=1.0)
    way = {Side.ABOVE: "goes with", Side.BELOW: "goes with less", Side.UNKNOWN: "could not be tested against"}
    said = way.get(side, NO_LINK) if row["is_found"] or side is Side.UNKNOWN else NO_LINK
    return f"{unit} a month above a new customer's price {said} leaving ({ratio})"


def returner_rows(results: Results, minimum: int) -> list[list[tuple[str, str]]]:
    """By reason of leaving, for the provider: departures, came back, to the same area, rate, days away."""
    told = []
    for row in provider(results.returners):
        if int(row["departures"]) < minimum:
            continue
        rate = _with(row, "returns_per_100_gone_years", 1)
        middle = row["gap_days_median"]
        days = (numbers.count(middle), "" if numbers.is_missing(middle) else "median")
        counts = [(numbers.count(row[c]), "") for c in ("departures", "returned", "returned_here")]
        reason = str(EXITS.get(row["exit_reason"], "all"))
        told.append([(reason, ""), *counts, rate, days])
    return told
