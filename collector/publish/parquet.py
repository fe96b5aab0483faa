"""Parquet files that readers never see half-written, and that say what they are; files that cannot be read say why."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from bairro_error import BairroError
from collector import parquet_footer, table_versions
from collector.published import TableSpec


class UnreadableError(BairroError, ValueError):
    """A file that is no table of its kind; the message says why, and reads on after the file's name."""

    def __init__(self, why: str, *, is_newer: bool = False) -> None:
        super().__init__(why)
        self.what = "newer" if is_newer else "damaged"


def table(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows of plain values in the schema's order as a table; timestamps are Unix seconds."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.Table.from_arrays([_array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _array(column: Sequence[Any], type_: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(type_):
        microseconds = [None if at is None else round(at * 1e6) for at in column]
        return pa.array(microseconds, pa.int64()).cast(type_)
    return pa.array(column, type_)


def read(path: Path, spec: TableSpec, columns: Sequence[str] | None = None) -> pa.Table:
    """The file as ``spec`` declares it today, or these columns of it: what it lacks is null, what it has beyond goes.

    Raises UnreadableError for what is no such table, and OSError where the disk does not give the file.
    """
    wanted = [column for column in spec.columns if columns is None or column.name in columns]
    try:
        with parquet_footer.opened(path) as file:
            found = file.schema_arrow
            if (why := table_versions.why_unreadable(found, spec)) is not None:
                raise UnreadableError(why, is_newer=table_versions.is_newer(found, spec))
            held = file.read([column.name for column in wanted if column.name in found.names])
        made = []
        for column in wanted:
            field = spec.arrow_schema().field(column.name)
            values = held[column.name].cast(field.type) if column.name in held.column_names else None
            if values is not None and column.required and values.null_count:
                raise UnreadableError(f"has rows without {column.name}")
            made.append(pa.nulls(held.num_rows, field.type) if values is None else values)
    except OSError as error:
        if error.errno is not None:
            raise
        raise UnreadableError(_in_words(error)) from None  # Arrow's own word for content that it cannot make out
    except pa.ArrowException as error:
        raise UnreadableError(_in_words(error)) from None
    return pa.Table.from_arrays(made, schema=pa.schema([spec.arrow_schema().field(c.name) for c in wanted]))


def _in_words(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"is no Parquet file that can be read ({said[:200]})"


def write(table: pa.Table, path: Path, *, durable: bool, **options: Any) -> None:
    """Write beside ``path`` and rename over it; ``durable`` syncs file and folder to the disk first.

    ``options`` are those of ``pyarrow.parquet.write_table``; compression is zstd unless they say otherwise. Each page
    has a checksum, and the footer too, so that readers who ask for it see any damage.

    Two threads may write the same ``path``: the later one stays. Raises OSError, and leaves neither a half-written
    file nor a changed ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        parquet_footer.write(table, beside, **{"compression": "zstd", **options})
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
