"""Complaints that join, and contradict what they join: dates outside the customer's time, another area, other prices."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records

AS_OF = datetime.date(2026, 3, 1)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def give(settings: DashboardSettings, kind: str, header: str, rows: list[str]) -> ImportReport:
    path = settings.data.parent / f"{kind}.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return import_records(kind, path, settings, as_of=AS_OF)


def customers(settings: DashboardSettings, price: str = "30") -> ImportReport:
    """Twenty from 2023 on, of whom every second went at the end of 2024."""
    rows = [
        f"{n},{'north' if n % 4 else 'south'},home,{price},2023-01-{1 + n:02},{'2024-12-31' if n % 2 else ''}"
        for n in range(20)
    ]
    return give(settings, "customers", "customer_id,area,plan,monthly_price,started_on,ended_on", rows)


def complaints(settings: DashboardSettings, days: list[str], area: str = "") -> ImportReport:
    rows = [f"t{n},{n % 20},{area},{day} 10:00,slow" for n, day in enumerate(days)]
    return give(settings, "complaints", "complaint_id,customer_id,area,opened_at,category", rows)


def test_complaints_from_before_and_after_their_customers_time_are_told(settings: DashboardSettings) -> None:
    customers(settings)
    report = complaints(settings, ["2024-05-01"] * 20 + ["2005-05-01"] * 12 + ["2025-11-01"] * 8)
    assert report.exit_code == 1
    said = "WARNING: 24 of 40 complaints of customers on record date from their time with you (12 are from before it, 4 from after it)"
    assert said in str(report)
    assert "joins.dates asks for 80%" in str(report)


def test_a_few_are_told_without_a_warning_and_those_shortly_before_or_after_are_usual(
    settings: DashboardSettings,
) -> None:
    customers(settings)
    few = complaints(settings, ["2024-05-01"] * 19 + ["2005-05-01"])
    assert (few.exit_code, "19 of 20 complaints of customers on record date from" in str(few)) == (0, True)
    near = complaints(settings, ["2022-12-28", "2025-02-20"] * 10)
    assert (near.exit_code, "date from their time" in str(near)) == (0, False)


def test_customers_imported_after_their_complaints_say_the_same(settings: DashboardSettings) -> None:
    complaints(settings, ["2005-05-01"] * 20)
    report = customers(settings)
    assert report.exit_code == 1
    assert "WARNING: 0 of 20 complaints of customers on record date from their time with you" in str(report)


def test_a_neighbourhood_that_is_not_the_customers_is_told(settings: DashboardSettings) -> None:
    customers(settings)
    own = complaints(settings, ["2024-05-01"] * 20, "north")
    assert "15 of 20 complaints that name a customer and a neighbourhood name the customer's own" in str(own)
    report = complaints(settings, ["2024-05-01"] * 20, "south")
    assert report.exit_code == 1
    assert "WARNING: 5 of 20 complaints that name a customer and a neighbourhood name the customer's own" in str(report)


@pytest.mark.parametrize(("price", "said"), [("360", "12 times"), ("3000", "100 times"), ("33", None)])
def test_prices_of_another_size_than_new_customers_pay_are_told(
    settings: DashboardSettings, price: str, said: str | None
) -> None:
    customers(settings, price)
    report = give(settings, "prices", "plan,valid_from,new_customer_price", ["home,2025-01-01,30"])
    assert (report.exit_code == 1) is (said is not None)
    assert said is None or f"monthly_price is {said} the price of the same plan for new customers" in str(report)
