"""The cards of *Now*: one for each open incident, worst first; where there is none, what ended last."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from dash import dcc, html

from dashboard.figures import incidents as figures
from dashboard.figures.live import collector_status, last_reading
from dashboard.figures.style import numbers
from dashboard.operations.live.live_state import Live
from dashboard.pages import parts
from dashboard.pages.sections.now_devices import until
from dashboard.pages.source import Source

TEXT = {
    "none": "No open incident",
    "unknown": "Not known until the first live data",
    "gaps": "There may be incidents that are not known: ",
    "more": "There may be more: the incidents cannot be read",
    "unrecorded": "Reported by the collector only. It is not in the operations database yet, so nobody can take it on",
    "ended": "Ended in the last 24 hours",
    "begin": "Check first: ",
    "taken_up": "Taken on by ",
    "nobody": "Nobody has taken this on",
}
RECENT = timedelta(hours=24)
ENDED_SHOWN = 6
AREAS_SHOWN = 2


def cards(live: Live, source: Source, now: datetime) -> list[Any] | html.Div:
    """The open incidents that are the network's, worst first."""
    rows = described(live)
    if not rows:
        said = f"● {TEXT['none']}" if live.is_complete else f"? {why_unknown(live)}"
        return html.Div([html.P(said, className="quiet"), *_ended(live, source, now)])
    ids = [row["incident_id"] for row in rows]
    made = [_card(row, source, now, ids) for row in rows]
    if not live.is_database_known:
        made.append(html.P(f"? {TEXT['more']}", className="quiet"))
    return made


def described(live: Live) -> list[dict[Any, Any]]:
    """The open incidents that are the network's, worst first, with what `dashboard.figures.incidents` tells them by:
    ``root_state``, ``parent`` (None: it does not answer), ``worst``, ``is_counted``, ``planned_until``.
    """
    rows = live.open_incidents
    rows = figures.in_order(rows[rows["kind"] != "blind"])
    roots = _devices(live, rows["root_device_id"])
    above = _devices(live, roots["parent"])
    up = set(above.index[above["state"] == "up"])
    made = []
    for row in rows.to_dict("records"):
        root = row["root_device_id"]
        parent = roots["parent"].get(root)
        row |= {"root_state": roots["state"].get(root), "parent": parent if parent in up else None}
        row |= {"worst": _worst(row, live), "is_counted": live.is_counted}
        made.append(row | {"planned_until": roots["maintenance_until"].get(root)})
    return made


def _devices(live: Live, names: pd.Series) -> pd.DataFrame:
    """The rows of these devices, by device."""
    return live.devices[live.devices["device_id"].isin(list(names.dropna().unique()))].set_index("device_id")


def why_unknown(live: Live) -> str:
    """Why nobody can say that nothing is wrong."""
    gaps = collector_status.gaps(live)
    return f"{TEXT['gaps']}{', '.join(gaps)}" if live.shards and gaps else TEXT["unknown"]


def _worst(row: dict[Any, Any], live: Live) -> str:
    """The number of a degradation: of its root, or of the worst behind a root that is well itself."""
    if row["kind"] != "degradation":
        return ""
    devices, root = live.devices, row["root_device_id"]
    own = devices[(devices["parent"] if row["scope"] == "group" else devices["device_id"]) == root]
    return last_reading.worst(own, live.limits, row["measure"])


def _card(row: dict[Any, Any], source: Source, now: datetime, ids: list[str]) -> html.Article:
    begin, end = figures.begin(row, row["parent"]), until(row["planned_until"], now)
    started = row["started_at"].astimezone(now.tzinfo)
    what = [f"planned work{f' until {end}' if end else ''}: "] if row["kind"] == "planned" else []
    key = figures.short_id(row["incident_id"], ids)
    number, told = figures.people(row)
    return html.Article(
        [
            html.Div([html.Strong(number), *(html.Span(line) for line in told)], className="people"),
            html.Div(
                [
                    html.Div(places(row, source), className="where"),
                    html.Div([*what, _opens(row, figures.what(row))], className="what"),
                    html.Div(row["worst"], className="what") if row["worst"] else None,
                    html.Div([html.B(TEXT["begin"]), begin], className="begin") if begin else None,
                    html.Div(silent, className="taken") if (silent := figures.silenced(row, now)) else None,
                    _taken_up(row, key, source.command("acknowledge")),
                ],
            ),
            html.Div(
                [
                    html.Strong(numbers.duration((now - started).total_seconds())),
                    html.Span(f"since {numbers.moment(started, now)}"),
                ],
                className="since",
            ),
        ],
        className=f"incident scope-{row['scope']} kind-{row['kind']}",
    )


def _opens(row: dict[Any, Any], text: str) -> Any:
    """The words that lead to the incident's own page; plain where it is not on record yet. The whole card is a click on them."""
    return (
        dcc.Link(text, href=parts.incident_href(row["incident_id"]), className="opens") if row["is_recorded"] else text
    )


def places(row: dict[Any, Any], source: Source) -> list[Any]:
    areas = list(row["areas"])
    links = [item for area in areas[:AREAS_SHOWN] for item in (parts.area_link(area, source.name(area)), ", ")][:-1]
    more = len(areas) - AREAS_SHOWN
    return [*links, f" and {more} more"] if more > 0 else links or ["–"]


def _taken_up(row: dict[Any, Any], key: str, command: str) -> html.Div:
    """Who has taken it up, else the ``command`` that does; the incident's id in either case, since commands ask for it."""
    if not row["is_recorded"]:
        return html.Div(TEXT["unrecorded"], className="taken")
    shown = html.Code(key, title=row["incident_id"], className="keep")
    if said := figures.taken_up(row):
        return html.Div([TEXT["taken_up"], said, " · ", shown], className="taken")
    if row["kind"] == "planned":
        return html.Div(shown, className="taken")
    return html.Div([TEXT["nobody"], ": ", html.Code(f"{command} "), shown], className="taken")


def _ended(live: Live, source: Source, now: datetime) -> list[Any]:
    """What ended recently, newest first: what a new shift wants to know."""
    rows = live.incidents
    rows = rows[rows["ended_at"].notna() & (rows["kind"] != "blind")]
    rows = rows[rows["ended_at"] >= now - RECENT].sort_values("ended_at", ascending=False).head(ENDED_SHOWN)
    if rows.empty:
        return []
    items = []
    for row in rows.to_dict("records"):
        lasted = numbers.duration((row["ended_at"] - row["started_at"]).total_seconds())
        at = numbers.moment(row["ended_at"].astimezone(now.tzinfo), now)
        people = f", {numbers.of(int(row['subscribers_affected']), 'customer')}" if live.is_counted else ""
        what = parts.incident_link(row["incident_id"], figures.had(row))
        items.append(html.Li([*places(row, source), ": ", what, f"{people}, {lasted}, over at {at}"]))
    return [html.H3(TEXT["ended"]), html.Ul(items, className="ended")]
