"""The wall: worst first in calm and in trouble, the last day, what a sound is for; and in a browser nothing to scroll."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from dash import no_update

from dashboard.app import page
from dashboard.figures.live import last_day, worst_devices
from dashboard.pages import wall
from dashboard.pages.source import visit

from .test_layouts import find, text_of

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def live(source):
    return source.live()


@pytest.fixture(scope="module")
def quiet(live):
    """The same network with nothing wrong."""
    devices = live.devices.assign(state="up", incident_id=None, root=None)
    return dataclasses.replace(live, devices=devices, incidents=live.incidents.iloc[:0])


def with_incidents(live, *rows):
    """``live`` with (kind, minutes since it began, minutes since it ended or None, customers)."""
    one = live.incidents.iloc[0].to_dict()
    made = [
        one
        | {
            "incident_id": f"x{i}",
            "kind": kind,
            "started_at": pd.Timestamp(NOW - timedelta(minutes=began)),
            "ended_at": pd.NaT if ended is None else pd.Timestamp(NOW - timedelta(minutes=ended)),
            "subscribers_affected": customers,
        }
        for i, (kind, began, ended, customers) in enumerate(rows)
    ]
    table = pd.DataFrame(made).astype({"taken_up": object})
    return dataclasses.replace(live, incidents=table.assign(ended_at=pd.to_datetime(table["ended_at"], utc=True)))


def test_the_address_asks_for_it(source):
    assert "board" in page(source, "/", "?view=wall").className
    assert "board" not in page(source, "/", "?view=other").className


def test_the_worst_incidents_stand_first_with_who_has_taken_them_on(live, source):
    said = text_of(wall.incidents(live, source, NOW))
    assert said.index("n03-agg is down") < said.index("n11-olt2 is down")
    assert said.count(wall.TEXT["nobody"]) == 3
    many = with_incidents(live, *[("outage", i + 1, None, 100 - i) for i in range(8)])
    assert text_of(wall.incidents(many, source, NOW)).endswith("and 3 more incidents")


def test_in_calm_it_lists_what_measures_worst(quiet, source):
    said = text_of(wall.calm(quiet, source))
    assert said.startswith(wall.TEXT["calm"])
    for one in worst_devices.rankings(quiet):
        assert len(one.rows) <= worst_devices.MOST
    loads = worst_devices.rankings(quiet)[2].rows
    values = quiet.devices[quiet.devices["role"] != "cpe"].set_index("device_id")["utilization_ratio"]
    assert [row[0] for row in loads] == list(values.sort_values(ascending=False).index[: worst_devices.MOST])
    assert "not measured" in said, "no signal is measured there"
    silent = dataclasses.replace(quiet, devices=quiet.devices.assign(loss_ratio=float("nan")))
    assert [one.nothing for one in worst_devices.rankings(silent)] == ["not measured"] * 4
    still = dataclasses.replace(quiet, devices=quiet.devices.assign(loss_ratio=0.0))
    assert worst_devices.rankings(still)[0].nothing == "no ping was lost"


def test_what_is_not_known_is_never_called_calm(quiet, source):
    blind = dataclasses.replace(quiet, is_database_known=False)
    assert text_of(wall.calm(blind, source)).startswith("? ")
    assert text_of(wall.day(blind, NOW)) == wall.TEXT["day_unknown"]


def test_planned_work_alone_is_no_trouble(quiet, live, source):
    planned = dataclasses.replace(quiet, incidents=with_incidents(live, ("planned", 10, None, 5)).incidents)
    assert wall.news(planned, NOW) == []
    assert "planned work under way: 1" in text_of(wall._middle(planned, source, NOW))


def test_a_sound_is_for_what_nobody_has_taken_on(live):
    assert wall.news(live, NOW) == ["i-agg", "i-group", "i-olt"]
    taken = live.incidents.assign(taken_up=[("maria", "on it")] * len(live.incidents))
    assert wall.news(dataclasses.replace(live, incidents=taken), NOW) == []


def test_the_last_day_counts_each_quarter_by_itself(live):
    shown = with_incidents(
        live, ("outage", 60, 40, 70), ("outage", 50, None, 30), ("planned", 3000, 2900, 9), ("blind", 200, 190, 0)
    )
    found = last_day.quarters(shown, NOW)
    assert len(found) == last_day.QUARTERS
    assert found[-1].out == 30
    assert max(one.out for one in found) == 100
    assert sum(one.planned for one in found) == 0, "that was two days ago"
    assert 1 <= sum(one.is_blind for one in found) <= 2
    assert found[-1].at <= NOW < found[-1].at + last_day.QUARTER


def test_incidents_of_one_quarter_that_followed_each_other_are_not_added(live):
    shown = with_incidents(live, ("outage", 33, 32, 465), ("outage", 31, 30, 600))
    assert max(one.out for one in last_day.quarters(shown, NOW)) == 600


def test_a_tick_sends_only_what_changed(source):
    first = wall.refresh(visit(source), "light", None)
    assert no_update not in first
    assert json.loads(first[5]) == ["i-agg", "i-group", "i-olt"]
    again = wall.refresh(visit(source), "light", first[-1])
    assert [one for one in again[:-1] if one is not no_update] in ([], [again[2]]), "minutes may have gone on"
    layout = wall.layout(visit(source))
    assert find(layout, "wall-seen").data[4] == "", "the map is still to come"


@pytest.mark.slow
def test_on_a_wall_nothing_scrolls_and_a_new_incident_sounds_where_it_was_wished(served, watch):
    url, _ = served
    seen = watch((1920, 1080), "dark")
    seen.go(f"{url}/?view=wall", "#wall-map .choroplethlayer path")
    assert not seen.page.locator("header.top").is_visible()
    for size in ((1920, 1080), (3840, 2160)):
        seen.page.set_viewport_size({"width": size[0], "height": size[1]})
        assert seen.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        cut = "(i) => { const e = document.querySelector(i); return e.scrollHeight - e.clientHeight > 1; }"
        assert not seen.page.evaluate(cut, "#wall-main")
        assert not seen.page.evaluate(cut, ".board .tiles")
        seen.shot(f"wall-{size[0]}")
    button = seen.page.locator("#wall-sound")
    button.click()
    seen.page.locator("#wall-sound", has_text="Sound is on").wait_for()
    before = seen.page.evaluate("window.bairroSounds")
    seen.page.wait_for_timeout(1100)
    seen.page.evaluate("document.getElementById('wall-news').dataset.news = JSON.stringify(['i-new', 'i-agg'])")
    seen.page.wait_for_function(f"window.bairroSounds === {before + 1}")
    seen.page.evaluate("history.replaceState({}, '', '/?view=wall&pages=/,/incidents&seconds=5')")
    seen.page.wait_for_function("location.pathname === '/incidents'", timeout=20_000)
    seen.page.keyboard.press("Escape")
    seen.page.locator("header.top").wait_for()
    assert seen.page.evaluate("location.search") == ""
    seen.assert_clean()
