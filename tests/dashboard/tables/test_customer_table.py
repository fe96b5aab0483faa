"""A provider's own customer table: what is read, what is refused and why, and that counts add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dashboard.tables import customer_table
from dashboard.tables.customer_table import CustomerTableError
from dashboard.tables.mappings import customer_mapping
from settings_file import SettingsError

MAPPING = """
id = "Customer No"
area = "area"
quality = ["loss"]
[outcome]
column = "Left"
yes = "Y"
"""
MESS = """Customer No,Left,area,loss,price,plan,same
1,Y,north,0.5,"1,200.50",a,x
2,N,north,,€ 20,b,x
3,Y,,1e-3,NA,a,x
2,N,south,0.25,30,b,x
,N,south,0.25,30,b,x
5,,south,0.25,30,b,x
6,N,south,many,30,b,x
7,N,south,0.25
8,N,south,0.25,30%,b,x
"""


def _read(tmp_path: Path, text: str, mapping: str = MAPPING, like=None, name: str = "table.csv"):
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    (tmp_path / name).write_text(text, encoding="utf-8")
    return customer_table.read(tmp_path / name, customer_mapping.load(tmp_path / "mapping.toml"), like=like)


def test_a_messy_table_is_read_and_its_rows_add_up(tmp_path):
    table = _read(tmp_path, MESS)
    assert table.ids.tolist() == ["1", "2", "3", "6", "8"]
    assert table.lines.tolist() == [2, 3, 4, 8, 10]
    assert table.outcome.tolist() == [1, 0, 1, 0, 0]
    assert table.area.tolist() == ["north", "north", None, "south", "south"]
    np.testing.assert_array_equal(table.predictors["price"], [1200.5, 20, np.nan, 30, 30])
    np.testing.assert_array_equal(table.predictors["loss"], [0.5, np.nan, 0.001, np.nan, 0.25])
    assert table.predictors["plan"].tolist() == ["a", "b", "a", "b", "b"]
    assert table.rows_read == 9 == len(table) + sum(table.refused.values())
    assert table.notes == (
        "same: left out, it is the same for everybody",
        "area: blank in 1 rows: they are in no area, and count otherwise",
    )
    told = {(fault.line, fault.column): fault.reason for fault in table.faults}
    assert told == {
        (9, None): "has 4 cells, the header 7",
        (5, "customer_no"): "stands there twice: the first time on line 3",
        (6, "customer_no"): "is blank",
        (7, "left"): "is blank",
        (8, "loss"): "is not a number: counts as missing",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("id =", "nonsense = 1\nid ="), "nonsense: unknown key"),
        (('yes = "Y"', ""), r"outcome\.yes: is required"),
        (('"area"', '"Customer No"'), "area: the column 'Customer No' is named under id already"),
        (('yes = "Y"', 'yes = "Y"\nno = "Y"'), r"outcome\.no: is the same"),
        (("id =", 'decimal = ";"\nid ='), "decimal: must be one of"),
    ],
)
def test_a_bad_mapping_is_named(tmp_path, change, message):
    with pytest.raises(SettingsError, match=message):
        _read(tmp_path, MESS, MAPPING.replace(*change))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Customer No,Left,area,loss\n", "has a header and no rows"),
        (
            "Customer,Left,area,loss\n1,Y,a,1\n",
            r"has no column 'Customer No', which the mapping names as id; it has cust",
        ),
        (
            "Customer No,Left,area,loss\n1,Yes,a,1\n2,No,a,1\n",
            r"left: nobody has outcome\.yes = 'Y'; there stands 'Yes'",
        ),
        ("Customer No,Left,area,loss\n1,Y,a,1\n2,N,a,1\n3,M,a,1\n", r"'N' in 1 rows, 'M' in 1 rows: name the one"),
        ("Customer No,Left,area,loss\n1,Y,a,1\n2,Y,a,1\n", "left: is the same in all 2 rows"),
        ("Customer No,Left,area,loss\n1,Y,a,good\n2,N,a,bad\n", "loss: named under quality, and most of its cells"),
        ("", "is empty"),
    ],
)
def test_a_table_that_cannot_be_used_says_why(tmp_path, text, message):
    with pytest.raises(CustomerTableError, match=message) as error:
        _read(tmp_path, text)
    assert "table.csv" in str(error.value)


def test_a_third_outcome_is_left_out_by_line_once_no_is_named(tmp_path):
    text = "Customer No,Left,area,loss\n1,Y,a,1\n2,N,a,2\n3,maybe,a,3\n"
    table = _read(tmp_path, text, MAPPING + 'no = "N"\n')
    assert table.refused == {"left: says neither yes nor no": 1}
    assert [(f.line, f.column) for f in table.faults] == [(4, "left")]


def test_text_of_many_values_is_left_out_unless_named(tmp_path):
    rows = "".join(f"{i},{'YN'[i % 2]},a,{i},person {i}\n" for i in range(150))
    table = _read(tmp_path, "Customer No,Left,area,loss,who\n" + rows)
    assert "who" not in table.predictors
    assert any("who: left out, text with 150 different values" in note for note in table.notes)
    named = MAPPING.replace("[outcome]", 'categories = ["who"]\n[outcome]')
    assert "who" in _read(tmp_path, "Customer No,Left,area,loss,who\n" + rows, named).predictors


def test_a_decimal_comma(tmp_path):
    text = "Customer No;Left;area;loss\n1;Y;a;0,5\n2;N;a;1.200,25\n"
    table = _read(tmp_path, text, 'decimal = ","\n' + MAPPING)
    assert table.predictors["loss"].tolist() == [0.5, 1200.25]


def test_parquet_is_read_like_csv(tmp_path):
    _read(tmp_path, MESS)
    frame = pd.DataFrame(
        {
            "Customer No": [1, 2, 3, 3],
            "Left": ["Y", "N", "Y", "N"],
            "area": pd.Categorical(["n", "s", None, "s"]),
            "loss": [0.5, np.nan, np.inf, 2.0],
            "calls": [1, 2, 3, 4],
            "is_new": [True, False, True, False],
            "parts": [[1], [2], [3], [4]],
        }
    )
    frame.to_parquet(tmp_path / "table.parquet")
    table = customer_table.read(tmp_path / "table.parquet", customer_mapping.load(tmp_path / "mapping.toml"))
    assert table.ids.tolist() == ["1", "2", "3"]
    np.testing.assert_array_equal(table.predictors["loss"], [0.5, np.nan, np.nan])
    assert table.predictors["calls"].tolist() == [1, 2, 3]
    assert table.predictors["is_new"].tolist() == ["true", "false", "true"]
    assert list(table.predictors) == ["loss", "calls", "is_new"]


def test_a_table_to_score_needs_no_outcome_and_says_what_is_new(tmp_path):
    learnt = _read(tmp_path, MESS)
    text = "customer no,area,price,LOSS,plan\n10,west,5,0.5,z\n11,west,,x,a\n"
    table = _read(tmp_path, text, like=learnt, name="score.csv")
    assert table.outcome is None
    assert list(table.predictors) == list(learnt.predictors)
    assert table.notes == ("plan: 1 rows have a value that table.csv never has (z): scored as other",)
    assert [(f.line, f.column) for f in table.faults] == [(3, "loss")]
    with pytest.raises(CustomerTableError, match=r"score\.csv: has no column 'price', which .*table\.csv has"):
        _read(tmp_path, "customer no,area,loss,plan\n10,west,0.5,z\n", like=learnt, name="score.csv")
