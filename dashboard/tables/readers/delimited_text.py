"""Delimited text as providers export it: encoding, separator and every row's line, read as text with no row loop."""

from __future__ import annotations

import csv
import io
import re
import stat
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from dashboard.tables.readers import header_rows
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError, column_names, has_content, trimmed
from dashboard.tables.readers.text_encodings import decoded

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
LARGEST_FILE_BYTES = 2 * 1024 * 1024 * 1024
LARGEST_ROW_BYTES = 32 * 1024 * 1024
FEWEST_SWALLOWED = 3
"""So many lines of a cell that look like rows are rows; a text with fewer may be somebody's own words."""
STATED_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""Excel's own first line, which says by what the cells are parted."""


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises UnreadableError."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
            raise UnreadableError("is a device, not a file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError("no such file") from None
    except IsADirectoryError:
        raise UnreadableError("is a folder, not a file") from None
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise UnreadableError("is larger than 2 GiB: import it in parts, or as Parquet")
    return content


def read_sheet(content: bytes, encoding: str | None = None, known: Collection[str] = ()) -> Sheet:
    """Read delimited text with a header line; ``encoding`` is the one that somebody stated, ``known`` are names of columns by
    which the header is found below titles. Raises UnreadableError."""
    if not content.strip():
        raise UnreadableError("is empty")
    text = decoded(content, encoding, is_old_mac=_is_old_mac(content))
    content = _with_line_feeds(text.content)
    body, stated = _after_stated_separator(_after_type(content.lstrip(b"\r\n")))
    body, above = _from_header_on(body, stated, known)
    at = content[: len(content) - len(body)].count(b"\n") + 1
    separator, names = _header(body.partition(b"\n")[0].decode(), stated, at)
    parsed = _parse(body, separator, len(names))
    lines, faults = _lines(parsed, at + 1)
    _refuse_rows_within_quotes(parsed, lines, faults)
    table, lines, faults = _with_rows_of_blank_ends(parsed, lines, faults)
    columns = [trimmed(table.column(position)) for position in range(len(names))]
    filled = has_content(columns, table.num_rows)
    return Sheet(
        {name: column.filter(filled) for name, column in zip(names, columns, strict=True)},
        lines[filled.to_numpy(zero_copy_only=False)],
        faults,
        f"{text.name}, {SEPARATORS[separator]}",
        header=f"line {at}",
        has_decimal_comma=separator == ";",
        notes=tuple(note for note in (text.note, header_rows.said(above, f"line {at}") if above else "") if note),
        warnings=(text.warning,) if text.warning else (),
    )


def _with_line_feeds(content: bytes) -> bytes:
    """Lines that end as on old Macs (CR alone) with line feeds."""
    return re.sub(rb"\r(?!\n)", b"\n", content) if _is_old_mac(content) else content


def _is_old_mac(content: bytes) -> bool:
    """Whether the first line ends with CR alone."""
    first_return, first_feed = content.find(b"\r"), content.find(b"\n")
    return first_return >= 0 and (first_feed < 0 or first_return < first_feed - 1)


def _after_type(body: bytes) -> bytes:
    """What follows the line ``#TYPE ...`` that PowerShell puts before an export."""
    return body.partition(b"\n")[2] if body.startswith(b"#TYPE ") else body


def _after_stated_separator(body: bytes) -> tuple[bytes, str | None]:
    """What follows Excel's line ``sep=;``, and the separator that it states."""
    line, feed, rest = body.partition(b"\n")
    stated = STATED_SEPARATOR.fullmatch(line.rstrip(b"\r").decode("latin-1"))
    if stated is None or not feed:
        return body, None
    if stated[1] not in SEPARATORS:
        raise UnreadableError(
            f"line 1 states the separator {stated[1]!r}; {', '.join(SEPARATORS.values())} can be read"
        )
    return rest, stated[1]


def _from_header_on(body: bytes, stated: str | None, known: Collection[str]) -> tuple[bytes, int]:
    """What follows the titles above the header, and how many lines with content these are."""
    lines = body.split(b"\n", header_rows.LOOKED_AT)[: header_rows.LOOKED_AT]
    filled = [(place, line.decode("utf-8", "replace").rstrip("\r")) for place, line in enumerate(lines) if line.strip()]
    best = 0
    head = b"\n".join(lines)
    separator = stated or max(SEPARATORS, key=lambda mark: head.count(mark.encode()))
    best = header_rows.found([_cells(line, separator) for _, line in filled], known)
    if not best:
        return body, 0
    return body[sum(len(line) + 1 for line in lines[: filled[best][0]]) :], best


def _header(line: str, stated: str | None, at: int) -> tuple[str, list[str]]:
    """The separator and the column names of the header on line ``at``, in lower case with underscores."""
    if line.lstrip().startswith("<"):
        raise UnreadableError("is not a CSV file: it begins like HTML or XML")
    separator = stated or max(SEPARATORS, key=line.count)
    try:
        cells = next(csv.reader([line.rstrip("\r")], delimiter=separator), [])
    except csv.Error as error:
        raise UnreadableError(f"line {at} cannot be read as a header: {error}; save the file as CSV (UTF-8)") from None
    return separator, column_names(cells, f"line {at}")


@dataclass(frozen=True)
class _Parsed:
    """The rows after the header that have its width, and those that have another."""

    table: pa.Table
    wrong_width: list[pyarrow.csv.InvalidRow]
    separator: str


def _parse(content: bytes, separator: str, width: int) -> _Parsed:
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
    return _Parsed(table.slice(1), wrong_width, separator)


def _lines(parsed: _Parsed, first_line: int) -> tuple[np.ndarray, tuple[Fault, ...]]:
    """The line on which each row after the header starts, counting line breaks within quoted cells, and the rows of the wrong width."""
    table, wrong_width = parsed.table, parsed.wrong_width
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
        Fault(
            int(starts[row.number - 2]),
            None,
            f"has {row.actual_columns} {'cell' if row.actual_columns == 1 else 'cells'}, the header {row.expected_columns}",
        )
        for row in wrong_width
    )
    return starts[is_whole], faults


