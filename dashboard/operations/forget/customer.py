"""One customer erased from all that is stored: every import that is kept, and the history of their own devices.

A device counts as theirs where the inventory says that it is a customer's (``cpe``) and no other customer was ever
recorded at it. What lies outside the data folder is not reached: backups, exports, Prometheus, the provider's own systems.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from collector import file_lock, parquet_footer
from collector.published import INCIDENT_DEVICES, INCIDENTS, OPERATIONS
from dashboard.config import DashboardSettings
from dashboard.operations import audit
from dashboard.operations.forget import stored_rows
from dashboard.tables.imports import customer_key, hashed_ids
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import RECORDS

ACTION = "customer.forget"
TURN_SECONDS = 60.0
NAMED = tuple(kind for kind, spec in RECORDS.items() if "customer_id" in spec.column_names)


@dataclass(frozen=True)
class Forgotten:
    """How many rows went, by what held them (each import that is kept counts); ``devices`` were theirs alone.

    ``shared`` are devices that others are at too, or that no inventory calls a customer's: their history stays.
    ``in_inventory`` are devices of theirs that are still polled. ``unreadable`` says which files may still hold rows.
    """

    rows: Counter[str] = field(default_factory=Counter)
    devices: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    in_inventory: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def forget(
    engine: sa.Engine, settings: DashboardSettings, customer: str, *, by: str, now: datetime, is_dry_run: bool = False
) -> Forgotten:
    """Erase the customer with the provider's own id ``customer``. Raises KeyProblemError, OSError, SQLAlchemyError.

    Nothing is written that tells who it was: the entry in the audit holds counts only.
    """
    data = settings.data
    hashed = hashed_ids.hash_id(customer.strip(), customer_key.stored_key(settings))
    gone = Forgotten()
    unreadable: list[str] = []
    with snapshots.importing(data):
        own, shared = _devices(data, hashed, unreadable)
        for kind in NAMED:
            for path in sorted(snapshots.folder_of(kind, data).glob("*.parquet")):
                gone.rows[kind] += _guarded(
                    unreadable, path, lambda p: stored_rows.remove(p, "customer_id", {hashed}, is_dry_run=is_dry_run)
                )
    if own:
        with file_lock.in_turn(data / "journal" / "quality.lock", seconds=TURN_SECONDS):
            for path in _history(data):
                name = "devices" if path.parent == data else "quality_hours"
                gone.rows[name] += _guarded(
                    unreadable, path, lambda p: stored_rows.remove(p, "device_id", own, is_dry_run=is_dry_run)
                )
    with engine.begin() as connection:
        if own:
            gone.rows[INCIDENT_DEVICES.name] += _incidents(connection, own, is_dry_run=is_dry_run)
        if not is_dry_run and gone.rows.total():
            audit.record(connection, ACTION, "a customer", by=by, at=now, details=dict(+gone.rows))
    if not is_dry_run and gone.rows.total():
        shutil.rmtree(data / "cache", ignore_errors=True)  # weeks of single devices; the next build makes them again
    polled = tuple(sorted(own & _polled(data)))
    return Forgotten(gone.rows, tuple(sorted(own)), tuple(sorted(shared)), polled, tuple(unreadable))


def _devices(data: Path, hashed: str, unreadable: list[str]) -> tuple[set[str], set[str]]:
    """The devices that were the customer's alone, and those that were not, in any import that is kept."""
    theirs: set[str] = set()
    others: set[str] = set()
    for path in sorted(snapshots.folder_of("customers", data).glob("*.parquet")):
        try:
            theirs |= stored_rows.values_in(path, "device_id", where="customer_id", among={hashed})
        except (OSError, ValueError, pa.ArrowException):
            continue  # told when its rows are to go
    if theirs:
        for path in sorted(snapshots.folder_of("customers", data).glob("*.parquet")):
            try:
                found = stored_rows.values_in(path, "customer_id", where="device_id", among=theirs)
            except (OSError, ValueError, pa.ArrowException) as error:
                unreadable.append(f"{path}: {' '.join(str(error).split())}")
                return set(), theirs  # whose devices they are is not known
            if found - {hashed}:
                others |= {one for one in theirs if _is_shared(path, one, hashed)}
    own = {device for device in theirs - others if _role(data, device) == "cpe"}
    return own, theirs - own


def _is_shared(path: Path, device: str, hashed: str) -> bool:
    return bool(stored_rows.values_in(path, "customer_id", where="device_id", among={device}) - {hashed})


def _role(data: Path, device: str) -> str | None:
    """What the inventory says, or said, that it is; None where it does not know it, or calls it several things."""
    try:
        found = stored_rows.values_in(data / "devices.parquet", "role", where="device_id", among={device})
    except (OSError, ValueError, pa.ArrowException):
        return None
    return found.pop() if len(found) == 1 else None


def _polled(data: Path) -> set[str]:
    """Devices that the newest live tables name."""
    found: set[str] = set()
    for path in (data / "live").glob("shard=*.parquet"):
        try:
            found |= set(parquet_footer.opened(path).read(["device_id"])["device_id"].to_pylist())
        except (OSError, ValueError, pa.ArrowException):
            continue
    return found


def _history(data: Path) -> Iterator[Path]:
    """The files of hourly quality, those that a repair has kept as they were too, and the inventory through time."""
    yield from sorted((data / "quality").glob("date=*/*.parquet*"))
    if (data / "devices.parquet").exists():
        yield data / "devices.parquet"


def _incidents(connection: sa.Connection, own: set[str], *, is_dry_run: bool) -> int:
    """Their devices' parts in incidents, and those incidents whole of which such a device was the root."""
    rooted = sa.select(INCIDENTS.c.incident_id).where(INCIDENTS.c.root_device_id.in_(own))
    mine = INCIDENT_DEVICES.c.device_id.in_(own) | INCIDENT_DEVICES.c.incident_id.in_(rooted)
    number = connection.scalar(sa.select(sa.func.count()).select_from(INCIDENT_DEVICES).where(mine)) or 0
    if not is_dry_run:
        connection.execute(sa.delete(INCIDENT_DEVICES).where(INCIDENT_DEVICES.c.device_id.in_(own)))
        for table in reversed(OPERATIONS.sorted_tables):
            if any(key.column is INCIDENTS.c.incident_id for key in table.foreign_keys):
                connection.execute(sa.delete(table).where(table.c.incident_id.in_(rooted)))
        connection.execute(sa.delete(INCIDENTS).where(INCIDENTS.c.root_device_id.in_(own)))
    return int(number)


def _guarded(unreadable: list[str], path: Path, work: Callable[[Path], int]) -> int:
    """What ``work`` counts; a file that cannot be read is noted, and one that has gone meanwhile is nothing."""
    try:
        return work(path)
    except FileNotFoundError:
        return 0
    except (OSError, ValueError, pa.ArrowException) as error:
        unreadable.append(f"{path}: {' '.join(str(error).split())}")
        return 0
