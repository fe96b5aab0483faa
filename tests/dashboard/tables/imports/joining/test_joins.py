"""Imports that join nobody say so: how many rows name what is on record, why hardly any does, and what mends it."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bairro
from collector.published import DEVICES
from dashboard.config import DashboardSettings, JoinSettings
from dashboard.tables.imports import records
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.joining.join_counts import Join
from dashboard.tables.imports.records import import_records, read
from dashboard.tables.imports.storage import import_log, snapshots

AS_OF = datetime.date(2026, 3, 1)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def give(settings: DashboardSettings, kind: str, text: str, mapping: str | None = None) -> ImportReport:
    folder = settings.data.parent
    (folder / f"{kind}.csv").write_text(text)
    if mapping is not None:
        (folder / "own.toml").write_text(mapping)
        mapping = str(folder / "own.toml")
    as_of = AS_OF if kind == "customers" else None
    return import_records(kind, folder / f"{kind}.csv", settings, as_of=as_of, mapping=mapping)


def customers(ids: list[str], more: str = "") -> str:
    return "customer_id,area,started_on\n" + "".join(f"{one},A,2024-01-31\n" for one in ids) + more


def complaints(ids: list[str]) -> str:
    rows = [f"T{number},{one},2026-02-0{1 + number % 8} 10:00,slow\n" for number, one in enumerate(ids)]
    return "complaint_id,customer_id,opened_at,category\n" + "".join(rows)


TICKETS = """kind = "complaints"
[columns.complaint_id]
source = "complaint_id"
[columns.opened_at]
source = "opened_at"
[columns.category]
source = "category"
keep = true
[columns.customer_id]
source = "customer_id"
"""
ON_RECORD = [f"{number:05}" for number in range(1, 31)]


@pytest.mark.parametrize(
    ("on_record", "given", "reason", "options"),
    [
        (ON_RECORD, [str(int(one)) for one in ON_RECORD], "leading zeros? 1 here, 00001", "pad = 5"),
        ([str(int(one)) for one in ON_RECORD], ON_RECORD, "leading zeros? 00001 here, 1", "strip_zeros = true"),
        (
            [str(int(one)) for one in ON_RECORD],
            ["x", *(f"{int(one)}.0" for one in ON_RECORD[1:])],
            "a decimal .0? 2.0 here, 2",
            "strip_decimals = true",
        ),
        (
            ON_RECORD,
            ["x", *(f"{int(one)}.0" for one in ON_RECORD[1:])],
            "2.0 here, 00002",
            "strip_decimals = true, pad = 5",
        ),
        (ON_RECORD, [f"{int(one)}.0" for one in ON_RECORD], "leading zeros? 1 here, 00001", "pad = 5"),
        (
            [f"c-{one}" for one in ON_RECORD],
            [f"C-{one}" for one in ON_RECORD],
            "upper and lower case? C-00001 here, c-00001",
            "lower = true",
        ),
        ([f"AB{one}" for one in ON_RECORD], [f"ab{one}" for one in ON_RECORD], "upper and lower case?", "upper = true"),
        (
            [f"1{one}" for one in ON_RECORD],
            [f'"1{one[:2]},{one[2:]}"' for one in ON_RECORD],
            "separators within ids? 100,001",
            "remove = ",
        ),
        (
            [f"1{one}" for one in ON_RECORD],
            [f"1{one[:2]}.{one[2:]}" for one in ON_RECORD],
            "separators within ids?",
            "remove = ",
        ),
        (
            ON_RECORD,
            [f"CUST-{one}" for one in ON_RECORD],
            "letters around the number? CUST-00001 here, 00001",
            "digits = true",
        ),
        (
            [f"C-{int(one)}" for one in ON_RECORD],
            [f"C-{one}" for one in ON_RECORD],
            "leading zeros?",
            "strip_zeros = true",
        ),
    ],
)
def test_ids_that_are_written_differently_are_told_with_an_example_and_mended_by_the_mapping(
    settings: DashboardSettings, on_record: list[str], given: list[str], reason: str, options: str
) -> None:
    assert give(settings, "customers", customers(on_record)).exit_code == 0
    report = give(settings, "complaints", complaints(given))
    (join,) = report.joins
    assert (report.exit_code, report.added, join.joined, join.rows) == (1, 30, 0, 30)
    assert f"WARNING: 0 of 30 rows name a customer on record, and joins.complaints asks for 70%: {join.reason}" in str(
        report
    )
    assert reason in str(join.reason)
    assert options in str(join.reason)
    stated = (
        str(join.reason).partition("[columns.customer_id] ")[2].partition(", with which")[0].replace(", pad", "\npad")
    )
    mended = give(settings, "complaints", complaints(given), TICKETS + stated + "\n")
    joined = 30 - given.count("x")
    assert (mended.exit_code, mended.changed, mended.joins[0].joined) == (0, joined, joined)
    assert f"{joined} of 30 rows name a customer on record (in the last import 0 of 30)" in str(mended)


def test_ids_that_are_all_written_with_a_fraction_are_whole_numbers(settings: DashboardSettings) -> None:
    give(settings, "customers", customers([f"{number}.0" for number in range(30)]))
    report = give(settings, "complaints", complaints([str(number) for number in range(30)]))
    assert (report.exit_code, report.joins[0].joined) == (0, 30)


def test_it_is_the_customers_on_record_that_are_written_oddly(settings: DashboardSettings) -> None:
    give(settings, "customers", customers([f'"{number:,}"' for number in range(1000, 1030)]))
    report = give(settings, "complaints", complaints([str(number) for number in range(1000, 1030)]))
    assert report.exit_code == 1
    assert "separators within ids? 1000 here, 1,000 among customers on record: take that import back (--undo)" in str(
        report
    )


@pytest.mark.parametrize("written", ["'{}", '"=""{}"""', " {} ", "\u00a0{}", "\ufeff{}\u200b", "'{}'"])
def test_quotes_and_blanks_around_ids_part_nobody(settings: DashboardSettings, written: str) -> None:
    give(settings, "customers", customers(ON_RECORD))
    report = give(settings, "complaints", complaints([written.format(one) for one in ON_RECORD]))
    assert (report.exit_code, report.joins[0].joined) == (0, 30)


