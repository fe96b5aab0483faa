"""The demo's folder: complete, in the collector's own layout, continued without gaps, doubles or invented outages."""

import datetime
import json
import shutil

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from collector import config as collector_config
from collector.inventory import devices_file
from collector.published import DEVICES, LIVE, QUALITY_HOURS
from dashboard import config as dashboard_config
from demo import files

HOUR = datetime.timedelta(hours=1)
OPTIONS = files.DemoOptions(seed=3, areas=4, devices=40)


def said(text):
    assert text


@pytest.fixture(scope="module", autouse=True)
def _short_past():
    """Nine weeks of history instead of a year: what is tested here does not depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "WEEKS", 9)
        yield


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    made = tmp_path_factory.mktemp("prepared")
    files.prepare(made, OPTIONS, said)
    return made


@pytest.fixture
def folder(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "provider")


def hours_in(folder):
    return ds.dataset(str(folder / "data/quality"), schema=QUALITY_HOURS.arrow_schema()).to_table().to_pandas()


def test_a_new_folder_holds_what_both_programs_read(folder):
    settings = collector_config.load(folder / "collector.toml")
    found = devices_file.load(settings.inventory, settings)
    assert len(found.devices) == 40
    assert not found.problems
    dashboard = dashboard_config.load(folder / "dashboard.toml")
    assert dashboard.data == folder / "data"
    assert dashboard.data not in dashboard.customer_key.parents
    for kind in files.KINDS:
        assert (folder / "records" / f"{kind}.csv").stat().st_size > 0
    assert pq.read_schema(folder / "data/devices.parquet") == DEVICES.arrow_schema()


def test_history_reaches_the_last_whole_hour_once(folder):
    hours = hours_in(folder)
    assert not hours.duplicated(["hour", "device_id"]).any()
    plan = files.Plan.read(folder)
    last = plan.as_of.replace(minute=0, second=0, microsecond=0) - HOUR
    assert hours["hour"].max() == last
    assert hours["hour"].nunique() > files.WEEKS * 7 * 24


def test_a_later_start_appends_the_missing_hours_and_calls_none_of_them_an_outage(folder):
    plan, before = files.Plan.read(folder), hours_in(folder)
    later = plan.as_of + 30 * HOUR
    added = files.append_hours(folder, plan, later)
    after = hours_in(folder)
    assert added == int(later.timestamp()) // 3600 - int(plan.as_of.timestamp()) // 3600
    assert not after.duplicated(["hour", "device_id"]).any()
    assert after["hour"].nunique() == before["hour"].nunique() + added
    new = after[~after["hour"].isin(before["hour"])]
    assert new["observed_seconds"].mean() > 3300
    assert files.append_hours(folder, plan, later) == 0


def test_hours_of_the_collector_are_left_alone(folder):
    """One whole hour was stored by the collector; it may hold another open in its journal, the last one polled."""
    plan = files.Plan.read(folder)
    start = plan.as_of.replace(minute=0, second=0, microsecond=0)
    stored, polled = start, start + 2 * HOUR + datetime.timedelta(minutes=20)
    row = dict.fromkeys(QUALITY_HOURS.column_names) | {
        "hour": stored, "device_id": "core-01", "observed_seconds": 1800.0
    }  # fmt: skip
    day = folder / f"data/quality/date={stored.date().isoformat()}"
    day.mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist([row], schema=QUALITY_HOURS.arrow_schema()), day / "hour=00-shard=0.parquet")
    (folder / "data/live").mkdir()
    live = dict.fromkeys(LIVE.column_names) | {
        "device_id": "core-01", "area": "a", "role": "router", "subscribers": 0, "state": "up", "since": stored, "polled_at": polled
    }  # fmt: skip
    pq.write_table(pa.Table.from_pylist([live], schema=LIVE.arrow_schema()), folder / "data/live/shard=0.parquet")
    added = files.append_hours(folder, plan, start + 6 * HOUR + datetime.timedelta(minutes=5))
    hours = hours_in(folder)
    assert added == 3
    assert not hours.duplicated(["hour", "device_id"]).any()
    assert len(hours[hours["hour"] == stored]) == 1
    assert sorted(set(hours["hour"]) - {stored})[-3:] == [start + n * HOUR for n in (3, 4, 5)]


def test_a_world_with_a_fixed_epoch_is_never_continued(tmp_path):
    as_of = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    options = files.DemoOptions(seed=3, areas=4, devices=40, as_of=as_of)
    files.prepare(tmp_path, options, said)
    before = hours_in(tmp_path)
    files.prepare(tmp_path, options, said)
    assert len(hours_in(tmp_path)) == len(before)
    assert before["hour"].max() == as_of - HOUR


def test_another_world_in_the_same_folder_is_refused(folder):
    with pytest.raises(ValueError, match=r"holds a world with --seed 3, not 4; take another --folder, or remove it"):
        files.prepare(folder, files.DemoOptions(seed=4), said)


def test_a_broken_world_file_is_named(tmp_path):
    (tmp_path / "world.json").write_text(json.dumps({"seed": 1}))
    with pytest.raises(ValueError, match=r"world\.json: not a demo's world"):
        files.prepare(tmp_path, OPTIONS, said)


def test_a_live_table_cut_short_keeps_no_demo_from_starting(folder):
    (folder / "data/live").mkdir()
    (folder / "data/live/shard=0.parquet").write_bytes(b"PAR1 and no more")
    files.prepare(folder, OPTIONS, said)
