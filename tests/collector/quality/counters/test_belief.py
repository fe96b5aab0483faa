"""What a device says and cannot be so: tables of (input, time) -> what is believed, shown and counted."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from collector.bounds import FIELDS
from collector.config import MetricsSettings
from collector.publish.exposition.page import Exposition
from collector.quality.counters.belief import Beliefs
from collector.reading import Device, InterfaceReading, ProbeReading, Reading, SignalReading

ROUTER = Device("r1", "192.0.2.1", "router", "Area", uplink_interface="eth0")
GIGABIT = 125e6
SECONDS = 5.0
RATE = 1_000_000
DAY = 86_400.0


class Polls:
    """A device that is polled every five seconds by a collector, and what a scraper of /metrics makes of it."""

    def __init__(self, device: Device = ROUTER) -> None:
        self.device = device
        self.is_scraped = True
        self.beliefs = Beliefs()
        self.exposition = Exposition(MetricsSettings(), [device])
        self.at = 1000.0
        self.bytes = 0
        self.restarts = 0
        self.shown: list[int] = []
        self.speeds: list[float] = []
        self.uptimes: list[float] = []
        self.shares: list[float] = []
        self.faults: tuple[str, ...] = ()
        self.odd: tuple[str, ...] = ()

    def take(self, receive: int | None, *, uptime: float | None = None, after: float = SECONDS, **port: object) -> None:
        """One more poll; the port sends as much as it receives unless told otherwise."""
        self.at += after
        values = {"speed_bytes_per_second": GIGABIT, "receive_bytes": receive, "transmit_bytes": receive, **port}
        interface = InterfaceReading("eth0", 1, **values)  # type: ignore[arg-type]
        up = DAY + self.at if uptime is None else uptime
        self.read(Reading("r1", self.at, 0.1, "answered", uptime_seconds=up, interfaces=(interface,)))

    def read(self, reading: Reading) -> None:
        believed, delta, traffic, self.faults = self.beliefs.take(self.device, reading)
        self.restarts += delta.restarted
        self.odd = believed.counter_oddities
        if traffic is not None:
            self.bytes += traffic.receive_bytes or 0
            self.shares += [] if traffic.utilization_ratio is None else [traffic.utilization_ratio]
        self.exposition.update(believed, restarted=delta.restarted, traffic=traffic)
        if self.is_scraped:
            self.scrape()

    def scrape(self) -> None:
        lines = self.exposition.render().splitlines()
        self.shown += [int(_value(line)) for line in lines if line.startswith("bairro_interface_receive_bytes_total{")]
        self.speeds = [_value(line) for line in lines if line.startswith("bairro_interface_speed_bytes_per_second{")]
        self.uptimes = [_value(line) for line in lines if line.startswith("bairro_device_uptime_seconds{")]

    @property
    def increase(self) -> int:
        """What Prometheus's increase() takes the shown counter to have grown by: all of it after each fall."""
        steps = zip(self.shown, self.shown[1:], strict=False)
        return sum(new - old if new >= old else new for old, new in steps)


def _value(line: str) -> float:
    return float(line.rsplit(" ", 1)[1])


@pytest.mark.parametrize("start", [0, 5 * 10**12, 2**62], ids=["young", "old", "very old"])
@pytest.mark.parametrize(
    ("glitch", "place"), [*((g, 3) for g in (0, 1, 2**64 - 1, 2**63, 12345, 10**19)), *((g, 0) for g in (0, 2**64 - 1))]
)
def test_a_glitch_costs_its_own_poll_and_no_byte(start, glitch, place):
    polls = Polls()
    for number in range(20):
        value = start + int(number * SECONDS * RATE)
        polls.take(glitch if number % 6 == place else value)
    assert polls.bytes <= 19 * SECONDS * RATE
    assert polls.bytes >= 17 * SECONDS * RATE
    assert polls.increase <= 19 * SECONDS * RATE


@pytest.mark.parametrize("length", range(2, 5))
def test_a_longer_glitch_costs_little_more_and_no_byte_too_many(length):
    polls = Polls()
    for number in range(30):
        polls.take(0 if 5 <= number < 5 + length else 5 * 10**12 + int(number * SECONDS * RATE))
    assert 29 - length - 2 <= polls.bytes / (SECONDS * RATE) <= 29
    assert polls.increase <= 29 * SECONDS * RATE


def test_a_glitch_of_one_direction_leaves_the_other():
    polls = Polls()
    for number in range(12):
        value = 5 * 10**12 + int(number * SECONDS * RATE)
        polls.take(value, transmit_bytes=0 if number == 5 else value)
    assert polls.bytes == 11 * SECONDS * RATE
    assert polls.beliefs.refused == {"transmit_bytes": 1}


