"""Cells that cannot be read cost themselves where the rest of the row is known; ways of writing that mean one thing are read."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import read

Give = Callable[..., ImportReport]


@pytest.mark.parametrize("amount", ["(29.90)", "29.90-", "29.90 + IVA", "0x1D"])
def test_an_amount_that_cannot_be_read_costs_its_cell_and_is_told(
    import_text: Give, provider: DashboardSettings, amount: str
) -> None:
    text = f"customer_id,area,started_on,monthly_price\n1,A,2024-01-31,{amount}\n2,A,2024-01-31,31.50\n"
    report = import_text("customers", text)
    assert (report.exit_code, report.added, report.rejected) == (1, 2, 0)
    assert report.warnings == (
        "monthly_price: 1 cell is blank now, as it is not a number, first on line 2; the rows are taken",
    )
    prices = read("customers", provider.data).column("monthly_price").to_pylist()
    assert sorted(prices, key=str) == [31.5, None]


def test_an_amount_that_its_row_is_about_costs_the_row(import_text: Give) -> None:
    report = import_text("prices", "plan,area,valid_from,new_customer_price\nS,,2025-01-01,(24.0)\nM,,2025-01-01,24\n")
    assert (report.added, report.rejected) == (1, 1)


def test_lakhs_are_grouped_by_two_digits(import_text: Give, provider: DashboardSettings) -> None:
    amounts = ("1,02,999.00", "12,34,567", "1,499.00", "999.50")
    rows = "".join(f'{number},A,2024-01-31,"₹{amount}"\n' for number, amount in enumerate(amounts))
    import_text("customers", f"customer_id,area,started_on,monthly_price\n{rows}")
    stored = read("customers", provider.data).column("monthly_price").to_pylist()
    assert sorted(stored) == [999.5, 1499.0, 102999.0, 1234567.0]


def test_a_solution_before_its_complaint_costs_the_solution(import_text: Give, provider: DashboardSettings) -> None:
    header = "complaint_id,area,opened_at,category,first_answer_at,solved_at\n"
    rows = (
        "a,A,2025-05-10 10:00,slow,2025-05-10 09:00,2025-04-10 10:00\n"
        "b,A,2025-05-10 10:00,slow,2025-05-10 11:00,2025-05-11 10:00\n"
        "c,A,2025-05-10 10:00,slow,2025-05-10 11:00,soon\n"
    )
    report = import_text("complaints", header + rows)
    assert (report.exit_code, report.added, report.rejected) == (1, 3, 0)
    assert [warning.partition(", first")[0] for warning in report.warnings] == [
        "solved_at: 1 cell is blank now, as it is not a date",
        "first_answer_at: 1 cell is blank now, as it is before opened_at",
        "solved_at: 1 cell is blank now, as it is before opened_at",
    ]
    stored = read("complaints", provider.data)
    assert [stored.column(name).null_count for name in ("first_answer_at", "solved_at")] == [1, 2]


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("14/05/2025 08:30 p. m.", "2025-05-14T19:30"),
        ("2025-05-14 24:00", "2025-05-14T23:00"),
        ("Wed May 14 2025 22:00:00 GMT+0200 (Central European Summer Time)", "2025-05-14T20:00"),
        ("2025-05-14 22:00 PDT", "2025-05-15T05:00"),
        ("2025-05-14 22:00 CEST", "2025-05-14T20:00"),
    ],
)
def test_clocks_are_read(import_text: Give, provider: DashboardSettings, written: str, at: str) -> None:
    report = import_text("complaints", f"complaint_id,area,opened_at,category\na,A,{written},slow\n")
    assert report.added == 1, report
    assert read("complaints", provider.data).column("opened_at").to_pylist() == [
        datetime.datetime.fromisoformat(at).replace(tzinfo=datetime.UTC)
    ]


def test_the_end_of_a_day_is_of_that_day(import_text: Give, provider: DashboardSettings) -> None:
    import_text("customers", "customer_id,area,started_on\n1,A,2024-01-31 24:00\n")
    assert read("customers", provider.data).column("started_on").to_pylist() == [datetime.date(2024, 1, 31)]


@pytest.mark.parametrize("written", ["2025-05-14 24:30", "2025-05-14 22:00 IST"])
def test_clocks_that_mean_nothing_or_several_things_are_refused(import_text: Give, written: str) -> None:
    report = import_text("complaints", f"complaint_id,area,opened_at,category\na,A,{written},slow\n")
    assert (report.added, report.rejected) == (0, 1)


def test_scores_out_of_ten_and_drawn_stars(import_text: Give, provider: DashboardSettings) -> None:
    rows = "".join(f"{number},A,2025-01-10,{number}/10\n" for number in range(11))
    assert import_text("nps", f"response_id,area,answered_on,score\n{rows}").added == 11
    assert sorted(read("nps", provider.data).column("score").to_pylist()) == list(range(11))
    stars = ("FIVE", "★★★★☆", "★★★", "2 out of 5", "1")
    rows = "".join(f"2025-01-{number:02d},{star},google\n" for number, star in enumerate(stars, 1))
    assert import_text("reviews", f"posted_on,rating,source\n{rows}").added == 5
    assert sorted(read("reviews", provider.data).column("rating").to_pylist()) == [1, 2, 3, 4, 5]
