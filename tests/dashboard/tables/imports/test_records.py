"""What an import keeps: the same file twice, history from exports, the customer key, the door for names."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from collector.published import DEVICES
from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.schema import RECORDS

HISTORY = """customer_id,area,plan,monthly_price,started_on,ended_on,end_reason,valid_from
1001,north,home,20,2024-01-01,,,2024-01-01
1001,north,plus,30,2024-01-01,,,2025-01-01
1002,south,home,20,2024-02-01,2025-03-31,moved,2024-02-01
"""
DAY = datetime.date


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "keys" / "customer.key")


def give(settings: DashboardSettings, kind: str, text: str | bytes, **options: object) -> ImportReport:
    source = settings.data.parent / f"{kind}.csv"
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    return import_records(kind, source, settings, **options)  # type: ignore[arg-type]


def fates(report: ImportReport) -> tuple[int, int, int, int]:
    assert report.failure is None, report.failure
    return report.added, report.changed, report.unchanged, report.rejected


def everything_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_file_twice_changes_nothing_and_says_so(settings: DashboardSettings) -> None:
    assert fates(give(settings, "customers", HISTORY)) == (3, 0, 0, 0)
    before = everything_in(settings.data)
    again = give(settings, "customers", HISTORY)
    assert fates(again) == (0, 0, 3, 0)
    assert "nothing new: the records stay as they are" in str(again)
    assert again.exit_code == 0
    assert everything_in(settings.data) == before


def test_refused_rows_of_the_same_file_twice_are_listed_once(settings: DashboardSettings) -> None:
    text = "response_id,area,answered_on,score\n1,a,2025-01-01,12\n"
    first, second = (give(settings, "nps", text) for _ in range(2))
    assert first.reject_file == second.reject_file
    other = give(settings, "nps", text.replace("12", "-2") + "2,a,2025-01-01,13\n")
    assert other.reject_file is not None
    assert other.reject_file.name == "nps-2.csv"


def test_a_row_with_a_known_key_replaces_it_and_the_last_snapshots_are_kept(settings: DashboardSettings) -> None:
    for price in range(20, 27):
        give(settings, "prices", f"plan,valid_from,new_customer_price\nhome,2025-01-01,{price}\nplus,2025-01-01,30\n")
    snapshots = sorted((settings.data / "records" / "prices").iterdir())
    assert [path.name for path in snapshots] == [f"{number:06d}.parquet" for number in range(3, 8)]
    prices = [
        dict(zip(t.column("plan").to_pylist(), t.column("new_customer_price").to_pylist(), strict=True))
        for t in map(pq.read_table, snapshots)
    ]
    assert prices == [{"home": float(price), "plus": 30.0} for price in range(22, 27)]


def test_a_dry_run_tells_the_same_and_writes_nothing(settings: DashboardSettings) -> None:
    text = HISTORY + "1003,,home,20,2024-01-01,,,2024-01-01\n"
    dry = give(settings, "customers", text, dry_run=True)
    assert not settings.data.exists()
    assert not settings.customer_key.exists()
    assert "dry run: nothing was written" in str(dry)
    assert "would be 3 added" in str(dry)
    assert fates(dry) == fates(give(settings, "customers", text)) == (3, 0, 0, 1)


def test_a_snapshot_is_as_declared(settings: DashboardSettings) -> None:
    give(settings, "customers", HISTORY)
    table = read("customers", settings.data)
    assert table.column_names == list(RECORDS["customers"].column_names)
    assert [field.type for field in table.schema] == [field.type for field in RECORDS["customers"].arrow_schema()]


# --- history ---

EXPORT = "customer_id,area,plan,started_on,ended_on,end_reason\n"


def test_exports_accumulate_into_history_and_only_changes_add_rows(settings: DashboardSettings) -> None:
    first = EXPORT + "1,north,home,2020-01-01,,\n2,north,home,2021-01-01,,\n3,north,home,2021-01-01,,\n"
    assert fates(give(settings, "customers", first, as_of=DAY(2025, 1, 1))) == (3, 0, 0, 0)
    second = EXPORT + "1,south,home,2020-01-01,,\n2,north,home,2021-01-01,,\n4,north,home,2025-01-20,,\n"
    report = give(settings, "customers", second, as_of=DAY(2025, 2, 1))
    assert fates(report) == (2, 0, 1, 0)
    assert "1 customer of earlier imports is not in this file and stays as last known" in str(report)
    rows = read("customers", settings.data).to_pylist()
    moved = [row for row in rows if row["started_on"] == DAY(2020, 1, 1)]
    assert [(row["area"], row["valid_from"]) for row in moved] == [
        ("north", DAY(2025, 1, 1)),
        ("south", DAY(2025, 2, 1)),
    ]
    assert len(rows) == 5


def test_an_older_export_given_again_changes_nothing(settings: DashboardSettings) -> None:
    old, new = (EXPORT + f"1,{area},home,2020-01-01,,\n" for area in ("north", "south"))
    give(settings, "customers", old, as_of=DAY(2025, 1, 1))
    give(settings, "customers", new, as_of=DAY(2025, 2, 1))
    before = read("customers", settings.data)
    assert fates(give(settings, "customers", old, as_of=DAY(2025, 1, 1))) == (0, 0, 1, 0)
    assert read("customers", settings.data).equals(before)


def test_nothing_is_filled_backwards_before_the_first_export(settings: DashboardSettings) -> None:
    give(settings, "customers", EXPORT + "1,north,home,2020-01-01,,\n", as_of=DAY(2025, 1, 1))
    (row,) = read("customers", settings.data).to_pylist()
    assert (row["started_on"], row["valid_from"]) == (DAY(2020, 1, 1), DAY(2025, 1, 1))


def test_an_export_says_until_when_it_is_complete(settings: DashboardSettings) -> None:
    give(settings, "customers", EXPORT + "1,north,home,2020-01-01,,\n", as_of=DAY(2025, 1, 1))
    give(settings, "customers", EXPORT + "1,north,home,2020-01-01,,\n", as_of=DAY(2025, 3, 1))
    assert read("customers", settings.data).schema.metadata[b"complete_until"] == b"2025-02-28"


def test_a_returner_has_a_spell_of_their_own(settings: DashboardSettings) -> None:
    text = EXPORT + "1,north,home,2020-01-01,2021-01-01,voluntary\n1,north,home,2022-01-01,,\n"
    assert fates(give(settings, "customers", text, as_of=DAY(2025, 1, 1))) == (2, 0, 0, 0)


def test_a_spell_that_overlaps_a_stored_one_is_refused_unless_the_file_ends_that_one(
    settings: DashboardSettings,
) -> None:
    give(settings, "customers", EXPORT + "1,north,home,2020-01-01,,\n", as_of=DAY(2025, 1, 1))
    second = "1,north,home,2025-02-01,,\n"
    report = give(settings, "customers", EXPORT + second, as_of=DAY(2025, 3, 1))
    assert [fault.reason for fault in report.faults] == [
        "two contracts at once: the spell from 2020-01-01 has not ended either"
    ]
    ended = "1,north,home,2020-01-01,2025-01-31,voluntary\n"
    assert fates(give(settings, "customers", EXPORT + ended + second, as_of=DAY(2025, 3, 1))) == (2, 0, 0, 0)


def test_of_three_spells_only_the_one_that_overlaps_is_refused(settings: DashboardSettings) -> None:
    spells = [("2020-01-01", "2020-12-31"), ("2020-06-01", "2021-06-30"), ("2021-01-01", "2021-12-31")]
    rows = "".join(f"1,north,home,{start},{end},moved\n" for start, end in spells)
    report = give(settings, "customers", EXPORT + rows, as_of=DAY(2025, 1, 1))
    assert [(fault.line, fault.reason) for fault in report.faults] == [
        (3, "overlaps the customer's spell from 2020-01-01")
    ]


# --- the customer key ---


def test_customer_ids_are_stored_as_keyed_hashes(settings: DashboardSettings) -> None:
    report = give(settings, "customers", HISTORY)
    assert f"made the customer key {settings.customer_key}" in str(report)
    assert settings.customer_key.stat().st_mode & 0o777 == 0o600
    key = bytes.fromhex(settings.customer_key.read_text())
    expected = {hmac.new(key, text, hashlib.sha256).hexdigest()[:24] for text in (b"1001", b"1002")}
    assert set(read("customers", settings.data).column("customer_id").to_pylist()) == expected


def test_all_kinds_share_the_key_so_that_they_join(settings: DashboardSettings) -> None:
    give(settings, "customers", HISTORY)
    give(settings, "nps", "response_id,customer_id,answered_on,score\n1, 1001 ,2025-01-01,9\n")
    (answer,) = read("nps", settings.data).column("customer_id").to_pylist()
    assert answer in read("customers", settings.data).column("customer_id").to_pylist()


def test_a_lost_key_is_a_clear_failure_while_records_exist(settings: DashboardSettings) -> None:
    give(settings, "customers", HISTORY)
    settings.customer_key.unlink()
    report = give(settings, "customers", HISTORY)
    assert report.failure == (
        f"{settings.customer_key}: the customer key is missing, and records made with it exist in"
        f" {settings.data / 'records'}: put it back, or move those records away and import everything anew"
    )
    assert not settings.customer_key.exists()
    assert fates(give(settings, "prices", "plan,valid_from,new_customer_price\nhome,2025-01-01,20\n")) == (1, 0, 0, 0)


def test_another_key_than_the_records_were_made_with_is_refused(settings: DashboardSettings) -> None:
    give(settings, "customers", HISTORY)
    settings.customer_key.write_text("ab" * 32)
    report = give(settings, "nps", "response_id,customer_id,answered_on,score\n1,1001,2025-01-01,9\n")
    assert report.failure is not None
    assert "not the customer key that the records in" in report.failure


@pytest.mark.parametrize(("text", "words"), [("secret", "not a customer key"), ("abcd", "is too short")])
def test_what_is_no_key_is_refused_without_showing_it(settings: DashboardSettings, text: str, words: str) -> None:
    settings.customer_key.parent.mkdir()
    settings.customer_key.write_text(text)
    report = give(settings, "customers", HISTORY)
    assert report.failure is not None
    assert words in report.failure
    assert text not in report.failure


def test_a_key_inside_the_data_folder_is_refused_even_through_a_link(settings: DashboardSettings) -> None:
    settings.data.mkdir()
    link = settings.data.parent / "elsewhere"
    link.symlink_to(settings.data)
    report = give(replace(settings, customer_key=link / "key"), "customers", HISTORY)
    assert report.failure is not None
    assert "lies inside the data folder" in report.failure


def test_names_phones_and_ids_never_pass_the_door(settings: DashboardSettings) -> None:
    text = (
        "complaint_id,customer_id,opened_at,category,name,text\n"
        "1,CUST-77,2025-01-01 10:00,slow,Ana Silva,my phone is 912345678\n"
        "2,CUST-78,2025-01-01 10:00,Rui Reis,oops,shifted\n"
    )
    report = give(settings, "complaints", text)
    assert report.dropped_columns == ("name", "text")
    assert "columns not stored: name, text" in str(report)
    stored = b"".join(everything_in(settings.data).values()) + str(report).encode()
    decoded = str(read("complaints", settings.data).to_pylist()).encode()
    for secret in (b"CUST-77", b"CUST-78", b"Ana", b"Rui", b"912345678"):
        assert secret not in stored + decoded


# --- how files are written ---

SPOKEN = "complaint_id;area;opened_at;category\n1;São João;31/12/2024 23:30;slow\n2;Évora;01/01/2025 00:15;price\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_encodings_and_separators_are_told_apart(settings: DashboardSettings, encoding: str, separator: str) -> None:
    lisbon = replace(settings, timezone="Europe/Lisbon")
    assert fates(give(lisbon, "complaints", SPOKEN.replace(";", separator).encode(encoding))) == (2, 0, 0, 0)
    table = read("complaints", settings.data)
    assert table.column("area").to_pylist() == ["São João", "Évora"]
    assert table.column("opened_at").cast("string").to_pylist() == [
        "2024-12-31 23:30:00.000000Z",
        "2025-01-01 00:15:00.000000Z",
    ]


def test_lines_are_counted_through_quoted_line_breaks_and_blank_lines(settings: DashboardSettings) -> None:
    text = (
        "\n"
        "response_id,area,answered_on,score,comment\r\n"
        '1,a,2025-01-01,9,"two\nlines, and ""quotes"""\r\n'
        "\r\n"
        "2,a,2025-01-01,99,fine\r\n"
        ",,,,\r\n"
        '3,a,2025-01-01\r\n4,a,2025-01-01,77,"\n\n"\r\n5,a,2025-01-01,-1,'
    )
    report = give(settings, "nps", text)
    assert [(fault.line, fault.column) for fault in report.faults] == [
        (6, "score"),
        (8, None),
        (9, "score"),
        (12, "score"),
    ]
    assert (report.rows_read, report.added, report.rejected) == (5, 1, 4)


