"""Columns of other programs and languages that say who has gone, without a column of last days."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]


def customers(column: str, gone: str, here: str, number: int = 30) -> str:
    rows = (f"{one},A,2024-01-{1 + one % 28:02},{gone if one % 5 == 0 else here}\n" for one in range(number))
    return f"customer_id,area,started_on,{column}\n" + "".join(rows)


@pytest.mark.parametrize(
    ("column", "gone", "here"),
    [
        ("disabled", "yes", "no"),
        ("deleted", "t", "f"),
        ("is_deleted", "1", "0"),
        ("enableuser", "0", "1"),
        ("status", "cessato", "attivo"),
        ("stav", "Ukončeno", "Aktivní"),
        ("status", "rozwiązana", "aktywna"),
        ("durum", "İptal", "Aktif"),
        ("situacao", "CAN", "ATV"),
        ("статус", "відключений", "активний"),
    ],
)
def test_who_has_gone_is_no_customer(import_text: Give, column: str, gone: str, here: str) -> None:
    report = import_text("customers", customers(column, gone, here))
    assert (report.exit_code, report.added, report.rejected) == (1, 24, 6)
    assert f"{column}: 6 rows say" in str(report)


@pytest.mark.parametrize(
    ("column", "some", "others"),
    [
        ("autopay_disabled", "yes", "no"),
        ("e-mail deleted", "1", "0"),
        ("stato_civile", "coniugato", "celibe"),
        ("situacao", "SUS", "ATV"),
        ("state", "CA", "TX"),
        ("contact_reason", "moved", ""),
        ("suspension_reason", "unpaid", ""),
        ("cancel_reason", "N/A", ""),
    ],
)
def test_what_is_about_something_else_is_taken_without_a_word(
    import_text: Give, column: str, some: str, others: str
) -> None:
    report = import_text("customers", customers(column, some, others))
    assert (report.exit_code, report.added, report.warnings) == (0, 30, ())


@pytest.mark.parametrize("column", ["cancel_reason", "Motivo cancelamento", "motivo_baja", "reden_opzegging"])
def test_a_reason_without_an_end_is_a_warning(import_text: Give, column: str) -> None:
    report = import_text("customers", customers(column, "moved", ""))
    assert (report.exit_code, report.added) == (1, 30)
    assert "6 rows say why customers went, and ended_on is blank there" in report.warnings[0]
    ended = customers(f"ended_on,{column}", "2025-05-01,moved", ",")
    assert import_text("customers", ended).exit_code == 0
