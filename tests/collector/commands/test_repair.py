"""`bairro repair`: values of the history that cannot be are listed and blanked, and nothing else is touched."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bairro
from collector import table_versions
from collector.commands.repair import repair
from collector.hour_bounds import HOURS
from collector.publish import parquet, write_locks
from collector.publish.hours.hour_files import SCHEMA, QualityFiles
from collector.published import QUALITY_HOURS

DAY = datetime(2026, 3, 1, tzinfo=UTC)
MB = 1e6
GOOD: dict[str, Any] = {
    "observed_seconds": 3600.0,
    "down_seconds": 0.0,
    "silent_seconds": 0.0,
    "planned_seconds": 0.0,
    "outages": 0,
    "restarts": 0,
    "polls_answered": 60,
    "pings_sent": 300,
    "pings_lost": 2,
    "rtt_seconds_sum": 3.0,
    "rtt_count": 298,
    "rtt_p50_seconds": 0.01,
    "rtt_p95_seconds": 0.02,
    "jitter_seconds": 0.001,
    "receive_bytes": 3600 * MB,
    "transmit_bytes": 360 * MB,
    "receive_p95_bytes_per_second": 1.2 * MB,
    "transmit_p95_bytes_per_second": 0.2 * MB,
    "utilization_p95_ratio": 1.2 / 125,
    "error_packets": 3.0,
    "discard_packets": 0.0,
    "signal_dbm": -65.0,
    "signal_noise_db": 30.0,
    "codewords_total": 1e9,
    "codewords_uncorrectable": 1e3,
    "processor_ratio": 0.3,
    "memory_ratio": 0.6,
    "temperature_celsius": 41.0,
}


def row(hour: int, device_id: str = "r1", **changes: Any) -> dict[str, Any]:
    return {"hour": DAY + timedelta(hours=hour), "device_id": device_id, **GOOD, **changes}


def write(data: Path, *rows: dict[str, Any], name: str = "day-shard-0") -> Path:
    path = data / "quality" / "date=2026-03-01" / f"{name}.parquet"
    parquet.write(table_versions.stamp(pa.Table.from_pylist(list(rows), SCHEMA), QUALITY_HOURS), path, durable=False)
    return path


def command(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    (folder / "devices.csv").write_text("device_id,address,role,area\nr1,192.0.2.1,router,A\n")
    (folder / "collector.toml").write_text('inventory = "devices.csv"\ndata = "data"\n')
    code = bairro.main(["repair", "--config", str(folder / "collector.toml"), *arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("receive_bytes", 7.4e19),
        ("transmit_bytes", 1.5e20),
        ("receive_bytes", -1.0),
        ("receive_bytes", 5e12),
        ("receive_bytes", float("nan")),
        ("receive_p95_bytes_per_second", 1e12),
        ("error_packets", 1e13),
        ("signal_dbm", 4294967231.0),
        ("signal_noise_db", 4294967326.0),
        ("temperature_celsius", 65535.0),
        ("utilization_p95_ratio", 1.5),
        ("rtt_p95_seconds", 3600.0),
        ("pings_lost", 301),
        ("codewords_uncorrectable", 2e9),
        ("down_seconds", 3601.0),
        ("restarts", -1),
    ],
)
def test_a_value_that_cannot_be_is_listed_and_blanked(tmp_path, column, value):
    data, said = tmp_path / "data", []
    path = write(data, row(0), row(1, **{column: value}), row(1, "r2"))
    (finding,) = [f for f in repair(data, said.append).findings if f.column == column]
    assert (finding.hour, finding.device_id, finding.path) == ("2026-03-01 01:00", "r1", path)
    assert finding.why
    before = path.read_bytes()
    report = repair(data, said.append, blank=True)
    (kept,) = report.kept.values()
    assert kept.read_bytes() == before
    after = parquet.read(path, QUALITY_HOURS).to_pylist()
    assert after[1][column] is None
    assert [after[0], after[2]] == [row(0), row(1, "r2")], "other rows stay"
    assert repair(data, said.append).findings == []


@pytest.mark.parametrize("spared", [*HOURS, None])
def test_what_is_possible_or_not_measured_is_left_alone(tmp_path, spared):
    data = tmp_path / "data"
    path = write(
        data, *(row(n, **({spared: None} if spared not in (None, "observed_seconds") else {})) for n in range(24))
    )
    before = path.read_bytes()
    report = repair(data, print, blank=True)
    assert (report.findings, report.kept, path.read_bytes()) == ([], {}, before)


def test_a_burst_that_the_line_can_carry_is_no_fault(tmp_path):
    """Two minutes of a full gigabit in an hour that is idle else: far above the percentile, and true."""
    idle = {
        "receive_p95_bytes_per_second": 1e3,
        "transmit_p95_bytes_per_second": 1e3,
        "utilization_p95_ratio": 1e3 / 125e6,
    }
    write(tmp_path, row(0, **idle, receive_bytes=120 * 125e6), row(1, **idle, receive_bytes=3600 * 125e6))
    assert repair(tmp_path, print).findings == []


def test_a_full_line_says_nothing_of_what_it_carries(tmp_path):
    write(tmp_path, row(0, receive_bytes=3600 * 125e6, receive_p95_bytes_per_second=125e6, utilization_p95_ratio=1.0))
    assert repair(tmp_path, print).findings == []


def test_the_command_lists_blanks_and_says_by_its_exit_code_whether_any_are_left(tmp_path, capsys):
    data = tmp_path / "data"
    path = write(data, row(0), row(1, receive_bytes=7.4e19))
    for arguments, code in (((), 1), ((), 1), (("--blank",), 0), ((), 0), (("--blank",), 0)):
        found, said = command(tmp_path, capsys, *arguments)
        assert found == code
        assert ("2026-03-01 01:00 r1 receive_bytes = 7.4e+19: beyond 0 to 1.8e+14" in said) is (
            code == 1 or "1 values" in said
        )
    assert sorted(p.name for p in path.parent.iterdir()) == [path.name, f"{path.name}.before-repair"]


def test_a_column_that_is_never_null_is_told_and_left(tmp_path, capsys):
    write(tmp_path / "data", row(0, observed_seconds=9e9))
    code, said = command(tmp_path, capsys, "--blank")
    assert code == 1
    assert "observed_seconds is never blank, so 1 values of it are left" in said


def test_a_file_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path, capsys):
    data = tmp_path / "data"
    write(data, row(1, receive_bytes=7.4e19))
    broken = data / "quality" / "date=2026-03-01" / "hour-05-shard-0.parquet"
    broken.write_bytes(b"PAR1")
    code, said = command(tmp_path, capsys, "--blank")
    assert code == 1
    assert f"{broken}: is no Parquet file" in said
    assert "1 values blanked" in said
    assert broken.read_bytes() == b"PAR1"


def test_links_that_lead_nowhere_are_told_and_the_rest_goes_on(tmp_path, capsys):
    path = write(tmp_path / "data", row(0, receive_bytes=1e20))
    (path.parent / "loop.parquet").symlink_to("loop.parquet")
    (path.parent.parent / "date=2026-03-02").symlink_to("date=2026-03-02")
    code, said = command(tmp_path, capsys)
    assert code == 1
    assert "loop.parquet: cannot be read: Too many levels of symbolic links; it is left as it is" in said
    assert said.count("loop.parquet") == 1
    assert "r1 receive_bytes = 1e+20" in said


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e308, -5.0])
def test_no_value_ends_it(tmp_path, capsys, value):
    numbers = [name for name in GOOD if isinstance(GOOD[name], float) and name != "observed_seconds"]
    write(tmp_path / "data", row(0, **dict.fromkeys(numbers, value)), row(1))
    code, said = command(tmp_path, capsys, "--blank")
    assert code == 0, said
    assert f"{len(numbers) - (value == -5.0) * 3} impossible values in 1 device-hours" in said


def test_whole_numbers_of_any_size_and_hours_of_any_age_are_listed(tmp_path, capsys):
    far = row(1) | {"hour": None}
    path = write(tmp_path / "data", row(0, pings_sent=10**18, rtt_count=-(2**63)), row(1, restarts=2**62))
    table = pa.Table.from_pylist([row(0, outages=10**18), far], SCHEMA.set(0, SCHEMA.field("hour").with_nullable(True)))
    hours = pa.array([0, 2**62], pa.int64()).cast(SCHEMA.field("hour").type)
    parquet.write(table.set_column(0, SCHEMA.field("hour"), hours), path.with_name("far.parquet"), durable=False)
    code, said = command(tmp_path, capsys)
    assert code == 1
    assert "pings_sent = 1e+18" in said
    assert "rtt_count = -9.22337e+18" in said
    assert "outages = 1e+18" in said


def test_times_that_are_more_than_an_hour_together_are_listed(tmp_path, capsys):
    write(tmp_path / "data", row(0, down_seconds=2000.0, silent_seconds=2000.0))
    code, said = command(tmp_path, capsys)
    assert code == 1
    assert said.count("down and silent together are more than observed") == 2


def test_nothing_is_there(tmp_path, capsys):
    assert command(tmp_path, capsys) == (0, "0 impossible values in 0 device-hours\n")


def test_columns_that_this_program_does_not_know_stay(tmp_path):
    path = write(tmp_path, row(0, receive_bytes=7.4e19))
    table = pq.ParquetFile(path).read().append_column("of_tomorrow", pa.array(["kept"]))
    parquet.write(table_versions.stamp(table, QUALITY_HOURS), path, durable=False)
    repair(tmp_path, print, blank=True)
    after = pq.ParquetFile(path).read()
    assert after["of_tomorrow"].to_pylist() == ["kept"]
    assert after["receive_bytes"].to_pylist() == [None]
    assert after.schema.metadata == table.schema.metadata or after.schema.metadata[table_versions.VERSION] == b"1"


def test_it_runs_beside_a_collector_that_compacts_its_days(tmp_path):
    """Whoever comes first: no row is lost or doubled, and no impossible value is left."""
    files = QualityFiles(tmp_path, "0")
    start = int(DAY.timestamp())
    for hour in range(24):
        table = pa.Table.from_pylist([row(hour, receive_bytes=7.4e19), row(hour, "r2")], SCHEMA)
        files.write_hour(start + 3600 * hour, table)

    def compact() -> None:
        with write_locks.of_quality(tmp_path):
            files.compact(start + 2 * 86_400)

    collector = threading.Thread(target=compact)
    collector.start()
    repair(tmp_path, lambda _: None, blank=True)
    collector.join()
    repair(tmp_path, lambda _: None, blank=True)
    (path,) = (tmp_path / "quality" / "date=2026-03-01").glob("*.parquet")
    rows = parquet.read(path, QUALITY_HOURS).to_pylist()
    assert len(rows) == 48
    assert {r["receive_bytes"] for r in rows if r["device_id"] == "r1"} == {None}
    assert {r["receive_bytes"] for r in rows if r["device_id"] == "r2"} == {3600 * MB}


def test_a_turn_that_never_comes_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(write_locks, "TURN_SECONDS", 0.1)
    write(tmp_path / "data", row(0, receive_bytes=7.4e19))
    with write_locks.of_quality(tmp_path / "data"):
        code, said = command(tmp_path, capsys, "--blank")
    assert code == 2
    assert "bairro repair:" in said