def _refuse_rows_within_quotes(parsed: _Parsed, lines: np.ndarray, faults: tuple[Fault, ...]) -> None:
    """Raises UnreadableError where a quote that is never closed has swallowed the rows after it."""
    separators = parsed.table.num_columns - 1
    if not separators:
        return
    cells = [(fault.line, row.text) for row, fault in zip(parsed.wrong_width, faults, strict=True)]
    for column in parsed.table.columns:
        tall = np.flatnonzero(pc.count_substring(column, "\n").to_numpy() >= FEWEST_SWALLOWED)
        cells += [(int(lines[row]), column[int(row)].as_py()) for row in tall]
    for line, text in sorted(cells):
        within = sum(inner.count(parsed.separator) == separators for inner in text.split("\n")[1:-1])
        if within >= FEWEST_SWALLOWED:
            raise UnreadableError(
                f"line {line}: a quotation mark opens a cell and is not closed in its row: {within:,} more rows stand "
                "within that cell; close the quotation mark or take it out"
            )


def _with_rows_of_blank_ends(
    parsed: _Parsed, lines: np.ndarray, faults: tuple[Fault, ...]
) -> tuple[pa.Table, np.ndarray, tuple[Fault, ...]]:
    """Rows with more cells than the header of which those beyond it are blank belong to the table; empty lines are none."""
    width, left, mended, at = parsed.table.num_columns, [], [], []
    for row, fault in zip(parsed.wrong_width, faults, strict=True):
        cells = _cells(row.text, parsed.separator)
        if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            mended.append(cells[:width])
            at.append(fault.line)
        elif row.text.strip():
            left.append(fault)
    if not mended:
        return parsed.table, lines, tuple(left)
    columns = [pa.array(column, pa.string()) for column in zip(*mended, strict=True)]
    table = pa.concat_tables([parsed.table, pa.table(columns, names=parsed.table.column_names)])
    all_lines = np.concatenate([lines, np.array(at, dtype=np.int64)])
    order = np.argsort(all_lines, kind="stable")
    return table.take(pa.array(order)), all_lines[order], tuple(left)


def _cells(text: str, separator: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(text), delimiter=separator), [])
    except csv.Error:
        return []
