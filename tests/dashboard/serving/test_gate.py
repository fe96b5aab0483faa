"""What is refused before a page is made, and what every answer tells the browser."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from dashboard.app import LAYOUTS, create_app
from dashboard.config import WebSettings
from dashboard.pages import evidence
from dashboard.serving.gate import MOST_BODY_BYTES, QuietLog

from ..sample_results import NAMES

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
EVERY_KIND = (
    *LAYOUTS,
    "/area/n03",
    "/areas.csv",
    "/fixes.csv",
    "/area/n03/report.html",
    "/area/n03/report.pdf",
    "/area/n05/report.html",
    "/assets/bairro.js",
    "/_dash-layout",
    "/_dash-dependencies",
    "/-/healthy",
    "/nowhere",
    "/api/areas",
    "/_dash-update-component",
)


@pytest.fixture(scope="module")
def client(provider):
    return create_app(provider).server.test_client()


@pytest.mark.parametrize("path", EVERY_KIND)
def test_every_answer_is_hardened(client, path):
    answer = client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "http" not in policy
    scripts = re.findall(r"script-src ([^;]*)", policy)
    assert all("unsafe-inline" not in allowed for allowed in scripts)


def test_every_inline_script_of_a_page_is_allowed_by_its_hash(client):
    answer = client.get("/")
    found = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", answer.text, re.DOTALL)
    assert len(found) == 2
    for script in found:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


def test_what_is_no_page_may_run_nothing(client):
    for path in ("/area/n03/report.html", "/areas.csv", "/nowhere"):
        assert "script-src" not in client.get(path).headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/areas/x",
        "/area/nowhere",
        "/area/",
        "/methodsx",
        "/methods/nothing",
        "/now.csv",
        "/static/x",
        "/-/nothing",
        "/_dash-nothing",
        "/_dash-component-suites/os/path.py",
        "/_dash-component-suites/dash/nothing.js",
        "/assets/nothing.js",
        "/assets/../app.py",
        "/index.php",
        "/favicon.ico/x",
    ],
)
def test_unknown_paths_are_404_in_words(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.mimetype == "text/plain"
    assert answer.text.startswith("There is no such page. ")


def test_a_browser_gets_a_page_that_says_where_else_to_go(client):
    answer = client.get("/<b>nowhere", headers=BROWSER)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "Nothing is called /&lt;b&gt;nowhere." in answer.text
    assert '<a href="/areas">Areas at risk</a>' in answer.text
    assert client.get("/api/areas", headers=BROWSER).mimetype == "text/plain"


def test_an_area_is_found_by_its_name_too(client):
    """As by `bairro report --area`; a name that no area bears, or several do, leads nowhere."""
    assert NAMES[3] != "n03"
    answer = client.get(f"/area/{quote(NAMES[3].upper())}?weeks=26", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/area/n03?weeks=26")
    assert client.get("/area/n03", headers=BROWSER).status_code == 200
    assert client.get("/area/nobody", headers=BROWSER).status_code == 404


def test_every_real_page_can_be_reloaded(client):
    for path in (
        *LAYOUTS,
        "/area/n03",
        "/area/n05",
        "/areas/",
        "/methods",
        *(f"/methods/{m}" for m in evidence.methods()),
    ):
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, "_dash-config" in answer.text) == (200, True), path


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/areas", "GET"),
        ("PUT", "/", "GET"),
        ("DELETE", "/areas.csv", "GET"),
        ("PATCH", "/area/n03/report.pdf", "GET"),
        ("GET", "/_dash-update-component", "POST"),
        ("PUT", "/_dash-update-component", "POST"),
        ("POST", "/-/healthy", "GET"),
    ],
)
def test_other_methods_are_405_and_say_which_are_not(client, method, path, allowed):
    answer = client.open(path, method=method)
    assert answer.status_code == 405
    assert allowed in answer.headers["Allow"]


def test_another_host_is_refused_before_anything_is_read(client, provider):
    for path in ("/", "/areas.csv", "/-/healthy", "/area/n03/report.pdf", "/_dash-layout"):
        answer = client.get(path, headers={"Host": "rebound.example"})
        assert answer.status_code == 421
        assert "not served for the host 'rebound.example'" in answer.text
    assert client.post("/_dash-update-component", json={}, headers={"Host": "rebound.example"}).status_code == 421
    web = WebSettings(address="127.0.0.1", behind_proxy=True, hosts=("bairro.example.net",))
    proxied = create_app(replace(provider, web=web)).server.test_client()
    assert proxied.get("/areas.csv", headers={"Host": "bairro.example.net"}).status_code == 200
    assert proxied.get("/areas.csv", headers={"Host": "127.0.0.1:8050"}).status_code == 421
    assert proxied.get("/-/healthy", headers={"Host": "127.0.0.1:8050"}).status_code == 200


def test_large_bodies_are_refused(client):
    body = b"[" + b" " * MOST_BODY_BYTES
    answer = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 413
    assert answer.text.startswith("This request is too large")


def test_what_fails_is_told_without_its_inside(provider, monkeypatch, capsys):
    app = create_app(provider)
    app.server.view_functions["ranking"] = lambda: 1 / 0
    answer = app.server.test_client().get("/areas.csv")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_flood_of_refusals_is_one_line_in_ten_seconds():
    log = QuietLog(10)
    assert log.line("refused: a", 100.0) == "bairro serve: refused: a"
    assert [log.line("refused: b", 100.0 + i / 100) for i in range(999)] == [None] * 999
    assert log.line("refused: c", 110.0) == "bairro serve: refused: c (999 more since the last line)"
    assert log.line("refused: d", 120.0) == "bairro serve: refused: d"
