"""The rows of a CSV or Parquet file as cells of text or numbers, each with its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bairro_error import BairroError
from collector.inventory.delimited import open_table

Cells = dict[str, Any]


class SourceError(BairroError, ValueError):
    """A file that cannot be read as a whole; the message names it."""


def columns_of(path: Path) -> tuple[str, ...]:
    """The columns of the file. Raises SourceError."""
    try:
        if _is_parquet(path):
            return tuple(pq.read_schema(path).names)
        return open_table(path).columns
    except (ValueError, OSError, pa.ArrowException) as error:
        raise SourceError(f"{path}: {error}") from None


def rows_of(path: Path) -> Iterator[tuple[int, Cells | str]]:
    """(line, cells by column), or (line, what is wrong with it); of a Parquet file the rows are counted from 1.

    Names of columns are in lower case in a CSV file. Raises SourceError.
    """
    try:
        yield from _of_parquet(path) if _is_parquet(path) else _of_text(path)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path}: {error}") from None


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _of_text(path: Path) -> Iterator[tuple[int, Cells | str]]:
    """Numbers may have a decimal comma where semicolons part the columns."""
    table = open_table(path)
    has_comma = table.delimiter == ";"
    for line, cells in table.rows():
        if isinstance(cells, str):
            yield line, cells
        else:
            pairs = zip(table.columns, cells, strict=False)
            yield line, {name: _comma(cell.strip()) if has_comma else cell.strip() for name, cell in pairs}


def _comma(cell: str) -> str:
    before, comma, after = cell.partition(",")
    return f"{before}.{after}" if comma and before.lstrip("-").isdigit() and after.isdigit() else cell


def _of_parquet(path: Path) -> Iterator[tuple[int, Cells | str]]:
    line = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=10_000):
            for cells in batch.to_pylist():
                line += 1
                yield line, cells
