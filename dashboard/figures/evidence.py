"""What the findings rest on: effects with their checks, joint tests, coverage, and what became of every row read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.figures import known
from dashboard.figures.build_dates import is_nothing
from dashboard.figures.effects import EffectSummary, effects
from dashboard.figures.style import numbers, words
from dashboard.models.statistics import clusters
from dashboard.models.statistics.interval_sides import side_of

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

KINDS: dict[str, str] = {
    "effect": "What quality does",
    "placebo": "Placebo: quality in later weeks",
    "negative_control": "Negative control",
}
WHY: dict[tuple[str, str], str] = {
    ("complaints", "placebo"): "Later quality cannot cause earlier complaints: these ratios should be about 1.",
    (
        "complaints",
        "negative_control",
    ): "Complaints about bills and prices do not depend on the network (where complaints name "
    "their customers, only those count who had not complained in the eight weeks before): these ratios should be about 1.",
    ("leaving", "negative_control"): "Moving house or being unable to pay does not depend on the network: "
    "these ratios should be about 1.",
}
MODELS: dict[str, str] = {
    "complaints": "Complaints about quality",
    "complaints_placebo": "Placebo: quality in later weeks",
    "complaints_control": "Negative control: complaints about bills and prices",
    "leaving": "Leaving by choice",
    "leaving_control": "Negative control: leaving for other reasons",
}
TABLES: dict[str, str] = {
    "customers": "Customer records",
    "spells": "Periods as a customer",
    "complaints": "Complaints",
    "nps": "Survey answers",
    "prices": "Prices",
    "areas": "Neighbourhoods",
    "devices": "Devices in the inventory over time",
    "quality_hours": "Device-hours of quality",
    "incidents": "Incidents",
    "reviews": "Public reviews",
}
JOINS: dict[str, str] = {
    "complaints": "Complaints of a customer or neighbourhood on record",
    "complainers": "Complaints of a customer on record",
    "answers": "Survey answers of a customer or neighbourhood on record",
    "answerers": "Survey answers of a customer on record",
    "devices": "Customers when the records end: behind a device that the network knows",
    "areas": "Customers when the records end: in a neighbourhood on record",
    "reasons": "Departures with a notice, or a reason that is known",
    "prices": "Customers when the records end: whose plan has a price for new ones",
}
"""How many rows name what else is on record."""


BY: dict[str, str] = {
    clusters.JACKKNIFE: ", each left out in turn (jackknife)",
    clusters.ONE_STEP: ", each left out in turn (jackknife)",
    clusters.SANDWICH: ", by how far each is from the fit (sandwich)",
}
"""How an interval was made, by the method's name in the results."""


