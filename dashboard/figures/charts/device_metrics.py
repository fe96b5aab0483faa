"""What Prometheus has of a device as charts over one time axis, with every interface and channel by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean
from typing import Any

import plotly.graph_objects as go

from dashboard.figures.charts import stacked
from dashboard.figures.charts.map import empty, plain
from dashboard.figures.charts.stacked import Span, axis, axis_name, bit_unit
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import Theme
from dashboard.operations.devices.device_metrics import Metrics, Series

MOST_LINES = 6
"""Of interfaces or channels, those that carry most or hear least."""
COLOURS = {
    "light": ("#0072b2", "#c44e00", "#00805e", "#7b4ea3", "#8a6d00", "#52606d"),
    "dark": ("#56b4e9", "#ff7a33", "#3fcf9f", "#b79bd4", "#e6c34a", "#a3b1bf"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """The series of one query in a chart: what one of them is called, with its name put in for ``{}``."""

    key: str
    name: str
    dash: str = "solid"


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its title, parts, unit and decimals; ``low`` is where its axis begins (None: by itself)."""

    title: str
    parts: tuple[Part, ...]
    unit: str
    places: int
    low: float | None = 0.0


CHARTS = (
    Chart(
        "Round trip, ms: median, dotted the 95th percentile",
        (Part("rtt", "Round trip, median{}"), Part("rtt_p95", "Round trip, 95th percentile{}", "dot")),
        "ms",
        1,
    ),
    Chart("Pings lost, %", (Part("loss", "Pings lost{}"),), "%", 1),
    Chart(
        "Traffic by interface, Mbit/s: received, dotted sent",
        (Part("receive", "Received{}"), Part("transmit", "Sent{}", "dot")),
        "Mbit/s",
        1,
    ),
    Chart("Signal by channel, dBm", (Part("signal", "Received level{}"),), "dBm", 1, None),
    Chart("Signal to noise by channel, dB", (Part("noise", "Signal to noise{}"),), "dB", 1, None),
)


def figure(found: Metrics, theme: Theme, zone: Any, spans: Sequence[Span], title: str) -> go.Figure:
    """All that there is, with ``spans`` shaded; ``title`` where there is nothing."""
    if found.is_empty or not found.times:
        return empty(title, theme)
    series = found.series or {}
    times = [at.astimezone(zone).replace(tzinfo=None) for at in found.times]
    shown = [_in_short_units(chart, series) for chart in CHARTS if any(series.get(part.key) for part in chart.parts)]
    traces = [
        trace
        for i, (chart, times_each) in enumerate(shown)
        for trace in _chart(chart, times_each=times_each, i=i, series=series, at=times, theme=theme)
    ]
    is_short = (found.times[-1] - found.times[0]).days < 3
    layout = stacked.layout(
        [chart.title for chart, _ in shown],
        theme,
        between=(times[0], times[-1]),
        ticks="%H:%M\n%-d %b" if is_short else "%-d %b\n%Y",
        hover="%-d %b %H:%M:%S",
    )
    for i, (chart, _) in enumerate(shown):
        layout[axis_name(i)] |= {"rangemode": "tozero"} if chart.low is not None else {}
    silent = [span.on_the_wall(zone) for span in (*spans, *_unsampled(found))]
    layout["shapes"] = [span.shape(theme) for span in silent]
    return go.Figure(traces, go.Layout(**layout))


def said(found: Metrics) -> str:
    """What is not to be seen on the charts: over what rates are means, and what is left out."""
    if found.problem is not None or found.is_empty:
        return ""
    notes = [f"Rates and losses are means over {numbers.duration(found.window_seconds)}."]
    series = found.series or {}
    for key, what in (("receive", "interface"), ("signal", "channel")):
        more = len(_with_values(series.get(key, ()))) - MOST_LINES
        if more > 0:
            notes.append(f"Shown are {MOST_LINES} of {MOST_LINES + more} {what}s.")
    return " ".join(notes)


def _in_short_units(chart: Chart, series: Mapping[str, Sequence[Series]]) -> tuple[Chart, float]:
    if chart.unit != "Mbit/s":
        return chart, 1.0
    values = [v for part in chart.parts for one in series.get(part.key, ()) for v in one.values if v is not None]
    times, unit = bit_unit(max(values, default=0.0))
    places = 2 if unit == "Gbit/s" else 1
    return replace(chart, title=chart.title.replace("Mbit/s", unit), unit=unit, places=places), times


def _with_values(found: Sequence[Series]) -> list[Series]:
    return [one for one in found if any(value is not None for value in one.values)]


def _chosen(chart: Chart, series: Mapping[str, Sequence[Series]]) -> list[str]:
    """The names that are drawn: by the first part, those with the most traffic, or the lowest level."""
    first = _with_values(series.get(chart.parts[0].key, ()))
    size = {one.name: fmean(v for v in one.values if v is not None) for one in first}
    return sorted(sorted(size, key=lambda name: size[name], reverse=chart.low is not None)[:MOST_LINES])


def _chart(
    chart: Chart,
    *,
    times_each: float,
    i: int,
    series: Mapping[str, Sequence[Series]],
    at: Sequence[datetime],
    theme: Theme,
) -> list[go.Scatter]:
    names, made = _chosen(chart, series), []
    for part in chart.parts:
        for one in _with_values(series.get(part.key, ())):
            if one.name not in names:
                continue
            values = [None if value is None else times_each * value for value in one.values]
            called = part.name.format(f", {plain(one.name)}" if one.name else "")
            colour = COLOURS[theme.name][names.index(one.name) % MOST_LINES]
            line = {"color": colour, "width": 1.6, "dash": part.dash}
            made.append(_line(called, values, chart, line=line, at=at, place=axis(i)))
    return made


def _line(
    called: str,
    values: Sequence[float | None],
    chart: Chart,
    *,
    line: dict[str, Any],
    at: Sequence[datetime],
    place: str,
) -> go.Scatter:
    unit = numbers.after(chart.unit)
    return go.Scatter(
        x=list(at),
        y=list(values),
        mode="lines",
        line=line,
        text=["" if v is None else f"{called}: {numbers.decimal(v, chart.places)}{unit}" for v in values],
        hovertemplate="%{text}<extra></extra>",
        connectgaps=False,
        showlegend=False,
        yaxis=place,
    )


def _unsampled(found: Metrics) -> list[Span]:
    """The times in which there is no sample at all of whether it answered: nobody scraped, or the collector stood still."""
    up = (found.series or {}).get("up", ())
    is_there = [any(one.values[i] is not None for one in up) for i in range(len(found.times))]
    spans, start = [], None
    for at, there in zip(found.times, is_there, strict=True):
        if there and start is not None:
            spans.append(Span("unobserved", start, at))
            start = None
        elif not there and start is None:
            start = at
    return [*spans, *([Span("unobserved", start, found.times[-1])] if start is not None else [])]
