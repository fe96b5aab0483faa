"""The pages in Chromium: clean consoles, nothing from elsewhere, state in the URL, renewal without a reload."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.slow

SIZES = {"desk": (1366, 768), "wall": (1920, 1080), "phone": (390, 844)}
SHOWS = {
    "now": ("/", "#now-map .choroplethlayer path"),
    "areas": ("/areas", "#areas-map .choroplethlayer path"),
    "area": ("/area/n03", "#area-weeks .barlayer path"),
    "incidents": ("/incidents", "#incidents-grid .ag-row a"),
    "incident": ("/incident/i-agg", ".story li"),
    "device": ("/device/n03-olt1", ".device .way li"),
    "fixes": ("/fixes", ".order li"),
    "loyalty": ("/loyalty", ".share .part"),
    "evidence": ("/evidence", ".table-box .interval .dot"),
    "methods": ("/methods/what-would-help", ".prose p"),
}


@pytest.mark.parametrize(
    ("name", "size", "theme"),
    [
        *((name, "desk", "light") for name in SHOWS),
        *((name, "wall", "dark") for name in ("fixes", "loyalty", "evidence")),  # the others: tests/end_to_end
    ],
)
def test_every_page_is_clean_and_keeps_to_its_width(served, watch, name, theme, size):
    url, _ = served
    path, shows = SHOWS[name]
    seen = watch(SIZES[size], theme, strict=True)
    seen.go(url + path, shows)
    assert seen.page.evaluate("document.documentElement.dataset.theme") == theme
    seen.page.wait_for_timeout(400)
    seen.shot(f"{name}-{size}-{theme}")
    assert seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    seen.assert_clean()


@pytest.mark.parametrize("name", ["fixes", "loyalty", "evidence"])
def test_pages_to_read_fit_a_phone(served, watch, name):
    url, _ = served
    path, shows = SHOWS[name]
    seen = watch(SIZES["phone"])
    seen.go(url + path, shows)
    assert seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    for box in seen.page.locator(".table-box").all():
        assert box.get_attribute("tabindex") == "0", "what scrolls can be reached by keyboard"
        assert box.get_attribute("aria-label")
    seen.assert_clean()


def test_now_renews_itself_and_keeps_scroll_and_selection(sample, serve, watch, tmp_path):
    settings = sample.make(tmp_path)
    seen = watch()
    seen.go(serve(settings) + "/", "#now-devices .ag-row")
    seen.page.wait_for_load_state("networkidle")  # a row chosen while the grid takes its first rows in is let go
    viewport = seen.page.locator("#now-devices .ag-body-viewport")
    node = "window.dash_ag_grid.getApi('now-devices').getRowNode('n03-cpe11')"
    seen.page.evaluate(f"() => {{ window.notReloaded = true; {node}.setSelected(true); }}")
    viewport.evaluate("element => { element.scrollTop = 200; }")
    table = sample.network(datetime.now(UTC))
    table.loc[table["device_id"] == "n09-olt2", "state"] = "down"
    sample.write_live(settings.data, datetime.now(UTC), table)
    seen.page.locator("#now-tiles .tile", has_text="Down").locator("strong", has_text="3").wait_for(timeout=20_000)
    seen.page.wait_for_function("window.dash_ag_grid.getApi('now-devices').getRowNode('n09-olt2') !== undefined")
    assert seen.page.evaluate("window.notReloaded")
    assert viewport.evaluate("element => element.scrollTop") == 200
    assert seen.page.evaluate(f"{node}.isSelected()")
    seen.assert_clean()


COVERED = """() => {
  const drawn = [...document.querySelectorAll("#now-map .scattergeo text")].filter((t) => t.style.visibility !== "hidden");
  const boxes = drawn.map((t) => ({said: t.textContent, box: t.getBoundingClientRect()}));
  const over = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const frame = document.querySelector("#now-map .main-svg").getBoundingClientRect();
  const names = boxes.filter((one) => one.said.length > 1);
  return {
    names: names.map((one) => one.said),
    covering: names.flatMap((a) => boxes.filter((b) => a !== b && over(a.box, b.box)).map((b) => a.said + " over " + b.said)),
    cut: names.filter((a) => a.box.left < frame.left || a.box.right > frame.right).map((a) => a.said),
    clip: getComputedStyle(document.querySelector("#now-map .geo")).clipPath,
  };
}"""


DRAW_ANEW = """async () => {
  const map = document.querySelector("#now-map .js-plotly-plot");
  await Plotly.newPlot(map, map.data, map.layout);
}"""


def test_names_on_the_map_cover_nothing_and_devices_show_the_end_of_their_names(served, watch):
    url, _ = served
    seen = watch(SIZES["phone"])
    seen.go(url + "/", "#now-map .scattergeo text")
    seen.page.wait_for_function("() => document.querySelector('#now-map .scattergeo g[style*=translate]')")
    told = seen.page.evaluate(COVERED)
    assert told["names"]
    assert told["covering"] == told["cut"] == []
    assert told["clip"] == "none", "plotly would cut names off at the outlines"
    seen.page.evaluate(DRAW_ANEW)
    seen.page.wait_for_function(f"() => ({COVERED})().covering.length === 0 && ({COVERED})().names.length > 0")
    name = seen.page.locator("#now-devices .cut").first
    assert name.get_attribute("title") == name.inner_text().replace("\n", "")
    end = name.locator("span").last
    assert end.evaluate("element => element.scrollWidth <= element.clientWidth"), "the end is never cut"


def test_now_says_when_its_data_are_old_or_the_collector_is_blind(sample, serve, watch, tmp_path):
    settings = sample.settings(tmp_path)
    long_ago = datetime.now(UTC) - timedelta(minutes=12)
    sample.write_live(settings.data, long_ago)
    sample.write_incidents(settings.database_url, long_ago)
    seen = watch()
    seen.go(serve(settings) + "/", "#now-age.old")
    assert seen.page.locator("#now-age").inner_text().startswith("▲ data 12 min")
    assert "These data are old" in seen.page.locator("#now-banners").inner_text()
    sample.write_incidents(settings.database_url, long_ago, is_blind=True)
    seen.page.locator("#now-age.blind").wait_for(timeout=20_000)
    seen.shot("now-blind")
    seen.assert_clean()


def test_a_phone_that_loses_the_network_says_so_and_takes_up_again(served, watch):
    url, _ = served
    seen = watch(SIZES["phone"])
    seen.go(url + "/", "#now-age")
    seen.page.locator("#now-age", has_text="live").wait_for()
    seen.page.context.set_offline(True)
    seen.page.locator("#connection", has_text="lost its connection").wait_for(timeout=15_000)
    seen.page.locator("#now-age", has_text="▲ not renewed · data").wait_for()
    assert seen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    seen.shot("now-offline")
    seen.page.context.set_offline(False)
    seen.page.wait_for_function("() => !document.documentElement.dataset.connection", polling=200)
    seen.page.locator("#now-age", has_text="live").wait_for()
    assert not seen.page.locator("#connection").is_visible()


def test_a_part_that_the_server_cannot_renew_is_said(served, watch):
    """The server lives; the request that renews the page is answered with an error, for a while."""
    url, _ = served
    seen = watch()
    seen.go(url + "/", "#now-age")
    seen.page.locator("#now-age", has_text="live").wait_for()
    seen.page.route("**/_dash-update-component*", lambda route: route.fulfill(status=500, body="no"))
    seen.page.locator("#connection", has_text="cannot renew a part of this page").wait_for(timeout=15_000)
    seen.page.locator("#now-age", has_text="▲ not renewed · data").wait_for()
    seen.page.unroute("**/_dash-update-component*")
    seen.page.locator("#now-age", has_text="live").wait_for(timeout=15_000)
    assert not seen.page.locator("#connection").is_visible()


def test_before_anything_is_there_the_pages_say_what_to_do(sample, serve, watch, tmp_path):
    url = serve(sample.settings(tmp_path))
    seen = watch()
    seen.go(url + "/", "#now-banners .empty")
    assert "bairro collect" in seen.page.locator("#now-banners").inner_text()
    seen.shot("now-empty")
    seen.go(url + "/areas", ".empty")
    assert "bairro build" in seen.page.locator(".empty").inner_text()
    seen.assert_clean()
    seen.go(url + "/area/n03", "h1")
    assert seen.page.locator("h1").inner_text() == "There is no such page"
    seen.page.get_by_role("link", name="Areas at risk").click()
    seen.page.locator(".empty", has_text="No results yet").wait_for()


def test_a_row_opens_its_area_and_back_returns(served, watch):
    url, _ = served
    seen = watch()
    seen.go(url + "/areas?verdict=at_risk", "#areas-grid .ag-row")
    rows = seen.page.locator("#areas-grid .ag-center-cols-container .ag-row")
    three = "document.querySelectorAll('#areas-grid .ag-center-cols-container .ag-row').length === 3"
    seen.page.wait_for_function(three)
    key = rows.first.get_attribute("row-id")
    rows.first.locator(".ag-cell").nth(4).click()
    seen.page.locator("h1").first.wait_for()
    seen.page.wait_for_url(f"**/area/{key}")
    seen.page.go_back()
    seen.page.wait_for_function(three)
    assert urlsplit(seen.page.url).query == "verdict=at_risk"
    seen.assert_clean()


def test_filter_and_sort_live_in_the_url(served, watch):
    url, _ = served
    seen = watch()
    seen.go(url + "/areas", "#areas-grid .ag-row")
    seen.page.get_by_label("Ordinary").uncheck()
    seen.page.locator("#areas-search").fill("dock")
    seen.page.locator("#areas-search").press("Enter")
    seen.page.locator("#areas-grid .ag-header-cell[col-id=customers]").click()
    seen.page.wait_for_function("location.search.includes('q=dock') && location.search.includes('sort=customers')")
    assert "verdict=at_risk,watch,too_little_data" in seen.page.url
    link = seen.page.url
    other = watch()
    other.go(link, "#areas-grid .ag-row")
    other.page.wait_for_function(
        "document.querySelectorAll('#areas-grid .ag-center-cols-container .ag-row').length === 1"
    )
    assert other.page.locator("#areas-grid .ag-header-cell[col-id=customers]").get_attribute("aria-sort") == "ascending"
    for one in (seen, other):
        one.assert_clean()


def test_on_paper_a_table_has_all_its_rows_as_filtered(served, watch):
    """The grid itself keeps only the rows that the screen shows."""
    url, _ = served
    seen = watch()
    seen.go(url + "/areas?verdict=at_risk", "#areas-grid .ag-row")
    rows = "document.querySelectorAll('.on-paper tbody tr').length"
    seen.page.wait_for_function(
        "document.querySelectorAll('#areas-grid .ag-center-cols-container .ag-row').length === 3"
    )
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert seen.page.evaluate(rows) == 3
    seen.page.emulate_media(media="print")
    table = seen.page.locator(".on-paper")
    assert "■ At risk" in table.inner_text()
    assert not seen.page.locator("#areas-grid .ag-root").is_visible()
    assert table.locator("tr").nth(1).locator("td").count() == table.locator("th").count()
    seen.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert seen.page.evaluate(rows) == 0
    seen.assert_clean()


def test_the_theme_is_asked_for_chosen_and_remembered(served, watch):
    url, _ = served
    seen = watch(theme="light")
    theme = "document.documentElement.dataset.theme"
    seen.go(url + "/areas?theme=dark", "#areas-grid .ag-row")
    assert seen.page.evaluate(theme) == "dark"
    seen.go(url + "/areas", "#areas-grid .ag-row")
    assert seen.page.evaluate(theme) == "light", "what a link asks for is not a choice"
    seen.page.locator("#theme-toggle").click()
    assert seen.page.evaluate(theme) == "dark"
    background = "getComputedStyle(document.querySelector('#areas-grid .ag-root-wrapper')).backgroundColor"
    assert seen.page.evaluate(background) == "rgb(23, 32, 42)", "the table follows"
    seen.go(url + "/area/n03", "#area-weeks .barlayer path")
    assert seen.page.evaluate(theme) == "dark"
    seen.assert_clean()


def test_the_keyboard_reaches_everything_and_shows_where_it_is(served, watch):
    url, _ = served
    seen = watch()
    seen.go(url + "/areas", "#areas-grid .ag-row")
    names = []
    links = seen.page.locator("a, button, summary").count()
    while len(names) < 18 or ("Download CSV" not in names and len(names) < links):
        seen.page.keyboard.press("Tab")
        names.append(
            seen.page.evaluate(
                "document.activeElement.innerText || document.activeElement.id || document.activeElement.type"
            )
        )
        shown = seen.page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none' || document.activeElement.matches('.ag-tab-guard, .ag-header-cell')"
        )
        assert shown, names[-1]
    assert names[0] == "Skip to content"
    assert {"Now", "Areas at risk", "Download CSV"} <= set(names)


def test_a_click_on_the_map_opens_the_area(served, watch):
    url, _ = served
    seen = watch()
    seen.go(url + "/areas", SHOWS["areas"][1])
    box = seen.page.locator(SHOWS["areas"][1]).nth(8).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    seen.page.mouse.move(x - 2, y - 2)
    seen.page.mouse.move(x, y)
    seen.page.locator("#areas-map .hoverlayer .hovertext").wait_for()
    seen.page.mouse.click(x, y)
    seen.page.wait_for_url("**/area/*")
    seen.assert_clean()


def test_an_area_can_be_linked_with_its_span(served, watch):
    url, _ = served
    seen = watch()
    seen.go(url + "/area/n03?weeks=13", SHOWS["area"][1])
    bars = seen.page.locator("#area-weeks .barlayer .trace.bars").first.locator(".point")
    assert bars.count() == 13
    seen.page.get_by_label("6 months").check()
    seen.page.wait_for_url("**weeks=26")
    seen.page.wait_for_function(
        "document.querySelector('#area-weeks .barlayer .trace.bars').querySelectorAll('.point').length === 26"
    )
    seen.assert_clean()


def test_the_report_opens_alone(served, watch):
    url, _ = served
    seen = watch()
    seen.page.goto(url + "/area/n03/report.html")
    assert "Dunmere" in seen.page.locator("h1").inner_text()
    seen.shot("report")
    seen.assert_clean()


def test_the_policy_of_the_pages_is_never_broken_by_themselves(served, watch):
    """Maps, tables, charts, themes, paper and the way from page to page, with the policy in force."""
    url, _ = served
    seen = watch(strict=True)
    seen.page.add_init_script(
        "window.broken = []; addEventListener('securitypolicyviolation', (e) => "
        "broken.push(e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sourceFile));"
    )
    seen.go(url + "/areas", SHOWS["areas"][1])
    seen.page.locator("#areas-search").fill("dock")
    seen.page.locator("#areas-grid .ag-header-cell[col-id=customers]").click()
    seen.page.locator("#theme-toggle").click()
    for name in ("Now", "What would help", "Loyalty", "Evidence", "Looking back"):
        seen.page.locator("#navigation").get_by_role("link", name=name, exact=True).click()
        seen.page.locator("#page h1", has_text=name).wait_for(state="attached", timeout=60_000)
        seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        seen.page.emulate_media(media="print")
        seen.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        seen.page.emulate_media(media="screen")
    seen.go(url + "/area/n03", SHOWS["area"][1])
    seen.page.get_by_label("6 months").check()
    seen.page.locator("#area-weeks .barlayer path").first.hover(force=True)
    seen.page.wait_for_timeout(6_000)  # the page renews its network
    assert seen.page.evaluate("broken") == []
    seen.go(url + "/area/n03/report.html", "svg")
    assert seen.page.evaluate("broken") == []
    seen.assert_clean()


def test_a_script_that_gets_into_a_page_does_not_run(served, watch):
    url, _ = served
    seen = watch(strict=True)
    seen.go(url + "/fixes", "#page h1")
    run = "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s); })()"
    seen.page.evaluate(run)
    assert seen.page.evaluate("window.ran === undefined")
    seen.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')")
    seen.page.evaluate("fetch('http://203.0.113.9/').catch(() => 0)")
    seen.page.wait_for_timeout(300)
    assert seen.page.evaluate("window.ran === undefined")
    assert seen.foreign == []


def test_anything_is_found_by_the_keyboard_alone(served, watch):
    url, _ = served
    seen = watch()
    seen.go(url + "/evidence", "h1")
    seen.page.keyboard.press("/")
    field = seen.page.locator("#find-field")
    field.wait_for()
    seen.page.keyboard.type("n11-olt")
    seen.page.locator("#find-list [role=option]").first.wait_for()
    assert field.get_attribute("aria-expanded") == "true"
    assert field.get_attribute("aria-activedescendant") == "find-0"
    seen.page.keyboard.press("ArrowDown")
    chosen = seen.page.locator("#find-list [aria-selected=true]")
    assert chosen.get_attribute("id") == field.get_attribute("aria-activedescendant") == "find-1"
    assert chosen.locator("b").inner_text() == "n11-olt2"
    seen.shot("find")
    seen.page.keyboard.press("Enter")
    seen.page.locator(".page.device h1", has_text="n11-olt2").wait_for()
    assert not seen.page.locator("#find").is_visible()
    seen.page.locator("#find-open").click()
    field.fill("<img src=x>")
    seen.page.locator("#find-status", has_text="No match").wait_for()
    seen.page.keyboard.press("Escape")
    assert not seen.page.locator("#find").is_visible()
    seen.assert_clean()
