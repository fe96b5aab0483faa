"""*Now*: the network's state for the operations centre's wall; it renews itself without a reload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.figures import map as maps
from dashboard.figures import numbers
from dashboard.figures.palette import AREA_STATES, DEVICE_STATES, theme
from dashboard.live import Live, areas_now
from dashboard.pages import parts
from dashboard.pages.source import Source, Visit, visit

REFRESH_SECONDS = 5
TEXT = {
    "title": "Now",
    "incidents": "Open incidents",
    "map": "Areas by worst state",
    "devices": "Devices not up or not well",
    "no_live": "No live data yet",
    "no_live_why": "The collector writes the state of every device a few seconds after its first round of polls. "
    "Start it with “bairro collect”; this page fills by itself.",
    "no_incidents": "No open incident",
    "unknown_incidents": "Not known before the first live data",
    "blind": "The collector is blind: its own connection or all its references are silent. "
    "What is shown is the last that it knew; the time counts as not observed, and no new outage is declared.",
    "stale": "These data are old. The collector may have stopped: nothing below is certain any more.",
}
FAULTS = {
    "snmp_silent": "SNMP silent",
    "snmp_refused": "SNMP refused",
    "snmp_partial": "SNMP answers in part",
    "ping_silent": "ping silent",
    "uplink_down": "uplink down",
}
FLAPS = "went down again and again"
MEASURES = {"loss": "packet loss", "latency": "high latency", "saturation": "full uplink"}
SCOPES = {
    "device": "device",
    "subtree": "device and those behind it",
    "group": "group behind a live parent",
    "collector": "collector",
}
NUMBER = {"cellClass": "number", "headerClass": "number"}
COLUMNS: tuple[dict[str, Any], ...] = (
    parts.mark_column("state", "State", 158, DEVICE_STATES, order="bairroBySeverity"),
    parts.column("device_id", "Device", 132),
    parts.column("role", "Role", 66),
    parts.column("area", "Area", 102, cellRenderer="AreaLink"),
    parts.column("root", "Laid to", 118),
    parts.column("ails", "What ails it", 150, tooltipField="ails"),
    parts.column("since", "Since", 68, **NUMBER),
    parts.column("planned", "Planned until", 100, **NUMBER),
    parts.column("subscribers", "Customers", 94, **NUMBER),
)
LIT = ("down", "suppressed", "suspect", "silent", "unknown", "up")
UNWELL = "up"
"""The state of the filter that stands for devices which answer and are not well."""


AILS = ("degraded", "faults")


def layout(seen: Visit) -> html.Div:
    """The page's frame; `refresh` fills it at once and then every few seconds."""
    wanted = [state for state in seen.query.get("state", "").split(",") if state in LIT] or list(LIT)
    return html.Div(
        [
            dcc.Interval(id="now-tick", interval=REFRESH_SECONDS * 1000),
            dcc.Interval(id="now-second", interval=1000),
            dcc.Store(id="now-seen"),
            dcc.Store(id="now-freshness"),
            html.H1(TEXT["title"], className="unseen"),
            html.Div(
                [html.Div(id="now-tiles", className="tiles"), html.Div(id="now-age", className="age", role="status")],
                className="strip",
            ),
            html.Div(id="now-banners"),
            html.Div(
                [
                    parts.panel(
                        TEXT["map"],
                        parts.graph("now-map", "Map of areas by worst state", scrollZoom=True),
                        parts.legend(list(AREA_STATES.values())),
                        class_name="map",
                    ),
                    parts.panel(
                        TEXT["incidents"], html.Div(id="now-incidents", className="scroll"), class_name="incidents"
                    ),
                    parts.panel(
                        TEXT["devices"],
                        parts.grid(
                            "now-devices",
                            COLUMNS,
                            [],
                            row_id="device_id",
                            label=TEXT["devices"],
                            rowHeight=34,
                            headerHeight=34,
                        ),
                        aside=_state_filter(wanted),
                        class_name="devices",
                    ),
                ],
                className="wall",
            ),
        ],
        className="page now",
    )


