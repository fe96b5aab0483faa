"""The network now: the live table, and the incidents of the operations database, read only and only when they changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from collector.published import ACKNOWLEDGEMENTS, INCIDENT_DEVICES, INCIDENTS, LIVE
from dashboard.config import DashboardSettings
from dashboard.tables import snapshots
from dashboard.tables.incidents import read_only
from dashboard.tables.schema import AREAS

STALE_SECONDS = 180.0
DATABASE_REREAD_SECONDS = 5.0
MOST_LEVELS = 32
INCIDENTS_KEPT = timedelta(days=30)
WITHOUT_SERVICE = ("down", "suppressed")
INCIDENT_COLUMNS = (*(column.name for column in INCIDENTS.columns), "areas", "taken_up")


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """What is known of the network now.

    ``devices`` has the columns of LIVE; ``incidents`` those of the operations database, ``areas``, the tuple of
    neighbourhoods that each touches, and ``taken_up``, (by whom, with what note) of the newest acknowledgement or None;
    newest first: the open ones and those of the last 30 days. ``newest_at`` is the
    newest poll (None: no live data), ``stale_after_seconds`` the age from which data count as old, and
    ``problems`` says in words what could not be read. ``stamp`` changes when anything here does.
    """

    devices: pd.DataFrame
    incidents: pd.DataFrame
    newest_at: datetime | None
    stale_after_seconds: float
    problems: tuple[str, ...]
    stamp: str

    @property
    def open_incidents(self) -> pd.DataFrame:
        return self.incidents[self.incidents["ended_at"].isna()]

    @property
    def is_blind(self) -> bool:
        return bool((self.open_incidents["kind"] == "blind").any())

    def age_seconds(self, now: datetime) -> float | None:
        return None if self.newest_at is None else max(0.0, (now - self.newest_at).total_seconds())

    def is_stale(self, now: datetime) -> bool:
        age = self.age_seconds(now)
        return age is not None and age > self.stale_after_seconds


class LiveSource:
    """Reads the live table and the operations database; a file is read again only when it was replaced."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._folder = settings.data / "live"
        self._database = _Database(settings.database_url)
        self._lock = threading.Lock()
        self._devices_key: object = None
        self._devices = empty_devices()
        self._problem: str | None = None
        self._newest: Live | None = None

    def read(self) -> Live:
        """The newest state; never raises for a table or database that is missing or broken: it says so instead."""
        with self._lock:
            self._read_devices()
            incidents, problem = self._database.read()
            stamp = f"{hash(self._devices_key):x}-{self._database.version}"
            if self._newest is None or self._newest.stamp != stamp:
                problems = tuple(p for p in (self._problem, problem) if p)
                newest_at, stale_after = _freshness(self._devices, self._devices_key)
                self._newest = Live(self._devices, incidents, newest_at, stale_after, problems, stamp)
            return self._newest

    def _read_devices(self) -> None:
        paths = sorted(self._folder.glob("*.parquet"))
        key = tuple((path.name, _modified(path)) for path in paths)
        if key == self._devices_key:
            return
        try:
            tables = [pq.read_table(path, schema=LIVE.arrow_schema()) for path in paths]
        except (OSError, pa.ArrowException) as error:
            self._devices, self._problem = empty_devices(), f"the live table cannot be read: {error}"
        else:
            self._devices = pa.concat_tables(tables).to_pandas() if tables else empty_devices()
            self._problem = None
        self._devices_key = key


class AreaSource:
    """Reads the areas that were imported, whose names and outlines are there before the first build is."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._data = settings.data
        self._folder = settings.data / "records" / AREAS.name
        self._lock = threading.Lock()
        self._key: object = None
        self._areas = AREAS.arrow_schema().empty_table().to_pandas()

    def read(self) -> pd.DataFrame:
        """The areas table as imported last; as it was where it cannot be read just now."""
        with self._lock:
            key = tuple((path.name, _modified(path)) for path in sorted(self._folder.glob("*.parquet")))
            if key != self._key:
                with contextlib.suppress(OSError, pa.ArrowException, ValueError):
                    self._areas = snapshots.read(AREAS.name, self._data).to_pandas()
                    self._key = key
            return self._areas


def empty_devices() -> pd.DataFrame:
    return LIVE.arrow_schema().empty_table().to_pandas()


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _freshness(devices: pd.DataFrame, key: object) -> tuple[datetime | None, float]:
    """The newest poll (else the newest file) and the age from which that is old: three times the polls' own spread."""
    polled = devices["polled_at"].dropna()
    if len(polled):
        newest = polled.max()
        spread = (newest - polled.quantile(0.1)).total_seconds()
        return newest.to_pydatetime(), min(max(STALE_SECONDS, 3 * spread), 3600.0)
    files = key if isinstance(key, tuple) else ()
    newest_file = max((modified for _, modified in files), default=0)
    return (datetime.fromtimestamp(newest_file / 1e9, UTC) if newest_file else None), STALE_SECONDS


