"""Every endpoint, page and callback of the application's own map, called as every role and as nobody."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask

from dashboard.accounts import rights
from dashboard.accounts.rights import RIGHTS, RightsError
from dashboard.app import LAYOUTS, create_app

from ..serving.test_forged_callbacks import real

BROWSER = {"Accept": "text/html"}
REFUSED = {401, 403}
EVERY_ROLE = tuple(RIGHTS)
SAMPLES = {"key": "n03", "form": "html", "filename": "bairro.js", "package_name": "dash", "fingerprinted_path": "x.js"}
OF_ONE = ("/area/n03", "/device/n03-olt1", "/incident/i-agg", "/methods/ranking")
BY_THEMSELVES = {"/", "/<path:path>", "/_dash-update-component"}
"""Endpoints of pages and callbacks, which have tests of their own."""
SIGNING_IN = {"sign_in_form", "sign_out", "sign_in_screen", "sign_in_openid", "sign_in_openid_back"}
"""For anybody; what they answer is tested where signing in is."""


def address(rule: Any) -> str:
    """An address that the rule routes."""
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES.get(found[1], "areas"), rule.rule)


def is_refused(answer: Any) -> bool:
    return answer.status_code in REFUSED or "/sign-in" in answer.headers.get("Location", "")


def bodies(app: Any) -> dict[str, Any]:
    return {rights.first_component(body["output"]): body for body in real(app)}


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_each_role_has_the_endpoints_of_the_table_and_no_others(app, client_of, role):
    for rule in app.server.url_map.iter_rules():
        wanted = rights.ENDPOINTS[rule.endpoint]
        if rule.endpoint in BY_THEMSELVES | SIGNING_IN:
            continue
        answer = client_of(role).get(address(rule), environ_base={"REMOTE_ADDR": "192.0.2.9"})
        assert is_refused(answer) == (not rights.may(role, wanted)), (rule.endpoint, answer.status_code)


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_each_role_has_the_pages_of_the_table_and_no_others(client_of, role):
    for path in (*LAYOUTS, "/replay", "/methods", *OF_ONE):
        answer = client_of(role).get(path, headers=BROWSER)
        elsewhere = path == "/" and rights.may(role, rights.SIGNED_IN) and answer.status_code == 302
        allowed = rights.may(role, rights.of_page(path))
        assert elsewhere or is_refused(answer) == (not allowed), (path, answer.status_code)
        if elsewhere:
            assert answer.headers["Location"] == rights.home(role)
            assert not allowed


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_each_role_has_the_callbacks_of_the_table_and_no_others(app, client_of, role):
    for component, body in bodies(app).items():
        answer = client_of(role).post("/_dash-update-component", json=body)
        allowed = rights.may(role, rights.CALLBACKS[component]) and rights.may(role, rights.SIGNED_IN)
        assert is_refused(answer) == (not allowed), (component, answer.status_code)


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_the_callback_of_pages_shows_no_page_that_the_role_may_not_open(app, client_of, role):
    body = bodies(app)["page"]
    for path in (*LAYOUTS, *OF_ONE):
        for one in body["inputs"]:
            one["value"] = path if one["property"] == "pathname" else ""
        answer = client_of(role).post("/_dash-update-component", json=body)
        if not rights.may(role, rights.SIGNED_IN):
            assert is_refused(answer)
        else:
            is_told = f"Your role ({role}) may not open this" in answer.text
            assert is_told == (not rights.may(role, rights.of_page(path))), path


def test_every_entry_of_the_table_stands_for_something(app):
    assert set(rights.ENDPOINTS) == {rule.endpoint for rule in app.server.url_map.iter_rules()}
    assert set(rights.CALLBACKS) == set(bodies(app))


def test_what_has_no_entry_ends_the_start_with_a_sentence_that_names_it(accounts, monkeypatch):
    route = Flask.add_url_rule

    def with_another(self: Flask, rule: str, endpoint: str | None = None, *given: Any, **options: Any) -> None:
        route(self, rule, endpoint, *given, **options)
        if endpoint == "sign_in":
            route(self, "/leavers.csv", "leavers", lambda: "")

    monkeypatch.setattr(Flask, "add_url_rule", with_another)
    with pytest.raises(RightsError, match=r"rights\.py: ENDPOINTS has no entry for 'leavers'"):
        create_app(accounts)
    with pytest.raises(
        RightsError, match=r"CALLBACKS has no entry for 'leavers-table', which a callback puts out first"
    ):
        rights.check([], [], ["..leavers-table.rowData...page.children.."])
    with pytest.raises(RightsError, match="PAGES has no entry for '/leavers'"):
        rights.check(["/leavers"], [], [])


def test_a_role_that_nobody_declared_may_nothing():
    assert not any(rights.may("root", rule) for rule in rights.PAGES.values())
    assert rights.of_page("/areasx") is None
    assert rights.of_page("/area/x/y") == rights.OF_AREAS


def test_the_wrong_role_is_told_in_one_sentence(client_of):
    answer = client_of("operator").get("/areas.csv", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (403, "text/html")
    assert "<p>Your role (operator) may not open this.</p>" in answer.text
    assert 'href="/incidents"' in answer.text
    assert 'href="/areas"' not in answer.text, "where it leads is open to them"
    assert (
        client_of("viewer").get("/incidents.csv").text == "This is not for you. Your role (viewer) may not open this.\n"
    )


def test_whom_nobody_knows_is_asked_to_sign_in_and_comes_back(client_of):
    answer = client_of("nobody").get("/area/n03?weeks=26", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/area/n03%3Fweeks%3D26")
    assert client_of("nobody").get("/", headers=BROWSER).headers["Location"] == "/sign-in"
    assert client_of("nobody").get("/areas.csv").status_code == 401


def test_navigation_leads_only_where_the_role_may_go(client_of):
    def links(role: str) -> set[str]:
        return set(re.findall(r'"href": "(/[a-z]*)"', json.dumps(client_of(role).get("/_dash-layout").json)))

    assert {"/", "/incidents"} <= links("operator")
    assert links("operator").isdisjoint({"/areas", "/fixes", "/loyalty", "/evidence"})
    assert {"/areas", "/fixes", "/loyalty"} <= links("viewer")
    assert links("viewer").isdisjoint({"/", "/incidents", "/evidence"})
    assert set(LAYOUTS) <= links("admin")
