"""*Replay*: a night as it is on record; a slider over it moves tiles, map and cards."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.figures import incident_list
from dashboard.figures.charts import map as maps
from dashboard.figures.charts import stacked
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import AREA_STATES, INCIDENT_KINDS, Mark, Theme, theme
from dashboard.operations.replay import Moment, Night
from dashboard.pages import parts
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "title": "Replay",
    "how": "As it is on record: outages, planned work and degradations. Single missed polls and lone silent devices are not kept, and nothing is while no collector runs.",
    "map": "Areas",
    "open": "Open at this moment",
    "none": "No incident is on record for this moment",
    "course": "Customers without service",
    "unread": "The incidents of this night are not known: {why}.",
    "blind": "The collector had lost sight of the network at this moment: what happened meanwhile is not observed.",
    "earlier": "← The night before",
    "later": "The night after →",
    "list": "All incidents",
    "play": "▶ Play",
    "slider": "Moment of the night",
    "future": "This night is yet to come.",
    "not_known": "Not known: no incident before this moment is on record, so nothing says that a collector kept any.",
}
BEGINS, HOURS = time(18), 14
STEP = timedelta(minutes=1)
STEPS = int(timedelta(hours=HOURS) / STEP)
PLAY_MILLISECONDS = 700
MARKS = {key: mark for key, mark in AREA_STATES.items() if key in {"outage", "partial", "degraded", "unknown"}} | {
    "up": Mark("up", "No incident", "●", "#00805e", "#ffffff", "no incident is on record for this moment", 0.4)
}


def layout(seen: Visit) -> html.Div:
    """The night that `?night=2026-11-29` names by the day on which it begins, else the last; `?at=30` is the slider's step."""
    day = _day(seen)
    night, at = _night(seen, day), _step(seen, day)
    links = [
        dcc.Link(TEXT["earlier"], href=f"/replay?night={day - timedelta(days=1)}", className="button"),
        *(
            [dcc.Link(TEXT["later"], href=f"/replay?night={day + timedelta(days=1)}", className="button")]
            if day < _local(seen).date()
            else []
        ),
        dcc.Link(TEXT["list"], href="/incidents?months=3", className="button"),
    ]
    title = f"{TEXT['title']}: night of {numbers.day(day)}"
    head = html.Div(
        [html.H1(title), html.Nav(links, className="links", **{"aria-label": TEXT["title"]})], className="title-line"
    )
    if night.record.problem is not None:
        problem = parts.banner("alarm", "■", TEXT["unread"].format(why=night.record.problem))
        return html.Div([head, problem], className="page replay")
    tiles, cards, clock = shown(seen, day, at)
    return html.Div(
        [
            head,
            html.P(TEXT["how"], className="how"),
            dcc.Store(id="replay-night", data=day.isoformat()),
            dcc.Interval(id="replay-tick", interval=PLAY_MILLISECONDS, disabled=True),
            parts.panel(
                TEXT["course"],
                parts.graph("replay-course", f"Customers without service through the night of {numbers.day(day)}"),
                _slider(seen, day, at),
                aside=[
                    html.Strong(clock, id="replay-clock", className="clock"),
                    html.Button(TEXT["play"], id="replay-play", className="button"),
                ],
                class_name="course-of-night",
            ),
            html.Div(tiles, id="replay-tiles", className="tiles"),
            html.Div(
                [
                    parts.panel(
                        TEXT["map"],
                        parts.graph("replay-map", "Map of areas at the chosen moment", scrollZoom=True),
                        parts.legend(list(MARKS.values())),
                        class_name="map",
                    ),
                    parts.panel(
                        TEXT["open"],
                        html.Div(cards, id="replay-cards", className="scroll", tabIndex=0),
                        class_name="incidents",
                    ),
                ],
                className="halves night",
            ),
        ],
        className="page replay",
    )


def _local(seen: Visit) -> datetime:
    return seen.at.astimezone(ZoneInfo(seen.settings.timezone))


def _day(seen: Visit) -> date:
    """The day on which the night begins; one that the address does not name well, or that is to come, is last night."""
    now = _local(seen)
    last = now.date() - timedelta(days=1)
    try:
        asked = date.fromisoformat(seen.query.get("night", ""))
    except ValueError:
        return last
    return asked if date(2000, 1, 1) <= asked <= now.date() else last


def _step(seen: Visit, day: date) -> int:
    asked = seen.query.get("at", "")
    most = _last_step(seen, day)
    return min(int(asked), most) if asked.isascii() and asked.isdecimal() and len(asked) < 5 else _worst_step(seen, day)


