"""What a device that misbehaves costs the others polled beside it: nothing. It is marked, counted and logged once."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import pytest

from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.counts import PollCounts
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import GET, OCTETS, decode_any, encode_tlv
from collector.reading import Device, Reading

from ..agents import QUICK, Mib, Serve, Served, answering, device, encode_integer, encode_reply, router

PROFILES = load_profiles()
NEIGHBOURS = 8
SETTINGS = dataclasses.replace(QUICK, timeout_seconds=4.0, budget_seconds=100.0, max_rows=300)


class Beside:
    """One bad device and its neighbours, polled at once: what became of each, and what was counted."""

    def __init__(self, bad: Reading, neighbours: list[Reading], before_bad: int, counts: PollCounts) -> None:
        self.bad = bad
        self.neighbours = neighbours
        self.before_bad = before_bad
        self.counts = counts


def poll_beside(
    bad: Device, good: list[Device], *, settings: PollSettings = SETTINGS, linger_seconds: float = 0.0
) -> Beside:
    async def run() -> Beside:
        poller = Poller(settings, PingSettings(), [Credential("default")], PROFILES)
        await poller.open()
        ended: list[Reading] = []
        whole = asyncio.Event()

        def done(reading: Reading) -> None:
            ended.append(reading)
            if len(ended) == 1 + len(good):
                whole.set()

        try:
            for target in (bad, *good):
                poller.start(target, done)
            await asyncio.wait_for(whole.wait(), 120)
            await asyncio.sleep(linger_seconds)
        finally:
            await poller.close()
        names = [reading.device_id for reading in ended]
        return Beside(
            ended[names.index("bad")],
            [reading for reading in ended if reading.device_id != "bad"],
            names.index("bad"),
            poller.counts,
        )

    return asyncio.run(run())


@pytest.fixture
def beside(serve: Serve) -> Callable[..., Beside]:
    """Polls an agent that answers as told beside good ones."""

    def poll_it(answer: Callable[[Served, bytes, Any], None], **options: Any) -> Beside:
        good = serve(answering(Mib(router(5)).answer))
        neighbours = [dataclasses.replace(device(good.port), device_id=f"good{n}") for n in range(NEIGHBOURS)]
        return poll_beside(dataclasses.replace(device(serve(answer).port), device_id="bad"), neighbours, **options)

    return poll_it


def all_well(beside: Beside) -> bool:
    return all(
        reading.snmp == "answered" and reading.failure is None and len(reading.interfaces) == 5
        for reading in beside.neighbours
    )


class Endless:
    """A table without an end, made up as it is walked; ``repeats`` answers each walk with the same first rows."""

    def __init__(self, rows: int, *, repeats: bool = False) -> None:
        self._scalars = Mib(router(0))
        self._rows = rows
        self._repeats = repeats

    def answer(self, data: bytes) -> list[bytes]:
        request = decode_any(data)
        if request.kind == GET:
            return self._scalars.answer(data)
        found = []
        for row in range(1, request.error_index + 1):
            for bind in request.varbinds:
                width = 11 if bind.oid[6] == 31 else 10
                column, last = bind.oid[:width], bind.oid[width] if len(bind.oid) > width else 0
                index = row if self._repeats else last + row
                if index > self._rows:
                    found.append(((1, 3, 6, 1, 2, 1, 99, 1), encode_integer(0)))
                elif (column[-1] in (1, 2, 18) and column[6] == 31) or (column[-1] == 2 and column[6] == 2):
                    found.append(((*column, index), encode_tlv(OCTETS, b"port%d" % index)))
                else:
                    found.append(((*column, index), encode_integer(index, 0x41)))
        return [encode_reply(request, found)]


def test_twenty_thousand_interfaces(beside: Callable[..., Beside]) -> None:
    polled = beside(answering(Endless(20_000).answer))
    assert polled.bad.snmp == "partial"
    assert polled.bad.failure == "ifTable and ifXTable: more than 300 rows"
    assert 0 < len(polled.bad.interfaces) <= SETTINGS.max_rows + 100
    assert polled.bad.uptime_seconds == 3600.0
    assert polled.before_bad == NEIGHBOURS, "the others were through long before it"
    assert all_well(polled)


def test_a_walk_that_never_ends(beside: Callable[..., Beside]) -> None:
    polled = beside(answering(Endless(10**9, repeats=True).answer))
    assert polled.bad.snmp == "partial"
    assert "do not increase" in (polled.bad.failure or "")
    assert all_well(polled)


def test_a_stream_of_answers_to_one_request(beside: Callable[..., Beside], caplog: pytest.LogCaptureFixture) -> None:
    """Two thousand copies of every answer, and as many that nobody asked for: one log line for each kind."""
    mib = Mib(router(5))

    def floods(served: Served, data: bytes, sender: Any) -> None:
        (reply,) = mib.answer(data)
        request = decode_any(data)
        stranger = encode_reply(request, [], request_id=request.request_id ^ 1)
        for _ in range(2000):
            served.socket.sendto(reply, sender)
            served.socket.sendto(stranger, sender)

    with caplog.at_level(logging.WARNING, logger="bairro.poll"):
        polled = beside(floods, linger_seconds=0.3)
    assert polled.bad.snmp == "answered"
    assert polled.counts.rejected["duplicate"] > 1000
    assert polled.counts.rejected["unknown_id"] > 1000
    assert len(caplog.records) == len(polled.counts.rejected)
    assert all_well(polled)


def test_answers_of_the_largest_size(beside: Callable[..., Beside]) -> None:
    """Texts of 20,000 bytes: read, cut to what a name may be, and the limit of bytes holds."""
    objects = router(3) | {f"1.3.6.1.2.1.31.1.1.1.18.{n}": encode_tlv(OCTETS, b"x" * 20_000) for n in range(1, 4)}
    polled = beside(answering(lambda data: [packet for packet in Mib(objects).answer(data) if len(packet) < 65_000]))
    assert polled.bad.snmp in ("answered", "partial")
    assert all(len(interface.alias or "") <= 255 for interface in polled.bad.interfaces)
    assert all_well(polled)


def test_spoofed_answers_with_the_right_address_are_refused_for_their_ids(beside: Callable[..., Beside]) -> None:
    """Guessed ids: none of 300 tries on a request is taken, and the true answer still is."""
    mib = Mib(router(5))

    def spoofs(served: Served, data: bytes, sender: Any) -> None:
        request = decode_any(data)
        for guess in range(1, 301):
            served.socket.sendto(encode_reply(request, [], request_id=request.request_id ^ guess), sender)
        for packet in mib.answer(data):
            served.socket.sendto(packet, sender)

    polled = beside(spoofs)
    assert polled.bad.snmp == "answered"
    assert len(polled.bad.interfaces) == 5
    assert polled.counts.rejected["unknown_id"] > 200
    assert all_well(polled)


@pytest.mark.parametrize("size", [1, 2, 8, 40, 1400])
def test_noise_of_every_size(beside: Callable[..., Beside], size: int) -> None:
    noise = bytes(range(256)) * 6
    settings = dataclasses.replace(SETTINGS, timeout_seconds=1.0, retries=0)
    polled = beside(answering(lambda _: [noise[n : n + size] for n in range(50)]), settings=settings)
    assert polled.bad.snmp == "silent"
    assert sum(polled.counts.rejected.values()) == 50
    assert all_well(polled)
