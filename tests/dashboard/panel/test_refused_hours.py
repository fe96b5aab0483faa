"""Hours and values of quality that cannot be: each costs itself alone, is counted, and is told with its file."""

from __future__ import annotations

import contextlib
import datetime
import struct
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboard.panel import assemble, refused_hours
from dashboard.tables import believed_hours, quality_hours
from dashboard.tables.stored_hours import HourFiles

FIRST = datetime.datetime(2025, 3, 3, tzinfo=datetime.UTC)
DAYS = 21
NOW = FIRST + datetime.timedelta(days=DAYS)
DAY = "date=2025-03-12"
FILE = f"{DAY}/given.parquet"
HOURS = 24 * DAYS
BAD_DAY = FIRST + datetime.timedelta(days=9)


class Given:
    """Three quiet weeks of one access point, in files of another program: a folder a day."""

    def __init__(self, world: Any, data: Path) -> None:
        self.world, self.data = world, data
        world.customer("1", started_on="2024-01-01")
        for day in range(DAYS):
            start = FIRST + datetime.timedelta(days=day)
            self.write(f"date={start:%Y-%m-%d}", [quiet(start + datetime.timedelta(hours=hour)) for hour in range(24)])

    def write(self, folder: str, rows: list[dict[str, Any]], name: str = "given") -> Path:
        path = self.data / "quality" / folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path

    def spoil(self, *each: dict[str, Any]) -> None:
        """Put these into the hours of one day, one after the other."""
        rows = [quiet(BAD_DAY + datetime.timedelta(hours=hour)) for hour in range(24)]
        for row, values in zip(rows, each, strict=False):
            row.update(values)
        self.write(DAY, rows)

    def panel(self, cache: Path | None = None, now: datetime.datetime | None = NOW) -> assemble.Panel:
        records, _, devices = self.world.tables()
        settings = self.world.settings()
        return assemble.build(records, HourFiles(self.data), devices, settings, cache=cache, now=now)


def quiet(at: datetime.datetime) -> dict[str, Any]:
    return {
        "hour": at,
        "device_id": "ap",
        "observed_seconds": 3600.0,
        "down_seconds": 0.0,
        "silent_seconds": 0.0,
        "planned_seconds": 0.0,
        "pings_sent": 60,
        "pings_lost": 3,
        "rtt_p95_seconds": 0.02,
        "utilization_p95_ratio": 0.5,
    }


@pytest.fixture
def given(world: Any, tmp_path: Path) -> Given:
    return Given(world, tmp_path / "stored")


def observed_hours(panel: assemble.Panel) -> float:
    weeks = panel.area_weeks
    return float((weeks["observed_ratio"].astype(float) * weeks["customer_days"].astype(float)).sum() * 24)


NAN, INF, HUGE = float("nan"), float("inf"), 1e18
IMPOSSIBLE = (NAN, INF, -INF, HUGE, -1.0, 1e308)


def test_times_that_cannot_be_cost_their_own_rows(given: Given) -> None:
    columns = ("observed_seconds", "down_seconds", "silent_seconds", "planned_seconds")
    given.spoil(*({column: value} for column in columns for value in IMPOSSIBLE))
    panel = given.panel()
    assert panel.refused == (refused_hours.Refused(FILE, "impossible", 24),)
    assert observed_hours(panel) == pytest.approx(HOURS - 24)
    assert panel.area_weeks["down_hours_per_customer"].astype(float).sum() == 0
    said = refused_hours.note(panel.refused)
    assert said.startswith("Hours of quality left out, as if not observed: 24 with times that cannot be")
    assert FILE in said


def test_times_that_contradict_each_other_cost_their_rows(given: Given) -> None:
    given.spoil(
        {"down_seconds": 2000.0, "silent_seconds": 2000.0},
        {"observed_seconds": 3700.0},
        {"observed_seconds": 100.0, "down_seconds": 200.0},
    )
    panel = given.panel()
    assert panel.refused == (refused_hours.Refused(FILE, "impossible", 3),)
    assert panel.area_weeks["down_hours_per_customer"].astype(float).sum() == 0


