"""`bairro user` as it is typed: an admin's first day, what is refused, and what the pages then ask of other hosts."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import sqlalchemy as sa

import bairro
from collector.published import AUDIT, connect
from dashboard import app
from dashboard.config import load

PASSWORD = "four plain words here"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n[web]\naddress = "0.0.0.0"\n')
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def user(*words: str) -> int:
    return bairro.main(["user", *words])


def test_the_first_day(folder, capsys, monkeypatch):
    assert app.asks_who(load(folder / "dashboard.toml")) is False
    assert not (folder / "data").exists(), "asking writes nothing"
    assert user("add", "Ana", "--role", "admin", "--password-file", "password", "--by", "root") == 0
    assert capsys.readouterr().out == "ana may sign in as admin. From now on the pages ask everybody who they are\n"
    assert app.asks_who(load(folder / "dashboard.toml")) is True, "so that other hosts may be served"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD} too\n"))
    assert user("add", "ben", "--role", "operator", "--full-name", "Ben Okafor", "--password-file", "-") == 0
    assert user("add", "eva", "--role", "viewer", "--without-password") == 0
    assert user("role", "ben", "analyst") == 0
    assert user("disable", "eva") == 0
    assert user("token", "NOC left") == 0
    said = capsys.readouterr().out
    assert "open once on the screen: http://HOST/sign-in/screen?token=" in said
    assert user("token", "prometheus", "--for", "metrics", "--days", "365") == 0
    assert "credentials: " in capsys.readouterr().out
    assert user("list") == 0
    ana, ben, eva, *tokens = capsys.readouterr().out.splitlines()
    assert ana == "ana: admin, with a password, never signed in"
    assert ben == "ben (Ben Okafor): analyst, with a password, never signed in"
    assert eva.startswith("eva: viewer, disabled since ")
    assert [line.split(":")[0] for line in tokens] == ["  token for metrics prometheus", "  token for wall NOC left"]
    for words in (
        ("password", "ben", "--password-file", "password"),
        ("end-sessions", "ben"),
        ("enable", "eva"),
        ("end-token", "NOC left"),
    ):
        assert user(*words) == 0, words
    settings = load(folder / "dashboard.toml")
    engine = connect(settings.database_url)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(AUDIT)).all()
    engine.dispose()
    assert (rows[0].action, rows[0].subject, rows[0].actor) == ("user.add", "ana", "root")
    assert len(rows) == 11
    assert PASSWORD not in str(rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "x y", "--role", "viewer", "--without-password"), "'x y' cannot be a name"),
        (
            ("add", "eva", "--role", "boss", "--without-password"),
            "there is no role 'boss'; there are viewer, operator, analyst, admin",
        ),
        (("add", "ANA", "--role", "viewer", "--without-password"), "there is an account ana already"),
        (("add", "eva", "--role", "viewer", "--password-file", "nowhere"), "nowhere: the password cannot be read"),
        (("add", "eva", "--role", "viewer", "--password-file", "short"), "a password has at least 12 letters"),
        (("add", "eva", "--role", "viewer"), "there is no terminal to type the password at"),
        (("role", "nobody", "viewer"), "there is no account 'nobody'"),
        (("role", "ana", "viewer"), "ana is the only admin; make another one first"),
        (("disable", "ana"), "ana is the only admin"),
        (("end-sessions", "nobody"), "there is no account 'nobody'"),
        (("token", " "), "give the token a name"),
        (("token", "x", "--days", "0"), "--days: more than 0"),
        (("end-token", "x"), "there is no token 'x'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(with_ana, capsys, monkeypatch, words, said):
    monkeypatch.chdir(with_ana)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert user(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"bairro: {said}")
    assert told.err.count("\n") == 1


@pytest.fixture(scope="module")
def with_ana(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ana")
    (folder / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n')
    (folder / "password").write_text(PASSWORD)
    (folder / "short").write_text("short")
    config = ("--config", str(folder / "dashboard.toml"))
    assert user("add", "ana", "--role", "admin", "--password-file", str(folder / "password"), *config) == 0
    return folder
