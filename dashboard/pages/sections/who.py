"""Who makes an entry: the name of the account, else the one that the proxy in front says, else the one that is typed."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from flask import has_request_context, request

from dashboard.accounts import rights
from dashboard.accounts.identity import current
from dashboard.config import DashboardSettings
from dashboard.operations.audit import EntryError

NAME = "Your name"
NOT_SAID = "the proxy did not say who you are (header {header}), so nothing was entered"


def field(settings: DashboardSettings, key: str) -> Any:
    """Where the name is typed, kept in this browser; where it is known who asks, that is shown instead."""
    if (known := current().name) is not None and not settings.web.user_header:
        return html.Div([html.P(f"You are {known}.", className="how"), dcc.Input(id=key, type="hidden", value="")])
    if settings.web.user_header:
        try:
            return html.P(f"You are {name(settings, None)}.", id=key, className="how")
        except EntryError as error:
            return html.P(f"{str(error)[:1].upper()}{str(error)[1:]}.", id=key, className="how")
    typed = dcc.Input(
        id=key, type="text", persistence="bairro-name", persistence_type="local", maxLength=200, className="search"
    )
    return html.Label([NAME, typed])


def name(settings: DashboardSettings, typed: str | None) -> str:
    """The name that an entry is kept under: who is known by name enters under no other; blank where none was typed.

    Raises EntryError.
    """
    if (known := current().name) is not None:
        return known
    header = settings.web.user_header
    if not header:
        return typed or ""
    said = request.headers.get(header, "").strip() if has_request_context() else ""
    if not said:
        raise EntryError(NOT_SAID.format(header=header))
    return said[:200]


def signed_in() -> list[Any]:
    """For the head of every page: who is signed in, with which role, and how to sign out; nothing where nobody is asked."""
    mine = current()
    if mine.name is None or mine.role not in rights.ROLES:
        return []
    who = html.Span([html.B(mine.name), html.Small(mine.role)], className="signed-in", title=rights.ROLES[mine.role])
    if mine.session_id is None:
        return [who]
    out = html.Button("Sign out", className="button", type="submit")
    return [who, html.Form(out, action="/sign-out", method="post", className="sign-out")]
