"""Delimited text as providers export it: encoding, separator and every row's line, read as text with no row loop."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from dashboard.tables.sheets import Fault, Sheet, UnreadableError, column_names, has_content, trimmed

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "latin-1": "Latin-1"}
LARGEST_ROW_BYTES = 32 * 1024 * 1024


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
    columns = [trimmed(table.column(position)) for position in range(len(names))]
    filled = has_content(columns, table.num_rows)
    return Sheet(
        {name: column.filter(filled) for name, column in zip(names, columns, strict=True)},
        lines[filled.to_numpy(zero_copy_only=False)],
        faults,
        f"{ENCODINGS[encoding]}, {SEPARATORS[separator]}",
        has_decimal_comma=separator == ";",
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
    return separator, column_names(cells, "line 1")


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
