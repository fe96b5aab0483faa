"""*Now*: the network's state for the operations centre's wall; it renews itself without a reload."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboard.figures.charts import map as maps
from dashboard.figures.live import collector_status, last_reading
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import AREA_STATES, DEVICE_STATES, theme
from dashboard.operations.live.live_state import Live
from dashboard.pages import parts, shared
from dashboard.pages.sections import now_devices, now_incidents
from dashboard.pages.source import Source, Visit, visit

REFRESH_SECONDS = 5
MAP = 3
"""The map's place among what `refresh` sends."""
TEXT = {
    "title": "Now",
    "incidents": "Open incidents",
    "map": "Areas",
    "wall": "For a wall",
    "devices": "Devices with problems",
    "no_live": "No live data",
    "no_live_why": "No collector has written the state of its devices here, or what it wrote is gone. A collector writes it a few "
    "seconds after its first round of polls: start it with “bairro collect”. This page then fills without a reload.",
    "uncounted": "none in the inventory",
    "count": "The column “subscribers” of the inventory says how many customers are behind a device. It is not there, or 0.",
    "blind": "The collector is blind according to the operations database: its own connection, or every reference it pings, does "
    "not answer. This time counts as not observed, and no new outage is declared.",
}


def layout(seen: Visit) -> html.Div:
    """The page as it is now but for its map; `refresh` draws that, and renews all every few seconds."""
    wanted = [state for state in seen.query.get("state", "").split(",") if state in now_devices.SHOWN] or list(
        now_devices.SHOWN
    )
    shown = but_for_the_map(seen, seen.source.live(seen.at), wanted)
    tiles_, banners_, cards, rows, freshness = (one.value for one in shown)
    digests = [one.digest for one in shown]
    return html.Div(
        [
            dcc.Interval(id="now-tick", interval=REFRESH_SECONDS * 1000),
            dcc.Store(id="now-seen", data=[*digests[:MAP], "", *digests[MAP:]]),
            html.H1(TEXT["title"], className="unseen"),
            html.Div(
                [
                    html.Div(tiles_, id="now-tiles", className="tiles"),
                    parts.age("now-age", freshness),
                ],
                className="strip",
            ),
            html.Div(banners_, id="now-banners"),
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
                        html.Div(cards, id="now-incidents", className="scroll", tabIndex=0),
                        aside=dcc.Link(TEXT["wall"], href="/?view=wall"),
                        class_name="incidents",
                    ),
                    parts.panel(
                        TEXT["devices"],
                        parts.grid(
                            "now-devices",
                            now_devices.COLUMNS,
                            rows,
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
    source.prepare.append(lambda shown, live: prepare(source, shown, live))

    @app.callback(
        Output("now-tiles", "children"),
        Output("now-banners", "children"),
        Output("now-incidents", "children"),
        Output("now-map", "figure"),
        Output("now-devices", "rowData"),
        Output("now-age", parts.FRESHNESS),
        Output("now-seen", "data"),
        Input("now-tick", "n_intervals"),
        Input("now-states", "value"),
        Input("theme", "data"),
        State("now-seen", "data"),
    )
    def renew(_: int, states: list[str], theme_name: str, digests: list[str] | None) -> tuple[Any, ...]:
        *shown, digests = refresh(visit(source), states, theme_name, digests)
        if all(one is no_update for one in shown):
            raise PreventUpdate
        return (*shown, digests)

    app.clientside_callback(ClientsideFunction("bairro", "rememberStates"), Input("now-states", "value"))
    app.clientside_callback(ClientsideFunction("bairro", "openFromMap"), Input("now-map", "clickData"))
    app.clientside_callback(ClientsideFunction("maps", "followNow"), Input("now-map", "figure"))


def refresh(seen: Visit, states: list[str], theme_name: str, digests: list[str] | None) -> tuple[Any, ...]:
    """What changed since ``digests``: tiles, banners, incidents, map, rows, freshness; then always the new digests."""
    live, source = seen.source.live(seen.at), seen.source
    told = but_for_the_map(seen, live, states)
    key = (source.version(live), theme_name)
    drawn = source.shared.take("now-map", key, lambda: area_map(live, source, theme_name))
    fresh, digests = shared.changed([*told[:MAP], drawn, *told[MAP:]], digests)
    return (*fresh, digests)


def prepare(source: Source, shown: Live, live: Live) -> None:
    """Make the parts of ``live`` that somebody looks at of ``shown``, so that nobody has to wait for them."""
    version, seen = source.version(shown), visit(source)
    for before, theme_name in _kept(source, "now-map"):
        if before == version:
            key = (source.version(live), theme_name)
            source.shared.take("now-map", key, lambda name=theme_name: area_map(live, source, name))  # type: ignore[misc]
    for wanted in dict.fromkeys(one[2] for one in _kept(source, "now-devices") if one[0] == version):
        but_for_the_map(seen, live, wanted)


def _kept(source: Source, name: str) -> list[Any]:
    return [key for key in source.shared.keys(name) if isinstance(key, tuple)]


def but_for_the_map(seen: Visit, live: Live, states: Sequence[str]) -> list[shared.Part]:
    """Tiles, banners, incidents, rows and freshness (as JSON), each made once for all who look.

    Cards count seconds. All else says times to the minute, and is made anew with it.
    """
    source, now = seen.source, seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    version, wanted = source.version(live), tuple(sorted(set(states)))
    minute, tick = int(seen.at.timestamp() // 60), int(seen.at.timestamp() // REFRESH_SECONDS)
    take = source.shared.take
    return [
        take("now-tiles", live.stamp, lambda: tiles(live)),
        take("now-banners", (live.stamp, minute), lambda: banners(live, now)),
        take("now-incidents", (version, tick), lambda: now_incidents.cards(live, source, now)),
        take("now-devices", (version, minute, wanted), lambda: now_devices.rows(live, source, now, states)),
        take("now-age", live.stamp, lambda: json.dumps(collector_status.freshness(live, now))),
    ]


def tiles(live: Live) -> list[html.Div]:
    """Areas and customers affected, and of how many nobody knows; then devices by state."""
    if live.devices.empty:
        return []
    areas = live.areas
    struck, dark = int(areas["state"].isin(["outage", "partial"]).sum()), int((areas["state"] == "unknown").sum())
    affected, not_seen = int(areas["affected"].sum()), int(areas["not_seen"].sum())
    counts = live.shown.value_counts()
    return [
        _affected(struck, dark, f"of {numbers.of(len(areas), 'area')} affected", is_dark=dark == len(areas)),
        _affected(affected, not_seen, "customers affected", is_dark=bool((live.shown == "unknown").all()))
        if live.is_counted
        else parts.tile(
            "?", ["customers affected", html.Small(TEXT["uncounted"], className="gap")], title=TEXT["count"]
        ),
        html.Div(className="rule"),
        *(
            parts.tile(numbers.count(int(counts.get(key, 0))), parts.chip(mark), class_name="state", title=mark.meaning)
            for key, mark in DEVICE_STATES.items()
        ),
    ]


def _affected(count: int, not_known: int, what: str, *, is_dark: bool) -> html.Div:
    """A count of what is affected, with how many more nobody knows of; no number where nothing is seen."""
    gap = [html.Small(f"{numbers.count(not_known)} not known", className="gap")] if not_known else []
    if is_dark:
        return parts.tile("?", [what, *gap], class_name="dark")
    return parts.tile(numbers.count(count), [what, *gap], class_name="alarm" if count else "")


def banners(live: Live, now: datetime) -> list[html.Div]:
    """What must be known before anything else on the page is believed, worst first."""
    if not live.shards and live.devices.empty and not live.is_unreadable:
        return [parts.empty(TEXT["no_live"], TEXT["no_live_why"])]
    lines = [parts.notice(said) for said in collector_status.notices(live, now)]
    if live.is_blind and not any(shard.condition == "blind" for shard in live.shards):
        lines.insert(0, parts.banner("alarm", "■", TEXT["blind"]))
    for problem in live.problems:
        lines.append(parts.banner("alarm", "■", problem[:1].upper() + problem[1:] + "."))
    return lines


def area_map(live: Live, source: Source, theme_name: str) -> Any:
    """Areas coloured by worst state; those that are not up have their names written."""
    chosen = theme(theme_name)
    if live.devices.empty:
        return maps.empty(TEXT["no_live"], chosen)
    states = {row["area"]: row for row in live.areas.to_dict("records")}
    worst = last_reading.worst_by_area(live.devices[live.shown == "degraded"], live.limits)
    states |= {area: {**states[area], "worst": said} for area, said in worst.items()}
    marks = [_area_mark(area, name, states) for area, name in source.names.items()]
    marks.sort(key=lambda one: list(AREA_STATES).index(one.mark.key))
    loud = frozenset(m.area for m in marks if m.mark.key not in {"up", "unknown"})
    return maps.areas(marks, source.outlines, chosen, labelled=loud)


def _area_mark(area: str, name: str, states: Mapping[str, Mapping[Any, Any]]) -> maps.AreaMark:
    if area not in states:
        return maps.AreaMark(
            area, name, AREA_STATES["unknown"], f"<b>{maps.plain(name)}</b><br>no device in the inventory"
        )
    row = states[area]
    mark = AREA_STATES[row["state"]]
    lines = [f"<b>{maps.plain(name)}</b>", f"{mark.shape} {mark.word}"]
    if row["affected"]:
        people = f"{numbers.count(row['affected'])} of {numbers.count(row['subscribers'])} customers without service"
        lines.append(f"{people} ({numbers.percent(row['affected_ratio'], 0)})")
    if row["unseen"]:
        lines.append(f"{numbers.count(row['unseen'])} of {numbers.count(row['devices'])} devices not known")
    if row["degraded"]:
        lines.append(f"{numbers.count(row['degraded'])} degraded; {row['worst']}")
    return maps.AreaMark(area, name, mark, "<br>".join(lines))
