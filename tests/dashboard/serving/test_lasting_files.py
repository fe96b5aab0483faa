"""Scripts and styles are asked for once by a browser: their addresses change with what they hold."""

from __future__ import annotations

import re

import brotli
import pytest

from dashboard.app import ASSETS, create_app
from dashboard.serving.lasting_files import FOREVER, LastingFiles, plotly_address


@pytest.fixture(scope="module")
def client(provider):
    return create_app(provider).server.test_client()


def addresses(client) -> list[str]:
    page = client.get("/", headers={"Accept": "text/html"}).text
    return [one for one in re.findall(r'(?:src|href)="(/[^"]+)"', page) if not one.startswith("/_favicon")]


def test_every_script_of_a_page_may_be_kept_for_good(client):
    found = [*addresses(client), plotly_address()]
    assert len(found) > 10
    for address in found:
        answer = client.get(address, headers={"Accept-Encoding": "gzip, br"})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, FOREVER), address
        assert answer.headers["Content-Encoding"] == "br"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert brotli.decompress(answer.data), address


def test_the_page_names_plotly_by_what_it_holds(client):
    assert plotly_address() in client.get("/", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123456789abcdef", "?m=1"])
def test_under_another_address_a_file_is_asked_for_anew(client, query):
    answer = client.get(f"/assets/bairro.css{query}")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("asked", "coding"), [("gzip, deflate, br, zstd", "br"), ("br;q=0, gzip", "gzip"), ("*", "br"), ("identity", None)]
)
def test_it_is_compressed_as_the_browser_can_read_it(client, asked, coding):
    answer = client.get("/assets/bairro.css", headers={"Accept-Encoding": asked})
    assert answer.headers.get("Content-Encoding") == coding


def test_a_page_is_never_kept(client):
    for path in ("/", "/-/healthy", "/metrics", "/areas.csv"):
        assert "immutable" not in client.get(path).headers.get("Cache-Control", "")


def test_addresses_without_end_do_not_fill_the_memory(provider):
    app, lasting = create_app(provider), LastingFiles(ASSETS)
    for i in range(3):
        path = f"/_dash-component-suites/dash/html/dash_html_components.v9m{i}.min.js"
        with app.server.test_request_context(path, headers={"Accept-Encoding": "br"}):
            answer = app.server.response_class("x = 1;", mimetype="text/javascript")
            assert lasting.keep(answer).headers["Content-Encoding"] == "br"
    assert len(lasting._compressed) == 1
