"""What the results say of areas, as numbers in words: pages and reports both print these, so they cannot disagree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures import known
from dashboard.figures.effects import OUTCOMES, found_terms
from dashboard.figures.style import numbers, words
from dashboard.figures.style.palette import VERDICTS, Mark
from dashboard.models.statistics.interval_sides import Side, side_in

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

REASON_STANDING = 1.0
REASON_MARK, UNUSUAL_MARK, ASSOCIATED_MARK = "▲ stands out", "△ effect not shown", "◇ association"
PRICE_GAP = "price_gap"
_FEWER = ", so fewer customers leave here than at the provider's usual rate, though with this many areas one such result can be chance"
CERTAINTY: dict[tuple[Side, bool], str] = {
    (Side.ABOVE, True): ", and this holds after correction for testing many areas",
    (Side.ABOVE, False): ", but with this many areas one such result can be chance",
    (
        Side.EITHER,
        True,
    ): ": there may be none, but at most one in ten of the areas named like this is expected to be here by chance",
    (Side.EITHER, False): ", so it may be chance",
    (Side.BELOW, True): _FEWER,
    (Side.BELOW, False): _FEWER,
}
"""What follows from where the excess lies, and from whether it was found."""
NO_REASON = frozenset({"locked_in"})
RATE_NAMES = {
    "leaving": "Customers leaving",
    "complaints_quality": "Complaints about quality",
    "complaints_all": "All complaints",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its name, its interval and, where it helps, the provider's own."""

    name: str
    value: str
    span: str = ""
    beside: str = ""

    @property
    def text(self) -> str:
        return f"{self.value} ({self.span})" if self.span and self.span != numbers.NONE else self.value


