"""Areas on a map, coloured by state or verdict, with shapes and words: offline, drawn from the areas' own outlines."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.style.palette import FONT, Mark, Theme, blend

NARROW = 30
"""Letters of a line that fits the narrowest map."""


@dataclass(frozen=True, slots=True)
class AreaMark:
    """One area as the map shows it: its mark and the lines of its hover text."""

    area: str
    name: str
    mark: Mark
    hover: str


def plain(text: str) -> str:
    """A name as it is, where the drawing library would take ``<`` and ``&`` for its own."""
    return escape(text, quote=False)


def empty(title: str, theme: Theme) -> go.Figure:
    """A figure that says why there is nothing to see."""
    figure = go.Figure()
    figure.update_layout(
        **_frame(theme),
        xaxis={"visible": False},
        yaxis={"visible": False},
        annotations=[
            {
                "text": "<br>".join(textwrap.wrap(title, NARROW)),
                "showarrow": False,
                "x": 0.5,
                "y": 0.5,
                "xref": "paper",
                "yref": "paper",
                "font": {"size": 14, "color": theme.soft},
            }
        ],
    )
    return figure


def areas(
    marks: Sequence[AreaMark], outlines: Mapping[str, Any], theme: Theme, *, labelled: frozenset[str]
) -> go.Figure:
    """A map of ``marks``; ``outlines`` maps an area to its GeoJSON geometry; ``labelled`` get their name written,
    where there is not room for all, those first that stand first in ``marks``.

    Areas with no outline are left out; with none at all the figure says so.
    """
    shown = [mark for mark in marks if mark.area in outlines]
    if not shown:
        return empty("No outlines of areas were imported, so there is no map", theme)
    figure = go.Figure()
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "id": m.area, "geometry": outlines[m.area], "properties": {}} for m in shown],
    }
    kinds = {mark.mark.key: mark.mark for mark in shown}
    order = list(kinds)
    figure.add_trace(
        go.Choropleth(
            geojson=collection,
            locations=[m.area for m in shown],
            z=[order.index(m.mark.key) for m in shown],
            zmin=-0.5,
            zmax=len(order) - 0.5,
            colorscale=_steps([blend(kinds[key], theme) for key in order]),
            showscale=False,
            marker={"line": {"color": theme.paper, "width": 1.5}},
            customdata=[m.area for m in shown],
            text=[m.hover for m in shown],
            hovertemplate="%{text}<extra></extra>",
        )
    )
    figure.add_trace(_shapes(shown, outlines, theme, labelled))
    if labelled:
        figure.add_trace(_names([m for m in shown if m.area in labelled], outlines, theme))
    figure.update_layout(**_frame(theme), geo=_geo(theme, [outlines[m.area] for m in shown]))
    return figure


def _shapes(
    shown: Sequence[AreaMark], outlines: Mapping[str, Any], theme: Theme, labelled: frozenset[str]
) -> go.Scattergeo:
    """The shape of every area's state at its centre, larger where the name stands beside it."""
    font = {
        "size": [16 if m.area in labelled else 11 for m in shown],
        "color": [label_ink(m.mark, theme) for m in shown],
        "shadow": [_halo(blend(m.mark, theme)) for m in shown],
    }
    return _written(shown, outlines, font, {"text": [m.mark.shape for m in shown], "textposition": "middle center"})


def _names(shown: Sequence[AreaMark], outlines: Mapping[str, Any], theme: Theme) -> go.Scattergeo:
    """Names under the shapes, in the order of ``shown``; `map-names.js` moves those that would cover others.

    They run over their areas' borders, so that they are written as on paper.
    """
    font = {"size": 16, "color": theme.ink, "shadow": _halo(theme.paper)}
    return _written(shown, outlines, font, {"text": [plain(m.name) for m in shown], "textposition": "bottom center"})


