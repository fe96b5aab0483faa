"""One poll of a device at a time, for everybody who wants it; one that never ends is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from collector import config
from collector.config import PingSettings, PollSettings
from collector.credentials import NO_SNMP
from collector.loop.in_flight import InFlight
from collector.loop.service import Collector
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.reading import Device, Reading

from ..fleet import Echoes

SETTINGS = """
inventory = "devices.csv"
data = "data"
[web]
port = 0
[ping]
timeout_seconds = 0.3
spacing_seconds = 0
[[credentials]]
name = "default"
community = "public"
"""


@pytest.fixture
def echoes(free_port: Callable[[], int]) -> Iterator[Echoes]:
    agents = Echoes(["core"], free_port())
    yield agents
    agents.close()


def test_only_polls_that_should_have_ended_long_ago_are_given_up() -> None:
    flights = InFlight(30.0)
    for at, name in enumerate(("a", "b", "c")):
        flights.begin(name, 10.0 * at)
    flights.end("b")
    assert list(flights.take_stuck(30.0)) == []
    assert list(flights.take_stuck(40.0)) == ["a"]
    assert "a" not in flights
    assert "c" in flights
    flights.begin("a", 40.0)
    assert list(flights.take_stuck(60.0)) == ["c"]
    assert list(flights.take_stuck(90.0)) == ["a"]


def test_who_waits_for_a_turn_to_send_is_not_given_up() -> None:
    flights = InFlight(30.0)
    flights.begin("a", 0.0)
    flights.hold_up(50.0)
    assert list(flights.take_stuck(60.0)) == []
    assert list(flights.take_stuck(81.0)) == ["a"]


def test_a_poll_that_was_given_up_answers_nobody_and_the_next_one_does(echoes: Echoes) -> None:
    device = Device("core", echoes.addresses["core"], "router", "A", credential=NO_SNMP, ping=f"echo:{echoes.port}")

    async def polled() -> tuple[list[Reading], list[Reading], int]:
        poller = Poller(PollSettings(), PingSettings(timeout_seconds=0.3), (), load_profiles())
        await poller.open()
        first: list[Reading] = []
        second: list[Reading] = []
        echoes.silent.add("core")
        poller.start(device, first.append)
        await asyncio.sleep(0.05)
        poller.drop("core")
        echoes.silent.clear()
        poller.start(device, second.append)
        while not second:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        in_flight = poller.in_flight
        await poller.close()
        return first, second, in_flight

    first, second, in_flight = asyncio.run(asyncio.wait_for(polled(), 30))
    assert first == []
    assert [reading.is_reachable for reading in second] == [True]
    assert in_flight == 0


def in_a_collector(folder: Path, echoes: Echoes, job: Callable[[Collector], Any]) -> Any:
    (folder / "collector.toml").write_text(SETTINGS)
    row = f"core,{echoes.addresses['core']}:9,router,centro,echo:{echoes.port}"
    (folder / "devices.csv").write_text(f"device_id,address,role,area,ping\n{row}\n")

    async def run() -> Any:
        collector = Collector(config.load(folder / "collector.toml"))
        await collector.open()
        try:
            return await job(collector)
        finally:
            await collector.close()

    return asyncio.run(asyncio.wait_for(run(), 60))


def test_two_probes_at_once_are_one_poll(tmp_path: Path, echoes: Echoes) -> None:
    async def job(collector: Collector) -> tuple[Reading | None, ...]:
        first, second = await asyncio.gather(collector._polls.probe("core"), collector._polls.probe("core"))
        return first, second, await collector._polls.probe("core")

    first, second, third = in_a_collector(tmp_path, echoes, job)
    assert first is second, "the second joined the poll in flight"
    assert third is not first
    assert third.at > first.at


def test_a_poll_that_never_ended_is_given_up_and_told(tmp_path: Path, echoes: Echoes) -> None:
    async def job(collector: Collector) -> tuple[Reading | None, Reading | None, Any]:
        collector._polls.in_flight.begin("core", float("-inf"))
        waiting = asyncio.create_task(collector._polls.probe("core"))
        await asyncio.sleep(0)
        await collector._tick()
        return await waiting, await collector._polls.probe("core"), collector._figures().polls_stuck

    given_up, again, stuck = in_a_collector(tmp_path, echoes, job)
    assert (given_up.is_reachable, given_up.failure) == (None, "the poll never ended")
    assert again.is_reachable
    assert stuck == 1
