"""Parquet files and the rows of a database, as text: typed columns written as they would stand in CSV."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dashboard.tables.readers.sheets import Sheet, UnreadableError, column_names, has_content, trimmed

MOST_CELLS = 500_000_000
LARGEST_TEXT_BYTES = 1024 * 1024 * 1024


def read_parquet(content: bytes) -> Sheet:
    """A Parquet file; rows count from 1, columns of lists and structures stay out. Raises UnreadableError."""
    try:
        file = pq.ParquetFile(io.BytesIO(content), page_checksum_verification=True)
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if rows * columns > MOST_CELLS:
            raise UnreadableError(f"has {rows:,} rows of {columns:,} columns, more than are read: import it in parts")
        texts = [field.name for field in file.schema_arrow if pa.types.is_string(field.type)]
        table = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts, page_checksum_verification=True).read()
    except (OSError, pa.ArrowException) as error:
        raise UnreadableError(f"is not a Parquet file that can be read: {str(error).splitlines()[0]}") from None
    return sheet_of(table, "Parquet", "the schema")


def sheet_of(table: pa.Table, described: str, header: str) -> Sheet:
    """Typed columns as a sheet of text. Raises UnreadableError."""
    names = column_names(table.column_names, header)
    columns, unused = {}, []
    for name, column in zip(names, table.columns, strict=True):
        text = as_text(column)
        if text is None:
            unused.append(name)
        else:
            columns[name] = trimmed(text)
    if not columns:
        raise UnreadableError("holds no column of text, numbers or dates")
    filled = has_content(list(columns.values()), table.num_rows)
    lines = np.arange(1, table.num_rows + 1)[filled.to_numpy(zero_copy_only=False)]
    kept = {name: column.filter(filled) for name, column in columns.items()}
    return Sheet(kept, lines, (), described, unit="row", header=header, unused=tuple(unused))


def as_text(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The column's values as text; None where they are lists, structures or bytes."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        _refuse_overlong(column)
        return as_text(column.cast(kind.value_type))
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return None
    if pa.types.is_timestamp(kind):
        written = pc.strftime(column.cast(pa.timestamp("s", kind.tz), safe=False), "%Y-%m-%d %H:%M:%S")
        if kind.tz is None:
            return written
        utc = column.cast(pa.timestamp("s", "UTC"), safe=False)
        return pc.binary_join_element_wise(pc.strftime(utc, "%Y-%m-%d %H:%M:%S"), "Z", "")
    if pa.types.is_floating(kind):
        return _numbers(column.cast(pa.float64()))
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # Arrow's word for: there is no text of this type
        return None


def _refuse_overlong(column: pa.ChunkedArray) -> None:
    """Raises UnreadableError where a few long texts stand in so many rows that written out they would fill the memory."""
    size = 0
    for chunk in column.chunks:
        if pa.types.is_string(chunk.type.value_type):
            lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
            size += pc.sum(lengths.cast(pa.int64())).as_py() or 0
    if size > LARGEST_TEXT_BYTES:
        raise UnreadableError(f"has a column of {size / 1024**3:,.0f} GiB of text, more than is read: leave it out")


def _numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without exponents, which no other source writes, and NaN as null."""
    given = pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    text = given.cast(pa.string())
    if not pc.any(pc.match_substring(text, "e")).as_py():
        return text
    written = [None if value is None else np.format_float_positional(value, trim="-") for value in given.to_pylist()]
    return pa.chunked_array([pa.array(written, pa.string())])
