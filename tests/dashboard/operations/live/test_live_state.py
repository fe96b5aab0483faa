"""The network now: what is read, when it counts as old, and what is said where there is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector import published
from dashboard.operations import acknowledgements
from dashboard.operations.live.live_state import LiveSource, areas_now, customers_behind, empty_devices

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_nothing_yet_is_a_clear_empty_state(scratch):
    live = LiveSource(scratch).read(NOW)
    assert live.devices.empty
    assert list(live.devices.columns) == list(published.LIVE.column_names)
    assert live.newest_at is None
    assert live.open_incidents.empty
    assert not live.is_blind
    assert not live.is_stale(NOW)
    (problem,) = live.problems
    assert problem.startswith("there is no operations database at ")
    assert not live.is_complete


def test_live_table_and_incidents_are_read(sample, scratch):
    now = datetime.now(UTC)
    sample.write_live(scratch.data, now)
    sample.write_incidents(scratch.database_url, now)
    live = LiveSource(scratch).read(now)
    assert live.problems == ()
    assert list(live.open_incidents["incident_id"]) == ["i-group", "i-olt", "i-agg"], "newest first"
    assert len(live.incidents) == 4, "those that ended within the month are kept"
    assert live.open_incidents.iloc[2]["areas"] == ("n03",)
    age = live.age_seconds(now)
    assert age is not None
    assert age < 30


def test_a_file_is_read_again_only_when_it_was_replaced(sample, scratch):
    sample.write_live(scratch.data, NOW)
    source = LiveSource(scratch)
    first = source.read(NOW)
    assert source.read(NOW) is first
    table = sample.network(NOW + timedelta(minutes=1))
    table["state"] = "up"
    sample.write_live(scratch.data, NOW + timedelta(minutes=1), table)
    second = source.read(NOW + timedelta(minutes=1))
    assert second.stamp != first.stamp
    assert set(second.devices["state"]) == {"up"}


def test_an_incident_written_later_shows_up(sample, scratch):
    now = datetime.now(UTC)
    sample.write_incidents(scratch.database_url, now)
    source = LiveSource(scratch)
    assert not source.read(now).is_blind
    sample.write_incidents(scratch.database_url, now, is_blind=True)
    assert source.read(now).is_blind


def test_data_are_old_after_three_minutes_or_three_times_the_polls_spread(sample, scratch):
    sample.write_live(scratch.data, NOW)
    live = LiveSource(scratch).read(NOW)
    assert not live.is_stale(NOW + timedelta(seconds=100))
    assert live.is_stale(NOW + timedelta(seconds=181))
    slow = sample.network(NOW)
    slow["polled_at"] = pd.date_range(NOW - timedelta(minutes=5), NOW, periods=len(slow))
    sample.write_live(scratch.data, NOW, slow)
    live = LiveSource(scratch).read(NOW)
    assert not live.is_stale(NOW + timedelta(minutes=10)), "polled every five minutes"
    assert live.is_stale(NOW + timedelta(minutes=15))


def test_a_broken_live_table_is_told(sample, scratch):
    folder = scratch.data / "live"
    folder.mkdir()
    (folder / "shard=0.parquet").write_bytes(b"PAR1 not really")
    live = LiveSource(scratch).read(NOW)
    assert live.devices.empty
    assert any(problem.startswith("the live table cannot be read") for problem in live.problems)


def test_a_database_without_tables_is_told(scratch):
    sa.create_engine(scratch.database_url).connect().close()
    (scratch.data / "operations.sqlite").touch()
    problems = LiveSource(scratch).read(NOW).problems
    assert any("operations.sqlite cannot be read: no such table" in problem for problem in problems)


def test_nothing_here_can_write_the_database(sample, scratch):
    sample.write_incidents(scratch.database_url, NOW)
    source = LiveSource(scratch)
    with source._database._engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.execute(sa.delete(published.INCIDENTS))


@pytest.mark.parametrize(
    ("states", "expected", "affected"),
    [
        (("up", "up", "up"), "up", 0),
        (("down", "suppressed", "up"), "outage", 150),
        (("up", "suppressed", "up"), "partial", 50),
        (("up", "up", "silent"), "up", 0),
        (("suspect", "up", "up"), "suspect", 0),
        (("up", "up", "suspect"), "up", 0),
        (("unknown", "unknown", "unknown"), "unknown", 0),
        (("unknown", "up", "up"), "unknown", 0),
        (("down", "unknown", "up"), "outage", 100),
    ],
)
def test_an_area_is_as_bad_as_its_worst_customers(states, expected, affected):
    """One node with 100 customers, another with 50, and a lone CPE with one."""
    table = pd.DataFrame({"device_id": ["a", "b", "c"], "area": "x", "role": ["olt", "ap", "cpe"], "state": states})
    table["subscribers"] = [100, 50, 1]
    row = areas_now(pd.concat([empty_devices(), table])).iloc[0]
    assert row["state"] == expected
    assert row["affected"] == affected
    assert row["subscribers"] == 151


def test_customers_behind_a_device_are_those_of_all_that_hang_from_it():
    table = pd.DataFrame({"device_id": ["a", "b", "c", "d", "x"], "parent": [None, "a", "b", "b", "elsewhere"]})
    table["subscribers"] = [1, 20, 300, 4000, 5]
    assert customers_behind(table).tolist() == [4321, 4320, 300, 4000, 5]
    ring = pd.DataFrame({"device_id": ["a", "b"], "parent": ["b", "a"], "subscribers": [1, 2]})
    assert len(customers_behind(ring)) == 2, "a ring in the inventory ends too"
    assert customers_behind(empty_devices()).tolist() == []


def test_the_newest_acknowledgement_is_read(sample, scratch):
    sample.write_incidents(scratch.database_url, NOW)
    engine = sa.create_engine(scratch.database_url)
    for minutes, by, note in ((5, "ana", "on my way"), (9, "rui", "")):
        acknowledgements.acknowledge(engine, "i-agg", note, by=by, at=NOW + timedelta(minutes=minutes))
    engine.dispose()
    rows = LiveSource(scratch).read(NOW).open_incidents.set_index("incident_id")
    assert rows.loc["i-agg", "taken_up"] == ("rui", "")
    assert rows.loc["i-olt", "taken_up"] is None


def test_a_live_table_of_an_older_collector_lacks_a_column_and_is_read_all_the_same(sample, scratch):
    sample.write_live(scratch.data, NOW)
    path = scratch.data / "live" / "shard=0.parquet"
    older = pq.read_table(path).drop_columns(["maintenance_until"])
    pq.write_table(older, path)
    live = LiveSource(scratch).read(NOW)
    assert live.problems == () or "live table" not in " ".join(live.problems)
    assert len(live.devices) == older.num_rows
    assert live.devices["maintenance_until"].isna().all()