def _state_filter(wanted: list[str]) -> dcc.Checklist:
    options = [
        {"label": "Up, not well" if state == UNWELL else DEVICE_STATES[state].word, "value": state} for state in LIT
    ]
    return dcc.Checklist(id="now-states", options=options, value=wanted, inline=True, className="filter")


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("now-tiles", "children"),
        Output("now-banners", "children"),
        Output("now-incidents", "children"),
        Output("now-map", "figure"),
        Output("now-devices", "rowData"),
        Output("now-freshness", "data"),
        Output("now-seen", "data"),
        Input("now-tick", "n_intervals"),
        Input("now-states", "value"),
        Input("theme", "data"),
        State("now-seen", "data"),
    )
    def renew(_: int, states: list[str], theme_name: str, digests: list[str] | None) -> tuple[Any, ...]:
        return refresh(visit(source), states, theme_name, digests)

    app.clientside_callback(
        ClientsideFunction("bairro", "age"),
        Output("now-age", "children"),
        Output("now-age", "className"),
        Input("now-second", "n_intervals"),
        Input("now-freshness", "data"),
    )
    app.clientside_callback(ClientsideFunction("bairro", "rememberStates"), Input("now-states", "value"))
    app.clientside_callback(ClientsideFunction("bairro", "openFromMap"), Input("now-map", "clickData"))


def refresh(seen: Visit, states: list[str], theme_name: str, digests: list[str] | None) -> tuple[Any, ...]:
    """What changed since ``digests``: tiles, banners, incidents, map, rows; then always freshness and new digests."""
    live = seen.source.live()
    zone = ZoneInfo(seen.settings.timezone)
    now = seen.at.astimezone(zone)
    values = (
        tiles(live),
        banners(live, now),
        incidents(live, seen.source, now),
        area_map(live, seen.source, theme_name),
        device_rows(live, seen.source, now, states),
    )
    fresh, digests = parts.changed(values, digests)
    age = live.age_seconds(seen.at)
    return (*fresh, {"age": age, "stale_after": live.stale_after_seconds, "blind": live.is_blind}, digests)


def tiles(live: Live) -> list[html.Div]:
    """Areas and customers affected, then devices by state."""
    if live.devices.empty:
        return []
    areas = areas_now(live.devices)
    affected = int(areas["affected"].sum())
    struck = int(areas["state"].isin(["outage", "partial"]).sum())
    counts = live.devices["state"].value_counts()
    return [
        parts.tile(f"{struck}", f"of {len(areas)} areas affected", class_name="alarm" if struck else ""),
        parts.tile(numbers.count(affected), "customers affected", class_name="alarm" if affected else ""),
        html.Div(className="rule"),
        *(
            parts.tile(numbers.count(int(counts.get(key, 0))), parts.chip(mark), class_name="state", title=mark.meaning)
            for key, mark in DEVICE_STATES.items()
        ),
    ]


def banners(live: Live, now: datetime) -> list[html.Div]:
    """What must be known before anything else on the page is believed."""
    lines = [
        parts.banner("note", "i", problem[:1].upper() + problem[1:] + ".")
        for problem in live.problems
        if len(live.devices)
    ]
    if live.devices.empty:
        lines.append(parts.empty(TEXT["no_live"], TEXT["no_live_why"]))
    if live.is_blind:
        lines.insert(0, parts.banner("alarm", "■", TEXT["blind"]))
    elif live.is_stale(now):
        lines.insert(0, parts.banner("warning", "▲", TEXT["stale"]))
    return lines


def incidents(live: Live, source: Source, now: datetime) -> list[html.Article] | html.Div:
    """Open incidents, newest first."""
    rows = live.open_incidents
    rows = rows[rows["kind"] != "blind"]
    if rows.empty and live.newest_at is None:
        return html.Div(f"? {TEXT['unknown_incidents']}", className="quiet")
    if rows.empty:
        return html.Div(f"● {TEXT['no_incidents']}", className="quiet")
    ends = live.devices.set_index("device_id")["maintenance_until"]
    return [_incident(row, source, now, ends.get(row["root_device_id"])) for row in rows.to_dict("records")]


def _incident(row: dict[Any, Any], source: Source, now: datetime, planned_until: Any) -> html.Article:
    started = row["started_at"].astimezone(now.tzinfo)
    areas = list(row["areas"])
    where = [parts.area_link(area, source.name(area)) for area in areas[:2]]
    more = f" and {len(areas) - 2} more" if len(areas) > 2 else ""
    joined: list[Any] = [item for link in where for item in (link, ", ")][:-1]
    devices = f"{numbers.count(row['devices_affected'])} device{'' if row['devices_affected'] == 1 else 's'}"
    until = _until(planned_until, now)
    planned = f"planned work{f' until {until}' if until else ''}"
    told = [html.Span(planned, className="planned")] if row["kind"] == "planned" else []
    return html.Article(
        [
            html.Div(
                [html.Strong(row["root_device_id"] or "–"), html.Span(_what(row)), *told],
                className="what",
            ),
            html.Div(
                [html.Strong(numbers.count(row["subscribers_affected"])), html.Span("customers")], className="people"
            ),
            html.Div([*joined, more, html.Span(f" · {devices}")], className="where"),
            html.Div(
                f"since {numbers.moment(started, now)}, {numbers.duration((now - started).total_seconds())}",
                className="since",
            ),
        ],
        className=f"incident scope-{row['scope']} kind-{row['kind']}",
    )


