"""Maintenance windows out of the database and into hours and metrics; the database may be away."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector.config import MetricsSettings
from collector.publish.exposition.page import Exposition
from collector.publish.hours.hour_history import History
from collector.publish.incidents.maintenance_windows import WindowSource
from collector.publish.incidents.migrate import migrate
from collector.published import MAINTENANCE_WINDOWS, connect
from collector.quality.counters.rates import Delta
from collector.quality.maintenance import Calendar, Window
from collector.reading import Device, Reading, StateName, Transition
from recurrence import Weekly

HOUR = 3600
START = 1_700_002_800  # 2023-11-14 23:00:00 UTC
NOW = datetime.fromtimestamp(START, UTC)
AP = Device("ap-1", "127.0.0.1", "ap", "centro")
CPE = Device("cpe-1", "127.0.0.2", "cpe", "centro", parent="ap-1", subscribers=3)
DEVICES = {"ap-1": AP, "cpe-1": CPE}


def on(target: str, start: float, end: float, kind: Any = "device") -> Window:
    return Window(f"{target}-{start}", kind, target, float(start), float(end))


# --- hours ---


class Run:
    """A history of one access point and one customer behind it, polled each minute."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.history = self.open()

    def open(self) -> History:
        return History(self.data, DEVICES.values(), interval_seconds=60.0, settle_seconds=600.0)

    def poll(self, since: float, until: float, *, answers: bool) -> None:
        for at in range(int(since), int(until), 60):
            for name in DEVICES:
                self.history.observe(Reading(name, float(at), 0.1, "answered" if answers else "silent"), NOTHING, None)

    def turn(self, device_id: str, new: StateName, since: float, root: str | None = None) -> None:
        self.history.change(Transition(device_id, since + 120, since, "up", new, root))

    def plan(self, *windows: Window) -> None:
        self.history.plan(Calendar(windows, DEVICES))

    def rows(self, at: float) -> dict[str, dict[str, Any]]:
        """The first hour's rows, once it has closed."""
        asyncio.run(self.history.flush(at))
        paths = sorted(self.data.glob("quality/date=*/*.parquet"))
        found = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
        return {row["device_id"]: row for row in found if row["hour"] == NOW}


NOTHING = Delta()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def an_outage(run: Run, start: float = START + 600, end: float = START + 1800) -> None:
    """Ten minutes past the hour the access point goes, and comes back on the half hour."""
    run.poll(START, start, answers=True)
    run.turn("ap-1", "down", start, "ap-1")
    run.turn("cpe-1", "suppressed", start, "ap-1")
    run.poll(start, end, answers=False)
    run.turn("ap-1", "up", end)
    run.turn("cpe-1", "up", end)
    run.poll(end, START + HOUR + 61, answers=True)


def test_an_outage_is_planned_for_all_behind_its_root(run: Run) -> None:
    run.plan(on("ap-1", START + 300, START + 1200))
    an_outage(run)
    rows = run.rows(START + HOUR + 600)
    for name in DEVICES:
        assert (rows[name]["down_seconds"], rows[name]["planned_seconds"]) == (1200, 600)


def test_a_window_on_the_customer_alone_plans_its_own_time_alone(run: Run) -> None:
    run.plan(on("cpe-1", START, START + 900))
    an_outage(run)
    rows = run.rows(START + HOUR + 600)
    assert (rows["ap-1"]["planned_seconds"], rows["cpe-1"]["planned_seconds"]) == (0, 300)


def test_windows_that_overlap_count_once(run: Run) -> None:
    run.plan(on("ap-1", START, START + 1200), on("centro", START + 900, START + 1500, "area"), on("cpe-1", 0, inf))
    an_outage(run)
    rows = run.rows(START + HOUR + 600)
    assert (rows["ap-1"]["planned_seconds"], rows["cpe-1"]["planned_seconds"]) == (900, 1200)


def test_a_window_that_is_entered_before_the_hour_closes_counts(run: Run) -> None:
    an_outage(run)
    asyncio.run(run.history.flush(START + HOUR + 300))
    run.plan(on("ap-1", START + 600, START + 1800))
    assert run.rows(START + HOUR + 600)["cpe-1"]["planned_seconds"] == 1200


