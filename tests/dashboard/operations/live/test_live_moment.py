"""Live table and database at one moment: which of the two is older, what only one of them tells, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from collector import published
from collector.publish.incidents.migrate import MIGRATIONS
from dashboard.figures import incidents as figures
from dashboard.operations.live.live_state import LiveSource
from dashboard.pages import now
from dashboard.pages.sections import now_devices, now_incidents
from dashboard.pages.source import Source

from ...pages.test_layouts import text_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)


def well(sample):
    """The network with nobody out of service."""
    table = sample.network(NOW)
    out = table["state"].isin(["down", "suppressed"])
    table.loc[out, ["state", "root", "incident_id"]] = ["up", None, None]
    return table


def in_database(scratch, sample, keys, **values):
    """Only these of the sample's incidents are in the database, with these values."""
    sample.write_incidents(scratch.database_url, NOW)
    engine = sa.create_engine(scratch.database_url)
    with engine.begin() as connection:
        for table in (published.INCIDENT_DEVICES, published.INCIDENTS):
            connection.execute(sa.delete(table).where(table.c.incident_id.not_in(keys)))
        if values:
            connection.execute(sa.update(published.INCIDENTS).values(**values))
    engine.dispose()


def test_an_outage_that_the_live_table_does_not_tell_yet_is_in_tiles_and_table_too(sample, scratch):
    in_database(scratch, sample, [])
    sample.write_live(scratch.data, NOW, well(sample), sample.HOURLY)
    source = Source(scratch)
    assert text_of(now.tiles(source.live(NOW))[1]) == "0 customers affected"
    in_database(scratch, sample, ["i-agg"])
    live = source.live(LATER)
    assert text_of(now.tiles(live)[1]) == "487 customers affected"
    (card,) = now_incidents.cards(live, source, LATER)
    assert text_of(card).startswith("487 customers")
    states = live.devices.set_index("device_id")["state"]
    assert (states["n03-agg"], states["n03-cpe11"]) == ("down", "suppressed")
    sample.write_live(scratch.data, LATER + timedelta(seconds=5), well(sample), sample.HOURLY)
    live = source.live(LATER + timedelta(seconds=6))
    assert text_of(now.tiles(live)[1]) == "0 customers affected", "a live table that is newer is right"
    (card,) = now_incidents.cards(live, source, LATER)
    assert text_of(card).startswith("0 customers now of 487 in all")


@pytest.mark.parametrize("why", ["not written yet", "ended since", "no database"])
def test_an_outage_that_the_database_does_not_tell_has_a_card_all_the_same(sample, scratch, why):
    if why != "no database":
        keys = ["i-olt", "i-group"] if why == "not written yet" else ["i-agg", "i-olt", "i-group"]
        in_database(scratch, sample, keys)
    if why == "ended since":
        with sa.create_engine(scratch.database_url).begin() as connection:
            for table in (published.INCIDENTS, published.INCIDENT_DEVICES):
                connection.execute(sa.update(table).where(table.c.incident_id == "i-agg").values(ended_at=NOW))
    table = sample.network(NOW)
    table.loc[table["device_id"] == "n03-agg", "since"] = pd.Timestamp(NOW - timedelta(minutes=46))
    sample.write_live(scratch.data, NOW, table, sample.HOURLY)
    source = Source(scratch)
    live = source.live(NOW)
    (root,) = (r for r in now_devices.rows(live, source, NOW, ["down"]) if r["device_id"] == "n03-agg")
    assert root["since"] == "11:13", "as its card says, though those behind it fell silent first"
    cards = now_incidents.cards(live, source, NOW)
    said = [text_of(card) for card in cards]
    assert [line.split(" customers")[0] for line in said[:3]] == ["487", "105", "4"]
    assert len(said) == (4 if why == "no database" else 3), "there may be more than the collectors tell"
    assert "n03-agg is down, and 15 devices behind it" in said[0]
    assert "Check first:  power of n03-agg, then its link to core-1, which answers" in said[0]
    assert "not in the operations database yet" in said[0]
    assert "47 min since 11:13" in said[0]
    assert "4 devices behind n17-olt1 fell silent together; n17-olt1 answers" in said[2]
    assert text_of(now.tiles(live)[1]) == "596 customers affected"
    if why == "not written yet":
        assert live.problems == ()
        assert "lacks outages that the collector reports" in source.live(NOW + timedelta(seconds=31)).problems[0]


def test_table_and_card_say_the_same_since_after_a_restart_of_the_collector(sample, scratch):
    table = sample.network(NOW)
    table.loc[table["incident_id"] == "i-agg", "since"] = pd.Timestamp(NOW - timedelta(minutes=2))
    sample.write_live(scratch.data, NOW, table, sample.HOURLY)
    in_database(scratch, sample, ["i-agg", "i-olt", "i-group"])
    with sa.create_engine(scratch.database_url).begin() as connection:
        devices = published.INCIDENT_DEVICES
        rows = connection.execute(sa.select(devices).where(devices.c.incident_id == "i-agg")).mappings().all()
        seen = NOW - timedelta(minutes=5)
        connection.execute(sa.update(devices).where(devices.c.incident_id == "i-agg").values(ended_at=seen))
        again = [{**row, "started_at": NOW - timedelta(minutes=2), "ended_at": None} for row in rows]
        connection.execute(sa.insert(devices), again)
    source = Source(scratch)
    live = source.live(NOW)
    row = next(r for r in now_devices.rows(live, source, NOW, ["down"]) if r["device_id"] == "n03-agg")
    card = text_of(now_incidents.cards(live, source, NOW)[0])
    assert row["since"] == "11:13"
    assert "47 min since 11:13" in card


