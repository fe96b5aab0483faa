"""The part of *Device* and of *Incident* in which a device, its site or its area is silenced, and a silence is ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard.figures.style import numbers
from dashboard.operations import incident_work, silences
from dashboard.operations.audit import EntryError
from dashboard.pages import parts
from dashboard.pages.sections import device_work, who
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "title": "Silence",
    "none": "Nothing is silenced here.",
    "unread": "It is not known whether anything is silenced: ",
    "enter": "Silence",
    "for": "For",
    "hours": "Hours that it lasts",
    "reason": "Why",
    "add": "Silence it",
    "end": "End the chosen one now",
    "how": "While it lasts, incidents send no notice and walls sound for none. They are shown and recorded as ever. Every entry is kept with your name.",
}
TARGETS = {
    "device": "incidents that begin at {name}",
    "site": "incidents that begin at its site, {name}",
    "area": "incidents within its area, {name}",
}
FIELDS = ("for", "hours", "reason")


def panel(seen: Visit, device_id: str) -> html.Section:
    """The silences that a device falls under, and the form for another."""
    targets = _targets(seen.source, device_id)
    options = [
        {"label": label.format(name=targets[kind]), "value": kind} for kind, label in TARGETS.items() if kind in targets
    ]
    form = [
        html.Fieldset(
            [
                html.Legend(TEXT["for"]),
                dcc.RadioItems(id="silence-for", options=options, value="device", className="filter"),
            ]
        ),
        html.Label([TEXT["hours"], _input("silence-hours", "8")]),
        html.Label([TEXT["reason"], _input("silence-reason")]),
        html.Div(html.Button(TEXT["add"], id="silence-add", className="button"), className="buttons"),
    ]
    return parts.panel(
        TEXT["title"],
        dcc.Store(id="silence-key", data=device_id),
        html.Div(held(seen, targets), id="silence-now"),
        html.Details([html.Summary(TEXT["enter"]), who.field(seen.settings, "silence-name"), *form]),
        html.P(id="silence-said", role="status"),
        html.P(TEXT["how"], className="how"),
        class_name="work",
    )


def _input(key: str, value: str = "") -> dcc.Input:
    return dcc.Input(id=key, type="text", value=value, maxLength=200, className="search")


def _targets(source: Source, device_id: str) -> dict[str, str]:
    found = device_work.targets_of(device_work.row_of(source, device_id))
    return {kind: name for kind, name in found.items() if kind in TARGETS}


def held(seen: Visit, targets: Mapping[str, str]) -> list[Any]:
    """Those that hold, to choose one of, and the button that ends it."""
    rows, problem = seen.source.incidents.silences(seen.at)
    rows = tuple(row for row in rows if targets.get(row["target_kind"]) == row["target"])
    button = html.Button(TEXT["end"], id="silence-end", className="button", disabled=not rows)
    options = [{"label": _said(row, seen), "value": row["silence_id"]} for row in rows]
    choice = dcc.RadioItems(
        id="silence-chosen", options=options, value=rows[0]["silence_id"] if rows else None, className="filter"
    )
    quiet = f"{TEXT['unread']}{problem}." if problem else TEXT["none"]
    said = [] if rows else [html.P(quiet, className="quiet")]
    return [*said, html.Div(choice, hidden=not rows), html.Div(button, className="buttons", hidden=not rows)]


def _said(row: Mapping[str, Any], seen: Visit) -> str:
    """'Until 04:00, area Ribeira: power works (ana)'."""
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    until = numbers.moment(row["ends_at"].astimezone(now.tzinfo), now)
    return f"Until {until}, {row['target_kind']} {row['target']}: {row['reason']} ({row['created_by']})"


def register(app: Dash, source: Source) -> None:
    """Wire the form."""
    typed_name = [] if source.settings.web.user_header else [State("silence-name", "value")]

    @app.callback(
        Output("silence-said", "children"),
        Output("silence-now", "children"),
        Input("silence-add", "n_clicks"),
        Input("silence-end", "n_clicks"),
        State("silence-key", "data"),
        State("silence-chosen", "value"),
        *(State(f"silence-{name}", "value") for name in FIELDS),
        *typed_name,
        prevent_initial_call=True,
    )
    def work(add: int | None, end: int | None, device_id: str, silence: str | None, *given: Any) -> tuple[Any, Any]:
        if not (add or end) or ctx.triggered_id not in {"silence-add", "silence-end"}:
            return no_update, no_update  # Dash asks once as the form appears
        fields = dict(zip((*FIELDS, "name"), given, strict=False))
        return enter(source, device_id, fields, ended=silence if ctx.triggered_id == "silence-end" else None)


def enter(source: Source, device_id: str, fields: Mapping[str, str | None], *, ended: str | None) -> tuple[Any, Any]:
    """Silence something, or end the silence ``ended``; what is said then, and the silences as they then are."""
    targets, at = _targets(source, device_id), datetime.now(UTC)
    given = {name: (fields.get(name) or "").strip() for name in FIELDS}
    try:
        by = incident_work.named(who.name(source.settings, fields.get("name")))
        if ended is not None:
            source.desk.enter(lambda engine: silences.end(engine, ended, by=by, at=at))
            said = "It is ended."
        else:
            kind, hours, reason = given["for"], _hours(given["hours"]), given["reason"]
            target = targets.get(kind, "")
            source.desk.enter(
                lambda engine: silences.add(engine, kind, target, hours=hours, reason=reason, by=by, at=at)
            )
            said = f"{target} is silenced."
    except EntryError as error:
        told = str(error)
        return [html.Strong("Nothing was entered. "), f"{told[:1].upper()}{told[1:]}."], no_update
    return said, held(visit(source), targets)


def _hours(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise EntryError(f"the hours that it lasts are a number, not {text!r}") from None
