"""``devices``: the inventory through time, one row for each span in which a device's row did not change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector import table_versions
from collector.publish import parquet
from collector.publish.parquet import UnreadableError
from collector.publish.quarantine import Aside
from collector.published import DEVICES
from collector.reading import Device

SCHEMA = DEVICES.arrow_schema()
_FIELDS = tuple(name for name in DEVICES.column_names if name not in ("valid_from", "valid_to"))


def update(path: Path, devices: Iterable[Device], at: float, aside: Aside | None = None) -> bool:
    """Bring ``path`` up to the inventory in force at ``at`` (Unix seconds); returns whether anything changed.

    A file that cannot be read is set aside, and the inventory's past begins anew. Raises OSError if it cannot be
    written; the file is then as it was.
    """
    now = datetime.fromtimestamp(at, UTC)
    old = _held(path, aside or Aside()) if path.exists() else []
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
    parquet.write(table_versions.stamp(pa.Table.from_pylist(rows, SCHEMA), DEVICES), path, durable=True)
    return True


def current_rows(data: Path) -> list[dict[str, Any]]:
    """The rows that were valid when the inventory was last read; none if no file can be read."""
    try:
        rows = parquet.read(data / "devices.parquet", DEVICES)
    except (OSError, UnreadableError):
        return []
    return [row for row in rows.to_pylist() if row["valid_to"] is None]


def _held(path: Path, aside: Aside) -> list[dict[str, Any]]:
    try:
        return list(parquet.read(path, DEVICES).to_pylist())
    except UnreadableError as error:
        why = f"what the inventory was before now is not known any more: it {error}"
        if aside.put(path, DEVICES.name, why=why, what=error.what) is None:
            raise OSError(f"{path}: {error}, and it cannot be set aside") from None
        return []


def _row(device: Device) -> dict[str, Any]:
    values = asdict(device)
    return {name: values[name] for name in _FIELDS}
