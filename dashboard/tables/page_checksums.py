"""The checksums of a Parquet file's pages, asked without decoding them: DuckDB does not ask, and Arrow only as it decodes.

Each page has a head in Thrift's compact protocol (parquet.thrift, PageHeader): field 3 is the size of what follows and
field 4, where it is there, the CRC-32 of that.
"""

from __future__ import annotations

import mmap
import zlib
from pathlib import Path

import pyarrow.parquet as pq

SIZE, CHECKSUM = 3, 4
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)


def why_not(path: Path) -> str | None:
    """Which page does not hold to its checksum; None where all do, or where the file has none.

    Raises OSError, and pyarrow.ArrowException for a footer that cannot be read.
    """
    footer = pq.read_metadata(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for group in range(footer.num_row_groups):
            for number in range(footer.num_columns):
                column = footer.row_group(group).column(number)
                starts = [at for at in (column.dictionary_page_offset, column.data_page_offset) if at]
                if not (starts and column.num_values):
                    continue
                start = min(starts)
                try:
                    found = _are_whole(content, start, start + column.total_compressed_size)
                except (IndexError, ValueError):
                    found = False
                if found is None:
                    return None
                if not found:
                    return (
                        "is no Parquet file that can be read"
                        f" (a page of {column.path_in_schema} does not hold to its checksum)"
                    )
    return None


def _are_whole(content: mmap.mmap, at: int, end: int) -> bool | None:
    """Whether the pages between these places hold to their checksums; None at one that has none: so the file has none."""
    while at < end:
        fields, data = _head(content, at)
        at = data + fields[SIZE]
        if CHECKSUM not in fields:
            return None
        if fields[SIZE] < 0 or at > end:
            return False
        with memoryview(content) as view, view[data:at] as page:
            if zlib.crc32(page) != fields[CHECKSUM] % 2**32:
                return False
    return True


def _head(content: mmap.mmap, at: int) -> tuple[dict[int, int], int]:
    """The numbers of a page's head, by field, and where its data begin."""
    fields, field = {SIZE: -1}, 0
    while kind := content[at]:
        field += kind >> 4
        at += 1
        if not kind >> 4:
            raise ValueError("a field out of order")
        if kind & 15 == I32:
            number, at = _varint(content, at)
            fields[field] = (number >> 1) ^ -(number & 1)
        else:
            at = _after(content, at, kind & 15)
    return fields, at + 1


def _after(content: mmap.mmap, at: int, kind: int) -> int:
    """Where a value of this kind ends."""
    if kind in (TRUE, FALSE):
        return at
    if kind == BYTE:
        return at + 1
    if kind in (I16, I32, I64):
        return _varint(content, at)[1]
    if kind == DOUBLE:
        return at + 8
    if kind == BINARY:
        size, at = _varint(content, at)
        return at + size
    if kind != STRUCT:
        raise ValueError("a kind that no head of a page has")
    while found := content[at]:
        at += 1
        if not found >> 4:
            at = _varint(content, at)[1]
        at = _after(content, at, found & 15)
    return at + 1


def _varint(content: mmap.mmap, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of too many bytes")
