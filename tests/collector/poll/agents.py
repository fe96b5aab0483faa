"""One poll of one device, and agents that misbehave on purpose."""

from __future__ import annotations

import asyncio
import socket
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.counts import PollCounts
from collector.poll.poller import Poller
from collector.poll.profile import Profile
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import (
    GET,
    GET_BULK,
    OCTETS,
    SEQUENCE,
    Message,
    Oid,
    decode_any,
    encode_oid,
    encode_tlv,
    parse_oid,
)
from collector.reading import Device, InterfaceReading, Reading

QUICK = PollSettings(timeout_seconds=0.3, retries=1, budget_seconds=5.0, tick_seconds=0.005, health_every_polls=0)
"""Health would be asked for in a poll drawn at random: tests of it say in which."""
PROFILES = load_profiles()

Answer = Callable[[bytes], Sequence[bytes]]
"""What an agent made for a test sends back for one request."""


class Polled:
    """Readings of some polls, and what the poller counted."""

    def __init__(self, readings: list[Reading], counts: PollCounts, poller: Poller) -> None:
        self.readings = readings
        self.reading = readings[-1]
        self.counts = counts
        self.poller = poller


def poll(
    *devices: Device,
    settings: PollSettings = QUICK,
    ping: PingSettings | None = None,
    credentials: Sequence[Credential] = (Credential("default"),),
    profiles: dict[str, Profile] | None = None,
    linger_seconds: float = 0.0,
) -> Polled:
    """Poll devices one after another with one Poller, waiting ``linger_seconds`` for stragglers at the end."""

    async def run() -> Polled:
        poller = Poller(settings, ping or PingSettings(), credentials, profiles or PROFILES)
        await poller.open()
        readings = []
        try:
            for device in devices:
                answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
                poller.start(device, answered.set_result)
                readings.append(await asyncio.wait_for(answered, 60))
            await asyncio.sleep(linger_seconds)
        finally:
            await poller.close()
        return Polled(readings, poller.counts, poller)

    return asyncio.run(run())


def undated(reading: Reading) -> list[InterfaceReading]:
    """The interfaces without how late they were read, which is a matter of the machine's load too."""
    return [interface._replace(late_seconds=None) for interface in reading.interfaces]


def device(port: int, **fields: Any) -> Device:
    """An agent on loopback that is asked by SNMP only, unless ``fields`` say otherwise."""
    fields = {"address": "127.0.0.1", "role": "router", "area": "test", "ping": "off", "port": port, **fields}
    return Device("d1", **fields)


