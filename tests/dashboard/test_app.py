"""The application and its server: pages by path, what is not a page, and an end that leaves nothing behind."""

from __future__ import annotations

import csv
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.request import Request, urlopen

import pytest
from dash import Dash

from dashboard.app import INDEX, LAYOUTS, create_app, page, serve
from dashboard.config import WebSettings
from dashboard.pages.source import Source
from dashboard.reports.area_report import compose
from dashboard.results import stored_results as storage
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import COMPLAINTS


@pytest.fixture(scope="module")
def client(provider):
    return create_app(provider).server.test_client()


@pytest.mark.parametrize("path", ["/", "/areas", "/area/n03", "/area/n05", "/area/nowhere", "/elsewhere", None])
def test_every_path_has_a_page(source, path):
    assert page(source, path, "") is not None


def test_the_layout_names_its_language_and_fetches_nothing_from_elsewhere(client):
    text = client.get("/").get_data(as_text=True)
    assert '<html lang="en">' in text
    assert re.findall(r'(?:src|href)="(?:https?:)?//', text) == []
    assert "http" not in INDEX


def test_the_very_first_pages_have_their_styles_and_scripts_however_many_ask(scratch, monkeypatch):
    find = Dash._walk_assets_directory

    def find_slowly(app: Dash) -> None:
        time.sleep(0.3)
        find(app)

    monkeypatch.setattr(Dash, "_walk_assets_directory", find_slowly)
    server = create_app(scratch).server
    with ThreadPoolExecutor(3) as threads:
        asked = list(threads.map(lambda _: server.test_client().get("/").get_data(as_text=True), range(3)))
    for text in asked:
        named = re.findall(r"assets/[^\"?]*", text)
        assert {name.rpartition(".")[2] for name in named} == {"css", "js"}, named


def test_health_needs_no_data(scratch):
    answer = create_app(scratch).server.test_client().get("/-/healthy")
    assert answer.status_code == 200
    assert answer.data == b"healthy\n"


def test_scripts_are_compressed_once_and_kept(client):
    path = re.search(r'src="(/_dash-component-suites/[^"]*dash_ag_grid[^"]*)"', client.get("/").get_data(as_text=True))
    assert path is not None
    first = client.get(path.group(1), headers={"Accept-Encoding": "gzip"})
    again = client.get(path.group(1), headers={"Accept-Encoding": "gzip"})
    plain = client.get(path.group(1), headers={"Accept-Encoding": "identity"})
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.data == again.data
    assert len(first.data) < len(plain.data) / 2


def test_the_ranking_as_csv(client, built):
    answer = client.get("/areas.csv")
    lines = answer.get_data(as_text=True).split("\r\n")
    assert answer.mimetype == "text/csv"
    assert lines[0].startswith("area,name,rank,rank_low,rank_high,verdict,customers,")
    assert len(lines) == len(built.ranking) + 2 - 2, "but for the two that are too small to be told of"
    assert lines[1].split(",")[2] == "1"


def test_reports_are_served(client):
    page_ = client.get("/area/n03/report.html")
    assert page_.status_code == 200
    assert "Dunmere" in page_.get_data(as_text=True)
    assert client.get("/area/n03/report.pdf").data.startswith(b"%PDF-")
    refused = client.get("/area/n05/report.html")
    assert refused.status_code == 404
    assert "fewer than 30 customers" in refused.get_data(as_text=True)
    assert client.get("/area/nowhere/report.pdf").status_code == 404
    assert client.get("/area/n03/report.docx").status_code == 404


def test_csv_and_reports_before_the_first_build(scratch):
    client = create_app(scratch).server.test_client()
    assert client.get("/areas.csv").status_code == 404
    assert client.get("/area/n03/report.pdf").status_code == 404


