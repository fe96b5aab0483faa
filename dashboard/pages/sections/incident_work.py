"""The part of *Incident* in which people work: take it on, customers told, hand it over, a note, and taking one back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update

from dashboard.operations import acknowledgements, incident_work
from dashboard.operations.audit import EntryError
from dashboard.pages import parts
from dashboard.pages.sections import who
from dashboard.pages.source import Source, Visit

TEXT = {
    "title": "Work on it",
    "note": "A note for colleagues",
    "to": "Who goes on with it",
    "how": "Each entry is kept with your name and the time. `{command}` and `{other}` do the same. `{outreach}` writes which customers of a list of yours to call.",
}
ACTIONS = {
    "take": ("Take it on", "You have taken it on."),
    "told": ("Customers told", "It is noted that customers were told now."),
    "add": ("Add the note", "The note is kept."),
    "hand": ("Hand over", "It is handed over."),
    "back": ("Take my last entry back", "Your last entry is taken back."),
}
MOST_LETTERS = 2_000


def panel(seen: Visit) -> html.Section:
    """The form; it works by keyboard alone."""
    buttons = {key: html.Button(label, id=f"work-{key}", className="button") for key, (label, _) in ACTIONS.items()}
    commands = {"command": seen.source.command("acknowledge"), "other": seen.source.command("incident")}
    commands["outreach"] = seen.source.command("outreach")
    how = [html.Code(text) if i % 2 else text for i, text in enumerate(TEXT["how"].format(**commands).split("`"))]
    return parts.panel(
        TEXT["title"],
        who.field(seen.settings, "work-name"),
        html.Label([TEXT["note"], dcc.Textarea(id="work-note", maxLength=MOST_LETTERS, className="note")]),
        html.Div([buttons["take"], buttons["told"], buttons["add"]], className="buttons"),
        html.Label([TEXT["to"], dcc.Input(id="work-to", type="text", maxLength=200, className="search")]),
        html.Div([buttons["hand"]], className="buttons"),
        html.Div([buttons["back"]], className="buttons"),
        html.P(id="work-said", role="status"),
        html.P(how, className="how"),
        class_name="work",
    )


def register(app: Dash, source: Source) -> None:
    """Wire the form."""
    typed_name = [] if source.settings.web.user_header else [State("work-name", "value")]

    @app.callback(
        Output("work-said", "children"),
        Output("work-note", "value"),
        *(Input(f"work-{key}", "n_clicks") for key in ACTIONS),
        State("incident-key", "data"),
        State("work-note", "value"),
        State("work-to", "value"),
        *typed_name,
        prevent_initial_call=True,
    )
    def work(*given: Any) -> tuple[Any, Any]:
        pressed = str(ctx.triggered_id or "").removeprefix("work-")
        if pressed not in ACTIONS or not any(given[: len(ACTIONS)]):
            return no_update, no_update  # Dash asks once as the form appears
        incident_id, note, to, *typed = given[len(ACTIONS) :]
        return enter(source, pressed, incident_id, note=note or "", to=to or "", typed=typed[0] if typed else None)


def enter(source: Source, pressed: str, incident_id: str, *, note: str, to: str, typed: str | None) -> tuple[Any, Any]:
    """What is said after a button was pressed, and what stands in the note then: it is kept where nothing was entered."""
    try:
        by = incident_work.named(who.name(source.settings, typed))
        source.desk.enter(_entry(pressed, incident_id, note=note, to=to, by=by, at=datetime.now(UTC)))
    except EntryError as error:
        said = str(error)
        return [html.Strong("Nothing was entered. "), f"{said[:1].upper()}{said[1:]}."], no_update
    return ACTIONS[pressed][1], ""


def _entry(pressed: str, incident_id: str, *, note: str, to: str, by: str, at: datetime) -> Callable[[sa.Engine], Any]:
    entries: dict[str, Callable[..., Any]] = {
        "take": partial(acknowledgements.acknowledge, incident=incident_id, note=note),
        "told": partial(incident_work.told, incident=incident_id, note=note),
        "add": partial(incident_work.note, incident=incident_id, text=note),
        "hand": partial(incident_work.hand_over, incident=incident_id, to=to, text=note),
        "back": partial(incident_work.take_back, incident=incident_id),
    }
    return lambda engine: entries[pressed](engine, by=by, at=at)
