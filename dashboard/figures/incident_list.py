"""The list of incidents as people choose, read and take it away: which are meant, one row for each, sums of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard import spreadsheet
from dashboard.figures import incidents as words
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import INCIDENT_KINDS
from dashboard.operations.incident_records import MOST_LISTED, Listed, Row, Wanted

KINDS = {"all": "All kinds", **{key: mark.word for key, mark in INCIDENT_KINDS.items()}}
STATES = {"all": "Open and over", "open": "Open", "over": "Over"}
MONTHS = {"1": "1 month", "3": "3 months", "12": "1 year", "all": "All on record"}
DEFAULTS = {"kind": "all", "state": "all", "months": "1", "q": "", "area": ""}
MONTH = timedelta(days=30.4)
MOST_TEXT = 200
COLUMNS = (
    "incident_id",
    "kind",
    "what",
    "root_device_id",
    "scope",
    "measure",
    "areas",
    "started_at",
    "ended_at",
    "seconds",
    "devices_affected",
    "customers_affected",
    "customer_minutes_lost",
    "taken_up_by",
    "detected_by",
)
"""Of the table that is taken away; times are UTC, ``seconds`` up to now while it is open."""

Name = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a visitor asks for: keys of KINDS, STATES and MONTHS, an area's id or blank, and a text to look for."""

    kind: str = "all"
    state: str = "all"
    months: str = "1"
    q: str = ""
    area: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str | None]) -> Choice:
        """From an address, which may have been edited by hand: what is not known there is taken as not asked."""
        asked = {name: (query.get(name) or "")[:MOST_TEXT].replace("\0", "") for name in DEFAULTS}
        allowed = {"kind": KINDS, "state": STATES, "months": MONTHS}
        return cls(**{k: v if v in allowed.get(k, {v: v}) else DEFAULTS[k] for k, v in asked.items()})

    def query(self) -> dict[str, str]:
        """The parameters of the address that asks for this; what is asked for by default is left out."""
        return {name: getattr(self, name) for name, usual in DEFAULTS.items() if getattr(self, name) != usual}

    def wanted(self, at: datetime) -> Wanted:
        """The question to the database."""
        return Wanted(
            area=self.area or None,
            kind=None if self.kind == "all" else self.kind,
            is_open=None if self.state == "all" else self.state == "open",
            since=None if self.months == "all" else at - MONTH * int(self.months),
        )


def chosen(found: Listed, choice: Choice, name: Name) -> list[Row]:
    """The rows whose devices, areas or people hold the text that is looked for."""
    text = choice.q.strip().casefold()
    if not text:
        return list(found.rows)
    return [row for row in found.rows if text in _searched(row, name)]


def _searched(row: Row, name: Name) -> str:
    areas = [part for area in row["areas"] for part in (area, name(area))]
    said = (row["incident_id"], row["root_device_id"], row["taken_up_by"], words.had(row), *areas)
    return "\n".join(str(part) for part in said if part).casefold()


def grid_rows(rows: Sequence[Row], name: Name, now: datetime, *, is_counted: bool) -> list[dict[str, Any]]:
    """A row of the table for each, newest first."""
    return [
        {
            "incident_id": row["incident_id"],
            "kind": row["kind"],
            "what": what(row),
            "areas": areas_of(row, name),
            "began": row["started_at"].isoformat(),
            "began_text": numbers.moment(row["started_at"].astimezone(now.tzinfo), now),
            "lasted": _seconds(row, now),
            "lasted_text": f"{numbers.duration(_seconds(row, now))}{'' if row['ended_at'] else ', open'}",
            "customers": int(row["subscribers_affected"]) if is_counted else None,
            "customers_text": _customers(row, is_counted=is_counted),
            "minutes": None if row["kind"] not in LOSES or not is_counted else row["customer_minutes_lost"],
            "minutes_text": minutes(row, is_counted=is_counted),
            "taken_up": row["taken_up_by"] or "",
        }
        for row in rows
    ]


LOSES = ("outage", "planned")
"""The kinds that take service away, so that minutes are lost."""


def what(row: Row) -> str:
    """What it struck; of a blind collector which one."""
    if row["kind"] == "blind":
        return f"{words.collector_of(row)} lost sight of the network"
    return words.had(row)


def areas_of(row: Row, name: Name, most: int = 3) -> str:
    """Its areas by name; of many the first and how many more."""
    names = [name(area) for area in row["areas"]]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}" or numbers.NONE


def minutes(row: Row, *, is_counted: bool) -> str:
    """Customer-minutes without service; a degradation and a blind collector take none away that is known."""
    if row["kind"] not in LOSES:
        return numbers.NONE
    return numbers.count(row["customer_minutes_lost"]) if is_counted else "?"


def _customers(row: Row, *, is_counted: bool) -> str:
    if row["kind"] == "blind":
        return numbers.NONE
    return numbers.count(row["subscribers_affected"]) if is_counted else "?"


def _seconds(row: Row, now: datetime) -> float:
    return float(((row["ended_at"] or now) - row["started_at"]).total_seconds())


def summary(rows: Sequence[Row], found: Listed, *, is_counted: bool) -> str:
    """How many there are, how many are open, and what they cost in all."""
    still = sum(row["ended_at"] is None for row in rows)
    said = [f"{numbers.of(len(rows), 'incident')}, {numbers.count(still)} of them open"]
    if is_counted:
        for kind, name in (("outage", "outages"), ("planned", "planned work")):
            lost = sum(row["customer_minutes_lost"] for row in rows if row["kind"] == kind)
            if any(row["kind"] == kind for row in rows):
                said.append(f"{numbers.count(lost)} customer-minutes without service in {name}")
    cut = f" Only the newest {numbers.count(MOST_LISTED)} are shown: choose fewer." if found.is_cut else ""
    return f"{'; '.join(said)}.{cut}"


def csv(rows: Sequence[Row], name: Name, now: datetime) -> str:
    """The same rows to take away, in units that a program can read."""
    return spreadsheet.rows([COLUMNS, *(_cells(row, name, now) for row in rows)])


def _cells(row: Row, name: Name, now: datetime) -> list[Any]:
    ended = row["ended_at"]
    return [
        row["incident_id"],
        row["kind"],
        what(row),
        row["root_device_id"] or "",
        row["scope"],
        row["measure"] or "",
        "; ".join(name(area) for area in row["areas"]),
        f"{row['started_at']:%Y-%m-%dT%H:%M:%SZ}",
        "" if ended is None else f"{ended:%Y-%m-%dT%H:%M:%SZ}",
        round(_seconds(row, now)),
        row["devices_affected"],
        row["subscribers_affected"],
        round(row["customer_minutes_lost"], 1) if row["kind"] in LOSES else "",
        row["taken_up_by"] or "",
        row["detected_by"],
    ]
