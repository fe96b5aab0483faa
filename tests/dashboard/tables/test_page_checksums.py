"""Tests of dashboard/tables/page_checksums.py, against files of pyarrow in all its ways to write pages, and of DuckDB."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.thrift_compact import read_struct
from dashboard.panel.file_weeks import chunks
from dashboard.tables import page_checksums
from dashboard.tables.stored_hours import HourFiles

ROWS = 3000
TABLE = pa.table(
    {
        "device_id": [f"d{row % 40}" for row in range(ROWS)],
        "rtt_seconds": pa.array([None if row % 7 == 0 else row / 1000 for row in range(ROWS)], pa.float64()),
        "polls": pa.array(range(ROWS), pa.int64()),
        "states": pa.array([["up", "down"][: row % 3] for row in range(ROWS)], pa.list_(pa.string())),
        "nothing": pa.nulls(ROWS, pa.float64()),
    }
)
WAYS = {
    "as the collector writes": {"compression": "zstd"},
    "second version of pages": {"compression": "snappy", "data_page_version": "2.0"},
    "plain": {"compression": "none", "use_dictionary": False},
    "many pages and groups": {
        "compression": "zstd",
        "data_page_size": 512,
        "write_batch_size": 64,
        "row_group_size": 700,
    },
    "without statistics": {"compression": "gzip", "write_statistics": False},
}


@pytest.fixture(params=WAYS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    written = tmp_path / "hours.parquet"
    pq.write_table(TABLE, written, write_page_checksum=True, **WAYS[request.param])
    return written


def test_whole_pages_hold_to_their_checksums(path: Path) -> None:
    assert page_checksums.why_not(path) is None


def test_a_changed_bit_is_seen(path: Path) -> None:
    """But for bits of a page's head that change no value, and those that make the file unreadable."""
    whole, chance = path.read_bytes(), random.Random(11)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    seen = 0
    for _ in range(60):
        spoilt = bytearray(whole)
        spoilt[chance.randrange(4, footer)] ^= 1 << chance.randrange(8)
        path.write_bytes(spoilt)
        why = page_checksums.why_not(path)
        if why is not None:
            assert why.endswith("its checksum)")
            seen += 1
            continue
        try:
            assert pq.ParquetFile(path).read().equals(TABLE)
        except (OSError, pa.ArrowException):
            seen += 1
    assert seen >= 45


def test_a_value_that_became_another_is_named_by_its_column(tmp_path: Path) -> None:
    path = tmp_path / "hours.parquet"
    pq.write_table(TABLE, path, write_page_checksum=True, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    at = whole.index((1234).to_bytes(8, "little"))
    path.write_bytes(whole[:at] + (4321).to_bytes(8, "little") + whole[at + 8 :])
    assert pq.ParquetFile(path).read()["polls"].to_pylist().count(4321) == 1, "who does not ask sees nothing"
    why = "is no Parquet file that can be read (a page of polls does not hold to its checksum)"
    assert page_checksums.why_not(path) == why


def test_one_page_without_a_checksum_does_not_let_the_others_off(tmp_path: Path) -> None:
    """A changed bit in a page's head makes its checksum an unknown field; another page is damaged, or this one."""
    path = tmp_path / "hours.parquet"
    pq.write_table(TABLE, path, write_page_checksum=True, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    head, data = read_struct(whole, 4, len(whole))
    at = whole.index(encoded(head[page_checksums.CHECKSUM]), 4, data) - 1
    spoilt = whole[:at] + bytes((whole[at] & 15 | 0x90,)) + whole[at + 1 :]
    assert page_checksums.CHECKSUM not in read_struct(spoilt, 4, len(spoilt))[0]
    path.write_bytes(spoilt)
    assert "lacks its checksum" in str(page_checksums.why_not(path))


def encoded(number: int) -> bytes:
    """Thrift's zigzag varint of a 32-bit number."""
    number, found = (number << 1) ^ (number >> 31), bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes((*found, number))


def test_of_files_without_checksums_nothing_is_said(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "arrow.parquet")
    given = TABLE
    duckdb.sql("FROM given").write_parquet(str(tmp_path / "duck.parquet"))
    pq.write_table(TABLE.slice(0, 0), tmp_path / "empty.parquet", write_page_checksum=True)
    assert given.num_rows == ROWS
    for written in tmp_path.iterdir():
        assert page_checksums.why_not(written) is None


def test_what_is_no_parquet_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises((OSError, pa.ArrowException)):
        page_checksums.why_not(tmp_path / "x.parquet")


def test_wrong_bits_of_a_footer_cost_a_file_its_own_hours(tmp_path: Path) -> None:
    """Each is found before anything asks Arrow for a column of such a footer, which ends the process; others are read."""
    kept = Path(__file__).parents[2] / "data/folders/0.1-first/data/quality/date=2026-11-22"
    whole, day = (kept / "hour-01-shard-0.parquet").read_bytes(), tmp_path / "quality" / "date=2026-11-22"
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    day.mkdir(parents=True)
    for bit in range(8 * start, 8 * len(whole), 1201):
        spoilt = bytearray(whole)
        spoilt[bit // 8] ^= 1 << bit % 8
        (day / f"hour-{bit}-shard-0.parquet").write_bytes(spoilt)
    files = HourFiles(tmp_path)
    sound, everything = files.sound(), files.everything()
    assert 0 < len(sound) < len(everything)
    assert len(files.damages()) == len(everything) - len(sound)
    assert not files.hold_to_checksums(sound)
    found = chunks(everything)
    assert found is not None
    assert sum(len(chunk.files) for chunk in found) == len(everything)
