"""Poll stage, a process of its own: drains the trap socket, drops what is not wanted, lets pysnmp read the rest.

The parent hands over a bound socket by its number, and orders as JSON lines on standard input: first ``begin``, then
``sources`` whenever they change. Reports go back as JSON lines on standard output. The end of standard input, which
also comes when the parent is killed, ends this process.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from collector.poll.traps.notification import Outcome, Peer, TrapEngine, TrapUser

LARGEST_PACKET = 16_384
MOST_PER_DRAIN = 5_000
MOST_WAITING = 5_000
READ_FOR_SECONDS = 0.05
REPORT_EVERY_SECONDS = 0.05
ONE_PACKET_SECONDS = 2.0
ENGINE_PACKETS = 20_000
"""pysnmp never frees some 500 bytes of each version 3 message, so its engine is replaced after this many."""

RELAY_SHARE = 50
"""A relay speaks for many: it may send this many times what one device may."""

_SO_RXQ_OVFL = 40
_SEQUENCE = 0x30


class Buckets:
    """A token bucket for each known source: ``burst`` packets at once, ``rate`` a second on average."""

    def __init__(self, rate: float, burst: float, relays: frozenset[str] = frozenset()) -> None:
        self._rate, self._burst = rate, burst
        self._relays = relays
        self._level: dict[str, tuple[float, float]] = {}

    def allows(self, source: str, now: float) -> bool:
        """Whether there is a token, which it then takes."""
        share = RELAY_SHARE if source in self._relays else 1
        level, since = self._level.get(source, (share * self._burst, now))
        level = min(share * self._burst, level + (now - since) * share * self._rate)
        allowed = level >= 1.0
        self._level[source] = (level - allowed, now)
        return allowed

    def keep_only(self, sources: frozenset[str]) -> None:
        self._level = {source: level for source, level in self._level.items() if source in sources}


class Intake:
    """Decides on each packet, before anything of it is decoded, whether pysnmp may spend a millisecond on it."""

    def __init__(self, rate: float, burst: float, relays: frozenset[str] = frozenset()) -> None:
        self.waiting: deque[tuple[bytes, Peer, str]] = deque()
        self.dropped: Counter[str] = Counter()
        self.latest: dict[str, str] = {}
        self._relays = relays
        self._sources: frozenset[str] = frozenset()
        self._buckets = Buckets(rate, burst, relays)

    def know(self, sources: frozenset[str]) -> None:
        """The addresses that notifications are taken from."""
        self._sources = sources
        self._buckets.keep_only(sources | self._relays)

    def offer(self, data: bytes, peer: Peer, now: float) -> None:
        source = address_of(peer)
        if source not in self._sources and source not in self._relays:
            self.drop("unknown_source", source)
        elif not self._buckets.allows(source, now):
            self.drop("rate", source)
        elif len(data) > LARGEST_PACKET or len(data) < 2 or data[0] != _SEQUENCE:
            self.drop("bad_packet", source)
        elif len(self.waiting) >= MOST_WAITING:
            self.drop("overload", source)
        else:
            self.waiting.append((data, peer, source))

    def sender(self, source: str, claimed: str | None) -> str | None:
        """The device that a notification is about: if a relay sent it, the one that it names. None if that one is unknown."""
        if source in self._relays and claimed in self._sources:
            return claimed
        return source if source in self._sources else None

    def drop(self, reason: str, source: str, count: int = 1) -> None:
        self.dropped[reason] += count
        self.latest[reason] = source


def address_of(peer: Peer) -> str:
    """The sender's address as the inventory writes it: IPv4 in IPv6 as IPv4, no zone."""
    host = str(peer[0]).partition("%")[0]
    return host.removeprefix("::ffff:") if "." in host else host


class Identity:
    """This receiver's engine id and boots, kept in a file: senders of informs rely on both (RFC 3414 section 2.2)."""

    _PREFIX = bytes.fromhex("80004fb805")  # pysnmp's enterprise number, "octets" (RFC 3411, SnmpEngineID)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._id, self._boots = self._read()

    def boot(self) -> tuple[bytes, int]:
        """The id, and the boots with this one counted; where they cannot be kept, senders will discover anew."""
        self._boots += 1
        beside = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps({"engine_id": self._id.hex(), "boots": self._boots}))
            beside.replace(self._path)
        except OSError as error:
            print(f"{self._path}: the SNMP engine id cannot be kept: {error.strerror}", file=sys.stderr)
        return self._id, self._boots

    def _read(self) -> tuple[bytes, int]:
        try:
            found = json.loads(self._path.read_text())
            engine_id, boots = bytes.fromhex(found["engine_id"]), int(found["boots"])
        except (OSError, ValueError, KeyError, TypeError):
            return self._PREFIX + secrets.token_bytes(8), 0
        return (engine_id, boots) if 5 <= len(engine_id) <= 32 else (self._PREFIX + secrets.token_bytes(8), 0)


