"""A Parquet file is whole whenever it is read, whoever writes it."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector import published
from collector.publish import parquet

SPEC = published.DEVICES


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The content of a file of the collector's."""
    path = tmp_path_factory.mktemp("devices") / "devices.parquet"
    columns = {
        field.name: pa.array([f"{field.name} {n}" for n in range(300)])
        if pa.types.is_string(field.type)
        else pa.array(range(300)).cast(field.type)
        for field in SPEC.arrow_schema()
    }
    parquet.write(pa.table(columns, schema=SPEC.arrow_schema()), path, durable=False)
    return path.read_bytes()


def test_a_bit_that_is_changed_never_becomes_another_value(devices: bytes, tmp_path: Path) -> None:
    """Most such damage decompresses and decodes, and nothing but the page's checksum shows it. The head of a page is not
    under its checksum: there a bit may change that no value depends on.
    """
    path, chance = tmp_path / "devices.parquet", random.Random(5)
    first_of_footer = len(devices) - 8 - int.from_bytes(devices[-8:-4], "little")
    path.write_bytes(devices)
    whole, refused = parquet.read(path, SPEC), 0
    assert whole.num_rows == 300
    for _ in range(200):
        spoilt = bytearray(devices)
        spoilt[chance.randrange(4, first_of_footer)] ^= 1 << chance.randrange(8)
        path.write_bytes(spoilt)
        try:
            assert parquet.read(path, SPEC).equals(whole)
        except parquet.UnreadableError:
            refused += 1
    assert refused > 150


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
