"""Counters of 32 bits on /metrics: what Prometheus makes of them is what passed, or less where that is not known."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from collector.config import MetricsSettings
from collector.publish.exposition.content_negotiation import CLASSIC
from collector.publish.exposition.page import Exposition
from collector.quality.counters.belief import Beliefs
from collector.reading import Device, InterfaceReading, Reading, SnmpOutcome

ROUTER = Device("r1", "192.0.2.1", "router", "Area", uplink_interface="up")
GIGABIT = 125e6
DAY = 86_400.0


class Page:
    """A router with an uplink and a port that count alike, and what a scrape after each poll shows of them."""

    def __init__(self, device: Device = ROUTER) -> None:
        self.device = device
        self.beliefs, self.page = Beliefs(), Exposition(MetricsSettings(), [device])
        self.at = 1000.0
        self.passed = 0
        self.shown: dict[str, list[int | None]] = {"up": [], "port": []}

    def take(
        self,
        octets: int | None,
        *,
        after: float = 10.0,
        up_for: float | None = None,
        snmp: SnmpOutcome = "answered",
        is_scraped: bool = True,
        names: tuple[str, ...] = ("up", "port"),
        **port: object,
    ) -> None:
        self.at += after
        values = {"speed_bytes_per_second": GIGABIT, "counter_bits": 32, **port}
        rows = tuple(
            InterfaceReading(name, i, receive_bytes=octets, transmit_bytes=octets, **values)  # type: ignore[arg-type]
            for i, name in enumerate(names, 1)
        )
        uptime = DAY + self.at if up_for is None else up_for
        reading, delta, traffic, _ = self.beliefs.take(
            self.device, Reading("r1", self.at, 0.1, snmp, uptime_seconds=uptime, interfaces=rows)
        )
        self.passed += 0 if traffic is None else traffic.receive_bytes or 0
        self.page.update(reading, restarted=delta.restarted, traffic=traffic)
        if is_scraped:
            self.scrape()

    def scrape(self) -> None:
        head = 'bairro_interface_receive_bytes_total{device="r1",interface="'
        lines = (line.removeprefix(head) for line in self.page.render().splitlines() if line.startswith(head))
        found = {name: int(value) for name, value in (line.split('"} ') for line in lines)}
        for name, values in self.shown.items():
            values.append(found.get(name))

    def increase(self, name: str) -> int:
        """By Prometheus's rule: a fall is a restart, and counts from 0."""
        values = [value for value in self.shown[name] if value is not None]
        return sum(new - old if new >= old else new for old, new in itertools.pairwise(values))


def wrapped(octets: float) -> int:
    return int(octets) % 2**32


@pytest.mark.parametrize("pace", [1, 6])
@pytest.mark.parametrize(
    ("speed", "rate"), [(GIGABIT, 1e3), (GIGABIT, 60e6), (GIGABIT, 122e6), (12.5e6, 12.4e6), (None, 12e6)]
)
def test_a_counter_that_goes_round_is_shown_as_one_that_does_not(speed, rate, pace):
    """However seldom the page is asked for: once a minute a full gigabit goes round between two scrapes."""
    page, chance, octets = Page(), random.Random(3), 3.5e9
    begun = octets
    for number in range(60):
        page.take(wrapped(octets), speed_bytes_per_second=speed, is_scraped=number % pace == 0)
        last = octets
        octets += 10.0 * rate * chance.uniform(0.9, 1.0)
    page.scrape()
    for name in ("up", "port"):
        assert page.increase(name) == page.shown[name][-1] == int(last) - int(begun)
        assert page.shown[name] == sorted(page.shown[name])


@pytest.mark.parametrize(
    ("counter", "speed"),
    [
        (lambda at: 400e6 * at, 40e6),
        (lambda at: 1100e6 * at, 1250e6),
        (lambda at: 700e6 * at + 15e8 * (at % 70 > 30), None),
    ],
    ids=["beyond what is stated", "fast enough to go round twice", "no speed"],
)
def test_what_may_have_gone_round_unseen_is_absent_and_no_standstill(counter: Callable[[float], float], speed):
    """A sum that stood still would say that nothing passed."""
    page = Page()
    for number in range(60):
        page.take(wrapped(counter(10.0 * number)), speed_bytes_per_second=speed)
    for name, values in page.shown.items():
        assert values[0] == 0
        assert set(values[10:]) == {None}, name
        assert page.increase(name) <= 0.02 * counter(600.0)


@pytest.mark.parametrize("glitch", [0, 2**32 - 1, 3_000_000_000])
def test_a_glitch_costs_its_poll_and_no_byte(glitch):
    page = Page()
    for number in range(40):
        page.take(glitch if number % 13 == 5 else 10**9 + number * 10**7)
    for name, values in page.shown.items():
        assert values == [None if n % 13 == 5 else n * 10**7 for n in range(40)], name


