"""The parts of *Device* that show other things: what it hangs from, what hangs from it, and its incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dash import html

from dashboard.figures import incidents as figures
from dashboard.figures.live import last_reading, port_words
from dashboard.figures.live.device_words import ROLES, moment
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import DEVICE_STATES
from dashboard.operations.devices.device_ports import Ports
from dashboard.operations.devices.neighbours import Place
from dashboard.operations.incident_records import OfDevice
from dashboard.operations.live.live_state import Live
from dashboard.pages import parts

TEXT = {
    "path": "The way to it",
    "top": "It hangs from no other device: it is the top of its part of the network.",
    "missing": "is the device above it in the inventory; no collector tells of it.",
    "below": "What hangs from it",
    "leaf": "No device hangs from it.",
    "ports": "Ports",
    "ports_unread": "Not all ports are known: ",
    "incidents": "Its outages and other incidents",
    "no_incidents": "None on record in the last 12 months. Incidents are recorded while a collector runs; outages of other times stand in the charts of hours alone.",
    "incidents_unread": "Its incidents are not known: ",
}
MOST_BELOW, MOST_INCIDENTS, OPEN_PORTS = 60, 12, 12
BELOW = ("Device", "Customers", "Round trip", "Lost", "Load", "Signal")
WORST_FIRST = ("down", "suspect", "degraded", "unknown", "suppressed", "silent", "up")


def path(place: Place) -> html.Section:
    """The devices above it, the topmost first, each with its state."""
    if not place.above and place.missing_parent is None:
        return parts.panel(TEXT["path"], html.P(TEXT["top"], className="quiet"))
    missing = []
    if place.missing_parent is not None:
        missing = [html.Li([html.Strong(place.missing_parent), f" {TEXT['missing']}"])]
    items = [html.Li([_chip(row["state"]), " ", parts.device_link(row["device_id"])]) for row in place.above]
    own = html.Li([_chip(place.own["state"]), " ", html.Strong(place.own["device_id"])], **{"aria-current": "true"})
    return parts.panel(TEXT["path"], html.Ol([*missing, *items, own], className="way"))


def below(place: Place, live: Live) -> html.Section:
    """The devices that hang from it directly, those first that need a person."""
    if place.below.empty:
        return parts.panel(TEXT["below"], html.P(TEXT["leaf"], className="quiet"))
    counts = place.below["state"].value_counts()
    chips = [
        parts.chip(mark, f"{numbers.count(int(counts[key]))} {mark.word.lower()}")
        for key, mark in DEVICE_STATES.items()
        if key in counts.index
    ]
    rank = {state: i for i, state in enumerate(WORST_FIRST)}
    order = place.below.assign(rank=place.below["state"].map(rank))
    order = order.sort_values(["rank", "behind", "device_id"], ascending=[True, False, True])
    more = len(order) - MOST_BELOW
    note = [html.P(f"And {numbers.of(more, 'more device')}.", className="how")] if more > 0 else []
    cells = [_below_row(row, live) for row in order.head(MOST_BELOW).to_dict("records")]
    kept = [i for i in range(len(BELOW)) if i < 2 or any(row[i] != numbers.NONE for row in cells)]
    table = parts.table([BELOW[i] for i in kept], [[row[i] for i in kept] for row in cells], label=TEXT["below"])
    return parts.panel(TEXT["below"], html.Div(chips, className="legend"), table, *note)


def _below_row(row: dict[Any, Any], live: Live) -> list[Any]:
    """The values of BELOW; a column in which nothing was measured is left out."""
    mark = DEVICE_STATES[row["state"]]
    role = [] if row["role"] == "cpe" else [html.Small(ROLES.get(row["role"], row["role"]))]
    return [
        [html.Span(f"{mark.shape} ", title=mark.word), parts.device_link(row["device_id"]), *role],
        numbers.count(row["behind"]) if live.is_counted else "?",
        last_reading.round_trip(row["rtt_seconds"]),
        last_reading.lost(row),
        last_reading.load(row["utilization_ratio"]),
        last_reading.signal(row["signal_dbm"], row["signal_noise_db"]),
    ]


def ports(found: Ports, now: datetime) -> list[html.Section]:
    """Its ports in its own order, with when it told of them; nothing where no collector keeps any of it."""
    problem = [html.P(f"{TEXT['ports_unread']}{found.problem}.", className="quiet")] if found.problem else []
    if not found.rows:
        return [parts.panel(TEXT["ports"], *problem)] if problem else []
    rows = [[_port(row), *port_words.cells(row)] for row in found.rows]
    kept = [i for i in range(len(port_words.COLUMNS)) if i < 2 or any(row[i] != numbers.NONE for row in rows)]
    columns, cells = [port_words.COLUMNS[i] for i in kept], [[row[i] for i in kept] for row in rows]
    table = parts.table(columns, cells, label=TEXT["ports"], numbers_from=2)
    at = moment(max(row["polled_at"] for row in found.rows), now, never=numbers.NONE)
    folded = html.Details([html.Summary(port_words.summary(found.rows)), table], open=len(rows) <= OPEN_PORTS)
    return [parts.panel(TEXT["ports"], *problem, folded, aside=f"as it told at {at}")]


def _port(row: Any) -> list[Any]:
    return [row["interface"], *([html.Small(row["alias"])] if row["alias"] else [])]


def incidents(found: OfDevice, device_id: str, now: datetime) -> html.Section:
    """What it was in, newest first, with when and how long for this device."""
    if found.problem is not None:
        problem = f"{TEXT['incidents_unread']}{found.problem}."
        return parts.panel(TEXT["incidents"], html.P(problem, className="quiet"))
    if not found.rows:
        return parts.panel(TEXT["incidents"], html.P(TEXT["no_incidents"], className="quiet"))
    rows = [_incident_row(row, device_id, now) for row in found.rows[:MOST_INCIDENTS]]
    more = len(found.rows) - MOST_INCIDENTS
    note = [html.P(f"And {numbers.of(more, 'earlier one')}.", className="how")] if more > 0 else []
    table = parts.table(["What", "Began", "Lasted"], rows, label=TEXT["incidents"], numbers_from=9)
    return parts.panel(TEXT["incidents"], table, *note)


def _incident_row(row: Any, device_id: str, now: datetime) -> list[Any]:
    start, end = (row["spans"][0][0], row["spans"][-1][1]) if row["spans"] else (row["started_at"], row["ended_at"])
    seconds = ((end or now) - start).total_seconds()
    times = f", {len(row['spans'])} times" if len(row["spans"]) > 1 else ""
    lasted = f"{numbers.duration(seconds)}{times}{'' if end else ', still open'}"
    began = numbers.moment(start.astimezone(now.tzinfo), now)
    return [parts.incident_link(row["incident_id"], figures.for_device(row, device_id)), began, lasted]


def _chip(state: str) -> html.Span:
    return parts.chip(DEVICE_STATES[state])
