"""Files of several shards in one folder: each compacts its own, whatever the others do meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from collector.publish import parquet
from collector.publish.quality_files import SCHEMA, QualityFiles

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
