"""The journal through upgrades and damage: what an earlier version wrote is read, what cannot be read is kept and told."""

from __future__ import annotations

import marshal
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.publish.hours.facts import AMOUNTS, BlindFact, Fact, PollFact, RecallFact, StateFact
from collector.publish.hours.journal import Journal
from collector.publish.hours.journal_facts import RECORDS, SHAPES
from collector.publish.quarantine import Aside

SEGMENT = "2023-11-14T23"
NO_AMOUNTS = (None,) * 6
# As journals held polls in version 1, and as they are read today.
FIRST_POLL = (
    "poll",
    "a",
    60.0,
    0.0,
    True,
    3,
    0,
    (0.01, 0.02),
    60.0,
    True,
    (1, 2, 0, 0, None, None),
    0.5,
    False,
    None,
    30.0,
)
POLL = (*FIRST_POLL, None)
FIRST_SHAPES = {
    "poll": (
        "device_id", "at", "since", "is_reachable", "pings_sent", "pings_lost", "rtt_seconds", "seconds", "has_rate",
        "amounts", "utilization_ratio", "has_restarted", "signal_dbm", "signal_noise_db",
    ),
    "state": ("device_id", "since", "state", "root"),
    "blind": ("started_at", "ended_at"),
    "amounts": (
        "receive_bytes", "transmit_bytes", "error_packets", "discard_packets", "codewords_total",
        "codewords_uncorrectable",
    ),
}  # fmt: skip
TODAYS_SHAPES = {**FIRST_SHAPES, "poll": (*FIRST_SHAPES["poll"], "health")}
PLAIN = {str, int, float, bool, tuple, type(None)}
POLL_FACT = PollFact(
    kind="poll",
    device_id="a",
    at=60.0,
    since=0.0,
    is_reachable=True,
    pings_sent=3,
    pings_lost=0,
    rtt_seconds=(0.01, 0.02),
    seconds=60.0,
    has_rate=True,
    amounts=(1, 2, 0, 0, None, None),
    utilization_ratio=0.5,
    has_restarted=False,
    signal_dbm=None,
    signal_noise_db=30.0,
)


def batch(facts: Any) -> bytes:
    body = marshal.dumps(facts, 4)
    return struct.pack("<II", len(body), zlib.crc32(body)) + body


def first_version(*batches: list[Any]) -> bytes:
    return b"bairro journal 1\n" + b"".join(map(batch, batches))


def second_version(shapes: Any, *batches: list[Any]) -> bytes:
    return b"bairro journal 2\n" + batch(shapes) + b"".join(map(batch, batches))


def batches(content: bytes) -> Iterator[Any]:
    """What the batches hold, by a reader of this test's own."""
    while content:
        (size,) = struct.unpack_from("<I", content)
        yield marshal.loads(content[8 : 8 + size])
        content = content[8 + size :]


def read(folder: Path, content: bytes | None = None) -> tuple[list[Any], Aside, Journal]:
    if content is not None:
        (folder / f"{SEGMENT}.journal").write_bytes(content)
    aside = Aside()
    journal = Journal(folder, aside)
    return list(journal.replay()), aside, journal


def test_what_was_written_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    facts: list[Fact] = [
        POLL_FACT,
        StateFact("state", "a", 1.0, "down", "b"),
        BlindFact("blind", 5.0, None),
        RecallFact("recall", "a", 2.0, 9.0),
    ]
    journal.append(SEGMENT, facts[:2])
    journal.append(SEGMENT, facts[2:])
    found, aside, _ = read(tmp_path)
    assert found == facts
    assert [type(fact) for fact in found] == [PollFact, StateFact, BlindFact, RecallFact]
    assert found == [POLL, ("state", "a", 1.0, "down", "b"), ("blind", 5.0, None), ("recall", "a", 2.0, 9.0)]
    assert not any([*aside.files.values(), *aside.rows.values()])


