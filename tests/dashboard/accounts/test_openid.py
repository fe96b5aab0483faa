"""Signing in at a real OpenID Connect provider (oidc-provider-mock) over HTTP: who comes in, as what, and who does not."""

from __future__ import annotations

import base64
import hashlib
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import pytest
import requests
import werkzeug.serving

from collector.publish.incidents.migrate import migrate
from dashboard.accounts import user_records
from dashboard.accounts.openid import OpenId, OpenIdError
from dashboard.app import create_app
from dashboard.config import AccountSettings, DashboardSettings, OpenIdSettings

from .conftest import add_account, write
from .test_signing_in import said

pytestmark = pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning")
"""The provider uses what its own library calls outdated."""
ROLES = AccountSettings(roles={"noc-staff": "operator", "dee": "viewer"})
GROUPS = {"ben": ["noc-staff", "everybody"], "cat": ["everybody"], "dee": [], "ana": ["noc-staff"]}


@dataclass
class Provider:
    """A running provider, what it was asked for at its token endpoint, and how its answers are bent there."""

    issuer: str
    asked: list[dict[str, str]]
    bend: Any = None


@pytest.fixture(scope="module")
def provider_of_ids() -> Iterator[Provider]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the provider uses what its own library calls outdated
        import oidc_provider_mock

    users = [
        oidc_provider_mock.User(
            sub=f"id-{name}", claims={"preferred_username": name, "groups": groups, "realm": {"roles": groups}}
        )
        for name, groups in GROUPS.items()
    ]
    app = oidc_provider_mock.app(require_nonce=True, user_claims=users)
    server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True)
    provider = Provider(f"http://127.0.0.1:{server.server_port}", [])

    @app.before_request
    def note() -> None:
        if flask.request.path == "/oauth2/token":
            provider.asked.append(flask.request.form.to_dict())

    @app.after_request
    def bend(answer: flask.Response) -> flask.Response:
        if provider.bend is not None and flask.request.path == "/oauth2/token":
            answer.set_data(flask.json.dumps(provider.bend(answer.get_json())))
        return answer

    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield provider
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(provider_of_ids, sample, tmp_path, monkeypatch) -> DashboardSettings:
    monkeypatch.setenv("BAIRRO_OPENID", "secret-7")
    provider_of_ids.asked.clear()
    provider_of_ids.bend = None
    made: DashboardSettings = sample.settings(tmp_path)
    migrate(made.database_url)
    openid = OpenIdSettings(
        issuer=provider_of_ids.issuer, client_id="bairro", client_secret_env="BAIRRO_OPENID", title="our login"
    )
    return replace(made, openid=openid, accounts=ROLES)


@pytest.fixture
def client(settings) -> Any:
    return create_app(settings).server.test_client()


def to_provider(client: Any, wanted: str = "/incidents") -> str:
    answer = client.get("/sign-in/openid", query_string={"next": wanted})
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def back(address: str, name: str) -> str:
    """Sign in as ``name`` at the provider; the address that it sends the browser to."""
    answer = requests.post(address, data={"sub": f"id-{name}"}, allow_redirects=False, timeout=60)
    return str(answer.headers["Location"]).removeprefix("http://localhost")


def sign_in(client: Any, name: str) -> Any:
    return client.get(back(to_provider(client), name))


def test_a_person_of_a_group_comes_in_with_its_role(client, provider_of_ids):
    assert "Sign in with our login" in client.get("/sign-in").text
    assert 'type="password"' not in client.get("/sign-in").text, "nobody has one"
    answer = sign_in(client, "ben")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/incidents")
    assert client.get("/incidents.csv").status_code != 403
    assert client.get("/areas.csv").text == "This is not for you. Your role (operator) may not open this.\n"


def test_a_client_without_a_secret_shows_its_verifier_alone(settings, provider_of_ids):
    """This provider refuses public clients; what it is asked is what one sends (RFC 6749, 2.3.1; RFC 7636, 4.5)."""
    public = replace(settings, openid=replace(settings.openid, client_secret_env=None))
    assert sign_in(create_app(public).server.test_client(), "ben").status_code == 401
    (asked,) = provider_of_ids.asked
    assert (asked["client_id"], "client_secret" in asked) == ("bairro", False)
    assert asked["code_verifier"]


