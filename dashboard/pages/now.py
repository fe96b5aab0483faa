"""*Now*: the network's state for the operations centre's wall; it renews itself without a reload."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.figures import map as maps
from dashboard.figures import numbers
from dashboard.figures.palette import AREA_STATES, DEVICE_STATES, theme
from dashboard.live import Live, areas_now
from dashboard.pages import now_devices, now_incidents, parts
from dashboard.pages.source import Source, Visit, visit

REFRESH_SECONDS = 5
TEXT = {
    "title": "Now",
    "incidents": "What is wrong, and where to begin",
    "map": "Areas",
    "devices": "Devices not up or not well",
    "no_live": "No live data yet",
    "no_live_why": "The collector writes the state of every device a few seconds after its first round of polls. "
    "Start it with “bairro collect”; this page fills by itself.",
    "blind": "The collector is blind: its own connection or all its references are silent. "
    "What is shown is the last that it knew; the time counts as not observed, and no new outage is declared.",
    "stale": "These data are old. The collector may have stopped: nothing below is certain any more.",
}


def layout(seen: Visit) -> html.Div:
    """The page as it is now but for its map; `refresh` draws that, and renews all every few seconds."""
    live = seen.source.live()
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    wanted = [state for state in seen.query.get("state", "").split(",") if state in now_devices.SHOWN] or list(
        now_devices.SHOWN
    )
    return html.Div(
        [
            dcc.Interval(id="now-tick", interval=REFRESH_SECONDS * 1000),
            dcc.Interval(id="now-second", interval=1000),
            dcc.Store(id="now-seen"),
            dcc.Store(id="now-freshness"),
            html.H1(TEXT["title"], className="unseen"),
            html.Div(
                [
                    html.Div(tiles(live), id="now-tiles", className="tiles"),
                    html.Div(id="now-age", className="age", role="status"),
                ],
                className="strip",
            ),
            html.Div(banners(live, now), id="now-banners"),
            html.Div(
                [
                    parts.panel(
                        TEXT["map"],
                        parts.graph("now-map", "Map of areas by worst state", scrollZoom=True),
                        parts.legend(list(AREA_STATES.values())),
                        class_name="map",
                    ),
                    parts.panel(
                        TEXT["incidents"],
                        html.Div(
                            now_incidents.cards(live, seen.source, now),
                            id="now-incidents",
                            className="scroll",
                            tabIndex=0,
                        ),
                        class_name="incidents",
                    ),
                    parts.panel(
                        TEXT["devices"],
                        parts.grid(
                            "now-devices",
                            now_devices.COLUMNS,
                            now_devices.rows(live, seen.source, now, wanted),
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
    options = [{"label": now_devices.filter_word(state), "value": state} for state in now_devices.SHOWN]
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
        now_incidents.cards(live, seen.source, now),
        area_map(live, seen.source, theme_name),
        now_devices.rows(live, seen.source, now, states),
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
