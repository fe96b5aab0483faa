"""The same records from CSV, Excel, Parquet and PostgreSQL, and the words for sources that cannot be used."""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.readers.sheets import UnreadableError
from dashboard.tables.readers.sources import Source
from dashboard.tables.readers.sources import read as read_source

DAY, MOMENT = datetime.date, datetime.datetime
TABLES: dict[str, list[dict[str, Any]]] = {
    "areas": [{"area": "north", "name": "Norte", "timezone": "Atlantic/Azores"}, {"area": "0017", "name": "Évora"}],
    "customers": [
        {
            "customer_id": "1001",
            "area": "north",
            "monthly_price": 20.5,
            "started_on": DAY(2024, 1, 1),
            "valid_from": DAY(2024, 1, 1),
        },
        {
            "customer_id": "1002",
            "area": "0017",
            "monthly_price": 30.0,
            "started_on": DAY(2024, 2, 13),
            "valid_from": DAY(2024, 2, 13),
        },
    ],
    "prices": [{"plan": "home", "valid_from": DAY(2025, 1, 15), "new_customer_price": 1234.5}],
    "complaints": [
        {
            "complaint_id": "7",
            "area": "north",
            "opened_at": MOMENT(2025, 7, 1, 10, 30),
            "category": "slow",
            "channel": None,
        },
        {
            "complaint_id": "8",
            "area": "0017",
            "opened_at": MOMENT(2025, 7, 2, 0, 5),
            "category": "billing",
            "channel": "web",
        },
    ],
    "nps": [{"response_id": "1", "area": "north", "answered_on": DAY(2025, 3, 30), "score": 9}],
    "reviews": [
        {"posted_on": DAY(2025, 3, 30), "rating": 1, "source": "maps", "area": "north"},
        {"posted_on": DAY(2025, 3, 30), "rating": 1, "source": "maps", "area": "north"},
    ],
}


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "customer.key", timezone="Europe/Lisbon")


def workbook(rows: list[dict[str, Any]], title: str = "Export") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    names = list(dict.fromkeys(name for row in rows for name in row))
    sheet.append(names)
    for row in rows:
        sheet.append([row.get(name) for name in names])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def write(form: str, rows: list[dict[str, Any]], folder: Path) -> Path:
    path = folder / f"export.{form}"
    if form == "xlsx":
        path.write_bytes(workbook(rows))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in rows[0] | row} for row in rows]), path)
    else:
        pd.DataFrame(rows).to_csv(path, index=False)
    return path


def fill(url: str, name: str, rows: list[dict[str, Any]], schema: str | None = None) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        if schema:
            connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    pd.DataFrame(rows).to_sql(name, engine, index=False, schema=schema)
    engine.dispose()


@pytest.mark.parametrize("kind", TABLES)
def test_every_kind_comes_in_alike_from_every_source(
    kind: str, settings: DashboardSettings, tmp_path: Path, postgresql: str
) -> None:
    fill(postgresql, "export", TABLES[kind])
    places = [Source(str(write(form, TABLES[kind], tmp_path))) for form in ("csv", "xlsx", "parquet")]
    reports = [import_records(kind, place, settings) for place in [*places, Source(postgresql, table="export")]]
    assert [report.failure for report in reports] == [None] * 4
    rows = len(TABLES[kind])
    assert [(r.rows_read, r.added, r.unchanged, r.rejected) for r in reports] == [(rows, rows, 0, 0)] + [
        (rows, 0, rows, 0)
    ] * 3
    assert read(kind, settings.data).num_rows == rows


def test_identical_reviews_are_counted_and_the_same_file_again_adds_none(
    settings: DashboardSettings, tmp_path: Path
) -> None:
    path = write("csv", TABLES["reviews"], tmp_path)
    assert import_records("reviews", path, settings).added == 2
    assert import_records("reviews", path, settings).unchanged == 2
    assert read("reviews", settings.data).column("number").to_pylist() == [1, 2]


# --- Excel ---


