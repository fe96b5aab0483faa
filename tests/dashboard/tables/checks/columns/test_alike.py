"""What is one and is written in two ways: joined where it is only Unicode, told where a person has to decide."""

from __future__ import annotations

import datetime
import unicodedata
from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read

AS_OF = datetime.date(2026, 3, 1)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def give(settings: DashboardSettings, kind: str, text: str) -> ImportReport:
    path = settings.data.parent / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    return import_records(kind, path, settings, as_of=AS_OF)


def customers(*rows: str) -> str:
    return "customer_id,area,started_on\n" + "".join(f"{row},2024-01-31\n" for row in rows)


def complaints(*ids: str) -> str:
    return "complaint_id,customer_id,opened_at,category\n" + "".join(
        f"{number},{one},2026-02-0{1 + number % 9} 10:00,slow\n" for number, one in enumerate(ids)
    )


@pytest.mark.parametrize(
    "written",
    [
        unicodedata.normalize("NFD", "São João"),
        "São\u00a0João",
        "São \u200bJoão",
        "\ufeffSão\u202fJoão",
        "Sa\u0303o  Joa\u0303o",
        "S\u00adão João\u200e",
    ],
)
def test_names_that_look_the_same_join(settings: DashboardSettings, written: str) -> None:
    give(settings, "areas", "area,name\nSão João,São João\n")
    report = give(settings, "customers", customers(f"1,{written}", "2,São João"))
    assert read("customers", settings.data).column("area").to_pylist() == ["São João"] * 2
    assert (report.exit_code, [str(join) for join in report.joins]) == (
        0,
        ["2 of 2 customers live in an area on record"],
    )


def test_a_header_that_looks_the_same_is_the_same(settings: DashboardSettings) -> None:
    assert give(settings, "customers", "customer\u00a0id,a\u200brea,started_on\n1,A,2024-01-31\n").exit_code == 0


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("12,A", "00012,A", "13,A"), "customer_id: 1 stand in the file in several ways that differ by leading zeros"),
        (("c12,A", "C12,A"), "customer_id: 1 stand in the file in several ways"),
        (("12.0,A", "12,A", "x7,A"), "customer_id: 1 stand in the file in several ways"),
        (("1,Centro", "2,CENTRO", "3,São João", "4,Sao João"), "area: 2 stand in the file in several ways"),
    ],
)
def test_ids_and_names_in_two_ways_are_told(settings: DashboardSettings, rows: tuple[str, ...], said: str) -> None:
    report = give(settings, "customers", customers(*rows))
    assert report.exit_code == 1
    assert any(said in warning for warning in report.warnings)


def test_fractions_are_taken_off_where_all_are_whole_numbers(settings: DashboardSettings) -> None:
    give(settings, "customers", customers("12,A", "13,A"))
    assert "2 of 2 rows name a customer on record" in str(give(settings, "complaints", complaints("12.0", "13")))


def test_ids_that_programs_make_may_differ_by_case(settings: DashboardSettings) -> None:
    assert give(settings, "customers", customers("5003000000D8cuI,A", "5003000000D8cui,A")).exit_code == 0


@pytest.mark.parametrize(
    ("on_record", "given"),
    [
        ([f"{n:05}" for n in range(1, 51)], [f"{n:05}" for n in range(1, 46)] + [str(n) for n in range(46, 51)]),
        ([str(n) for n in range(1, 51)], [str(n) for n in range(1, 46)] + [f"{n:05}" for n in range(46, 51)]),
        ([f"c{n}" for n in range(50)], [f"c{n}" for n in range(45)] + [f"C{n}" for n in range(45, 50)]),
        (["x", *map(str, range(50))], ["x", *map(str, range(45))] + [f"{n}.0" for n in range(45, 50)]),
    ],
)
def test_a_few_ids_that_would_join_in_another_writing_are_told_above_the_floor(
    settings: DashboardSettings, on_record: list[str], given: list[str]
) -> None:
    give(settings, "customers", customers(*(f"{one},A" for one in on_record)))
    report = give(settings, "complaints", complaints(*given))
    assert report.exit_code == 1
    assert "a mapping mends it that says under [columns.customer_id]" in str(report)


def test_customers_who_are_on_record_under_another_writing_are_told(settings: DashboardSettings) -> None:
    give(settings, "customers", customers(*(f"{n},A" for n in range(1, 51))))
    rows = [f"{n},A" for n in range(1, 46)] + [f"{n:05},A" for n in range(46, 51)]
    report = give(settings, "customers", customers(*rows))
    assert report.exit_code == 1
    assert "are probably on record under an id that is written otherwise: leading zeros? 00046 here, 46" in str(report)


def test_areas_that_differ_by_accents_are_told_on_joining(settings: DashboardSettings) -> None:
    give(settings, "areas", "area,name\n" + "".join(f"{name},x\n" for name in ("São João", "Centro", "Norte", "Sul")))
    rows = [f"{n},{('Centro', 'Norte', 'Sul')[n % 3]}" for n in range(20)] + ["21,Sao Joao", "22,Sao Joao"]
    report = give(settings, "customers", customers(*rows))
    assert report.exit_code == 1
    assert "upper and lower case, or accents? Sao Joao here, São João among areas on record" in str(report)
