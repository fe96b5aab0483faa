"""*Now* on a wall (`/?view=wall`): read from four metres, nothing to scroll; in calm the devices that measure worst."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboard.figures import incidents as figures
from dashboard.figures.live import collector_status, last_day, worst_devices
from dashboard.figures.style import numbers
from dashboard.operations.live.live_state import Live
from dashboard.pages import now, parts, shared
from dashboard.pages.sections import now_incidents
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "title": "The network now",
    "calm": "● No open incident",
    "day": "Customers without service, last 24 hours",
    "day_devices": "Devices without service, last 24 hours",
    "day_how": "at most {most} at once · by the incidents on record; none is recorded while no collector runs · blue: planned work · hatched: collector blind",
    "day_unknown": "The last 24 hours are not known: the incidents cannot be read",
    "map": "Areas by worst state",
    "sound": "Sound is off",
    "taken": "Taken on by ",
    "nobody": "Nobody has taken this on",
}
MOST_INCIDENTS = 5
END = 8
NEWS = "data-news"
MAP = 4


def layout(seen: Visit) -> html.Div:
    """The wall as it is now but for its map."""
    shown = but_for_the_map(seen, seen.source.live(seen.at))
    top, banners, main, day, news, freshness = (one.value for one in shown)
    digests = [one.digest for one in shown]
    head = [
        html.Div(top, id="wall-top", className="tiles"),
        html.Div(
            [
                parts.age("wall-age", freshness),
                html.Button(TEXT["sound"], id="wall-sound", className="button", type="button"),
            ],
            className="board-side",
        ),
    ]
    return html.Div(
        [
            dcc.Interval(id="wall-tick", interval=now.REFRESH_SECONDS * 1000),
            dcc.Store(id="wall-seen", data=[*digests[:MAP], "", *digests[MAP:]]),
            html.H1(TEXT["title"], className="unseen"),
            html.Div(id="wall-news", hidden=True, **{NEWS: news}),
            html.Div(head, className="strip"),
            html.Div(banners, id="wall-banners"),
            html.Div(
                [
                    html.Div(main, id="wall-main"),
                    html.Div(parts.graph("wall-map", TEXT["map"]), className="board-map"),
                ],
                className="board-middle",
            ),
            html.Div(day, id="wall-day"),
        ],
        className="page board",
    )


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("wall-top", "children"),
        Output("wall-banners", "children"),
        Output("wall-main", "children"),
        Output("wall-day", "children"),
        Output("wall-map", "figure"),
        Output("wall-news", NEWS),
        Output("wall-age", parts.FRESHNESS),
        Output("wall-seen", "data"),
        Input("wall-tick", "n_intervals"),
        Input("theme", "data"),
        State("wall-seen", "data"),
    )
    def renew(_: int, theme_name: str, digests: list[str] | None) -> tuple[Any, ...]:
        *shown, digests = refresh(visit(source), theme_name, digests)
        if all(one is no_update for one in shown):
            raise PreventUpdate
        return (*shown, digests)

    app.clientside_callback(ClientsideFunction("maps", "followWall"), Input("wall-map", "figure"))


def refresh(seen: Visit, theme_name: str, digests: list[str] | None) -> tuple[Any, ...]:
    """What changed since ``digests``: top, banners, middle, day, map, news, freshness; then always the new digests."""
    live, source = seen.source.live(seen.at), seen.source
    told, key = but_for_the_map(seen, live), (source.version(live), theme_name)
    drawn = source.shared.take("now-map", key, lambda: now.area_map(live, source, theme_name))
    fresh, digests = shared.changed([*told[:MAP], drawn, *told[MAP:]], digests)
    return (*fresh, digests)


def but_for_the_map(seen: Visit, live: Live) -> list[shared.Part]:
    """Top, banners, middle, day, news and freshness (both JSON), each made once for all walls."""
    source, at = seen.source, seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    version, take = source.version(live), source.shared.take
    minute, tick = int(seen.at.timestamp() // 60), int(seen.at.timestamp() // now.REFRESH_SECONDS)
    return [
        take("now-tiles", live.stamp, lambda: now.tiles(live)),
        take("now-banners", (live.stamp, minute), lambda: now.banners(live, at)),
        take("wall-main", (version, tick), lambda: _middle(live, source, at)),
        take("wall-day", (live.stamp, minute), lambda: day(live, at)),
        take("wall-news", (live.stamp, minute), lambda: json.dumps(news(live, at))),
        take("now-age", live.stamp, lambda: json.dumps(collector_status.freshness(live, at))),
    ]


def news(live: Live, at: datetime) -> list[str]:
    """The open incidents that nobody has taken on or silenced: a sound is for those alone. Planned work is none."""
    rows = live.open_incidents
    rows = rows[~rows["kind"].isin(["planned", "blind"]) & rows["taken_up"].isna()]
    return sorted(str(row["incident_id"]) for row in rows.to_dict("records") if not figures.silenced(row, at))


def _middle(live: Live, source: Source, at: datetime) -> list[Any]:
    trouble = ~live.open_incidents["kind"].isin(["blind", "planned"])
    return incidents(live, source, at) if trouble.any() else calm(live, source)


def incidents(live: Live, source: Source, at: datetime) -> list[Any]:
    """The worst open incidents in large letters, and how many more there are."""
    rows = now_incidents.described(live)
    made = [_incident(row, source, at) for row in rows[:MOST_INCIDENTS]]
    if more := rows[MOST_INCIDENTS:]:
        made.append(html.P(f"and {numbers.of(len(more), 'more incident')}", className="board-more"))
    if not live.is_database_known:
        made.append(html.P(f"? {now_incidents.TEXT['more']}", className="board-more"))
    return made


def _incident(row: dict[Any, Any], source: Source, at: datetime) -> html.Article:
    number, told = figures.people(row)
    lasted = numbers.duration((at - row["started_at"].astimezone(at.tzinfo)).total_seconds())
    said = figures.taken_up(row)
    what = "planned work: " if row["kind"] == "planned" else ""
    taken = "" if row["kind"] == "planned" else f"{TEXT['taken']}{said}" if said else TEXT["nobody"]
    taken = " · ".join(one for one in (taken, figures.silenced(row, at)) if one)
    return html.Article(
        [
            html.Div([html.Strong(number), html.Span(" ".join(told))], className="people"),
            html.Div(
                [
                    html.Div(now_incidents.places(row, source), className="where"),
                    html.Div(f"{what}{figures.what(row)}", className="what"),
                    html.Div(taken, className="taken"),
                ]
            ),
            html.Strong(lasted, className="lasted"),
        ],
        className=f"incident scope-{row['scope']} kind-{row['kind']}",
    )


def calm(live: Live, source: Source) -> list[Any]:
    """That nothing is wrong, or why nobody can say so; and the devices that measure worst."""
    said = TEXT["calm"] if live.is_complete else f"? {now_incidents.why_unknown(live)}"
    if planned := int(live.open_incidents["kind"].eq("planned").sum()):
        said = f"{said} · planned work under way: {numbers.count(planned)}"
    lists = [_ranking(one, source) for one in worst_devices.rankings(live)] if len(live.devices) else []
    return [html.P(said, className="board-calm"), html.Div(lists, className="board-worst")]


def _ranking(one: worst_devices.Ranking, source: Source) -> html.Section:
    items = [html.Li([html.B(value), _name(device), html.Small(source.name(area))]) for device, area, value in one.rows]
    body = html.Ol(items) if items else html.P(one.nothing, className="quiet")
    return html.Section([html.H2(one.title), body])


def _name(device: str) -> html.Span:
    """A name that loses its middle where it is too long: devices differ at the end of their names."""
    return html.Span([html.Span(device[:-END]), html.Span(device[-END:])], className="cut")


def day(live: Live, at: datetime) -> list[Any]:
    """A bar for each quarter of the last 24 hours, as high as many customers were without service."""
    found = last_day.quarters(live, at)
    if not found:
        return [html.H2(TEXT["day_unknown"])]
    most = max(one.out + one.planned for one in found)
    title = TEXT["day" if live.is_counted else "day_devices"]
    bars = [
        html.Div([_bar("planned", one.planned, most), _bar("out", one.out, most)], className="blind" if one.is_blind else "")
        for one in found
    ]  # fmt: skip
    hours = [html.Span(f"{one.at:%H}" if one.at.minute == 0 and one.at.hour % 3 == 0 else "") for one in found]
    head = [title, html.Small(TEXT["day_how"].format(most=numbers.count(most)))]
    label = f"{title}: at most {numbers.count(most)} at once"
    return [
        html.H2(head),
        html.Div(bars, className="board-bars", role="img", **{"aria-label": label}),
        html.Div(hours, className="board-hours", **{"aria-hidden": "true"}),
    ]


def _bar(kind: str, count: int, most: int) -> html.I | None:
    return html.I(className=kind, style={"height": f"{max(100 * count / most, 4):.0f}%"}) if count else None