def test_a_fault_in_a_workbook_is_told_by_its_row_and_sheet(settings: DashboardSettings, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("NPS 2025")
    for row in (
        [],
        ["response_id", "area", "answered_on", "score"],
        [1, "a", DAY(2025, 1, 1), 9],
        [2, "a", "never", 11],
    ):
        sheet.append(row)
    book.create_sheet("More").append(["x"])
    path = tmp_path / "answers.xlsx"
    book.save(path)
    report = import_records("nps", path, settings)
    assert [(fault.line, fault.column, fault.reason) for fault in report.faults] == [
        (4, "answered_on", "is not a date"),
        (4, "score", "is not between 0 and 10"),
    ][:1]
    assert "Excel, sheet 'NPS 2025'" in str(report)
    assert "x from row 4: answered_on is not a date" in str(report)
    assert "only the sheet 'NPS 2025' was read, not More; --sheet names another" in str(report)
    missing = import_records("nps", Source(str(path), sheet="More"), settings)
    assert missing.failure is not None
    assert missing.failure.startswith("sheet 'More', row 1 names none of the columns of nps")


def test_numbers_in_a_workbook_are_ids_as_they_look(settings: DashboardSettings, tmp_path: Path) -> None:
    rows = [{"complaint_id": 250635.0, "area": 17, "opened_at": MOMENT(2025, 1, 1, 12), "category": "Slow"}]
    path = write("xlsx", rows, tmp_path)
    assert import_records("complaints", path, settings).added == 1
    (stored,) = read("complaints", settings.data).to_pylist()
    assert (stored["complaint_id"], stored["area"]) == ("250635", "17")


UNUSABLE = [
    (
        b"PK\x03\x04nothing",
        "is damaged or incomplete: it looks like a zip archive, but cannot be read (File is not a zip file)",
    ),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "is an Excel file of the old kind (.xls) or has a password: save it as .xlsx without one",
    ),
    (b"a\0b\n1\0002\n", "is not text (it holds zero bytes): export it as CSV"),
]


def test_a_damaged_workbook_is_not_called_text(tmp_path: Path) -> None:
    path = tmp_path / "customers.XLSX"
    path.write_bytes(b"\x9f\0\x03\x14\0" * 400)
    with pytest.raises(UnreadableError, match=r"^is not a readable workbook: "):
        read_source(Source(str(path)))


@pytest.mark.parametrize(("content", "failure"), UNUSABLE)
def test_what_is_no_table_is_said(content: bytes, failure: str, settings: DashboardSettings, tmp_path: Path) -> None:
    path = tmp_path / "export"
    path.write_bytes(content)
    assert import_records("nps", path, settings).failure == failure


def test_an_empty_workbook_and_a_torn_parquet_file_are_said(settings: DashboardSettings, tmp_path: Path) -> None:
    (tmp_path / "empty.xlsx").write_bytes(workbook([]))
    failure = import_records("nps", tmp_path / "empty.xlsx", settings).failure
    assert failure == "is empty: no sheet of the workbook holds anything"
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    failure = import_records("nps", tmp_path / "torn.parquet", settings).failure
    assert failure is not None
    assert failure.startswith("is not a Parquet file that can be read: ")


# --- Parquet ---


def test_typed_columns_keep_their_zone_and_lists_stay_at_the_door(settings: DashboardSettings, tmp_path: Path) -> None:
    table = pa.table(
        {
            "complaint_id": pa.array([1.0, 2.0]),
            "area": pa.array(["a", "b"]).dictionary_encode(),
            "opened_at": pa.array(
                [MOMENT(2025, 7, 1, 10), MOMENT(2025, 7, 1, 11)], pa.timestamp("us", "America/New_York")
            ),
            "solved_at": pa.array([MOMENT(2025, 7, 2, 10), None], pa.timestamp("ns")),
            "category": ["slow", "price"],
            "notes": [["Ana Silva"], []],
        }
    )
    pq.write_table(table, tmp_path / "export.parquet")
    report = import_records("complaints", tmp_path / "export.parquet", settings)
    assert (report.added, report.dropped_columns) == (2, ("notes",))
    first, _ = read("complaints", settings.data).to_pylist()
    assert (first["complaint_id"], first["opened_at"].hour, first["solved_at"].hour) == ("1", 10, 9)