@dataclass(frozen=True, slots=True)
class Term:
    """One ratio with its interval; ``places`` are low, middle, high and 1 on a line of 0 to 100, log-scaled."""

    name: str
    step: str
    ratio: str
    span: str
    verdict: str
    is_loud: bool
    p_value: str
    method: str
    places: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class Group:
    """The terms of one model: the effects themselves, a placebo, or a negative control."""

    title: str
    how: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that was estimated of one outcome."""

    key: str
    title: str
    summary: EffectSummary
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """What became of the rows of one input: read = used + all that was left out, each with why."""

    table: str
    read: int
    used: int
    left_out: tuple[str, ...]


def outcome(results: Results, key: str) -> Outcome:
    """Effects, placebo and negative control of ``key`` (complaints, leaving)."""
    table = results.effects[results.effects["model"].str.startswith(key)]
    reach = _reach(table.to_dict("records"))
    groups = tuple(
        Group(title, WHY.get((key, kind), ""), tuple(_term(row, reach) for row in rows.to_dict("records")))
        for kind, title in KINDS.items()
        if len(rows := table[table["kind"] == kind])
    )
    return Outcome(key, MODELS[key], effects(results, key), groups)


def _reach(rows: list[dict[Any, Any]]) -> float:
    """How far the line goes on either side of 1, as a logarithm; what lies beyond is cut at its end."""
    ends = [abs(math.log(row[end])) for row in rows for end in ("low", "high", "rate_ratio") if _is_positive(row[end])]
    return min(max(ends, default=0.1), math.log(4.0)) or 0.1


def _is_positive(value: Any) -> bool:
    return not numbers.is_missing(value) and 0 < value < math.inf


def _term(row: Mapping[Any, Any], reach: float) -> Term:
    said = words.driver(str(row["term"]))
    span = numbers.interval(row["low"], row["high"], lambda v: numbers.decimal(v, 2))
    is_found = bool(row["is_found"])
    verdict = words.verdict(is_found, side_of(row["rate_ratio"], row["low"], row["high"], none=1.0))
    if numbers.is_missing(row["p_value"]):
        verdict = words.UNTESTED
    elif row["kind"] != "effect" and verdict != words.UNTESTED:
        verdict = "fails: finds what cannot exist" if is_found else "passes"
    elif verdict == words.NOT_AFTER:
        verdict = words.NOT_PROVEN  # the page says once that p-values are corrected and intervals are not
    ends = (row["low"], row["rate_ratio"], row["high"])
    drawn = tuple(_place(v, reach) for v in (*ends, 1.0)) if all(_is_positive(v) for v in ends) else None
    return Term(
        name=said.name,
        step=words.step(str(row["term"]), float(row["per"])),
        ratio=numbers.rate_ratio(row["rate_ratio"]),
        span="" if span == numbers.NONE else span,
        verdict=verdict,
        is_loud=is_found,
        p_value=numbers.probability(row["p_adjusted"]),
        method=_method(row),
        places=drawn,  # type: ignore[arg-type]
    )


def _method(row: Mapping[Any, Any]) -> str:
    """What the interval rests on, or why there is none."""
    if not row["clusters"]:
        return str(row["method"])
    method = BY.get(str(row["method"]), f" ({row['method']})")
    return f"{numbers.count(row['clusters'])} parts of the network, taken as independent of each other{method}"


def _place(ratio: float, reach: float) -> float:
    return round(50 + 50 * max(-1.0, min(1.0, math.log(ratio) / reach)), 2)


def joint_tests(results: Results) -> list[tuple[str, str, str, str]]:
    """Model, what its test says, p-value, and F with its degrees of freedom in brackets, one row per joint test."""
    rows = []
    for row in results.joint_tests.to_dict("records"):
        model = str(row["model"])
        if numbers.is_missing(row["p_value"]):
            rows.append((MODELS.get(model, model), "could not be tested", numbers.NONE, numbers.NONE))
            continue
        degrees = f"({int(row['numerator_df'])}, {numbers.decimal(row['denominator_df'], 0)})"
        said = _joint_verdict(model, is_found=bool(row["is_found"]), is_small=bool(row["p_value"] < 0.05))
        statistic = f"{numbers.decimal(row['statistic'], 2)} {degrees}"
        rows.append((MODELS.get(model, model), said, numbers.probability(row["p_value"]), statistic))
    return rows


def _joint_verdict(model: str, *, is_found: bool, is_small: bool) -> str:
    if model not in {"complaints", "leaving"}:
        return "fails" if is_found else "passes"
    return "finds something" if is_found else "contradicts itself" if is_small else "finds nothing"


def rows_read(results: Results) -> list[Rows]:
    """What became of every row that was read, table by table."""
    counts = results.manifest.get("counts", [])
    told = []
    for table in dict.fromkeys(str(row["table"]) for row in counts):
        mine = [row for row in counts if row["table"] == table]
        used = sum(int(row["rows"]) for row in mine if row["code"] == "used")
        out = tuple(f"{numbers.count(row['rows'])} {row['text']}" for row in mine if row["code"] != "used")
        told.append(Rows(TABLES.get(table, table), sum(int(row["rows"]) for row in mine), used, out))
    return told


def coverage(results: Results) -> list[tuple[str, str]]:
    """What the build looked at: the days, the areas, the customers, how much of the time was observed."""
    manifest = results.manifest
    covered = manifest.get("coverage", {})
    last = manifest.get("last_complete", {})
    facts = [
        (
            "Period analysed",
            "none yet"
            if is_nothing(results)
            else f"{numbers.day(manifest.get('entry'))} to {numbers.day(manifest.get('cut_off'))}",
        ),
        ("Neighbourhoods", numbers.count(covered.get("areas"))),
        ("Weeks", numbers.count(covered.get("weeks"))),
        ("Customers at any time in the period analysed", numbers.count(covered.get("customers"))),
        ("Share of customer time observed", numbers.percent(covered.get("observed_ratio"))),
        *(
            (JOINS[name], f"{numbers.count(joined) if joined else 'none'} of {numbers.count(rows)}")
            for name, joined, rows in known.counts(results)
        ),
        *((f"{TABLES.get(str(k), str(k))}: complete until", numbers.day(day)) for k, day in last.items()),
        ("Version and seed", f"{manifest.get('version', numbers.NONE)}, {manifest.get('seed', numbers.NONE)}"),
    ]
    return [(name, value) for name, value in facts if value != numbers.NONE]


MODEL_NOTE = re.compile(r"(?P<model>\w+): (?:(?P<term>\w+): no estimate: )?(?P<why>.+)", re.DOTALL)


def notes(results: Results) -> list[str]:
    """What was said while the results were made: rows left out, models that could not be fitted and why.

    Models and measures have names that people read; measures of which the same is said stand in one line.
    """
    told: dict[tuple[str, str], list[str]] = {}
    for note in results.manifest.get("notes", []):
        text = str(note["text"])
        found = MODEL_NOTE.fullmatch(text)
        if found is None or found["model"] not in MODELS:
            told[text, ""] = []
            continue
        named = [words.driver(found["term"]).name] if found["term"] else []
        told.setdefault((MODELS[found["model"]], found["why"]), []).extend(named)
    return [_capital(_note(what, why, measures)) for (what, why), measures in told.items()]


def _note(what: str, why: str, measures: list[str]) -> str:
    if not why:
        return what
    of = f"no estimate for {', '.join(name[0].lower() + name[1:] for name in measures)}: " if measures else ""
    return f"{what}: {of}{why}"


def _capital(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
