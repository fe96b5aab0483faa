"""The network now: the live tables and the operations database, read only, and put together to one moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from collector.published import LiveNote
from dashboard.config import DashboardSettings
from dashboard.operations import silences
from dashboard.operations.inventory_sites import NetworkReader
from dashboard.operations.live.live_incidents import IncidentReader, Incidents
from dashboard.operations.live.live_moment import WITHOUT_SERVICE, one_moment
from dashboard.operations.live.live_reader import empty_devices
from dashboard.operations.live.live_tables import Shard, TableReader, Tables
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import AREAS

__all__ = [
    "AreaSource",
    "Live",
    "LiveSource",
    "Shard",
    "areas_now",
    "customers_behind",
    "empty_devices",
    "shown_states",
]

MOST_LEVELS = 32
NOT_SEEN_ENOUGH_RATIO = 0.1
DEGRADED_ENOUGH_RATIO = 0.1
UNRECORDED_SECONDS = 30.0
LONG_AGO = datetime.fromtimestamp(0, UTC)
UNRECORDED = (
    "the operations database lacks outages that the collector reports: it was replaced, or the collector cannot write "
    "to it. Check the collector's log and restart it"
)


@dataclass(frozen=True, eq=False)
class Live:
    """What is known of the network at one moment: tiles, map, cards and tables all come from one of these.

    ``devices`` has the columns of LIVE; those in ``unseen`` are ``unknown`` there, and ``unseen`` says whose they are.
    ``incidents`` has the columns of `dashboard.operations.live.live_moment.INCIDENT_COLUMNS`, newest first: the open ones and those of
    the last 30 days; and ``silenced``, the row of a silence that each falls under, or None. ``shards`` are the collectors that should be heard of, worst first, ``shard_count`` how many there
    are in all. ``limits`` are those from
    which a measure is bad. ``problems`` say in words what cannot be read and what to do; ``is_database_known`` tells
    whether the incidents are all, ``is_unreadable`` whether there are live tables that nobody may read. ``stamp``
    changes when anything here does.

    What follows from it for everybody who looks (``shown``, ``areas``, ``behind``) is worked out once.
    """

    devices: pd.DataFrame
    incidents: pd.DataFrame
    shards: tuple[Shard, ...]
    shard_count: int
    unseen: Mapping[str, Shard]
    limits: LiveNote
    is_database_known: bool
    is_unreadable: bool
    problems: tuple[str, ...]
    stamp: str

    @cached_property
    def shown(self) -> pd.Series:
        """The state of each device as pages show it."""
        return shown_states(self.devices)

    @cached_property
    def areas(self) -> pd.DataFrame:
        """`areas_now` of all devices."""
        return areas_now(self.devices)

    @cached_property
    def behind(self) -> np.ndarray:
        """`customers_behind` each device."""
        return customers_behind(self.devices)

    @cached_property
    def open_incidents(self) -> pd.DataFrame:
        return self.incidents[self.incidents["ended_at"].isna()]

    @cached_property
    def is_counted(self) -> bool:
        """Whether the inventory counts customers at all: where it counts none, nobody knows how many an outage strikes."""
        return bool(self.devices["subscribers"].any())

    @property
    def is_blind(self) -> bool:
        """Whether any collector doubts its own connection, by its own word or by the database's."""
        if any(shard.condition == "blind" for shard in self.shards):
            return True
        rows = self.open_incidents
        heard = {shard.name for shard in self.shards if shard.condition == "live"}
        told = rows.loc[rows["kind"] == "blind", "detected_by"].astype(str).str.removeprefix("shard ")
        return bool((~told.isin(heard)).any())

    @property
    def is_complete(self) -> bool:
        """Whether every collector is heard of and the database was read: only then is it known that nothing is wrong."""
        seen = bool(self.shards) and all(shard.condition == "live" for shard in self.shards)
        return seen and self.is_database_known and not self.is_blind

    @property
    def newest_at(self) -> datetime | None:
        """Until when the collector that was heard of last told something; None: none ever was."""
        return max((shard.seen_at for shard in self.shards if shard.seen_at is not None), default=None)

    def of(self, devices: pd.DataFrame) -> Live:
        """The same of these devices only, with the collectors that tell of them."""
        names = {self.unseen[name].name for name in devices["device_id"] if name in self.unseen}
        troubled = tuple(shard for shard in self.shards if shard.name in names)
        others = tuple(shard for shard in self.shards if shard.condition == "live")
        return replace(self, devices=devices, shards=troubled or others)

    def oldest(self, now: datetime) -> Shard | None:
        """The collector that knows least: one that is not heard of, else the one whose word is oldest."""
        if not self.shards or self.shards[0].condition != "live":
            return self.shards[0] if self.shards else None
        return max(self.shards, key=lambda shard: shard.age_seconds(now) or 0.0)

    def age_seconds(self, now: datetime) -> float | None:
        """How old the oldest part of this is; None where some part was never told, or nothing was."""
        ages = [shard.age_seconds(now) for shard in self.shards]
        known = [age for age in ages if age is not None]
        return max(known) if known and len(known) == len(ages) else None

    def is_stale(self, now: datetime) -> bool:
        """Whether any part is older than it should be."""
        return any(
            (age := shard.age_seconds(now)) is not None and age > shard.silent_after_seconds for shard in self.shards
        )


