"""Nobody has left who stands on another sheet of the same workbook."""

from __future__ import annotations

import datetime
from pathlib import Path

import openpyxl
import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.readers.sources import Source

AS_OF = datetime.date(2026, 3, 8)
HEADER = ("customer_id", "area", "started_on")
WEST, EAST = range(100, 130), range(130, 140)


def rows(ids: range) -> list[tuple[str, str, str]]:
    return [(f"C{n}", "A", f"2024-01-{1 + n % 28:02}") for n in ids]


def give(provider: DashboardSettings, path: Path, sheet: str | None = None, **said: bool | str) -> ImportReport:
    return import_records("customers", Source(str(path), sheet=sheet), provider, as_of=AS_OF, **said)  # type: ignore[arg-type]


@pytest.fixture
def by_area(provider: DashboardSettings) -> Path:
    """A workbook with a sheet for each area, of customers who are all on record."""
    book = openpyxl.Workbook()
    for title, ids in (("West", WEST), ("East", EAST)):
        sheet = book.create_sheet(title)
        for row in (HEADER, *rows(ids)):
            sheet.append(row)
    book.remove(book.worksheets[0])
    path = provider.data.parent / "by_area.xlsx"
    book.save(path)
    lines = [HEADER, *rows(range(WEST.start, EAST.stop))]
    whole = provider.data.parent / "whole.csv"
    whole.write_text("".join(",".join(line) + "\n" for line in lines))
    assert import_records("customers", whole, provider, as_of=AS_OF).added == 40
    return path


def active(provider: DashboardSettings) -> int:
    newest = {row["customer_id"]: row["ended_on"] for row in read("customers", provider.data).to_pylist()}
    return sum(ended is None for ended in newest.values())


@pytest.mark.parametrize("said", [{"absent": "left"}, {"absent": "left", "even_if_most": True}, {}])
def test_one_sheet_of_several_ends_nobody(
    provider: DashboardSettings, by_area: Path, said: dict[str, bool | str]
) -> None:
    report = give(provider, by_area, **said)
    assert report.exit_code == 2
    assert "more rows under the same columns, on 1 other sheet ('East')" in str(report.failure)
    assert active(provider) == 40


def test_each_sheet_by_its_name_brings_back_whom_an_import_had_ended(
    provider: DashboardSettings, by_area: Path
) -> None:
    assert give(provider, by_area, "West", absent="left").ended == 10
    assert active(provider) == 30
    (said,) = give(provider, by_area, absent="stay").warnings
    assert (
        "--sheet 'East' (customers: and --absent stay, and --came-back too where an earlier import ended them)" in said
    )
    assert give(provider, by_area, "East", absent="stay", came_back=True).exit_code == 0
    assert active(provider) == 40
