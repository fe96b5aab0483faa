"""Customers who had left on record and whom a later file has without an end: kept, told or asked about."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records
from dashboard.tables.imports.storage.snapshots import read

FIRST, LATER = datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)
NUMBER = 40


def customers(ended: int, columns: str = ",ended_on,notice_on,end_reason", number: int = NUMBER) -> str:
    """A file of so many customers of whom the first ``ended`` have left, with or without the columns that say so."""
    blank = "," * columns.count(",")
    rows = (
        f"{one},A,2024-01-{1 + one % 28:02}{',2025-06-30,2025-06-01,moved' if one < ended else blank}"
        for one in range(number)
    )
    return f"customer_id,area,started_on{columns}\n" + "\n".join(rows) + "\n"


def give(provider: DashboardSettings, text: str, day: datetime.date, **options: Any) -> ImportReport:
    path = provider.data.parent / "customers.csv"
    path.write_text(text)
    return import_records("customers", path, provider, as_of=day, **options)


def open_ends(provider: DashboardSettings) -> int:
    newest = {row["customer_id"]: row for row in read("customers", provider.data).sort_by("valid_from").to_pylist()}
    return sum(row["ended_on"] is None for row in newest.values())


def test_a_file_without_the_column_keeps_the_ends_and_says_so(provider: DashboardSettings) -> None:
    give(provider, customers(10), FIRST)
    stored = read("customers", provider.data)
    report = give(provider, customers(0, ""), LATER)
    assert (report.exit_code, report.added, report.changed, report.unchanged) == (0, 0, 0, NUMBER)
    assert "10 rows are of customers who have an end on record, and the file has no column ended_on" in str(report)
    assert read("customers", provider.data).equals(stored)
    moved = give(provider, customers(0, "").replace(",A,", ",B,"), LATER)
    assert (moved.added, open_ends(provider)) == (NUMBER, NUMBER - 10)
    kept = [row for row in read("customers", provider.data).to_pylist() if row["area"] == "B" and row["ended_on"]]
    assert {(str(row["notice_on"]), row["end_reason"]) for row in kept} == {("2025-06-01", "moved")}


def test_a_notice_stays_beside_its_end_alone(provider: DashboardSettings) -> None:
    give(provider, customers(10), FIRST)
    same_end = "customer_id,area,started_on,ended_on\n0,A,2024-01-01,2025-06-30\n1,A,2024-01-02,2025-07-31\n"
    report = give(provider, same_end, LATER, absent="stay")
    assert (report.exit_code, report.added, report.unchanged) == (0, 1, 1)
    (other,) = [row for row in read("customers", provider.data).to_pylist() if str(row["ended_on"]) == "2025-07-31"]
    assert (other["notice_on"], other["end_reason"]) == (None, None)


@pytest.mark.parametrize(("columns", "options"), [(",ended_on", {}), ("", {"absent": "left"})])
def test_a_file_that_takes_most_departures_back_is_refused_until_somebody_says_so(
    provider: DashboardSettings, columns: str, options: dict[str, str]
) -> None:
    give(provider, customers(10), FIRST)
    report = give(provider, customers(0, columns), LATER, **options)
    assert report.exit_code == 2
    assert "10 of the 10 who had left on record have no end in this file" in str(report)
    assert open_ends(provider) == NUMBER - 10
    told = give(provider, customers(0, columns), LATER, came_back=True, **options)
    assert (told.exit_code, open_ends(provider)) == (0, NUMBER)


@pytest.mark.parametrize(("still_ended", "code"), [(10, 0), (9, 0), (8, 1), (6, 1), (5, 2)])
def test_a_few_who_came_back_are_told(provider: DashboardSettings, still_ended: int, code: int) -> None:
    give(provider, customers(10), FIRST)
    report = give(provider, customers(still_ended), LATER)
    assert report.exit_code == code
    assert ("again, of 10 who had left" in str(report)) == (code < 2 and still_ended < 10)


def test_whom_an_earlier_file_lacked_stays_ended_with_a_question(provider: DashboardSettings) -> None:
    give(provider, customers(0, ""), FIRST)
    give(provider, customers(0, "", number=NUMBER - 5), LATER, absent="left")
    again = datetime.date(2026, 3, 8)
    report = give(provider, customers(0, ""), again)
    assert (report.exit_code, open_ends(provider)) == (1, NUMBER - 5)
    assert "5 customers in this file were ended by --absent left" in report.warnings[0]
    assert give(provider, customers(0, ""), again, came_back=True).exit_code == 0
    assert open_ends(provider) == NUMBER


def test_who_has_gone_by_a_status_is_ended_where_the_absent_are(provider: DashboardSettings) -> None:
    """Without a day the rows are refused; that leaves customers on record, which is told."""
    text = "customer_id,area,started_on,status\n"
    text += "".join(f"{one},A,2024-01-{1 + one % 28:02},Active\n" for one in range(NUMBER))
    give(provider, text, FIRST)
    later = "".join(
        line.replace("Active", "Cancelled") if line.startswith(("3,", "4,")) else line for line in text.splitlines(True)
    )
    report = give(provider, later, LATER)
    assert (report.exit_code, report.rejected, open_ends(provider)) == (1, 2, NUMBER)
    assert "2 customers on record have gone by this file, which does not say since when" in report.warnings[0]
    ended = give(provider, later, LATER, absent="left")
    assert (ended.ended, open_ends(provider)) == (2, NUMBER - 2)
    assert "2 customers of earlier imports are not in this file or have gone by it" in str(ended)


def test_who_comes_back_under_a_new_contract_is_nothing_to_ask_about(provider: DashboardSettings) -> None:
    give(provider, customers(10), FIRST)
    again = customers(10) + "".join(f"{one},A,2026-02-15,,,\n" for one in range(10))
    report = give(provider, again, LATER)
    assert (report.exit_code, report.added) == (0, 10)
    assert "again" not in str(report)


def test_the_option_is_for_customers(provider: DashboardSettings) -> None:
    path = provider.data.parent / "areas.csv"
    path.write_text("area,name\nA,Alfa\n")
    assert "--came-back is for customers" in str(import_records("areas", path, provider, came_back=True))