def test_a_direction_that_is_always_nonsense_is_absent_and_the_other_counts():
    polls, chance = Polls(), random.Random(3)
    for number in range(40):
        polls.take(10**12 + int(number * SECONDS * RATE), transmit_bytes=chance.randrange(2**64))
    assert polls.bytes >= 35 * SECONDS * RATE


def test_glitches_at_random_never_make_traffic():
    """Whatever one poll in four says, no more is believed than has passed."""
    for seed in range(60):
        polls, chance = Polls(), random.Random(seed)
        polls.is_scraped = False
        for number in range(40):
            is_glitch = chance.random() < 0.25
            odd = chance.choice([0, 2**64 - 1, chance.randrange(2**64), chance.randrange(2**40)])
            polls.take(odd if is_glitch else 5 * 10**12 + int(number * SECONDS * RATE))
        assert polls.bytes <= 39 * SECONDS * RATE, seed


def test_a_counter_that_was_cleared_goes_on_from_there():
    polls = Polls()
    for number in range(12):
        polls.take(int(number * SECONDS * RATE) + (10**12 if number < 6 else 0))
    assert polls.bytes == 10 * SECONDS * RATE
    assert polls.restarts == 0


def test_a_counter_that_was_cleared_and_stands_still_is_shown_after_a_while():
    polls = Polls()
    for number in range(12):
        polls.take(10**12 if number < 3 else 0)
    assert polls.shown[-1] == 0
    assert polls.bytes == 0


@pytest.mark.parametrize(
    ("stated", "rates", "is_refuted"),
    [
        (1.25e6, [12e6] * 12, True),
        (1.25e6, [12e6, 0.1e6] * 6, True),
        (1.25e6, [1.2e6] * 12, False),
        (1.25e6, [1.2e6, 1.2e6, 1.5e6, 1.0e6] * 3, False),
        (GIGABIT, [1e6] * 12, False),
    ],
    ids=["96 Mbit/s on 10", "now and then", "full", "full, counted a little late", "hardly used"],
)
def test_a_speed_that_traffic_refutes_is_unknown(stated, rates, is_refuted):
    polls, value = Polls(), 10**9
    polls.take(value, speed_bytes_per_second=stated)
    for rate in rates:
        value += int(rate * SECONDS)
        polls.take(value, speed_bytes_per_second=stated)
    assert (polls.speeds == []) is is_refuted
    assert (polls.beliefs.refused["speed_bytes_per_second"] > 0) is is_refuted
    if is_refuted:
        before = len(polls.shares)
        polls.take(value + int(12e6 * SECONDS), speed_bytes_per_second=stated)
        assert len(polls.shares) == before, "no share of a speed that is not known"
    polls.take(value + int(13e6 * SECONDS), speed_bytes_per_second=GIGABIT)
    assert polls.speeds == [GIGABIT], "another speed is believed anew"


LEAPS = pytest.mark.parametrize("leap", [25e9, 50e9, 400e9])


