"""A word of a state counts only where the column is about the customer; codes that nobody knows are asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.tables.checks.columns.subjects import is_of_customer, is_of_something_else
from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]


def customers(column: str, *cells: str) -> str:
    rows = (f"{one},A,2024-01-{1 + one % 28:02},{cells[one % len(cells)]}\n" for one in range(20))
    return f"customer_id,area,started_on,{column}\n" + "".join(rows)


@pytest.mark.parametrize("name", ["active", "is_active", "isactive", "cli_ativado", "contrato_ativo", "service_active"])
def test_whether_a_customer_is_active(name: str) -> None:
    assert is_of_customer(name, ["active", "ativ"])


@pytest.mark.parametrize("name", ["newsletter_active", "autopay_active", "gpon_active", "activex", "active_tickets"])
def test_whether_something_else_is(name: str) -> None:
    assert not is_of_customer(name, ["activ"]) or name == "activex"


@pytest.mark.parametrize("name", ["credit_status", "last_payment_status", "onu_status", "tax_status", "email_enabled"])
def test_states_of_something_else(name: str) -> None:
    assert is_of_something_else(name)


@pytest.mark.parametrize("name", ["status", "contract_status", "syntax_status", "privatkunden_status"])
def test_states_that_may_be_the_customers(name: str) -> None:
    assert not is_of_something_else(name)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("credit_status", ("Approved", "Declined")),
        ("kyc_status", ("Rejected", "Verified")),
        ("email_enabled", ("yes", "no")),
        ("newsletter_active", ("1", "0")),
        ("autopay_enabled", ("true", "false")),
        ("newsletter_cancelled", ("yes", "no")),
        ("onu_status", ("Disconnected", "Online")),
        ("invoice_state", ("Void", "Paid")),
        ("status", ("VIP", "Regular")),
    ],
)
def test_what_is_about_something_else_rejects_nobody(import_text: Give, column: str, cells: tuple[str, str]) -> None:
    report = import_text("customers", customers(column, *cells))
    assert (report.exit_code, report.added, report.warnings) == (0, 20, ())


@pytest.mark.parametrize(
    ("column", "gone", "here"),
    [("situacao", "C", "N"), ("status", "C", "V"), ("cli_ativado", "n", "s"), ("contract_cancelled", "yes", "no")],
)
def test_who_has_gone_by_a_code(import_text: Give, column: str, gone: str, here: str) -> None:
    report = import_text("customers", customers(column, here, here, here, gone))
    assert (report.exit_code, report.added, report.rejected) == (1, 15, 5)


@pytest.mark.parametrize(
    ("column", "cells"), [("status", ("0", "1")), ("situacao", ("S", "N")), ("status", ("Slēgts", "Spēkā"))]
)
def test_codes_that_nobody_knows_are_asked_about(import_text: Give, column: str, cells: tuple[str, str]) -> None:
    report = import_text("customers", customers(column, *cells))
    assert (report.exit_code, report.added) == (1, 20)
    assert f'{column}: whether "{cells[0]}" (10), "{cells[1]}" (10) say' in report.warnings[0]
    ended = customers(f"ended_on,{column}", *(f"2025-05-01,{cell}" for cell in cells))
    assert "is not known" not in str(import_text("customers", ended))
