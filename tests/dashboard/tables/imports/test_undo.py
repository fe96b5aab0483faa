"""The history of imports, and taking one back."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.config import DashboardSettings
from dashboard.tables.imports.records import import_records, read, undo
from dashboard.tables.imports.storage import import_log
from dashboard.tables.imports.storage.snapshots import SnapshotError


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "customer.key")


def price(settings: DashboardSettings, value: int) -> None:
    source = settings.data.parent / "prices.csv"
    source.write_text(f"plan,valid_from,new_customer_price\nhome,2025-01-01,{value}\n")
    assert import_records("prices", source, settings, by="ana@desk").failure is None


def prices(settings: DashboardSettings) -> list[float]:
    return read("prices", settings.data).column("new_customer_price").to_pylist()


def test_an_import_is_taken_back_and_the_one_before_holds_again(settings: DashboardSettings) -> None:
    for value in (20, 21, 22):
        price(settings, value)
    said = undo("prices", settings)
    assert said == "prices: snapshot 000003 is taken back; 1 row of snapshot 000002 holds again"
    assert prices(settings) == [21.0]
    undo("prices", settings)
    assert prices(settings) == [20.0]
    assert undo("prices", settings) == "prices: snapshot 000001 is taken back; there are none now, as before the first"
    assert prices(settings) == []
    with pytest.raises(SnapshotError, match="nothing has been imported, so there is nothing to take back"):
        undo("prices", settings)


def test_numbers_are_not_used_twice_and_what_follows_an_undo_can_be_taken_back_too(settings: DashboardSettings) -> None:
    price(settings, 20)
    undo("prices", settings)
    price(settings, 21)
    assert [entry.snapshot for entry in import_log.entries(settings.data)] == [1, 1, 2]
    undo("prices", settings)
    assert prices(settings) == []


def test_the_oldest_snapshot_that_is_kept_stays(settings: DashboardSettings) -> None:
    for value in range(20, 28):
        price(settings, value)
    for _ in range(4):
        undo("prices", settings)
    assert prices(settings) == [23.0]
    with pytest.raises(SnapshotError, match="is the oldest snapshot that is kept"):
        undo("prices", settings)
    assert prices(settings) == [23.0]


def test_the_history_tells_imports_and_what_was_taken_back(settings: DashboardSettings) -> None:
    price(settings, 20)
    price(settings, 20)
    price(settings, 21)
    undo("prices", settings, by="rui@desk")
    lines = import_log.told(settings.data).splitlines()
    assert [line[18:] for line in lines] == [
        "prices     000002  taken back by rui@desk",
        "prices     000002  prices.csv by ana@desk: 1 row, 0 added, 1 changed",
        "prices     000001  prices.csv by ana@desk: 1 row, 1 added, 0 changed  [in force]",
    ]
    assert import_log.told(settings.data, "nps") == "nothing has been imported yet"


def test_a_torn_line_of_the_history_costs_that_line_alone(settings: DashboardSettings) -> None:
    price(settings, 20)
    with open(settings.data / "records" / import_log.FILE, "a", encoding="utf-8") as file:
        file.write('{"at": "2025')
    price(settings, 21)
    assert [entry.snapshot for entry in import_log.entries(settings.data)] == [1, 2]