def test_a_port_in_use_is_told(scratch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = serve(replace(scratch, web=WebSettings(port=port)))
    assert code == 2
    assert f"127.0.0.1:{port} is in use by another process" in capsys.readouterr().err


SERVE = """
import sys
from pathlib import Path
from dashboard.app import serve
from dashboard.config import DashboardSettings, WebSettings
data = Path(sys.argv[1])
code = serve(DashboardSettings(data=data, customer_key=data / "key", web=WebSettings(port=int(sys.argv[2]))))
print("came back with", code, flush=True)
sys.exit(code)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_on_signals_with_nothing_left_behind(scratch, free_port, processes, eventually, number):
    port = free_port()
    serving = processes.start(
        [sys.executable, "-c", SERVE, str(scratch.data), str(port)], cwd=os.getcwd(), stdout=subprocess.PIPE, text=True
    )
    eventually(lambda: urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=2).status == 200, 60)
    assert len(processes.left()) == 1, "the pages are served by the process itself"
    assert processes.stop(serving, number) == 0
    eventually(lambda: not processes.left(), 10)
    output = serving.stdout.read()
    assert output.splitlines().count("came back with 0") == 1


def test_nothing_outlives_a_kill(scratch, free_port, processes, eventually):
    port = free_port()
    serving = processes.start([sys.executable, "-c", SERVE, str(scratch.data), str(port)], cwd=os.getcwd())
    eventually(lambda: urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=2).status == 200, 60)
    serving.kill()
    serving.wait()
    eventually(lambda: not processes.left(), 15)


def test_an_open_connection_does_not_hold_up_the_end(scratch, free_port, processes, eventually):
    port = free_port()
    serving = processes.start([sys.executable, "-c", SERVE, str(scratch.data), str(port)], cwd=os.getcwd())
    eventually(lambda: urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=2).status == 200, 60)
    with socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200" in idle.recv(4096)
        before = time.monotonic()
        assert processes.stop(serving) == 0
        assert time.monotonic() - before < 15


def test_pages_answer_over_http(served):
    url, _ = served
    request = Request(f"{url}/areas", headers={"Accept-Encoding": "br"})
    with urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def test_what_has_come_in_since_the_build_is_said_wherever_results_are_shown(sample, tmp_path):
    settings = sample.make(tmp_path)
    path = snapshots.write("complaints", settings.data, COMPLAINTS.arrow_schema().empty_table())
    os.utime(path, (2_000_000_000, 2_000_000_000))
    said = "complaints (imported 18 May 2033, 03:33)"
    source = Source(settings)
    for address in [*LAYOUTS, "/area/n03"]:
        if address not in {"/", "/incidents"}:  # the network shows no results
            assert f"Newer data have arrived since these results were built: {said}" in str(page(source, address)), (
                address
            )
    client = create_app(settings).server.test_client()
    for name in ("areas.csv", "fixes.csv"):
        header, first, *_ = client.get(f"/{name}").get_data(as_text=True).splitlines()
        assert header.endswith(",records_until,newer_inputs"), name
        assert first.endswith(f',"{said}"'), name
    report = client.get("/area/n03/report.html").get_data(as_text=True)
    assert f"{said} are not in them." in report
    results = source.results()
    assert compose(results, "n03", settings).older.endswith(f"{said} are not in them.")


def test_a_bookmark_of_what_would_help_leads_to_its_new_address(sample, tmp_path):
    client = create_app(sample.make(tmp_path)).server.test_client()
    answer = client.get("/help")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/fixes")


def test_a_name_that_is_a_formula_runs_in_no_download(sample, tmp_path):
    settings = sample.make(tmp_path)
    built = storage.load(settings.data)
    tables = {name: getattr(built, name) for name in storage.RESULT_TABLES}
    tables["areas"] = built.areas.assign(name="=HYPERLINK(1)")
    storage.write(settings.data, tables, {key: value for key, value in built.manifest.items() if key != "tables"})
    client = create_app(settings).server.test_client()
    for path in ("/areas.csv", "/fixes.csv"):
        rows = list(csv.DictReader(io.StringIO(client.get(path).text, newline="")))
        assert rows
        assert {row["name"] for row in rows} == {"'=HYPERLINK(1)"}
    excess = [row["excess_leavers_90d"] for row in csv.DictReader(io.StringIO(client.get("/areas.csv").text))]
    assert any(float(value) < 0 for value in excess if value), "numbers below zero are numbers"