def test_values_that_cannot_be_cost_their_own_cells(given: Given) -> None:
    columns = ("rtt_p95_seconds", "utilization_p95_ratio")
    given.spoil(*({column: value} for value in IMPOSSIBLE for column in columns), *({"rtt_p95_seconds": NAN},) * 12)
    panel = given.panel()
    assert {(one.file, one.what, one.rows) for one in panel.refused} == {
        (FILE, "rtt_p95_seconds", 18),
        (FILE, "utilization_p95_ratio", 6),
    }
    assert observed_hours(panel) == pytest.approx(HOURS)
    quality = panel.area_weeks[["evening_rtt_p95_mean_seconds", "evening_utilization_mean_ratio", "loss_ratio"]]
    assert quality.astype(float).to_numpy() == pytest.approx(np.array([[0.02, 0.5, 0.05]] * 3))
    assert f"taken as not measured: 18 of rtt_p95_seconds (in {FILE})" in refused_hours.note(panel.refused)


def test_values_that_no_panel_reads_are_counted_too(given: Given) -> None:
    unread = ("rtt_seconds_sum", "rtt_p50_seconds", "jitter_seconds", "signal_dbm", "signal_noise_db")
    given.spoil(*(dict.fromkeys(unread, value) for value in (NAN, INF, -INF)))
    panel = given.panel()
    assert {(one.file, one.what, one.rows) for one in panel.refused} == {(FILE, column, 3) for column in unread}
    assert observed_hours(panel) == pytest.approx(HOURS)


def test_counts_that_cannot_be_cost_their_own_cells(given: Given) -> None:
    given.spoil(
        {"pings_sent": 10**18},
        {"pings_sent": -5, "pings_lost": None},
        {"pings_lost": -(2**63)},
        {"pings_lost": 61},
    )
    panel = given.panel()
    assert {(one.what, one.rows) for one in panel.refused} == {("pings_sent", 2), ("pings_lost", 2)}
    assert panel.area_weeks["loss_ratio"].astype(float).to_list() == pytest.approx([0.05] * 3)


def test_what_is_odd_and_possible_is_believed(given: Given) -> None:
    given.spoil({"down_seconds": 3600.0000004, "planned_seconds": 3600.0, "rtt_p95_seconds": 59.0, "pings_lost": 60})
    assert given.panel().refused == ()


def test_hours_that_are_none_cost_their_own_rows(given: Given) -> None:
    utc = datetime.UTC
    given.spoil(
        {"hour": None},
        {"device_id": None},
        {"observed_seconds": None},
        {"hour": datetime.datetime(1970, 1, 1, tzinfo=utc)},
        {"hour": datetime.datetime(1, 1, 1, tzinfo=utc)},
        {"hour": datetime.datetime(9999, 1, 1, tzinfo=utc)},
        {"hour": BAD_DAY + datetime.timedelta(hours=6, minutes=30)},
        {"hour": NOW + datetime.timedelta(hours=1)},
        {"hour": datetime.datetime(2150, 1, 1, tzinfo=utc)},
    )
    panel = given.panel()
    assert {(one.what, one.rows) for one in panel.refused} == {("incomplete", 3), ("misdated", 4), ("ahead", 2)}
    assert observed_hours(panel) == pytest.approx(HOURS - 9)
    counts = panel.counts[panel.counts["table"] == "quality_hours"].set_index("code")["rows"]
    assert counts.to_dict() == {"used": HOURS - 9, "incomplete": 3, "misdated": 4, "ahead": 2}
    assert len(panel.area_weeks) == 3


def test_hours_dated_ahead_do_not_say_how_far_the_history_is_complete(given: Given) -> None:
    ahead = NOW + datetime.timedelta(days=40)
    given.write(f"date={ahead:%Y-%m-%d}", [quiet(ahead + datetime.timedelta(hours=hour)) for hour in range(24)])
    panel = given.panel()
    usual = (NOW - datetime.timedelta(days=1)).date()
    assert panel.last_complete["quality_hours"] == usual
    assert panel.refused == (refused_hours.Refused(f"date={ahead:%Y-%m-%d}/given.parquet", "ahead", 24),)
    assert panel.area_weeks["week"].max() < ahead.replace(tzinfo=None)


def test_hours_that_were_ahead_count_once_their_time_has_come(given: Given, tmp_path: Path) -> None:
    early = NOW - datetime.timedelta(days=3)
    assert observed_hours(given.panel(tmp_path / "cache", early)) == pytest.approx(HOURS - 3 * 24 + 1)
    later = given.panel(tmp_path / "cache")
    assert later.refused == ()
    assert observed_hours(later) == pytest.approx(HOURS)