def test_a_device_that_restarts_takes_nothing_back_and_adds_nothing_that_nobody_saw():
    page = Page()
    for number in range(20):
        page.take(4 * 10**9 + number * 10**7)
    for number in range(20):
        page.take(5 * 10**7 + number * 10**7, up_for=5.0 + 10.0 * number)
    for name, values in page.shown.items():
        assert values == [*range(0, 20 * 10**7, 10**7), *range(19 * 10**7, 39 * 10**7, 10**7)], name
    assert page.passed == page.increase("up")


def test_a_restart_that_a_poll_without_interfaces_told_of_is_remembered():
    page = Page()
    for number in range(5):
        page.take(2**32 - 10**8 + number * 10**7)
    page.take(None, names=(), up_for=5.0)
    for number in range(5):
        page.take(3 * 10**8 + number * 10**7, up_for=15.0 + 10.0 * number)
    for name, values in page.shown.items():
        assert [value for value in values if value is not None][-1] == 8 * 10**7, name


def test_a_counter_that_is_set_back_adds_nothing():
    page = Page()
    for number in range(40):
        page.take(4 * 10**9 + number * 10**6 if number < 20 else 10**8 + number * 10**6, speed_bytes_per_second=12.5e6)
    assert page.increase("up") == page.passed
    assert page.increase("up") == page.increase("port") == 38 * 10**6


def test_the_series_go_on_over_polls_that_read_nothing_or_a_part():
    page = Page()
    page.take(4 * 10**9)
    page.take(wrapped(4.2e9))
    page.take(wrapped(4.4e9), names=("up",), snmp="partial")
    page.take(None, snmp="silent", names=())
    page.take(wrapped(4.8e9))
    assert page.shown["up"] == [0, 2 * 10**8, 4 * 10**8, 4 * 10**8, 8 * 10**8]
    assert page.shown["port"] == [0, 2 * 10**8, None, None, 8 * 10**8]


def test_another_width_begins_a_series_at_0():
    page = Page()
    for number in range(4):
        page.take(10**12 + number * 10**8, counter_bits=64)
    for number in range(4):
        page.take(4 * 10**9 + number * 10**8)
    for number in range(4):
        page.take(10**12 + number * 10**8, counter_bits=64)
    for name, values in page.shown.items():
        assert values[:4] == [10**12 + n * 10**8 for n in range(4)], name
        assert values[4:8] == values[8:] == [n * 10**8 for n in range(4)], name
        assert page.increase(name) == 9 * 10**8


def test_an_uplink_of_another_name_leaves_both_sums_where_they_are():
    page = Page()
    for number in range(4):
        page.take(4 * 10**9 + number * 10**8)
    page.device = replace(ROUTER, uplink_interface="port")
    page.page.replace([page.device])
    for number in range(4, 8):
        page.take(wrapped(4 * 10**9 + number * 10**8))
    for name, values in page.shown.items():
        assert [value for value in values if value is not None] == sorted(
            value for value in values if value is not None
        )
        assert page.increase(name) >= 6 * 10**8, name


def test_at_detail_area_a_probe_does_not_say_what_32_bit_counters_passed():
    cpe = Device("r1", "192.0.2.1", "cpe", "Area", uplink_interface="up")
    page = Exposition(MetricsSettings(cpe="area"), [cpe])
    rows = (
        InterfaceReading("up", 1, counter_bits=64, receive_bytes=7, transmit_bytes=7),
        InterfaceReading("port", 2, counter_bits=32, receive_bytes=7, transmit_bytes=7),
    )
    text = page.one(Reading("r1", 1.0, 0.1, "answered", interfaces=rows), CLASSIC)
    assert text.count("receive_bytes_total{") == 1


@pytest.mark.parametrize("kind", ["receive_errors", "transmit_discards"])
def test_packets_that_go_round_are_counted_and_shown_as_the_device_counts(kind):
    """Prometheus takes the fall for a restart, and misses no more than what passed until it."""
    page = Page()
    for number in range(10):
        page.take(10**12 + number * 10**6, counter_bits=64, **{kind: wrapped(2**32 - 45_000 + number * 10_000)})
        shown = page.page.render()
        assert f'bairro_interface_{kind}_total{{device="r1",interface="up"}}' in shown, number
    assert page.passed == 9 * 10**6
    assert not page.beliefs.refused


@pytest.mark.parametrize("seed", range(4))
def test_a_line_of_unknown_speed_that_nearly_goes_round_is_soon_not_known(seed):
    """It swings by a third above 2^32 a poll: some of its polls look like those of a line that passes little."""
    page, chance, octets = Page(), random.Random(seed), 0.0
    for _ in range(120):
        page.take(wrapped(octets), speed_bytes_per_second=None)
        octets += 4.6e9 * chance.uniform(2 / 3, 4 / 3)
    assert page.passed <= 0.01 * octets
    assert set(page.shown["port"][-60:]) == {None}


def test_a_counter_of_unknown_speed_that_jitters_by_a_packet_stays_known():
    page = Page()
    for number in range(60):
        page.take(10**9 + number // 3 * 10**6 - 1500 * (number % 3 == 2), speed_bytes_per_second=None)
    assert page.increase("up") >= 19 * 10**6
