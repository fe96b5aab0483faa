"""Sessions and tokens in the operations database: begun, looked up, renewed, ended. Only their hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from collector.published import SESSIONS, USERS
from dashboard.accounts import rights
from dashboard.operations import audit
from dashboard.operations.audit import EntryError

BROWSER = "browser"
SEEN_SECONDS = 60.0
"""How exactly it is known when a session was last used."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session or token that holds: whose, with which role, since when, last used when, until when (None: not limited)."""

    session_id: str
    kind: str
    name: str
    role: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime | None

    def holds(self, at: datetime, idle: timedelta) -> bool:
        """Whether it has neither run out nor been idle for too long; a token has no idle time."""
        if self.expires_at is not None and at >= self.expires_at:
            return False
        return self.kind != BROWSER or at - self.seen_at < idle


def digest(token: str) -> str:
    """What is kept of a token: it has 256 bits of chance, so that a plain hash of it leads nowhere."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def begin(
    connection: sa.Connection,
    name: str,
    *,
    kind: str = BROWSER,
    role: str | None = None,
    source: str | None = None,
    by: str | None = None,
    at: datetime,
    lasts: timedelta | None,
) -> str:
    """A new session, or a new token; returns the secret that stands for it, which is kept nowhere."""
    token = secrets.token_urlsafe(32)
    row = {
        "session_id": secrets.token_hex(4),
        "token_hash": digest(token),
        "kind": kind,
        "name": name,
        "role": role,
        "source": source,
        "created_by": by or name,
        "created_at": at,
        "seen_at": at,
        "expires_at": None if lasts is None else at + lasts,
    }
    connection.execute(sa.insert(SESSIONS).values(row))
    return token


def add_token(engine: sa.Engine, name: str, kind: str, *, lasts: timedelta | None, by: str, at: datetime) -> str:
    """A token for a screen or a program, under a name by which it is ended; returns the token, which is shown once."""
    name = " ".join(name.split())[:200]
    if not name:
        raise EntryError("give the token a name, such as that of the screen")
    if kind not in rights.TOKENS:
        raise EntryError(f"there is no token for {kind!r}; there are tokens for {', '.join(rights.TOKENS)}")
    with engine.begin() as connection:
        if _tokens(connection, name):
            raise EntryError(f"there is a token {name!r} already; end it first: bairro user end-token {name!r}")
        token = begin(connection, name, kind=kind, by=by, at=at, lasts=lasts)
        audit.record(connection, "token.add", name, by=by, at=at, details={"for": kind})
    return token


def end_token(engine: sa.Engine, name: str, *, by: str, at: datetime) -> str:
    """End a token by its name."""
    with engine.begin() as connection:
        found = _tokens(connection, name)
        if not found:
            raise EntryError(f"there is no token {name!r}; `bairro user list` shows all")
        connection.execute(sa.update(SESSIONS).where(SESSIONS.c.session_id.in_(found)).values(ended_at=at))
        audit.record(connection, "token.end", name, by=by, at=at, details={})
    return name


def _tokens(connection: sa.Connection, name: str) -> list[str]:
    mine = (SESSIONS.c.name == name, SESSIONS.c.kind != BROWSER, SESSIONS.c.ended_at.is_(None))
    return list(connection.scalars(sa.select(SESSIONS.c.session_id).where(*mine)))


def end(connection: sa.Connection, session_id: str, at: datetime) -> None:
    mine = (SESSIONS.c.session_id == session_id, SESSIONS.c.ended_at.is_(None))
    connection.execute(sa.update(SESSIONS).where(*mine).values(ended_at=at))


def touch(connection: sa.Connection, session_id: str, at: datetime) -> None:
    """It was used just now."""
    connection.execute(sa.update(SESSIONS).where(SESSIONS.c.session_id == session_id).values(seen_at=at))


def find(connection: sa.Connection, token_hash: str) -> Session | None:
    """The session of which this is the token's hash, where neither it nor its account was ended."""
    chosen = (
        sa.select(SESSIONS, USERS.c.role.label("account_role"), USERS.c.disabled_at)
        .outerjoin(USERS, USERS.c.name == SESSIONS.c.name)
        .where(SESSIONS.c.token_hash == token_hash, SESSIONS.c.ended_at.is_(None))
    )
    row = connection.execute(chosen).mappings().first()
    return None if row is None else _session(dict(row))


def running(connection: sa.Connection, at: datetime, idle: timedelta) -> list[dict[str, Any]]:
    """Sessions and tokens that hold, the newest first."""
    rows = connection.execute(
        sa.select(SESSIONS, USERS.c.role.label("account_role"), USERS.c.disabled_at)
        .outerjoin(USERS, USERS.c.name == SESSIONS.c.name)
        .where(SESSIONS.c.ended_at.is_(None))
        .order_by(SESSIONS.c.created_at.desc())
    ).mappings()
    return [dict(row) for row in rows if (found := _session(dict(row))) is not None and found.holds(at, idle)]


def _session(row: Mapping[str, Any]) -> Session | None:
    """None where its account is disabled, or there is none that gives it a role."""
    is_browser = row["kind"] == BROWSER
    if is_browser and row["disabled_at"] is not None:
        return None
    role = (row["role"] or row["account_role"]) if is_browser else row["kind"]
    if role is None:
        return None
    return Session(
        row["session_id"], row["kind"], row["name"], role, row["created_at"], row["seen_at"], row["expires_at"]
    )