def _what(row: dict[Any, Any]) -> str:
    """The scope; of a degradation also what is bad, since nobody is without service."""
    scope = SCOPES.get(row["scope"], row["scope"])
    return f"{MEASURES.get(row['measure'], 'degraded')}, {scope}" if row["kind"] == "degradation" else scope


def area_map(live: Live, source: Source, theme_name: str) -> Any:
    """Areas coloured by worst state; those that are not up have their names written."""
    chosen = theme(theme_name)
    if live.devices.empty:
        return maps.empty(TEXT["no_live"], chosen)
    states = {row["area"]: row for row in areas_now(live.devices).to_dict("records")}
    marks = [_area_mark(area, name, states) for area, name in source.names.items()]
    loud = frozenset(m.area for m in marks if m.mark.key not in {"up", "unknown"})
    return maps.areas(marks, source.outlines, chosen, labelled=loud)


def _area_mark(area: str, name: str, states: Mapping[str, Mapping[Any, Any]]) -> maps.AreaMark:
    if area not in states:
        return maps.AreaMark(area, name, AREA_STATES["unknown"], f"<b>{name}</b><br>no device in the inventory")
    row = states[area]
    mark = AREA_STATES[row["state"]]
    share = numbers.percent(row["affected_ratio"], 0)
    told = f"<br>{numbers.count(row['affected'])} of {numbers.count(row['subscribers'])} customers without service ({share})"
    return maps.AreaMark(
        area, name, mark, f"<b>{name}</b><br>{mark.shape} {mark.word}{told if row['affected'] else ''}"
    )


def device_rows(live: Live, source: Source, now: datetime, states: list[str]) -> list[dict[str, Any]]:
    """Devices not up, worst first, then those that are up but degraded, partly failed or flapping."""
    rows = live.devices[live.devices["state"].isin(states)]
    flapping = _flapping(live)
    rows = rows.assign(
        ails=[_ails(row, flapping) for row in rows[["device_id", "state", *AILS]].itertuples(index=False)]
    )
    rows = rows[rows["state"].ne("up") | rows["ails"].ne("")]
    order = {state: i for i, state in enumerate(DEVICE_STATES)}
    rows = rows.assign(order=rows["state"].map(order)).sort_values(["order", "subscribers"], ascending=[True, False])
    return [
        {
            "device_id": row["device_id"],
            "state": row["state"],
            "role": row["role"],
            "area": source.name(row["area"]),
            "href": parts.area_href(row["area"]),
            "root": "" if row["root"] in {None, row["device_id"]} else row["root"],
            "ails": row["ails"],
            "since": numbers.moment(row["since"].tz_convert(now.tzinfo), now),
            "planned": _until(row["maintenance_until"], now),
            "subscribers": int(row["subscribers"]),
        }
        for row in rows.to_dict("records")
    ]


def _flapping(live: Live) -> frozenset[str]:
    """Roots of open outages that may be up: an outage of a device that answers is kept open because it flaps."""
    rows = live.open_incidents
    roots = rows.loc[rows["kind"].isin(["outage", "planned"]) & rows["scope"].ne("group"), "root_device_id"]
    return frozenset(roots.dropna())


def _ails(device: Any, flapping: frozenset[str]) -> str:
    """What is wrong with a device that answers, in words; nothing for one that does not."""
    if device.state != "up":
        return ""
    said = [FLAPS] if device.device_id in flapping else []
    for names, codes in ((MEASURES, device.degraded), (FAULTS, device.faults)):
        said += [names.get(code, code) for code in ([] if codes is None else codes)]
    return ", ".join(said)


def _until(moment: Any, now: datetime) -> str:
    """Until when a maintenance window holds; nothing where there is none, or it is over since the table was written."""
    if moment is None or pd.isna(moment) or moment <= now:
        return ""
    return numbers.moment(moment.tz_convert(now.tzinfo), now)
