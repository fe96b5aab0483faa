"""`bairro maintenance` and `bairro acknowledge`: what operators enter, how it is told back, and who is on record for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

import bairro
from collector.publish.incidents.migrate import migrate
from collector.published import ACKNOWLEDGEMENTS, AUDIT, DEVICES, INCIDENTS, MAINTENANCE_WINDOWS, connect
from dashboard.operations import plan_maintenance
from dashboard.operations.window_words import moment, weekly_words

START = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Settings, and an inventory of two devices that are there and one that has left."""
    (tmp_path / "dashboard.toml").write_text(
        'data = "data"\ncustomer_key = "key"\nprovider = "Test"\ntimezone = "Europe/Lisbon"\n'
    )
    rows = [
        {"device_id": "olt-1", "area": "harbour", "site": "hut", "role": "olt", "valid_to": None},
        {"device_id": "cpe-1", "area": "harbour", "site": None, "role": "cpe", "valid_to": None},
        {"device_id": "old-1", "area": "hill", "site": None, "role": "olt", "valid_to": START},
    ]
    (tmp_path / "data").mkdir()
    table = pa.Table.from_pylist(
        [{"valid_from": START, "subscribers": 0, **row} for row in rows], DEVICES.arrow_schema()
    )
    pq.write_table(table, tmp_path / "data" / "devices.parquet")
    return tmp_path


def run(folder: Path, *words: str) -> int:
    verbs = 1 if words[0] == "acknowledge" else 2
    return bairro.main([*words[:verbs], "--config", str(folder / "dashboard.toml"), *words[verbs:]])


def stored(folder: Path, table: sa.Table) -> list[dict[str, Any]]:
    engine = connect(f"sqlite:///{folder}/data/operations.sqlite")
    with engine.connect() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    engine.dispose()
    return rows


def test_a_window_is_entered_told_and_on_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--area", "harbour", "--from", "2099-07-05 22:00", "--to", "2099-07-06 02:00", "--reason", "new amplifier"]
    assert run(folder, "maintenance", "add", *words, "--by", "ana") == 0
    told = capsys.readouterr().out
    (row,) = stored(folder, MAINTENANCE_WINDOWS)
    assert told == (
        f"window {row['window_id']} on area harbour (2 devices)\n"
        "  once: Sun 2099-07-05 22:00 to Mon 2099-07-06 02:00 Europe/Lisbon (21:00 UTC)\n"
    )
    assert (row["target_kind"], row["target"]) == ("area", "harbour")
    assert row["starts_at"] == datetime(2099, 7, 5, 21, tzinfo=UTC)
    assert row["ends_at"] == datetime(2099, 7, 6, 1, tzinfo=UTC)
    assert (row["weekdays"], row["time_zone"], row["reason"]) == (None, "Europe/Lisbon", "new amplifier")
    assert (row["created_by"], row["cancelled_at"]) == ("ana", None)
    (entry,) = stored(folder, AUDIT)
    assert (entry["actor"], entry["action"], entry["subject"]) == ("ana", "maintenance.add", row["window_id"])
    assert json.loads(entry["details"])["starts_at"] == "2099-07-05T21:00:00+00:00"
    assert entry["at"] == row["created_at"]


