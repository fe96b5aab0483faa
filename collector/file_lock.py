"""One process at a time: a lock on a file that says who holds it, and that ends with the process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bairro_error import BairroError

MOST_BYTES = 500
"""Of a lock file more is not read: it is one line."""

UNSURE = {
    "nfs": "it was mounted without locks between hosts (nolock, local_lock)",
    "fuse": "whether this file system passes locks on to other hosts is not known",
    "9p": "this file system keeps locks to one host",
}
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What flock(2) says on file systems without locks."""
_NFS_ALONE = ("nolock", "local_lock=flock", "local_lock=all")


class HeldError(BairroError, RuntimeError):
    """Another process holds the lock; the message says who, on which host and since when."""


@contextlib.contextmanager
def alone(path: Path, *, what: str, at: float) -> Iterator[None]:
    """Hold the lock at ``path`` as ``what``, since ``at`` (Unix seconds), and write into the file who holds it.

    Raises HeldError where another process has it, and OSError where the file system gives no lock.
    """
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeldError(holder(descriptor)) from None
        state(descriptor, what, at)
        yield


@contextlib.contextmanager
def in_turn(path: Path, *, seconds: float) -> Iterator[None]:
    """Hold the lock at ``path`` for a moment, after waiting for at most ``seconds``.

    A file system that knows no locks gives none, and the turn is had all the same. Raises TimeoutError, which is an
    OSError, where another process kept its own for longer.
    """
    until = time.monotonic() + seconds
    with _opened(path) as descriptor:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise TimeoutError(f"{path}: another process has kept this lock for {seconds:g} s") from None
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                break
            time.sleep(0.05)
        yield


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Closing it releases the lock. No child process inherits it, so no child keeps the lock of a dead parent."""
    descriptor = opened(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def opened(path: Path) -> int:
    """The lock file, created if missing. To lock a file of another user, read permission is enough."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


def state(descriptor: int, what: str, at: float) -> None:
    """Write who holds the lock; on a full disk the lock holds all the same."""
    since = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    line = f"{what}, process {os.getpid()} on {socket.gethostname()}, since {since}\n"
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, line.encode()[:MOST_BYTES], 0)


def holder(descriptor: int, seconds: float = 1.0) -> str:
    """Who holds the lock, in their own words; they write them just after they took it."""
    until = time.monotonic() + seconds
    while not (line := _line(descriptor)) and time.monotonic() < until:
        time.sleep(0.02)
    return line or "another process, which has not said who it is"


def _line(descriptor: int) -> str:
    with contextlib.suppress(OSError):
        text = os.pread(descriptor, MOST_BYTES, 0).decode("utf-8", "replace")
        return "".join(letter for letter in text.partition("\n")[0] if letter.isprintable())
    return ""


def doubt(folder: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Why a lock in ``folder`` may hold on this host alone; None where it holds for all who share the folder.

    Linux tells by the mount; flock on NFS is a lock of the server's since 2.6.12, unless the mount says otherwise.
    """
    kind, options = _mount_of(folder, mounts)
    if kind.startswith("nfs"):
        return f"{kind}: {UNSURE['nfs']}" if any(option in _NFS_ALONE for option in options) else None
    if kind == "fuse" or kind.startswith("fuse."):
        return f"{kind}: {UNSURE['fuse']}"
    return f"{kind}: {UNSURE['9p']}" if kind == "9p" else None


def _mount_of(folder: Path, mounts: Path) -> tuple[str, list[str]]:
    """The type and options of the file system that holds ``folder``."""
    found: tuple[str, str, str] = ("", "", "")
    try:
        wanted = folder.resolve()
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "", []
    for line in lines:
        _, point, kind, options, *_ = [*line.split(" "), "", "", "", ""]
        point = point.replace("\\040", " ")
        if wanted.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind, options)
    return found[1], found[2].split(",")
