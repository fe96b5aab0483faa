"""What is removed, and that nothing is unless it was set; what `bairro disk` says of the room that is left."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import bairro
from collector.config import CollectorSettings, RetentionSettings, load
from collector.publish.incidents.migrate import migrate
from collector.published import ACKNOWLEDGEMENTS, AUDIT, INCIDENT_DEVICES, INCIDENTS, connect
from collector.retention import removal, usage

KEPT = Path(__file__).parents[2] / "data" / "folders" / "0.1-stamped"
TODAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
ROW_BYTES, DEVICES = 37, 20_000


def add_day(data: Path, day: date, size: int) -> None:
    """A day's file of so many bytes, without the room for them."""
    path = data / "quality" / f"date={day}" / "day-shard-0.parquet"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(size)


def settings(data: Path, **retention: Any) -> CollectorSettings:
    return CollectorSettings(data / "devices.csv", data, retention=RetentionSettings(**retention))


def days(data: Path) -> list[date]:
    return [day for day, _ in usage.days_of(data)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A hundred days of 1 MB each, and 10 MB of something else."""
    for number in range(100):
        add_day(tmp_path / "data", TODAY - timedelta(days=number), 1_000_000)
    (tmp_path / "data" / "records").mkdir()
    with (tmp_path / "data" / "records" / "file").open("wb") as file:
        file.truncate(10_000_000)
    return tmp_path / "data"


@pytest.mark.parametrize(("retention", "left", "warned"), [
    ({}, 100, ""),
    ({"hours_days": 1000}, 100, ""),
    ({"hours_days": 30}, 31, ""),
    ({"budget_gigabytes": 1.0}, 100, ""),
    ({"budget_gigabytes": 0.13}, 100, "0.11 of 0.13 GB are in use: when it is full the oldest days"),
    ({"budget_gigabytes": 0.06}, 50, "0.11 of 0.06 GB are in use"),
    ({"budget_gigabytes": 0.06, "hours_days": 20}, 21, "0.11 of 0.06 GB are in use"),
    ({"budget_gigabytes": 0.005}, 8, "0.018 GB are in use without any day that may go, and the budget is 0.005 GB"),
])  # fmt: skip
def test_the_oldest_days_go_and_only_what_was_set(data, retention, left, warned):
    before = days(data)
    removed = removal.remove(settings(data, **retention), AT.timestamp())
    assert days(data) == before[100 - left :]
    assert removed.days == tuple(before[: 100 - left])
    assert removed.bytes == (100 - left) * 1_000_000
    assert any(warned in warning for warning in removed.warnings) == bool(warned)
    assert bool(removed.warnings) == bool(warned)
    again = removal.remove(settings(data, **retention), AT.timestamp())
    assert again.days == ()


def test_a_year_of_twenty_thousand_devices_stays_within_the_budget(tmp_path):
    data, budget = tmp_path / "data", 1.5
    wanted = settings(data, budget_gigabytes=budget)
    for week in range(53):
        for number in range(7):
            add_day(data, TODAY + timedelta(days=7 * week + number), DEVICES * 24 * ROW_BYTES)
        removal.remove(wanted, (AT + timedelta(days=7 * week + 6)).timestamp())
        assert usage.measure(data).total <= budget * 1e9
    assert len(days(data)) == int(budget * 1e9 / (DEVICES * 24 * ROW_BYTES))


def test_what_a_removal_that_was_killed_left_is_taken_away_by_the_next(data):
    half = data / "quality" / ".date=2020-01-01.removed"
    half.mkdir()
    (half / "file").write_bytes(b"x")
    removal.remove(settings(data, hours_days=30), AT.timestamp())
    assert not half.exists()


def test_folders_that_are_no_days_stay(data):
    odd = data / "quality" / "date=2020-13-01"
    odd.mkdir()
    removal.remove(settings(data, hours_days=30), AT.timestamp())
    assert odd.exists()


def database(url: str) -> None:
    """Three incidents: long over, just over, and open since long ago, each with a device and a note; two entries."""
    migrate(url)
    engine = connect(url)
    spans = {"old": (400, 399), "new": (10, 9), "open": (500, None)}
    with engine.begin() as connection:
        for name, (began, ended) in spans.items():
            at = {
                "started_at": AT - timedelta(days=began),
                "ended_at": None if ended is None else AT - timedelta(days=ended),
            }
            what = {"incident_id": name, "scope": "device", "kind": "outage", "detected_by": "0"}
            counts = {"devices_affected": 1, "subscribers_affected": 1, "customer_minutes_lost": 1.0}
            connection.execute(sa.insert(INCIDENTS).values(**what, **counts, **at))
            connection.execute(
                sa.insert(INCIDENT_DEVICES).values(incident_id=name, device_id="d", area="a", subscribers=1, **at)
            )
            note = {
                "acknowledgement_id": name,
                "acknowledged_by": "anna",
                "acknowledged_at": at["started_at"],
                "note": "",
            }
            connection.execute(sa.insert(ACKNOWLEDGEMENTS).values(incident_id=name, **note))
            connection.execute(sa.insert(AUDIT).values(at=at["started_at"], actor="anna", action="x", subject=name))
    engine.dispose()


def kept(url: str) -> dict[str, list[str]]:
    engine = connect(url)
    with engine.connect() as connection:
        columns = (
            INCIDENTS.c.incident_id, INCIDENT_DEVICES.c.incident_id, ACKNOWLEDGEMENTS.c.incident_id, AUDIT.c.subject
        )  # fmt: skip
        found = {column.table.name: sorted(connection.scalars(sa.select(column))) for column in columns}
    engine.dispose()
    return found


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_incidents_go_with_all_that_belongs_to_them_and_open_ones_stay(kind, tmp_path, request):
    (tmp_path / "data").mkdir()
    url = f"sqlite:///{tmp_path / 'data' / 'operations.sqlite'}"
    url = request.getfixturevalue("postgresql") if kind == "postgresql" else url
    database(url)
    wanted = dataclasses.replace(settings(tmp_path / "data", incidents_days=365), database=url)
    removed = removal.remove(wanted, AT.timestamp())
    assert str(removed) == "removed 1 closed incident"
    assert kept(url) == {
        **{name: ["new", "open"] for name in ("incidents", "incident_devices", "acknowledgements")},
        "audit": ["new", "old", "open"],
    }
    wanted = dataclasses.replace(wanted, retention=RetentionSettings(audit_days=100))
    assert str(removal.remove(wanted, AT.timestamp())) == "removed 2 audit entries"
    assert kept(url)["audit"] == ["new"]
    assert kept(url)["incidents"] == ["new", "open"]


def test_the_command_says_what_is_kept_and_for_how_long(tmp_path, capsys):
    folder = Path(shutil.copytree(KEPT, tmp_path / "kept"))
    command = ["disk", "--config", str(folder / "collector.toml")]
    assert bairro.main(command) == 0
    said = capsys.readouterr().out
    for words in ("quality (2 days, 2026-11-21 to 2026-11-22)", "records", f"in all, in {folder / 'data'}"):
        assert words in said
    assert "Kept: hours for good, incidents for good, audit for good, budget none" in said
    with (folder / "collector.toml").open("a") as file:
        file.write("[retention]\nbudget_gigabytes = 0.001\n")
    total = usage.measure(load(folder / "collector.toml").data).total
    assert bairro.main([*command, "--remove"]) == (1 if total > 800_000 else 0)
    assert bairro.main(["disk", "--config", str(tmp_path / "collector.toml")]) == 2


def test_what_a_day_adds_leaves_out_today_and_what_is_long_past(data):
    add_day(data, date(2020, 1, 1), 99_000_000)
    shutil.rmtree(data / "quality" / f"date={TODAY}")
    add_day(data, TODAY, 5)
    found = usage.measure(data)
    assert found.bytes_a_day(TODAY) == 1_000_000
    assert found.days_left(TODAY, found.total + 5_000_000) == pytest.approx(5)
    assert found.days_left(TODAY, found.total - 5) == 0
    shutil.rmtree(data / "quality")
    assert usage.measure(data).days_left(TODAY, None) is None


def test_a_database_that_is_away_is_told_and_costs_nothing_else(data, caplog):
    away = dataclasses.replace(
        settings(data, hours_days=30, audit_days=30), database="postgresql+psycopg://u@127.0.0.1:1/x?connect_timeout=1"
    )
    removal.keep_to(away, AT.timestamp())
    assert "what [retention] says could not be removed" in caplog.text
    assert len(days(data)) == 31