@dataclass(frozen=True, slots=True)
class Driver:
    """One thing that may drive customers away, beside the provider, and what the effect models say of it.

    ``is_found`` where more of it was found to go with more leaving or more complaints; ``is_reason`` where it also
    stands out here: only then it is named as a reason. ``is_associated`` where it was found to go with leaving without
    being a measure of quality: no proof of a cause, so never a reason.
    """

    key: str
    name: str
    value: str
    provider: str
    is_worse: bool
    stands_out: bool
    evidence: str
    is_found: bool
    is_reason: bool
    mark: str
    look_at: str
    is_associated: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one area."""

    area: str
    name: str
    verdict: Mark
    headline: str
    certainty: str
    local_change: str
    figures: tuple[Figure, ...]
    rates: tuple[Figure, ...]
    drivers: tuple[Driver, ...]
    customers: int
    expected: tuple[float, float, float] | None
    excess: tuple[float, float, float] | None


def area_names(results: Results) -> dict[str, str]:
    return dict(zip(results.areas["area"], results.areas["name"], strict=True))


def finding(results: Results, area: str, currency: str) -> Finding | None:
    """All that is said of ``area``, or None where the ranking does not know it."""
    rows = results.ranking[results.ranking["area"] == area]
    if rows.empty:
        return None
    row = {str(key): value for key, value in rows.iloc[0].to_dict().items()}
    return Finding(
        area=area,
        name=area_names(results).get(area, area),
        verdict=VERDICTS[row["verdict"]],
        headline=headline(row),
        certainty=certainty(row, results.area_count),
        local_change=local_change(results, area),
        figures=_figures(row, currency),
        rates=(*(_rate(r, results.area_rates) for r in _rates_of(results, area)), *_unknown_rates(results)),
        drivers=drivers(results, area, currency),
        customers=int(row["customers"]),
        expected=_triple(row, "expected_leavers_90d"),
        excess=_triple(row, "excess_leavers_90d"),
    )


def headline(row: Mapping[str, Any]) -> str:
    """The finding in one sentence."""
    if row["verdict"] == "too_little_data" or numbers.is_missing(row["expected_leavers_90d"]):
        return f"There is too little data to say how many will leave{because(row['note'])}."
    expected = numbers.leavers(row["expected_leavers_90d"])
    excess = row["excess_leavers_90d"]
    if numbers.is_missing(excess):
        return f"About {expected} customers are expected to leave in the next 90 days."
    beside = numbers.leavers(abs(excess))
    direction = "more" if excess >= 0 else "fewer"
    if beside in {"0.0", "0"}:
        return f"About {expected} customers are expected to leave in the next 90 days, the same as at the provider's usual rate."
    return (
        f"About {expected} customers are expected to leave in the next 90 days: "
        f"{beside} {direction} than at the provider's usual rate."
    )


def because(note: Any) -> str:
    return f": {str(note).removeprefix('too little data: ').rstrip('.')}" if isinstance(note, str) and note else ""


def certainty(row: Mapping[str, Any], areas: int) -> str:
    """How sure the finding is, in words that a manager can act on."""
    if row["verdict"] == "too_little_data" or numbers.is_missing(row["excess_leavers_90d_low"]):
        return "No interval is given: it would be too wide to be useful."
    side = side_in(row, "excess_leavers_90d")
    if side is Side.UNKNOWN:
        return "How certain this is cannot be said, because the interval is not known."
    place_of = f"The excess lies {_between(row, 'excess_leavers_90d')} with 95% probability"
    place = f"Its rank among {numbers.of(areas, 'area')} lies between {whole(row['rank_low'])} and {whole(row['rank_high'])}."
    return f"{place_of}{CERTAINTY[side, bool(row['is_found'])]}. {place}"


def local_change(results: Results, area: str) -> str:
    """That more have been leaving here for some weeks than is explained; empty where it was not found."""
    rows = results.local_changes
    rows = rows[(rows["area"] == area) & rows["is_found"].astype(bool)]
    if rows.empty:
        return ""
    row = {str(key): value for key, value in rows.iloc[0].to_dict().items()}
    span = numbers.interval(row["ratio_low"], row["ratio_high"], lambda value: numbers.decimal(value, 1))
    return (
        f"Since about {numbers.day(row['since_week'])} more customers have been leaving here than network, contracts, prices"
        f" and the calendar explain: {numbers.count(row['leavers'])} in {numbers.count(row['weeks'])} weeks, where about"
        f" {numbers.leavers(row['usual_leavers'])} were to be expected ({numbers.decimal(row['ratio'], 1)} times as many, {span})."
        " A competitor's offer would look like this. Ask those who left."
    )


def changed_areas(results: Results) -> list[str]:
    """The areas in which more have been leaving than is explained, the surest size first."""
    rows = results.local_changes
    found = rows[rows["is_found"].astype(bool)].sort_values(["ratio_low", "area"], ascending=[False, True])
    return [str(area) for area in found["area"]]


def _between(row: Mapping[str, Any], column: str) -> str:
    """'between 1.2 and 5.0', 'below 5.0', 'above 1.2', 'anywhere'."""
    low, high = float(row[f"{column}_low"]), float(row[f"{column}_high"])
    if math.isinf(low) and math.isinf(high):
        return "anywhere"
    if math.isinf(low):
        return f"below {numbers.leavers(high)}"
    return (
        f"above {numbers.leavers(low)}"
        if math.isinf(high)
        else f"between {numbers.leavers(low)} and {numbers.leavers(high)}"
    )


def whole(value: Any) -> str:
    return numbers.NONE if numbers.is_missing(value) else numbers.count(int(value))


def _figures(row: Mapping[str, Any], currency: str) -> tuple[Figure, ...]:
    return (
        Figure(
            "Expected to leave in 90 days",
            numbers.leavers(row["expected_leavers_90d"]),
            span(row, "expected_leavers_90d"),
        ),
        Figure(
            "Compared with the provider's rate", excess_text(row["excess_leavers_90d"]), span(row, "excess_leavers_90d")
        ),
        Figure("Customers", numbers.count(row["customers"])),
        Figure("Monthly revenue at risk", numbers.money(row["monthly_revenue_at_risk"], currency)),
        Figure("Rank", whole(row["rank"]), shown(rank_span(row))),
        Figure("Left in the period analysed", numbers.count(row["leavers"])),
    )


def excess_text(value: Any) -> str:
    return numbers.signed(numbers.leavers(value))


def rank_span(row: Mapping[str, Any]) -> str:
    return numbers.interval(row["rank_low"], row["rank_high"], whole)


def span(row: Mapping[str, Any], column: str) -> str:
    return shown(numbers.interval(row[f"{column}_low"], row[f"{column}_high"]))


def shown(span: str) -> str:
    return "" if span == numbers.NONE else span


def _triple(row: Mapping[str, Any], column: str) -> tuple[float, float, float] | None:
    values = (row[column], row[f"{column}_low"], row[f"{column}_high"])
    return (
        None
        if any(numbers.is_missing(v) or math.isinf(v) for v in values)
        else (float(values[0]), float(values[1]), float(values[2]))
    )


def _rates_of(results: Results, area: str) -> list[dict[str, Any]]:
    rates = results.area_rates[results.area_rates["area"] == area]
    return [row for name in RATE_NAMES for row in records(rates[rates["outcome"] == name])]


def _unknown_rates(results: Results) -> tuple[Figure, ...]:
    """Rates that no area has because complaints are not known."""
    if known.unknown(results, "complaints") is None:
        return ()
    counted = set(results.area_rates["outcome"])
    return tuple(Figure(name, known.NOT_KNOWN) for key, name in RATE_NAMES.items() if key not in counted)


def _rate(row: Mapping[str, Any], table: pd.DataFrame) -> Figure:
    """Events per 100 customers in 90 days, shrunk, beside the provider's plain rate."""
    same = table[table["outcome"] == row["outcome"]]
    days = float(same["customer_days"].sum())
    provider = float(same["events"].sum()) / days * 90 * 100 if days else None

    def hundred(value: float | None) -> str:
        return numbers.NONE if numbers.is_missing(value) else numbers.decimal((value or 0) * 100, 1)

    return Figure(
        RATE_NAMES[str(row["outcome"])],
        hundred(row["shrunk_rate_90d"]),
        shown(numbers.interval(row["shrunk_rate_90d_low"], row["shrunk_rate_90d_high"], hundred)),
        "" if provider is None else f"provider {numbers.decimal(provider, 1)}",
    )