def test_what_is_written_is_the_same_as_ever(tmp_path: Path) -> None:
    """Plain values in the order of before, and after them what is new, named, so that an earlier collector reads it.

    It leaves out what it does not know: the health of polls, rates that were taken back.
    """
    Journal(tmp_path).append(
        SEGMENT, [POLL_FACT, StateFact("state", "a", 1.0, "down", "b"), BlindFact("blind", 5.0, None)]
    )
    content = (tmp_path / f"{SEGMENT}.journal").read_bytes()
    shapes, *facts = batches(content.removeprefix(b"bairro journal 2\n"))
    assert facts == [[POLL, ("state", "a", 1.0, "down", "b"), ("blind", 5.0, None)]]
    assert shapes == {**TODAYS_SHAPES, "recall": ("device_id", "since", "at")}
    assert {type(value) for fact in facts for values in fact for value in (values, *values)} <= PLAIN


def test_the_journal_names_the_fields_as_the_facts_do() -> None:
    assert {kind: ("kind", *names) for kind, names in SHAPES.items() if kind != "amounts"} == {
        kind: record._fields for kind, record in RECORDS.items()
    }
    assert SHAPES["amounts"] == AMOUNTS


def test_journals_of_the_first_version_are_read(tmp_path: Path) -> None:
    """Its first states named no root."""
    written = [FIRST_POLL, ("state", "a", 1.0, "silent"), ("state", "a", 2.0, "down", "b"), ("blind", 5.0, 9.0)]
    found, aside, _ = read(tmp_path, first_version(written[:1], written[1:]))
    assert found == [POLL, ("state", "a", 1.0, "silent", None), *written[2:]]
    assert not any(aside.rows.values())


def test_another_process_begins_a_file_of_its_own(tmp_path: Path) -> None:
    before = first_version([("state", "a", 1.0, "up")])
    _, _, journal = read(tmp_path, before)
    journal.append(SEGMENT, [StateFact("state", "b", 2.0, "up", None)])
    Journal(tmp_path).append(SEGMENT, [StateFact("state", "c", 3.0, "up", None)])
    journal.append(SEGMENT, [StateFact("state", "d", 4.0, "up", None)])
    assert (tmp_path / f"{SEGMENT}.journal").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{SEGMENT}-2.journal",
        f"{SEGMENT}-3.journal",
        f"{SEGMENT}.journal",
    ]
    assert [fact[1] for fact in read(tmp_path)[0]] == ["a", "b", "d", "c"]
    journal.drop(SEGMENT)
    assert not list(tmp_path.iterdir())


def test_fields_are_told_by_their_names(tmp_path: Path) -> None:
    """As a later writer of the same version might have them: one more, one less, another order."""
    shapes = {
        **SHAPES,
        "state": ("since", "device_id", "state", "weather"),
        "poll": (*FIRST_SHAPES["poll"][:-1], "mood", "signal_noise_db"),
        "amounts": ("transmit_bytes", "fan_turns", "receive_bytes"),
    }
    poll = (*POLL[:10], (2, 7, 1), *POLL[11:14], "well", 30.0)
    found, aside, _ = read(tmp_path, second_version(shapes, [(("state", 1.0, "a", "up", "rain")), poll]))
    assert found == [("state", "a", 1.0, "up", None), (*POLL[:10], (1, 2, None, None, None, None), *POLL[11:])]
    assert not any(aside.rows.values())


@pytest.mark.parametrize(
    ("fact", "word"),
    [
        (FIRST_POLL[:14], None),
        (FIRST_POLL[:9], "without has_rate"),
        ((*FIRST_POLL, 1), "a poll of 15 values, where its journal names 14"),
        (("state", "a", 1.0), "without state"),
        (("state", "a", 1.0, "asleep", None), "state cannot be 'asleep'"),
        (("state", 5, 1.0, "up", None), "device_id cannot be 5"),
        (("blind", float("nan"), None), "started_at cannot be nan"),
        (("poll", *FIRST_POLL[1:3], "soon", *FIRST_POLL[4:]), "since cannot be 'soon'"),
        ((*FIRST_POLL[:10], (1, -2, None, None, None, None), *FIRST_POLL[11:]), "amounts cannot be"),
        ((*FIRST_POLL[:8], 0.0, *FIRST_POLL[9:]), "a rate over no time"),
        (("state", "a", -1e18, "up"), "since cannot be -1e+18"),
        (("blind", 1.0, 1e18), "ended_at cannot be 1e+18"),
        (("poll", "a", -1e18, *FIRST_POLL[3:]), "at cannot be -1e+18"),
        (("poll", "a", FIRST_POLL[2], -1e18, *FIRST_POLL[4:]), "since cannot be -1e+18"),
        (("weather", "rain"), "no fact of a kind that is known"),
        ((["poll"], "a"), "no fact"),
        ("poll", "no fact"),
        ((), "no fact"),
    ],
)
def test_a_fact_that_cannot_be_read_is_left_out_alone(tmp_path, caplog, fact, word):
    content = first_version([("state", "a", 1.0, "up"), fact], [("state", "b", 2.0, "up")])
    found, aside, journal = read(tmp_path, content)
    names = [found[0][1], found[-1][1]]
    assert names == ["a", "b"]
    assert aside.rows["journal"] == len(caplog.records) == (word is not None)
    if word is not None:
        assert word in caplog.text
        assert f"{SEGMENT}.journal: row 2 is left out" in caplog.text
        journal.drop(SEGMENT)
        assert (tmp_path / f"{SEGMENT}.journal.damaged").read_bytes() == content


