"""Days that a program wrote as instants at midnight stay the days that they are, wherever the provider's clock hangs."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from dashboard.tables.checks.cells.cell_values import parse_dates
from dashboard.tables.checks.cells.date_orders import Order


def days(*texts: str, zone: str = "America/Sao_Paulo") -> list[str]:
    return [str(day) for day in parse_dates(pa.array(texts), order=Order.DAY, zone=ZoneInfo(zone)).values.to_pylist()]


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Europe/Lisbon", "Asia/Tokyo"])
@pytest.mark.parametrize("midnight", ["T00:00:00.000Z", "T00:00:00+00:00", " 00:00:00 UTC", "T00:00:00-0600"])
def test_midnights_are_days(midnight: str, zone: str) -> None:
    assert days(f"2024-03-05{midnight}", f"2024-07-31{midnight}", zone=zone) == ["2024-03-05", "2024-07-31"]


def test_other_times_are_instants() -> None:
    assert days("2024-03-05T00:00:00Z", "2024-03-05T15:00:00Z") == ["2024-03-04", "2024-03-05"]
    assert days("2024-03-05T03:00:00Z", "2024-07-31T03:00:00Z") == ["2024-03-05", "2024-07-31"]


@pytest.mark.parametrize("text", ["1750000000", "1750000000000"])
def test_seconds_since_1970_are_called_so(text: str) -> None:
    ((mask, reason),) = parse_dates(pa.array([text]), order=Order.DAY, zone=ZoneInfo("UTC")).faults
    assert mask.all()
    assert "format = 'unix'" in reason


@pytest.mark.parametrize("text", ["2024.06.12.", "2024. 06. 12.", "2024. 6. 12."])
def test_days_as_hungary_writes_them(text: str) -> None:
    assert days(text) == ["2024-06-12"]
