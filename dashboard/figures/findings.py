"""What the results say of areas, as numbers in words: pages and reports both print these, so they cannot disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures import numbers, words
from dashboard.figures.palette import VERDICTS, Mark

if TYPE_CHECKING:
    from dashboard.results import Results

NO_EFFECT = "No effect of quality on complaints was found."
REASON_STANDING = 1.0
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
    """One thing that may drive customers away, beside the provider, and what the effect model says of it."""

    name: str
    value: str
    provider: str
    stands_out: bool
    evidence: str
    is_found: bool
    look_at: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one area."""

    area: str
    name: str
    verdict: Mark
    headline: str
    certainty: str
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
    row = rows.iloc[0].to_dict()
    drivers = tuple(_driver(r, currency) for r in _drivers_of(results, area))
    return Finding(
        area=area,
        name=area_names(results).get(area, area),
        verdict=VERDICTS[row["verdict"]],
        headline=headline(row),
        certainty=certainty(row, len(results.ranking)),
        figures=_figures(row, currency),
        rates=tuple(_rate(r, results.area_rates) for r in _rates_of(results, area)),
        drivers=drivers,
        customers=int(row["customers"]),
        expected=_triple(row, "expected_leavers_90d"),
        excess=_triple(row, "excess_leavers_90d"),
    )


def headline(row: Mapping[str, Any]) -> str:
    """The finding in one sentence."""
    if row["verdict"] == "too_little_data" or numbers.is_missing(row["expected_leavers_90d"]):
        return f"There is too little data to say how many will leave{_because(row['note'])}."
    expected = numbers.leavers(row["expected_leavers_90d"])
    excess = row["excess_leavers_90d"]
    beside = numbers.leavers(abs(excess))
    direction = "more" if excess >= 0 else "fewer"
    if beside in {"0.0", "0"}:
        return f"About {expected} customers are expected to leave in the next 90 days, as the provider's own rate would give."
    return (
        f"About {expected} customers are expected to leave in the next 90 days: "
        f"{beside} {direction} than the provider's own rate would give."
    )


def _because(note: Any) -> str:
    return f": {str(note).removeprefix('too little data: ').rstrip('.')}" if isinstance(note, str) and note else ""


def certainty(row: Mapping[str, Any], areas: int) -> str:
    """How sure the finding is, in words that a manager can act on."""
    if row["verdict"] == "too_little_data" or numbers.is_missing(row["excess_leavers_90d_low"]):
        return "No interval is given, because any would be wider than it is useful."
    low, high = row["excess_leavers_90d_low"], row["excess_leavers_90d_high"]
    span = f"The excess lies between {numbers.leavers(low)} and {numbers.leavers(high)} with 95% probability"
    place = f"Its rank among {areas} areas lies between {_whole(row['rank_low'])} and {_whole(row['rank_high'])}."
    if row["is_found"]:
        return f"{span}, and it stands after correction for looking at many areas. {place}"
    if low > 0:
        return f"{span}, but among so many areas one such can be chance. {place}"
    return f"{span}, so chance cannot be ruled out. {place}"


def _whole(value: Any) -> str:
    return numbers.NONE if numbers.is_missing(value) else str(int(value))


def _figures(row: Mapping[str, Any], currency: str) -> tuple[Figure, ...]:
    return (
        Figure("Expected to leave in 90 days", numbers.leavers(row["expected_leavers_90d"]), _span(row, "expected_leavers_90d")),
        Figure("Beyond the provider's rate", excess_text(row["excess_leavers_90d"]), _span(row, "excess_leavers_90d")),
        Figure("Customers", numbers.count(row["customers"])),
        Figure("Monthly revenue at risk", numbers.money(row["monthly_revenue_at_risk"], currency)),
        Figure("Rank", _whole(row["rank"]), rank_span(row)),
        Figure("Left in the time observed", numbers.count(row["leavers"])),
    )


def excess_text(value: Any) -> str:
    return numbers.signed(numbers.leavers(value))


def rank_span(row: Mapping[str, Any]) -> str:
    return numbers.interval(row["rank_low"], row["rank_high"], _whole)


def _span(row: Mapping[str, Any], column: str) -> str:
    span = numbers.interval(row[f"{column}_low"], row[f"{column}_high"])
    return _shown(span)


def _shown(span: str) -> str:
    return "" if span == numbers.NONE else span


def _triple(row: Mapping[str, Any], column: str) -> tuple[float, float, float] | None:
    values = (row[column], row[f"{column}_low"], row[f"{column}_high"])
    return None if any(numbers.is_missing(v) for v in values) else (float(values[0]), float(values[1]), float(values[2]))


def _rates_of(results: Results, area: str) -> list[dict[str, Any]]:
    rates = results.area_rates[results.area_rates["area"] == area].set_index("outcome")
    return [{"outcome": name, **rates.loc[name].to_dict()} for name in RATE_NAMES if name in rates.index]


def _rate(row: Mapping[str, Any], table: pd.DataFrame) -> Figure:
    """Events per 100 customers in 90 days, shrunk, beside the provider's plain rate."""
    same = table[table["outcome"] == row["outcome"]]
    days = float(same["customer_days"].sum())
    provider = float(same["events"].sum()) / days * 90 * 100 if days else None

    def hundred(value: float | None) -> str:
        return numbers.NONE if numbers.is_missing(value) else numbers.decimal((value or 0) * 100, 1)

    span = numbers.interval(row["shrunk_rate_90d_low"], row["shrunk_rate_90d_high"], hundred)
    return Figure(
        RATE_NAMES[str(row["outcome"])],
        hundred(row["shrunk_rate_90d"]),
        "" if span == numbers.NONE else span,
        f"provider {numbers.decimal(provider, 1)}",
    )


