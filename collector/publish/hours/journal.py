"""An append-only journal in hourly segments: what open hours are made of, so that ``kill -9`` loses only seconds."""

from __future__ import annotations

import hashlib
import logging
import marshal
import os
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from collector.publish.hours import journal_facts
from collector.publish.hours.facts import Fact, PollFact, Row
from collector.publish.hours.journal_facts import FactError, Shapes
from collector.publish.quarantine import Aside

log = logging.getLogger(__name__)

VERSION = 2
_MAGIC = b"bairro journal %d\n"
_OURS = _MAGIC % VERSION
_FIRST = _MAGIC % 1
_HEAD = struct.Struct("<II")
_FORMAT = 4
_LIST = re.compile(rb"[\[\xdb]", re.DOTALL)
"""How a marshalled list begins: with or without the flag of something that is referred to."""
_SUFFIX = ".journal"
_SEGMENT_LETTERS = len("2026-01-31T00")


class Journal:
    """Facts, as tuples of plain values, in ``folder/<segment>.journal``; each batch carries its length and checksum.

    A file begins with its version and, since version 2, a batch that names the fields of its facts. A process adds
    only to files that it began itself: where there is one of a segment already it begins ``<segment>-2.journal``
    beside it. So what another process, or another version, wrote is never changed. A batch is synced to the disk, so
    that a power cut loses no more than a kill.
    """

    def __init__(self, folder: Path, aside: Aside | None = None) -> None:
        self.folder = folder
        self._aside = aside or Aside()
        self._own: dict[str, Path] = {}
        self._damaged: set[Path] = set()
        self._read_batches: set[bytes] = set()

    def append(self, segment: str, batch: Sequence[Fact | Row]) -> None:
        """Write one batch of facts. On OSError the segment is as it was before, and the batch may be tried again."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._own.get(segment) or self._begin(segment)
        packed = _packed([tuple(fact) for fact in batch])
        with path.open("ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            try:
                _write(file.fileno(), (b"" if before else _OURS + _packed(journal_facts.SHAPES)) + packed)
                os.fdatasync(file.fileno())
            except OSError:
                file.truncate(before)
                raise
        self._own[segment] = path

    def _begin(self, segment: str) -> Path:
        """The first name of the segment that is free, or that an earlier process wrote nothing to."""
        number, path = 1, self.folder / f"{segment}{_SUFFIX}"
        while path.exists() and path.stat().st_size:
            number += 1
            path = self.folder / f"{segment}-{number}{_SUFFIX}"
        return path

    def replay(self) -> Iterator[Fact]:
        """All facts, oldest segment first. What cannot be read of a file is left out, counted and logged.

        So are the polls of a batch that was read before, in this file or another: its content is there twice, as where a
        copy went wrong. Its states are given again, since in their order they lead to the same.
        """
        self._own.clear()
        self._read_batches.clear()
        for path in self._files():
            try:
                data = path.read_bytes()
            except OSError as error:
                self._aside.tell("journal", path, f"cannot be read: {error.strerror or error}")
                self._damaged.add(path)
                continue
            yield from self._read(path, data)

    def segments(self) -> list[str]:
        """The names of the segments there are."""
        return sorted({segment_in(path) for path in self._files()})

    def drop(self, segment: str) -> None:
        """Remove a segment that is no longer needed; a file of it that could not all be read is set aside instead."""
        self._own.pop(segment, None)
        for path in self._files():
            if segment_in(path) != segment:
                continue
            if path in self._damaged:
                self._damaged.discard(path)
                self._aside.put(path, "journal", why="was read in part, and its hours have been written")
            else:
                path.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        """By segment, and within one in the order in which they were begun."""
        return sorted(self.folder.glob(f"*{_SUFFIX}"), key=lambda path: (segment_in(path), len(path.name), path.name))

    def _read(self, path: Path, data: bytes) -> Iterator[Fact]:
        if data.startswith(_FIRST):
            yield from self._facts(path, data, len(_FIRST), journal_facts.FIRST_SHAPES)
        elif data.startswith(_OURS):
            shapes, at = _shapes(data)
            if shapes is not None:
                yield from self._facts(path, data, at, shapes)
            elif at < len(data):
                self._damage(path, "does not say what its facts hold")
        elif _OURS.startswith(data):
            log.warning("%s: was hardly begun: it holds nothing", path)
        else:
            line, _, _ = data.partition(b"\n")
            begins = f"it begins {line[:40]!r}, and this version knows 1 and {VERSION}"
            why = f"is no journal that this version can read: {begins}"
            self._aside.put(path, "journal", why=why, what="unknown")

    def _facts(self, path: Path, data: bytes, at: int, shapes: Shapes) -> Iterator[Fact]:
        """The facts of the batches from ``at`` on. What is damaged is left out up to the next batch that is whole."""
        row = 0
        while at < len(data):
            end, batch = _unpacked(data, at)
            if batch is None:
                following = _next_batch(data, at + 1)
                if following is None:
                    log.warning("%s: the last %d bytes were not fully written and are left out", path, len(data) - at)
                    self._damaged.add(path)
                    return
                self._damage(
                    path, f"the {following - at} bytes from byte {at} on are damaged: their facts are left out"
                )
                at = following
                continue
            is_again = self._was_read(data[at:end])
            for fact in batch:
                row += 1
                try:
                    found = journal_facts.read(fact, shapes)
                except FactError as error:
                    self._damage(path, str(error), row)
                    continue
                if is_again and isinstance(found, PollFact):
                    self._damage(path, "the same poll was read before", row)
                else:
                    yield found
            at = end

    def _was_read(self, batch: bytes) -> bool:
        """Whether this replay has met the same bytes before. Each poll has its time, so no two batches with one are alike."""
        digest = hashlib.blake2b(batch, digest_size=16).digest()
        if digest in self._read_batches:
            return True
        self._read_batches.add(digest)
        return False

    def _damage(self, path: Path, why: str, row: int = 1) -> None:
        self._damaged.add(path)
        self._aside.skip("journal", path, row, why)


def segment_in(path: Path) -> str:
    """The segment that a file of a journal belongs to."""
    return path.name[:_SEGMENT_LETTERS]


def _packed(value: Any) -> bytes:
    body = marshal.dumps(value, _FORMAT)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _body(data: bytes, at: int) -> tuple[int, bytes | None]:
    """Where what begins at ``at`` ends by its own length, and its content; None where it is not whole."""
    if at + _HEAD.size > len(data):
        return len(data), None
    size, checksum = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + size
    if not size or end > len(data):
        return end, None
    body = data[at + _HEAD.size : end]
    return end, body if zlib.crc32(body) == checksum else None


def _unpacked(data: bytes, at: int) -> tuple[int, list[Any] | None]:
    """Where the batch at ``at`` ends, and the batch; None where it is damaged, or was not fully written."""
    end, body = _body(data, at)
    if body is None:
        return end, None
    try:
        found = marshal.loads(body)
    except (EOFError, ValueError, TypeError):
        return end, None
    return end, found if isinstance(found, list) else None


def _next_batch(data: bytes, start: int) -> int | None:
    """Where the next batch that is whole begins: a damaged length says nothing of where that is.

    None where there is none, as after the last batch that a power cut left unfinished, or the zeros after it.
    """
    found = _LIST.search(data, start + _HEAD.size)
    while found is not None:
        at = found.start() - _HEAD.size
        _, batch = _unpacked(data, at)
        if batch is not None:
            return at
        found = _LIST.search(data, found.start() + 1)
    return None


def _shapes(data: bytes) -> tuple[Shapes | None, int]:
    """What a file of version 2 says that its facts hold, and where they begin."""
    end, body = _body(data, len(_OURS))
    if body is None:
        return None, len(_OURS)
    try:
        found = marshal.loads(body)
    except (EOFError, ValueError, TypeError):
        return None, end
    is_one = isinstance(found, dict) and all(
        isinstance(kind, str) and isinstance(names, tuple) for kind, names in found.items()
    )
    return (found if is_one else None), end


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
