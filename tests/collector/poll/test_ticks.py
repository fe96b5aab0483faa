"""The poller's tick: one round at a time however polls start, and none once it is closed."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from collector.config import PingSettings
from collector.credentials import Credential
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.reading import Reading

from .agents import QUICK, Mib, Serve, answering, device, router

SLOW_TICKS = replace(QUICK, tick_seconds=0.05)


class Counting(Poller):
    """Counts its ticks."""

    ticks = 0

    def _tick(self) -> None:
        self.ticks += 1
        super()._tick()


def counting() -> Counting:
    return Counting(QUICK, PingSettings(), (Credential("default"),), load_profiles())


def test_polls_that_start_from_an_answer_begin_no_second_round_of_ticks(serve: Serve) -> None:
    """An upper bound from the clock: a slow machine ticks less often, never more."""
    served = serve(answering(Mib(router(2)).answer))

    async def run() -> tuple[int, float]:
        poller, ended = counting(), asyncio.Event()
        await poller.open()
        left = 30

        def again(_: object) -> None:
            nonlocal left
            left -= 1
            if left:
                poller.start(device(served.port), again)
            else:
                ended.set()

        began = time.monotonic()
        poller.start(device(served.port), again)
        await ended.wait()
        seconds = time.monotonic() - began
        await poller.close()
        return poller.ticks, seconds

    ticks, seconds = asyncio.run(run())
    assert ticks <= seconds / QUICK.tick_seconds + 5


def test_a_closed_poller_ticks_no_more(serve: Serve) -> None:
    served = serve(answering(lambda _: []))

    async def run() -> tuple[int, int]:
        poller = counting()
        await poller.open()
        poller.start(device(served.port), lambda _: None)
        await asyncio.sleep(5 * QUICK.tick_seconds)
        await poller.close()
        before = poller.ticks
        await asyncio.sleep(20 * QUICK.tick_seconds)
        return before, poller.ticks

    before, after = asyncio.run(run())
    assert 0 < before == after


def test_a_tick_that_fails_while_nothing_is_under_way_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> int:
        poller = counting()
        await poller.open()
        turns = 0

        def turn() -> float:
            nonlocal turns
            turns += 1
            return QUICK.tick_seconds

        def fails() -> None:
            poller.engine.receive = receives  # type: ignore[method-assign]
            raise OSError("broken socket")

        receives, poller.engine.receive = poller.engine.receive, fails  # type: ignore[method-assign]
        poller.drive(turn)
        while turns < 3:
            await asyncio.sleep(QUICK.tick_seconds)
        await poller.close()
        return turns

    assert asyncio.run(asyncio.wait_for(run(), 30)) >= 3
    assert "broken socket" in caplog.text


def test_a_long_walk_does_not_wait_for_ticks(serve: Serve) -> None:
    """Every request but the first few leaves when the answer before it came, so there are more of them than ticks."""
    served = serve(answering(Mib(router(240)).answer))

    async def run() -> tuple[int, int, int]:
        poller = Counting(SLOW_TICKS, PingSettings(), (Credential("default"),), load_profiles())
        await poller.open()
        answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        poller.start(device(served.port), answered.set_result)
        reading = await answered
        await poller.close()
        return poller.ticks, poller.counts.packets_sent, len(reading.interfaces)

    ticks, packets, interfaces = asyncio.run(run())
    assert interfaces == 240
    assert packets > 2 * ticks