class Worker:
    """The loop: orders in, packets through, reports out."""

    def __init__(self, opened: socket.socket, order: Mapping[str, Any]) -> None:
        self._socket = opened
        self._intake = Intake(order["rate"], order["burst"], frozenset(order["relays"]))
        self._communities: list[str] = order["communities"]
        self._users = [TrapUser(u["name"], tuple(u["auth"]), tuple(u["priv"])) for u in order["users"]]
        self._identity = Identity(Path(order["identity"]))
        self._engine = self._new_engine()
        self._taken = 0
        self._heard: Counter[tuple[str, str]] = Counter()
        self._overflowed: int | None = None
        self._reported_at = 0.0
        self._half_line = b""

    def run(self) -> None:
        """Until standard input ends."""
        ready = select.poll()
        for file in (self._socket.fileno(), sys.stdin.fileno()):
            ready.register(file, select.POLLIN)
        while True:
            is_idle = not (self._intake.waiting or self._heard or self._intake.dropped)
            events = dict(ready.poll(1000 if is_idle else 0 if self._intake.waiting else REPORT_EVERY_SECONDS * 1000))
            if sys.stdin.fileno() in events and not self._obey():
                return
            if self._socket.fileno() in events:
                self._drain()
            self._read_some()
            self._report()

    def _obey(self) -> bool:
        """Take in orders; False at their end."""
        read = os.read(sys.stdin.fileno(), 1 << 20)
        *lines, self._half_line = (self._half_line + read).split(b"\n")
        for line in lines:
            self._intake.know(frozenset(json.loads(line)["sources"]))
        return bool(read)

    def _drain(self) -> None:
        now = time.monotonic()
        for _ in range(MOST_PER_DRAIN):
            try:
                data, control, _flags, peer = self._socket.recvmsg(LARGEST_PACKET + 1, 64)
            except BlockingIOError:
                return
            except OSError:
                continue
            if control:
                self._note_overflow(int.from_bytes(control[0][2][:4], sys.byteorder))
            self._intake.offer(data, peer, now)

    def _note_overflow(self, total: int) -> None:
        """The kernel says how many packets its buffer had no room for, since the socket was opened."""
        lost = total - (self._overflowed or 0) & 0xFFFFFFFF
        self._overflowed = total
        if lost:
            self._intake.drop("overload", "", lost)

    def _read_some(self) -> None:
        until = time.monotonic() + READ_FOR_SECONDS
        while self._intake.waiting and time.monotonic() < until:
            data, peer, source = self._intake.waiting.popleft()
            outcome = self._read(data, peer)
            if outcome.reason is not None:
                self._intake.drop(outcome.reason, source)
            elif outcome.kind is not None:
                self._note(outcome, source)

    def _note(self, outcome: Outcome, source: str) -> None:
        sender = self._intake.sender(source, outcome.address)
        if sender is None:
            self._intake.drop("unknown_source", f"{outcome.address} through {source}")
        else:
            self._heard[sender, str(outcome.kind)] += 1

    def _read(self, data: bytes, peer: Peer) -> Outcome:
        self._taken += 1
        if self._taken % ENGINE_PACKETS == 0:
            self._engine = self._new_engine()
        signal.setitimer(signal.ITIMER_REAL, ONE_PACKET_SECONDS)
        try:
            return self._engine.take(data, peer, time.time())
        except _TooLongError:
            return Outcome(reason="bad_packet")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _new_engine(self) -> TrapEngine:
        return TrapEngine(self._communities, self._users, self._identity.boot(), self._answer)

    def _answer(self, data: bytes, peer: Peer) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(data, peer)

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported_at < REPORT_EVERY_SECONDS or not (self._heard or self._intake.dropped):
            return
        self._reported_at = now
        heard = [(source, kind, count) for (source, kind), count in self._heard.items()]
        say({"heard": heard, "dropped": self._intake.dropped, "latest": self._intake.latest})
        self._heard.clear()
        self._intake.dropped.clear()
        self._intake.latest.clear()


def say(report: Mapping[str, Any]) -> None:
    """One line to the parent."""
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


class _TooLongError(BaseException):
    """A packet that pysnmp did not come to an end of; no ``except Exception`` on the way may swallow it."""


def _too_long(_number: int, _frame: FrameType | None) -> None:
    raise _TooLongError


def main() -> int:
    """``python -m collector.poll.traps.worker NUMBER``: NUMBER is the socket's file descriptor."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # both reach the whole group; the parent ends its worker itself
    signal.signal(signal.SIGALRM, _too_long)
    opened = socket.socket(fileno=int(sys.argv[1]))
    opened.setblocking(False)
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as orders:
        first = orders.readline()
    if not first:
        return 0
    try:
        worker = Worker(opened, json.loads(first)["begin"])
        say({"ready": True})
        worker.run()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
