"""Signing in as a person does it, in Chromium under the pages' own policy: keyboard alone, and nothing typed is lost."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from collector.published import connect
from dashboard.accounts import passwords, rights, session_records, user_records

from .conftest import add_account, write

PASSWORD = "four plain words here"


@pytest.fixture(scope="module")
def settings(sample, tmp_path_factory):
    made = sample.make(tmp_path_factory.mktemp("signing-in"))
    add_account(made, "ben", rights.OPERATOR)
    kept = passwords.hashed(PASSWORD, "ben")
    write(made, lambda c: c.exec_driver_sql("UPDATE users SET password_hash = ?", (kept,)))
    return made


@pytest.fixture(scope="module")
def url(serve, settings) -> str:
    return serve(settings)


def sign_in(page, password: str = PASSWORD) -> None:
    page.keyboard.type("ben")
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_a_session_that_ends_in_mid_work_says_so_and_keeps_what_was_typed(watch, url, settings):
    seen = watch(strict=True)
    page = seen.page
    seen.go(f"{url}/incident/i-agg", "[name=password]")
    sign_in(page, "not the right words")
    page.locator("#said", has_text="The name or the password is not right.").wait_for()
    page.keyboard.type(PASSWORD)  # the name stands there, and the password has the focus
    page.keyboard.press("Enter")
    page.locator("#work-note").wait_for()
    assert page.locator(".signed-in").inner_text().split() == ["ben", "operator"]
    page.locator("#work-note").fill("half a sentence")
    engine = connect(settings.database_url)
    assert user_records.end_sessions(engine, "ben", by="ana", at=datetime.now(UTC)) == 1
    page.locator("#connection.banner", has_text="Your session has ended.").wait_for(timeout=60_000)
    with page.context.expect_page() as opened:
        page.locator("#connection a").click()
    other = opened.value
    other.locator("[name=name]").wait_for()
    sign_in(other)
    other.locator("#now-tiles .tile").first.wait_for(timeout=60_000)
    page.locator("#connection:not(.banner)").wait_for(state="attached", timeout=60_000)
    assert page.locator("#work-note").input_value() == "half a sentence"
    page.locator("#work-add").click()
    page.locator("#work-said", has_text="The note is kept.").wait_for()
    page.locator(".sign-out button").click()
    page.locator("#said", has_text="You are signed out.").wait_for()
    assert [error for error in seen.errors if "Content Security Policy" in error] == []
    assert seen.foreign == []
    token = session_records.add_token(engine, "NOC left", rights.WALL, lasts=None, by="ana", at=datetime.now(UTC))
    engine.dispose()
    seen.go(f"{url}/sign-in/screen?token={token}", "#wall-top .tile")
    assert page.url == f"{url}/?view=wall"
