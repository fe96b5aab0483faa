"""Quality, complaints and leaving of one area on one time axis: small multiples over the same weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.charts import stacked
from dashboard.figures.charts.map import empty
from dashboard.figures.charts.stacked import axis_name
from dashboard.figures.charts.weeks import PANELS, Panel, is_known, outage_weeks
from dashboard.figures.known import NOT_KNOWN
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import Theme
from dashboard.measures import DOWN

GAP = 0.062
WEEK = pd.Timedelta(days=7)
WEEK_MILLISECONDS = WEEK.total_seconds() * 1000
MONDAY = "2001-01-01"
"""Weeks begin on Mondays: any one of them tells the drawing library where."""


def timeline(area: pd.DataFrame, provider: pd.DataFrame, theme: Theme, *, name: str) -> go.Figure:
    """``area`` and ``provider`` are tables of `weeks.weekly`; weeks that are not complete are drawn paler."""
    if area.empty:
        return empty(f"No weeks of {name} are in the records yet", theme)
    drawing = _Drawing(area, provider, theme)
    shown = [(i, panel) for i, panel in enumerate(PANELS) if is_known(area, panel)]
    traces = [trace for i, panel in shown for trace in _panel(i, panel, drawing)]
    return go.Figure(traces, go.Layout(**_layout(area, theme)))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What every panel is drawn with."""

    area: pd.DataFrame
    provider: pd.DataFrame
    theme: Theme


def _panel(i: int, panel: Panel, drawing: _Drawing) -> list[go.Bar | go.Scatter]:
    """The traces of one panel: the area, what is stacked on it, and the provider dotted.

    The area's values name the measure when they are pointed at, with the provider's beside them, so that a week is few lines.
    """
    area, theme, axis = drawing.area, drawing.theme, stacked.axis(i)
    provider = drawing.provider.set_index("week").reindex(area["week"])
    total = provider[panel.column] + (provider[panel.stacked] if panel.stacked else 0)
    beside = [f"{numbers.decimal(v, panel.places)}{numbers.after(panel.unit)}" for v in total]
    dotted = {"color": theme.ink, "width": 1.2, "dash": "dot"}
    line = go.Scatter(x=area["week"], y=total.to_numpy(), mode="lines", line=dotted, hoverinfo="skip", **_place(axis))
    main = theme.alarm if panel.column == DOWN.name else theme.accent
    if panel.stacked:
        own = _bars(area, panel.column, main, axis) | _hover(panel, panel.name, "")
        others = _bars(area, panel.stacked, theme.beside, axis)
        others |= _hover(panel, panel.stacked_name, "provider, all complaints: %{customdata}")
        return [go.Bar(**own), go.Bar(**others, customdata=beside), line]
    hover = _hover(panel, panel.name, "provider: %{customdata}")
    if panel.is_bar:
        return [go.Bar(**_bars(area, panel.column, main, axis), **hover, customdata=beside), line]
    solid = {"color": main, "width": 2}
    drawn = {"x": area["week"], "y": area[panel.column], "mode": "lines", "line": solid, "customdata": beside}
    return [go.Scatter(**drawn, **hover, **_place(axis)), line]


def _place(axis: str) -> dict[str, Any]:
    """On which axes, and that a value stands in the middle of its week and is told by the week's first day."""
    period = {"xperiod": WEEK_MILLISECONDS, "xperiod0": MONDAY, "xperiodalignment": "middle"}
    return {"xaxis": "x", "yaxis": axis, "showlegend": False, **period}


def _hover(panel: Panel, name: str, beside: str) -> dict[str, Any]:
    """'Evening latency: 31 ms (provider: 22 ms)'."""
    value = f"%{{y:,.{panel.places}f}}{numbers.after(panel.unit)}{f' ({beside})' if beside else ''}"
    return {"name": name, "hovertemplate": f"{value}<extra>{name}</extra>"}


def _bars(area: pd.DataFrame, column: str, colour: str, axis: str) -> dict[str, Any]:
    pale = [1.0 if complete else 0.45 for complete in area["is_complete"]]
    marker = {"color": colour, "opacity": pale, "line": {"width": 0}}
    return {"x": area["week"], "y": area[column], "marker": marker, "width": WEEK_MILLISECONDS * 0.78, **_place(axis)}


def _layout(area: pd.DataFrame, theme: Theme) -> dict[str, Any]:
    titles = [panel.title if is_known(area, panel) else f"{panel.title}: {NOT_KNOWN}" for panel in PANELS]
    between = (area["week"].iloc[0], area["week"].iloc[-1] + WEEK)
    layout = stacked.layout(titles, theme, between=between, ticks="%-d %b\n%Y", hover="week of %-d %b %Y", gap=GAP)
    layout["margin"]["l"] = 48
    layout["xaxis"] |= {"nticks": None, "ticklabelmode": "instant"}
    layout["shapes"] = [_shade(week, theme) for week in outage_weeks(area)]
    for i, panel in enumerate(PANELS):
        layout[axis_name(i)] |= {"rangemode": "tozero", "ticksuffix": numbers.after(panel.unit)}
        if not is_known(area, panel):  # an axis without a value would begin at 0 all the same
            layout[axis_name(i)] |= {"showticklabels": False, "range": [0, 1]}
    return layout


def _shade(week: pd.Timestamp, theme: Theme) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": week,
        "x1": week + WEEK,
        "y0": 0,
        "y1": 1,
        "fillcolor": theme.alarm,
        "opacity": 0.10,
        "line": {"width": 0},
        "layer": "below",
    }
