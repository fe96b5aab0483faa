"""Planned work, end to end: entered with `bairro maintenance`, obeyed by a collector that runs, on echo agents."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector.publish.live.live_file import read_state
from collector.published import INCIDENTS, connect

from ..fleet import ROOT, CollectorRun, Echoes

CPES = [f"cpe-{number}" for number in range(3)]
AP = (("device", "ap"),)
CENTRO = (("area", "centro"),)
Eventually = Callable[..., Any]


@pytest.fixture
def echoes(free_port: Callable[[], int]) -> Iterator[Echoes]:
    agents = Echoes(["core", "ap", *CPES], free_port())
    yield agents
    agents.close()


@pytest.fixture
def run(tmp_path: Path, free_port: Callable[[], int], echoes: Echoes, eventually: Eventually) -> Iterator[CollectorRun]:
    """A collector on core > ap > three customers, with everybody up."""
    run = CollectorRun(tmp_path, port=free_port(), tables="[maintenance]\nread_seconds = 0.5\n")
    at, ping = echoes.addresses, f"echo:{echoes.port}"
    rows = [f"core,{at['core']},router,centro,,{ping},,,", f"ap,{at['ap']},ap,centro,core,{ping},,,"]
    run.write_inventory(*rows, *(f"{cpe},{at[cpe]},cpe,centro,ap,{ping},,,2" for cpe in CPES))
    (tmp_path / "dashboard.toml").write_text('data = "data"\ncustomer_key = "key"\n')
    run.start()
    eventually(lambda: run.is_ready() and sum(run.metrics()["bairro_device_up"].values()) == 5)
    eventually((run.data / "devices.parquet").exists)
    yield run
    if run.process is not None and run.process.poll() is None:
        run.process.kill()
        run.process.wait()


def enter(run: CollectorRun, *words: str) -> str:
    command = [sys.executable, "-m", "bairro", "maintenance", *words, "--config", str(run.folder / "dashboard.toml")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout


def incidents(run: CollectorRun) -> list[Any]:
    engine = connect(f"sqlite:///{run.data / 'operations.sqlite'}")
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(INCIDENTS).order_by(INCIDENTS.c.started_at)))
    engine.dispose()
    return found


def test_an_outage_in_a_window_is_planned_until_the_window_is_called_off(
    run: CollectorRun, echoes: Echoes, eventually: Eventually
) -> None:
    assert "bairro_device_in_maintenance" not in run.metrics()
    window = enter(run, "add", "--device", "ap", "--hours", "2", "--reason", "new radio").split()[1]
    eventually(lambda: "bairro_device_in_maintenance" in run.metrics())
    assert run.metrics()["bairro_device_in_maintenance"] == {AP: 1}
    echoes.silent |= {"ap", *CPES}
    eventually(lambda: len(run.metrics().get("bairro_device_down", ())) == 4)
    now = run.metrics()
    assert now["bairro_area_subscribers_affected"][CENTRO] == now["bairro_area_subscribers_planned"][CENTRO] == 6
    (incident,) = eventually(lambda: incidents(run))
    assert (incident.root_device_id, incident.kind, incident.ended_at) == ("ap", "planned", None)
    state = eventually(lambda: (read_state(run.data, "cpe-1") or {}).get("maintenance_until"))
    assert state > datetime.now(UTC) + timedelta(hours=1)
    assert read_state(run.data, "core")["maintenance_until"] is None  # type: ignore[index]
    enter(run, "cancel", window)
    eventually(lambda: incidents(run)[0].kind == "outage")
    eventually(lambda: "bairro_device_in_maintenance" not in run.metrics())
    assert run.metrics()["bairro_area_subscribers_planned"][CENTRO] == 0
    echoes.silent.clear()
    eventually(lambda: incidents(run)[0].ended_at is not None)
    (incident,) = incidents(run)
    assert (incident.kind, incident.devices_affected, incident.subscribers_affected) == ("outage", 4, 6)
    assert run.metrics()["bairro_collector_errors_total"][()] == 0


def test_an_outage_that_ends_within_its_window_stays_planned_and_a_restart_knows_it(
    run: CollectorRun, echoes: Echoes, eventually: Eventually
) -> None:
    enter(run, "add", "--area", "centro", "--hours", "1", "--reason", "power works")
    eventually(lambda: len(run.metrics().get("bairro_device_in_maintenance", ())) == 5)
    echoes.silent |= {"ap", *CPES}
    eventually(lambda: len(run.metrics().get("bairro_device_down", ())) == 4)
    eventually(lambda: incidents(run))
    assert run.stop(9) == -9
    run.start()
    eventually(lambda: len(run.metrics().get("bairro_device_in_maintenance", ())) == 5)
    eventually(lambda: len(run.metrics().get("bairro_device_down", ())) == 4)
    assert [row.kind for row in incidents(run)] == ["planned"]
    echoes.silent.clear()
    eventually(lambda: incidents(run)[0].ended_at is not None)
    (incident,) = incidents(run)
    assert incident.kind == "planned"
    assert incident.customer_minutes_lost > 0
    assert run.stop(15) == 0
    assert "ERROR" not in run.said()


def test_a_window_that_ends_turns_the_outage_that_outlasts_it(
    run: CollectorRun, echoes: Echoes, eventually: Eventually
) -> None:
    end = datetime.now(UTC) + timedelta(seconds=12)
    enter(run, "add", "--device", "ap", "--to", end.isoformat(), "--reason", "quick fix")
    eventually(lambda: "bairro_device_in_maintenance" in run.metrics())
    echoes.silent |= {"ap", *CPES}
    eventually(lambda: incidents(run))
    seen = [(time.time(), row.kind) for row in incidents(run)]
    eventually(lambda: incidents(run)[0].kind == "outage")
    assert time.time() >= end.timestamp()
    assert seen[0][1] == "planned" or seen[0][0] >= end.timestamp()
    assert "bairro_device_in_maintenance" not in run.metrics()
    assert incidents(run)[0].ended_at is None
