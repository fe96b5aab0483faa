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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import bairro
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from dashboard.config import load
from dashboard.figures import known
from dashboard.pages import areas, evidence, fixes, loyalty
from dashboard.pages.source import Source, visit
from dashboard.results import stored_results as storage
from dashboard.tables import quality_hours
from dashboard.tables.stored_hours import HourFiles

from .collector.fleet import CollectorRun, Echoes
from .dashboard.pages.test_layouts import text_of

FOLDERS = Path(__file__).parent / "data" / "folders"
NAMES = ("core", "olt-1", "cpe-1", "cpe-2", "cpe-3")
SILENT = {"olt-1", "cpe-1", "cpe-2"}
KINDS = ("customers", "complaints", "nps")
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


def test_the_dashboard_reads_what_the_collector_wrote(folder: Path) -> None:
    settings = load(folder / "dashboard.toml")
    seen = visit(Source(settings))
    live = seen.source.live()
    assert set(live.devices["device_id"]) == set(NAMES)
    assert not [problem for problem in live.problems if "live" in problem and "cannot be read" in problem]
    last = pq.ParquetFile(settings.data / "live" / "shard=0.parquet").read(["device_id", "state"]).to_pylist()
    assert {row["device_id"] for row in last if row["state"] in ("down", "suppressed")} == SILENT
    hours = quality_hours.read_hours(
        settings.data, datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    )
    assert hours.num_rows == 4 * len(NAMES)
    assert set(hours["device_id"].to_pylist()) == set(NAMES)
    assert quality_hours.read_devices(settings.data).num_rows == len(NAMES)
    assert HourFiles(settings.data).damages() == []


def test_pages_show_the_results_of_then_or_say_why_not(folder: Path) -> None:
    """What those results do not have is said at the top of each page; results are made again by any build."""
    seen = visit(Source(load(folder / "dashboard.toml")))
    results = seen.source.results()
    for page in (areas, evidence, loyalty, fixes):
        said = text_of(page.layout(seen))
        if results is None:
            assert "was made by 0.1.0 and lacks columns that are needed" in said
            assert "“bairro build” makes new ones" in said
        else:
            assert "No results yet" not in said
            assert "Results cannot be read" not in said
            assert not results.lacks or known.lacking(results) in said
            assert all(known.TABLES.get(name, name.replace("_", " ")) in said for name in results.lacks)


def test_a_build_of_today_is_made_of_the_records_and_hours_of_then(folder: Path, capsys: Any) -> None:
    data, config = folder / "data", str(folder / "dashboard.toml")
    assert bairro.main(["migrate", "--url", f"sqlite:///{data / 'operations.sqlite'}"]) == 0, capsys.readouterr()
    assert bairro.main(["build", "--config", config]) == 1, capsys.readouterr()
    assert "20 of rtt_p95_seconds" in capsys.readouterr().out, "0.1 wrote round trips of eight days"
    results = storage.load(data)
    assert results is not None
    assert (results.lacks, results.passed_over) == ((), ())
    read: Counter[str] = Counter()
    for row in results.manifest["counts"]:
        read[row["table"]] += row["rows"]
    kinds = {kind: len(pq.ParquetFile(data / "records" / kind / "000001.parquet").read()) for kind in KINDS}
    assert {kind: read[kind] for kind in KINDS} == kinds
    assert read["quality_hours"] == 4 * len(NAMES)
