"""Incidents of any age, asked for one by one or as a list: what the operations database has kept of them.

Beside `live_incidents`, which follows what is open: here each question is a query of its own, bounded in time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, AUDIT, INCIDENT_DEVICES, INCIDENTS, MAINTENANCE_WINDOWS, NOTICES
from dashboard.operations import database_reading as reading
from dashboard.operations import silences

MOST_LISTED = 5_000
MOST_OF_A_DEVICE = 200
YEAR = timedelta(days=365)
WAIT_SECONDS = 3.0
BUSY = 4
"""So many questions may be under way at once: a database that hangs does not gather threads."""
ASKED_AGAIN = timedelta(seconds=10)

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents a list is of; None: whatever it is. ``since``: those that were open then, or began later."""

    area: str | None = None
    kind: str | None = None
    is_open: bool | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows of ``incidents``, newest first, each with its ``areas`` (a tuple) and ``taken_up_by`` (None: nobody).

    ``is_cut``: there are more than MOST_LISTED. ``problem`` says why nothing is known.
    """

    rows: tuple[Row, ...] = ()
    is_cut: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """All that is kept of one incident. ``row`` is None where there is none of that id, or ``problem`` says why not.

    ``members`` are its rows of ``incident_devices``, ``notes`` those of ``acknowledgements``, ``entries`` those of
    ``audit``, oldest first. ``blind`` are incidents of blind collectors that overlap it.
    """

    row: Row | None = None
    members: tuple[Row, ...] = ()
    notes: tuple[Row, ...] = ()
    entries: tuple[Row, ...] = ()
    blind: tuple[Row, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class OfDevice:
    """The incidents that a device was in, or was the root of, newest first.

    Each row has the columns of ``incidents`` and ``spans``: (from, to) in which the device was in it, ``to`` None while
    it is; none of a root that answered throughout.
    """

    rows: tuple[Row, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """The incidents that were open at some time between two moments, and the rows of their devices then, oldest first.

    ``known_since`` is when the oldest incident on record began: of the time before, nothing says that any were kept.
    """

    incidents: tuple[Row, ...] = ()
    members: tuple[Row, ...] = ()
    known_since: datetime | None = None
    problem: str | None = None


class IncidentRecords:
    """Asks the database at ``url``; threads share it. What was asked of a device is answered alike for ten seconds."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self._name = parsed.render_as_string(hide_password=True)
        self._file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self._engine = reading.engine(parsed)
        self._under_way = threading.BoundedSemaphore(BUSY)
        self._of_devices: dict[str, tuple[datetime, OfDevice]] = {}

    def listed(self, wanted: Wanted) -> Listed:
        """The incidents that are ``wanted``."""
        found, problem = self._ask(lambda connection: _listed(connection, wanted))
        return Listed(problem=problem) if found is None else found

    def story(self, incident_id: str) -> Story:
        """What is kept of the incident with that id."""
        found, problem = self._ask(lambda connection: _story(connection, incident_id))
        return Story(problem=problem) if found is None else found

    def between(self, since: datetime, until: datetime) -> Between:
        """What was open between two moments."""
        found, problem = self._ask(lambda connection: _between(connection, since, until))
        return Between(problem=problem) if found is None else found

    def windows(self, targets: Sequence[tuple[str, str]], at: datetime) -> tuple[tuple[Row, ...], str | None]:
        """The maintenance windows that hold for one of ``targets`` (kind, name) at ``at`` or are to come, by start; else
        why they are not known.
        """
        found, problem = self._ask(lambda connection: _windows(connection, targets, at))
        return found or (), problem

    def silences(self, at: datetime) -> tuple[tuple[Row, ...], str | None]:
        """The silences that hold at ``at``; else why they are not known."""
        found, problem = self._ask(lambda connection: tuple(silences.held(connection, at)))
        return found or (), problem

    def notices(self) -> dict[str, tuple[int, int]] | None:
        """By receiver, how many notices wait and how many were refused; None where that is not known."""
        return self._ask(_notices)[0]

    def begin_with(self, start: str) -> tuple[str, ...]:
        """The ids that begin with ``start``, at most two; none where the database cannot be read."""
        ids = INCIDENTS.c.incident_id
        query = sa.select(ids).where(ids.startswith(start, autoescape=True)).limit(2)
        return self._ask(lambda connection: tuple(connection.scalars(query)))[0] or ()

    def of_device(self, device_id: str, at: datetime) -> OfDevice:
        """The incidents of a device that were open within the year before ``at``."""
        known = self._of_devices.get(device_id)
        if known is not None and abs(at - known[0]) < ASKED_AGAIN and known[1].problem is None:
            return known[1]
        found, problem = self._ask(lambda connection: _of_device(connection, device_id, at - YEAR))
        answer = OfDevice(problem=problem) if found is None else OfDevice(found)
        self._of_devices = {key: one for key, one in self._of_devices.items() if abs(at - one[0]) < ASKED_AGAIN}
        self._of_devices[device_id] = (at, answer)
        return answer

    def _ask(self, question: Callable[[sa.Connection], T]) -> tuple[T | None, str | None]:
        """The answer, or why there is none; waits for it three seconds at most."""
        if not self._under_way.acquire(timeout=WAIT_SECONDS):
            return None, self._hangs()
        asked = _Asked(self._answer, question, self._under_way.release)
        return asked.outcome if asked.done.wait(WAIT_SECONDS) else (None, self._hangs())

    def _hangs(self) -> str:
        return f"{reading.HANGS.format(name=self._name)}. {reading.CHECK}"

    def _answer(self, question: Callable[[sa.Connection], T]) -> tuple[T | None, str | None]:
        if self._file is not None and not self._file.exists():
            return None, reading.MISSING.format(name=self._file)
        try:
            with self._engine.connect() as connection:
                reading.begin_snapshot(connection)
                if (said := reading.other_schema(connection, self._name)) is not None:
                    return None, said
                return question(connection), None
        except sa.exc.SQLAlchemyError as error:
            return None, reading.why(error, self._name, is_file=self._file is not None)
        except OSError as error:
            return None, f"{reading.UNREAD.format(name=self._name)}: {error.strerror}. {reading.CHECK}"


