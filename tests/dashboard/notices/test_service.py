"""From an incident in the database to a message at a receiver: what is told, what is not, and what a death leaves behind."""

from __future__ import annotations

import json
import multiprocessing
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from collector.published import DEVICES, INCIDENT_DEVICES, INCIDENTS, connect
from dashboard.notices import outbox
from dashboard.notices.outbox import LEASE
from dashboard.notices.service import Lookout, Sender, beside
from dashboard.operations import acknowledgements, incident_work, silences
from dashboard.pages.source import Source
from dashboard.serving import standing

from .conftest import NOW, PUBLIC, receiver_of


@pytest.fixture
def told(night):
    """Look once, and return each new message as (incident, event, text)."""

    def look(at=NOW, **fields):
        fields = {"url": "http://127.0.0.1:1"} | fields
        Lookout(night.settings(receiver_of(**fields)), night.engine).look(at)
        rows = [row for row in outbox.listed(night.engine) if row["queued_at"] == at]
        return [(row["incident_id"], row["event"], json.loads(row["content"])["text"]) for row in rows]

    return look


def events(messages) -> set[tuple[str, str]]:
    return {(incident, event) for incident, event, _ in messages}


def change(night, incident: str, **values) -> None:
    with night.engine.begin() as connection:
        connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.incident_id == incident).values(**values))


def end(night, incident: str, at: datetime) -> None:
    change(night, incident, ended_at=at)
    with night.engine.begin() as connection:
        ended = sa.update(INCIDENT_DEVICES).where(INCIDENT_DEVICES.c.incident_id == incident)
        connection.execute(ended.values(ended_at=at))


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def test_one_message_for_each_incident_that_has_lasted_in_the_words_of_its_card(told):
    found = told()
    assert events(found) == {("i-agg", "opened"), ("i-olt", "opened")}
    since = NOW - timedelta(minutes=9)
    assert {key: text for key, _, text in found}["i-olt"].splitlines() == [
        "n11-olt2 is down, and 4 devices behind it.",
        "Where: n11",
        "Customers: 105",
        f"Since: {since.day} {since:%b %Y %H:%M} (UTC)",
        "Check first: power of n11-olt2, then its uplink",
        "Taken on by: nobody yet",
        f"Incident: {PUBLIC}/incident/i-olt",
    ]
    assert told(minutes(1)) == [], "and none again"
    assert events(told(minutes(2))) == {("i-group", "opened")}, "five minutes have passed for it too"


def test_taking_on_and_ending_are_told_without_what_people_write(told, night):
    told()
    acknowledgements.acknowledge(night.engine, "i-olt", "Mr Silva's fence", by="ana", at=NOW)
    incident_work.note(night.engine, "i-olt", "call +55 11 5555", by="ana", at=NOW)
    found = told(minutes(1))
    assert events(found) == {("i-olt", "taken_up")}
    assert found[0][2].startswith("Taken on by ana: n11-olt2 is down, and 4 devices behind it.")
    end(night, "i-olt", minutes(1))
    after = told(minutes(1.5))
    assert events(after) == {("i-olt", "ended")}
    assert after[0][2].startswith("Over: n11-olt2 and 4 devices behind it.")
    assert "Lasted: 10 min" in after[0][2]
    assert not any("Silva" in text or "5555" in text for _, _, text in found + after)


def test_what_ended_before_it_was_told_is_never_told(told, night):
    end(night, "i-group", minutes(1))
    assert "i-group" not in {key for key, _, _ in told(minutes(5))}
    end(night, "i-agg", minutes(6))
    assert events(told(minutes(7))) == {("i-agg", "ended")}


def test_an_incident_that_goes_into_another_says_so_and_one_that_opens_again_too(told, night):
    told(areas=("n11",))
    end(night, "i-olt", minutes(1))
    with night.engine.begin() as connection:
        row = {"incident_id": "i-agg", "device_id": "n11-olt2", "started_at": minutes(1), "area": "n11"}
        connection.execute(sa.insert(INCIDENT_DEVICES).values(**row, subscribers=0))
    (text,) = (text for key, _, text in told(minutes(2), areas=("n11",)) if key == "i-olt")
    assert text.startswith("Not an incident of its own any more: it is part of incident i-agg now (n11-olt2")
    assert "Ended" not in text
    change(night, "i-olt", ended_at=None)
    ((_, event, text),) = told(minutes(3), areas=("n11",))
    assert (event, text.split(":")[0]) == ("reopened", "Again")


@pytest.mark.parametrize(("kind", "target"), [("device", "n11-olt2"), ("area", "n11")])
def test_a_silence_keeps_messages_back_until_it_ends(told, night, kind, target):
    key = silences.add(night.engine, kind, target, hours=2, reason="known fault", by="ana", at=NOW)
    silences.add(night.engine, "area", "elsewhere", hours=2, reason="another", by="ana", at=NOW)
    assert events(told()) == {("i-agg", "opened")}
    silences.end(night.engine, key, by="rui", at=minutes(1))
    assert events(told(minutes(1))) == {("i-olt", "opened")}


