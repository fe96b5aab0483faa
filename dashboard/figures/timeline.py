"""Quality, complaints and leaving of one area on one time axis: small multiples over the same weeks."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.map import empty
from dashboard.figures.palette import FONT, Theme
from dashboard.figures.weeks import PANELS, Panel, outage_weeks

GAP = 0.062
WEEK = pd.Timedelta(days=7)


def timeline(area: pd.DataFrame, provider: pd.DataFrame, theme: Theme, *, name: str) -> go.Figure:
    """``area`` and ``provider`` are tables of `weeks.weekly`; weeks that are not complete are drawn paler."""
    if area.empty:
        return empty(f"No weeks of {name} are in the records yet", theme)
    figure = go.Figure()
    provider = provider[provider["week"].isin(area["week"])]
    for i, panel in enumerate(PANELS):
        _panel(figure, i, panel, area, provider, theme, name)
    figure.update_layout(**_layout(area, theme))
    return figure


def _panel(figure: go.Figure, i: int, panel: Panel, area: pd.DataFrame, provider: pd.DataFrame, theme: Theme, name: str) -> None:
    axis = {"xaxis": "x", "yaxis": f"y{i + 1}" if i else "y"}
    middle = area["week"] + WEEK / 2
    hover = f"%{{y:.{panel.places}f}} {panel.unit}".rstrip() + "<extra>%{fullData.name}</extra>"
    pale = [1.0 if complete else 0.45 for complete in area["is_complete"]]
    main = theme.alarm if panel.column == "down_hours" else theme.accent
    if panel.is_bar:
        label = "about quality" if panel.stacked else name
        bars = {"width": WEEK.total_seconds() * 1000 * 0.78, "hovertemplate": hover, "showlegend": False, **axis}
        figure.add_trace(go.Bar(x=middle, y=area[panel.column], name=label, marker={"color": main, "opacity": pale}, **bars))
        if panel.stacked:
            other = {"color": theme.soft, "opacity": [0.55 * p for p in pale]}
            figure.add_trace(go.Bar(x=middle, y=area[panel.stacked], name="other", marker=other, **bars))
    else:
        figure.add_trace(
            go.Scatter(x=middle, y=area[panel.column], name=name, mode="lines", line={"color": main, "width": 2}, hovertemplate=hover, showlegend=False, **axis)
        )
    total = provider[panel.column] + (provider[panel.stacked] if panel.stacked else 0)
    figure.add_trace(
        go.Scatter(
            x=provider["week"] + WEEK / 2,
            y=total,
            name="provider",
            mode="lines",
            line={"color": theme.ink, "width": 1.2, "dash": "dot"},
            hovertemplate=hover,
            showlegend=False,
            **axis,
        )
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
        "margin": {"l": 44, "r": 8, "t": 4, "b": 26},
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
            "ticksuffix": f" {panel.unit}" if panel.unit in {"%", "ms", "h"} else "",
        }
        layout["annotations"].append(_title(panel.title, bottom + height, theme))
    return layout


def _title(text: str, y: float, theme: Theme) -> dict[str, Any]:
    font = {"size": 12.5, "color": theme.ink, "weight": 600}
    return {"text": text, "x": 0, "xref": "paper", "y": y + 0.002, "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False, "font": font}


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
