"""The operations database on a real PostgreSQL server: made, upgraded under a lock, written, and named without its password."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.incidents.migrate import SchemaError, check_schema, migrate
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from collector.reading import Device, IncidentChange

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()


def test_several_processes_make_the_schema_once(postgresql):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        said = pool.map(migrate, [postgresql] * 3)
    assert sum("created the schema" in line for line in said) == 1
    assert sum("up to date" in line for line in said) == 2
    check_schema(postgresql)
    assert not any("secret" in line for line in said)


def test_an_incident_is_written_with_its_devices_and_times(postgresql, tmp_path):
    migrate(postgresql)
    log = IncidentLog(postgresql, tmp_path / "journal")
    devices = {"olt": Device("olt", "192.0.2.1", "olt", "Harbour", subscribers=30)}
    opened = IncidentChange("i-1", "outage", "device", "olt", T0, None, (("olt", T0),))
    closed = IncidentChange("i-1", "outage", "device", "olt", T0, T0 + 600, (), (("olt", T0 + 600),))
    log.apply([opened], devices)
    log.apply([closed], devices)
    assert log.flush(10)
    log.close()
    engine = connect(postgresql)
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
