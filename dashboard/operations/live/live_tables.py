"""The live tables: what each collector shard told last, until when that is true, and which shards are not heard of."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pandas as pd

from collector.published import LIVE, LiveNote
from dashboard.operations.live.live_inventory import KNOWN_OF_A_DEVICE, Inventory, InventoryReader
from dashboard.operations.live.live_reader import ALLOW, OLD_SECONDS, LiveFile, empty_devices, read, stamp

Condition = Literal["missing", "unreadable", "silent", "blind", "live"]

WORST_FIRST: tuple[Condition, ...] = ("missing", "unreadable", "silent", "blind", "live")
NEWCOMER_SECONDS = 30.0
FIGURES = tuple(c.name for c in LIVE.columns if c.type == "number" or c.name in {"root", "degraded", "faults"})


@dataclass(frozen=True, slots=True)
class Shard:
    """One collector shard as it stands: ``name`` is its number; "" stands for devices that no shard tells of.

    What it tells is true until ``seen_at`` (None: it never told anything); it counts as silent once its file is older
    than ``silent_after_seconds``. ``devices`` and ``customers`` are those that only it could tell of. ``reason`` says
    why its file cannot be read, and what to do.
    """

    name: str
    condition: Condition
    seen_at: datetime | None
    silent_after_seconds: float = OLD_SECONDS
    devices: int = 0
    customers: int = 0
    reason: str = ""

    def age_seconds(self, now: datetime) -> float | None:
        return None if self.seen_at is None else max(0.0, (now - self.seen_at).total_seconds())


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """All live tables at one moment. ``devices`` has the columns of LIVE; who is not seen is ``unknown`` in it.

    ``shards`` are worst first; ``unseen`` says of each device that is not seen whose it is. ``written_at`` says, by
    device, when the table that holds it was written. ``limits`` are those from which a measure is bad. ``problems`` say what else
    cannot be read. ``stamp`` changes when anything here does.
    """

    devices: pd.DataFrame
    shards: tuple[Shard, ...]
    unseen: Mapping[str, Shard]
    written_at: pd.Series
    limits: LiveNote
    problems: tuple[str, ...]
    stamp: str


class TableReader:
    """Reads the live tables and the inventory's; a file is read again only when it was replaced, or could not be read."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "live"
        self._files: dict[str, LiveFile] = {}
        self._inventory_reader = InventoryReader(data / "devices.parquet")
        self._inventory = self._inventory_reader.read()
        self._held_key: object = None
        self._absent: frozenset[str] = frozenset()
        self._absent_since = datetime.fromtimestamp(0, UTC)
        self._key: object = None
        self._tables: Tables | None = None
        self._count = 0

    def read(self, at: datetime, blind: Mapping[str, datetime]) -> Tables:
        """The tables at ``at``; ``blind`` are the shards that the operations database calls blind, and since when.

        That counts only for a file that does not say itself whether its shard is blind.
        """
        problem = self._read_files(at)
        self._inventory = self._inventory_reader.read()
        self._note_absent(at)
        conditions = tuple((f.name, _condition(f, at, blind)) for f in self._files.values())
        is_settled = self._absence_is_settled(at, dict(conditions))
        problems = tuple(p for p in (problem, self._inventory.problem) if p)
        key = (self._held_key, conditions, is_settled, problems)
        if self._tables is None or key != self._key:
            self._key, self._count = key, self._count + 1
            self._tables = self._compose(dict(conditions), blind, is_settled=is_settled, problems=problems)
        return self._tables

    # --- files ---

    def _read_files(self, at: datetime) -> str:
        """Bring the files up to date; returns why the folder cannot be read."""
        try:
            with os.scandir(self._folder) as entries:
                paths = {e.name: Path(e.path) for e in entries if e.name.startswith("shard=")}
        except FileNotFoundError:
            paths = {}
        except OSError as error:
            return f"the folder of the live tables, {self._folder}, cannot be read: {error.strerror}. {ALLOW}"
        paths = {name: path for name, path in sorted(paths.items()) if name.endswith(".parquet")}
        self._files = {name: file for name, file in self._files.items() if name in paths}
        for name, path in paths.items():
            known = self._files.get(name)
            if (key := stamp(path)) is None:
                self._files.pop(name, None)
            elif known is None or known.key != key or known.error:
                self._files[name] = read(path, key, at, known)
        self._files = dict(sorted(self._files.items()))
        return ""

    def _note_absent(self, at: datetime) -> None:
        """Note which devices of the inventory no table holds, and since when."""
        key = (tuple(f.key for f in self._files.values()), self._inventory.key)
        if key == self._held_key:
            return
        self._held_key = key
        held: set[str] = set().union(*(f.table["device_id"].tolist() for f in self._files.values()))
        absent = self._inventory.names - held
        if absent != self._absent:
            self._absent, self._absent_since = absent, at

    def _absence_is_settled(self, at: datetime, conditions: Mapping[str, Condition]) -> bool:
        """Whether devices of the inventory that no table holds are to be shown.

        While all shards live they are shown after a while only: the inventory has just changed, and its table and those
        of the shards are written a few seconds apart.
        """
        all_live = not self._never_written() and all(c == "live" for c in conditions.values())
        return not all_live or (at - self._absent_since).total_seconds() >= NEWCOMER_SECONDS

    def _never_written(self) -> list[str]:
        """The shards that should be there, by what the newest file says of their number, and have written nothing."""
        notes = [f.note for f in self._files.values() if f.note is not None]
        count = max(notes, key=lambda note: note.written_at).shards if notes else 0
        there = {f.name for f in self._files.values()}
        return [str(number) for number in range(count) if str(number) not in there]

    # --- one table of all ---

    def _compose(
        self,
        conditions: Mapping[str, Condition],
        blind: Mapping[str, datetime],
        *,
        is_settled: bool,
        problems: tuple[str, ...],
    ) -> Tables:
        held = _held(self._files.values(), self._inventory)
        shards = {f.name: _shard(f, conditions[f.name], held, blind) for f in self._files.values()}
        shards |= {name: Shard(name, "missing", None) for name in self._never_written()}
        is_shown = is_settled and bool(self._absent)
        known = self._inventory.table
        absent = known[known["device_id"].isin(list(self._absent))] if is_shown else known.iloc[:0]
        owner = _owner_of_absent(shards.values())
        if len(absent):
            shards[owner.name] = replace(owner, devices=len(absent), customers=int(absent["subscribers"].sum()))
        devices = held.drop(columns=["shard", "written_at"])
        hidden = held["shard"].map({name: s.condition != "live" for name, s in shards.items()}).astype(bool)
        devices = _hidden(devices, hidden, held["shard"].map({n: s.seen_at for n, s in shards.items()}))
        devices = _with_absent(devices, absent)
        unseen = {name: shards[key] for name, key in held.loc[hidden, ["device_id", "shard"]].itertuples(index=False)}
        unseen |= dict.fromkeys(absent["device_id"], shards.get(owner.name, owner))
        written_at = pd.Series(held["written_at"].array, pd.Index(held["device_id"].array))
        told = sorted((s for s in shards.values() if not _is_forgotten(s, self._newest())), key=_badness)
        return Tables(
            devices, tuple(told), unseen, written_at, self._newest() or LiveNote(), problems, str(self._count)
        )

    def _newest(self) -> LiveNote | None:
        return max((f.note for f in self._files.values() if f.note), key=lambda note: note.written_at, default=None)


