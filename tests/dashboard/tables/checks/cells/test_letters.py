"""Names that look alike and have letters of two alphabets are told with the letter."""

from __future__ import annotations

import pytest

from dashboard.tables.checks.cells.letters import told

CYRILLIC = "N\u043erte"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CYRILLIC, f"{CYRILLIC} (its \u043e is U+043E, CYRILLIC SMALL LETTER O)"),
        ("Norte", "Norte"),
        ("São João 2", "São João 2"),
        ("Северный", "Северный"),
        ("北区 B", "北区 B"),
    ],
)
def test_only_letters_of_another_alphabet_are_told(text: str, expected: str) -> None:
    assert told(text) == expected


def test_an_import_names_the_letter_by_which_areas_differ(import_text) -> None:
    import_text("areas", "area,name\nNorte,Norte\n")
    report = import_text(
        "customers", f"customer_id,area,started_on\n1,{CYRILLIC},2024-01-31\n2,{CYRILLIC},2024-01-31\n"
    )
    assert "U+043E, CYRILLIC SMALL LETTER O" in str(report)
