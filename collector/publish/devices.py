"""``devices``: the inventory through time, one row for each span in which a device's row did not change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from collector.publish import parquet
from collector.published import DEVICES
from collector.reading import Device

SCHEMA = DEVICES.arrow_schema()
_FIELDS = tuple(name for name in DEVICES.column_names if name not in ("valid_from", "valid_to"))


def update(path: Path, devices: Iterable[Device], at: float) -> bool:
    """Bring ``path`` up to the inventory in force at ``at`` (Unix seconds); returns whether anything changed.

    Raises OSError if it cannot be written; the file is then as it was.
    """
    now = datetime.fromtimestamp(at, UTC)
    old: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist() if path.exists() else []
    wanted = {device.device_id: _row(device) for device in devices}
    rows = []
    for held in old:
        if held["valid_to"] is None:
            same = wanted.get(held["device_id"])
            if same is not None and all(held.get(name) == same[name] for name in _FIELDS):
                del wanted[held["device_id"]]
            else:
                held = {**held, "valid_to": now}  # noqa: PLW2901
        rows.append(held)
    rows += [{**row, "valid_from": now, "valid_to": None} for row in wanted.values()]
    rows = [row for row in rows if row["valid_to"] is None or row["valid_to"] > row["valid_from"]]
    if rows == old:
        return False
    rows.sort(key=lambda row: (row["device_id"], row["valid_from"]))
    parquet.write(pa.Table.from_pylist(rows, SCHEMA), path, durable=True)
    return True


def _row(device: Device) -> dict[str, Any]:
    values = asdict(device)
    return {name: values[name] for name in _FIELDS}
