"""Poll stage: bursts of echoes to one device, by ICMP (RFC 792, RFC 4443) or UDP echo (RFC 862)."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from collector.config import PingSettings
from collector.poll.counts import PollCounts
from collector.poll.datagrams import Address, Datagrams, Outbox, Wheel, is_congestion
from collector.reading import EchoBurst

log = logging.getLogger("bairro.poll")

TOKEN_BYTES = 8
PADDING = b"bairro echo 0123"
"""With the token a payload of 24 bytes; the token is random and names the echo."""
HOW_TO_ALLOW = (
    "ping by ICMP is off: the kernel refuses both datagram and raw ICMP sockets; "
    'allow the first with: sysctl -w net.ipv4.ping_group_range="0 2147483647"'
)
_SOL_RAW, _ICMP_FILTER = 255, 1
_IPPROTO_ICMPV6, _ICMP6_FILTER = 58, 1


class Transport(Protocol):
    """One way to send an echo and to find its token in what comes back."""

    socket: Datagrams
    ignores_strangers: bool
    """Whether packets that do not answer it are expected, since the socket also receives those for others."""

    def pack(self, token: bytes, sequence: int) -> bytes: ...

    def token(self, data: bytes) -> bytes | None:
        """The token of a reply to one of this transport's echoes; None for anything else."""
        ...


class UdpEcho:
    """RFC 862: what is sent to the port comes back as it is."""

    ignores_strangers = False

    def __init__(self, opened: Datagrams) -> None:
        self.socket = opened

    def pack(self, token: bytes, sequence: int) -> bytes:
        return token + PADDING

    def token(self, data: bytes) -> bytes | None:
        return data[:TOKEN_BYTES] if data[TOKEN_BYTES:] == PADDING else None


class Icmp:
    """ICMP echo on a datagram or raw socket. Raises OSError where the kernel refuses both.

    A raw socket hears the replies to every process on this host, told apart by a random identifier; for a datagram
    socket the kernel sets the identifier and does the telling.
    """

    ignores_strangers = True

    def __init__(self, family: int) -> None:
        self._is_four = family == socket.AF_INET
        self._request, self._reply = (8, 0) if self._is_four else (128, 129)
        protocol = socket.IPPROTO_ICMP if self._is_four else _IPPROTO_ICMPV6
        self._is_raw = False
        try:
            self.socket = Datagrams(family, socket.SOCK_DGRAM, protocol)
        except OSError:
            self.socket = Datagrams(family, socket.SOCK_RAW, protocol)
            self._is_raw = True
            self._only_replies()
        self._identifier = os.urandom(2)

    def _only_replies(self) -> None:
        """Have the kernel drop everything but echo replies: on loopback a raw socket also receives its own requests."""
        with contextlib.suppress(OSError):
            if self._is_four:
                self.socket.socket.setsockopt(
                    _SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << self._reply))
                )
            else:
                blocked = [0xFFFFFFFF] * 8
                blocked[self._reply >> 5] &= ~(1 << (self._reply & 31))
                self.socket.socket.setsockopt(_IPPROTO_ICMPV6, _ICMP6_FILTER, struct.pack("=8I", *blocked))

    def pack(self, token: bytes, sequence: int) -> bytes:
        body = self._identifier + sequence.to_bytes(2, "big") + token + PADDING
        return struct.pack("!BBH", self._request, 0, _checksum(self._request << 8, body)) + body

    def token(self, data: bytes) -> bytes | None:
        at = (data[0] & 0x0F) * 4 if self._is_raw and self._is_four and data else 0
        payload = at + 8
        if len(data) < payload or data[at] != self._reply or data[payload + TOKEN_BYTES :] != PADDING:
            return None
        if self._is_raw and data[at + 4 : at + 6] != self._identifier:
            return None
        return data[payload : payload + TOKEN_BYTES]


def open_icmp() -> dict[int, Transport]:
    """The ICMP transports that the kernel allows, by address family."""
    opened: dict[int, Transport] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            opened[family] = Icmp(family)
    return opened


