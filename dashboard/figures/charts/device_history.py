"""A device's hours as charts over one time axis: round trip, loss, traffic, load, signal, and how its time went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.figures.charts import stacked
from dashboard.figures.charts.map import empty
from dashboard.figures.charts.stacked import SHADES, Span, axis, axis_name, bit_unit
from dashboard.figures.style import numbers
from dashboard.figures.style.palette import Theme

Step = Literal["hour", "day", "week"]
STEPS: Mapping[Step, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: a column of `buckets`, what it is called when it is pointed at, and whether it is the main one."""

    column: str
    name: str
    is_main: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its title with the unit, its lines, unit, decimals, and where its axis begins and ends (None: by itself)."""

    title: str
    lines: tuple[Line, ...]
    unit: str
    places: int
    low: float | None = 0.0
    high: float | None = None


CHARTS: Mapping[str, Chart] = {
    "rtt": Chart(
        "Round trip, ms: mean, in grey the 95th percentile",
        (Line("rtt_p95", "Round trip, 95th percentile", is_main=False), Line("rtt", "Round trip, mean")),
        "ms",
        1,
    ),
    "loss": Chart("Pings lost, %", (Line("loss", "Pings lost"),), "%", 1),
    "traffic": Chart(
        "Uplink traffic, Mbit/s: down, in grey up",
        (
            Line("transmit", "Uplink up, 95th percentile", is_main=False),
            Line("receive", "Uplink down, 95th percentile"),
        ),
        "Mbit/s",
        1,
    ),
    "load": Chart("Load of the busier direction, %", (Line("load", "Load, 95th percentile"),), "%", 0, 0.0, 100.0),
    "signal": Chart("Signal, dBm", (Line("signal", "Received level of the worst channel"),), "dBm", 1, None),
    "noise": Chart("Signal to noise, dB", (Line("noise", "Signal to noise of the worst channel"),), "dB", 1, None),
}
HIGHEST = "highest hour"
"""What the 95th percentile of a day or week is: there is none of percentiles."""


def buckets(hours: pd.DataFrame, since: datetime, until: datetime, step: Step, zone: ZoneInfo) -> pd.DataFrame:
    """The hours on record added up over hours, days or weeks of ``zone``; a row for each from ``since`` to ``until``.

    Columns: ``start``, those of CHARTS in drawn units (missing: not measured), and for each of SHADES and for ``well``
    the minutes of it. What no row tells of is not observed. Means weigh by what they are of; of the 95th percentiles of
    hours the highest is taken.
    """
    index = pd.date_range(pd.Timestamp(since).floor("h"), pd.Timestamp(until), freq="h", inclusive="left", tz="UTC")
    table = hours.set_index("hour").reindex(index)
    grouped = table.groupby(_starts(index, step, zone), sort=True)
    sums = grouped[
        [
            "rtt_seconds_sum",
            "rtt_count",
            "pings_lost",
            "pings_sent",
            "down_seconds",
            "planned_seconds",
            "silent_seconds",
        ]
    ].sum(min_count=1)
    highest = grouped[
        [
            "rtt_p95_seconds",
            "receive_p95_bytes_per_second",
            "transmit_p95_bytes_per_second",
            "utilization_p95_ratio",
        ]
    ].max()
    means = grouped[["signal_dbm", "signal_noise_db"]].mean()
    found = pd.DataFrame(
        {
            "rtt": 1000 * _ratio(sums["rtt_seconds_sum"], sums["rtt_count"]),
            "rtt_p95": 1000 * highest["rtt_p95_seconds"],
            "loss": 100 * _ratio(sums["pings_lost"], sums["pings_sent"]),
            "receive": 8e-6 * highest["receive_p95_bytes_per_second"],
            "transmit": 8e-6 * highest["transmit_p95_bytes_per_second"],
            "load": 100 * highest["utilization_p95_ratio"],
            "signal": means["signal_dbm"],
            "noise": means["signal_noise_db"],
        }
    ).astype(float)
    observed, whole = grouped["observed_seconds"].sum(), grouped.size() * HOUR_SECONDS
    down, planned, silent = (sums[f"{kind}_seconds"].fillna(0.0) for kind in ("down", "planned", "silent"))
    found["down"] = (down - planned).clip(lower=0) / 60
    found["planned"] = planned / 60
    found["silent"] = silent / 60
    found["unobserved"] = (whole - observed).clip(lower=0) / 60
    found["well"] = (observed - down - silent).clip(lower=0) / 60
    return found.rename_axis("start").reset_index()


def begin(at: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The start of the hour, day or week of ``zone`` that ``at`` lies in."""
    hour = pd.DatetimeIndex([pd.Timestamp(at).tz_convert("UTC").floor("h")])
    started: datetime = _starts(hour, step, zone)[0].to_pydatetime()
    return started.astimezone(UTC)


