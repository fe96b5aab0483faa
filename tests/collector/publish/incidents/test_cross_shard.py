"""Two shards' writers on one database: one row for one outage, made by the root's owner, added up over both."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from collector.config import Shard
from collector.publish.incidents import incident_rows
from collector.publish.incidents.cross_shard import Neighbours
from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.incidents.migrate import migrate
from collector.published import INCIDENT_DEVICES, INCIDENTS, connect
from collector.reading import Device, IncidentChange

T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()
DEVICES = {
    "core": Device("core", "192.0.2.1", "router", "Harbour"),
    "a": Device("a", "192.0.2.2", "ap", "Harbour", parent="core", subscribers=10),
    "b": Device("b", "192.0.2.3", "ap", "Hill", parent="core", subscribers=4),
}
SHADOWS = {"0": {"b"}, "1": {"a", "core"}}
NEAR, WAIT = 90.0, 0.5


def change(name, *, ended=None, joined=(), left=(), started=T0, root="core", kind="outage", scope="subtree"):
    return IncidentChange(name, kind, scope, root, started, ended, tuple(joined), tuple(left))


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/operations.sqlite"
    migrate(url)
    return url


@pytest.fixture
def shard(url, tmp_path):
    opened = []

    def open_log(index, wait=WAIT, count=2):
        neighbours = Neighbours(Shard(index, count), near_seconds=NEAR, wait_seconds=wait, settle_seconds=0.2)
        opened.append(IncidentLog(url, tmp_path / "journal", neighbours))
        return opened[-1]

    yield open_log
    for log in opened:
        log.close(1)


def tell(log, *changes):
    """As the pipeline of the shard hands them in."""
    log.apply(changes, DEVICES, shadows=SHADOWS[log._detected_by])


def rows(url, table):
    engine = connect(url)
    with engine.connect() as connection:
        found = connection.execute(sa.select(table).order_by(*table.primary_key)).all()
    engine.dispose()
    return found


def moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


BOTH = [("core", T0), ("a", T0), ("b", T0 + 20)]


def test_the_one_that_does_not_own_the_root_waits_and_adds_its_devices(shard, url, eventually):
    owner, other = shard(0), shard(1, wait=60)
    tell(other, change("theirs", joined=BOTH, started=T0 + 5))
    assert not other.flush(1.5)
    assert rows(url, INCIDENTS) == []
    tell(owner, change("ours", joined=BOTH))
    assert owner.flush(10)
    assert other.flush(10)
    assert other.row_of("theirs") == "ours"
    (row,) = rows(url, INCIDENTS)
    assert (row.incident_id, row.detected_by, row.started_at) == ("ours", "0", moment(T0))
    assert [m.device_id for m in rows(url, INCIDENT_DEVICES)] == ["a", "b", "core"]
    eventually(lambda: rows(url, INCIDENTS)[0].devices_affected == 3, 10)
    # The owner's part is over first: the incident is not, until the other's is.
    tell(owner, change("ours", ended=T0 + 600, left=[(name, T0 + 600) for name in ("core", "a", "b")]))
    assert owner.flush(10)
    assert rows(url, INCIDENTS)[0].ended_at is None
    tell(other, change("theirs", ended=T0 + 680, left=[("b", T0 + 680)]))
    assert other.flush(10)
    row = eventually(lambda: next((r for r in rows(url, INCIDENTS) if r.ended_at is not None), None), 10)
    assert row.ended_at == moment(T0 + 680)
    assert (row.subscribers_affected, row.customer_minutes_lost) == (14, 10 * 10 + 4 * 11)


def test_without_an_owner_it_makes_the_row_and_the_owner_finds_it(shard, url):
    other = shard(1)
    tell(other, change("theirs", joined=BOTH))
    assert other.flush(10)
    assert [(r.incident_id, r.detected_by) for r in rows(url, INCIDENTS)] == [("theirs", "1")]
    owner = shard(0)
    tell(owner, change("ours", joined=BOTH, started=T0 - 30))
    assert owner.flush(10)
    assert [r.incident_id for r in rows(url, INCIDENTS)] == ["theirs"]
    assert [m.device_id for m in rows(url, INCIDENT_DEVICES)] == ["a", "b", "core"]


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ({"started": T0 + NEAR - 1}, True),
        ({"started": T0 - NEAR + 1}, True),
        ({"started": T0 - NEAR - 1}, False),
        ({"started": T0 + 5000}, True),  # the row is still open
        ({"kind": "planned"}, True),
        ({"kind": "degradation"}, False),
        ({"scope": "group"}, False),
        ({"root": "a"}, False),
    ],
)
def test_what_counts_as_the_same_outage(shard, url, other, is_same):
    tell(owner := shard(0), change("ours", joined=BOTH))
    assert owner.flush(10)
    tell(log := shard(1), change("theirs", joined=BOTH, **other))
    assert log.flush(10)
    assert len(rows(url, INCIDENTS)) == (1 if is_same else 2)


def test_an_outage_that_is_over_takes_in_no_later_one(shard, url):
    tell(owner := shard(0), change("ours", joined=BOTH, ended=T0 + 60, left=[("core", T0 + 60), ("a", T0 + 60)]))
    assert owner.flush(10)
    tell(log := shard(1), change("theirs", joined=[("b", T0 + 300)], started=T0 + 300))
    assert log.flush(10)
    assert len(rows(url, INCIDENTS)) == 2


def test_of_a_shadow_alone_nothing_is_told(shard, url):
    log = shard(1)
    tell(log, change("theirs", joined=[("core", T0)]), change("theirs", ended=T0 + 60, left=[("core", T0 + 60)]))
    assert log.flush(10)
    assert rows(url, INCIDENTS) == []


def test_after_a_restart_it_goes_on_with_the_row_of_the_other(shard, url):
    owner, other = shard(0), shard(1, wait=60)
    tell(owner, change("ours", joined=BOTH))
    assert owner.flush(10)
    tell(other, change("theirs", joined=BOTH))
    assert other.flush(10)
    other.close()
    again = shard(1)
    (found,) = again.open_incidents(lambda name: name in ("b", "core"))
    assert (found.incident_id, [name for name, _ in found.members]) == ("ours", ["b", "core"])
    tell(again, change("ours", left=[("core", T0 + 60), ("b", T0 + 60)], ended=T0 + 60))
    assert again.flush(10)
    assert rows(url, INCIDENTS)[0].ended_at is None
    assert {m.device_id: m.ended_at for m in rows(url, INCIDENT_DEVICES)} == {
        "a": None,
        "b": moment(T0 + 60),
        "core": None,
    }


def test_what_waited_when_it_ended_is_written_at_the_next_start(shard, url):
    first = shard(1, wait=600)
    tell(first, change("theirs", joined=BOTH))
    first.close(0.5)
    (found,) = shard(1, wait=600).open_incidents(lambda name: name == "b")
    assert found.incident_id == "theirs"


def test_with_fewer_shards_the_roots_present_owner_takes_over(shard, url):
    tell(gone := shard(1), change("theirs", joined=BOTH, root="b"))
    assert gone.flush(10)
    gone.close()
    alone = shard(0, count=1)
    (found,) = alone.open_incidents()
    assert found.incident_id == "theirs"
    assert [r.detected_by for r in rows(url, INCIDENTS)] == ["0"]


def test_rows_of_others_are_not_settled_by_this_one(shard, url):
    tell(owner := shard(0), change("ours", joined=BOTH))
    assert owner.flush(10)
    owner.close()
    engine = connect(url)
    with engine.begin() as connection:
        assert incident_rows.settle(connection, "1", open_here=(), at=T0 + 600, since=T0) == 0
        assert incident_rows.settle(connection, "0", open_here={"ours"}, at=T0 + 600, since=T0) == 1
        assert incident_rows.settle(connection, "0", open_here={"ours"}, at=T0 + 600, since=T0) == 0
    engine.dispose()
    assert rows(url, INCIDENTS)[0].customer_minutes_lost == 100
