"""Whom to call after an incident: those served by its devices when it happened, out of the provider's own list."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import bairro
from collector.publish.incidents.migrate import migrate
from collector.published import DEVICES, INCIDENT_DEVICES, INCIDENTS, connect
from dashboard.config import load
from dashboard.tables.imports.records import import_records

SETTINGS = 'data = "data"\ncustomer_key = "customer.key"\ntimezone = "Europe/Lisbon"\n'
CUSTOMERS = """customer_id,area,device_id,started_on,ended_on,end_reason,valid_from
C-1,north,cpe-1,2024-01-01,,,2024-01-01
C-2,north,cpe-2,2024-01-01,,,2024-01-01
C-3,north,olt-1,2024-01-01,,,2024-01-01
C-4,south,cpe-9,2024-01-01,,,2024-01-01
C-5,north,cpe-1,2023-01-01,2023-12-31,moved,2023-01-01
C-6,north,cpe-9,2024-01-01,,,2024-01-01
C-6,north,cpe-3,2024-01-01,,,2025-03-02
C-7,north,cpe-3,2024-01-01,,,2024-01-01
C-7,south,cpe-9,2024-01-01,,,2025-03-02
C-8,north,cpe-1,2024-01-01,,,2025-05-01
C-9,north,cpe-2,2024-01-01,2025-04-01,voluntary,2024-01-01
"""
LIST = "id,name,phone\n" + "".join(
    f"C-{number},Ana {number},91234567{number}\n" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 77)
)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A provider with customers, an inventory in which olt-2 hangs behind olt-1, and three incidents."""
    (tmp_path / "dashboard.toml").write_text(SETTINGS)
    (tmp_path / "customers.csv").write_text(CUSTOMERS)
    (tmp_path / "list.csv").write_text(LIST)
    settings = load(tmp_path / "dashboard.toml")
    assert import_records("customers", tmp_path / "customers.csv", settings).exit_code == 0
    parents = {"olt-1": None, "olt-2": "olt-1", "cpe-1": "olt-1", "cpe-2": "olt-2", "cpe-3": "olt-2", "cpe-9": None}
    rows = [
        {
            "device_id": name,
            "valid_from": at(2024, 1, 1),
            "area": "north",
            "parent": parent,
            "role": "olt",
            "subscribers": 1,
        }
        for name, parent in parents.items()
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=DEVICES.arrow_schema()), settings.data / "devices.parquet")
    migrate(settings.database_url)
    engine = connect(settings.database_url)
    with engine.begin() as connection:
        for incident_id, kind, root in (
            ("aa-1", "outage", "olt-1"),
            ("bb-2", "blind", None),
            ("cc-3", "outage", "far"),
        ):
            connection.execute(
                sa.insert(INCIDENTS).values(
                    incident_id=incident_id,
                    root_device_id=root,
                    scope="subtree",
                    area="north",
                    kind=kind,
                    started_at=at(2025, 3, 1, 10),
                    ended_at=at(2025, 3, 1, 12),
                    detected_by="0/1",
                    devices_affected=2,
                    subscribers_affected=3,
                    customer_minutes_lost=1.0,
                )
            )
        for incident_id, device, start, end in (
            ("aa-1", "olt-1", at(2025, 3, 1, 10), at(2025, 3, 1, 12)),
            ("aa-1", "cpe-1", at(2025, 3, 1, 10, 30), at(2025, 3, 1, 11)),
            ("aa-1", "cpe-1", at(2025, 3, 1, 11, 30), at(2025, 3, 1, 12)),
            ("cc-3", "far", at(2025, 3, 1, 10), at(2025, 3, 1, 12)),
        ):
            connection.execute(
                sa.insert(INCIDENT_DEVICES).values(
                    incident_id=incident_id,
                    device_id=device,
                    started_at=start,
                    ended_at=end,
                    area="north",
                    subscribers=1,
                )
            )
    engine.dispose()
    return tmp_path


def reach(folder: Path, incident: str, *more: str, listed: str = "list.csv", column: str = "id") -> int:
    words = ["outreach", incident, "--config", str(folder / "dashboard.toml"), "--customers", str(folder / listed)]
    return bairro.main([*words, "--id-column", column, "--out", str(folder / "call.csv"), *more])


def test_those_who_were_served_then_are_called_and_no_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reach(folder, "aa") == 0
    with (folder / "call.csv").open(newline="") as file:
        rows = {row["customer_id"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["C-2", "C-3", "C-7", "C-9", "C-1"]
    assert rows["C-2"] == {
        "customer_id": "C-2",
        "why": "device cpe-2 behind olt-1 was without service",
        "device_id": "cpe-2",
        "area": "north",
        "from": "2025-03-01 10:00",
        "to": "2025-03-01 12:00",
        "minutes": "120",
        "left_on": "",
    }
    assert rows["C-1"]["why"] == "device cpe-1 was without service, 2 times"
    assert rows["C-1"]["minutes"] == "60"
    assert rows["C-9"]["left_on"] == "2025-04-01"
    assert (folder / "call.csv").stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr().out
    assert "2 devices of the incident, 5 with those behind them; 5 customers were served by them" in said
    assert "1 id of the list is not among the imported customers" in said
    assert "1 customers on those devices are on record only from a later day on, and are left out" in said
    kept = b"".join(path.read_bytes() for path in (folder / "data").rglob("*") if path.is_file())
    assert not any(word in kept for word in (b"C-1", b"C-2", b"Ana 1", b"912345671"))


def refusal(folder: Path, capsys: pytest.CaptureFixture[str], *words: str, **options: str) -> str:
    assert reach(folder, *words, **options) in (1, 2)
    assert not (folder / "call.csv").exists()
    told = capsys.readouterr()
    return told.out + told.err


def test_why_nobody_is_called_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no incident 'zz'" in refusal(folder, capsys, "zz")
    assert "the collector itself had lost sight of the network" in refusal(folder, capsys, "bb-2")
    assert "no imported customer had one of these devices" in refusal(folder, capsys, "cc-3")
    assert "the list has no column id; line 1 names customer_id" in refusal(
        folder, capsys, "aa", listed="customers.csv"
    )
    (folder / "others.csv").write_text("id\nX-1\nX-2\n")
    assert "none of the list's 2 ids is among the imported customers" in refusal(
        folder, capsys, "aa", listed="others.csv"
    )
    (folder / "far.csv").write_text("id\nC-4\n")
    assert "5 customers were served by these devices, and none of them is on the list" in refusal(
        folder, capsys, "aa", listed="far.csv"
    )
    (folder / "none.csv").write_text("id,name\n,Ana\n")
    assert "the list is empty" in refusal(folder, capsys, "aa", listed="none.csv")
    assert "no such file" in refusal(folder, capsys, "aa", listed="nowhere.csv")


def test_the_ids_do_not_go_into_the_data_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reach(folder, "aa", "--out", str(folder / "data" / "call.csv")) == 2
    assert "lies inside the data folder" in capsys.readouterr().err
    assert not (folder / "data" / "call.csv").exists()


def test_without_the_key_nobody_can_be_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "customer.key").unlink()
    assert "the customer key is missing" in refusal(folder, capsys, "aa")
