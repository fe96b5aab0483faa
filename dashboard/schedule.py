"""Builds again and again, each in a process of its own: `bairro build --every HOURS`, or beside `bairro serve`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from dashboard import attempts

LOOK_SECONDS = 2.0
STOP_SECONDS = 10.0


def repeat(command: list[str], data: Path, every_seconds: float, *, parent: int | None = None) -> int:
    """Run ``command`` at once and then every so often, counted from start to start; a late one starts at once, alone.

    Ends on SIGTERM and SIGINT, and when the process ``parent`` is no longer this one's parent; a build under way is
    ended with it. One that is killed from outside is kept as a failure; its other failures it has kept itself.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        started = time.monotonic()
        with subprocess.Popen(command) as process:
            while process.poll() is None and not _is_over(stop, parent):
                stop.wait(min(LOOK_SECONDS, every_seconds))
            if process.poll() is None:
                end(process)
            elif process.returncode < 0:
                attempts.record(data, f"the build was ended by signal {-process.returncode}: too little memory?")
        while time.monotonic() < started + every_seconds and not _is_over(stop, parent):
            stop.wait(min(LOOK_SECONDS, max(0.0, started + every_seconds - time.monotonic())))
    return 0


def _is_over(stop: threading.Event, parent: int | None) -> bool:
    if parent is not None and os.getppid() != parent:
        stop.set()
    return stop.is_set()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here, kindly first."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def beside(settings_file: Path, every_hours: float) -> Iterator[None]:
    """While the pages are served, builds every so often in another process; none where ``every_hours`` is 0."""
    if not every_hours:
        yield
        return
    command = [sys.executable, "-m", "bairro", "build", "--config", str(settings_file)]
    process = subprocess.Popen([*command, "--every", f"{every_hours:g}", "--parent", str(os.getpid())])
    server = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == server:  # not in a worker that was forked meanwhile
            end(process)
