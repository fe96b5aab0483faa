"""Who may write into the data folder: one collector a shard, all of one number of shards, one writer of a file."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from collector import file_lock
from collector.config import Shard

log = logging.getLogger(__name__)

TURN_SECONDS = 10.0
"""How long a writer of quality files waits for another; a file is rewritten in less than one second."""


@contextlib.contextmanager
def of_shard(data: Path, shard: Shard, *, at: float) -> Iterator[None]:
    """Be the one collector of ``shard`` on ``data``, from ``at`` (Unix seconds) to the end of the process.

    Raises file_lock.HeldError where another collector is that, or where collectors of another number of shards run,
    which poll the same devices. A file system without locks is a warning: the collector could not serve there else.
    """
    with contextlib.ExitStack() as held:
        try:
            _take(held, data, shard, at)
        except OSError as error:
            log.warning(
                "%s: no lock can be had here (%s): a second collector of shard %s on this folder would not be noticed, "
                "and both would count the same polls",
                data / "journal",
                error.strerror or error,
                shard,
            )
        if doubt := file_lock.doubt(data):
            log.warning("%s: a second collector on another host may not be noticed: %s", data, doubt)
        yield


def _take(held: contextlib.ExitStack, data: Path, shard: Shard, at: float) -> None:
    what = f"bairro collect, shard {shard}"
    try:
        held.enter_context(file_lock.alone(_of_shard(data, shard), what=what, at=at))
    except file_lock.HeldError as error:
        raise file_lock.HeldError(
            f"{data}: another collector writes shard {shard.index} here: {error}; "
            "end it first, or give this one a data folder of its own"
        ) from None
    held.enter_context(_among(data / "journal" / "collectors.lock", shard, what, at))


@contextlib.contextmanager
def _among(path: Path, shard: Shard, what: str, at: float) -> Iterator[None]:
    """Share a lock with the collectors of the same number of shards: the first one writes how many there are."""
    descriptor = file_lock.opened(path)
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file_lock.state(descriptor, what, at)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        first = file_lock.holder(descriptor)
        if not first.startswith("bairro collect, shard ") or f"/{shard.count}, process" in first:
            yield
            return
        raise file_lock.HeldError(
            f"{path.parent.parent}: collectors of another number of shards run here, which poll the same devices "
            f"as shard {shard} would; the first was {first}; end all of them before the number changes"
        )
    finally:
        os.close(descriptor)


def _of_shard(data: Path, shard: Shard) -> Path:
    return data / "journal" / f"collector-{shard.name}.lock"


@contextlib.contextmanager
def of_quality(data: Path) -> Iterator[None]:
    """Lock the files of ``quality_hours``: every program holds this while it adds, rewrites or removes one.

    Collectors, `bairro backfill` and whatever else changes such files may so run beside each other. Raises OSError
    (TimeoutError) where another keeps its turn for longer than TURN_SECONDS.
    """
    with file_lock.in_turn(data / "journal" / "quality.lock", seconds=TURN_SECONDS):
        yield
