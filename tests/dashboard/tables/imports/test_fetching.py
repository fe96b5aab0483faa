"""Sources that are fetched: Splynx's and UISP's shapes from a server of this test, and what a broken one says."""

from __future__ import annotations

import base64
import datetime
import json
import os
import sqlite3
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings, load
from dashboard.source_settings import SourceSettings
from dashboard.tables.imports.fetching import fetch, last
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import read
from settings_file import SettingsError

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
SPLYNX = [
    {"id": n, "city": "North", "status": "active", "date_add": "2024-01-31", "mrr_total": "29.9000", "login": f"c{n}"}
    for n in range(1, 251)
]
UISP = [
    {
        "id": 1000 + n,
        "clientId": n,
        "status": 1,
        "servicePlanName": "Fibre",
        "price": 29.9,
        "activeFrom": "2024-01-31T00:00:00+0000",
        "activeTo": None,
        "contractEndDate": None,
        "earlyTerminationFeePrice": None,
        "city": "North",
    }
    for n in range(1, 31)
]
Respond = Callable[[dict[str, str]], tuple[int, str, bytes]]


class Api:
    """A server on loopback that answers as ``respond`` says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.respond: Respond = lambda asked: (200, "application/json", b"[]")
        self.asked: list[dict[str, str]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
                api.asked.append(query | {"headers": json.dumps(dict(self.headers.items()))})
                status, kind, body = api.respond(query)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def listed(rows: list[dict[str, object]], most: int = 10_000) -> Respond:
    """Answers as Splynx and UISP do: a bare list, by limit and offset, never more than ``most`` at once."""

    def respond(asked: dict[str, str]) -> tuple[int, str, bytes]:
        start, size = int(asked.get("offset", 0)), min(most, int(asked.get("limit", most)))
        return 200, "application/json", json.dumps(rows[start : start + size]).encode()

    return respond


@pytest.fixture(scope="module")
def server() -> Iterator[Api]:
    api = Api()
    yield api
    api.server.shutdown()
    api.server.server_close()


@pytest.fixture
def api(server: Api) -> Api:
    server.asked.clear()
    return server


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key")


@pytest.fixture
def splynx(api: Api, monkeypatch: pytest.MonkeyPatch) -> SourceSettings:
    monkeypatch.setenv("SPLYNX_SECRET", "s3cret-of-splynx")
    api.respond = listed(SPLYNX)
    url = f"{api.url}/api/2.0/admin/customers/customer"
    return SourceSettings("splynx", "customers", url=url, username="key", secret_env="SPLYNX_SECRET", mapping="splynx")


def stored(settings: DashboardSettings) -> int:
    return read("customers", settings.data).num_rows


def refused(report: ImportReport, settings: DashboardSettings, said: str, rows: int = 0) -> None:
    assert report.exit_code == 2
    assert said in str(report)
    assert "\n" not in str(report)
    assert stored(settings) == rows


@pytest.mark.parametrize("most", [10_000, 40])
def test_splynx_page_by_page(splynx: SourceSettings, settings: DashboardSettings, api: Api, most: int) -> None:
    api.respond = listed(SPLYNX, most)
    report = fetch(splynx, settings, now=NOW)
    assert (report.added, report.rejected, stored(settings)) == (250, 0, 250)
    expected = base64.b64encode(b"key:s3cret-of-splynx").decode()
    assert all(json.loads(one["headers"])["Authorization"] == f"Basic {expected}" for one in api.asked)
    assert "s3cret" not in str(report) + repr(report)
    assert fetch(splynx, settings, now=NOW).added == 0
    assert last(settings.data)["splynx"].failure is None


def test_uisp_with_its_own_header(settings: DashboardSettings, api: Api, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("app-key\n")
    api.respond = listed(UISP)
    url = f"{api.url}/crm/api/v1.0/clients/services"
    source = SourceSettings("uisp", "customers", url=url, header="X-Auth-App-Key", mapping="uisp")
    report = fetch(replace(source, secret_file=tmp_path / "secret", page_size=7), settings, now=NOW)
    assert (report.added, report.rejected) == (30, 0)
    assert json.loads(api.asked[0]["headers"])["X-Auth-App-Key"] == "app-key"


BROKEN: dict[str, tuple[Respond, str]] = {
    "a page to log in": (lambda _: (200, "text/html", b"<html>"), "a web page (HTML) instead of JSON"),
    "HTML that says it is JSON": (lambda _: (200, "application/json", b" <!doctype html>"), "a web page (HTML)"),
    "a wrong secret": (lambda _: (401, "application/json", b"{}"), "answers 401: is the secret right?"),
    "moved": (lambda _: (302, "text/plain", b""), "answers 302"),
    "no JSON": (lambda _: (200, "application/json", b'[{"id": 1'), "what is no JSON"),
    "an error as JSON": (lambda _: (200, "application/json", b'{"error": "x"}'), "not one list of records, but 0"),
    "numbers": (lambda _: (200, "application/json", b"[1, 2]"), "no list of objects"),
    "nothing": (lambda _: (200, "application/json", b"[]"), "gives an empty list"),
    "the same page for ever": (
        lambda _: (200, "application/json", json.dumps(SPLYNX[:100]).encode()),
        "page 2 is one that came before",
    ),
    "a page that fails": (
        lambda asked: listed(SPLYNX)(asked) if asked["offset"] == "0" else (500, "text/plain", b""),
        "answers 500; page 2 is missing, so nothing was imported",
    ),
}


@pytest.mark.parametrize(("respond", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_api_is_one_sentence_and_nothing_is_stored(
    splynx: SourceSettings, settings: DashboardSettings, api: Api, respond: Respond, said: str
) -> None:
    api.respond = respond
    refused(fetch(splynx, settings, now=NOW), settings, said)
    assert said in (last(settings.data)["splynx"].failure or "")


def test_pages_without_end(
    splynx: SourceSettings, settings: DashboardSettings, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.tables.readers.json_pages.MOST_PAGES", 5)
    api.respond = lambda asked: (200, "application/json", json.dumps([{"id": asked["offset"]}]).encode())
    refused(fetch(splynx, settings, now=NOW), settings, "has more than 5 pages: does it page for ever?")


def test_a_server_that_is_away(splynx: SourceSettings, settings: DashboardSettings) -> None:
    away = replace(splynx, url="http://127.0.0.1:9/api")
    refused(fetch(away, settings, now=NOW), settings, "cannot be reached")


def test_a_secret_that_is_missing(splynx: SourceSettings, settings: DashboardSettings) -> None:
    refused(fetch(replace(splynx, secret_env="NOT_SET"), settings, now=NOW), settings, "environment variable NOT_SET")


def test_columns_that_changed_overnight(splynx: SourceSettings, settings: DashboardSettings, api: Api) -> None:
    fetch(splynx, settings, now=NOW)
    renamed = [{"mrr" if name == "mrr_total" else name: value for name, value in row.items()} for row in SPLYNX]
    api.respond = listed(renamed)
    report = fetch(splynx, settings, now=NOW)
    refused(report, settings, "its columns have changed since the last time: mrr_total is gone", rows=250)
    assert "mrr" in str(report)
    assert fetch(splynx, settings, now=NOW, takes_new_columns=True).failure is None
    assert fetch(splynx, settings, now=NOW).failure is None


def test_half_of_the_customers_are_refused_as_from_a_file(
    splynx: SourceSettings, settings: DashboardSettings, api: Api
) -> None:
    fetch(splynx, settings, now=NOW)
    api.respond = listed(SPLYNX[:100])
    assert fetch(splynx, settings, now=NOW).exit_code == 2
    assert stored(settings) == 250


def test_a_database_and_a_file_of_yesterday(settings: DashboardSettings, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "crm.sqlite") as database:
        database.execute("CREATE TABLE c AS SELECT 1 AS customer_id, 'North' AS area, '2024-01-31' AS started_on")
    database.close()
    source = SourceSettings("crm", "customers", database=f"sqlite:///{tmp_path}/crm.sqlite", table="c")
    assert fetch(source, settings, now=NOW).added == 1
    (tmp_path / "t.csv").write_text("complaint_id,area,opened_at,category\n1,North,2026-02-27,slow\n")
    written = datetime.datetime(2026, 2, 28, 3, tzinfo=datetime.UTC).timestamp()
    os.utime(tmp_path / "t.csv", (written, written))
    assert fetch(SourceSettings("t", "complaints", file=tmp_path / "t.csv"), settings, now=NOW).added == 1
    until = read("complaints", settings.data).schema.metadata[b"complete_until"]
    assert until == b"2026-02-27"  # not up to today: the file is of the 28th
    gone = fetch(SourceSettings("t", "complaints", file=tmp_path / "gone.csv"), settings, now=NOW)
    assert "cannot be read" in str(gone) or "no such file" in str(gone)


BAD = {
    'name = "a b"\nkind = "customers"\nfile = "x"': "sources[0].name: must be letters",
    'name = "a"\nkind = "pets"\nfile = "x"': "sources[0].kind: must be one of",
    'name = "a"\nkind = "nps"': "sources[0].needs one of file, database and url, and has none",
    'name = "a"\nkind = "nps"\nurl = "ftp://x"': "sources[0].url: must begin with http",
    'name = "a"\nkind = "nps"\nurl = "http://u:p@x/"': "sources[0].url: must begin with http",
    'name = "a"\nkind = "nps"\ndatabase = "postgresql://u:p@h/d"\ntable = "t"': "has a password in it",
    'name = "a"\nkind = "nps"\nfile = "x"\nat = "25:00"': "sources[0].at: a time of day",
    'name = "a"\nkind = "nps"\nfile = "x"\nevery_hours = 1.0\nat = "03:00"': "set only one of them",
    'name = "a"\nkind = "nps"\nfile = "x"\n[[sources]]\nname = "a"\nkind = "nps"\nfile = "y"': "is there twice",
}


@pytest.mark.parametrize(("text", "said"), BAD.items(), ids=list(BAD.values()))
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "dashboard.toml").write_text(f'data = "d"\ncustomer_key = "k"\n[[sources]]\n{text}\n')
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "dashboard.toml")
    assert said in str(caught.value)
