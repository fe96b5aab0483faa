"""What an import needs to know besides its file."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pyarrow as pa

from collector.published import TableSpec
from dashboard.config import DashboardSettings


@dataclass(frozen=True)
class Context:
    """What an import needs to know besides the file: the table, the day of the export, the zone, what is stored."""

    spec: TableSpec
    settings: DashboardSettings
    zone: ZoneInfo
    today: datetime.date
    as_of: datetime.date | None
    stored: pa.Table
    mapping_name: str | None
    has_mapping: bool
    by: str
    absent: str | None
    even_if_most: bool
    came_back: bool

    @property
    def tomorrow_at(self) -> datetime.datetime:
        return datetime.datetime.combine(self.today + datetime.timedelta(days=1), datetime.time(), self.zone)
