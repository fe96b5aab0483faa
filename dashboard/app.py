"""The dashboard's application: routes, navigation, theme, and the server that runs it in this process."""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import Any
from urllib.parse import unquote

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from flask import Flask, Response, abort
from gunicorn.app.base import BaseApplication

from dashboard import attempts
from dashboard.config import DashboardSettings
from dashboard.figures import age, fixes
from dashboard.pages import area, areas, backtest, evidence, help, loyalty, now, parts
from dashboard.pages.source import Source, visit
from dashboard.reports.area import ReportError, render_html, render_pdf
from dashboard.results import Results

NAVIGATION = (
    ("/", now.TEXT["title"]),
    ("/areas", areas.TEXT["title"]),
    ("/help", help.TEXT["title"]),
    ("/loyalty", loyalty.TEXT["title"]),
    ("/evidence", evidence.TEXT["title"]),
    ("/backtest", backtest.TEXT["title"]),
)
LAYOUTS = {
    "/": now.layout,
    "/areas": areas.layout,
    "/help": help.layout,
    "/loyalty": loyalty.layout,
    "/evidence": evidence.layout,
    "/backtest": backtest.layout,
}
EXIT_OK, EXIT_PORT = 0, 2
THREADS = 8

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
})();
</script>
{%css%}
</head>
<body>
<a class="skip" href="#page">Skip to content</a>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>
"""


def create_app(settings: DashboardSettings) -> Dash:
    """The Dash application over ``settings``; nothing is read before the first visit."""
    app = Dash(
        "dashboard",
        server=_server(),
        assets_folder=os.path.join(os.path.dirname(__file__), "assets"),
        index_string=INDEX,
        title=f"Bairro · {settings.provider}",
        update_title=None,
        serve_locally=True,
        compress=True,
        suppress_callback_exceptions=True,
    )
    source = Source(settings)
    app.layout = _shell(settings)
    _register(app, source)
    _routes(app, source)
    # Dash readies itself in the first request; a page asked for beside it would come without styles and scripts.
    app.server.test_client().get("/-/healthy")
    return app


def _shell(settings: DashboardSettings) -> html.Div:
    links = [dcc.Link(text, href=href, id=f"to-{href.strip('/') or 'now'}") for href, text in NAVIGATION]
    brand = dcc.Link([html.Strong("Bairro"), html.Span(settings.provider)], href="/", className="brand")
    toggle = html.Button(
        "◐", id="theme-toggle", title="Light or dark", className="button toggle", **{"aria-label": "Light or dark"}
    )
    return html.Div(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Store(id="theme"),
            html.Header([brand, html.Nav(links, id="navigation", **{"aria-label": "Pages"}), toggle], className="top"),
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
        return page(source, pathname, search)

    for part in (now, areas, area):
        part.register(app, source)


def page(source: Source, pathname: str | None, search: str | None = "") -> Any:
    """What lies at ``pathname``; an unknown path says where to go instead."""
    seen, path = visit(source, search), (pathname or "/").rstrip("/") or "/"
    if path in LAYOUTS:
        return LAYOUTS[path](seen)
    if path.startswith("/area/"):
        return area.layout(seen, path.removeprefix("/area/"))
    if path == "/methods" or path.startswith("/methods/"):
        return evidence.method(path.removeprefix("/methods").strip("/"))
    return html.Div(parts.empty("There is no such page", dcc.Link("See the network now", href="/")), className="page")


def _routes(app: Dash, source: Source) -> None:
    """What is not a page: health, tables as CSV, reports."""
    settings = source.settings

    @app.server.route("/-/healthy")
    def healthy() -> Response:
        return Response("healthy\n", mimetype="text/plain")

    @app.server.route("/areas.csv")
    def ranking() -> Response:
        results = source.results()
        if results is None:
            abort(404, parts.NO_RESULTS)
        return _csv(areas.csv(results, _newer(results, settings)), "areas-at-risk")

    @app.server.route("/help.csv")
    def what_would_help() -> Response:
        results = source.results()
        if results is None:
            abort(404, parts.NO_RESULTS)
        minimum = settings.analysis.minimum_customers
        return _csv(fixes.csv(results, minimum, _newer(results, settings)), "what-would-help")

    @app.server.route("/area/<path:key>/report.<form>")
    def report(key: str, form: str) -> Response:
        results = source.results()
        if results is None or form not in {"html", "pdf"}:
            abort(404)
        try:
            if form == "html":
                return Response(render_html(results, unquote(key), settings), mimetype="text/html")
            return Response(render_pdf(results, unquote(key), settings), mimetype="application/pdf")
        except ReportError as error:
            return Response(f"{error}\n", 404, mimetype="text/plain")


def _newer(results: Results, settings: DashboardSettings) -> str:
    return age.newer(attempts.newer_inputs(settings.data, results.manifest), settings.timezone)


def _csv(text: str, name: str) -> Response:
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": f"attachment; filename={name}.csv"})


class _Kept:
    """flask-compress's cache: scripts never change while the process lives, so each is compressed once."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        return self._bodies.get(key)

    def set(self, key: str, body: bytes) -> None:
        if not key.endswith(";"):
            self._bodies[key] = body


def _server() -> Flask:
    server = Flask("dashboard")
    server.config["COMPRESS_CACHE_BACKEND"] = _Kept
    server.config["COMPRESS_CACHE_KEY"] = lambda asked: (
        asked.path if asked.path.startswith("/_dash-component-suites/") else ""
    )
    return server


def serve(settings: DashboardSettings) -> int:
    """Serve until SIGTERM or SIGINT; 0 when it ended so, 2 with a message when the port cannot be had."""
    try:
        listener = _listen(settings.web.address, settings.web.port)
    except OSError as error:
        reason = (
            "is in use by another process" if error.errno == errno.EADDRINUSE else f"cannot be had: {error.strerror}"
        )
        print(
            f"bairro serve: {settings.web.address}:{settings.web.port} {reason}; set web.port in dashboard.toml",
            file=sys.stderr,
        )
        return EXIT_PORT
    print(f"bairro serve: pages at http://{settings.web.address}:{listener.getsockname()[1]}/", flush=True)
    process = os.getpid()
    try:
        _Server(settings, listener).run()
    except SystemExit as done:
        if os.getpid() != process:  # the worker, which must not return into its parent's caller
            os._exit(int(done.code or EXIT_OK))
        return int(done.code or EXIT_OK)
    return EXIT_OK


def _listen(address: str, port: int) -> socket.socket:
    """The listening socket; taken before anything else so that a port in use is told at once."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class _Server(BaseApplication):
    """gunicorn in this process: one worker with threads, which ends with its parent."""

    def __init__(self, settings: DashboardSettings, listener: socket.socket) -> None:
        self._settings, self._listener = settings, listener
        super().__init__()

    def load_config(self) -> None:
        chosen = {
            "bind": f"fd://{self._listener.detach()}",
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "graceful_timeout": 2,
            "timeout": 120,
            "keepalive": 30,
            "loglevel": "warning",
            "proc_name": "bairro-dashboard",
            "control_socket_disable": True,
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self._settings).server