def test_the_card_of_a_flapping_group_says_that_its_members_answer(sample, scratch):
    sample.write_live(scratch.data, NOW, well(sample), sample.HOURLY)
    in_database(scratch, sample, ["i-agg", "i-olt", "i-group"])
    with sa.create_engine(scratch.database_url).begin() as connection:
        connection.execute(sa.update(published.INCIDENT_DEVICES).values(ended_at=NOW))
    source = Source(scratch)
    live = source.live(NOW)
    said = [text_of(card) for card in now_incidents.cards(live, source, NOW)]
    assert "n03-agg was down, and 15 devices behind it; all answer now" in said[0]
    assert said[0].startswith("0 customers now of 487 in all")
    assert "4 devices behind n17-olt1 fell silent together; all answer now" in said[2]
    assert "what makes it come and go" in said[2]
    assert text_of(now.tiles(live)[1]) == "0 customers affected"


def test_of_an_incident_behind_a_dead_collector_it_is_said_that_nobody_knows(sample, scratch):
    sample.write_live(scratch.data, NOW, note=sample.HOURLY)
    in_database(scratch, sample, ["i-agg", "i-olt", "i-group"])
    source = Source(scratch)
    live = source.live(NOW + timedelta(hours=3))
    card = text_of(now_incidents.cards(live, source, NOW)[0])
    assert card.startswith("? of 487 customers 16 devices not known")
    assert "whether this is still so is not known for 16 devices" in card
    assert [text_of(tile) for tile in now.tiles(live)[:2]] == [
        "? of 24 areas affected 24 not known",
        f"? customers affected {live.devices['subscribers'].sum():,} not known",
    ]
    assert set(live.devices["state"]) == {"unknown"}


def test_no_open_incident_is_said_only_where_everything_is_known(sample, scratch):
    in_database(scratch, sample, [])
    sample.write_live(scratch.data, NOW, well(sample), sample.HOURLY)
    source = Source(scratch)
    assert "No open incident" in text_of(now_incidents.cards(source.live(NOW), source, NOW))
    later = NOW + timedelta(hours=3)
    said = text_of(now_incidents.cards(source.live(later), source, later))
    assert "No open incident" not in said
    assert "There may be incidents that are not known: the collector is silent" in said
    sample.write_live(scratch.data, later, well(sample), sample.HOURLY)
    (scratch.data / "operations.sqlite").unlink()
    said = text_of(now_incidents.cards(source.live(later), source, later))
    assert "No open incident" not in said
    assert "the incidents cannot be read" in said


def test_the_schema_that_the_dashboard_knows_is_the_newest_migration():
    newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    assert newest == published.SCHEMA_VERSION


def row(**values):
    base = {
        "kind": "outage",
        "scope": "group",
        "root_device_id": "ap",
        "devices_affected": 8,
        "subscribers_affected": 90,
    }
    base |= {"out_now": 8, "customers_now": 90, "unseen_now": 0, "root_state": "up", "measure": None}
    base |= {"is_counted": True}
    return base | values


@pytest.mark.parametrize(
    ("values", "people", "what"),
    [
        ({}, ("90", ["customers"]), "8 devices behind ap fell silent together; ap answers"),
        (
            {"out_now": 2, "customers_now": 20},
            ("20", ["customers now", "of 90 in all"]),
            "8 devices behind ap fell silent together; 2 still do not answer, ap answers",
        ),
        (
            {"out_now": 0, "customers_now": 0, "unseen_now": 8, "root_state": "unknown"},
            ("?", ["of 90 customers", "8 devices not known"]),
            "8 devices behind ap fell silent together; whether ap answers is not known; "
            "whether this is still so is not known for 8 devices",
        ),
        (
            {"scope": "subtree", "out_now": 3, "customers_now": 30},
            ("30", ["customers now", "of 90 in all"]),
            "ap was down and answers again; 3 devices behind it do not yet",
        ),
        (
            {"scope": "device", "devices_affected": 1, "out_now": 0, "customers_now": 0, "root_state": "up"},
            ("0", ["customers now", "of 90 in all"]),
            "ap was down; it answers now",
        ),
        ({"scope": "device", "devices_affected": 1, "root_state": "down"}, ("90", ["customers"]), "ap is down"),
        (
            {"scope": "device", "devices_affected": 1, "root_state": "down", "is_counted": False},
            ("?", ["customers:", "none in the inventory"]),
            "ap is down",
        ),
        (
            {"kind": "degradation", "measure": "loss", "out_now": 0, "customers_now": 0},
            ("90", ["customers"]),
            "packet loss at 8 devices behind ap",
        ),
    ],
)
def test_a_card_says_how_its_devices_stand_now(values, people, what):
    assert figures.people(row(**values)) == people
    assert figures.what(row(**values)) == what


def test_the_two_readings_are_put_together_again_only_when_one_changed(sample, scratch):
    sample.write_live(scratch.data, NOW, note=sample.HOURLY)
    in_database(scratch, sample, ["i-agg", "i-olt", "i-group"])
    source = LiveSource(scratch)
    assert source.read(NOW) is source.read(LATER)