def test_timestamps_are_local_unless_they_say_otherwise(settings: DashboardSettings) -> None:
    text = "complaint_id,area,opened_at,category\n1,a,2025-07-01 10:00,slow\n2,a,2025-07-01T10:00:00Z,slow\n"
    give(replace(settings, timezone="Europe/Lisbon"), "complaints", text)
    hours = [at[11:13] for at in read("complaints", settings.data).column("opened_at").cast("string").to_pylist()]
    assert hours == ["09", "10"]


def test_a_damaged_snapshot_is_named(settings: DashboardSettings) -> None:
    give(settings, "customers", HISTORY)
    snapshot = settings.data / "records" / "customers" / "000001.parquet"
    snapshot.write_bytes(b"PAR1 torn")
    report = give(settings, "customers", HISTORY)
    assert report.failure is not None
    assert report.failure.startswith(f"{snapshot}: ")


def test_a_write_that_was_cut_off_leaves_the_last_snapshot(settings: DashboardSettings) -> None:
    give(settings, "customers", HISTORY)
    folder = settings.data / "records" / "customers"
    shutil.copy(folder / "000001.parquet", folder / ".000002.parquet.123")
    (folder / ".000002.parquet.123").write_bytes(b"PAR1")
    assert fates(give(settings, "customers", HISTORY)) == (0, 0, 3, 0)


