"""*Incidents* and *Incident*: the list with its filters and CSV, and how one went, as far as it is on record."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, INCIDENTS, LiveNote
from dashboard.app import create_app, page
from dashboard.figures import incident_list, incident_story
from dashboard.figures.incident_list import Choice
from dashboard.operations import acknowledgements
from dashboard.operations.incident_records import IncidentRecords, Story, Wanted
from dashboard.pages import incidents
from dashboard.pages.source import Source, visit

from .test_layouts import text_of

NOW = datetime.now(UTC).replace(microsecond=0)
PAGES = {"Accept": "text/html"}


def row(**values: Any) -> dict[str, Any]:
    """An outage of olt-1 and one device behind it that is over."""
    return {
        "incident_id": "i-1",
        "root_device_id": "olt-1",
        "scope": "subtree",
        "area": "n01",
        "kind": "outage",
        "started_at": NOW - timedelta(hours=2),
        "ended_at": NOW - timedelta(hours=1),
        "detected_by": "0",
        "devices_affected": 2,
        "subscribers_affected": 7,
        "customer_minutes_lost": 420.0,
        "measure": None,
        "areas": ("n01",),
        "taken_up_by": None,
    } | values


def member(name: str, start: timedelta, end: timedelta | None, **values: Any) -> dict[str, Any]:
    began = NOW - timedelta(hours=2)
    return {
        "incident_id": "i-1",
        "device_id": name,
        "area": "n01",
        "started_at": began + start,
        "ended_at": None if end is None else began + end,
        "subscribers": 1,
    } | values


def told(story: Story) -> list[str]:
    return [event.text for event in incident_story.events(story)]


@pytest.fixture
def add(sample, tmp_path):
    """A provider of its own, and a way to put incidents on its record."""
    settings = sample.settings(tmp_path)
    sample.write_areas(settings.data)
    sample.write_live(settings.data, NOW, note=sample.HOURLY)
    sample.write_incidents(settings.database_url, NOW)
    engine = sa.create_engine(settings.database_url)
    names = {column.name for column in INCIDENTS.columns}

    def put(**values: Any) -> None:
        with engine.begin() as connection:
            connection.execute(sa.insert(INCIDENTS).values({k: v for k, v in row(**values).items() if k in names}))

    yield SimpleNamespace(incident=put, engine=engine, settings=settings, source=Source(settings))
    engine.dispose()


# --- how it went ---


def test_an_incident_is_told_in_order_with_those_together_in_one_line():
    second = timedelta(seconds=1)
    members = [
        member("olt-1", 0 * second, 3600 * second),
        *(member(f"cpe-{i}", (10 + 20 * i) * second, (3540 + i) * second) for i in range(3)),
        member("cpe-9", timedelta(minutes=30), 3600 * second),
    ]
    note = {"acknowledged_by": "ana", "acknowledged_at": NOW - timedelta(minutes=100), "note": "on my way"}
    assert told(Story(row(), tuple(members), (note,))) == [
        "olt-1 missed its first poll",
        "3 devices fell silent within 40 s",
        "ana took it on: on my way",
        "cpe-9 fell silent",
        "5 devices answered again within 1 min",
        "Over after 1 h 00 min",
    ]


def test_devices_that_a_stopped_collector_left_are_not_said_to_have_answered():
    members = [
        member("olt-1", timedelta(0), timedelta(minutes=58)),
        member("cpe-1", timedelta(0), timedelta(minutes=58)),
    ]
    assert told(Story(row(), tuple(members)))[-2:] == [
        "2 devices answered again, or nobody observed them any more",
        "Over after 1 h 00 min",
    ]


@pytest.mark.parametrize(
    ("values", "first"),
    [
        ({"scope": "group"}, "The first of several devices behind olt-1 missed a poll; olt-1 answered"),
        ({"kind": "degradation", "measure": "loss"}, "Packet loss began at olt-1"),
        ({"kind": "blind", "root_device_id": None, "scope": "collector"}, "Collector shard 0 became blind"),
        ({"root_device_id": None}, "an unknown device missed its first poll"),
    ],
)
def test_how_it_began_depends_on_what_it_was(values, first):
    assert told(Story(row(**values)))[0] == first
    assert incident_story.verdict(row(**values))


def test_a_time_in_which_the_collector_was_blind_stands_in_the_story():
    blind = row(
        incident_id="i-b",
        kind="blind",
        scope="collector",
        root_device_id=None,
        started_at=NOW - timedelta(minutes=90),
        ended_at=None,
    )
    assert "Collector shard 0 lost sight of the network (it still is): what happened meanwhile is not observed" in told(
        Story(row(), blind=(blind,))
    )


def test_a_device_that_came_back_and_went_again_is_told_each_time():
    minute = timedelta(minutes=1)
    members = (member("olt-1", 0 * minute, 5 * minute), member("olt-1", 20 * minute, 40 * minute))
    assert told(Story(row(), members)) == [
        "olt-1 missed its first poll",
        "olt-1 answered again",
        "olt-1 fell silent",
        "olt-1 answered again",
        "Over after 1 h 00 min",
    ]


def test_hours_say_nothing_of_what_was_not_measured():
    hour = {
        "hour": pd.Timestamp(NOW),
        "observed_seconds": 1800.0,
        "down_seconds": None,
        "silent_seconds": None,
        "polls_answered": None,
    }
    hour |= {"pings_sent": None, "pings_lost": None, "rtt_p50_seconds": None}
    assert incident_story.hours(pd.DataFrame([hour]), NOW)[0][1:] == ["–", "–", "–", "–", "30 min"]
    pinged = hour | {"pings_sent": 10, "pings_lost": 0, "polls_answered": 0}
    assert incident_story.hours(pd.DataFrame([pinged]), NOW)[0][1:3] == ["0", "0 of 10"]


def test_what_is_not_stored_is_said(source):
    said = text_of(page(source, "/incident/i-agg"))
    assert "are not stored: times are those of the first poll that was missed" in said
    assert "Outage" in said
    assert "n03-agg and 15 devices behind it" in said
    assert "nobody has taken it on" in said
    assert "Check first:  power of n03-agg, then its link to core-1, which answers" in said
    assert "customer-minutes without service so far" in said


def test_who_took_it_on_is_told_on_the_page_and_in_the_list(add):
    acknowledgements.acknowledge(add.engine, "i-agg", "power is out", by="<b>ana</b>", at=NOW)
    said = text_of(page(add.source, "/incident/i-agg"))
    assert "<b>ana</b> took it on: power is out" in said
    assert "nobody" not in said
    rows, _, _ = incidents.listed(visit(add.source), Choice())
    assert {one["incident_id"]: one["taken_up"] for one in rows}["i-agg"] == "<b>ana</b>"


def test_the_list_says_that_the_collector_is_not_heard(add, sample):
    sample.write_live(
        add.settings.data, NOW - timedelta(minutes=12), note=LiveNote(poll_interval_seconds=5, live_seconds=5)
    )
    assert "These data are old: the collector has not reported since" in text_of(
        page(Source(add.settings), "/incidents")
    )


# --- what followed ---


def test_what_followed_is_not_known_before_the_analysis_reaches_it(source, built):
    assert incident_story.aftermath(None, row(), ["n01"], UTC) == ["Not known: there are no results yet."]
    assert (
        "Not known yet" in incident_story.aftermath(built, row(started_at=NOW + timedelta(days=900)), ["n01"], UTC)[0]
    )
    assert "outages and planned work only" in incident_story.aftermath(built, row(kind="blind"), [], UTC)[0]


def test_what_followed_a_single_outage_is_told_with_its_interval_and_verdict(built):
    at = datetime(2026, 3, 4, 10, tzinfo=UTC)
    own = built.incident_effects.head(1).assign(
        outage="n01:2026-03-02", is_pooled=False, area="n01", started_at=pd.Timestamp(at), outcome="leaving", kind="outage",
        excess=4.0, excess_low=1.0, excess_high=7.0, verdict="found",
    )  # fmt: skip
    results = replace(
        built,
        incident_effects=pd.concat([built.incident_effects, own]),
        manifest=built.manifest | {"cut_off": "2026-06-01"},
    )
    said = incident_story.aftermath(results, row(started_at=at), ["n01"], UTC)
    assert said[0] == "Leaving: +4.0 beyond what was expected (1.0 to 7.0), found."
    assert "On average over all on record:" in said
    other = incident_story.aftermath(results, row(started_at=at), ["n02"], UTC)
    assert other[0].startswith("It was not estimated by itself")


# --- the list ---


def ids(source: Source, **asked: str) -> list[str]:
    return [one["incident_id"] for one in incidents.listed(visit(source), Choice.of(asked))[0]]


def test_the_list_is_chosen_by_kind_state_area_months_and_text(add):
    add.incident(
        incident_id="i-old",
        started_at=NOW - timedelta(days=80),
        ended_at=NOW - timedelta(days=79),
        area="n09",
        root_device_id="r-9",
    )
    add.incident(incident_id="i-bad", kind="degradation", measure="latency", area="n10")
    assert ids(add.source) == ["i-group", "i-olt", "i-agg", "i-bad", "i-past"]
    assert ids(add.source, state="open") == ["i-group", "i-olt", "i-agg"]
    assert ids(add.source, state="over", kind="outage") == ["i-past"]
    assert ids(add.source, months="3")[-1] == "i-old"
    assert ids(add.source, months="all", area="n09") == ["i-old"]
    assert ids(add.source, area="n03") == ["i-agg"]
    assert ids(add.source, q="DUNMERE") == ["i-agg"]
    assert ids(add.source, q="slow answers") == ["i-bad"]
    assert ids(add.source, q="nothing of that name") == []


def test_an_edited_address_shows_the_usual_list(add):
    odd = {"kind": "x", "state": "'; DROP TABLE incidents", "months": "-1", "area": "", "q": "\0"}
    assert Choice.of(odd) == Choice()
    assert Choice.of({"kind": None}) == Choice()
    assert text_of(page(add.source, "/incidents", "?kind=x&months=99999999&q=%00"))
    assert incidents.csv_href(Choice(kind="outage", q="a&b=1")) == "/incidents.csv?kind=outage&q=a%26b%3D1"


def test_sums_count_only_what_takes_service_away(add):
    add.incident(incident_id="i-bad", kind="degradation", customer_minutes_lost=0.0)
    add.incident(incident_id="i-plan", kind="planned", customer_minutes_lost=60.0)
    _, said, _ = incidents.listed(visit(add.source), Choice())
    assert said.startswith(
        "6 incidents, 3 of them open; 0 customer-minutes without service in outages; 60 customer-minutes"
    )
    rows = [row(kind="degradation"), row(kind="blind"), row()]
    shown = incident_list.grid_rows(rows, str, NOW, is_counted=True)
    assert [one["minutes_text"] for one in shown] == ["–", "–", "420"]
    uncounted = incident_list.grid_rows(rows, str, NOW, is_counted=False)
    assert [one["customers_text"] for one in uncounted] == ["?", "–", "?"]
    assert uncounted[2]["minutes_text"] == "?"


def test_the_csv_holds_what_the_list_shows_and_runs_no_formula(add):
    add.incident(incident_id="i-evil", root_device_id="=cmd|' /C calc'!A0", area='n03"\n=1+1')
    client = create_app(add.settings).server.test_client()
    answer = client.get("/incidents.csv?kind=outage&state=over")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True))))
    assert tuple(rows[0]) == incident_list.COLUMNS
    assert [one[0] for one in rows[1:]] == ["i-evil", "i-past"]
    assert not any(cell.startswith(("=", "+", "@")) for one in rows for cell in one)
    assert rows[1][3].startswith("'=")


# --- what is not there ---


@pytest.mark.parametrize("path", ["/incident/nothing", "/incident/i-", "/incident/%3Cscript%3E"])
def test_an_unknown_incident_answers_404_with_a_sentence(provider, source, path):
    answer = create_app(provider).server.test_client().get(path, headers=PAGES)
    assert answer.status_code == 404
    assert b"There is no such page" in answer.data
    assert "There is no such incident" in text_of(page(source, path))


def test_a_shortened_id_leads_to_its_incident(add):
    full = "01a22e05-1b0f-7baf-8764-8ea4f215a74e"
    add.incident(incident_id=full)
    client = create_app(add.settings).server.test_client()
    answer = client.get(f"/incident/{full[:13]}", headers=PAGES)
    assert answer.headers["Location"] == f"/incident/{full}"
    assert client.get(f"/incident/{full}", headers=PAGES).status_code == 200
    assert client.get("/incident/01a2", headers=PAGES).status_code == 404


def test_without_a_database_the_pages_say_what_is_the_matter(scratch):
    source = Source(scratch)
    for path in ("/incidents", "/incident/i-agg"):
        said = text_of(page(source, path))
        assert "here is no operations database" in said, path
        assert "no such incident" not in said, path
    client = create_app(scratch).server.test_client()
    answer = client.get("/incidents.csv")
    assert answer.status_code == 503
    assert b"The incidents are not known: there is no operations database" in answer.data
    assert client.get("/incident/i-agg", headers=PAGES).status_code == 200, "it may be there: nobody knows"


def test_a_database_of_another_schema_is_told_not_read(add):
    with add.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('9999')")
    found = IncidentRecords(add.settings.database_url).listed(Wanted())
    assert found.problem is not None
    assert "has schema 9999" in found.problem


def test_a_database_that_hangs_holds_nobody_up_and_gathers_no_threads(add, monkeypatch):
    monkeypatch.setattr("dashboard.operations.incident_records.WAIT_SECONDS", 0.05)
    records = add.source.incidents
    with add.engine.connect() as writer:
        writer.exec_driver_sql("BEGIN EXCLUSIVE")
        answers = [records.story("i-agg") for _ in range(8)]
        assert all(answer.row is None and answer.problem for answer in answers)
        writer.rollback()
    assert "does not answer" in str(answers[0].problem)


def test_a_card_of_now_leads_to_its_incident_and_a_row_to_its_device(source):
    from dashboard.pages.sections import now_devices, now_incidents

    live = source.live()
    assert "href='/incident/i-agg'" in str(now_incidents.cards(live, source, NOW))
    rows = now_devices.rows(live, source, NOW, ["down"])
    assert {one["href"] for one in rows} == {"/device/n03-agg", "/device/n11-olt2"}


def test_members_and_notes_of_one_incident_are_its_own(add):
    with add.engine.begin() as connection:
        connection.execute(
            sa.insert(ACKNOWLEDGEMENTS).values(
                acknowledgement_id="a", incident_id="i-olt", acknowledged_by="b", acknowledged_at=NOW, note=""
            )
        )
    story = add.source.incidents.story("i-olt")
    assert {one["device_id"] for one in story.members} == {"n11-olt2", *(f"n11-cpe2{i}" for i in range(1, 5))}
    assert [one["acknowledged_by"] for one in story.notes] == ["b"]
    assert add.source.incidents.story("i-agg").notes == ()
