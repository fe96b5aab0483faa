"""What the results do not know because too few records name what else is on record, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

NOT_KNOWN = "not known"
SUBJECTS: dict[str, str] = {
    "complaints": "Complaints are",
    "complainers": "Which customers complained is",
    "answers": "What customers answered in surveys is",
    "answerers": "Which customers answered surveys is",
    "devices": "The quality that customers received is",
    "areas": "Where customers live is",
    "area_complaints": "Complaints are",
    "area_complainers": "Which customers complained is",
    "area_answers": "What customers answered in surveys is",
    "complaint_weeks": "Complaints of some weeks are",
    "area_complaint_weeks": "Complaints of some weeks are",
    "answer_weeks": "Survey answers of some weeks are",
    "reasons": "How many leave of their own will is",
    "prices": "What customers pay above the price for new ones is",
}
"""The joins of panel_joins, by what is not known without them."""


def unknown(results: Results, name: str) -> str | None:
    """Why what rests on the join ``name`` is not known, as a sentence; None where it is."""
    return next((_said(join) for join in _joins(results) if join["name"] == name and not join["is_known"]), None)


def first_unknown(results: Results, *names: str) -> str | None:
    """The same for something that rests on several."""
    return next((said for name in names if (said := unknown(results, name)) is not None), None)


def warnings(results: Results) -> list[str]:
    """What somebody has to mend, a sentence each."""
    return [
        f"{_named(results, join)}{_said(join)}"
        for join in _joins(results)
        if join["is_warning"] and _tells(results, join)
    ]


def _tells(results: Results, join: dict[str, Any]) -> bool:
    """Whether it is of everything, or of an area that may be shown."""
    return not join.get("areas") or bool(set(join["areas"]) - results.hidden)


def _named(results: Results, join: dict[str, Any]) -> str:
    """The areas that it is of, by name, without those too small to be shown."""
    names = dict(zip(results.areas["area"], results.areas["name"], strict=True))
    shown = sorted(str(names.get(area, area)) for area in set(join.get("areas") or ()) - results.hidden)
    return f"{', '.join(shown)}: " if shown else ""


def unknown_in(results: Results, area: str, *names: str) -> str | None:
    """Why the joins ``names`` are not known of ``area`` though they are of others; None where they are."""
    return next(
        (_said(join) for join in _joins(results) if join["name"] in names and area in (join.get("areas") or ())), None
    )


def is_unknown_somewhere(results: Results, *names: str) -> bool:
    return any(join["name"] in names for join in _joins(results))


TABLES: dict[str, str] = {
    "avoidable": "what would help",
    "area_nps": "net promoter scores",
    "incident_effects": "what followed outages",
    "incident_weeks": "the weeks after outages",
    "local_changes": "changes in single neighbourhoods",
    "shared_nodes": "neighbourhoods behind the same device",
    "contract_cliff": "contracts that end",
    "dose_checks": "checks of the dose",
    "dose_bins": "departures by dose",
}
"""Tables of results whose names say little, in words."""


def lacking(results: Results) -> str:
    """What results of another version do not hold, in words."""
    named = [TABLES.get(name, name.replace("_", " ")) for name in results.lacks]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


PARTLY = 0.05
"""From which share of rows on that name nobody it is said beside the numbers that they are missing from."""


def partly(results: Results) -> list[str]:
    """Which numbers are too low because a part of the records names nobody, though enough do to tell them."""
    return [
        f"{noun} are undercounted: {int(join['rows']) - int(join['joined']):,} of {int(join['rows']):,} {where}."
        for name, (noun, where) in UNDERCOUNTED.items()
        for join in _joins(results)
        if join["name"] == name and join["is_known"] and join["joined"] < (1 - PARTLY) * join["rows"]
    ]


NOWHERE = "name no customer or neighbourhood on record, a placeholder, or a customer who was none on that day"
UNDERCOUNTED: dict[str, tuple[str, str]] = {
    "complaints": ("Complaints", NOWHERE),
    "answers": ("Survey answers", NOWHERE),
    "reasons": (
        "Voluntary departures",
        "departures have neither a notice nor a reason that is known, and count as gone for other reasons",
    ),
}


def counts(results: Results) -> list[tuple[str, int, int]]:
    """By join what it is called, how many rows join, and of how many; those without rows are left out."""
    return [(str(j["name"]), int(j["joined"]), int(j["rows"])) for j in _joins(results) if j["rows"]]


def _joins(results: Results) -> list[dict[str, Any]]:
    """Builds before this was counted have none, and say nothing of it."""
    return list(results.manifest.get("joins", []))


def _said(join: dict[str, Any]) -> str:
    return f"{SUBJECTS[str(join['name'])]} {NOT_KNOWN}: {join['text']}."