def test_unknown_areas_are_told(settings: DashboardSettings) -> None:
    give(settings, "areas", "area,name\nnorth,North\n")
    assert "1 area is not among the imported ones: 'south'" in str(give(settings, "customers", HISTORY))


def test_areas_and_devices_that_the_inventory_does_not_have_are_told(settings: DashboardSettings) -> None:
    device = {"device_id": "cpe-1", "area": "north", "role": "cpe", "subscribers": 1}
    device |= {"valid_from": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)}
    settings.data.mkdir()
    pq.write_table(pa.Table.from_pylist([device], schema=DEVICES.arrow_schema()), settings.data / "devices.parquet")
    assert "1 area matches no device of the inventory: 'south'" in str(
        give(settings, "areas", "area,name\nnorth,North\nsouth,South\n")
    )
    text = "customer_id,area,device_id,started_on,valid_from\n1,north,cpe-1,2024-01-01,2024-01-01\n"
    text += "2,north,cpe-7,2024-01-01,2024-01-01\n"
    assert "1 device is not in the inventory: 'cpe-7'" in str(give(settings, "customers", text))


def test_the_same_row_twice_counts_once_and_one_at_odds_is_refused(settings: DashboardSettings) -> None:
    text = "response_id,area,answered_on,score\n1,a,2025-01-01,9\n1,a,2025-01-01,9\n1,a,2025-01-01,3\n"
    report = give(settings, "nps", text)
    assert (report.rows_read, report.added, report.duplicates, report.rejected) == (3, 1, 1, 1)
    assert [(fault.line, fault.reason) for fault in report.faults] == [(4, "has the same response_id as line 2")]
    assert "1 rejected, 1 the same again" in str(report)


