"""The dashboard's application: routes, navigation, theme, and the server that runs it in this process."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from flask import Flask, Response, abort, redirect, request
from werkzeug.wrappers import Response as WerkzeugResponse

from dashboard.accounts import rights
from dashboard.accounts.entrance import Entrance, NotKnownError
from dashboard.accounts.identity import current
from dashboard.analysis import build_log
from dashboard.config import DEFAULT_FILE, DashboardSettings
from dashboard.figures import fixes as figures
from dashboard.figures.live import age
from dashboard.pages import (
    area,
    areas,
    backtest,
    device,
    evidence,
    fixes,
    incident,
    incidents,
    loyalty,
    now,
    parts,
    replay,
    wall,
    wiring,
)
from dashboard.pages.sections import device_detail, device_work, incident_work, search_results, silence_work, who
from dashboard.pages.source import Source, visit
from dashboard.reports.area_report import ReportError, render_html, render_pdf
from dashboard.results.stored_results import Results
from dashboard.serving import admission, standing
from dashboard.serving import waitress_server as server
from dashboard.serving.gate import MOST_BODY_BYTES, guard
from dashboard.serving.lasting_files import LastingFiles, plotly_address
from dashboard.serving.listening import ListenError, is_loopback, listen
from dashboard.serving.own_metrics import OwnMetrics
from dashboard.serving.shared_answers import SharedAnswers
from dashboard.serving.sign_in import SignIn

NAVIGATION = (
    ("/", now.TEXT["title"]),
    ("/incidents", incidents.TEXT["title"]),
    ("/areas", areas.TEXT["title"]),
    ("/fixes", fixes.TEXT["title"]),
    ("/loyalty", loyalty.TEXT["title"]),
    ("/evidence", evidence.TEXT["title"]),
    ("/backtest", backtest.TEXT["title"]),
)
LAYOUTS = {
    "/": now.layout,
    "/incidents": incidents.layout,
    "/areas": areas.layout,
    "/fixes": fixes.layout,
    "/loyalty": loyalty.layout,
    "/evidence": evidence.layout,
    "/backtest": backtest.layout,
}
WITH_CALLBACKS = (
    now,
    areas,
    area,
    device,
    device_detail,
    device_work,
    incident,
    incident_work,
    incidents,
    replay,
    silence_work,
    wall,
)
BELOW_ANOTHER = (area, device, incident, replay, wall)
"""Pages of one thing, whose path names it, and other views of a page: no link of the navigation leads there."""
TICKS = frozenset(f"{page}-tick.n_intervals" for page in ("now", "area", "device", "incident", "wall"))
"""What moves callbacks whose answers are the same for all who ask the same."""
ASSETS = Path(__file__).parent / "assets"
EXIT_REFUSED = 2
UNENCRYPTED = (
    "passwords travel here unencrypted wherever no TLS is in front; put a proxy with TLS in front (docs/accounts.md)"
)

# The theme is set before the first paint: ?theme= wins, then what was chosen last, then what the system prefers.
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{%title%}</title>
{%favicon%}
<script>
(function () {
  var asked = new URLSearchParams(location.search).get("theme"), kept = null;
  try { kept = localStorage.getItem("theme"); } catch (e) {}
  var dark = window.matchMedia && matchMedia("(prefers-color-scheme: dark)").matches;
  var theme = [asked, kept].find(function (t) { return t === "light" || t === "dark"; }) || (dark ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  Object.defineProperty(window, "_dashPlotlyJSURL", {get: function () { return "{plotly}"; }, set: function () {}});
})();
</script>
{%css%}
</head>
<body>
<a class="skip" href="#page">Skip to content</a>
<noscript><p class="banner warning">These pages are drawn and renewed by JavaScript, which is off in this browser. Nothing is shown without it.</p></noscript>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>
"""


def create_app(settings: DashboardSettings, config: Path = DEFAULT_FILE) -> Dash:
    """The Dash application over ``settings``, read from ``config``; nothing else is read before the first visit.

    Raises PageError.
    """
    check_pages()
    source = Source(settings, config)
    alike = SharedAnswers(TICKS, lambda: standing.moment(source))
    app = Dash(
        "dashboard",
        server=_server(alike, OwnMetrics(lambda: standing.state(source))),
        assets_folder=str(ASSETS),
        index_string=INDEX.replace("{plotly}", plotly_address()),
        title=f"Bairro · {settings.provider}",
        update_title=None,
        serve_locally=True,
        compress=True,
        suppress_callback_exceptions=True,
    )
    lasting = LastingFiles(ASSETS)
    index = app.interpolate_index
    app.interpolate_index = lambda **parts: lasting.addressed(index(**parts))
    app.server.after_request(lasting.keep)
    entrance = Entrance(settings)
    SignIn(entrance, app.server, source.command("user add NAME --role admin"))
    app.layout = lambda: _shell(settings)
    _register(app, source)
    _routes(app, source)
    guard(
        app,
        settings.web,
        lambda path: is_known(source, path),
        dict(NAVIGATION),
        meant=lambda path: meant(source, path),
        told_already=alike.told,
        entrance=entrance,
    )
    check_rights(app)
    # Dash readies itself in the first request; a page asked for beside it would come without styles and scripts.
    app.server.test_client().get("/-/healthy")
    return app


