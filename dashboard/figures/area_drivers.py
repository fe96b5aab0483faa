"""What may drive an area's customers away, strongest first, and which of it is named as a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures.effects import OUTCOMES, found_terms
from dashboard.figures.style import numbers, words
from dashboard.models.statistics.interval_sides import Side, side_in

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

REASON_STANDING = 1.0

REASON_MARK, UNUSUAL_MARK, ASSOCIATED_MARK = "▲ stands out", "△ effect not proven", "◇ association"

PRICE_GAP = "price_gap"

NO_REASON = frozenset({"locked_in"})


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
        return f"effect on leaving could not be tested, {words.SEE_LOYALTY}"
    is_less = row["is_found"] and side is Side.BELOW
    return f"{'goes with less leaving (association)' if is_less else 'not shown to be related to leaving'}, {words.SEE_LOYALTY}"


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


OF_COMPLAINTS = " (complaints)"


def of_what(row: Mapping[str, Any]) -> str:
    """' (complaints)' beside a driver that was found to drive complaints and not leaving."""
    return OF_COMPLAINTS if row["is_found"] and not row["is_found_leaving"] else ""


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
