"""*Device*: one device now and over time, where it stands in the network, and what happened to it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboard.accounts.identity import current
from dashboard.accounts.rights import Right
from dashboard.figures.charts import device_history as charts
from dashboard.figures.charts.device_history import Step
from dashboard.figures.charts.map import empty
from dashboard.figures.charts.stacked import SHADES
from dashboard.figures.live import collector_status, device_words
from dashboard.figures.live.device_words import Fact
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import DEVICE_STATES, theme
from dashboard.operations.devices import neighbours
from dashboard.operations.devices.neighbours import Place
from dashboard.operations.live.live_state import Live
from dashboard.pages import parts, shared
from dashboard.pages.sections import device_detail, device_network, device_work, now_devices, silence_work
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "gone": "This device is no longer in the inventory",
    "gone_why": "It left the inventory on {day}. What is on record of it is shown below.",
    "not_yet": "No collector tells of this device yet, so nothing is known of it now.",
    "unknown": "There is no such device",
    "unknown_why": "Neither the inventory nor a collector has a device of this name. It may have been renamed.",
    "now": "See the network now",
    "seen_up": "Answers. Nothing is known of the time before a collector first asked it.",
    "history": "Over time",
    "history_how": "A gap in a line was not measured. Shaded over all charts, and added up at the bottom:",
    "no_hours": "No hour of this device is on record yet: an hour is written some minutes after it ends",
    "no_hours_then": "No hour of this device is on record in this time",
    "uncounted": "The inventory counts no customers (column subscribers), so it is not known how many are behind it.",
}
REFRESH_SECONDS = 5
SPANS: dict[str, tuple[str, timedelta, Step]] = {
    "2": ("2 days", timedelta(days=2), "hour"),
    "14": ("2 weeks", timedelta(days=14), "hour"),
    "91": ("3 months", timedelta(days=91), "day"),
    "364": ("1 year", timedelta(days=364), "week"),
}
DEFAULT_SPAN = "2"


def layout(seen: Visit, key: str) -> html.Div:
    """The page of the device whose id stands in the path; `?span=14` chooses the days that the charts show."""
    name = unquote(key)
    if not is_known(seen, name):
        back = dcc.Link(TEXT["now"], href="/")
        missing = parts.empty(TEXT["unknown"], [TEXT["unknown_why"], " ", back, "."])
        return html.Div([html.H1(name), missing], className="page device")
    live, shown = seen.source.live(seen.at), renew(seen, name, None)
    timers = [
        dcc.Store(id="device-key", data=name),
        dcc.Interval(id="device-tick", interval=REFRESH_SECONDS * 1000),
        dcc.Store(id="device-seen", data=shown[-1]),
    ]
    age = parts.age("device-age", shown[2])
    return html.Div(
        [
            *timers,
            html.Div([html.H1(name), html.P(_kind(seen, name, live), className="facts"), age], className="title-line"),
            html.Div(shown[0], id="device-now", className="column"),
            html.Div(
                [
                    html.Div([_history(seen, name), *device_detail.panel(seen, name)], className="column"),
                    html.Div(
                        [html.Div(shown[1], id="device-network", className="column"), *_beside(seen, name)],
                        className="column",
                    ),
                ],
                className="beside",
            ),
        ],
        className="page device",
    )


def is_known(seen: Visit, name: str) -> bool:
    """Whether a collector or the inventory, now or before, has a device of that name."""
    return bool(seen.source.live(seen.at).devices["device_id"].eq(name).any()) or bool(seen.source.inventory.rows(name))


def renew(seen: Visit, name: str, digests: list[str] | None) -> tuple[Any, ...]:
    """What changed since ``digests``: the device now, its network, freshness (as JSON); then always the new digests."""
    live, now, take = seen.source.live(seen.at), _local(seen), seen.source.shared.take
    key = (live.stamp, int(seen.at.timestamp() // 60), name)
    told = [
        take("device-now", key, lambda: _now(seen, name, neighbours.place(live.devices, name), now)),
        take("device-network", key, lambda: _network(seen, name, live, now)),
        take("device-age", key, lambda: json.dumps(collector_status.freshness(_of(live, name), now))),
    ]
    fresh, digests = shared.changed(told, digests)
    return (*fresh, digests)


def _network(seen: Visit, name: str, live: Live, now: datetime) -> list[Any]:
    place = neighbours.place(live.devices, name)
    found = seen.source.incidents.of_device(name, seen.at)
    past = device_network.incidents(found, name, now)
    if place is None:
        return [past]
    return [device_network.path(place), past, *_ports(seen, name, now), device_network.below(place, live)]


def _ports(seen: Visit, name: str, now: datetime) -> list[html.Section]:
    return device_network.ports(seen.source.ports.read(name), now)


def _local(seen: Visit) -> datetime:
    return seen.at.astimezone(ZoneInfo(seen.settings.timezone))


def _of(live: Live, name: str) -> Live:
    return live.of(live.devices[live.devices["device_id"] == name])


def _kind(seen: Visit, name: str, live: Live) -> list[Any]:
    """What it is, and the area that it stands in, as a link."""
    rows = seen.source.inventory.rows(name)
    row = rows[-1] if rows else live.devices[live.devices["device_id"] == name].iloc[0].to_dict()
    said = device_words.kind(row["role"], row.get("technology"), row.get("site"))
    return [said, " in ", parts.area_link(row["area"], seen.source.name(row["area"]))]


def _beside(seen: Visit, name: str) -> list[html.Section | None]:
    """What stands under the network: planned work, and where else there is something of it."""
    row = device_work.row_of(seen.source, name)
    is_there = row.get("valid_to") is None or numbers.is_missing(row.get("valid_to"))
    may_work = current().may(Right.WORK)
    return [
        *([device_work.panel(seen, row), silence_work.panel(seen, name)] if is_there and may_work else []),
        device_detail.links(seen, row),
    ]


def _now(seen: Visit, name: str, place: Place | None, now: datetime) -> list[Any]:
    """Its state and newest numbers, or that it is there no more."""
    live = seen.source.live(seen.at)
    lines = [parts.notice(said) for said in collector_status.notices(_of(live, name), now)]
    rows = seen.source.inventory.rows(name)
    if place is None and not rows:
        return [*lines, parts.banner("warning", "▲", f"{TEXT['unknown']}. {TEXT['unknown_why']}")]
    if place is None:
        left = rows[-1]["valid_to"]
        gone = f"{TEXT['gone']}. {TEXT['gone_why'].format(day=numbers.day(left))}"
        return [*lines, parts.banner("warning", "▲", TEXT["not_yet"] if left is None else gone)]
    facts = [*device_words.times(place.own, now), *device_words.measures(place.own), *_behind(place, live)]
    notes = [device_words.unmeasured(place.own), device_words.capacity(rows[-1] if rows else None)]
    return [
        *lines,
        html.Div([_state(place, live, now), *(_tile(fact) for fact in facts)], className="tiles"),
        html.P(" ".join(note for note in notes if note), className="how"),
    ]


def _state(place: Place, live: Live, now: datetime) -> html.Div:
    """Its state, since when, and why."""
    row = dict(place.own)
    mark = DEVICE_STATES[row["state"]]
    why = now_devices.why(row, live, now_devices.flapping(live), now)
    since = numbers.moment(row["since"].tz_convert(now.tzinfo), now)
    lasted = numbers.duration((now - row["since"]).total_seconds())
    said = "" if row["state"] == "degraded" else f"since {since} ({lasted})"
    is_up = row["state"] == "up"
    return html.Div(
        [parts.chip(mark), html.Span(f"seen up {said}" if is_up else said), *([html.Small(why)] if why else [])],
        className="tile state wide-state",
        title=TEXT["seen_up"] if is_up else mark.meaning,
    )


def _behind(place: Place, live: Live) -> list[Fact]:
    customers = numbers.count(place.own["behind"]) if live.is_counted else "?"
    meaning = "Customers of the inventory behind it and all that hangs from it"
    return [
        Fact(customers, "customers behind it", "", meaning if live.is_counted else TEXT["uncounted"]),
        Fact(
            numbers.count(place.devices_behind), "devices behind it", "", "Devices of the inventory that hang from it"
        ),
    ]


def _tile(fact: Fact) -> html.Div:
    label = [fact.name, html.Small(fact.beside)] if fact.beside else fact.name
    return parts.tile(fact.value, label, class_name="fact", title=fact.meaning)


def _history(seen: Visit, name: str) -> html.Section:
    span = seen.query.get("span", DEFAULT_SPAN)
    choice = dcc.RadioItems(
        id="device-span",
        options=[{"label": label, "value": key} for key, (label, _, _) in SPANS.items()],
        value=span if span in SPANS else DEFAULT_SPAN,
        inline=True,
        className="filter",
    )
    legend = [html.Span([html.I(className=f"swatch shade-{shade.key}"), shade.word]) for shade in SHADES]
    return parts.panel(
        TEXT["history"],
        html.P(TEXT["history_how"], className="how"),
        html.Div(legend, className="legend shades"),
        parts.graph("device-history", f"Round trip, loss, traffic, load and signal of {name} over time"),
        html.P(id="device-history-notes", className="how"),
        aside=choice,
        class_name="weeks",
    )


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("device-history", "figure"),
        Output("device-history-notes", "children"),
        Input("device-span", "value"),
        Input("theme", "data"),
        State("device-key", "data"),
    )
    def draw(span: str, theme_name: str, name: str) -> tuple[Any, str]:
        return history(visit(source), name, span, theme_name)

    @app.callback(
        Output("device-now", "children"),
        Output("device-network", "children"),
        Output("device-age", parts.FRESHNESS),
        Output("device-seen", "data"),
        Input("device-tick", "n_intervals"),
        State("device-key", "data"),
        State("device-seen", "data"),
        prevent_initial_call=True,
    )
    def renew_device(_: int, name: str, digests: list[str] | None) -> tuple[Any, ...]:
        *shown, digests = renew(visit(source), name, digests)
        if all(one is no_update for one in shown):
            raise PreventUpdate
        return (*shown, digests)

    app.clientside_callback(ClientsideFunction("bairro", "rememberDays"), Input("device-span", "value"))


def history(seen: Visit, name: str, span: str, theme_name: str) -> tuple[Any, str]:
    """The charts of the device's last days, and what is to be said below them."""
    _, length, step = SPANS.get(span, SPANS[DEFAULT_SPAN])
    chosen, zone = theme(theme_name), ZoneInfo(seen.settings.timezone)
    first = charts.begin(seen.at - length, step, zone)
    found = seen.source.hours.read(name, first, seen.at)
    damaged = f" Missing, as a file cannot be read: {'; '.join(found.damages[:3])}." if found.damages else ""
    if found.written_until is None or found.table.empty:
        title = TEXT["no_hours" if found.written_until is None else "no_hours_then"]
        return empty(title, chosen), damaged.strip()
    rows = seen.source.inventory.rows(name)
    since = max([first, *([rows[0]["valid_from"].to_pydatetime()] if rows else [])])
    since = charts.begin(min(since, found.table["hour"].iloc[0].to_pydatetime()), step, zone)
    table = charts.buckets(found.table, since, found.written_until, step, zone)
    figure = charts.history(
        table,
        chosen,
        step=step,
        spans=device_detail.spans(seen, name, since),
        capacity=_capacity(rows),
        title=TEXT["no_hours"],
    )
    newest = numbers.moment(found.written_until.astimezone(zone), seen.at.astimezone(zone))
    notes = [
        charts.not_measured(table),
        f"Hours are written some minutes after they end; the newest ended at {newest}.",
    ]
    return figure, " ".join(note for note in notes if note) + damaged


def _capacity(rows: list[dict[str, Any]]) -> tuple[float | None, float | None]:
    if not rows:
        return None, None
    down, up = (rows[-1][f"capacity_{way}_bytes_per_second"] for way in ("receive", "transmit"))
    return (None if down is None else 8e-6 * down), (None if up is None else 8e-6 * up)
