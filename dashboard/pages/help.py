"""*What would help*: which measure to bring down where, in the order of the money that it would save."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

from dashboard.figures import fixes as figures
from dashboard.figures.fixes import Fix, Remedies
from dashboard.pages import parts
from dashboard.pages.source import Visit

TEXT = {
    "title": "What would help",
    "first": "Where to begin",
    "order": "In the order of the money that they would save",
    "unproven": "Not proven",
    "unproven_how": "By itself, none of these measures was found to move leaving: an interval that reaches below zero "
    "can be chance. They are shown so that nobody has to guess, and are no ground for spending money.",
    "nothing": "Nothing would save a tenth of a customer",
    "nothing_why": "By what was found, no neighbourhood would keep that many more in 90 days if its quality came to the targets.",
    "how": "Had the customers who have it worse than the target had the target instead, so many of the departures that are "
    "expected in the next 90 days would not happen, and so much would go on being paid a month. It supposes that the "
    "quality of the last eight weeks would otherwise go on. In brackets: 95% intervals. Savings of several measures in "
    "one neighbourhood overlap and must not be added up; “bairro fixes --budget” combines them and picks "
    "what saves most for a sum of money. Targets are what the best quarter of the customers have, or those in the settings.",
    "download": "Download CSV",
    "area": "What would help here",
    "area_nothing": "Nothing that was found to matter is worse here than its target.",
    "area_small": "Too few customers for a number of their own.",
    "not_proven": "not proven",
}
FIRST = 3
SHOWN = 60
COLUMNS = ("Where", "What", "Kept a month", "Customers kept in 90 days", "Now, mean", "Target")


def layout(seen: Visit) -> html.Div:
    """The order in which to fix things, or the sentence that nothing was found."""
    results = seen.source.results()
    if results is None:
        return parts.no_results(TEXT["title"], seen)
    told = figures.remedies(results, seen.settings.currency, seen.settings.analysis.minimum_customers)
    body = _order(told) if told.proven or told.unproven else [_nothing(told)]
    head = parts.heading(TEXT["title"], results, seen)
    return html.Div([*head, parts.effect_lines(told.summary), *body], className="page reading")


def _nothing(told: Remedies) -> html.Div:
    if told.summary.is_found and told.sentence == told.summary.sentence:
        return parts.empty(TEXT["nothing"], TEXT["nothing_why"])
    return parts.empty("No numbers", told.sentence)


def _order(told: Remedies) -> list[html.Section]:
    download = html.A(TEXT["download"], href="/help.csv", download="what-would-help.csv", className="button")
    sections = []
    if told.proven:
        first = html.Ol([html.Li(parts.sentence_link(fix.sentence, fix.area, fix.name)) for fix in told.proven[:FIRST]])
        sections.append(parts.panel(TEXT["first"], first, class_name="order"))
    table = _table(told.proven) if told.proven else html.P(TEXT["nothing"] + ".", className="quiet")
    notes = [html.P(TEXT["how"], className="how"), *(html.P(line, className="how") for line in left_out(told))]
    sections.append(parts.panel(TEXT["order"], table, *notes, aside=download))
    if told.unproven:
        why = html.P(TEXT["unproven_how"], className="how")
        unproven = html.Details(
            [html.Summary(f"{len(told.unproven)} of them"), _table(told.unproven, TEXT["unproven"])]
        )
        sections.append(parts.panel(TEXT["unproven"], why, unproven))
    return sections


def left_out(told: Remedies) -> list[str]:
    """What the tables do not show, and why."""
    lines = []
    if told.small:
        lines.append(
            f"{told.small} neighbourhoods are left out: they have too few customers to be told of by themselves, "
            "or would give such a one away."
        )
    if told.negligible:
        lines.append(f"{told.negligible} more would save less than a tenth of a customer each.")
    if len(told.proven) > SHOWN:
        lines.append(f"The first {SHOWN} of {len(told.proven)} are shown; the CSV has all.")
    return lines


def _table(fixes: Sequence[Fix], label: str = TEXT["order"]) -> html.Div:
    rows = [
        [
            parts.area_link(fix.area, fix.name),
            fix.what,
            parts.with_span(fix.money, fix.money_span),
            parts.with_span(fix.leavers, fix.leavers_span),
            fix.value,
            fix.target,
        ]
        for fix in fixes[:SHOWN]
    ]
    return parts.table(COLUMNS, rows, label=label, numbers_from=2)


def of_area(seen: Visit, area: str) -> html.Section:
    """What would help in one area, for its page."""
    results = seen.source.results()
    if results is None:
        return parts.panel(TEXT["area"], html.P("No results yet.", className="quiet"))
    minimum = seen.settings.analysis.minimum_customers
    told = figures.remedies(results, seen.settings.currency, minimum)
    mine = told.of(area)
    if not told.proven and not told.unproven:
        said = html.P(told.sentence, className="quiet")
    elif area in figures.small_areas(results, minimum):
        said = html.P(TEXT["area_small"], className="quiet")
    elif not mine:
        said = html.P(TEXT["area_nothing"], className="quiet")
    else:
        said = html.Ul([html.Li([fix.sentence, "" if fix.is_proven else _tag()]) for fix in mine])
    caution = [html.P(told.summary.caution, className="how")] if told.summary.caution and mine else []
    return parts.panel(TEXT["area"], said, *caution)


def _tag() -> html.Small:
    return html.Small(f" ({TEXT['not_proven']})", className="soft")
