"""Suspects asked again, and network devices asked half-way: who, when, and how many."""

from __future__ import annotations

import asyncio

import pytest

from collector.config import PingSettings
from collector.credentials import Credential
from collector.loop.out_of_turn import Halfway, Suspects, most_suspects
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.reading import Reading
from tests.collector.poll.agents import QUICK, Mib, Served, answering, device, router


def test_suspects_come_back_at_their_time_and_once() -> None:
    suspects = Suspects(10)
    for name, at in (("a", 108.0), ("b", 105.0), ("a", 106.0)):
        suspects.want(name, at)
    assert suspects.next_at() == 105.0
    assert suspects.due(104.9) == []
    assert suspects.due(106.0) == ["b"]
    assert suspects.due(200.0) == ["a"]
    assert suspects.due(300.0) == []
    assert suspects.next_at() is None


def test_when_half_the_network_is_silent_most_wait_for_their_turn() -> None:
    suspects = Suspects(most_suspects(100.0, 4, 8.0))
    for n in range(1000):
        suspects.want(f"r{n}", 100.0)
    assert len(suspects.due(100.0)) == 40, "a fifth of 100 packets a second for 8 s, four tries each"


@pytest.mark.parametrize(("interval", "due"), [(60.0, ["a"]), (30.0, [])])
def test_half_an_interval_after_its_turn(interval: float, due: list[str]) -> None:
    halfway = Halfway(interval)
    halfway.began("a", 1000.0)
    assert halfway.due(1029.0) == []
    assert halfway.due(1030.0) == due


@pytest.mark.parametrize("stops", [False, True], ids=["alive", "dead"])
def test_a_device_that_is_there_is_left_alone_and_one_that_is_not_is_told(stops: bool) -> None:
    served = Served(answering(Mib(router(2)).answer))

    async def run() -> tuple[int, bool]:
        poller = Poller(QUICK, PingSettings(), (Credential("default"),), load_profiles())
        await poller.open()
        answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        unanswered = asyncio.Event()
        poller.knock("d1", unanswered.set)
        poller.start(device(served.port), answered.set_result)
        await answered
        before, received = poller.counts.packets_sent, poller.counts.packets_received
        if stops:
            served.stop()
        poller.knock("d1", unanswered.set)
        while poller.counts.packets_received == received and not unanswered.is_set():
            await asyncio.sleep(0.01)
        sent = poller.counts.packets_sent - before
        await poller.close()
        return sent, unanswered.is_set()

    try:
        assert asyncio.run(run()) == ((2, True) if stops else (1, False))
    finally:
        if not stops:
            served.stop()