class _Asked:
    """One question under way, in a thread that dies with the process."""

    def __init__(self, answer: Any, question: Any, release: Callable[[], None]) -> None:
        self.outcome: tuple[Any, str | None] = (None, None)
        self.done = threading.Event()
        self._answer, self._question, self._release = answer, question, release
        threading.Thread(target=self._run, name="incident records", daemon=True).start()

    def _run(self) -> None:
        try:
            self.outcome = self._answer(self._question)
        except Exception as error:
            self.outcome = (None, f"the operations database cannot be read: {error!r}")
        finally:
            self._release()
            self.done.set()


def _listed(connection: sa.Connection, wanted: Wanted) -> Listed:
    query = sa.select(INCIDENTS).where(*_conditions(wanted)).order_by(INCIDENTS.c.started_at.desc())
    rows = [dict(row) for row in connection.execute(query.limit(MOST_LISTED + 1)).mappings()]
    is_cut, rows = len(rows) > MOST_LISTED, rows[:MOST_LISTED]
    areas, takers = _areas(connection, wanted), _takers(connection, wanted)
    for row in rows:
        own = (row["area"],) if row["area"] else ()
        row["areas"] = tuple(sorted(areas.get(row["incident_id"], set()))) or own
        row["taken_up_by"] = takers.get(row["incident_id"])
    return Listed(tuple(rows), is_cut)


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    table = INCIDENTS.c
    found: list[sa.ColumnElement[bool]] = []
    if wanted.kind is not None:
        found.append(table.kind == wanted.kind)
    if wanted.is_open is not None:
        found.append(table.ended_at.is_(None) if wanted.is_open else table.ended_at.is_not(None))
    if wanted.since is not None:
        found.append(sa.or_(table.ended_at.is_(None), table.ended_at >= wanted.since))
    if wanted.area is not None:
        members = INCIDENT_DEVICES.c
        inside = sa.select(members.incident_id).where(members.area == wanted.area)
        found.append(sa.or_(table.area == wanted.area, table.incident_id.in_(inside)))
    return found


def _areas(connection: sa.Connection, wanted: Wanted) -> dict[str, set[str]]:
    members = INCIDENT_DEVICES.c
    found: dict[str, set[str]] = {}
    query = sa.select(members.incident_id, members.area).join(INCIDENTS, INCIDENTS.c.incident_id == members.incident_id)
    for key, area in connection.execute(query.where(*_conditions(wanted)).distinct()):
        if area:
            found.setdefault(key, set()).add(area)
    return found