# --- databases ---


def test_a_query_a_schema_and_what_the_url_names(settings: DashboardSettings, postgresql: str) -> None:
    fill(postgresql, "Tickets", TABLES["complaints"], schema="crm")
    assert "?" not in postgresql
    given = [
        Source(postgresql, table="crm.Tickets"),
        Source(postgresql, query="SELECT * FROM crm.\"Tickets\" WHERE opened_at::date > '2025-01-01'"),
        Source(f"{postgresql}?table=crm.Tickets"),
        Source(postgresql.replace("postgresql+psycopg://", "postgresql://"), table="crm.Tickets"),
    ]
    assert [import_records("complaints", place, settings).failure for place in given] == [None] * 4
    assert read("complaints", settings.data).num_rows == 2


def test_a_database_is_only_read(settings: DashboardSettings, postgresql: str) -> None:
    fill(postgresql, "tickets", TABLES["complaints"])
    engine = sa.create_engine(postgresql)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SEQUENCE visits"))
    engine.dispose()
    for query in ("SELECT nextval('visits') AS complaint_id", "DELETE FROM tickets RETURNING *"):
        report = import_records("complaints", Source(postgresql, query=query), settings)
        assert report.failure is not None
        assert report.failure.startswith("the database says: ")
        assert "secret" not in repr(report)
    assert import_records("complaints", Source(postgresql, table="tickets"), settings).added == 2


@pytest.mark.parametrize("where", ["last", "middle"])
def test_rows_that_an_open_quote_swallowed_are_not_passed_over(
    where: str, settings: DashboardSettings, tmp_path: Path
) -> None:
    """A text with one quotation mark at its beginning: the cell goes on to the next one, or to the end of the file."""
    header = ["complaint_id", "area", "opened_at", "category", "text"]
    texts = ["slow", '"line drops daily', *["slow"] * 60, 'says "no"', "slow"]
    rows = [[str(i), "north", "2025-07-01", "slow", text] for i, text in enumerate(texts)]
    order = [0, 1, 2, 3, 4] if where == "last" else [0, 1, 2, 4, 3]
    lines = [",".join(row[i] for i in order) for row in [header, *rows]]
    path = tmp_path / "complaints.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert "line 3: a quotation mark opens a cell and is not closed" in failure_of(
        import_records("complaints", str(path), settings)
    )
    quoted = [
        ",".join(f'"{cell.strip(chr(34))}\nand more"' if cell == "slow" else cell for cell in row) for row in rows
    ]
    path.write_text("\n".join([",".join(header), *quoted[:1], *quoted[2:-2]]) + "\n", encoding="utf-8")
    report = import_records("complaints", str(path), settings)
    assert report.failure is None, "texts of several lines are no fault"


def failure_of(report: ImportReport) -> str:
    assert report.failure is not None
    assert "secret" not in str(report)
    return report.failure


def test_what_is_wrong_with_a_database_is_said_without_its_password(
    settings: DashboardSettings, postgresql: str, free_port: Any
) -> None:
    absent = failure_of(import_records("nps", Source(postgresql, table="nowhere"), settings))
    assert absent == 'the database says: relation "nowhere" does not exist'
    which = failure_of(import_records("nps", Source(postgresql), settings))
    assert which == "say with --table NAME or --query SQL (one of them) which rows of the database to read"
    away = Source(f"postgresql://bairro:secret@127.0.0.1:{free_port()}/crm", table="t")
    assert failure_of(import_records("nps", away, settings)).startswith("the database says: connection failed")
    assert failure_of(import_records("nps", Source("oracle9://bairro:secret@x/y", table="t"), settings))
    fill(postgresql, "empty", [{"response_id": "1", "area": "a", "answered_on": DAY(2025, 1, 1), "score": 3}])
    nothing = import_records("nps", Source(postgresql, query="SELECT * FROM empty WHERE score > 5"), settings)
    assert (nothing.failure, nothing.rows_read) == (None, 0)
    assert "there is a header and no row under it" in str(nothing)