def test_an_outage_beyond_the_silenced_area_and_planned_work(told, night):
    change(night, "i-agg", kind="planned")
    silences.add(night.engine, "area", "n11", hours=2, reason="known fault", by="ana", at=NOW)
    with night.engine.begin() as connection:
        row = {"incident_id": "i-olt", "device_id": "n12-cpe", "started_at": NOW, "area": "n12", "subscribers": 1}
        connection.execute(sa.insert(INCIDENT_DEVICES).values(row))
    assert events(told()) == {("i-olt", "opened")}


def test_a_blind_collector_is_told_in_words_of_its_own(told, night, sample):
    sample.write_incidents(night.settings().database_url, NOW, is_blind=True)
    texts = {key: text for key, _, text in told(delay_minutes=0)}
    doubts = "collector shard 0 doubts its own connection: what happens in the network is not known."
    assert texts["i-blind"].startswith(doubts)


def test_a_device_at_a_customer_is_not_named(told, night):
    change(night, "i-olt", root_device_id="silva-house")
    folder = night.settings().data
    row = dict.fromkeys(DEVICES.column_names) | {"device_id": "silva-house", "role": "cpe", "area": "n11"}
    row |= {"subscribers": 1, "valid_from": NOW}
    pq.write_table(pa.Table.from_pylist([row], DEVICES.arrow_schema()), folder / "devices.parquet")
    assert "silva" not in "".join(text for _, _, text in told())


def test_two_dashboards_queue_and_send_each_message_once(night, http_receiver):
    settings = night.settings(receiver_of(url=http_receiver.url))
    for _ in range(2):
        Lookout(settings, night.engine).look(NOW)
    senders = [Sender(settings.notices[0], night.engine, by) for by in ("one", "two")]

    def send(sender: Sender) -> None:
        while sender.step(datetime.now(UTC)):
            pass

    threads = [threading.Thread(target=send, args=(one,)) for one in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.body["id"] for one in http_receiver.got) == ["i-agg-0", "i-olt-0"]


def test_a_receiver_that_is_away_is_left_alone_for_a_while(night, http_receiver):
    http_receiver.answer = lambda _: (503, {}, b"")
    settings = night.settings(receiver_of(url=http_receiver.url))
    Lookout(settings, night.engine).look(NOW)
    sender = Sender(settings.notices[0], night.engine, "one")
    assert [sender.step(NOW), sender.step(NOW), sender.step(minutes(0.05))] == [False, False, False]
    assert len(http_receiver.got) == 1, "though two messages wait"
    assert standing.state(Source(settings)).notices == (("webhook", 2, 0),)
    http_receiver.answer = lambda _: (200, {}, b"")
    assert [sender.step(minutes(1)), sender.step(minutes(1)), sender.step(minutes(1))] == [True, True, False]


def test_what_was_sent_while_the_database_was_away_is_marked_and_not_sent_again(night, http_receiver):
    settings = night.settings(receiver_of(url=http_receiver.url))
    end(night, "i-agg", NOW)
    Lookout(settings, night.engine).look(NOW)
    file = Path(str(night.engine.url.database))
    away = file.with_name("away")

    def take_away(_: int):
        file.rename(away)
        return 200, {}, b""

    http_receiver.answer = take_away
    sender = Sender(settings.notices[0], night.engine, "one")
    with pytest.raises(sa.exc.SQLAlchemyError):
        sender.step(NOW)
    away.rename(file)
    assert sender.step(NOW + 2 * LEASE) is False
    assert len(http_receiver.got) == 1
    assert outbox.listed(night.engine) == []


def step_alone(settings) -> None:
    Sender(settings.notices[0], connect(settings.database_url), "dies").step(datetime.now(UTC))


def test_a_message_under_way_when_the_process_is_killed_comes_again_under_the_same_id(night, http_receiver, eventually):
    settings = night.settings(receiver_of(url=http_receiver.url, areas=("n11",)))
    Lookout(settings, night.engine).look(NOW)
    killed = threading.Event()

    def answer(count: int):
        if count == 1:
            killed.wait(30)
        return 200, {}, b""

    http_receiver.answer = answer
    process = multiprocessing.get_context("fork").Process(target=step_alone, args=(settings,))
    process.start()
    eventually(lambda: http_receiver.got, pause=0.02)
    process.kill()
    process.join()
    killed.set()
    (row,) = outbox.listed(night.engine)
    assert (row["sent_at"], row["attempts"]) == (None, 1)
    sender = Sender(settings.notices[0], night.engine, "another")
    assert sender.step(datetime.now(UTC)) is False, "it is still held"
    assert sender.step(datetime.now(UTC) + LEASE) is True
    first, again = http_receiver.got
    assert first.body == again.body
    assert first.headers["Idempotency-Key"] == again.headers["Idempotency-Key"] == "i-olt-0"


def test_a_secret_that_is_missing_is_told_at_the_start_by_its_setting(night, caplog):
    settings = night.settings(receiver_of(url="http://127.0.0.1:1", token_env="BAIRRO_TEST_NOBODY", areas=("none",)))
    with beside(settings):
        pass
    assert caplog.messages == [
        "notices[0].token_env: webhook needs the secret in the environment variable BAIRRO_TEST_NOBODY, "
        "which holds none; its messages wait until it is there"
    ]
