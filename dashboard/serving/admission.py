"""Whether who asks may have what is asked: looked at on the server before each page, callback, download and report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Request, redirect, request
from werkzeug.wrappers import Response

from dashboard.accounts import identity, rights
from dashboard.accounts.entrance import Asked, Entrance, NotKnownError
from dashboard.accounts.rights import Rule
from dashboard.config import WebSettings
from dashboard.serving import cookies
from dashboard.serving.listening import host_name, is_loopback, is_own_host

SIGN_IN = "/sign-in"
FORMS = frozenset({SIGN_IN, "/sign-out"})
ENDED = "Nobody is signed in here, or the session has ended. Sign in at /sign-in."
NOT_YOURS = "Your role ({role}) may not open this."
NO_ROLE = "You are known as {name}, but have no role here. Ask an administrator of these pages for one."
NO_PAGE = "There is no such page."
ELSEWHERE = "The request came from another site, so nothing was done."


class Admission:
    """Asks ``entrance`` who it is; ``told`` makes an answer of a status and a sentence."""

    def __init__(self, entrance: Entrance, own_paths: frozenset[str], told: Callable[[int, str], Response]) -> None:
        self._entrance, self._own, self._told = entrance, own_paths, told

    def refuse(self) -> Response | None:
        """Say who asks for the rest of the request; the answer to whoever may not have the endpoint or the page."""
        identity.set_current(identity.NOBODY)
        if request.method == "POST" and not is_from_here(request):
            return self._told(403, ELSEWHERE)
        rule = rights.ENDPOINTS.get(request.endpoint or "")
        if rule == rights.ANYBODY:
            return None
        try:
            identity.set_current(self._entrance.who(_asked(request, self._entrance.settings.web, self._own), _now()))
        except NotKnownError as error:
            return self._told(503, f"Who you are cannot be told now: {error}.")
        if request.endpoint is None:
            return None  # no such method; nothing is answered but that
        return self.outcome(rule) or self._page()

    def _page(self) -> Response | None:
        if request.endpoint not in {"/", "/<path:path>"} or request.method == "OPTIONS":
            return None
        mine = identity.current()
        if request.path == "/" and not mine.passes(rights.of_page("/")) and mine.passes(rights.SIGNED_IN):
            return redirect(rights.home(mine.role))
        rule = rights.of_page(request.path)
        return None if rule is None else self.outcome(rule)

    def callback(self, body: Mapping[str, Any]) -> Response | None:
        """The answer to whoever may not have the callback ``body``, which is as a page sends it; None where they may."""
        rule = rights.of_callback(body["output"])
        refused = self.outcome(rule)
        if refused is None and body.get("changedPropIds") and all(_is_tick(one) for one in body["changedPropIds"]):
            return None
        if refused is None:
            self._used()
        return refused

    def _used(self) -> None:
        """A person did something: the session is not idle."""
        asked = _asked(request, self._entrance.settings.web, self._own, is_action=True)
        if asked.cookie:
            self._entrance.who(asked, _now())

    def outcome(self, rule: Rule | None) -> Response | None:
        """None where who asks may have what ``rule`` is for."""
        mine = identity.current()
        if mine.passes(rule):
            return None
        if mine.role == rights.NOBODY and mine.name is None:
            return self._to_sign_in()
        said = NO_ROLE.format(name=mine.name) if mine.role == rights.NOBODY else NOT_YOURS.format(role=mine.role)
        return self._told(403, said)

    def _to_sign_in(self) -> Response:
        is_page = request.method == "GET" and "text/html" in dict(request.accept_mimetypes)
        if not is_page or request.path.startswith(("/_", "/-", "/api/")):
            return self._told(401, ENDED)
        query = request.query_string.decode("ascii", "ignore")
        wanted = f"{request.path}?{query}" if query else request.path
        return redirect(SIGN_IN if wanted == "/" else f"{SIGN_IN}?next={quote(wanted, safe='/')}", 303)


def why_hidden(path: str | None) -> str | None:
    """Why the page at ``path`` is not shown to who asks now; None where it is. No page is shown that has no rule."""
    rule, mine = rights.of_page(path or "/"), identity.current()
    if rule is None:
        return NO_PAGE
    return None if mine.passes(rule) else NOT_YOURS.format(role=mine.role)


def is_from_here(request: Request) -> bool:
    """Whether what writes was sent by a page of ours: by what the browser says of where it comes from, which no script
    can change (Fetch Metadata; RFC 6454, 7). A form must say it; JSON no other site can send without being asked.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site == "same-origin"
    if origin is not None:
        asked = host_name(request.headers.get("Host", ""))
        return asked is not None and (urlsplit(origin).hostname or "") == asked
    return request.path not in FORMS


def _is_tick(name: str) -> bool:
    """Whether this is what a page asks by itself every few seconds."""
    return name.endswith(".n_intervals")


def _asked(request: Request, web: WebSettings, own_paths: frozenset[str], *, is_action: bool | None = None) -> Asked:
    """What ``request`` brings. A callback counts as an action only once it is known what moved it."""
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    proxied = request.headers.get(web.user_header, "").strip() if web.user_header else ""
    words = request.headers.get(web.role_header, "") if web.role_header else ""
    host = host_name(request.headers.get("Host", "")) or ""
    is_here = is_loopback(request.remote_addr or "") and is_own_host(host)
    return Asked(
        cookie=cookies.shown(request),
        bearer=bearer.strip() if scheme.lower() == "bearer" else None,
        proxied=proxied or None,
        words=tuple(word.strip() for word in words.split(",") if word.strip()),
        is_action=is_action if is_action is not None else request.method == "GET" and request.path not in own_paths,
        is_own=is_here and request.path in own_paths,
    )


def _now() -> datetime:
    return datetime.now(UTC)
