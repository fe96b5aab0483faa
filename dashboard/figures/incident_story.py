"""How one incident went, in words and in order: as far as it is stored, and what is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashboard.figures import build_dates, outages
from dashboard.figures import incidents as words
from dashboard.figures.style import numbers
from dashboard.models.outages.event_windows import FEWEST_AFTER
from dashboard.operations import incident_work
from dashboard.operations.incident_records import Row, Story
from dashboard.operations.incident_work import Done

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

TOGETHER = timedelta(seconds=90)
UNSEEN_AFTER = timedelta(seconds=5)
"""An incident ends with the last of its devices, unless one flaps; else nobody observed it in between, as where the collector stopped."""
"""Devices that joined or left within this time of the one before are told of in one line."""
UNSTORED = (
    "Single polls, and the moment at which the collector decided, are not stored: times are those of the first poll that "
    "was missed. A collector counts a device as down after several missed polls in a row, asks what it hangs from before "
    "it names the one where it began, and dates the outage back to the first miss."
)
VERDICTS = {
    "device": "{root} did not answer, and nothing above it was silent too: so it is told of {root}.",
    "subtree": "{root} did not answer, nothing above it was silent too, and devices behind it fell silent with it: so it began at {root}.",
    "group": "{root} answered, but many devices behind it fell silent within a few minutes: so it is something that they share.",
    "collector": "The collector's own connection, or every reference that it pings, did not answer: so nothing is said of its devices.",
}
BAD = {
    "loss": "lost more pings than the limit over several windows of time in a row",
    "latency": "answered much more slowly than usual over several windows of time in a row",
    "saturation": "had an uplink fuller than the limit over several windows of time in a row",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the story: when, what, and the devices that it names (None where it is about none)."""

    at: datetime
    text: str
    devices: tuple[str, ...] = ()


def verdict(row: Row) -> str:
    """By what it was told where it began."""
    root = row["root_device_id"] or "A device"
    if row["kind"] == "degradation":
        bad = BAD.get(row["measure"] or "", "was worse than the limits")
        who = f"Devices behind {root}, which was well itself," if row["scope"] == "group" else root
        return f"{who} {bad}; there was an answer all the while."
    return VERDICTS.get(row["scope"], "").format(root=root)


def events(story: Story, told: Iterable[Event] = ()) -> list[Event]:
    """All that is stored of it, oldest first; ``told`` are lines from elsewhere."""
    row = story.row
    if row is None:
        return []
    found = [_began(row), *_moves(story), *told]
    done = incident_work.standing(story.entries)
    handed = {(one.to, one.at) for one in done if one.action == incident_work.HANDED_OVER}
    taken = [note for note in story.notes if (note["acknowledged_by"], note["acknowledged_at"]) not in handed]
    found += [Event(note["acknowledged_at"], _note(note)) for note in taken]
    found += [Event(one.at, _entry(one)) for one in done if one.action != incident_work.TAKEN_UP]
    found += [Event(one["started_at"], _blind(one)) for one in story.blind if one["incident_id"] != row["incident_id"]]
    if row["ended_at"] is not None:
        lasted = numbers.duration((row["ended_at"] - row["started_at"]).total_seconds())
        found.append(Event(row["ended_at"], f"Over after {lasted}"))
    return sorted(found, key=lambda event: event.at)


def _began(row: Row) -> Event:
    root = row["root_device_id"] or "an unknown device"
    if row["kind"] == "blind":
        return Event(row["started_at"], f"{words.collector_of(row).capitalize()} became blind")
    if row["kind"] == "degradation":
        return Event(
            row["started_at"], f"{words.MEASURES.get(row['measure'], 'bad quality').capitalize()} began at {root}"
        )
    if row["scope"] == "group":
        return Event(row["started_at"], f"The first of several devices behind {root} missed a poll; {root} answered")
    return Event(row["started_at"], f"{root} missed its first poll")


def _moves(story: Story) -> list[Event]:
    """When devices came into it and left it, those close together in one line; the root's own beginning is told apart."""
    row = story.row or {}
    root = row.get("root_device_id") if row.get("scope") != "group" else None
    first = next((m for m in story.members if m["device_id"] == root), None)
    joined = [(m["started_at"], m["device_id"]) for m in story.members if m is not first]
    left = [(m["ended_at"], m["device_id"]) for m in story.members if m["ended_at"] is not None]
    came, went = (
        ("was degraded", "was well again") if row.get("kind") == "degradation" else ("fell silent", "answered again")
    )
    groups = _together(left)
    told = [_move(group, went) for group in groups]
    has_flapped = len({m["device_id"] for m in story.members}) < len(story.members)
    if groups and not has_flapped and row["ended_at"] and row["ended_at"] - groups[-1][-1][0] > UNSEEN_AFTER:
        told[-1] = _move(groups[-1], f"{went}, or nobody observed them any more")
    return [*(_move(g, came) for g in _together(joined)), *told]


def _together(moves: Iterable[tuple[datetime, str]]) -> list[list[tuple[datetime, str]]]:
    found: list[list[tuple[datetime, str]]] = []
    for move in sorted(moves):
        if found and move[0] - found[-1][-1][0] <= TOGETHER:
            found[-1].append(move)
        else:
            found.append([move])
    return found


