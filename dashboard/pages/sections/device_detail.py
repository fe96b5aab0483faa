"""The parts of *Device* that other programs answer for: what Prometheus has, and links to Grafana and the like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from dash import Dash, Input, Output, State, dcc, html

from dashboard.figures.charts import device_metrics as charts
from dashboard.figures.charts.map import empty
from dashboard.figures.charts.stacked import Span
from dashboard.figures.style.palette import theme
from dashboard.pages import parts
from dashboard.pages.source import Source, Visit, visit

TEXT = {
    "title": "In detail, from Prometheus",
    "how": "As Prometheus has it, at its own resolution. A gap was not measured; shaded are outages, planned work, and time without samples.",
    "none": "Prometheus has no samples of this device in this time: it may be shown on /metrics only as a part of its area",
    "links": "Elsewhere",
    "metrics": "The collector’s metrics",
    "prometheus": "Prometheus",
}
SPANS: dict[str, tuple[str, timedelta]] = {
    "1": ("1 hour", timedelta(hours=1)),
    "6": ("6 hours", timedelta(hours=6)),
    "24": ("1 day", timedelta(days=1)),
    "168": ("1 week", timedelta(days=7)),
}
DEFAULT_SPAN = "6"


def panel(seen: Visit, name: str) -> list[html.Section]:
    """The charts, where a Prometheus is set."""
    if not seen.source.metrics.is_set:
        return []
    choice = dcc.RadioItems(
        id="device-detail-span",
        options=[{"label": label, "value": key} for key, (label, _) in SPANS.items()],
        value=DEFAULT_SPAN,
        inline=True,
        className="filter",
    )
    return [
        parts.panel(
            TEXT["title"],
            html.P(TEXT["how"], className="how"),
            parts.graph("device-detail", f"Round trip, loss, traffic by interface and signal by channel of {name}"),
            html.P(id="device-detail-notes", className="how"),
            aside=choice,
            class_name="weeks",
        )
    ]


def register(app: Dash, source: Source) -> None:
    """Wire the panel's callback."""

    @app.callback(
        Output("device-detail", "figure"),
        Output("device-detail-notes", "children"),
        Input("device-detail-span", "value"),
        Input("theme", "data"),
        State("device-key", "data"),
    )
    def draw(span: str, theme_name: str, name: str) -> tuple[Any, str]:
        return detail(visit(source), name, span, theme_name)


def detail(seen: Visit, name: str, span: str, theme_name: str) -> tuple[Any, str]:
    """The charts of the last hours or days, and what is to be said below them."""
    length = SPANS.get(span, SPANS[DEFAULT_SPAN])[1]
    found = seen.source.metrics.read(name, seen.at - length, seen.at)
    chosen, zone = theme(theme_name), ZoneInfo(seen.settings.timezone)
    if found.problem is not None:
        return empty("Prometheus has not answered", chosen), f"{found.problem}."
    figure = charts.figure(found, chosen, zone, spans(seen, name, seen.at - length), TEXT["none"])
    return figure, charts.said(found)


def spans(seen: Visit, name: str, since: Any) -> list[Span]:
    """When it was in an outage or planned work since then, by the incidents."""
    kinds = {"outage": "down", "planned": "planned"}
    found = seen.source.incidents.of_device(name, seen.at)
    return [
        Span(kinds[row["kind"]], max(start, since), end or seen.at)
        for row in found.rows
        if row["kind"] in kinds
        for start, end in row["spans"]
        if (end or seen.at) > since
    ]


def links(seen: Visit, row: Mapping[Any, Any]) -> html.Section | None:
    """Where else there is something of it: by the settings, or nothing."""
    settings = seen.settings
    known = {name: str(row.get(name) or "") for name in ("area", "role", "site")} | {"device": str(row["device_id"])}
    known |= {"from": _milliseconds(seen.at - timedelta(days=1)), "to": _milliseconds(seen.at)}
    found = {name: _filled(link, known) for name, link in settings.links.items()}
    if settings.prometheus.url:
        query = quote(f'bairro_device_up{{device="{_escaped(known["device"])}"}}', safe="")
        found[TEXT["prometheus"]] = (
            f"{settings.prometheus.url.rstrip('/')}/graph?g0.expr={query}&g0.tab=0&g0.range_input=1d"
        )
    if settings.web.metrics_url:
        found[TEXT["metrics"]] = settings.web.metrics_url
    if not found:
        return None
    items = [
        html.A(name, href=href, className="button", target="_blank", rel="noopener") for name, href in found.items()
    ]
    return parts.panel(TEXT["links"], html.Nav(items, className="legend", **{"aria-label": TEXT["links"]}))


def _filled(link: str, known: Mapping[str, str]) -> str:
    """The address with what is known put in, so that nothing in a name can change where it leads."""
    for name, value in known.items():
        link = link.replace(f"{{{name}}}", quote(value, safe=""))
    return link


def _escaped(text: str) -> str:
    """As it stands in a string of PromQL."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _milliseconds(at: Any) -> str:
    return str(round(at.timestamp() * 1000))
