"""Incidents into the operations database: from a thread of its own, by way of a journal that outlasts both."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from collector.publish import incident_rows
from collector.publish.incident_rows import Entry
from collector.publish.line_journal import LineJournal
from collector.published import connect
from collector.reading import Device, IncidentChange, OpenIncident

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)


class IncidentLog:
    """Writes incident changes in their order, each exactly once, without ever blocking who hands them in.

    Every change goes to the journal in ``folder`` first (appended and synced) and leaves it once the database has
    it; while the database is away they gather there, also across restarts. ``detected_by`` names this collector:
    no other writes its rows.
    """

    def __init__(self, url: str, folder: Path, detected_by: str) -> None:
        self._engine = connect(url)
        self._detected_by = detected_by
        self._journal = LineJournal(folder / f"incidents-{detected_by}.jsonl")
        self._rejected = LineJournal(folder / f"incidents-{detected_by}-rejected.jsonl")
        self._queue: queue.SimpleQueue[list[Entry] | None] = queue.SimpleQueue()
        self._waiting: list[Entry] = self._journal.read()
        self._in_journal = len(self._waiting)
        self._idle = threading.Condition()
        self._unwritten = len(self._waiting)
        self._thread: threading.Thread | None = None
        self.failure: str | None = None

    @property
    def unwritten(self) -> int:
        """Changes that the database does not have yet."""
        return self._unwritten

    def apply(self, changes: Sequence[IncidentChange], devices: Mapping[str, Device], at: float | None = None) -> None:
        """Hand in changes; returns at once. ``devices`` tells areas and subscribers as they are now.

        ``at`` is up to when an open incident's lost minutes are counted (default: the newest time in the change).
        """
        if not changes:
            return
        entries = [incident_rows.entry(change, devices, at) for change in changes]
        with self._idle:
            self._unwritten += len(entries)
        self._start()
        self._queue.put(entries)

    def open_incidents(self) -> tuple[OpenIncident, ...]:
        """The incidents that this collector left open, for a start; blocks. What the journal holds is written first.

        Raises sqlalchemy.exc.SQLAlchemyError where the database cannot be reached.
        """
        if self._thread is not None:
            raise RuntimeError("ask for the open incidents before the first change is handed in")
        self._write(self._waiting)
        self._written()
        with self._engine.connect() as connection:
            return incident_rows.open_incidents(connection, self._detected_by)

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until the database has everything; False where it does not within ``timeout_seconds``."""
        if self._unwritten:
            self._start()
        with self._idle:
            return self._idle.wait_for(lambda: self._unwritten == 0, timeout_seconds)

    def close(self, timeout_seconds: float = 2.0) -> None:
        """Write what can be written and stop; the journal keeps the rest."""
        if self._thread is not None:
            self.flush(timeout_seconds)
            self._queue.put(None)
            self._thread.join(timeout_seconds)
        self._engine.dispose()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="incident-log", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        failures = 0
        is_stopping = False
        next_try = 0.0
        while not is_stopping:
            is_stopping = self._gather(max(0.0, next_try - time.monotonic()) if self._waiting else None)
            if not self._waiting or (time.monotonic() < next_try and not is_stopping):
                continue
            try:
                self._write(self._waiting)
            except (sa.exc.SQLAlchemyError, OSError) as error:
                next_try = time.monotonic() + RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                self._complain(error)
            else:
                failures, next_try = 0, 0.0
                self._written()

    def _gather(self, timeout_seconds: float | None) -> bool:
        """Take what is handed in into the journal, waiting up to the timeout for it; True when it is time to stop."""
        fresh, is_stopping = [], False
        with contextlib.suppress(queue.Empty):
            batch = self._queue.get(timeout=timeout_seconds)
            while batch is not None:
                fresh += batch
                batch = self._queue.get_nowait()
            is_stopping = True
        self._waiting += fresh
        try:
            self._journal.append(self._waiting[self._in_journal :])
            self._in_journal = len(self._waiting)
        except OSError as error:
            self._complain(error)
        return is_stopping

    def _write(self, entries: list[Entry]) -> None:
        """Write all entries in one transaction; where one of them cannot be stored, each in its own."""
        if not entries:
            return
        try:
            with self._engine.begin() as connection:
                for entry in entries:
                    incident_rows.write(connection, entry, self._detected_by)
        except (sa.exc.IntegrityError, sa.exc.DataError):
            for entry in entries:
                self._write_alone(entry)

    def _write_alone(self, entry: Entry) -> None:
        try:
            with self._engine.begin() as connection:
                incident_rows.write(connection, entry, self._detected_by)
        except (sa.exc.IntegrityError, sa.exc.DataError) as error:
            kept = self._rejected.path
            log.error("incident %s cannot be stored, kept in %s: %s", entry["id"], kept, error.orig)  # noqa: TRY400
            self._rejected.append([entry])

    def _written(self) -> None:
        with self._idle:
            self._unwritten -= len(self._waiting)
            self._waiting = []
            self._in_journal = 0
            self._idle.notify_all()
        if self.failure is not None:
            log.warning("the operations database has all incidents again")
            self.failure = None
        try:
            self._journal.clear()
        except OSError as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
        failure = " ".join(str(cause).split())
        if failure != self.failure:
            log.warning("incidents wait in %s (%d of them): %s", self._journal.path, len(self._waiting), failure)
            self.failure = failure
