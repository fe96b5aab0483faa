"""The one-page area report for management: stand-alone HTML and PDF, with the numbers of the area's page."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import typst
from jinja2 import Environment, FileSystemLoader, select_autoescape

from bairro_error import BairroError
from dashboard.analysis import build_log
from dashboard.config import DashboardSettings
from dashboard.figures import area_drivers, build_dates, findings, known
from dashboard.figures.area_drivers import Driver
from dashboard.figures.charts.sparks import days, description, spark_svg
from dashboard.figures.charts.weeks import BARS, PANELS, weekly
from dashboard.figures.effects import OUTCOMES, effects
from dashboard.figures.findings import Finding
from dashboard.figures.fixes import ALWAYS, BASELINE, HELD_TOO_RARELY, Fixes, all_fixes, of_area
from dashboard.figures.live import age
from dashboard.figures.style import numbers, words
from dashboard.figures.style.intervals import interval_svg
from dashboard.figures.style.suppression import small_areas, too_small
from dashboard.results.stored_results import Results, load, passed_over

TEMPLATES = Path(__file__).parent
SCALES = ("1.06", "1", "0.94", "0.88", "0.82", "0.76")
WEEKS = 52
MOST_HELP = 2
FILES = frozenset({".html", ".htm", ".pdf", ".doc", ".docx", ".odt"})
"""What ends the name of a file, and of no folder that anybody means."""
TEXT = {
    "kind": "Area report",
    "sure": "How sure is that?",
    "why": "Why?",
    "weeks": "Week by week",
    "weeks_how": f"Solid: this area. Dotted: the whole provider. {BARS}",
    "fixes": "What would help?",
    "next": "What to look at next",
    "not_measured": "Nothing was measured here in the weeks analysed.",
    "nothing": "Nothing measured here stands out: ask customers who left, and look at prices and customer service.",
    "by_models": "Effect on leaving and complaints",
    "meaning": "Excess leavers are the customers expected to leave in the next 90 days in excess of those who would leave "
    "at the provider's usual rate for customers of the same tenure and contract status. Ranges are 95% intervals: if the model is right, they contain the true value in 95 of "
    "100 cases. For customers kept they did so too rarely in some kinds of simulated providers. "
    "“Complaints ×1.20” means 20% more complaints about quality than at the provider's average, all else equal. "
    "A reason, in bold, stands out here and was found to be related to leaving or complaints. " + BASELINE,
}


class ReportError(BairroError, ValueError):
    """A report that cannot be given; the message says why and what can be done."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart as SVG, its title and its description in words."""

    title: str
    svg: str
    alt: str


@dataclass(frozen=True, slots=True)
class AreaReport:
    """All that the report prints, as text: both templates only place it."""

    provider: str
    said: Finding
    facts: str
    lag: str
    nearest: str
    older: str
    unknown: tuple[str, ...]
    built: datetime
    interval: Chart | None
    weeks: str
    charts: tuple[Chart, ...]
    rates_how: str
    effects: tuple[str, ...]
    details: tuple[str, ...]
    fixes_how: str
    fixes: tuple[str, ...]
    next_steps: tuple[str, ...]
    text: dict[str, str]


