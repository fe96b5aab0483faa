"""One area's weeks as small SVG charts for reports: the same panels and units as the page's time axis."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

import pandas as pd

from dashboard.figures.charts.weeks import Panel, is_known
from dashboard.figures.known import NOT_KNOWN
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import FONT, LIGHT
from dashboard.measures import DOWN

WIDTH, HEIGHT = 340, 84
LEFT, RIGHT, TOP, BOTTOM = 34, 4, 6, 16


def spark_svg(panel: Panel, area: pd.DataFrame, provider: pd.DataFrame) -> str:
    """A chart of one panel: the area solid, the provider dotted, its first and last day under it."""
    here, beside = _total(area, panel), _total(provider[provider["week"].isin(area["week"])], panel)
    top = max([1e-9, *here.dropna(), *beside.dropna()]) * 1.05
    step = (WIDTH - LEFT - RIGHT) / max(1, len(area))

    def x(i: float) -> float:
        return round(LEFT + (i + 0.5) * step, 1)

    def y(value: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top), 1)

    label = description(panel, area, provider)
    if not is_known(area, panel):
        return _blank(label)
    colour = LIGHT.alarm if panel.column == DOWN.name else LIGHT.accent
    base = y(0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label={quoteattr(label)}>',
        f"<title>{escape(label)}</title>",
        *(_level(value, y(value), panel) for value in (0.0, top / 1.05)),
    ]
    if panel.is_bar:
        stacked = [(here, LIGHT.beside)] if panel.stacked else []
        for values, fill in (*stacked, (area[panel.column], colour)):
            parts += [
                f'<rect x="{round(x(i) - step * 0.39, 1)}" y="{y(v)}" width="{round(step * 0.78, 1)}" height="{round(base - y(v), 1)}" fill="{fill}"/>'
                for i, v in enumerate(values)
                if not numbers.is_missing(v)
            ]
    else:
        parts.append(_line(here, x, y, f'stroke="{colour}" stroke-width="1.6"'))
    parts.append(_line(beside, x, y, f'stroke="{LIGHT.ink}" stroke-width="1" stroke-dasharray="1.5 2.5"'))
    first, last = days(area)
    parts += [_text(LEFT, HEIGHT - 3, first, "start"), _text(WIDTH - RIGHT, HEIGHT - 3, last, "end")]
    return "".join((*parts, "</svg>"))


def days(area: pd.DataFrame) -> tuple[str, str]:
    """The first day of the first week and the last day of the last."""
    return numbers.day(area["week"].iloc[0]), numbers.day(area["week"].iloc[-1] + pd.Timedelta(days=6))


def _blank(label: str) -> str:
    """A chart of what is not known says so, and draws no axis from 0."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label={quoteattr(label)}>'
        f"<title>{escape(label)}</title>{_text(WIDTH / 2, HEIGHT / 2, NOT_KNOWN, 'middle')}</svg>"
    )


def description(panel: Panel, area: pd.DataFrame, provider: pd.DataFrame) -> str:
    """The chart in words: what it shows, the mean here and at the provider."""
    if not is_known(area, panel):
        return f"{panel.title}: {NOT_KNOWN}"
    provider = provider[provider["week"].isin(area["week"])]
    here, beside = _total(area, panel).mean(), _total(provider, panel).mean()
    unit = numbers.after(panel.unit)
    return (
        f"{panel.title}: {numbers.decimal(here, panel.places)}{unit} on average over {len(area)} weeks, "
        f"provider {numbers.decimal(beside, panel.places)}{unit}"
    )


def _total(table: pd.DataFrame, panel: Panel) -> pd.Series:
    return table[panel.column] + table[panel.stacked] if panel.stacked else table[panel.column]


def _line(values: pd.Series, x, y, style: str) -> str:  # type: ignore[no-untyped-def]
    """A polyline for every run of weeks that were measured: a gap stays a gap."""
    runs: list[list[str]] = [[]]
    for i, value in enumerate(values):
        if numbers.is_missing(value):
            runs.append([])
        else:
            runs[-1].append(f"{x(i)},{y(value)}")
    return "".join(f'<polyline points="{" ".join(run)}" fill="none" {style}/>' for run in runs if run)


def _level(value: float, y: float, panel: Panel) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="{LIGHT.faint}" stroke-width="1"/>'
    places = 0 if value == 0 or value >= 10 else panel.places
    return line + _text(LEFT - 3, y + 3, f"{numbers.decimal(value, places)}{numbers.after(panel.unit)}", "end")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="8.5" text-anchor="{anchor}" fill="{LIGHT.soft}" font-family={quoteattr(FONT)}>{escape(text)}</text>'
