"""The collector as it runs: a process polling a real snmpd and echo agents, through reloads, signals and kill -9."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector import config
from collector.loop.pipeline import Pipeline
from collector.loop.schedule import Schedule
from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.live.live_file import read_state
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from collector.reading import STATES, Device, EchoBurst, Reading, SnmpOutcome

from ..conftest import Agent
from ..fleet import CollectorRun, Echoes

IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.6.1"
CPES = [f"cpe-{number}" for number in range(6)]
Eventually = Callable[..., Any]


@pytest.fixture
def runs(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., CollectorRun]]:
    """Make the files of a collector; whatever still runs at the end is ended."""
    made: list[CollectorRun] = []

    def make(**options: Any) -> CollectorRun:
        made.append(CollectorRun(tmp_path, port=free_port(), **options))
        return made[-1]

    yield make
    for run in made:
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()


@pytest.fixture
def echoes(free_port: Callable[[], int]) -> Iterator[Echoes]:
    agents = Echoes(["core", "ap", *CPES, "sentinel"], free_port())
    yield agents
    agents.close()


def tree(echoes: Echoes) -> list[str]:
    """core > ap > six customers; answering echoes only."""
    at, ping = echoes.addresses, f"echo:{echoes.port}"
    rows = [f"core,{at['core']},router,centro,,{ping},,,", f"ap,{at['ap']},ap,centro,core,{ping},,,"]
    return rows + [f"{cpe},{at[cpe]},cpe,centro,ap,{ping},,,2" for cpe in CPES]


def incidents(run: CollectorRun) -> list[Any]:
    engine = connect(f"sqlite:///{run.data / 'operations.sqlite'}")
    with engine.connect() as connection:
        found = list(connection.execute(sa.select(INCIDENTS).order_by(INCIDENTS.c.started_at)))
    engine.dispose()
    return found


def test_a_real_agent_end_to_end(runs: Callable[..., CollectorRun], snmpd: Agent, eventually: Eventually) -> None:
    run = runs(tables=f'[[credentials]]\nname = "test"\ncommunity = "{snmpd.community}"\n')
    run.write_inventory(f"gate,{snmpd.address}:{snmpd.port},router,centro,,off,test,lo,7")
    run.start()
    eventually(run.is_ready)
    before = int(snmpd.ask("snmpget", IN_OCTETS)[IN_OCTETS])
    time.sleep(1.2)
    now = run.metrics()
    after = int(snmpd.ask("snmpget", IN_OCTETS)[IN_OCTETS])
    device = (("device", "gate"),)
    assert now["bairro_device_up"][device] == 1
    assert before <= now["bairro_interface_receive_bytes_total"][("device", "gate"), ("interface", "lo")] <= after
    assert now["bairro_device_state"][("device", "gate"), ("state", "up")] == 1
    assert now["bairro_collector_blind"][()] == 0
    assert now["bairro_collector_inventory_devices"][()] == 1
    status, text = run.get("/probe?target=gate")
    assert (status, "bairro_probe_success 1.0" in text) == (200, True)
    state = eventually(lambda: read_state(run.data, "gate"))
    assert (state["state"], state["subscribers"]) == ("up", 7)
    eventually(lambda: (read_state(run.data, "gate") or {})["receive_bytes_per_second"])
    eventually((run.data / "devices.parquet").exists)
    assert pq.ParquetFile(run.data / "devices.parquet").read()["device_id"].to_pylist() == ["gate"]
    assert run.stop(signal.SIGTERM) == 0
    assert "ERROR" not in run.said()


def test_outage_of_a_root_is_one_incident_that_ends(
    runs: Callable[..., CollectorRun], echoes: Echoes, eventually: Eventually
) -> None:
    run = runs()
    run.write_inventory(*tree(echoes))
    run.start()
    eventually(lambda: run.is_ready() and sum(run.metrics()["bairro_device_up"].values()) == 8)
    echoes.silent |= {"ap", *CPES}
    eventually(lambda: len(run.metrics()["bairro_device_down"]) == 7)
    now = run.metrics()
    assert {dict(labels)["root"] for labels in now["bairro_device_down"]} == {"ap"}
    assert now["bairro_area_subscribers_affected"][("area", "centro"),] == 12
    assert now["bairro_area_devices"][("area", "centro"), ("state", "suppressed")] == 6
    assert now["bairro_device_up"][("device", "core"),] == 1
    assert "bairro_ping_rtt_p50_seconds" not in {k for k, v in now.items() if (("device", "ap"),) in v}
    eventually(lambda: (read_state(run.data, "cpe-3") or {})["state"] == "suppressed")
    row = eventually(lambda: incidents(run))[0]
    assert (row.root_device_id, row.scope, row.kind, row.ended_at) == ("ap", "subtree", "outage", None)
    echoes.silent.clear()
    eventually(lambda: "bairro_device_down" not in run.metrics())
    eventually(lambda: incidents(run)[0].ended_at is not None)
    row = incidents(run)[0]
    assert (row.devices_affected, row.subscribers_affected) == (7, 12)
    assert len(incidents(run)) == 1
    now = run.metrics()
    assert now["bairro_device_outages_total"][("device", "cpe-0"),] == 1
    assert now["bairro_device_outage_seconds_total"][("device", "cpe-0"),] > 0
    assert now["bairro_collector_errors_total"][()] == 0
    assert run.stop(signal.SIGTERM) == 0
    assert "ERROR" not in run.said()


def test_inventory_is_read_again_and_nobody_misses_a_turn(
    runs: Callable[..., CollectorRun], echoes: Echoes, eventually: Eventually
) -> None:
    run = runs()
    rows = tree(echoes)
    run.write_inventory(*rows[:2])
    run.start()
    eventually(run.is_ready)
    polls = "bairro_polls_total"
    core = (("device", "core"),)
    first, began = run.metrics()[polls][core], time.monotonic()
    run.write_inventory(*rows)
    eventually(lambda: len(run.metrics()[polls]) == 8)
    run.write_inventory(*rows[:4])
    eventually(lambda: len(run.metrics()["bairro_device_info"]) == 4)
    run.inventory.write_text("this is not an inventory\n")
    eventually(lambda: run.metrics()["bairro_collector_inventory_problems"][()] > 0)
    assert run.metrics()["bairro_collector_inventory_devices"][()] == 4
    run.write_inventory(*rows[:3])
    assert run.process is not None
    run.process.send_signal(signal.SIGHUP)
    eventually(lambda: run.metrics()["bairro_collector_inventory_devices"][()] == 3)
    made, took = run.metrics()[polls][core] - first, time.monotonic() - began
    assert made + run.metrics()["bairro_collector_polls_skipped_total"][()] >= took / 0.5 - 3
    table = eventually(lambda: closed_rows(run))
    assert {row["device_id"] for row in table} == set(CPES[1:])
    assert run.stop(signal.SIGINT) == 0


def closed_rows(run: CollectorRun) -> list[dict[str, Any]]:
    rows = pq.ParquetFile(run.data / "devices.parquet").read().to_pylist()
    closed = [row for row in rows if row["valid_to"] is not None]
    return closed if len(closed) == 5 else []


def test_kill_9_leaves_an_incident_that_the_next_start_takes_up(
    runs: Callable[..., CollectorRun], echoes: Echoes, eventually: Eventually
) -> None:
    run = runs()
    run.write_inventory(*tree(echoes))
    run.start()
    eventually(lambda: run.is_ready() and sum(run.metrics()["bairro_device_up"].values()) == 8)
    echoes.silent |= {"ap", *CPES}
    eventually(lambda: len(run.metrics()["bairro_device_down"]) == 7)
    first = eventually(lambda: incidents(run))[0]
    with engine_of(run).connect() as connection:
        eventually(lambda: connection.scalar(sa.select(sa.func.count()).select_from(INCIDENT_DEVICES)) == 7)
    assert run.stop(signal.SIGKILL) == -signal.SIGKILL
    assert list((run.data / "journal" / "quality-shard-0").glob("*.journal"))
    run.start()
    eventually(lambda: len(run.metrics()["bairro_device_down"]) == 7)
    assert [row.incident_id for row in incidents(run)] == [first.incident_id]
    echoes.silent.clear()
    eventually(lambda: incidents(run)[0].ended_at is not None)
    assert len(incidents(run)) == 1
    assert run.stop(signal.SIGTERM) == 0


def engine_of(run: CollectorRun) -> sa.Engine:
    return connect(f"sqlite:///{run.data / 'operations.sqlite'}")


def test_blind_when_its_own_references_are_silent(
    runs: Callable[..., CollectorRun], echoes: Echoes, eventually: Eventually
) -> None:
    run = runs(top=f'sentinels = ["{echoes.addresses["sentinel"]}:{echoes.port}"]')
    run.write_inventory(*tree(echoes))
    run.start()
    eventually(lambda: run.is_ready() and sum(run.metrics()["bairro_device_up"].values()) == 8)
    echoes.silent |= {"core", "ap", *CPES, "sentinel"}
    eventually(lambda: run.metrics()["bairro_collector_blind"][()] == 1)
    time.sleep(2)
    now = run.metrics()
    assert "bairro_device_down" not in now
    assert "doubts its own connection" in run.get("/")[1]
    echoes.silent.clear()
    eventually(lambda: run.metrics()["bairro_collector_blind"][()] == 0)
    assert [row.kind for row in eventually(lambda: incidents(run))] == ["blind"]
    assert run.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_cleanly_even_where_signals_came_ignored(
    runs: Callable[..., CollectorRun], echoes: Echoes, eventually: Eventually, number: signal.Signals
) -> None:
    """A shell's background job inherits SIGINT ignored. Polls of the dead are in flight at the end."""
    echoes.silent |= set(CPES)
    run = runs()
    run.write_inventory(*tree(echoes))
    held = signal.signal(number, signal.SIG_IGN)
    try:
        run.start()
    finally:
        signal.signal(number, held)
    eventually(run.is_ready)
    assert run.stop(number) == 0
    assert run.said().rstrip().endswith("stopped")
    assert list((run.data / "journal" / "quality-shard-0").glob("*.journal"))


