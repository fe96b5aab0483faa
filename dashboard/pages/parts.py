"""The pieces that every page is put together from: panels, tiles, chips, empty states, grids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import dash_ag_grid as dag
from dash import dcc, html

from dashboard.analysis import build_log
from dashboard.figures import build_dates, known
from dashboard.figures.effects import EffectSummary
from dashboard.figures.findings import Figure
from dashboard.figures.live import age as ages
from dashboard.figures.live.collector_status import Notice
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import Mark

if TYPE_CHECKING:
    from dashboard.pages.source import Visit
    from dashboard.results.stored_results import Results

Children = Any

FRESHNESS = "data-freshness"
NO_ROWS = "Nothing to show"
NO_RESULTS = "No results yet"
NO_RESULTS_WHY = (
    "The first build is still running, or “{build}” has not been started. "
    "It takes a minute or two. Reload this page afterwards."
)
FAILED_WHY = (
    "The last build failed for the reason above, and there are no results of an earlier one. "
    "Once the reason is gone, “{build}” makes the first ones."
)
UNREAD = "Results cannot be read"
OLDER = "These results were made by another version and lack"
REBUILD = "“{build}” makes new ones."
NEXT_BUILD = "The next build includes them; “{build}” starts one now."
GRID_THEME = {
    "function": "themeQuartz.withParams({backgroundColor:'var(--paper)',foregroundColor:'var(--ink)',"
    "headerBackgroundColor:'var(--paper)',headerTextColor:'var(--soft)',borderColor:'var(--faint)',"
    "rowHoverColor:'var(--hover)',selectedRowBackgroundColor:'var(--hover)',accentColor:'var(--accent)',"
    "fontFamily:'inherit',fontSize:'0.9rem',headerFontSize:'0.85rem',wrapperBorder:false,wrapperBorderRadius:0,"
    "spacing:6,browserColorScheme:'inherit'})"
}


def panel(title: str, *children: Children, aside: Children = None, class_name: str = "") -> html.Section:
    """A titled part of a page; ``aside`` stands at the right of the title."""
    head = html.Header([html.H2(title), html.Div(aside, className="aside")] if aside is not None else html.H2(title))
    return html.Section([head, *children], className=f"panel {class_name}".strip())


def chip(mark: Mark, text: str | None = None) -> html.Span:
    """A state or verdict: colour, shape and word together."""
    shape = html.Span(mark.shape, **{"aria-hidden": "true"})
    return html.Span([shape, f" {text or mark.word}"], className=f"chip mark-{mark.key}", title=mark.meaning)


def tile(value: str, label: Children, *, class_name: str = "", title: str = "") -> html.Div:
    """A big number over what it counts."""
    return html.Div([html.Strong(value), html.Span(label)], className=f"tile {class_name}".strip(), title=title)


def figure_tile(figure: Figure) -> html.Div:
    span = f"{figure.name}, 95% interval {figure.span}" if figure.span else figure.name
    return tile(
        figure.value,
        [figure.name, html.Small(f"95%: {figure.span}")] if figure.span else figure.name,
        title=span,
    )


def empty(title: str, text: Children, *, class_name: str = "") -> html.Div:
    """A titled empty state: what is not there, why, and what will bring it."""
    return html.Div([html.H2(title), html.P(text)], className=f"empty {class_name}".strip())


def no_results(title: str, seen: Visit, class_name: str = "reading") -> html.Div:
    """A page before the first build that went well."""
    why = FAILED_WHY if build_log.last_failure(seen.settings.data) is not None else NO_RESULTS_WHY
    children = [
        html.H1(title),
        *warnings(None, seen),
        empty(NO_RESULTS, why.format(build=seen.source.command("build"))),
    ]
    return html.Div(children, className=f"page {class_name}")


def heading(title: str, results: Results, seen: Visit) -> list[html.Div]:
    """How every page that shows results begins: its title, how old they are, and what they do not know yet."""
    return [html.Div([html.H1(title), facts(results, seen.at)], className="title-line"), *warnings(results, seen)]


def warnings(results: Results | None, seen: Visit) -> list[html.Div]:
    """That the last build failed, what is not known for records that join nobody, which inputs are newer than results."""
    lines, build = [], seen.source.command("build")
    rebuild = REBUILD.format(build=build)
    if (failed := build_log.last_failure(seen.settings.data)) is not None:
        ago = numbers.duration((seen.at - failed[0]).total_seconds())
        lines.append(banner("warning", "▲", f"The last build failed {ago} ago: {failed[1]}"))
    lines += [banner("warning", "▲", f"{UNREAD}: {why}. {rebuild}") for why in seen.source.unread_results()]
    if results is not None and results.lacks:
        lines.append(
            banner("warning", "▲", f"{OLDER} {known.lacking(results)}: what rests on them is not known. {rebuild}")
        )
    lines += [] if results is None else [banner("warning", "▲", said) for said in known.warnings(results)]
    lines += [] if results is None else [banner("note", "i", said) for said in known.partly(results)]
    newer = [] if results is None else build_log.newer_inputs(seen.settings.data, results.manifest)
    if newer:
        lines.append(
            banner("note", "i", f"{ages.older(newer, seen.settings.timezone)} {NEXT_BUILD.format(build=build)}")
        )
    return lines


def facts(results: Results, at: datetime) -> html.P:
    """Until when the records count, how old the results are, how many areas they tell of."""
    age = numbers.duration((at - build_dates.built_at(results)).total_seconds())
    return html.P(
        f"{build_dates.analysed(results)} · built {age} ago · {numbers.of(results.area_count, 'area')}",
        className="facts",
    )


def effect_lines(summary: EffectSummary) -> html.Details:
    """Whether quality was found to move an outcome, said plainly; the terms on demand."""
    caution = [html.P(summary.caution)] if summary.caution else []
    items = html.Ul([html.Li(detail) for detail in summary.details])
    kind = "found" if summary.is_found else "not-found"
    return html.Details([html.Summary(html.Strong(summary.sentence)), *caution, items], className=f"effects {kind}")


def table(
    columns: Sequence[Children], rows: Sequence[Sequence[Children]], *, label: str, numbers_from: int = 1
) -> html.Div:
    """A plain table that scrolls within itself where it is too wide; cells from ``numbers_from`` on are numbers."""
    kinds = ["number" if i >= numbers_from else "" for i in range(len(columns))]
    head = html.Tr([html.Th(name, scope="col", className=kind) for name, kind in zip(columns, kinds, strict=True)])
    body = [
        html.Tr(
            [
                html.Th(cell, scope="row", className=kind) if i == 0 else html.Td(cell, className=kind)
                for i, (cell, kind) in enumerate(zip(row, kinds, strict=True))
            ]
        )
        for row in rows
    ]
    made = html.Table([html.Thead(head), html.Tbody(body)])
    return html.Div(made, className="table-box", role="region", tabIndex=0, **{"aria-label": label})


def with_span(value: str, span: str) -> html.Span:
    """A number with its interval under it."""
    shown = [html.Small(span)] if span and span != numbers.NONE else []
    return html.Span([html.B(value), *shown], className="with-span")


def sentence_link(sentence: str, area: str, name: str) -> list[Children]:
    """``sentence`` with the first mention of the area's name as a link to its page."""
    before, found, after = sentence.partition(name)
    return [before, area_link(area, name), after] if found else [sentence]


