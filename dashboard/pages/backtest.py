"""*Looking back*: would the ranking have predicted the past, compared with other rankings?"""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard.figures import backtest as figures
from dashboard.figures.backtest import Hindsight
from dashboard.pages import parts
from dashboard.pages.source import Visit

TEXT = {
    "title": "Looking back",
    "summary": "Would it have predicted the past?",
    "none": "No backtest has been run yet",
    "none_why": "“bairro backtest” picks past dates, four weeks apart. For each it ranks the neighbourhoods with only what was known "
    "then, and checks who left in the following twelve weeks. It does the same for four simple rules and for boosted trees, a general machine-learning method. It is a separate "
    "command because it fits the models again for every date. Run it once a month, or after large changes to the records.",
    "none_more": "It needs about a year of records: twelve weeks after each date, and 50 departures before it.",
    "beside": "Compared with other rankings",
    "how": "Loss against the average: the neighbourhoods ranked highest (a tenth of all customers) lost this many times the "
    "average share of their customers in the following weeks; ×1 is no better than chance. Bairro’s gain is its loss against the "
    "average minus that of the other ranking, on the same dates: where its interval lies above zero, Bairro was better. Leavers in "
    "the top tenth: of all customers who left, the share that was in the tenth of customers ranked highest. AUC is the chance "
    "that a customer who left was ranked above one who stayed (0.50 is guessing). Below these numbers stand their 95% intervals, "
    "from resampling the neighbourhoods. Worst tenth found, the share of the neighbourhoods that then lost most which were among "
    "those ranked highest, has no interval.",
    "days": "Date by date",
    "days_how": "How much the neighbourhoods ranked highest on that date lost in the following weeks, against the average. Beside Bairro "
    "stands the simple rule that did best on that date: which one that is, nobody knew before.",
    "tenths": "Predicted and actual",
    "tenths_how": "Customers grouped into tenths by their predicted chance of leaving within twelve weeks, highest first. "
    "A customer counts once for each past date, and the twelve weeks after these dates overlap.",
    "method": "How this is done",
}
COLUMNS = (
    "Ranked by",
    "Worst tenth found",
    "Loss against the average",
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
        return html.Div([*head, none(seen.source.command("backtest"))], className="page reading")
    inputs = {} if results is None else results.manifest.get("inputs", {})
    told = figures.hindsight(stored, inputs)
    return html.Div([*head, *_shown(told)], className="page reading")


def none(command: str) -> html.Div:
    """That none was run, and the ``command`` that runs one."""
    text = [TEXT["none_why"], html.Br(), TEXT["none_more"], html.Pre(command)]
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
        [told.made, " ", dcc.Link(TEXT["method"], href="/methods/would-it-have-predicted-the-past")], className="how"
    )
    notes = [html.Ul([html.Li(note) for note in told.notes])] if told.notes else []
    rows = [[_cell(cell) for cell in row] for row in told.rows]
    tenths = [[_cell(cell) for cell in row] for row in told.tenths]
    days = [[_cell(cell) for cell in row] for row in told.days]
    of_days = ("Day", "Customers", "Left", "Bairro", "Best simple rule, in hindsight")
    by_tenth = ("Tenth", "Customers × dates", "Predicted", "Left")
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
                    parts.table(by_tenth, tenths, label=TEXT["tenths"]),
                ),
            ],
            className="halves",
        ),
    ]


def _cell(cell: tuple[str, str]) -> Any:
    value, span = cell
    return parts.with_span(value, span) if span else value
