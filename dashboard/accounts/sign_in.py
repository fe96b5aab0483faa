"""Signing in with a name and a password, or by an OpenID provider's word, and signing out; each is kept in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bairro_error import BairroError
from collector.published import USERS
from dashboard.accounts import passwords, session_records, user_records
from dashboard.accounts.entrance import Entrance, role_by_words, usual_role
from dashboard.accounts.throttle import Throttle
from dashboard.operations import audit

WRONG = "The name or the password is not right."
WAIT = "Too many attempts. Try again in {seconds} seconds."
UNKNOWN = "unknown"
"""What stands in the audit for a name that nobody has: it may be a password, typed into the wrong field."""


class SignInError(BairroError):
    """Nobody was signed in; the message says why, and ``status`` is the answer's."""

    def __init__(self, message: str, status: int = 401, wait_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.wait_seconds = status, wait_seconds


def with_password(
    entrance: Entrance, throttle: Throttle, name: str, password: str, *, source: str, at: datetime, now: float
) -> str:
    """A new session's token. Raises SignInError, EntryError and NotKnownError.

    An unknown name, a disabled account and a wrong password are answered alike, and in the same time. ``now`` is a
    clock in seconds for the throttle.
    """
    name = user_records.canonical(name)[:200]
    if (wait := throttle.begin(name, source, now)) > 0:
        raise SignInError(WAIT.format(seconds=f"{max(1, round(wait)):,}"), 429, wait)
    account = entrance.read(lambda connection: user_records.find(connection, name))
    is_open = account is not None and account["disabled_at"] is None
    kept = account["password_hash"] if account is not None and is_open else None
    if not passwords.is_right(password, kept) or account is None:
        subject = UNKNOWN if account is None else name
        details = {"source": source}
        entrance.write(lambda c: audit.record(c, "session.refused", subject, by=subject, at=at, details=details))
        raise SignInError(WRONG)
    throttle.succeeded(name, source)
    renewed = passwords.hashed(password, name) if passwords.is_outdated(str(kept)) else kept
    return entrance.write(lambda c: _begin(c, entrance, name, source=source, at=at, kept=renewed))


def by_word(entrance: Entrance, name: str, words: tuple[str, ...], *, issuer: str, source: str, at: datetime) -> str:
    """A new session's token for ``name``, for whom ``issuer`` vouches with ``words``: their groups. Raises as above."""
    account = entrance.read(lambda connection: user_records.find(connection, name))
    if account is not None and account["disabled_at"] is not None:
        raise SignInError(f"The account {name} is disabled here.", 403)
    if account is not None and account["password_hash"] is not None:
        raise SignInError(f"There is an account {name} with a password here: sign in with that.", 403)
    role = role_by_words((name, *words), entrance.accounts) or usual_role(account, entrance.accounts)
    if role is None:
        raise SignInError(
            f"You are known as {name}, but have no role here. Ask an administrator of these pages for one.", 403
        )
    return entrance.write(lambda c: _begin(c, entrance, name, source=source, at=at, role=role, issuer=issuer))


def _begin(
    connection: sa.Connection,
    entrance: Entrance,
    name: str,
    *,
    source: str,
    at: datetime,
    kept: str | None = None,
    role: str | None = None,
    issuer: str | None = None,
) -> str:
    lasts = timedelta(hours=entrance.accounts.longest_hours)
    token = session_records.begin(connection, name, role=role, source=source, at=at, lasts=lasts)
    values: dict[str, Any] = {"signed_in_at": at} | ({} if kept is None else {"password_hash": kept})
    connection.execute(sa.update(USERS).where(USERS.c.name == user_records.canonical(name)).values(values))
    details: Mapping[str, Any] = {"source": source} | ({} if issuer is None else {"by": issuer, "role": role})
    audit.record(connection, "session.begin", name, by=name, at=at, details=details)
    return token


def sign_out(entrance: Entrance, token: str, *, at: datetime) -> None:
    """End the session that ``token`` stands for; nothing where there is none. Raises EntryError and NotKnownError."""
    key = session_records.digest(token)
    session = entrance.read(lambda connection: session_records.find(connection, key))
    if session is None or session.kind != session_records.BROWSER:
        return

    def end(connection: sa.Connection) -> None:
        session_records.end(connection, session.session_id, at)
        audit.record(connection, "session.end", session.name, by=session.name, at=at, details={})

    entrance.write(end)
    entrance.forget(token)
