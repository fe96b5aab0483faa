"""Poll stage, the SNMP engine: requests leave in paced ticks, replies are matched, timeouts retried. No coroutines."""

from __future__ import annotations

import logging
import os
import random
import socket
import struct
import time
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

from collector.poll.counts import PollCounts
from collector.poll.datagrams import Address, Datagrams, Outbox, Wheel, is_congestion
from collector.poll.snmp.codec import FIRST_REQUEST_ID, BadPacketError, reply_id
from collector.poll.timeouts import Patience

log = logging.getLogger("bairro.poll")

JITTER_RATIO = 0.25
"""A retry leaves up to this much of a timeout later than the try before it is given up, not in step with others."""

TIMEOUT = "timeout"

_IDS_AT_ONCE = 1024
_put_id = struct.Struct(">I").pack_into
_get_id = struct.Struct(">I").unpack_from

_ANSWERED = (None, 0.0)
"""Takes the place of an answered request until it would have timed out, so that a duplicate is recognised."""


class AskAgainError(Exception):
    """A reply said what the request must contain (SNMP version 3): it is sent again, which does not count as a retry."""


class Request(NamedTuple):
    """What to send, with the request id at ``id_at``; and what reads a reply, receives the answer, or learns that none came."""

    packet: bytearray
    id_at: int
    decode: Callable[[bytes], Any]
    answered: Callable[[Any, float], None]
    failed: Callable[[str], None]


class Exchange:
    """One request and the wait for its reply.

    ``decode`` turns a reply into an answer or raises BadPacketError, in which case the wait goes on. ``seal``, where
    there is one, makes the message of each try out of ``packet``, which otherwise gets another id and is sent itself.
    ``renew``, where there is one, is called before a further try and may change what it asks. Exactly one of
    ``answered(answer, rtt_seconds)`` and ``failed(reason)`` is called. ``patience`` says how long each try waits. ``until``
    ends all tries; None means the whole budget, counted from the first packet that leaves.
    """

    __slots__ = (
        "address",
        "answered",
        "decode",
        "engine",
        "failed",
        "first_sent_at",
        "id_at",
        "is_answered",
        "is_done",
        "late_seconds",
        "latest_id",
        "packet",
        "patience",
        "refusal",
        "renew",
        "seal",
        "to",
        "tries",
        "until",
    )

    def __init__(
        self, engine: Engine, to: Destination, request: Request, until: float | None, patience: Patience
    ) -> None:
        self.engine = engine
        self.patience = patience
        self.to = to
        self.address = to.address
        self.packet, self.id_at, self.decode, self.answered, self.failed = request
        self.tries = 1
        self.until = until
        self.latest_id = 0
        self.first_sent_at = 0.0
        self.late_seconds = 0.0
        self.is_done = False
        self.is_answered = False
        self.refusal: str | None = None
        self.seal: Callable[[bytearray, int, int, float], bytes] | None = None
        self.renew: Callable[[Exchange], None] | None = None

    def transmit(self, now: float) -> bool:
        return self.engine.transmit(self, now)


HASTY = 1 << 16
"""Added to an address family, it is the lane of long walks."""


class Destination:
    """Where a device's requests go; ``reply_from`` is one more host whose replies are taken.

    ``lane`` is which of the sockets of its ``family`` they leave by.
    """

    __slots__ = ("address", "family", "lane", "reply_from")

    def __init__(
        self, family: int, address: Address, reply_from: str | None = None, *, lane: int | None = None
    ) -> None:
        self.family = family
        self.address = address
        self.reply_from = reply_from
        self.lane = family if lane is None else lane

    def hasty(self) -> Destination:
        """The same by the lane of long walks."""
        return Destination(self.family, self.address, self.reply_from, lane=self.family | HASTY)


