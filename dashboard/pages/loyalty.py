"""*Loyalty*: who is held and who stays by choice, when contracts end, what surveys say, prices, and who comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import html

from dashboard.figures import known, loyalty, outage_weeks, outages
from dashboard.figures.loyalty import Line, Month
from dashboard.figures.outage_weeks import Course
from dashboard.figures.style import numbers
from dashboard.figures.style.suppression import small_areas
from dashboard.pages import parts
from dashboard.pages.source import Visit

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

TEXT = {
    "title": "Loyalty",
    "who": "Held by a contract, or loyal",
    "who_none": "This build could not tell who is held and who is loyal; the Evidence page says why.",
    "cliff": "The contract cliff",
    "cliff_none": "No contract ends are on record.",
    "nps": "Net promoter score",
    "nps_none": "No survey answers are on record.",
    "price": "What loyal customers pay",
    "returners": "Who comes back",
    "returners_none": "Too few customers have left to say how many come back.",
    "incidents": "What followed outages",
    "incidents_how": "Weeks of the same neighbourhood are compared with one another, less what all neighbourhoods share in a week; outages that overlap are told apart by their age.",
    "incidents_none": "What followed outages could not be estimated.",
    "course": "Across: weeks since the outage. Bars are 95% intervals, the line in each is the estimate. The weeks before (grey) are a check: an outage that is still to come can change nothing there.",
    "matched": "A second look: outages with eight quiet weeks before them, compared with similar neighbourhoods that had none.",
    "small": "Neighbourhoods with too few customers to show separately are left out.",
}


def layout(seen: Visit) -> html.Div:
    """The whole page; every part says so where there is nothing to show."""
    results = seen.source.results()
    if results is None:
        return parts.no_results(TEXT["title"], seen)
    minimum, currency = seen.settings.analysis.minimum_customers, seen.settings.currency
    names = loyalty.names(results)
    head = parts.heading(TEXT["title"], results, seen)
    return html.Div(
        [
            *head,
            html.Div([_who(results, currency, minimum, names), _cliff(results, currency)], className="halves"),
            _nps(results, minimum, names),
            _incidents(results),
            html.Div([_price(results, currency, minimum), _returners(results, minimum)], className="halves"),
            html.P(TEXT["small"], className="how") if small_areas(results, minimum) else None,
        ],
        className="page reading",
    )


def _lines(lines: Sequence[Line], names: Any) -> list[list[Any]]:
    """Rows with the area's link, or the provider, and cells with their small print."""
    return [
        [parts.area_link(area, names.get(area, area)) if area else html.Strong("Provider"), *_cells(cells)]
        for area, cells in lines
    ]


def _cells(cells: Sequence[tuple[str, str]]) -> list[Any]:
    return [parts.with_span(value, span) if span else value for value, span in cells]


def _who(results: Results, currency: str, minimum: int, names: Any) -> html.Section:
    said = loyalty.headline(results, currency)
    if not said:
        why = known.unknown(results, "devices") or TEXT["who_none"]
        return parts.panel(TEXT["who"], html.P(why, className="quiet"))
    columns = ("Where", "Held, bad quality", "Free, bad quality", "Free, good quality", "Silent sufferers", "Observed")
    rows = _lines(loyalty.held_rows(results, minimum), names)
    table = parts.table(columns, rows, label=TEXT["who"]) if rows else None
    how = html.P(loyalty.bad_quality(results), className="how")
    return parts.panel(TEXT["who"], html.Ul([html.Li(line) for line in said]), how, table)


def _cliff(results: Results, currency: str) -> html.Section:
    months = loyalty.cliff(results, currency)
    if not any(month.ending for month in months):
        why = known.unknown(results, "devices") or TEXT["cliff_none"]
        return parts.panel(TEXT["cliff"], html.P(why, className="quiet"))
    most = max(month.ending for month in months)
    rows = [
        [
            month.starts_on,
            _bar(month, most),
            numbers.count(month.ending),
            parts.with_span(month.unhappy, month.unknown) if month.unknown else month.unhappy,
            month.revenue,
        ]
        for month in months
    ]
    columns = ("Month from", html.Span("Chart", className="unseen"), "Contracts", "Unhappy", "Unhappy pay per month")
    table = parts.table(columns, rows, label=TEXT["cliff"], numbers_from=2)
    return parts.panel(TEXT["cliff"], html.P(loyalty.cliff_how(results), className="how"), table)


def _bar(month: Month, most: int) -> html.Div:
    bars = [
        html.I(className="all", style={"width": f"{100 * month.ending / most:.1f}%"}),
        html.I(className="part", style={"width": f"{100 * month.unhappy_share * month.ending / most:.1f}%"}),
    ]
    return html.Div(bars, className="share", role="img", **{"aria-label": month.label})


