"""One poll of one device, and agents that misbehave on purpose."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from collector.config import Credential, PingSettings, PollSettings
from collector.poll.counts import PollCounts
from collector.poll.poller import Poller
from collector.poll.profile import Profile, load_profiles
from collector.poll.snmp_codec import OCTETS, SEQUENCE, Message, decode_any, encode_oid, encode_tlv
from collector.reading import Device, Reading

QUICK = PollSettings(timeout_seconds=0.3, retries=1, budget_seconds=5.0, tick_seconds=0.005)

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
        poller = Poller(settings, ping or PingSettings(), credentials, profiles or load_profiles())
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
