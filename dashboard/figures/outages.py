"""What outages did, in words and numbers: by the weeks that followed, and as a second look against matched areas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dashboard.figures.style import numbers
from dashboard.models.statistics.interval_sides import Side, side_in

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

BY_WEEKS = "following_weeks"
OUTCOMES = {"complaints_quality": "Complaints about quality", "leaving": "Leaving"}
MORE = {"complaints_quality": "more complaints about quality came from", "leaving": "more left of"}
FEWER_OF = {"complaints_quality": "fewer complaints about quality came from", "leaving": "fewer left of"}
KINDS = ("over_4h", "under_4h", "all", "planned")
SIZES = {
    "over_4h": "over 4 h a week",
    "under_4h": "up to 4 h a week",
    "small": "under 1 h",
    "medium": "1 to 4 h",
    "large": "4 h and more",
    "all": "all",
}
SMALL_TO_LARGE = {"small": "under 1 h", "medium": "from 1 to 4 h", "large": "from 4 h on"}
AFTER = {
    "over_4h": "a week with more than four hours without service",
    "under_4h": "a week with up to four hours without service",
    "all": "a week with time without service",
    "planned": "a week with planned work",
}
PLANNED = "planned work"
VERDICTS = {
    "found": "found",
    "not_found": "not found",
    "too_small": "too few to say",
    "too_early": "too early to say",
    "no_match": "no area to compare with",
    "no_answer": "no answer",
    "not_separable": "cannot be separated from other measures",
}
FEWER = "found, but fewer than expected"
Cell = tuple[str, str]
Row = dict[str, Any]


def verdict(row: Mapping[str, Any]) -> str:
    """What is said of an outage's excess; one that was found may also lie below what was expected."""
    if row["verdict"] == "found" and (numbers.is_missing(row["excess"]) or not row["excess"] > 0):
        return FEWER
    return VERDICTS.get(str(row["verdict"]), str(row["verdict"]))


def known_from(results: Results) -> str:
    """From which records the outages are known, as the build said it; empty where it did not."""
    notes = {note["code"]: str(note["text"]) for note in results.manifest.get("notes", [])}
    return " ".join(notes[code] for code in ("incidents_unread", "outages_known_from") if code in notes)


def sentences(results: Results) -> list[str]:
    """One sentence for each outcome and kind: what followed, or why that is not known."""
    return [_sentence(row) for row in _by_weeks(results)]


def _by_weeks(results: Results) -> list[Row]:
    """Rows of the study by the weeks that follow, of what there was any of: leaving first, the longest outages first."""
    table = results.incident_effects
    rows = [row for row in _records(table[table["is_pooled"]]) if row["design"] == BY_WEEKS and row["outages"]]
    return sorted(rows, key=lambda row: (row["outcome"] != "leaving", KINDS.index(_kind(row))))


def _kind(row: Mapping[str, Any]) -> str:
    return str(row["outage"]).removeprefix("pooled:")


def _records(table: Any) -> list[Row]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _sentence(row: Row) -> str:
    after, outcome = AFTER[_kind(row)], str(row["outcome"])
    about = OUTCOMES[outcome].lower()
    if row["verdict"] == "no_answer":
        return f"What {after} does to {about} is not known: {row['note']}."
    column, of = _told_by(row)
    span = numbers.interval(row[f"{column}_low"], row[f"{column}_high"], lambda v: numbers.decimal(v, 1))
    if row["verdict"] == "too_small":
        least = _detectable(row, column)
        return f"After {after} only a change of {least} or more of {of} could have been seen in {about}: too few to say ({span})."
    side, weeks = side_in(row, column), f"in that week and the {int(row['weeks_after'])} after it"
    note = "" if numbers.is_missing(row["note"]) else f" {row['note']}"
    if row["verdict"] == "found" and side in (Side.ABOVE, Side.BELOW):
        words = MORE if side is Side.ABOVE else FEWER_OF
        size = numbers.decimal(abs(row[column]), 1)
        return f"After {after}{_hours(row)} about {size} {words[outcome]} {of} {weeks} ({span}).{note}"
    return f"After {after}{_hours(row)} no change in {about} was found {weeks}: {span} of {of}.{note}"


def _told_by(row: Row) -> tuple[str, str]:
    """The column that is told, and of whom; for each hour where it is not known who was without service."""
    if numbers.is_missing(row["excess_per_1000"]):
        return "excess_per_1000_hours", "1,000 customers, for each hour,"
    return "excess_per_1000", "1,000 customers"


def _hours(row: Row) -> str:
    if numbers.is_missing(row["hours_each"]):
        return ""
    return f" ({numbers.decimal(row['hours_each'], 1)} hours on average)"


def _detectable(row: Row, column: str) -> str:
    if numbers.is_missing(row["excess"]) or not row["excess"]:
        return "some size"
    return numbers.decimal(abs(row["smallest_detectable"] * row[column] / row["excess"]), 1)


