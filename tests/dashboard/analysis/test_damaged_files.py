"""Files of the data folder that cannot be read: a build goes on with the rest and says what is missing, or why it cannot."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bairro
from dashboard.config import DashboardSettings, load
from dashboard.pages import areas, evidence
from dashboard.pages.source import Source, visit
from dashboard.results import backtest_results, stored_results
from dashboard.tables import quality_hours
from dashboard.tables.stored_hours import HourFiles

from ..pages.test_layouts import text_of

pytestmark = pytest.mark.slow

KEPT = Path(__file__).parents[2] / "data" / "folders" / "0.1"
DAY, HOUR = "date=2026-11-21/day-shard-0.parquet", "date=2026-11-22/hour-00-shard-0.parquet"
ROWS = 20
STORED = 1
"""The exit code of a whole build here: no customer's device is the network's, and the round trips of 0.1 cannot be."""


@pytest.fixture
def settings(tmp_path: Path) -> DashboardSettings:
    """A provider of forty customers and four hours, without results."""
    folder = Path(shutil.copytree(KEPT, tmp_path / "provider"))
    shutil.rmtree(folder / "data" / "results")
    return load(folder / "dashboard.toml")


def build(settings: DashboardSettings, *words: str) -> int:
    return bairro.main(["build", "--config", str(settings.data.parent / "dashboard.toml"), *words])


def no_bytes(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def no_parquet(path: Path) -> None:
    path.write_text("hour,device_id,observed_seconds\n" * 50)


def broken_pages(path: Path) -> None:
    """The footer is whole: only who reads the values sees it."""
    content = bytearray(path.read_bytes())
    content[4:1500] = bytes(255 - byte for byte in content[4:1500])
    path.write_bytes(bytes(content))


def no_hours(path: Path) -> None:
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["hour"]), path)


def hours_as_text(path: Path) -> None:
    table = pq.ParquetFile(path).read()
    pq.write_table(table.set_column(0, "hour", table["hour"].cast(pa.string())), path)


def newer(path: Path) -> None:
    pq.write_table(pq.ParquetFile(path).read().replace_schema_metadata({"bairro_version": "3"}), path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGES = {
    a_loop: "cannot be read: Too many levels of symbolic links",
    no_bytes: "no Parquet file",
    cut_short: "no Parquet file",
    no_parquet: "no Parquet file",
    broken_pages: "no Parquet file",
    no_hours: "lacks hour",
    hours_as_text: "has hour as string, which is no timestamp",
    newer: "is of version 3 of quality_hours; this program knows up to 1",
    a_folder: "read",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_costs_its_own_hours(settings, capsys, damage: Callable[[Path], None]) -> None:
    damage(settings.data / "quality" / DAY)
    assert build(settings) == STORED
    said = capsys.readouterr()
    assert DAY in said.out
    assert DAMAGES[damage] in said.out
    assert "Traceback" not in said.err
    built = stored_results.load(settings.data)
    assert built is not None
    rows = [row["rows"] for row in built.manifest["counts"] if row["table"] == "quality_hours"]
    assert sum(rows) == ROWS // 2
    assert [damaged["file"] for damaged in built.manifest["damaged"]] == [DAY]
    page = text_of(evidence.layout(visit(Source(settings))))
    assert f"1 file of hourly quality is missing from these results, and count as not observed: {DAY}" in page
    assert os.path.lexists(settings.data / "quality" / DAY), "a build renames nothing"

    assert build(settings) == STORED, "nothing has changed since"
    again = capsys.readouterr()
    assert "its results stand" in again.out
    assert DAY in again.out

    found = quality_hours.read_hours(settings.data, datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC), FAR)
    assert found.num_rows == ROWS // 2


FAR = datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC)


def test_what_a_collector_has_set_aside_is_told(settings, capsys) -> None:
    path = settings.data / "quality" / HOUR
    path.rename(path.with_name(f"{path.name}.damaged"))
    assert build(settings) == STORED
    assert f"{HOUR}.damaged was set aside by its collector" in capsys.readouterr().out


def test_where_no_file_can_be_read_the_build_says_so(settings, capsys) -> None:
    for file in HourFiles(settings.data).everything():
        cut_short(file)
    assert build(settings) == 2
    said = capsys.readouterr().err
    assert "no quality history can be read: 3 files" in said
    assert DAY in said


@pytest.mark.parametrize(
    ("heard_ago", "said"),
    [
        (None, "quality: start bairro collect (or bairro demo, to try it out)"),
        (20, "quality yet: bairro collect runs, and writes each hour up to 15 minutes after its end"),
        (780, "quality: bairro collect was last heard of 13 minutes ago, before it wrote an hour: start it again"),
    ],
)
def test_where_no_hour_is_written_yet_the_build_and_the_pages_say_whether_a_collector_runs(
    settings, capsys, heard_ago, said
) -> None:
    shutil.rmtree(settings.data / "quality")
    if heard_ago is None:
        shutil.rmtree(settings.data / "live")
    else:
        os.utime(settings.data / "live" / "shard=0.parquet", (heard := time.time() - heard_ago, heard))
    assert build(settings) == 2
    assert said in capsys.readouterr().err
    page = text_of(areas.layout(visit(Source(settings))))
    assert said in page
    assert "failed for the reason above" in page
    assert "still running" not in page


def test_a_week_of_which_a_file_vanishes_is_read_again_and_not_taken_for_empty(settings) -> None:
    """As while the collector makes one file of a day's hours."""
    files = HourFiles(settings.data)
    listed = files.sound()
    gone = settings.data / "quality" / HOUR
    gone.unlink()
    with quality_hours.connect() as connection, pytest.raises(quality_hours.duckdb.IOException, match="No files found"):
        quality_hours.attach(connection, [str(file) for file in listed])
    assert not files.look_closely(listed)
    assert gone not in files.sound()
    assert files.damages() == []