class Engine:
    """All SNMP requests under way. There are two sockets per address family: the usual one is read at every tick, which
    costs many devices the least; that of long walks as soon as something comes, so that a walk takes as long as its device.
    ``attend`` is called with each of the latter before its first packet leaves.
    """

    def __init__(self, outbox: Outbox, counts: PollCounts, *, tick_seconds: float) -> None:
        self.outbox = outbox
        self.counts = counts
        self.now = 0.0
        self.watch: Callable[[str, Address, bytes], None] | None = None
        self.attend: Callable[[Datagrams], None] | None = None
        self.pending: dict[int, tuple[Exchange | None, float]] = {}
        self._wheel = Wheel(tick_seconds)
        self._batch: list[int] = []
        self._batch_patience: Patience | None = None
        self._batch_at = self._batch_due = self._batch_ends = -1.0
        self._sockets: dict[int, Datagrams] = {}
        self._used: dict[int, Datagrams] = {}
        self._read_by_tick: list[Datagrams] = []
        self._ids: list[int] = []
        self._id_places: dict[int, int] = {}
        """Where the request id was in the last reply of this length; most replies of one length are built alike."""

    def open(self, sockets: dict[int, Datagrams], hasty: dict[int, Datagrams]) -> None:
        """Use these sockets, one per address family, and those for long walks."""
        self._sockets = sockets | {family | HASTY: opened for family, opened in hasty.items()}

    def close(self) -> None:
        for opened in self._sockets.values():
            opened.close()

    def receive_from(self, opened: Datagrams) -> None:
        """Read one of the sockets that are attended to."""
        opened.drain(self._take)

    def receive(self) -> None:
        """Read what came for all but long walks."""
        for opened in self._read_by_tick:
            opened.drain(self._take)

    def at(self, when: float, call: Callable[[], object]) -> None:
        """Have ``call`` called at a time of the loop's clock."""
        self._wheel.add(when, call)

    def expire(self, now: float) -> None:
        """Retry or give up what has waited long enough."""
        for due in self._wheel.due(now):
            if isinstance(due, Exchange):
                self._try_again(due, now)
            elif callable(due):
                due()
            else:
                self._expire_batch(due, now)

    def _expire_batch(self, request_ids: list[int], now: float) -> None:
        """Forget the requests that are answered; tries beside the one that was are known as duplicates for once more."""
        pending, waiting, timeout = self.pending, [], 0.0
        for request_id in request_ids:
            exchange = pending[request_id][0]
            if exchange is None or (exchange.is_done and not exchange.is_answered):
                del pending[request_id]
                continue
            waiting.append(request_id)
            timeout = exchange.patience.timeout_seconds
            if exchange.is_done:
                pending[request_id] = _ANSWERED
                continue
            if request_id == exchange.latest_id and exchange.until is not None:
                exchange.latest_id = 0
                jitter = timeout * JITTER_RATIO * random.random()
                self._wheel.add(min(now + jitter, exchange.until), exchange)
        if waiting:
            self._wheel.add(now + timeout, waiting)

    def transmit(self, exchange: Exchange, now: float) -> bool:
        """Send one try. False where the socket is full; a refusal by this host ends the exchange."""
        if exchange.is_done:
            return True
        request_id = self._ids.pop() if self._ids else self._draw()
        if request_id in self.pending:
            return self.transmit(exchange, now)
        packet: bytes | bytearray = exchange.packet
        if exchange.seal is None:
            _put_id(packet, exchange.id_at, request_id)
        else:
            packet = exchange.seal(exchange.packet, exchange.id_at, request_id, now)
        sent_at = time.time()
        try:
            (self._used.get(exchange.to.lane) or self._use(exchange.to.lane)).send(packet, exchange.address)
        except (OSError, KeyError, OverflowError) as error:
            return self._refused(exchange, error, sent_at)
        self.pending[request_id] = (exchange, sent_at)
        if self._batch_at != now or exchange.patience is not self._batch_patience:
            self._begin_batch(exchange.patience, now)
        if exchange.until is None:
            exchange.until = self._batch_ends
        if exchange.first_sent_at:
            self.counts.retries += 1
        else:
            exchange.first_sent_at = sent_at
        if exchange.until < self._batch_due:
            self._wheel.add(exchange.until, [request_id])
        else:
            self._batch.append(request_id)
        exchange.latest_id = request_id
        exchange.tries -= 1
        self.counts.packets_sent += 1
        if self.watch is not None and exchange.seal is None:
            self.watch("sent", exchange.address, bytes(packet))
        return True

    def _begin_batch(self, patience: Patience, now: float) -> None:
        """What leaves at once with the same patience waits together, for a reply or for its time to be up."""
        self._batch, self._batch_at, self._batch_patience = [], now, patience
        self._batch_due, self._batch_ends = now + patience.timeout_seconds, now + patience.budget_seconds
        self._wheel.add(self._batch_due, self._batch)

    def _draw(self) -> int:
        """A random request id, out of many drawn at once."""
        self._ids = [drawn & 0x3FFFFFFF | FIRST_REQUEST_ID for drawn in array("I", os.urandom(4 * _IDS_AT_ONCE))]
        return self._ids.pop()

    def _use(self, lane: int) -> Datagrams:
        """The socket of a lane, read from now on. Raises KeyError if this host has none."""
        opened = self._used[lane] = self._sockets[lane]
        if lane & HASTY and self.attend is not None:
            self.attend(opened)
        else:
            self._read_by_tick.append(opened)
        return opened

    def _refused(self, exchange: Exchange, error: Exception, at: float) -> bool:
        if is_congestion(error):
            return False
        self.counts.send_errors += 1
        exchange.is_done = True
        exchange.first_sent_at = exchange.first_sent_at or at
        what = (
            "this host has no such address family" if isinstance(error, KeyError) else getattr(error, "strerror", error)
        )
        self._fail(exchange, f"send: {what}")
        return True

    def _take(self, data: bytes, address: Address, stamp: float) -> None:
        self.counts.packets_received += 1
        place = self._id_places.get(len(data))
        request_id = _get_id(data, place)[0] if place is not None else 0
        entry = self.pending.get(request_id)
        if entry is None:
            try:
                request_id = reply_id(data)
            except BadPacketError as bad:
                self._reject(bad.reason, address)
                return
            entry = self.pending.get(request_id)
            if entry is None:
                self._reject("unknown_id", address)
                return
            self._note_place(data, request_id)
        exchange, sent_at = entry
        if exchange is None:
            self._reject("duplicate", address)
            return
        if address != exchange.address and not _is_allowed(exchange, address):
            self.counts.note_stranger(str(exchange.address[0]), str(address[0]))
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
        if sent_at != exchange.first_sent_at:
            exchange.late_seconds = sent_at - exchange.first_sent_at
        try:
            exchange.answered(answer, rtt if rtt > 0.0 else 0.0)
        except Exception:
            log.exception("poll of %s failed inside the collector", exchange.address[0])
            self._fail(exchange, "internal error")

    def _note_place(self, data: bytes, request_id: int) -> None:
        place = data.find(request_id.to_bytes(4, "big"))
        if place >= 0:
            self._id_places[len(data)] = place

    def _reject(self, reason: str, sender: Address) -> None:
        self.counts.reject(reason, str(sender[0]), self.now)

    def _try_again(self, exchange: Exchange, now: float) -> None:
        """The wait for a try is over, its jitter too; unless it has left once more meanwhile (AskAgainError)."""
        if exchange.is_done or exchange.latest_id:
            return
        if exchange.tries > 0 and exchange.until is not None and now < exchange.until:
            if exchange.renew is not None:
                exchange.renew(exchange)
            self.outbox.urgent.append(exchange)
            return
        exchange.is_done = True
        self._fail(exchange, exchange.refusal or TIMEOUT)

    def _fail(self, exchange: Exchange, reason: str) -> None:
        """A fault in handling one device's answer ends that device's poll and no other's."""
        try:
            exchange.failed(reason)
        except Exception:
            log.exception("poll of %s failed inside the collector", exchange.address[0])


def _is_allowed(exchange: Exchange, address: Address) -> bool:
    """Whether a device may answer from here: its inventory row names this host, with any port."""
    allowed = exchange.to.reply_from
    if allowed is None:
        return False
    if address[0] == allowed:
        return True
    try:
        return exchange.to.family == socket.AF_INET6 and socket.inet_pton(socket.AF_INET6, allowed) == socket.inet_pton(
            socket.AF_INET6, address[0].split("%")[0]
        )
    except OSError:
        return False