def test_a_service_that_was_ordered_does_not_make_the_records_complete_until_it_starts(world: Any) -> None:
    world.is_dated_by_content = True
    world.customer("1", started_on="2024-01-01")
    world.customer("2", started_on="2026-01-01", valid_from="2025-03-10")
    world.complaint("2030-01-01")
    world.observe("ap", "2025-03-03", "2025-03-24")
    panel = assemble.build(*world.tables(), world.settings(), now=NOW)
    assert set(panel.last_complete.values()) <= {NOW.date(), NOW.date() - datetime.timedelta(days=1)}
    assert panel.area_weeks["week"].max() <= NOW.replace(tzinfo=None)


@pytest.mark.parametrize("is_cached", [False, True])
def test_a_copy_of_a_file_counts_once(given: Given, tmp_path: Path, is_cached: bool) -> None:
    whole = given.panel()
    path = given.data / "quality" / FILE
    path.with_name("copy of given.parquet").write_bytes(path.read_bytes())
    for _ in range(1 + is_cached):
        panel = given.panel(tmp_path / "cache" if is_cached else None)
        assert [(one.what, one.rows) for one in panel.refused] == [("double", 24)]
        assert panel.area_weeks.equals(whole.area_weeks)
    counts = panel.counts[panel.counts["table"] == "quality_hours"].set_index("code")["rows"]
    assert counts.to_dict() == {"used": HOURS, "double": 24}
    assert "24 that are on record already" in refused_hours.note(panel.refused)


@pytest.mark.parametrize("day", [0, 8, 20])
def test_a_copy_in_the_folder_of_another_day_counts_once(given: Given, tmp_path: Path, day: int) -> None:
    """Of the same week or of another: statistics of the file, or its hours where it has none, say what it holds."""
    whole = given.panel()
    rows = pq.ParquetFile(given.data / "quality" / FILE).read()
    folder = f"date={FIRST + datetime.timedelta(days=day):%Y-%m-%d}"
    pq.write_table(rows, given.data / "quality" / folder / "copy.parquet", write_statistics=day != 8)
    for _ in range(2):
        panel = given.panel(tmp_path / "cache")
        assert [(one.what, one.rows) for one in panel.refused] == [("double", 24)]
        assert panel.area_weeks.equals(whole.area_weeks)


@pytest.mark.parametrize("day", [8, 10, 20])
def test_a_day_that_a_copy_of_another_was_written_over_is_told_with_both_files(given: Given, day: int) -> None:
    folder = f"date={FIRST + datetime.timedelta(days=day):%Y-%m-%d}"
    (given.data / "quality" / folder / "given.parquet").write_bytes((given.data / "quality" / FILE).read_bytes())
    panel = given.panel()
    assert observed_hours(panel) == pytest.approx(HOURS - 24)
    both = " and ".join(sorted([FILE, f"{folder}/given.parquet"]))
    said = refused_hours.note(panel.refused)
    assert f"24 that are on record already (the same device and hour more than once) (in {both}; they lie in" in said
    assert "where one was written over that day's own hours, these are missing" in said
    assert not refused_hours.are_copies(panel.refused)


def test_all_weeks_in_one_file_and_in_their_own_too_count_once(given: Given, tmp_path: Path) -> None:
    whole = given.panel()
    rows = [quiet(FIRST + datetime.timedelta(hours=hour)) for hour in range(HOURS)]
    given.write("date=2025-03-10", rows, name="everything")
    panel = given.panel(tmp_path / "cache")
    assert sum(one.rows for one in panel.refused if one.what == "double") == HOURS
    assert panel.area_weeks.equals(whole.area_weeks)


def test_of_two_accounts_of_an_hour_that_of_more_time_holds(given: Given) -> None:
    at = BAD_DAY + datetime.timedelta(hours=6)
    given.write(DAY, [quiet(at) | {"observed_seconds": 600.0, "down_seconds": 600.0}], name="another")
    panel = given.panel()
    assert panel.refused == (refused_hours.Refused(f"{DAY}/another.parquet", "double", 1, FILE),)
    assert refused_hours.are_copies(panel.refused)
    assert panel.area_weeks["down_hours_per_customer"].astype(float).sum() == 0