def drivers(results: Results, area: str, currency: str) -> tuple[Driver, ...]:
    """What may drive customers away in ``area``, strongest first."""
    mine = results.area_drivers[results.area_drivers["area"] == area].sort_values("position")
    against = {outcome: found_terms(results, outcome, Side.BELOW) for outcome in OUTCOMES}
    link, unlinked = price_link_found(results), _price_not_linked(results)
    return tuple(
        _driver(row, currency, frozenset(o for o, terms in against.items() if row["driver"] in terms), link, unlinked)
        for row in records(mine)
    )


def _price_link(results: Results) -> Mapping[str, Any] | None:
    """The row of PRICE_GAPS on all plans, where it has a ratio."""
    rows = [row for row in records(results.price_gaps) if not row["plan"] and not numbers.is_missing(row["rate_ratio"])]
    return next(iter(rows), None)


def price_link_found(results: Results) -> Mapping[str, Any] | None:
    """The same where a larger gap was found to go with more leaving."""
    row = _price_link(results)
    is_above = row is not None and row["is_found"] and side_in(row, "rate_ratio", none=1.0) is Side.ABOVE
    return row if is_above else None


def _price_not_linked(results: Results) -> str:
    """What is said of price gaps that were estimated and not found to go with more leaving; empty where they were not."""
    row = _price_link(results)
    if row is None:
        return ""
    side = side_in(row, "rate_ratio", none=1.0)
    if side is Side.UNKNOWN:
        return "effect on leaving could not be tested, see Loyalty"
    is_less = row["is_found"] and side is Side.BELOW
    return f"{'goes with less leaving (association)' if is_less else 'not shown to be related to leaving'}, see Loyalty"


def no_single_reason(told: Sequence[Driver]) -> str:
    """Where no driver is a reason, which was found to matter and is worse here than at the provider, though not by much.

    ``told`` are the drivers of one area, strongest first. Empty where one is a reason, or none is worse.
    """
    nearest = nearest_reason(told)
    if nearest is None:
        return ""
    name = nearest.name[0].lower() + nearest.name[1:]
    return f"No single reason stands out; the largest is {name}: {nearest.value} here, {nearest.provider} for the provider."


def nearest_reason(told: Sequence[Driver]) -> Driver | None:
    """The strongest driver that was found to matter and is worse here without standing out; None beside a reason."""
    if any(driver.is_reason for driver in told):
        return None
    return next((d for d in told if d.is_found and d.is_worse and d.key not in NO_REASON), None)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _driver(
    row: Mapping[str, Any], currency: str, odd: frozenset[str], link: Mapping[str, Any] | None, unlinked: str
) -> Driver:
    said = words.driver(str(row["driver"]))
    stands_out, is_found = _stands_out(row), _is_found(row)
    is_price = row["driver"] == PRICE_GAP
    association = words.price_association(row, link, currency) if link and is_price else ""
    plain_mark = ASSOCIATED_MARK if association else UNUSUAL_MARK
    return Driver(
        key=str(row["driver"]),
        name=said.name,
        value=numbers.NONE if numbers.is_missing(row["value"]) else said.form(row["value"], currency),
        provider=numbers.NONE
        if numbers.is_missing(row["provider_value"])
        else said.form(row["provider_value"], currency),
        is_worse=not numbers.is_missing(row["standing"]) and bool(row["standing"] > 0),
        stands_out=stands_out,
        evidence=association or (unlinked if is_price else "") or words.evidence(row, odd),
        is_found=is_found,
        is_reason=stands_out and is_found,
        mark=(REASON_MARK if is_found else plain_mark) if stands_out else "",
        look_at=said.look_at,
        is_associated=bool(association),
    )


def reasons(results: Results, currency: str, most: int = 3) -> dict[str, list[str]]:
    """By area the drivers that stand out and whose effect was found, strongest first, as phrases."""
    return _phrases(results, currency, most, is_found=True)


