"""Files that would fill the memory, files cut off or damaged, and archives: each read, or refused in one sentence."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.tables.readers import sources
from dashboard.tables.readers.sheets import Sheet, UnreadableError
from dashboard.tables.readers.sources import Source

SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
SHARED = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{}</t></si></sst>'


def workbook(rows: int = 3) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["customer_id", "area", "started_on"])
    for number in range(rows):
        sheet.append([number, "São João", datetime.date(2024, 1, 31)])
    file = io.BytesIO()
    book.save(file)
    return with_shared_strings(file.getvalue())


def with_shared_strings(content: bytes) -> bytes:
    """The workbook with its repeated text where Excel keeps texts, in a part of its own."""
    shared = SHARED.format("São João")
    with zipfile.ZipFile(file := io.BytesIO(content), "a") as archive:
        archive.writestr(STRINGS, shared)
    inline = '<c r="B{0}" t="inlineStr"><is><t>São João</t></is></c>'
    kind = '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
    made = rewritten(file.getvalue(), "[Content_Types].xml", lambda xml: xml.replace("</Types>", f"{kind}</Types>"))

    def moved(xml: str) -> str:
        for row in range(2, 60):
            xml = xml.replace(inline.format(row), f'<c r="B{row}" t="s"><v>0</v></c>')
        return xml

    return rewritten(made, SHEET, moved)


def rewritten(content: bytes, name: str, change: Callable[[str], str]) -> bytes:
    """The workbook with its part ``name`` changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            text = old.read(member)
            new.writestr(member, change(text.decode()).encode() if member == name else text)
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_csv", ".csv"), content)
    return file.getvalue()


def read(folder: Path, content: bytes, *, may_be_geojson: bool = False) -> Sheet:
    path = folder / "export"
    path.write_bytes(content)
    return sources.read(Source(str(path)), may_be_geojson=may_be_geojson)


def refused(folder: Path, content: bytes, *, may_be_geojson: bool = False) -> str:
    with pytest.raises(UnreadableError) as error:
        read(folder, content, may_be_geojson=may_be_geojson)
    assert "\n" not in str(error.value)
    return str(error.value)


FAR = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


def to_the_right(rows: int) -> str:
    """Rows after the table with a cell each in Excel's last column."""
    return "".join(f'<row r="{row}"><c r="XFD{row}"><v>1</v></c></row>' for row in range(5, 5 + rows))


def test_a_cell_far_away_does_not_hide_the_table(tmp_path: Path) -> None:
    sheet = read(tmp_path, rewritten(workbook(), SHEET, lambda xml: xml.replace("</sheetData>", FAR)))
    assert sheet.columns["customer_id"].to_pylist() == ["0", "1", "2"]
    assert any("cells to the right of the columns that row 1 names" in note for note in sheet.notes)


def test_rows_beyond_the_size_that_the_sheet_states_are_read(tmp_path: Path) -> None:
    small = rewritten(workbook(), SHEET, lambda xml: xml.replace('ref="A1:C4"', 'ref="A1:B2"'))
    assert read(tmp_path, small).columns["started_on"].to_pylist() == ["2024-01-31 00:00:00"] * 3


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        (SHEET, lambda xml: xml.replace('r="4"', 'r="99999999999"'), "cells far beyond its table"),
        (
            SHEET,
            lambda xml: xml.replace("</sheetData>", to_the_right(4_000) + "</sheetData>"),
            "cells far beyond its table",
        ),
        (SHEET, lambda xml: xml.replace('r="4"', 'r="3"'), "has row 3 after row 3"),
        (
            SHEET,
            lambda xml: xml.replace("<sheetData>", "<sheetData><row>" + "<c/>" * 400_000 + "</row>"),
            "larger or deeper",
        ),
        (
            SHEET,
            lambda xml: xml.replace("</sheetData>", "</sheetData>" + "<a>" * 300 + "</a>" * 300),
            "larger or deeper",
        ),
        (SHEET, lambda xml: xml.replace("<v>1<", "<v>" + "1" * 60_000_000 + "<"), "far more than records do"),
        (STRINGS, lambda xml: xml.replace("São João", "S" * 60_000_000), "far more than records do"),
        (STRINGS, lambda xml: ENTITIES + xml.replace("São João", "&b;"), "declares a document type"),
        (SHEET, lambda xml: ENTITIES + xml, "declares a document type"),
        ("xl/styles.xml", lambda xml: ENTITIES + xml, "declares a document type"),
        (SHEET, lambda xml: xml[: len(xml) // 2], "is damaged or incomplete"),
        (STRINGS, lambda xml: xml.replace("<si>", "<so>"), "is damaged or incomplete"),
        (SHEET, lambda xml: xml.replace("<v>0<", "<v>7<"), "is damaged or incomplete"),
        ("xl/workbook.xml", lambda xml: "", "is damaged or incomplete"),
        ("xl/_rels/workbook.xml.rels", lambda xml: xml.replace("sheet1", "sheet7"), "is empty: no sheet"),
    ],
)
def test_a_workbook_that_would_fill_the_memory_or_is_damaged(
    tmp_path: Path, part: str, change: Callable[[str], str], said: str
) -> None:
    assert said in refused(tmp_path, rewritten(workbook(), part, change))


