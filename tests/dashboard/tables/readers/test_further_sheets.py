"""A workbook's other sheets with the same columns are never lost in silence."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from dashboard.tables.readers.sources import Source, read

HEADER = ["customer_id", "area", "started_on", "ended_on"]
ACTIVE = [[1, "A", "2024-01-01", None], [2, "B", "2024-01-02", None]]
GONE = [[3, "A", "2024-01-01", "2024-05-01"], [4, "A", "2024-01-01", "2024-06-01"]]


def workbook(tmp_path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    kept = io.BytesIO()
    book.save(kept)
    path = tmp_path / "book.xlsx"
    path.write_bytes(kept.getvalue())
    return path


@pytest.mark.parametrize("header", [HEADER, [*HEADER[:3], "Ended on", "note"]])
def test_more_rows_under_the_same_columns_are_told(tmp_path: Path, header: list[str]) -> None:
    title = [["Those who left"], []] if header is not HEADER else []
    path = workbook(tmp_path, Active=[HEADER, *ACTIVE], Cancelled=[*title, header, *GONE])
    (said,) = read(Source(str(path)), names=frozenset(HEADER)).warnings
    assert said.startswith("the sheet 'Cancelled' holds 2 more rows under the columns of 'Active'")
    assert read(Source(str(path), sheet="Active"), names=frozenset(HEADER)).warnings == ()


@pytest.mark.parametrize(
    "other",
    [
        [["area", "manager"], ["A", "Ann"], ["B", "Bo"]],
        [HEADER],
        [HEADER, ACTIVE[0]],
        [["Total"], [2]],
    ],
)
def test_lookups_copies_and_empty_sheets_are_not(tmp_path: Path, other: list[list[object]]) -> None:
    path = workbook(tmp_path, Active=[HEADER, *ACTIVE], Other=other)
    assert read(Source(str(path)), names=frozenset(HEADER)).warnings == ()
