"""A served provider with an account of each role, and clients that are signed in as each."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from collector.publish.incidents.migrate import migrate
from collector.published import USERS, connect
from dashboard.accounts import rights, session_records
from dashboard.app import create_app
from dashboard.config import DashboardSettings


def write(settings: DashboardSettings, entry: Callable[[sa.Connection], Any]) -> Any:
    engine = connect(settings.database_url)
    with engine.begin() as connection:
        made = entry(connection)
    engine.dispose()
    return made


def add_account(settings: DashboardSettings, name: str, role: str) -> None:
    """An account without a password, whose sessions the tests begin by themselves."""
    row = {"user_id": secrets.token_hex(8), "name": name, "display_name": name, "role": role}
    write(settings, lambda c: c.execute(sa.insert(USERS).values(row | {"created_at": datetime.now(UTC)})))


def begin(settings: DashboardSettings, name: str, kind: str = "browser") -> str:
    options: dict[str, Any] = {"kind": kind, "at": datetime.now(UTC), "lasts": timedelta(hours=1)}
    token: str = write(settings, lambda c: session_records.begin(c, name, **options))
    return token


@pytest.fixture(scope="module")
def accounts(sample, tmp_path_factory) -> DashboardSettings:
    """A provider that has nothing yet but an account of every role, called as the role is."""
    settings: DashboardSettings = sample.settings(tmp_path_factory.mktemp("accounts"))
    migrate(settings.database_url)
    for role in rights.ROLES:
        add_account(settings, role, role)
    return settings


@pytest.fixture(scope="module")
def app(accounts) -> Any:
    return create_app(accounts)


@pytest.fixture(scope="module")
def client_of(app, accounts) -> Callable[[str], Any]:
    """A client that is signed in as a role, or shows the token of a screen or of Prometheus, or nothing at all."""
    made: dict[str, Any] = {}

    def client(role: str) -> Any:
        if role not in made:
            made[role] = app.server.test_client()
            if role != rights.NOBODY:
                kind = role if role in rights.TOKENS else session_records.BROWSER
                made[role].set_cookie("bairro-session", begin(accounts, role, kind))
        return made[role]

    return client
