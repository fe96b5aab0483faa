"""Months in the languages of providers are read, and what is another month in another language is refused."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.dates.month_names import NAMES, months_of
from dashboard.tables.dates.spelled import plain
from dashboard.tables.imports.records import import_records, read


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["01-ene-23", "02-abr-23"], ["01-jan-23", "02-apr-23"]),
        (["3. März 2023", "4. Dezember 2023"], ["3 mar 2023", "4 dec 2023"]),
        (["1er août 2023"], ["1 aug 2023"]),
        (["5 de março de 2023", "6 de out de 2023"], ["5 mar 2023", "6 oct 2023"]),
        (["1 sty 2023", "2 lis 2023"], ["1 jan 2023", "2 nov 2023"]),
        (["1 sij 2023", "2 lis 2023"], ["1 jan 2023", "2 oct 2023"]),
        (["2 lis 2023"], ["2 lis 2023"]),
        (["12 мая 2023 10:30"], ["12 may 2023 10:30"]),
        (["2023-févr-01", "2023-juil.-02"], ["01-feb-2023", "02-jul-2023"]),
        (["Jan 5, 2023", "Mon, 12 May 2025", "mar 12 2024"], ["5 jan 2023", "12 may 2025", "12 mar 2024"]),
        (["Mon May 12 2025 22:00:00"], ["12 may 2025 22:00:00"]),
        (["2023-01-05T10:00:00Z", "05/01/2023", None, "soon"], ["2023-01-05T10:00:00Z", "05/01/2023", None, "soon"]),
    ],
)
def test_dates_are_rewritten_with_english_months(texts: list[str | None], expected: list[str | None]) -> None:
    assert plain(pa.array(texts, pa.string())).to_pylist() == expected


@pytest.mark.parametrize("language", NAMES)
def test_every_language_has_twelve_months_and_reads_its_own(language: str) -> None:
    names = NAMES[language]
    assert set(names.values()) == set(range(1, 13))
    assert months_of(names) == names


FORMS = (("{day:02d}-{month}-{year}", ""), ("{day:02d} {month} {year}", 'format = "%d %b %Y"'))


@pytest.mark.parametrize(("form", "format"), FORMS)
def test_joiners_of_every_month_are_stored(folder: Path, form: str, format: str) -> None:
    names = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"]
    days = [form.format(day=number + 1, month=name, year=2023) for number, name in enumerate(names)]
    (folder / "export.csv").write_text(
        "customer_id,area,started_on\n" + "".join(f"{number},A,{day}\n" for number, day in enumerate(days))
    )
    (folder / "own.toml").write_text(
        'kind = "customers"\n[columns.customer_id]\nsource = "customer_id"\n[columns.area]\nsource = "area"\n'
        f'[columns.started_on]\nsource = "started_on"\n{format}\n'
    )
    settings = DashboardSettings(data=folder / "data", customer_key=folder / "key")
    report = import_records(
        "customers", folder / "export.csv", settings, as_of=datetime.date(2026, 3, 1), mapping=str(folder / "own.toml")
    )
    assert (report.added, report.rejected) == (12, 0)
    stored = read("customers", settings.data).column("started_on").to_pylist()
    assert sorted(stored) == [datetime.date(2023, month, month) for month in range(1, 13)]


def test_a_month_of_which_nobody_knows_the_language_is_said_to_be_one(folder: Path) -> None:
    (folder / "export.csv").write_text("customer_id,area,started_on\n1,A,2 lis 2023\n2,A,2023-01-02\n")
    settings = DashboardSettings(data=folder / "data", customer_key=folder / "key")
    report = import_records("customers", folder / "export.csv", settings, as_of=datetime.date(2026, 3, 1))
    assert [fault.line for fault in report.faults] == [2]
    assert report.faults[0].reason.startswith("has a month's name that is not known")