def _starts(index: pd.DatetimeIndex, step: Step, zone: ZoneInfo) -> pd.DatetimeIndex:
    local = index.tz_convert(zone)
    if step == "hour":
        return local
    days = local.tz_localize(None).normalize()
    if step == "week":
        days = days - pd.to_timedelta(days.weekday, unit="D")
    return days.tz_localize(zone, nonexistent="shift_forward", ambiguous=True)


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Missing where there is nothing to divide by."""
    divisor = pd.to_numeric(whole, errors="coerce").astype(float)
    return pd.to_numeric(part, errors="coerce").astype(float) / divisor.where(divisor > 0, np.nan)


def measured(table: pd.DataFrame) -> list[str]:
    """The keys of CHARTS of which ``table`` has any value."""
    return [key for key, chart in CHARTS.items() if any(table[line.column].notna().any() for line in chart.lines)]


def not_measured(table: pd.DataFrame) -> str:
    """The charts that are left out, in words; empty where none is."""
    left = [chart.title.partition(",")[0].lower() for key, chart in CHARTS.items() if key not in measured(table)]
    return f"Not measured in this time: {', '.join(left)}." if left else ""


def history(
    table: pd.DataFrame,
    theme: Theme,
    *,
    step: Step,
    spans: Sequence[Span] = (),
    capacity: tuple[float | None, float | None] = (None, None),
    title: str,
) -> go.Figure:
    """``table`` is that of `buckets`; ``spans`` are shaded over all charts, as is what was not observed.

    ``capacity`` (Mbit/s down, up) is dotted. Without a row the figure says ``title``.
    """
    if table.empty:
        return empty(title, theme)
    zone = table["start"].dt.tz
    table = table.assign(start=table["start"].dt.tz_localize(None))  # drawn as on the wall there
    shown = measured(table)
    charts = [CHARTS[key] for key in shown]
    traces: list[Any] = []
    for i, key in enumerate(shown):
        if key == "traffic":
            times, unit = bit_unit(table[["receive", "transmit"]].max().max())
            limits = _capacity(table, theme, axis(i), capacity)
            title_there = charts[i].title.replace("Mbit/s", unit) + (", dotted the capacity" if limits else "")
            charts[i] = replace(charts[i], title=title_there, unit=unit, places=2 if unit == "Gbit/s" else 1)
            table = table.assign(receive=times * table["receive"], transmit=times * table["transmit"])
            traces += [limit.update(y=[times * value for value in limit.y]) for limit in limits]
        traces += _lines(charts[i], table, theme, axis(i), step)
    traces += _time(table, theme, axis(len(charts)))
    layout = stacked.layout(
        [*(chart.title for chart in charts), f"Minutes of each {step} by state"],
        theme,
        between=(table["start"].iloc[0] - STEPS[step] / 2, table["start"].iloc[-1] + STEPS[step] / 2),
        ticks="%H:%M\n%-d %b" if step == "hour" and len(table) <= 60 else "%-d %b\n%Y",
        hover={"hour": "%-d %b, hour from %H:%M", "day": "%-d %b %Y", "week": "week of %-d %b %Y"}[step],
        last_height=0.5,
    ) | {"bargap": 0.0 if len(table) > 60 else 0.12}
    for i, chart in enumerate(charts):
        layout[axis_name(i)] |= _range(chart)
    layout[axis_name(len(charts))] |= {"showticklabels": False, "rangemode": "tozero", "showgrid": False}
    layout["shapes"] = [*_not_observed(table, theme, step), *(span.on_the_wall(zone).shape(theme) for span in spans)]
    return go.Figure(traces, go.Layout(**layout))


def _not_observed(table: pd.DataFrame, theme: Theme, step: Step) -> list[dict[str, Any]]:
    """A shade over each run of hours, days or weeks of which nothing at all was observed."""
    others = table[["well", "down", "planned", "silent"]].sum(axis=1)
    dark = (table["unobserved"] > 0) & (others <= 0)
    runs = (dark != dark.shift()).cumsum()
    found = []
    for _, run in table[dark].groupby(runs[dark]):
        half = STEPS[step] / 2
        found.append(Span("unobserved", run["start"].iloc[0] - half, run["start"].iloc[-1] + half).shape(theme))
    return found


def _range(chart: Chart) -> dict[str, Any]:
    if chart.low is None:
        return {}
    return {"rangemode": "tozero"} if chart.high is None else {"range": [chart.low, chart.high]}


def _lines(chart: Chart, table: pd.DataFrame, theme: Theme, place: str, step: Step) -> list[go.Scatter]:
    """A gap stays a gap, and an hour alone between two of them is a dot."""
    made = []
    for line in chart.lines:
        values = table[line.column]
        if not values.notna().any():
            continue
        colour = theme.accent if line.is_main else theme.beside
        of = f" ({HIGHEST})" if step != "hour" and "percentile" in line.name else ""
        text = [
            f"{line.name}{of}: {numbers.decimal(v, chart.places)}{numbers.after(chart.unit)}" if pd.notna(v) else ""
            for v in values
        ]
        made.append(
            go.Scatter(
                x=table["start"],
                y=values,
                mode="lines+markers",
                line={"color": colour, "width": 2 if line.is_main else 1.4},
                marker={"size": 3.5, "color": colour},
                text=text,
                hovertemplate="%{text}<extra></extra>",
                connectgaps=False,
                showlegend=False,
                yaxis=place,
            )
        )
    return made


def _capacity(table: pd.DataFrame, theme: Theme, place: str, capacity: Sequence[float | None]) -> list[go.Scatter]:
    """Where it lies so high that the traffic would be a flat line it is left to the words."""
    highest = table[["receive", "transmit"]].max().max()
    made = []
    for value, word in zip(capacity, ("down", "up"), strict=True):
        if value is None or value > 4 * highest:
            continue
        made.append(
            go.Scatter(
                x=[table["start"].iloc[0], table["start"].iloc[-1]],
                y=[value, value],
                mode="lines",
                line={"color": theme.ink, "width": 1.2, "dash": "dot"},
                name=f"capacity {word}",
                hoverinfo="skip",
                showlegend=False,
                yaxis=place,
            )
        )
    return made


def _time(table: pd.DataFrame, theme: Theme, place: str) -> list[go.Bar]:
    """Stacked minutes: well below in the faintest colour, whatever was not above it."""
    shades = [("well", "answered", theme.faint), *((s.key, s.word, s.colour(theme)) for s in SHADES)]
    return [
        go.Bar(
            x=table["start"],
            y=table[key],
            marker={"color": fill, "line": {"width": 0}},
            text=[
                f"{word[:1].upper()}{word[1:]}: {numbers.duration(60 * v)}" if v >= 1 / 60 else "" for v in table[key]
            ],
            textposition="none",
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
            yaxis=place,
        )
        for key, word, fill in shades
        if (table[key] > 0).any()
    ]