def _checksum(start: int, body: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes, after ``start``."""
    total = start + sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Burst:
    """One device's burst on its way. ``ended(burst)`` is called exactly once."""

    __slots__ = (
        "address",
        "ended",
        "failure",
        "first_sent_at",
        "pinger",
        "rtts",
        "sent",
        "settled",
        "to_send",
        "transport",
    )

    def __init__(self, pinger: Pinger, transport: Transport, address: Address, ended: Callable[[Burst], None]) -> None:
        self.pinger = pinger
        self.transport = transport
        self.address = address
        self.ended = ended
        self.to_send = pinger.settings.count
        self.sent = 0
        self.settled = 0
        self.rtts: list[float] = []
        self.first_sent_at = 0.0
        self.failure: str | None = None

    @property
    def echoes(self) -> EchoBurst | None:
        """What became of it; None where this host refused to send any of it."""
        return EchoBurst(self.sent, self.sent - len(self.rtts), tuple(self.rtts)) if self.sent else None

    def transmit(self, now: float) -> bool:
        return self.pinger.transmit(self, now)


class Pinger:
    """All echoes on their way, on one socket per address family and method."""

    def __init__(self, settings: PingSettings, outbox: Outbox, counts: PollCounts, *, tick_seconds: float) -> None:
        self.settings = settings
        self.unavailable: str | None = None
        self.pending: dict[bytes, tuple[Burst, float, bool]] = {}
        self._outbox = outbox
        self._counts = counts
        self._timeouts = Wheel(tick_seconds)
        self._sends = Wheel(tick_seconds)
        self._icmp: dict[int, Transport] = {}
        self._udp: dict[int, Transport] = {}
        self._used: set[Transport] = set()
        self._now = 0.0

    def open(self, udp: Mapping[int, Datagrams], icmp: Mapping[int, Transport]) -> None:
        """Use these sockets by address family; without ICMP for IPv4, ``unavailable`` says what would allow it."""
        self._udp = {family: UdpEcho(opened) for family, opened in udp.items()}
        self._icmp = dict(icmp)
        self.unavailable = None if socket.AF_INET in icmp else HOW_TO_ALLOW

    def close(self) -> None:
        for transport in (*self._icmp.values(), *self._udp.values()):
            transport.socket.close()

    def start(self, method: str, family: int, address: Address, ended: Callable[[Burst], None]) -> bool:
        """Begin a burst by ``icmp`` or ``echo``; False where this host has no means for it, and nothing follows."""
        transport = (self._icmp if method == "icmp" else self._udp).get(family)
        if transport is None or self.settings.count < 1:
            return False
        self._used.add(transport)
        self._outbox.fresh.append(Burst(self, transport, address, ended))
        return True

    def receive(self) -> None:
        for transport in self._used:
            transport.socket.drain(lambda data, address, stamp, by=transport: self._take(by, data, address, stamp))  # type: ignore[misc]

    def expire(self, now: float) -> None:
        """Send the next echo of each burst that is due, and give up those that have waited long enough."""
        self._now = now
        self._outbox.urgent.extend(self._sends.due(now))
        for token in self._timeouts.due(now):
            burst, _, is_settled = self.pending.pop(token)
            if not is_settled:
                self._settle(burst)

    def transmit(self, burst: Burst, now: float) -> bool:
        """Send one echo. False where the socket is full."""
        token = os.urandom(TOKEN_BYTES)
        packet = burst.transport.pack(token, burst.sent)
        sent_at = time.time()
        try:
            burst.transport.socket.send(packet, burst.address)
        except (OSError, OverflowError) as error:
            if is_congestion(error):
                return False
            self._counts.send_errors += 1
            burst.failure = f"send: {getattr(error, 'strerror', error)}"
            burst.to_send = 0
            self._settle(burst, 0)
            return True
        burst.sent += 1
        burst.to_send -= 1
        burst.first_sent_at = burst.first_sent_at or sent_at
        self._counts.packets_sent += 1
        self.pending[token] = (burst, sent_at, False)
        self._timeouts.add(now + self.settings.timeout_seconds, token)
        if burst.to_send > 0:
            self._sends.add(now + self.settings.spacing_seconds, burst)
        return True

    def _take(self, transport: Transport, data: bytes, address: Address, stamp: float) -> None:
        token = transport.token(data)
        if token is None and transport.ignores_strangers:
            return
        self._counts.packets_received += 1
        entry = self.pending.get(token) if token is not None else None
        if token is None or entry is None:
            self._counts.reject("echo_unknown", str(address[0]), self._now)
            return
        burst, sent_at, is_settled = entry
        if address != burst.address or transport is not burst.transport:
            self._counts.reject("echo_wrong_address", str(address[0]), self._now)
            return
        if is_settled:
            self._counts.reject("echo_duplicate", str(address[0]), self._now)
            return
        self.pending[token] = (burst, sent_at, True)
        burst.rtts.append(max(0.0, stamp - sent_at))
        self._settle(burst)

    def _settle(self, burst: Burst, echoes: int = 1) -> None:
        """One more echo is answered or lost; the burst ends with its last."""
        burst.settled += echoes
        if burst.to_send == 0 and burst.settled == burst.sent:
            burst.to_send = -1
            try:
                burst.ended(burst)
            except Exception:
                log.exception("ping of %s failed inside the collector", burst.address[0])
