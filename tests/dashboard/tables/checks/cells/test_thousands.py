"""Amounts with thousands, where the other cells of the column tell."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dashboard.tables.checks.cells import cell_values


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,299", "59", "79"], [1299, 59, 79]),
        (["1.299", "59", "79"], [1299, 59, 79]),
        (["-1,299", "59"], [-1299, 59]),
        (["29.900", "59"], [None, 59]),  # with a blank thousandth, or thousands
        (["1,299", "1500"], [None, 1500]),
        (["1,299"], [None]),
        (["1,299", "0,125"], [None, None]),
    ],
)
def test_thousands_beside_whole_amounts(cells, numbers):
    parsed = cell_values.parse_numbers(pa.array(cells), has_decimal_comma=False)
    assert parsed.values.to_pylist() == numbers
