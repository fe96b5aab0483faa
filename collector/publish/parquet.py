"""Parquet files that readers never see half-written."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def table(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows of plain values in the schema's order as a table; timestamps are Unix seconds."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays([_array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _array(column: Sequence[Any], type_: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type_):
        microseconds = [None if at is None else round(at * 1e6) for at in column]
        return pa.array(microseconds, pa.int64()).cast(type_)
    return pa.array(column, type_)


def write(table: pa.Table, path: Path, *, durable: bool, **options: Any) -> None:
    """Write beside ``path`` and rename over it; ``durable`` syncs file and folder to the disk first.

    ``options`` are those of ``pyarrow.parquet.write_table``; compression is zstd unless they say otherwise.

    Two threads may write the same ``path``: the later one stays. Raises OSError, and leaves neither a half-written
    file nor a changed ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        pq.write_table(table, beside, **{"compression": "zstd", **options})
        if durable:
            _sync(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
