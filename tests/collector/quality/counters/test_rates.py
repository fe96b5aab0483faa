"""Differences of counters: wraps, restarts, discontinuities, gaps; a broken series is None and never a spike."""

from __future__ import annotations

import pytest

from collector.quality.counters.belief import Beliefs
from collector.quality.counters.clocks import UPTIME_WRAP_SECONDS
from collector.reading import Device, InterfaceReading, Reading, SignalReading

GIGABIT = 125e6
TEN_MEGABIT = 1.25e6


def port(name="eth0", index=1, **values):
    return InterfaceReading(name, index, **{"receive_bytes": 0, "transmit_bytes": 0, **values})


def poll(at=0.0, *interfaces, uptime=None, boot=None, signals=()):
    return Reading(
        "r1", at, 0.1, "answered", uptime_seconds=uptime, boot_seconds=boot, interfaces=interfaces, signals=signals
    )


def difference(before, after, uplink="eth0"):
    """What is believed of ``after``, the uplink being so called."""
    beliefs, router = Beliefs(), Device("r1", "192.0.2.1", "router", "Area", uplink_interface=uplink)
    beliefs.take(router, before)
    return beliefs.take(router, after)


def bytes_between(before, after, uplink="eth0"):
    traffic = difference(before, after, uplink).traffic
    return None if traffic is None else traffic.receive_bytes


def received(before, after, seconds=60.0, **common):
    """The receive delta between two values of one interface's counter."""
    previous = poll(1000.0, port(receive_bytes=before, **common))
    return bytes_between(previous, poll(1000.0 + seconds, port(receive_bytes=after, **common)))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (100, 1100, 1000),
        (100, 100, 0),
        (2**40, 2**40 + 7, 7),
        (1000, 100, None),
        (2**64 - 10, 5, None),
        (None, 5, None),
        (5, None, None),
    ],
)
def test_a_64_bit_counter(before, after, expected):
    assert received(before, after, counter_bits=64) == expected


@pytest.mark.parametrize(
    ("before", "after", "seconds", "speed", "expected"),
    [
        (2**32 - 1000, 500, 60, TEN_MEGABIT, 1500),
        (100, 1100, 60, TEN_MEGABIT, 1000),
        (3 * 10**9, 500, 60, TEN_MEGABIT, None),
        (100, 1100, 60, GIGABIT, None),
        (2**32 - 1000, 500, 60, GIGABIT, None),
        (2**32 - 1000, 500, 30, GIGABIT, 1500),
        (100, 1100, 3600, TEN_MEGABIT, None),
        (100, 1100, 60, None, 1000),
        (2**32 - 1000, 500, 60, None, None),
        (2**32 - 1000, 500, 60, 0.0, None),
    ],
    ids=[
        "one wrap",
        "no wrap",
        "more than the line can carry: a reset",
        "could have wrapped unseen at this speed",
        "could have wrapped twice",
        "once at most in a shorter interval",
        "too long a gap",
        "forward at unknown speed",
        "backward at unknown speed",
        "a speed of zero is unknown",
    ],
)
def test_a_32_bit_counter_is_unwrapped_only_where_one_wrap_is_possible(before, after, seconds, speed, expected):
    assert received(before, after, seconds, counter_bits=32, speed_bytes_per_second=speed) == expected


@pytest.mark.parametrize(
    ("uptime", "boot", "restarted", "bytes_"),
    [
        ((500, 560), (None, None), False, 10),
        ((500, 20), (None, None), True, None),
        ((UPTIME_WRAP_SECONDS - 20, 40), (None, None), False, 10),
        ((UPTIME_WRAP_SECONDS - 20, 40), (5e7, 5e7 + 60), False, 10),
        ((UPTIME_WRAP_SECONDS - 20, 40), (5e7, 40), True, None),
        ((UPTIME_WRAP_SECONDS - 20, 4), (None, None), True, None),
        ((500, 20), (9000, 9060), False, None),
        ((500, 20), (9000, 20), True, None),
        ((None, None), (9000, 20), True, None),
        ((None, None), (9000, 9060), False, 10),
        ((None, 60), (None, None), False, 10),
        ((500, 560), (9000, 20), False, 10),
    ],
    ids=[
        "runs on",
        "restart",
        "497-day roll",
        "497-day roll, confirmed",
        "restart at the moment of the roll",
        "restart near the roll",
        "the agent alone restarted: counters may have begun anew",
        "restart, confirmed",
        "restart known by the boot clock alone",
        "boot clock runs on",
        "uptime new",
        "the engine alone restarted",
    ],
)
def test_restarts(uptime, boot, restarted, bytes_):
    before = poll(1000.0, port(receive_bytes=100), uptime=uptime[0], boot=boot[0])
    after = poll(1060.0, port(receive_bytes=110), uptime=uptime[1], boot=boot[1])
    assert difference(before, after).delta.restarted is restarted
    assert bytes_between(before, after) == bytes_


