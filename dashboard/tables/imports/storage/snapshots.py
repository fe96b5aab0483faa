"""Snapshots of records on disk: `<data>/records/<kind>/<number>.parquet`, replaced whole, the last few kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from bairro_error import BairroError
from collector import parquet_footer
from collector.table_versions import TABLE, VERSION, stated
from dashboard import spreadsheet
from dashboard.tables.readers.sheets import Fault
from dashboard.tables.schema import RECORDS, conform

KEPT = 5
PREVIOUS = b"previous"
NEWEST = 1
"""The version of snapshots that is written. Those of 0.1 state none, and are of version 1."""
WAY_OUT = "restore it from a copy, or move it away to continue from the import before it"


class SnapshotError(BairroError, ValueError):
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
        found = parquet_footer.opened(path).read()
        _check_version(found.schema)
        return conform(found, RECORDS[kind])
    except (OSError, ValueError, pa.ArrowException) as error:
        raise SnapshotError(f"{path}: {' '.join(str(error).split())}; {WAY_OUT}") from None


def _check_version(schema: pa.Schema) -> None:
    said = stated(schema)
    if not said.isdecimal() or not 1 <= int(said) <= NEWEST:
        raise ValueError(f"is of version {said}; this program knows up to {NEWEST}")


def read_metadata(kind: str, data: Path) -> dict[bytes, bytes]:
    """What the newest snapshot says of itself. Raises SnapshotError."""
    path = newest(kind, data)
    try:
        return {} if path is None else dict(parquet_footer.opened(path).schema_arrow.metadata or {})
    except (OSError, pa.ArrowException) as error:
        raise SnapshotError(f"{path}: {' '.join(str(error).split())}; {WAY_OUT}") from None


def numbers(kind: str, data: Path) -> set[int]:
    """The numbers of the snapshots that are kept."""
    return {number for number, _ in _numbered(folder_of(kind, data), ".parquet")}


def write(kind: str, data: Path, table: pa.Table, *, above: int = 0) -> Path:
    """Store ``table`` as the newest snapshot, numbered above all others and ``above``: whole or not at all."""
    folder = folder_of(kind, data)
    folder.mkdir(parents=True, exist_ok=True)
    existing = _numbered(folder, ".parquet")
    path = folder / f"{max([above, *(number for number, _ in existing)]) + 1:06d}.parquet"
    before = max((number for number, _ in existing), default=0)
    said = {PREVIOUS: str(before).encode(), TABLE: kind.encode(), VERSION: str(NEWEST).encode()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **said})
    _replace(path, lambda temporary: parquet_footer.write(table, temporary, compression="zstd"))
    for _, old in existing[: max(0, len(existing) + 1 - KEPT)]:
        old.unlink(missing_ok=True)
    return path


def take_back(kind: str, data: Path) -> int | None:
    """Remove the newest snapshot, so that the one before it holds again (or none); its number, None without any.

    Raises SnapshotError where the one before is not kept any more: all records would go with it.
    """
    existing = _numbered(folder_of(kind, data), ".parquet")
    if not existing:
        return None
    number, path = existing[-1]
    previous = int(read_metadata(kind, data).get(PREVIOUS, str(number - 1).encode()))
    if previous and previous not in {number for number, _ in existing}:
        raise SnapshotError(f"{path}: is the oldest snapshot that is kept (of {KEPT}); nothing before it can come back")
    path.unlink()
    return number


def write_rejects(kind: str, data: Path, faults: Sequence[Fault]) -> Path:
    """Store what was refused, by line, column and reason and never by content; the same list again is the same file."""
    folder = data / "records" / "rejects"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(fault.line, fault.column or "", fault.reason) for fault in faults]
    text = spreadsheet.rows([("line", "column", "reason"), *rows], line_end="\n")
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