def test_the_code_is_bound_to_this_browser_by_state_nonce_and_pkce(client, provider_of_ids):
    address = to_provider(client)
    asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == "http://localhost/sign-in/openid/back"
    assert len(asked["state"]) >= 20
    assert len(asked["nonce"]) >= 20
    assert asked["code_challenge_method"] == "S256"
    client.get(back(address, "ben"))
    (token_request,) = provider_of_ids.asked
    digest = hashlib.sha256(token_request["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_what_comes_back_to_another_browser_or_twice_signs_in_nobody(client):
    address = back(to_provider(client), "ben")
    stranger = client.application.test_client()
    answer = stranger.get(address)
    assert answer.status_code == 401
    assert said(answer).startswith("our login did not sign you in:")
    assert stranger.get("/incidents.csv").status_code == 401
    assert client.get(address.replace("state=", "state=x")).status_code == 401
    denied = client.get("/sign-in/openid/back?error=access_denied&error_description=you+said+no")
    assert said(denied) == "our login did not sign you in: you said no. Begin again."


def _unsigned(answer: dict[str, Any]) -> dict[str, Any]:
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return {**answer, "id_token": f"{head}.{answer['id_token'].split('.')[1]}."}


def _of_another_time(answer: dict[str, Any]) -> dict[str, Any]:
    head, claims, _ = answer["id_token"].split(".")
    return {**answer, "id_token": f"{head}.{claims}.{'A' * 342}"}


def _without(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "id_token"}


@pytest.mark.parametrize("bend", [_unsigned, _of_another_time, _without])
def test_an_id_token_that_the_provider_did_not_sign_is_not_believed(client, provider_of_ids, bend):
    provider_of_ids.bend = bend
    answer = sign_in(client, "ben")
    assert answer.status_code == 401
    assert said(answer)
    assert client.get("/incidents.csv").status_code == 401


def test_who_has_no_role_here_is_told_so_and_one_by_name_has(client):
    answer = sign_in(client, "cat")
    assert (answer.status_code, said(answer)[:51]) == (403, "You are known as cat, but have no role here. Ask an")
    assert client.get("/incidents.csv").status_code == 401
    assert sign_in(client, "dee").status_code == 303
    assert client.get("/incidents.csv").text.endswith("Your role (viewer) may not open this.\n")


def test_an_account_made_for_the_provider_gives_its_role_and_one_with_a_password_does_not(client, settings):
    add_account(settings, "cat", "analyst")
    assert sign_in(client, "cat").status_code == 303
    assert client.get("/incidents.csv").status_code != 403
    add_account(settings, "ana", "admin")
    write(settings, lambda c: c.exec_driver_sql("UPDATE users SET password_hash = 'x' WHERE name = 'ana'"))
    stranger = client.application.test_client()
    answer = sign_in(stranger, "ana")
    assert (answer.status_code, "sign in with that" in said(answer)) == (403, True)
    assert write(settings, user_records.has_passwords)


def test_roles_may_stand_deep_in_a_claim(settings):
    deep = replace(settings, openid=replace(settings.openid, role_claim="realm.roles"))
    client = create_app(deep).server.test_client()
    assert sign_in(client, "ben").status_code == 303
    assert client.get("/areas.csv").status_code == 403


def test_a_provider_that_is_away_or_another_one_is_one_sentence(settings, free_port):
    away = replace(settings.openid, issuer=f"http://127.0.0.1:{free_port()}")
    answer = create_app(replace(settings, openid=away)).server.test_client().get("/sign-in/openid")
    assert (answer.status_code, said(answer)[:24]) == (503, "The provider http://127.")
    assert "cannot be asked" in said(answer)


def test_a_provider_that_calls_itself_otherwise_is_not_believed(settings, client):
    assert to_provider(client)
    with pytest.raises(OpenIdError, match="The provider calls itself http://127"):
        _named("https://login.example", settings).begin("http://localhost/sign-in/openid/back")


def _named(issuer: str, settings: DashboardSettings) -> OpenId:
    """A client of the running provider that expects another name."""
    server = flask.Flask("other")
    made = OpenId(settings.openid, server)
    made.settings = replace(settings.openid, issuer=issuer)
    return made
