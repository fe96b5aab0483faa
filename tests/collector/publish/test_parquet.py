"""A Parquet file is whole whenever it is read, whoever writes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from collector.publish import parquet


def test_threads_that_write_the_same_file_leave_a_whole_one(tmp_path: Path) -> None:
    """As at the end of the collector, where the last write meets one that is still under way."""
    path = tmp_path / "live.parquet"
    tables = [pa.table({"writer": pa.array([writer] * 20_000)}) for writer in range(4)]

    def write(writer: int) -> None:
        for _ in range(15):
            parquet.write(tables[writer], path, durable=False)
            assert len(set(pq.ParquetFile(path).read()["writer"].to_pylist())) == 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert [file.name for file in tmp_path.iterdir()] == ["live.parquet"]
