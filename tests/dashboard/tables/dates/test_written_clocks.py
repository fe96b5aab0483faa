"""Times of day, quotation marks and zones' names as exports write them beside a date."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from dashboard.tables.checks.cells.cell_values import parse_dates, parse_timestamps
from dashboard.tables.checks.cells.date_orders import Order
from dashboard.tables.dates import written_clocks
from dashboard.tables.dates.spelled import plain

UTC = ZoneInfo("UTC")


def moment(text: str, zone: ZoneInfo = UTC) -> str | None:
    """What ``text`` is read as, in UTC."""
    column, _ = written_clocks.with_own_zone(plain(pa.array([text])), zone)
    (value,) = parse_timestamps(column, order=Order.DAY, zone=zone).values.to_pylist()
    return None if value is None else f"{value.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    "text",
    [
        "'2024-01-05 22:00:00'",
        '"2024-01-05 22:00"',
        "‘2024-01-05T22:00’",
        "'2024-01-05 22:00",
        "5 januari 2024 om 22.00 uur",
        "vrijdag 5 januari 2024 om 22:00 uur",
        "5-1-2024 om 22.00 uur",
        "05-01-2024 22.00 uur",
        "5. Januar 2024 um 22 Uhr",
        "05.01.2024 22:00 Uhr",
        "05.01.2024, 22.00 Uhr",
        "5 de janeiro de 2024 às 22h00",
        "05/01/2024 às 22:00",
        "05/01/2024 22h",
        "5 de enero de 2024 a las 22:00 hs",
        "05/01/2024 22:00 hrs",
        "5 janvier 2024 à 22h00",
        "05/01/2024 22 h 00",
        "5 gennaio 2024 alle ore 22:00",
        "5. januar 2024 kl. 22.00",
        "5.1.2024 klo 22.00",
        "05.01.2024 22.00.00",
        "05.01.2024 в 22:00",
        "05/01/2024, 22:00:00",
        "2024-01-05 22.00",
    ],
)
def test_a_time_of_day_is_read_however_it_is_said(text: str) -> None:
    assert moment(text) == "2024-01-05 22:00:00"


@pytest.mark.parametrize("text", ["'2024-01-05'", '"05/01/2024"', "'2024-01-05", " '5 januari 2024' ", "05.01.2024"])
def test_days_in_quotation_marks(text: str) -> None:
    parsed = parse_dates(plain(pa.array([text])), order=Order.DAY, zone=UTC)
    assert parsed.values.to_pylist() == [datetime.date(2024, 1, 5)]


@pytest.mark.parametrize("text", ["2024 05.12", "12.30", "22 uur", "om 22.00 uur", "''", "5 o 1"])
def test_what_is_no_date_stays_none(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize(
    ("zone", "text", "there"),
    [
        ("America/Chicago", "2024-01-05 22:00 CST", "2024-01-06 04:00:00"),
        ("America/Chicago", "01-07-2024 10:00 PM CDT", "2024-07-02 03:00:00"),
        ("Asia/Kolkata", "2024-01-05 22:00:00 IST", "2024-01-05 16:30:00"),
        ("Asia/Shanghai", "2024-01-05 22:00 (CST)", "2024-01-05 14:00:00"),
        ("Europe/Dublin", "2024-07-05 22:00 IST", "2024-07-05 21:00:00"),
        ("Europe/Lisbon", "2024-01-05 22:00 CET", "2024-01-05 21:00:00"),
    ],
)
def test_a_zones_name_of_the_providers_own_is_read_as_that(zone: str, text: str, there: str) -> None:
    assert moment(text, ZoneInfo(zone)) == there


@pytest.mark.parametrize("name", ["CST", "IST", "BST", "XYZ"])
def test_another_zones_name_says_that_it_means_several(name: str) -> None:
    column = plain(pa.array([f"2024-01-05 22:00 {name}", "2024-01-05 22:00"]))
    assert written_clocks.with_own_zone(column, ZoneInfo("Europe/Lisbon"))[1] == ()
    parsed = parse_timestamps(column, order=Order.DAY, zone=ZoneInfo("Europe/Lisbon"))
    ((mask, reason),) = parsed.faults
    assert mask.tolist() == [True, False]
    assert "short name that means several zones" in reason
