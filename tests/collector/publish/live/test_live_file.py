"""The live table: the newest figures of every device, replaced whole and only when something changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from collector.publish.live.live_file import LiveTable, read_state
from collector.published import LIVE, LiveNote
from collector.quality.counters.uplink import Traffic
from collector.reading import Device, EchoBurst, Impairment, PartReading, SignalReading, Transition

from ..readings import CPE, answer, silence

AP = Device("ap-1", "127.0.0.2", "ap", "centro")
PARTS = (
    PartReading("processor_ratio", "1", 0.2),
    PartReading("processor_ratio", "2", 0.7),
    PartReading("temperature_celsius", "board", 61.0),
    PartReading("fan_ok", "1", 1.0),
    PartReading("fan_ok", "2", 0.0),
    PartReading("fuel_level_ratio", "", 0.25),
    PartReading("fuel_level_ratio", "spare", 0.5),
)
UP = Transition("cpe-1", 950.0, 950.0, "unknown", "up")


def write(table: LiveTable, *changes: Transition) -> bool:
    for change in changes:
        table.change(change)
    return asyncio.run(table.write(1000.0))


def rows(table: LiveTable) -> dict[str, dict[str, Any]]:
    found = pq.ParquetFile(table.path).read()
    assert found.schema.remove_metadata().equals(LIVE.arrow_schema())
    return {row["device_id"]: row for row in found.to_pylist()}


def test_newest_figures(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE, AP], at=900.0)
    table.update(
        answer(1000.0, signals=(SignalReading("1", -60.0, 20.0), SignalReading("2", -70.0, 25.0)), parts=PARTS),
        Traffic(60.0, 6000, 600, 0, 0, 0.25),
    )
    assert write(table, UP)
    assert table.path == tmp_path / "live" / "shard=0.parquet"
    assert rows(table)["cpe-1"] == {
        "device_id": "cpe-1",
        "address": "127.0.0.1",
        "area": "centro",
        "role": "cpe",
        "parent": "ap-1",
        "subscribers": 1,
        "state": "up",
        "since": datetime.fromtimestamp(950, UTC),
        "root": None,
        "incident_id": None,
        "maintenance_until": None,
        "polled_at": datetime.fromtimestamp(1000, UTC),
        "answered_at": datetime.fromtimestamp(1000, UTC),
        "rtt_seconds": 0.011,
        "loss_ratio": 0.2,
        "receive_bytes_per_second": 100.0,
        "transmit_bytes_per_second": 10.0,
        "utilization_ratio": 0.25,
        "signal_dbm": -70.0,
        "signal_noise_db": 20.0,
        "processor_ratio": 0.7,
        "memory_ratio": None,
        "temperature_celsius": 61.0,
        "failed_parts": ["fan 2"],
        "measures": [("fuel_level_ratio", 0.25), ("fuel_level_ratio{spare}", 0.5)],
        "degraded": None,
        "faults": None,
        "counter_oddities": None,
        "usual_rtt_seconds": None,
    }
    waiting = rows(table)["ap-1"]
    assert (waiting["state"], waiting["since"].timestamp(), waiting["polled_at"]) == ("unknown", 900, None)


def test_what_ails_a_device_that_answers(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE, AP], at=900.0)
    table.impair(Impairment("cpe-1", 1000.0, ("loss", "latency"), ("uplink_down",), 0.012))
    table.impair(Impairment("stranger", 1000.0, ("loss",)))
    assert write(table)
    found = rows(table)["cpe-1"]
    assert (found["degraded"], found["faults"]) == (["loss", "latency"], ["uplink_down"])
    assert found["usual_rtt_seconds"] == 0.012
    table.impair(Impairment("cpe-1", 1060.0, usual_rtt_seconds=0.012))
    assert write(table)
    found = rows(table)["cpe-1"]
    assert (found["degraded"], found["faults"], found["usual_rtt_seconds"]) == (None, None, None)


def test_silence_shows_what_is_known_and_no_more(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE], at=900.0)
    table.update(answer(1000.0), Traffic(60.0, 6000, 600, 0, 0, 0.25))
    table.update(silence(1060.0), None)
    write(table, Transition("cpe-1", 1180.0, 1060.0, "suspect", "suppressed", "ap-1", "i-1"))
    row = rows(table)["cpe-1"]
    assert (row["state"], row["root"], row["incident_id"]) == ("suppressed", "ap-1", "i-1")
    assert (row["polled_at"].timestamp(), row["answered_at"].timestamp()) == (1060, 1000)
    assert row["rtt_seconds"] is row["receive_bytes_per_second"] is row["utilization_ratio"] is None
    assert row["loss_ratio"] == pytest.approx(0.6)


def test_what_is_odd_about_the_counters_of_an_uplink(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE, AP], at=900.0)
    for at, odd in ((1000.0, ()), (1060.0, ("cached", "leap")), (1120.0, ("cached", "leap")), (1180.0, ())):
        table.update(answer(at, counter_oddities=odd), None)
        assert write(table)
        assert rows(table)["cpe-1"]["counter_oddities"] == (list(odd) or None)
    assert rows(table)["ap-1"]["counter_oddities"] is None


def test_a_rate_that_is_known_over_many_polls_is_shown_until_the_next(tmp_path: Path) -> None:
    def shown(at: float, traffic: Traffic | None, **changes: Any) -> tuple[float | None, float | None]:
        table.update(answer(at, **changes), traffic)
        write(table)
        row = rows(table)["cpe-1"]
        return row["receive_bytes_per_second"], row["utilization_ratio"]

    table = LiveTable(tmp_path, [CPE], at=900.0)
    assert shown(1000.0, Traffic(60.0, 90_000, 600, 0, 0, None, over_polls=0)) == (None, None), "it came late"
    assert shown(1300.0, Traffic(300.0, 30_000, 3000, 0, 0, 0.25, over_polls=5)) == (100.0, 0.25)
    assert shown(1360.0, None) == (100.0, 0.25)
    assert shown(1900.0, None) == (100.0, 0.25)
    assert shown(1960.0, None) == (None, None), "twice as long as it took"
    assert shown(2300.0, Traffic(300.0, 60_000, 3000, 0, 0, 0.5, over_polls=5)) == (200.0, 0.5)
    assert shown(2360.0, None, snmp="silent") == (None, None)
    assert shown(2420.0, None) == (None, None)
    assert shown(2480.0, Traffic(60.0, 6000, 600, 0, 0, 0.5)) == (100.0, 0.5)
    assert shown(2540.0, None) == (None, None)


def test_without_echoes_the_round_trip_is_that_of_snmp(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE], at=900.0)
    table.update(answer(1000.0, echoes=None), None)
    write(table, UP)
    assert (rows(table)["cpe-1"]["rtt_seconds"], rows(table)["cpe-1"]["loss_ratio"]) == (0.0125, None)


def test_loss_is_that_of_the_last_five_bursts(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE], at=900.0)
    for minute in range(20):
        lost = 5 if minute == 16 else 0
        table.update(answer(60.0 * minute, echoes=EchoBurst(5, lost, (0.01,) * (5 - lost))), None)
    write(table, UP)
    assert rows(table)["cpe-1"]["loss_ratio"] == pytest.approx(0.2)


def test_written_only_when_something_changed(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE], at=900.0)
    assert write(table)
    assert not write(table)
    assert write(table, UP)
    table.replace([AP], 1000.0)
    assert write(table)
    assert list(rows(table)) == ["ap-1"]
    table.update(answer(1000.0), None)
    assert not write(table), "a device that left the inventory is nobody's news"


def note(table: LiveTable) -> LiveNote:
    found = LiveNote.of(pq.ParquetFile(table.path).schema_arrow.metadata)
    assert found is not None
    return found


def test_the_file_says_who_wrote_it_when_and_how_often(tmp_path: Path) -> None:
    told = LiveNote(1, 3, poll_interval_seconds=30.0, live_seconds=5.0, loss_ratio=0.05)
    table = LiveTable(tmp_path, [CPE], at=900.0, note=told)
    assert write(table)
    assert table.path.name == "shard=1.parquet"
    assert note(table) == replace(told, written_at=1000.0, inventory_at=900.0)
    assert not asyncio.run(table.write(1010.0))
    assert asyncio.run(table.write(1010.0, is_due=True)), "its age shows that the collector lives"
    assert note(table).written_at == 1010.0
    table.blind(1005.0)
    assert asyncio.run(table.write(1011.0))
    assert note(table).blind_since == 1005.0
    table.blind(None)
    assert asyncio.run(table.write(1012.0))
    assert note(table).blind_since is None


def test_a_note_that_is_not_there_or_broken_is_none() -> None:
    assert LiveNote.of(None) is None
    assert LiveNote.of({b"bairro.live": b"[1]"}) is None
    assert LiveNote.of({b"bairro.live": b'{"shard": "x"}'}) is None
    for number in (b"NaN", b"Infinity", b"-Infinity", b"1e18"):
        assert LiveNote.of({b"bairro.live": b'{"shard": 0, "written_at": ' + number + b"}"}) is None
    newer = LiveNote.of({b"bairro.live": b'{"shard": 2, "what a newer collector adds": 1}'})
    assert newer == LiveNote(2)


def test_service_lost_or_back_is_urgent(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE, AP], at=900.0)
    write(table, UP)
    assert not table.is_urgent
    table.change(Transition("cpe-1", 1000.0, 990.0, "up", "silent"))
    assert not table.is_urgent, "a lone customer device is nobody's outage"
    table.change(Transition("ap-1", 1000.0, 990.0, "suspect", "down", "ap-1", "i-1"))
    assert table.is_urgent
    write(table)
    assert not table.is_urgent
    table.change(Transition("ap-1", 1100.0, 1100.0, "down", "up"))
    assert table.is_urgent


def test_a_failed_write_is_tried_again(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE], at=900.0)
    (tmp_path / "live").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="exists"):
        write(table, UP)
    (tmp_path / "live").unlink()
    assert write(table, UP)


def test_nobody_reads_half_a_table(tmp_path: Path) -> None:
    """A reader that opened the file before a write goes on reading the old one."""
    table = LiveTable(tmp_path, [CPE], at=900.0)
    write(table, UP)
    with table.path.open("rb") as held:
        table.replace([replace(CPE, device_id=f"cpe-{n}") for n in range(500)], 1000.0)
        write(table, UP)
        assert pq.ParquetFile(held).read().num_rows == 1
    assert len(rows(table)) == 500
    assert [path.name for path in table.path.parent.iterdir()] == ["shard=0.parquet"]


def test_no_devices_at_all(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [], at=900.0)
    write(table)
    assert rows(table) == {}


def test_state_of_one_device_is_read_back(tmp_path: Path) -> None:
    assert read_state(tmp_path, "cpe-1") is None
    table = LiveTable(tmp_path, [CPE], at=900.0)
    write(table, UP)
    (table.path.parent / "shard=1.parquet").write_text("not Parquet")
    found = read_state(tmp_path, "cpe-1")
    assert found is not None
    assert found["state"] == "up"
    assert read_state(tmp_path, "cpe-2") is None


def test_who_is_in_a_maintenance_window_and_whose_outage_is_planned(tmp_path: Path) -> None:
    """A device of the window itself, and one that is out because of it; the table is written though nobody was polled."""
    table = LiveTable(tmp_path, [CPE, AP], at=900.0)
    write(table, UP)
    until = datetime.fromtimestamp(5000, UTC)
    table.maintain({"ap-1": 5000.0})
    assert write(table)
    assert {name: row["maintenance_until"] for name, row in rows(table).items()} == {"ap-1": until, "cpe-1": None}
    write(table, Transition("cpe-1", 1000.0, 990.0, "up", "suppressed", "ap-1", "i-1"))
    assert rows(table)["cpe-1"]["maintenance_until"] == until
    table.maintain({"ap-1": 5000.0})
    assert not write(table)
    table.maintain({})
    assert write(table)
    assert rows(table)["cpe-1"]["maintenance_until"] is None


def test_parts_stay_between_the_polls_that_ask_for_them_and_go_with_silence(tmp_path: Path) -> None:
    table = LiveTable(tmp_path, [CPE], at=900.0)

    def shown(*readings: Any) -> tuple[Any, ...]:
        for reading in readings:
            table.update(reading, None)
        write(table, UP)
        row = rows(table)["cpe-1"]
        return row["temperature_celsius"], row["failed_parts"], row["measures"]

    told = (61.0, ["fan 2"], [("fuel_level_ratio", 0.25), ("fuel_level_ratio{spare}", 0.5)])
    assert shown(answer(1000.0, parts=PARTS), answer(1060.0)) == told
    assert shown(answer(1120.0, parts=PARTS[:4])) == (61.0, None, None)
    assert shown(answer(1180.0, parts=PARTS), silence(1240.0)) == (None, None, None)