def a_poll(at: float) -> tuple[Any, ...]:
    return ("poll", "a", at, at - 60, *POLL[4:])


HOUR_OF_BATCHES = [
    [a_poll(60.0 * n), ("state", "a", 60.0 * n, "up" if n % 3 else "silent", None)] for n in range(1, 11)
]


@pytest.mark.parametrize("cut", [-1, 0, 3, 40])
@pytest.mark.parametrize("half", [1, 5, 9])
def test_polls_that_are_there_twice_are_read_once(tmp_path, caplog, cut, half):
    """The end of a file appended to it again, wherever it begins: cut within a batch, or with the header before it."""
    content = second_version(SHAPES, *HOUR_OF_BATCHES)
    tail = b"".join(map(batch, HOUR_OF_BATCHES[half:]))
    again = content if cut < 0 else batch(HOUR_OF_BATCHES[half - 1])[-cut:] + tail if cut else tail
    found, aside, journal = read(tmp_path, content + again)
    polls = [fact for fact in found if fact[0] == "poll"]
    assert polls == [facts[0] for facts in HOUR_OF_BATCHES]
    assert found[-1] == HOUR_OF_BATCHES[-1][1]
    repeated = 10 if cut < 0 else 10 - half
    assert aside.rows["journal"] == repeated + (cut != 0)
    assert "the same poll was read before" in caplog.text
    journal.drop(SEGMENT)
    assert (tmp_path / f"{SEGMENT}.journal.damaged").read_bytes() == content + again


def test_a_copy_of_a_journal_beside_it_adds_nothing(tmp_path):
    content = second_version(SHAPES, *HOUR_OF_BATCHES)
    for copy in (f"{SEGMENT}-2", "2023-11-15T00"):
        (tmp_path / f"{copy}.journal").write_bytes(content)
    found, aside, journal = read(tmp_path, content)
    assert [fact for fact in found if fact[0] == "poll"] == [facts[0] for facts in HOUR_OF_BATCHES]
    assert aside.rows["journal"] == 20
    assert len([fact for fact in journal.replay() if fact[0] == "poll"]) == 10


def test_polls_under_a_clock_that_was_set_back_are_all_read(tmp_path):
    """They are other polls, and their bytes passed."""
    batches = [[a_poll(at)] for at in (600.0, 660.0, 610.0, 670.0)]
    found, aside, _ = read(tmp_path, second_version(SHAPES, *batches))
    assert found == [poll for (poll,) in batches]
    assert not any(aside.rows.values())


@pytest.mark.parametrize("content", [b"bairro journal 3\nwhatever", b"SQLite format 3\0...", b"x" * 5000, b"\0" * 64])
def test_a_journal_of_an_unknown_version_is_set_aside_whole(tmp_path, caplog, content):
    (tmp_path / f"{SEGMENT}.journal.unknown").write_bytes(b"an earlier one")
    found, aside, journal = read(tmp_path, content)
    assert (found, aside.files["journal"]) == ([], 1)
    assert (tmp_path / f"{SEGMENT}.journal.unknown-2").read_bytes() == content
    assert (tmp_path / f"{SEGMENT}.journal.unknown").read_bytes() == b"an earlier one"
    assert "no journal that this version can read" in caplog.text
    assert f"set aside as {SEGMENT}.journal.unknown-2" in caplog.text
    journal.append(SEGMENT, [POLL_FACT])
    assert read(tmp_path)[0] == [POLL]


