"""*Area*: one neighbourhood's finding, its weeks on one time axis, what drives it, and its devices now."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlencode
from zoneinfo import ZoneInfo

import pandas as pd
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from dashboard.accounts.identity import current
from dashboard.accounts.rights import Right
from dashboard.figures import area_drivers, build_dates, findings, known
from dashboard.figures.area_drivers import Driver
from dashboard.figures.charts.map import empty
from dashboard.figures.charts.timeline import timeline
from dashboard.figures.charts.weeks import BARS, weekly
from dashboard.figures.findings import Finding
from dashboard.figures.live import collector_status, last_reading
from dashboard.figures.style import numbers, words
from dashboard.figures.style.intervals import places
from dashboard.figures.style.palette import DEVICE_STATES, theme
from dashboard.figures.style.suppression import too_small
from dashboard.models.statistics.interval_sides import Side, side_of
from dashboard.operations.live.live_state import Live
from dashboard.pages import fixes, parts, shared
from dashboard.pages.sections import now_devices
from dashboard.pages.source import Source, Visit, visit
from dashboard.results.stored_results import Results

TEXT = {
    "unknown": "There is no such area",
    "unknown_why": "Neither the results nor the inventory have an area of this name. It may have been renamed or removed.",
    "all_areas": "See all areas",
    "hidden": "Too few customers to show separately",
    "hidden_why": "No findings are shown for this area, so that no single customer can be identified",
    "hidden_live": "Its devices are shown below as the operations centre sees them.",
    "no_results": "No results for this area yet",
    "no_results_why": "This area was added after the last build, or no build has been completed yet.",
    "no_results_live": "Its devices are shown below.",
    "excess": "Excess leavers with their 95% interval; the vertical line marks zero",
    "weeks": "Week by week",
    "weeks_how": "Dotted: the whole provider. Shaded: weeks with an hour or more without service, planned work left out. Paler: may be incomplete. "
    + BARS,
    "drivers": "What stands out here",
    "no_drivers": "Nothing was measured here in the weeks analysed.",
    "threshold": "A measure stands out where it is worse here than at the provider by at least one standard deviation between areas, estimated so that a few odd areas count little.",
    "counted": "Rates per 100 customers in 90 days",
    "counted_how": "Counted over the whole period analysed{period}, and drawn towards the provider's rate where there are few customers.",
    "counted_whom": "All other numbers of customers are of those on record on",
    "uncounted": "How many customers are without service is not known: the inventory counts none here (column subscribers).",
    "counted_live": "Customers are counted here as the inventory has them now; findings count those on record.",
    "devices": "Its network now",
    "measured": "Network devices: current measurements",
    "no_devices": "No live data for this area. The collector has not polled a device here yet.",
    "incidents": "Incidents",
    "report": "Report",
    "pdf": "PDF",
}
SPANS = {"13": "3 months", "26": "6 months", "52": "1 year"}
DEFAULT_SPAN = "52"
REFRESH_SECONDS = 5
MOST_NAMED, MOST_MEASURED = 6, 12
MEASURED = ("Device", "Round trip", "Loss", "Load", "Rate ↓ / ↑", "Signal")


def layout(seen: Visit, key: str) -> html.Div:
    """The page of the area whose id stands in the path; `?weeks=26` chooses the time shown."""
    area = unquote(key)
    results = seen.source.results()
    said = findings.finding(results, area, seen.settings.currency) if results is not None else None
    if said is None and not is_known(seen, area):
        back = dcc.Link(TEXT["all_areas"], href="/areas")
        return html.Div(
            [html.H1(area), parts.empty(TEXT["unknown"], [TEXT["unknown_why"], " ", back, "."])], className="page area"
        )
    if not current().may(Right.FINDINGS):
        return html.Div([html.H1(seen.source.name(area)), network(seen, area)], className="page area")
    if results is not None and area in results.hidden:
        return _hidden(seen, area)
    if said is None:
        missing = parts.empty(TEXT["no_results"], _with_devices(TEXT["no_results_why"], TEXT["no_results_live"]))
        said_of_builds = parts.warnings(results, seen)
        title = html.H1(seen.source.name(area))
        return html.Div([title, *said_of_builds, missing, network(seen, area)], className="page area")
    span = seen.query.get("weeks", DEFAULT_SPAN)
    return html.Div(
        [
            html.Div([html.H1(said.name), parts.chip(said.verdict), _links(area)], className="title-line"),
            *parts.warnings(results, seen),
            html.P(said.headline, className="headline"),
            html.P(said.certainty, className="certainty"),
            *(html.P(text, className="certainty") for text in (said.local_change, said.shared_node) if text),
            html.Div([_excess(said), *(parts.figure_tile(f) for f in said.figures)], className="tiles"),
            html.Div(
                [
                    html.Div([_weeks(said, span), network(seen, area), counted(said, results)], className="column"),
                    html.Div([fixes.of_area(seen, area), drivers(said.drivers, results)], className="column"),
                ],
                className="beside",
            ),
        ],
        className="page area",
    )


def _weeks(said: Finding, span: str) -> html.Section:
    """The charts that share one time axis, and how much of it is shown."""
    choice = dcc.RadioItems(
        id="area-span",
        options=[{"label": v, "value": k} for k, v in SPANS.items()],
        value=span if span in SPANS else DEFAULT_SPAN,
        inline=True,
        className="filter",
    )
    return parts.panel(
        TEXT["weeks"],
        html.P(TEXT["weeks_how"], className="how"),
        parts.graph("area-weeks", f"Quality, complaints and leaving in {said.name}, week by week"),
        aside=choice,
        class_name="weeks",
    )


def _hidden(seen: Visit, area: str) -> html.Div:
    """The page of an area that is too small to be shown separately: its name and its devices."""
    minimum = seen.settings.analysis.minimum_customers
    why = f"{TEXT['hidden_why']}: {too_small(minimum)}."
    why = _with_devices(why, TEXT["hidden_live"])
    return html.Div(
        [html.H1(seen.source.name(area)), parts.empty(TEXT["hidden"], why), network(seen, area)], className="page area"
    )


def _with_devices(said: str, devices: str) -> str:
    """``said`` and, for whom devices are shown, that they are."""
    return f"{said} {devices}" if current().may(Right.NETWORK) else said


def is_known(seen: Visit, area: str) -> bool:
    """Whether the records, the results or the network have an area of that id."""
    results = seen.source.results()
    if area in seen.source.names or (results is not None and area in {*results.ranking["area"], *results.hidden}):
        return True
    return bool(seen.source.live(seen.at).devices["area"].eq(area).any())


def _links(area: str) -> html.Nav:
    href = parts.area_href(area)
    of_it = f"/incidents?{urlencode({'months': 'all', 'area': area})}"
    links = [
        *([dcc.Link(TEXT["incidents"], href=of_it, className="button")] if current().may(Right.NETWORK) else []),
        html.A(TEXT["report"], href=f"{href}/report.html", className="button", target="_blank"),
        html.A(TEXT["pdf"], href=f"{href}/report.pdf", className="button"),
    ]
    return html.Nav(links, className="links", **{"aria-label": TEXT["report"]})


def _excess(said: Finding) -> html.Div:
    """The excess as a bar over its interval, with zero marked."""
    if said.excess is None:
        return html.Div(className="unseen")
    middle, low, high = said.excess
    zero, start, dot, end = places(middle, low, high)
    marks = [
        html.I(className="bar", style={"left": f"{start}%", "width": f"{end - start}%"}),
        html.I(className="zero", style={"left": f"{zero}%"}),
        html.I(className="dot", style={"left": f"{dot}%"}),
    ]
    kind = "interval above" if side_of(middle, low, high) is Side.ABOVE else "interval"
    label = f"Excess leavers {said.figures[1].text}, beside zero"
    return html.Div(
        [html.Div(marks, className=kind, role="img", **{"aria-label": label}), html.Span(TEXT["excess"])],
        className="tile wide",
    )


def drivers(said: tuple[Driver, ...], results: Results | None) -> html.Section:
    """Every driver beside the provider, strongest first, with what the effect models say of it; reasons in bold."""
    nearest, lag = area_drivers.no_single_reason(said), "" if results is None else build_dates.lag(results)
    if not said:
        return parts.panel(TEXT["drivers"], html.P([TEXT["no_drivers"], " ", lag], className="quiet"))
    head = html.Thead(
        html.Tr([html.Th("Driver"), html.Th("Here", className="number"), html.Th("Provider", className="number")])
    )
    evidence = words.once(driver.evidence for driver in said)
    rows = [row for driver, line in zip(said, evidence, strict=True) for row in _driver(driver, line)]
    return parts.panel(
        TEXT["drivers"],
        *([html.P(nearest)] if nearest else []),
        html.Table([head, html.Tbody(rows)]),
        html.P(f"{TEXT['threshold']} {lag}".strip(), className="how"),
        aside=" · ".join(
            dict.fromkeys((area_drivers.REASON_MARK, area_drivers.UNUSUAL_MARK, *(d.mark for d in said if d.mark)))
        ),
    )


def _driver(driver: Driver, evidence: str) -> tuple[html.Tr, html.Tr]:
    """Its values, and under them over the whole width what the models say of it."""
    name = [html.Span(f"{driver.mark[:1]} " if driver.mark else "", className="out"), driver.name]
    values = [html.Td(driver.value, className="number"), html.Td(driver.provider, className="number")]
    kind = "driver stands-out" if driver.is_reason else "driver"
    return (
        html.Tr([html.Th(name, scope="row"), *values], className=kind),
        html.Tr(html.Td(html.Small(evidence), colSpan=3)),
    )


def counted(said: Finding, results: Results | None) -> html.Section:
    """The rates, and why one of them is not known."""
    why = None
    if results is not None:
        why = known.unknown(results, "complaints") or known.unknown_in(results, said.area, "area_complaints")
    rows = [
        html.Tr(
            [html.Th(f.name, scope="row"), html.Td(f.text, className="number"), html.Td(f.beside, className="number")]
        )
        for f in said.rates
    ]
    day = None if results is None else build_dates.cut_off(results)
    period = "" if results is None else build_dates.period(results)
    how = TEXT["counted_how"].format(period=f" ({period})" if period else "")
    whom = f"{how} {TEXT['counted_whom']} {numbers.day(day)}." if day else how
    below = [html.P(text, className="how") for text in (why, whom) if text]
    return parts.panel(TEXT["counted"], html.Table(html.Tbody(rows)), *below)


def network(seen: Visit, area: str) -> html.Section | None:
    """The area's network now, which renews itself, and how old what is shown of it is; none for management."""
    if not current().may(Right.NETWORK):
        return None
    shown = renew(seen, area, None)
    timers = [
        dcc.Store(id="area-key", data=area),
        dcc.Interval(id="area-tick", interval=REFRESH_SECONDS * 1000),
        dcc.Store(id="area-seen", data=shown[2]),
    ]
    age = parts.age("area-age", shown[1])
    return parts.panel(TEXT["devices"], *timers, html.Div(shown[0], id="area-now", className="now-here"), aside=age)


