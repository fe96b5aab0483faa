"""The cookie that a browser shows for its session: for this site alone, unseen by scripts, over TLS where there is TLS."""

from __future__ import annotations

from datetime import timedelta

from flask import Request
from werkzeug.wrappers import Response

from dashboard.config import WebSettings

PLAIN, OVER_TLS = "bairro-session", "__Host-bairro-session"
"""Browsers take the second only over TLS, for this host alone and for all of its paths (RFC 6265bis, 4.1.3.2)."""


def shown(request: Request) -> str | None:
    return request.cookies.get(OVER_TLS) or request.cookies.get(PLAIN)


def is_over_tls(request: Request, web: WebSettings) -> bool:
    """Whether the browser's own connection is encrypted, as this server, the proxy or the browser says."""
    said = request.headers.get("X-Forwarded-Proto", "") if web.behind_proxy else ""
    return (
        request.is_secure
        or said.rpartition(",")[2].strip().lower() == "https"
        or request.headers.get("Origin", "").startswith("https://")
    )


def give(answer: Response, token: str, request: Request, web: WebSettings, lasts: timedelta | None) -> None:
    """Let the browser show ``token`` from now on; without ``lasts`` for a year, as a screen needs it."""
    drop(answer)
    is_secure = is_over_tls(request, web)
    answer.set_cookie(
        OVER_TLS if is_secure else PLAIN,
        token,
        max_age=lasts or timedelta(days=365),
        path="/",
        secure=is_secure,
        httponly=True,
        samesite="Lax",
    )


def drop(answer: Response) -> None:
    answer.delete_cookie(PLAIN, path="/", httponly=True, samesite="Lax")
    answer.delete_cookie(OVER_TLS, path="/", secure=True, httponly=True, samesite="Lax")
