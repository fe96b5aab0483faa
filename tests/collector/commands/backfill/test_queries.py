"""The file of queries: one fault, one message; and what is sent to let us in."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import bairro
import settings_file
from collector.commands.backfill import queries
from collector.commands.backfill.devices import Matcher
from collector.commands.backfill.prometheus import Prometheus, PrometheusError, Series
from collector.commands.backfill.queries import Access, Column, Match
from collector.commands.backfill.rows import RowMaker
from collector.published import QUALITY_HOURS
from collector.reading import Device

SEEN = "[columns.observed_seconds]\nquery = 'up'\n"


def test_the_example_is_good_and_names_no_column_twice():
    found = queries.load(Path(__file__).parents[4] / "deploy" / "example" / "backfill.toml")
    assert "silence_seconds" in found.columns
    assert {*found.columns} - {"silence_seconds"} <= set(QUALITY_HOURS.column_names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns: is required"),
        ("[columns]\n", "columns.observed_seconds: is required: without it no hour was observed"),
        (SEEN + "[columns.uptime]\nquery = 'up'\n", "columns.uptime: no such column; there are: observed_seconds, "),
        (SEEN + "[columns.outages]\nquery = ' '\n", "columns.outages.query: is empty"),
        (
            SEEN + "[columns.silence_seconds]\nquery = 'a'\n[columns.down_seconds]\nquery = 'b'\n",
            "columns.down_seconds: is computed from silence_seconds; give one of them",
        ),
        (SEEN + "[match]\nfield = 'site'\n", "match.field: must be one of device_id, address, not 'site'"),
        (SEEN + "[match]\npattern = '('\n", "match.pattern: is not a regular expression: "),
        (SEEN + "[match]\npattern = 'a'\n", "match.pattern: has no group (...)"),
        (SEEN + "match = {field = 'x'}\n", "columns.observed_seconds.match.field: must be one of"),
        (SEEN + "[access]\ntoken_env = 'A'\ntoken_file = 'b'\n", "access: names more than one secret"),
        (SEEN + "[access]\nusername = 'me'\n", "access: username needs password_env or password_file"),
        (SEEN + "[access]\npassword = 'x'\n", "access.password: unknown key"),
    ],
)
def test_each_fault_is_named(tmp_path, text, message):
    path = tmp_path / "queries.toml"
    path.write_text(text)
    with pytest.raises(settings_file.SettingsError) as caught:
        queries.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.fixture
def server():
    """Answers query_range with ``server.answers``, the last of them again and again."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            opened.asked.append(self.headers.get("Authorization"))
            status, body = opened.answers.pop(0) if len(opened.answers) > 1 else opened.answers[0]
            text = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_arguments: Any) -> None:
            pass

    opened: Any = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    opened.asked, opened.answers = [], []
    thread = Thread(target=opened.serve_forever, args=(0.05,))
    thread.start()
    yield opened
    opened.shutdown()
    opened.server_close()
    thread.join()


EMPTY = {"status": "success", "data": {"resultType": "matrix", "result": []}}


def ask(server: Any, access: Access = Access()) -> list[Series]:  # noqa: B008
    url = f"http://127.0.0.1:{server.server_port}/"
    return Prometheus(url, access, pause=lambda _seconds: None).hourly("up", 0, 3600)


def test_a_server_in_trouble_is_asked_again(server):
    server.answers = [(503, "no"), (429, "no"), (200, EMPTY)]
    assert ask(server) == []
    server.answers = [(503, "no")]
    with pytest.raises(PrometheusError, match="answers with status 503"):
        ask(server)
    assert len(server.asked) == 3 + 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, {"status": "error", "error": "parse error: oh"}), "parse error: oh"),
        ((401, "Unauthorized"), "status 401"),
        ((200, "<html>"), "status 200"),
        (
            (200, {"status": "success", "data": {"result": [{"values": [["x"]]}]}}),
            "does not answer with a matrix of samples",
        ),
        ((200, {"status": "success", "data": {"result": 3}}), "does not answer with a matrix of samples"),
    ],
)
def test_a_refusal_is_told_in_its_own_words(server, answer, said):
    server.answers = [answer]
    with pytest.raises(PrometheusError, match=said):
        ask(server)
    assert len(server.asked) == 1


def test_what_is_no_number_is_left_out(server):
    values = [[3600, "1"], [7200, "NaN"]]
    server.answers = [(200, {"status": "success", "data": {"result": [{"metric": {"a": "b"}, "values": values}]}})]
    assert ask(server) == [Series({"a": "b"}, {0: 1.0})]


def test_name_and_password_or_a_token(server, tmp_path, monkeypatch):
    server.answers = [(200, EMPTY)]
    (tmp_path / "password").write_text("pass:wörd\n")
    ask(server, Access(username="me", password_file=tmp_path / "password"))
    assert base64.b64decode(server.asked[-1].split()[1]).decode() == "me:pass:wörd"
    monkeypatch.setenv("BAIRRO_TEST_TOKEN", "abc")
    ask(server, Access(token_env="BAIRRO_TEST_TOKEN"))
    assert server.asked[-1] == "Bearer abc"
    monkeypatch.delenv("BAIRRO_TEST_TOKEN")
    with pytest.raises(PrometheusError, match="BAIRRO_TEST_TOKEN, which holds none"):
        ask(server, Access(token_env="BAIRRO_TEST_TOKEN"))


