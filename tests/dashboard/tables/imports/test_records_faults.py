"""One bad file or row per fault, and the exact words that it gets."""

from __future__ import annotations

import csv
import datetime
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.records import import_records, read

FILES = Path(__file__).parents[3] / "data" / "records"
EXPORTED_ON = datetime.date(2025, 12, 31)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "customer.key", timezone="Europe/Lisbon")


UNUSABLE = [
    ("customers", "nowhere.csv", "no such file"),
    ("customers", ".", "is a folder, not a file"),
    ("customers", "empty.csv", "is empty"),
    ("customers", "blank_lines.csv", "is empty"),
    (
        "customers",
        "binary.csv",
        "is damaged or incomplete: it looks like a zip archive, but cannot be read (File is not a zip file)",
    ),
    (
        "customers",
        "json.csv",
        "the columns area, started_on, valid_from are missing; the first record names customer_id; bairro import --propose writes a mapping for it",
    ),
    (
        "customers",
        "no_header.csv",
        "line 1 names none of the columns of customers: customer_id, area, started_on, valid_from, ...;"
        " bairro import --propose writes a mapping for it",
    ),
    (
        "customers",
        "missing_columns.csv",
        "the column area is missing; line 1 names customer_id, started_on, valid_from, name;"
        " bairro import --propose writes a mapping for it",
    ),
    (
        "customers",
        "missing_columns_two.csv",
        "the columns area, started_on are missing; line 1 names customer_id, valid_from;"
        " bairro import --propose writes a mapping for it",
    ),
    (
        "customers",
        "no_valid_from.csv",
        "the column valid_from is missing: say with --as-of DATE on which day it was exported",
    ),
    (
        "customers",
        "double_column.csv",
        "line 1: the column area stands there twice, and the two differ on line 2: give one of them another name",
    ),
    (
        "customers",
        "mixed_dates.csv",
        "started_on: mixes day/month with month/day; write dates as YYYY-MM-DD,"
        ' or say in a mapping under [columns.started_on] format = "%d/%m/%Y" or "%m/%d/%Y"',
    ),
    ("complaints", "no_customer.csv", "the column customer_id (or area) is missing"),
    ("areas", "feature.geojson", "is JSON, but not a GeoJSON FeatureCollection"),
    ("areas", "broken.geojson", "is not JSON: Expecting value: line 1 column 44 (char 43)"),
    ("areas", "no_features.geojson", "is a FeatureCollection without features"),
    ("pets", "empty.csv", "no such kind of record; there are areas, customers, prices, complaints, nps, reviews"),
]


@pytest.mark.parametrize(("kind", "name", "failure"), UNUSABLE)
def test_an_unusable_file_says_why_and_writes_nothing(
    kind: str, name: str, failure: str, settings: DashboardSettings
) -> None:
    source = FILES / kind / name
    report = import_records(kind, source, settings)
    assert report.failure == failure
    assert str(report) == f"{kind}: {source}: {failure}"
    assert report.exit_code == 2
    assert not list(settings.data.rglob("*.parquet"))
    assert not list(settings.data.rglob("*.csv"))


REFUSED = {
    "customers/rows.csv": [
        (3, "area", "is blank"),
        (4, "customer_id", "is blank"),
        (5, "started_on", "is not a date"),
        (6, "started_on", "is a date that does not exist"),
        (7, "started_on", "is a date before 1900 or after 2199"),
        (8, "started_on", "lies in the future"),
        (8, "valid_from", "lies in the future"),
        (9, "ended_on", "is before started_on"),
        (10, "notice_on", "is before started_on"),
        (11, "notice_on", "is after ended_on"),
        (13, "ended_on", "lies in the future, and no notice_on says so"),
        (15, "end_reason", "is given, but neither ended_on nor notice_on"),
        (16, "customer_id", "has the same customer_id, started_on and valid_from as line 2"),
        (17, "", "has 3 cells, the header 7"),
        (18, "", "has 8 cells, the header 7"),
        (20, "started_on", "two contracts at once: the spell from 2024-01-01 has not ended either"),
        (22, "started_on", "overlaps the customer's spell from 2024-01-01"),
    ],
    "complaints/rows.csv": [
        (4, "customer_id", "names neither a customer nor an area"),
        (5, "category", "is not one of connection, slow, billing, price, installation, other"),
        (8, "opened_at", "lies in the future"),
        (9, "complaint_id", "has the same complaint_id as line 2"),
    ],
    "nps/rows.csv": [
        (3, "score", "is not between 0 and 10"),
        (4, "score", "is not between 0 and 10"),
        (5, "score", "is not a whole number"),
        (6, "answered_on", "lies in the future"),
        (7, "customer_id", "names neither a customer nor an area"),
    ],
    "prices/rows.csv": [
        (4, "new_customer_price", "is not a number"),
        (5, "plan", "has the same plan, area and valid_from as line 2"),
        (6, "new_customer_price", "is negative"),
    ],
    "reviews/rows.csv": [
        (5, "rating", "is not between 1 and 5"),
        (6, "rating", "is not a whole number"),
        (7, "posted_on", "lies in the future"),
        (8, "source", "is blank"),
        (9, "source", "looks like an e-mail address"),
        (10, "source", "looks like a phone number"),
    ],
    "areas/rows.csv": [
        (3, "timezone", "is not an IANA time zone"),
        (4, "geometry", "is not a GeoJSON Polygon or MultiPolygon"),
        (5, "geometry", "has a ring that is not closed"),
        (6, "geometry", "has a ring that is not closed"),
        (7, "geometry", "is not in longitude and latitude (WGS 84)"),
        (8, "geometry", "has no coordinates"),
        (9, "area", "has the same area as line 2"),
    ],
    "areas/features.geojson": [
        (4, "geometry", "is not a GeoJSON Polygon or MultiPolygon"),
        (5, "area", "is blank"),
        (5, "name", "is blank"),
        (6, "", "is not a GeoJSON Feature"),
    ],
}


