"""Leads, quotes and tests in an export of customers are none; who waits for their service, or is suspended, is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]
COLUMNS = "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on"))


def customers(name: str, *cells: str) -> str:
    rows = "".join(f"{number},A,2024-01-31,{cell}\n" for number, cell in enumerate(cells, 1))
    return f"customer_id,area,started_on,{name}\n{rows}"


@pytest.mark.parametrize("word", ["Lead", "PROSPECT", "Quoted", "Test", "Active lead", "Orçamento", "Prueba", "Лид"])
@pytest.mark.parametrize("column", ["status", "Customer type", "estado", "stage"])
def test_who_is_no_customer_yet_is_rejected_and_counted(import_text: Give, word: str, column: str) -> None:
    report = import_text("customers", customers(column, "Active", word, "Active"))
    assert (report.exit_code, report.added, report.rejected) == (1, 2, 1)
    assert (report.faults[0].line, report.faults[0].reason) == (3, "says that this is no customer, or none yet")
    assert f'= ["{word}"]' in str(report)


@pytest.mark.parametrize("name", ["is_lead", "isLead", "Prospect", "test account"])
def test_columns_of_yes_and_no(import_text: Give, name: str) -> None:
    report = import_text("customers", customers(name, "no", "yes"))
    assert [fault.line for fault in report.faults] == [3]


@pytest.mark.parametrize("word", ["Suspended", "Blocked", "New", "Pending", "Suspenso", "Geblokkeerd", "Новый"])
def test_who_waits_or_is_suspended_stays_a_customer_and_is_told(import_text: Give, word: str) -> None:
    report = import_text("customers", customers("status", "Active", word))
    assert (report.exit_code, report.added) == (0, 2)
    assert f'status: 1 row says "{word}": customers' in str(report)


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ("status", "Lead converted"),
        ("status", "Not a test"),
        ("notes", "Test"),
        ("lead_source", "Web"),
        ("type", "Home"),
    ],
)
def test_what_says_something_else_rejects_nobody(import_text: Give, column: str, word: str) -> None:
    assert import_text("customers", customers(column, "Active", word)).added == 2


def test_a_mapping_says_that_they_are_customers_or_leaves_them_out(import_text: Give) -> None:
    text = customers("status", "Active", "Lead")
    kept = import_text("customers", text, f'kind = "customers"\nignore = ["status"]\n{COLUMNS}')
    assert (kept.exit_code, kept.added) == (0, 2)
    skipped = import_text("customers", text, f'kind = "customers"\n{COLUMNS}[skip]\nstatus = "lead"\n')
    assert (skipped.skipped, skipped.rejected) == (1, 0)