# --- shards ---


def _condition(file: LiveFile, at: datetime, blind: Mapping[str, datetime]) -> Condition:
    if file.error:
        return "unreadable"
    if file.written_at is None or at - file.written_at > timedelta(seconds=file.silent_after_seconds):
        return "silent"
    return "blind" if _blind_since(file, blind) is not None else "live"


def _blind_since(file: LiveFile, blind: Mapping[str, datetime]) -> datetime | None:
    if file.note is None:
        return blind.get(file.name)
    return None if file.note.blind_since is None else datetime.fromtimestamp(file.note.blind_since, UTC)


def _shard(file: LiveFile, condition: Condition, held: pd.DataFrame, blind: Mapping[str, datetime]) -> Shard:
    own = held[held["shard"] == file.name]
    seen_at = file.written_at
    if seen_at is not None and (since := _blind_since(file, blind)) is not None:
        seen_at = min(seen_at, since)
    counts = len(own), int(own["subscribers"].sum())
    return Shard(file.name, condition, seen_at, file.silent_after_seconds, *counts, file.error)


def _owner_of_absent(shards: Iterable[Shard]) -> Shard:
    """Whose the devices are that no table holds: the one shard of which nothing is known, else nobody can tell."""
    unknown = [s for s in shards if s.condition in {"missing", "unreadable"} and not s.devices]
    return unknown[0] if len(unknown) == 1 else Shard("", "missing", None)


def _is_forgotten(shard: Shard, newest: LiveNote | None) -> bool:
    """A shard beyond the number that the newest file tells of, whose devices others have taken over."""
    beyond = newest is not None and shard.name.isdecimal() and int(shard.name) >= newest.shards
    return beyond and shard.devices == 0 and shard.condition != "live"


def _badness(shard: Shard) -> tuple[int, float, str]:
    seen = shard.seen_at.timestamp() if shard.seen_at is not None else 0.0
    return WORST_FIRST.index(shard.condition), seen, shard.name


# --- devices ---


def _held(files: Iterable[LiveFile], inventory: Inventory) -> pd.DataFrame:
    """The rows of all files with their ``shard`` and ``written_at``; a device of several in that which was written last.

    A device that left the inventory after a file was written is in it no more.
    """
    tables = [
        f.table.assign(shard=f.name, written_at=pd.Timestamp(f.written_at))
        for f in files
        if len(f.table) and f.written_at is not None
    ]
    if not tables:
        return empty_devices().assign(shard=pd.Series(dtype=object), written_at=pd.Series(dtype="datetime64[us, UTC]"))
    rows = pd.concat(tables, ignore_index=True)
    if rows["device_id"].duplicated().any():
        rows = rows.sort_values("written_at", kind="stable").drop_duplicates("device_id", keep="last").sort_index()
    if not inventory.left_at:
        return rows
    gone = pd.to_datetime(rows["device_id"].map(inventory.left_at), utc=True) > rows["written_at"]
    return rows[~gone].reset_index(drop=True)


def _hidden(devices: pd.DataFrame, hidden: pd.Series, since: pd.Series) -> pd.DataFrame:
    """The rows where ``hidden`` as unknown ``since`` then: what was measured before says nothing of now."""
    if not hidden.any():
        return devices
    devices = devices.copy()
    devices.loc[hidden, "state"] = "unknown"
    devices.loc[hidden, list(FIGURES)] = None
    known = hidden & since.notna()
    devices.loc[known, "since"] = pd.to_datetime(since[known], utc=True)
    return devices


def _with_absent(devices: pd.DataFrame, absent: pd.DataFrame) -> pd.DataFrame:
    """The devices and those of the inventory that no table holds, as unknown."""
    if absent.empty:
        return devices
    rows = absent[list(KNOWN_OF_A_DEVICE)].assign(state="unknown", since=absent["valid_from"])
    rows = rows.reindex(columns=list(LIVE.column_names)).astype(devices.dtypes.to_dict())
    return rows if devices.empty else pd.concat([devices, rows], ignore_index=True)
