"""The checksums of a Parquet file's pages, asked without decoding them: DuckDB does not ask, and Arrow only as it decodes.

Each page has a head in Thrift's compact protocol (parquet.thrift, PageHeader): field 3 is the size of what follows and
field 4, where it is there, the CRC-32 of that.
"""

from __future__ import annotations

import mmap
import zlib
from itertools import groupby
from pathlib import Path

from collector import parquet_footer
from collector.parquet_footer import Chunk
from collector.thrift_compact import NotThriftError, read_struct

SIZE, CHECKSUM = 3, 4


def why_not(path: Path) -> str | None:
    """Which page does not hold to its checksum; None where all do, or where they have none.

    What writes a group of rows gives all of its pages a checksum or none. So one page without does not let the others
    off: among pages that have one it is damaged, as it is in a file whose footer has one.

    Raises OSError, and pyarrow.ArrowException for a footer that cannot be read.
    """
    footer = parquet_footer.read(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for _, chunks in groupby(footer.chunks(), key=lambda chunk: chunk.group):
            found = [(chunk, _pages(content, chunk)) for chunk in chunks if chunk.values and chunk.start]
            is_wanted = footer.is_sealed or any(True in pages for _, pages in found)
            for chunk, pages in found:
                if False in pages or (is_wanted and None in pages):
                    return (
                        "is no Parquet file that can be read"
                        f" (a page of {chunk.name} {'does not hold to' if False in pages else 'lacks'} its checksum)"
                    )
    return None


def _pages(content: mmap.mmap, chunk: Chunk) -> set[bool | None]:
    """Whether pages of a column hold to their checksums, None for one that has none; False too where they do not nest."""
    found: set[bool | None] = set()
    at = chunk.start
    try:
        while at < chunk.end:
            head, data = read_struct(content, at, chunk.end)
            at = data + head[SIZE]
            if not data <= at <= chunk.end:
                return {False}
            found.add(_holds(content, data, at, head[CHECKSUM]) if CHECKSUM in head else None)
    except (NotThriftError, KeyError, TypeError):
        return {False}
    return found


def _holds(content: mmap.mmap, start: int, end: int, checksum: int) -> bool:
    with memoryview(content) as view, view[start:end] as page:
        return zlib.crc32(page) == checksum % 2**32
