"""Headers below titles, JSON and well-known text: what exports of others look like, read by what is in them."""

from __future__ import annotations

import datetime
import gzip
import io
import json
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.readers import header_rows, json_rows, outlines, sources
from dashboard.tables.readers.sheets import Sheet, UnreadableError
from dashboard.tables.readers.sources import Source

AS_OF = datetime.date(2026, 3, 1)
KNOWN = frozenset({"customer_id", "area", "started_on", "plan"})
HEADER, ROWS = "customer_id,area,started_on\n", "1,A,2024-01-31\n2,A,2024-02-28\n"


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def sheet_of(folder: Path, content: str | bytes, names: frozenset[str] = KNOWN) -> Sheet:
    path = folder / "given"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sources.read(Source(str(path)), names=names)


def workbook(*rows: list[object]) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


@pytest.mark.parametrize("name", ["preamble.csv", "xl_merged.xlsx"])
def test_titles_above_the_header_of_others(settings: DashboardSettings, shared: Path, name: str) -> None:
    report = import_records("customers", shared / "cases" / "records" / name, settings, as_of=AS_OF)
    assert report.exit_code == 0
    assert any("names the columns" in note for note in report.notes)


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("Customer report\nGenerated 2026-03-01\n\n", 4),
        ("Customer report,,\n,,\n", 3),
        ("Company:,ACME\nFrom:,2024-01-01\nTo:,2026-03-01\n", 4),
        ('"All customers, active and gone"\n', 2),
    ],
)
@pytest.mark.parametrize("names", [KNOWN, frozenset[str]()])
def test_the_header_is_found_below_titles(tmp_path: Path, above: str, line: int, names: frozenset[str]) -> None:
    sheet = sheet_of(tmp_path, above + HEADER + ROWS, names)
    assert list(sheet.columns) == ["customer_id", "area", "started_on"]
    assert (sheet.header, sheet.lines.tolist()) == (f"line {line}", [line + 1, line + 2])
    assert sheet.notes[-1].startswith(f"line {line} names the columns; ")


def test_two_rows_of_words_are_told_apart_by_names(tmp_path: Path) -> None:
    assert sheet_of(tmp_path, "Customer,,Contract\n" + HEADER + ROWS).header == "line 2"


@pytest.mark.parametrize(
    "text",
    [
        HEADER + ROWS,
        "Kunde,Ort,Beginn\n1,A,2024-01-31\n",
        "Kunde,,\n1,A,2024-01-31\n2,B,2024-01-31\n",
        "Kunde\n1\n2\n",
        "plan,x\n1,area\narea,plan\n",
        "1,A,2024-01-31\n2,A,2024-02-28\n",
    ],
)
def test_an_ordinary_header_is_the_first_line(tmp_path: Path, text: str) -> None:
    sheet = sheet_of(tmp_path, text)
    assert sheet.header == "line 1"
    assert not any("names the columns" in note for note in sheet.notes)


def test_a_workbook_keeps_its_row_numbers(tmp_path: Path) -> None:
    content = workbook(["Customer list"], [], ["customer_id", "area", "started_on"], [1, "A", "2024-01-31"])
    sheet = sheet_of(tmp_path, content)
    assert (sheet.header, sheet.lines.tolist()) == ("sheet 'Sheet', row 3", [4])


def test_rows_that_describe_columns_are_left_out(tmp_path: Path) -> None:
    text = 'ResponseId,Q1\nResponse ID,How likely?\n"{""ImportId"":""_recordId""}","{""ImportId"":""QID1""}"\nR_1,9\n'
    sheet = sheet_of(tmp_path, text)
    assert sheet.columns["q1"].to_pylist() == ["9"]
    assert sheet.lines.tolist() == [4]


def test_the_first_of_equally_good_rows_is_the_header() -> None:
    rows = [["title", None, None], ["area", "plan", "x"], ["area", "plan", "x"]]
    assert header_rows.found(rows, KNOWN) == 1
    assert header_rows.found([["title"]], KNOWN) == 0


OBJECTS = [
    {"customer_id": 1, "area": "A", "started_on": "2024-01-31", "left": None, "tags": ["x"]},
    {
        "customer_id": "2",
        "area": "A",
        "started_on": "2024-02-28",
        "is_active": True,
        "address": {"city": {"name": "Porto"}},
    },
]
LINES = "\n".join(json.dumps(one) for one in OBJECTS)