def nearest(results: Results, currency: str) -> dict[str, str]:
    """By area without a reason the strongest driver that was found to matter and is worse than at the provider, as a phrase."""
    table = results.area_drivers.sort_values("position", kind="stable")
    is_found = table["is_found"].astype(bool) | table["is_found_leaving"].astype(bool)
    below = table["standing"].gt(0) & table["standing"].lt(REASON_STANDING) & is_found & table["value"].notna()
    with_reason = set(table.loc[stand_out(table, is_found=True), "area"])
    told: dict[str, str] = {}
    for row in records(table[below & ~table["area"].isin(with_reason) & ~table["driver"].isin(NO_REASON)]):
        told.setdefault(str(row["area"]), f"{words.reason(row, currency)}{of_what(row)}")
    return told


def of_what(row: Mapping[str, Any]) -> str:
    """' (complaints)' beside a driver that was found to drive complaints and not leaving."""
    return " (complaints)" if row["is_found"] and not row["is_found_leaving"] else ""


def unusual(results: Results, currency: str) -> dict[str, list[str]]:
    """By area the drivers that stand out and of which no effect was found, as phrases: no reasons."""
    link = price_link_found(results)
    return _phrases(results, currency, None, is_found=False, but=PRICE_GAP if link else "")


def associated(results: Results, currency: str) -> dict[str, str]:
    """By area whose price gap stands out: what it has to do with leaving; empty where nothing was found."""
    link, table = price_link_found(results), results.area_drivers
    if link is None:
        return {}
    chosen = table[stand_out(table, is_found=False) & table["driver"].eq(PRICE_GAP) & table["value"].notna()]
    return {
        str(row["area"]): f"{words.reason(row, currency)} {words.price_association(row, link, currency)}"
        for row in records(chosen)
    }


def _phrases(
    results: Results, currency: str, most: int | None, *, is_found: bool, but: str = ""
) -> dict[str, list[str]]:
    table = results.area_drivers.sort_values("position", kind="stable")
    told: dict[str, list[str]] = {}
    chosen = stand_out(table, is_found=is_found) & table["value"].notna() & table["driver"].ne(but)
    for row in records(table[chosen]):
        said = told.setdefault(str(row["area"]), [])
        if most is None or len(said) < most:
            said.append(f"{words.reason(row, currency)}{of_what(row)}")
    return told


def stand_out(drivers: pd.DataFrame, *, is_found: bool) -> pd.Series:
    """Which rows of AREA_DRIVERS stand out, with an effect that was found or without one."""
    stands = drivers["standing"].ge(REASON_STANDING) & ~drivers["driver"].isin(NO_REASON)
    return stands & (drivers["is_found"].astype(bool) | drivers["is_found_leaving"].astype(bool)).eq(is_found)


def _is_found(row: Mapping[str, Any]) -> bool:
    return bool(row["is_found"]) or bool(row["is_found_leaving"])


def _stands_out(row: Mapping[str, Any]) -> bool:
    """Above the provider by more than the areas' usual spread; being held by a contract keeps people, for now."""
    return (
        str(row["driver"]) not in NO_REASON
        and not numbers.is_missing(row["standing"])
        and bool(row["standing"] >= REASON_STANDING)
    )


# --- the build that it comes from ---


def cut_off(results: Results) -> str | None:
    """The last day that counts, YYYY-MM-DD."""
    value = results.manifest.get("cut_off")
    return None if value is None else str(value)


def analysed(results: Results) -> str:
    """'Analysed until 1 Nov 2026', or that there is nothing yet."""
    return "Nothing analysed yet" if is_nothing(results) else f"Analysed until {numbers.day(cut_off(results))}"


def is_nothing(results: Results) -> bool:
    """Whether records end before departures and quality are both on record, so that no day is analysed."""
    entry, end = results.manifest.get("entry"), cut_off(results)
    return bool(entry and end and str(end) < str(entry))


def lag(results: Results) -> str:
    """Why the analysis ends before the records do, and of when its network values are; results of an early version say less.

    The first input to end decides, as in the panel.
    """
    day, ends = cut_off(results), [str(end) for end in results.manifest.get("last_complete", {}).values() if end]
    if day is None:
        return ""
    if is_nothing(results):
        return (
            "There is nothing to analyse yet: one of the records ends too early. The build notes on Evidence say which."
        )
    days = (pd.Timestamp(min(ends)) - pd.Timestamp(day)).days if ends else 0
    before = (
        f", {numbers.count(days)} days before the records do, because late entries may be missing" if days > 0 else ""
    )
    return (
        f"The analysis ends on {numbers.day(day)}{before}; network values are means of the eight weeks before that day and may"
        " have changed since."
    )


def built_at(results: Results) -> datetime:
    """When the build was stored; its folder bears the stamp."""
    return datetime.strptime(results.folder.name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
