"""The ranking as a table: one row per area with numbers to sort by and the texts that are shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dashboard.figures.area_drivers import associated, nearest, reasons, unusual
from dashboard.figures.findings import area_names, because, excess_text, rank_span, shown, span, whole
from dashboard.figures.style import numbers
from dashboard.models.statistics.interval_sides import Side, side_in

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results


NAMED = frozenset({"at_risk", "watch"})
"""Verdicts that call an area to attention."""


def ranking_rows(results: Results, currency: str) -> list[dict[str, Any]]:
    """One dict per area, best known rank first: raw numbers to sort by and the texts that are shown."""
    names, told = area_names(results), reasons(results, currency)
    below, odd, linked = nearest(results, currency), unusual(results, currency), associated(results, currency)
    table = results.ranking.sort_values("rank", na_position="last")
    rows = table.to_dict("records")
    return [_ranking_row(row, names, _reasons(row, told, below, odd, linked), currency) for row in rows]


def _ranking_row(row: Mapping[Any, Any], names: Mapping[str, str], why: str, currency: str) -> dict[str, Any]:
    area = str(row["area"])
    return {
        "area": area,
        "name": names.get(area, area),
        "rank": None if numbers.is_missing(row["rank"]) else int(row["rank"]),
        "rank_text": whole(row["rank"]),
        "rank_span": shown(rank_span(row)),
        "verdict": row["verdict"],
        "customers": int(row["customers"]),
        "customers_text": numbers.count(row["customers"]),
        "expected": _number(row["expected_leavers_90d"]),
        "expected_text": numbers.leavers(row["expected_leavers_90d"]),
        "expected_span": span(row, "expected_leavers_90d"),
        "excess": _number(row["excess_leavers_90d"]),
        "excess_low": _number(row["excess_leavers_90d_low"]),
        "excess_high": _number(row["excess_leavers_90d_high"]),
        "is_above": side_in(row, "excess_leavers_90d") is Side.ABOVE,
        "excess_text": excess_text(row["excess_leavers_90d"]),
        "excess_span": span(row, "excess_leavers_90d"),
        "revenue": _number(row["monthly_revenue_at_risk"]),
        "revenue_text": numbers.money(row["monthly_revenue_at_risk"], currency),
        "outage_minutes": _number(row["outage_minutes_per_customer"]),
        "outage_text": numbers.count(row["outage_minutes_per_customer"]),
        "reasons": why,
    }


def _reasons(
    row: Mapping[Any, Any],
    told: Mapping[str, list[str]],
    below: Mapping[str, str],
    odd: Mapping[str, list[str]],
    linked: Mapping[str, str],
) -> str:
    """The reasons; where there is none why, what is largest of an area that is named; then price, then what is unusual
    without an effect.
    """
    area = str(row["area"])
    if area not in told and row["verdict"] == "too_little_data":
        what = "Not known" if numbers.is_missing(row["leavers"]) else "Too little data"
        return f"{what}{because(row['note'])}"
    said = list(told.get(area, ()))
    if not said and row["verdict"] in NAMED and area in below:
        said.append(f"No single reason stands out; the largest is {below[area][0].lower()}{below[area][1:]}")
    if area in linked:
        said.append(linked[area])
    if area in odd:
        said.append(f"Effect not proven: {'; '.join(odd[area])}")
    return "\n".join(said) or "Nothing measured stands out"


def _number(value: Any) -> float | None:
    return None if numbers.is_missing(value) or math.isinf(value) else float(value)
