"""Exports with hundreds of columns that nothing takes, and databases that are not there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest

from dashboard.tables.checks.columns.who_left import departures
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.readers import sources
from dashboard.tables.readers.databases import read_database
from dashboard.tables.readers.sheets import MOST_COLUMNS, UnreadableError, column_names
from dashboard.tables.readers.sources import Source


def test_more_columns_than_any_export_has_are_refused() -> None:
    names = [f"x{one}" for one in range(MOST_COLUMNS)]
    assert column_names(names, "line 1") == names
    with pytest.raises(UnreadableError, match="line 1: 3,001 columns, more than 3,000, are no export of records"):
        column_names([*names, "y"], "line 1")


def test_twenty_of_the_columns_that_are_not_stored_are_named() -> None:
    report = ImportReport("areas", Source("a.csv"), dropped_columns=tuple(f"x{one}" for one in range(500)))
    assert "columns not stored: x0, x1, x2," in str(report)
    assert str(report).splitlines()[1].endswith("x19 and 480 more")


@pytest.mark.parametrize(
    ("cells", "may_be"),
    [
        (["2025-01-31", None, "2025-02-28"], True),
        (["45000", None, "45010"], True),
        (["31 jan 2025", None, "28 feb 2025"], True),
        (["7", None, "12"], False),
        (["fibre 100", None, "fibre 200"], False),
        (["2025-01-31", "2025-02-28", "2025-02-28"], False),
        ([None, None], False),
    ],
)
def test_only_columns_that_may_hold_last_days_are_read_for_them(cells: list[str | None], may_be: bool) -> None:
    assert departures._may_hold_last_days(pa.array(cells, pa.string())) is may_be


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "not here.db"
    with pytest.raises(UnreadableError, match=r"there is no such file: .*not here\.db"):
        sources.read(Source(f"sqlite:///{path}", table="x"))
    assert not path.exists()


def test_a_sqlite_file_is_opened_to_be_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "it's 100% here.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE x (area)")
    before = path.read_bytes()
    assert read_database(f"sqlite:///{path}", table="x").rows_read == 0
    with pytest.raises(UnreadableError, match="readonly"):
        read_database(f"sqlite:///{path}", query="INSERT INTO x VALUES (1) RETURNING area")
    assert path.read_bytes() == before
