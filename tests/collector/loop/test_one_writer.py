"""Two collectors on one data folder: the second says who holds it and ends with 2; a killed one leaves nothing behind."""

from __future__ import annotations

import contextlib
import fcntl
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from collector.publish import write_locks
from collector.publish.hours.hour_files import SCHEMA
from collector.publish.hours.hour_writer import HourWriter
from collector.quality.maintenance import Calendar

from ..fleet import CollectorRun, Echoes


@pytest.fixture
def echoes(free_port: Callable[[], int]) -> Iterator[Echoes]:
    agents = Echoes(("core",), free_port())
    yield agents
    agents.close()


@pytest.fixture
def collectors(tmp_path: Path, free_port: Callable[[], int], echoes: Echoes) -> Iterator[Callable[[], CollectorRun]]:
    made: list[CollectorRun] = []

    def make() -> CollectorRun:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        run = CollectorRun(folder, port=free_port())
        run.config.write_text(run.config.read_text().replace('data = "data"', f'data = "{tmp_path / "data"}"'))
        run.write_inventory(f"core,{echoes.addresses['core']},router,centro,,echo:{echoes.port},,,0")
        made.append(run)
        return run

    yield make
    for run in made:
        if run.process is not None and run.process.poll() is None:
            run.process.kill()
            run.process.wait()


def ended(run: CollectorRun) -> str:
    """What a collector said that could not begin."""
    assert run.process is not None
    assert run.process.wait(60) == 2
    assert "Traceback" not in run.said()
    return run.said()


@pytest.mark.slow
def test_a_second_collector_of_a_shard_ends_and_says_who_holds_it(collectors, eventually):
    first, second = collectors(), collectors()
    first.start()
    eventually(first.is_ready, 60)
    second.start()
    said = ended(second)
    for word in ("another collector writes shard 0", f"process {first.process.pid} on {socket.gethostname()}, since 2"):
        assert word in said
    assert first.is_ready(), "the first one goes on"

    first.stop(signal.SIGKILL)
    second.start()
    eventually(second.is_ready, 60)
    assert second.stop(signal.SIGTERM) == 0


@pytest.mark.slow
def test_shards_of_one_number_stand_beside_each_other_and_those_of_another_do_not(collectors, eventually):
    first, second, third = collectors(), collectors(), collectors()
    for index, run in enumerate((first, second, third)):
        run.port += index
    first.start("--shard", "0/2")
    second.start("--shard", "1/2")
    eventually(lambda: first.is_ready() and second.is_ready(), 60)
    third.start("--shard", "2/3")
    assert "another number of shards" in ended(third)
    for run in (first, second):
        assert run.stop(signal.SIGTERM) == 0
    third.start("--shard", "2/3")
    eventually(third.is_ready, 60)


def test_an_hour_is_written_after_the_turn_of_another_writer(tmp_path, monkeypatch):
    """As while another process rewrites a file: what waits is kept, and written once that has had its turn."""
    monkeypatch.setattr(write_locks, "TURN_SECONDS", 0.1)
    writer, calendar = HourWriter(tmp_path, "0"), Calendar()
    table = pa.Table.from_pylist([{"hour": 0, "device_id": "a", "observed_seconds": 1.0}], SCHEMA)
    writer._pending[0] = table
    with write_locks.of_quality(tmp_path):
        thread = threading.Thread(target=writer.write, args=([],), kwargs={"closed_until": 3600, "calendar": calendar})
        thread.start()
        thread.join(60)
        assert (writer.pending_hours, writer.failures) == (1, 1)
    writer.write([], closed_until=3600, calendar=calendar)
    assert (writer.pending_hours, writer.rows_written) == (0, 1)


def test_a_file_system_without_locks_lets_writers_go_on(tmp_path, monkeypatch):
    """What flock says there cannot be had on an ordinary disk, so the call is stood in for."""

    def refuses(descriptor: int, operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuses)
    with contextlib.ExitStack() as held:
        held.enter_context(write_locks.of_quality(tmp_path))