def test_whatever_is_cut_off_is_said(tmp_path: Path) -> None:
    table = io.BytesIO()
    pq.write_table(pa.table({"customer_id": ["1"] * 100}), table)
    text = gzip.compress(b"customer_id,area\n" + b"1,A\n" * 1000)
    for whole in (workbook(50), table.getvalue(), text, zipped(a_csv=b"customer_id\n1\n")):
        for end in range(40, len(whole), max(1, len(whole) // 25)):
            assert refused(tmp_path, whole[:end])


def test_bytes_changed_anywhere_never_end_in_a_traceback(tmp_path: Path) -> None:
    chance = random.Random(11)
    for whole in (workbook(), gzip.compress(b"customer_id,area\n1,A\n")):
        for _ in range(150):
            damaged = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            with contextlib.suppress(UnreadableError):
                read(tmp_path, bytes(damaged))


def test_one_file_in_an_archive_is_read(tmp_path: Path) -> None:
    text = b"customer_id,area\n1,A\n"
    for content in (zipped(a_csv=text), gzip.compress(text), gzip.compress(text[:20]) + gzip.compress(text[20:])):
        assert read(tmp_path, content).columns["area"].to_pylist() == ["A"]
    assert "the file a.csv within it: is empty" in refused(tmp_path, zipped(a_csv=b""))
    assert "it holds a.csv, b.csv" in refused(tmp_path, zipped(a_csv=text, b_csv=text))
    assert "an archive within an archive" in refused(tmp_path, gzip.compress(gzip.compress(text)))
    assert "far more than records do" in refused(tmp_path, zipped(a_csv=bytes(80_000_000)))
    assert "far more than records do" in refused(tmp_path, gzip.compress(bytes(80_000_000)))


def test_a_parquet_file_of_few_bytes_and_endless_rows(tmp_path: Path) -> None:
    table = io.BytesIO()
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 20_000, pa.int32()), ["x" * 100_000])
    pq.write_table(pa.table({"area": long}), table)
    assert "GiB of text" in refused(tmp_path, table.getvalue())


def test_outlines_that_lie_too_deep_or_are_no_texts(tmp_path: Path) -> None:
    deep = b'{"type": "FeatureCollection", "features": ' + b"[" * 200_000
    assert "lie too deep" in refused(tmp_path, deep, may_be_geojson=True)
    assert "is not JSON" in refused(tmp_path, b'{"a": ' + b"9" * 5000 + b"}", may_be_geojson=True)
    features = [
        {"type": "Feature", "properties": {"area": area}, "geometry": None} for area in ("A", 12.0, {"id": 1}, ["B"])
    ]
    sheet = read(
        tmp_path, json.dumps({"type": "FeatureCollection", "features": features}).encode(), may_be_geojson=True
    )
    assert sheet.columns["area"].to_pylist() == ["A", "12"]
    assert [fault.line for fault in sheet.faults] == [3, 4]


def test_a_device_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is a device"):
        sources.read(Source("/dev/zero"))


@pytest.mark.shared
def test_a_sheet_of_libreoffice(shared: Path) -> None:
    sheet = sources.read(Source(str(shared / "cases" / "records" / "c.ods")))
    assert sheet.described.startswith("OpenDocument")
    assert len(sheet.lines) == 1