class LiveSource:
    """Reads both sources for all visitors; what did not change is not put together again."""

    def __init__(self, settings: DashboardSettings) -> None:
        self._tables = TableReader(settings.data)
        self._database = IncidentReader(settings.database_url)
        self._network = NetworkReader(settings.data)
        self._lock = threading.Lock()
        self._first_seen: dict[tuple[str, str], datetime] = {}
        self._has_read_database = False
        self._unrecorded: dict[str, datetime] = {}
        self._newest: Live | None = None

    def read(self, at: datetime) -> Live:
        """The state at ``at``, which is now; never raises for a source that is missing or broken: it says so instead."""
        with self._lock:
            # The database first: what a live table that is read after it lacks is then known to be older.
            found = self._database.read(at)
            tables = self._tables.read(at, found.blind)
            stamp = f"{tables.stamp}-{found.stamp}-{self._is_long_unrecorded(at)}"
            if self._newest is None or self._newest.stamp != stamp:
                self._newest = self._put_together(tables, found, at, stamp)
            return self._newest

    def _put_together(self, tables: Tables, found: Incidents, at: datetime, stamp: str) -> Live:
        inside = found.members.loc[found.members["ended_at"].isna(), ["incident_id", "device_id"]]
        # What stood in the database before it was first read here is no news: there the live table is right.
        known, new_since = self._first_seen, at if self._has_read_database else LONG_AGO
        self._first_seen = {key: known.get(key, new_since) for key in inside.itertuples(index=False, name=None)}
        self._has_read_database = found.problem is None
        devices, incidents = one_moment(tables, found, self._first_seen)
        incidents["silenced"] = self._silenced(incidents, found.silences)
        missing = incidents.loc[~incidents["is_recorded"].astype(bool), "incident_id"] if found.problem is None else ()
        self._unrecorded = {name: self._unrecorded.get(name, at) for name in missing}
        problems = [*_problems(tables, found), *([UNRECORDED] if self._is_long_unrecorded(at) else [])]
        return Live(
            devices,
            incidents,
            tables.shards,
            sum(bool(shard.name) for shard in tables.shards),
            tables.unseen,
            tables.limits,
            found.problem is None,
            bool(tables.problems),
            tuple(problems),
            stamp,
        )

    def _silenced(self, incidents: pd.DataFrame, held: Sequence[Mapping[str, Any]]) -> pd.Series:
        """Of each incident the silence that it falls under for longest; None: under none."""
        sites = self._network.read().sites if any(row["target_kind"] == "site" for row in held) else {}
        rows = incidents[["root_device_id", "areas"]].itertuples(index=False, name=None)
        found = [silences.covering(held, root=root, site=sites.get(root), areas=areas) for root, areas in rows]
        return pd.Series([one[-1] if one else None for one in found], incidents.index, object)

    def _is_long_unrecorded(self, at: datetime) -> bool:
        """Whether an outage has been in the live table for so long that the database should have it."""
        return any(at - since > timedelta(seconds=UNRECORDED_SECONDS) for since in self._unrecorded.values())


def _problems(tables: Tables, found: Incidents) -> list[str]:
    unreadable = [
        f"the live table cannot be read: shard={shard.name}.parquet ({shard.devices} devices unknown): {shard.reason}"
        for shard in tables.shards
        if shard.condition == "unreadable"
    ]
    return [*tables.problems, *unreadable, *([found.problem] if found.problem else [])]


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


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


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


def shown_states(devices: pd.DataFrame) -> pd.Series:
    """The state of each device as pages show it: one that is up and degraded is ``degraded``."""
    return devices["state"].mask((devices["state"] == "up") & devices["degraded"].notna(), "degraded")


def areas_now(devices: pd.DataFrame) -> pd.DataFrame:
    """One row per area, worst first: ``state`` (outage | partial | suspect | unknown | degraded | up), ``subscribers``,
    ``affected`` (those behind devices that are down or behind an outage), ``affected_ratio``, ``not_seen`` (those behind
    devices of which nothing is known), ``devices``, ``out``, ``unseen`` (devices), ``degraded`` (devices).

    An area is not known where a network device is not, or a tenth of its devices; degraded by the same measure.
    """
    network = devices["role"] != "cpe"
    shown = shown_states(devices)
    out, unseen, degraded = devices["state"].isin(WITHOUT_SERVICE), shown == "unknown", shown == "degraded"
    marks = devices.assign(
        out=out,
        lost=devices["subscribers"].where(out, 0),
        doubted=(shown == "suspect") & network,
        unseen=unseen,
        unseen_network=unseen & network,
        unseen_people=devices["subscribers"].where(unseen, 0),
        is_degraded=degraded,
        degraded_network=degraded & network,
    )
    table = marks.groupby("area", as_index=False).agg(
        devices=("device_id", "size"),
        subscribers=("subscribers", "sum"),
        out=("out", "sum"),
        affected=("lost", "sum"),
        doubted=("doubted", "sum"),
        unseen=("unseen", "sum"),
        unseen_network=("unseen_network", "sum"),
        not_seen=("unseen_people", "sum"),
        degraded=("is_degraded", "sum"),
        degraded_network=("degraded_network", "sum"),
    )
    table["affected_ratio"] = table["affected"] / table["subscribers"].where(table["subscribers"] > 0)
    table["state"] = [_area_state(row) for row in table.to_dict("records")]
    order = {state: i for i, state in enumerate(("outage", "partial", "suspect", "unknown", "degraded", "up"))}
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
    if row["unseen_network"] or row["unseen"] >= NOT_SEEN_ENOUGH_RATIO * row["devices"]:
        return "unknown"
    is_degraded = row["degraded_network"] or row["degraded"] >= DEGRADED_ENOUGH_RATIO * row["devices"]
    return "degraded" if is_degraded else "up"
