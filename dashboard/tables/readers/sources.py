"""Where records come from: CSV, JSON, GeoJSON, Excel or Parquet, told apart by what is in the file, or a database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from dashboard.tables.readers import archives, databases, json_rows, opendocument, outlines
from dashboard.tables.readers.columnar import read_parquet
from dashboard.tables.readers.delimited_text import read_bytes, read_sheet
from dashboard.tables.readers.sheets import Sheet, UnreadableError
from dashboard.tables.readers.workbooks import is_workbook, read_workbook

WORKBOOKS = (".xlsx", ".xlsm", ".ods")
NO_WORKBOOK = "is not a readable workbook: it is damaged or incomplete. Save it again as .xlsx, or as CSV"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
GZIP = b"\x1f\x8b"
IMPORT_ID, DESCRIBED = '{"ImportId"', 3
"""How a cell of Qualtrics' third row begins, and among how many rows it is looked for."""
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, repr=False)
class Source:
    """A file, or the URL of a database with what to read of it; printed it shows no password.

    ``content`` is what was read already, under the name ``called``.
    """

    place: str
    sheet: str | None = None
    table: str | None = None
    query: str | None = None
    encoding: str | None = None
    content: bytes | None = None
    called: str | None = None

    def __str__(self) -> str:
        if self.called is not None:
            return self.called
        return databases.without_secrets(self.place) if databases.is_url(self.place) else self.place

    def __repr__(self) -> str:
        return f"Source({str(self)!r})"

    @property
    def name(self) -> str:
        if self.called is not None:
            return self.called
        return str(self) if databases.is_url(self.place) else Path(self.place).name


def read(source: Source, *, may_be_geojson: bool = False, names: Collection[str] = ()) -> Sheet:
    """Its rows as text; ``names`` are columns by which the header is found below titles. Raises UnreadableError."""
    return _without_descriptions(_read(source, may_be_geojson, frozenset(names)))


def _without_descriptions(sheet: Sheet) -> Sheet:
    """The sheet without the two rows below the header in which Qualtrics says what its columns are."""
    if not len(sheet.lines) or not sheet.columns:
        return sheet
    first = [sheet.columns[name].slice(0, DESCRIBED).to_pylist() for name in sheet.columns]
    last = next(
        (
            row
            for row in range(min(DESCRIBED, len(sheet.lines)))
            if any((c[row] or "").startswith(IMPORT_ID) for c in first)
        ),
        None,
    )
    if last is None:
        return sheet
    note = "the rows below the header that say what the columns are (ImportId) were left out"
    return replace(
        sheet,
        columns={name: cells.slice(last + 1) for name, cells in sheet.columns.items()},
        lines=sheet.lines[last + 1 :],
        notes=(*sheet.notes, note),
    )


def _read(source: Source, may_be_geojson: bool, names: frozenset[str]) -> Sheet:
    if source.content is not None:
        return _read_content(source.content, source, may_be_geojson=may_be_geojson, names=names)
    if databases.is_url(source.place):
        return databases.read_database(source.place, table=source.table, query=source.query)
    if source.table or source.query:
        raise UnreadableError("is a file; --table and --query are for databases")
    content = read_bytes(Path(source.place))
    try:
        return _read_content(content, source, may_be_geojson=may_be_geojson, names=names)
    except UnreadableError:
        if _is_broken_workbook(content, source):
            raise UnreadableError(NO_WORKBOOK) from None
        raise


def _is_broken_workbook(content: bytes, source: Source) -> bool:
    """Whether what is called a workbook is neither text nor anything that can be told by how it begins."""
    is_told = content[:4] in (*ZIP, b"PAR1") or content[:2] == GZIP or content[:8] == OLD_EXCEL
    return Path(source.place).suffix.lower() in WORKBOOKS and not is_told and b"\0" in content


def _read_content(
    content: bytes, source: Source, *, may_be_geojson: bool, names: frozenset[str], is_unpacked: bool = False
) -> Sheet:
    if content[:4] in ZIP:
        with archives.opened(content) as archive:
            if is_workbook(archive):
                return read_workbook(content, source.sheet, names)
            if opendocument.is_spreadsheet(archive):
                return opendocument.read_spreadsheet(archive, source.sheet, names)
            name, inside = archives.unpacked_member(archive)
        return _unpacked(inside, source, name, may_be_geojson=may_be_geojson, names=names, is_unpacked=is_unpacked)
    if content[:2] == GZIP:
        inside = archives.unpacked_gzip(content)
        return _unpacked(inside, source, "", may_be_geojson=may_be_geojson, names=names, is_unpacked=is_unpacked)
    if source.sheet:
        raise UnreadableError("is no Excel workbook, so it has no sheet to choose")
    if content[:8] == OLD_EXCEL:
        raise UnreadableError("is an Excel file of the old kind (.xls) or has a password: save it as .xlsx without one")
    if content[:4] == b"PAR1":
        return read_parquet(content)
    if may_be_geojson and outlines.looks_like_geojson(content):
        return outlines.read_features(content)
    if json_rows.looks_like_json(content):
        return json_rows.read_objects(content)
    return read_sheet(content, source.encoding, names)


def _unpacked(
    content: bytes, source: Source, name: str, *, may_be_geojson: bool, names: frozenset[str], is_unpacked: bool
) -> Sheet:
    """The file within another, which must be no archive again."""
    if is_unpacked:
        raise UnreadableError("is an archive within an archive: unpack it first")
    try:
        return _read_content(content, source, may_be_geojson=may_be_geojson, names=names, is_unpacked=True)
    except UnreadableError as error:
        raise UnreadableError(f"the file {name} within it: {error}" if name else f"what it holds: {error}") from None