def banner(kind: str, mark: str, text: Children) -> html.Div:
    """A line across the page; kind is warning, alarm or note."""
    return html.Div(
        [html.Span(mark, **{"aria-hidden": "true"}), html.Div(text)], className=f"banner {kind}", role="status"
    )


def age(key: str, freshness: str) -> html.Div:
    """How old what is shown is; the browser writes it and counts on by itself, whatever becomes of the server.

    ``freshness`` is that of `collector_status` as JSON.
    """
    return html.Div(id=key, className="age", role="timer", **{FRESHNESS: freshness})


def notice(said: Notice) -> html.Div:
    """What is said of a collector, with the command that mends it."""
    command = [" ", html.Code(said.command)] if said.command else []
    return banner(said.kind, "■" if said.kind == "alarm" else "▲", [said.text, *command])


def area_link(area: str, name: str) -> dcc.Link:
    return dcc.Link(name, href=area_href(area))


def area_href(area: str) -> str:
    return f"/area/{quote(area, safe='')}"


def device_link(device_id: str, text: str | None = None) -> dcc.Link:
    return dcc.Link(text or device_id, href=device_href(device_id))


def device_href(device_id: str) -> str:
    return f"/device/{quote(device_id, safe='')}"


def incident_link(incident_id: str, text: str) -> dcc.Link:
    return dcc.Link(text, href=incident_href(incident_id))


def incident_href(incident_id: str) -> str:
    return f"/incident/{quote(incident_id, safe='')}"


def column(field: str, name: str, width: int, **more: Any) -> dict[str, Any]:
    """A column that grows with the window, from ``width`` pixels on."""
    return {"field": field, "headerName": name, "minWidth": width, "flex": width, **more}


def mark_column(field: str, name: str, width: int, marks: Mapping[str, Mark], *, order: str) -> dict[str, Any]:
    """A column of states or verdicts, sorted by the script's ``order``."""
    shown = {key: [mark.shape, mark.word] for key, mark in marks.items()}
    return column(
        field,
        name,
        width,
        cellClass="tall",
        cellRenderer="Mark",
        cellRendererParams={"marks": shown},
        comparator={"function": order},
    )


def grid(
    key: str,
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    *,
    row_id: str,
    label: str,
    **options: Any,
) -> html.Div:
    """A table that follows the theme; rows keep their identity through updates, so scroll and selection stay."""
    table = dag.AgGrid(
        id=key,
        columnDefs=[dict(column) for column in columns],
        rowData=[dict(row) for row in rows],
        getRowId=f"params.data.{row_id}",
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True, "minWidth": 60},
        dashGridOptions={
            "theme": GRID_THEME,
            "animateRows": False,
            "enableCellTextSelection": True,
            "ensureDomOrder": True,
            "localeText": {"noRowsToShow": NO_ROWS},
            "rowSelection": {"mode": "singleRow", "checkboxes": False},
            **options,
        },
        eventListeners={"rowClicked": ["bairroOpen(params)"]},
        className="grid",
        style={"height": "100%", "width": "100%"},
    )
    return html.Div(table, className="grid-box", role="region", **{"aria-label": label})


_HIDDEN = {"visible": False}
_CLEAR = "rgba(0,0,0,0)"
BLANK = {
    "data": [],
    "layout": {"xaxis": _HIDDEN, "yaxis": _HIDDEN, "paper_bgcolor": _CLEAR, "plot_bgcolor": _CLEAR},
}


def graph(key: str, label: str, **config: Any) -> html.Div:
    """A chart that a callback fills; until then it is blank, without the axes of an empty one."""
    chart = dcc.Graph(
        id=key,
        figure=BLANK,
        config={"displayModeBar": False, "responsive": True, "displaylogo": False, **config},
        style={"height": "100%", "width": "100%"},
    )
    return html.Div(chart, className="chart", role="img", **{"aria-label": label})


def legend(marks: Sequence[Mark]) -> html.Div:
    """The marks of a map, in the colours that it paints them in."""
    return html.Div([chip(mark) for mark in marks], className="legend on-map")