def test_a_weekly_window_shows_when_it_comes_next(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--device", "olt-1", "--weekly", "Sun,Wed 2:00", "--hours", "2.5", "--from", "2099-01-01"]
    assert run(folder, "maintenance", "add", *words, "--timezone", "America/Sao_Paulo", "--reason", "backups") == 0
    told = capsys.readouterr().out
    assert (
        "  weekly on WE,SU at 02:00; next: Sun 2099-01-04 02:00 to Sun 2099-01-04 04:30 America/Sao_Paulo (05:00 UTC)"
        in told
    )
    (row,) = stored(folder, MAINTENANCE_WINDOWS)
    assert (row["weekdays"], row["local_start"], row["duration_seconds"]) == ("WE,SU", "02:00", 9000)
    assert (row["ends_at"], row["time_zone"]) == (None, "America/Sao_Paulo")
    assert "@" in row["created_by"]
    assert run(folder, "maintenance", "list") == 0
    assert f"{row['window_id']}  device olt-1: backups" in capsys.readouterr().out


def test_a_window_is_called_off_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(folder, "maintenance", "add", "--site", "hut", "--hours", "2", "--reason", "power")
    (row,) = stored(folder, MAINTENANCE_WINDOWS)
    assert "  under way: " in capsys.readouterr().out
    assert run(folder, "maintenance", "cancel", row["window_id"][:6], "--by", "rui") == 0
    assert capsys.readouterr().out == f"window {row['window_id']} on site hut is cancelled\n"
    (after,) = stored(folder, MAINTENANCE_WINDOWS)
    assert (after["cancelled_by"], after["ends_at"]) == ("rui", row["ends_at"])
    assert [entry["action"] for entry in stored(folder, AUDIT)] == ["maintenance.add", "maintenance.cancel"]
    assert run(folder, "maintenance", "cancel", row["window_id"]) == 2
    assert "rui has cancelled window" in capsys.readouterr().err
    assert run(folder, "maintenance", "list") == 0
    assert capsys.readouterr().out == "there is no current or future maintenance window\n"
    assert run(folder, "maintenance", "list", "--all") == 0
    assert "cancelled by rui at" in capsys.readouterr().out
    assert len(stored(folder, AUDIT)) == 2


def test_windows_of_the_past_may_be_entered_and_are_listed_on_demand(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--device", "cpe-1", "--from", "2026-03-02 10:00", "--hours", "1", "--reason", "entered late"]
    assert run(folder, "maintenance", "add", *words) == 0
    assert "ended 2026-03-02 11:00 UTC" in capsys.readouterr().out
    (row,) = stored(folder, MAINTENANCE_WINDOWS)
    assert run(folder, "maintenance", "cancel", row["window_id"]) == 2
    assert "ended 2026-03-02 11:00 UTC: there is nothing left to cancel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--area", "habour", "--hours", "2"], "the inventory has no area 'habour'; --force enters it all the same"),
        (["--device", "old-1", "--hours", "2"], "the inventory has no device 'old-1'; --force enters it all the same"),
        (["--area", "hill", "--hours", "2"], "the inventory has no area 'hill'; --force enters it all the same"),
        (["--area", "harbour"], "give the end: --to or --hours"),
        (["--area", "harbour", "--hours", "-1"], "before it begins"),
        (["--area", "harbour", "--hours", "nan"], "cannot convert float NaN"),
        (["--area", "harbour", "--hours", "1e300"], "--hours 1e+300 is too long"),
        (["--area", "harbour", "--hours", "1000"], "it would last 41 days, more than the 31 that one window may"),
        (["--area", "harbour", "--to", "tomorrow"], "a time is written YYYY-MM-DD HH:MM, not 'tomorrow'"),
        (["--area", "harbour", "--to", "2099-01-01", "--hours", "1"], "--to and --hours both say when it ends"),
        (["--area", "harbour", "--weekly", "Sun 02:00"], "give the length of each window: --hours"),
        (["--area", "harbour", "--weekly", "Sun 02:00", "--hours", "25"], "at most 24 hours, not 25"),
        (["--area", "harbour", "--weekly", "Sun 25:00", "--hours", "1"], "a time of day is written HH:MM, not '25:00'"),
        (["--area", "harbour", "--weekly", "Sum 02:00", "--hours", "1"], "'Sum' is no day of the week"),
        (["--area", "harbour", "--weekly", "at two", "--hours", "1"], 'a weekly time is written like "Sun 02:00"'),
        (["--area", "harbour", "--hours", "1", "--timezone", "Mars"], "no IANA time zone is called 'Mars'"),
        (["--area", "harbour", "--from", "2099-03-29 01:30", "--hours", "1"], "leave out 2099-03-29 01:30"),
    ],
)
def test_what_cannot_be_taken_is_told_and_changes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run(folder, "maintenance", "add", *words, "--reason", "work") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert said.err.count("\n") == 1
    assert stored(folder, MAINTENANCE_WINDOWS) == stored(folder, AUDIT) == []


def test_without_a_reason_nobody_knows_what_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "maintenance", "add", "--area", "harbour", "--hours", "1", "--reason", " ") == 2
    assert "give the reason" in capsys.readouterr().err


