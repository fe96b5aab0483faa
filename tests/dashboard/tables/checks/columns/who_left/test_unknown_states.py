"""Words and codes of states that nobody knows are told beside those that are known, and sessions are not customers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dashboard.tables.imports.import_report import ImportReport

Give = Callable[..., ImportReport]


def customers(column: str, *cells: str) -> str:
    rows = (f"{one},A,2024-01-{1 + one % 28:02},{cells[one % len(cells)]}\n" for one in range(24))
    return f"customer_id,area,started_on,{column}\n" + "".join(rows)


@pytest.mark.parametrize(
    ("column", "cells", "rejected", "unknown"),
    [
        ("status", ("Active", "Cancelled", "Zonder naam"), 8, '"Zonder naam" (8) says'),
        ("status_internet", ("A", "D", "CM", "FA"), 6, None),
        ("status", ("A", "I", "Q7"), 8, '"Q7" (8) says'),
        ("status", ("AKTİF", "PASİF"), 12, None),
        ("estado_contrato", ("Em vigor", "Denunciado", "Caducado"), 16, None),
        ("statut", ("Actif", "En cours de résiliation"), 0, None),
        ("állapot", ("Aktív", "Felmondva", "Felfüggesztve"), 8, None),
        ("notes", ("good payer", "cancelled autopay 2023"), 0, None),
        ("tags", ("vip", "churn-risk"), 0, None),
        ("status_id", ("1", "2", "3"), 0, '"1" (8), "2" (8), "3" (8) say'),
        ("status_pppoe", ("conectado", "desconectado"), 0, '"desconectado" (12) says'),
        ("stan_umowy", ("aktywna", "wygasła", "zawieszona"), 8, None),
        ("status", ("Active", "Fraud"), 12, None),
        ("state", ("CA", "TX"), 0, None),
        ("status", ("Active", "Suspended", "New"), 0, None),
    ],
)
def test_what_is_not_known_is_told(
    import_text: Give, column: str, cells: tuple[str, ...], rejected: int, unknown: str | None
) -> None:
    report = import_text("customers", customers(column, *cells))
    assert (report.added, report.rejected) == (24 - rejected, rejected)
    assert report.exit_code == (1 if rejected or (unknown and not rejected) else 0)
    assert (f"{column}: whether {unknown}" in str(report)) if unknown else ("is not known" not in str(report))


def test_to_skip_a_word_that_others_have_with_an_end_loses_their_departures(import_text: Give) -> None:
    text = customers("ended_on,status", "2025-05-01,Cancelled", ",Active", ",Cancelled")
    assert "would leave out also those of them who have an end" in str(import_text("customers", text))
    assert 'or leave them out with [skip] "status" = ["Cancelled"]' in str(
        import_text("customers", customers("status", "Active", "Cancelled"))
    )
