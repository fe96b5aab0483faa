"""`bairro ingest`: hours of another system in the table, rows that cannot be told by file, line and field."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bairro
from collector import file_lock, table_versions
from collector.commands.ingest import mapping
from collector.publish import parquet
from collector.publish.hours.hour_files import SCHEMA
from collector.published import QUALITY_HOURS
from settings_file import SettingsError

HEADER = "hour,device_id,observed_seconds,down_seconds,rtt_p95_seconds"
GOOD = "2026-03-01T10:00:00Z,cpe-1,3600,0,0.02"
SAMPLES = """rows = "samples"
every_seconds = 900
[time]
column = "lastInform"
timezone = "Europe/Lisbon"
[device]
column = "Serial"
pattern = "^SN-(.*)$"
[columns.receive_bytes]
column = "BytesReceived"
aggregate = "counter"
[columns.rtt_p50_seconds]
column = "AverageResponseTime"
scale = 0.001
[columns.pings_lost]
column = "FailureCount"
[columns.pings_sent]
constant = 4
where = "FailureCount"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n')
    (tmp_path / "devices.csv").write_text(
        "device_id,address,role,area,capacity_receive_bytes_per_second\n"
        "cpe-1,10.0.0.1,cpe,North,1000000\ncpe-2,10.0.0.2,cpe,North,\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ingest(*words: str) -> int:
    return bairro.main(["ingest", *words])


def stored(folder: Path, day: str = "2026-03-01") -> list[dict[str, object]]:
    path = folder / "data" / "quality" / f"date={day}" / "day-ingest.parquet"
    rows = parquet.read(path, QUALITY_HOURS).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_hours_are_taken_once_however_often_they_come(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.csv").write_text(f"{HEADER}\n{GOOD}\n2026-03-01T11:00:00+00:00,cpe-2,1800,,NA\n")
    assert ingest("a.csv", "--dry-run") == 0
    assert "2 device-hours would be added" in capsys.readouterr().out
    assert not (folder / "data").exists()
    assert ingest("a.csv") == 0
    first, second = stored(folder)
    assert (first["device_id"], first["rtt_p95_seconds"], first["down_seconds"]) == ("cpe-1", 0.02, 0.0)
    assert set(second) == {"hour", "device_id", "observed_seconds"}, "what was not measured is null"
    path = folder / "data" / "quality" / "date=2026-03-01" / "day-ingest.parquet"
    before = path.stat().st_mtime_ns, path.read_bytes()
    assert ingest("a.csv") == 0
    assert "0 device-hours added, 0 changed, 2 were there already" in capsys.readouterr().out
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before
    (folder / "a.csv").write_text(f"{HEADER}\n{GOOD.replace('0.02', '0.03')}\n2026-03-01T11:00:00Z,cpe-2,900,,\n")
    assert ingest("a.csv") == 0
    assert [row.get("rtt_p95_seconds") for row in stored(folder)] == [0.03, None]
    assert "0 device-hours added, 1 changed, 0 were there already\n1 left out: more of these" in capsys.readouterr().out


def test_parquet_is_taken_too(folder: Path) -> None:
    hours = pa.array([1772359200], pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp("us", tz="UTC"))
    pq.write_table(
        pa.table({"hour": hours, "device_id": ["cpe-1"], "observed_seconds": [3600.0], "restarts": [2]}), "a.parquet"
    )
    assert ingest("a.parquet") == 0
    assert [(row["hour"].isoformat(), row["restarts"]) for row in stored(folder)] == [("2026-03-01T10:00:00+00:00", 2)]


def test_what_a_collector_has_measured_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = [1772359200.0, "cpe-1", 3600.0, *[None] * (len(SCHEMA) - 3)]
    path = folder / "data" / "quality" / "date=2026-03-01" / "day-shard-0.parquet"
    parquet.write(table_versions.stamp(parquet.table([row], SCHEMA), QUALITY_HOURS), path, durable=False)
    (folder / "a.csv").write_text(f"{HEADER}\n{GOOD}\n")
    assert ingest("a.csv") == 0
    assert "1 left out: a collector or a backfill has measured these hours itself" in capsys.readouterr().out
    assert not path.with_name("day-ingest.parquet").exists()


REJECTED = {
    "another device": (
        "2026-03-01T10:00:00Z,cpe-9,3600,0,",
        "device_id: no device of the inventory has the device_id 'cpe-9'",
    ),
    "no device": ("2026-03-01T10:00:00Z,,3600,0,", "device_id: is empty"),
    "no time": ("yesterday,cpe-1,3600,0,", "hour: 'yesterday' is no time"),
    "half an hour": ("2026-03-01T10:30:00Z,cpe-1,3600,0,", "is not the start of an hour (UTC)"),
    "a clock not set": ("1970-01-01T00:00:00Z,cpe-1,3600,0,", "is of a clock that was not set"),
    "the future": ("2199-01-01T00:00:00Z,cpe-1,3600,0,", "is not over for long enough; ingest it later"),
    "no number": ("2026-03-01T10:00:00Z,cpe-1,3600,0,12 ms", "rtt_p95_seconds: '12 ms' is no number"),
    "infinite": ("2026-03-01T10:00:00Z,cpe-1,3600,0,inf", "rtt_p95_seconds: 'inf' is no number"),
    "beyond bounds": ("2026-03-01T10:00:00Z,cpe-1,3600,0,61", "rtt_p95_seconds: 61 is beyond 0 to 60"),
    "too long an hour": ("2026-03-01T10:00:00Z,cpe-1,3601,0,", "observed_seconds: 3601 is beyond 0 to 3600"),
    "not observed": ("2026-03-01T10:00:00Z,cpe-1,,0,", "observed_seconds: is missing"),
    "more down than seen": ("2026-03-01T10:00:00Z,cpe-1,60,61,", "down_seconds: 61 is more than observed_seconds, 60"),
    "too many cells": (f"{GOOD},1", "the row has 6 fields, the header 5"),
    "twice": (f"{GOOD}\n{GOOD.replace('0.02', '0.03')}", "a.csv:3: hour: cpe-1 has this hour already at a.csv:2"),
}


@pytest.mark.parametrize(("row", "expected"), REJECTED.values(), ids=REJECTED)
def test_a_row_that_cannot_be_is_told_and_the_rest_is_taken(
    row: str, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.csv").write_text(f"{HEADER}\n{row}\n2026-03-01T12:00:00Z,cpe-2,3600,0,0.02\n")
    assert ingest("a.csv") == 1
    said = capsys.readouterr().err
    assert expected in said
    assert said.startswith("a.csv:")
    assert "cpe-2" in [row["device_id"] for row in stored(folder)]


@pytest.mark.parametrize(
    ("columns", "row", "expected"),
    [
        (
            "down_seconds,polls_answered",
            "3600,60",
            "down_seconds: is the whole time observed, though polls_answered says",
        ),
        (
            "down_seconds,pings_sent,pings_lost",
            "3600,60,0",
            "down_seconds: is the whole time observed, though pings_sent says",
        ),
        ("pings_sent,rtt_p50_seconds", "0,0.01", "rtt_p50_seconds: is given, though pings_sent is 0"),
        ("restarts", "5000", "restarts: 5000 is"),
    ],
)
def test_values_that_deny_each_other_are_told(
    columns: str, row: str, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.csv").write_text(f"hour,device_id,observed_seconds,{columns}\n1772359200,cpe-1,3600,{row}\n")
    assert ingest("a.csv") == 1
    assert f"a.csv:2: {expected}" in capsys.readouterr().err


def test_more_than_a_line_can_carry_is_not_believed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.csv").write_text("hour;device_id;observed_seconds;receive_bytes\n1772359200;cpe-1;3600,0;7,3e9\n")
    assert ingest("a.csv") == 1
    assert "a.csv:2: receive_bytes: '7,3e9' is no number" in capsys.readouterr().err
    (folder / "a.csv").write_text("hour;device_id;observed_seconds;receive_bytes\n1772359200;cpe-1;3600,0;7300000000\n")
    assert ingest("a.csv") == 1
    assert "a.csv:2: receive_bytes: 7.3e+09 in an hour are more than twice" in capsys.readouterr().err


def test_samples_of_a_server_become_hours(folder: Path) -> None:
    """Counters run on over the hours and begin anew at a restart; a sample without value is none, a double one is one."""
    (folder / "map.toml").write_text(SAMPLES)
    (folder / "a.csv").write_text(
        "lastInform,Serial,BytesReceived,AverageResponseTime,FailureCount\n"
        "2026-03-01 10:00:00,SN-cpe-1,1000,10,0\n"
        "2026-03-01 10:15:00,SN-cpe-1,1900,30,\n"
        "2026-03-01 10:30:00,SN-cpe-1,,,\n"
        "2026-03-01 10:45:00,SN-cpe-1,3700,20,2\n"
        "2026-03-01 10:45:00,SN-cpe-1,3700,20,2\n"
        "2026-03-01 11:15:00,SN-cpe-1,5500,,\n"
        "2026-03-01 11:30:00,SN-cpe-1,100,,\n"
        "2026-03-01 11:45:00,SN-cpe-1,400,,\n"
    )
    assert ingest("a.csv", "--mapping", "map.toml") == 0
    ten, eleven = stored(folder)
    assert (ten["observed_seconds"], ten["rtt_p50_seconds"]) == (2700.0, 0.02)
    assert (ten["pings_sent"], ten["pings_lost"]) == (8, 2)
    assert ten["receive_bytes"] == pytest.approx(900 + 1800 + 900)
    assert eleven["receive_bytes"] == pytest.approx(900 + 300), "of the restart nothing is known"
    assert "rtt_p50_seconds" not in eleven


FAULTS = {
    "rows": ('rows = "days"', "rows: must be hours or samples"),
    "every": ('rows = "samples"', "every_seconds: must be above 0"),
    "zone": ('[time]\ntimezone = "Mars"', "time.timezone: 'Mars' is no name of a time zone"),
    "field": ('[device]\nfield = "name"', "device.field: must be one of device_id, address, site"),
    "group": ('[device]\npattern = "x"', "device.pattern: has no group"),
    "column": ('[columns.speed]\ncolumn = "x"', "columns.speed: no such column; there are: observed_seconds"),
    "both": ("[columns.restarts]\nscale = 2.0", "columns.restarts: needs one of column and constant"),
    "where": ("[columns.restarts]\nconstant = 1.0", "constant and where go together"),
    "aggregate": ('[columns.restarts]\ncolumn = "x"\naggregate = "sum"', "aggregate: is for rows that are samples"),
}


@pytest.mark.parametrize(("text", "expected"), FAULTS.values(), ids=FAULTS)
def test_a_mapping_with_a_fault_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as fault:
        mapping.load(path)
    assert str(fault.value).startswith(f"{path}: ")
    assert expected in str(fault.value)


def test_files_that_are_none_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.csv").write_text("when,device_id\n")
    assert ingest("a.csv") == 2
    assert "bairro ingest: a.csv: has no column 'hour'; it has: when, device_id" in capsys.readouterr().err
    assert ingest("none.csv") == 2
    assert "none.csv" in capsys.readouterr().err


def test_one_ingest_writes_at_a_time(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "a.csv").write_text(f"{HEADER}\n{GOOD}\n")
    with file_lock.alone(folder / "data" / "journal" / "ingest.lock", what="bairro ingest", at=0.0):
        assert ingest("a.csv") == 2
    assert "another ingest is writing into" in capsys.readouterr().err


def test_the_example_of_genieacs_is_read(folder: Path) -> None:
    root = Path(bairro.__file__).parent
    found = mapping.load(root / "deploy" / "example" / "ingest-genieacs.toml")
    assert found.rows == "samples"
    assert found.columns is not None
    assert found.columns["receive_bytes"].aggregate == "counter"


def test_real_speed_tests_of_a_city_are_taken(shared: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "devices.csv").write_text("device_id,address,role,area,site\nhp,10.0.0.1,cpe,Hyde Park,Hyde Park\n")
    (folder / "map.toml").write_text(
        'rows = "samples"\nevery_seconds = 300\n[time]\ncolumn = "time"\n[device]\ncolumn = "install"\nfield = "site"\n'
        '[columns.rtt_p95_seconds]\ncolumn = "google_rtt_max_ms"\nscale = 0.001\n'
        '[columns.pings_lost]\ncolumn = "speedtest_ookla_pktloss2"\n'
        '[columns.pings_sent]\nconstant = 100\nwhere = "speedtest_ookla_pktloss2"\n'
    )
    source = shared / "data" / "netrics_chicago" / "tale_of_two_gigs_netrics.csv"
    few = folder / "few.csv"
    with source.open(encoding="utf-8") as file:
        few.write_text("".join(line for _, line in zip(range(3000), file, strict=False)))
    code = ingest("few.csv", "--mapping", "map.toml")
    said = capsys.readouterr()
    assert "device-hours added" in said.out
    assert code == (1 if "rejected" in said.out else 0)
    rows = [row for path in sorted((folder / "data" / "quality").glob("*")) for row in stored(folder, path.name[5:])]
    assert rows
    assert all(0 < row["observed_seconds"] <= 3600 and row.get("rtt_p95_seconds", 0) < 5 for row in rows)  # type: ignore[operator]


def test_half_a_restart_is_no_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = "hour,device_id,observed_seconds,restarts"
    rows = "2026-03-01T10:00:00Z,cpe-1,3600,0.5\n2026-03-01T10:00:00Z,cpe-2,3600,2.0000000001\n"
    (folder / "a.csv").write_text(f"{header}\n{rows}")
    assert ingest("a.csv") == 1
    assert "restarts: 0.5 is no whole number, and it counts" in capsys.readouterr().err
    assert [(row["device_id"], row["restarts"]) for row in stored(folder)] == [("cpe-2", 2)]
