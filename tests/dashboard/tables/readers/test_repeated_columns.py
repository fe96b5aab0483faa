"""Exports that say a column's name twice, as Jira's say Labels for each label."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records

HEADER = "Issue key,Custom field (Customer number),Area,Created,Labels,Labels,Summary\n"
ROWS = "SUP-1,7,A,2025-01-02,down,,x\nSUP-2,8,A,2025-01-03,vip,slow,x\n"
MAPPING = """kind = "complaints"
[columns.complaint_id]
source = "Issue key"
[columns.area]
source = "Area"
[columns.opened_at]
source = "Created"
[columns.category]
source = "{source}"
default = "other"
{words}
"""
WORDS = '[columns.category.words]\nslow = ["slow"]\nconnection = ["down"]'
Give = Callable[..., ImportReport]


@pytest.fixture
def give(tmp_path: Path) -> Give:
    settings = DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key")

    def of(kind: str, text: str, mapping: str | None = None) -> ImportReport:
        (tmp_path / "file.csv").write_text(text)
        (tmp_path / "own.toml").write_text(mapping or "")
        named = str(tmp_path / "own.toml") if mapping else None
        day = datetime.date(2026, 3, 1)
        return import_records(kind, tmp_path / "file.csv", settings, as_of=day, mapping=named)

    return of


def test_names_that_the_mapping_does_not_read_do_not_matter(give: Give) -> None:
    report = give("complaints", HEADER + ROWS, MAPPING.format(source="Summary", words=WORDS))
    assert report.added == 2
    assert {"labels", "labels 2"} <= set(report.dropped_columns)


def test_words_are_looked_for_in_all_of_them(give: Give) -> None:
    report = give("complaints", HEADER + ROWS, MAPPING.format(source="Labels", words=WORDS))
    assert report.added == 2
    assert "default" not in str(report)
    assert not any(name.startswith("labels") for name in report.dropped_columns)


def test_one_value_of_several_that_differ_is_refused_by_name(give: Give) -> None:
    report = give("complaints", HEADER + ROWS, MAPPING.format(source="Labels", words=""))
    assert report.failure is not None
    assert "line 1: the column labels stands there twice, and the two differ on line 3" in report.failure


@pytest.mark.parametrize(("second", "added"), [("A", 1), ("", 1), ("B", 0)])
def test_without_a_mapping_they_are_read_where_they_agree(give: Give, second: str, added: int) -> None:
    report = give("customers", f"customer_id,area,Area,started_on\n1,A,{second},2024-01-01\n")
    assert report.added == added
    assert (report.failure is None) == bool(added)
