"""The data folder at one moment, while others write into it: links to files that are replaced whole, copies of others."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from collector import file_lock
from collector.publish import write_locks

STAGING = ".backup"
MADE_AGAIN = ("cache", "live", "scratch")
"""Folders of the data folder whose content is made again by whoever needs it."""
DATABASE = "operations.sqlite"
IMPORT_SECONDS = 120.0
"""How long an import that is under way is waited for."""
_WHOLE = ("results", "backtest")
"""Folders of folders each of which counts as a whole; old ones are removed."""


@contextlib.contextmanager
def frozen(data: Path) -> Iterator[Path]:
    """A folder that holds what ``data`` holds now, apart from the database; it goes at the end.

    No hour of quality is missing from it and none is torn: the journal is copied before the files of the hours that it
    becomes, and neither hours nor imports are written meanwhile. A Parquet file is replaced and never changed, so a link
    to it is a copy that takes no room. Raises file_lock.HeldError where another backup runs, and OSError.
    """
    with file_lock.alone(data / "journal" / "backup.lock", what="bairro backup", at=time.time()):
        staging = data / STAGING
        shutil.rmtree(staging, ignore_errors=True)  # what a backup that was killed has left
        try:
            staging.mkdir()
            with _imports_wait(data), write_locks.of_quality(data):
                for name in _ordered(data):
                    _take(data, data / name, staging)
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextlib.contextmanager
def _imports_wait(data: Path) -> Iterator[None]:
    records = data / "records"
    if not records.is_dir():
        yield
        return
    with file_lock.in_turn(records / ".lock", seconds=IMPORT_SECONDS):
        yield


def _ordered(data: Path) -> list[str]:
    """What is taken of the data folder, the journal first."""
    names = [path.name for path in data.iterdir() if path.name not in MADE_AGAIN]
    names = [name for name in names if not name.startswith((".", DATABASE))]
    return sorted(names, key=lambda name: (name != "journal", name))


def _take(data: Path, path: Path, staging: Path) -> None:
    if path.name.startswith(".") or path.suffix in {".lock", ".tmp"} or path.is_symlink():
        return
    to = staging / path.relative_to(data)
    with contextlib.suppress(FileNotFoundError):  # it was replaced, compacted or removed meanwhile
        if path.is_dir():
            to.mkdir()
            for inside in sorted(path.iterdir()):
                _take(data, inside, staging)
            if path.parent.name in _WHOLE and _names(path) != _names(to):
                shutil.rmtree(to)
        elif path.is_file():
            _copy(path, to)


def _copy(path: Path, to: Path) -> None:
    if path.suffix == ".parquet":
        with contextlib.suppress(OSError):  # a file system without links
            os.link(path, to)
            return
    shutil.copy2(path, to)


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()
