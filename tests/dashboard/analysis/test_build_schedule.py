"""Builds beside readers: one at a time, whole or not to be seen, and their failures kept."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

import bairro
from dashboard.analysis import build, build_log, build_schedule
from dashboard.config import BuildSettings, DashboardSettings, load
from dashboard.figures.live import age
from dashboard.pages import parts
from dashboard.pages.source import Source, visit
from dashboard.results import stored_results
from dashboard.tables.imports.storage import snapshots
from dashboard.tables.schema import CUSTOMERS

NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(data=tmp_path / "data", customer_key=tmp_path / "key")


def _store(data: Path, number: int) -> None:
    names = pd.DataFrame({"area": ["north"], "name": [str(number)], "timezone": [None], "geometry": [None]})
    stated = {"built_at": NOW.isoformat(), "number": number, "last_complete": {"quality_hours": "2026-03-01"}}
    stored_results.write(data, {"areas": names}, stated)


def test_a_reader_never_meets_half_a_build(tmp_path: Path) -> None:
    _store(tmp_path, 0)
    done, seen = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            found = stored_results.load(tmp_path)
            seen.append(None if found is None else (found.manifest["number"], found.areas["name"].tolist()))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 25):
        _store(tmp_path, number)
    done.set()
    reader.join()
    assert None not in seen
    assert all(names == [str(number)] for number, names in seen)
    assert [number for number, _ in seen] == sorted(number for number, _ in seen)


def test_a_second_build_at_the_same_time_is_refused(settings: DashboardSettings) -> None:
    with build_log.one_at_a_time(settings.data), pytest.raises(build.BuildError, match="another build is running"):
        build.build(settings, lambda _: None)
    with build_log.one_at_a_time(settings.data):
        pass


def test_a_failed_build_is_told_until_one_goes_well(settings: DashboardSettings) -> None:
    with pytest.raises(build.BuildError):
        build.build(settings, lambda _: None)
    seen = visit(Source(settings))
    (line,) = parts.warnings(None, seen)
    assert "The last build failed" in str(line)
    assert "bairro import customers FILE" in str(line)
    build_log.record(settings.data, None)
    assert parts.warnings(None, seen) == []


def test_inputs_newer_than_the_results_are_named(tmp_path: Path) -> None:
    _store(tmp_path, 1)
    manifest = stored_results.load_manifest(tmp_path)[1]
    assert build_log.newer_inputs(tmp_path, manifest) == []
    path = snapshots.write("customers", tmp_path, CUSTOMERS.arrow_schema().empty_table())
    os.utime(path, (NOW.timestamp() + 60, NOW.timestamp() + 60))
    (tmp_path / "quality" / "date=2026-03-08").mkdir(parents=True)
    assert [one.name for one in build_log.newer_inputs(tmp_path, manifest)] == ["customers"]
    (tmp_path / "quality" / "date=2026-03-09").mkdir()
    newer = build_log.newer_inputs(tmp_path, manifest)
    assert [one.name for one in newer] == ["customers", "quality_hours"]
    imported = datetime.datetime(2026, 3, 8, 23, 5, tzinfo=datetime.UTC)
    said = age.older([build_log.Newer("nps", imported), *newer[1:]], "Europe/Amsterdam")
    assert said == (
        "Newer data have arrived since these results were built: survey answers (imported 9 Mar 2026, 00:05)"
        " and the network's measurements from 2 Mar 2026 on are not in them."
    )
    assert age.older([], "UTC") == ""


def test_an_import_that_was_taken_back_after_the_build_is_told(tmp_path: Path) -> None:
    for _ in range(2):
        path = snapshots.write("customers", tmp_path, CUSTOMERS.arrow_schema().empty_table())
        os.utime(path, (1_700_000_000, 1_700_000_000))
    os.utime(path.parent, (1_700_000_000, 1_700_000_000))
    manifest = {"begun_at": NOW.isoformat()}
    assert build_log.newer_inputs(tmp_path, manifest) == []
    os.utime(path.parent, (NOW.timestamp() - 60, NOW.timestamp() - 60))
    assert snapshots.take_back("customers", tmp_path) == 2
    (newer,) = build_log.newer_inputs(tmp_path, manifest)
    assert newer.is_taken_back
    assert "customers (an import that was undone " in age.newer([newer], "UTC")


REPEAT = """
import sys
from pathlib import Path
from dashboard.analysis import build_schedule as schedule
schedule.LOOK_SECONDS = 0.05
when = schedule.Every(float(sys.argv[3])) if sys.argv[3][:1].isdigit() else eval(sys.argv[3])
schedule.repeat([sys.executable, "-c", sys.argv[2]], Path(sys.argv[1]), when)
"""


def _repeating(data: Path, what: str, every: float | str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", REPEAT, str(data), what, str(every)])


def _eventually(is_so, seconds: float = 300) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_builds_repeat_until_told_to_stop(tmp_path: Path) -> None:
    process = _repeating(tmp_path, f"import tempfile; tempfile.mkstemp(dir={str(tmp_path)!r})", 0.1)
    try:
        _eventually(lambda: len(list(tmp_path.iterdir())) >= 3)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_build_that_is_killed_is_kept_as_a_failure(tmp_path: Path) -> None:
    process = _repeating(tmp_path, "import os; os.kill(os.getpid(), 9)", 3600)
    try:
        _eventually(lambda: build_log.last_failure(tmp_path) is not None)
    finally:
        process.terminate()
        assert process.wait(30) == 0
    assert "signal 9" in build_log.last_failure(tmp_path)[1]


def test_a_build_under_way_ends_with_the_schedule(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    what = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    process = _repeating(tmp_path, what, 3600)
    _eventually(lambda: note.exists() and note.read_text() != "")
    process.terminate()
    assert process.wait(30) == 0
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def at(text: str, zone: str = "Europe/Amsterdam") -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("local_time", "started", "following"),
    [
        ("03:30", at("2026-03-10T01:00"), at("2026-03-10T03:30")),
        ("03:30", at("2026-03-10T03:30"), at("2026-03-11T03:30")),
        # Clocks go from 02:00 to 03:00 on 29 March: 02:30 is not there, and is taken an hour after 01:30.
        ("02:30", at("2026-03-28T12:00"), at("2026-03-29T01:30") + 3600),
        ("02:30", at("2026-03-29T12:00"), at("2026-03-30T02:30")),
        # They show 02:30 twice on 25 October: the first counts, and the second is not another one.
        ("02:30", at("2026-10-24T12:00"), at("2026-10-25T01:30") + 3600),
        ("02:30", at("2026-10-25T01:30") + 3600, at("2026-10-26T02:30")),
        ("03:30", at("2026-10-24T12:00"), at("2026-10-25T01:30") + 3 * 3600),
    ],
)
def test_a_time_of_day_is_the_wall_clocks(local_time: str, started: float, following: float) -> None:
    assert build_schedule.Daily(local_time, "Europe/Amsterdam").following(started) == following


def test_a_build_that_was_missed_is_made_up_for_and_one_that_was_not_waits() -> None:
    daily = build_schedule.Daily("03:30", "Europe/Amsterdam")
    now = at("2026-03-10T09:00")
    assert daily.first(now, None) == now
    assert daily.first(now, at("2026-03-10T03:20")) == now
    assert daily.first(now, at("2026-03-10T03:45")) == at("2026-03-11T03:30")
    with pytest.raises(ValueError, match="a time of day is written HH:MM, not 'half four'"):
        build_schedule.Daily("half four", "Europe/Amsterdam")
    assert build_schedule.times(None, None, "UTC") is None
    assert build_schedule.times(6, None, "UTC") == build_schedule.Every(21_600)
    assert build_schedule.times(None, "03:30", "UTC") == build_schedule.Daily("03:30", "UTC")


def test_builds_of_a_time_of_day_wait_for_it(tmp_path: Path) -> None:
    build_log.record(tmp_path, None)
    what = f"import tempfile; tempfile.mkstemp(dir={str(tmp_path)!r}, prefix='made')"
    soon = "type('Soon', (schedule.Daily,), {'following': lambda self, started: started + 0.5})('00:00', 'UTC')"
    process = _repeating(tmp_path, what, soon)
    try:
        _eventually(lambda: len(list(tmp_path.glob("made*"))) >= 2)
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_builds_run_beside_the_pages_and_end_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is called bairro where the pages are served from, as the folder of a clone is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bairro.py").write_text("raise SystemExit('another program')")
    (tmp_path / "collector").mkdir()
    (tmp_path / "collector" / "__init__.py").touch()
    file = tmp_path / "dashboard.toml"
    file.write_text('data = "data"\ncustomer_key = "key"\n[build]\nat = "03:30"\n')
    with build_schedule.beside(bairro.ITSELF, file, load(file).build):
        _eventually(lambda: build_log.last_failure(tmp_path / "data") is not None)
        builders = _children(bairro.ITSELF[1], "build", "--at", "03:30")
        assert len(builders) == 1
    assert "no customers are on record" in build_log.last_failure(tmp_path / "data")[1]
    assert not _children(bairro.ITSELF[1], "build", "--at", "03:30")
    with build_schedule.beside(bairro.ITSELF, file, BuildSettings()):
        assert not _children(bairro.ITSELF[1], "build")


def _children(*words: str) -> list[list[str]]:
    """The command lines of this process's children that hold all ``words``."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = status.read_text().rpartition(")")[2].split()[1]
            line = status.with_name("cmdline").read_text().split("\0")
            if int(parent) == os.getpid() and set(words) <= set(line):
                found.append(line)
    return found
