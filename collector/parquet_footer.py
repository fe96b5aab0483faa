"""The footer of a Parquet file: sealed with a checksum where we write it, and held to that before Arrow opens the file.

A wrong bit in a footer makes Arrow abort the process, or read one column as another. Pages have checksums of their own in
the format; the footer has none, so ours stands before it, where no reader looks: ``BAIRROFC``, then the CRC-32 of all from
the footer's first byte to the file's last. A file without one (older, or another program's) is read only if what its
footer says twice agrees.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from collector.thrift_compact import NotThriftError, Struct, read_struct

MAGIC, END = b"BAIRROFC", b"PAR1"
SEAL_BYTES = len(MAGIC) + 4
LEAST_READ = 1 << 18
"""So much of a file's end is read at least, so that a seal is found though the footer's length is wrong."""
_CONVERTED = {
    1: {0},
    2: {1, 2},
    3: {3},
    4: {4},
    5: {5},
    6: {6},
    7: {7, 8},
    8: {9, 10},
    10: set(range(11, 19)),
    12: {19},
    13: {20},
}
"""Which ConvertedType may stand beside which LogicalType (parquet.thrift)."""
_ELEMENT = {**dict.fromkeys(range(1, 10), int), 4: bytes, 10: dict}
"""The fields of a SchemaElement, and what each is."""
_UNITS = {7: 6, 8: 8}
"""TIME and TIMESTAMP: a unit's number added to this is its ConvertedType."""
_INT96 = 3
_VERDICTS: dict[bytes, str | None] = {}
"""By SHA-256 and place of a footer without a checksum: what contradicts itself in it. A build asks each file's several times."""
MOST_VERDICTS = 20_000


class Chunk(NamedTuple):
    """One column of one group of rows: how many values, and where its pages lie."""

    group: int
    name: str
    values: int
    start: int
    end: int


class Footer:
    """A footer that holds; ``is_sealed``: to a checksum. ``starts_at`` is its place in the file."""

    def __init__(self, content: bytes, starts_at: int, *, is_sealed: bool) -> None:
        self.starts_at = starts_at
        self.is_sealed = is_sealed
        self._content = content

    @cached_property
    def said(self) -> Struct:
        """What it says, by parquet.thrift's FileMetaData. Raises pyarrow.ArrowInvalid where it cannot be made out."""
        try:
            return read_struct(self._content, 0, len(self._content))[0]
        except NotThriftError as error:
            raise pa.ArrowInvalid(f"the footer is damaged: {error}") from None

    def chunks(self) -> list[Chunk]:
        """The columns of all row groups in order. Raises pyarrow.ArrowInvalid where one is not told of."""
        try:
            groups = enumerate(self.said.get(4, []))
            return [_chunk(number, column[3]) for number, group in groups for column in group[1]]
        except (KeyError, TypeError, AttributeError, ValueError):
            raise pa.ArrowInvalid("the footer does not tell of all columns") from None


def write(table: pa.Table, path: Path, **options: Any) -> None:
    """As pyarrow.parquet.write_table, with checksums of pages and of the footer. Raises OSError."""
    pq.write_table(table, path, **{"write_page_checksum": True, **options})
    seal(path)


def seal(path: Path) -> None:
    """Put the footer's checksum before it. Raises OSError."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size - 8)
        start = size - 8 - _length(file.read())
        file.seek(start)
        tail = file.read()
        file.seek(start)
        file.write(MAGIC + _checksum(tail) + tail)


def opened(path: Path) -> pq.ParquetFile:
    """The file, once its footer is found whole; pages are held to their checksums as they are read.

    Raises pyarrow.ArrowInvalid for a footer that is not, and OSError.
    """
    read(path)
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError):
        raise
    except ValueError as error:  # a text that is no UTF-8, a number that is none
        raise pa.ArrowInvalid(f"the footer cannot be read: {error}") from None


def read(path: Path) -> Footer:
    """The footer, held to its checksum, or against itself where it has none.

    Raises pyarrow.ArrowInvalid for one that does not hold, and OSError.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LEAST_READ))
        tail = file.read()
        length = _length(tail)
        if len(tail) < min(size, length + SEAL_BYTES + 8):
            file.seek(max(0, size - length - SEAL_BYTES - 8))
            tail = file.read()
    return _held(tail, size)


def _length(tail: bytes) -> int:
    return int.from_bytes(tail[-8:-4], "little")


def _held(tail: bytes, size: int) -> Footer:
    """The footer at the end of a file of ``size`` bytes, of which ``tail`` is the last part."""
    if len(tail) < 12 or not tail.endswith(END):
        raise pa.ArrowInvalid("the file does not end as one does")
    start, seal_at = len(tail) - 8 - _length(tail), tail.rfind(MAGIC)
    if seal_at >= 0:
        after = seal_at + SEAL_BYTES
        if after != start or tail[after - 4 : after] != _checksum(tail[after:]):
            raise pa.ArrowInvalid("the footer does not hold to its checksum")
    elif start < 4:
        raise pa.ArrowInvalid("the footer is longer than the file")
    footer = Footer(tail[start:-8], size - len(tail) + start, is_sealed=seal_at >= 0)
    if not footer.is_sealed and (why := _known_disagreement(footer, tail[start:-8])) is not None:
        raise pa.ArrowInvalid(f"the footer contradicts itself: {why}")
    return footer


def _checksum(tail: bytes) -> bytes:
    return zlib.crc32(tail).to_bytes(4, "little")


def _chunk(group: int, told: Struct) -> Chunk:
    starts = [at for at in (told.get(11), told.get(9)) if at]
    start = min(starts) if starts else 0
    return Chunk(group, b".".join(told[3]).decode(), told[5], start, start + told[7])