def _takers(connection: sa.Connection, wanted: Wanted) -> dict[str, str]:
    """Who said last that they have taken it up, by incident."""
    notes = ACKNOWLEDGEMENTS.c
    query = sa.select(notes.incident_id, notes.acknowledged_by).join(
        INCIDENTS, INCIDENTS.c.incident_id == notes.incident_id
    )
    rows = connection.execute(query.where(*_conditions(wanted)).order_by(notes.acknowledged_at))
    return {str(key): str(by) for key, by in rows}


def _story(connection: sa.Connection, incident_id: str) -> Story:
    row = connection.execute(sa.select(INCIDENTS).where(INCIDENTS.c.incident_id == incident_id)).mappings().first()
    if row is None:
        return Story()
    members, notes, entries, table = INCIDENT_DEVICES.c, ACKNOWLEDGEMENTS.c, AUDIT.c, INCIDENTS.c
    overlap = [table.ended_at.is_(None) | (table.ended_at >= row["started_at"])]
    if row["ended_at"] is not None:
        overlap.append(table.started_at <= row["ended_at"])
    queries = (
        sa.select(INCIDENT_DEVICES).where(members.incident_id == incident_id).order_by(members.started_at),
        sa.select(ACKNOWLEDGEMENTS).where(notes.incident_id == incident_id).order_by(notes.acknowledged_at),
        sa.select(AUDIT).where(entries.subject == incident_id).order_by(entries.at, entries.audit_id),
        sa.select(INCIDENTS).where(table.kind == "blind", *overlap).order_by(table.started_at),
    )
    found: list[tuple[Row, ...]] = [tuple(map(dict, connection.execute(query).mappings())) for query in queries]
    return Story(dict(row), found[0], found[1], found[2], found[3])


def _of_device(connection: sa.Connection, device_id: str, since: datetime) -> tuple[Row, ...]:
    members, table = INCIDENT_DEVICES.c, INCIDENTS.c
    inside = sa.select(members.incident_id).where(members.device_id == device_id)
    query = (
        sa.select(INCIDENTS)
        .where(sa.or_(table.root_device_id == device_id, table.incident_id.in_(inside)))
        .where(sa.or_(table.ended_at.is_(None), table.ended_at >= since))
        .order_by(table.started_at.desc())
        .limit(MOST_OF_A_DEVICE)
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    spans: dict[str, list[tuple[datetime, datetime | None]]] = {}
    own = sa.select(members.incident_id, members.started_at, members.ended_at).where(members.device_id == device_id)
    for key, start, end in connection.execute(own.order_by(members.started_at)):
        spans.setdefault(key, []).append((start, end))
    return tuple({**row, "spans": tuple(spans.get(row["incident_id"], ()))} for row in rows)


def _between(connection: sa.Connection, since: datetime, until: datetime) -> Between:
    found = []
    for table in (INCIDENTS, INCIDENT_DEVICES):
        is_inside = [table.c.started_at < until, table.c.ended_at.is_(None) | (table.c.ended_at > since)]
        query = sa.select(table).where(*is_inside).order_by(table.c.started_at)
        found.append(tuple(dict(row) for row in connection.execute(query).mappings()))
    oldest = connection.scalar(sa.select(sa.func.min(INCIDENTS.c.started_at, type_=INCIDENTS.c.started_at.type)))
    return Between(found[0], found[1], oldest)


def _notices(connection: sa.Connection) -> dict[str, tuple[int, int]]:
    table = NOTICES.c
    waits, refused = (
        sa.func.sum(sa.case((one, 1), else_=0)) for one in (table.refused_at.is_(None), table.refused_at.is_not(None))
    )
    query = sa.select(table.receiver, waits, refused).where(table.sent_at.is_(None)).group_by(table.receiver)
    return {str(name): (int(waiting), int(gone)) for name, waiting, gone in connection.execute(query)}


def _windows(connection: sa.Connection, targets: Sequence[tuple[str, str]], at: datetime) -> tuple[Row, ...]:
    table = MAINTENANCE_WINDOWS.c
    meant = sa.or_(*(sa.and_(table.target_kind == kind, table.target == name) for kind, name in targets))
    query = sa.select(MAINTENANCE_WINDOWS).where(
        meant, table.cancelled_at.is_(None), table.ends_at.is_(None) | (table.ends_at > at)
    )
    return tuple(dict(row) for row in connection.execute(query.order_by(table.starts_at)).mappings())