def _worst_step(seen: Visit, day: date) -> int:
    """Where most customers were without service: what a new shift wants to see first."""
    night = _night(seen, day)
    at, worst = max(night.course(), key=lambda one: one[1])
    return min(math.ceil((at - night.since) / STEP), _last_step(seen, day)) if worst else 0


def _since(seen: Visit, day: date) -> datetime:
    return datetime.combine(day, BEGINS, ZoneInfo(seen.settings.timezone))


def _night(seen: Visit, day: date) -> Night:
    since = _since(seen, day)
    until = since + timedelta(hours=HOURS)
    return seen.source.replay.night(since, until, seen.at)


def _last_step(seen: Visit, day: date) -> int:
    """The last step that is not to come."""
    passed = int((seen.at - _since(seen, day)) / STEP)
    return max(0, min(STEPS, passed))


def _slider(seen: Visit, day: date, at: int) -> html.Div:
    marks = {i * 60: f"{(_since(seen, day) + i * 60 * STEP):%H:%M}" for i in range(0, HOURS + 1, 2)}
    return html.Div(
        dcc.Slider(
            id="replay-at",
            min=0,
            max=STEPS,
            step=1,
            value=at,
            marks=marks,
            updatemode="mouseup",
            allow_direct_input=False,
        ),
        role="group",
        className="slider",
        **{"aria-label": TEXT["slider"]},
    )


def shown(seen: Visit, day: date, step: int) -> tuple[list[Any], list[Any], str]:
    """Tiles, cards and clock at one step of the night."""
    since = _since(seen, day)
    at = since + min(max(step, 0), STEPS) * STEP
    clock = f"{numbers.day(at)} {at:%H:%M}"
    if at > seen.at:
        return [], [html.P(TEXT["future"], className="quiet")], clock
    moment = _night(seen, day).moment(at)
    return tiles(moment), cards(moment, seen, at), clock


def tiles(moment: Moment) -> list[html.Div]:
    """Areas and customers affected, with how many areas nobody observed, and devices by what an incident says of them."""
    dark = int(moment.areas["state"].eq("unknown").sum())
    struck = int(moment.areas["state"].isin(["outage", "partial"]).sum())
    affected = int(moment.areas["affected"].sum()) if len(moment.areas) else 0
    names = {"down": "devices down", "suppressed": "devices behind an outage", "degraded": "devices degraded"}
    of_areas = f"of {numbers.of(len(moment.areas), 'area')} affected"
    if not moment.is_known or dark == len(moment.areas):
        gap = html.Small("not known", className="gap")
        return [parts.tile("?", [name, gap]) for name in (of_areas, "customers affected", *names.values())]
    gaps = [html.Small(f"{numbers.count(dark)} not observed", className="gap")] if dark else []
    return [
        parts.tile(numbers.count(struck), [of_areas, *gaps], class_name="alarm" if struck else ""),
        parts.tile(numbers.count(affected), "customers affected", class_name="alarm" if affected else ""),
        *(parts.tile(numbers.count(moment.devices[key]), name) for key, name in names.items()),
    ]


def cards(moment: Moment, seen: Visit, at: datetime) -> list[Any]:
    """The incidents that were open, those with most customers first."""
    blind = [parts.banner("warning", "?", TEXT["blind"])] if moment.is_blind else []
    rows = sorted(moment.open, key=lambda row: (-row["subscribers_affected"], row["started_at"]))
    if not moment.is_known:
        return [html.P(TEXT["not_known"], className="quiet")]
    if not rows:
        return [*blind, html.P(TEXT["none"], className="quiet")]
    return [*blind, *(_card(row, seen, at) for row in rows)]


def _card(row: Any, seen: Visit, at: datetime) -> html.Article:
    started = row["started_at"].astimezone(at.tzinfo)
    ended = row["ended_at"]
    after = "still open" if ended is None else f"over at {numbers.moment(ended.astimezone(at.tzinfo), at)}"
    people = [html.Strong(numbers.count(row["subscribers_affected"])), html.Span("customers in all")]
    where = parts.area_link(row["area"], seen.source.name(row["area"])) if row["area"] else numbers.NONE
    link = dcc.Link(incident_list.what(row), href=parts.incident_href(row["incident_id"]), className="opens")
    return html.Article(
        [
            html.Div(people, className="people"),
            html.Div(
                [
                    html.Div(where, className="where"),
                    html.Div([f"{INCIDENT_KINDS[row['kind']].word}: ", link], className="what"),
                    html.Div(after, className="taken"),
                ]
            ),
            html.Div(
                [
                    html.Strong(numbers.duration((at - started).total_seconds())),
                    html.Span(f"since {numbers.moment(started, at)}"),
                ],
                className="since",
            ),
        ],
        className=f"incident scope-{row['scope']} kind-{row['kind']}",
    )


