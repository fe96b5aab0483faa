"""A delimited text file as people export it: BOM or Latin-1, commas or semicolons, blank lines; read line by line."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Table:
    """An open table: its header, in lower case, and how its text is written."""

    path: Path
    columns: tuple[str, ...]
    delimiter: str
    encoding: str
    header_line: int

    @property
    def name(self) -> str:
        return self.path.name

    def unknown(self, known: tuple[str, ...]) -> list[str]:
        """The columns that are not among ``known``, in their order."""
        return [name for name in self.columns if name not in known]

    def rows(self) -> Iterator[tuple[int, list[str] | str]]:
        """Yield (line number, cells), or (line number, what is wrong) for a line that cannot be split.

        A field never runs over lines: a quote that is not closed spoils its own line only.
        """
        width = len(self.columns)
        with self.path.open(encoding=self.encoding) as file:
            for number, line in enumerate(file, 1):
                if number <= self.header_line or not line.strip(f"{self.delimiter} \r\n\t"):
                    continue
                cells = _split(line, self.delimiter)
                if isinstance(cells, list) and len(cells) > width and any(c.strip() for c in cells[width:]):
                    yield number, f"the row has {len(cells)} fields, the header {width}"
                else:
                    yield number, cells


def open_table(path: Path) -> Table:
    """Find out how ``path`` is written and read its header.

    Raises ValueError where it cannot be read, is empty or names a column twice.
    """
    encoding = _encoding(path)
    with path.open(encoding=encoding) as file:
        number, line = next(((n, text) for n, text in enumerate(file, 1) if text.strip()), (0, ""))
    if not line:
        raise ValueError("is empty")
    delimiter = max(DELIMITERS, key=line.count)
    cells = _split(line, delimiter)
    if isinstance(cells, str):
        raise ValueError(f"line {number}: {cells}")  # noqa: TRY004
    columns = tuple(cell.strip().lower() for cell in cells)
    while columns and not columns[-1]:
        columns = columns[:-1]
    double = sorted({name for name in columns if columns.count(name) > 1})
    if double:
        raise ValueError(f"line {number}: the column {double[0]!r} is there twice")
    return Table(path, columns, delimiter, encoding, number)


def _split(line: str, delimiter: str) -> list[str] | str:
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "a quote is not closed" if "unexpected end" in str(error) else str(error)


def _encoding(path: Path) -> str:
    """UTF-8 (a BOM is dropped), UTF-16 where its BOM says so, else Latin-1, which any bytes are. Raises ValueError."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            block = file.read(1 << 20)
            if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            while block:
                if b"\0" in block:
                    raise ValueError("is not a text file")
                decoder.decode(block)
                block = file.read(1 << 20)
            decoder.decode(b"", final=True)
    except FileNotFoundError:
        raise ValueError("no such file") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"
