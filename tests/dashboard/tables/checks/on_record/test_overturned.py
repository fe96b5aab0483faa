"""One file that changes most of what is on record: numbers used again, customers moved, names exchanged."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.storage.snapshots import read

Give = Callable[..., ImportReport]
MAPPING = """kind = "complaints"
title = "numbers that start again"
[columns.complaint_id]
source = ["opened_at", "complaint_id"]
[columns.customer_id]
source = "customer_id"
[columns.opened_at]
source = "opened_at"
[columns.category]
source = "category"
"""


def tickets(month: int, *, first: int = 0, customer: int = 0, number: int = 20, hour: int = 10) -> str:
    rows = (
        f"T{first + one},{1000 + customer + one},2025-{month:02}-{1 + one:02} {hour}:00,connection\n"
        for one in range(number)
    )
    return "complaint_id,customer_id,opened_at,category\n" + "".join(rows)


def customers(areas: str, number: int = 50) -> str:
    rows = (f"{one},{areas[one % len(areas)]},2024-01-{1 + one % 28:02}\n" for one in range(number))
    return "customer_id,area,started_on\n" + "".join(rows)


def test_numbers_that_start_again_do_not_replace_what_is_on_record(
    provider: DashboardSettings, import_text: Give
) -> None:
    import_text("complaints", tickets(10))
    report = import_text("complaints", tickets(11, customer=50))
    assert report.exit_code == 2
    assert "20 of the 20 complaints that would change have a complaint_id that is on record with another" in str(report)
    assert import_text("complaints", tickets(11, customer=50), MAPPING).exit_code == 0
    assert read("complaints", provider.data).num_rows == 40


def test_few_numbers_used_again_are_a_warning(import_text: Give) -> None:
    import_text("complaints", tickets(10))
    report = import_text("complaints", tickets(11, customer=50, number=2))
    assert report.exit_code == 1
    assert "2 of the 2 complaints that change have a complaint_id that was on record" in report.warnings[0]


@pytest.mark.parametrize(
    "text",
    [
        tickets(10, hour=12),
        tickets(10, customer=50),
        tickets(11),
        tickets(11, first=20),
        tickets(10).replace(",connection", ",slow"),
    ],
    ids=["another clock", "other customers", "other days", "later numbers", "another category"],
)
def test_corrections_of_the_same_complaints_are_taken(import_text: Give, text: str) -> None:
    import_text("complaints", tickets(10))
    report = import_text("complaints", text)
    assert (report.exit_code, report.rejected) == (0, 0)


@pytest.mark.parametrize(("moved", "warns"), [(50, True), (11, True), (10, False), (3, False)])
def test_most_customers_do_not_move_at_once(import_text: Give, moved: int, warns: bool) -> None:
    import_text("customers", customers("AB"))
    lines = customers("AB").splitlines()
    other = {",A,": ",B,", ",B,": ",A,"}
    changed = [line.replace(old := line[line.index(",") :][:3], other[old]) for line in lines[1 : moved + 1]]
    report = import_text("customers", "\n".join([lines[0], *changed, *lines[moved + 1 :]]) + "\n")
    assert report.changed == moved
    said = f"{moved} of 50 customers moved to another neighbourhood"
    assert (report.exit_code, any(said in warning for warning in report.warnings)) == (int(warns), warns)


def test_names_of_areas_that_are_exchanged(import_text: Give) -> None:
    import_text("areas", "area,name\nA,Alfa\nB,Beta\nC,Gama\n")
    report = import_text("areas", "area,name\nA,Beta\nB,Alfa\nC,Gama\n")
    assert report.exit_code == 1
    assert "2 neighbourhoods have the name that another one had ('A' is now 'Beta', as 'B' was)" in str(report)
    assert import_text("areas", "area,name\nA,Beta (new)\nB,Alfa\nC,Gama\n").exit_code == 0
