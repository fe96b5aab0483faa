"""The ports of one network device, as the collectors wrote them last; a file is read again only when it was replaced."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from collector import parquet_footer, table_versions
from collector.published import PORTS
from dashboard.operations.live.live_reader import stamp


@dataclass(frozen=True, slots=True)
class Ports:
    """``rows`` have the columns of PORTS, in the order of the device's own index, with None for what is not known.

    ``problem`` says which file cannot be read.
    """

    rows: tuple[dict[str, Any], ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Aliases:
    """``rows``: (device, port, alias) of each port that has one; ``version`` changes with them."""

    rows: tuple[tuple[str, str, str], ...]
    version: int


class DevicePorts:
    """Reads ``live/ports=K.parquet`` under the data folder; threads share it."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "live"
        self._lock = threading.Lock()
        self._files: dict[Path, tuple[object, pd.DataFrame, str | None]] = {}
        self._aliases_of: object = ()
        self._aliases = Aliases((), 0)

    def read(self, device_id: str) -> Ports:
        """The ports of ``device_id``: of several shards that tell of it, those that were polled last."""
        with self._lock:
            self._bring_up_to_date()
            files = list(self._files.values())
        problem = next((why for _, _, why in files if why is not None), None)
        found = [table[table["device_id"] == device_id] for _, table, _ in files]
        told = [table for table in found if len(table)]
        if not told:
            return Ports(problem=problem)
        newest = max(told, key=lambda table: table["polled_at"].max()).sort_values(["index", "interface"])
        rows = [{str(k): None if pd.isna(v) else v for k, v in row.items()} for row in newest.to_dict("records")]
        return Ports(tuple(rows), problem)

    def aliases(self) -> Aliases:
        """What people call the ports of all devices."""
        with self._lock:
            self._bring_up_to_date()
            key = tuple(held for held, _, _ in self._files.values())
            if key != self._aliases_of:
                tables = [table[table["alias"].fillna("").ne("")] for _, table, _ in self._files.values()]
                columns = ([t[name].tolist() for name in ("device_id", "interface", "alias")] for t in tables)
                rows = dict.fromkeys(row for column in columns for row in zip(*column, strict=True))
                self._aliases_of, self._aliases = key, Aliases(tuple(rows), self._aliases.version + 1)
            return self._aliases

    def _bring_up_to_date(self) -> None:
        paths = sorted(self._folder.glob("ports=*.parquet"))
        self._files = {path: held for path, held in self._files.items() if path in paths}
        for path in paths:
            held = self._files.get(path)
            if held is None or held[0] != stamp(path) or held[2] is not None:
                self._files[path] = (stamp(path), *_read(path))


def _read(path: Path) -> tuple[pd.DataFrame, str | None]:
    """One file in the columns of PORTS, or why it cannot be read."""
    schema = PORTS.arrow_schema()
    try:
        with parquet_footer.opened(path) as file:
            if (why := table_versions.why_unreadable(file.schema_arrow, PORTS)) is not None:
                return schema.empty_table().to_pandas(), f"{path} {why}"
            table = file.read()
        arrays = [
            table[field.name].cast(field.type)
            if field.name in table.column_names
            else pa.nulls(table.num_rows, field.type)
            for field in schema
        ]
        return pa.Table.from_arrays(arrays, schema=schema).to_pandas(), None
    except FileNotFoundError:
        return schema.empty_table().to_pandas(), None
    except (OSError, pa.ArrowException) as error:
        return schema.empty_table().to_pandas(), f"{path} cannot be read: {' '.join(str(error).split())[:150]}"
