"""The accounts in the operations database: who there is, and what an administrator changes of them.

Each change is a row of the audit, in the transaction that makes it. Raises audit.EntryError in words.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from collector.published import SESSIONS, USERS
from dashboard.accounts import passwords, rights
from dashboard.operations import audit
from dashboard.operations.audit import EntryError

NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,98}[a-z0-9])?")
Row = Mapping[str, Any]


def canonical(name: str) -> str:
    """A name as it is kept: people do not mind its case."""
    return name.strip().casefold()


def add(
    engine: sa.Engine, name: str, role: str, password: str | None, *, display: str = "", by: str, at: datetime
) -> str:
    """A new account; without a password for somebody whom a proxy or an OpenID provider vouches for. Returns its name."""
    name = canonical(name)
    if NAME.fullmatch(name) is None:
        raise EntryError(f"{name!r} cannot be a name: letters a to z, digits and . _ @ + - within, at most 100 of them")
    _check_role(role)
    kept = None if password is None else passwords.hashed(password, name)
    row = {
        "user_id": str(uuid.uuid4()),
        "name": name,
        "display_name": display.strip()[:200] or name,
        "role": role,
        "password_hash": kept,
        "created_at": at,
        "password_changed_at": None if kept is None else at,
    }
    with engine.begin() as connection:
        if _row(connection, name) is not None:
            raise EntryError(
                f"there is an account {name} already; `bairro user role` and `bairro user password` change it"
            )
        connection.execute(sa.insert(USERS).values(row))
        audit.record(
            connection, "user.add", name, by=by, at=at, details={"role": role, "has_password": kept is not None}
        )
    return name


def set_password(engine: sa.Engine, name: str, password: str, *, by: str, at: datetime) -> str:
    """Another password; every session of the account ends, since somebody else may have had the old one."""
    name = canonical(name)
    kept = passwords.hashed(password, name)
    with engine.begin() as connection:
        _known(connection, name)
        changed = {"password_hash": kept, "password_changed_at": at}
        connection.execute(sa.update(USERS).where(USERS.c.name == name).values(changed))
        end_sessions_of(connection, name, at)
        audit.record(connection, "user.password", name, by=by, at=at, details={})
    return name


def set_role(engine: sa.Engine, name: str, role: str, *, by: str, at: datetime) -> str:
    """Another role, which counts at once."""
    name = canonical(name)
    _check_role(role)
    with engine.begin() as connection:
        before = _known(connection, name)
        if before["role"] == rights.ADMIN != role:
            _check_last_admin(connection, name)
        connection.execute(sa.update(USERS).where(USERS.c.name == name).values(role=role))
        audit.record(connection, "user.role", name, by=by, at=at, details={"role": role, "before": before["role"]})
    return name


def disable(engine: sa.Engine, name: str, *, by: str, at: datetime) -> str:
    """The account may not sign in any more, and its sessions end; the row stays, for the audit."""
    name = canonical(name)
    with engine.begin() as connection:
        row = _known(connection, name)
        if row["role"] == rights.ADMIN:
            _check_last_admin(connection, name)
        connection.execute(sa.update(USERS).where(USERS.c.name == name).values(disabled_at=at))
        end_sessions_of(connection, name, at)
        audit.record(connection, "user.disable", name, by=by, at=at, details={})
    return name


def enable(engine: sa.Engine, name: str, *, by: str, at: datetime) -> str:
    """An account that was disabled may sign in again."""
    name = canonical(name)
    with engine.begin() as connection:
        _known(connection, name)
        connection.execute(sa.update(USERS).where(USERS.c.name == name).values(disabled_at=None))
        audit.record(connection, "user.enable", name, by=by, at=at, details={})
    return name


def end_sessions(engine: sa.Engine, name: str, *, by: str, at: datetime) -> int:
    """End every session of an account; returns how many there were."""
    name = canonical(name)
    with engine.begin() as connection:
        count = end_sessions_of(connection, name, at)
        if not count:
            _known(connection, name)
        audit.record(connection, "user.end_sessions", name, by=by, at=at, details={"sessions": count})
    return count


def end_sessions_of(connection: sa.Connection, name: str, at: datetime) -> int:
    found = SESSIONS.c
    own = sa.and_(found.name == name, found.kind == "browser", found.ended_at.is_(None))
    running = sa.or_(found.expires_at.is_(None), found.expires_at > at)
    return connection.execute(sa.update(SESSIONS).where(own, running).values(ended_at=at)).rowcount


def listed(connection: sa.Connection) -> list[dict[str, Any]]:
    """Every account by name."""
    return [dict(row) for row in connection.execute(sa.select(USERS).order_by(USERS.c.name)).mappings()]


def find(connection: sa.Connection, name: str) -> Row | None:
    """The account called ``name``, disabled or not."""
    return _row(connection, canonical(name))


def are_there(connection: sa.Connection) -> bool:
    """Whether anybody has an account; one that is disabled counts, so that pages never open by themselves again."""
    return connection.execute(sa.select(USERS.c.user_id).limit(1)).first() is not None


def has_passwords(connection: sa.Connection) -> bool:
    """Whether anybody can sign in with a password."""
    usable = (USERS.c.password_hash.is_not(None), USERS.c.disabled_at.is_(None))
    return connection.execute(sa.select(USERS.c.user_id).where(*usable).limit(1)).first() is not None


def _row(connection: sa.Connection, name: str) -> Row | None:
    row = connection.execute(sa.select(USERS).where(USERS.c.name == name)).mappings().first()
    return None if row is None else dict(row)


def _known(connection: sa.Connection, name: str) -> Row:
    row = _row(connection, name)
    if row is None:
        raise EntryError(f"there is no account {name!r}; `bairro user list` shows all")
    return row


def _check_role(role: str) -> None:
    if role not in rights.ROLES:
        raise EntryError(f"there is no role {role!r}; there are {', '.join(rights.ROLES)}")


def _check_last_admin(connection: sa.Connection, name: str) -> None:
    others = sa.and_(USERS.c.role == rights.ADMIN, USERS.c.name != name, USERS.c.disabled_at.is_(None))
    if connection.execute(sa.select(USERS.c.user_id).where(others).limit(1)).first() is None:
        raise EntryError(f"{name} is the only admin; make another one first: bairro user add NAME --role admin")
