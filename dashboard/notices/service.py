"""Notices as they run, beside the pages or alone: one thread looks for what is due, one for each receiver sends."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from collector.published import connect
from dashboard.config import DashboardSettings
from dashboard.notice_settings import NoticeSettings
from dashboard.notices import due, failures, outbox, stories, words
from dashboard.notices.delivery import deliver
from dashboard.notices.outbox import Notice, Outcome
from dashboard.operations import database_reading as reading
from dashboard.operations.inventory_sites import NetworkReader
from dashboard.operations.live.live_state import AreaSource

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
MOST_PAUSE_SECONDS = 60.0
STOP_SECONDS = 2.0


class Lookout:
    """Puts what is due into the queue."""

    def __init__(self, settings: DashboardSettings, engine: sa.Engine) -> None:
        self._settings, self._engine = settings, engine
        self._network, self._areas = NetworkReader(settings.data), AreaSource(settings)
        self._names = {one.name for one in settings.notices}

    def look(self, at: datetime) -> int:
        """Returns how many messages came into the queue. Raises SQLAlchemyError."""
        here = at.astimezone(ZoneInfo(self._settings.timezone))
        with self._engine.connect() as connection:
            found = stories.read(connection, self._network.read(), self._names, at)
        made, speaker = [], None
        for incident, told in found:
            for receiver in self._settings.notices:
                before = told.get(receiver.name, ())
                if (event := due.event(incident, receiver, before, here)) is not None:
                    speaker = speaker or self._speaker()
                    content = words.content(incident, event, receiver, speaker, here)
                    made.append(Notice(receiver.name, incident.incident_id, len(before), event, content, at))
        return outbox.add(self._engine, made)

    def _speaker(self) -> words.Speaker:
        return speaker(self._settings, self._areas)


def speaker(settings: DashboardSettings, areas: AreaSource) -> words.Speaker:
    table = areas.read()
    names = dict(zip(table["area"], table["name"], strict=True))
    return words.Speaker(settings.provider, settings.web.public_url, names)


@dataclass
class Sender:
    """Sends what is due for one receiver, one message after the other."""

    receiver: NoticeSettings
    engine: sa.Engine
    by: str
    unmarked: tuple[Notice, Outcome, datetime] | None = None
    """What was sent while the database was away: it is marked before anything else is sent."""
    failures: int = 0
    not_before: datetime | None = None
    """A receiver that could not be reached is left alone for a while, however many messages wait for it."""

    def step(self, at: datetime) -> bool:
        """Send the next message; False where none is due, or where it is better to wait. Raises SQLAlchemyError."""
        self.mark()
        if self.not_before is not None and at < self.not_before:
            return False
        notice = outbox.take(self.engine, self.receiver.name, by=self.by, at=at)
        if notice is None:
            return False
        began = time.monotonic()
        outcome = deliver(self.receiver, notice, at)
        self.unmarked = (notice, outcome, at + timedelta(seconds=time.monotonic() - began))
        has_answered = outcome.is_sent or outcome.is_final
        self.failures = 0 if has_answered else self.failures + 1
        self.not_before = None if has_answered else at + self._pause(outcome)
        self.mark()
        return has_answered

    def _pause(self, outcome: Outcome) -> timedelta:
        own = min(outbox.pause(self.failures), MOST_PAUSE_SECONDS)
        return timedelta(seconds=max(own, outbox.pause(1, outcome.wait_seconds)))

    def mark(self) -> None:
        if self.unmarked is None:
            return
        notice, outcome, at = self.unmarked
        again = outbox.settle(self.engine, notice, outcome, at=at)
        self.unmarked = None
        if outcome.is_sent and not outcome.said:
            return
        then = (
            ""
            if outcome.is_sent
            else "; it is not tried again: bairro notices retry"
            if again is None
            else f"; tried again at {again:%H:%M:%S} UTC"
        )
        log.warning("notice %s to %s: %s%s", notice.notice_id, self.receiver.name, outcome.said, then)


class Service:
    """All threads; they die with the process, and lose nothing by it."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._engine = connect(settings.database_url)
        self._stop = threading.Event()
        by = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lookout = Lookout(settings, self._engine)
        self._senders = [Sender(receiver, self._engine, by) for receiver in settings.notices]
        self._failure: str | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for i, one in enumerate(self._settings.notices):
            if (found := failures.lacking(one)) is not None:
                said = "notices[%d].%s: %s %s; its messages wait until it is there"
                log.warning(said, i, found[0], one.name, found[1])
        works = [("notices", self._look), *((f"notices to {one.receiver.name}", _send(one)) for one in self._senders)]
        for name, work in works:
            thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Ends what can be ended at once; a message under way is sent or comes again."""
        self._stop.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _look(self) -> None:
        self._lookout.look(datetime.now(UTC))

    def _run(self, work: object) -> None:
        assert callable(work)
        while not self._stop.is_set():
            try:
                while work() and not self._stop.is_set():
                    pass
            except sa.exc.SQLAlchemyError as error:
                self._complain(error)
            except Exception:
                log.exception("notices: this is a bug; they are tried again")
            else:
                self._failure = None
            self._stop.wait(LOOK_SECONDS)

    def _complain(self, error: sa.exc.SQLAlchemyError) -> None:
        url = self._engine.url
        is_file = url.get_backend_name() == "sqlite"
        said = reading.why(error, url.render_as_string(hide_password=True), is_file=is_file)
        if said != self._failure:
            log.warning("notices wait: %s", said)
            self._failure = said


def _send(sender: Sender) -> object:
    return lambda: sender.step(datetime.now(UTC))


@contextlib.contextmanager
def beside(settings: DashboardSettings) -> Iterator[None]:
    """While the pages are served, notices are sent from this process; none where the settings name no receiver."""
    if not settings.notices:
        yield
        return
    service = Service(settings)
    service.start()
    try:
        yield
    finally:
        service.stop()


def run(settings: DashboardSettings) -> None:
    """Send notices until SIGTERM or SIGINT, without pages."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with beside(settings):
        print(f"bairro notices: sending to {', '.join(one.name for one in settings.notices)}", flush=True)
        over.wait()
