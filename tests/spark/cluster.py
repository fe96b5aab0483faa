"""The panel on a real Spark cluster, held against DuckDB's, also when a worker dies. `make test-spark` runs it."""

from __future__ import annotations

import dataclasses
import datetime
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dashboard.config import DashboardSettings, EngineSettings
from dashboard.panel import assemble as panels
from dashboard.tables.panel_tables import INCIDENT_SPANS, PANEL_TABLES
from dashboard.tables.quality_hours import pattern
from dashboard.tables.schema import RECORDS, conform
from demo.rules import Rules
from demo.world import PROVIDER_TIMEZONE, World, simulate

TOLERANCE = 1e-9
"""Relative, of numbers that are not whole."""
AS_OF = datetime.datetime(2026, 1, 5, 12, tzinfo=datetime.UTC)
ZONES = ("", "Asia/Kolkata", "America/Sao_Paulo")
HALF_WAY = "events"
DEFAULTS = """\
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.executor.memory 512m
spark.sql.shuffle.partitions 4
"""


@dataclass
class Cluster:
    """A standalone master and its workers, each in a process group of its own with what it starts."""

    url: str
    workers: list[subprocess.Popen[Any]]
    log: Path


@pytest.fixture(scope="module")
def cluster(
    module_processes: Any,
    free_port: Callable[[], int],
    eventually: Callable[..., Any],
    require_program: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    require_program("java")
    folder = tmp_path_factory.mktemp("spark")
    (folder / "spark-defaults.conf").write_text(DEFAULTS)
    (folder / "log4j2.properties").write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.own.ref = own\nappender.own.type = Console\n"
        "appender.own.name = own\nappender.own.target = SYSTEM_ERR\nappender.own.layout.type = PatternLayout\n"
        "appender.own.layout.pattern = %p %c{1}: %m%n\n"
    )
    environment = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    program, package = str(files("pyspark") / "bin" / "spark-class"), "org.apache.spark.deploy"
    at, log = free_port(), folder / "master.log"

    def start(name: str, output: Path, *words: str) -> subprocess.Popen[Any]:
        own = ("--host", "127.0.0.1", "--webui-port", str(free_port()))
        with output.open("wb") as sink:
            command = (program, f"{package}.{name}", *own, *words)
            return module_processes.start(command, env=environment, stdout=sink)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        start("master.Master", log, "--port", str(at))
        url = f"spark://127.0.0.1:{at}"
        offer = ("--cores", "1", "--memory", "1g", "--work-dir", str(folder / "work"), url)
        workers = [start("worker.Worker", folder / f"worker-{n}.log", *offer) for n in range(2)]
        eventually(lambda: log.exists() and log.read_text().count("Registering worker") == len(workers), 180.0)
        yield Cluster(url, workers, log)


@dataclass
class Provider:
    """A provider of the demo in files, and its panel by any engine."""

    data: Path
    records: dict[str, pa.Table]
    devices: pa.Table
    incidents: pa.Table

    def build(self, **engine: Any) -> tuple[panels.Panel, float]:
        """The panel, and the seconds that it took."""
        settings = DashboardSettings(
            self.data,
            self.data / "key",
            timezone=PROVIDER_TIMEZONE,
            engine=EngineSettings(memory_gigabytes=0.75, **engine),
        )
        start = time.perf_counter()
        made = panels.build(self.records, pattern(self.data), self.devices, settings, incidents=self.incidents)
        return made, time.perf_counter() - start


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """Neighbourhoods in three time zones, one of them half an hour off, a file of hours a day."""
    world = simulate(Rules(), 7, 8, 32, AS_OF, weeks=20, cpe_hours=False)
    areas = world.records["areas"]
    areas["timezone"] = [ZONES[number % len(ZONES)] for number in range(len(areas))]
    data = tmp_path_factory.mktemp("provider") / "data"
    write_hours(data, partly_planned(world.quality_hours))
    return Provider(data, records_of(world), world.devices, outages_of(world))


def records_of(world: World) -> dict[str, pa.Table]:
    """The world's exports as an import would store them: blanks are nulls."""
    tables = {}
    for kind, frame in world.records.items():
        known = frame.reindex(columns=[*RECORDS[kind].column_names]).replace("", None)
        schema = RECORDS[kind].arrow_schema()
        tables[kind] = conform(pa.Table.from_pandas(known, schema=schema, preserve_index=False), RECORDS[kind])
    return tables


