"""What the inventory said of a device, today and before: its table is read again only when it was replaced."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from dashboard.operations.live.live_inventory import KNOWN_OF_A_DEVICE
from dashboard.operations.live.live_reader import stamp
from dashboard.tables import quality_hours


class InventoryPast:
    """The rows of ``devices`` in the data folder; threads share it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._key: object = ()
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def rows(self, device_id: str) -> list[dict[str, Any]]:
        """The rows of one device, oldest first, with None for what is not known; none of one that was never in it.

        Where the table cannot be read, what it held before.
        """
        with self._lock:
            key = stamp(self._data / "devices.parquet")
            if key != self._key:
                self._key, self._rows = key, self._read()
            return self._rows.get(device_id, [])

    def between(self, since: datetime, until: datetime) -> pd.DataFrame:
        """The devices that were in it at some time between two moments, each as it was last: KNOWN_OF_A_DEVICE."""
        self.rows("")
        found = [
            next((row for row in reversed(rows) if row["valid_from"] < until), None) for rows in self._rows.values()
        ]
        inside = [row for row in found if row is not None and (row["valid_to"] is None or row["valid_to"] > since)]
        return pd.DataFrame(inside, columns=list(KNOWN_OF_A_DEVICE))

    def _read(self) -> dict[str, list[dict[str, Any]]]:
        try:
            table = quality_hours.read_devices(self._data).to_pandas()
        except quality_hours.TableError:
            return self._rows
        found: dict[str, list[dict[str, Any]]] = {}
        for row in table.sort_values("valid_from").to_dict("records"):
            known = {str(name): None if pd.isna(value) else value for name, value in row.items()}
            found.setdefault(str(row["device_id"]), []).append(known)
        return found
