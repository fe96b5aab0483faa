"""Who asks, from what a request brings: a session's cookie, a token, or what the proxy in front says.

What the operations database says is kept for a few seconds, and for as long as it cannot be read: whoever is signed in
goes on working while it is away.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from bairro_error import BairroError
from dashboard.accounts import rights, session_records, user_records
from dashboard.accounts.identity import EVERYBODY, NOBODY, Identity
from dashboard.accounts.session_records import BROWSER, SEEN_SECONDS, Session
from dashboard.config import AccountSettings, DashboardSettings
from dashboard.operations import database_reading as reading
from dashboard.operations.audit import EntryError
from dashboard.operations.desk import Desk

KEPT_SECONDS = 3.0
MOST_KEPT = 5_000
T = TypeVar("T")


class NotKnownError(BairroError):
    """Who asks cannot be told, since the operations database cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request brings. ``words`` are the groups or roles that the proxy says; ``is_action`` is False for what a
    page asks by itself; ``is_own`` is a program on this host that asks for health or metrics.
    """

    cookie: str | None = None
    bearer: str | None = None
    proxied: str | None = None
    words: tuple[str, ...] = ()
    is_action: bool = True
    is_own: bool = False


@dataclass(slots=True)
class _Kept:
    session: Session | None
    looked_at: float


@dataclass(slots=True)
class _Known:
    """What is remembered of the database."""

    are_there: bool | None = None
    asked_at: float = float("-inf")
    failed_at: float = float("-inf")
    problem: str = ""
    sessions: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)


class Entrance:
    """One per app; threads share it. ``ticks`` is a clock that never goes back."""

    def __init__(self, settings: DashboardSettings, ticks: Callable[[], float] = time.monotonic) -> None:
        self.settings, self.accounts = settings, settings.accounts
        self.idle = timedelta(hours=self.accounts.idle_hours)
        self._ticks, self._desk = ticks, Desk(settings.database_url)
        url = sa.make_url(settings.database_url)
        self._name = url.render_as_string(hide_password=True)
        self._file = Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
        self._engine = reading.engine(url)
        self._lock, self._known = threading.Lock(), _Known()
        with contextlib.suppress(NotKnownError):
            self.asks_who()  # so that accounts are not forgotten where the database goes away before anybody comes

    def who(self, asked: Asked, at: datetime) -> Identity:
        """Who asks at ``at``. Raises NotKnownError."""
        if asked.bearer and (session := self._session(asked.bearer, at)) is not None and session.kind != BROWSER:
            return Identity(session.role, session.name, session.session_id)
        if asked.cookie and (session := self._session(asked.cookie, at)) is not None:
            if asked.is_action and session.kind == BROWSER:
                session = self._touched(asked.cookie, session, at)
            return Identity(session.role, session.name, session.session_id)
        if asked.proxied is not None:
            return self._proxied(asked.proxied, asked.words)
        if not self.asks_who():
            return EVERYBODY
        return Identity(rights.METRICS) if asked.is_own else NOBODY

    def asks_who(self) -> bool:
        """Whether people are asked who they are. Raises NotKnownError."""
        return self._are_roles_set() or self.are_accounts()

    def _are_roles_set(self) -> bool:
        own = self.accounts
        return bool(own.required or own.roles or self.settings.web.role_header or self.settings.openid.issuer)

    def are_accounts(self) -> bool:
        """Whether anybody has an account; once there was one, there is. Raises NotKnownError."""
        if self._known.are_there:
            return True
        now = self._ticks()
        with self._lock:
            if self._known.are_there is not None and now - self._known.asked_at < KEPT_SECONDS:
                return self._known.are_there
        if self._file is not None and not self._file.exists():
            return False
        try:
            found = self.read(user_records.are_there)
        except NotKnownError:
            if self._known.are_there is None:
                raise
            return self._known.are_there
        with self._lock:
            self._known.are_there, self._known.asked_at = found, now
        return found

    def _proxied(self, name: str, words: Sequence[str]) -> Identity:
        """The role by what is set for the name and the words, else by the account of that name, else the usual one."""
        said = role_by_words((name, *words), self.accounts)
        if not self._are_roles_set() and not self.are_accounts():
            return replace(EVERYBODY, name=name[:200])
        account = self.read(lambda connection: user_records.find(connection, name)) if self.is_there() else None
        if account is not None and account["disabled_at"] is not None:
            return Identity(rights.NOBODY, name[:200])
        return Identity(said or usual_role(account, self.accounts) or rights.NOBODY, name[:200])

    def is_there(self) -> bool:
        return self._file is None or self._file.exists()

    # --- the database ---

    def read(self, question: Callable[[sa.Connection], T]) -> T:
        """Ask the operations database. Raises NotKnownError, for some seconds without asking again."""
        now = self._ticks()
        if now - self._known.failed_at < KEPT_SECONDS:
            raise NotKnownError(self._known.problem)
        answer, problem = self._answer(question)
        if problem is None:
            return answer  # type: ignore[return-value]
        with self._lock:
            self._known.failed_at, self._known.problem = now, problem
        raise NotKnownError(problem)

    def _answer(self, question: Callable[[sa.Connection], T]) -> tuple[T | None, str | None]:
        """The answer, and why there is none."""
        if not self.is_there():
            return None, reading.MISSING.format(name=self._file)
        try:
            with self._engine.connect() as connection:
                if (said := reading.other_schema(connection, self._name)) is not None:
                    return None, said
                return question(connection), None
        except sa.exc.SQLAlchemyError as error:
            return None, reading.why(error, self._name, is_file=self._file is not None)

    def _session(self, token: str, at: datetime) -> Session | None:
        """The session that holds; what was known before counts for as long as the database is away."""
        key, now = session_records.digest(token), self._ticks()
        with self._lock:
            kept = self._known.sessions.get(key)
        if kept is None or now - kept.looked_at >= KEPT_SECONDS:
            try:
                found = self.read(lambda connection: session_records.find(connection, key))
            except NotKnownError:
                if kept is None:
                    raise
                found = kept.session
            kept = self._keep(key, _merged(found, kept), now)
            if kept.session is not None:
                self._known.are_there = True
        session = kept.session
        return session if session is not None and session.holds(at, self.idle) else None

    def _keep(self, key: str, session: Session | None, now: float) -> _Kept:
        made = _Kept(session, now)
        with self._lock:
            self._known.sessions[key] = made
            self._known.sessions.move_to_end(key)
            while len(self._known.sessions) > MOST_KEPT:
                self._known.sessions.popitem(last=False)
        return made

    def _touched(self, token: str, session: Session, at: datetime) -> Session:
        """Note that it is in use, once a minute; where the database cannot be written, in memory alone."""
        if (at - session.seen_at).total_seconds() < SEEN_SECONDS:
            return session
        used = replace(session, seen_at=at)
        self._keep(session_records.digest(token), used, self._ticks())
        try:
            self.write(lambda connection: session_records.touch(connection, session.session_id, at))
        except EntryError:
            return used
        return used

    def write(self, entry: Callable[[sa.Connection], T]) -> T:
        """Write to the operations database, in one transaction. Raises EntryError."""

        def within(engine: sa.Engine) -> T:
            with engine.begin() as connection:
                return entry(connection)

        return self._desk.enter(within)

    def forget(self, token: str) -> None:
        """Look this session up anew when it is next shown."""
        with self._lock:
            self._known.sessions.pop(session_records.digest(token), None)


def _merged(found: Session | None, kept: _Kept | None) -> Session | None:
    """What the database says, and the newer of both times at which it was last used."""
    if found is None or kept is None or kept.session is None:
        return found
    return replace(found, seen_at=max(found.seen_at, kept.session.seen_at))


def role_by_words(words: Sequence[str], accounts: AccountSettings) -> str | None:
    """The role that the first of ``words``, a name and then groups, has in `accounts.roles`.

    Where nothing is set there, a group that is called as a role stands for it.
    """
    if accounts.roles:
        return next((accounts.roles[word] for word in words if word in accounts.roles), None)
    return next((word for word in words[1:] if word in rights.ROLES), None)


def usual_role(account: Mapping[str, Any] | None, accounts: AccountSettings) -> str | None:
    """The role of somebody whom others vouch for and whose words name none: that of an account made for this, without a
    password; else the usual one. A name that is said elsewhere gives nobody the role of an account with a password.
    """
    is_for_this = account is not None and account["password_hash"] is None
    return account["role"] if account is not None and is_for_this else accounts.default_role
