"""Incidents into the operations database: from a thread of its own, by way of a journal that outlasts both."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from collector.publish.incidents import incident_lines, incident_rows
from collector.publish.incidents.cross_shard import NOBODY, Attaching, Neighbours, own_part
from collector.publish.incidents.incident_rows import Entry
from collector.publish.incidents.line_journal import LineJournal
from collector.publish.incidents.open_record import OpenRecord
from collector.publish.quarantine import Aside
from collector.published import connect
from collector.reading import Device, IncidentChange, OpenIncident

log = logging.getLogger(__name__)

RETRY_SECONDS = (1.0, 2.0, 5.0, 10.0, 30.0)
LOOK_AGAIN_SECONDS = 1.0
SETTLE_BACK_SECONDS = 3600.0
SETTLE_ALL_EVERY = 180
SETTLE_ALL_BACK_SECONDS = 7 * 86400.0


class IncidentLog:
    """Writes incident changes in their order, each exactly once, without ever blocking who hands them in.

    Every change goes to the journal in ``folder`` first (appended and synced) and leaves it once the database has
    it; while the database is away they gather there, also across restarts. ``neighbours`` names this collector
    among the shards: no other writes its rows.
    """

    def __init__(self, url: str, folder: Path, neighbours: Neighbours = NOBODY, aside: Aside | None = None) -> None:
        self._engine = connect(url)
        self._shard = neighbours.shard
        detected_by = self._detected_by = neighbours.shard.name
        self._attaching = Attaching(folder / f"incidents-{detected_by}-attached.jsonl", neighbours, aside=aside)
        self._open_here: set[str] = set()
        self._settle_seconds = neighbours.settle_seconds
        self._settles = 0
        self._settle_at = time.monotonic() + self._settle_seconds if self._attaching.is_alone else 0.0
        self._record = OpenRecord(folder / f"incidents-{detected_by}-open.jsonl", aside)
        self._journal = LineJournal(folder / f"incidents-{detected_by}.jsonl")
        self._rejected = LineJournal(folder / f"incidents-{detected_by}-rejected.jsonl")
        self._queue: queue.SimpleQueue[list[Entry] | None] = queue.SimpleQueue()
        self._waiting: list[Entry] = self._journal.read(incident_lines.entry, aside)
        self._in_journal = len(self._waiting)
        self._idle = threading.Condition()
        self._unwritten = len(self._waiting)
        self._thread: threading.Thread | None = None
        self.failure: str | None = None

    @property
    def unwritten(self) -> int:
        """Changes that the database does not have yet."""
        return self._unwritten

    def apply(
        self,
        changes: Sequence[IncidentChange],
        devices: Mapping[str, Device],
        at: float | None = None,
        *,
        shadows: Container[str] = (),
    ) -> None:
        """Hand in changes; returns at once. ``devices`` has areas and subscribers as they are now.

        ``at`` is up to when an open incident's lost minutes are counted (default: the newest time in the change).
        ``shadows`` are the devices that another shard publishes: what befalls them is left to it.
        """
        entries = [
            incident_rows.entry(change, devices, at, has_own_root=change.root not in shadows)
            for whole in changes
            if (change := own_part(whole, shadows.__contains__)) is not None
        ]
        if not entries:
            return
        for entry in entries:
            (self._open_here.add if entry["ended"] is None else self._open_here.discard)(entry["id"])
        with self._idle:
            self._unwritten += len(entries)
        self._start()
        self._queue.put(entries)

    def row_of(self, incident_id: str) -> str:
        """The id in the database of an incident that is called ``incident_id`` here."""
        return self._attaching.row_of(incident_id)

    def open_incidents(
        self,
        is_polled: Callable[[str], bool] | None = None,
        is_own_root: Callable[[str | None], bool] = lambda _root: True,
    ) -> tuple[OpenIncident, ...]:
        """The incidents that this collector left open, for a start; blocks. What the journal holds is written first.

        Those that other shards wrote are among them, with the devices that are polled here; those of shards that
        are no more become this one's where it owns the root. Where the database cannot be reached, what this
        collector itself had told is taken up from its own disk.
        """
        if self._thread is not None:
            raise RuntimeError("ask for the open incidents before the first change is handed in")
        try:
            found = self._read_open(is_polled, is_own_root)
        except sa.exc.SQLAlchemyError as error:
            found = self._remembered(error)
        else:
            with contextlib.suppress(OSError):
                self._record.begin(found)
        if not self._attaching.is_alone:
            self._start()
        return found

    def _remembered(self, error: sa.exc.SQLAlchemyError) -> tuple[OpenIncident, ...]:
        cause = getattr(error, "orig", None) or error
        try:
            found = self._record.read()
        except OSError as unreadable:
            log.warning("open incidents are not taken up: the database is away (%s), and %s", cause, unreadable)
            return ()
        said = "the operations database is away: %d open incidents are taken up from %s: %s"
        log.warning(said, len(found), self._record.path, cause)
        return found

    def _read_open(
        self, is_polled: Callable[[str], bool] | None, is_own_root: Callable[[str | None], bool]
    ) -> tuple[OpenIncident, ...]:
        self._written(self._write(self._waiting, waits=False))
        with self._engine.begin() as connection:
            self._attaching.begin(connection)
            incident_rows.take_over(connection, self._shard, is_own_root)
            found = incident_rows.open_incidents(connection, self._detected_by, is_polled)
        with contextlib.suppress(OSError):
            self._attaching.forget()
        return found

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
            is_stopping = self._gather(self._pause(next_try))
            if not is_stopping:
                self._settle_when_due()
            if not self._waiting or (time.monotonic() < next_try and not is_stopping):
                continue
            try:
                left = self._write(self._waiting)
            except (sa.exc.SQLAlchemyError, OSError) as error:
                next_try = time.monotonic() + RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                self._complain(error)
            else:
                failures, next_try = 0, time.monotonic() + LOOK_AGAIN_SECONDS if left else 0.0
                self._written(left)

    def _pause(self, next_try: float) -> float | None:
        """How long to wait for more; None: until it comes."""
        times = [next_try] if self._waiting else []
        if self._open_here or not self._attaching.is_alone:
            times.append(self._settle_at)
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _settle_when_due(self) -> None:
        """Count the minutes of open incidents up to now, and add what the other shards have recorded of ours.

        Now and then those long over are looked at too, where there are other shards.
        """
        if (self._attaching.is_alone and not self._open_here) or time.monotonic() < self._settle_at:
            return
        self._settle_at = time.monotonic() + self._settle_seconds
        back = SETTLE_BACK_SECONDS if self._settles % SETTLE_ALL_EVERY else SETTLE_ALL_BACK_SECONDS
        back = 0.0 if self._attaching.is_alone else back
        now = time.time()
        try:
            with self._engine.begin() as connection:
                self._attaching.begin(connection)
                open_here = frozenset(self._open_here)
                incident_rows.settle(connection, self._detected_by, open_here=open_here, at=now, since=now - back)
        except sa.exc.SQLAlchemyError as error:
            self._complain(error)
        else:
            self._settles += 1

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
            self._record.add(fresh)
        except OSError as error:
            self._complain(error)
        return is_stopping

    def _write(self, entries: list[Entry], *, waits: bool = True) -> list[Entry]:
        """Write all entries in one transaction; where one of them cannot be stored, each in its own.

        Returns those that wait for the row of another shard; with ``waits`` False there are none.
        """
        if not entries:
            return []
        try:
            with self._engine.begin() as connection:
                self._attaching.begin(connection)
                return self._write_each(connection, entries, waits)
        except (sa.exc.IntegrityError, sa.exc.DataError):
            return [left for entry in entries for left in self._write_alone(entry, waits)]

    def _write_each(self, connection: sa.Connection, entries: list[Entry], waits: bool) -> list[Entry]:
        left = []
        waiting: set[str] = set()
        for entry in entries:
            if entry["id"] in waiting:
                left.append(entry)
                continue
            place = self._attaching.place(connection, entry, waits=waits)
            if place.role == "waits":
                waiting.add(entry["id"])
                left.append(entry)
            elif place.role == "writer":
                incident_rows.write(connection, entry, self._detected_by)
            elif place.role == "member":
                incident_rows.attach(connection, entry, place.incident_id)
        return left

    def _write_alone(self, entry: Entry, waits: bool) -> list[Entry]:
        try:
            with self._engine.begin() as connection:
                self._attaching.begin(connection)
                return self._write_each(connection, [entry], waits)
        except (sa.exc.IntegrityError, sa.exc.DataError) as error:
            kept = self._rejected.path
            log.error("incident %s cannot be stored, kept in %s: %s", entry["id"], kept, error.orig)  # noqa: TRY400
            self._rejected.append([entry])
            return []

    def _written(self, left: list[Entry]) -> None:
        """The database has all that waited but ``left``, which go on waiting."""
        has_changed = len(left) < len(self._waiting)
        with self._idle:
            self._unwritten -= len(self._waiting) - len(left)
            self._waiting = left
            self._in_journal = len(left)
            self._idle.notify_all()
        if self.failure is not None:
            log.warning("the operations database has all incidents again")
            self.failure = None
        if not has_changed:
            return
        try:
            self._journal.replace(left)
        except OSError as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error
        failure = " ".join(str(cause).split())
        if failure != self.failure:
            log.warning("incidents wait in %s (%d of them): %s", self._journal.path, len(self._waiting), failure)
            self.failure = failure
