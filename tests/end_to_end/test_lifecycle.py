"""Starting, stopping and dying: exit codes, nothing left behind, a second start that is quick, no hour counted twice."""

from __future__ import annotations

import os
import signal
import time

import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("lifecycle") / "provider"


@pytest.fixture(scope="module")
def ports(free_port):
    return {name: free_port() for name in ("port", "metrics-port", "snmp-port", "echo-port")}


def hours(folder) -> list[tuple[object, str]]:
    """Every (hour, device_id) of the quality history."""
    files = (folder / "data" / "quality").glob("date=*/*.parquet")
    rows = [pq.ParquetFile(path).read(["hour", "device_id"]).to_pylist() for path in files]
    return [(row["hour"], row["device_id"]) for part in rows for row in part]


def nothing_left(processes, eventually) -> None:
    eventually(lambda: not processes.left(), 10)


def test_sigint_ends_a_background_job_and_leaves_nothing(start_demo, processes, folder, ports, eventually):
    """A shell's background job starts with SIGINT ignored (POSIX, section 2.11 of the shell language)."""
    demo = start_demo(processes, folder, ports, wrap=("env", "--ignore-signal=INT"))
    assert len(processes.left()) >= 4, "the supervisor, the agents, the collector, the dashboard"
    assert processes.stop(demo.process, signal.SIGINT) == 0, demo.output.read_text()
    nothing_left(processes, eventually)
    assert "Traceback" not in "".join(path.read_text() for path in (folder / "logs").glob("*.log"))


def test_killing_the_collector_outright_loses_and_doubles_nothing(start_demo, processes, folder, ports, eventually):
    began = time.monotonic()
    demo = start_demo(processes, folder, ports)
    assert time.monotonic() - began < 120, "a second start: a limit for a busy machine; the aim is 20 s"
    eventually((folder / "data" / "live" / "shard=0.parquet").exists, 60)
    collector = next(pid for pid, command in processes.left().items() if " collect " in command)
    os.kill(collector, signal.SIGKILL)
    assert demo.process.wait(30) == 1, "a part that should stay has ended, so the whole ends"
    assert "collector ended with code -9" in demo.output.read_text()
    nothing_left(processes, eventually)
    before = hours(folder)

    demo = start_demo(processes, folder, ports)
    eventually(lambda: sum(demo.samples("bairro_device_up").values()) > 0, 60)
    assert processes.stop(demo.process) == 0, "SIGTERM"
    nothing_left(processes, eventually)
    assert "Traceback" not in "".join(path.read_text() for path in (folder / "logs").glob("*.log"))
    after = hours(folder)
    assert len(after) == len(set(after)), "no device has an hour twice"
    assert set(before) <= set(after), "no hour that was written is gone"


def test_killing_the_supervisor_ends_its_parts(start_demo, processes, folder, ports, eventually):
    demo = start_demo(processes, folder, ports)
    demo.process.kill()
    demo.process.wait()
    nothing_left(processes, eventually)
