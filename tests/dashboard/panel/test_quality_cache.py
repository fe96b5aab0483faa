"""Weeks kept from build to build: never other than what a build without them finds, whatever became of files or cache."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dashboard.panel import assemble, quality_cache
from dashboard.tables import digests

FIRST, DAYS = datetime.date(2025, 3, 5), 40
DEVICES = ("a", "b", "hub")


@pytest.fixture
def stored(world: Any, tmp_path: Path) -> Stored:
    random = np.random.default_rng(4)
    for device, parent in (("a", "hub"), ("b", "hub"), ("hub", "core"), ("core", None)):
        world.device(device, parent)
    for device in DEVICES:
        for hour in range(24 * DAYS):
            at = datetime.datetime.combine(FIRST, datetime.time(), datetime.UTC) + datetime.timedelta(hours=hour)
            world.hours[at, device] = {
                "observed_seconds": 3600.0,
                "down_seconds": float(random.choice([0, 0, 60])),
                "rtt_p95_seconds": 0.01 + round(float(random.random()) / 100, 6),
                "utilization_p95_ratio": round(float(random.random()), 6),
            }
    for number in range(6):
        world.customer(str(number), device_id="ab"[number % 2], started_on="2024-01-01")
    return Stored(world, tmp_path)


class Stored:
    """The world's hours in files, a folder a day, and the panel made of them with and without what was kept."""

    def __init__(self, world: Any, root: Path) -> None:
        self.world, self.data, self.cache = world, root / "stored", root / "cache"
        self.pattern = str(self.data / "quality" / "date=*" / "*.parquet")
        _, hours, _ = world.tables()
        for day in range(DAYS):
            date = FIRST + datetime.timedelta(days=day)
            start = pa.scalar(datetime.datetime.combine(date, datetime.time(), datetime.UTC), hours["hour"].type)
            end = pa.scalar(start.as_py() + datetime.timedelta(days=1), hours["hour"].type)
            own = pc.and_(pc.greater_equal(hours["hour"], start), pc.less(hours["hour"], end))
            self.write(date, hours.filter(own))

    def file(self, day: datetime.date) -> Path:
        return self.data / "quality" / f"date={day}" / "shard=0.parquet"

    def write(self, day: datetime.date, hours: pa.Table) -> None:
        """As the collector does: beside, then in its place; dated far enough back to be known by its times."""
        self.file(day).parent.mkdir(parents=True, exist_ok=True)
        beside = self.file(day).with_suffix(".new")
        pq.write_table(hours, beside)
        os.replace(beside, self.file(day))

    def change(self, day: datetime.date, column: str, value: float) -> None:
        table = pq.ParquetFile(self.file(day)).read()
        at = table.column_names.index(column)
        self.write(day, table.set_column(at, column, pa.array([value] * len(table))))

    def add(self, day: datetime.date, column: str, value: float) -> None:
        table = pq.ParquetFile(self.file(day)).read()
        if column in table.column_names:
            table = table.drop_columns([column])
        self.write(day, table.append_column(column, pa.array([value] * len(table))))

    def build(self, *, with_cache: bool, timezone: str = "Europe/Lisbon", keeps_weeks: bool = True) -> assemble.Panel:
        records, _, devices = self.world.tables()
        cache, settings = self.cache if with_cache else None, self.world.settings(timezone)
        return assemble.build(records, self.pattern, devices, settings, cache=cache, keeps_weeks=keeps_weeks)

    def built_alike(self, **how: Any) -> pd.DataFrame:
        kept, anew = self.build(with_cache=True, **how), self.build(with_cache=False, **how)
        for name in ("area_weeks", "customer_periods", "customer_weeks", "customers_now", "counts"):
            pd.testing.assert_frame_equal(getattr(kept, name), getattr(anew, name))
        return kept.area_weeks

    def notes(self) -> dict[str, int]:
        """When each kept week was written."""
        return {path.name: path.stat().st_mtime_ns for path in (self.cache / "quality").glob("*.json")}


