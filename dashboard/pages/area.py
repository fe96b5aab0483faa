"""*Area*: one neighbourhood's finding, its weeks on one time axis, what drives it, and its devices now."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from dashboard.figures import findings, numbers
from dashboard.figures.findings import Driver, Finding
from dashboard.figures.intervals import places
from dashboard.figures.map import empty
from dashboard.figures.palette import DEVICE_STATES, theme
from dashboard.figures.timeline import timeline
from dashboard.figures.weeks import weekly
from dashboard.live import areas_now
from dashboard.models.sides import Side, side_of
from dashboard.pages import help, parts
from dashboard.pages.source import Source, Visit

TEXT = {
    "unknown": "There is no such area",
    "unknown_why": "Neither the results nor the network know it. It may have been renamed or taken out of the inventory.",
    "all_areas": "See all areas",
    "no_results": "No results for this area yet",
    "no_results_why": "The first build is still running, or this area came after the last one. Its devices are shown below.",
    "excess": "Excess leavers with their 95% interval; the line is zero",
    "weeks": "Week by week",
    "weeks_how": "Dotted: the whole provider. Shaded: weeks with an hour or more without service. Paler: records not complete yet.",
    "drivers": "What drives it",
    "counted": "Rates per 100 customers in 90 days",
    "devices": "Its network now",
    "no_devices": "No live data of this area. The collector has not polled a device here yet.",
    "report": "Report",
    "pdf": "PDF",
}
SPANS = {"13": "3 months", "26": "6 months", "52": "1 year"}
DEFAULT_SPAN = "52"


def layout(seen: Visit, key: str) -> html.Div:
    """The page of the area whose id stands in the path; `?weeks=26` chooses the time shown."""
    area = unquote(key)
    results = seen.source.results()
    said = findings.finding(results, area, seen.settings.currency) if results is not None else None
    live_areas = set(seen.source.live().devices["area"])
    if said is None and area not in live_areas and area not in seen.source.names:
        back = dcc.Link(TEXT["all_areas"], href="/areas")
        return html.Div(
            [html.H1(area), parts.empty(TEXT["unknown"], [TEXT["unknown_why"], " ", back, "."])], className="page area"
        )
    if said is None:
        missing = parts.empty(TEXT["no_results"], TEXT["no_results_why"])
        said_of_builds = parts.warnings(results, seen)
        title = html.H1(seen.source.name(area))
        return html.Div([title, *said_of_builds, missing, devices(seen, area)], className="page area")
    span = seen.query.get("weeks", DEFAULT_SPAN)
    return html.Div(
        [
            dcc.Store(id="area-key", data=area),
            html.Div([html.H1(said.name), parts.chip(said.verdict), _links(area)], className="title-line"),
            *parts.warnings(results, seen),
            html.P(said.headline, className="headline"),
            html.P(said.certainty, className="certainty"),
            html.Div([_excess(said), *(parts.figure_tile(f) for f in said.figures)], className="tiles"),
            html.Div(
                [
                    parts.panel(
                        TEXT["weeks"],
                        html.P(TEXT["weeks_how"], className="how"),
                        parts.graph("area-weeks", f"Quality, complaints and leaving in {said.name}, week by week"),
                        aside=dcc.RadioItems(
                            id="area-span",
                            options=[{"label": v, "value": k} for k, v in SPANS.items()],
                            value=span if span in SPANS else DEFAULT_SPAN,
                            inline=True,
                            className="filter",
                        ),
                        class_name="weeks",
                    ),
                    html.Div(
                        [help.of_area(seen, area), drivers(said.drivers), counted(said), devices(seen, area)],
                        className="column",
                    ),
                ],
                className="beside",
            ),
        ],
        className="page area",
    )


def _links(area: str) -> html.Nav:
    href = parts.area_href(area)
    links = [
        html.A(TEXT["report"], href=f"{href}/report.html", className="button", target="_blank"),
        html.A(TEXT["pdf"], href=f"{href}/report.pdf", className="button"),
    ]
    return html.Nav(links, className="links", **{"aria-label": TEXT["report"]})


def _excess(said: Finding) -> html.Div:
    """The excess as a bar over its interval, with zero marked."""
    if said.excess is None:
        return html.Div(className="unseen")
    middle, low, high = said.excess
    zero, start, dot, end = places(middle, low, high)
    marks = [
        html.I(className="bar", style={"left": f"{start}%", "width": f"{end - start}%"}),
        html.I(className="zero", style={"left": f"{zero}%"}),
        html.I(className="dot", style={"left": f"{dot}%"}),
    ]
    kind = "interval above" if side_of(middle, low, high) is Side.ABOVE else "interval"
    label = f"Excess leavers {said.figures[1].text}, beside zero"
    return html.Div(
        [html.Div(marks, className=kind, role="img", **{"aria-label": label}), html.Span(TEXT["excess"])],
        className="tile wide",
    )


def drivers(said: tuple[Driver, ...]) -> html.Section:
    """Every driver beside the provider, strongest first, with what the effect models say of it; reasons in bold."""
    head = html.Thead(
        html.Tr([html.Th("Driver"), html.Th("Here", className="number"), html.Th("Provider", className="number")])
    )
    rows = [
        html.Tr(
            [
                html.Th(
                    [html.Span(f"{d.mark[:1]} " if d.mark else "", className="out"), d.name, html.Small(d.evidence)],
                    scope="row",
                ),
                html.Td(d.value, className="number"),
                html.Td(d.provider, className="number"),
            ],
            className="stands-out" if d.is_reason else "",
        )
        for d in said
    ]
    return parts.panel(
        TEXT["drivers"], html.Table([head, html.Tbody(rows)]), aside=f"{findings.REASON_MARK} · {findings.UNUSUAL_MARK}"
    )


def counted(said: Finding) -> html.Section:
    rows = [
        html.Tr(
            [html.Th(f.name, scope="row"), html.Td(f.text, className="number"), html.Td(f.beside, className="number")]
        )
        for f in said.rates
    ]
    return parts.panel(TEXT["counted"], html.Table(html.Tbody(rows)))


def devices(seen: Visit, area: str) -> html.Section:
    """The area's devices by state, those not up by name, and its open incidents."""
    live = seen.source.live()
    mine = live.devices[live.devices["area"] == area]
    if mine.empty:
        return parts.panel(TEXT["devices"], html.P(TEXT["no_devices"], className="quiet"))
    row = areas_now(mine).iloc[0]
    counts = mine["state"].value_counts()
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    chips = [
        parts.chip(mark, f"{numbers.count(int(counts[key]))} {mark.word.lower()}")
        for key, mark in DEVICE_STATES.items()
        if key in counts.index
    ]
    without = f"{numbers.count(row['affected'])} of {numbers.count(row['subscribers'])} customers without service"
    troubled = mine[mine["state"].isin(["down", "suspect"])].head(6)
    items = [
        html.Li(
            [
                html.Strong(d["device_id"]),
                f" {DEVICE_STATES[d['state']].word.lower()} since {numbers.moment(d['since'].tz_convert(now.tzinfo), now)}",
            ]
        )
        for d in troubled.to_dict("records")
    ]
    age = f"{numbers.duration(live.age_seconds(seen.at))} old"
    return parts.panel(TEXT["devices"], html.Div(chips, className="legend"), html.P(without), html.Ul(items), aside=age)


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("area-weeks", "figure"), Input("area-span", "value"), Input("theme", "data"), State("area-key", "data")
    )
    def draw(span: str, theme_name: str, area: str) -> Any:
        return weeks_figure(source, area, int(span), theme_name)

    app.clientside_callback(ClientsideFunction("bairro", "rememberSpan"), Input("area-span", "value"))


def weeks_figure(source: Source, area: str, weeks: int, theme_name: str) -> Any:
    """The area's last ``weeks`` weeks beside the provider's."""
    results = source.results()
    if results is None:
        return empty(TEXT["no_results"], theme(theme_name))
    table = results.area_weeks
    return timeline(weekly(table, area, weeks), weekly(table, None, weeks), theme(theme_name), name=source.name(area))
