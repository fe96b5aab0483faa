"""Columns that say under another name when customers went: their file is refused, or told."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

import bairro
from dashboard.config import DashboardSettings
from dashboard.tables.checks.columns.who_left.departures import is_named
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records, read

NAMES = (
    *(
        "termination_date",
        "Cancellation date",
        "end_date",
        "data_cancelamento",
        "fecha_baja",
        "einddatum",
        "дата_окончания",
    ),
    *("data_fim", "Data de rescisão", "disconnected_on", "opzegdatum", "дата расторжения договора", "Kündigungsdatum"),
)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key", timezone="Europe/Lisbon")


def give(settings: DashboardSettings, column: str, days: list[str], mapping: str | None = None) -> ImportReport:
    source = settings.data.parent / "export.csv"
    rows = "".join(f"{number},A,2024-01-31,{day}\n" for number, day in enumerate(days, 1))
    source.write_text(f"customer_id,area,started_on,{column}\n{rows}")
    if mapping is not None:
        columns = "".join(f'[columns.{name}]\nsource = "{name}"\n' for name in ("customer_id", "area", "started_on"))
        (settings.data.parent / "own.toml").write_text(f'kind = "customers"\n{mapping}\n{columns}')
    own = str(settings.data.parent / "own.toml") if mapping is not None else None
    return import_records("customers", source, settings, as_of=datetime.date(2026, 3, 1), mapping=own)


@pytest.mark.parametrize("name", NAMES)
def test_last_days_under_another_name_refuse_the_file(settings: DashboardSettings, name: str) -> None:
    report = give(settings, name, ["", "2025-03-01", "0000-00-00"])
    assert report.exit_code == 2
    assert "1 row says when the customer went (the first is on line 3)" in str(report)
    assert "[columns.ended_on] source =" in str(report)
    assert not read("customers", settings.data).num_rows
    assert give(settings, name, ["", "2025-03-01"], mapping="").exit_code == 2


@pytest.mark.parametrize("day", ["01/03/2025", "45717", "1.3.2025", "2025-03-01 10:00:00"])
def test_however_days_are_written(settings: DashboardSettings, day: str) -> None:
    assert give(settings, "termination_date", ["", day]).exit_code == 2


def test_a_mapping_takes_them_or_leaves_them(settings: DashboardSettings) -> None:
    days = ["", "2025-03-01"]
    ignored = give(settings, "Closed at", days, mapping='ignore = ["Closed at"]')
    assert (ignored.exit_code, ignored.added) == (0, 2)
    taken = give(settings, "closed_at", days, mapping='[columns.ended_on]\nsource = "closed_at"')
    assert taken.exit_code == 0
    assert [str(row["ended_on"]) for row in read("customers", settings.data).to_pylist() if row["ended_on"]]


@pytest.mark.parametrize("name", ["cancellation_date", "fecha_baja", "дата_окончания", "einddatum"])
def test_a_proposal_takes_them(
    settings: DashboardSettings, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(settings, name, ["", "2025-03-01"])
    monkeypatch.chdir(settings.data.parent)
    Path("dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n')
    assert bairro.main(["import", "customers", "export.csv", "--as-of", "2026-03-01", "--propose"]) == 0
    assert f'[columns.ended_on]\nsource = "{name}"' in capsys.readouterr().out


def test_by_their_content_alone_they_are_told(settings: DashboardSettings) -> None:
    report = give(settings, "datum2", ["", "2025-03-01", "", "2025-07-01"])
    assert (report.exit_code, report.added) == (1, 4)
    assert "datum2 holds days that are mostly blank, past and later than started_on" in str(report)


@pytest.mark.parametrize(
    ("column", "days"),
    [
        ("contract_end_date", ["2025-03-01", "2027-03-01", ""]),
        ("end_date", ["2027-03-01", "2028-03-01", ""]),
        ("termination_date", ["", "", "9999-12-31"]),
        ("last_payment", ["2026-02-01", "2026-02-02", ""]),
        ("installed", ["2024-01-31", "2024-01-30", ""]),
        ("x", ["2026-02-01", "2026-02-02", "2025-01-01"]),
    ],
)
def test_other_days_say_nothing(settings: DashboardSettings, column: str, days: list[str]) -> None:
    assert give(settings, column, days).exit_code == 0


@pytest.mark.parametrize("name", ["gender", "calendar", "vendor", "weekend", "ended_tickets", "contract_end", "friend"])
def test_names_that_hold_the_letters_and_mean_something_else(name: str) -> None:
    assert not is_named(name)
