"""*What would help*: which measure to bring down where, in the order of the customers that it would keep."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html

from dashboard.figures import area_drivers, build_dates
from dashboard.figures import fixes as figures
from dashboard.figures.fixes import Fix, Fixes
from dashboard.figures.style import numbers
from dashboard.figures.style.suppression import small_areas
from dashboard.pages import parts
from dashboard.pages.source import Visit

TEXT = {
    "title": "What would help",
    "first": "Where to begin",
    "order": "Most customers kept first",
    "less": "Less than one customer kept each",
    "unproven": "Not proven",
    "unproven_how": "None of these measures was found to affect leaving by itself: an interval that reaches below zero may be chance, and so "
    "may one that is not proven after correction for testing several measures. "
    "They are listed for completeness and are not a reason to act.",
    "nothing": "No fix would keep even a twentieth of a customer",
    "nothing_why": "According to the effects that were found, no neighbourhood would keep that many more customers in 90 days at its targets.",
    "how": "Customers kept: how many of the departures expected in the next 90 days would not happen if customers with quality "
    "worse than the target had the target instead. In brackets, or below a number: nominal 95% intervals. Savings of several measures in "
    "one neighbourhood overlap and must not be added up; “bairro fixes --budget” combines them and picks those that keep "
    "most customers for a budget. A target is what the best quarter of customers have, unless the settings give one.",
    "withheld": "Order without numbers",
    "withheld_how": "These measures were found to affect leaving, but the departures counted do not match the size that was fitted"
    " for them. Most likely to help first. The comparison is on",
    "evidence": "Evidence",
    "download": "Download CSV",
    "area": "What would help here",
    "area_small": "Too few customers for a number of their own.",
}
FIRST = 3
SHOWN = 60
COLUMNS = (
    "Where",
    "What",
    "Customers kept in 90 days",
    "Of those expected to leave",
    "Mean of the last eight weeks analysed",
    "Target",
)


def layout(seen: Visit) -> html.Div:
    """The order in which to fix things, or the sentence that nothing was found."""
    results = seen.source.results()
    if results is None:
        return parts.no_results(TEXT["title"], seen)
    told = figures.all_fixes(results, seen.settings.currency, seen.settings.analysis.minimum_customers)
    body = [_nothing(told)] if told.is_empty else _order(told, figures.supposed(results))
    head = parts.heading(TEXT["title"], results, seen)
    first = [html.P(html.Strong(figures.HELD_TOO_RARELY), className="how")] if told.proven or told.unproven else []
    said = [*([figures.ALWAYS] if first else []), *([] if told.is_empty else [build_dates.lag(results)])]
    first += [html.P(" ".join(said), className="how")] if said else []
    return html.Div([*head, *first, parts.effect_lines(told.summary), *body], className="page reading")


def _nothing(told: Fixes) -> html.Div:
    if told.found and told.sentence == told.summary.sentence:
        return parts.empty(TEXT["nothing"], TEXT["nothing_why"])
    return parts.empty("No numbers", told.sentence)


def _order(told: Fixes, supposed: str) -> list[html.Section]:
    download = html.A(TEXT["download"], href="/fixes.csv", download="fixes.csv", className="button")
    sections = []
    if told.proven:
        begin = [fix for fix in told.proven if not fix.is_below_one] or told.proven
        first = html.Ol([html.Li(parts.sentence_link(fix.sentence, fix.area, fix.name)) for fix in begin[:FIRST]])
        sections.append(parts.panel(TEXT["first"], first, class_name="order"))
    if told.ordered:
        sections.append(_without_numbers(told))
    tables = _folded(told.proven[:SHOWN]) if told.proven else [html.P(_no_rows(told), className="quiet")]
    notes = [
        html.P(f"{TEXT['how']} {figures.BASELINE} {supposed}", className="how"),
        *(html.P(line, className="how") for line in left_out(told)),
    ]
    sections.append(parts.panel(TEXT["order"], *tables, *notes, aside=download))
    if told.unproven:
        why = html.P(TEXT["unproven_how"], className="how")
        unproven = html.Details(
            [html.Summary(f"{numbers.count(len(told.unproven))} of them"), _table(told.unproven, TEXT["unproven"])]
        )
        sections.append(parts.panel(TEXT["unproven"], why, unproven))
    return sections


def _folded(fixes: Sequence[Fix]) -> list[html.Div | html.Details]:
    """The table, and folded below it what would keep less than one customer each, unless nothing keeps more."""
    worth, less = ([fix for fix in fixes if fix.is_below_one == is_less] for is_less in (False, True))
    if not worth or not less:
        return [_table(fixes)]
    summary = html.Summary(f"{numbers.count(len(less))} more, each of which would keep {figures.LESS_THAN_ONE}")
    return [_table(worth), html.Details([summary, _table(less, TEXT["less"])])]


def _no_rows(told: Fixes) -> str:
    return f"{TEXT['nothing']}{', as far as numbers are given' if told.ordered else ''}."


def _without_numbers(told: Fixes) -> html.Section:
    """Measures whose numbers are withheld, each with its reason and its order."""
    shown: list[html.P | html.Div] = []
    for measure, why in told.withheld.items():
        mine = [fix for fix in told.ordered if fix.measure == measure]
        if not mine:
            continue
        rows = [[parts.area_link(fix.area, fix.name), fix.value, fix.target] for fix in mine[:SHOWN]]
        said = f"{mine[0].what}: how many customers it would keep is not given, because {why}. The order stands."
        columns = (COLUMNS[0], *COLUMNS[-2:])
        shown += [html.P(said), parts.table(columns, rows, label=f"{TEXT['withheld']}: {mine[0].what}")]
        if len(mine) > SHOWN:
            shown.append(html.P(f"The first {SHOWN} of {len(mine)} are shown; the CSV has all.", className="how"))
    link = dcc.Link(TEXT["evidence"], href="/evidence")
    return parts.panel(TEXT["withheld"], html.P([TEXT["withheld_how"], " ", link, "."], className="how"), *shown)


def left_out(told: Fixes) -> list[str]:
    """What the tables do not show, and why."""
    lines = figures.left_out(told)
    if len(told.proven) > SHOWN:
        lines.append(f"The first {SHOWN} of {numbers.count(len(told.proven))} are shown; the CSV has all.")
    return lines


def _table(fixes: Sequence[Fix], label: str = TEXT["order"]) -> html.Div:
    rows = [
        [
            parts.area_link(fix.area, fix.name),
            fix.what,
            parts.with_span(fix.leavers, fix.leavers_span),
            fix.expected,
            [fix.value, html.Small(fix.at_target[1])] if fix.is_at_target else fix.value,
            fix.target,
        ]
        for fix in fixes[:SHOWN]
    ]
    return parts.table(COLUMNS, rows, label=label, numbers_from=2)


def of_area(seen: Visit, area: str) -> html.Section:
    """What is proven to help in one area, for its page; the report says the same."""
    results = seen.source.results()
    if results is None:
        return parts.panel(TEXT["area"], html.P("No results yet.", className="quiet"))
    minimum = seen.settings.analysis.minimum_customers
    if area in small_areas(results, minimum):
        return parts.panel(TEXT["area"], html.P(TEXT["area_small"], className="quiet"))
    told = figures.all_fixes(results, seen.settings.currency, minimum)
    lines = figures.of_area(told, area, area_drivers.drivers(results, area, seen.settings.currency))
    why = " ".join(filter(None, (figures.HELD_TOO_RARELY, told.widened)))
    first = [html.P(why, className="how")] if told.has_numbers(area) else []
    if not told.is_answered(area):
        first.append(html.P(told.nothing(), className="quiet"))
    items = [html.Li(line) for line in lines]
    caution = [html.P(told.summary.caution, className="how")] if told.summary.caution and told.has_numbers(area) else []
    return parts.panel(TEXT["area"], *first, *([html.Ul(items)] if items else []), *caution)