class _Database:
    """The incidents, read in a read-only connection; an SQLite file only when it or its journal changed."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self._file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self._engine = sa.create_engine(read_only(parsed), pool_pre_ping=True)
        self._key: object = None
        self._answer: tuple[pd.DataFrame, str | None] = (_no_incidents(), None)
        self.version = 0

    def read(self) -> tuple[pd.DataFrame, str | None]:
        key = self._changed_key()
        if key != self._key:
            self._key = key
            self._answer = self._query()
            self.version += 1
        return self._answer

    def _changed_key(self) -> object:
        if self._file is None:
            return int(time.monotonic() / DATABASE_REREAD_SECONDS)
        return tuple(_modified(Path(f"{self._file}{suffix}")) for suffix in ("", "-wal"))

    def _query(self) -> tuple[pd.DataFrame, str | None]:
        if self._file is not None and not self._file.exists():
            return _no_incidents(), "there is no operations database yet: the collector creates it when it starts"
        since = datetime.now(UTC) - INCIDENTS_KEPT
        wanted = sa.or_(INCIDENTS.c.ended_at.is_(None), INCIDENTS.c.ended_at >= since)
        touched = (
            sa.select(INCIDENT_DEVICES.c.incident_id, INCIDENT_DEVICES.c.area)
            .join(INCIDENTS, INCIDENTS.c.incident_id == INCIDENT_DEVICES.c.incident_id)
            .where(wanted)
            .distinct()
        )
        notes = (
            sa.select(ACKNOWLEDGEMENTS.c.incident_id, ACKNOWLEDGEMENTS.c.acknowledged_by, ACKNOWLEDGEMENTS.c.note)
            .join(INCIDENTS, INCIDENTS.c.incident_id == ACKNOWLEDGEMENTS.c.incident_id)
            .where(wanted)
            .order_by(ACKNOWLEDGEMENTS.c.acknowledged_at)
        )
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(sa.select(INCIDENTS).where(wanted).order_by(INCIDENTS.c.started_at.desc()))
                incidents = pd.DataFrame(rows.mappings().all(), columns=[c.name for c in INCIDENTS.columns])
                pairs = pd.DataFrame(connection.execute(touched).all(), columns=["incident_id", "area"])
                taken_up = {key: (by, note) for key, by, note in connection.execute(notes)}
        except sa.exc.SQLAlchemyError as error:
            return _no_incidents(), f"the operations database cannot be read: {getattr(error, 'orig', None) or error}"
        areas = {key: tuple(sorted(names)) for key, names in pairs.groupby("incident_id")["area"]}
        incidents["areas"] = [areas.get(key, (area,) if area else ()) for key, area in _key_and_area(incidents)]
        incidents["taken_up"] = pd.Series(
            [taken_up.get(key) for key in incidents["incident_id"]], incidents.index, object
        )
        incidents["ended_at"] = pd.to_datetime(incidents["ended_at"], utc=True)
        return incidents, None


def _key_and_area(incidents: pd.DataFrame) -> zip[tuple[str, str | None]]:
    return zip(incidents["incident_id"], incidents["area"], strict=True)


def _no_incidents() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in INCIDENT_COLUMNS})


# --- customers and areas ---


def customers_behind(devices: pd.DataFrame) -> np.ndarray:
    """Customers behind each row of LIVE: its own and those of all that hang from it; shape (n,)."""
    own = devices["subscribers"].to_numpy(np.int64)
    parents = pd.Index(devices["device_id"]).get_indexer(devices["parent"])
    total, above = own.copy(), parents
    for _ in range(MOST_LEVELS):
        has = above >= 0
        if not has.any():
            break
        np.add.at(total, above[has], own[has])
        above = np.where(has, parents[above], -1)
    return total


def areas_now(devices: pd.DataFrame) -> pd.DataFrame:
    """One row per area, worst first: ``state`` (outage | partial | suspect | unknown | up), ``subscribers``,
    ``affected`` (those behind devices that are down or behind an outage), ``affected_ratio``, ``devices``, ``out``.
    """
    network = devices["role"] != "cpe"
    marks = devices.assign(
        out=devices["state"].isin(WITHOUT_SERVICE),
        lost=devices["subscribers"].where(devices["state"].isin(WITHOUT_SERVICE), 0),
        doubted=(devices["state"] == "suspect") & network,
        unseen=devices["state"] == "unknown",
    )
    table = marks.groupby("area", as_index=False).agg(
        devices=("device_id", "size"),
        subscribers=("subscribers", "sum"),
        out=("out", "sum"),
        affected=("lost", "sum"),
        doubted=("doubted", "sum"),
        unseen=("unseen", "mean"),
    )
    table["affected_ratio"] = table["affected"] / table["subscribers"].where(table["subscribers"] > 0)
    table["state"] = [_area_state(row) for row in table.to_dict("records")]
    order = {state: i for i, state in enumerate(("outage", "partial", "suspect", "unknown", "up"))}
    table["order"] = table["state"].map(order)
    return table.sort_values(["order", "affected", "area"], ascending=[True, False, True]).drop(columns="order")


def _area_state(row: Mapping[Hashable, Any]) -> str:
    if row["out"]:
        return (
            "outage"
            if row["affected_ratio"] >= 0.5 or (not row["subscribers"] and row["out"] == row["devices"])
            else "partial"
        )
    if row["doubted"]:
        return "suspect"
    return "unknown" if row["unseen"] > 0.5 else "up"
