"""Ids that lost their zeros in a part of one column are told; ids of different lengths are ordinary."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector import counted
from dashboard.tables.imports.import_report import ImportReport


def customers(*ids: str) -> str:
    return "customer_id,area,started_on\n" + "".join(f"{one},A,2024-01-31\n" for one in ids)


def test_ids_with_zeros_beside_shorter_ones(import_text: Callable[..., ImportReport]) -> None:
    report = import_text("customers", customers("00011", "00012", "13", "14"))
    assert (report.exit_code, report.added) == (1, 4)
    (said,) = (text for text in report.warnings if "zeros" in text)
    assert "customer_id: 2 ids are shorter than those with zeros before them ('13' beside '00011')" in said
    assert "[columns.customer_id] pad = 5" in said


@pytest.mark.parametrize(
    "ids",
    [("1", "12", "123"), ("00011", "00012", "12345"), ("01", "002", "3"), ("00012", "C13"), ("A-01", "A-2")],
)
def test_ids_of_several_lengths_are_ordinary(import_text: Callable[..., ImportReport], ids: tuple[str, ...]) -> None:
    assert not any("zeros off" in text for text in import_text("customers", customers(*ids)).warnings)


def test_one_is_singular() -> None:
    assert counted.of(1, "row", "are") == "1 row is"
    assert counted.of(1_000, "row", "are") == "1,000 rows are"
    assert counted.of(0, "cell") == "0 cells"