def _move(group: Sequence[tuple[datetime, str]], did: str) -> Event:
    names = tuple(dict.fromkeys(name for _, name in group))
    if len(names) == 1:
        return Event(group[0][0], f"{names[0]} {did}", names)
    spread = (group[-1][0] - group[0][0]).total_seconds()
    within = f" within {numbers.duration(spread)}" if spread >= 1 else ""
    return Event(group[0][0], f"{numbers.of(len(names), 'device')} {did.replace('was', 'were')}{within}", names)


def _note(note: Row) -> str:
    return f"{note['acknowledged_by']} took it on{': ' + note['note'] if note['note'] else ''}"


def _entry(done: Done) -> str:
    what = {incident_work.TOLD: "told the customers", incident_work.HANDED_OVER: f"handed it over to {done.to}"}
    said = f"{done.by} {what[done.action]}" if done.action in what else f"{done.by} noted"
    return f"{said}: {done.note}" if done.note else said


def told_at(story: Story) -> datetime | None:
    """When customers were told last; None where nobody has entered it."""
    times = [one.at for one in incident_work.standing(story.entries) if one.action == incident_work.TOLD]
    return max(times, default=None)


def _blind(row: Row) -> str:
    until = (
        "it still is"
        if row["ended_at"] is None
        else f"for {numbers.duration((row['ended_at'] - row['started_at']).total_seconds())}"
    )
    return f"{words.collector_of(row).capitalize()} lost sight of the network ({until}): what happened meanwhile is not observed"


def hours(table: pd.DataFrame, now: datetime) -> list[list[str]]:
    """What the hours on record say of a device: hour, polls answered, pings lost, round trip, silent, not observed."""
    rows = []
    for row in table.to_dict("records"):
        away = (_number(row["down_seconds"]) or 0.0) + (_number(row["silent_seconds"]) or 0.0)
        rows.append(
            [
                numbers.moment(row["hour"].tz_convert(now.tzinfo), now),
                numbers.count(_number(row["polls_answered"])),
                _of(row["pings_lost"], row["pings_sent"]),
                numbers.milliseconds(_number(row["rtt_p50_seconds"]), 1),
                numbers.duration(away) if away else numbers.NONE,
                numbers.duration(3600 - row["observed_seconds"]) if row["observed_seconds"] < 3599 else numbers.NONE,
            ]
        )
    return rows


HOURS = ("Hour from", "Polls answered", "Pings lost", "Round trip", "Did not answer", "Not observed")


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def _of(part: Any, whole: Any) -> str:
    if _number(whole) is None or not _number(whole):
        return numbers.NONE
    return f"{numbers.count(_number(part))} of {numbers.count(_number(whole))}"


def aftermath(results: Results | None, row: Row, areas: Sequence[str], zone: Any) -> list[str]:
    """What it did to complaints and leaving, once that is known; else why it is not."""
    if row["kind"] not in {"outage", "planned"}:
        return ["What followed is estimated for outages and planned work only."]
    if results is None:
        return ["Not known: there are no results yet."]
    monday = _monday(row["started_at"].astimezone(zone))
    end = build_dates.cut_off(results)
    if end is not None and monday.isoformat() > end:
        return [
            f"Not known yet: the analysis counts records until {numbers.day(end)}, which is before this began."
            f" It can be looked at once the analysis covers {FEWEST_AFTER} whole weeks after it, until {_covered(monday)}."
        ]
    own = _own_rows(results, row["kind"], monday, areas)
    told = [_own(one) for one in own]
    if not told:
        told = [
            "It was not estimated by itself: single outages are, where other areas are alike and had none in these weeks."
        ]
    average = outages.sentences(results)
    return [*told, *(["On average over all on record:", *average] if average else [])]


def _covered(monday: Any) -> str:
    """The day until which the analysis must reach: the end of the last of the weeks that follow the incident's own."""
    return numbers.day(monday + timedelta(weeks=1 + FEWEST_AFTER, days=-1))


def _own_rows(results: Results, kind: str, monday: Any, areas: Sequence[str]) -> list[Mapping[str, Any]]:
    table = results.incident_effects
    table = table[~table["is_pooled"].astype(bool) & table["area"].isin(list(areas)) & table["kind"].eq(kind)]
    rows = [{str(key): value for key, value in one.items()} for one in table.to_dict("records")]
    return [one for one in rows if not numbers.is_missing(one["started_at"]) and _monday(one["started_at"]) == monday]


def _own(row: Mapping[str, Any]) -> str:
    about = outages.OUTCOMES.get(row["outcome"], str(row["outcome"]))
    said = outages.verdict(row)
    if numbers.is_missing(row["excess"]):
        return f"{about}: {said}."
    span = numbers.interval(row["excess_low"], row["excess_high"], lambda v: numbers.decimal(v, 1))
    return f"{about}: {numbers.signed(numbers.decimal(row['excess'], 1))} beyond what was expected ({span}), {said}."


def _monday(at: Any) -> Any:
    day = at.date()
    return day - timedelta(days=day.weekday())