def test_a_second_build_takes_every_week_from_the_first(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    first = stored.built_alike()
    monkeypatch.setattr(quality_cache, "_make", lambda *_: pytest.fail("a week was added up again"))
    pd.testing.assert_frame_equal(stored.build(with_cache=True).area_weeks, first)


def test_weeks_kept_by_other_statements_are_not_mixed_with_todays(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that knew no planned work kept other columns under another key."""
    now = quality_cache.statement

    def before(name: str) -> str:
        return now(name).replace("hours.planned_ms", "CAST(NULL AS BIGINT)") if name == "chunk_days" else now(name)

    stored.change(FIRST, "down_seconds", 600.0)
    stored.add(FIRST, "planned_seconds", 600.0)
    with monkeypatch.context() as patched:
        patched.setattr(quality_cache, "statement", before)
        old = stored.build(with_cache=True).area_weeks
    written = stored.notes()
    new = stored.built_alike()
    assert old["planned_hours_per_customer"].isna().all()
    assert new["planned_hours_per_customer"].max() > 0
    again = stored.notes()
    assert all(again[name] != written[name] for name in written)


def test_files_from_before_planned_work_was_told_stand_beside_newer_ones(stored: Stored) -> None:
    day = FIRST + datetime.timedelta(days=23)
    stored.change(day, "down_seconds", 600.0)
    stored.add(day, "planned_seconds", 600.0)
    weeks = stored.built_alike().set_index("week")
    told = weeks["planned_hours_per_customer"].dropna()
    assert list(told.index) == [pd.Timestamp("2025-03-24")]
    assert told.iloc[0] == pytest.approx(168 / 6)
    assert (weeks["down_hours_per_customer"].dropna().iloc[:-1] > 0).all()


def test_whole_table_and_weeks_of_files_come_to_the_same(stored: Stored) -> None:
    pd.testing.assert_frame_equal(stored.built_alike(), stored.world.build("Europe/Lisbon").area_weeks)


def test_late_hours_and_a_backfill_change_only_their_own_weeks(stored: Stored) -> None:
    before, written = stored.built_alike(), stored.notes()
    stored.change(FIRST + datetime.timedelta(days=10), "down_seconds", 1800.0)
    after, again = stored.built_alike(), stored.notes()
    assert (before["down_hours_per_customer"] != after["down_hours_per_customer"]).sum() == 1
    assert [name for name in written if again[name] != written[name]] == ["2025-03-10.json"]


def test_an_hour_of_a_neighbouring_zones_day_counts_once(stored: Stored) -> None:
    """Days of São Paulo begin three hours into the UTC day, so that each week's last day lies in two weeks of files."""
    weeks = stored.built_alike(timezone="America/Sao_Paulo")
    assert weeks["observed_ratio"].max() <= 1.0


def test_a_device_moved_under_another_parent_is_seen_in_the_weeks_since(stored: Stored) -> None:
    stored.built_alike()
    written = stored.notes()
    moved = "2025-03-27"
    row = next(row for row in stored.world.devices if row["device_id"] == "a")
    row["valid_to"] = f"{moved}T00:00:00+00:00"
    stored.world.device("a", "core", since=moved)
    stored.built_alike()
    again = stored.notes()
    assert [n for n in sorted(written) if again[n] != written[n]] == [
        f"{day}.json" for day in ("2025-03-24", "2025-03-31", "2025-04-07")
    ]


@pytest.mark.parametrize("content", [b"", b"PAR1 not really"])
def test_kept_files_that_are_damaged_are_made_anew(stored: Stored, content: bytes) -> None:
    stored.built_alike()
    victims = sorted((stored.cache / "quality").glob("*.chunk_days.parquet"))
    victims[0].write_bytes(content)
    victims[1].unlink()
    flipped = bytearray(victims[2].read_bytes())
    flipped[len(flipped) // 2] ^= 1
    victims[2].write_bytes(bytes(flipped))
    sorted((stored.cache / "quality").glob("*.json"))[3].write_text("[]")
    (stored.cache / "digests.json").write_text('{"x": 1}')
    stored.built_alike()


def test_who_keeps_no_weeks_takes_those_that_are_kept_and_leaves_the_folder_as_it_is(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backtest beside a build: of a changed week it makes its own, in memory."""
    stored.build(with_cache=True)
    stored.change(FIRST + datetime.timedelta(days=20), "down_seconds", 120.0)
    stored.file(FIRST).unlink()
    before = {path: path.stat().st_mtime_ns for path in (stored.cache / "quality").iterdir()}
    made: list[datetime.date] = []
    make = quality_cache._make
    monkeypatch.setattr(quality_cache, "_make", lambda c, chunk, now: [made.append(chunk.monday), make(c, chunk, now)])
    beside = stored.build(with_cache=True, keeps_weeks=False)
    assert made == [datetime.date(2025, 3, 3), datetime.date(2025, 3, 24)]
    assert {path: path.stat().st_mtime_ns for path in (stored.cache / "quality").iterdir()} == before
    pd.testing.assert_frame_equal(beside.area_weeks, stored.build(with_cache=False).area_weeks)


def test_weeks_that_are_gone_from_the_history_are_gone_from_the_cache(stored: Stored) -> None:
    stored.built_alike()
    for day in range(5):
        stored.file(FIRST + datetime.timedelta(days=day)).unlink()
    stored.built_alike()
    assert not list((stored.cache / "quality").glob("2025-03-03*"))


def test_hours_outside_their_folders_week_are_never_kept(stored: Stored) -> None:
    """Such a week would not be known by its own days; it is added up each time, and right."""
    early, late = FIRST, FIRST + datetime.timedelta(days=20)
    stored.file(early).rename(stored.file(late).with_name("misplaced.parquet"))
    stored.built_alike()
    assert "2025-03-24.json" not in stored.notes()
    assert "2025-03-17.json" in stored.notes()


def test_a_file_changed_in_place_within_a_tick_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    file, remembered = tmp_path / "hours", tmp_path / "digests.json"
    file.write_bytes(b"one")
    stat = file.stat()
    first = digests.of_files([file], remembered)
    file.write_bytes(b"two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert digests.of_files([file], remembered) != first


def test_a_file_known_by_its_identity_is_not_read_again(tmp_path: Path) -> None:
    file, remembered = tmp_path / "hours", tmp_path / "digests.json"
    file.write_bytes(b"one")
    digest, identity = digests.of_files([file])[file], digests._identity(os.open(file, os.O_RDONLY))
    digests._store(remembered, {str(file): [identity, "as remembered"]})
    assert digests.of_files([file], remembered) == {file: "as remembered"}
    file.write_bytes(b"twofold")
    assert digests.of_files([file], remembered)[file] not in {"as remembered", digest}
