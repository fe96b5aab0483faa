"""The queue: each message once, in order, for one process at a time, and never lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from collector.publish.incidents.migrate import migrate
from collector.published import INCIDENTS, connect
from dashboard.notices import outbox
from dashboard.notices.outbox import Outcome

from .conftest import NOW, a_notice

SENT, LATER, REFUSED = Outcome(True), Outcome(False, said="is away"), Outcome(False, True, "answers 403")
FIRST, SECOND = a_notice(), a_notice(1, "ended")


def opened(url: str) -> sa.Engine:
    """A database with two incidents."""
    migrate(url)
    made = connect(url)
    row = {"kind": "outage", "scope": "device", "started_at": NOW, "detected_by": "shard 0"}
    totals = {"devices_affected": 1, "subscribers_affected": 0, "customer_minutes_lost": 0.0}
    with made.begin() as connection:
        connection.execute(INCIDENTS.insert(), [{"incident_id": key, **row, **totals} for key in ("i-1", "i-2")])
    return made


@pytest.fixture
def engine(tmp_path):
    made = opened(f"sqlite:///{tmp_path}/o.sqlite")
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_engine(request):
    if request.param == "sqlite":
        yield request.getfixturevalue("engine")
        return
    made = opened(request.getfixturevalue("postgresql"))
    yield made
    made.dispose()


def test_a_message_is_queued_once_and_sent_by_one_process_and_in_order(any_engine):
    engine = any_engine
    assert outbox.add(engine, [FIRST, SECOND]) == 2
    assert outbox.add(engine, [replace(FIRST, content={"subject": "another"})]) == 0, (
        "a second dashboard found the same"
    )
    taken = outbox.take(engine, "webhook", by="one", at=NOW)
    assert taken == FIRST
    assert outbox.take(engine, "webhook", by="two", at=NOW) is None, "the second waits for the first"
    assert outbox.settle(engine, taken, SENT, at=NOW) is None
    assert outbox.take(engine, "webhook", by="two", at=NOW).event == "ended"
    assert outbox.take(engine, "another", by="two", at=NOW) is None


def test_what_a_process_held_that_died_is_sent_again_under_the_same_id(engine):
    outbox.add(engine, [FIRST])
    held = outbox.take(engine, "webhook", by="dies", at=NOW)
    assert outbox.take(engine, "webhook", by="two", at=NOW + outbox.LEASE - timedelta(seconds=1)) is None
    again = outbox.take(engine, "webhook", by="two", at=NOW + outbox.LEASE)
    assert (again.notice_id, again.content, again.attempts) == (held.notice_id, held.content, 2)


def test_what_fails_is_tried_ever_later_and_given_up_after_days(engine):
    at, waits = NOW, []
    queued = NOW - outbox.GIVEN_UP_AFTER + timedelta(hours=2)
    outbox.add(engine, [replace(FIRST, queued_at=queued)])
    while (notice := outbox.take(engine, "webhook", by="one", at=at)) is not None:
        due = outbox.settle(engine, notice, LATER, at=at)
        if due is None:
            break
        assert outbox.take(engine, "webhook", by="one", at=due - timedelta(seconds=1)) is None
        waits.append((due - at).total_seconds())
        at = due
    assert waits[:6] == list(outbox.BACKOFF_SECONDS)
    assert set(waits[6:]) == {1800}
    assert timedelta(0) <= at - queued - outbox.GIVEN_UP_AFTER < timedelta(hours=1)
    assert outbox.listed(engine)[0]["said"] == "is away"


def test_a_refusal_is_final_until_somebody_asks_to_try_again(engine):
    other = replace(FIRST, incident_id="i-2")
    outbox.add(engine, [FIRST, SECOND, other])
    assert outbox.settle(engine, outbox.take(engine, "webhook", by="one", at=NOW), REFUSED, at=NOW) is None
    assert outbox.take(engine, "webhook", by="one", at=NOW).incident_id == "i-1", "the rest of its story goes on"
    later = NOW + timedelta(days=1)
    assert outbox.take(engine, "webhook", by="one", at=later).number == 1
    assert outbox.take(engine, "webhook", by="one", at=later).incident_id == "i-2"
    assert outbox.retry(engine, ["another"], at=later) == 0
    assert outbox.retry(engine, None, at=later) == 3
    assert outbox.take(engine, "webhook", by="one", at=later) == replace(FIRST, queued_at=later)


def test_a_receiver_that_asks_to_wait_is_left_alone_for_as_long(engine):
    outbox.add(engine, [FIRST])
    notice = outbox.take(engine, "webhook", by="one", at=NOW)
    due = outbox.settle(engine, notice, Outcome(False, said="answers 429", wait_seconds=34), at=NOW)
    assert due == NOW + timedelta(seconds=34)