def outages_of(world: World) -> pa.Table:
    """Every device that has one above it out for 90 minutes, an hour and a day after the last; of five one is still out."""
    rows = []
    for number, row in enumerate(row for row in world.devices.to_pylist() if row["parent"]):
        start = AS_OF - datetime.timedelta(days=60) + number * datetime.timedelta(hours=25)
        end = start + datetime.timedelta(minutes=90) if number % 5 else None
        rows.append(
            {
                "incident_id": f"cut-{number // 2}",
                "device_id": row["device_id"],
                "started_at": start,
                "kind": "planned" if number % 7 == 0 else "outage",
                "area": row["area"],
                "subscribers": row["subscribers"],
                "ended_at": end,
            }
        )
    return pa.Table.from_pylist(rows, schema=INCIDENT_SPANS.arrow_schema())


def partly_planned(hours: pa.Table) -> pa.Table:
    """Half of the time without service is planned work; in one hour of seven nobody knows."""
    numbers = np.arange(len(hours))
    planned = np.where(numbers % 2 == 0, hours["down_seconds"].to_numpy(zero_copy_only=False), 0.0)
    known = pa.array(planned, mask=(numbers % 7 == 0) | np.isnan(planned))
    return hours.set_column(hours.column_names.index("planned_seconds"), "planned_seconds", known)


def write_hours(data: Path, hours: pa.Table) -> None:
    days = pc.strftime(hours["hour"], format="%Y-%m-%d")
    for day in pc.unique(days).to_pylist():
        folder = data / "quality" / f"date={day}"
        folder.mkdir(parents=True)
        pq.write_table(hours.filter(pc.equal(days, day)), folder / "shard=0.parquet")


@pytest.fixture(scope="module")
def on_duckdb(provider: Provider) -> panels.Panel:
    made, seconds = provider.build()
    hours = int(made.counts.loc[made.counts["table"] == "quality_hours", "rows"].sum())
    print(f"\nDuckDB: {seconds:.1f} s for {provider.records['customers'].num_rows} rows of customers, {hours} hours")
    return made


def alike(one: panels.Panel, other: panels.Panel) -> float:
    """Asserts that panels are the same; returns by how much, relative, a number differs most."""
    furthest = 0.0
    for spec in PANEL_TABLES:
        ours, theirs = getattr(one, spec.name), getattr(other, spec.name)
        assert len(ours) > 0, spec.name
        assert (ours.dtypes == theirs.dtypes).all(), spec.name
        for column in ours:
            if ours[column].dtype != "float64":
                pd.testing.assert_series_equal(ours[column], theirs[column], check_exact=True)
                continue
            a, b = ours[column].to_numpy(), theirs[column].to_numpy()
            np.testing.assert_allclose(a, b, rtol=TOLERANCE, atol=0, err_msg=f"{spec.name}.{column}")
            differs = np.abs(a - b)[a != b] / np.abs(a[a != b])
            furthest = max(furthest, float(np.nanmax(differs, initial=0.0)))
    pd.testing.assert_frame_equal(one.counts, other.counts)
    for field in dataclasses.fields(panels.Panel):
        if field.name in ("cut_off", "entry", "last_complete", "notes"):
            assert getattr(one, field.name) == getattr(other, field.name), field.name
    return furthest


def test_two_workers_find_what_duckdb_finds(provider: Provider, cluster: Cluster, on_duckdb: panels.Panel) -> None:
    made, seconds = provider.build(name="spark", spark_master=cluster.url)
    furthest = alike(on_duckdb, made)
    print(f"Spark, two workers: {seconds:.1f} s; numbers differ by at most {furthest:.1e} of themselves")
    assert list((provider.data / "scratch").glob("spark-*")) == []


def test_a_worker_that_dies_costs_time_only(provider: Provider, cluster: Cluster, on_duckdb: panels.Panel) -> None:
    is_over = threading.Event()
    killed_at: list[str] = []

    def kill_half_way() -> None:
        while not is_over.wait(0.05):
            made = sorted((provider.data / "scratch").glob(f"spark-*/*-{HALF_WAY}.parquet"))
            if made:
                os.killpg(cluster.workers[0].pid, signal.SIGKILL)  # with its executor, as when a machine goes
                killed_at.append(made[0].name)
                return

    killer = threading.Thread(target=kill_half_way)
    killer.start()
    try:
        made, seconds = provider.build(name="spark", spark_master=cluster.url)
    finally:
        is_over.set()
        killer.join()
    assert killed_at, "the build was over before the worker was killed"
    assert cluster.workers[0].poll() is not None
    alike(on_duckdb, made)
    print(f"Spark, one of two workers killed at {killed_at[0]}: {seconds:.1f} s")