def test_a_hundred_thousand_rows_in_one_go(settings: DashboardSettings) -> None:
    rows = "".join(f"{n},{n % 977},{n % 13},2025-{n % 12 + 1:02d}-{n % 28 + 1:02d}\n" for n in range(100_000))
    report = give(settings, "nps", "response_id,customer_id,score,answered_on\n" + rows)
    expected = sum(n % 13 <= 10 for n in range(100_000))
    assert (report.rows_read, report.added, report.rejected) == (100_000, expected, 100_000 - expected)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "areas"), [("rotterdam", 20), ("amsterdam", 97), ("madrid-districts", 21), ("blumenau", 35)]
)
def test_real_neighbourhoods_come_in(shared: Path, settings: DashboardSettings, name: str, areas: int) -> None:
    source = shared / "data" / "geojson" / f"{name}.geojson"
    report = import_records("areas", source, settings)
    assert report.failure is None
    assert report.rows_read == report.added + report.rejected
    assert report.added >= areas
    assert fates(import_records("areas", source, settings))[:2] == (0, 0)


@pytest.mark.shared
def test_real_complaints_come_in_once_their_columns_are_named(shared: Path, settings: DashboardSettings) -> None:
    source = shared / "data" / "comcast_complaints" / "Comcast_telecom_complaints_data.csv"
    header, _, body = source.read_text(encoding="utf-8-sig").partition("\n")
    renamed = header.replace("Ticket #", "complaint_id").replace("Date_month_year", "opened_at")
    renamed = renamed.replace("City", "area").replace("Status", "category").replace("Received Via", "channel")
    as_other = body
    for status in ("Closed", "Open", "Solved", "Pending"):
        as_other = as_other.replace(f",{status},", ",other,")
    report = give(settings, "complaints", f"{renamed}\n{as_other}")
    assert (report.rows_read, report.added, report.rejected) == (2224, 2224, 0)
    opened = read("complaints", settings.data).column("opened_at").to_pylist()
    assert sum(at.date() in (DAY(2015, 6, 23), DAY(2015, 6, 24)) for at in opened) > 200
