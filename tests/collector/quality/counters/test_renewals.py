"""Agents that renew their counters more slowly than they are polled: rates are true or not known, and no byte is lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest

from collector.quality.counters.belief import Beliefs
from collector.quality.counters.renewals import LEAST_SECONDS
from collector.quality.counters.rhythm import Rhythm
from collector.quality.counters.uplink import Traffic
from collector.reading import Device, InterfaceReading, Reading

ROUTER = Device("r1", "192.0.2.1", "router", "Area", uplink_interface="eth0")
GIGABIT = 125e6


def polled(
    counter: Callable[[float], float],
    interval: float,
    *,
    hours: float = 1.0,
    late: float = 0.0,
    seed: int = 1,
    device: Device = ROUTER,
) -> Iterator[tuple[float, float, Traffic | None]]:
    """When each poll was, what its counter stood at, and what is believed to have passed."""
    chance, beliefs, at = random.Random(seed), Beliefs(), 1000.0
    for _ in range(int(hours * 3600 / interval)):
        at += interval + 0.01 * interval * chance.random()
        value = int(counter(at + 0.02 + late * chance.random()))
        port = InterfaceReading("eth0", 1, speed_bytes_per_second=GIGABIT, receive_bytes=value, transmit_bytes=value)
        reading = Reading("r1", at, 0.1, "answered", uptime_seconds=1e5 + at, interfaces=(port,))
        yield at, value, beliefs.take(device, reading).traffic


def cached(rate: float, renewed: float) -> Callable[[float], float]:
    return lambda at: 1e9 + rate * (at // renewed * renewed)


def rates(passed: list[Traffic | None]) -> list[float]:
    return [t.receive_bytes / t.seconds for t in passed if t and t.over_polls and t.receive_bytes is not None]


@pytest.mark.parametrize("interval", [10.0, 60.0])
@pytest.mark.parametrize(
    ("renewed", "rate"),
    [(12, 1e8), (15, 1e8), (25, 9e7), (30, 6e7), (60, 1e8), (60, 4e7), (120, 1e8), (30, 1e6), (300, 1e6)],
)
def test_rates_of_an_agent_that_caches_are_those_of_the_line(interval: float, renewed: float, rate: float) -> None:
    found = list(polled(cached(rate, renewed), interval, hours=2.5))
    passed = [traffic for _, _, traffic in found]
    later = rates(passed[int(3600 / interval) :])
    assert later
    if renewed >= 1.1 * interval:
        assert min(later) >= 0.9 * rate
        assert max(later) <= 1.1 * rate
        assert max(t.utilization_ratio or 0.0 for t in passed[int(3600 / interval) :] if t) <= 1.1 * rate / GIGABIT
    told = sum(t.receive_bytes or 0 for t in passed if t)
    waiting = 2 * (max(LEAST_SECONDS, 10 * interval) + renewed) * rate
    assert found[-1][1] - found[0][1] - waiting <= told <= found[-1][1] - found[0][1]


def test_what_seemed_to_be_rates_before_the_cache_was_found_is_taken_back() -> None:
    found = [(at, traffic) for at, _, traffic in polled(cached(4e7, 60), 10.0)]
    ((at, traffic),) = [(at, t) for at, t in found if t and t.false_since is not None]
    assert traffic.over_polls == 0
    assert traffic.false_since is not None
    assert traffic.false_since <= at - 180.0


@pytest.mark.parametrize("late", [0.0, 2.0])
@pytest.mark.parametrize("interval", [5.0, 10.0, 60.0])
def test_an_idle_line_with_bursts_keeps_its_zeros_and_every_byte(interval: float, late: float) -> None:
    """Bursts of the whole line, up to a minute long, answers up to two seconds late."""
    chance = random.Random(int(interval + late))
    bursts = [(1300.0 + 300.0 * number + 200.0 * chance.random(), 60.0 * chance.random()) for number in range(24)]

    def counter(at: float) -> float:
        return 1e9 + sum(GIGABIT * min(max(at - begun, 0.0), length) for begun, length in bursts)

    found = list(polled(counter, interval, hours=2.5, late=late))
    assert sum(t.receive_bytes or 0 for _, _, t in found if t) == found[-1][1] - found[0][1]
    still = [new for old, new in pairwise(found) if old[1] == new[1]]
    assert sum(t is not None and t.receive_bytes == 0 for _, _, t in still) >= 0.97 * len(still)
    assert all(t is None or t.false_since is None for _, _, t in found), "no cache"


@pytest.mark.parametrize(("renewed", "interval"), [(8, 10.0), (30, 10.0), (600, 60.0)])
def test_who_says_how_often_an_agent_renews_its_counters_has_true_rates_from_the_start(
    renewed: int, interval: float
) -> None:
    device = replace(ROUTER, counters_refresh_seconds=float(renewed))
    found = list(polled(cached(1e6, renewed), interval, hours=2.0, device=device))
    told = rates([traffic for _, _, traffic in found])
    assert told
    assert min(told) >= 0.9e6
    assert max(told) <= 1.1e6
    assert all(t is None or t.false_since is None for _, _, t in found)


def test_who_says_that_counters_are_renewed_for_each_poll_has_the_rate_of_each() -> None:
    device = replace(ROUTER, counters_refresh_seconds=0.0)
    found = list(polled(cached(1e6, 60), 10.0, hours=2.0, device=device))
    assert all(t is not None and t.over_polls == 1 for _, _, t in found[1:])


@pytest.mark.parametrize(("renewed", "interval"), [(3, 2.0), (12, 5.0), (15, 10.0), (30, 10.0), (45, 30.0)])
def test_a_cache_of_a_line_that_is_faster_than_it_states_refutes_the_speed(renewed: int, interval: float) -> None:
    """Debian's snmpd renews its counters every three seconds and says 10 Mbit/s of a loopback that carries 40."""
    found = list(polled(cached(4 * GIGABIT, renewed), interval, hours=1.0))
    told = sum(traffic.receive_bytes or 0 for _, _, traffic in found if traffic)
    assert told >= 0.8 * (found[-1][1] - found[0][1])
    later = rates([traffic for at, _, traffic in found if at > 2800.0])
    assert min(later) >= 3.6 * GIGABIT
    assert max(later) <= 4.4 * GIGABIT
    assert all(traffic is None or traffic.utilization_ratio is None for at, _, traffic in found if at > 2800.0)


