"""SHA-256 of files, worked out anew only for those that changed since the last build."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RACY_SECONDS = 2.0
"""A file that changed so shortly before it was read may change again and bear the same time of change."""
THREADS = 2


def of_files(files: Iterable[Path], remembered: Path | None = None) -> dict[Path, str]:
    """The digest of every file that is still there, in the order given.

    ``remembered`` is where digests are kept: one is taken from there where path, size, inode and the times of writing
    and of change are those that it was worked out for. What cannot be read there is worked out anew.
    """
    known = _load(remembered) if remembered is not None else {}
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda path: (path, _digest(path, known)), files))
    digests = {path: entry for path, entry in found if entry is not None}
    if remembered is not None:
        _store(remembered, {str(path): [name, digest] for path, (name, digest) in digests.items() if name})
    return {path: digest for path, (_, digest) in digests.items()}


def of_text(*parts: str) -> str:
    """One digest of several texts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(path: Path, known: Mapping[str, list[str]]) -> tuple[str, str] | None:
    """Identity and digest; the identity is empty where the file is too young to be known by it."""
    try:
        with path.open("rb") as file:
            before = _identity(file.fileno())
            name, digest = known.get(str(path), ("", ""))
            if name != before:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            is_settled = _identity(file.fileno()) == before and not _is_racy(file.fileno())
    except FileNotFoundError:
        return None
    return (before if is_settled else "", digest)


def _identity(handle: int) -> str:
    stat = os.fstat(handle)
    return f"{stat.st_size} {stat.st_ino} {stat.st_mtime_ns} {stat.st_ctime_ns}"


def _is_racy(handle: int) -> bool:
    stat = os.fstat(handle)
    return time.time() - max(stat.st_mtime, stat.st_ctime) < RACY_SECONDS


def _load(path: Path) -> dict[str, list[str]]:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {name: [str(part) for part in entry] for name, entry in stored.items() if len(entry) == 2}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _store(path: Path, entries: Mapping[str, list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(json.dumps(entries), encoding="utf-8")
    os.replace(beside, path)
