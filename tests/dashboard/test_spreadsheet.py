"""CSV that people open: what would begin a formula is text again, and numbers are numbers."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from dashboard import spreadsheet


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1+1",
        "\tplain",
        "\rplain",
        " =1+1",
        "\u00a0=1+1",
        "\ufeff=1+1",
        '"=1+1',
        '" "=1+1',
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
    ],
)
def test_what_begins_a_formula_becomes_text(text):
    told = spreadsheet.inert(text)
    assert told.startswith("'")
    assert told.replace("'", "") == text.replace("'", "")
    (row,) = csv.reader(io.StringIO(spreadsheet.rows([[text]]), newline=""))
    assert row == [told]


@pytest.mark.parametrize("text", ["Dunmere", "", "a=b", "5-7", "x@y", "'=1", "(-1)", "n/a; 40% (-2)", "−3 dB"])
def test_other_text_is_left_alone(text):
    assert spreadsheet.inert(text) == text


def test_a_separator_or_line_end_within_a_text_begins_no_formula_either():
    assert spreadsheet.inert("Dock;=1+1") == "Dock;'=1+1"
    assert spreadsheet.inert('Dock\n"=1+1') == "Dock\n'\"=1+1"


def test_numbers_stay_numbers():
    frame = pd.DataFrame(
        {
            "area": ["-5", "n02"],
            "excess": [-12.345678, math.nan],
            "rank": pd.array([-1, None], dtype="Int64"),
            "mixed": [-3, "-3"],
        }
    )
    assert spreadsheet.table(frame) == "area,excess,rank,mixed\r\n'-5,-12.3457,-1,-3\r\nn02,,,'-3\r\n"
    assert spreadsheet.rows([(-1, -2.5, None)]) == "-1,-2.5,\r\n"


def test_a_header_is_text_too():
    assert spreadsheet.table(pd.DataFrame({"=1+1": [1]})) == "'=1+1\r\n1\r\n"


def test_a_table_without_rows_keeps_its_header():
    assert spreadsheet.table(pd.DataFrame(columns=["area", "name"])) == "area,name\r\n"


def test_nothing_else_writes_csv():
    """A writer that is not the one above would not defuse formulas."""
    root = Path(spreadsheet.__file__).parent
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert path.name == "spreadsheet.py" or not re.search(r"\.to_csv\(|csv\.(writer|DictWriter)", text), path