def test_a_batch_with_a_wrong_checksum_costs_itself(tmp_path, caplog):
    content = first_version([("state", "a", 1.0, "up")], [("state", "b", 2.0, "up")], [("state", "c", 3.0, "up")])
    at = content.index(b"b", content.index(b"state", 40))
    damaged = content[:at] + b"?" + content[at + 1 :]
    found, aside, journal = read(tmp_path, damaged)
    assert [fact[1] for fact in found] == ["a", "c"]
    assert "bytes from byte" in caplog.text
    assert aside.rows["journal"] == 1
    journal.drop(SEGMENT)
    assert (tmp_path / f"{SEGMENT}.journal.damaged").read_bytes() == damaged


@pytest.mark.parametrize("length", [0, 1, 9, 200, 2**31 - 1, 2**32 - 1])
def test_a_batch_with_a_wrong_length_costs_itself(tmp_path, caplog, length):
    """Wherever it says that it ends: within itself, within the next one, or beyond the file."""
    content = first_version(*([("state", name, 1.0, "up")] for name in "abc"))
    first = len(first_version())
    head = first + 8 + struct.unpack_from("<I", content, first)[0]
    damaged = content[:head] + length.to_bytes(4, "little") + content[head + 4 :]
    found, aside, journal = read(tmp_path, damaged)
    assert [fact[1] for fact in found] == ["a", "c"]
    assert aside.rows["journal"] == 1
    assert f"from byte {head} on are damaged" in caplog.text
    journal.drop(SEGMENT)
    assert (tmp_path / f"{SEGMENT}.journal.damaged").read_bytes() == damaged


def test_whatever_is_damaged_the_rest_is_read(tmp_path):
    """Any one byte: at most its own batch is lost, and what was lost is counted, but at the end."""
    content = first_version(*([("state", name, 1.0, "up")] for name in "abcd"))
    begin, last = len(first_version()), len(content) - len(batch([("state", "d", 1.0, "up")]))
    for at in range(begin, last):
        (tmp_path / str(at)).mkdir()
        found, aside, _ = read(tmp_path / str(at), content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        assert len(found) == 3, at
        assert found[-1][1] == "d"
        assert aside.rows["journal"] == 1


@pytest.mark.parametrize("shapes", [["poll"], {"poll": "device_id"}, None])
def test_a_journal_that_does_not_say_what_it_holds(tmp_path, caplog, shapes):
    found, aside, _ = read(tmp_path, second_version(shapes, [POLL]))
    assert (found, aside.rows["journal"]) == ([], 1)
    assert "does not say what its facts hold" in caplog.text


@pytest.mark.parametrize("length", range(0, 40, 3))
def test_a_file_cut_short_anywhere_ends_nothing(tmp_path, length):
    Journal(tmp_path).append(SEGMENT, [POLL_FACT])
    path = tmp_path / f"{SEGMENT}.journal"
    path.write_bytes(path.read_bytes()[:length])
    found, _, journal = read(tmp_path)
    assert found == []
    journal.append(SEGMENT, [POLL_FACT])
    assert read(tmp_path)[0] == [POLL]


@pytest.mark.parametrize(("health", "is_read"), [((0.5, None, 41.0), True), ((0.5, None), False), ("hot", False)])
def test_the_health_of_a_poll_is_read_where_it_can_be(tmp_path: Path, health: Any, is_read: bool) -> None:
    found, aside, _ = read(tmp_path, second_version(SHAPES, [(*FIRST_POLL, health)]))
    assert found == ([(*FIRST_POLL, health)] if is_read else [])
    assert aside.rows["journal"] == (0 if is_read else 1)


def test_a_batch_that_no_version_could_have_written(tmp_path, caplog):
    body = b"no marshal"
    content = first_version() + struct.pack("<II", len(body), zlib.crc32(body)) + body + batch([FIRST_POLL])
    assert read(tmp_path, content)[0] == [POLL]
    assert "left out" in caplog.text