@pytest.mark.parametrize(("renewed", "interval"), [(12, 10.0), (6, 5.0), (25, 10.0), (8, 5.0), (11, 10.0)])
def test_a_cache_of_a_full_line_refutes_no_speed(renewed: int, interval: float) -> None:
    found = list(polled(cached(0.99 * GIGABIT, renewed), interval, hours=2.0))
    later = [traffic for at, _, traffic in found if at > 4600.0 and traffic]
    assert any(traffic.utilization_ratio is not None for traffic in later)


def test_a_cache_of_a_line_that_falls_idle_shows_zeros_again() -> None:
    def counter(at: float) -> float:
        return 1e9 + 1e8 * (min(at, 3000.0) // 60 * 60)

    found = list(polled(counter, 10.0, hours=1.5))
    late = [traffic for at, _, traffic in found if at > 3500.0]
    assert all(t is not None and t.receive_bytes == 0 and t.over_polls == 1 for t in late)
    lost = found[-1][1] - found[0][1] - sum(t.receive_bytes or 0 for _, _, t in found if t)
    assert 0 <= lost <= 60 * 1e8, "of the first poll that moved nobody knows how much had passed before"


def test_a_restart_loses_nothing_that_was_added_up() -> None:
    beliefs, told, booted = Beliefs(), 0, 3000.0
    for number in range(360):
        at = 1000.0 + 10.0 * number
        value = int(1e8 * (at // 60 * 60)) if at < booted else int(1e8 * ((at - booted) // 60 * 60))
        port = InterfaceReading("eth0", 1, speed_bytes_per_second=GIGABIT, receive_bytes=value, transmit_bytes=value)
        up = 1e5 + at if at < booted else at - booted + 1.0
        traffic = beliefs.take(
            ROUTER, Reading("r1", at, 0.1, "answered", uptime_seconds=up, interfaces=(port,))
        ).traffic
        told += (traffic and traffic.receive_bytes) or 0
    assert 0.9 * 1e8 * (3600.0 - 300.0) <= told <= 1e8 * 3600.0


@pytest.mark.parametrize("share", [0.1, 0.33, 0.5, 0.67, 0.9])
def test_polls_that_move_by_chance_have_no_rhythm(share: float) -> None:
    for seed in range(3):
        chance, rhythm = random.Random(seed), Rhythm()
        found = [rhythm.add(10.0 * n, stands=chance.random() > share) for n in range(5000)]
        assert inf not in found
        assert sum(seconds is not None for seconds in found) <= 10


@pytest.mark.parametrize(
    ("interval", "renewed"), [(5, 6), (10, 12), (10, 15), (10, 20), (10, 60), (10, 300), (60, 90), (60, 300)]
)
def test_renewals_at_equal_distances_are_found_within_an_hour(interval: float, renewed: float) -> None:
    chance, rhythm, newest, hits = random.Random(3), Rhythm(), -1.0, []
    for number in range(int(7200 / interval)):
        at = 1000.0 + interval * number + 0.3 * chance.random()
        now = (at + 3.3) // renewed
        if rhythm.add(at, stands=now == newest) == inf:
            hits.append(at)
        newest = now
    assert hits[0] <= 1000.0 + 3600.0
    assert max(new - old for old, new in pairwise(hits)) <= 2 * max(renewed, 10 * interval)
