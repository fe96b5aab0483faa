"""Numbers are read as seconds since 1970 where a whole column can be nothing else."""

from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from dashboard.tables.dates import unix_seconds

TODAY = datetime.date(2026, 3, 1)


@pytest.mark.parametrize(
    ("cells", "way", "first"),
    [
        (["1735689600", None, "1767225600"], "unix", "2025-01-01 00:00:00Z"),
        (["1735689600.25"], "unix", "2025-01-01 00:00:00Z"),
        (["1735689600123", "0"], "unix_milliseconds", "2025-01-01 00:00:00Z"),
        (["915148800"], "unix", "1999-01-01 00:00:00Z"),
    ],
)
def test_seconds_and_thousandths(cells: list[str | None], way: str, first: str) -> None:
    column = pa.array(cells, pa.string())
    assert unix_seconds.way(column, TODAY) == way
    assert unix_seconds.as_text(column, way)[0].as_py() == first
    assert [one.is_valid for one in unix_seconds.as_text(column, way)] == [one not in (None, "0") for one in cells]


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [None],
        ["0"],
        ["20250101"],
        ["2025010110"],  # a day and an hour: as seconds it would be in 2034
        ["202501011030"],  # a day, an hour and a minute
        ["1735689600", "2025-01-01"],
        ["1735689600", "1735689600000"],
        ["4102444800"],
        ["45292"],
    ],
)
def test_anything_else_is_left(cells: list[str | None]) -> None:
    assert unix_seconds.way(pa.array(cells, pa.string()), TODAY) is None
