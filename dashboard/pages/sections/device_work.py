"""The part of *Device* in which planned work is entered and ended: of the device, its site or its area."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard.figures.style import numbers
from dashboard.operations import incident_work, plan_maintenance, window_words
from dashboard.operations.audit import EntryError
from dashboard.operations.devices import neighbours
from dashboard.pages import parts
from dashboard.pages.sections import who
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "title": "Planned work",
    "none": "None is under way or to come.",
    "unread": "It is not known whether any is under way: ",
    "enter": "Enter planned work",
    "for": "For",
    "start": "Begins: YYYY-MM-DD HH:MM in {zone}; blank: now",
    "weekly": "Every week, such as “Sun 02:00”; blank: once",
    "hours": "Hours that it lasts",
    "reason": "What is done",
    "add": "Enter",
    "end": "End the chosen one now",
    "how": "An outage in this time counts as planned. To change a window, end it and enter it anew. Every entry is kept with your name.",
}
TARGETS = {
    "device": "this device and outages that begin at it",
    "subtree": "this device and all that hangs from it",
    "site": "its site, {name}",
    "area": "its area, {name}",
}
FIELDS = ("for", "start", "weekly", "hours", "reason")


def panel(seen: Visit, row: Mapping[Any, Any]) -> html.Section:
    """The windows that hold for the device of the inventory's ``row`` or are to come, and the form for another."""
    targets = targets_of(row)
    options = [{"label": TARGETS[kind].format(name=name), "value": kind} for kind, name in targets.items()]
    zone = seen.settings.timezone
    form = [
        html.Fieldset(
            [
                html.Legend(TEXT["for"]),
                dcc.RadioItems(id="plan-for", options=options, value="device", className="filter"),
            ]
        ),
        html.Label([TEXT["start"].format(zone=zone), _input("plan-start")]),
        html.Label([TEXT["weekly"], _input("plan-weekly")]),
        html.Label([TEXT["hours"], _input("plan-hours", "2")]),
        html.Label([TEXT["reason"], _input("plan-reason")]),
        html.Div(html.Button(TEXT["add"], id="plan-add", className="button"), className="buttons"),
    ]
    return parts.panel(
        TEXT["title"],
        html.Div(windows(seen, targets), id="plan-now"),
        html.Details([html.Summary(TEXT["enter"]), who.field(seen.settings, "plan-name"), *form]),
        html.P(id="plan-said", role="status"),
        html.P(TEXT["how"], className="how"),
        class_name="work",
    )


def _input(key: str, value: str = "") -> dcc.Input:
    return dcc.Input(id=key, type="text", value=value, maxLength=200, className="search")


def targets_of(row: Mapping[Any, Any]) -> dict[str, str]:
    """What a window for a device may be entered for: kind -> name."""
    own = row["device_id"]
    found = {"device": own, "subtree": own, "site": row.get("site"), "area": row.get("area")}
    return {kind: str(name) for kind, name in found.items() if name and not numbers.is_missing(name)}


def windows(seen: Visit, targets: Mapping[str, str]) -> list[Any]:
    """Those under way and to come, to choose one of, and the button that ends it."""
    rows, problem = seen.source.incidents.windows([*targets.items(), *_above(seen, targets["device"])], seen.at)
    button = html.Button(TEXT["end"], id="plan-end", className="button", disabled=not rows)
    options = [{"label": _said(row, seen), "value": row["window_id"]} for row in rows]
    choice = dcc.RadioItems(
        id="plan-chosen", options=options, value=rows[0]["window_id"] if rows else None, className="filter"
    )
    quiet = f"{TEXT['unread']}{problem}." if problem else TEXT["none"]
    said = [] if rows else [html.P(quiet, className="quiet")]
    return [*said, html.Div(choice, hidden=not rows), html.Div(button, className="buttons", hidden=not rows)]


def _above(seen: Visit, device_id: str) -> list[tuple[str, str]]:
    """The subtrees that the device is in beside its own."""
    place = neighbours.place(seen.source.live(seen.at).devices, device_id)
    return [] if place is None else [("subtree", str(row["device_id"])) for row in place.above]


