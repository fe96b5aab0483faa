"""Reading what the collector publishes: time ranges, devices, shards, a DuckDB that keeps to its bounds."""

from __future__ import annotations

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.published import DEVICES, QUALITY_HOURS
from dashboard.config import EngineSettings
from dashboard.tables import quality_hours
from dashboard.tables.schema import conform

START = datetime.datetime(2025, 1, 6, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three days of hours of two devices, a file a day."""
    for day in range(3):
        hours = [START + HOUR * (24 * day + n) for n in range(24)]
        rows = {
            "hour": pa.array(hours * 2, pa.timestamp("us", tz="UTC")),
            "device_id": ["b"] * 24 + ["a"] * 24,
            "observed_seconds": [3600.0] * 48,
        }
        folder = tmp_path / "quality" / f"date={hours[0]:%Y-%m-%d}"
        folder.mkdir(parents=True)
        pq.write_table(conform(pa.table(rows), QUALITY_HOURS), folder / "day-shard-0.parquet")
    return tmp_path


def test_a_range_of_hours_comes_sorted(data: Path) -> None:
    table = quality_hours.read_hours(data, START + HOUR * 20, START + HOUR * 26)
    assert table.column_names == list(QUALITY_HOURS.column_names)
    assert table.column("device_id").to_pylist() == ["a"] * 6 + ["b"] * 6
    assert table.column("hour").cast("string").to_pylist()[:6] == [
        f"2025-01-0{6 + n // 24} {n % 24:02}:00:00.000000Z" for n in range(20, 26)
    ]


def test_only_the_named_devices_and_columns_are_read(data: Path) -> None:
    table = quality_hours.read_hours(
        data, START, START + HOUR * 2, devices=["b", "nobody"], columns=["observed_seconds"]
    )
    assert table.column_names == ["hour", "device_id", "observed_seconds"]
    assert table.column("device_id").to_pylist() == ["b", "b"]


@pytest.mark.parametrize("shift", [-100, 100])
def test_a_range_without_files_is_empty(data: Path, shift: int) -> None:
    since = START + HOUR * 24 * shift
    table = quality_hours.read_hours(data, since, since + HOUR)
    assert table.num_rows == 0
    assert table.schema.names == list(QUALITY_HOURS.column_names)


def test_devices_are_read_as_declared_and_damage_is_named(tmp_path: Path) -> None:
    assert quality_hours.read_devices(tmp_path).schema.names == list(DEVICES.column_names)
    (tmp_path / "devices.parquet").write_bytes(b"torn")
    with pytest.raises(quality_hours.TableError, match=r"devices\.parquet"):
        quality_hours.read_devices(tmp_path)


def test_the_engine_keeps_to_its_bounds_and_fetches_nothing(tmp_path: Path) -> None:
    connection = quality_hours.connect(EngineSettings(memory_gigabytes=0.1, disk_gigabytes=0.05), tmp_path / "scratch")
    settings = dict(connection.execute("SELECT name, value FROM duckdb_settings()").fetchall())
    assert settings["autoinstall_known_extensions"] == "false"
    assert settings["TimeZone"] == "UTC"
    with pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"):
        connection.execute(
            "CREATE TABLE t AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(6000000) ORDER BY b"
        )
    assert sum(file.stat().st_size for file in (tmp_path / "scratch").glob("*.tmp")) < 60_000_000


def test_time_zones_are_those_of_the_standard_library() -> None:
    """The panel cuts days by DuckDB's own time zones: they must be those that the rest of the product uses."""
    connection = quality_hours.connect()
    for name in ("Europe/Lisbon", "America/Sao_Paulo", "Asia/Kolkata", "Europe/Moscow", "Australia/Lord_Howe"):
        found = connection.execute(
            "SELECT epoch(range), CAST(timezone(?, range) AS VARCHAR) FROM range(TIMESTAMPTZ '2024-01-01 00:00:00+00',"
            " TIMESTAMPTZ '2026-12-31 00:00:00+00', INTERVAL 5 HOUR)",
            [name],
        ).fetchall()
        expected = [f"{datetime.datetime.fromtimestamp(at, ZoneInfo(name)):%Y-%m-%d %H:%M:%S}" for at, _ in found]
        assert [local for _, local in found] == expected, name