class Served:
    """A UDP socket in a thread that answers as told; ``requests`` is what it was asked."""

    def __init__(self, answer: Callable[[Served, bytes, Any], None]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port = int(self.socket.getsockname()[1])
        self.requests: list[bytes] = []
        self._answer = answer
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            try:
                data, sender = self.socket.recvfrom(65535)
            except TimeoutError:
                continue
            self.requests.append(data)
            self._answer(self, data, sender)

    def stop(self) -> None:
        self._is_stopping.set()
        self._thread.join()
        self.socket.close()

    @property
    def asked(self) -> list[Message]:
        return [decode_any(request) for request in self.requests]


Serve = Callable[[Callable[[Served, bytes, Any], None]], Served]


def answering(answer: Answer) -> Callable[[Served, bytes, Any], None]:
    """An agent whose packets all leave from where it was asked."""

    def reply(served: Served, data: bytes, sender: Any) -> None:
        for packet in answer(data):
            served.socket.sendto(packet, sender)

    return reply


def encode_integer(number: int, tag: int = 0x02) -> bytes:
    size = max(1, (number.bit_length() + 8) // 8)
    return encode_tlv(tag, number.to_bytes(size, "big", signed=True))


def encode_reply(
    request: Message,
    varbinds: Sequence[tuple[Sequence[int], bytes]],
    *,
    error: tuple[int, int] = (0, 0),
    community: bytes | None = None,
    request_id: int | None = None,
    kind: int = 0xA2,
) -> bytes:
    """A reply to ``request``; each value is a whole field, tag and length included."""
    binds = b"".join(encode_tlv(SEQUENCE, encode_tlv(0x06, encode_oid(tuple(oid))) + value) for oid, value in varbinds)
    numbers = b"".join(map(encode_integer, (request.request_id if request_id is None else request_id, *error)))
    pdu = encode_tlv(kind, numbers + encode_tlv(SEQUENCE, binds))
    head = encode_integer(request.version) + encode_tlv(OCTETS, request.community if community is None else community)
    return encode_tlv(SEQUENCE, head + pdu)


class Mib:
    """A small agent's objects: object identifier -> whole value field. Answers GET, GETNEXT and GETBULK."""

    def __init__(self, objects: dict[str, bytes], *, most_varbinds: int = 10_000) -> None:
        self.most_varbinds = most_varbinds
        self.replace(objects)

    def answer(self, data: bytes) -> list[bytes]:
        request = decode_any(data)
        asked = [bind.oid for bind in request.varbinds]
        found = self.varbinds(request.kind, asked, request.error_index)
        if len(found) > self.most_varbinds:
            return [encode_reply(request, [(oid, NULL_FIELD) for oid in asked], error=(1, 0))]
        return [encode_reply(request, found)]

    def varbinds(self, kind: int, asked: list[Oid], repetitions: int) -> list[tuple[Oid, bytes]]:
        if kind == GET:
            return [(oid, self.objects.get(oid, NO_SUCH_INSTANCE)) for oid in asked]
        rows: list[tuple[Oid, bytes]] = []
        for _ in range(repetitions if kind == GET_BULK else 1):
            row = [self.following(oid) for oid in asked]
            asked = [oid for oid, _ in row]
            rows += row
        return rows

    def following(self, oid: Oid) -> tuple[Oid, bytes]:
        place = bisect_right(self._order, oid)
        if place == len(self._order):
            return oid, END_OF_MIB_VIEW
        return self._order[place], self.objects[self._order[place]]

    def replace(self, objects: dict[str, bytes]) -> None:
        """From now on these objects."""
        self.objects = dict(sorted((parse_oid(oid), value) for oid, value in objects.items()))
        self._order = list(self.objects)


NULL_FIELD, NO_SUCH_INSTANCE, END_OF_MIB_VIEW = b"\x05\x00", b"\x81\x00", b"\x82\x00"


def router(interfaces: int, *, first: int = 1) -> dict[str, bytes]:
    """The objects of a router with so many interfaces named if1, if2 and so on, their ifIndex counted from ``first``."""
    objects = {
        "1.3.6.1.2.1.1.3.0": encode_integer(360_000, 0x43),
        "1.3.6.1.6.3.10.2.1.3.0": encode_integer(3_600),
    }
    for n in range(1, interfaces + 1):
        index = first + n - 1
        row = {
            "1.3.6.1.2.1.2.2.1.2": encode_tlv(OCTETS, b"port %d" % n),
            "1.3.6.1.2.1.2.2.1.5": encode_integer(1_000_000_000, 0x42),
            "1.3.6.1.2.1.2.2.1.8": encode_integer(1 if n % 2 else 2),
            "1.3.6.1.2.1.2.2.1.10": encode_integer(n, 0x41),
            "1.3.6.1.2.1.2.2.1.13": encode_integer(n + 1, 0x41),
            "1.3.6.1.2.1.2.2.1.14": encode_integer(n + 2, 0x41),
            "1.3.6.1.2.1.2.2.1.16": encode_integer(n, 0x41),
            "1.3.6.1.2.1.2.2.1.19": encode_integer(n + 3, 0x41),
            "1.3.6.1.2.1.2.2.1.20": encode_integer(n + 4, 0x41),
            "1.3.6.1.2.1.31.1.1.1.1": encode_tlv(OCTETS, b"if%d" % n),
            "1.3.6.1.2.1.31.1.1.1.6": encode_integer(10**12 + n, 0x46),
            "1.3.6.1.2.1.31.1.1.1.10": encode_integer(2 * 10**12 + n, 0x46),
            "1.3.6.1.2.1.31.1.1.1.15": encode_integer(1000, 0x42),
            "1.3.6.1.2.1.31.1.1.1.18": encode_tlv(OCTETS, b"to house %d" % n),
            "1.3.6.1.2.1.31.1.1.1.19": encode_integer(0, 0x43),
        }
        objects |= {f"{column}.{index}": value for column, value in row.items()}
    return objects
