"""The incidents of the operations database, read beside the page: a database that hangs, is locked or gone holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, INCIDENT_DEVICES, INCIDENTS
from dashboard.operations import database_reading as reading
from dashboard.operations import silences

REREAD_SECONDS = 5.0
WAIT_SECONDS, WAIT_AGAIN_SECONDS = 2.0, 0.1
KEPT = timedelta(days=30)
COLUMNS = (*(column.name for column in INCIDENTS.columns), "areas", "taken_up")
MEMBER_COLUMNS = ("incident_id", "device_id", "started_at", "ended_at", "subscribers")


@dataclass(frozen=True, eq=False)
class Incidents:
    """What the database told last: ``table`` has the open incidents and those of the last 30 days, newest first.

    Beside the columns of ``incidents`` it has ``areas``, the tuple of neighbourhoods that each touches, and
    ``taken_up``, (by whom, with what note) of the newest acknowledgement or None. ``members`` has a row for each device
    of the open ones (when it first joined, and when it left last; null: it has not). ``silences`` are those that held
    when it was read; they end by the clock too. ``problem`` says why nothing is known; all tables are then empty.
    ``stamp`` changes when anything here does.
    """

    table: pd.DataFrame
    members: pd.DataFrame
    problem: str | None
    stamp: str
    silences: tuple[Mapping[str, Any], ...] = ()

    @cached_property
    def blind(self) -> Mapping[str, datetime]:
        """The shards that the database calls blind, and since when."""
        rows = self.table[(self.table["kind"] == "blind") & self.table["ended_at"].isna()]
        return {
            str(by).removeprefix("shard "): at for by, at in zip(rows["detected_by"], rows["started_at"], strict=True)
        }


class IncidentReader:
    """Reads in a thread of its own and waits for it two seconds at most; an SQLite file only when it or its log changed.

    A reading that failed is tried again at every call, without waiting for it.
    """

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self._name = parsed.render_as_string(hide_password=True)
        self._file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self._engine = reading.engine(parsed)
        self._key: object = None
        self._answer = Incidents(no_incidents(), _no_members(), None, "")
        self._count = 0
        self._reading: _Reading | None = None
        self._waited_at: datetime | None = None

    def read(self, at: datetime) -> Incidents:
        """What is known at ``at``."""
        key = self._changed_key(at)
        if key == self._key and self._answer.problem is None and self._reading is None:
            return self._answer
        if self._reading is None:
            self._reading = _Reading(self._query, key, at)
        has_failed = self._answer.problem is not None
        if self._reading.done.wait(self._patience(at) if has_failed else WAIT_SECONDS):
            done, self._reading = self._reading, None
            self._key = done.key
            self._take(done.answer)
        elif self._reading.began_at < at - timedelta(seconds=1) or not has_failed:
            since = f"{self._reading.began_at:%H:%M:%S} UTC"
            self._take(_nothing(f"{reading.HANGS.format(name=self._name)} (since {since}). {reading.CHECK}"))
        return self._answer

    def _patience(self, at: datetime) -> float:
        """How long to wait for a database that failed before: hardly, and once a second, however many look."""
        if self._waited_at is not None and timedelta(0) <= at - self._waited_at < timedelta(seconds=1):
            return 0.0
        self._waited_at = at
        return WAIT_AGAIN_SECONDS

    def _take(self, found: Found) -> None:
        table, members, problem, held = found
        if problem is not None and problem == self._answer.problem:
            return
        self._count += 1
        self._answer = Incidents(table, members, problem, str(self._count), held)

    def _changed_key(self, at: datetime) -> object:
        """Changes with the SQLite file, its log, or the file that stands in its place; of a server every five seconds."""
        if self._file is None:
            return int(at.timestamp() / REREAD_SECONDS)
        return tuple(_stamp(Path(f"{self._file}{suffix}")) for suffix in ("", "-wal"))

    def _query(self, at: datetime) -> Found:
        if self._file is not None and not self._file.exists():
            return _nothing(reading.MISSING.format(name=self._file))
        try:
            with self._engine.connect() as connection:
                reading.begin_snapshot(connection)
                if (said := reading.other_schema(connection, self._name)) is not None:
                    return _nothing(said)
                return (*_incidents(connection, at - KEPT), None, tuple(silences.held(connection, at)))
        except sa.exc.SQLAlchemyError as error:
            return _nothing(reading.why(error, self._name, is_file=self._file is not None))
        except OSError as error:
            return _nothing(f"{reading.UNREAD.format(name=self._name)}: {error.strerror}. {reading.CHECK}")


Found = tuple[pd.DataFrame, pd.DataFrame, str | None, tuple[Mapping[str, Any], ...]]


def _nothing(problem: str | None) -> Found:
    return no_incidents(), _no_members(), problem, ()


class _Reading:
    """One reading under way, in a thread that dies with the process."""

    def __init__(self, query: Any, key: object, at: datetime) -> None:
        self.key, self.began_at, self.done = key, at, threading.Event()
        self.answer = _nothing(None)
        self._query = query
        threading.Thread(target=self._run, name="operations database", daemon=True).start()

    def _run(self) -> None:
        try:
            self.answer = self._query(self.began_at)
        except Exception as error:
            self.answer = _nothing(f"the operations database cannot be read: {error!r}")
        finally:
            self.done.set()


def no_incidents() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in COLUMNS})


def _no_members() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in MEMBER_COLUMNS})


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        return error.errno
    return (status.st_mtime_ns, status.st_ino, status.st_size)


def _incidents(connection: sa.Connection, since: datetime) -> tuple[pd.DataFrame, pd.DataFrame]:
    wanted = sa.or_(INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.ended_at >= since)
    rows = connection.execute(sa.select(INCIDENTS).where(wanted).order_by(INCIDENTS.c.started_at.desc()))
    incidents = pd.DataFrame(rows.mappings().all(), columns=[c.name for c in INCIDENTS.columns])
    incidents["areas"] = _areas(connection, wanted, incidents)
    incidents["taken_up"] = _taken_up(connection, wanted, incidents)
    incidents["ended_at"] = pd.to_datetime(incidents["ended_at"], utc=True)
    return incidents, _members(connection)


def _areas(connection: sa.Connection, wanted: sa.ColumnElement[bool], incidents: pd.DataFrame) -> list[tuple[str, ...]]:
    touched = (
        sa.select(INCIDENT_DEVICES.c.incident_id, INCIDENT_DEVICES.c.area)
        .join(INCIDENTS, INCIDENTS.c.incident_id == INCIDENT_DEVICES.c.incident_id)
        .where(wanted)
        .distinct()
    )
    pairs = pd.DataFrame(connection.execute(touched).all(), columns=["incident_id", "area"])
    areas = {key: tuple(sorted(names)) for key, names in pairs.groupby("incident_id")["area"]}
    keys = zip(incidents["incident_id"], incidents["area"], strict=True)
    return [areas.get(key, (area,) if area else ()) for key, area in keys]


def _taken_up(connection: sa.Connection, wanted: sa.ColumnElement[bool], incidents: pd.DataFrame) -> pd.Series:
    notes = (
        sa.select(ACKNOWLEDGEMENTS.c.incident_id, ACKNOWLEDGEMENTS.c.acknowledged_by, ACKNOWLEDGEMENTS.c.note)
        .join(INCIDENTS, INCIDENTS.c.incident_id == ACKNOWLEDGEMENTS.c.incident_id)
        .where(wanted)
        .order_by(ACKNOWLEDGEMENTS.c.acknowledged_at)
    )
    said = {key: (by, note) for key, by, note in connection.execute(notes)}
    return pd.Series([said.get(key) for key in incidents["incident_id"]], incidents.index, object)


def _members(connection: sa.Connection) -> pd.DataFrame:
    """A row for each device of the open incidents; ``ended_at`` is null while it has a row that has not ended."""
    devices = INCIDENT_DEVICES.c
    is_open = sa.func.sum(sa.case((devices.ended_at.is_(None), 1), else_=0))
    wanted = (
        sa.select(
            devices.incident_id,
            devices.device_id,
            sa.func.min(devices.started_at, type_=INCIDENTS.c.started_at.type),
            sa.func.max(devices.ended_at, type_=INCIDENTS.c.started_at.type),
            sa.func.max(devices.subscribers),
            is_open,
        )
        .join(INCIDENTS, INCIDENTS.c.incident_id == devices.incident_id)
        .where(INCIDENTS.c.ended_at.is_(None))
        .group_by(devices.incident_id, devices.device_id)
    )
    found = pd.DataFrame(connection.execute(wanted).all(), columns=[*MEMBER_COLUMNS, "is_open"])
    found["ended_at"] = pd.to_datetime(found["ended_at"].where(found["is_open"] == 0), utc=True)
    return found.drop(columns="is_open")
