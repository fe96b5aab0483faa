"""An append-only journal in hourly segments: what open hours are made of, so that ``kill -9`` loses only seconds."""

from __future__ import annotations

import logging
import marshal
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_MAGIC = b"bairro journal 1\n"
_HEAD = struct.Struct("<II")
_FORMAT = 4

Fact = tuple[Any, ...]


class Journal:
    """Facts (tuples of plain values) in ``folder/<segment>.journal``; each batch carries its length and checksum.

    Written by one process at a time. A batch is synced to the disk, so that a power cut loses no more than a kill.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, segment: str, facts: list[Fact]) -> None:
        """Write one batch. On OSError the segment is as it was before, and the batch may be tried again."""
        body = marshal.dumps(facts, _FORMAT)
        path = self.folder / f"{segment}.journal"
        self.folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                _write(file.fileno(), (b"" if before else _MAGIC) + _HEAD.pack(len(body), zlib.crc32(body)) + body)
                os.fdatasync(file.fileno())
            except OSError:
                file.truncate(before)
                raise

    def replay(self) -> Iterator[Fact]:
        """All facts, oldest segment first. A batch cut short by the end of its writer is cut off the file."""
        for path in sorted(self.folder.glob("*.journal")):
            yield from _read(path)

    def segments(self) -> list[str]:
        """The names of the segments there are."""
        return sorted(path.stem for path in self.folder.glob("*.journal"))

    def drop(self, segment: str) -> None:
        """Remove a segment that is no longer needed."""
        (self.folder / f"{segment}.journal").unlink(missing_ok=True)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read(path: Path) -> Iterator[Fact]:
    data = path.read_bytes()
    at = len(_MAGIC) if data.startswith(_MAGIC) else 0
    good = at
    while at and at + _HEAD.size <= len(data):
        size, checksum = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + size]
        if len(body) < size or zlib.crc32(body) != checksum:
            break
        yield from marshal.loads(body)
        at += _HEAD.size + size
        good = at
    if good < len(data):
        log.warning("%s: the last %d bytes were not fully written and are left out", path, len(data) - good)
        os.truncate(path, good)