DEVICES = {
    d.device_id: d
    for d in (
        Device("core", "192.0.2.1", "router", "x", uplink_interface="eth0"),
        Device("ap", "192.0.2.2", "ap", "x", parent="core"),
        Device("home", "192.0.2.2", "cpe", "x", port=1161, parent="ap"),
        Device("six", "2001:db8::1", "cpe", "x"),
    )
}


def series(hours: dict[int, float] | None = None, **labels: str) -> Series:
    return Series(labels, hours or {0: 1.0})


@pytest.mark.parametrize(
    ("called", "device"),
    [
        ("192.0.2.1", "core"),
        ("192.0.2.1:9100", "core"),
        ("192.0.2.2:1161", "home"),
        ("192.0.2.2", "ap"),
        ("192.0.2.2:161", "ap"),
        ("192.0.2.2:9", None),
        ("[2001:0db8::1]:9116", "six"),
        ("", None),
        ("!", None),
    ],
)
def test_a_series_is_of_the_device_with_its_address(called, device):
    found = Matcher(DEVICES.values()).of("c", Column("q", match=Match()), [series(instance=called)])
    assert list(found) == ([device] if device else [])


def test_pattern_interface_and_doubles():
    matcher = Matcher(DEVICES.values())
    by_name = Column("q", match=Match("host", "device_id", r"^(\w+)\.example"), scale=8.0)
    assert matcher.of("c", by_name, [series(host="core.example.net"), series(host="else")]) == {"core": {0: 8.0}}
    uplinks = Column("q", interface_label="ifName", match=Match(field="device_id"))
    found = [series(instance=name, ifName=port) for name in ("core", "ap") for port in ("eth0", "eth1")]
    assert matcher.of("i", uplinks, found) == {"core": {0: 1.0}}
    assert matcher.of("d", Column("q", match=Match()), [series(instance="192.0.2.1", a=a) for a in "xy"]) == {}
    assert matcher.problems() == [
        "c: series of 1 left out: not in the inventory (else)",
        "d: series of 1 left out: several for one device, and it is not clear which one to use (core)",
        "i: series of 1 left out: the device names no uplink_interface (ap)",
    ]


def rows(**values: dict[str, float]) -> tuple[dict[str, dict[str, Any]], RowMaker]:
    maker = RowMaker(DEVICES)
    seen = {name: {"observed_seconds": 3600.0, **given} for name, given in values.items()}
    return {row["device_id"]: row for row in maker.rows(0, seen)}, maker


def test_silence_is_the_networks_as_far_as_a_device_above_was_silent():
    found, _ = rows(core={"silence_seconds": 300}, ap={"silence_seconds": 900}, home={"silence_seconds": 1000})
    assert {k: (r["down_seconds"], r["silent_seconds"]) for k, r in found.items()} == {
        "core": (300, 0),
        "ap": (900, 0),
        "home": (900, 100),
    }


def test_where_nothing_above_is_measured_nobody_can_say_whose_silence_it_was():
    found, _ = rows(home={"silence_seconds": 1000}, six={"silence_seconds": 1000})
    assert "down_seconds" not in found["home"]
    assert (found["six"]["down_seconds"], found["six"]["silent_seconds"]) == (0, 1000)
    found, _ = rows(home={"silence_seconds": 0})
    assert (found["home"]["down_seconds"], found["home"]["silent_seconds"]) == (0, 0)


def test_what_cannot_be_true_is_left_out_and_counted():
    wrong = {
        "pings_sent": 10.0,
        "pings_lost": 11.0,
        "rtt_count": -1.0,
        "rtt_p50_seconds": 0.2,
        "rtt_p95_seconds": 0.1,
        "utilization_p95_ratio": 1.2,
        "signal_dbm": -60.0,
        "down_seconds": 3000.0,
        "silent_seconds": 700.0,
        "polls_answered": 59.6,
    }
    found, maker = rows(core=wrong, ap={"observed_seconds": 0.0}, home={"observed_seconds": 7200.0})
    kept = {name: value for name, value in found["core"].items() if name not in ("hour", "device_id")}
    assert kept == {
        "observed_seconds": 3600,
        "pings_sent": 10,
        "rtt_p95_seconds": 0.1,
        "utilization_p95_ratio": 1.0,
        "signal_dbm": -60,
        "polls_answered": 60,
    }
    assert sorted(maker.dropped) == ["down_seconds", "pings_lost", "rtt_count", "rtt_p50_seconds", "silent_seconds"]
    assert list(found) == ["core", "home"]
    assert found["home"]["observed_seconds"] == 3600


@pytest.mark.parametrize("url", ["nonsense", "ftp://a", "http://me:secret@a"])
def test_what_is_no_address_of_a_prometheus_is_refused(tmp_path, capsys, url):
    (tmp_path / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n')
    (tmp_path / "devices.csv").write_text("device_id,address,role,area\na,192.0.2.1,ap,x\n")
    (tmp_path / "queries.toml").write_text(SEEN)
    given = ["--config", str(tmp_path / "collector.toml"), "--queries", str(tmp_path / "queries.toml")]
    assert bairro.main(["backfill", *given, "--prometheus", url]) == 2
    assert "secret" not in capsys.readouterr().err