def _nps(results: Results, minimum: int, names: Any) -> html.Section:
    lines = loyalty.nps_rows(results, minimum)
    said = [
        html.P(text, className="how")
        for text in (
            loyalty.why_too_few(results),
            loyalty.who_answers(results),
            loyalty.not_correctable(results),
            loyalty.reviews(results),
        )
        if text
    ]
    if not lines or known.unknown(results, "answers") is not None:
        why = _why_no_answers(results)
        return parts.panel(TEXT["nps"], html.P(why, className="quiet"), *(said if lines else []))
    columns = ("Where", "Score", "Weighted", "Bounds", "Change in 4 weeks", "Says", "Answers", "Stars")
    return parts.panel(TEXT["nps"], parts.table(columns, _lines(lines, names), label=TEXT["nps"]), *said)


def _why_no_answers(results: Results) -> str:
    """That no survey is on record, or that its answers join nobody."""
    joins = {join["name"]: join for join in results.manifest.get("joins", [])}
    is_none = not joins.get("answers", {}).get("rows")
    return TEXT["nps_none"] if is_none else known.unknown(results, "answers") or TEXT["nps_none"]


def _price(results: Results, currency: str, minimum: int) -> html.Section:
    rows, said = loyalty.price_rows(results, currency, minimum)
    columns = ("Plan", "Customers for a year or more", "They pay", "New customers pay", "Gap", "Pay more")
    table = [parts.table(columns, rows, label=TEXT["price"])] if rows else []
    return parts.panel(TEXT["price"], html.P(said), *table)


def _returners(results: Results, minimum: int) -> html.Section:
    rows = [_cells(row) for row in loyalty.returner_rows(results, minimum)]
    columns = (
        "Reason",
        "Customers who left",
        "Came back",
        "To the same area",
        "Returns per 100 customer-years away",
        "Days away",
    )
    shown = (
        parts.table(columns, rows, label=TEXT["returners"])
        if rows
        else html.P(TEXT["returners_none"], className="quiet")
    )
    return parts.panel(TEXT["returners"], shown)


def _incidents(results: Results) -> html.Section:
    rows = [_cells(row) for row in outages.rows(results)]
    if not rows and not outages.matched_rows(results):
        why = known.unknown(results, "devices") or TEXT["incidents_none"]
        return parts.panel(TEXT["incidents"], html.P(why, className="quiet"))
    told = (
        TEXT["incidents_how"],
        known.unknown(results, "complaints"),
        known.unknown(results, "reasons"),
        outages.known_from(results),
    )
    how = " ".join(text for text in told if text)
    said = html.Ul([html.Li(line) for line in outages.sentences(results)])
    columns = ("What", "Without service", "Weeks", "Per 1,000 customers", "Usual", "In all", "Says")
    table = [parts.table(columns, rows, label=TEXT["incidents"], numbers_from=2)] if rows else []
    drawn = [html.Div([_course(course) for course in outage_weeks.courses(results)], className="halves")]
    return parts.panel(TEXT["incidents"], said, *drawn, *table, html.P(how, className="how"), *_matched(results))


def _matched(results: Results) -> list[Any]:
    rows = [_cells(row) for row in outages.matched_rows(results)]
    if not rows:
        return []
    columns = ("What", "Down", "Outages", "Excess", "Per 1,000 customers", "Says")
    lines = [html.Li(line) for line in outages.compared(results)]
    return [
        html.P(TEXT["matched"], className="how"),
        *([html.Ul(lines)] if lines else []),
        parts.table(columns, rows, label=TEXT["matched"], numbers_from=2),
    ]


def _course(course: Course) -> html.Figure:
    """The event study: a scale with its unit, an interval for each stretch of weeks, those before shaded, a line at zero."""
    scale = html.Div(
        [html.Span(text, style={"bottom": f"{place}%"}) for place, text in course.marks], className="scale"
    )
    lines = [html.I(className="mark", style={"bottom": f"{place}%"}) for place, _ in course.marks]
    nothing = html.I(className="nothing", style={"bottom": f"{course.nothing}%"})
    steps = [
        html.Div(
            [
                html.I(className="reach", style={"bottom": f"{step.low}%", "height": f"{step.high - step.low:.1f}%"}),
                html.I(className="value", style={"bottom": f"{step.value}%"}),
                html.Span(step.weeks),
            ],
            className="placebo" if step.is_placebo else "",
            style={"flexGrow": step.width},
            title=step.says,
        )
        for step in course.steps
    ]
    label = f"{course.title}, {course.unit}: {'; '.join(step.says for step in course.steps)}"
    drawn = html.Div([*lines, nothing, *steps], className="course", role="img", **{"aria-label": label})
    how = html.P(f"{TEXT['course']} {course.check}".strip(), className="how")
    plot = html.Div([scale, drawn], className="scaled")
    return html.Figure([html.Figcaption(course.title), html.P(course.unit, className="how"), plot, how])
