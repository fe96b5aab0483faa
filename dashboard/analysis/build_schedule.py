"""Builds again and again, each in a process of its own: `bairro build --every HOURS` or `--at HH:MM`, or beside
`bairro serve`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bairro_error import BairroError
from dashboard.analysis import build_log
from dashboard.config import BuildSettings
from recurrence import WEEKDAYS, Weekly

LOOK_SECONDS = 2.0
STOP_SECONDS = 10.0
DAYS_AHEAD = 3 * 86_400.0


class TimeError(BairroError, ValueError):
    """What was given is no time of day."""


@dataclass(frozen=True, slots=True)
class Every:
    """At once, and then every so often, counted from start to start; a late one starts at once, alone."""

    seconds: float

    def now(self) -> float:
        """Seconds of a clock that nobody sets."""
        return time.monotonic()

    def first(self, now: float, attempted: float | None) -> float:
        return now

    def following(self, started: float) -> float:
        return started + self.seconds


@dataclass(frozen=True, slots=True)
class Daily:
    """Every day at a time of the wall clock of ``time_zone``, such as 03:30; Unix seconds.

    A time that the clocks leave out is taken by the offset before the change (02:30 becomes 03:30), and one that they
    show twice is the first. One that was missed, because nothing ran then, is made up for at the start, and so is the
    very first build. Raises ValueError for what is no time of day or zone.
    """

    local_time: str
    time_zone: str

    def __post_init__(self) -> None:
        self._pattern()

    def now(self) -> float:
        return time.time()

    def first(self, now: float, attempted: float | None) -> float:
        """When to build first, where the last build was tried at ``attempted`` (None: never)."""
        return now if attempted is None or self.following(attempted) <= now else self.following(now)

    def following(self, started: float) -> float:
        """The first such time after ``started``."""
        return next(at for at, _ in self._pattern().spans(started, started + DAYS_AHEAD) if at > started)

    def _pattern(self) -> Weekly:
        return Weekly(WEEKDAYS, self.local_time, 1, self.time_zone)


def times(every_hours: float | None, at: str | None, time_zone: str) -> Every | Daily | None:
    """When to build; None where neither is given. Raises TimeError."""
    if at is not None:
        try:
            return Daily(at, time_zone)
        except ValueError as error:
            raise TimeError(f"--at: {error}") from None
    return Every(every_hours * 3600) if every_hours else None


def repeat(command: list[str], data: Path, when: Every | Daily, *, parent: int | None = None) -> int:
    """Run ``command`` whenever it is time, one after the other.

    Ends on SIGTERM and SIGINT, and when the process ``parent`` is no longer this one's parent; a build under way is
    ended with it. One that is killed from outside is kept as a failure; its other failures it has kept itself.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    due = when.first(when.now(), build_log.last_at(data))
    while not _waited(due, when, stop, parent):
        started = when.now()
        with subprocess.Popen(command) as process:
            while process.poll() is None and not _is_over(stop, parent):
                stop.wait(min(LOOK_SECONDS, max(0.01, when.following(started) - started)))
            if process.poll() is None:
                end(process)
            elif process.returncode < 0:
                build_log.record(data, f"the build was ended by signal {-process.returncode}: too little memory?")
        due = when.following(started)
    return 0


def _waited(due: float, when: Every | Daily, stop: threading.Event, parent: int | None) -> bool:
    """Wait until ``due``; True when it is over before. Looks often, so that a clock that is set is followed."""
    while not (is_over := _is_over(stop, parent)) and (left := due - when.now()) > 0:
        stop.wait(min(LOOK_SECONDS, left))
    return is_over


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
def beside(program: Sequence[str], settings_file: Path, build: BuildSettings) -> Iterator[None]:
    """While the pages are served, builds as the settings ask for in another process; none where they ask for none.

    ``program`` is how bairro is started here.
    """
    if build.at is None and not build.every_hours:
        yield
        return
    when = ["--at", build.at] if build.at is not None else ["--every", f"{build.every_hours:g}"]
    command = [*program, "build", "--config", str(settings_file), *when]
    process = subprocess.Popen([*command, "--parent", str(os.getpid())])
    server = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == server:  # not in a worker that was forked meanwhile
            end(process)
