"""Data folders that earlier versions wrote (tests/data/folders) are read by this one: nothing of them is lost.

`python tests/data/folders/write.py COMMIT FOLDER` writes another. A folder is never written again by a later commit.
"""

from __future__ import annotations

import marshal
import shutil
import signal
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector.published import INCIDENT_DEVICES, INCIDENTS, connect

from .collector.fleet import CollectorRun, Echoes

FOLDERS = Path(__file__).parent / "data" / "folders"
NAMES = ("core", "olt-1", "cpe-1", "cpe-2", "cpe-3")
SILENT = {"olt-1", "cpe-1", "cpe-2"}
LAST_HOUR = "2026-11-22T02"


@pytest.fixture(params=sorted(path.name for path in FOLDERS.iterdir() if path.is_dir() and path.name[0].isdigit()))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a kept folder."""
    return Path(shutil.copytree(FOLDERS / request.param, tmp_path / "kept"))


@pytest.fixture
def run(folder: Path, free_port: Callable[[], int]) -> Iterator[CollectorRun]:
    """A collector of today on the folder: its devices answer, but for those that were silent when it was killed."""
    devices = (folder / "devices.csv").read_text()
    with_snmp, echo, web = "127.1.0.1:24161", free_port(), free_port()
    assert with_snmp in devices
    collector = CollectorRun.__new__(CollectorRun)
    collector.folder, collector.port, collector.data = folder, web, folder / "data"
    collector.config, collector.log, collector.process = folder / "collector.toml", folder / "log", None
    settings = collector.config.read_text()
    collector.config.write_text(settings.replace("port = 24733", f"port = {web}"))
    devices = devices.replace("echo:24007", f"echo:{echo}").replace(with_snmp, "127.1.0.1")
    (folder / "devices.csv").write_text(devices)
    echoes = Echoes(NAMES, echo)
    echoes.silent = set(SILENT)
    yield collector
    if collector.process is not None and collector.process.poll() is None:
        collector.process.kill()
        collector.process.wait()
    echoes.close()


def batches(path: Path) -> Iterator[Any]:
    """What the batches of a journal hold, by a reader of this test's own."""
    content = path.read_bytes()
    at = content.index(b"\n") + 1
    while at < len(content):
        (size,) = struct.unpack_from("<I", content, at)
        yield marshal.loads(content[at + 8 : at + 8 + size])
        at += 8 + size


def answered_in(journal: Path) -> Counter[str]:
    """How many polls each device answered in the last hour, as the journal has it: by name, time, time before, answer."""
    begun = datetime.fromisoformat(f"{LAST_HOUR}:00+00:00").timestamp()
    facts = [fact for found in batches(journal) if isinstance(found, list) for fact in found]
    return Counter(fact[1] for fact in facts if fact[0] == "poll" and fact[4] and fact[2] >= begun)


def open_incidents(data: Path) -> dict[str, set[str]]:
    """The devices in each open incident."""
    engine = connect(f"sqlite:///{data / 'operations.sqlite'}")
    with engine.connect() as connection:
        rows = connection.execute(
            sa.select(INCIDENTS.c.incident_id, INCIDENT_DEVICES.c.device_id)
            .join(INCIDENT_DEVICES, INCIDENT_DEVICES.c.incident_id == INCIDENTS.c.incident_id)
            .where(INCIDENTS.c.ended_at.is_(None), INCIDENT_DEVICES.c.ended_at.is_(None))
        ).all()
    engine.dispose()
    found: dict[str, set[str]] = {}
    for incident_id, device_id in rows:
        found.setdefault(incident_id, set()).add(device_id)
    return found


@pytest.mark.slow
def test_a_collector_goes_on_where_the_earlier_one_was_killed(
    run: CollectorRun, eventually: Callable[..., Any]
) -> None:
    (journal,) = (run.data / "journal" / "quality-shard-0").glob("*.journal")
    assert journal.stem == LAST_HOUR
    expected = answered_in(journal)
    assert set(expected) == set(NAMES)
    before = open_incidents(run.data)
    assert list(before.values()) == [SILENT]

    run.start()
    eventually(run.is_ready, 60)
    eventually(lambda: not journal.exists(), 60)
    hours = run.data / "quality" / f"date={LAST_HOUR[:10]}"
    last = pq.ParquetFile(hours / f"hour-{LAST_HOUR[-2:]}-shard-0.parquet").read().to_pylist()
    assert {f"{row['hour']:%Y-%m-%dT%H}" for row in last} == {LAST_HOUR}
    assert {row["device_id"]: row["polls_answered"] for row in last} == dict(expected)
    assert {row["device_id"]: row["observed_seconds"] > 0 for row in last} == dict.fromkeys(NAMES, True)
    everything = [
        pq.ParquetFile(path).metadata.num_rows for path in run.data.glob("quality/date=2026-11-2[12]/*.parquet")
    ]
    assert sum(everything) == 5 * len(NAMES)

    eventually(lambda: {dict(key)["device"] for key in run.metrics().get("bairro_device_down", {})} == SILENT, 60)
    assert open_incidents(run.data) == before, "the outage is the same one"
    assert run.stop(signal.SIGTERM) == 0
    said = run.said()
    for word in ("Traceback", "left out", "set aside", "ERROR"):
        assert word not in said, said