def test_an_unknown_target_may_be_forced_and_none_is_checked_before_the_first_inventory(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--device", "olt-9", "--hours", "1", "--reason", "to be built"]
    assert run(folder, "maintenance", "add", *words, "--force") == 0
    assert "(0 devices)" in capsys.readouterr().out
    (folder / "data" / "devices.parquet").unlink()
    assert run(folder, "maintenance", "add", *words) == 0
    assert "(no inventory has been published yet, so the name was not checked)" in capsys.readouterr().out


def test_an_incident_is_taken_up_with_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{folder}/data/operations.sqlite"
    migrate(url)
    engine = connect(url)
    totals = {"devices_affected": 1, "subscribers_affected": 1, "customer_minutes_lost": 0.0}
    for name in ("abc-1", "abc-2", "a%c-3"):
        row = {"incident_id": name, "scope": "device", "kind": "outage", "started_at": START, "detected_by": "0"}
        row["ended_at"] = START.replace(hour=1) if name == "a%c-3" else None
        with engine.begin() as connection:
            connection.execute(sa.insert(INCIDENTS).values(**row, **totals))
    engine.dispose()
    assert run(folder, "acknowledge", "abc-2", "--note", " crew is on its way ", "--by", "ana") == 0
    assert capsys.readouterr().out == "ana has taken on incident abc-2\n"
    assert run(folder, "acknowledge", "a%", "--by", "rui") == 0
    over = "which ended at 2026-03-02 01:00 UTC and is over"
    assert capsys.readouterr().out == f"rui has taken on incident a%c-3, {over}\n"
    found = {row["incident_id"]: row for row in stored(folder, ACKNOWLEDGEMENTS)}
    assert (found["abc-2"]["acknowledged_by"], found["abc-2"]["note"]) == ("ana", "crew is on its way")
    assert (found["a%c-3"]["acknowledged_by"], found["a%c-3"]["note"]) == ("rui", "")
    assert [entry["action"] for entry in stored(folder, AUDIT)] == ["incident.acknowledge"] * 2
    capsys.readouterr()
    assert run(folder, "acknowledge", "abc") == 2
    assert capsys.readouterr().err == "bairro: incidents abc-1, abc-2 begin with 'abc'; write more of it\n"
    assert run(folder, "acknowledge", "xyz") == 2
    assert capsys.readouterr().err == "bairro: there is no incident 'xyz'\n"


@pytest.mark.parametrize(
    ("text", "days", "start"),
    [
        ("Sun 02:00", ("SU",), "02:00"),
        ("thursday, mon 7:30", ("MO", "TH"), "07:30"),
        ("Mon-Fri 03:00", ("MO", "TU", "WE", "TH", "FR"), "03:00"),
        ("Sat-Mon 23:15", ("MO", "SA", "SU"), "23:15"),
    ],
)
def test_weekly_in_words(text: str, days: tuple[str, ...], start: str) -> None:
    assert weekly_words(text) == (days, start)


def test_times_are_of_the_zone_unless_they_say_otherwise() -> None:
    assert moment("2026-07-01 10:00", "Europe/Lisbon") == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert moment("2026-07-01 10:00+02:00", "Europe/Lisbon") == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert moment("2026-07-01", "Asia/Kathmandu") == datetime(2026, 6, 30, 18, 15, tzinfo=UTC)
    assert moment("2026-10-25 01:30", "Europe/Lisbon") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_what_follows_after_the_last_occurrence_is_nothing() -> None:
    row = {
        "starts_at": START,
        "ends_at": datetime(2026, 3, 9, tzinfo=UTC),
        "weekdays": "MO,TH",
        "local_start": "02:00",
        "duration_seconds": 3600,
        "time_zone": "UTC",
        "cancelled_at": None,
    }
    under_way = datetime(2026, 3, 5, 2, 30, tzinfo=UTC)
    assert plan_maintenance.following(row, under_way) == (
        under_way.replace(minute=0),
        under_way.replace(hour=3, minute=0),
    )
    assert plan_maintenance.following(row, under_way.replace(hour=4)) is None
