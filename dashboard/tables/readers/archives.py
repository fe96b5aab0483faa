"""Compressed files before anything of them is loaded: what is inside, and how large it would become."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from dashboard.tables.readers.sheets import UnreadableError

MEBIBYTE = 1024 * 1024
LARGEST_UNPACKED = 1024 * MEBIBYTE
"""A sheet of a million rows with ten filled columns has about 350 MB of XML."""
SUSPICIOUS_FROM = 32 * MEBIBYTE
LARGEST_RATIO = 200
"""100,000 rows of ten cells that are all 1 shrink to a sixteenth, the worst case of deflate to a thousandth."""
MOST_MEMBERS = 10_000
UNSEEN_MEMBERS = ("__MACOSX/", ".DS_Store", "Thumbs.db")


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """Turns whatever a reader raises on damaged content into an UnreadableError: ``what`` says which kind of file it is.

    Libraries that read formats of others promise nothing about their errors: a cut or altered file makes them raise
    KeyError, struct.error, zlib.error, RecursionError and more, each from deep within.
    """
    try:
        yield
    except (UnreadableError, MemoryError):
        raise
    except Exception as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise UnreadableError(f"is damaged or incomplete: it looks like {what}, but cannot be read ({first})") from None


def opened(content: bytes) -> zipfile.ZipFile:
    """The archive, none of whose members is larger than can be read. Raises UnreadableError."""
    with damage_told("a zip archive"):
        archive = zipfile.ZipFile(io.BytesIO(content))
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise UnreadableError(f"holds {len(members):,} files, and at most {MOST_MEMBERS:,} are taken")
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableError("is a zip file with a password: save it without one")
    for member in members:
        _refuse_bomb(member.file_size, member.compress_size)
    if sum(member.file_size for member in members) > LARGEST_UNPACKED:
        raise UnreadableError(_too_large(sum(member.file_size for member in members)))
    return archive


def unpacked_member(archive: zipfile.ZipFile) -> tuple[str, bytes]:
    """The only file in the archive: its name and its bytes. Raises UnreadableError."""
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not any(unseen in name for unseen in UNSEEN_MEMBERS)
    ]
    if len(names) != 1:
        held = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        raise UnreadableError(
            f"is a zip archive that does not hold one file alone: unpack it first (it holds {held or 'nothing'})"
        )
    with damage_told("a zip archive"):
        return names[0], archive.read(names[0])


def unpacked_gzip(content: bytes) -> bytes:
    """What a gzip file holds, its members one after another. Raises UnreadableError."""
    parts, size, rest = [], 0, content
    with damage_told("a gzip file"):
        while rest:
            unpacker = zlib.decompressobj(wbits=31)
            part = unpacker.decompress(rest, LARGEST_UNPACKED - size + 1)
            size += len(part)
            _refuse_bomb(size, len(content))
            if size > LARGEST_UNPACKED:
                raise UnreadableError(_too_large(size))
            if not unpacker.eof:
                raise UnreadableError("is a gzip file that ends too early: it was cut off; copy or export it again")
            parts.append(part)
            rest = unpacker.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _refuse_bomb(size: int, packed: int) -> None:
    if size > SUSPICIOUS_FROM and size > LARGEST_RATIO * max(packed, 1):
        raise UnreadableError(
            f"would grow from {packed / MEBIBYTE:,.1f} to {size / MEBIBYTE:,.0f} MiB when it is unpacked, far more than"
            " records do: it is not read; export it as CSV"
        )
    if size > LARGEST_UNPACKED:
        raise UnreadableError(_too_large(size))


def _too_large(size: int) -> str:
    return (
        f"would have {size / MEBIBYTE:,.0f} MiB when it is unpacked, and at most {LARGEST_UNPACKED / MEBIBYTE:,.0f} are"
        " read: export it as CSV or in parts"
    )
