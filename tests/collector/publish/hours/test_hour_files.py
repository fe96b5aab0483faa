"""Files of several shards in one folder: each compacts its own, whatever the others do meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.publish import parquet
from collector.publish.hours.hour_files import SCHEMA, QualityFiles
from collector.publish.quarantine import Aside

HOUR = 3600
DAY = 1_700_006_400  # 2023-11-15 00:00 UTC


def hour_of(hour: int, *names: str) -> pa.Table:
    rows = ([hour, name, 3600.0, *[None] * (len(SCHEMA) - 3)] for name in names)
    return parquet.table(rows, SCHEMA)


def test_a_shard_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    shards = {name: QualityFiles(tmp_path, name) for name in ("1", "10", "0")}
    for name, files in shards.items():
        for hour in range(3):
            files.write_hour(DAY + hour * HOUR, hour_of(DAY + hour * HOUR, f"device-{name}"))
    shards["1"].compact(DAY + 24 * HOUR)
    day = tmp_path / "quality" / "date=2023-11-15"
    assert len(list(day.glob("hour-*-shard-10.parquet"))) == 3
    whole = pq.ParquetFile(day / "day-shard-1.parquet").read()
    assert set(whole["device_id"].to_pylist()) == {"device-1"}
    assert not list(day.glob("hour-*-shard-1.parquet"))


def test_an_hour_is_written_while_another_shard_compacts_the_day(tmp_path: Path) -> None:
    """A file that goes between listing and reading must not cost the hour."""
    for attempt in range(10):
        data = tmp_path / str(attempt)
        one, other = QualityFiles(data, "1"), QualityFiles(data, "2")
        for hour in range(23):
            other.write_hour(DAY + hour * HOUR, hour_of(DAY + hour * HOUR, "theirs"))
        with ThreadPoolExecutor(1) as beside:
            compacting = beside.submit(other.compact, DAY + 24 * HOUR)
            for hour in range(23):
                assert one.write_hour(DAY + hour * HOUR, hour_of(DAY + hour * HOUR, "ours", "theirs")) == 1
            compacting.result()


def newer(path: Path) -> None:
    table = (
        pq.ParquetFile(path).read().replace_schema_metadata({"bairro_table": "quality_hours", "bairro_version": "9"})
    )
    pq.write_table(table, path)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def broken_inside(path: Path) -> None:
    """The footer is whole, the pages are not."""
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * 300 + content[304:])


def renamed_column(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    pq.write_table(table.rename_columns(["hours" if name == "hour" else name for name in table.column_names]), path)


def wrong_type(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    number = table.column_names.index("observed_seconds")
    pq.write_table(table.set_column(number, "observed_seconds", pa.array(["long"] * len(table))), path)


DAMAGES = {
    "no bytes": (lambda path: path.write_bytes(b""), "damaged", "no Parquet file"),
    "text": (lambda path: path.write_text("hour,device_id\n"), "damaged", "no Parquet file"),
    "cut short": (cut_short, "damaged", "no Parquet file"),
    "broken inside": (broken_inside, "damaged", "no Parquet file"),
    "a renamed column": (renamed_column, "damaged", "lacks hour"),
    "a wrong type": (wrong_type, "damaged", "observed_seconds as string"),
    "a newer version": (newer, "newer", "is of version 9 of quality_hours; this program knows up to 1"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_cannot_be_read_costs_its_own_hours(tmp_path: Path, caplog, damage: str) -> None:
    aside = Aside()
    files = QualityFiles(tmp_path, "0", aside)
    for hour in range(4):
        files.write_hour(DAY + hour * HOUR, hour_of(DAY + hour * HOUR, "a"))
    day = tmp_path / "quality" / "date=2023-11-15"
    spoil, ending, word = DAMAGES[damage]
    spoil(day / "hour-01-shard-0.parquet")
    spoilt = (day / "hour-01-shard-0.parquet").read_bytes()
    files.compact(DAY + 24 * HOUR)
    left = pq.ParquetFile(day / "day-shard-0.parquet").read()
    assert [f"{at:%H}" for at in left["hour"].to_pylist()] == ["00", "02", "03"]
    assert sorted(path.name for path in day.iterdir()) == ["day-shard-0.parquet", f"hour-01-shard-0.parquet.{ending}"]
    assert (day / f"hour-01-shard-0.parquet.{ending}").read_bytes() == spoilt
    assert aside.files["quality_hours"] == 1
    assert "hour-01-shard-0.parquet: its hours are lost" in caplog.text
    assert word in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_day_that_cannot_be_read_is_not_written_over(tmp_path: Path, damage: str) -> None:
    files = QualityFiles(tmp_path, "0")
    for hour in range(3):
        files.write_hour(DAY + hour * HOUR, hour_of(DAY + hour * HOUR, "a"))
    files.compact(DAY + 24 * HOUR)
    day = tmp_path / "quality" / "date=2023-11-15"
    spoil, ending, _ = DAMAGES[damage]
    spoil(day / "day-shard-0.parquet")
    spoilt = (day / "day-shard-0.parquet").read_bytes()
    files.write_hour(DAY + 5 * HOUR, hour_of(DAY + 5 * HOUR, "a"))
    files.compact(DAY + 24 * HOUR)
    assert (day / f"day-shard-0.parquet.{ending}").read_bytes() == spoilt
    assert [f"{at:%H}" for at in pq.ParquetFile(day / "day-shard-0.parquet").read()["hour"].to_pylist()] == ["05"]


def test_what_a_start_looks_through(tmp_path: Path, caplog) -> None:
    """Its own files of whatever age; another's is left where it lies, also where an hour of that day is written."""
    aside = Aside()
    one, other = QualityFiles(tmp_path, "1", aside), QualityFiles(tmp_path, "11")
    for files in (one, other):
        files.write_hour(DAY, hour_of(DAY, f"device-{files.shard}"))
    day = tmp_path / "quality" / "date=2023-11-15"
    for path in day.iterdir():
        path.write_bytes(b"PAR1")
    one.look_through()
    assert sorted(path.name for path in day.iterdir()) == [
        "hour-00-shard-1.parquet.damaged",
        "hour-00-shard-11.parquet",
    ]
    assert aside.files["quality_hours"] == 1
    for _ in range(2):
        one.write_hour(DAY, hour_of(DAY, "a"))
    assert aside.files["quality_hours"] == 2, "another's file is told once"
    assert "hour-00-shard-11.parquet: is no Parquet file" in caplog.text
    assert list(one.usual_rtt_seconds(DAY + HOUR)) == []


def test_a_file_with_columns_of_another_commit_is_read(tmp_path: Path) -> None:
    """One that lacks an optional column, has one more, and times in nanoseconds."""
    files = QualityFiles(tmp_path, "0")
    files.write_hour(DAY, hour_of(DAY, "a"))
    files.write_hour(DAY + HOUR, hour_of(DAY + HOUR, "a"))
    path = tmp_path / "quality" / "date=2023-11-15" / "hour-00-shard-0.parquet"
    table = pq.ParquetFile(path).read().drop_columns(["signal_dbm"])
    table = table.append_column("weather", pa.array(["rain"]))
    table = table.set_column(0, "hour", table["hour"].cast(pa.timestamp("ns", tz="UTC")))
    pq.write_table(table, path)
    files.compact(DAY + 24 * HOUR)
    whole = pq.ParquetFile(path.with_name("day-shard-0.parquet")).read()
    assert whole.schema.equals(SCHEMA)
    assert len(whole) == 2
    assert whole.schema.metadata[b"bairro_version"] == b"1"
