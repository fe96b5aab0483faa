"""quality_hours through restarts, torn journals, kill -9 and full disks: nothing that was flushed is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from collector.publish.hours.facts import StateFact
from collector.publish.hours.hour_history import History
from collector.publish.hours.journal import Journal

from ..readings import CPE, answer, silence
from ..recorder import HOUR, SETTLE, START, Recorder, published


def test_a_restart_goes_on_with_the_open_hour_and_observes_nothing_between(tmp_path: Path) -> None:
    before = Recorder(tmp_path)
    for at in range(START, START + 1801, 60):
        before.take(answer(float(at)))
    before.turn("silent", START + 1860, START + 1800)
    before.history.close(START + 1800.0)
    after = Recorder(tmp_path)
    after.history.restore(START + 1920.0)
    assert after.history.observed_until == START + 1800
    assert [(s.device_id, s.state, s.since) for s in after.history.beliefs()] == [("cpe-1", "silent", START + 1800)]
    after.turn("up", START + 1920, START + 1920)
    for at in range(START + 1920, START + HOUR + 61, 60):
        after.take(answer(float(at)))
    after.flush(START + HOUR + SETTLE)
    row = after.rows()["cpe-1", 0]
    assert row["observed_seconds"] == 3600 - 120
    assert row["silent_seconds"] == 0
    assert row["polls_answered"] == 31 + 28


def test_a_journal_with_its_second_half_appended_again_counts_it_once(tmp_path: Path) -> None:
    """States too end as they did: an outage that is over in the first copy is over after the second."""
    recorder = Recorder(tmp_path)
    for at in range(START, START + 1801, 60):
        recorder.take(answer(float(at)))
        if at in (START + 900, START + 1200):
            recorder.turn("silent" if at == START + 900 else "up", at, at)
        recorder.flush(at)
    (path,) = (tmp_path / "journal" / "quality-shard-0").iterdir()
    content = path.read_bytes()
    path.write_bytes(content + content[len(content) // 2 - 200 :])
    after = Recorder(tmp_path)
    after.history.restore(START + 1920.0)
    assert [(s.state, s.since) for s in after.history.beliefs()] == [("up", START + 1200)]
    after.flush(START + 2 * HOUR + SETTLE)
    row = after.rows()["cpe-1", 0]
    assert (row["polls_answered"], row["observed_seconds"], row["silent_seconds"]) == (31, 1800, 300)


def test_a_silence_outlives_the_segment_that_it_began_in(tmp_path: Path) -> None:
    before = Recorder(tmp_path)
    before.turn("silent", START + 180, START + 60)
    for at in range(START, START + 2 * HOUR + 60, 60):
        before.take(silence(float(at)))
        before.flush(at)
    after = Recorder(tmp_path)
    after.history.restore(START + 2 * HOUR + 120.0)
    assert [(s.state, s.since) for s in after.history.beliefs()] == [("silent", START + 60)]


def test_journal_segments_go_with_their_hours(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for at in range(START, START + 5 * HOUR, 300):
        recorder.take(answer(float(at)))
        recorder.flush(at)
    assert len(Journal(tmp_path / "journal" / "quality-shard-0").segments()) <= 2


def test_a_torn_journal_loses_its_torn_end_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    journal = Journal(tmp_path)
    journal.append("2023-11-14T23", [StateFact("state", "a", 1.0, "up", None)])
    journal.append("2023-11-14T23", [StateFact("state", "b", 2.0, "up", None)])
    path = tmp_path / "2023-11-14T23.journal"
    path.write_bytes(path.read_bytes()[:-3])
    assert [fact.device_id for fact in journal.replay() if isinstance(fact, StateFact)] == ["a"]
    assert "not fully written" in caplog.text
    journal.append("2023-11-14T23", [StateFact("state", "c", 3.0, "up", None)])
    assert [fact.device_id for fact in journal.replay() if isinstance(fact, StateFact)] == ["a", "c"]


def test_zeros_at_the_end_of_a_journal_are_one_torn_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As some file systems leave a file after a power cut."""
    journal = Journal(tmp_path)
    journal.append("2023-11-14T23", [StateFact("state", "a", 1.0, "up", None)])
    path = tmp_path / "2023-11-14T23.journal"
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert [fact.device_id for fact in journal.replay() if isinstance(fact, StateFact)] == ["a"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: the last 4096 bytes were not fully written and are left out"
    ]


