"""What a later file has no column for stays on record, and the report says so."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.records import import_records
from dashboard.tables.imports.storage.snapshots import read

FIRST, LATER = datetime.date(2026, 2, 1), datetime.date(2026, 3, 1)
FULL = ",plan,monthly_price,device_id"


@pytest.fixture
def provider(tmp_path: Any) -> DashboardSettings:
    settings = DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key")
    give(settings, "customers", customers(FULL, "P1,20,d"), FIRST)
    return settings


def give(provider: DashboardSettings, kind: str, text: str, day: datetime.date = LATER, **options: Any) -> ImportReport:
    path = provider.data.parent / f"{kind}.csv"
    path.write_text(text)
    return import_records(kind, path, provider, as_of=day, **options)


def customers(columns: str = "", cells: str = "", area: str = "A") -> str:
    rows = (f"{one},{area},2024-01-{1 + one:02}{',' if cells else ''}{cells}" for one in range(10))
    return f"customer_id,area,started_on{columns}\n" + "\n".join(rows) + "\n"


def newest(provider: DashboardSettings, *names: str) -> set[tuple[object, ...]]:
    found = {row["customer_id"]: row for row in read("customers", provider.data).sort_by("valid_from").to_pylist()}
    return {tuple(row[name] for name in names) for row in found.values()}


@pytest.mark.parametrize("blank", ["", ",,"])
def test_a_file_without_the_columns_changes_nothing_and_says_so(provider: DashboardSettings, blank: str) -> None:
    report = give(provider, "customers", customers(FULL if blank else "", blank))
    assert (report.exit_code, report.unchanged) == (0, 10)
    assert "the file has no device_id, plan and monthly_price: 10 rows keep what is on record" in report.notes


def test_what_rests_on_something_that_changed_is_not_known(provider: DashboardSettings) -> None:
    assert give(provider, "customers", customers(area="B")).added == 10
    assert newest(provider, "area", "plan", "monthly_price", "device_id") == {("B", "P1", 20.0, None)}
    assert give(provider, "customers", customers(",plan", "P2", area="B"), datetime.date(2026, 3, 8)).added == 10
    assert newest(provider, "plan", "monthly_price") == {("P2", None)}


def test_a_single_row_that_leaves_a_cell_blank_says_so(provider: DashboardSettings) -> None:
    one = "customer_id,area,started_on,plan,monthly_price,device_id\n0,A,2024-01-01,P1,20,\n"
    assert give(provider, "customers", one, absent="stay").added == 1
    assert newest(provider, "device_id") == {("d",), (None,)}


def test_other_kinds_keep_theirs(provider: DashboardSettings) -> None:
    opened = "complaint_id,customer_id,opened_at,category"
    give(provider, "complaints", f"{opened},channel\nT1,1,2026-01-02 10:00,slow,web\nT2,2,2026-01-02 10:00,slow,web\n")
    report = give(provider, "complaints", f"{opened}\nT1,1,2026-01-02 10:00,billing\nT2,2,2026-02-02 10:00,slow\n")
    assert "the file has no channel: 1 row keeps what is on record; 1 does not, as what it rests on" in str(report)
    assert read("complaints", provider.data).column("channel").to_pylist() == ["web", None]
    outline = '{"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [0, 0]]]}'.replace('"', '""')
    give(provider, "areas", f'area,name,geometry\nA,Alfa,"{outline}"\n')
    assert give(provider, "areas", "area,name\nA,Alfama\n").changed == 1
    (area,) = read("areas", provider.data).to_pylist()
    assert area["name"] == "Alfama"
    assert area["geometry"]
