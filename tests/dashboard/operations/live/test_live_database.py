"""The operations database missing, locked, replaced, of another schema, down or hanging: what is said, and how soon."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from collector.publish.incidents.migrate import migrate
from collector.published import SCHEMA_VERSION
from dashboard.operations.live.live_incidents import WAIT_AGAIN_SECONDS, IncidentReader
from dashboard.operations.live.live_state import LiveSource

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def provider(sample, scratch):
    """A provider with all known and three open incidents; its database has Bairro's own schema."""
    sample.write_live(scratch.data, NOW, note=sample.HOURLY)
    migrate(scratch.database_url)
    sample.write_incidents(scratch.database_url, NOW)
    return scratch


def database(provider):
    return provider.data / "operations.sqlite"


def test_a_database_that_goes_away_and_comes_back(provider):
    source = LiveSource(provider)
    assert source.read(NOW).is_complete
    database(provider).rename(provider.data / "away")
    live = source.read(NOW)
    assert "there is no operations database at" in live.problems[0]
    assert not live.is_database_known
    (provider.data / "away").rename(database(provider))
    assert source.read(NOW).is_complete


def test_a_file_put_in_its_place_is_read_though_times_and_sizes_are_alike(provider):
    source = LiveSource(provider)
    assert len(source.read(NOW).open_incidents) == 3
    status, other = database(provider).stat(), provider.data / "other.sqlite"
    shutil.copy(database(provider), other)
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("UPDATE incidents SET ended_at = '2026-11-22 11:59:00' WHERE incident_id = 'i-olt'")
        connection.commit()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(database(provider))
    recorded = source.read(NOW).open_incidents.query("is_recorded")
    assert set(recorded["incident_id"]) == {"i-agg", "i-group"}


def test_a_locked_database_is_said_and_read_as_soon_as_it_is_free(provider):
    source = LiveSource(provider)
    assert source.read(NOW).is_complete
    with closing(sqlite3.connect(database(provider), isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        os.utime(database(provider))
        began = time.monotonic()
        live = source.read(NOW)
        assert time.monotonic() - began < 4
        assert "is locked. Another program has locked it" in live.problems[0]
        began = time.monotonic()
        source.read(NOW)
        assert time.monotonic() - began < 1, "who knows already does not wait again"
        holder.execute("ROLLBACK")
    _eventually(lambda: source.read(NOW).is_complete)


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("9999", f"has schema 9999, which this dashboard does not know (it knows {SCHEMA_VERSION}). Upgrade bairro"),
        ("0001", f"has the older schema 0001 (wanted: {SCHEMA_VERSION}). Run: bairro migrate"),
    ],
)
def test_another_schema_is_not_read(provider, version, said):
    with closing(sqlite3.connect(database(provider))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
    live = LiveSource(provider).read(NOW)
    assert said in live.problems[0]
    assert not live.is_database_known


def test_a_file_that_is_no_database(provider):
    database(provider).write_bytes(b"something else " * 1000)
    (problem,) = LiveSource(provider).read(NOW).problems
    assert "file is not a database. Put a copy of it back" in problem


def test_a_postgresql_server_that_is_down_holds_nobody_up(sample, scratch, free_port):
    sample.write_live(scratch.data, NOW, note=sample.HOURLY)
    url = f"postgresql+psycopg://bairro:secret@127.0.0.1:{free_port()}/bairro"
    source = LiveSource(replace(scratch, database=url))
    began = time.monotonic()
    live = source.read(NOW)
    assert time.monotonic() - began < 4
    assert "secret" not in live.problems[0]
    assert "cannot be read: " in live.problems[0]
    assert "Check that it runs and can be reached from here" in live.problems[0]


@pytest.mark.slow
def test_a_postgresql_server_that_hangs_is_said_within_seconds(sample, scratch, postgresql, postgresql_server):
    """Its processes are stopped, as on a host that swaps: connections stand, and nothing is answered."""
    sample.write_live(scratch.data, NOW, note=sample.HOURLY)
    migrate(postgresql)
    source = LiveSource(replace(scratch, database=postgresql))
    assert source.read(NOW).is_complete
    engine = sa.create_engine(postgresql_server)
    with engine.connect() as connection:
        folder = connection.execute(sa.text("SHOW data_directory")).scalar()
        backends = [
            row[0]
            for row in connection.execute(sa.text("SELECT pid FROM pg_stat_activity WHERE datname LIKE 'bairro_%'"))
        ]
    engine.dispose()
    with open(f"{folder}/postmaster.pid") as file:
        stopped = [int(file.readline()), *backends]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        live = source.read(NOW + timedelta(seconds=10))
        assert time.monotonic() - began < 4
        assert "does not answer (since 12:00:10 UTC)" in live.problems[0]
        began = time.monotonic()
        source.read(NOW + timedelta(seconds=20))
        assert time.monotonic() - began < 1
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
    _eventually(lambda: source.read(NOW + timedelta(seconds=30)).is_complete)


def _eventually(happened, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_many_who_look_wait_once_a_second_for_a_database_that_failed(scratch):
    reader, at = IncidentReader(scratch.database_url), datetime(2026, 11, 22, 12, tzinfo=UTC)
    waited = [reader._patience(at + timedelta(seconds=after)) for after in (0, 0.2, 0.9, 1.1, 1.2, 0.5)]
    assert waited == [WAIT_AGAIN_SECONDS, 0, 0, WAIT_AGAIN_SECONDS, 0, WAIT_AGAIN_SECONDS], (
        "also by a clock that is put back"
    )
