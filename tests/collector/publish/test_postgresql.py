"""The operations database on a real PostgreSQL server: made, upgraded under a lock, written, and named without its password."""

from __future__ import annotations

import glob
import multiprocessing
import os
import pwd
import signal
import tempfile
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from collector.publish.incidents import IncidentLog
from collector.publish.migrate import SchemaError, check_schema, migrate
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from collector.reading import Device, IncidentChange

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def server(module_processes, free_port, require_program):
    """A URL of a new server's maintenance database; the server refuses to run as root, so it runs as its own user."""
    if not (found := sorted(glob.glob("/usr/lib/postgresql/*/bin"))):
        require_program("postgres")
    user, wrap, port = pwd.getpwuid(os.getuid()).pw_name, (), free_port()
    with tempfile.TemporaryDirectory(prefix="bairro-postgresql-") as folder:
        if os.getuid() == 0:
            user, wrap = "postgres", ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
            os.chown(folder, *pwd.getpwnam("postgres")[2:4])
        data = f"{folder}/data"
        initdb = module_processes.start([*wrap, f"{found[-1]}/initdb", "-D", data, "-U", user, "--auth=trust"])
        assert initdb.wait(60) == 0
        options = ("-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off")
        running = module_processes.start([*wrap, f"{found[-1]}/postgres", "-D", data, *options])
        url = f"postgresql+psycopg://{user}:secret@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
        module_processes.stop(running, signal.SIGINT)


@pytest.fixture
def url(server):
    """A database of the test's own."""
    name = f"bairro_{time.monotonic_ns()}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.removesuffix("postgres") + name


def test_several_processes_make_the_schema_once(url):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        said = pool.map(migrate, [url] * 3)
    assert sum("created the schema" in line for line in said) == 1
    assert sum("up to date" in line for line in said) == 2
    check_schema(url)
    assert not any("secret" in line for line in said)


def test_an_incident_is_written_with_its_devices_and_times(url, tmp_path):
    migrate(url)
    log = IncidentLog(url, tmp_path / "journal", detected_by="0")
    devices = {"olt": Device("olt", "192.0.2.1", "olt", "Harbour", subscribers=30)}
    opened = IncidentChange("i-1", "outage", "device", "olt", T0, None, (("olt", T0),))
    closed = IncidentChange("i-1", "outage", "device", "olt", T0, T0 + 600, (), (("olt", T0 + 600),))
    log.apply([opened], devices)
    log.apply([closed], devices)
    assert log.flush(10)
    log.close()
    engine = connect(url)
    with engine.connect() as connection:
        incident = connection.execute(sa.select(INCIDENTS)).mappings().one()
        member = connection.execute(sa.select(INCIDENT_DEVICES)).mappings().one()
    engine.dispose()
    assert incident["customer_minutes_lost"] == 300.0
    assert incident["started_at"] == datetime.fromtimestamp(T0, UTC)
    assert member["ended_at"] == datetime.fromtimestamp(T0 + 600, UTC)


def test_a_server_that_is_away_is_named_without_its_password(free_port):
    with pytest.raises(SchemaError) as caught:
        migrate(f"postgresql+psycopg://bairro:secret@127.0.0.1:{free_port()}/bairro")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def _wait_for(url):
    deadline = time.monotonic() + 60
    engine = sa.create_engine(url)
    while True:
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            engine.dispose()
            return
