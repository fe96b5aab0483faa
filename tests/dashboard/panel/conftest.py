"""Small worlds for the panel: a few customers, a few device-hours, joined at once."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from collector.published import DEVICES, QUALITY_HOURS, TableSpec
from dashboard.config import AnalysisSettings, DashboardSettings
from dashboard.panel import assemble
from dashboard.tables.schema import RECORDS, conform

HOUR = datetime.timedelta(hours=1)


def table_of(spec: TableSpec, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the declared table; days and instants may be texts."""
    parsers = {"date": datetime.date.fromisoformat, "timestamp": datetime.datetime.fromisoformat}
    kind = {column.name: parsers.get(column.type) for column in spec.columns}

    def typed(name: str, value: Any) -> Any:
        parse = kind[name]
        return parse(value) if parse and isinstance(value, str) else value

    schema = spec.arrow_schema()
    if not rows:
        return schema.empty_table()
    names = [name for name in spec.column_names if any(name in row for row in rows)]
    columns = {name: pa.array([typed(name, row.get(name)) for row in rows], schema.field(name).type) for name in names}
    return conform(pa.table(columns), spec)


@dataclass
class SmallWorld:
    """Rows by table, to be filled by a test; ``build`` joins them with a reporting lag of 0 days.

    Unless ``is_dated_by_content``, customers and complaints say that they are complete until quality ends.
    """

    data: Path
    is_dated_by_content: bool = False
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {kind: [] for kind in RECORDS})
    hours: dict[tuple[datetime.datetime, str], dict[str, Any]] = field(default_factory=dict)
    devices: list[dict[str, Any]] = field(default_factory=list)

    def customer(self, customer_id: str, area: str = "north", **values: Any) -> None:
        """One row of customers; its valid_from is its started_on unless given."""
        row = {"customer_id": customer_id, "area": area, "device_id": "ap", **values}
        self.rows["customers"].append({"valid_from": row["started_on"], **row})

    def complaint(self, opened_at: str, category: str = "slow", **values: Any) -> None:
        at = datetime.datetime.fromisoformat(opened_at).replace(tzinfo=datetime.UTC)
        number = str(len(self.rows["complaints"]))
        self.rows["complaints"].append({"complaint_id": number, "opened_at": at, "category": category, **values})

    def device(self, device_id: str, parent: str | None, since: str = "2024-01-01", until: str | None = None) -> None:
        row = {"device_id": device_id, "valid_from": f"{since}T00:00:00+00:00", "area": "north", "parent": parent}
        end = f"{until}T00:00:00+00:00" if until else None
        self.devices.append({**row, "valid_to": end, "role": "ap", "subscribers": 0})

    def observe(self, device_id: str, first: str, last: str, **values: Any) -> None:
        """Hours in [first, last) UTC, quiet and observed in full; ``values`` override, earlier hours too."""
        at, end = (datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC) for text in (first, last))
        while at < end:
            known = self.hours.get((at, device_id), {"observed_seconds": 3600.0, "down_seconds": 0.0})
            self.hours[at, device_id] = {**known, **values}
            at += HOUR

    def tables(self) -> tuple[dict[str, pa.Table], pa.Table, pa.Table]:
        """Records, quality_hours and devices."""
        last = max((at for at, _ in self.hours), default=None)
        stated = None if self.is_dated_by_content or last is None else {"complete_until": f"{last:%Y-%m-%d}"}
        records = {
            kind: table_of(spec, self.rows[kind]).replace_schema_metadata(stated) for kind, spec in RECORDS.items()
        }
        hours = [{"hour": at, "device_id": device, **values} for (at, device), values in self.hours.items()]
        return records, table_of(QUALITY_HOURS, hours), table_of(DEVICES, self.devices)

    def settings(self, timezone: str = "UTC", **analysis: Any) -> DashboardSettings:
        analysis = {"reporting_lag_days": 0} | analysis
        return DashboardSettings(
            data=self.data, customer_key=self.data / "key", timezone=timezone, analysis=AnalysisSettings(**analysis)
        )

    def build(self, timezone: str = "UTC", *, incidents: pa.Table | None = None, **analysis: Any) -> assemble.Panel:
        return assemble.build(*self.tables(), self.settings(timezone, **analysis), incidents=incidents)


@pytest.fixture
def world(tmp_path: Path) -> SmallWorld:
    return SmallWorld(tmp_path)


@pytest.fixture
def row_of() -> Callable[..., pd.Series]:
    """The one row of a frame that has the given values; dates may be texts."""

    def find(frame: pd.DataFrame, **values: Any) -> pd.Series:
        for name, value in values.items():
            frame = frame[frame[name] == value]
        assert len(frame) == 1, f"{len(frame)} rows have {values}"
        return frame.iloc[0]

    return find