def renew(seen: Visit, area: str, digests: list[str] | None) -> tuple[Any, ...]:
    """What changed since ``digests``: the area's network and its freshness; then always the new digests."""
    live, minute = seen.source.live(seen.at), int(seen.at.timestamp() // 60)
    now = seen.at.astimezone(ZoneInfo(seen.settings.timezone))
    here = live.of(live.devices[live.devices["area"] == area])
    key = (live.stamp, minute, area)
    told = [
        seen.source.shared.take("area-now", key, lambda: devices(here, area, now)),
        seen.source.shared.take("area-age", key, lambda: json.dumps(collector_status.freshness(here, now))),
    ]
    fresh, digests = shared.changed(told, digests)
    return (*fresh, digests)


def devices(here: Live, area: str, now: datetime) -> list[Any]:
    """The area's devices by state with what they measure, and those by name that need a person."""
    gaps = [parts.notice(said) for said in collector_status.notices(here, now)]
    if here.devices.empty:
        return [*gaps, html.P(TEXT["no_devices"], className="quiet")]
    row = here.areas.iloc[0]
    shown = here.devices.assign(state=here.shown)
    counts = shown["state"].value_counts()
    chips = [
        parts.chip(mark, f"{numbers.count(int(counts[key]))} {mark.word.lower()}")
        for key, mark in DEVICE_STATES.items()
        if key in counts.index
    ]
    without = _without_service(int(row["affected"]), int(row["not_seen"]), int(row["subscribers"]))
    return [
        *gaps,
        html.Div(chips, className="legend"),
        html.P(without),
        html.P(TEXT["counted_live"], className="how"),
        html.Ul(_troubled(shown, here, now)),
        _figures(shown),
    ]


def _without_service(affected: int, not_seen: int, customers: int) -> str:
    """'3 of 638 customers without service, not known for 12 more'."""
    if not customers:
        return TEXT["uncounted"]
    if not_seen and not_seen >= customers:
        return f"Whether its {numbers.of(customers, 'customer')} {'has' if customers == 1 else 'have'} service is not known"
    gap = f", not known for {numbers.count(not_seen)} more" if not_seen else ""
    return f"{numbers.count(affected)} of {numbers.of(customers, 'customer')} without service{gap}"


def _figures(shown: pd.DataFrame) -> html.Div | None:
    """What the area's network devices measure now, those first that carry most; customer devices are too many."""
    rows = shown[(shown["role"] != "cpe") & shown["state"].isin(["up", "degraded"])]
    if rows.empty:
        return None
    rows = rows.sort_values(["utilization_ratio", "device_id"], ascending=[False, True]).head(MOST_MEASURED)
    cells = [
        [
            [DEVICE_STATES[row["state"]].shape, " ", row["device_id"]],
            last_reading.round_trip(row["rtt_seconds"]),
            last_reading.loss(row["loss_ratio"]),
            last_reading.load(row["utilization_ratio"]),
            last_reading.rates(row["receive_bytes_per_second"], row["transmit_bytes_per_second"]),
            last_reading.signal(row["signal_dbm"], row["signal_noise_db"]),
        ]
        for row in rows.to_dict("records")
    ]
    kept = [i for i in range(6) if i == 0 or any(row[i] != numbers.NONE for row in cells)]
    return parts.table([MEASURED[i] for i in kept], [[row[i] for i in kept] for row in cells], label=TEXT["measured"])


def _troubled(shown: pd.DataFrame, here: Live, now: datetime) -> list[html.Li]:
    """Those that need a person first, each with a short reason."""
    order = {"down": 0, "suspect": 1, "degraded": 2}
    rows = shown[shown["state"].isin(order)]
    rows = rows.iloc[rows["state"].map(order).argsort(kind="stable")].head(MOST_NAMED)
    items = []
    for row in rows.to_dict("records"):
        since = (
            "" if row["state"] == "degraded" else f" since {numbers.moment(row['since'].tz_convert(now.tzinfo), now)}"
        )
        why = now_devices.why(row, here, frozenset(), now)
        state = DEVICE_STATES[row["state"]].word.lower()
        items.append(html.Li([html.Strong(row["device_id"]), f" {state}{since}{f': {why}' if why else ''}"]))
    return items


def register(app: Dash, source: Source) -> None:
    """Wire the page's callbacks."""

    @app.callback(
        Output("area-weeks", "figure"), Input("area-span", "value"), Input("theme", "data"), State("area-key", "data")
    )
    def draw(span: str, theme_name: str, area: str) -> Any:
        return weeks_figure(source, area, int(span), theme_name)

    @app.callback(
        Output("area-now", "children"),
        Output("area-age", parts.FRESHNESS),
        Output("area-seen", "data"),
        Input("area-tick", "n_intervals"),
        State("area-key", "data"),
        State("area-seen", "data"),
        prevent_initial_call=True,
    )
    def renew_network(_: int, area: str, digests: list[str] | None) -> tuple[Any, ...]:
        *shown, digests = renew(visit(source), area, digests)
        if all(one is no_update for one in shown):
            raise PreventUpdate
        return (*shown, digests)

    app.clientside_callback(ClientsideFunction("bairro", "rememberSpan"), Input("area-span", "value"))


def weeks_figure(source: Source, area: str, weeks: int, theme_name: str) -> Any:
    """The area's last ``weeks`` weeks beside the provider's."""
    results = source.results()
    if results is None:
        return empty(TEXT["no_results"], theme(theme_name))
    if area in results.hidden or area not in set(results.ranking["area"]):
        return empty(TEXT["hidden"] if area in results.hidden else TEXT["unknown"], theme(theme_name))
    table = results.area_weeks
    return timeline(weekly(table, area, weeks), weekly(table, None, weeks), theme(theme_name), name=source.name(area))
