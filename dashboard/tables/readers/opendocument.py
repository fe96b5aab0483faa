"""OpenDocument spreadsheets (.ods, OpenDocument 1.2 part 1, 9.1): a sheet's rows as text, repeated ones written out."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Collection, Iterator
from xml.etree import ElementTree

from dashboard.tables.readers import archives, xml_limits
from dashboard.tables.readers.sheets import Sheet, UnreadableError
from dashboard.tables.readers.workbooks import MOST_CELLS, MOST_ROWS, Row, read_beside, read_rows

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
MOST_COLUMNS = 16_384
CELLS = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")


def is_spreadsheet(archive: zipfile.ZipFile) -> bool:
    names = archive.namelist()
    if "mimetype" not in names or "content.xml" not in names:
        return False
    with archives.damage_told("an OpenDocument file"):
        kind = archive.open("mimetype").read(80)
    if b"opendocument" in kind and b"spreadsheet" not in kind:
        raise UnreadableError("is an OpenDocument file, but no spreadsheet: save it as Excel (.xlsx) or CSV")
    return b"opendocument.spreadsheet" in kind


def read_spreadsheet(archive: zipfile.ZipFile, wanted: str | None = None, known: Collection[str] = ()) -> Sheet:
    """The sheet named ``wanted``, else the first that holds anything. Raises UnreadableError."""
    xml_limits.look_through(archive, "content.xml")
    with archives.damage_told("an OpenDocument spreadsheet"):
        sheets = {name: rows for name, rows in _sheets(archive) if rows or name == wanted}
    if wanted is not None and wanted not in sheets:
        raise UnreadableError(f"has no sheet {wanted!r}; those with content are {', '.join(sheets)}")
    if not sheets:
        raise UnreadableError("is empty: no sheet holds anything")
    title = wanted or next(iter(sheets))
    others = ", ".join(name for name in sheets if name != title)
    notes = (f"only the sheet {title!r} was read, not {others}; --sheet names another",)
    if not others or wanted is not None:
        return read_rows(iter(sheets[title]), title, (), "OpenDocument", known)
    return read_beside(
        {name: functools.partial(iter, rows) for name, rows in sheets.items()}, title, notes, "OpenDocument", known
    )


def _sheets(archive: zipfile.ZipFile) -> Iterator[tuple[str, list[Row]]]:
    """Every sheet's name and its rows with content. Raises UnreadableError where they have no end."""
    name, rows, at, cells = "", list[Row](), 0, 0
    with archive.open("content.xml") as member:
        for event, element in ElementTree.iterparse(member, events=("start", "end")):
            if event == "start" and element.tag == f"{TABLE}table":
                name, rows, at = element.get(f"{TABLE}name", ""), [], 0
            elif event == "end" and element.tag == f"{TABLE}table-row":
                repeated, row = int(element.get(f"{TABLE}number-rows-repeated", "1")), _row(element)
                element.clear()
                cells += repeated * len(row)
                if row and (at + repeated > MOST_ROWS or cells > MOST_CELLS):
                    raise UnreadableError(
                        f"the sheet {name!r} has cells far beyond its table: delete the rows after it"
                    )
                rows += [(at + number, row) for number in range(1, repeated * bool(row) + 1)]
                at += repeated
            elif event == "end" and element.tag == f"{TABLE}table":
                yield name, rows


def _row(element: ElementTree.Element) -> tuple[str | None, ...]:
    """The row's cells up to the last that is filled."""
    cells: list[str | None] = []
    blank = 0
    for cell in element:
        if cell.tag not in CELLS:
            continue
        repeated = int(cell.get(f"{TABLE}number-columns-repeated", "1"))
        text = _text(cell)
        if text is None:
            blank += repeated
            continue
        if len(cells) + blank + repeated > MOST_COLUMNS:
            raise UnreadableError("has cells far beyond its table: delete the columns after the table")
        cells += [None] * blank + [text] * repeated
        blank = 0
    return tuple(cells)


def _text(cell: ElementTree.Element) -> str | None:
    """A cell's value as it would stand in CSV: numbers and days as they are stored, not as they are shown."""
    kind = cell.get(f"{OFFICE}value-type")
    if kind in ("float", "percentage", "currency"):
        value = cell.get(f"{OFFICE}value")
        return value.removesuffix(".0") if value is not None else None
    if kind == "date":
        return (cell.get(f"{OFFICE}date-value") or "").replace("T", " ") or None
    if kind == "boolean":
        return cell.get(f"{OFFICE}boolean-value")
    lines = ["".join(_pieces(paragraph)) for paragraph in cell.findall(f"{TEXT}p")]
    return "\n".join(lines) or None


def _pieces(paragraph: ElementTree.Element) -> Iterator[str]:
    """The paragraph's text; blanks and tabs are elements of their own (6.1.3, 6.1.4)."""
    if paragraph.tag == f"{TEXT}s":
        yield " " * min(int(paragraph.get(f"{TEXT}c", "1")), 100)
    elif paragraph.tag == f"{TEXT}tab":
        yield "\t"
    elif paragraph.tag == f"{TEXT}line-break":
        yield "\n"
    yield paragraph.text or ""
    for inner in paragraph:
        yield from _pieces(inner)
        yield inner.tail or ""
