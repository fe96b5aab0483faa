"""What of many interfaces is shown: a doubt about one is no doubt about its neighbours, whichever way it is looked at."""

from __future__ import annotations

import random

import pytest

from collector.quality.counters.doubts import CounterDoubts
from collector.reading import InterfaceReading

GIGABIT = 125e6
NAMES = ("a", "b", "c")


def port(name: str, octets: int | None, **values: object) -> InterfaceReading:
    fields = {"speed_bytes_per_second": GIGABIT, "receive_bytes": octets, "transmit_bytes": octets, **values}
    return InterfaceReading(name, ord(name), **fields)  # type: ignore[arg-type]


def shown(doubts: CounterDoubts, number: int, *ports: InterfaceReading, **how: bool) -> dict[str, int | None]:
    found = doubts.believed(ports, 60.0 * (number + 1), **{"is_partial": False, "is_anew": False, **how})
    return {interface.name: interface.receive_bytes for interface in found}


def value(name: str, number: int) -> int:
    return 10**12 * ord(name) + number * 10**6


@pytest.mark.parametrize("glitch", [0, 2**64 - 1, None])
def test_one_of_three(glitch):
    doubts = CounterDoubts()
    for number in range(8):
        now = {name: value(name, number) for name in NAMES}
        given = {**now, "b": glitch} if number == 4 else now
        found = shown(doubts, number, *(port(name, octets) for name, octets in given.items()))
        assert found == ({**now, "b": None} if number == 4 else now)


def test_many_at_random_are_shown_as_each_would_be_by_itself():
    chance = random.Random(7)
    together, alone = CounterDoubts(), {name: CounterDoubts() for name in NAMES}
    for number in range(300):
        ports = [
            port(
                name,
                chance.choice([value(name, number)] * 12 + [0, 2**64 - 1, chance.randrange(2**45)]),
                receive_errors=chance.choice([5] * 9 + [0]),
                speed_bytes_per_second=chance.choice([GIGABIT] * 9 + [None]),
            )
            for name in NAMES
        ]
        each = {name: octets for p in ports for name, octets in shown(alone[p.name], number, p).items()}
        assert shown(together, number, *ports) == each


def test_an_interface_that_an_answer_cut_short_left_out_is_compared_with_its_last_reading():
    doubts = CounterDoubts()
    shown(doubts, 0, port("a", 10**12), port("b", 10**12))
    assert shown(doubts, 1, port("a", 10**12 + 5), is_partial=True) == {"a": 10**12 + 5}
    assert shown(doubts, 2, port("a", 10**12 + 9), port("b", 0)) == {"a": 10**12 + 9, "b": None}
    assert shown(doubts, 3, port("a", 10**12 + 9), port("b", 10**12 + 7)) == {"a": 10**12 + 9, "b": 10**12 + 7}


def test_after_a_restart_counters_may_stand_anywhere():
    doubts = CounterDoubts()
    shown(doubts, 0, port("a", 10**12))
    assert shown(doubts, 1, port("a", 0), is_anew=True) == {"a": 0}
    assert shown(doubts, 2, port("a", 700)) == {"a": 700}


def test_a_speed_that_traffic_refutes_is_not_shown():
    doubts, speeds = CounterDoubts(), []
    for number in range(5):
        given = port("a", 10**12 + number * 720 * 10**6, speed_bytes_per_second=1.25e6), port("b", 10**12)
        (a, _) = doubts.believed(given, 60.0 * number + 1, is_partial=False, is_anew=False)
        speeds.append((a.receive_bytes is not None, a.speed_bytes_per_second))
    assert speeds == [(True, 1.25e6), (False, 1.25e6), (True, None), (True, None), (True, None)]


def test_a_poll_that_states_no_speed_is_held_to_the_one_before():
    doubts = CounterDoubts()
    for number, speed in enumerate((1.25e6, None)):
        ports = port("a", 10**12 + number * 720 * 10**6, speed_bytes_per_second=speed), port("b", 10**12)
        found = shown(doubts, number, *ports)
    assert found == {"a": None, "b": 10**12}


def test_counters_that_were_read_after_a_retry_are_compared_over_their_own_time():
    doubts = CounterDoubts()
    full = [
        port("a", 10**12 + int(GIGABIT * (60 * n + late)), late_seconds=late or None)
        for n, late in enumerate((0, 50, 0))
    ]
    assert [shown(doubts, n, each)["a"] for n, each in enumerate(full)] == [each.receive_bytes for each in full]


def test_a_poll_that_a_clock_set_back_has_put_before_the_last_is_the_one_that_rows_are_compared_with():
    doubts = CounterDoubts()
    shown(doubts, 3, port("a", 10**12))
    assert shown(doubts, 2, port("a", 10**12), port("b", 5)) == {"a": 10**12, "b": 5}
    assert shown(doubts, 4, port("a", 10**12 + 9)) == {"a": 10**12 + 9}
    assert not doubts.has_same_rows, "those shown last were two"
    shown(doubts, 5, port("a", 10**12 + 9))
    assert doubts.has_same_rows


def test_a_leap_that_a_cache_might_have_brought_is_none_where_the_port_has_not_stood_still():
    """Forty seconds of the line within ten, beside traffic that goes on."""
    doubts, found = CounterDoubts(), []
    for n in range(9):
        ports = port("a", value("a", n)), port("b", value("b", n) + 5 * 10**9 * (n > 3))
        shown_now = doubts.believed(ports, 10.0 * (n + 1), is_partial=False, is_anew=False)
        found.append(shown_now[1].receive_bytes)
    assert found == [*(value("b", n) for n in range(4)), None, *(value("b", n - 1) for n in range(5, 9))]


def test_a_leap_is_none_beside_a_port_that_is_in_doubt_either():
    """Of many ports one is always in doubt somewhere."""
    doubts, found = CounterDoubts(), []
    for n in range(9):
        odd = port("c", 0 if n == 2 else value("c", n))
        ports = port("a", value("a", n)), port("b", value("b", n) + 5 * 10**9 * (n > 5)), odd
        shown_now = doubts.believed(ports, 10.0 * (n + 1), is_partial=False, is_anew=False)
        found.append(shown_now[1].receive_bytes)
    assert found == [*(value("b", n) for n in range(6)), None, *(value("b", n - 1) for n in range(7, 9))]


def test_a_leap_of_one_port_among_many_is_left_out_of_what_is_shown_from_then_on():
    doubts = CounterDoubts()
    found = [
        shown(doubts, n, port("a", value("a", n)), port("b", value("b", n) + 10**12 * (n > 3)))["b"] for n in range(9)
    ]
    assert found == [*(value("b", n) for n in range(4)), None, *(value("b", n - 1) for n in range(5, 9))]
