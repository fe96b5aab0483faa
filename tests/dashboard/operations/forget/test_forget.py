"""`bairro forget`: afterwards no file and no table of the data folder names the customer or their own device."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bairro
from collector import parquet_footer
from collector.publish.incidents.migrate import migrate
from dashboard.config import load
from dashboard.tables.imports.hashed_ids import hash_id
from dashboard.tables.imports.storage import snapshots

KEPT = Path(__file__).parents[3] / "data" / "folders" / "0.1-stamped"
CUSTOMERS = "customer_id,area,device_id,started_on\nann,n001,cpe-1,2024-01-01\nbob,n001,olt-1,2024-01-01\ncem,n001,olt-1,2024-01-01\n"
COMPLAINTS = "complaint_id,customer_id,opened_at,category\n1,ann,2025-03-01T10:00:00Z,connection\n2,bob,2025-03-02T10:00:00Z,connection\n"
NPS = "response_id,customer_id,answered_on,score\n1,ann,2025-03-01,3\n2,cem,2025-03-02,9\n"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hours and incidents that 0.1 wrote, and two imports of customers, one of whom has a device of her own."""
    found = Path(shutil.copytree(KEPT, tmp_path_factory.mktemp("prepared") / "kept"))
    shutil.rmtree(found / "data" / "records")
    shutil.rmtree(found / "data" / "live")
    (found / "data" / "cache").mkdir()
    migrate(f"sqlite:///{found / 'data' / 'operations.sqlite'}")
    changed = CUSTOMERS.replace("ann,n001", "ann,n002") + "dee,n001,core,2024-01-01\n"
    for kind, text, *options in (
        ("customers", CUSTOMERS, "--as-of", "2026-01-01"),
        ("customers", changed, "--as-of", "2026-02-01"),
        ("complaints", COMPLAINTS),
        ("nps", NPS),
    ):
        (found / "export.csv").write_text(text)
        assert run(found, "import", kind, found / "export.csv", *options) in (0, 1)
    assert len(list((found / "data" / "records" / "customers").glob("*.parquet"))) == 2
    return found


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "kept"))


def run(folder: Path, *words: str | Path) -> int:
    return bairro.main([*(str(word) for word in words), "--config", str(folder / "dashboard.toml")])


def hashed(folder: Path, customer: str) -> str:
    return hash_id(customer, bytes.fromhex((folder / "customer.key").read_text().strip()))


def naming(folder: Path, word: str) -> list[str]:
    """Every file and table of the data folder that holds the word, by a look at all of them."""
    found = []
    for path in sorted((folder / "data").rglob("*.parquet*")):
        if any(word in (row or {}).values() for row in pq.read_table(path).to_pylist()):
            found.append(path.relative_to(folder / "data").as_posix())
    with sqlite3.connect(folder / "data" / "operations.sqlite") as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            if any(word in map(str, row) for row in database.execute(f"SELECT * FROM {table}").fetchall()):
                found.append(table)
    return found


def contents(folder: Path) -> dict[Path, Any]:
    return {path: pq.read_table(path).to_pylist() for path in (folder / "data").rglob("*.parquet")}


def test_nothing_names_them_any_more_and_all_others_are_as_they_were(folder, capsys):
    ann, bob = hashed(folder, "ann"), hashed(folder, "bob")
    assert len(naming(folder, ann)) == 4
    assert {"devices.parquet", "incident_devices"} < set(naming(folder, "cpe-1"))
    before, of_bob = contents(folder), naming(folder, bob)
    metadata = snapshots.read_metadata("customers", folder / "data")
    capsys.readouterr()

    assert run(folder, "forget", " ann ", "--by", "dpo") == 0
    said = capsys.readouterr().out
    for line in (
        "customers: 3 rows erased", "complaints: 1 row erased", "nps: 1 row erased", "quality_hours: 4 rows erased",
        "Devices that were theirs alone: cpe-1", "Not reached: backups",
    ):  # fmt: skip
        assert line in said
    assert naming(folder, ann) == []
    assert naming(folder, "cpe-1") == []
    assert naming(folder, bob) == of_bob
    after = contents(folder)
    for path, rows in before.items():
        kept = [row for row in rows if ann not in row.values() and row.get("device_id") != "cpe-1"]
        assert after[path] == kept, path
        parquet_footer.opened(path)
    assert snapshots.read_metadata("customers", folder / "data") == metadata
    assert not (folder / "data" / "cache").exists()
    with sqlite3.connect(folder / "data" / "operations.sqlite") as database:
        actor, subject, details = database.execute(
            "SELECT actor, subject, details FROM audit WHERE action = 'customer.forget'"
        ).fetchone()
    assert (actor, subject, json.loads(details)["customers"]) == ("dpo", "a customer", 3)

    assert run(folder, "forget", "ann") == 1
    assert capsys.readouterr().out.startswith("No row names this customer")
    assert run(folder, "import", "--history") == 0


def test_a_dry_run_counts_and_changes_nothing(folder, capsys):
    before = contents(folder)
    assert run(folder, "forget", "ann", "--dry-run") == 0
    assert "customers: 3 rows would be erased" in capsys.readouterr().out
    assert contents(folder) == before
    assert (folder / "data" / "cache").exists()


def test_the_history_of_a_device_that_others_use_stays(folder, capsys):
    assert run(folder, "forget", "bob") == 0
    said = capsys.readouterr().out
    assert "customers: 2 rows erased" in said
    assert (
        "Devices whose history stays, since others use them or no inventory says that they are a customer's: olt-1"
        in said
    )
    assert "quality_hours" not in said
    assert "devices.parquet" in naming(folder, "olt-1")
    assert run(folder, "forget", "dee") == 0
    assert "that they are a customer's: core" in capsys.readouterr().out, "alone at a router: it is not hers"


def test_a_device_that_is_still_polled_is_told(folder, capsys):
    (folder / "data" / "live").mkdir()
    parquet_footer.write(pa.table({"device_id": ["cpe-1", "core"]}), folder / "data" / "live" / "shard=0.parquet")
    assert run(folder, "forget", "ann") == 0
    assert "take cpe-1 out of the inventory, and run this again when the hour is over" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_told_and_keeps_the_exit_code_from_zero(folder, capsys):
    damaged = folder / "data" / "records" / "nps" / "000001.parquet"
    damaged.write_bytes(b"PAR1 nothing PAR1")
    assert run(folder, "forget", "ann") == 1
    said = capsys.readouterr().out
    assert f"Cannot be read, and may still hold rows: {damaged}" in said
    assert "complaints: 1 row erased" in said


def test_another_key_erases_nobody(folder, capsys):
    (folder / "customer.key").write_text("ab" * 32)
    assert run(folder, "forget", "ann") == 2
    assert "not the customer key that the records" in capsys.readouterr().err
    assert load(folder / "dashboard.toml").customer_key.exists()


def test_there_need_be_no_database_yet(folder, capsys):
    for path in (folder / "data").glob("operations.sqlite*"):
        path.unlink()
    assert run(folder, "forget", "ann") == 0
    assert naming(folder, "customer.forget") == ["audit"]
    (folder / "data" / "operations.sqlite").write_bytes(b"no database" * 99)
    assert run(folder, "forget", "bob") == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].endswith("operations.sqlite: file is not a database")
    assert "Traceback" not in said
