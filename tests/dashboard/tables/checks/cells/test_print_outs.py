"""Exports that are prints: headers on each page, rules of dashes, totals at the end, first lines of programs."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import read

Give = Callable[..., ImportReport]
ZONES = 'kind = "areas"\n[columns.area]\nsource = "Zone"\n[columns.name]\nsource = "Label"\n'


@pytest.mark.parametrize(
    ("text", "mapping", "reason"),
    [
        ("area,name\nA,Alfa\narea,name\nB,Beta\n", None, "repeats the header"),
        ("Zone,Label\nA,Alfa\nZone,Label\nB,Beta\n", ZONES, "repeats the header"),
        ("AREA|NAME\n-----|--------\nA    |Alfa\nB    |Beta\n", None, "is a rule of dashes"),
        ("area,name\nA,Alfa\nB,Beta\nTotal,2 areas\n", None, "is a line of totals"),
    ],
)
def test_lines_of_a_print_are_no_rows(
    import_text: Give, provider: DashboardSettings, text: str, mapping: str | None, reason: str
) -> None:
    report = import_text("areas", text, mapping)
    assert (report.exit_code, [fault.reason for fault in report.faults]) == (1, [reason])
    assert read("areas", provider.data).column("area").to_pylist() == ["A", "B"]


def test_a_plan_or_area_may_be_called_so(import_text: Give) -> None:
    rows = "Total,2025-01-01,20\nTotal TV,2025-01-01,30\nBasic,2025-01-01,10\n"
    assert import_text("prices", f"plan,valid_from,new_customer_price\n{rows}").added == 3


def test_the_first_line_of_powershell_is_passed_over(import_text: Give) -> None:
    text = '#TYPE System.Data.DataRow\r\n"customer_id","area","started_on"\r\n"1","A","2024-01-05"\r\n"2","","2024-01-05"\r\n'
    report = import_text("customers", text)
    assert (report.added, report.faults[0].line) == (1, 4)


def test_digits_of_arabic_and_persian_programs_are_digits(import_text: Give, provider: DashboardSettings) -> None:
    text = "customer_id,area,started_on,monthly_price\n١٠٠,A,٢٠٢٤-٠١-٠٥,٢٩٫٩٠\n۱۰۱,A,۲۰۲۴-۰۱-۰۶,۲۰\n"
    assert import_text("customers", text).exit_code == 0
    customers = read("customers", provider.data)
    assert sorted(customers.column("monthly_price").to_pylist()) == [20.0, 29.9]
    assert customers.column("started_on").to_pylist()[0].year == 2024


def test_clocks_that_other_programs_write(import_text: Give, provider: DashboardSettings) -> None:
    cells = [
        "2025-01-01 10:00:00+00",
        "2025-01-01 10:00 UTC",
        "2025-01-01 12:00:00+02",
        "2025-01-01 24:00",
        "15 marraskuuta 2024",
    ]
    rows = "".join(f"{number},A,{cell},slow\n" for number, cell in enumerate(cells))
    report = import_text("complaints", f"complaint_id,area,opened_at,category\n{rows}")
    assert report.faults == ()
    midnight = datetime.datetime(2025, 1, 2, tzinfo=datetime.UTC)
    november = datetime.datetime(2024, 11, 15, tzinfo=datetime.UTC)
    at = datetime.datetime(2025, 1, 1, 10, tzinfo=datetime.UTC)
    assert read("complaints", provider.data).column("opened_at").to_pylist() == [at] * 3 + [midnight, november]


def test_quotation_marks_that_are_escaped_as_mysql_does_are_no_names(import_text: Give) -> None:
    report = import_text("areas", 'area,name\n1,"A \\"x\\""\n2,Beta\n')
    assert (report.added, report.faults[0].line) == (1, 2)
    assert "has a backslash beside a quotation mark" in report.faults[0].reason
