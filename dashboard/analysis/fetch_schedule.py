"""Sources of records fetched again and again, each when it is due: `bairro fetch --scheduled`, or beside `bairro serve`."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from dashboard.analysis.build_schedule import Daily, Every, end, times
from dashboard.config import DashboardSettings
from dashboard.source_settings import SourceSettings

LOOK_SECONDS = 2.0


def schedule(settings: DashboardSettings) -> dict[str, Every | Daily]:
    """When each source is fetched that has a time, by its name."""
    found = {one.name: times(one.every_hours or None, one.at, settings.timezone) for one in settings.sources}
    return {name: when for name, when in found.items() if when is not None}


def repeat(
    settings: DashboardSettings,
    fetched_at: Mapping[str, float | None],
    fetch: Callable[[SourceSettings], object],
    *,
    parent: int | None = None,
) -> int:
    """Fetch each source whenever it is due, one after the other; ``fetched_at`` is when each was tried last (Unix seconds).

    Ends on SIGTERM and SIGINT, and when the process ``parent`` is no longer this one's parent.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    when = schedule(settings)
    due = {name: _first(one, fetched_at.get(name), time.time()) for name, one in when.items()}
    while not stop.is_set() and (parent is None or os.getppid() == parent):
        ready = [one for one in settings.sources if one.name in due and due[one.name] <= when[one.name].now()]
        for source in ready:
            started = when[source.name].now()
            fetch(source)
            due[source.name] = when[source.name].following(started)
            if stop.is_set():
                break
        stop.wait(LOOK_SECONDS)
    return 0


def _first(when: Every | Daily, tried: float | None, unix_now: float) -> float:
    """When a source is due first, by the clock of ``when``: a start of the program alone asks nobody anew."""
    if isinstance(when, Daily) or tried is None:
        return when.first(when.now(), tried)
    return when.now() + max(0.0, tried + when.seconds - unix_now)


def last_tried(said: Mapping[str, str]) -> dict[str, float | None]:
    """Unix seconds by name of times in ISO 8601."""
    return {name: datetime.datetime.fromisoformat(at).timestamp() for name, at in said.items()}


@contextlib.contextmanager
def beside(program: Sequence[str], settings_file: Path, settings: DashboardSettings) -> Iterator[None]:
    """While the pages are served, sources are fetched on their schedule in another process; none where none has one."""
    if not schedule(settings):
        yield
        return
    command = [*program, "fetch", "--config", str(settings_file), "--scheduled", "--parent", str(os.getpid())]
    process = subprocess.Popen(command)
    server = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == server:  # not in a worker that was forked meanwhile
            end(process)