@pytest.mark.parametrize("name", REFUSED)
def test_every_refused_row_is_listed_by_line_column_and_reason(name: str, settings: DashboardSettings) -> None:
    kind = name.partition("/")[0]
    report = import_records(kind, FILES / name, settings, as_of=EXPORTED_ON)
    assert report.failure is None
    assert report.reject_file == settings.data / "records" / "rejects" / f"{kind}-1.csv"
    with report.reject_file.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "column", "reason"]
    assert [(int(line), column, reason) for line, column, reason in rows] == REFUSED[name]
    assert report.exit_code == 1
    assert report.rejected == len({line for line, _, _ in REFUSED[name]})


@pytest.mark.parametrize("name", REFUSED)
def test_counts_add_up_and_what_is_accepted_is_stored(name: str, settings: DashboardSettings) -> None:
    kind = name.partition("/")[0]
    report = import_records(kind, FILES / name, settings, as_of=EXPORTED_ON)
    assert report.rows_read == report.accepted + report.rejected + report.unchanged
    assert report.accepted == read(kind, settings.data).num_rows > 0


def test_customers_without_a_row_are_refused(settings: DashboardSettings) -> None:
    report = import_records("customers", FILES / "customers" / "header_only.csv", settings)
    assert report.exit_code == 2
    assert report.failure is not None
    assert report.failure.startswith("there is a header and no row under it, so there are no customers to import")
    assert read("customers", settings.data).num_rows == 0


def test_no_complaint_may_be_right_or_a_broken_export(settings: DashboardSettings, tmp_path: Path) -> None:
    """Until when the records are complete is taken from no file without a row: it would say that there were none."""
    path = tmp_path / "complaints.csv"
    path.write_text("complaint_id,area,opened_at,category\n1,A,2025-11-30 10:00,slow\n")
    import_records("complaints", path, settings, as_of=EXPORTED_ON - datetime.timedelta(days=20))
    path.write_text("complaint_id,area,opened_at,category\n")
    report = import_records("complaints", path, settings, as_of=EXPORTED_ON)
    assert (report.exit_code, report.snapshot) == (1, None)
    assert "WARNING: there is a header and no row under it" in str(report)
    assert read("complaints", settings.data).schema.metadata[b"complete_until"] == b"2025-12-10"


def test_where_every_row_is_rejected_nothing_could_be_used(settings: DashboardSettings, tmp_path: Path) -> None:
    path = tmp_path / "nps.csv"
    path.write_text("response_id,area,answered_on,score\n1,a,2025-01-01,9\n")
    import_records("nps", path, settings, as_of=EXPORTED_ON - datetime.timedelta(days=20))
    path.write_text("response_id,area,answered_on,score\n2,a,31.02.2025,9\n3,a,31.02.2025,8\n")
    report = import_records("nps", path, settings, as_of=EXPORTED_ON)
    assert (report.exit_code, report.rejected, report.snapshot) == (2, 2, None)
    assert "nothing could be used: every row was rejected, and the records stay as they are" in str(report)
    assert report.reject_file is not None
    assert read("nps", settings.data).schema.metadata[b"complete_until"] == b"2025-12-10"


def test_a_quote_that_never_closes_names_the_rows_it_swallowed(settings: DashboardSettings) -> None:
    report = import_records("customers", FILES / "customers" / "open_quote.csv", settings)
    assert report.accepted == 0
    assert report.failure or [fault.line for fault in report.faults] == [2]


def test_the_report_tells_reasons_once_with_their_first_line(settings: DashboardSettings, tmp_path: Path) -> None:
    source = tmp_path / "nps.csv"
    source.write_text(
        "response_id,area,answered_on,score,comment\n1,a,2025-01-01,11,x\n2,a,2025-01-01,12,y\n3,a,2025-01-01,9,\n"
    )
    report = import_records("nps", source, settings)
    assert str(report).splitlines() == [
        "nps: nps.csv (UTF-8, comma): 3 rows read: 1 added, 0 changed, 0 unchanged, 2 rejected",
        "  columns not stored: comment",
        "  refused, 2 x from line 2: score is not between 0 and 10",
        f"  every refused row: {settings.data}/records/rejects/nps-1.csv",
        f"  stored: {settings.data}/records/nps/000001.parquet",
    ]


def test_a_folder_that_cannot_be_written_is_a_clear_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be")
    settings = DashboardSettings(data=blocked, customer_key=tmp_path / "key")
    report = import_records("nps", FILES / "nps" / "rows.csv", settings)
    assert report.failure is not None
    assert report.failure.startswith("cannot be stored: ")
    assert report.exit_code == 2


def test_an_amount_that_no_price_is_costs_its_row(tmp_path: Path) -> None:
    """It would end every later build: amounts are added up in ten thousandths, as whole numbers."""
    export = tmp_path / "prices.csv"
    export.write_text("plan,area,valid_from,new_customer_price\nS,,2025-01-01,24.0\nM,,2025-01-01,1000000000000000\n")
    report = import_records("prices", export, DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key"))
    assert (report.accepted, report.rejected) == (1, 1)
    assert "is a thousand million or more" in str(report.faults)
