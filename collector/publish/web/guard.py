"""Stands before every path of the collector's HTTP: TLS, passwords, headers, as the web configuration file says now."""

from __future__ import annotations

import logging
import ssl
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import settings_file
from collector.publish.web import tls as web_tls
from collector.publish.web import toolkit_config
from collector.publish.web.messages import Request, Response, text
from collector.publish.web.passwords import Passwords, TooManyChecksError

log = logging.getLogger(__name__)

Signature = tuple[tuple[int, int, int] | None, ...]


class Guard:
    """The web configuration in force. Files that change are read again; what cannot be used changes nothing."""

    def __init__(self, path: Path) -> None:
        """Raises settings_file.SettingsError."""
        self._config = toolkit_config.read(path)
        self._signature = _signature(self._config.files)
        self._context = web_tls.context(self._config)
        self._passwords = Passwords()
        self._allowance, self._allowed_at = 0.0, float("-inf")

    @property
    def speaks_tls(self) -> bool:
        """Whether it is HTTPS; that stays as it was at the start."""
        return self._context is not None

    def context(self) -> ssl.SSLContext:
        """For the next handshake."""
        self._refresh()
        assert self._context is not None
        return self._context

    def allows(self, certificate: Any) -> bool:
        """Whether a client that has shown this certificate may go on."""
        tls = self._config.tls
        return tls is None or web_tls.is_allowed(tls.client_allowed_sans, certificate)

    async def refuse(self, request: Request) -> Response | None:
        """What to answer instead of the page, or None where the client may have it."""
        self._refresh()
        if not self._is_in_time(time.monotonic()):
            return text("too many requests\n", HTTPStatus.TOO_MANY_REQUESTS)
        users = self._config.users
        if not users:
            return None
        try:
            if await self._passwords.fit(users, request.headers.get("authorization", "")):
                return None
        except TooManyChecksError:
            return text("too many passwords to check\n", HTTPStatus.SERVICE_UNAVAILABLE)
        told = text("a user and a password are needed\n", HTTPStatus.UNAUTHORIZED)
        return told.with_headers({"WWW-Authenticate": 'Basic realm="bairro"'})

    def dress(self, response: Response) -> Response:
        """The answer with the configured headers."""
        return response.with_headers(self._config.headers)

    def _is_in_time(self, now: float) -> bool:
        """A token bucket, as the toolkit's."""
        if self._config.rate is None:
            return True
        seconds, burst = self._config.rate
        self._allowance = min(burst, self._allowance + (now - self._allowed_at) / seconds)
        self._allowed_at = now
        if self._allowance < 1.0:
            return False
        self._allowance -= 1.0
        return True

    def _refresh(self) -> None:
        signature = _signature(self._config.files)
        if signature == self._signature:
            return
        self._signature = signature
        try:
            found = toolkit_config.read(self._config.path)
            context = web_tls.context(found)
        except settings_file.SettingsError as error:
            log.warning("%s; what was in force before stays", error)
            return
        if (context is None) != (self._context is None):
            log.warning("%s: TLS cannot be switched while the collector runs; restart it", found.path)
            return
        self._config, self._context, self._signature = found, context, _signature(found.files)
        log.info("%s: read again", found.path)


def _signature(files: tuple[Path, ...]) -> Signature:
    """Changes whenever a file is written or replaced."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)
