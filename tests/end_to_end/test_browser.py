"""The pages in Chromium: no console error, nothing fetched from elsewhere, the network moves, a click goes somewhere."""

from __future__ import annotations

import csv
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow
SIZES = {"laptop": (1366, 768), "wall": (1920, 1080)}
NOT_FETCHED = ("data:", "blob:", "about:")


class Watched:
    """A page, what its console complained of, and where its requests went."""

    def __init__(self, browser, size: tuple[int, int], scheme: str = "light") -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.page = browser.new_context(viewport=viewport, color_scheme=scheme, bypass_csp=True).new_page()
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", lambda r: self.complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        self.page.on("request", self._sent)

    def _heard(self, message) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def _sent(self, request) -> None:
        if not request.url.startswith(NOT_FETCHED):
            self.hosts.add(urlsplit(request.url).hostname or request.url)

    def open(self, url: str) -> None:
        self.page.goto(url, wait_until="load")
        self.page.locator("h1").first.wait_for(state="attached")
        self.page.wait_for_function("!document.querySelector('._dash-loading, [data-dash-is-loading=true]')")


@pytest.fixture
def watch(browser):
    opened = []

    def start(size: str = "laptop", scheme: str = "light") -> Watched:
        opened.append(Watched(browser, SIZES[size], scheme))
        return opened[-1]

    yield start
    for watched in opened:
        watched.page.context.close()


def an_area(demo) -> str:
    with (demo.folder / "devices.csv").open(newline="") as file:
        return next(row["area"] for row in csv.DictReader(file) if row["role"] == "cpe")


@pytest.mark.parametrize(("size", "scheme"), [("laptop", "light"), ("wall", "dark")])
@pytest.mark.parametrize("name", ["now", "areas", "area"])
def test_each_page_opens_cleanly(built_demo, watch, artifacts, name, scheme, size):
    paths = {"now": "/", "areas": "/areas", "area": f"/area/{an_area(built_demo)}"}
    shows = {"now": "#now-tiles .tile", "areas": "#areas-grid .ag-row", "area": ".page.area .js-plotly-plot"}
    watched = watch(size, scheme)
    watched.open(built_demo.web + paths[name])
    watched.page.locator(shows[name]).first.wait_for()
    watched.page.locator(".js-plotly-plot .main-svg").first.wait_for()
    watched.page.wait_for_timeout(1_000)
    watched.page.screenshot(path=artifacts / f"{name}-{size}-{scheme}.png")
    assert watched.complaints == []
    assert watched.hosts == {"127.0.0.1"}
    width = watched.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert width <= 0, "no page scrolls sideways"


def test_an_injected_outage_shows_up_without_a_reload(built_demo, watch, artifacts):
    with (built_demo.folder / "devices.csv").open(newline="") as file:
        node = [row["device_id"] for row in csv.DictReader(file) if row["role"] in ("olt", "cmts", "ap", "switch")][-1]
    watched = watch("wall")
    watched.open(built_demo.web + "/")
    watched.page.evaluate("window.notReloaded = true")
    built_demo.inject([{"device": node, "kind": "outage"}])
    try:
        watched.page.locator("#now-incidents .incident", has_text=node).wait_for(timeout=90_000)
        watched.page.screenshot(path=artifacts / "now-outage.png")
        assert watched.page.evaluate("window.notReloaded"), "the page renewed itself"
    finally:
        built_demo.inject([])
    watched.page.locator("#now-incidents .incident", has_text=node).wait_for(state="detached", timeout=90_000)
    assert watched.complaints == []


def test_a_click_on_a_row_opens_its_area(built_demo, watch):
    watched = watch()
    watched.open(built_demo.web + "/areas")
    row = watched.page.locator("#areas-grid .ag-center-cols-container .ag-row").first
    row.wait_for()
    area = row.get_attribute("row-id")
    row.locator(".ag-cell").nth(3).click()
    watched.page.wait_for_url("**/area/**")
    assert area is not None
    assert urlsplit(watched.page.url).path.endswith(area.replace(" ", "%20"))
    watched.page.go_back()
    watched.page.locator("#areas-grid .ag-row").first.wait_for()
    assert watched.complaints == []


def test_the_ranking_is_taken_away_as_csv(built_demo, watch):
    watched = watch()
    watched.open(built_demo.web + "/areas")
    with watched.page.expect_download() as downloading:
        watched.page.get_by_text("Download CSV").click()
    lines = downloading.value.path().read_text().splitlines()
    assert len(lines) == 7, "a head and six areas"
    assert "area" in lines[0].split(",")
