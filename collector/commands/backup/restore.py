"""`bairro restore`: a backup into an empty folder, after everything in it was checked."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

from bairro_error import BairroError
from collector import file_lock
from collector.commands.backup import archive, database_copy
from collector.commands.backup.archive import Manifest
from collector.commands.backup.snapshot import DATABASE

UNFINISHED = ".restoring"


class RestoreError(BairroError, ValueError):
    """A folder that a backup cannot be restored into; the message says why."""


def restore(backup: Path, into: Path, database_url: str | None = None) -> Manifest:
    """Restore ``backup`` into ``into``, its database to ``database_url`` (None: the SQLite file in the folder).

    Nothing is written before the whole backup was checked. Raises RestoreError, archive.ArchiveError,
    database_copy.CopyError and OSError; the folder is then as empty as it was.
    """
    check_folder(into)
    manifest = archive.check(backup)
    if manifest.schema is not None:
        database_copy.check_schema_known(manifest.schema, str(backup))
    into.mkdir(parents=True, exist_ok=True)
    unfinished = into / UNFINISHED
    unfinished.mkdir()
    try:
        archive.extract(backup, unfinished)
        if database_url is not None and manifest.schema is not None:
            database_copy.copy_in(unfinished / DATABASE, database_url)
            for path in unfinished.glob(f"{DATABASE}*"):
                path.unlink()
        for path in sorted(unfinished.iterdir()):
            path.rename(into / path.name)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    os.sync()
    return manifest


def check_folder(folder: Path) -> None:
    """Raise RestoreError unless ``folder`` is empty, or is not there yet."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise RestoreError(f"{folder}: is no folder")
    for lock in sorted((folder / "journal").glob("collector-*.lock")):
        if who := _holder(lock):
            raise RestoreError(f"{folder}: is in use: {who}; restore into an empty folder")
    if (folder / UNFINISHED).exists():
        raise RestoreError(
            f"{folder}: holds what a restore that was cut off has left: remove {folder / UNFINISHED} first"
        )
    if any(folder.iterdir()):
        raise RestoreError(f"{folder}: is not empty, and a restore replaces nothing: name a folder that is")


def _holder(lock: Path) -> str | None:
    descriptor = file_lock.opened(lock)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return file_lock.holder(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None