def write_report(settings: DashboardSettings, area: str, folder: Path) -> list[Path]:
    """Write the report of ``area`` (its id or its name) into ``folder`` as HTML and PDF; returns their paths.

    Raises ReportError for an area that is not known, or too small to be shown separately, and where it cannot write.
    """
    results = load(settings.data)
    if results is None:
        why = "; ".join(passed_over(settings.data)) or "there are no results yet"
        raise ReportError(f"{settings.data}: {why}: run “bairro build” first")
    key = find_area(results, area)
    stem = re.sub(r"[^\w-]+", "-", findings.area_names(results).get(key, key).lower()).strip("-") or "area"
    paths = [folder / f"area-{stem}.html", folder / f"area-{stem}.pdf"]
    if folder.suffix.lower() in FILES and not folder.is_dir():
        raise ReportError(f"{folder}: give a folder; {paths[0].name} and {paths[1].name} are written into it")
    bodies = [render_html(results, key, settings).encode(), render_pdf(results, key, settings)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, body in zip(paths, bodies, strict=True):
            path.write_bytes(body)
    except OSError as error:
        raise ReportError(f"{error.filename or folder}: cannot be written: {error.strerror}") from None
    return paths


def find_area(results: Results, wanted: str) -> str:
    """The id of the area with that id or name. Raises ReportError naming the nearest ones."""
    names = findings.area_names(results)
    known = {*results.ranking["area"], *results.hidden}
    if wanted in known:
        return wanted
    matches = [area for area, name in names.items() if name.casefold() == wanted.casefold() and area in known]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise ReportError(f"several areas are called {wanted!r}: say which by id: {', '.join(sorted(matches))}")
    near = difflib.get_close_matches(wanted, [*names.values(), *known], n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise ReportError(f"no area is called {wanted!r}{hint}")


def compose(results: Results, area: str, settings: DashboardSettings) -> AreaReport:
    """What the report says. Raises ReportError where the area must not be shown separately, or is not known."""
    minimum = settings.analysis.minimum_customers
    _refuse_small(results, area, minimum)
    said = findings.finding(results, area, settings.currency)
    if said is None:
        raise ReportError(f"no area is called {area!r}")
    told = [effects(results, outcome) for outcome in OUTCOMES]
    lines = words.once((*(d.evidence for d in said.drivers), *("; ".join(one.details) for one in told if one.details)))
    evidence, details = lines[: len(said.drivers)], lines[len(said.drivers) :]
    drivers = tuple(replace(d, evidence=line) for d, line in zip(said.drivers, evidence, strict=True))
    said = replace(said, drivers=drivers)
    built = build_dates.built_at(results)
    complete = results.area_weeks[results.area_weeks["is_complete"]]
    here, provider = weekly(complete, area, WEEKS), weekly(complete, None, WEEKS)
    fixes = all_fixes(results, settings.currency, minimum)
    local = built.astimezone(ZoneInfo(settings.timezone))
    return AreaReport(
        provider=settings.provider,
        said=said,
        facts=f"{build_dates.analysed(results)} · built {numbers.day(local)}, {local:%H:%M}",
        lag=build_dates.lag(results),
        nearest=area_drivers.no_single_reason(said.drivers),
        older=age.older(build_log.newer_inputs(settings.data, results.manifest), settings.timezone),
        unknown=(*known.warnings(results), *known.partly(results)),
        built=built,
        interval=_interval(said),
        weeks=_weeks(here),
        charts=_charts(here, provider),
        rates_how=_rates_how(results),
        effects=tuple(" ".join(filter(None, (one.sentence, one.caution))) for one in told),
        details=details,
        fixes_how=how_to_read(fixes, area),
        fixes=would_help(fixes, area, said.drivers),
        next_steps=next_steps(said.drivers),
        text=TEXT,
    )


def _refuse_small(results: Results, area: str, minimum: int) -> None:
    if area in small_areas(results, minimum):
        raise ReportError(
            f"{findings.area_names(results).get(area, area)} has no report of its own: {too_small(minimum)}"
        )


def next_steps(drivers: Sequence[Driver]) -> tuple[str, ...]:
    """What would help to look at next: reasons, or the nearest to one, before what stands out without an effect."""
    chosen = sorted((d for d in drivers if d.stands_out), key=lambda d: not d.is_reason)
    if not drivers:
        return (TEXT["not_measured"],)
    nearest = area_drivers.nearest_reason(drivers)
    steps = tuple(_next_step(d) for d in ([nearest] if nearest else []) + chosen)
    return steps[:3] or (TEXT["nothing"],)


def _next_step(driver: Driver) -> str:
    without = ", which goes with leaving" if driver.is_associated else ", although no effect was found for it"
    aside = "" if driver.is_found else without
    return f"{driver.name}: {driver.value} here, {driver.provider} for the provider{aside}. Look at {driver.look_at}."


def would_help(told: Fixes, area: str, drivers: Sequence[Driver]) -> tuple[str, ...]:
    """What is proven to help in ``area``, most first, or why nothing is named; the page and the report say the same."""
    lines = of_area(told, area, drivers, most=MOST_HELP)
    return lines if told.is_answered(area) else (told.nothing(), *lines)


def how_to_read(told: Fixes, area: str) -> str:
    """What is to be known before the numbers of `would_help` are read; empty where there are none."""
    return (
        " ".join(filter(None, (HELD_TOO_RARELY, told.widened, ALWAYS, told.lengths))) if told.has_numbers(area) else ""
    )


def _interval(said: Finding) -> Chart | None:
    if said.excess is None:
        return None
    label = f"Excess leavers {said.figures[1].text}, beside zero"
    return Chart(said.figures[1].name, interval_svg(*said.excess, label=label), label)


def _weeks(here: pd.DataFrame) -> str:
    """'Week by week, 1 Dec 2025 to 1 Nov 2026'."""
    return TEXT["weeks"] if here.empty else f"{TEXT['weeks']}, {' to '.join(days(here))}"


def _rates_how(results: Results) -> str:
    """In what and over which time rates are counted."""
    period = build_dates.period(results)
    return "per 100 customers in 90 days" + (f", counted from {period}" if period else "")


def _charts(here: pd.DataFrame, provider: pd.DataFrame) -> tuple[Chart, ...]:
    if here.empty:
        return ()
    return tuple(Chart(p.title, spark_svg(p, here, provider), description(p, here, provider)) for p in PANELS)


def render_html(results: Results, area: str, settings: DashboardSettings) -> str:
    """The report as one HTML file that needs nothing else."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("area.html").render(report=compose(results, area, settings))


def render_pdf(results: Results, area: str, settings: DashboardSettings) -> bytes:
    """The same page as an accessible PDF (PDF/UA-1), in the largest letters of SCALES that fit it on one sheet."""
    document = asdict(compose(results, area, settings))
    built: datetime = document.pop("built")
    report = json.dumps(document)
    scale = next((scale for scale in SCALES if _sheets(report, scale) == 1), SCALES[-1])
    return typst.compile(
        TEMPLATES / "area.typ",
        root=TEMPLATES,
        sys_inputs={"report": report, "scale": scale},
        format="pdf",
        pdf_standards="ua-1",
        timestamp=built.replace(microsecond=0),
    )


def _sheets(report: str, scale: str) -> int:
    found = typst.query(
        TEMPLATES / "area.typ",
        "<sheets>",
        field="value",
        one=True,
        root=TEMPLATES,
        sys_inputs={"report": report, "scale": scale},
    )
    return int(json.loads(found))
