"""*Incidents*: the list of all on record, to filter and to take away as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.figures import incident_list as figures
from dashboard.figures.incident_list import Choice
from dashboard.figures.live import collector_status
from dashboard.figures.style.palette import INCIDENT_KINDS
from dashboard.pages import parts
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "title": "Incidents",
    "list": "On record",
    "kind": "Kind",
    "state": "State",
    "months": "How far back",
    "search": "Find a device, an area, a person",
    "download": "Download CSV",
    "replay": "Replay of last night",
    "area": "Only those that touch {area}. ",
    "all_areas": "Show all areas",
    "unread": "The incidents are not known: {why}.",
}
NUMBER = {"cellClass": "number", "headerClass": "number"}
COLUMNS: tuple[dict[str, Any], ...] = (
    parts.column("began", "Began", 110, cellRenderer="Shown", sort="desc"),
    parts.mark_column("kind", "Kind", 140, INCIDENT_KINDS, order="bairroByText"),
    parts.column("what", "What", 200, flex=330, cellRenderer="IncidentLink", tooltipField="what"),
    parts.column("areas", "Areas", 120, flex=170, tooltipField="areas"),
    parts.column("lasted", "Lasted", 120, cellRenderer="Shown", **NUMBER),
    parts.column("customers", "Customers", 96, cellRenderer="Shown", **NUMBER),
    parts.column("minutes", "Customer-minutes", 164, cellRenderer="Shown", **NUMBER),
    parts.column("taken_up", "Taken on by", 110, tooltipField="taken_up"),
)


def layout(seen: Visit) -> html.Div:
    """The list as the URL asks for it: ?kind=outage&state=open&months=3&q=text&area=n03."""
    choice = Choice.of(seen.query)
    rows, said, banner = listed(seen, choice)
    return html.Div(
        [
            html.Div(
                [html.H1(TEXT["title"]), html.P(said, id="incidents-said", className="facts")], className="title-line"
            ),
            html.Div(banner, id="incidents-banner"),
            dcc.Store(id="incidents-area", data=choice.area),
            *_of_area(seen, choice),
            parts.panel(
                TEXT["list"],
                _controls(choice),
                parts.grid(
                    "incidents-grid",
                    COLUMNS,
                    rows,
                    row_id="incident_id",
                    label=TEXT["title"],
                    rowHeight=34,
                    headerHeight=34,
                ),
                aside=[
                    dcc.Link(TEXT["replay"], href="/replay", className="button"),
                    html.A(
                        TEXT["download"],
                        id="incidents-csv",
                        href=csv_href(choice),
                        download="incidents.csv",
                        className="button",
                    ),
                ],
                class_name="listed",
            ),
        ],
        className="page incidents-page",
    )


def _of_area(seen: Visit, choice: Choice) -> list[html.P]:
    if not choice.area:
        return []
    said = TEXT["area"].format(area=seen.source.name(choice.area))
    return [html.P([said, dcc.Link(TEXT["all_areas"], href="/incidents")], className="how")]


def _controls(choice: Choice) -> html.Div:
    asked = {
        "kind": (figures.KINDS, choice.kind),
        "state": (figures.STATES, choice.state),
        "months": (figures.MONTHS, choice.months),
    }
    radios = [
        html.Fieldset(
            [
                html.Legend(TEXT[key], className="unseen"),
                dcc.RadioItems(
                    id=f"incidents-{key}",
                    options=[{"label": label, "value": value} for value, label in options.items()],
                    value=value,
                    inline=True,
                    className="filter",
                ),
            ]
        )
        for key, (options, value) in asked.items()
    ]
    search = dcc.Input(
        id="incidents-search",
        type="search",
        value=choice.q,
        placeholder=TEXT["search"],
        debounce=0.4,
        className="search",
    )
    return html.Div([*radios, search], className="toolbar")


def listed(seen: Visit, choice: Choice) -> tuple[list[dict[str, Any]], str, list[html.Div]]:
    """The rows of the table, the sentence over it, and why they may not be all, or not known."""
    found = seen.source.incidents.listed(choice.wanted(seen.at))
    if found.problem is not None:
        return [], "", [parts.banner("alarm", "■", TEXT["unread"].format(why=found.problem))]
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    live = seen.source.live(seen.at)
    unheard = [parts.notice(said) for said in collector_status.notices(live, now)]
    is_counted = live.is_counted or any(row["subscribers_affected"] for row in found.rows)
    rows = figures.chosen(found, choice, seen.source.name)
    made = figures.grid_rows(rows, seen.source.name, now, is_counted=is_counted)
    said = figures.summary(rows, found, is_counted=is_counted)
    return [{**row, "href": parts.incident_href(row["incident_id"])} for row in made], said, unheard


def csv_href(choice: Choice) -> str:
    query = urlencode(choice.query())
    return f"/incidents.csv?{query}" if query else "/incidents.csv"


def csv(source: Source, query: Mapping[str, str], at: datetime) -> str:
    """The table to take away. Raises LookupError, in words, where the incidents are not known."""
    choice = Choice.of(query)
    found = source.incidents.listed(choice.wanted(at))
    if found.problem is not None:
        raise LookupError(TEXT["unread"].format(why=found.problem))
    return figures.csv(figures.chosen(found, choice, source.name), source.name, at)


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("incidents-grid", "rowData"),
        Output("incidents-said", "children"),
        Output("incidents-banner", "children"),
        Output("incidents-csv", "href"),
        Input("incidents-kind", "value"),
        Input("incidents-state", "value"),
        Input("incidents-months", "value"),
        Input("incidents-search", "value"),
        State("incidents-area", "data"),
        prevent_initial_call=True,
    )
    def choose(kind: str, state: str, months: str, text: str | None, area: str | None) -> tuple[Any, ...]:
        choice = Choice.of({"kind": kind, "state": state, "months": months, "q": text, "area": area})
        return (*listed(visit(source), choice), csv_href(choice))

    app.clientside_callback(
        ClientsideFunction("bairro", "rememberIncidents"),
        Input("incidents-kind", "value"),
        Input("incidents-state", "value"),
        Input("incidents-months", "value"),
        Input("incidents-search", "value"),
    )
