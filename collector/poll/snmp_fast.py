"""Poll stage, the SNMP engine: requests leave in paced ticks, replies are matched, timeouts retried. No coroutines."""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from array import array
from collections.abc import Callable
from typing import Any

from collector.poll.counts import PollCounts
from collector.poll.datagrams import Address, Datagrams, Outbox, Wheel, is_congestion
from collector.poll.snmp_codec import FIRST_REQUEST_ID, BadPacketError, reply_id

log = logging.getLogger("bairro.poll")

JITTER_RATIO = 0.25
"""A retry waits up to this much longer than the timeout, so that retries do not march in step."""

TIMEOUT = "timeout"

_ANSWERED = (None, 0.0)
"""What stands for an answered request until its time is up, so that a duplicate is known as one."""


class AskAgainError(Exception):
    """A reply told how the request should have been put (SNMP version 3): it must leave once more, which is no retry."""


class Exchange:
    """One request and the wait for its reply.

    ``decode`` turns a reply into an answer or raises BadPacketError, in which case the wait goes on. ``seal``, where
    there is one, makes the packet of each try, which otherwise is ``packet`` with another id in it. Exactly one of
    ``answered(answer, rtt_seconds)`` and ``failed(reason)`` is called. ``until`` ends all tries; None means the
    whole budget, counted from the first packet that leaves.
    """

    __slots__ = (
        "address",
        "answered",
        "decode",
        "engine",
        "failed",
        "family",
        "first_sent_at",
        "id_at",
        "is_answered",
        "is_done",
        "latest_id",
        "packet",
        "refusal",
        "reply_from",
        "seal",
        "tries",
        "until",
    )

    def __init__(self, engine: Engine, to: Destination, packet: bytearray, id_at: int) -> None:
        self.engine = engine
        self.family = to.family
        self.address = to.address
        self.reply_from = to.reply_from
        self.packet = packet
        self.id_at = id_at
        self.tries = 1
        self.until: float | None = None
        self.latest_id = 0
        self.first_sent_at = 0.0
        self.is_done = False
        self.is_answered = False
        self.refusal: str | None = None
        self.seal: Callable[[int, float], bytes] | None = None
        self.decode: Callable[[bytes], Any]
        self.answered: Callable[[Any, float], None]
        self.failed: Callable[[str], None]

    def transmit(self, now: float) -> bool:
        return self.engine.transmit(self, now)


class Destination:
    """Where a device's requests go; ``reply_from`` is one more host whose replies are taken."""

    __slots__ = ("address", "family", "reply_from")

    def __init__(self, family: int, address: Address, reply_from: str | None = None) -> None:
        self.family = family
        self.address = address
        self.reply_from = reply_from