def _written(
    shown: Sequence[AreaMark], outlines: Mapping[str, Any], font: Mapping[str, Any], look: Mapping[str, Any]
) -> go.Scattergeo:
    centres = [_centre(outlines[m.area]) for m in shown]
    return go.Scattergeo(
        lon=[c[0] for c in centres],
        lat=[c[1] for c in centres],
        mode="text",
        textfont={"family": FONT, **font},
        hoverinfo="skip",
        showlegend=False,
        **look,
    )


def label_ink(mark: Mark, theme: Theme) -> str:
    """What can be read on the mark's fill as the map paints it: calm fills are close to the paper."""
    return mark.ink if mark.weight == 1 else theme.ink


def _halo(colour: str) -> str:
    """A glow, so that what is written can be read where it runs over a border."""
    return ", ".join(f"0 0 {size}px {colour}" for size in (1, 2, 3, 3))


def _steps(colours: Sequence[str]) -> list[list[Any]]:
    n = len(colours)
    return [[edge, colour] for i, colour in enumerate(colours) for edge in (i / n, (i + 1) / n)]


def _frame(theme: Theme) -> dict[str, Any]:
    return {
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "color": theme.ink, "size": 13},
        "hoverlabel": {"bgcolor": theme.paper, "bordercolor": theme.soft, "font": {"color": theme.ink, "family": FONT}},
        "uirevision": "kept",
        "template": go.layout.Template(),
        "dragmode": "pan",
    }


def _geo(theme: Theme, geometries: Sequence[Any]) -> dict[str, Any]:
    """No base map: only the outlines, in Mercator, with a margin around them."""
    points = np.concatenate([ring for geometry in geometries for ring in _rings(geometry)])
    (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
    wide, tall = max(east - west, 1e-4) * 0.02, max(north - south, 1e-4) * 0.02
    return {
        "visible": False,
        "bgcolor": "rgba(0,0,0,0)",
        "projection": {"type": "mercator"},
        "lonaxis": {"range": [west - wide, east + wide]},
        "lataxis": {"range": [south - tall, north + tall]},
        "uirevision": "kept",
    }


def parse_outlines(areas: pd.DataFrame) -> dict[str, Any]:
    """area -> GeoJSON geometry, wound as the drawing library wants it (exterior rings clockwise)."""
    outlines = {}
    for area, text in zip(areas["area"], areas["geometry"], strict=True):
        if isinstance(text, str) and text:
            outlines[str(area)] = _wound(json.loads(text))
    return outlines


def _wound(geometry: dict[str, Any]) -> dict[str, Any]:
    """d3 takes a ring's inside to lie on its right: a counter-clockwise exterior (RFC 7946) would fill the globe."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    turned = [[_turned(ring, clockwise=i == 0) for i, ring in enumerate(polygon)] for polygon in polygons]
    return {"type": "MultiPolygon", "coordinates": turned}


def _turned(ring: list[list[float]], *, clockwise: bool) -> list[list[float]]:
    points = [point[:2] for point in ring]
    x, y = np.asarray(points, float).T
    doubled_area = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    return points if (doubled_area < 0) == clockwise else points[::-1]


def _rings(geometry: dict[str, Any]) -> list[np.ndarray]:
    return [np.asarray(polygon[0], float) for polygon in geometry["coordinates"]]


def _centre(geometry: dict[str, Any]) -> tuple[float, float]:
    """The centre of the largest part's outline, weighted by area."""
    ring = max(_rings(geometry), key=lambda r: abs(_area_and_centre(r)[0]))
    _, x, y = _area_and_centre(ring)
    return x, y


def _area_and_centre(ring: np.ndarray) -> tuple[float, float, float]:
    origin = ring[0]
    x, y = (ring - origin).T
    cross = x[:-1] * y[1:] - x[1:] * y[:-1]
    area = cross.sum() / 2
    if abs(area) < 1e-15:
        return 0.0, float(ring[:, 0].mean()), float(ring[:, 1].mean())
    cx = ((x[:-1] + x[1:]) * cross).sum() / (6 * area) + origin[0]
    cy = ((y[:-1] + y[1:]) * cross).sum() / (6 * area) + origin[1]
    return float(area), float(cx), float(cy)