def test_a_port_in_use(runs: Callable[..., CollectorRun], echoes: Echoes) -> None:
    run = runs()
    run.write_inventory(*tree(echoes))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", run.port))
        taken.listen()
        run.start()
        assert run.process is not None
        assert run.process.wait(30) == 2
    assert f"bairro: cannot serve http://127.0.0.1:{run.port}: the port is in use" in run.said()
    assert "Traceback" not in run.said()


def test_an_inventory_that_cannot_be_read(runs: Callable[..., CollectorRun]) -> None:
    run = runs()
    run.start()
    assert run.process is not None
    assert run.process.wait(30) == 2
    assert re.search(r"bairro: devices\.csv: .*no such file", run.said(), re.IGNORECASE)
    assert "Traceback" not in run.said()


# --- the pipeline ---


@pytest.fixture
def asked() -> list[str]:
    """Whom the pipeline has had asked at once."""
    return []


@pytest.fixture
def pipeline(tmp_path: Path, asked: list[str]) -> Iterator[Pipeline]:
    """The stages over one parent and six customers, with a database that is away."""
    (tmp_path / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n')
    settings = config.load(tmp_path / "collector.toml")
    devices = [Device("ap", "127.0.0.1", "ap", "centro")]
    devices += [Device(cpe, "127.0.0.1", "cpe", "centro", parent="ap", subscribers=1) for cpe in CPES]
    incidents = IncidentLog(f"sqlite:///{tmp_path}/nowhere/x.sqlite", tmp_path / "journal")
    yield Pipeline(settings, devices, incidents=incidents, ask=asked.append, at=0.0)
    incidents.close(0.1)


def poll(pipeline: Pipeline, device_id: str, at: float, *, answers: bool) -> None:
    snmp: SnmpOutcome = "answered" if answers else "silent"
    pipeline.take(pipeline.devices[device_id], Reading(device_id, at, 0.1, snmp))


def test_a_database_that_is_away_stops_nothing(pipeline: Pipeline, caplog: pytest.LogCaptureFixture) -> None:
    pipeline.restore(0.0)
    assert "the operations database is away: 0 open incidents are taken up from" in caplog.text
    poll(pipeline, "ap", 10.0, answers=True)
    assert pipeline.exposition.by_state()["up"] == 1


def test_a_silence_has_its_parent_asked_at_once(pipeline: Pipeline, asked: list[str]) -> None:
    for device_id in pipeline.devices:
        poll(pipeline, device_id, 10.0, answers=True)
    poll(pipeline, "cpe-3", 70.0, answers=False)
    assert asked == ["ap"]


def test_all_that_publishes_agrees_on_the_states(pipeline: Pipeline) -> None:
    for minute in range(1, 8):
        for device_id in pipeline.devices:
            poll(pipeline, device_id, 60.0 * minute, answers=minute < 3 or device_id == "cpe-0")
    asyncio.run(pipeline.live.write(0.0))
    shown = pq.ParquetFile(pipeline.live.path).read().to_pylist()
    judged = {state.device_id: (state.state, state.root) for state in pipeline.network.states()}
    assert {row["device_id"]: (row["state"], row["root"]) for row in shown} == judged
    assert {s.device_id: s.state for s in pipeline.history.beliefs()} == {k: v[0] for k, v in judged.items()}
    assert pipeline.exposition.by_state() == {s: [v[0] for v in judged.values()].count(s) for s in STATES}
    assert judged["cpe-0"][0] == "up"


def test_what_ails_a_device_reaches_all_that_publish(pipeline: Pipeline) -> None:
    for minute in range(31):
        at = 60.0 * minute
        pipeline.take(pipeline.devices["ap"], Reading("ap", at, 0.1, "silent", echoes=EchoBurst(5, 1, (0.01,) * 4)))
        pipeline.follow(pipeline.network.tick(at))
    text = pipeline.exposition.render()
    assert 'bairro_device_fault{device="ap",fault="snmp_silent"} 1.0' in text
    assert 'bairro_device_degraded{device="ap",measure="loss"} 1.0' in text
    asyncio.run(pipeline.live.write(0.0))
    (row,) = (r for r in pq.ParquetFile(pipeline.live.path).read().to_pylist() if r["device_id"] == "ap")
    assert (row["state"], row["degraded"], row["faults"]) == ("up", ["loss"], ["snmp_silent"])
    assert [i.kind for i in pipeline.network.open_incidents()] == ["degradation"]


# --- the schedule ---


def played(schedule: Schedule, start: float, seconds: float, step: float = 0.05) -> list[tuple[float, str]]:
    found = []
    for tick in range(int(seconds / step)):
        now = start + tick * step
        found += [(now, device_id) for device_id in schedule.due(now)]
    return found


def test_everybody_once_an_interval_spread_evenly() -> None:
    schedule = Schedule(60.0)
    names = [f"device-{number}" for number in range(1000)]
    schedule.replace(names, 1000.0)
    polls = played(schedule, 1000.0, 120.05)
    assert sorted(name for _, name in polls) == sorted(names * 2)
    for begin in range(1000, 1120, 10):
        assert 100 < sum(begin <= at < begin + 10 for at, _ in polls) < 240
    assert schedule.lag_seconds(1120.0) <= 0.051
    assert schedule.skipped == 0


def test_phase_is_the_devices_own() -> None:
    """It stays through reloads and restarts, whoever else comes and goes."""
    first, second = Schedule(60.0), Schedule(60.0)
    first.replace(["a", "b"], 0.0)
    second.replace(["c", "b"], 600.0)
    second.replace(["b", "d"], 610.0)
    at = {name: when % 60 for when, name in played(first, 0.0, 60.0)}
    again = {name: when % 60 for when, name in played(second, 610.0, 60.0)}
    assert again["b"] == pytest.approx(at["b"], abs=0.06)
    assert set(again) == {"b", "d"}


def test_turns_that_were_missed_are_counted_and_not_made_up_for() -> None:
    schedule = Schedule(10.0)
    schedule.replace(["a", "b"], 0.0)
    played(schedule, 0.0, 10.0)
    assert sorted(schedule.due(49.9999)) == ["a", "b"]
    assert schedule.skipped == 6
    assert schedule.lag_seconds(50.0) >= 30
    assert len(played(schedule, 50.0, 10.0)) == 2
    assert schedule.lag_seconds(80.0) < 1


def test_the_long_silent_are_asked_every_second_interval_until_they_answer() -> None:
    schedule = Schedule(10.0)
    schedule.replace(["a"], 0.0)
    schedule.slow_down("a", True)
    assert len(played(schedule, 0.0, 80.0)) == 4
    schedule.slow_down("a", False)
    assert len(played(schedule, 80.0, 40.0)) == 4
    assert schedule.skipped == 0


def test_an_empty_inventory_is_nobodys_turn() -> None:
    schedule = Schedule(10.0)
    assert (schedule.due(5.0), schedule.next_at(), schedule.lag_seconds(5.0)) == ([], None, 0.0)


def test_event_loop_is_not_held_up_by_reloads() -> None:
    """Reading an inventory happens in a thread; the loop's own work on 20,000 devices is short."""
    schedule = Schedule(60.0)
    names = [f"device-{number}" for number in range(20_000)]

    async def replaced() -> float:
        began = time.process_time()
        schedule.replace(names, 0.0)
        return time.process_time() - began

    assert asyncio.run(replaced()) < 2.0
