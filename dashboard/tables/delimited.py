"""Delimited text as providers export it: encoding, separator and every row's line, read as text with no row loop."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
BLANK = pa.array(["", "NULL", "null", "\\N", "#N/A", "#NULL!"])
LARGEST_ROW_BYTES = 32 * 1024 * 1024


class UnreadableError(ValueError):
    """A file that is not the table it should be; the message says why, without the file's name."""


@dataclass(frozen=True)
class Fault:
    """One row that is refused: its line in the file, the column (None: the row as a whole) and why."""

    line: int
    column: str | None
    reason: str


@dataclass(frozen=True)
class Sheet:
    """A file's rows as text. ``columns`` maps lower-case names to columns with blank cells as null; ``lines`` gives
    the line of the file on which each row starts; ``faults`` are rows of the wrong width, which are not among them.
    """

    columns: dict[str, pa.Array]
    lines: np.ndarray
    faults: tuple[Fault, ...]
    encoding: str
    separator: str

    @property
    def described(self) -> str:
        return f"{ENCODINGS[self.encoding]}, {SEPARATORS[self.separator]}"


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises UnreadableError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableError("no such file") from None
    except IsADirectoryError:
        raise UnreadableError("is a folder, not a file") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from None


def read_sheet(content: bytes) -> Sheet:
    """Read delimited text with a header line. Raises UnreadableError."""
    if not content.strip():
        raise UnreadableError("is empty")
    encoding = _encoding(content)
    if encoding == "utf-16":
        content, encoding_in = content.decode("utf-16").encode(), "utf-8"
    else:
        encoding_in = encoding
        content = content.removeprefix(b"\xef\xbb\xbf") if encoding == "utf-8" else content
    body = content.lstrip(b"\r\n")
    separator, names = _header(body.partition(b"\n")[0].decode(encoding_in, errors="replace"))
    table, wrong_width = _parse(body, separator, len(names), encoding_in)
    skipped = content[: len(content) - len(body)].count(b"\n")
    lines, faults = _lines(table, wrong_width, 2 + skipped)
    columns = [_trimmed(table.column(position)) for position in range(len(names))]
    filled = _has_content(columns, table.num_rows)
    return Sheet(
        {name: column.filter(filled) for name, column in zip(names, columns, strict=True)},
        lines[filled.to_numpy(zero_copy_only=False)],
        faults,
        encoding,
        separator,
    )


def _encoding(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    if b"\0" in content:
        raise UnreadableError("is not text (it holds zero bytes): export it as CSV")
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _header(line: str) -> tuple[str, list[str]]:
    """The separator and the column names of the first line, in lower case with underscores."""
    if line.lstrip()[:1] in ("{", "[", "<"):
        raise UnreadableError("is not a CSV file: it begins like JSON or HTML")
    separator = max(SEPARATORS, key=line.count)
    cells = next(csv.reader([line.rstrip("\r")], delimiter=separator), [])
    names = [re.sub(r"[\s-]+", "_", cell.strip().lower()) for cell in cells]
    if doubles := sorted({name for name in names if name and names.count(name) > 1}):
        raise UnreadableError(f"line 1: the column {doubles[0]} stands there twice")
    return separator, [name or f"column_{position + 1}" for position, name in enumerate(names)]


def _parse(content: bytes, separator: str, width: int, encoding: str) -> tuple[pa.Table, list[pyarrow.csv.InvalidRow]]:
    wrong_width: list[pyarrow.csv.InvalidRow] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        wrong_width.append(row)
        return "skip"

    names = [str(position) for position in range(width)]
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(content),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False,
                block_size=LARGEST_ROW_BYTES,
                column_names=names,
                encoding=encoding,
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=separator, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=skip
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise UnreadableError(f"is not a CSV file that can be read: {str(error).splitlines()[0]}") from None
    return table.slice(1), wrong_width


def _lines(
    table: pa.Table, wrong_width: list[pyarrow.csv.InvalidRow], first_line: int
) -> tuple[np.ndarray, tuple[Fault, ...]]:
    """The line on which each row after the header starts, counting line breaks within quoted cells, and the rows of the wrong width."""
    total = table.num_rows + len(wrong_width)
    height = np.ones(total, dtype=np.int64)
    is_whole = np.ones(total, dtype=bool)
    for row in wrong_width:
        height[row.number - 2] += row.text.count("\n")
        is_whole[row.number - 2] = False
    breaks = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        breaks += pc.count_substring(column, "\n").to_numpy()
    height[is_whole] += breaks
    starts = first_line + np.cumsum(height) - height
    faults = tuple(
        Fault(int(starts[row.number - 2]), None, f"has {row.actual_columns} cells, the header {row.expected_columns}")
        for row in wrong_width
        if row.text.strip()
    )
    return starts[is_whole], faults


def _trimmed(column: pa.ChunkedArray) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(column.combine_chunks())
    return pc.if_else(pc.is_in(trimmed, BLANK), pa.scalar(None, pa.string()), trimmed)


def _has_content(columns: list[pa.Array], rows: int) -> pa.Array:
    """Rows in which any cell is filled: spreadsheets export lines of separators alone."""
    filled = pa.array(np.zeros(rows, dtype=bool))
    for column in columns:
        filled = pc.or_(filled, pc.is_valid(column))
    return filled
