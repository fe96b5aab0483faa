"""`bairro backup` while all runs, `bairro restore` into an empty folder: the same figures, or one sentence and nothing."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import signal
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import bairro
from collector import file_lock
from collector.commands.backup import snapshot
from collector.publish.hours.journal import Journal
from collector.publish.incidents.migrate import migrate
from collector.published import AUDIT, INCIDENT_DEVICES, INCIDENTS, connect
from dashboard.tables import quality_hours
from dashboard.tables.imports.storage import snapshots

from ...fleet import CollectorRun, Echoes

KEPT = Path(__file__).parents[3] / "data" / "folders"
SPAN = datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def folder_of(name: str, to: Path) -> Path:
    shutil.copytree(KEPT / name, to)
    (to / "data" / "cache").mkdir()
    (to / "data" / "cache" / "made-again.parquet").write_bytes(b"")
    return to


def run(*words: str | Path) -> int:
    return bairro.main([str(word) for word in words])


@pytest.fixture(params=["0.1-stamped"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """A data folder that 0.1 wrote, and a backup of it."""
    folder = folder_of(request.param, tmp_path / "kept")
    assert run("backup", tmp_path / "a.tar", "--config", folder / "collector.toml") == 0
    return folder / "data", tmp_path / "a.tar"


def figures(data: Path) -> dict[str, Any]:
    """What pages and builds read of a data folder."""
    results = sorted((data / "results").glob("2*"))
    with sqlite3.connect(data / "operations.sqlite") as database:
        incidents = database.execute("SELECT * FROM incidents ORDER BY incident_id").fetchall()
        devices = database.execute("SELECT * FROM incident_devices ORDER BY incident_id, device_id").fetchall()
    return {
        "hours": quality_hours.read_hours(data, *SPAN).sort_by("device_id").to_pydict(),
        "devices": quality_hours.read_devices(data).to_pydict(),
        "records": {kind: snapshots.read(kind, data).to_pydict() for kind in ("customers", "complaints", "nps", "areas")},
        "results": [{p.name: pq.read_table(p).to_pydict() for p in sorted(one.glob("*.parquet"))} for one in results],
        "incidents": (incidents, devices),
        "journal": [tuple(fact) for fact in Journal(data / "journal" / "quality-shard-0").replay()],
    }  # fmt: skip


def test_what_is_restored_reads_as_what_was_backed_up(backup, tmp_path, capsys):
    data, file = backup
    assert run("restore", file, "--into", tmp_path / "new") == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'new'}: 31 files (" in said
    assert "every checksum fits" in said
    assert "put the customer key back" in said
    assert f'data = "{tmp_path / "new"}"' in said
    before, after = figures(data), figures(tmp_path / "new")
    assert before["hours"]["device_id"]
    assert before["incidents"][0]
    assert before["journal"]
    for part, of_part in before.items():
        assert after[part] == of_part, part
    assert not (tmp_path / "new" / "cache").exists(), "what is made again is left out"
    assert not (data / snapshot.STAGING).exists()
    assert file.stat().st_mode & 0o777 == 0o600


def test_other_programs_can_read_it_and_its_checksums_fit(backup, tmp_path):
    _, file = backup
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "-xf", file, "-C", tmp_path / "out"], check=True)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    sums = "".join(f"{held['sha256']}  {name}\n" for name, held in manifest["files"].items())
    checked = subprocess.run(["sha256sum", "-c", "--quiet"], input=sums, text=True, cwd=tmp_path / "out", check=False)
    assert checked.returncode == 0
    listed = subprocess.run(["tar", "-tf", file], capture_output=True, text=True, check=True).stdout.split("\n")
    assert set(listed) - {""} == {*manifest["files"], "manifest.json"}


@pytest.mark.parametrize("at", [0.02, 0.3, 0.6, 0.97])
def test_a_changed_byte_and_a_missing_end_are_found_before_anything_is_written(tmp_path, at, capsys):
    folder_of("0.1", tmp_path / "kept")
    file = tmp_path / "a.tar"
    assert run("backup", file, "--config", tmp_path / "kept" / "collector.toml") == 0
    whole = file.read_bytes()
    place = int(at * len(whole))
    place = next(i for i in range(place, len(whole)) if whole[i])
    for content in (
        whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :],
        whole[:place],
        b"",
        b"nonsense" * 99,
    ):
        file.write_bytes(content)
        capsys.readouterr()
        assert run("restore", file, "--into", tmp_path / "new") == 2
        said = capsys.readouterr().err
        assert said.startswith(f"bairro: {file}: ")
        assert said.count("\n") == 1
        assert not (tmp_path / "new").exists()


def archive(path: Path, files: dict[str, bytes], stated: dict[str, Any]) -> Path:
    """A backup that somebody made by hand."""
    held = {name: {"bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for name, c in files.items()}
    manifest = {"format": 1, "bairro": "9.9", "made_at": "2026-11-30", "schema": None, "files": held} | stated
    with tarfile.open(path, "w") as made:
        for name, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize(("files", "stated", "said"), [
    ({"../evil": b""}, {}, "holds '../evil', which no backup holds: nothing is restored"),
    ({"/etc/evil": b""}, {}, "holds '/etc/evil', which no backup holds: nothing is restored"),
    ({"a/./b": b""}, {}, "holds 'a/./b', which no backup holds: nothing is restored"),
    ({}, {"format": 2}, "is a backup of format 2, made by Bairro 9.9; this version reads format 1: upgrade Bairro first"),
    ({}, {"schema": "9999"}, "its database has schema 9999, and this version knows up to "),
    ({"a": b"1"}, {"files": {}}, "a is not what was backed up (its checksum differs); take another copy of it"),
    ({}, {"files": {"a": {"bytes": 1, "sha256": ""}}}, "a is not what was backed up (its checksum differs)"),
    ({}, {"files": [1]}, "its manifest.json cannot be read; take another copy of it"),
])  # fmt: skip
def test_what_is_no_backup_of_ours_is_refused(tmp_path, files, stated, said, capsys):
    file = archive(tmp_path / "b.tar", files, stated)
    assert run("restore", file, "--into", tmp_path / "new" / "data") == 2
    assert capsys.readouterr().err.startswith(f"bairro: {file}: {said}")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_in_use_or_not_empty_is_refused(backup, tmp_path, capsys):
    data, file = backup
    with file_lock.alone(data / "journal" / "collector-0.lock", what="bairro collect, shard 0/1", at=0.0):
        assert run("restore", file, "--into", data) == 2
    assert f"{data}: is in use: bairro collect, shard 0/1, process " in capsys.readouterr().err
    assert run("restore", file, "--into", data) == 2
    assert "is not empty, and a restore replaces nothing" in capsys.readouterr().err
    (tmp_path / "new" / ".restoring").mkdir(parents=True)
    assert run("restore", file, "--into", tmp_path / "new") == 2
    assert (
        f"what a restore that was cut off has left: remove {tmp_path / 'new' / '.restoring'} first"
        in capsys.readouterr().err
    )
    assert run("restore", file, "--into", file) == 2
    assert "is no folder" in capsys.readouterr().err


def test_a_backup_replaces_nothing_and_stays_out_of_the_data(backup, tmp_path, capsys):
    data, file = backup
    config = data.parent / "collector.toml"
    assert run("backup", file, "--config", config) == 2
    assert "exists already, and a backup replaces none" in capsys.readouterr().err
    assert run("backup", data / "b.tar", "--config", config) == 2
    assert "lies in the data folder" in capsys.readouterr().err
    assert run("backup", tmp_path / "none" / "b.tar", "--config", config) == 2
    assert "No such file or directory; no backup was made" in capsys.readouterr().err
    with file_lock.alone(data / "journal" / "backup.lock", what="bairro backup", at=0.0):
        assert run("backup", tmp_path / "b.tar", "--config", config) == 2
    assert f"another backup of {data} is being made: bairro backup, process " in capsys.readouterr().err
    assert not (tmp_path / "b.tar").exists()


def test_a_full_disk_leaves_no_half_a_backup(tmp_path, capsys):
    folder = folder_of("0.1", tmp_path / "kept")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting a small tmpfs needs privileges that this process does not have")
    try:
        assert run("backup", disk / "a.tar", "--config", folder / "collector.toml") == 2
        assert "No space left on device; no backup was made" in capsys.readouterr().err
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_results_that_a_build_takes_away_meanwhile_are_left_out_whole(tmp_path, monkeypatch):
    folder = folder_of("0.1", tmp_path / "kept")
    data = folder / "data"
    build = next((data / "results").glob("2*"))
    linked = snapshot._copy

    def copy(path: Path, to: Path) -> None:
        linked(path, to)
        if path.parent == build:
            shutil.rmtree(build)

    monkeypatch.setattr(snapshot, "_copy", copy)
    with snapshot.frozen(data) as staging:
        assert not (staging / "results" / build.name).exists()
        assert (staging / "quality").exists()


# --- PostgreSQL ---


def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    engine = connect(url)
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in (INCIDENTS, INCIDENT_DEVICES, AUDIT)
        }
    engine.dispose()
    return found


def test_postgresql_is_backed_up_and_restored_to_either(postgresql, postgresql_server, tmp_path, capsys):
    folder = folder_of("0.1", tmp_path / "kept")
    config = folder / "collector.toml"
    sqlite = f"sqlite:///{folder / 'data' / 'operations.sqlite'}"
    assert run("migrate", "--url", sqlite) == 0
    migrate(postgresql)
    source, target = connect(sqlite), connect(postgresql)
    with source.connect() as reading, target.begin() as writing:
        for table in (INCIDENTS, INCIDENT_DEVICES):
            writing.execute(sa.insert(table), [dict(row) for row in reading.execute(sa.select(table)).mappings()])
        entry = {"at": AT, "actor": "anna", "subject": "i", "details": "{}"}
        writing.execute(sa.insert(AUDIT), [{**entry, "action": f"a{number}"} for number in range(3)])
    source.dispose(), target.dispose()
    for path in (folder / "data").glob("operations.sqlite*"):
        path.unlink()
    config.write_text(f'database = "{postgresql}"\n{config.read_text()}')
    expected = rows(postgresql)
    assert all(expected.values())
    assert run("backup", tmp_path / "a.tar", "--config", config) == 0

    assert run("restore", tmp_path / "a.tar", "--into", tmp_path / "one") == 0
    assert rows(f"sqlite:///{tmp_path / 'one' / 'operations.sqlite'}") == expected

    assert run("restore", tmp_path / "a.tar", "--into", tmp_path / "two", "--database", postgresql) == 2
    said = capsys.readouterr().err
    assert "holds rows already; name a database that is empty" in said
    assert "secret" not in said
    assert list((tmp_path / "two").iterdir()) == []
    new = empty_database(postgresql_server)
    assert run("restore", tmp_path / "a.tar", "--into", tmp_path / "two", "--database", new) == 0
    assert not (tmp_path / "two" / "operations.sqlite").exists()
    assert rows(new) == expected
    engine = connect(new)
    with engine.begin() as connection:
        connection.execute(sa.insert(AUDIT).values(**entry, action="next"))
    engine.dispose()
    assert [row[0] for row in rows(new)["audit"]] == [1, 2, 3, 4]


def empty_database(server: str) -> str:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE restored")
    engine.dispose()
    return server.removesuffix("postgres") + "restored"


# --- beside a collector ---


@pytest.fixture
def collecting(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[CollectorRun]:
    echoes = Echoes(("core",), free_port())
    collector = CollectorRun(tmp_path, port=free_port(), interval=0.2)
    collector.write_inventory(f"core,{echoes.addresses['core']},router,centro,,echo:{echoes.port},,,0")
    collector.start()
    yield collector
    assert collector.process is not None
    collector.process.kill()
    collector.process.wait()
    echoes.close()


def facts(data: Path) -> list[tuple[Any, ...]]:
    return [tuple(fact) for fact in Journal(data / "journal" / "quality-shard-0").replay()]


def test_a_backup_beside_a_collector_holds_what_its_journal_held(collecting, tmp_path, eventually):
    eventually(lambda: facts(collecting.data), 60)
    taken = []
    for number in range(2):
        had = facts(collecting.data)
        assert run("backup", tmp_path / f"{number}.tar", "--config", collecting.config) == 0
        assert run("restore", tmp_path / f"{number}.tar", "--into", tmp_path / f"{number}") == 0
        taken.append(facts(tmp_path / str(number)))
        assert taken[-1][: len(had)] == had
        eventually(lambda: len(facts(collecting.data)) > len(taken[-1]), 60)
    assert collecting.stop(signal.SIGTERM) == 0
    assert facts(collecting.data)[: len(taken[1])] == taken[1]
    with sqlite3.connect(tmp_path / "1" / "operations.sqlite") as restored:
        assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "ERROR" not in collecting.said()
