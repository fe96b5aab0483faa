"""Costly answers are made once for all who ask at once, and never before somebody asked."""

from __future__ import annotations

import asyncio

import pytest

from collector.publish.web.messages import Response, text
from collector.publish.web.shared_answers import SharedAnswers


class Maker:
    """Makes numbered answers, each once it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go = asyncio.Event()

    async def make(self, key: str) -> Response:
        self.begun.append(key)
        number = len(self.begun)
        await self.go.wait()
        if key == "broken":
            raise RuntimeError("no answer")
        return text(f"{key} {number}")


async def asked(shared: SharedAnswers[str], key: str, times: int) -> list[asyncio.Task[Response]]:
    tasks = [asyncio.create_task(shared.get(key)) for _ in range(times)]
    await asyncio.sleep(0.01)
    return tasks


def test_who_asks_while_one_is_made_shares_the_next() -> None:
    async def run() -> tuple[set[bytes], set[bytes], list[str]]:
        maker = Maker()
        shared = SharedAnswers(maker.make)
        first = await asked(shared, "page", 5)
        later = await asked(shared, "page", 100)
        maker.go.set()
        answers = [{(await task).body for task in tasks} for tasks in (first, later)]
        return answers[0], answers[1], maker.begun

    first, later, begun = asyncio.run(run())
    assert (first, later) == ({b"page 1"}, {b"page 2"})
    assert begun == ["page", "page"]


def test_one_is_made_at_a_time_whatever_was_asked_for() -> None:
    async def run() -> list[str]:
        maker = Maker()
        shared = SharedAnswers(maker.make)
        tasks = [*await asked(shared, "plain", 3), *await asked(shared, "packed", 3)]
        assert maker.begun == ["plain"]
        maker.go.set()
        return [(await task).body.decode() for task in tasks]

    assert asyncio.run(run()) == ["plain 1"] * 3 + ["packed 2"] * 3


def test_who_leaves_takes_nothing_from_the_others() -> None:
    async def run() -> bytes:
        maker = Maker()
        leaves, stays = await asked(SharedAnswers(maker.make), "page", 2)
        leaves.cancel()
        maker.go.set()
        answer = await stays
        assert isinstance(answer.body, bytes)
        return answer.body

    assert asyncio.run(run()) == b"page 1"


def test_a_fault_is_told_to_all_and_does_not_last() -> None:
    async def run() -> bytes:
        maker = Maker()
        maker.go.set()
        shared = SharedAnswers(maker.make)
        for task in await asked(shared, "broken", 3):
            with pytest.raises(RuntimeError, match="no answer"):
                await task
        (fine,) = await asked(shared, "page", 1)
        return bytes((await fine).pieces[0])  # type: ignore[arg-type]

    assert asyncio.run(run()) == b"page 2"