def test_a_file_that_duckdb_wrote_is_held_to_the_same(given: Given) -> None:
    """Other types than the collector's, and statistics of a writer that knows NaN in its own way."""
    path = given.data / "quality" / FILE
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "COPY (SELECT CAST(hour AS TIMESTAMP_NS) AS hour, device_id, CAST(observed_seconds AS FLOAT) AS observed_seconds,"
            " down_seconds, CASE WHEN hour_no = 3 THEN CAST(18446744073709551615 AS UBIGINT) ELSE 60 END AS pings_sent,"
            " pings_lost, CASE hour_no WHEN 20 THEN 'nan'::FLOAT WHEN 21 THEN 'inf'::FLOAT ELSE 0.02 END AS rtt_p95_seconds"
            f" FROM (SELECT *, date_part('hour', hour) AS hour_no FROM read_parquet('{path}'))) TO '{path}.new' (FORMAT parquet)"
        )
    Path(f"{path}.new").replace(path)
    panel = given.panel()
    assert {(one.what, one.rows) for one in panel.refused} == {("pings_sent", 1), ("rtt_p95_seconds", 2)}
    assert observed_hours(panel) == pytest.approx(HOURS)


def test_hours_that_are_read_by_themselves_hold_nothing_that_cannot_be(given: Given) -> None:
    given.spoil({"rtt_p95_seconds": NAN})
    found = quality_hours.read_hours(given.data, FIRST, NOW)
    assert found.num_rows == HOURS
    assert found["rtt_p95_seconds"].null_count == 1
    given.spoil({"observed_seconds": INF})
    assert quality_hours.read_hours(given.data, FIRST, NOW).num_rows == HOURS - 1


def test_a_page_that_does_not_hold_to_its_checksum_costs_its_file(given: Given) -> None:
    """DuckDB does not ask the checksums, and the value that was changed is one that can be."""
    path = given.data / "quality" / FILE
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False, "write_page_checksum": True}
    pq.write_table(pq.ParquetFile(path).read(), path, **plain)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(struct.pack("<d", 0.02), struct.pack("<d", 0.03), 1))
    assert path.read_bytes() != whole
    assert observed_hours(given.panel()) == pytest.approx(HOURS - 24)
    found = quality_hours.read_hours(given.data, FIRST, NOW)
    assert set(found["rtt_p95_seconds"].to_pylist()) == {0.02}
    assert found.num_rows == HOURS - 24


def test_values_of_a_damaged_page_are_asked_themselves_whatever_the_file_states_of_them(tmp_path: Path) -> None:
    """The file's own least and most are those from before the damage: who trusts them asks no bound."""
    rows = 48
    table = pa.table(
        {
            "hour": pa.array(
                [FIRST + datetime.timedelta(hours=place) for place in range(rows)], pa.timestamp("us", "UTC")
            ),
            "device_id": ["d"] * rows,
            "observed_seconds": [3600.0] * rows,
            "rtt_p95_seconds": [0.0123 + place / 1e6 for place in range(rows)],
        }
    )
    path = tmp_path / "quality" / f"date={FIRST:%Y-%m-%d}" / "a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path, compression="none", use_dictionary=False)
    raw = bytearray(path.read_bytes())
    known = struct.pack("<d", 0.0123 + 7 / 1e6)
    at = raw.index(known)
    raw[at : at + 8] = struct.pack("<d", 1e229)
    path.write_bytes(raw)
    with contextlib.closing(quality_hours.connect()) as connection:
        quality_hours.attach(connection, str(path))
        (clean,) = connection.execute(believed_hours.is_clean()).fetchall()[0]
        (known_values, most) = connection.execute(
            "SELECT count(rtt_p95_seconds), max(rtt_p95_seconds) FROM quality_hours"
        ).fetchall()[0]
    assert not clean
    assert (known_values, most < 1) == (rows - 1, True)


def test_copies_alone_are_no_warning() -> None:
    copy, ahead = (refused_hours.Refused("a.parquet", what, 24) for what in ("double", "ahead"))
    assert refused_hours.are_copies([copy])
    assert not refused_hours.are_copies([copy, ahead])
