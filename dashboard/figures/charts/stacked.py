"""Charts over one time axis, one above the other: axes, titles, shades, and units that keep numbers short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import plotly.graph_objects as go

from dashboard.figures.style.palette import FONT, Theme

GAP = 0.05


@dataclass(frozen=True, slots=True)
class Shade:
    """One kind of time in which a device was not simply well: its key, word and colours in the light and dark theme."""

    key: str
    word: str
    light: str
    dark: str

    def colour(self, theme: Theme) -> str:
        return self.light if theme.name == "light" else self.dark


SHADES = (
    Shade("down", "without service", "#c44e00", "#ff7a33"),
    Shade("planned", "without service in planned work", "#3f8fc4", "#56b4e9"),
    Shade("silent", "silent, not counted as an outage", "#9b7fb6", "#b79bd4"),
    Shade("unobserved", "not observed", "#8d99a5", "#8d99a5"),
)


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is shaded over all charts: kind (a key of SHADES), from and to."""

    kind: str
    start: datetime
    end: datetime

    def on_the_wall(self, zone: Any) -> Span:
        """The same by the clocks of ``zone``, without a zone: the drawing library knows none."""
        start, end = (at.astimezone(zone).replace(tzinfo=None) for at in (self.start, self.end))
        return Span(self.kind, start, end)

    def shape(self, theme: Theme) -> dict[str, Any]:
        """As a rectangle behind all charts."""
        kind = next(shade for shade in SHADES if shade.key == self.kind)
        return {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": self.start,
            "x1": self.end,
            "y0": 0,
            "y1": 1,
            "fillcolor": kind.colour(theme),
            "opacity": 0.14,
            "line": {"width": 0},
            "layer": "below",
        }


def bit_unit(most: float) -> tuple[float, str]:
    """What megabits a second are multiplied by so that the largest value is short, and the unit that makes of them."""
    if most >= 1000:
        return 1e-3, "Gbit/s"
    return (1.0, "Mbit/s") if most >= 1 or not most > 0 else (1e3, "kbit/s")


def axis(i: int) -> str:
    """What the trace of chart ``i`` calls its axis."""
    return f"y{i + 1}" if i else "y"


def axis_name(i: int) -> str:
    """What the layout calls it."""
    return f"yaxis{i + 1}" if i else "yaxis"


def layout(
    titles: Sequence[str],
    theme: Theme,
    *,
    between: tuple[Any, Any],
    ticks: str,
    hover: str,
    last_height: float = 1.0,
    gap: float = GAP,
) -> dict[str, Any]:
    """The layout of as many charts as there are ``titles``; the last is ``last_height`` times as high as the others.

    ``ticks`` and ``hover`` are the formats of moments under the charts and where they are pointed at; ``gap`` is what each
    title takes of the whole height.
    """
    n = len(titles)
    height = (1 - gap * n) / (n - 1 + last_height)
    made: dict[str, Any] = {
        "barmode": "stack",
        "template": go.layout.Template(),
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 44, "r": 8, "t": 4, "b": 40},
        "font": {"family": FONT, "color": theme.soft, "size": 12},
        "hoverlabel": {"bgcolor": theme.paper, "bordercolor": theme.soft, "font": {"color": theme.ink, "family": FONT}},
        "uirevision": "kept",
        "xaxis": {
            "range": list(between),
            "nticks": 8,
            "anchor": f"y{n}",
            "gridcolor": theme.faint,
            "showspikes": False,
            "tickformat": ticks,
            "hoverformat": hover,
            "fixedrange": True,
        },
        "annotations": [],
    }
    top = 1.0
    for i, title in enumerate(titles):
        own = height * (last_height if i == n - 1 else 1.0)
        top -= gap
        made[axis_name(i)] = {
            "domain": [max(0.0, top - own), top],
            "nticks": 4,
            "separatethousands": True,
            "gridcolor": theme.faint,
            "zerolinecolor": theme.faint,
            "fixedrange": True,
        }
        made["annotations"].append(_title(title, top, theme))
        top -= own
    return made


def _title(text: str, y: float, theme: Theme) -> dict[str, Any]:
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "y": y + 0.002,
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12.5, "color": theme.ink, "weight": 600},
    }
