"""Excel workbooks (.xlsx): one sheet read as rows of text, with the row numbers that Excel shows."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.tables.readers.sheets import Sheet, UnreadableError, column_names, has_content, trimmed

CHUNK = 50_000


def read_workbook(content: bytes, wanted: str | None = None) -> Sheet:
    """The sheet named ``wanted``, else the first that holds anything; its first row with content names the columns.

    Formulas count as the values that Excel last saved. Raises UnreadableError.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    if reason := _is_another_archive(content):
        raise UnreadableError(reason)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise UnreadableError(f"is a zip file, but not an Excel workbook (.xlsx): {error}") from None
    try:
        filled = [sheet.title for sheet in book.worksheets if _first_row(sheet.iter_rows(values_only=True))]
        if wanted is not None and wanted not in book.sheetnames:
            raise UnreadableError(f"has no sheet {wanted!r}; its sheets are {', '.join(book.sheetnames)}")
        if not filled:
            raise UnreadableError("is empty: no sheet of the workbook holds anything")
        title = wanted or filled[0]
        others = [name for name in filled if name != title]
        notes = (f"only the sheet {title!r} was read, not {', '.join(others)}; --sheet names another",)
        return _read(book[title].iter_rows(values_only=True), title, notes if others and wanted is None else ())
    finally:
        book.close()


def _is_another_archive(content: bytes) -> str | None:
    """What a zip file is that holds something else than an Excel workbook, and what to do with it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            kind = archive.read("mimetype")[:80].decode("ascii", "replace") if "mimetype" in names else ""
    except (RuntimeError, NotImplementedError):
        return "is a zip file with a password: save it without one"
    except (zipfile.BadZipFile, OSError, ValueError):
        return None
    if "opendocument" in kind:
        return "is an OpenDocument file (.ods): save it as Excel (.xlsx) or CSV"
    if "[Content_Types].xml" in names:
        return None
    held = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"is a zip archive: unpack it first (it holds {held or 'nothing'})"


def _read(rows: Iterator[tuple[Any, ...]], title: str, notes: tuple[str, ...]) -> Sheet:
    found = _first_row(rows)
    if found is None:
        raise UnreadableError(f"the sheet {title!r} is empty")
    at, cells = found
    where = f"sheet {title!r}, row {at}"
    width = max(position for position, cell in enumerate(cells, 1) if cell is not None)
    names = column_names([_text(cell) or "" for cell in cells[:width]], where)
    table = _table(rows, width)
    columns = [trimmed(table.column(position)) for position in range(width)]
    filled = has_content(columns, table.num_rows)
    lines = np.arange(at + 1, at + 1 + table.num_rows)
    return Sheet(
        {name: column.filter(filled) for name, column in zip(names, columns, strict=True)},
        lines[filled.to_numpy(zero_copy_only=False)],
        (),
        f"Excel, sheet {title!r}",
        unit="row",
        header=where,
        notes=notes,
    )


def _first_row(rows: Iterable[tuple[Any, ...]]) -> tuple[int, tuple[Any, ...]] | None:
    return next(((at, cells) for at, cells in enumerate(rows, 1) if any(cell is not None for cell in cells)), None)


def _table(rows: Iterator[tuple[Any, ...]], width: int) -> pa.Table:
    """The rows as columns of text, built in parts so that Python's own objects do not pile up."""
    schema = pa.schema([pa.field(str(position), pa.string()) for position in range(width)])
    parts, part = [], []
    for cells in rows:
        part.append([_text(cell) for cell in cells[:width]] + [None] * (width - len(cells)))
        if len(part) == CHUNK:
            parts.append(_columns(part, schema))
            part = []
    parts.append(_columns(part, schema))
    return pa.concat_tables(parts)


def _columns(rows: list[list[str | None]], schema: pa.Schema) -> pa.Table:
    cells = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.table([pa.array(column, pa.string()) for column in cells], schema=schema)


def _text(cell: Any) -> str | None:
    """A cell as it would be written in CSV: dates in ISO 8601, whole numbers without a decimal point."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)
