"""A night of the network, moment by moment, as it is on record: what the incidents, the inventory and the hours say of it.

Only incidents are kept: that a device missed a poll, or was silent by itself, is not. So what no incident tells of is
shown as without one, and not as well.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from dashboard.operations.incident_records import Between, IncidentRecords, Row
from dashboard.operations.inventory_past import InventoryPast
from dashboard.operations.live.live_state import areas_now
from dashboard.tables import quality_hours

MOST_KEPT = 4
KEPT = timedelta(seconds=30)
OUT = ("outage", "planned")
OBSERVED_ENOUGH_RATIO = 0.5
NO_AREAS = (
    "area",
    "state",
    "subscribers",
    "affected",
    "affected_ratio",
    "not_seen",
    "devices",
    "out",
    "unseen",
    "degraded",
)


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """How the network stood at ``at``: ``areas`` as `areas_now` tells them, ``devices`` by state (down, suppressed,
    degraded), ``open`` the incidents, and whether a collector was ``is_blind``. ``is_known`` is false before the oldest
    incident on record: all areas are unknown then, and no count means anything.
    """

    at: datetime
    areas: pd.DataFrame
    devices: Mapping[str, int]
    open: tuple[Row, ...]
    is_blind: bool
    is_known: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Night:
    """All that is needed of one night. ``inventory`` are the devices that were in it at its beginning or came later, in
    the columns of LIVE that `areas_now` wants; ``unseen`` are (hour, area) of which less than half was observed.
    """

    since: datetime
    until: datetime
    record: Between
    inventory: pd.DataFrame
    unseen: frozenset[tuple[datetime, str]]

    def moment(self, at: datetime) -> Moment:
        """The network at one moment."""
        standing = [row for row in self.record.incidents if _is_open(row, at)]
        kinds = {row["incident_id"]: row for row in standing}
        inside = [m for m in self.record.members if m["incident_id"] in kinds and _is_open(m, at)]
        state, degraded = self._states(inside, kinds)
        devices = self.inventory.assign(
            state=[state.get(name, "up") for name in self.inventory["device_id"]],
            degraded=pd.Series(
                [True if name in degraded else None for name in self.inventory["device_id"]],
                self.inventory.index,
                object,
            ),
        )
        hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        dark = {area for when, area in self.unseen if when == hour}
        is_known = self.known_at(at)
        is_dark = devices["area"].isin(dark) | (not is_known)
        devices["state"] = devices["state"].mask(is_dark & devices["state"].eq("up"), "unknown")
        counts = {name: sum(1 for one in state.values() if one == name) for name in ("down", "suppressed")}
        areas = areas_now(devices) if len(devices) else pd.DataFrame(columns=list(NO_AREAS))
        open_ones = tuple(row for row in standing if row["kind"] != "blind")
        is_blind = any(row["kind"] == "blind" for row in standing)
        return Moment(at, areas, counts | {"degraded": len(degraded - state.keys())}, open_ones, is_blind, is_known)

    def known_at(self, at: datetime) -> bool:
        """Whether incidents were kept by then, as far as can be told."""
        return self.record.known_since is not None and self.record.known_since <= at

    def course(self) -> list[tuple[datetime, int]]:
        """How many customers were without service, from the beginning and from each change on."""
        kinds = {row["incident_id"]: row["kind"] for row in self.record.incidents}
        moves = []
        for member in self.record.members:
            if kinds.get(member["incident_id"]) in OUT:
                moves.append((max(member["started_at"], self.since), 1, member))
                if member["ended_at"] is not None:
                    moves.append((member["ended_at"], -1, member))
        inside: Counter[str] = Counter()
        found, total = [(self.since, 0)], 0
        for at, way, member in sorted(moves, key=lambda move: (move[0], move[1])):
            before = inside[member["device_id"]]
            inside[member["device_id"]] += way
            if bool(before) != bool(before + way):
                total += way * int(member["subscribers"])
                found.append((at, total))
        return [one for one in found if one[0] <= self.until]

    def _states(self, inside: Sequence[Row], kinds: Mapping[str, Row]) -> tuple[dict[str, str], set[str]]:
        state: dict[str, str] = {}
        degraded: set[str] = set()
        for member in inside:
            row, name = kinds[member["incident_id"]], member["device_id"]
            if row["kind"] == "degradation":
                degraded.add(name)
            elif row["kind"] in OUT:
                is_root = name == row["root_device_id"] and row["scope"] != "group"
                state[name] = "down" if is_root or state.get(name) == "down" else "suppressed"
        return state, degraded


class Replay:
    """Reads nights, and keeps the last few for half a minute; threads share it."""

    def __init__(self, data: Path, records: IncidentRecords, inventory: InventoryPast) -> None:
        self._data, self._records, self._inventory = data, records, inventory
        self._lock = threading.Lock()
        self._kept: dict[tuple[datetime, datetime], tuple[datetime, Night]] = {}

    def night(self, since: datetime, until: datetime, now: datetime) -> Night:
        """The night from ``since`` to ``until``."""
        key = (since, until)
        with self._lock:
            self._kept = {k: one for k, one in self._kept.items() if abs(now - one[0]) < KEPT}
            if key in self._kept:
                return self._kept[key][1]
        record = self._records.between(since, until)
        inventory = self._inventory.between(since, until)
        night = Night(since, until, record, inventory, self._unseen(inventory, since, until))
        with self._lock:
            self._kept = dict([*self._kept.items(), (key, (now, night))][-MOST_KEPT:])
        return night

    def _unseen(self, inventory: pd.DataFrame, since: datetime, until: datetime) -> frozenset[tuple[datetime, str]]:
        """By the hours on record; those that are not written yet say nothing."""
        first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        try:
            hours = quality_hours.read_hours(self._data, first, until, columns=("observed_seconds",)).to_pandas()
        except quality_hours.TableError:
            return frozenset()
        if hours.empty or inventory.empty:
            return frozenset()
        areas = dict(zip(inventory["device_id"], inventory["area"], strict=True))
        seen = hours.assign(area=hours["device_id"].map(areas)).groupby(["hour", "area"])["observed_seconds"].sum()
        devices = inventory.groupby("area").size()
        found, hour, last = set(), first, hours["hour"].max().to_pydatetime()
        while hour <= last:
            for area, count in devices.items():
                if seen.get((pd.Timestamp(hour), area), 0.0) < OBSERVED_ENOUGH_RATIO * 3600 * count:
                    found.add((hour, str(area)))
            hour += timedelta(hours=1)
        return frozenset(found)


def _is_open(row: Row, at: datetime) -> bool:
    return bool(row["started_at"] <= at and (row["ended_at"] is None or row["ended_at"] > at))