def check_pages() -> None:
    """Raise PageError where a page is not complete."""
    wiring.check(
        wiring.modules(), layouts=LAYOUTS, navigation=NAVIGATION, with_callbacks=WITH_CALLBACKS, below=BELOW_ANOTHER
    )


def check_rights(app: Dash) -> None:
    """Raise rights.RightsError for a page, an endpoint or a callback of which nothing says who may have it."""
    endpoints = {rule.endpoint for rule in app.server.url_map.iter_rules()}
    rights.check(LAYOUTS, endpoints, [key for key, one in app.callback_map.items() if one.get("callback")])


def _shell(settings: DashboardSettings) -> html.Div:
    mine = current()
    links = [
        dcc.Link(text, href=href, id=f"to-{href.strip('/') or 'now'}")
        for href, text in NAVIGATION
        if mine.passes(rights.of_page(href))
    ]
    brand = dcc.Link(
        [html.Strong("Bairro"), html.Span(settings.provider)], href=rights.home(mine.role), className="brand"
    )
    toggle = html.Button(
        "◐", id="theme-toggle", title="Light or dark", className="button toggle", **{"aria-label": "Light or dark"}
    )
    search = html.Button(["Find ", html.Kbd("/")], id="find-open", className="button find", type="button")
    return html.Div(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="theme"),
            html.Header(
                [brand, html.Nav(links, id="navigation", **{"aria-label": "Pages"}), search, toggle, *who.signed_in()],
                className="top",
            ),
            html.Main(id="page"),
        ]
    )


def _register(app: Dash, source: Source) -> None:
    app.clientside_callback(
        ClientsideFunction("bairro", "theme"), Output("theme", "data"), Input("theme-toggle", "n_clicks")
    )
    app.clientside_callback(ClientsideFunction("bairro", "markPage"), Input("url", "pathname"))

    @app.callback(Output("page", "children"), Input("url", "pathname"), Input("url", "search"))
    def show(pathname: str, search: str) -> Any:
        hidden = admission.why_hidden(pathname)
        return page(source, pathname, search) if hidden is None else not_shown(hidden)

    for part in WITH_CALLBACKS:
        part.register(app, source)


def page(source: Source, pathname: str | None, search: str | None = "") -> Any:
    """What lies at ``pathname``; an unknown path says where to go instead."""
    seen, path = visit(source, search), (pathname or "/").rstrip("/") or "/"
    if path == "/" and seen.query.get("view") == "wall":
        return wall.layout(seen)
    if path in LAYOUTS:
        return LAYOUTS[path](seen)
    if path.startswith("/area/"):
        return area.layout(seen, path.removeprefix("/area/"))
    if path.startswith("/device/"):
        return device.layout(seen, path.removeprefix("/device/"))
    if path.startswith("/incident/"):
        return incident.layout(seen, path.removeprefix("/incident/"))
    if path == "/replay":
        return replay.layout(seen)
    if path == "/methods" or path.startswith("/methods/"):
        return evidence.method(path.removeprefix("/methods").strip("/"))
    return not_shown(admission.NO_PAGE)


def not_shown(why: str) -> html.Div:
    """What stands in the place of a page that is not there, or not for who asks."""
    home = dcc.Link("To the first page", href=rights.home(current().role))
    return html.Div(parts.empty(why.rstrip("."), home), className="page")


def is_known(source: Source, decoded: str) -> bool:
    """Whether `page` has more to show at the path ``decoded`` than that nothing is there."""
    path = decoded.rstrip("/") or "/"
    if path.startswith("/area/"):
        return area.is_known(visit(source), path.removeprefix("/area/"))
    if path.startswith("/device/"):
        return device.is_known(visit(source), path.removeprefix("/device/"))
    if path.startswith("/incident/"):
        return incident.is_known(visit(source), path.removeprefix("/incident/"))
    if path.startswith("/methods/"):
        return path.removeprefix("/methods/") in evidence.methods()
    return path in LAYOUTS or path in {"/methods", "/replay"}