def test_a_restart_within_a_long_gap_is_seen_though_uptime_grew():
    before = poll(0.0, port(receive_bytes=100), uptime=1000)
    after = poll(7200.0, port(receive_bytes=900), uptime=7000)
    assert difference(before, after).delta.restarted
    assert bytes_between(before, after) is None


def test_a_long_gap_is_a_valid_difference_that_says_how_long_it_is():
    before = poll(0.0, port(receive_bytes=100), uptime=1000)
    passed = difference(before, poll(7200.0, port(receive_bytes=900), uptime=8200)).traffic
    assert (passed.seconds, passed.receive_bytes) == (7200, 800)


def test_a_discontinuity_breaks_that_interface_only():
    before = poll(0, port("a", discontinuity_seconds=0.0), port("b", 2, discontinuity_seconds=0.0), uptime=500)
    after = poll(60, port("a", discontinuity_seconds=530.0), port("b", 2, discontinuity_seconds=0.0), uptime=560)
    assert [bytes_between(before, after, name) for name in "ab"] == [None, 0]


def test_interfaces_are_matched_by_name_whatever_their_index():
    before = poll(0, port("a", 1, receive_bytes=100), port("b", 2, receive_bytes=5000))
    after = poll(60, port("b", 1, receive_bytes=5005), port("a", 7, receive_bytes=101), port("new", 2))
    assert {name: bytes_between(before, after, name) for name in ("a", "b", "new")} == {"a": 1, "b": 5, "new": None}


def test_a_change_of_width_breaks_bytes_and_keeps_errors():
    before = poll(0, port(counter_bits=32, receive_bytes=100, receive_errors=5))
    after = poll(60, port(counter_bits=64, receive_bytes=2**33, receive_errors=7))
    passed = difference(before, after).traffic
    assert (passed.receive_bytes, passed.error_packets) == (None, 2)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [((1, 2), (4, 6), 7), ((1, None), (4, None), 3), ((None, None), (None, None), None), ((None, 2), (0, 6), 4)],
)
def test_errors_of_both_directions_are_added_where_they_were_measured(before, after, expected):
    old = port(receive_errors=before[0], transmit_errors=before[1])
    new = port(receive_errors=after[0], transmit_errors=after[1])
    assert difference(poll(0, old), poll(60, new)).traffic.error_packets == expected


@pytest.mark.parametrize("previous", [None, poll(60.0, port()), poll(61.0, port())], ids=["first", "same", "backwards"])
def test_without_an_earlier_reading_there_is_no_difference(previous):
    beliefs, router = Beliefs(), Device("r1", "192.0.2.1", "router", "Area")
    if previous is not None:
        beliefs.take(router, previous)
    found = beliefs.take(router, poll(60.0, port()))
    assert (found.delta.seconds, found.traffic, found.delta.restarted) == (None, None, False)


def test_a_silent_poll_has_no_difference():
    before = poll(0.0, port(receive_bytes=100), uptime=100)
    found = difference(before, poll(60.0)._replace(snmp="silent"))
    assert (found.traffic, found.delta.restarted) == (None, False)


def words(channel, good, corrected, lost):
    return SignalReading(channel, 1.0, 30.0, good, corrected, lost)


def test_codewords_are_summed_over_the_channels_that_hold():
    before = poll(0, port(), signals=(words("1", 100, 10, 1), words("2", 2**32 - 50, 0, 0), words("3", 9000, 0, 0)))
    after = poll(
        60, port(), signals=(words("1", 200, 20, 3), words("2", 50, 0, 0), words("3", 10, 0, 0), words("4", 1, 1, 1))
    )
    delta = difference(before, after).delta
    assert (delta.codewords_total, delta.codewords_uncorrectable) == (100 + 10 + 2 + 100, 2)


def test_signals_without_codewords_have_none():
    signal = SignalReading("1", -60.0)
    delta = difference(poll(0, port(), signals=(signal,)), poll(60, port(), signals=(signal,))).delta
    assert (delta.codewords_total, delta.codewords_uncorrectable) == (None, None)
