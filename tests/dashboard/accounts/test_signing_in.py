"""Signing in and out as a browser does it: forms, cookies, sessions that end, and what is answered to whom."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from collector.publish.incidents.migrate import migrate
from collector.published import AUDIT, SESSIONS, connect
from dashboard.accounts import passwords, rights, session_records, user_records
from dashboard.accounts.entrance import Asked, Entrance
from dashboard.accounts.throttle import Throttle
from dashboard.app import create_app
from dashboard.config import AccountSettings, DashboardSettings, WebSettings
from dashboard.operations.audit import EntryError

from .conftest import add_account, begin, write

PASSWORD = "four plain words here"
BROWSER = {"Accept": "text/html", "Origin": "http://localhost"}
NOW = datetime(2026, 11, 30, 20, tzinfo=UTC)


@pytest.fixture(scope="module")
def kept() -> str:
    """A password as it is kept; hashing is slow on purpose, so once is enough."""
    return passwords.hashed(PASSWORD, "ana")


@pytest.fixture
def settings(sample, tmp_path, kept) -> DashboardSettings:
    """A provider that has nothing but an admin, ana."""
    made: DashboardSettings = sample.settings(tmp_path)
    migrate(made.database_url)
    add_account(made, "ana", rights.ADMIN)
    write(made, lambda c: c.exec_driver_sql("UPDATE users SET password_hash = ?", (kept,)))
    return made


@pytest.fixture
def client(settings) -> Any:
    return create_app(settings).server.test_client()


def enter(client: Any, name: str = "ana", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", data={"name": name, "password": password, **more}, headers=BROWSER)


def audit(settings: DashboardSettings) -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in write(settings, lambda c: c.execute(sa.select(AUDIT)).all())]


def said(answer: Any) -> str:
    found = re.search(r'id="said">([^<]*)<', answer.text)
    return found[1] if found else ""


def test_who_signs_in_comes_to_the_page_that_was_wanted_and_signs_out_again(client, settings):
    assert client.get("/areas", headers=BROWSER).status_code == 303
    answer = enter(client, "  ANA ", next="/areas?q=x")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/areas?q=x")
    cookie = next(
        one
        for one in answer.headers.getlist("Set-Cookie")
        if one.startswith("bairro-session=") and "Max-Age=0" not in one
    )
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie
    assert client.get("/areas", headers=BROWSER).status_code == 200
    assert "no-store" in client.get("/areas", headers=BROWSER).headers["Cache-Control"]
    layout = client.get("/_dash-layout").text
    assert "Sign out" in layout
    token = cookie.partition("=")[2].partition(";")[0]
    assert client.post("/sign-out", headers=BROWSER).headers["Location"] == "/sign-in?out=1"
    client.set_cookie("bairro-session", token)
    assert client.get("/areas", headers=BROWSER).status_code == 303, "the session is over, not only the cookie gone"
    assert audit(settings) == [("session.begin", "ana"), ("session.end", "ana")]


def test_an_unknown_name_a_wrong_password_and_a_disabled_account_are_answered_alike(client, settings, monkeypatch):
    checked = []
    right = passwords.is_right
    monkeypatch.setattr(passwords, "is_right", lambda *given: (checked.append(given[1] is None), right(*given))[1])
    answers = [enter(client, "ana", "not this one at all"), enter(client, "nobody", PASSWORD)]
    write(settings, lambda c: c.exec_driver_sql("UPDATE users SET disabled_at = '2026-01-01 00:00:00'"))
    answers.append(enter(client))
    assert {answer.status_code for answer in answers} == {401}
    assert {said(answer) for answer in answers} == {"The name or the password is not right."}
    assert {re.sub(r'value="\w*"', "", answer.text) for answer in answers} == {
        re.sub(r'value="\w*"', "", answers[0].text)
    }
    assert checked == [False, True, True], "a password is checked each time, if need be against nobody's"
    assert "nobody" not in {subject for _, subject in audit(settings)}, "it may be a password in the wrong field"


def test_signing_in_begins_a_new_session_and_ends_the_old(client, settings):
    planted = begin(settings, "ana")
    client.set_cookie("bairro-session", planted)
    assert enter(client).status_code == 303
    other = create_app(settings).server.test_client()
    other.set_cookie("bairro-session", planted)
    assert other.get("/areas").status_code == 401


def test_a_form_of_another_site_does_nothing(client):
    data = {"name": "ana", "password": PASSWORD}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ):
        assert client.post("/sign-in", data=data, headers=headers).status_code == 403, headers
    both = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}  # as Chromium says it under a strict Referrer-Policy
    assert client.post("/sign-in", data=data, headers=both).status_code == 303
    assert client.post("/sign-out", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get("/areas", headers=BROWSER).status_code == 200
    forged = client.post("/_dash-update-component", json={}, headers={"Origin": "http://evil.example"})
    assert (forged.status_code, forged.text) == (
        403,
        "This is not for you. The request came from another site, so nothing was done.\n",
    )


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/\tx",
        "/a\r\nSet-Cookie: x",
    ],
)
def test_nobody_is_sent_to_another_site(client, wanted):
    assert enter(client, next=wanted).headers["Location"] == "/"


def test_over_tls_the_cookie_is_secure_and_the_hosts_own(settings):
    web = WebSettings(behind_proxy=True, hosts=("noc.example",))
    client = create_app(replace(settings, web=web)).server.test_client()
    headers = {"Host": "noc.example", "Origin": "https://noc.example", "X-Forwarded-Proto": "https"}
    answer = client.post("/sign-in", data={"name": "ana", "password": PASSWORD}, headers=headers)
    cookie = next(
        one
        for one in answer.headers.getlist("Set-Cookie")
        if one.startswith("__Host-bairro-session=") and "Max-Age=0" not in one
    )
    assert "Secure" in cookie
    client = client.application.test_client()
    assert "not encrypted" in client.get("/sign-in", headers={"Host": "noc.example"}).text
    assert "not encrypted" not in client.get("/sign-in", headers=headers).text


def test_guessing_is_slowed_and_said(client, monkeypatch):
    monkeypatch.setattr("dashboard.serving.sign_in.time", SimpleNamespace(monotonic=lambda: 100.0))
    answers = [enter(client, "nobody", "guess") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert said(answers[-1]).startswith("Too many attempts. Try again in ")
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_waiting_grows_has_an_end_and_spares_whom_it_knows():
    throttle = Throttle()
    at = 1000.0
    throttle.succeeded("ana", "192.0.2.1")
    for number in range(200):
        source = f"198.51.100.{number}"
        if throttle.begin("ana", source, at):
            break
    assert number == 20, "many sources that try one account"
    assert throttle.begin("ana", "198.51.100.250", at) > 0
    assert throttle.begin("ana", "192.0.2.1", at) == 0, "its owner is not kept out"
    waits = []
    for _ in range(20):
        waits.append(throttle.begin("ben", "203.0.113.9", at))
        at += waits[-1]
    assert waits[:5] == [0.0] * 5
    assert max(waits) <= 300.0
    assert throttle.begin("ben", "203.0.113.9", at + 300) == 0, "nobody waits for ever"


@pytest.mark.parametrize(("later", "holds"), [(0, True), (7.9, True), (8.1, False)])
def test_a_session_ends_when_nobody_does_anything(settings, later, holds):
    entrance, token = Entrance(settings), begin_at(settings, NOW)
    asked = Asked(cookie=token, is_action=False)
    assert (entrance.who(asked, NOW + timedelta(hours=later)).role == rights.ADMIN) == holds


def begin_at(settings: DashboardSettings, at: datetime, hours: float = 24) -> str:
    options: dict[str, Any] = {"at": at, "lasts": timedelta(hours=hours)}
    token: str = write(settings, lambda c: session_records.begin(c, "ana", **options))
    return token


def test_a_page_that_renews_itself_is_nobody_and_a_person_is(settings):
    entrance, token = Entrance(settings), begin_at(settings, NOW)
    for hour in range(1, 24):
        is_there = entrance.who(Asked(cookie=token, is_action=True), NOW + timedelta(hours=hour)).role == rights.ADMIN
        assert is_there
    assert entrance.who(Asked(cookie=token, is_action=True), NOW + timedelta(hours=24)).role == rights.NOBODY, (
        "in any case"
    )
    other = Entrance(settings)
    assert other.who(Asked(cookie=token, is_action=False), NOW + timedelta(hours=23.5)).role == rights.ADMIN, (
        "it is kept"
    )


def test_another_role_an_ended_session_and_a_disabled_account_count_within_seconds(settings):
    ticks = [0.0]
    entrance, token = Entrance(settings, lambda: ticks[0]), begin_at(settings, NOW)
    add_account(settings, "root", rights.ADMIN)
    engine = connect(settings.database_url)

    def role() -> str:
        ticks[0] += 5
        return entrance.who(Asked(cookie=token), NOW).role

    assert role() == rights.ADMIN
    user_records.set_role(engine, "ana", "viewer", by="root", at=NOW)
    assert role() == rights.VIEWER
    assert user_records.end_sessions(engine, "ana", by="root", at=NOW) == 1
    assert role() == rights.NOBODY
    token = begin_at(settings, NOW)
    user_records.disable(engine, "ana", by="root", at=NOW)
    assert role() == rights.NOBODY
    with pytest.raises(EntryError, match="root is the only admin"):
        user_records.disable(engine, "root", by="root", at=NOW)
    engine.dispose()


def test_while_the_database_is_away_whoever_is_in_goes_on_and_nobody_else_comes_in(client, settings, tmp_path):
    enter(client)
    assert client.get("/areas", headers=BROWSER).status_code == 200
    database = settings.data / "operations.sqlite"
    for path in settings.data.glob("operations.sqlite-*"):
        path.unlink()
    database.rename(tmp_path / "away")
    assert client.get("/areas", headers=BROWSER).status_code == 200
    other = client.application.test_client()
    answer = enter(other)
    assert (answer.status_code, said(answer).startswith("Nobody can sign in now: there is no operations database")) == (
        503,
        True,
    )
    assert other.get("/areas").status_code == 401, "that there are accounts is not forgotten"


def test_a_screen_sees_what_walls_show_and_enters_nothing(client, settings):
    engine = connect(settings.database_url)
    token = session_records.add_token(engine, "NOC left", rights.WALL, lasts=None, by="ana", at=NOW)
    answer = client.get(f"/sign-in/screen?token={token}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?view=wall")
    assert client.get("/?view=wall", headers=BROWSER).status_code == 200
    assert client.get("/areas", headers=BROWSER).status_code == 403
    assert client.get("/sign-in/screen?token=guess").status_code == 401
    with pytest.raises(EntryError, match="there is a token 'NOC left' already"):
        session_records.add_token(engine, "NOC left", rights.WALL, lasts=None, by="ana", at=NOW)
    session_records.end_token(engine, "NOC left", by="ana", at=NOW)
    engine.dispose()
    fresh = create_app(settings).server.test_client()
    assert fresh.get(f"/sign-in/screen?token={token}").status_code == 401


def test_prometheus_of_another_host_shows_a_token_and_one_of_this_host_needs_none(client, settings):
    token = begin(settings, "prometheus", rights.METRICS)
    beyond = {"environ_base": {"REMOTE_ADDR": "192.0.2.9"}}
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", **beyond).status_code == 401
    assert client.get("/metrics", headers={"Authorization": f"Bearer {token}"}, **beyond).status_code == 200
    assert client.get("/areas.csv", headers={"Authorization": f"Bearer {token}"}, **beyond).status_code == 403


def test_without_an_account_the_page_says_how_to_make_one(sample, tmp_path):
    settings: DashboardSettings = sample.settings(tmp_path)
    client = create_app(settings).server.test_client()
    assert client.get("/areas", headers=BROWSER).status_code == 200
    assert "Nobody is asked to sign in" in client.get("/sign-in").text
    asking = replace(settings, accounts=AccountSettings(required=True))
    migrate(settings.database_url)
    client = create_app(asking).server.test_client()
    answer = client.get(client.get("/", headers=BROWSER).headers["Location"])
    assert "Nobody can sign in yet" in answer.text
    assert "bairro user add NAME --role admin" in answer.text


def test_pages_that_ask_nobody_ask_once_there_is_an_account(sample, tmp_path):
    settings: DashboardSettings = sample.settings(tmp_path)
    migrate(settings.database_url)
    ticks = [0.0]
    entrance = Entrance(settings, lambda: ticks[0])
    assert entrance.who(Asked(), NOW).role == rights.ADMIN
    add_account(settings, "ana", rights.ADMIN)
    ticks[0] += 5
    assert entrance.who(Asked(), NOW).role == rights.NOBODY
    write(settings, lambda c: c.exec_driver_sql("DELETE FROM users"))
    ticks[0] += 5
    assert entrance.who(Asked(), NOW).role == rights.NOBODY, "they never open by themselves again"


PROXIED = WebSettings(behind_proxy=True, hosts=("noc.example",), user_header="X-User", role_header="X-Groups")


@pytest.mark.parametrize(
    ("roles", "name", "groups", "role"),
    [
        ({}, "eva", "staff, operator", "operator"),
        ({}, "operator", "", "nobody"),
        ({}, "ana", "", "nobody"),
        ({"staff": "viewer"}, "eva", "staff,admin", "viewer"),
        ({"eva": "analyst", "staff": "viewer"}, "eva", "staff", "analyst"),
        ({"staff": "viewer"}, "eva", "admin", "nobody"),
        ({"staff": "viewer"}, "ben", "", "operator"),
    ],
)
def test_a_proxy_says_who_it_is_and_a_table_with_which_role(settings, roles, name, groups, role):
    """ana has a password here, so that a proxy's word alone gives nobody her role; ben's account was made for the proxy."""
    add_account(settings, "ben", "operator")
    chosen = replace(settings, web=PROXIED, accounts=AccountSettings(roles=roles))
    client = create_app(chosen).server.test_client()
    headers: dict[str, str] = {"Host": "noc.example", "X-User": name, "X-Groups": groups}
    for path, wanted in (("/areas.csv", rights.FINDINGS), ("/incidents.csv", rights.NETWORK)):
        answer = client.get(path, headers=headers)
        assert (answer.status_code in {401, 403}) == (not rights.may(role, wanted)), answer.text
    if role == rights.NOBODY:
        assert f"You are known as {name}, but have no role here" in answer.text


def test_without_the_header_of_a_proxy_nobody_is_known(settings):
    client = create_app(replace(settings, web=PROXIED)).server.test_client()
    assert client.get("/areas.csv", headers={"Host": "noc.example"}).status_code == 401
    assert client.get("/areas.csv", headers={"Host": "noc.example", "X-Groups": "admin"}).status_code == 401


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaa", "passwordpassword", "benjamin-long1", "x" * 257])
def test_passwords_that_anybody_would_guess_are_refused(password):
    with pytest.raises(EntryError, match="password"):
        passwords.hashed(password, "benjamin-long")


def test_passwords_are_kept_as_argon2id(kept):
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in kept


def test_what_stands_for_a_session_is_kept_as_a_hash_alone(settings):
    token = begin(settings, "ana")
    row = write(settings, lambda c: c.execute(sa.select(SESSIONS)).mappings().one())
    assert token not in {str(value) for value in row.values()}
    assert row["token_hash"] == session_records.digest(token)


def test_entries_are_kept_under_the_accounts_name(settings):
    from flask import Flask

    from dashboard.accounts import identity
    from dashboard.pages.sections import who

    with Flask("test").test_request_context():
        identity.set_current(identity.Identity(rights.OPERATOR, "ben", "s-1"))
        assert who.name(settings, "somebody else") == "ben"
        assert "You are ben." in str(who.field(settings, "work-name"))
