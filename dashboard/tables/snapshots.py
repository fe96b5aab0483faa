"""Snapshots of records on disk: `<data>/records/<kind>/<number>.parquet`, replaced whole, the previous one kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.tables.delimited import Fault
from dashboard.tables.schema import RECORDS, conform

KEPT = 2


class SnapshotError(ValueError):
    """A stored snapshot that cannot be read; the message names the file."""


def folder_of(kind: str, data: Path) -> Path:
    return data / "records" / kind


def newest(kind: str, data: Path) -> Path | None:
    """The newest snapshot of ``kind``; None before the first import."""
    return max(_numbered(folder_of(kind, data), ".parquet"), default=(0, None))[1]


def read(kind: str, data: Path) -> pa.Table:
    """The records of ``kind`` as declared, empty before the first import. Metadata: ``complete_until``,
    ``customer_key``. Raises SnapshotError."""
    path = newest(kind, data)
    if path is None:
        return RECORDS[kind].arrow_schema().empty_table()
    try:
        return conform(pq.ParquetFile(path).read(), RECORDS[kind])
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SnapshotError(f"{path}: {error}") from None


def read_metadata(kind: str, data: Path) -> dict[bytes, bytes]:
    """What the newest snapshot says of itself."""
    path = newest(kind, data)
    return {} if path is None else dict(pq.read_schema(path).metadata or {})


def write(kind: str, data: Path, table: pa.Table) -> Path:
    """Store ``table`` as the newest snapshot: whole or not at all."""
    folder = folder_of(kind, data)
    folder.mkdir(parents=True, exist_ok=True)
    existing = _numbered(folder, ".parquet")
    path = folder / f"{max(existing, default=(0, None))[0] + 1:06d}.parquet"
    _replace(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))
    for _, old in existing[: len(existing) + 1 - KEPT]:
        old.unlink(missing_ok=True)
    return path


def write_rejects(kind: str, data: Path, faults: Sequence[Fault]) -> Path:
    """Store what was refused, by line, column and reason and never by content; the same list again is the same file."""
    folder = data / "records" / "rejects"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f'{fault.line},{fault.column or ""},"{fault.reason}"' for fault in faults]
    text = "\n".join(["line,column,reason", *rows, ""])
    number, last = max(_numbered(folder, ".csv", f"{kind}-"), default=(0, None))
    if last is not None and last.read_text(encoding="utf-8") == text:
        return last
    path = folder / f"{kind}-{number + 1}.csv"
    _replace(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    return path


@contextlib.contextmanager
def importing(data: Path) -> Iterator[None]:
    """One import at a time: a second one waits."""
    folder = data / "records"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _numbered(folder: Path, suffix: str, prefix: str = "") -> list[tuple[int, Path]]:
    """The numbered files of a folder, oldest first."""
    name = re.compile(rf"{re.escape(prefix)}(\d+){re.escape(suffix)}")
    found = ((name.fullmatch(path.name), path) for path in folder.glob(f"{prefix}*{suffix}"))
    return sorted((int(match[1]), path) for match, path in found if match)


def _replace(path: Path, fill) -> None:  # type: ignore[no-untyped-def]
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fill(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
