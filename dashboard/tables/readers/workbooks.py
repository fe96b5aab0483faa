"""Excel workbooks (.xlsx): one sheet read as rows of text, with the row numbers that Excel shows."""

from __future__ import annotations

import datetime
import functools
import io
import warnings
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from collector import counted
from dashboard.tables.readers import archives, further_sheets, header_rows, xml_limits
from dashboard.tables.readers.sheets import Sheet, UnreadableError, column_names, has_content, trimmed

if TYPE_CHECKING:
    from openpyxl import Workbook

Row = tuple[int, Sequence[Any]]
CHUNK = 50_000
MOST_ROWS = 1_048_576
"""As many as Excel has."""
MOST_CELLS = 50_000_000
"""Counted up to the last cell of each row: a few thousand rows that reach to Excel's last column."""
NOT_READ = ("xl/media/", "xl/drawings/", "xl/charts/", "xl/embeddings/", "xl/externalLinks/", "xl/pivot", "customXml/")


def read_workbook(content: bytes, wanted: str | None = None, known: Collection[str] = ()) -> Sheet:
    """The sheet named ``wanted``, else the first that is shown and holds anything; its header is found by ``known`` names.

    Formulas count as the values that Excel last saved. Raises UnreadableError.
    """
    from openpyxl import load_workbook

    with archives.opened(content) as archive:
        for name in archive.namelist():
            if name.endswith((".xml", ".rels")) and not name.startswith(NOT_READ):
                xml_limits.look_through(archive, name)
    with archives.damage_told("an Excel workbook"), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # openpyxl warns of styles, extensions and dates, none of which is for our users
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        try:
            return _chosen(book, wanted, known)
        finally:
            book.close()


def _chosen(book: Workbook, wanted: str | None, known: Collection[str]) -> Sheet:
    if wanted is not None and wanted not in book.sheetnames:
        raise UnreadableError(f"has no sheet {wanted!r}; its sheets are {', '.join(book.sheetnames)}")
    filled = [sheet for sheet in book.worksheets if next(_rows(sheet), None)]
    if not filled:
        raise UnreadableError("is empty: no sheet of the workbook holds anything")
    shown = [sheet for sheet in filled if sheet.sheet_state == "visible"] or filled
    title = wanted or shown[0].title
    others = ", ".join(sheet.title for sheet in filled if sheet.title != title)
    notes = (f"only the sheet {title!r} was read, not {others}; --sheet names another",)
    if not others or wanted is not None:
        return read_rows(_rows(book[title]), title, (), "Excel", known)
    sheets = {sheet.title: functools.partial(_rows, sheet) for sheet in filled}
    return read_beside(sheets, title, notes, "Excel", known)


def read_beside(
    sheets: Mapping[str, Callable[[], Iterator[Row]]],
    title: str,
    notes: tuple[str, ...],
    program: str,
    known: Collection[str],
) -> Sheet:
    """The sheet ``title`` of those by name, with a warning for each other one that holds more of the same records.

    Raises UnreadableError.
    """

    def read(name: str, is_beginning: bool) -> Sheet:
        rows = sheets[name]()
        return read_rows(islice(rows, header_rows.LOOKED_AT) if is_beginning else rows, name, (), program, known)

    chosen = read_rows(sheets[title](), title, notes, program, known)
    others = [(name, functools.partial(read, name)) for name in sheets if name != title]
    told = further_sheets.told(chosen, title, others)
    return replace(chosen, warnings=(*chosen.warnings, *told.values()), beside=tuple(told))


def _rows(sheet: Any) -> Iterator[Row]:
    """The sheet's rows with content and their numbers, each up to its last cell. Raises UnreadableError where they have no end.

    What the sheet says of its own size is not believed: programs write it too small, and what lies beyond would be lost.
    """
    if not hasattr(sheet, "reset_dimensions"):  # a chart has a sheet of its own
        return
    sheet.reset_dimensions()
    cells = 0
    for at, row in enumerate(sheet.iter_rows(values_only=True), 1):
        cells += len(row)
        if at > MOST_ROWS or cells > MOST_CELLS:
            raise UnreadableError(
                f"the sheet {sheet.title!r} has cells far beyond its table (row {at:,}, column {len(row):,}): delete the rows"
                " and columns after the table, or export it as CSV"
            )
        if any(cell is not None for cell in row):
            yield at, row


def is_workbook(archive: zipfile.ZipFile) -> bool:
    return "[Content_Types].xml" in archive.namelist()


def read_rows(
    rows: Iterator[Row], title: str, notes: tuple[str, ...], program: str, known: Collection[str] = ()
) -> Sheet:
    """The rows of the sheet ``title`` as a Sheet: the first names the columns, or one below titles, which is found by
    ``known`` names. Raises UnreadableError."""
    top = list(islice(rows, header_rows.LOOKED_AT))
    if not top:
        raise UnreadableError(f"the sheet {title!r} is empty")
    above = header_rows.found([[_text(cell) for cell in row] for _, row in top], known)
    at, cells = top[above]
    where = f"sheet {title!r}, row {at}"
    notes = (*notes, header_rows.said(above, where)) if above else notes
    rows = chain(top[above + 1 :], rows)
    width = max(position for position, cell in enumerate(cells, 1) if cell is not None)
    names = column_names([_text(cell) or "" for cell in cells[:width]], where)
    table, lines, beyond = _table(rows, width)
    if beyond:
        notes = (
            *notes,
            f"{counted.of(beyond, 'row', 'have')} cells to the right of the columns that row {at} names: these were not read",
        )
    columns = [trimmed(table.column(position)) for position in range(width)]
    filled = has_content(columns, table.num_rows)
    return Sheet(
        {name: column.filter(filled) for name, column in zip(names, columns, strict=True)},
        lines[filled.to_numpy(zero_copy_only=False)],
        (),
        f"{program}, sheet {title!r}",
        unit="row",
        header=where,
        notes=notes,
    )


def _table(rows: Iterator[Row], width: int) -> tuple[pa.Table, np.ndarray, int]:
    """The rows as columns of text, their numbers, and how many have cells beyond.

    The columns are built in parts so that Python's own objects do not pile up.
    """
    schema = pa.schema([pa.field(str(position), pa.string()) for position in range(width)])
    parts, part, lines, beyond = [], [], [], 0
    for at, cells in rows:
        lines.append(at)
        part.append([_text(cell) for cell in cells[:width]] + [None] * (width - len(cells)))
        beyond += any(cell is not None for cell in cells[width:])
        if len(part) == CHUNK:
            parts.append(_columns(part, schema))
            part = []
    parts.append(_columns(part, schema))
    return pa.concat_tables(parts), np.array(lines, dtype=np.int64), beyond


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
