"""Who makes an entry: the name that the proxy in front says, where it says one, else the name that is typed."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from flask import has_request_context, request

from dashboard.config import DashboardSettings
from dashboard.operations.audit import EntryError

NAME = "Your name"
NOT_SAID = "the proxy did not say who you are (header {header}), so nothing was entered"


def field(settings: DashboardSettings, key: str) -> Any:
    """Where the name is typed, kept in this browser; none where the proxy says it, which is then shown."""
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
    """The name that an entry is kept under; blank where none was typed. Raises EntryError."""
    header = settings.web.user_header
    if not header:
        return typed or ""
    said = request.headers.get(header, "").strip() if has_request_context() else ""
    if not said:
        raise EntryError(NOT_SAID.format(header=header))
    return said[:200]