def rows(results: Results) -> list[list[Cell]]:
    """By the weeks that follow: outcome, length, weeks, excess per 1,000, usual per 1,000, in all, verdict.

    What those who left paid is not told: no page gives amounts of money for effects (decision 0668).
    """
    told = []
    for row in _by_weeks(results):
        usual = 1000 * row["expected"] / row["customers"] if row["customers"] else None
        told.append(
            [
                *_what(row),
                (numbers.count(row["outages"]), ""),
                _with(row, _told_by(row)[0], 1),
                (numbers.decimal(usual, 1), ""),
                _with(row, "excess", 0),
                (verdict(row), _p(row)),
            ]
        )
    return told


def matched_rows(results: Results) -> list[list[Cell]]:
    """Against matched areas, where any was: outcome, size, outages, excess, per 1,000, verdict."""
    table = results.incident_effects
    told = []
    for row in _records(table[table["is_pooled"]]):
        if row["design"] != BY_WEEKS and not numbers.is_missing(row["excess"]):
            excess = (_with(row, "excess", 1), _with(row, "excess_per_1000", 1))
            told.append([*_what(row), (numbers.count(row["outages"]), ""), *excess, (verdict(row), _p(row))])
    return told


def compared(results: Results) -> list[str]:
    """How many of the outages on record the second look counts, and for each outcome how it goes with the first; a line each.

    Empty where it counts none.
    """
    table = results.incident_effects
    second = table[(table["kind"] == "outage") & (table["design"] != BY_WEEKS)]
    episodes = int(second.loc[~second["is_pooled"], "outage"].nunique())
    pooled = [row for row in _records(second[second["is_pooled"]]) if row["outages"]]
    every = [row for row in pooled if row["size"] == "all"]
    if not every or not episodes:
        return []
    counts = " and ".join(_counts(row, [one for one in pooled if one["outcome"] == row["outcome"]]) for row in every)
    said = [
        f"Outages of one neighbourhood within eight weeks are taken together, which leaves {numbers.count(episodes)}."
        f" Of these can be compared: {counts}."
    ]
    return [*said, *(text for row in every if (text := _beside(results, row, episodes)))]


def _counts(every: Row, pooled: list[Row]) -> str:
    by_size = {row["size"]: numbers.count(row["outages"]) for row in pooled}
    sizes = [f"{by_size[size]} {words}" for size, words in SMALL_TO_LARGE.items() if size in by_size]
    about = OUTCOMES[every["outcome"]].lower()
    return f"{numbers.count(every['outages'])} for {about}" + (f" ({', '.join(sizes)})" if sizes else "")


def _beside(results: Results, second: Row, episodes: int) -> str:
    """Which of two answers on one outcome counts, where either found something; blank where neither did."""
    table = results.incident_effects
    firsts = [row for row in _records(table[table["outage"] == "pooled:all"]) if row["outcome"] == second["outcome"]]
    if not firsts or numbers.is_missing(second["excess"]) or "found" not in (firsts[0]["verdict"], second["verdict"]):
        return ""
    about = OUTCOMES[second["outcome"]].lower()
    used = f"{numbers.count(second['outages'])} of {numbers.count(episodes)} outages"
    if firsts[0]["verdict"] in ("no_answer", "too_small"):
        return f"For {about} the first table has no answer; what the second look found rests on {used}."
    if firsts[0]["verdict"] != "found":
        return f"For {about} the first table counts, which has more outages: take what the second look found as a hint."
    told = f"For {about} the first table counts: the second look uses {used}"
    here = _by_the_first(results, firsts[0], second)
    if here is None:
        return f"{told}."
    told += f". By the first, about {numbers.decimal(here)} more would be expected in these"
    if not second["excess_low"] <= here <= second["excess_high"]:
        return f"{told}; the second look's interval does not contain that, so the size is uncertain."
    if second["verdict"] == "found":
        return f"{told}, which agrees with the second look."
    is_small = abs(here) < second["smallest_detectable"]
    small = "it is too small to see an effect of this size and " if is_small else "it "
    return f"{told}; the second look's interval contains that: {small}does not contradict."


def _by_the_first(results: Results, first: Row, second: Row) -> float | None:
    """What the first study expects of the second's outages, hour for hour and over as many weeks; None where that is not known."""
    table, last = results.incident_weeks, second["weeks_after"]
    if numbers.is_missing(last) or numbers.is_missing(second["customer_minutes"]):
        return None
    own = table[(table["size"] == "all") & (table["outcome"] == second["outcome"])]
    weeks = own[(own["weeks_since"] >= 0) & (own["weeks_since"] <= int(last))]
    if len(weeks) <= int(last):
        return None
    each = 1.0 if numbers.is_missing(first["hours_each"]) else float(first["hours_each"])
    return float(weeks["excess_per_1000"].sum()) / each / 1000 * float(second["customer_minutes"]) / 60


def _what(row: Row) -> list[Cell]:
    size = PLANNED if row["kind"] == "planned" else SIZES.get(row["size"], str(row["size"]))
    return [(OUTCOMES.get(row["outcome"], str(row["outcome"])), ""), (size, "")]


def _with(row: Row, column: str, places: int) -> Cell:
    """A value and its interval."""
    span = numbers.interval(row[f"{column}_low"], row[f"{column}_high"], lambda v: numbers.decimal(v, places))
    return numbers.decimal(row[column], places), "" if span == numbers.NONE else span


def _p(row: Row) -> str:
    return "" if numbers.is_missing(row["p_adjusted"]) else f"p {numbers.probability(row['p_adjusted'])}"