@LEAPS
@pytest.mark.parametrize("every", [2, 6, 10])
def test_single_leaps_of_a_counter_are_no_faster_line(leap, every):
    """However often they come, and whoever reads them: their bytes are not believed, and the stated speed stands."""
    polls = Polls()
    for number in range(60):
        polls.take(10**9 + int(number * 10.0 * RATE + leap * ((number + 1) // every)), after=10.0)
    assert polls.bytes <= 59 * 10.0 * RATE
    assert polls.bytes >= 59 * 10.0 * RATE * (1 - 1.2 / every)
    assert polls.speeds == [GIGABIT]
    assert max(polls.shares) == pytest.approx(RATE / GIGABIT)
    assert polls.beliefs.refused["receive_bytes"] >= 60 // every - 1


@pytest.mark.parametrize(
    ("leap", "interval", "rate"),
    [(2e9, 10.0, 1e6), (5e9, 10.0, 6e7), (24e9, 30.0, 1e6), (24e9, 60.0, 1e7), (50e9, 60.0, 1e7), (-1e9, 10.0, 1e6)],
)
@pytest.mark.parametrize("every", [2, 6, 60])
def test_what_a_single_leap_brought_is_neither_in_the_history_nor_on_the_page(leap, interval, rate, every):
    polls = Polls()
    polls.take(10**12)
    for number in range(1, 61):
        polls.take(10**12 + int(number * interval * rate + leap * ((number + 1) // every)), after=interval)
    true = 60 * interval * rate
    assert true * (1 - 1.2 / every) <= polls.bytes <= true
    assert true * (1 - 1.2 / every) <= polls.increase <= true


def test_leaps_of_a_line_that_may_be_faster_leave_its_speed_unknown_and_no_leap_believed():
    polls = Polls()
    for number in range(40):
        polls.take(10**9 + int(number * 10.0 * RATE + 5e9 * ((number + 1) // 6)), after=10.0)
    assert polls.speeds == []
    assert polls.bytes <= 39 * 10.0 * RATE
    assert max(polls.shares) == pytest.approx(RATE / GIGABIT)


@LEAPS
def test_leaps_of_one_direction_cost_the_other_a_poll_at_most(leap):
    polls = Polls()
    for number in range(60):
        sent = number * 10.0 * RATE + leap * ((number + 1) // 6)
        polls.take(10**9 + int(number * 10.0 * RATE), transmit_bytes=10**9 + int(sent), after=10.0)
    assert 49 * 10.0 * RATE <= polls.bytes <= 59 * 10.0 * RATE
    assert max(polls.shares) == pytest.approx(RATE / GIGABIT)


@pytest.mark.parametrize(
    "rates",
    [[500e6] * 12, [500e6, 500e6, 1e6, 1e6] * 5, [3000e6, 400e6, 1e6, 1e6] * 5],
    ids=["always", "two", "fading"],
)
def test_a_line_that_is_faster_for_more_than_a_poll_refutes_its_speed(rates):
    polls, value = Polls(), 10**9
    polls.take(value)
    for rate in rates:
        value += int(rate * 10.0)
        polls.take(value, after=10.0)
    assert polls.speeds == []
    assert polls.bytes >= 0.6 * (value - 10**9)


def test_errors_that_are_nonsense_refute_no_speed():
    polls, chance = Polls(), random.Random(8)
    for number in range(40):
        polls.take(10**9 + int(number * SECONDS * RATE), receive_errors=chance.randrange(2**32))
    assert polls.speeds == [GIGABIT]
    assert polls.bytes >= 37 * SECONDS * RATE


def test_bytes_that_a_poll_has_not_read_are_counted_with_the_next():
    polls = Polls()
    for number in range(21):
        polls.take(None if number % 3 == 1 else 10**12 + int(number * SECONDS * RATE))
    assert polls.bytes == 20 * SECONDS * RATE


ON_TIME = (5.0, 0.0, 1.25e6)
LATE = (5.0, 6.0, 1.25e6)
UNTOLD = (5.0, 0.0, None)
LOST = None


OF_A_WRONG_SPEED = pytest.mark.parametrize(
    ("polls_taken", "most"),
    [
        ([ON_TIME], 8),
        ([LATE, ON_TIME], 10),
        ([ON_TIME, LATE, ON_TIME, ON_TIME], 10),
        ([ON_TIME, LOST], 12),
        ([ON_TIME, LOST, LOST, LOST], 12),
        ([ON_TIME, UNTOLD], 12),
        ([ON_TIME, ON_TIME, ON_TIME, UNTOLD, UNTOLD], 16),
        ([(0.2, 0.0, 1.25e6), (9.8, 0.0, 1.25e6)], 12),
        ([(20.0, 4.0, 1.25e6), (1.0, 0.0, 1.25e6), (7.0, 2.0, 1.25e6)], 8),
    ],
    ids=["on time", "late", "one of four late", "lost", "mostly lost", "untold", "now untold", "in pairs", "irregular"],
)


@OF_A_WRONG_SPEED
@pytest.mark.parametrize("is_scraped", [True, False], ids=["each scraped", "only the last scraped"])
def test_a_speed_is_refuted_however_late_or_seldom_polls_are_answered(polls_taken, most, is_scraped):
    """Each poll: how long after the last it left, how late the request left that was answered, the speed that is stated."""
    polls = Polls()
    polls.is_scraped = is_scraped
    polls.take(10**9, speed_bytes_per_second=1.25e6)
    for poll in [*polls_taken * 12][:most]:
        if poll is None:
            polls.at += SECONDS
            polls.read(Reading("r1", polls.at, 2.0, "silent"))
            continue
        after, late, speed = poll
        counted = 10**9 + int(12e6 * (polls.at + after + late - 1005.0))
        polls.take(counted, after=after, speed_bytes_per_second=speed, late_seconds=late or None)
    polls.take(10**9 + int(12e6 * (polls.at + 10.0 - 1005.0)), after=10.0, speed_bytes_per_second=1.25e6)
    polls.scrape()
    assert polls.speeds == []
    assert polls.beliefs.refused["speed_bytes_per_second"] == 1
    before = polls.bytes
    polls.take(10**9 + int(12e6 * (polls.at + 10.0 - 1005.0)), after=10.0, speed_bytes_per_second=None)
    polls.take(10**9 + int(12e6 * (polls.at + 5.0 - 1005.0)), speed_bytes_per_second=1.25e6)
    assert polls.speeds == [], "a poll that states no speed refutes nothing"
    assert polls.bytes - before == 15 * 12_000_000


@OF_A_WRONG_SPEED
@pytest.mark.parametrize("scraped_every", [1, 2, 5, 99])
def test_a_speed_of_one_of_many_interfaces_is_refuted_however_seldom_the_page_is_asked_for(
    polls_taken, most, scraped_every
):
    polls = Polls()
    polls.is_scraped = False
    taken = [*polls_taken * 12][:most]
    for number, poll in enumerate([ON_TIME, *taken, ON_TIME, ON_TIME]):
        after, late, speed = poll or ON_TIME
        polls.at += after
        octets = 10**9 + int(12e6 * (polls.at + late))
        values = {"receive_bytes": octets, "transmit_bytes": octets, "late_seconds": late or None}
        ports = (
            InterfaceReading("eth0", 1, speed_bytes_per_second=GIGABIT, **values),
            InterfaceReading("eth1", 2, speed_bytes_per_second=speed, **values),
        )
        up = DAY + polls.at
        whole = Reading("r1", polls.at, 0.1, "answered", uptime_seconds=up, interfaces=ports)
        polls.read(Reading("r1", polls.at, 2.0, "silent") if poll is None else whole)
        if number % scraped_every == scraped_every - 1:
            polls.scrape()
    polls.scrape()
    assert polls.speeds == [GIGABIT]


@pytest.mark.parametrize("unseen", range(1, 4))
def test_counters_of_a_device_that_restarted_are_shown_at_once_however_seldom_the_page_is_asked_for(unseen):
    polls = Polls()
    polls.is_scraped = False
    for number in range(10):
        octets = 10**12 + number * 5000 if number + unseen < 10 else number * 5000
        ports = tuple(
            InterfaceReading(name, i, speed_bytes_per_second=GIGABIT, receive_bytes=octets, transmit_bytes=octets)
            for i, name in enumerate(("eth0", "eth1"))
        )
        up = DAY + number * SECONDS if number + unseen < 10 else (number + unseen - 9.5) * SECONDS
        polls.at += SECONDS
        polls.read(Reading("r1", polls.at, 0.1, "answered", uptime_seconds=up, interfaces=ports))
    polls.scrape()
    assert polls.restarts == 1
    assert polls.shown == [45_000, 45_000]


def test_narrow_counters_that_pass_little_again_and_again_refute_a_speed_that_they_are_beyond():
    """They may have gone round unseen, until so many polls in a row show so little that chance does not: then it is known."""
    polls, value = Polls(), 10**6
    for number in range(120):
        polls.take(value % 2**32, counter_bits=32, speed_bytes_per_second=1.25e6)
        value += int(12e6 * SECONDS)
        assert number > 4 or not polls.bytes
    assert polls.bytes >= 110 * 12e6 * SECONDS
    assert polls.bytes <= 119 * 12e6 * SECONDS
    assert (polls.shares, polls.speeds) == ([], [])


@pytest.mark.parametrize("seed", range(5))
def test_narrow_counters_of_which_a_poll_says_nothing_are_not_known(seed):
    """400 MB/s on a line that states a tenth of that: they go round more than once between polls."""
    polls, chance, value = Polls(), random.Random(seed), 0
    for _ in range(60):
        value += int(400e6 * 30.0 * chance.uniform(0.8, 1.2))
        polls.take(value % 2**32, counter_bits=32, speed_bytes_per_second=40e6, after=30.0)
    assert polls.bytes <= 0.02 * value, "before it shows"


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("late", [2.0, 5.0])
def test_a_full_line_that_is_answered_late_loses_no_byte(bits, late):
    """By up to so many seconds, as the poll's duration tells."""
    polls, chance, values, speed = Polls(), random.Random(7), [], 12.5e6
    for _ in range(200):
        polls.at += 10.0
        delay = late * chance.random()
        values.append(int((polls.at + delay) * speed) % 2**bits)
        port = InterfaceReading("eth0", 1, None, True, speed, bits, values[-1], values[-1])
        polls.read(Reading("r1", polls.at, delay, "answered", uptime_seconds=polls.at, interfaces=(port,)))
    passed = sum((new - old) % 2**bits for old, new in itertools.pairwise(values))
    assert passed - 3 * 10.0 * speed <= polls.bytes <= passed, "but for a poll that waits for the next"
    assert polls.odd == ()
    assert polls.speeds == [speed]


def test_a_glitch_now_and_then_refutes_no_speed_of_narrow_counters():
    polls, chance = Polls(), random.Random(4)
    for number in range(200):
        value = 10**9 + int(number * SECONDS * RATE)
        odd = value + 10**9 + chance.randrange(10**9)
        polls.take(odd if number % 7 == 3 else value, counter_bits=32)
    assert polls.speeds == [GIGABIT]
    assert polls.bytes <= 200 * SECONDS * RATE


NARROW_GLITCHES = {
    "zero": lambda value, chance: 0,
    "all ones": lambda value, chance: 2**32 - 1,
    "always the same": lambda value, chance: 10**9,
    "too high by the same": lambda value, chance: (value + 2 * 10**9) % 2**32,
    "too high by anything": lambda value, chance: (value + chance.randrange(10**9, 2**31)) % 2**32,
}


@pytest.mark.parametrize("glitch", NARROW_GLITCHES.values(), ids=NARROW_GLITCHES)
@pytest.mark.parametrize(("rate", "one_in"), [(RATE // 5, 2), (RATE // 5, 6), (20 * RATE, 4), (60 * RATE, 6)])
def test_narrow_counters_that_cannot_have_gone_round_unseen_are_known_however_often_they_glitch(glitch, rate, one_in):
    """A gigabit carries less than 2^32 bytes in five seconds, and what fits does so too closely for chance."""
    polls, chance = Polls(), random.Random(4)
    polls.is_scraped = False
    for number in range(121):
        value = (28 * 10**8 + int(number * SECONDS * rate)) % 2**32
        polls.take(glitch(value, chance) if number % one_in == 1 else value, counter_bits=32)
    if glitch is NARROW_GLITCHES["always the same"] and rate > RATE:
        assert "may_have_wrapped" not in polls.odd, (
            "at times the line is near that value, and a poll seems to bring more"
        )
    else:
        assert polls.odd == ()
        assert polls.bytes == 120 * SECONDS * rate


@pytest.mark.parametrize("every", [6, 12])
@pytest.mark.parametrize("rate", [0.2e6, 20e6, 60e6])
def test_a_narrow_counter_that_is_cleared_now_and_then_has_not_gone_round(rate, every):
    polls, value = Polls(), 3 * 10**9
    polls.is_scraped = False
    for number in range(120):
        value = int(2 * rate) if number % every == every - 1 else value + int(SECONDS * rate)
        polls.take(value % 2**32, counter_bits=32)
    assert polls.odd == ("set_back",)
    assert (1 - 1.1 / every) * 119 * SECONDS * rate <= polls.bytes <= 119 * SECONDS * rate


def test_narrow_counters_of_unknown_speed_are_known_to_have_gone_round_by_what_they_passed_lately():
    polls, chance, value = Polls(), random.Random(1), 2**32 - 900_000_000
    begun = value
    for _ in range(60):
        polls.take(value % 2**32, counter_bits=32, speed_bytes_per_second=None)
        last = value - begun
        value += int(12e6 * SECONDS * chance.uniform(0.5, 1.5))
    assert polls.bytes == last


def test_a_narrow_counter_of_unknown_speed_that_was_cleared_did_not_go_round():
    polls = Polls()
    for number in range(40):
        value = 3 * 10**9 + number * 5 * RATE if number < 20 else (number - 20) * 5 * RATE + 10**7
        polls.take(value, counter_bits=32, speed_bytes_per_second=None)
    assert polls.bytes == 38 * 5 * RATE


@pytest.mark.parametrize("rate", [20e6, 100e6])
def test_counters_of_64_bits_that_go_round_at_32_lose_nothing_once_that_shows(rate):
    polls = Polls()
    for number in range(400):
        polls.take(int(3.5e9 + number * SECONDS * rate) % 2**32)
    assert 0.98 * 399 * SECONDS * rate <= polls.bytes <= 399 * SECONDS * rate
    assert 0.95 * 399 * SECONDS * rate <= polls.increase <= 400 * SECONDS * rate


@pytest.mark.parametrize("interval", [5.0, 10.0, 30.0, 60.0])
@pytest.mark.parametrize("rate", [1e6, 20e6, 100e6])
def test_counters_of_64_bits_that_are_cleared_again_and_again_do_not_go_round(interval, rate):
    """Every five minutes: at polls each 30 s a gigabit would carry 2^32 bytes less what was cleared."""
    polls = Polls()
    for number in range(200):
        polls.take(int(rate * (number * interval % 300.0)), after=interval)
    assert polls.bytes <= 199 * interval * rate
    assert polls.increase <= 199 * interval * rate


def test_counters_of_64_bits_that_may_go_round_at_32_unseen_are_not_known():
    polls, early = Polls(), 0
    for number in range(60):
        polls.take(int(3.5e9 + number * 60.0 * 100e6) % 2**32, after=60.0)
        early = polls.bytes if number == 12 else early
    assert polls.bytes == early


def test_a_capacity_of_the_inventory_wins_over_a_refuted_speed():
    polls = Polls(replace(ROUTER, capacity_receive_bytes_per_second=24e6))
    for number in range(8):
        polls.take(10**9 + int(number * 12e6 * SECONDS), transmit_bytes=None, speed_bytes_per_second=1.25e6)
    assert polls.shares[-1] == 0.5


@pytest.mark.parametrize("interval", [5.0, 10.0, 15.0])
def test_a_counter_that_falls_stands_and_comes_back_has_passed_nothing_with_that(interval):
    """As where another row bears the interface's name for a while."""
    polls = Polls()
    for number in range(120):
        at = int(number * interval)
        polls.take(10**9 + RATE * at if at // 30 % 2 == 0 else 0, after=interval)
    assert polls.bytes <= 119 * interval * RATE
    assert polls.increase <= 119 * interval * RATE
    assert "cached" not in polls.odd
    assert "set_aside" in polls.odd


# --- what is said of it ---


@pytest.mark.parametrize(
    ("counter", "port", "odd", "unknown"),
    [
        (lambda n: 10**9 + n * 5 * RATE, {}, (), ()),
        (lambda n: 10**9 + n // 12 * 60 * 100 * RATE, {}, ("cached",), ()),
        (lambda n: 10**9 + n * 5 * RATE + 10**12 * (n > 50), {}, ("leap",), ("leap",)),
        (lambda n: 10**9 * (n < 50) + n * 5 * RATE, {}, ("set_back",), ("set_back",)),
        (lambda n: 10**12 * (n < 59) + n * 5 * RATE, {}, (), ()),
        (lambda n: n * 5 * 400 * RATE % 2**32, {"counter_bits": 32}, None, ("may_have_wrapped",)),
        (lambda n: n * 2500 * RATE % 2**32, {"counter_bits": 32, "speed_bytes_per_second": 1e10}, None, ("may_have_wrapped",)),
        (lambda n: (4 * 10**9 + n * 5 * 20 * RATE) % 2**32, {}, None, ("set_back",)),
        (lambda n: n * 5 * 100 * RATE % 2**32, {}, ("set_back", "wraps_at_32_bits"), ("set_back",)),
        (lambda n: 10**9 + n * 5 * 500 * RATE, {}, ("speed_unknown",), ()),
        (lambda n: 10**9 + n * 5 * 12 * RATE, {"counter_bits": 32, "speed_bytes_per_second": 1.25e6}, None, None),
    ],
)  # fmt: skip
def test_what_is_odd_about_the_counters_is_told_and_counted(counter, port, odd, unknown):
    polls = Polls()
    polls.is_scraped = False
    for number in range(60):
        polls.take(counter(number), **port)
    assert odd is None or polls.odd == odd
    assert unknown is None or tuple(polls.beliefs.unknown) == unknown


def test_a_row_that_changes_its_number_is_told_for_an_hour():
    polls, indices = Polls(), [1, 1, 2, 2] + [2] * 725
    polls.is_scraped, told = False, []
    for number, index in enumerate(indices):
        polls.at += SECONDS
        value = 10**9 + int(number * SECONDS * RATE)
        port = InterfaceReading("eth0", index, None, True, GIGABIT, 64, value, value)
        polls.read(Reading("r1", polls.at, 0.1, "answered", uptime_seconds=polls.at, interfaces=(port,)))
        told.append(polls.odd)
    assert told[1] == told[-1] == ()
    assert told[2] == told[700] == ("renumbered",)
    assert polls.bytes == (len(indices) - 1) * SECONDS * RATE


# --- clocks ---


def test_an_uptime_that_steps_back_a_little_is_no_restart_and_loses_no_traffic():
    polls = Polls()
    for number in range(40):
        step = 21.0 * (number // 4 % 2)
        polls.take(10**9 + int(number * SECONDS * RATE), uptime=DAY + polls.at + SECONDS - step)
    assert (polls.restarts, polls.faults) == (0, ())
    assert polls.bytes == 39 * SECONDS * RATE


@pytest.mark.parametrize(
    ("uptime", "counter", "restarts"),
    [(3.0, 100, 1), (3.0, 5 * 10**12 + RATE, 0), (9.0, 100, 1), (40.0, 100, 0), (80_000.0, 100, 0)],
    ids=["young", "young, but the counters ran on", "by a hair", "older than the gap", "much older than the gap"],
)
def test_a_restart_is_believed_if_the_devices_own_clock_allows_it(uptime, counter, restarts):
    polls = Polls()
    polls.take(5 * 10**12)
    polls.take(counter, uptime=uptime)
    assert polls.restarts == restarts


def test_a_boot_clock_that_fell_bears_a_restart_out_whatever_counters_say():
    polls = Polls()
    polls.take(5 * 10**12)
    port = InterfaceReading("eth0", 1, None, True, GIGABIT, 64, 5 * 10**12 + 5, 5 * 10**12 + 5)
    for uptime, boot in ((DAY + polls.at + SECONDS, 9e6), (2.0, 2.0)):
        polls.at += SECONDS
        polls.read(Reading("r1", polls.at, 0.1, "answered", True, None, uptime, boot, None, (port,)))
    assert polls.restarts == 1


@pytest.mark.parametrize("pattern", ["AB", "AAABBB", "AAB", "ABBBBB"])
@pytest.mark.parametrize("other", [40_000.0, 9e6], ids=["younger", "older"])
def test_two_devices_at_one_address_are_said_to_be_that_and_never_mixed(pattern, other):
    polls, since = Polls(), 1000.0
    counters = {"A": (10**12, 2_000_000), "B": (10**12 + 10**8, 3_000)}
    for number in range(60):
        who = pattern[number % len(pattern)]
        start, rate = counters[who]
        elapsed = polls.at + SECONDS - since
        polls.take(start + int(elapsed * rate), uptime=elapsed + (DAY if who == "A" else other))
    assert polls.faults == ("two_devices",)
    assert polls.restarts == 0
    assert polls.bytes <= 60 * SECONDS * 2_000_000
    assert polls.increase <= 60 * SECONDS * 2_000_000
    for _ in range(25):
        elapsed = polls.at + SECONDS - since
        polls.take(10**12 + int(elapsed * 2_000_000), uptime=elapsed + DAY)
    assert polls.faults == (), "one of them is gone"


def test_a_clock_that_errs_once_costs_little():
    for odd in (0.0, 2.0, 9_000.0, 4e7):
        polls = Polls()
        for number in range(20):
            polls.take(number * 1000, uptime=odd if number == 9 else DAY + polls.at + SECONDS)
        assert polls.faults == ()
        assert polls.bytes >= 16 * 1000
        assert polls.restarts == (odd < 5.0), "so young a counter proves nothing"


@pytest.mark.parametrize("clock", [lambda number: 0.0, lambda number: 77.0, lambda number: 1e6 * (7 * number % 11 + 1)])
def test_a_device_without_a_clock_has_traffic_and_no_restarts(clock):
    polls = Polls()
    for number in range(40):
        polls.take(10**12 + number * 1000, uptime=clock(number))
    assert (polls.restarts, polls.faults) == (0, ())
    assert polls.bytes >= 30 * 1000


def test_counters_that_take_turns_under_one_clock_are_no_second_device():
    polls = Polls()
    for number in range(40):
        elapsed = polls.at + SECONDS
        polls.take(int(elapsed * 9_000) + (10**12 if number % 2 else 10**9))
        assert polls.faults == ()
        assert polls.uptimes, "the clock is above suspicion"
    assert polls.bytes <= 40 * SECONDS * 9_000


ODD_COUNTERS = {
    "+2^63": lambda value: value + 2**63,
    "+2^32": lambda value: value + 2**32,
    "+1e15": lambda value: value + 10**15,
    "without its top 32 bits": lambda value: value % 2**32,
    "half": lambda value: value // 2,
    "a step back of 10 MB": lambda value: value - 10**7,
    "zero": lambda value: 0,
}


@pytest.mark.parametrize("odd", ODD_COUNTERS.values(), ids=ODD_COUNTERS)
@pytest.mark.parametrize("one_in", [3, 6, 7])
def test_glitches_again_and_again_are_no_second_device(odd, one_in):
    polls = Polls()
    for number in range(240):
        value = 5 * 10**12 + int(number * SECONDS * RATE)
        polls.take(odd(value) if number % one_in == one_in - 1 else value)
        assert polls.faults == ()
    good = sum(number % one_in != one_in - 1 for number in range(1, 240))
    assert polls.bytes >= (good - 3) * SECONDS * RATE
    assert max(polls.bytes, polls.increase) <= 239 * SECONDS * RATE


@pytest.mark.parametrize(
    ("cache", "share"),
    [
        (10, 0.97),
        (15, 0.97),
        (18, 0.97),
        (25, 0.97),
        (30, 0.97),
        (45, 0.8),
        (50, 0.6),
        (90, 0.6),
        (120, 0.6),
        (300, 0.3),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_an_agent_that_caches_its_counters_is_no_second_device(cache, share, seed):
    """Its clock runs on smoothly while its counters stand still for a while and then make up for it."""
    polls, chance, speed = Polls(), random.Random(seed), 1.25e6
    since, drift = polls.at, chance.random() * cache
    for number in range(120):
        after = 60.0 + chance.random() * 3 * seed
        renewed = int((polls.at + after + drift) / cache) * cache
        polls.take(10**12 + int(renewed * share * speed), after=after, speed_bytes_per_second=speed)
        assert polls.faults == (), number
        assert polls.uptimes
    assert polls.bytes <= (polls.at - since + cache) * share * speed


@pytest.mark.parametrize("cache", [1.25, 2, 3, 6, 10, 12.5, 18, 30, 60, 120])
@pytest.mark.parametrize("interval", [5.0, 60.0])
def test_a_cache_refutes_no_speed_and_loses_no_byte(cache, interval):
    polls, speed = Polls(), 1.25e6
    values = []
    for _ in range(120):
        renewed = int((polls.at + interval) / cache) * cache
        values.append(10**12 + int(renewed * 0.97 * speed))
        polls.take(values[-1], after=interval, speed_bytes_per_second=speed)
    for _ in range(int(400 / interval) + 2):  # nothing passes any more, so that all is told
        polls.take(values[-1], after=interval, speed_bytes_per_second=speed)
    assert polls.speeds == [speed]
    assert polls.beliefs.refused["speed_bytes_per_second"] == 0
    assert values[-1] - values[0] - polls.bytes <= (cache + interval) * speed, "but for the poll that waits"
    assert polls.bytes <= values[-1] - values[0]
    if cache <= 4 * interval:
        assert any(share > 0.9 for share in polls.shares)


def test_packets_that_glitch_for_two_polls_are_not_taken_for_late_ones():
    polls, errors = Polls(), 0
    for number in range(20):
        polls.at += SECONDS
        odd = 10**9 + number if number in (7, 8) else number
        value = 10**12 + int(number * SECONDS * RATE)
        port = InterfaceReading("eth0", 1, None, True, 1.25e6, 64, value, value, odd, 0)
        reading = Reading("r1", polls.at, 0.1, "answered", uptime_seconds=polls.at, interfaces=(port,))
        traffic = polls.beliefs.take(ROUTER, reading).traffic
        errors += (traffic and traffic.error_packets) or 0
    assert errors <= 19


def test_a_stated_speed_that_dips_for_one_poll_fills_no_line():
    polls = Polls()
    for number in range(20):
        speed = 1.25e6 if number % 8 == 7 else GIGABIT
        polls.take(10**12 + int(number * SECONDS * 2e6), speed_bytes_per_second=speed)
    assert polls.shares == pytest.approx([2e6 / GIGABIT] * 19)


def test_the_uptime_of_two_devices_is_absent():
    polls = Polls()
    for number in range(20):
        uptime = polls.at + SECONDS + (DAY if number % 2 else 40_000.0)
        polls.take(10**12 + number * 1000, uptime=uptime)
    assert (polls.faults, polls.uptimes) == (("two_devices",), [])


def test_a_device_that_was_exchanged_for_one_long_up_is_one_device():
    polls = Polls()
    for number in range(60):
        is_new = number >= 5
        polls.take(number * 1000 + (7 if is_new else 10**12), uptime=polls.at + (9e6 if is_new else DAY))
        assert polls.faults == ()
    assert polls.restarts == 0
    assert polls.bytes <= 59 * 1000


# --- values ---


@pytest.mark.parametrize(
    ("field", "value", "is_possible"),
    [
        ("received_dbm", -65.0, True),
        ("received_dbm", 4294967231.0, False),
        ("received_dbm", float("nan"), False),
        ("received_dbm", float("inf"), False),
        ("received_dbm", -2147483648.0, False),
        ("noise_ratio_db", 95.0, True),
        ("noise_ratio_db", 4294967326.0, False),
        ("noise_dbm", 95.0, False),
        ("quality_ratio", 0.92, True),
        ("quality_ratio", 92.0, False),
        ("quality_ratio", -0.01, False),
    ],
)
def test_a_level_that_cannot_be_is_absent_and_counted(field, value, is_possible):
    polls = Polls()
    good = SignalReading("1", -60.0, 20.0, noise_dbm=-90.0, quality_ratio=0.5)
    believed = polls.beliefs.take(
        ROUTER, Reading("r1", 1.0, 0.1, "answered", signals=(good._replace(**{field: value}),))
    )
    (signal,) = believed.reading.signals
    assert getattr(signal, field) == (value if is_possible else None)
    assert signal._replace(**{field: None}) == good._replace(**{field: None}), "the others stay"
    assert polls.beliefs.refused == ({} if is_possible else {field: 1})


def test_a_probe_that_loses_more_than_all_has_no_loss():
    polls = Polls()
    reading = Reading("r1", 1.0, 0.1, "answered", probes=(ProbeReading("a", 0.01, -1.0, 1.5),))
    assert polls.beliefs.take(ROUTER, reading).reading.probes == (ProbeReading("a", 0.01),)


def test_every_bound_says_why():
    assert all(bound.reason and bound.least < bound.most for bound in FIELDS.values())


@pytest.mark.parametrize("glitch", [0, 2**32 - 1])
def test_codewords_of_a_glitch_are_not_counted(glitch):
    beliefs, total, shown = Beliefs(), 0, []
    port = InterfaceReading("eth0", 1)
    for number in range(12):
        counts = (glitch,) * 3 if number == 5 else (2 * 10**9 + number * 1000, 10**9, 10**9)
        signal = SignalReading("1", 1.0, 30.0, *counts)
        at = 60.0 * number
        believed = beliefs.take(
            ROUTER, Reading("r1", at, 0.1, "answered", uptime_seconds=at, interfaces=(port,), signals=(signal,))
        )
        total += believed.delta.codewords_total or 0
        shown.append(believed.reading.signals[0].codewords_unerrored)
    assert total == 9 * 1000
    assert shown[5] is None
