"""*Looking back*: would the ranking have foretold the past, beside simpler ways to rank?"""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard.figures import backtest as figures
from dashboard.figures.backtest import Hindsight
from dashboard.pages import parts
from dashboard.pages.source import Visit

TEXT = {
    "title": "Looking back",
    "summary": "Would it have foretold the past?",
    "none": "The past has not been looked at yet",
    "none_why": "“bairro backtest” goes back to days of the past, four weeks apart, ranks with what was known on each and "
    "looks at who left in the twelve weeks after, beside four simpler rankings. It is a command of its own because it fits "
    "the models again for every day. Run it once a month, or after the records changed much.",
    "none_more": "It needs a year or so of records: twelve weeks after each day, and 50 departures before it.",
    "beside": "Beside simpler rankings",
    "how": "Lost, beside the average: how many times as many customers the neighbourhoods ranked highest (a tenth of all "
    "customers) lost in the weeks after; ×1 is no better than chance. The gain is Bairro’s less that way’s, on the same days: where its "
    "interval lies above zero, Bairro was better. AUC is the chance that who left was ranked above who stayed (0.50 is "
    "guessing). Below each number its 95% interval, from drawing the neighbourhoods again.",
    "days": "Day by day",
    "days_how": "How much the neighbourhoods ranked highest on that day lost in the weeks after, beside the average.",
    "tenths": "What was foretold, and what came",
    "tenths_how": "Customers by their chance of leaving within twelve weeks, the tenth with the highest chances first.",
    "method": "How this is done",
}
COLUMNS = (
    "Ranked by",
    "Worst tenth found",
    "Lost, beside the average",
    "Bairro’s gain",
    "Leavers in the top tenth",
    "AUC",
)


def layout(seen: Visit) -> html.Div:
    """The newest backtest, or how to run one."""
    stored, results = seen.source.backtest(), seen.source.results()
    head = (
        parts.heading(TEXT["title"], results, seen)
        if results is not None
        else [html.H1(TEXT["title"]), *parts.warnings(None, seen)]
    )
    if stored is None:
        return html.Div([*head, none()], className="page reading")
    inputs = {} if results is None else results.manifest.get("inputs", {})
    told = figures.hindsight(stored, inputs)
    return html.Div([*head, *_shown(told)], className="page reading")


def none() -> html.Div:
    """That none was run, and how to run one."""
    text = [TEXT["none_why"], html.Br(), TEXT["none_more"], html.Pre("bairro backtest")]
    return parts.empty(TEXT["none"], text)


def summary(seen: Visit) -> html.Section:
    """The verdict in a panel of another page."""
    stored = seen.source.backtest()
    if stored is None:
        said: Any = [TEXT["none"], ". "]
    else:
        told = figures.hindsight(stored, {})
        said = [" ".join([*told.sentences[1:], told.verdict]), " "]
    return parts.panel(TEXT["summary"], html.P([*said, dcc.Link(TEXT["title"], href="/backtest")]))


def _shown(told: Hindsight) -> list[html.Section]:
    said = [html.P(html.Strong(told.verdict)), *(html.P(sentence) for sentence in told.sentences)]
    made = html.P(
        [told.made, " ", dcc.Link(TEXT["method"], href="/methods/would-it-have-been-foretold")], className="how"
    )
    notes = [html.Ul([html.Li(note) for note in told.notes])] if told.notes else []
    rows = [[_cell(cell) for cell in row] for row in told.rows]
    tenths = [[_cell(cell) for cell in row] for row in told.tenths]
    days = [[_cell(cell) for cell in row] for row in told.days]
    of_days = ("Day", "Customers", "Left", "Bairro", "Best of the simpler")
    foretold = ("Tenth", "Customers", "Foretold", "Left")
    return [
        parts.panel(TEXT["summary"], *said, made, *notes, class_name="effects found" if told.is_better else ""),
        parts.panel(
            TEXT["beside"], parts.table(COLUMNS, rows, label=TEXT["beside"]), html.P(TEXT["how"], className="how")
        ),
        html.Div(
            [
                parts.panel(
                    TEXT["days"],
                    html.P(TEXT["days_how"], className="how"),
                    parts.table(of_days, days, label=TEXT["days"]),
                ),
                parts.panel(
                    TEXT["tenths"],
                    html.P(f"{TEXT['tenths_how']} {told.calibration}".strip(), className="how"),
                    parts.table(foretold, tenths, label=TEXT["tenths"]),
                ),
            ],
            className="halves",
        ),
    ]


def _cell(cell: tuple[str, str]) -> Any:
    value, span = cell
    return parts.with_span(value, span) if span else value
