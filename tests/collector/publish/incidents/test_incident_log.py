"""Incidents in the operations database: counted by hand, never blocking, and none lost while it is away."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from collector.config import Shard
from collector.publish.incidents.cross_shard import Neighbours
from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.incidents.incident_rows import entry, write
from collector.publish.incidents.line_journal import LineJournal
from collector.publish.incidents.migrate import migrate
from collector.publish.incidents.open_record import LEAST_LINES, OpenRecord
from collector.publish.quarantine import Aside
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from collector.reading import Device, IncidentChange

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()
DEVICES = {
    "olt": Device("olt", "192.0.2.1", "olt", "Harbour", subscribers=0),
    "ap": Device("ap", "192.0.2.2", "ap", "Harbour", parent="olt", subscribers=40),
    "c1": Device("c1", "192.0.2.3", "cpe", "Hill", parent="olt", subscribers=1),
}


def change(
    *, ended=None, joined=(), left=(), name="i-1", scope="subtree", started=T0, root="olt", kind="outage", measure=None
):
    return IncidentChange(name, kind, scope, root, started, ended, tuple(joined), tuple(left), measure)


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/operations.sqlite"
    migrate(url)
    return url


@pytest.fixture
def log(url, tmp_path):
    log = IncidentLog(url, tmp_path / "journal")
    yield log
    log.close()


def rows(url, table):
    engine = connect(url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(table).order_by(*table.primary_key)).mappings().all()
    engine.dispose()
    return [dict(row) for row in found]


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


OUTAGE = [
    change(scope="device", joined=[("olt", T0)]),
    change(joined=[("ap", T0 + 60), ("c1", T0 + 120)]),
    change(left=[("ap", T0 + 660)]),
    change(joined=[("ap", T0 + 900)]),
    change(ended=T0 + 1260, left=[("olt", T0 + 1200), ("ap", T0 + 1200), ("c1", T0 + 1260)]),
]


def test_an_outage_agrees_with_a_count_by_hand(log, url):
    for step in OUTAGE:
        log.apply([step], DEVICES)
    assert log.flush(10)
    (incident,) = rows(url, INCIDENTS)
    assert incident == {
        "incident_id": "i-1",
        "root_device_id": "olt",
        "scope": "subtree",
        "area": "Harbour",
        "kind": "outage",
        "started_at": moment(T0),
        "ended_at": moment(T0 + 1260),
        "detected_by": "0",
        "devices_affected": 3,
        "subscribers_affected": 41,
        # ap: 40 customers for 10 and for 5 minutes; c1: one customer for 19 minutes; olt: none of its own
        "customer_minutes_lost": 40 * 15 + 19,
        "measure": None,
    }
    members = [
        (r["device_id"], r["area"], r["subscribers"], r["started_at"], r["ended_at"])
        for r in rows(url, INCIDENT_DEVICES)
    ]
    assert members == [
        ("ap", "Harbour", 40, moment(T0 + 60), moment(T0 + 660)),
        ("ap", "Harbour", 40, moment(T0 + 900), moment(T0 + 1200)),
        ("c1", "Hill", 1, moment(T0 + 120), moment(T0 + 1260)),
        ("olt", "Harbour", 0, moment(T0), moment(T0 + 1200)),
    ]


def test_while_it_is_open_minutes_count_up_to_the_given_time(log, url):
    log.apply([change(joined=[("ap", T0)])], DEVICES, at=T0 + 300)
    log.flush(10)
    assert rows(url, INCIDENTS)[0]["customer_minutes_lost"] == 200


def test_an_incident_taken_into_another_leaves_no_minutes(log, url):
    log.apply([change(scope="device", root="ap", name="own", joined=[("ap", T0)])], DEVICES)
    log.apply(
        [
            change(scope="device", root="ap", name="own", ended=T0, left=[("ap", T0)]),
            change(joined=[("olt", T0), ("ap", T0)]),
        ],
        DEVICES,
    )
    log.flush(10)
    own, root = sorted(rows(url, INCIDENTS), key=lambda row: row["incident_id"] != "own")
    assert (own["devices_affected"], own["customer_minutes_lost"], own["ended_at"]) == (0, 0, moment(T0))
    assert root["devices_affected"] == 2


def test_an_earlier_start_and_a_wider_scope_are_taken_over(log, url):
    log.apply([change(scope="device", joined=[("olt", T0)])], DEVICES)
    log.apply([change(started=T0 - 30, joined=[("c1", T0 - 30)])], DEVICES)
    log.flush(10)
    (incident,) = rows(url, INCIDENTS)
    assert (incident["scope"], incident["started_at"]) == ("subtree", moment(T0 - 30))


def test_a_device_that_left_the_inventory_is_still_let_go(log, url):
    log.apply([change(joined=[("olt", T0), ("c1", T0)])], DEVICES)
    log.apply([change(ended=T0 + 60, left=[("olt", T0 + 60), ("c1", T0 + 60)])], {})
    log.flush(10)
    assert rows(url, INCIDENTS)[0]["area"] == "Harbour"
    assert all(row["ended_at"] == moment(T0 + 60) for row in rows(url, INCIDENT_DEVICES))


def test_a_degradation_affects_customers_and_takes_no_minutes_from_them(log, url, tmp_path):
    log.apply([change(kind="degradation", measure="latency", joined=[("ap", T0), ("olt", T0)])], DEVICES, at=T0 + 900)
    log.close()
    again = IncidentLog(url, tmp_path / "journal")
    (found,) = again.open_incidents()
    assert (found.kind, found.measure, found.members) == ("degradation", "latency", (("ap", T0), ("olt", T0)))
    again.close()
    (incident,) = rows(url, INCIDENTS)
    assert (incident["measure"], incident["devices_affected"], incident["subscribers_affected"]) == ("latency", 2, 40)
    assert incident["customer_minutes_lost"] == 0


def test_a_blind_collector_has_no_root(log, url):
    log.apply([change(kind="blind", scope="collector", root=None)], DEVICES)
    log.flush(10)
    (incident,) = rows(url, INCIDENTS)
    assert (incident["root_device_id"], incident["area"], incident["devices_affected"]) == (None, None, 0)


def test_writing_everything_twice_changes_nothing(url):
    engine = connect(url)
    entries = [entry(step, DEVICES) for step in OUTAGE]

    def write_all():
        with engine.begin() as connection:
            for each in entries:
                write(connection, each, "0")
        return rows(url, INCIDENTS), rows(url, INCIDENT_DEVICES)

    assert write_all() == write_all()
    engine.dispose()


def test_the_open_ones_are_found_again_at_the_start(log, url, tmp_path):
    log.apply(OUTAGE[:3], DEVICES)
    log.apply([change(name="i-2", ended=T0 + 60, joined=[("c1", T0)], left=[("c1", T0 + 60)])], DEVICES)
    log.close()
    other = IncidentLog(url, tmp_path / "journal", Neighbours(Shard(1, 2)))
    assert other.open_incidents() == ()
    other.close()
    again = IncidentLog(url, tmp_path / "journal")
    (found,) = again.open_incidents()
    assert (found.incident_id, found.kind, found.scope, found.root) == ("i-1", "outage", "subtree", "olt")
    assert found.started_at == T0
    assert found.members == (("c1", T0 + 120), ("olt", T0))
    again.close()
    other.close()


def lock(url):
    """Take the database away: another writer holds it."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.fixture
