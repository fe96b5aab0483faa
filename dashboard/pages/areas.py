"""*Areas at risk*: the ranking with its intervals and reasons, on a map, to sort, filter and take away as CSV."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dashboard import spreadsheet
from dashboard.figures import area_drivers, backtest, build_dates, findings, known
from dashboard.figures.charts import map as maps
from dashboard.figures.effects import OUTCOMES, effects
from dashboard.figures.live import age
from dashboard.figures.ranking import ranking_rows
from dashboard.figures.style import numbers, words
from dashboard.figures.style.palette import VERDICTS, theme
from dashboard.pages import parts
from dashboard.pages.source import Source, Visit
from dashboard.results.stored_results import Results
from dashboard.tables.ranking_tables import RANKING

STANDS_OUT = "A measure stands out where an area is worse than the provider by at least one standard deviation between areas, estimated so that a few odd areas count little."
TEXT = {
    "title": "Areas at risk",
    "ranking": "Ranking by excess leavers in 90 days",
    "map": "Verdicts",
    "to_leave": "Customers expected to leave in the next 90 days",
    "at_risk": "What the excess leavers pay per month",
    "reasons": "What stands out here, with the provider’s own value in brackets. " + STANDS_OUT,
    "never_tested": "Whether this ranking would have predicted past departures has not been tested with your records.",
    "looking_back": "Looking back",
    "search": "Find an area or a reason",
    "download": "Download CSV",
    "changed": "More customers have been leaving for some weeks than network, contracts, prices and the calendar explain:",
    "behind": "Look at what they share before you look into each:",
    "of_complaints": " “(complaints)” behind a measure says that it was found to drive complaints, not leaving.",
    "few": "too few customers to show separately",
    "hidden": "neighbourhoods are not shown: they have too few customers, or showing them would reveal one that has.",
    "how": "Excess: how many more customers are expected to leave in the next 90 days than at the provider’s usual rate for "
    "customers of the same tenure and contract status. "
    f"At risk: {VERDICTS['at_risk'].meaning}. Watch: {VERDICTS['watch'].meaning}. Ordinary: {VERDICTS['ordinary'].meaning}. "
    "Bars are 95% intervals. Where a bar crosses zero, the excess may be chance. " + STANDS_OUT,
}


NUMBER = {"cellClass": "number tall", "headerClass": "number", "comparator": {"function": "bairroNullsLast"}}


def _with_span(field: str, name: str, width: int, **more: Any) -> dict[str, Any]:
    """A number with its interval under it."""
    return parts.column(field, name, width, cellRenderer="WithSpan", **NUMBER, **more)


COLUMNS: tuple[dict[str, Any], ...] = (
    _with_span("rank", "Rank", 86),
    parts.column("name", "Area", 136, cellRenderer="AreaLink", cellClass="tall"),
    parts.mark_column("verdict", "Verdict", 132, VERDICTS, order="bairroByVerdict"),
    parts.column(
        "excess",
        "Excess leavers",
        176,
        cellRenderer="Interval",
        cellClass="tall",
        comparator={"function": "bairroNullsLast"},
    ),
    _with_span("expected", "Expected", 86, headerTooltip=TEXT["to_leave"]),
    parts.column("customers", "Customers", 100, cellRenderer="Shown", **NUMBER),
    parts.column(
        "revenue",
        "Monthly revenue at risk",
        104,
        headerTooltip=TEXT["at_risk"],
        cellRenderer="Shown",
        wrapHeaderText=True,
        **NUMBER,
    ),
    parts.column(
        "reasons",
        "Reasons: here (provider)",
        190,
        headerTooltip=TEXT["reasons"],
        wrapHeaderText=True,
        wrapText=True,
        autoHeight=True,
        cellClass="reasons tall",
        sortable=False,
        tooltipField="reasons",
    ),
)
SORTABLE = frozenset(c["field"] for c in COLUMNS if c.get("sortable", True))


def layout(seen: Visit) -> html.Div:
    """The ranking as the URL asks for it: ?verdict=at_risk,watch&q=text&sort=excess&order=desc."""
    results = seen.source.results()
    if results is None:
        return parts.no_results(TEXT["title"], seen, "areas")
    wanted = [v for v in seen.query.get("verdict", "").split(",") if v in VERDICTS]
    rows = ranking_rows(results, seen.settings.currency)
    return html.Div(
        [
            dcc.Store(id="areas-drawn"),
            *parts.heading(TEXT["title"], results, seen),
            html.P(build_dates.lag(results), className="how"),
            _looking_back(seen),
            html.Div([parts.effect_lines(effects(results, outcome)) for outcome in OUTCOMES], className="findings"),
            *_changed(results),
            *_behind_one_device(results),
            html.Div(
                [
                    parts.panel(
                        TEXT["ranking"],
                        html.Div(_controls(results, wanted, seen.query.get("q", "")), className="toolbar"),
                        _grid(rows, seen),
                        class_name="ranking",
                    ),
                    parts.panel(
                        TEXT["map"],
                        html.Div(id="areas-map-box", className="chart-box"),
                        parts.legend(list(VERDICTS.values())),
                        html.P(_how(rows), className="how"),
                        *(
                            [html.P(f"{numbers.count(len(results.hidden))} {TEXT['hidden']}", className="how")]
                            if results.hidden
                            else []
                        ),
                        class_name="map",
                    ),
                ],
                className="beside",
            ),
        ],
        className="page areas",
    )


def _how(rows: list[dict[str, Any]]) -> str:
    """What the columns mean; what a mark means only where there is one."""
    is_marked = any(area_drivers.OF_COMPLAINTS in (row["reasons"] or "") for row in rows)
    return TEXT["how"] + (TEXT["of_complaints"] if is_marked else "")


def _looking_back(seen: Visit) -> html.P:
    """What going back in time said of this ranking, and the way there."""
    stored = seen.source.backtest()
    said = TEXT["never_tested"] if stored is None else backtest.verdict(stored)
    return html.P([said, " ", dcc.Link(TEXT["looking_back"], href="/backtest"), "."], className="how")


def _changed(results: Results) -> list[html.P]:
    """The areas in which more have been leaving for some weeks than is explained."""
    found, names = findings.changed_areas(results), findings.area_names(results)
    if not found:
        return []
    return [html.P([html.Strong(TEXT["changed"]), " ", *_links(found, names), "."], className="certainty")]


def _behind_one_device(results: Results) -> list[html.P]:
    """The devices behind which more leave in all areas alike."""
    names = findings.area_names(results)
    return [
        html.P([html.Strong(said), " ", TEXT["behind"], " ", *_links(areas, names), "."], className="certainty")
        for said, areas in findings.shared_nodes(results)
    ]


def _links(areas: list[str], names: dict[str, str]) -> list[Any]:
    """The areas by name, each leading to its page, by commas."""
    return [part for area in areas for part in (", ", dcc.Link(names.get(area, area), href=parts.area_href(area)))][1:]


def _grid(rows: list[dict[str, Any]], seen: Visit) -> html.Div:
    sort, order = seen.query.get("sort", "rank"), seen.query.get("order", "asc")
    columns = [
        {**c, "sort": order if order in {"asc", "desc"} else "asc"} if c["field"] == sort and sort in SORTABLE else c
        for c in COLUMNS
    ]
    ends = [row[end] for row in rows for end in ("excess_low", "excess_high") if row[end] is not None]
    context = {"low": min([0.0, *ends]), "high": max([1.0, *ends])}
    return parts.grid(
        "areas-grid",
        columns,
        [{**row, "href": parts.area_href(row["area"])} for row in rows],
        row_id="area",
        label=TEXT["ranking"],
        rowHeight=58,
        headerHeight=48,
        context=context,
        quickFilterText=seen.query.get("q", ""),
        isExternalFilterPresent={"function": "true"},
        doesExternalFilterPass={"function": "bairroVerdictPasses(params)"},
    )


def _controls(results: Results, wanted: list[str], text: str) -> list[Any]:
    counts = results.ranking["verdict"].value_counts()
    options = [
        {"label": f"{m.shape} {m.word} {numbers.count(int(counts.get(k, 0)))}", "value": k} for k, m in VERDICTS.items()
    ]
    return [
        dcc.Checklist(
            id="areas-verdicts", options=options, value=wanted or list(VERDICTS), inline=True, className="filter"
        ),
        dcc.Input(id="areas-search", type="search", value=text, placeholder=TEXT["search"], className="search"),
        html.A(TEXT["download"], href="/areas.csv", download="areas-at-risk.csv", className="button"),
    ]


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks and its CSV."""

    # The map comes once the ranking can be used: plotly's script would hold the table up by a second.
    @app.callback(Output("areas-map-box", "children"), Input("areas-drawn", "data"), prevent_initial_call=True)
    def place_map(_: Any) -> html.Div:
        return parts.graph("areas-map", "Map of areas by verdict", scrollZoom=True)

    @app.callback(Output("areas-map", "figure"), Input("theme", "data"))
    def draw(theme_name: str) -> Any:
        return verdict_map(source, theme_name)

    app.clientside_callback(
        ClientsideFunction("bairro", "drawn"), Output("areas-drawn", "data"), Input("areas-grid", "id")
    )
    app.clientside_callback(
        ClientsideFunction("bairro", "filterAreas"), Input("areas-verdicts", "value"), Input("areas-search", "value")
    )
    app.clientside_callback(ClientsideFunction("bairro", "rememberSort"), Input("areas-grid", "columnState"))
    app.clientside_callback(ClientsideFunction("bairro", "openFromMap"), Input("areas-map", "clickData"))


