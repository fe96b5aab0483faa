"""The incidents of the operations database as outages of neighbourhoods, each worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from collector.publish.incidents.migrate import migrate
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from dashboard.tables import recorded_incidents


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ROWS = (
    # id, kind, device, inventory's area, subscribers, from, to
    ("cut", "outage", "olt", "north", 40, "2025-03-04T10:00", "2025-03-04T12:00"),
    ("cut", "outage", "ap", "north", 9, "2025-03-04T10:00", "2025-03-04T11:00"),
    ("cut", "outage", "ap", "north", 9, "2025-03-04T11:30", "2025-03-04T12:00"),
    ("cut", "outage", "empty", "south", 5, "2025-03-04T10:00", "2025-03-04T10:30"),
    ("night", "outage", "ap", "north", 9, "2025-03-09T22:30", "2025-03-09T23:30"),
    ("work", "planned", "ap", "north", 9, "2025-03-18T02:00", "2025-03-18T02:10"),
    ("slow", "degradation", "ap", "north", 9, "2025-03-19T02:00", "2025-03-19T09:00"),
    ("deaf", "blind", None, None, None, "2025-03-20T02:00", "2025-03-20T03:00"),
    ("core", "outage", "core", "centre", 0, "2025-03-20T02:00", "2025-03-20T03:00"),
    ("old", "outage", "empty", "south", 5, "2024-03-20T02:00", "2024-03-20T03:00"),
    ("open", "outage", "empty", "south", 5, "2025-03-20T02:30", None),
)


def write(url: str) -> None:
    migrate(url)
    engine = connect(url)
    with engine.begin() as connection:
        for name in dict.fromkeys(row[0] for row in ROWS):
            mine = [row for row in ROWS if row[0] == name]
            ends = [row[6] for row in mine if row[6] is not None]
            row = {
                "incident_id": name,
                "kind": mine[0][1],
                "scope": "subtree",
                "started_at": at(mine[0][5]),
                "ended_at": at(max(ends)) if ends else None,
                "detected_by": "0",
                "devices_affected": 1,
                "subscribers_affected": 1,
                "customer_minutes_lost": 0.0,
            }
            connection.execute(sa.insert(INCIDENTS).values(row))
        for name, _, device, area, subscribers, start, end in ROWS:
            if device is not None:
                row = {"incident_id": name, "device_id": device, "area": area, "subscribers": subscribers}
                times = {"started_at": at(start), "ended_at": at(end) if end else None}
                connection.execute(sa.insert(INCIDENT_DEVICES).values(row | times))
    engine.dispose()


@pytest.fixture
def told(tmp_path: Path) -> pa.Table:
    url = f"sqlite:///{tmp_path / 'operations.sqlite'}"
    write(url)
    return recorded_incidents.read(url, at("2026-01-01"))


def lived(world: Any) -> Any:
    """Three customers on the access point, one of whom lives elsewhere, and one on the OLT itself."""
    world.observe("ap", "2025-01-06", "2025-04-07")
    for name, area in (("1", "north"), ("2", "north"), ("3", "south")):
        world.customer(name, area=area, started_on="2024-01-01")
    world.customer("4", device_id="olt", started_on="2024-01-01")
    world.customer("5", started_on="2024-01-01", ended_on="2025-03-01", end_reason="moved")
    return world


def test_customers_count_where_they_live_for_as_long_as_their_device_was_out(
    world: Any, told: Any, row_of: Any
) -> None:
    panel = lived(world).build("Europe/Lisbon", incidents=told)
    cut = row_of(panel.outages, incident_id="cut", area="north")
    # Customers 1 and 2 for 90 minutes in two parts, customer 4 for two hours; 5 had left, and subscribers count nobody.
    assert (cut.customers, cut.customer_minutes) == (3, 2 * 90 + 120)
    assert (cut.started_at, cut.ended_at) == (at("2025-03-04T10:00"), at("2025-03-04T12:00"))
    assert (f"{cut.week:%Y-%m-%d}", f"{cut.last_week:%Y-%m-%d}") == ("2025-03-03", "2025-03-03")
    # Of customer 3 the area differs from the device's; a device that nobody on record ever had counts by the inventory.
    south = row_of(panel.outages, incident_id="cut", area="south")
    assert (south.customers, south.customer_minutes) == (1 + 5, 90 + 5 * 30)
    assert set(panel.outages["kind"]) == {"outage", "planned"}
    assert row_of(panel.outages, incident_id="work", area="north").kind == "planned"
    assert "slow" not in set(panel.outages["incident_id"])
    # An open one lasts until the newest time on record.
    assert row_of(panel.outages, incident_id="open").customer_minutes == 5 * 30


def test_weeks_begin_on_the_wall_of_the_neighbourhood(world: Any, told: Any, row_of: Any) -> None:
    world.rows["areas"] += [{"area": "south", "name": "South", "timezone": "Asia/Tokyo"}]
    panel = lived(world).build("Europe/Lisbon", incidents=told)
    weeks = {area: row_of(panel.outages, incident_id="night", area=area) for area in ("north", "south")}
    assert f"{weeks['north'].week:%Y-%m-%d}" == "2025-03-03"
    assert f"{weeks['south'].week:%Y-%m-%d}" == "2025-03-10"


def test_every_incident_is_counted_once(world: Any, told: Any) -> None:
    counts = lived(world).build(incidents=told).counts
    mine = counts[counts["table"] == "incidents"].set_index("code")["rows"].to_dict()
    assert mine == {
        "used": 3,
        "planned": 1,
        "degradation": 1,
        "blind": 1,
        "struck_nobody": 1,
        "outside_weeks": 1,
    }
    assert sum(mine.values()) == len({row[0] for row in ROWS})


def test_postgresql_tells_the_same(postgresql: str, told: pa.Table) -> None:
    write(postgresql)
    assert recorded_incidents.read(postgresql, at("2026-01-01")).to_pylist() == told.to_pylist()


def test_only_what_began_before_the_newest_day_of_the_history_is_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'operations.sqlite'}"
    write(url)
    days = [tmp_path / f"date={day}" / "shard=0.parquet" for day in ("2025-03-18", "2025-03-19", "not-a-day")]
    until = recorded_incidents.whole_days_until(days)
    assert until == at("2025-03-19T00:00")
    assert set(recorded_incidents.read(url, until).column("incident_id").to_pylist()) == {"cut", "night", "work", "old"}


def test_a_database_that_is_not_there_is_empty_and_one_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert recorded_incidents.read(f"sqlite:///{tmp_path / 'none.sqlite'}", at("2026-01-01")).num_rows == 0
    (tmp_path / "broken.sqlite").write_text("this is no database, and long enough to be taken for one" * 20)
    table = recorded_incidents.read(f"sqlite:///{tmp_path / 'broken.sqlite'}", at("2026-01-01"))
    assert table.num_rows == 0
    assert "could not be read: file is not a database" in str(recorded_incidents.why_unread(table))
