"""Walks that follow the route of the last one: whatever a device does, they read what a first walk reads."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from collector.config import PingSettings
from collector.credentials import Credential
from collector.poll.device.walks.walk_cache import Bulk, Step
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import (
    GET_BULK,
    OCTETS,
    decode_any,
    encode_head,
    encode_oid,
    encode_request,
    encode_tlv,
)
from collector.poll.snmp.reply_parser import expected_rows, learn_layout
from collector.reading import Reading

from ...agents import QUICK, Mib, Serve, Served, answering, device, encode_integer, encode_reply, router, undated

IF, IF_X = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
PROFILES = load_profiles()
LEARNING = 4
"""Polls until a route is followed: names, then sizes, then the route itself."""


class Polls:
    """Polls of one agent by one poller that remembers, each beside one that knows nothing yet."""

    def __init__(self, served: Served, *, version: str = "2c") -> None:
        self.served = served
        self._version = version
        self._target = device(served.port)

    def run(self, changes: list[Callable[[], None]]) -> list[tuple[Reading, Reading]]:
        """Before each poll one change of the agent."""

        async def polls() -> list[tuple[Reading, Reading]]:
            remembering, read = await self._open(), []
            for change in changes:
                change()
                ours = await self._poll(remembering)
                fresh = await self._open()
                read.append((ours, await self._poll(fresh)))
                await fresh.close()
            await remembering.close()
            return read

        return asyncio.run(polls())

    async def _open(self) -> Poller:
        poller = Poller(QUICK, PingSettings(), [Credential("default", version=self._version)], PROFILES)  # type: ignore[arg-type]
        await poller.open()
        return poller

    async def _poll(self, poller: Poller) -> Reading:
        answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        poller.start(self._target, answered.set_result)
        return await asyncio.wait_for(answered, 60)


def stay() -> None:
    """Nothing changes."""


@pytest.mark.parametrize("seed", range(6))
def test_a_device_that_changes_at_random_is_read_as_at_first(serve: Serve, seed: int) -> None:
    """Counters of every size, rows that come, go and are renumbered, cells that vanish, ends that move."""
    chosen = random.Random(seed)
    mib = Mib(router(12))

    def change() -> None:
        rows, first = chosen.choice((12, 12, 12, 11, 13)), chosen.choice((1, 1, 1, 1, 130))
        objects = router(rows, first=first)
        for n in range(first, first + rows):
            for column, tag in ((f"{IF_X}.6", 0x46), (f"{IF_X}.10", 0x46), (f"{IF}.14", 0x41), (f"{IF}.20", 0x41)):
                bits = chosen.choice((7, 15, 16, 24, 31, 40, 48, 63)) if tag == 0x46 else chosen.choice((7, 8, 24, 31))
                objects[f"{column}.{n}"] = encode_integer(chosen.getrandbits(bits), tag)
            objects[f"{IF}.8.{n}"] = encode_integer(chosen.choice((1, 1, 2, 4)))
            objects[f"{IF_X}.15.{n}"] = encode_integer(chosen.choice((10, 100, 1000)), 0x42)
        if chosen.random() < 0.3:
            del objects[f"{chosen.choice((f'{IF}.8', f'{IF}.14', f'{IF}.19'))}.{first + chosen.randrange(rows)}"]
        mib.replace(objects)

    steady = [stay] * LEARNING
    read = Polls(serve(answering(mib.answer))).run([*steady, *[change, stay, stay] * 6, *steady, change])
    for ours, fresh in read:
        assert ours.snmp == fresh.snmp == "answered"
        assert undated(ours) == undated(fresh)
        assert ours.uptime_seconds == fresh.uptime_seconds


def test_a_known_walk_asks_the_same_and_reads_new_numbers(serve: Serve) -> None:
    mib = Mib(router(30))

    def count(octets: int) -> Callable[[], None]:
        return lambda: mib.replace(router(30) | {f"{IF_X}.6.17": encode_integer(octets, 0x46)})

    served = serve(answering(mib.answer))
    read = Polls(served).run([*[stay] * LEARNING, *(count(256**n) for n in range(8))])
    assert [ours.interfaces[16].receive_bytes for ours, _ in read[LEARNING:]] == [256**n for n in range(8)]
    assert all(undated(ours) == undated(fresh) for ours, fresh in read)


def test_a_port_that_is_shut_is_read_in_that_poll(serve: Serve) -> None:
    """States and speeds stand still in a known walk: one that changes is read at once, and so is all beside it."""
    mib = Mib(router(30))

    def turn(state: int, admin: int, speed: int) -> Callable[[], None]:
        def now() -> None:
            admins = {f"{IF}.7.{n}": encode_integer(1) for n in range(1, 31)}
            ours = {f"{IF}.8.17": encode_integer(state), f"{IF_X}.15.17": encode_integer(speed, 0x42)}
            mib.replace(router(30) | admins | ours | {f"{IF}.7.17": encode_integer(admin)})

        return now

    turns = [(1, 1, 1000), (2, 2, 1000), (2, 1, 1000), (1, 1, 100), (1, 1, 100), (2, 2, 100), (4, 3, 10), (1, 1, 1000)]
    turn(1, 1, 1000)()
    read = Polls(serve(answering(mib.answer))).run([*[stay] * LEARNING, *(turn(*each) for each in turns)])
    shown = [ours.interfaces[16] for ours, _ in read[LEARNING:]]
    assert [(row.is_up, row.is_admin_up, row.speed_bytes_per_second) for row in shown] == [
        (None if state == 4 else state == 1, admin == 1, speed * 125e3) for state, admin, speed in turns
    ]
    assert all(undated(ours) == undated(fresh) for ours, fresh in read)


def test_a_state_that_has_changed_is_no_longer_held_still() -> None:
    """The reply before the next change is another shape; from then on all states of that cell are of one shape."""
    head, prefixes = encode_head("2c", "public"), [encode_oid((1, 3, 6, 1, 2, 1, 2, 2, 1, 8))]
    packet = encode_request(GET_BULK, head, prefixes, second=2)
    request = decode_any(packet.data)

    def reply(first: int, second: int) -> bytes:
        states = {f"{IF}.8.1": encode_integer(first), f"{IF}.8.2": encode_integer(second)}
        return encode_reply(request, Mib(states).varbinds(GET_BULK, [bind.oid for bind in request.varbinds], 2))

    cells = expected_rows(reply(1, 1), head, prefixes)
    assert cells is not None
    still = frozenset((0, 1))
    layout = learn_layout(reply(1, 1), head, cells.values, still)
    step = Step(Bulk(bytearray(packet.data), packet.id_at, prefixes, 2), layout, cells.indexes, still)
    assert step.layout.numbers(reply(1, 1)) == ()
    assert step.layout.numbers(reply(2, 1)) is None
    assert step.learn_again(reply(2, 1), head)
    assert [step.layout.numbers(reply(state, 1)) for state in (1, 2, 3)] == [(1,), (2,), (3,)]
    assert step.layout.numbers(reply(1, 2)) is None


def test_a_name_that_changes_is_learnt_in_the_same_poll(serve: Serve) -> None:
    mib = Mib(router(5))

    def rename() -> None:
        mib.replace(router(5) | {f"{IF_X}.1.3": encode_tlv(OCTETS, b"other"), f"{IF_X}.18.3": encode_tlv(OCTETS, b"x")})

    read = Polls(serve(answering(mib.answer))).run([*[stay] * LEARNING, rename, stay, stay, stay])
    for ours, _ in read[LEARNING:]:
        assert (ours.interfaces[2].name, ours.interfaces[2].alias) == ("other", "x")


def test_version_1_walks_by_route_too(serve: Serve) -> None:
    mib = Mib(router(3))
    grown: list[Callable[[], None]] = [lambda: mib.replace(router(4))]
    read = Polls(serve(answering(mib.answer)), version="1").run([*[stay] * LEARNING, stay, *grown, stay])
    assert [len(ours.interfaces) for ours, _ in read] == [3] * 5 + [4] * 2
    assert all(undated(ours) == undated(fresh) for ours, fresh in read)


def test_a_known_walk_is_as_strict_as_a_first_one(serve: Serve) -> None:
    """After its learning polls the agent repeats its first rows for ever."""
    mib, is_stuck = Mib(router(40)), False

    def answer(data: bytes) -> list[bytes]:
        request = decode_any(data)
        if is_stuck and request.kind == GET_BULK:
            return [
                encode_reply(request, mib.varbinds(GET_BULK, [(*bind.oid[:-1], 0) for bind in request.varbinds], 2))
            ]
        return mib.answer(data)

    def stick() -> None:
        nonlocal is_stuck
        is_stuck = True

    ours, fresh = Polls(serve(answering(answer))).run([*[stay] * LEARNING, stay, stick])[-1]
    assert ours.snmp == fresh.snmp == "partial"
    assert "do not increase" in (ours.failure or "")


@pytest.mark.parametrize("fault", ["lost", "error", "truncated"])
def test_what_goes_wrong_on_the_way_is_borne(serve: Serve, fault: str) -> None:
    """One reply of a known walk is lost, is genErr, or comes cut short before it comes whole."""
    mib, left = Mib(router(60)), 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal left
        request = decode_any(data)
        whole = mib.answer(data)
        if request.kind != GET_BULK or not left:
            return whole
        left -= 1
        if left:
            return whole
        if fault == "error":
            return [encode_reply(request, [(bind.oid, b"\x05\x00") for bind in request.varbinds], error=(5, 1))]
        return [] if fault == "lost" else [whole[0][:-9], *whole]

    def break_the_third() -> None:
        nonlocal left
        left = 3

    read = Polls(serve(answering(answer))).run([*[stay] * LEARNING, break_the_third, stay, stay, stay, stay])
    for ours, fresh in read:
        assert ours.snmp == "answered"
        assert undated(ours) == undated(fresh)
