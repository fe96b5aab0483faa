"""What the results say of areas, as numbers in words: pages and reports both print these, so they cannot disagree."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures import known
from dashboard.figures.area_drivers import Driver, drivers, records
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import VERDICTS, Mark
from dashboard.models.statistics.interval_sides import Side, side_in

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

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
RATE_NAMES = {
    "leaving": "Customers who left",
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
class Finding:
    """What is said of one area."""

    area: str
    name: str
    verdict: Mark
    headline: str
    certainty: str
    local_change: str
    shared_node: str
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
        shared_node=shared_node(results, area),
        figures=_figures(row, currency),
        rates=(*(_rate(r, results.area_rates) for r in _rates_of(results, area)), *_unknown_rates(results, area)),
        drivers=drivers(results, area, currency),
        customers=int(row["customers"]),
        expected=_triple(row, "expected_leavers_90d"),
        excess=_triple(row, "excess_leavers_90d"),
    )


def headline(row: Mapping[str, Any]) -> str:
    """The finding in one sentence."""
    if row["verdict"] == "too_little_data" and numbers.is_missing(row["leavers"]):
        return f"How many will leave is not known{because(row['note'])}."
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
    if row["verdict"] == "too_little_data" and numbers.is_missing(row["leavers"]):
        return "No interval is given, because this is not known."
    if row["verdict"] == "too_little_data" or numbers.is_missing(row["excess_leavers_90d_low"]):
        return "No interval is given: it would be too wide to be useful."
    side = side_in(row, "excess_leavers_90d")
    if side is Side.UNKNOWN:
        return "How certain this is cannot be said, because the interval is not known."
    place_of = f"The excess lies {_between(row, 'excess_leavers_90d')} (95% interval)"
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


def shared_node(results: Results, area: str) -> str:
    """That more left in all areas behind the device that this one stands behind; empty where it was not found."""
    rows = results.shared_nodes
    rows = rows[(rows["area"] == area) & rows["is_found"].astype(bool)]
    return (
        "" if rows.empty else f"{_behind(records(rows)[0])} Look there first, not only in this area. {_NOT_THE_DEVICE}"
    )


def shared_nodes(results: Results) -> list[tuple[str, list[str]]]:
    """What is said of each device behind which more left, the largest ratio first, and the areas behind it."""
    rows = results.shared_nodes
    found = rows[rows["is_found"].astype(bool)].sort_values(
        ["ratio_low", "node", "area"], ascending=[False, True, True]
    )
    return [
        (_behind(records(mine)[0]), [str(area) for area in mine["area"]])
        for _, mine in found.groupby("node", sort=False)
    ]


_NOT_THE_DEVICE = "It may be the device, or anything else that its areas have in common: the numbers cannot tell which."


def _behind(row: Mapping[str, Any]) -> str:
    """That more left behind a device, by how much, and in how many of its areas."""
    more, low, high = (numbers.percent(float(row[name]) - 1.0, 0) for name in ("ratio", "ratio_low", "ratio_high"))
    areas, above = int(row["areas"]), int(row["areas_above"])
    where = (
        f"in all of its {areas} areas"
        if above == areas
        else f"in {above} of its {areas} areas, and alike but for chance in all"
    )
    return (
        f"In the last year {more} more customers behind {row['node']} left ({low} to {high}) than network, contracts, prices and the"
        f" calendar explain, {where}."
    )


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
        Figure("Left in the period analysed", _counted(row["leavers"])),
    )


def _counted(value: Any) -> str:
    return known.NOT_KNOWN if numbers.is_missing(value) else numbers.count(value)


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


def _unknown_rates(results: Results, area: str) -> tuple[Figure, ...]:
    """Rates that no area, or not this one, has because complaints, or who left of their own will, are not known."""
    why = known.first_unknown(results, "complaints", "reasons")
    if why is None and known.unknown_in(results, area, "area_complaints") is None:
        return ()
    counted = set(results.area_rates.loc[results.area_rates["area"] == area, "outcome"])
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