@pytest.mark.parametrize("kind", ["customers", "areas", "complaints"])
@pytest.mark.parametrize("damage", [no_bytes, cut_short, newer])
def test_a_damaged_snapshot_of_records_ends_in_a_sentence(settings, capsys, kind, damage) -> None:
    path = settings.data / "records" / kind / "000001.parquet"
    damage(path)
    assert build(settings) == 2
    said = capsys.readouterr().err
    assert str(path) in said
    assert "restore it from a copy" in said
    assert said.count("\n") == 1


def test_a_damaged_inventory_ends_in_a_sentence(settings, capsys) -> None:
    cut_short(settings.data / "devices.parquet")
    assert build(settings) == 2
    said = capsys.readouterr().err
    assert str(settings.data / "devices.parquet") in said
    assert said.count("\n") == 1


def test_results_dated_ahead_are_told_before_the_work_begins(settings, capsys) -> None:
    ahead = settings.data / "results" / "29991231T235959.000000Z"
    ahead.mkdir(parents=True)
    assert build(settings) == 2
    said = capsys.readouterr()
    assert f"{ahead}: is dated ahead of this computer's clock" in said.err
    assert "move that folder away" in said.err
    assert "joining" not in said.out
    ahead.rename(ahead.with_name("of-2999"))
    assert build(settings) == STORED, "a folder with another name is nobody's build"


def test_results_that_cannot_be_stored_end_in_a_sentence(settings, capsys) -> None:
    (settings.data / "results").write_text("not a folder")
    assert build(settings) == 2
    said = capsys.readouterr().err
    assert str(settings.data / "results") in said
    assert "Traceback" not in said


@pytest.mark.parametrize("file", ["ranking.parquet", "manifest.json", "avoidable.parquet"])
def test_a_newer_build_that_cannot_be_read_is_not_passed_over_in_silence(settings, file) -> None:
    assert build(settings) == STORED
    first = stored_results.load(settings.data)
    assert build(settings, "--force") == STORED
    newest = stored_results.load(settings.data)
    cut_short(newest.folder / file)
    if file == "manifest.json":
        (newest.folder / file).write_text("{")
    seen = visit(Source(settings))
    assert seen.source.results().folder == first.folder
    assert f"Results cannot be read: {newest.folder / file}" in text_of(evidence.layout(seen))
    shutil.rmtree(first.folder)
    seen = visit(Source(settings))
    assert seen.source.results() is None
    assert f"Results cannot be read: {newest.folder / file}" in text_of(evidence.layout(seen))
    assert build(settings) == STORED, "unchanged inputs do not make such results stand"
    assert stored_results.load(settings.data).folder > newest.folder


def test_results_of_another_version_say_what_they_lack(settings) -> None:
    assert build(settings) == STORED
    folder = stored_results.load(settings.data).folder
    (folder / "loyalty.parquet").unlink()
    table = pq.ParquetFile(folder / "ranking.parquet").read()
    pq.write_table(
        table.drop_columns(["note"]).append_column("mood", pa.array(["good"] * len(table))), folder / "ranking.parquet"
    )
    seen = visit(Source(settings))
    assert seen.source.results().lacks == ("loyalty",)
    assert seen.source.results().ranking["note"].isna().all()
    assert "made by another version and lack loyalty" in text_of(evidence.layout(seen))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 2}))
    assert "manifest.json: is of format 2; this program knows up to 1" in stored_results.passed_over(settings.data)[0]


def test_a_backtest_dated_ahead_does_not_hide_the_next(tmp_path) -> None:
    (tmp_path / backtest_results.FOLDER / "9223372036854775807").mkdir(parents=True)
    empty = {spec.name: spec.arrow_schema().empty_table().to_pandas() for spec in backtest_results.BACKTEST_TABLES}
    written = backtest_results.write(tmp_path, empty, {"verdict": "none"})
    assert backtest_results.load(tmp_path).folder == written