def test_ids_of_another_system_are_said_to_be_that(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    report = give(settings, "complaints", complaints([f"{number}" for number in range(9_000_000, 9_000_030)]))
    assert report.exit_code == 1
    assert "9000000 here is not among customers on record, nor without zeros" in str(report)
    assert "or those of another system?" in str(report)


def test_before_the_first_customers_nothing_can_be_said_and_their_import_says_it(settings: DashboardSettings) -> None:
    report = give(settings, "complaints", complaints([str(int(one)) for one in ON_RECORD]))
    assert (report.exit_code, report.joins) == (0, ())
    assert report.unjoined == (
        "how many of these rows name a customer cannot be known yet: no customers are on record",
    )
    report = give(settings, "customers", customers(ON_RECORD))
    assert report.exit_code == 1
    assert "WARNING: 0 of 30 complaints on record name a customer" in str(report)
    assert "leading zeros? 00001 here, 1 among complaints on record" in str(report)


def test_half_is_under_the_floor_and_the_floor_can_be_set(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    half = ON_RECORD[:15] + [f"X{one}" for one in ON_RECORD[15:]]
    assert give(settings, "complaints", complaints(half)).exit_code == 1
    settings = replace(settings, joins=JoinSettings(complaints=0.4))
    assert give(settings, "complaints", complaints(half)).exit_code == 0


def test_complaints_of_former_customers_and_of_areas_alone_are_no_fault(settings: DashboardSettings) -> None:
    give(settings, "areas", "area,name\nA,Town\n")
    gone = "00031,A,2024-01-31,2025-01-01\n"
    text = customers([], gone).replace("started_on\n", "started_on,ended_on\n")
    give(settings, "customers", text)
    named = "complaint_id,customer_id,area,opened_at,category\n1,00031,,2024-06-01,slow\n2,,A,2026-02-01,slow\n"
    report = give(settings, "complaints", named)
    assert report.exit_code == 0
    assert [(join.key, join.joined, join.rows) for join in report.joins] == [
        ("complaints", 1, 1),
        ("complaints.areas", 1, 1),
    ]


def test_a_fall_against_the_last_import_is_told_above_the_floor_too(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    assert give(settings, "complaints", complaints(ON_RECORD)).exit_code == 0
    assert import_log.entries(settings.data, "complaints")[-1].joins == {"complaints": [30, 30]}
    fewer = complaints(ON_RECORD[:22] + [f"X{one}" for one in ON_RECORD[22:]])
    report = give(settings, "complaints", fewer)
    assert report.exit_code == 1
    assert "22 of 30 rows name a customer on record (in the last import 30 of 30)" in str(report)


def test_customers_join_areas_and_devices_and_prices_join_plans(settings: DashboardSettings) -> None:
    give(settings, "areas", "area,name\nnorth,Norte\nsouth,Sul\n")
    settings.data.mkdir(exist_ok=True)
    inventory = [
        {
            "device_id": f"CPE-{one}",
            "role": "cpe",
            "area": "north",
            "valid_from": datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC),
        }
        for one in ON_RECORD
    ]
    schema = pa.schema([field.with_nullable(True) for field in DEVICES.arrow_schema()])
    columns = {field.name: [row.get(field.name) for row in inventory] for field in schema}
    pq.write_table(pa.table(columns, schema=schema), settings.data / "devices.parquet")
    rows = [f"{one},North,cpe-{one},Fibra 100,2024-01-31\n" for one in ON_RECORD]
    report = give(settings, "customers", "customer_id,area,device_id,plan,started_on\n" + "".join(rows))
    said = str(report)
    assert report.exit_code == 1
    assert "0 of 30 customers live in an area on record" in said
    assert "upper and lower case? North here, north among areas on record" in said
    assert "0 of 30 customers are served by a device of the inventory" in said
    assert "cpe-00001 here, CPE-00001 among the inventory" in said
    report = give(settings, "prices", "plan,valid_from,new_customer_price\nfibra 100,2025-01-01,20\n")
    assert report.exit_code == 1
    assert "fibra 100 here, Fibra 100 among customers' plans" in str(report)


def test_nothing_reversible_is_stored(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    give(settings, "complaints", complaints([str(int(one)) for one in ON_RECORD]))
    stored = b"".join(path.read_bytes() for path in (settings.data / "records").rglob("*") if path.is_file())
    assert b"00001" not in stored.replace(b"000001", b"")


HUNDRED = [str(number) for number in range(100)]


def test_a_file_that_lost_customers_is_refused_until_somebody_says_why(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(HUNDRED))
    before = snapshots.newest("customers", settings.data)
    report = give(settings, "customers", customers(HUNDRED[:79]))
    assert report.exit_code == 2
    assert "21 of the 100 customers on record are not in this file, more than 20% (joins.absent_customers)" in str(
        report
    )
    assert "--absent left" in str(report)
    assert "--absent stay" in str(report)
    assert snapshots.newest("customers", settings.data) == before
    fifth = give(settings, "customers", customers(HUNDRED[:80]))
    assert fifth.exit_code == 0
    assert "20 customers of earlier imports are not in this file; they stay as last known" in fifth.notes


def test_absent_customers_left_or_stay(settings: DashboardSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = settings.data.parent
    (folder / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n')
    monkeypatch.chdir(folder)
    (folder / "all.csv").write_text(customers(HUNDRED))
    (folder / "few.csv").write_text(customers(HUNDRED[:3]))
    words = ["import", "customers"]
    assert bairro.main([*words, "all.csv", "--as-of", "2026-03-01"]) == 0
    assert bairro.main([*words, "few.csv", "--as-of", "2026-03-08"]) == 2
    assert bairro.main([*words, "few.csv", "--as-of", "2026-03-08", "--absent", "stay"]) == 0
    assert all(row["ended_on"] is None for row in read("customers", settings.data).to_pylist())
    left = [*words, "few.csv", "--as-of", "2026-03-08", "--absent", "left"]
    assert bairro.main(left) == 2
    assert all(row["ended_on"] is None for row in read("customers", settings.data).to_pylist())
    assert bairro.main([*left, "--even-if-most"]) == 0
    ended = [str(row["ended_on"]) for row in read("customers", settings.data).to_pylist() if row["ended_on"]]
    assert ended == ["2026-03-07"] * 97
    assert bairro.main([*words, "few.csv", "--as-of", "2026-03-15"]) == 0
    assert bairro.main(["import", "customers", "--undo"]) == 0


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([], "the file has no row, so --absent left would end 100 of 100"),
        (
            HUNDRED[:49],
            "the file names 49 of the 100 customers with you on record, so --absent left would end 51 of 100",
        ),
        ([f"X{n}Y" for n in range(500, 600)], "the file names 0 of the 100 customers with you on record"),
        ([f"{n:05}" for n in range(100)], "Are its ids written differently? leading zeros? 00000 here, 0 among"),
        (
            [*HUNDRED[:60], *(f"{n:05}" for n in range(60, 100))],
            "leading zeros? 00060 here, 60 among customers on record",
        ),
    ],
)
def test_who_is_absent_has_not_left_where_the_file_cannot_show_it(
    settings: DashboardSettings, ids: list[str], said: str
) -> None:
    give(settings, "customers", customers(HUNDRED))
    before = snapshots.newest("customers", settings.data)
    path = settings.data.parent / "few.csv"
    path.write_text(customers(ids))
    later = datetime.date(2026, 3, 8)
    report = import_records("customers", path, settings, as_of=later, absent="left")
    assert report.exit_code == 2
    assert said in str(report)
    assert "--even-if-most" in str(report)
    assert snapshots.newest("customers", settings.data) == before
    sure = import_records("customers", path, settings, as_of=later, absent="left", even_if_most=True)
    assert (sure.exit_code, sure.ended) == (0, 100 - len(set(ids) & set(HUNDRED)))


def test_half_of_the_customers_may_leave_and_nobody_by_an_older_export(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(HUNDRED))
    path = settings.data.parent / "few.csv"
    path.write_text(customers([*HUNDRED[:50], "200", "201"]))
    older = import_records(
        "customers", path, settings, as_of=datetime.date(2026, 2, 28), absent="left", even_if_most=True
    )
    assert older.exit_code == 2
    assert "this export is of 2026-02-28 and the newest on record of 2026-03-01" in str(older)
    same_day = import_records("customers", path, settings, as_of=AS_OF, absent="left")
    assert (same_day.exit_code, same_day.ended) == (0, 50)
    alone = import_records("customers", path, settings, as_of=AS_OF, even_if_most=True)
    assert "--even-if-most is said beside --absent left" in str(alone)


def test_a_history_that_lost_customers_is_refused_too(settings: DashboardSettings) -> None:
    def history_of(ids: list[str]) -> str:
        return "customer_id,area,started_on,valid_from\n" + "".join(f"{one},A,2024-01-31,2024-01-31\n" for one in ids)

    folder = settings.data.parent
    (folder / "all.csv").write_text(history_of(HUNDRED))
    (folder / "few.csv").write_text(history_of(HUNDRED[:3]))
    assert import_records("customers", folder / "all.csv", settings).exit_code == 0
    assert import_records("customers", folder / "few.csv", settings).exit_code == 2
    assert import_records("customers", folder / "few.csv", settings, absent="stay").exit_code == 0
    assert "--absent left needs --as-of" in str(
        import_records("customers", folder / "few.csv", settings, absent="left")
    )


def test_refused_rows_are_not_absent(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(HUNDRED))
    broken = customers(HUNDRED).replace("50,A,2024-01-31", "50,A,no day")
    report = give(settings, "customers", broken.replace("7,A,2024", "7,SÃ£o,2024"))
    assert report.exit_code == 1
    assert not any("not in this file" in note for note in report.notes)


def test_customers_whose_ids_changed_are_told_why(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    report = give(settings, "customers", customers([str(int(one)) for one in ON_RECORD]))
    assert report.exit_code == 2
    assert "are its ids written differently? leading zeros? 1 here, 00001 among customers on record" in str(report)


@pytest.mark.parametrize(
    ("kind", "text", "option"),
    [
        ("complaints", complaints([str(int(one)) for one in ON_RECORD]), "pad = 5"),
        ("complaints", complaints([f"{one}.0" for one in ON_RECORD[:-1]] + ["x"]), "strip_decimals = true"),
        ("complaints", complaints([f"C-{one}" for one in ON_RECORD]), "digits = true"),
        ("customers", customers([str(int(one)) for one in ON_RECORD]), "pad = 5"),
    ],
)
def test_a_proposal_writes_what_makes_ids_join(
    settings: DashboardSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    text: str,
    option: str,
) -> None:
    give(settings, "customers", customers(ON_RECORD))
    folder = settings.data.parent
    monkeypatch.chdir(folder)
    (folder / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n')
    (folder / "new.csv").write_text(text)
    as_of = ["--as-of", "2026-03-08"] if kind == "customers" else []
    capsys.readouterr()
    assert bairro.main(["import", kind, "new.csv", *as_of, "--propose"]) == 0
    proposed = capsys.readouterr().out
    assert f'source = "customer_id"\n{option}\n' in proposed
    (folder / "own.toml").write_text(proposed)
    assert bairro.main(["import", kind, "new.csv", *as_of, "--mapping", "own.toml"]) == 0
    assert "WARNING" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("ids", "written", "rows"),
    [
        (["0"] * 20, "0", 20),
        (["7"] * 20, "7", 20),
        ([*ON_RECORD, *["999999"] * 5], "999999", 5),
        ([*ON_RECORD, *["guest"] * 3], "guest", 3),
        ([*ON_RECORD, *["7"] * 10], "7", 10),
        ([*ON_RECORD * 6, *["7"] * 20], "7", 20),
    ],
)
def test_an_id_that_stands_for_nobody_joins_nobody(
    settings: DashboardSettings, ids: list[str], written: str, rows: int
) -> None:
    give(settings, "customers", customers([*ON_RECORD, "0", "7"]))
    report = give(settings, "complaints", complaints(ids))
    assert report.exit_code == 1
    assert report.joins[0].joined == len(ids) - rows
    assert f"{rows} rows name one and the same customer ({written!r})" in str(report)


@pytest.mark.parametrize(("ids", "stored"), [([*ON_RECORD, *["0"] * 4], 4), ([*ON_RECORD, *["7"] * 20], 0)])
def test_only_an_id_that_looks_like_nobodys_is_stored_as_nobodys(
    settings: DashboardSettings, ids: list[str], stored: int
) -> None:
    """A build sees the others by their number, also when a file brings few of them."""
    give(settings, "customers", customers([*ON_RECORD, "0", "7"]))
    give(settings, "complaints", complaints(ids))
    assert read("complaints", settings.data).column("customer_id").to_pylist().count("nobody") == stored


def test_somebody_who_complains_often_is_somebody(settings: DashboardSettings) -> None:
    give(settings, "customers", customers([*ON_RECORD, "1234"]))
    assert give(settings, "complaints", complaints([*ON_RECORD, *["1234"] * 5])).exit_code == 0
    assert give(settings, "complaints", complaints([*ON_RECORD, *ON_RECORD[:1] * 5])).exit_code == 0


def test_an_area_whose_complaints_name_nobody_is_told_above_the_floor_too(settings: DashboardSettings) -> None:
    lines = [f"{area}{number},{area},2024-01-31" for area in "ABCDE" for number in range(10)]
    give(settings, "customers", "\n".join(["customer_id,area,started_on", *lines]) + "\n")

    def told(of_e: str) -> ImportReport:
        ids = [f"{area}{number % 10}" for area in ["A", "B", "C", "D", of_e] for number in range(30)]
        return give(settings, "complaints", complaints(ids))

    report = told("crm2-E")
    assert report.exit_code == 1
    (warning,) = report.warnings
    assert "30 of 150 complaints on record name no customer" in warning
    assert "so few are counted in E:" in warning
    records.undo("complaints", settings)
    assert told("E").warnings == ()


@pytest.mark.parametrize(("rows", "said"), [(1, "1 of 1 row names a customer"), (2, "1 of 2 rows name a customer")])
def test_one_row_is_told_of_in_the_singular(rows, said):
    assert str(Join("complaints", "rows name a customer on record", rows, 1)).startswith(said)


def test_lost_weeks_of_complaints_are_told_until_they_are_filled(settings: DashboardSettings) -> None:
    give(settings, "customers", customers([str(number) for number in range(60)]))

    def of_days(first: int, last: int) -> ImportReport:
        days = [datetime.date(2025, 6, 2) + datetime.timedelta(days=day) for day in range(first, last)]
        rows = [
            f"{day}-{number},{number},{day} 10:00,slow"
            for day in days
            for number in range(day.toordinal() % 60, 60, 12)
        ]
        return give(settings, "complaints", "\n".join(["complaint_id,customer_id,opened_at,category", *rows]) + "\n")

    assert of_days(0, 70).warnings == ()
    report = of_days(98, 140)
    assert report.exit_code == 1
    assert report.warnings[-1].startswith(
        "no or hardly any complaints are on record from 2025-08-11 to 2025-09-07, where"
    )
    assert of_days(70, 98).warnings == ()


def test_the_cure_is_tried_and_told_with_what_would_join(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    given = [str(int(one)) for one in ON_RECORD] + ["77", "1"]
    report = give(settings, "complaints", complaints(given))
    assert "[columns.customer_id] pad = 5, with which 31 of 32 rows would join" in str(report)
    mended = give(settings, "complaints", complaints(given), TICKETS + "pad = 5\n")
    assert "31 of 32 rows name a customer on record" in str(mended)


def test_another_column_that_has_the_ids_is_named(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    header = "complaint_id,customer_id,opened_at,category,agent,account no\n"
    rows = [f"T{n},H{n * 7},2026-02-0{1 + n % 8} 10:00,slow,Ana,{one}\n" for n, one in enumerate(ON_RECORD)]
    text = header + "".join(rows) + "T99,H9999,2026-02-01 10:00,slow,Ana,99999\n"
    report = give(settings, "complaints", text)
    said = "the column 'account_no' has the ids of customers on record: with it 30 of 31 rows would join"
    assert said in str(report)
    mended = give(settings, "complaints", text, TICKETS.replace('source = "customer_id"', 'source = "account_no"'))
    assert "30 of 31 rows name a customer on record" in str(mended)


def test_no_other_column_is_named_where_none_has_them(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(ON_RECORD))
    header = "complaint_id,customer_id,opened_at,category,minutes\n"
    rows = [f"T{n},H{900 + n},2026-02-0{1 + n % 8} 10:00,slow,{n % 5}\n" for n in range(30)]
    report = give(settings, "complaints", header + "".join(rows))
    assert "would join" not in str(report)
    assert "does the column hold the ids of your customers file" in str(report)
