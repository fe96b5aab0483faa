"""Footers of Parquet files: a wrong bit in one never reads as another value and never ends the process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector import parquet_footer

TABLE = pa.table(
    {
        "hour": pa.array([datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in range(5)], pa.timestamp("us", tz="UTC")),
        "device_id": ["a", "b", "a", None, "c"],
        "loss_ratio": pa.array([0.5, None, 0.25, 1.0, 0.0], pa.float64()),
        "polls": pa.array([60, 59, 58, 57, 56], pa.int64()),
        "faults": pa.array([["x"], [], None, ["y", "z"], ["x"]], pa.list_(pa.string())),
    }
)
KEPT = Path(__file__).parents[1] / "data" / "folders"
OF_OLD = "0.1-first/data/quality/date=2026-11-22/hour-01-shard-0.parquet"


def flipped(content: bytes, every: int, first: int = 0) -> list[tuple[int, bytes]]:
    """The file with one bit of its footer, its length or its end changed: each of ``every`` so many bits."""
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little") - parquet_footer.SEAL_BYTES
    found = []
    for bit in range(8 * max(0, start) + first, 8 * len(content), every):
        spoilt = bytearray(content)
        spoilt[bit // 8] ^= 1 << bit % 8
        found.append((bit // 8 - start, bytes(spoilt)))
    return found


def read(content: bytes, path: Path) -> pa.Table | None:
    path.write_bytes(content)
    try:
        return parquet_footer.opened(path).read()
    except (OSError, pa.ArrowException):
        return None


def test_any_changed_bit_of_a_sealed_footer_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "hours.parquet"
    parquet_footer.write(TABLE, path)
    content = path.read_bytes()
    assert parquet_footer.read(path).is_sealed
    for place, spoilt in flipped(content, 23):
        found = read(spoilt, path)
        is_of_the_mark = place < len(parquet_footer.MAGIC)
        assert (found is None) != is_of_the_mark, place
        assert found is None or found.equals(TABLE)


def test_others_read_a_sealed_file(tmp_path: Path) -> None:
    path = tmp_path / "hours.parquet"
    parquet_footer.write(TABLE, path, compression="zstd")
    assert pq.ParquetFile(path).read().equals(TABLE)
    assert duckdb.sql(f"SELECT sum(polls) FROM read_parquet('{path}')").fetchall() == [(290,)]


def test_what_another_writes_from_a_sealed_file_is_no_damage(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.parquet", tmp_path / "theirs.parquet"
    parquet_footer.write(TABLE, ours)
    pq.write_table(pq.read_table(ours).slice(1), theirs)
    assert not parquet_footer.read(theirs).is_sealed
    assert parquet_footer.opened(theirs).read().num_rows == 4


@pytest.fixture(params=["older", "arrow", "duckdb"])
def unsealed(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "unsealed.parquet"
    if request.param == "older":
        path.write_bytes((KEPT / OF_OLD).read_bytes())
    elif request.param == "arrow":
        pq.write_table(TABLE, path)
    else:
        given = TABLE
        duckdb.sql("FROM given").write_parquet(str(path))
        assert given.num_rows == 5
    return path


def test_a_footer_without_a_checksum_is_held_against_itself(unsealed: Path, tmp_path: Path) -> None:
    """Arrow alone reads one changed bit in twenty of the older file as another table, and one in a hundred aborts it."""
    content, path = unsealed.read_bytes(), tmp_path / "spoilt.parquet"
    whole = pq.ParquetFile(unsealed).read()
    refused = 0
    for place, spoilt in flipped(content, 401, first=8 * parquet_footer.SEAL_BYTES + 5):
        found = read(spoilt, path)
        refused += found is None
        assert found is None or found.to_pylist() == whole.to_pylist(), place
        if found is not None:
            assert len(parquet_footer.read(path).chunks()) > 0
    assert refused > 5


def test_a_footer_that_held_elsewhere_is_judged_by_its_own_place(tmp_path: Path) -> None:
    """The same bytes behind fewer pages than they tell of, asked after the whole file and asked again."""
    path = tmp_path / "unsealed.parquet"
    pq.write_table(TABLE, path)
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for spoilt in (content[:4] + content[start:], content[: start - 1] + content[start:]):
        assert read(content, path) is not None
        for _ in range(2):
            assert read(spoilt, path) is None


@pytest.mark.parametrize("path", sorted(KEPT.rglob("*.parquet")), ids=lambda path: "-".join(path.parts[-3:]))
def test_places_are_those_that_arrow_tells(path: Path) -> None:
    told, chunks = pq.read_metadata(path), iter(parquet_footer.read(path).chunks())
    for group in range(told.num_row_groups):
        for number in range(told.num_columns):
            column, chunk = told.row_group(group).column(number), next(chunks)
            start = column.dictionary_page_offset or column.data_page_offset
            assert chunk == (
                group,
                column.path_in_schema,
                column.num_values,
                start,
                start + column.total_compressed_size,
            )
    assert next(chunks, None) is None


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1\x00\x00\x00\x00PAR1", b"PAR1" + b"\xff" * 40 + b"PAR1"])
def test_what_is_no_parquet_file_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(pa.ArrowInvalid):
        parquet_footer.read(path)
