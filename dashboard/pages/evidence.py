"""*Evidence*: how sure the findings are and what they rest on, down to the rows that were read."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from dashboard.figures import dose_checks, evidence
from dashboard.figures.dose_checks import Bar, DoseCheck
from dashboard.figures.effects import OUTCOMES
from dashboard.figures.evidence import Group, Outcome, Term
from dashboard.figures.style import numbers
from dashboard.pages import backtest, parts
from dashboard.pages.source import Visit

if TYPE_CHECKING:
    from dashboard.results.stored_results import Results

METHODS = Path(__file__).parents[2] / "docs" / "methods.md"
TEXT = {
    "title": "Evidence",
    "methods": "How the numbers are made",
    "line": "A ratio of ×1.20 means 20% more when quality is worse by that step, all else equal. Bars are 95% intervals on a "
    "logarithmic scale around ×1. “Found” means that the result holds after Holm’s correction for testing several measures: the p shown "
    "is corrected and must be below 0.05. The bars are not corrected, so one may leave out ×1 and still be “not proven” or “pass”.",
    "joint": "Joint tests: does any measure matter?",
    "joint_how": "p: how often chance alone would give as much. F: how much better the model fits with the measures than "
    "without them; in brackets its degrees of freedom. A placebo or negative control also fails by a single measure; its p counts both ways as one test.",
    "dose": "Do departures follow each measure as fitted?",
    "dose_how": "What would help rests on how leaving grows with each measure. Here the customers’ time is sorted by each measure into"
    " groups, from the best quality to the worst, with about as many expected departures in each as its values allow: all time with"
    " the same value is one group, and the last may be what is left. Bars: customers who left over those expected, 95% intervals on a"
    " logarithmic scale around ×1. What the fitted effects explain, what a neighbourhood loses altogether, and what a week does to all"
    " of them, is taken out; so intervals may be shorter than the numbers of departures alone would make them. A measure fails where chance alone would make differences as large in fewer than 5 of 100 cases:"
    " then no number of customers kept is given for it.",
    "dose_none": "This build did not check it.",
    "notes": "Build notes",
    "no_notes": "No warnings.",
    "coverage": "What the build covers",
    "rows": "From rows read to rows used",
    "rows_none": "This build did not count its rows.",
    "no_methods": "The methods are described in docs/methods.md of the source code.",
}
MADE: tuple[tuple[str, str, str], ...] = (
    (
        "Leaving and complaint rates",
        "counts compared with what tenure and contracts would predict; small counts are pulled towards the provider’s rate",
        "shrunken_rates.py",
    ),
    (
        "Excess leavers and ranks",
        "the customers on the last day analysed put through the model of leaving, times the neighbourhood’s own ratio, in 2,000 random draws",
        "rank_areas.py",
    ),
    (
        "Effects on complaints",
        "weekly complaints explained by quality in that week and the eight before, compared within neighbourhoods and weeks",
        "complaint_model.py",
    ),
    (
        "Effects on leaving",
        "the weekly chance of leaving explained by changes of quality within a neighbourhood; moving away does not count",
        "churn.py",
    ),
    (
        "What would help",
        "departures that would not happen if customers with quality worse than the target had the target instead",
        "avoidable.py",
    ),
    (
        "Hours that nobody observed",
        "tests of whether they go with outages, complaints or departures; where they do, the intervals of what would help are widened",
        "unseen_hours.py",
    ),
    (
        "Where more have begun to leave",
        "departures of the last weeks beside those usual for the neighbourhood, with a limit on false alarms",
        "local_changes.py",
    ),
    (
        "Behind the same device",
        "departures of neighbourhoods behind one device of the network, compared with those of as many drawn at random",
        "shared_nodes.py",
    ),
    (
        "What outages do",
        "complaints and departures in the weeks that follow hours without service, and beside matched neighbourhoods",
        "outage_study.py",
    ),
    (
        "Drivers",
        "the last eight weeks compared with the provider, in units of the usual spread of neighbourhoods",
        "drivers.py",
    ),
    (
        "Loyalty",
        "who is bound by a contract and who stays by choice, surveys, prices, and customers who come back",
        "held_or_loyal.py",
    ),
)


def layout(seen: Visit) -> html.Div:
    """All that a sceptic asks for, on one page."""
    results = seen.source.results()
    if results is None:
        return parts.no_results(TEXT["title"], seen)
    head = parts.heading(TEXT["title"], results, seen)
    outcomes = [_outcome(evidence.outcome(results, key)) for key in OUTCOMES]
    return html.Div(
        [
            *head,
            html.P(TEXT["line"], className="how"),
            html.Div(outcomes, className="halves"),
            _dose(results),
            html.Div([_joint(results), _notes(results)], className="halves"),
            backtest.summary(seen),
            html.Div([_rows(results), _coverage(results)], className="halves"),
            _made(),
        ],
        className="page reading",
    )


def _outcome(told: Outcome) -> html.Section:
    caution = [html.P(told.summary.caution)] if told.summary.caution else []
    return parts.panel(
        told.title,
        html.P(html.Strong(told.summary.sentence)),
        *caution,
        *(part for group in told.groups for part in _group(group, told.title)),
    )


def _group(group: Group, outcome: str) -> list[Any]:
    head = [html.H3(group.title), *([html.P(group.how, className="how")] if group.how else [])]
    rows = [
        [
            [term.name, html.Small(term.step)],
            parts.with_span(term.ratio, term.span),
            _bar(term),
            [term.verdict, html.Small(f"p {term.p_value}" if term.p_value != numbers.NONE else "")],
        ]
        for term in group.terms
    ]
    label = f"{outcome}: {group.title}"
    made = parts.table(("Measure", "Ratio", "95% interval", "Says"), rows, label=label, numbers_from=4)
    methods = dict.fromkeys(term.method for term in group.terms)
    return [*head, made, html.P(f"Intervals: {'; '.join(methods)}.", className="how")]


def _bar(term: Term) -> Any:
    """The interval on a logarithmic line around 1, also said in words."""
    label = f"{term.name}: {term.ratio}, 95% interval {term.span}, {term.verdict}"
    return _line(term.places, label, is_loud=term.is_loud)


def _line(places: tuple[float, float, float, float] | None, label: str, *, is_loud: bool) -> Any:
    if places is None:
        return html.Span("no interval", className="soft")
    low, middle, high, one = places
    marks = [
        html.I(className="bar", style={"left": f"{low}%", "width": f"{high - low}%"}),
        html.I(className="zero", style={"left": f"{one}%"}),
        html.I(className="dot", style={"left": f"{middle}%"}),
    ]
    return html.Div(marks, className=f"interval{' above' if is_loud else ''}", role="img", **{"aria-label": label})


def _dose(results: Results) -> html.Section:
    told = dose_checks.checks(results)
    if not told:
        return parts.panel(TEXT["dose"], html.P(TEXT["dose_none"], className="quiet"))
    return parts.panel(TEXT["dose"], html.P(TEXT["dose_how"], className="how"), *(_dose_check(one) for one in told))


def _dose_check(told: DoseCheck) -> html.P | html.Details:
    """What the check says of a measure, and its groups below: open where it fails."""
    if not told.bars:
        return html.P(told.sentence)
    rows = [
        [bar.range, _dose_bar(told.name, bar), parts.with_span(bar.ratio, bar.span), bar.observed, bar.expected]
        for bar in told.bars
    ]
    columns = (told.name, "95% interval", "Left over expected", "Left", "Expected")
    label = f"{TEXT['dose']} {told.name}"
    shown = parts.table(columns, rows, label=label, numbers_from=2)
    return html.Details([html.Summary(told.sentence), shown], open=told.fails)


def _dose_bar(name: str, bar: Bar) -> Any:
    label = f"{name} {bar.range}: {bar.ratio} of what was expected, 95% interval {bar.span}"
    return _line(bar.places, label, is_loud=bar.is_off)


def _kept(text: str) -> html.Span:
    """A number that is not broken over two lines."""
    return html.Span(text, className="keep")


def _joint(results: Results) -> html.Section:
    tests = evidence.joint_tests(results)
    rows = [[model, said, _kept(p), _kept(test)] for model, said, p, test in tests]
    columns = ("Model", "Result", "p", "F")
    shown = (
        parts.table(columns, rows, label=TEXT["joint"], numbers_from=4) if rows else html.P("None could be computed.")
    )
    return parts.panel(TEXT["joint"], shown, html.P(TEXT["joint_how"], className="how"))


def _notes(results: Results) -> html.Section:
    said = evidence.notes(results)
    shown = html.Ul([html.Li(note) for note in said]) if said else html.P(TEXT["no_notes"], className="quiet")
    return parts.panel(TEXT["notes"], shown)


def _rows(results: Results) -> html.Section:
    told = evidence.rows_read(results)
    if not told:
        return parts.panel(TEXT["rows"], html.P(TEXT["rows_none"], className="quiet"))
    rows = [
        [
            [row.table, *(html.Small(f"left out: {line}") for line in row.left_out)],
            numbers.count(row.read),
            numbers.count(row.used) if row.used else "none",
        ]
        for row in told
    ]
    return parts.panel(TEXT["rows"], parts.table(("Input", "Read", "Used"), rows, label=TEXT["rows"]))


def _coverage(results: Results) -> html.Section:
    rows = [list(fact) for fact in evidence.coverage(results)]
    return parts.panel(TEXT["coverage"], parts.table(("What", "How much"), rows, label=TEXT["coverage"]))


def _made() -> html.Section:
    """Each number in a line, with a link to its method."""
    sections = methods()
    items = []
    for name, how, module in MADE:
        slug = next((slug for slug, (title, _) in sections.items() if module in title), None)
        if slug is None and sections:
            continue
        link = [" ", dcc.Link("The method", href=f"/methods/{slug}"), "."] if slug else []
        items.append(html.Li([html.Strong(name), f": {how}.", *link]))
    missing = [] if sections else [html.P(TEXT["no_methods"], className="how")]
    return parts.panel(TEXT["methods"], html.Ul(items), *missing)


@cache
def methods() -> dict[str, tuple[str, str]]:
    """slug -> (heading, Markdown) of every section of docs/methods.md; none where the program runs without its docs."""
    try:
        text = METHODS.read_text(encoding="utf-8")
    except OSError:
        return {}
    sections = {}
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        slug = re.sub(r"[^a-z0-9]+", "-", title.partition("(")[0].lower()).strip("-")
        sections[slug] = (title, re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", body).strip())
    return sections


def method(slug: str) -> html.Div:
    """One section of the methods, and the way to the others."""
    sections = methods()
    if not sections:
        return html.Div([html.H1(TEXT["methods"]), html.P(TEXT["no_methods"])], className="page reading")
    links = [
        html.Li(dcc.Link(_plain(title), href=f"/methods/{key}"), **{"aria-current": "page"} if key == slug else {})
        for key, (title, _) in sections.items()
    ]
    if slug not in sections:
        shown: list[Any] = [html.P("Choose one.")]
    else:
        title, body = sections[slug]
        shown = [html.H2(_plain(title)), dcc.Markdown(body, className="prose", link_target="_blank")]
    text = html.Section(shown, className="panel")
    index = html.Nav(html.Ul(links), className="panel", **{"aria-label": TEXT["methods"]})
    back = dcc.Link(TEXT["title"], href="/evidence", className="links")
    return html.Div(
        [
            html.Div([html.H1(TEXT["methods"]), html.Nav(back, className="links")], className="title-line"),
            html.Div([text, index], className="beside"),
        ],
        className="page reading",
    )


def _plain(title: str) -> str:
    return title.partition(" (`")[0]