# What a footer without a checksum says twice.


def _known_disagreement(footer: Footer, content: bytes) -> str | None:
    """As `_disagreement`, which is asked once of the same bytes at the same place."""
    key = hashlib.sha256(content).digest() + footer.starts_at.to_bytes(8, "big")
    if key not in _VERDICTS:
        if len(_VERDICTS) >= MOST_VERDICTS:
            _VERDICTS.clear()
        _VERDICTS[key] = _disagreement(footer)
    return _VERDICTS[key]


def _disagreement(footer: Footer) -> str | None:
    """The first contradiction that is found; None for a footer in which all agrees."""
    try:
        leaves = list(_leaves(iter(footer.said[2])))
        return (
            _of_schema(footer.said) or _of_groups(footer.said, leaves) or _of_places(footer.chunks(), footer.starts_at)
        )
    except (KeyError, TypeError, AttributeError, ValueError, StopIteration, RuntimeError):
        return "something is missing"


def _leaves(elements: Iterator[Struct]) -> Iterator[tuple[list[bytes], Struct, bool]]:
    """Path, element and whether it may repeat, of each column of the schema. Raises ValueError where they do not nest."""
    root = next(elements)
    for _ in range(root[5]):
        yield from _below(elements, [], is_repeated=False)
    if next(elements, None) is not None:
        raise ValueError("more elements than the schema has")


def _below(
    elements: Iterator[Struct], path: list[bytes], *, is_repeated: bool
) -> Iterator[tuple[list[bytes], Struct, bool]]:
    element = next(elements, None)
    if element is None:
        raise ValueError("fewer elements than the schema has")
    path, is_repeated = [*path, element[4]], is_repeated or element.get(3) == 2
    if not element.get(5):
        yield path, element, is_repeated
    for _ in range(element.get(5, 0)):
        yield from _below(elements, path, is_repeated=is_repeated)


def _of_schema(said: Struct) -> str | None:
    for element in said[2][1:]:
        if element[3] not in (0, 1, 2):
            return "a column neither required, optional nor repeated"
        if any(number not in _ELEMENT or type(value) is not _ELEMENT[number] for number, value in element.items()):
            return "a column with something that none has"
        logical, converted = element.get(10), element.get(6)
        if not logical or converted is None:
            continue
        kind = next(iter(logical))
        if converted not in _CONVERTED.get(kind, ()):
            return f"two kinds of {element[4].decode()}"
        if kind in _UNITS and _UNITS[kind] + next(iter(logical[kind][2])) != converted:
            return f"two units of {element[4].decode()}"
    is_arrows = said.get(6, b"").startswith(b"parquet-cpp-arrow")
    kept = next((pair.get(2) for pair in said.get(5, []) if pair.get(1) == b"ARROW:schema"), None)
    return None if kept is None or not is_arrows else _of_arrow(said[2], kept)


def _of_arrow(elements: list[Struct], kept: bytes) -> str | None:
    """What Arrow writes of its own account of the columns, beside what stands in the footer: names, types, optional or not."""
    try:
        schema, expected = _expected(kept)
    except (pa.ArrowException, ValueError, OSError):
        return "Arrow's own account of the columns"
    found = list(_columns(elements))
    if len(expected) != len(found):
        return "Arrow's own account has other columns"
    for ours, theirs, field in zip(found, expected, schema, strict=True):
        has_one_type = not pa.types.is_decimal(field.type) and field.type != pa.uint32() and ours.get(1) != _INT96
        if _account(ours) != _account(theirs) or (has_one_type and ours.get(1) != theirs.get(1)):
            return f"Arrow's own account of {field.name}"
    return None


@lru_cache(maxsize=16)
def _expected(kept: bytes) -> tuple[pa.Schema, list[Struct]]:
    """The schema that Arrow keeps in a footer, and the columns that it writes for it. Raises pyarrow.ArrowException,
    ValueError and OSError where it is none."""
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(kept, validate=True)))
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    written = sink.getvalue().to_pybytes()
    return schema, list(_columns(read_struct(written, len(written) - 8 - _length(written), len(written))[0][2]))


def _account(element: Struct) -> tuple[Any, ...]:
    """Name, optional or not, and of which kind, in so far as all versions of Arrow say the same."""
    return element[4], element[3], 6 in element, next(iter(element.get(10) or {}), None)


def _columns(elements: list[Struct]) -> Iterator[Struct]:
    """The columns that a table has, without what lies in those that are nested: versions of Arrow name that otherwise."""
    skipped = 0
    for element in elements[1:]:
        if not skipped:
            yield element
        skipped = max(0, skipped - 1) + element.get(5, 0)


def _of_groups(said: Struct, leaves: list[tuple[list[bytes], Struct, bool]]) -> str | None:
    rows = 0
    for group in said.get(4, []):
        rows += group[3]
        if len(group[1]) != len(leaves):
            return "a group of rows without some column"
        for column, (path, element, is_repeated) in zip(group[1], leaves, strict=True):
            told = column[3]
            if told[3] != path or told[1] != element[1]:
                return f"two names or types of {b'.'.join(path).decode()}"
            if not is_repeated and told[5] != group[3]:
                return f"how many values {b'.'.join(path).decode()} has"
    return None if rows == said[3] else "how many rows there are"


def _of_places(chunks: list[Chunk], footer_at: int) -> str | None:
    """Pages that overlap, or lie where no pages are."""
    last = 4
    for chunk in sorted((chunk for chunk in chunks if chunk.values), key=lambda chunk: chunk.start):
        if not last <= chunk.start <= chunk.end <= footer_at:
            return f"where the pages of {chunk.name} are"
        last = chunk.end
    return None
