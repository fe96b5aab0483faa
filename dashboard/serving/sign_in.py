"""Where people sign in and out: by a form, at an OpenID provider, or with the token of a screen."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from flask import Flask, Request, Response, redirect, request, session
from flask.sessions import SecureCookieSessionInterface
from werkzeug.wrappers import Response as BaseResponse

from dashboard.accounts import rights, sign_in, user_records
from dashboard.accounts.entrance import Asked, Entrance, NotKnownError
from dashboard.accounts.openid import OpenId, OpenIdError
from dashboard.accounts.sign_in import SignInError
from dashboard.accounts.throttle import Throttle
from dashboard.config import WebSettings
from dashboard.operations.audit import EntryError
from dashboard.serving import cookies, sign_in_page
from dashboard.serving.sign_in_page import Form

SIGNED_OUT = "You are signed out."
BACK = "/sign-in/openid/back"


class SignIn:
    """``command`` is how an account is made on this host."""

    def __init__(self, entrance: Entrance, server: Flask, command: str) -> None:
        self._entrance, self._command = entrance, command
        self._settings, self._web = entrance.settings, entrance.settings.web
        self._throttle = Throttle()
        server.secret_key = secrets.token_bytes(32)
        server.session_interface = _FlowCookie(self._web)
        self._openid = OpenId(self._settings.openid, server) if self._settings.openid.issuer else None
        server.add_url_rule("/sign-in", "sign_in", self.show)
        server.add_url_rule("/sign-in", "sign_in_form", self.enter, methods=["POST"])
        server.add_url_rule("/sign-out", "sign_out", self.leave, methods=["POST"])
        server.add_url_rule("/sign-in/screen", "sign_in_screen", self.screen)
        server.add_url_rule("/sign-in/openid", "sign_in_openid", self.to_provider)
        server.add_url_rule(BACK, "sign_in_openid_back", self.from_provider)

    def show(self) -> BaseResponse:
        """The form; what to do where nobody could sign in; to the pages for whoever is signed in already."""
        try:
            asks, has_accounts = self._entrance.asks_who(), self._entrance.are_accounts()
            if asks and self._role(cookies.shown(request)) != rights.NOBODY:
                return redirect(_local(request.args.get("next")))
        except NotKnownError as error:
            return self._form(503, said=f"Nobody can sign in now: {error}.")
        if not asks:
            return self._page(sign_in_page.without_form(sign_in_page.NOT_ASKED, self._settings.provider, self._command))
        if not has_accounts and self._openid is None:
            text = sign_in_page.NOBODY_YET
            return self._page(sign_in_page.without_form(text, self._settings.provider, self._command))
        said = SIGNED_OUT if "out" in request.args else ""
        return self._form(200, said=said, is_mild=True, wanted=request.args.get("next"))

    def enter(self) -> BaseResponse:
        """Sign in by name and password."""
        name, wanted = request.form.get("name", ""), request.form.get("next")
        source, password = source_of(request, self._web), request.form.get("password", "")
        try:
            token = sign_in.with_password(
                self._entrance, self._throttle, name, password, source=source, at=_now(), now=time.monotonic()
            )
        except SignInError as error:
            answer = self._form(error.status, said=str(error), name=name, wanted=wanted)
            if error.wait_seconds:
                answer.headers["Retry-After"] = str(max(1, round(error.wait_seconds)))
            return answer
        except (NotKnownError, EntryError) as error:
            return self._form(503, said=f"Nobody can sign in now: {error}.", name=name, wanted=wanted)
        return self._let_in(token, wanted)

    def _let_in(self, token: str, wanted: str | None) -> BaseResponse:
        """To the page that was wanted, with a new session in place of any that there was."""
        self._end(cookies.shown(request))
        answer = redirect(_local(wanted), 303)
        lasts = timedelta(hours=self._settings.accounts.longest_hours)
        cookies.give(answer, token, request, self._web, lasts)
        return answer

    def leave(self) -> BaseResponse:
        """Sign out. The cookie goes even where the database cannot be written; the session then ends by itself."""
        self._end(cookies.shown(request))
        answer = redirect("/sign-in?out=1", 303)
        cookies.drop(answer)
        return answer

    def _end(self, token: str | None) -> None:
        if not token:
            return
        try:
            sign_in.sign_out(self._entrance, token, at=_now())
        except (NotKnownError, EntryError):
            return

    def screen(self) -> BaseResponse:
        """Let a screen in by its token, which the browser keeps from then on and shows in no address."""
        token = request.args.get("token", "")
        try:
            role = self._role(token)
        except NotKnownError as error:
            return self._form(503, said=f"Whether this token holds cannot be told now: {error}.")
        if role != rights.WALL:
            return self._form(401, said="This token is not that of a screen, or it has been ended.")
        answer = redirect(_local(request.args.get("next") or "/?view=wall"), 303)
        cookies.give(answer, token, request, self._web, None)
        return answer

    def _role(self, token: str | None) -> str:
        return self._entrance.who(Asked(cookie=token, is_action=False), _now()).role

    # --- OpenID Connect ---

    def to_provider(self) -> BaseResponse:
        if self._openid is None:
            return self._form(404, said="No OpenID provider is set (openid.issuer in dashboard.toml).")
        session.clear()
        session["next"] = _local(request.args.get("next"))
        scheme = "https" if cookies.is_over_tls(request, self._web) else "http"
        try:
            return self._openid.begin(f"{scheme}://{request.host}{BACK}")
        except OpenIdError as error:
            return self._form(503, said=str(error))

    def from_provider(self) -> BaseResponse:
        if self._openid is None:
            return self._form(404, said="No OpenID provider is set (openid.issuer in dashboard.toml).")
        try:
            name, words = self._openid.finish()
            issuer, source = str(self._settings.openid.issuer), source_of(request, self._web)
            token = sign_in.by_word(self._entrance, name, words, issuer=issuer, source=source, at=_now())
        except OpenIdError as error:
            return self._form(401, said=str(error))
        except SignInError as error:
            return self._form(error.status, said=str(error))
        except (NotKnownError, EntryError) as error:
            return self._form(503, said=f"Nobody can sign in now: {error}.")
        wanted = session.get("next")
        session.clear()
        return self._let_in(token, wanted)

    # --- the page ---

    def _form(
        self, status: int, *, said: str = "", is_mild: bool = False, name: str = "", wanted: str | None = None
    ) -> Response:
        is_local = request.remote_addr in {"127.0.0.1", "::1"} and not self._web.behind_proxy
        form = Form(
            self._settings.provider,
            wanted=_local(wanted),
            said=said,
            is_mild=is_mild,
            name=name[:100],
            title=self._settings.openid.title if self._openid is not None else None,
            has_passwords=self._has_passwords(),
            is_encrypted=is_local or cookies.is_over_tls(request, self._web),
        )
        return self._page(sign_in_page.page(form), status)

    def _has_passwords(self) -> bool:
        """Whether anybody could sign in by password; where it is not known, the form is there."""
        try:
            return self._openid is None or self._entrance.read(user_records.has_passwords)
        except NotKnownError:
            return True

    def _page(self, text: str, status: int = 200) -> Response:
        answer = Response(text, status, mimetype="text/html", headers={"Cache-Control": "no-store"})
        answer.headers["Content-Security-Policy"] = sign_in_page.POLICY
        return answer


class _FlowCookie(SecureCookieSessionInterface):
    """Flask's own session, in which only what an OpenID provider must send back alike is kept, for those minutes."""

    def __init__(self, web: WebSettings) -> None:
        self._web = web

    def get_cookie_name(self, app: Flask) -> str:
        return "bairro-openid"

    def get_cookie_httponly(self, app: Flask) -> bool:
        return True

    def get_cookie_samesite(self, app: Flask) -> str:
        return "Lax"

    def get_cookie_secure(self, app: Flask) -> bool:
        return cookies.is_over_tls(request, self._web)


def source_of(request: Request, web: WebSettings) -> str:
    """The address that asks; behind a proxy the one that the proxy put last into X-Forwarded-For."""
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() if web.behind_proxy else ""
    return (said or request.remote_addr or "unknown")[:64]


def _local(wanted: str | None) -> str:
    """A path of these pages: no address of another site, in whatever way browsers read one."""
    path = wanted or "/"
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\", "/sign-")) and path.isprintable()
    return quote(path, safe="/?&=%,:+@!$'()*;~-._") if is_ours and len(path) < 2_000 and "\\" not in path else "/"


def _now() -> datetime:
    return datetime.now(UTC)
