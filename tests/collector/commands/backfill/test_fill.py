"""A real Prometheus with known samples, asked by the example's queries: the rows are what a count by hand gives."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import bairro
from collector.commands.backfill import queries
from collector.commands.backfill.fill import newest_hour
from collector.commands.backfill.prometheus import Prometheus
from collector.publish import parquet
from collector.publish.hours.hour_files import SCHEMA
from dashboard.tables import quality_hours

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
EXAMPLE = ROOT / "deploy" / "example" / "backfill.toml"
START = int(datetime(2026, 3, 1, 22, tzinfo=UTC).timestamp())
HOUR, HOURS = 3600, 6
OFFSET = 7
"""Scrapes come seven seconds after the minute: never on the edge of a window."""

INVENTORY = """device_id,address,role,area,parent,uplink_interface,subscribers
core,192.0.2.1,router,centro,,eth0,
home,192.0.2.2,cpe,centro,core,,3
lone,192.0.2.3,cpe,centro,,,1
other,192.0.2.4,cpe,centro,,,1
"""

SILENT = {
    "192.0.2.1": range(90, 100),  # in the second hour, ten minutes
    "192.0.2.2": range(85, 115),  # thirty minutes, ten of them behind the core
    "192.0.2.3": range(170, 190),  # over the edge from the third hour to the fourth
}
"""Minutes since the start in which a device did not answer."""

LOST = {"192.0.2.1": {5, 6, 30}}
"""Single echoes lost, which are no silence."""

UNSCRAPED = {"192.0.2.2": range(240, 270)}


def openmetrics() -> str:
    """Six hours of one probe and one scrape a minute, as the two exporters would have given them."""
    series: dict[str, list[str]] = {}

    def add(family: str, labels: str, minute: int, value: float) -> None:
        at = START + minute * 60 + OFFSET
        series.setdefault(family, []).append(f"{family}{{{labels}}} {value} {at}")

    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.99"):
        for minute in range(HOURS * 60):
            if minute in UNSCRAPED.get(address, ()):
                continue
            is_lost = minute in SILENT.get(address, ()) or minute in LOST.get(address, ())
            own = f'job="ping",instance="{address}"'
            add("probe_success", own, minute, 0 if is_lost else 1)
            rtt = 0 if is_lost else 0.010 if minute % 60 < 54 else 0.090
            add("probe_icmp_duration_seconds", f'{own},phase="rtt"', minute, rtt)
    for minute in range(HOURS * 60):
        for name, rate in (("eth0", 1000), ("eth1", 7)):
            own = f'job="snmp",instance="192.0.2.1",ifIndex="1",ifName="{name}"'
            add("ifHCInOctets", own, minute, 5000 + rate * minute * 60)
            add("ifHCOutOctets", own, minute, 9000 + 100 * (minute % 200) * 60)  # the agent restarts after 200 minutes
            add("ifHighSpeed", own, minute, 1)
            add("ifInErrors", own, minute, 50 + minute)
            add("ifOutErrors", own, minute, 0)
        add("sysUpTime", 'job="snmp",instance="192.0.2.1"', minute, (minute % 200) * 6000)
    lines = [line for name, found in series.items() for line in (f"# TYPE {name} gauge", *_by_series(found))]
    return "\n".join([*lines, "# EOF", ""])


def _by_series(lines: list[str]) -> list[str]:
    return sorted(lines, key=lambda line: line.split("}")[0])


@pytest.fixture(scope="module")
def blocks(require_program, tmp_path_factory) -> Path:
    """The samples as blocks of a Prometheus."""
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "samples").write_text(openmetrics())
    command = [require_program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "samples", "tsdb"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "tsdb"


@pytest.fixture(scope="module")
def start(module_processes, require_program, free_port, eventually, blocks, tmp_path_factory) -> Callable[..., str]:
    """Start a Prometheus on the samples; its address."""

    def begin(*more: str) -> str:
        folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
        shutil.copytree(blocks, folder / "tsdb")
        (folder / "prometheus.yml").write_text("global: {}\n")
        options = (
            "config.file=prometheus.yml",
            "storage.tsdb.path=tsdb",
            "storage.tsdb.retention.time=100y",
            f"web.listen-address=127.0.0.1:{port}",
            *more,
        )
        module_processes.start([require_program("prometheus"), *(f"--{option}" for option in options)], cwd=folder)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=5).status == 200)
        return url

    return begin


@pytest.fixture(scope="module")
def prometheus(start) -> str:
    return start()


@dataclass
class Folder:
    """A collector's folder and the command on it."""

    path: Path
    url: str
    queries: Path = EXAMPLE

    def run(self, *options: str, begin: int = START, end: int = START + HOURS * HOUR) -> int:
        span = ("--from", _iso(begin), "--to", _iso(end))
        given = (
            "--config",
            str(self.path / "collector.toml"),
            "--prometheus",
            self.url,
            "--queries",
            str(self.queries),
        )
        return bairro.main(["backfill", *given, *span, *options])

    def rows(self) -> dict[tuple[str, int], dict[str, Any]]:
        """By device and hour since the start."""
        begin, end = (datetime.fromtimestamp(at, UTC) for at in (START - 10 * HOUR, START + 20 * HOUR))
        found = quality_hours.read_hours(self.path / "data", begin, end).to_pylist()
        return {(r["device_id"], round(r["hour"].timestamp() - START) // HOUR): r for r in found}

    def files(self) -> dict[str, bytes]:
        return {
            str(p.relative_to(self.path)): p.read_bytes() for p in sorted(self.path.glob("data/quality/**/*.parquet"))
        }


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


@pytest.fixture
def folder(tmp_path, prometheus) -> Folder:
    (tmp_path / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n')
    (tmp_path / "devices.csv").write_text(INVENTORY)
    return Folder(tmp_path, prometheus)


def test_what_is_filled_is_what_a_count_by_hand_gives(folder, capsys):
    assert folder.run() == 1
    rows = folder.rows()
    assert set(rows) == {(name, hour) for name in ("core", "home", "lone") for hour in range(HOURS)}
    core = {name: value for name, value in rows["core", 0].items() if value is not None}
    del core["hour"], core["device_id"]
    assert core == pytest.approx(
        {
            "observed_seconds": 3600,
            "down_seconds": 0,
            "silent_seconds": 0,
            "restarts": 0,
            "polls_answered": 57,
            "pings_sent": 60,
            "pings_lost": 3,
            "rtt_seconds_sum": 51 * 0.010 + 6 * 0.090,
            "rtt_count": 57,
            "rtt_p50_seconds": 0.010,
            "rtt_p95_seconds": 0.090,
            "receive_bytes": 3_600_000,
            "transmit_bytes": 360_000,
            "receive_p95_bytes_per_second": 1000,
            "transmit_p95_bytes_per_second": 100,
            "utilization_p95_ratio": 1000 / 125_000,
            "error_packets": 60,
        },
        rel=1e-3,
    )
    seconds = {key: (row["down_seconds"], row["silent_seconds"]) for key, row in rows.items()}
    assert seconds["core", 1] == (600, 0)
    assert seconds["home", 1] == (600, 1200), "ten of its thirty minutes are the core's"
    assert (seconds["lone", 2], seconds["lone", 3]) == ((0, 600), (0, 600))
    assert {seconds[name, hour] for name, hour in seconds if (name, hour) not in _SILENT_HOURS} == {(0, 0)}
    assert (rows["core", 1]["pings_sent"], rows["core", 1]["pings_lost"]) == (50, 0)
    assert (rows["home", 4]["observed_seconds"], rows["home", 4]["pings_sent"]) == (1800, 30)
    assert rows["core", 3]["restarts"] == 1
    assert rows["home", 0]["receive_bytes"] is None
    for row in rows.values():
        assert row["down_seconds"] + row["silent_seconds"] <= row["observed_seconds"] <= 3600
    said = capsys.readouterr().out
    assert "18 device-hours filled, 0 were there already" in said
    assert "probe_success" not in said.split("discard_packets: no value at all")[0]
    assert "polls_answered: series of 1 left out: not in the inventory (192.0.2.99)" in said


_SILENT_HOURS = {("core", 1), ("home", 1), ("lone", 2), ("lone", 3)}


def test_the_analysis_reads_what_was_filled(folder):
    """As `bairro build` does: through DuckDB, all files of the history at once."""
    folder.run()
    connection = quality_hours.connect()
    quality_hours.attach(connection, quality_hours.pattern(folder.path / "data"))
    found = connection.execute("SELECT count(*), sum(down_seconds), sum(receive_bytes) FROM quality_hours").fetchone()
    assert found == (18, 1200, pytest.approx(6 * 3_600_000, rel=1e-3))


def test_a_second_run_changes_nothing_and_a_wider_one_only_adds(folder, capsys):
    folder.run(begin=START + HOUR, end=START + 3 * HOUR)
    first = folder.files()
    assert len(folder.rows()) == 6
    assert list(first) == [
        "data/quality/date=2026-03-01/day-backfill.parquet",
        "data/quality/date=2026-03-02/day-backfill.parquet",
    ]
    folder.run(begin=START + HOUR, end=START + 3 * HOUR)
    assert folder.files() == first
    assert "0 device-hours filled, 6 were there already" in capsys.readouterr().out
    before = folder.rows()
    folder.run()
    rows = folder.rows()
    assert len(rows) == 18
    assert {key: rows[key] for key in before} == before


def test_what_the_collector_measured_stays(folder):
    day = folder.path / "data" / "quality" / "date=2026-03-01"
    measured = [START, "core", 12.5, *[None] * (len(SCHEMA) - 3)]
    parquet.write(parquet.table([measured], SCHEMA), day / "day-shard-0.parquet", durable=False)
    folder.run()
    rows = folder.rows()
    assert len(rows) == 18
    assert rows["core", 0]["observed_seconds"] == 12.5
    assert pq.ParquetFile(day / "day-backfill.parquet").read().num_rows == 5


def test_a_dry_run_writes_nothing(folder, capsys):
    assert folder.run("--dry-run") == 1
    assert folder.files() == {}
    assert "6 device-hours would be written" in capsys.readouterr().out


def test_too_large_a_query_is_asked_in_smaller_pieces(prometheus, start):
    """The same samples behind a server that may hold few of them in memory."""
    few = start("query.max-samples=900")
    query = 'sum_over_time(probe_success{job="ping"}[1h])'
    span = (START, START + (HOURS - 1) * HOUR)
    answers = []
    for url in (prometheus, few):
        found = Prometheus(url, queries.Access()).hourly(query, *span)
        answers.append({series.labels["instance"]: series.hours for series in found})
    assert answers[0] == answers[1]
    assert len(answers[0]["192.0.2.1"]) == HOURS


def test_a_query_that_is_wrong_is_told_by_prometheus_own_words(folder, tmp_path, capsys):
    folder.queries = tmp_path / "queries.toml"
    folder.queries.write_text("[columns.observed_seconds]\nquery = 'rate(up)'\n")
    assert folder.run() == 2
    assert 'expected type range vector in call to function "rate"' in capsys.readouterr().err
    assert folder.files() == {}


def test_the_hours_that_a_collector_may_still_write_are_left_to_it(tmp_path):
    now = datetime(2026, 3, 2, 12, 10, tzinfo=UTC).timestamp()
    assert newest_hour(tmp_path, now) == datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp()
    journal = tmp_path / "journal" / "quality-shard-3"
    journal.mkdir(parents=True)
    (journal / "2026-03-02T08.journal").touch()
    assert newest_hour(tmp_path, now) == datetime(2026, 3, 2, 8, tzinfo=UTC).timestamp()
