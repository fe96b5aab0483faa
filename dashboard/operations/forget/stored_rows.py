"""Takes rows out of stored Parquet files: each file is written anew without them and replaces the old one in one step."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from collector import parquet_footer


def values_in(path: Path, column: str, *, where: str, among: Collection[str]) -> set[str]:
    """The values of ``column`` in the rows of a file in which ``where`` is one of ``among``; null is left out."""
    found = parquet_footer.opened(path).read([column, where])
    held = found.filter(pc.is_in(found[where], pa.array(list(among), pa.string())))[column]
    return {str(value) for value in held.unique().to_pylist() if value is not None}


def count(path: Path, column: str, among: Collection[str]) -> int:
    """How many rows of a file have one of ``among`` in ``column``. Raises OSError and pyarrow.ArrowException."""
    with parquet_footer.opened(path) as file:
        if column not in file.schema_arrow.names:
            return 0
        held = file.read([column])[column]
    return int(pc.sum(pc.is_in(held, pa.array(list(among), pa.string()))).as_py() or 0)


def remove(path: Path, column: str, among: Collection[str], *, is_dry_run: bool) -> int:
    """Write a file anew without those rows; returns how many they are. Its metadata stay. Raises as ``count``."""
    number = count(path, column, among)
    if not number or is_dry_run:
        return number
    with parquet_footer.opened(path) as file:
        table = file.read()
    kept = table.filter(pc.invert(pc.fill_null(pc.is_in(table[column], pa.array(list(among), pa.string())), False)))
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        parquet_footer.write(kept, beside, compression="zstd")
        _sync(beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return number


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