def test_a_verdict_that_names_the_root_late_reaches_back(run: Run) -> None:
    """First an outage of its own, then laid to the access point, which is in a window."""
    run.plan(on("ap-1", START, START + HOUR))
    run.poll(START, START + 600, answers=True)
    run.turn("cpe-1", "suppressed", START + 600, "elsewhere")
    run.poll(START + 600, START + 900, answers=False)
    run.turn("cpe-1", "suppressed", START + 600, "ap-1")
    run.poll(START + 900, START + HOUR + 61, answers=False)
    rows = run.rows(START + HOUR + 600)
    assert (rows["cpe-1"]["down_seconds"], rows["cpe-1"]["planned_seconds"]) == (3000, 3000)
    assert rows["ap-1"]["planned_seconds"] == 0


def test_the_silence_of_a_lone_customer_is_never_planned(run: Run) -> None:
    run.plan(on("centro", START, START + HOUR, "area"))
    run.poll(START, START + 600, answers=True)
    run.turn("cpe-1", "silent", START + 600)
    run.poll(START + 600, START + HOUR + 61, answers=False)
    row = run.rows(START + HOUR + 600)["cpe-1"]
    assert (row["silent_seconds"], row["down_seconds"], row["planned_seconds"]) == (3000, 0, 0)


def test_kill_9_loses_neither_the_outage_nor_whose_it_is(run: Run) -> None:
    run.poll(START, START + 600, answers=True)
    run.turn("cpe-1", "suppressed", START + 600, "ap-1")
    run.poll(START + 600, START + 1200, answers=False)
    asyncio.run(run.history.flush(START + 1200))
    run.history = run.open()
    run.history.restore(START + 1260)
    run.plan(on("ap-1", START, START + HOUR))
    run.poll(START + 1260, START + HOUR + 61, answers=False)
    row = run.rows(START + HOUR + 600)["cpe-1"]
    assert row["down_seconds"] == row["planned_seconds"] == row["observed_seconds"] - 600


def test_planned_is_the_part_of_down_inside_windows_second_by_second(tmp_path: Path) -> None:
    """Against a count of every second, over random outages and windows."""
    for seed in range(6):
        chance = random.Random(seed)
        run = Run(tmp_path / str(seed))
        windows = [
            on(chance.choice(["ap-1", "cpe-1", "elsewhere"]), START + begin, START + begin + chance.randrange(1, 1500))
            for begin in (chance.randrange(-900, HOUR) for _ in range(6))
        ]
        run.plan(*windows)
        turns: list[tuple[int, StateName, str | None]] = [(START, "up", None)]
        for at in sorted(chance.sample(range(START + 60, START + HOUR), 6)):
            turns.append((at, *chance.choice([("up", None), ("suppressed", "ap-1"), ("suppressed", "elsewhere")])))
        run.poll(START, START + HOUR + 61, answers=True)
        for at, state, root in turns:
            run.turn("cpe-1", state, at, root)
        row = run.rows(START + HOUR + 600)["cpe-1"]
        planned = down = 0
        for second in range(START, START + HOUR):
            _, state, root = [turn for turn in turns if turn[0] <= second][-1]
            down += state == "suppressed"
            who = {"cpe-1", root}
            planned += state == "suppressed" and any(
                w.target in who and w.starts_at <= second < w.ends_at for w in windows
            )
        assert (row["down_seconds"], row["planned_seconds"]) == (down, planned)


# --- metrics ---


def test_the_gauge_is_there_only_during_a_window_and_tells_planned_from_unplanned() -> None:
    shown = Exposition(MetricsSettings(cpe="area"), DEVICES.values())
    affected = 'bairro_area_subscribers_affected{area="centro"} 3'
    assert "in_maintenance" not in shown.render()
    shown.change(Transition("cpe-1", 120.0, 60.0, "up", "suppressed", "ap-1"))
    shown.maintain({"ap-1": 5000.0, "not in the inventory": 5000.0})
    text = shown.render()
    assert '# TYPE bairro_device_in_maintenance gauge\nbairro_device_in_maintenance{device="ap-1"} 1.0\n#' in text
    assert affected in text
    assert 'bairro_area_subscribers_planned{area="centro"} 3' in text
    assert 'bairro_root_subscribers_affected{area="centro",root="ap-1"} 3' in text
    shown.maintain({"cpe-1": 5000.0})
    assert 'bairro_area_subscribers_planned{area="centro"} 3' in shown.render()
    shown.maintain({})
    text = shown.render()
    assert "in_maintenance" not in text
    assert affected in text
    assert 'bairro_area_subscribers_planned{area="centro"} 0' in text
    shown.maintain({"ap-1": 5000.0})
    shown.replace([CPE])
    assert "in_maintenance" not in shown.render()
    shown.change(Transition("cpe-1", 180.0, 180.0, "suppressed", "up"))
    assert "bairro_root_subscribers_affected" not in shown.render()


