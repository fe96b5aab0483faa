"""*Replay*: a night moment by moment, as it is on record, and nothing said of what is not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from collector import parquet_footer
from collector.published import DEVICES, INCIDENT_DEVICES, INCIDENTS, OPERATIONS, QUALITY_HOURS
from dashboard.app import create_app, page
from dashboard.figures.charts import map as maps
from dashboard.operations.replay import Night
from dashboard.pages import replay
from dashboard.pages.source import Source, Visit, visit

from .test_layouts import find, text_of

DAY = date(2026, 3, 10)
BEGAN = datetime(2026, 3, 10, 18, tzinfo=UTC)
MORNING = datetime(2026, 3, 11, 9, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def device(name: str, parent: str | None, subscribers: int, area: str = "n03", role: str = "olt") -> dict[str, Any]:
    return {
        "device_id": name,
        "valid_from": BEGAN - timedelta(days=90),
        "area": area,
        "parent": parent,
        "role": role,
        "subscribers": subscribers,
    }


@pytest.fixture(scope="module")
def source(sample, tmp_path_factory) -> Source:
    """A night in which olt-1 and cpe-1 were out from 60 to 90 minutes, cpe-2 was degraded, and a collector blind at the end."""
    settings = sample.settings(tmp_path_factory.mktemp("night"))
    sample.write_areas(settings.data)
    rows = [device("olt-1", None, 10), device("cpe-1", "olt-1", 1, role="cpe"), device("cpe-2", None, 5, "n04", "cpe")]
    parquet_footer.write(pa.Table.from_pylist(rows, DEVICES.arrow_schema()), settings.data / "devices.parquet")
    hours = [
        {"hour": BEGAN + timedelta(hours=h), "device_id": row["device_id"], "observed_seconds": 3600.0}
        for h in range(6)
        for row in rows
        if not (h == 3 and row["area"] == "n04")
    ]
    for day in (10, 11):
        own = [row for row in hours if row["hour"].day == day]
        folder = settings.data / "quality" / f"date=2026-03-{day}"
        folder.mkdir(parents=True)
        parquet_footer.write(pa.Table.from_pylist(own, QUALITY_HOURS.arrow_schema()), folder / "day.parquet")
    engine = sa.create_engine(settings.database_url)
    OPERATIONS.create_all(engine)
    base = {
        "detected_by": "0",
        "devices_affected": 2,
        "subscribers_affected": 11,
        "customer_minutes_lost": 330.0,
        "measure": None,
    }
    incidents = [
        base | {"incident_id": "i-1", "root_device_id": "olt-1", "scope": "subtree", "area": "n03", "kind": "outage", "started_at": at(60), "ended_at": at(90)},
        base | {"incident_id": "i-2", "root_device_id": "cpe-2", "scope": "device", "area": "n04", "kind": "degradation", "measure": "loss", "started_at": at(60), "ended_at": at(120)},
        base | {"incident_id": "i-3", "root_device_id": None, "scope": "collector", "area": None, "kind": "blind", "started_at": at(700), "ended_at": None},
    ]  # fmt: skip
    members = [
        ("i-1", "olt-1", 60, 90, 10, "n03"),
        ("i-1", "cpe-1", 61, 90, 1, "n03"),
        ("i-2", "cpe-2", 60, 120, 5, "n04"),
    ]
    names = ("incident_id", "device_id", "started_at", "ended_at", "subscribers", "area")
    with engine.begin() as connection:
        connection.execute(sa.insert(INCIDENTS), incidents)
        told = [
            dict(zip(names, (key, name, at(start), at(end), count, area), strict=True))
            for key, name, start, end, count, area in members
        ]
        connection.execute(sa.insert(INCIDENT_DEVICES), told)
    engine.dispose()
    return Source(settings)


@pytest.fixture
def night(source) -> Night:
    return source.replay.night(BEGAN, BEGAN + timedelta(hours=14), MORNING)


def test_each_moment_is_as_the_incidents_of_that_moment_say(night):
    quiet, out, later = (night.moment(at(minutes)) for minutes in (30, 75, 100))
    assert [one.devices for one in (quiet, out, later)] == [
        {"down": 0, "suppressed": 0, "degraded": 0},
        {"down": 1, "suppressed": 1, "degraded": 1},
        {"down": 0, "suppressed": 0, "degraded": 1},
    ]
    assert dict(zip(out.areas["area"], out.areas["state"], strict=True)) == {"n03": "outage", "n04": "degraded"}
    assert int(out.areas["affected"].sum()) == 11
    assert [row["incident_id"] for row in later.open] == ["i-2"]


def test_the_end_of_an_incident_is_no_more_part_of_it(night):
    assert [row["incident_id"] for row in night.moment(at(90)).open] == ["i-2"]
    assert [row["incident_id"] for row in night.moment(at(60)).open] == ["i-1", "i-2"]


def test_an_area_that_was_not_observed_is_unknown_and_one_whose_hours_are_not_written_yet_is_not_judged(night):
    states = {
        minutes: dict(zip(*(night.moment(at(minutes)).areas[c] for c in ("area", "state")), strict=True))
        for minutes in (190, 600)
    }
    assert states[190] == {"n03": "up", "n04": "unknown"}
    assert states[600] == {"n03": "up", "n04": "up"}


def test_customers_without_service_are_counted_once_and_from_the_minute_on(night):
    course = night.course()
    assert [course[i] for i in (0, 1, 2, -1)] == [(BEGAN, 0), (at(60), 10), (at(61), 11), (at(90), 0)]


def test_the_page_begins_where_most_were_struck_and_says_what_is_not_kept(source):
    seen = Visit(source, {"night": DAY.isoformat()}, MORNING)
    layout = replay.layout(seen)
    assert find(layout, "replay-at").value == 61
    said = text_of(layout)
    assert "Replay: night of 10 Mar 2026" in said
    assert "lone silent devices are not kept" in said
    assert "Outage:  olt-1 and 1 device behind it" in said
    assert "10 Mar 2026 19:01" in said


def test_a_moment_in_which_the_collector_was_blind_says_so(source):
    seen = Visit(source, {"night": DAY.isoformat()}, MORNING)
    assert "The collector had lost sight of the network at this moment" in text_of(replay.shown(seen, DAY, 710)[1])


def test_what_is_yet_to_come_is_not_told(source):
    seen = Visit(source, {"night": DAY.isoformat()}, at(30))
    tiles, cards, _ = replay.shown(seen, DAY, 75)
    assert tiles == []
    assert "yet to come" in text_of(cards)
    assert "yet to come" in replay.area_map(seen, DAY, 75, "light").layout.annotations[0].text
    assert replay._last_step(seen, DAY) == 30


@pytest.mark.parametrize(
    "search",
    ["?night=x", "?night=9999-01-01", "?night=0001-01-01&at=-4", "?night=2026-03-10&at=99999999", "?at=%D9%A3"],
)
def test_an_edited_address_shows_a_night(source, search):
    assert "Replay: night of" in text_of(page(source, "/replay", search))


def test_every_hover_names_its_measure(source):
    seen = Visit(source, {"night": DAY.isoformat()}, MORNING)
    texts = replay.course(seen, DAY, 75, replay.theme("dark")).data[0].text
    assert "Customers without service: 11" in texts
    hovers = replay.area_map(seen, DAY, 75, "dark").data[0].text
    assert any("11 of 11 customers without service" in text for text in hovers)
    assert any("no device in the inventory then" in text for text in hovers)


def test_names_with_markup_stand_on_maps_as_they_are(source):
    odd = "<b>A & B</b> <a href='http://x.example'>"
    mark = maps.AreaMark("n03", odd, replay.MARKS["outage"], f"<b>{maps.plain(odd)}</b>")
    drawn = maps.areas([mark], source.outlines, replay.theme("light"), labelled=frozenset({"n03"}))
    written = [text for trace in drawn.data for text in trace.text]
    assert all("<a" not in text and "<b>A" not in text for text in written)
    assert any("&lt;b&gt;A &amp; B" in text for text in written)


def test_without_a_database_the_night_is_not_known(scratch):
    said = text_of(page(Source(scratch), "/replay"))
    assert "The incidents of this night are not known: there is no operations database" in said
    assert create_app(scratch).server.test_client().get("/replay", headers={"Accept": "text/html"}).status_code == 200


def test_a_night_is_read_once_for_all_who_move_the_slider(source, monkeypatch):
    seen = visit(source, f"?night={DAY}")
    replay.shown(seen, DAY, 1)
    monkeypatch.setattr(source.incidents, "between", lambda *_: pytest.fail("asked again"))
    replay.shown(seen, DAY, 2)


def test_before_the_oldest_incident_on_record_nothing_is_said_to_be_zero(source):
    """Nothing says that a collector kept any: the tiles say so, the map too, and no line is drawn."""
    seen = Visit(source, {"night": "2026-03-09"}, MORNING)
    moment = source.replay.night(at(-24 * 60), at(-10 * 60), MORNING).moment(at(-20 * 60))
    assert not moment.is_known
    assert set(moment.areas["state"]) == {"unknown"}
    assert {text_of(tile)[:1] for tile in replay.tiles(moment)} == {"?"}
    assert "not known" in text_of(replay.tiles(moment))
    assert text_of(replay.cards(moment, seen, moment.at)) == replay.TEXT["not_known"]
    assert not len(replay.course(seen, date(2026, 3, 9), 0, replay.theme("light")).data[0].x)
