"""A page that is seldom asked for says what one says that is asked for after every poll."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from collector.config import MetricsSettings
from collector.publish.exposition.page import Exposition
from collector.quality.counters.belief import Beliefs
from collector.reading import Device, InterfaceReading, Reading, SignalReading

ROUTER = Device("r1", "192.0.2.1", "router", "Area", uplink_interface="eth0")
GIGABIT = 125e6
GLITCHES = (0, 2**64 - 1, 2**62, 2**40, 12_345)


def polls(chance: random.Random, *, has_glitches: bool) -> Iterator[tuple[Reading, dict[str, int]]]:
    """Polls of a router that restarts, renames a port, answers in part or not at all; each with the true counters."""
    names = [f"eth{n}" for n in range(chance.randint(2, 4))]
    counters, errors, at, booted = [10**12] * len(names), 5, 1000.0, 0.0
    for number in range(chance.randint(5, 30)):
        at += chance.choice((5, 5, 10, 60))
        event = chance.random()
        if event < 0.04:
            booted, counters = at - 1.0, [0] * len(names)
        counters = [count + chance.randrange(1, 10**6) for count in counters]
        errors += chance.random() < 0.1
        names[-1] = f"port {number}" if 0.04 < event < 0.08 else names[-1]
        true = dict(zip(names, counters, strict=True))
        said = {name: chance.choice(GLITCHES) for name in names if has_glitches and chance.random() < 0.05}
        rows = tuple(
            InterfaceReading(name, i, None, True, GIGABIT, 64, said.get(name, count), count, errors, 0, 0, 0)
            for i, (name, count) in enumerate(true.items())
        )
        snmp, rows = ("silent", ()) if event > 0.95 else ("partial", rows[:-1]) if event > 0.85 else ("answered", rows)
        signals = (SignalReading("radio", -50.0, 20.0),) if snmp == "answered" and number % 3 else ()
        yield Reading("r1", at, 0.1, snmp, uptime_seconds=at - booted, interfaces=rows, signals=signals), true


def received(page: str) -> dict[str, int]:
    """The bytes received that the page shows, by interface."""
    lines = [line for line in page.splitlines() if line.startswith("bairro_interface_receive_bytes_total{")]
    return {line.split('"')[3]: int(line.rsplit(" ", 1)[1]) for line in lines}


@pytest.mark.parametrize("has_glitches", [False, True])
def test_a_page_that_is_seldom_asked_for_says_nothing_else(has_glitches: bool) -> None:
    """Of glitches it may show less than the other page. What it shows is true, or the other page shows it too."""
    for seed in range(40):
        chance = random.Random(seed)
        beliefs, often, seldom = Beliefs(), *(Exposition(MetricsSettings(), [ROUTER]) for _ in range(2))
        pace = chance.choice((2, 3, 7))
        for number, (reading, true) in enumerate(polls(chance, has_glitches=has_glitches)):
            believed, delta, traffic, _ = beliefs.take(ROUTER, reading)
            for page in (often, seldom):
                page.update(believed, restarted=delta.restarted, traffic=traffic)
            expected = often.render()
            if number % pace == 1:
                found = seldom.render()
                false = {name: count for name, count in received(found).items() if count != true.get(name, count)}
                assert false.items() <= received(expected).items(), seed
                assert has_glitches or found == expected, seed
