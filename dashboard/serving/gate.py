"""What comes before every page: who asks, for what, how much; whatever is refused is refused in words and in few log lines."""

from __future__ import annotations

import html
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from dash.exceptions import DependencyException, InvalidResourceError
from flask import Flask, Response, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from dashboard.accounts import rights
from dashboard.accounts.identity import current
from dashboard.serving import callback_bodies, headers, own_metrics
from dashboard.serving.admission import Admission
from dashboard.serving.listening import host_name, is_loopback, is_own_host

if TYPE_CHECKING:
    from dash import Dash

    from dashboard.accounts.entrance import Entrance
    from dashboard.config import WebSettings

MOST_BODY_BYTES = 256 * 1024
"""The largest body that a page sends has 1 KB."""
CALLBACKS = "/_dash-update-component"
PAGE_LOAD = re.compile(rb"(endId=[A-Za-z0-9~]{0,200})?")
"""What Dash's own script adds to the address: the token of the page that was loaded."""
HEALTH = "/-/healthy"
OWN = frozenset({HEALTH, own_metrics.READY, own_metrics.PATH})
"""What programs on the same host may ask for by its address, also where pages are for a proxy's host names."""
APPLICATION = frozenset({"/", "/<path:path>"})
"""Dash's names of the routes that answer with the application's page, whatever the path."""
LOG_SECONDS = 10.0
WORDS = {
    400: "This request cannot be understood",
    401: "Please sign in",
    403: "This is not for you",
    404: "There is no such page",
    405: "This cannot be done here",
    413: "This request is too large",
    421: "This is not the host that was asked for",
    500: "This page could not be made",
    503: "This is not known now",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · Bairro</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; background: light-dark(#f3f5f8, #0f161d); color: light-dark(#16202b, #e8edf2); font: 1rem/1.5 "Segoe UI", Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }}
main {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }} h1 {{ font-size: 1.35rem; }} a {{ color: light-dark(#0069a6, #6cc0ee); }}
</style></head>
<body><main><h1>{title}</h1><p>{text}</p>{links}</main></body>
</html>
"""


class QuietLog:
    """Refusals as one line each, and in a flood of them one line for every ten seconds."""

    def __init__(self, seconds: float = LOG_SECONDS) -> None:
        self._seconds, self._lock = seconds, threading.Lock()
        self._next, self._unsaid = -seconds, 0

    def line(self, text: str, now: float) -> str | None:
        """What to write of ``text`` at ``now`` (seconds); None where it is too soon after the last line."""
        with self._lock:
            if now < self._next:
                self._unsaid += 1
                return None
            more = f" ({self._unsaid} more since the last line)" if self._unsaid else ""
            self._next, self._unsaid = now + self._seconds, 0
        return f"bairro serve: {text}{more}"

    def say(self, text: str) -> None:
        if (line := self.line(text, time.monotonic())) is not None:
            print(line, file=sys.stderr, flush=True)


def guard(
    app: Dash,
    web: WebSettings,
    is_page: Callable[[str], bool],
    links: dict[str, str],
    *,
    meant: Callable[[str], str | None] = lambda _: None,
    told_already: Callable[[], Response | None] = lambda: None,
    entrance: Entrance,
) -> None:
    """Put the gate before ``app``; ``is_page`` says whether the application knows a path, ``meant`` which one an unknown
    path stands for, ``links`` where else to go. ``told_already`` answers a callback that is as it should be, where
    somebody has just been told the same. ``entrance`` knows who asks.
    """
    server: Flask = app.server
    server.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    policy = headers.application(app_scripts(app))
    log, failures = QuietLog(), QuietLog()
    admission = Admission(entrance, OWN, lambda code, text: told(code, text, _open_to_them(links)))

    @server.before_request
    def refuse() -> BaseResponse | None:
        if (refused := host_fault(web, request.headers.get("Host"), request.path, request.remote_addr)) is not None:
            log.say(f"refused a request: {refused[1]}")
            return told(*refused)
        if (answer := admission.refuse()) is not None:
            return answer
        if request.path == CALLBACKS and request.method == "POST":
            return _callback(app, log) or admission.callback(request.get_json()) or told_already()
        if request.endpoint in APPLICATION and request.method in {"GET", "HEAD"}:
            return _page(is_page, meant, _open_to_them(links))
        return None

    @server.after_request
    def harden(answer: Response) -> Response:
        is_application = request.endpoint in APPLICATION and answer.status_code == 200
        if request.path in {CALLBACKS, HEALTH}:
            answer.headers[headers.TIME] = f"{time.time():.3f}"
        if current().name is not None and "Cache-Control" not in answer.headers:
            answer.headers["Cache-Control"] = "private, no-store"
        return headers.harden(answer, policy, is_page=is_application)

    @server.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        code = error.code or 500
        if code == 413:
            log.say(f"refused a request: its body has more than {MOST_BODY_BYTES // 1024} KB")
        answer = told(code, _reason(error), _open_to_them(links))
        for name, value in error.get_headers():
            if name.lower() == "allow":
                answer.headers[name] = value
        return answer

    @server.errorhandler(DependencyException)
    @server.errorhandler(InvalidResourceError)
    def no_such_script(_: Exception) -> Response:
        return told(404, "No such script belongs to these pages.")

    @server.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        failures.say(f"{request.path[:200]!r} failed:\n{''.join(traceback.format_exception(error)).rstrip()}")
        return told(500, "The server's log says why.", _open_to_them(links))


def _open_to_them(links: dict[str, str]) -> dict[str, str]:
    """Those of ``links`` that who asks may open; where to sign in for whom nobody knows."""
    mine = current()
    if not mine.passes(rights.SIGNED_IN):
        return {"/sign-in": "Sign in"}
    return {href: name for href, name in links.items() if mine.passes(rights.of_page(href))}


def app_scripts(app: Dash) -> list[str]:
    """The inline scripts of the application's page, as they stand in it."""
    return [*headers.INLINE.findall(app.index_string), app.renderer]


def host_fault(web: WebSettings, header: str | None, path: str, peer: str | None) -> tuple[int, str] | None:
    """Status and reason where a request's Host header names none of the hosts that the pages are served for.

    A page of another site whose name is pointed at this address (DNS rebinding) asks with that site's name. Health
    checks of the same host may always name it by its own address.
    """
    name = None if header is None else host_name(header)
    if name is None:
        return 400, "It has no Host header that names a host."
    own = not web.behind_proxy or (path in OWN and is_loopback(peer or ""))
    if name in {host.lower().rstrip(".") for host in web.hosts} or (own and is_own_host(name)):
        return None
    if not web.behind_proxy and web.published_on is None and name == web.address.lower():
        return None
    return (
        421,
        f"These pages are not served for the host {name[:100]!r}. web.hosts in dashboard.toml names those that they are for.",
    )


def _callback(app: Dash, log: QuietLog) -> Response | None:
    if not request.is_json:
        said: str | None = "not JSON"
    elif PAGE_LOAD.fullmatch(request.query_string) is None:
        said = "a query that pages do not add"
    else:
        said = callback_bodies.fault(request.get_data(), app.callback_map)
    if said is None:
        return None
    log.say(f"refused a forged or outdated callback: {said}")
    return told(400, f"The page did not send this: {said}. If it was opened before an update, reload it.")


def _page(
    is_page: Callable[[str], bool], meant: Callable[[str], str | None], links: dict[str, str]
) -> BaseResponse | None:
    path = request.path
    if path == CALLBACKS:
        answer = told(405, "Pages use POST here.")
        answer.headers["Allow"] = "POST"
        return answer
    if not path.startswith(("/_", "/-")) and is_page(path):
        return None
    if (instead := meant(path)) is not None:
        query = request.query_string.decode("ascii", "ignore")
        return redirect(f"{instead}?{query}" if query else instead)
    kind, _, name = path[1:].partition("/")
    is_of_a_kind = bool(name) and kind in ("area", "device", "incident")
    return told(
        404, f"No {kind} is called {name[:200]}." if is_of_a_kind else f"Nothing is called {path[:200]}.", links
    )


def _reason(error: HTTPException) -> str:
    known = {405: "The path is there, but not for this method.", 413: "No page sends this much."}
    return known.get(error.code or 500, error.description or "")


def told(code: int, text: str, links: dict[str, str] | None = None) -> Response:
    """An answer in words: HTML where a browser asks for a page, plain text for everything else."""
    title = WORDS.get(code, "This did not work")
    if request.path.startswith(("/api/", "/_", "/-")) or "text/html" not in dict(request.accept_mimetypes):
        return Response(f"{title}. {text}\n", code, mimetype="text/plain")
    items = "".join(f'<li><a href="{href}">{html.escape(name)}</a></li>' for href, name in (links or {}).items())
    shown = PAGE.format(title=html.escape(title), text=html.escape(text), links=f"<ul>{items}</ul>" if items else "")
    return Response(shown, code, mimetype="text/html")