def _drivers_of(results: Results, area: str) -> list[dict[str, Any]]:
    mine = results.area_drivers[results.area_drivers["area"] == area].sort_values("position")
    return [{str(k): v for k, v in row.items()} for row in mine.to_dict("records")]


def _driver(row: Mapping[str, Any], currency: str) -> Driver:
    said = words.driver(str(row["driver"]))
    return Driver(
        name=said.name,
        value=numbers.NONE if numbers.is_missing(row["value"]) else said.form(row["value"], currency),
        provider=numbers.NONE if numbers.is_missing(row["provider_value"]) else said.form(row["provider_value"], currency),
        stands_out=_stands_out(row),
        evidence=words.evidence(row),
        is_found=bool(row["is_found"]),
        look_at=said.look_at,
    )


def reasons(results: Results, area: str, currency: str, most: int = 3) -> list[str]:
    """The drivers in which the area stands out upwards, strongest first, as phrases."""
    rows = [row for row in _drivers_of(results, area) if _stands_out(row) and not numbers.is_missing(row["value"])]
    return [words.reason(row, currency) for row in rows[:most]]


def _stands_out(row: Mapping[str, Any]) -> bool:
    return not numbers.is_missing(row["standing"]) and bool(row["standing"] >= REASON_STANDING)


# --- the whole provider ---


@dataclass(frozen=True, slots=True)
class EffectSummary:
    """Whether quality was found to move complaints; ``details`` has one phrase per term."""

    is_found: bool
    sentence: str
    details: tuple[str, ...]
    caution: str | None


def effects(results: Results) -> EffectSummary:
    """What the effect model found, in words that its placebo and negative control allow."""
    table = results.effects
    real = table[table["kind"] == "effect"]
    failed = table[table["kind"].ne("effect") & table["is_found"]]
    noun = "association" if len(failed) else "effect"
    details = tuple(_term(row) for row in real.to_dict("records"))
    found = real[real["is_found"]]
    if found.empty:
        return EffectSummary(False, NO_EFFECT, details, None)
    names = [words.driver(term).name.lower() for term in found["term"]]
    verb = "goes with" if len(failed) else "drives"
    sentence = f"An {noun} of quality on complaints was found: {_and(names)} {verb if len(names) == 1 else verb.replace('goes', 'go').replace('drives', 'drive')} complaints."
    caution = "A check that should have found nothing found something, so this is not called an effect." if len(failed) else None
    return EffectSummary(True, sentence, details, caution)


def _term(row: Mapping[Any, Any]) -> str:
    said = words.driver(str(row["term"]))
    if numbers.is_missing(row["rate_ratio"]):
        return f"{said.name}: could not be estimated"
    step = words.step(str(row["term"]), float(row["per"]))
    ratio = numbers.rate_ratio(row["rate_ratio"])
    span = numbers.interval(row["low"], row["high"], lambda v: numbers.decimal(v, 2))
    shown = ratio if span == numbers.NONE else f"{ratio} ({span})"
    return f"{said.name}: complaints {shown} {step}{'' if row['is_found'] else ', not proven'}"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# --- the table of the ranking ---


def ranking_rows(results: Results, currency: str) -> list[dict[str, Any]]:
    """One dict per area, best known rank first: raw numbers to sort by and the texts that are shown."""
    names = area_names(results)
    table = results.ranking.sort_values("rank", na_position="last")
    return [_ranking_row(row, names, results, currency) for row in table.to_dict("records")]


def _ranking_row(row: Mapping[Any, Any], names: Mapping[str, str], results: Results, currency: str) -> dict[str, Any]:
    area = str(row["area"])
    told = reasons(results, area, currency)
    return {
        "area": area,
        "name": names.get(area, area),
        "rank": None if numbers.is_missing(row["rank"]) else int(row["rank"]),
        "rank_text": _whole(row["rank"]),
        "rank_span": _shown(rank_span(row)),
        "verdict": row["verdict"],
        "customers": int(row["customers"]),
        "expected": _number(row["expected_leavers_90d"]),
        "expected_text": numbers.leavers(row["expected_leavers_90d"]),
        "expected_span": _span(row, "expected_leavers_90d"),
        "excess": _number(row["excess_leavers_90d"]),
        "excess_low": _number(row["excess_leavers_90d_low"]),
        "excess_high": _number(row["excess_leavers_90d_high"]),
        "excess_text": excess_text(row["excess_leavers_90d"]),
        "excess_span": _span(row, "excess_leavers_90d"),
        "revenue": _number(row["monthly_revenue_at_risk"]),
        "revenue_text": numbers.money(row["monthly_revenue_at_risk"], currency),
        "outage_minutes": _number(row["outage_minutes_per_customer"]),
        "outage_text": numbers.count(row["outage_minutes_per_customer"]),
        "reasons": "\n".join(told) if told else _no_reason(row),
    }


def _no_reason(row: Mapping[Any, Any]) -> str:
    if row["verdict"] == "too_little_data":
        return f"Too little data{_because(row['note'])}"
    return "Nothing measured stands out"


def _number(value: Any) -> float | None:
    return None if numbers.is_missing(value) else float(value)


# --- the build that it comes from ---


def cut_off(results: Results) -> str | None:
    """The first day that no longer counts, YYYY-MM-DD."""
    value = results.manifest.get("cut_off")
    return None if value is None else str(value)


def built_at(results: Results) -> datetime:
    """When the build was stored; its folder bears the stamp."""
    return datetime.strptime(results.folder.name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