KILLED = """
import asyncio, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from collector.publish.hours.hour_history import History
from collector.publish.hours.hour_facts import quantile
from collector.quality.counters.rates import Delta
from collector.reading import Device, EchoBurst, Reading

fleet = [Device(f"cpe-{n}", "127.0.0.1", "cpe", "centro") for n in range(20)]
history = History(Path(sys.argv[1]), fleet, interval_seconds=60, settle_seconds=600)
at = float(sys.argv[2])
history.restore(at)
while True:
    for device in fleet:
        reading = Reading(device.device_id, at, 0.1, "answered", echoes=EchoBurst(5, 0, (0.01,) * 5))
        history.observe(reading, Delta(), None)
    asyncio.run(history.flush(at))
    print(at, flush=True)
    at += 60
    time.sleep(0.002)
"""


def test_kill_9_loses_only_what_was_not_yet_journalled(tmp_path: Path) -> None:
    """A writer is killed with -9 again and again over many hours of its time; every poll that it flushed is there."""
    at, flushed, lives = float(START), 0, []
    for life in range(6):
        root = str(Path(__file__).parents[4])
        writer = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(at), root], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        seen = [float(writer.stdout.readline()) for _ in range(20 + 31 * life)]
        os.kill(writer.pid, signal.SIGKILL)
        seen += [float(line) for line in writer.stdout.read().split()]
        writer.wait()
        writer.stdout.close()
        lives.append(seen)
        flushed += len(seen)
        at = seen[-1] + 600
    last = History(tmp_path, (), interval_seconds=60, settle_seconds=600)
    last.restore(at)
    asyncio.run(last.flush(at + 2 * HOUR))
    rows = published(tmp_path)
    for number in range(20):
        own = [row for (device_id, _), row in rows.items() if device_id == f"cpe-{number}"]
        assert flushed <= sum(row["polls_answered"] or 0 for row in own) <= flushed + len(lives)
        between = sum(60 * (len(seen) - 1) for seen in lives)
        assert between <= sum(row["observed_seconds"] for row in own) <= between + 60 * len(lives)


FULL = """
import asyncio, logging, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from collector.publish.hours.hour_history import History
from collector.publish.hours.hour_facts import quantile
from collector.quality.counters.rates import Delta
from collector.reading import Device, EchoBurst, Reading

logging.basicConfig(level=logging.WARNING, format="%(message)s")
start = 1_700_002_800
fleet = [Device(f"cpe-{n}", "127.0.0.1", "cpe", "centro") for n in range(50)]
history = History(Path(sys.argv[1]), fleet, interval_seconds=60, settle_seconds=600)
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
for at in range(start, start + 3 * 3600 + 660, 60):
    for device in fleet:
        history.observe(
            Reading(device.device_id, float(at), 0.1, "answered", echoes=EchoBurst(5, 0, (0.01,) * 5)),
            Delta(), None)
    if at >= start + 3 * 3600:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        failures = history.writer.failures
    asyncio.run(history.flush(at))
print(failures, history.writer.failures, history.writer.pending_hours, history.writer.rows_written)
"""


def test_a_full_disk_is_told_once_and_loses_nothing(tmp_path: Path) -> None:
    """No file may grow past 2,000 bytes for three hours; then there is room again."""
    root = str(Path(__file__).parents[4])
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), root], capture_output=True, text=True, check=True, timeout=60
    )
    failures, at_the_end, pending, written = map(int, run.stdout.split())
    assert failures == at_the_end > 100
    assert (pending, written) == (0, 150)
    told = [line for line in run.stderr.splitlines() if line]
    assert len(told) == 2, told
    assert "the quality history cannot be written: File too large" in told[0]
    assert "is written again" in told[1]
    assert [row["polls_answered"] for row in published(tmp_path).values()] == [60] * 150
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_disk_without_space(tmp_path: Path) -> None:
    """The same on a real file system of 64 kB, where this machine lets us mount one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small tmpfs needs privileges that this process does not have")
    try:
        ballast = small / "ballast"
        ballast.write_bytes(b"x" * 60_000)
        recorder = Recorder(small, *(replace(CPE, device_id=f"cpe-{n}") for n in range(30)))
        for at in range(START, START + HOUR + 1, 60):
            for number in range(30):
                device = replace(CPE, device_id=f"cpe-{number}")
                recorder.take(answer(float(at), device), device)
        recorder.flush(START + HOUR + SETTLE)
        assert (recorder.history.writer.pending_hours, recorder.history.writer.failures) == (1, 1)
        ballast.write_bytes(b"")
        subprocess.run(["mount", "-o", "remount,size=8m", str(small)], check=True)
        recorder.flush(START + HOUR + SETTLE + 5)
        assert (recorder.history.writer.pending_hours, recorder.history.writer.failures) == (0, 1)
        assert len(recorder.rows()) == 30
    finally:
        subprocess.run(["umount", str(small)], check=True)
