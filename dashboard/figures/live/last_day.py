"""The last 24 hours in quarters of an hour: how many customers were without service, by the incidents on record."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from dashboard.operations.live.live_state import Live

QUARTERS = 96
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Quarter:
    """``out`` and ``planned`` are the most customers that incidents held at once in that time (devices, where the inventory
    counts no customers); ``is_blind``: a collector doubted its own connection, so that there may have been more.
    """

    at: datetime
    out: int
    planned: int
    is_blind: bool


def quarters(live: Live, now: datetime) -> list[Quarter]:
    """Oldest first, the last one under way; none where the incidents cannot be read."""
    if not live.is_database_known:
        return []
    first = _floor(now) - (QUARTERS - 1) * QUARTER
    rows = live.incidents
    lately = rows[rows["ended_at"].isna() | (rows["ended_at"] > first)].to_dict("records")
    counted = "subscribers_affected" if live.is_counted else "devices_affected"
    return [_quarter(first + number * QUARTER, lately, counted) for number in range(QUARTERS)]


def _floor(now: datetime) -> datetime:
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def _quarter(at: datetime, rows: list[dict[Hashable, Any]], counted: str) -> Quarter:
    inside = [row for row in rows if row["started_at"] < at + QUARTER and not _ended_by(row, at)]

    def most(kind: str) -> int:
        rows = [row for row in inside if row["kind"] == kind]
        moments = {max(row["started_at"], at) for row in rows}
        open_then = (
            [row for row in rows if row["started_at"] <= then and not _ended_by(row, then)] for then in moments
        )
        return max((sum(int(row[counted]) for row in found) for found in open_then), default=0)

    return Quarter(at, most("outage"), most("planned"), any(row["kind"] == "blind" for row in inside))


def _ended_by(row: Mapping[Hashable, Any], at: datetime) -> bool:
    return not pd.isna(row["ended_at"]) and row["ended_at"] <= at