def verdict_map(source: Source, theme_name: str) -> Any:
    """Areas coloured by verdict; the map is small, so names show on hover."""
    results = source.results()
    if results is None:
        return maps.empty(parts.NO_RESULTS, theme(theme_name))
    rows = ranking_rows(results, source.settings.currency)
    marks = [_mark(row) for row in rows]
    marks += [_hidden(area, source.name(area)) for area in sorted(results.hidden)]
    return maps.areas(marks, source.outlines, theme(theme_name), labelled=frozenset())


def _mark(row: dict[str, Any]) -> maps.AreaMark:
    mark = VERDICTS[row["verdict"]]
    lines = [f"<b>{maps.plain(row['name'])}</b>", f"{mark.shape} {mark.word}"]
    if row["excess"] is not None:
        lines.append(f"Excess leavers in 90 days: {row['excess_text']} ({row['excess_span']})")
    return maps.AreaMark(row["area"], row["name"], mark, "<br>".join(lines))


def _hidden(area: str, name: str) -> maps.AreaMark:
    return maps.AreaMark(area, name, VERDICTS["too_little_data"], f"<b>{maps.plain(name)}</b><br>{TEXT['few']}")


def csv(results: Results, newer: str = "") -> str:
    """The ranking as it was built, with names and reasons in words: every column of RANKING, units in its names.

    ``newer`` says what has come in since.
    """
    table = results.ranking[list(RANKING.column_names)].copy()
    names = findings.area_names(results)
    table.insert(1, "name", [names.get(area, area) for area in table["area"]])
    table_of_drivers = results.area_drivers.sort_values("position")
    table_of_drivers = table_of_drivers[table_of_drivers["value"].notna()]
    is_linked = table_of_drivers["driver"].eq(area_drivers.PRICE_GAP) & (
        area_drivers.price_link_found(results) is not None
    )
    found, unusual = (area_drivers.stand_out(table_of_drivers, is_found=is_found) for is_found in (True, False))
    columns = {
        "reasons": found,
        "goes_with_leaving": unusual & is_linked,
        "unusual_without_effect": unusual & ~is_linked,
    }
    for name, chosen in columns.items():
        drivers = table_of_drivers[chosen]
        named = [
            f"{words.driver(row['driver']).name}{area_drivers.of_what(row)}" for row in area_drivers.records(drivers)
        ]
        told = drivers.assign(named=named).groupby("area")["named"].agg("; ".join)
        table[name] = table["area"].map(told).astype(object).fillna("")
    why = [known.unknown_in(results, str(area), "area_complaints") or "" for area in table["area"]]
    table["complaints_not_known_because"] = why
    age.stamp(table, results, newer)
    return spreadsheet.table(table.sort_values("rank", na_position="last"))