def meant(source: Source, decoded: str) -> str | None:
    """The address that an unknown path stands for: of an area by its name, of an incident by the beginning of its id."""
    if decoded.startswith("/incident/"):
        return incident.meant(source, decoded.removeprefix("/incident/").rstrip("/"))
    return area_by_name(source, decoded)


def area_by_name(source: Source, decoded: str) -> str | None:
    """The address of the one area that bears the name in the path ``decoded``, as it is said of a report's; else None."""
    if not decoded.startswith("/area/"):
        return None
    wanted = decoded.removeprefix("/area/").rstrip("/").casefold()
    found = [key for key, name in source.names.items() if name.casefold() == wanted]
    return parts.area_href(found[0]) if len(found) == 1 else None


def _routes(app: Dash, source: Source) -> None:
    """What is not a page: health, tables as CSV, reports."""
    settings = source.settings

    @app.server.route("/-/healthy")
    def healthy() -> Response:
        return Response("healthy\n", mimetype="text/plain")

    @app.server.route("/find.json")
    def found() -> Response:
        told = search_results.answers(visit(source), request.args.get("q", ""))
        return Response(json.dumps({"found": told}), mimetype="application/json", headers={"Cache-Control": "no-store"})

    @app.server.route("/favicon.ico")
    def icon() -> Response:
        """What browsers ask for where a page names none: a report, a table, an error."""
        answer: Response = app.server.view_functions["/_favicon.ico"]()
        return answer

    @app.server.route("/areas.csv")
    def ranking() -> Response:
        results = source.results()
        if results is None:
            abort(404, parts.NO_RESULTS)
        return _csv(areas.csv(results, _newer(results, settings)), "areas-at-risk")

    @app.server.route("/incidents.csv")
    def past_incidents() -> Response:
        try:
            return _csv(incidents.csv(source, request.args, datetime.now(UTC)), "incidents")
        except LookupError as error:
            abort(503, str(error))

    @app.server.route("/help")
    def former_fixes() -> WerkzeugResponse:
        """The page's address up to 0.1: bookmarks go on working."""
        return redirect("/fixes", 308)

    @app.server.route("/fixes.csv")
    def what_would_help() -> Response:
        results = source.results()
        if results is None:
            abort(404, parts.NO_RESULTS)
        minimum = settings.analysis.minimum_customers
        return _csv(figures.csv(results, minimum, _newer(results, settings)), "fixes")

    @app.server.route("/area/<path:key>/report.<form>")
    def report(key: str, form: str) -> Response:
        results = source.results()
        if results is None or form not in {"html", "pdf"}:
            abort(404)
        try:
            if form == "html":
                return Response(render_html(results, key, settings), mimetype="text/html")
            return Response(render_pdf(results, key, settings), mimetype="application/pdf")
        except ReportError as error:
            return Response(f"{error}\n", 404, mimetype="text/plain")


def _newer(results: Results, settings: DashboardSettings) -> str:
    return age.newer(build_log.newer_inputs(settings.data, results.manifest), settings.timezone)


def _csv(text: str, name: str) -> Response:
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": f"attachment; filename={name}.csv"})


def _server(alike: SharedAnswers, metrics: OwnMetrics) -> Flask:
    server = Flask("dashboard", static_folder=None)
    metrics.watch(server)
    alike.keep_last(server)
    return server


def asks_who(settings: DashboardSettings) -> bool:
    """Whether the pages will ask people who they are. Raises ListenError where that cannot be known."""
    try:
        return Entrance(settings).asks_who()
    except (NotKnownError, ImportError, sa.exc.ArgumentError) as error:
        raise ListenError(
            f"whether there are accounts cannot be told, so other hosts are not served: {error}"
        ) from None


def serve(settings: DashboardSettings, config: Path = DEFAULT_FILE) -> int:
    """Serve until SIGTERM or SIGINT; 0 when it ended so, 2 with a message where the pages cannot or must not be served."""
    try:
        listener = listen(settings.web, lambda: asks_who(settings))
    except ListenError as error:
        print(f"bairro serve: {error}", file=sys.stderr)
        return EXIT_REFUSED
    is_beyond = settings.web.published_on is None and not is_loopback(str(listener.getsockname()[0]))
    if is_beyond and not settings.web.behind_proxy:
        print(f"bairro serve: {UNENCRYPTED}", file=sys.stderr, flush=True)
    return server.run(create_app(settings, config).server, listener, settings.web.address, MOST_BODY_BYTES)
