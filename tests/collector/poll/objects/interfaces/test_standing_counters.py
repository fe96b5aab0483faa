"""Tests of collector/poll/objects/interfaces/standing_counters.py: when rows are looked at, and what their 32-bit counters show."""

from __future__ import annotations

import pytest

from collector.poll.objects.interfaces.interface_cache import InterfaceMemory
from collector.poll.objects.interfaces.standing_counters import MOST_ROWS, STILL_POLLS, Standing
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Absent, Value, encode_subids
from collector.reading import Device, InterfaceReading

TABLE = load_profiles()["generic"].tables[0]
ROUTER = Device("r1", "192.0.2.1", "router", "Area")
HIGH, LOW = ("ifHCInOctets", "ifHCOutOctets"), ("ifInOctets", "ifOutOctets")
KIB = 1024


def memory(rows: int = 1, *, has_low: bool = True) -> InterfaceMemory:
    """What a whole walk has taught: all counters stand at 5."""
    cells: dict[str, dict[bytes, Value]] = {column.name: {} for column in TABLE.columns}
    for row in range(1, rows + 1):
        index = encode_subids((row,))
        cells["ifName"][index] = b"e%d" % row
        for name in (*HIGH, *(LOW if has_low else ())):
            cells[name][index] = 5
    found = InterfaceMemory(TABLE, ROUTER)
    assert found.learn(cells)
    return found


def port(received: int = 5, sent: int = 5, index: int = 1, **more: object) -> InterfaceReading:
    fields = {"is_up": True, "receive_bytes": received, "transmit_bytes": sent, **more}
    return InterfaceReading(f"e{index}", index, **fields)  # type: ignore[arg-type]


def looks(standing: Standing, polls: int, *ports: InterfaceReading, low: Value = 5) -> list[int]:
    """The polls in which something is asked, of so many in which ``ports`` stand still, and ``low`` their counters."""
    found = []
    for number in range(polls):
        if standing.note(ports) and (asked := standing.asked()):
            found.append(number)
            assert not standing.read([low] * len(asked))
    return found


def test_a_row_that_stands_still_is_looked_at_ever_more_rarely():
    assert looks(Standing(memory()), 200, port()) == [6, 7, 9, 13, 21, 37, 69, 133, 197]


@pytest.mark.parametrize(
    "ports",
    [(port(is_up=False),), (port(counter_bits=32),), (port(None, None),), ()],
    ids=["down", "narrow", "not read", "none"],
)
def test_rows_that_are_not_looked_at(ports):
    assert looks(Standing(memory()), 50, *ports) == []
    assert looks(Standing(None), 50, *ports) == []


def test_a_port_on_which_little_passes_is_looked_at_ever_more_rarely():
    standing, looks_taken = Standing(memory()), 0
    for number in range(600):
        octets = 6 + number // 5
        if standing.note((port(octets, octets),)) and (asked := standing.asked()):
            looks_taken += 1
            assert not standing.read([octets] * len(asked))
    assert looks_taken <= 5


def test_a_row_without_32_bit_counters_is_not_looked_at():
    assert looks(Standing(memory(has_low=False)), 50, port()) == []


def test_a_row_that_moves_is_not_looked_at_and_is_counted_anew():
    standing = Standing(memory())
    for number in range(60):
        assert not standing.note((port(6 + number // STILL_POLLS, number),))


def test_a_counter_that_has_moved_is_looked_at_sooner():
    assert looks(Standing(memory()), 9, port(6, 6)) == [3, 4, 6]


def test_no_more_rows_than_fit_one_answer_are_looked_at_in_a_poll():
    standing = Standing(memory(30))
    ports = [port(index=number) for number in range(1, 31)]
    found: list[int] = []
    for _ in range(9):
        if standing.note(ports):
            asked = standing.asked()
            assert len(asked) <= 2 * MOST_ROWS
            found += [item.instance[0] for item in asked[::2]]
            standing.read([5] * len(asked))
    assert set(found) == set(range(1, 31))


@pytest.mark.parametrize(
    ("received", "low", "is_doubted"),
    [
        (5, (5 + 64 * KIB, 5), True),
        (5, (5, 5 + 64 * KIB), True),
        (5, (4, 5), True),
        (5, (5 + 63 * KIB, 5), False),
        (6, (5 + 64 * KIB, 5), False),
        (5, (Absent.NO_SUCH_INSTANCE, 5 + 64 * KIB), False),
    ],
    ids=["received", "sent", "gone round", "too little to tell", "the 64-bit one has moved since", "not there"],
)
def test_a_row_is_doubted_where_a_32_bit_counter_goes_on_alone(received, low, is_doubted):
    found = memory()
    standing = Standing(found)
    while not standing.note((port(received),)):
        pass
    assert len(standing.asked()) == 2
    assert standing.read(low) is is_doubted
    assert (found.columns() == TABLE.columns) is is_doubted, "the next poll walks the whole table"


def test_what_one_direction_shows_counts_from_when_it_stands_still():
    standing = Standing(memory())
    received = 5
    for number in range(80):
        received += number < 20
        if standing.note((port(received),)) and standing.asked():
            moved = max(0, number - 19) * 64 * KIB
            if standing.read([5 + received + moved, 5]):
                assert 20 < number < 20 + 64
                return
    pytest.fail("never doubted")


def test_a_look_that_is_not_answered_is_taken_again_later():
    standing, found = Standing(memory()), []
    for number in range(20):
        if standing.note((port(),)):
            found.append(number)
            standing.asked()
            standing.put_off()
    assert found == [6, 7, 9, 13]
