"""Poll stage, the one place that opens sockets: shared non-blocking datagram sockets, paced sending, a timer wheel."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

Address = tuple[Any, ...]
Take = Callable[[bytes, Address, float], None]
"""Called with one datagram, its sender and when the kernel received it (Unix seconds)."""

RECEIVE_BUFFER_BYTES = 8 << 20
MOST_PER_DRAIN = 20_000
_SO_TIMESTAMPNS = 35 if sys.platform == "linux" else None
_SO_RCVBUFFORCE = 33
_timespec = struct.Struct("@ll").unpack
_CONTROL_BYTES = 64


class Datagrams:
    """One non-blocking socket shared by every device of an address family."""

    def __init__(self, family: int, kind: int = socket.SOCK_DGRAM, protocol: int = 0) -> None:
        """Raises OSError where the kernel refuses such a socket."""
        self.socket = socket.socket(family, kind, protocol)
        self.socket.setblocking(False)
        enlarge(self.socket)
        with contextlib.suppress(OSError):
            if _SO_TIMESTAMPNS is not None:
                self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.send = self.socket.sendto

    def drain(self, take: Take) -> None:
        """Hand over everything that has arrived; a flood is left for the next call after a while."""
        receive = self.socket.recvmsg
        for _ in range(MOST_PER_DRAIN):
            try:
                data, control, _flags, address = receive(65535, _CONTROL_BYTES)
            except BlockingIOError:
                return
            except OSError:
                continue
            if control:
                seconds, nanoseconds = _timespec(control[0][2][:16])
                take(data, address, seconds + nanoseconds * 1e-9)
            else:
                take(data, address, time.time())

    def close(self) -> None:
        self.socket.close()


def enlarge(opened: socket.socket) -> None:
    """A receive buffer that holds the replies of a whole tick, as far as the kernel allows one."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except OSError:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


def open_families() -> dict[int, Datagrams]:
    """A UDP socket for each address family that this host has."""
    opened: dict[int, Datagrams] = {}
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            opened[family] = Datagrams(family)
    return opened


def resolve(host: str, port: int, *, ask_names: bool) -> tuple[int, Address]:
    """The family and socket address of ``host``; only with ``ask_names`` may this block on a name server.

    Raises OSError (socket.gaierror) where ``host`` is no address, or no name that resolves.
    """
    flags = 0 if ask_names else socket.AI_NUMERICHOST
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=flags)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    family, _, _, _, address = found[0]
    return family, address


def is_congestion(error: Exception) -> bool:
    """Whether a send failed only because this host's own buffers are full for the moment."""
    return isinstance(error, OSError) and error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)


class Sendable(Protocol):
    """Something with one packet to send; ``transmit`` is False where the socket is full and it must wait."""

    def transmit(self, now: float) -> bool: ...


class Outbox:
    """Packets waiting to be sent, at a limited rate per second; polls under way go before new ones.

    ``hasty`` are the next steps of long walks. They may leave between ticks too, as far as half of what one tick may
    send is left for all others.
    """

    def __init__(self, packets_per_second: float, tick_seconds: float) -> None:
        self._rate = packets_per_second
        self._most = max(1.0, 2 * packets_per_second * tick_seconds)
        self._allowance = self._most
        self._last: float | None = None
        self.urgent: deque[Sendable] = deque()
        self.hasty: deque[Sendable] = deque()
        self.fresh: deque[Sendable] = deque()

    @property
    def is_waiting(self) -> bool:
        """Whether anything has not had its turn yet."""
        return bool(self.urgent or self.hasty or self.fresh)

    def send(self, now: float) -> None:
        """Send what the pace allows. ``now`` is the loop's clock."""
        self._refill(now)
        for queue in (self.urgent, self.hasty, self.fresh):
            if not self._send_from(queue, int(self._allowance), now):
                return

    def hurry(self, now: float) -> None:
        """Send what need not wait for the tick."""
        self._refill(now)
        self._send_from(self.hasty, int(self._allowance - self._most / 2), now)

    def _refill(self, now: float) -> None:
        if self._last is not None:
            self._allowance = min(self._most, self._allowance + (now - self._last) * self._rate)
        self._last = now

    def _send_from(self, queue: deque[Sendable], most: int, now: float) -> bool:
        """Send up to ``most`` of a queue; False where the socket is full."""
        for _ in range(min(len(queue), most)):
            item = queue.popleft()
            if not item.transmit(now):
                queue.appendleft(item)
                return False
            self._allowance -= 1.0
        return True


class Wheel:
    """Things to look at again at a time, in slots one tick wide: adding is one append, nothing is ever removed."""

    def __init__(self, tick_seconds: float) -> None:
        self._tick = tick_seconds
        self._slots: dict[int, list[Any]] = {}
        self._next = 0

    def add(self, when: float, thing: object) -> None:
        slot = max(int(when / self._tick) + 1, self._next)
        found = self._slots.get(slot)
        if found is None:
            self._slots[slot] = [thing]
        else:
            found.append(thing)

    def due(self, now: float) -> list[Any]:
        """What was added for a time up to ``now``, oldest first, given once."""
        current = int(now / self._tick)
        if not self._slots:
            self._next = current + 1
            return []
        things: list[Any] = []
        if current - self._next > len(self._slots):
            slots = sorted(slot for slot in self._slots if slot <= current)
        else:
            slots = [slot for slot in range(self._next, current + 1) if slot in self._slots]
        for slot in slots:
            things += self._slots.pop(slot)
        self._next = max(self._next, current + 1)
        return things
