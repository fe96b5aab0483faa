"""The table of ports: network devices only, rates between the last two answers, nothing where they cannot be known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from collector import table_versions
from collector.publish.live.port_table import PortTable
from collector.published import PORTS
from collector.reading import Device, InterfaceReading

from ..readings import CPE, answer, silence

OLT = Device("olt-1", "127.0.0.2", "olt", "centro")


def rows(table: PortTable) -> dict[str, dict[str, Any]]:
    table.write()
    found = pq.ParquetFile(table.path).read()
    assert table_versions.why_unreadable(found.schema, PORTS) is None
    assert found.schema.remove_metadata().equals(PORTS.arrow_schema())
    return {row["interface"]: row for row in found.to_pylist()}


@pytest.fixture
def table(tmp_path: Path) -> PortTable:
    return PortTable(tmp_path, [OLT, CPE], 3)


def test_ports_stand_with_their_rates_between_the_last_two_answers(table, tmp_path):
    table.update(answer(1000.0, OLT), restarted=False)
    assert rows(table)["wan"]["receive_bytes_per_second"] is None, "one answer has no rate"
    table.update(answer(1060.0, OLT), restarted=False)
    table.update(silence(1120.0, OLT), restarted=False)
    assert table.path == tmp_path / "live" / "ports=3.parquet"
    found = rows(table)
    assert found["wan"] == {
        "device_id": "olt-1",
        "interface": "wan",
        "index": 1,
        "alias": "uplink",
        "is_up": True,
        "is_admin_up": True,
        "speed_bytes_per_second": 125e6,
        "receive_bytes_per_second": 1000.0,
        "transmit_bytes_per_second": 100.0,
        "polled_at": datetime.fromtimestamp(1060, UTC),
    }
    assert found["lan"]["is_up"] is False
    assert found["lan"]["is_admin_up"] is None
    assert found["lan"]["transmit_bytes_per_second"] is None


def test_an_agent_that_caches_its_counters_has_no_rates_of_single_polls(table):
    table.update(answer(1000.0, OLT), restarted=False)
    table.update(answer(1060.0, OLT)._replace(counter_oddities=("cached",)), restarted=False)
    assert {row["receive_bytes_per_second"] for row in rows(table).values()} == {None}


def test_customers_devices_and_strangers_are_not_kept(table):
    table.update(answer(1000.0, CPE), restarted=False)
    table.update(answer(1000.0, replace(OLT, device_id="else")), restarted=False)
    assert rows(table) == {}


@pytest.mark.parametrize(
    ("later", "restarted"),
    [
        ({}, True),
        ({"interfaces": (InterfaceReading("wan", 9, "uplink", True, 125e6, 64, 1060_000, 106_000),)}, False),
        ({"interfaces": (InterfaceReading("wan", 1, "uplink", True, 125e6, 64, 5, 5),)}, False),
        ({"interfaces": (InterfaceReading("wan", 1, "uplink", True, 125e6, 32, 1060_000, 106_000),)}, False),
        ({"interfaces": (InterfaceReading("wan", 1, "uplink", True, 125e6),)}, False),
    ],
)
def test_after_a_restart_another_port_or_a_counter_that_broke_there_is_no_rate(table, later, restarted):
    table.update(answer(1000.0, OLT), restarted=False)
    table.update(answer(1060.0, OLT, **later), restarted=restarted)
    assert rows(table)["wan"]["receive_bytes_per_second"] is None


def test_a_device_that_left_the_inventory_leaves_and_one_that_stays_keeps_its_rates(table):
    other = replace(OLT, device_id="olt-2")
    table.replace([OLT, other])
    for at in (1000.0, 1060.0):
        table.update(answer(at, OLT), restarted=False)
        table.update(answer(at, other), restarted=False)
    table.replace([OLT])
    found = rows(table)
    assert {row["device_id"] for row in found.values()} == {"olt-1"}
    assert found["wan"]["receive_bytes_per_second"] == 1000.0


def test_nothing_new_writes_nothing_and_a_full_disk_is_tried_again(table, monkeypatch):
    table.update(answer(1000.0, OLT), restarted=False)
    with monkeypatch.context() as full:
        full.setattr("collector.publish.parquet.write", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            table.write()
    assert rows(table)
    table.path.unlink()
    table.write()
    assert not table.path.exists()
