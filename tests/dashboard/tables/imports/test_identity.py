"""Identity never passes: names, phones, e-mail addresses and free text, planted in every kind and format, are in no
stored byte."""

from __future__ import annotations

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
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.imports.storage import import_log
from dashboard.tables.readers.sources import Source
from dashboard.tables.schema import RECORDS

PLANTED = (
    "Anabela Quintela",
    "+351 912 345 678",
    "anabela@example.org",
    "my modem has died, please call",
    "KUNDE-4711",
)
NAME, PHONE, MAIL, WORDS, OWN_ID = PLANTED
PERSONAL = {"name_of_customer": NAME, "phone": PHONE, "email": MAIL, "text": WORDS, "street": "Rua do Sol 3"}
# One row of each kind that is stored, one with something planted in each column that would be stored as it is.
GOOD: dict[str, dict[str, Any]] = {
    "areas": {"area": "north", "name": "Norte"},
    "customers": {"customer_id": OWN_ID, "area": "north", "started_on": "2024-01-01", "valid_from": "2024-01-01"},
    "prices": {"plan": "home", "valid_from": "2024-01-01", "new_customer_price": "20"},
    "complaints": {"complaint_id": "1", "customer_id": OWN_ID, "opened_at": "2024-01-01 10:00", "category": "slow"},
    "nps": {"response_id": "1", "customer_id": OWN_ID, "answered_on": "2024-01-01", "score": "3"},
    "reviews": {"posted_on": "2024-01-01", "rating": "1", "source": "maps"},
}
WORDY = {
    "customers": ("technology", "plan", "device_id"),
    "prices": ("plan",),
    "complaints": ("channel", "complaint_id"),
    "nps": ("response_id",),
    "reviews": ("source",),
    "areas": ("name",),
}


def rows_of(kind: str) -> list[dict[str, Any]]:
    rows = [GOOD[kind] | PERSONAL]
    for position, column in enumerate(WORDY[kind]):
        for number, planted in enumerate((PHONE, MAIL, WORDS * 6)):
            key = {"complaint_id", "response_id", "area"} & set(GOOD[kind])
            own = {name: f"{position}{number}x" for name in key if kind != "customers"}
            rows.append(GOOD[kind] | PERSONAL | own | {column: planted})
    return rows


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "customer.key")


def given(form: str, kind: str, folder: Path, url: str) -> Source:
    frame = pd.DataFrame(rows_of(kind))
    path = folder / f"export.{form}"
    if form == "xlsx":
        book, file = openpyxl.Workbook(), io.BytesIO()
        for row in [list(frame.columns), *frame.astype(object).where(frame.notna(), None).to_numpy().tolist()]:
            book.active.append(row)
        book.save(file)
        path.write_bytes(file.getvalue())
    elif form == "parquet":
        pq.write_table(pa.Table.from_pandas(frame), path)
    elif form == "sql":
        engine = sa.create_engine(url)
        frame.to_sql("export", engine, index=False, if_exists="replace")
        engine.dispose()
        return Source(url, table="export")
    else:
        frame.to_csv(path, index=False)
    return Source(str(path))


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "sql"])
def test_nothing_that_tells_a_person_is_in_any_stored_byte(
    form: str, settings: DashboardSettings, tmp_path: Path, postgresql: str
) -> None:
    for kind in RECORDS:
        report = import_records(kind, given(form, kind, tmp_path, postgresql), settings)
        assert report.failure is None
        assert report.rows_read == report.added + report.rejected + report.duplicates
        assert (report.added, report.rejected) == (1, 3 * len(WORDY[kind]))
    kept = b"".join(path.read_bytes() for path in settings.data.rglob("*") if path.is_file())
    kept += "".join(str(read(kind, settings.data).to_pylist()) for kind in RECORDS).encode()
    kept += import_log.told(settings.data).encode()
    for planted in (*PLANTED, "Rua do Sol", "912 345", "912345", "example.org", "modem"):
        assert planted.encode() not in kept


def test_a_column_of_names_is_not_taken_for_a_channel(settings: DashboardSettings, tmp_path: Path) -> None:
    rows = "".join(f"{n},a,2024-01-01 10:00,slow,Person {n}\n" for n in range(300))
    (tmp_path / "export.csv").write_text("complaint_id,area,opened_at,category,channel\n" + rows)
    failure = import_records("complaints", tmp_path / "export.csv", settings).failure
    assert failure == (
        "channel has 300 different values, and at most 200 are taken: that looks like names or free text;"
        " leave the column out, or map it with --mapping"
    )
    assert not list(settings.data.rglob("*.parquet"))


def test_ids_of_digits_and_ordinary_words_are_no_phones(settings: DashboardSettings, tmp_path: Path) -> None:
    ids = ("912345678", "2025-03-0012", "2025.11.17", "0012-34")
    rows = "".join(f"{text},060070101001,2024-01-01 10:00,slow,e-mail\n" for text in ids)
    (tmp_path / "export.csv").write_text("complaint_id,area,opened_at,category,channel\n" + rows)
    assert import_records("complaints", tmp_path / "export.csv", settings).added == 4
    text = "customer_id,area,device_id,plan,started_on,valid_from\n1,a,192.168.10.20,Fibre 200,2024-01-01,2024-01-01\n"
    (tmp_path / "export.csv").write_text(text)
    assert import_records("customers", tmp_path / "export.csv", settings).added == 1
