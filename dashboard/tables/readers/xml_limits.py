"""XML within a workbook, looked through once before a library builds trees of it: entities and overlarge parts are refused."""

from __future__ import annotations

import zipfile
from xml.parsers import expat

from dashboard.tables.readers.archives import MEBIBYTE, damage_told
from dashboard.tables.readers.sheets import UnreadableError

CHUNK = MEBIBYTE
DEEPEST = 256
PARTS = {"row": 1_048_576, "si": 4_000_000, "table-row": 1_048_576}
"""Elements that are read one after the other, and how many there may be: rows (as many as Excel has) and shared texts."""
LARGEST_PART = 32 * MEBIBYTE
MOST_ELEMENTS = 300_000
"""Of one part: a row has 16,384 cells of some elements each."""
LARGEST_STRINGS = 256 * MEBIBYTE
LARGEST_OTHER = 32 * MEBIBYTE
KEPT_IN_MEMORY = ("sharedStrings.xml", "styles.xml", "workbook.xml")


def look_through(archive: zipfile.ZipFile, name: str) -> None:
    """Raises UnreadableError where the member ``name`` is damaged, declares entities, or has parts that are too large."""
    with damage_told("a spreadsheet"):
        size = archive.getinfo(name).file_size
        limit = LARGEST_STRINGS if name.endswith("sharedStrings.xml") else LARGEST_OTHER
        if size > limit and "/worksheets/" not in name and not name.endswith("content.xml"):
            raise UnreadableError(
                f"its part {name} has {size / MEBIBYTE:,.0f} MiB, and {limit / MEBIBYTE:,.0f} are read: export it as CSV"
            )
        with archive.open(name) as member:
            looked = _Look(name)
            while chunk := member.read(CHUNK):
                looked.feed(chunk)
            looked.finish()


class _Look:
    """One pass over a member: counts what a tree of it would hold at a time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.depth = self.elements = self.began = self.fed = self.row = 0
        self.parts = dict.fromkeys(PARTS, 0)
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes) -> None:
        self.parser.Parse(chunk, False)
        self.fed += len(chunk)
        if self.fed - self.began > LARGEST_PART + CHUNK and any(self.parts.values()):
            raise UnreadableError(
                f"its part {self.name} has a row or text of more than {LARGEST_PART / MEBIBYTE:,.0f} MiB"
            )

    def finish(self) -> None:
        self.parser.Parse(b"", True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        kind = tag.rpartition(":")[2]
        if kind in PARTS:
            self.parts[kind] += 1
            self.elements, self.began = 0, self.parser.CurrentByteIndex
            if kind == "row":
                self._row(attributes.get("r"))
            if self.parts[kind] > PARTS[kind]:
                raise UnreadableError(
                    f"its part {self.name} has more than {PARTS[kind]:,} rows or texts: export it as CSV"
                )
        if self.elements > MOST_ELEMENTS or self.depth > DEEPEST:
            raise UnreadableError(
                f"its part {self.name} is larger or deeper within than any sheet of records: it is not read"
            )

    def _row(self, number: str | None) -> None:
        """Rows that do not follow one another would be lost without a word."""
        row = int(number) if number else self.row + 1
        if row <= self.row:
            raise UnreadableError(
                f"its part {self.name} has row {row} after row {self.row}: save the file anew with Excel"
            )
        self.row = row

    def _end(self, _tag: str) -> None:
        self.depth -= 1

    def _doctype(self, *_: object) -> None:
        raise UnreadableError(
            f"its part {self.name} declares a document type, which workbooks never do: it is not read"
        )