def area_map(seen: Visit, day: date, step: int, theme_name: str) -> Any:
    """The areas at one step."""
    at = _since(seen, day) + min(max(step, 0), STEPS) * STEP
    chosen = theme(theme_name)
    if at > seen.at:
        return maps.empty(TEXT["future"], chosen)
    states = {row["area"]: row for row in _night(seen, day).moment(at).areas.to_dict("records")}
    marks = [_mark(area, name, states.get(area)) for area, name in seen.source.names.items()]
    marks.sort(key=lambda one: list(MARKS).index(one.mark.key))
    return maps.areas(
        marks,
        seen.source.outlines,
        chosen,
        labelled=frozenset(m.area for m in marks if m.mark.key not in {"up", "unknown"}),
    )


def _mark(area: str, name: str, row: Any) -> maps.AreaMark:
    if row is None:
        return maps.AreaMark(
            area, name, MARKS["unknown"], f"<b>{maps.plain(name)}</b><br>no device in the inventory then"
        )
    mark = MARKS.get(row["state"], MARKS["up"])
    lines = [f"<b>{maps.plain(name)}</b>", f"{mark.shape} {mark.word}"]
    if row["affected"]:
        lines.append(
            f"{numbers.count(row['affected'])} of {numbers.count(row['subscribers'])} customers without service"
        )
    if row["degraded"]:
        lines.append(f"{numbers.of(row['degraded'], 'device')} degraded")
    return maps.AreaMark(area, name, mark, "<br>".join(lines))


def course(seen: Visit, day: date, step: int, chosen: Theme) -> go.Figure:
    """Customers without service through the night, with a line at the moment that is shown."""
    zone, night = ZoneInfo(seen.settings.timezone), _night(seen, day)
    known = [one for one in night.course() if one[0] <= seen.at]
    known.append((min(night.until, max(seen.at, night.since)), known[-1][1]))
    first = night.record.known_since or night.until
    if first > night.since:  # nothing is drawn of the time before the oldest incident on record
        known = [(at, count) for at, count in known if at >= first]
    x = [at.astimezone(zone).replace(tzinfo=None) for at, _ in known]
    text = [f"Customers without service: {numbers.count(count)}" for _, count in known]
    begin = _since(seen, day).replace(tzinfo=None)
    trace = go.Scatter(
        x=x,
        y=[count for _, count in known],
        mode="lines",
        line={"shape": "hv", "color": chosen.alarm, "width": 2},
        fill="tozeroy",
        text=text,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )
    layout = stacked.layout(
        [""], chosen, between=(begin, begin + timedelta(hours=HOURS)), ticks="%H:%M", hover="%-d %b %H:%M"
    )
    layout["yaxis"] |= {"rangemode": "tozero", "domain": [0, 1], "nticks": 3}
    layout["margin"] = {"l": 44, "r": 12, "t": 6, "b": 4}
    layout["xaxis"] |= {"showticklabels": False, "type": "date"}
    layout["annotations"] = []
    at = begin + step * STEP
    line = {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": chosen.ink, "width": 2},
    }
    layout["shapes"] = [line]
    return go.Figure([trace], go.Layout(**layout))


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("replay-tiles", "children"),
        Output("replay-cards", "children"),
        Output("replay-clock", "children"),
        Output("replay-map", "figure"),
        Output("replay-course", "figure"),
        Input("replay-at", "value"),
        Input("theme", "data"),
        State("replay-night", "data"),
    )
    def move(step: int, theme_name: str, night: str) -> tuple[Any, ...]:
        seen = visit(source, f"?night={night}")
        day = _day(seen)
        said = shown(seen, day, step)
        return (*said, area_map(seen, day, step, theme_name), course(seen, day, step, theme(theme_name)))

    app.clientside_callback(
        ClientsideFunction("replay", "play"),
        Output("replay-tick", "disabled"),
        Output("replay-play", "children"),
        Input("replay-play", "n_clicks"),
        State("replay-tick", "disabled"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("replay", "next"),
        Output("replay-at", "value"),
        Input("replay-tick", "n_intervals"),
        State("replay-at", "value"),
        State("replay-at", "max"),
        prevent_initial_call=True,
    )
    app.clientside_callback(ClientsideFunction("maps", "followReplay"), Input("replay-map", "figure"))
    app.clientside_callback(ClientsideFunction("replay", "remember"), Input("replay-at", "value"))
