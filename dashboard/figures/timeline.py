"""Quality, complaints and leaving of one area on one time axis: small multiples over the same weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.known import NOT_KNOWN
from dashboard.figures.map import empty
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import FONT, Theme
from dashboard.figures.weeks import PANELS, Panel, is_known, outage_weeks
from dashboard.measures import DOWN

GAP = 0.062
WEEK = pd.Timedelta(days=7)


def timeline(area: pd.DataFrame, provider: pd.DataFrame, theme: Theme, *, name: str) -> go.Figure:
    """``area`` and ``provider`` are tables of `weeks.weekly`; weeks that are not complete are drawn paler."""
    if area.empty:
        return empty(f"No weeks of {name} are in the records yet", theme)
    drawing = _Drawing(area, provider[provider["week"].isin(area["week"])], theme, name)
    shown = [(i, panel) for i, panel in enumerate(PANELS) if is_known(area, panel)]
    traces = [trace for i, panel in shown for trace in _panel(i, panel, drawing)]
    return go.Figure(traces, go.Layout(**_layout(area, theme)))


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What every panel is drawn with."""

    area: pd.DataFrame
    provider: pd.DataFrame
    theme: Theme
    name: str


def _panel(i: int, panel: Panel, drawing: _Drawing) -> list[go.Bar | go.Scatter]:
    """The traces of one panel: the area, what is stacked on it, and the provider dotted."""
    area, provider, theme = drawing.area, drawing.provider, drawing.theme
    hover = f"%{{y:,.{panel.places}f}}{numbers.after(panel.unit)}<extra>%{{fullData.name}}</extra>"
    place = {"xaxis": "x", "yaxis": f"y{i + 1}" if i else "y", "hovertemplate": hover, "showlegend": False}
    main = theme.alarm if panel.column == DOWN.name else theme.accent
    total = provider[panel.column] + (provider[panel.stacked] if panel.stacked else 0)
    dotted = {"color": theme.ink, "width": 1.2, "dash": "dot"}
    beside = go.Scatter(x=provider["week"] + WEEK / 2, y=total, name="provider", mode="lines", line=dotted, **place)
    if not panel.is_bar:
        solid = {"color": main, "width": 2}
        return [
            go.Scatter(
                x=area["week"] + WEEK / 2, y=area[panel.column], name=drawing.name, mode="lines", line=solid, **place
            ),
            beside,
        ]
    label = "about quality" if panel.stacked else drawing.name
    bars = [_bars(area, panel.column, label, main, place)]
    if panel.stacked:
        bars.append(_bars(area, panel.stacked, "other", theme.beside, place))
    return [*bars, beside]


def _bars(area: pd.DataFrame, column: str, name: str, colour: str, place: dict[str, Any]) -> go.Bar:
    pale = [1.0 if complete else 0.45 for complete in area["is_complete"]]
    marker = {"color": colour, "opacity": pale, "line": {"width": 0}}
    return go.Bar(
        x=area["week"] + WEEK / 2, y=area[column], name=name, marker=marker, width=WEEK.total_seconds() * 780, **place
    )


def _layout(area: pd.DataFrame, theme: Theme) -> dict[str, Any]:
    n = len(PANELS)
    height = (1 - GAP * n) / n
    layout: dict[str, Any] = {
        "barmode": "stack",
        "template": go.layout.Template(),
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 48, "r": 8, "t": 4, "b": 40},
        "font": {"family": FONT, "color": theme.soft, "size": 12},
        "hoverlabel": {"bgcolor": theme.paper, "bordercolor": theme.soft, "font": {"color": theme.ink, "family": FONT}},
        "uirevision": "kept",
        "xaxis": {
            "range": [area["week"].iloc[0], area["week"].iloc[-1] + WEEK],
            "anchor": f"y{n}",
            "gridcolor": theme.faint,
            "showspikes": False,
            "tickformat": "%-d %b\n%Y",
            "ticklabelmode": "instant",
            "hoverformat": "week of %-d %b %Y",
            "fixedrange": True,
        },
        "annotations": [],
        "shapes": [_shade(week, theme) for week in outage_weeks(area)],
    }
    for i, panel in enumerate(PANELS):
        bottom = 1 - (i + 1) * (height + GAP)
        layout[f"yaxis{i + 1}" if i else "yaxis"] = {
            "domain": [max(0.0, bottom), bottom + height],
            "rangemode": "tozero",
            "nticks": 4,
            "gridcolor": theme.faint,
            "zerolinecolor": theme.faint,
            "fixedrange": True,
            "ticksuffix": numbers.after(panel.unit),
        }
        title = panel.title
        if not is_known(area, panel):  # an axis without a value would begin at 0 all the same
            layout[f"yaxis{i + 1}" if i else "yaxis"] |= {"showticklabels": False, "range": [0, 1]}
            title = f"{title}: {NOT_KNOWN}"
        layout["annotations"].append(_title(title, bottom + height, theme))
    return layout


def _title(text: str, y: float, theme: Theme) -> dict[str, Any]:
    font = {"size": 12.5, "color": theme.ink, "weight": 600}
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "y": y + 0.002,
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": font,
    }


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
