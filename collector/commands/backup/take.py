"""`bairro backup`: all that cannot be measured or entered again, in one file, while everything runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bairro_error import BairroError
from collector.commands.backup import archive, database_copy, snapshot
from collector.commands.backup.archive import Manifest
from collector.publish.exposition.self_metrics import bairro_version


class BackupError(BairroError, ValueError):
    """A backup that cannot be made; the message says why."""


def back_up(data: Path, database_url: str, to: Path, *, at: float) -> Manifest:
    """Write the backup of ``data`` and its database to ``to``, which must not exist; returns what it holds.

    Raises BackupError, database_copy.CopyError, file_lock.HeldError where another backup runs, and OSError.
    """
    if not data.is_dir():
        raise BackupError(f"{data}: there is no data folder: nothing to back up")
    if to.resolve().is_relative_to(data.resolve()):
        raise BackupError(f"{to}: lies in the data folder: write the backup elsewhere, best on another disk")
    if to.exists():
        raise BackupError(f"{to}: exists already, and a backup replaces none: name another file")
    schema = database_copy.schema_of(database_url)
    made_at = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    with snapshot.frozen(data) as staging:
        if schema is not None:
            database_copy.copy_out(database_url, staging / snapshot.DATABASE)
        return archive.write(to, _files(staging), Manifest(made_at, bairro_version(), schema))


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path