class Engine:
    """All SNMP requests under way, on one shared socket per address family.

    ``timeout_seconds`` is the wait for each try and ``budget_seconds`` the most that one device may take.
    """

    def __init__(
        self, outbox: Outbox, counts: PollCounts, *, timeout_seconds: float, budget_seconds: float, tick_seconds: float
    ) -> None:
        self.outbox = outbox
        self.counts = counts
        self.now = 0.0
        self.watch: Callable[[str, Address, bytes], None] | None = None
        self.pending: dict[int, tuple[Exchange | None, float]] = {}
        self._timeout = timeout_seconds
        self._budget = budget_seconds
        self._wheel = Wheel(tick_seconds)
        self._sockets: dict[int, Datagrams] = {}
        self._ids = array("I")

    def open(self, sockets: dict[int, Datagrams]) -> None:
        """Use these sockets, one per address family."""
        self._sockets = sockets

    def close(self) -> None:
        for opened in self._sockets.values():
            opened.close()

    def ask(self, exchange: Exchange, *, is_fresh: bool = False) -> None:
        """Send when the pace allows; ``is_fresh`` lets work under way go first."""
        (self.outbox.fresh if is_fresh else self.outbox.urgent).append(exchange)

    def receive(self) -> None:
        for opened in self._sockets.values():
            opened.drain(self._take)

    def expire(self, now: float) -> None:
        """Retry or give up what has waited long enough."""
        for request_id in self._wheel.due(now):
            exchange = self.pending[request_id][0]
            if exchange is None or exchange.is_done:
                del self.pending[request_id]
                continue
            self._wheel.add(now + self._timeout, request_id)
            if request_id == exchange.latest_id:
                self._retry(exchange, now)

    def transmit(self, exchange: Exchange, now: float) -> bool:
        """Send one try. False where the socket is full; a refusal by this host ends the exchange."""
        if exchange.is_done:
            return True
        ids = self._ids
        if not ids:
            ids.frombytes(os.urandom(4096))
        request_id = ids.pop() & 0x3FFFFFFF | FIRST_REQUEST_ID
        if request_id in self.pending:
            return self.transmit(exchange, now)
        packet: bytes | bytearray
        if exchange.seal is None:
            packet, at = exchange.packet, exchange.id_at
            packet[at : at + 4] = request_id.to_bytes(4, "big")
        else:
            packet = exchange.seal(request_id, now)
        sent_at = time.time()
        try:
            self._sockets[exchange.family].send(packet, exchange.address)
        except (OSError, KeyError, OverflowError) as error:
            return self._refused(exchange, error, sent_at)
        self.pending[request_id] = (exchange, sent_at)
        if exchange.until is None:
            exchange.until = now + self._budget
        if exchange.first_sent_at:
            self.counts.retries += 1
        else:
            exchange.first_sent_at = sent_at
        wait = self._timeout * (1.0 + JITTER_RATIO * random.random())
        self._wheel.add(min(now + wait, exchange.until), request_id)
        exchange.latest_id = request_id
        exchange.tries -= 1
        self.counts.packets_sent += 1
        if self.watch is not None and exchange.seal is None:
            self.watch("sent", exchange.address, bytes(packet))
        return True

    def _refused(self, exchange: Exchange, error: Exception, at: float) -> bool:
        if is_congestion(error):
            return False
        self.counts.send_errors += 1
        exchange.is_done = True
        exchange.first_sent_at = exchange.first_sent_at or at
        what = (
            "this host has no such address family" if isinstance(error, KeyError) else getattr(error, "strerror", error)
        )
        self._call(exchange, exchange.failed, f"send: {what}")
        return True

    def _take(self, data: bytes, address: Address, stamp: float) -> None:
        self.counts.packets_received += 1
        try:
            request_id = reply_id(data)
        except BadPacketError as bad:
            self._reject(bad.reason, address)
            return
        entry = self.pending.get(request_id)
        if entry is None:
            self._reject("unknown_id", address)
            return
        exchange, sent_at = entry
        if exchange is None:
            self._reject("duplicate", address)
            return
        if address != exchange.address and not _is_allowed(exchange, address):
            self._reject("wrong_address", address)
            return
        if exchange.is_done:
            self._reject("duplicate" if exchange.is_answered else "late", address)
            return
        if self.watch is not None and exchange.seal is None:
            self.watch("received", address, data)
        try:
            answer = exchange.decode(data)
        except BadPacketError as bad:
            exchange.refusal = bad.reason
            self._reject(bad.reason, address)
            return
        except AskAgainError:
            exchange.tries += 1
            self.outbox.urgent.append(exchange)
            return
        exchange.is_done = exchange.is_answered = True
        self.pending[request_id] = _ANSWERED
        rtt = stamp - sent_at
        self._call(exchange, exchange.answered, answer, rtt if rtt > 0.0 else 0.0)

    def _reject(self, reason: str, sender: Address) -> None:
        self.counts.reject(reason, str(sender[0]), self.now)

    def _retry(self, exchange: Exchange, now: float) -> None:
        exchange.latest_id = 0
        if exchange.tries > 0 and exchange.until is not None and now < exchange.until:
            self.outbox.urgent.append(exchange)
        else:
            exchange.is_done = True
            self._call(exchange, exchange.failed, exchange.refusal or TIMEOUT)

    def _call(self, exchange: Exchange, what: Callable[..., None], *arguments: object) -> None:
        """A fault in handling one device's answer ends that device's poll and no other's."""
        try:
            what(*arguments)
        except Exception:
            log.exception("poll of %s failed inside the collector", exchange.address[0])
            if what != exchange.failed:
                self._call(exchange, exchange.failed, "internal error")


def _is_allowed(exchange: Exchange, address: Address) -> bool:
    """Whether a device may answer from here: its inventory row names this host, whatever the port."""
    allowed = exchange.reply_from
    if allowed is None:
        return False
    if address[0] == allowed:
        return True
    try:
        return exchange.family == socket.AF_INET6 and socket.inet_pton(socket.AF_INET6, allowed) == socket.inet_pton(
            socket.AF_INET6, address[0].split("%")[0]
        )
    except OSError:
        return False