def away(tmp_path):
    """A database that is not there until it is brought back."""
    folder = tmp_path / "mounted"
    url = f"sqlite:///{folder}/operations.sqlite"
    return folder, url


def test_while_the_database_is_away_changes_wait_in_the_journal_and_arrive_in_order(away, tmp_path):
    _, url = away
    log = IncidentLog(url, tmp_path / "journal")
    for step in OUTAGE:
        log.apply([step], DEVICES)
    assert not log.flush(0.5)
    assert log.unwritten == len(OUTAGE)
    assert "unable to open database file" in log.failure
    journal = LineJournal(tmp_path / "journal" / "incidents-0.jsonl")
    assert len(journal.read()) == len(OUTAGE)
    migrate(url)
    assert log.flush(30)
    assert rows(url, INCIDENTS)[0]["customer_minutes_lost"] == 40 * 15 + 19
    assert journal.read() == []
    assert log.failure is None
    log.close()


def test_a_database_put_in_the_place_of_another_gets_what_comes_then(log, url, tmp_path, caplog):
    """As where a copy is put back: what would go on into the file that was moved away could be found nowhere."""
    log.apply([change(joined=[("olt", T0)], scope="device")], DEVICES)
    assert log.flush(10)
    ours = tmp_path / "operations.sqlite"
    migrate(f"sqlite:///{tmp_path}/other.sqlite")
    for name in ("operations.sqlite-wal", "operations.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    ours.rename(tmp_path / "moved.sqlite")
    (tmp_path / "other.sqlite").rename(ours)
    log.apply([change(name="i-2", joined=[("ap", T0 + 60)], scope="device", root="ap")], DEVICES)
    assert log.flush(10)
    assert [row["incident_id"] for row in rows(url, INCIDENTS)] == ["i-2"]
    assert "is another file than before" in caplog.text


def test_a_database_that_is_gone_is_not_made_anew(log, url, tmp_path):
    log.apply([change(joined=[("olt", T0)], scope="device")], DEVICES)
    assert log.flush(10)
    ours = tmp_path / "operations.sqlite"
    ours.rename(tmp_path / "moved.sqlite")
    log.apply([change(name="i-2", joined=[("ap", T0 + 60)], scope="device", root="ap")], DEVICES)
    assert not log.flush(2)
    assert not ours.exists()
    assert "is gone" in log.failure
    (tmp_path / "moved.sqlite").rename(ours)
    assert log.flush(10)
    assert {row["incident_id"] for row in rows(url, INCIDENTS)} == {"i-1", "i-2"}


def test_what_the_journal_holds_is_written_by_the_next_process(away, tmp_path):
    _, url = away
    log = IncidentLog(url, tmp_path / "journal")
    log.apply(OUTAGE[:2], DEVICES)
    log.close(timeout_seconds=0.5)
    migrate(url)
    again = IncidentLog(url, tmp_path / "journal")
    assert again.unwritten == 2
    (found,) = again.open_incidents()
    assert len(found.members) == 3
    assert again.unwritten == 0
    again.apply(OUTAGE[2:], DEVICES)
    assert again.flush(10)
    assert rows(url, INCIDENTS)[0]["ended_at"] == moment(T0 + 1260)
    again.close()


def test_without_the_database_a_start_knows_what_was_open(away, tmp_path):
    _, url = away
    steps = [
        *OUTAGE[:4],
        change(name="i-2", root="c1", scope="device", joined=[("c1", T0)], kind="degradation", measure="loss"),
        change(name="i-3", joined=[("ap", T0)]),
        change(name="i-3", ended=T0 + 60, left=[("ap", T0 + 60)]),
        change(name="i-4", joined=[("ap", T0)]),
        change(name="i-4", left=[("ap", T0 + 60)]),
    ]
    log = IncidentLog(url, tmp_path / "journal")
    for step in steps:
        log.apply([step], DEVICES)
    log.close(timeout_seconds=0.5)
    offline = IncidentLog(url, tmp_path / "journal")
    found = sorted(offline.open_incidents(), key=lambda i: i.incident_id)
    migrate(url)
    online = IncidentLog(url, tmp_path / "journal")
    assert found == sorted(online.open_incidents(), key=lambda i: i.incident_id), "as the database tells it"
    assert [(i.incident_id, len(i.members), i.measure, i.last_left_at) for i in found] == [
        ("i-1", 3, None, T0 + 660),
        ("i-2", 1, "loss", None),
        ("i-4", 0, None, T0 + 60),
    ]
    for each in (offline, online):
        each.close(0.5)


def test_what_a_start_without_the_database_goes_on_with_is_reconciled(away, tmp_path):
    _, url = away
    log = IncidentLog(url, tmp_path / "journal")
    log.apply(OUTAGE[:2], DEVICES)
    log.close(timeout_seconds=0.5)
    again = IncidentLog(url, tmp_path / "journal")
    assert len(again.open_incidents()) == 1
    again.apply(OUTAGE[2:], DEVICES)
    migrate(url)
    assert again.flush(30)
    assert rows(url, INCIDENTS)[0]["customer_minutes_lost"] == 40 * 15 + 19
    again.close()
    assert IncidentLog(url, tmp_path / "journal").open_incidents() == ()


def test_the_record_of_what_is_open_stays_short(tmp_path):
    record = OpenRecord(tmp_path / "open.jsonl")
    flapping = [change(joined=[("ap", T0 + n)]) if n % 2 == 0 else change(left=[("ap", T0 + n)]) for n in range(5001)]
    for step in flapping:
        record.add([entry(step, DEVICES)])
    assert len(LineJournal(record.path).read()) <= LEAST_LINES + 2
    (found,) = OpenRecord(record.path).read()
    assert (found.members, found.last_left_at) == ((("ap", T0 + 5000),), T0 + 4999)
    record.add([entry(change(ended=T0 + 5001, left=[("ap", T0 + 5001)]), DEVICES)])
    assert LineJournal(record.path).read() == []


def test_minutes_of_an_open_incident_move_with_time(url, tmp_path):
    log = IncidentLog(url, tmp_path / "journal", Neighbours(settle_seconds=0.05))
    began = time.time() - 600
    log.apply([change(started=began, joined=[("ap", began)])], DEVICES, at=began)
    log.flush(10)
    deadline = time.monotonic() + 20
    while not (minutes := rows(url, INCIDENTS)[0]["customer_minutes_lost"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert minutes >= 40 * 10
    log.apply([change(started=began, ended=began + 660, left=[("ap", began + 660)])], DEVICES)
    log.flush(10)
    time.sleep(0.2)
    assert rows(url, INCIDENTS)[0]["customer_minutes_lost"] == pytest.approx(40 * 11)
    log.close()


DIE = """
import os, sys, time
from pathlib import Path
from collector.publish.incidents.incident_log import IncidentLog
from collector.reading import IncidentChange
log = IncidentLog(sys.argv[1], Path(sys.argv[2]))
log.apply([IncidentChange("i-1", "outage", "device", "olt", 1000.0, None, (("olt", 1000.0),))], {})
while log.failure is None:
    time.sleep(0.01)
os.kill(os.getpid(), 9)
"""


def test_a_process_that_is_killed_loses_nothing(away, tmp_path):
    _, url = away
    ended = subprocess.run([sys.executable, "-c", DIE, url, str(tmp_path / "journal")], check=False, timeout=60)
    assert ended.returncode == -9
    migrate(url)
    again = IncidentLog(url, tmp_path / "journal")
    assert [i.incident_id for i in again.open_incidents()] == ["i-1"]
    again.close()


def test_handing_in_returns_while_the_database_is_locked(log, url):
    holder = lock(url)
    try:
        done = threading.Event()

        def hand_in():
            for step in OUTAGE:
                log.apply([step], DEVICES)
            done.set()

        threading.Thread(target=hand_in).start()
        assert done.wait(5), "handing in must not wait for the database"
        assert log.unwritten == len(OUTAGE)
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert log.flush(30)


def test_a_line_cut_short_by_a_crash_spoils_only_itself(tmp_path):
    journal = LineJournal(tmp_path / "j.jsonl")
    journal.append([{"n": 1}])
    with journal.path.open("ab") as file:
        file.write(b'{"n": 2, "cut')
    assert journal.read() == [{"n": 1}]
    journal.append([{"n": 3}])
    assert journal.read() == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("{}", "lacks id, kind"),
        ("[1]", "is no JSON object"),
        ("nonsense", "is no JSON"),
        (json.dumps({**entry(OUTAGE[0], DEVICES), "version": 2}), "is of version 2; this program knows up to 1"),
        (json.dumps({**entry(OUTAGE[0], DEVICES), "joined": [["c1"]]}), "joined: must be a list of devices and times"),
        (json.dumps({**entry(OUTAGE[0], DEVICES), "started": "today"}), "started: must be Unix seconds"),
        (json.dumps({**entry(OUTAGE[0], DEVICES), "id": None}), "id: must be text"),
    ],
)
@pytest.mark.parametrize("name", ["incidents-0.jsonl", "incidents-0-open.jsonl"])
def test_a_line_that_cannot_be_read_is_kept_aside_and_the_rest_goes_on(away, tmp_path, caplog, name, line, word):
    _, url = away
    log = IncidentLog(url, tmp_path / "journal")
    log.apply(OUTAGE[:2], DEVICES)
    log.close(timeout_seconds=0.5)
    path, aside = tmp_path / "journal" / name, Aside()
    first, rest = path.read_text().split("\n", 1)
    path.write_text(f"{first}\n{line}\n{rest}")
    again = IncidentLog(url, tmp_path / "journal", aside=aside)
    (found,) = again.open_incidents()
    again.close(timeout_seconds=0.5)
    assert len(found.members) == 3
    assert f"{name}: row 2 is left out: {word}" in caplog.text
    assert (aside.files["incidents"], aside.rows["incidents"]) == (1, 1)
    assert line in path.with_name(f"{name}.damaged").read_text()
    assert line not in path.read_text()


def test_lines_of_the_first_version_are_read(away, tmp_path):
    """They stated no version, no measure and not whose the root was."""
    _, url = away
    left_out = ("version", "measure", "has_own_root")
    lines = [{k: v for k, v in entry(step, DEVICES).items() if k not in left_out} for step in OUTAGE]
    LineJournal(tmp_path / "journal" / "incidents-0.jsonl").append(lines)
    migrate(url)
    log = IncidentLog(url, tmp_path / "journal", Neighbours(Shard(0, 2)))
    assert log.open_incidents() == ()
    log.close()
    assert rows(url, INCIDENTS)[0]["customer_minutes_lost"] == 40 * 15 + 19


def test_a_change_that_no_database_can_hold_is_kept_aside_and_the_rest_goes_on(log, url, tmp_path, caplog):
    broken = change(name="i-0", kind=None, joined=[("c1", T0)])
    log.apply([broken, *OUTAGE], DEVICES)
    assert log.flush(10)
    assert [row["incident_id"] for row in rows(url, INCIDENTS)] == ["i-1"]
    kept = LineJournal(tmp_path / "journal" / "incidents-0-rejected.jsonl").read()
    assert [each["id"] for each in kept] == ["i-0"]
    assert "cannot be stored" in caplog.text


def test_a_journal_that_cannot_be_written_costs_nothing_but_its_safety(url, tmp_path):
    (tmp_path / "file").write_text("")
    log = IncidentLog(url, tmp_path / "file" / "journal")
    log.apply(OUTAGE, DEVICES)
    assert log.flush(10)
    assert len(rows(url, INCIDENTS)) == 1
    log.close()


def test_nothing_to_write_starts_no_thread(log):
    log.apply([], DEVICES)
    assert log.flush(0)
    assert "incident-log" not in {thread.name for thread in threading.enumerate()}
