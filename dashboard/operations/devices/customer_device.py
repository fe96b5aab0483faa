"""Which device serves a customer, found by the keyed hash of the customer's own id: the id itself is stored nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from dashboard.config import DashboardSettings
from dashboard.tables.imports import customer_key, hashed_ids
from dashboard.tables.imports.storage import snapshots

COLUMNS = ["customer_id", "started_on", "valid_from", "ended_on", "device_id", "area"]
MOST_LETTERS = 100


@dataclass(frozen=True, slots=True)
class Served:
    """The device of a customer by the newest row on record (None: none is named), their area, and when they left."""

    device_id: str | None
    area: str | None
    left_on: date | None


def of_customer(asked: str, settings: DashboardSettings) -> Served | None:
    """What is on record of the customer whose whole id is ``asked``; None where there is none, or no key to look with."""
    wanted, path = asked.strip(), snapshots.newest("customers", settings.data)
    if not wanted or len(wanted) > MOST_LETTERS or path is None:
        return None
    try:
        hashed = hashed_ids.hash_id(wanted, customer_key.stored_key(settings))
        rows = pq.read_table(path, columns=COLUMNS, filters=[("customer_id", "==", hashed)]).to_pylist()
    except (hashed_ids.KeyProblemError, OSError, pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    if not rows:
        return None
    newest = max(rows, key=lambda row: (row["started_on"] or date.min, row["valid_from"] or date.min))
    return Served(newest["device_id"], newest["area"], newest["ended_on"])
