"""Bodies of many pieces, and their gzip: what was sent before and has not changed is not compressed again."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_gzip_tail = struct.Struct("<II").pack
_LEVEL = 1


class RepeatedChunk:
    """Bytes that are sent again and again; they are compressed at the first request for that."""

    __slots__ = ("_deflated", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._deflated: bytes | None = None

    def __len__(self) -> int:
        return len(self.text)

    @property
    def deflated(self) -> bytes:
        """Deflate blocks (RFC 1951) that refer to nothing before them and that anything may follow."""
        if self._deflated is None:
            packer = _packer()
            self._deflated = packer.compress(self.text) + packer.flush(zlib.Z_FULL_FLUSH)
        return self._deflated


Chunk = bytes | RepeatedChunk


def plain(piece: Chunk) -> bytes:
    """The bytes as they are."""
    return piece.text if isinstance(piece, RepeatedChunk) else piece


def gzip(pieces: Iterable[Chunk]) -> bytes:
    """One gzip member (RFC 1952) of all pieces. zlib lets other threads run meanwhile."""
    packer, packed = _packer(), [_GZIP_HEAD]
    checksum = size = 0
    for piece in pieces:
        text = plain(piece)
        checksum, size = zlib.crc32(text, checksum), size + len(text)
        if isinstance(piece, RepeatedChunk):
            packed += packer.flush(zlib.Z_FULL_FLUSH), piece.deflated
        else:
            packed.append(packer.compress(text))
    return b"".join((*packed, packer.flush(), _gzip_tail(checksum, size & 0xFFFFFFFF)))


def _packer() -> zlib._Compress:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