def _said(row: Mapping[str, Any], seen: Visit) -> str:
    """'Under way until 04:00, site exchange: new line card (ana)'."""
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    span = plan_maintenance.following(row, seen.at)
    if span is None:
        when = "over"
    else:
        start, end = (moment.astimezone(now.tzinfo) for moment in span)
        until = numbers.moment(end, now)
        when = f"under way until {until}" if start <= now else f"{numbers.moment(start, now)} to {until}"
    weekly = ", every week" if row["weekdays"] else ""
    return f"{when[:1].upper()}{when[1:]}{weekly}; {row['target_kind']} {row['target']}: {row['reason']} ({row['created_by']})"


def register(app: Dash, source: Source) -> None:
    """Wire the form."""
    typed_name = [] if source.settings.web.user_header else [State("plan-name", "value")]

    @app.callback(
        Output("plan-said", "children"),
        Output("plan-now", "children"),
        Input("plan-add", "n_clicks"),
        Input("plan-end", "n_clicks"),
        State("device-key", "data"),
        State("plan-chosen", "value"),
        *(State(f"plan-{name}", "value") for name in FIELDS),
        *typed_name,
        prevent_initial_call=True,
    )
    def work(add: int | None, end: int | None, device_id: str, window: str | None, *given: Any) -> tuple[Any, Any]:
        if not (add or end) or ctx.triggered_id not in {"plan-add", "plan-end"}:
            return no_update, no_update  # Dash asks once as the form appears
        fields = dict(zip((*FIELDS, "name"), given, strict=False))
        return enter(source, device_id, fields, window=window if ctx.triggered_id == "plan-end" else None)


def enter(source: Source, device_id: str, fields: Mapping[str, str | None], *, window: str | None) -> tuple[Any, Any]:
    """Enter a window, or end ``window``; what is said then, and the windows as they then are."""
    seen, row = visit(source), row_of(source, device_id)
    targets = targets_of(row)
    try:
        by = incident_work.named(who.name(source.settings, fields.get("name")))
        if window is not None:
            source.desk.enter(lambda engine: plan_maintenance.cancel(engine, window, by=by, at=seen.at))
            said = "It is ended from now on."
        else:
            entry = _entry(source, targets, fields, seen.at)
            source.desk.enter(lambda engine: plan_maintenance.add(engine, entry, by=by, at=seen.at))
            said = "It is entered. The collectors take it in within a minute."
    except EntryError as error:
        told = str(error)
        return [html.Strong("Nothing was entered. "), f"{told[:1].upper()}{told[1:]}."], no_update
    return said, windows(visit(source), targets)


def row_of(source: Source, device_id: str) -> Mapping[Any, Any]:
    """The newest row of a device in the inventory, else in the live tables, else nothing but its name."""
    rows = source.inventory.rows(device_id)
    if rows:
        return rows[-1]
    live = source.live(datetime.now(UTC)).devices
    found = live[live["device_id"] == device_id].to_dict("records")
    return found[0] if found else {"device_id": device_id}


def _entry(
    source: Source, targets: Mapping[str, str], fields: Mapping[str, str | None], now: datetime
) -> plan_maintenance.Entry:
    given = {name: (fields.get(name) or "").strip() for name in FIELDS}
    kind = given["for"]
    if kind not in targets:
        raise EntryError("choose what it is for")
    try:
        hours = float(given["hours"].replace(",", "."))
    except ValueError:
        raise EntryError(f"the hours that it lasts are a number, not {given['hours']!r}") from None
    if not 0 < hours < 24 * 31:
        raise EntryError("the hours that it lasts are more than 0 and less than 31 days")
    if plan_maintenance.devices_of(source.settings.data, kind, targets[kind]) == 0:
        raise EntryError(f"the inventory has no {kind} {targets[kind]!r} any more")
    return window_words.entry(
        kind,
        targets[kind],
        start=given["start"] or None,
        end=None,
        weekly=given["weekly"] or None,
        hours=hours,
        time_zone=source.settings.timezone,
        reason=given["reason"],
        now=now,
    )