@pytest.mark.parametrize(
    "content",
    [
        LINES.encode(),
        b"\xef\xbb\xbf" + LINES.encode() + b"\n\n",
        json.dumps(OBJECTS).encode(),
        json.dumps({"total": 2, "data": OBJECTS}, indent=1).encode(),
        gzip.compress(LINES.encode()),
    ],
)
def test_json_of_any_shape(settings: DashboardSettings, tmp_path: Path, content: bytes) -> None:
    sheet = sheet_of(tmp_path, content)
    assert sheet.columns["address.city.name"].to_pylist() == [None, "Porto"]
    assert sheet.columns["is_active"].to_pylist() == [None, "true"]
    assert "tags" not in sheet.columns
    report = import_records("customers", tmp_path / "given", settings, as_of=AS_OF)
    assert (report.exit_code, report.added) == (0, 2)


def test_a_line_that_is_no_object_costs_itself(tmp_path: Path) -> None:
    sheet = sheet_of(tmp_path, '{"area": "A"}\n{"area": \n[1]\n{"area": "B"}\n' + '{"a":' * 20_000 + "\n")
    assert sheet.columns["area"].to_pylist() == ["A", "B"]
    assert [fault.line for fault in sheet.faults] == [2, 3, 5]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[1, 2]", "{", "[]", '{"a": [1]} x'])
def test_json_that_holds_no_records_is_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnreadableError, match="JSON"):
        sheet_of(tmp_path, text)


def test_json_is_told_by_how_it_begins() -> None:
    assert json_rows.looks_like_json(b"\xef\xbb\xbf [1]")
    assert not json_rows.looks_like_json(b"customer_id,area")


SQUARE = [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]


@pytest.mark.parametrize(
    ("text", "coordinates"),
    [
        ("POLYGON((0 0,0 1,1 1,0 0))", [SQUARE]),
        (" polygon (( 0 0 , 0 1, 1.0 1.,0 .0)) ", [SQUARE]),
        ("SRID=4326;POLYGON Z ((0 0 5,0 1 5,1 1 5,0 0 5))", [SQUARE]),
        ("MULTIPOLYGON(((0 0,0 1,1 1,0 0)),((0 0,0 1,1 1,0 0)))", [[SQUARE], [SQUARE]]),
        ("POLYGONZM((0 0 1 2,0 1 1 2,1 1 1 2,0 0 1 2))", [SQUARE]),
        ("POLYGON((-0 0,0 1e0,+1 1,0 0))", [SQUARE]),
    ],
)
def test_well_known_text_is_an_outline(text: str, coordinates: list[object]) -> None:
    (outline,), refused = outlines.parse_outlines(pa.array([text]))
    assert not refused
    assert json.loads(outline.as_py())["coordinates"] == coordinates


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("POINT(1 2)", "is not a POLYGON or MULTIPOLYGON"),
        ("POLYGON EMPTY", "has no coordinates"),
        ("SRID=3857;POLYGON((0 0,0 1,1 1,0 0))", "SRID 3857"),
        ("POLYGON((0 0,0 1,1 1))", "has a ring that is not closed"),
        ("POLYGON((0 0,0 100,1 1,0 0))", "is not in longitude and latitude"),
        ("POLYGON((0 0,a b,1 1,0 0))", "has a ring that is not a list of positions"),
        ("0103000000010000000500000000000000000000000000", "well-known binary"),
        ("(0 0, 1 1)", "is neither GeoJSON nor well-known text"),
    ],
)
def test_what_is_no_outline_says_why(text: str, why: str) -> None:
    _, refused = outlines.parse_outlines(pa.array([text]))
    assert why in refused[0]


def test_areas_of_others_in_well_known_text(settings: DashboardSettings, shared: Path, tmp_path: Path) -> None:
    report = import_records("areas", shared / "cases" / "records" / "wkt_areas.csv", settings, as_of=AS_OF)
    assert (report.exit_code, report.added) == (0, 1)
    (tmp_path / "qgis.csv").write_text('area,name,WKT\nB,B town,"POLYGON ((0 0, 0 1, 1 1, 0 0))"\n')
    report = import_records("areas", tmp_path / "qgis.csv", settings, as_of=AS_OF)
    assert "the outlines are read from wkt" in report.notes
    assert read("areas", settings.data).column("geometry").null_count == 0