# --- the database ---


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/operations.sqlite"
    migrate(url)
    return url


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = connect(url)
    yield engine
    engine.dispose()


def enter(engine: sa.Engine, window_id: str, **values: Any) -> None:
    row = {
        "window_id": window_id,
        "target_kind": "device",
        "target": "ap-1",
        "starts_at": NOW,
        "ends_at": NOW + timedelta(hours=2),
        "time_zone": "UTC",
        "reason": "work",
        "created_by": "ana",
        "created_at": NOW,
        **values,
    }
    with engine.begin() as connection:
        connection.execute(sa.insert(MAINTENANCE_WINDOWS).values(row))


WEEKLY = {
    "ends_at": None,
    "weekdays": "MO,TH",
    "local_start": "02:00",
    "duration_seconds": 7200,
    "time_zone": "Europe/Lisbon",
}


def test_windows_are_read_as_they_were_entered(url: str, engine: sa.Engine, tmp_path: Path) -> None:
    source = WindowSource(url, tmp_path / "journal" / "maintenance-0.json")
    assert source.read(START) == ()
    enter(engine, "w-1")
    enter(engine, "w-2", target_kind="area", target="centro", cancelled_at=NOW + timedelta(hours=1), **WEEKLY)
    enter(engine, "w-3", ends_at=NOW - timedelta(days=31))
    assert source.read(START) == (
        Window("w-1", "device", "ap-1", START, START + 7200),
        Window("w-2", "area", "centro", START, inf, Weekly(("MO", "TH"), "02:00", 7200, "Europe/Lisbon"), START + 3600),
    )
    assert (source.known, source.read_at) == (2, START)
    source.close()


def test_while_the_database_is_away_the_last_ones_hold_also_over_a_restart(
    url: str, engine: sa.Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "journal" / "maintenance-0.json"
    source = WindowSource(url, copy)
    enter(engine, "w-1")
    enter(engine, "w-2", **WEEKLY)
    known = source.read(START)
    for each in (engine.dispose, source.close):
        each()
    file = tmp_path / "operations.sqlite"
    file.rename(tmp_path / "away")
    file.mkdir()
    assert source.read(START + 60) == known
    again = WindowSource(url, copy)
    assert again.read(START + 120) == known
    assert (again.known, again.read_at) == (2, None)
    assert again.read(START + 180) == known
    told = [record for record in caplog.records if "those known before stay in force" in record.getMessage()]
    assert len(told) == 2, "once for each of the two, however often it fails"
    file.rmdir()
    (tmp_path / "away").rename(file)
    enter(engine, "w-3")
    assert len(again.read(START + 240)) == 3
    assert "read from the operations database again" in caplog.text
    assert len(json.loads(copy.read_text())) == 3
    for each in (source, again):
        each.close()


@pytest.mark.parametrize("content", ["", "[", "{}", "[1]", '[{"window_id": "w"}]', "null"])
def test_a_broken_copy_is_no_obstacle(tmp_path: Path, content: str) -> None:
    copy = tmp_path / "copy.json"
    copy.write_text(content)
    source = WindowSource(f"sqlite:///{tmp_path}/nowhere/x.sqlite", copy)
    assert source.read(START) == ()
    source.close()


def test_a_row_that_is_no_window_is_left_out_and_told_once(
    url: str, engine: sa.Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    enter(engine, "good")
    enter(engine, "kind", target_kind="street")
    enter(engine, "zone", **{**WEEKLY, "time_zone": "Mars/Base"})
    enter(engine, "endless", ends_at=None)
    enter(engine, "half", **{**WEEKLY, "local_start": None})
    source = WindowSource(url, tmp_path / "copy.json")
    for _ in range(3):
        assert [window.window_id for window in source.read(START)] == ["good"]
    for name, why in (("kind", "street"), ("zone", "Mars/Base"), ("endless", "no end"), ("half", "")):
        assert caplog.text.count(f"maintenance window {name} is left out: ") == 1
        assert why in caplog.text
    source.close()
