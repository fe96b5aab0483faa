"""The demo's agents: every device answers SNMP v2c and UDP echo from a loopback address of its own."""

from __future__ import annotations

import contextlib
import heapq
import ipaddress
import random
import select
import signal
import socket
import struct
import time
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import numpy as np

from demo import ber, network
from demo.files import COMMUNITY, Plan, address_of
from demo.history import CPE_UPLINK, NODE_UPLINK
from demo.network import Network, NodeHours
from demo.timeline import Faults, Timeline

LOOPBACK = 127
RECEIVE_BUFFER = 8 << 20
LARGEST_REPLY = 1400
FAULTS_EVERY = 0.5
HOURS_AT_ONCE = 24
PACKETS_AT_ONCE = 400
IP_PKTINFO = 8
JITTER_RATIO = 0.25
DESCRIPTION = b"Bairro demo agent"
ENTERPRISE = (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)

Value = Callable[[float], bytes]
Object = tuple[ber.Oid, bytes, Value]


def run(folder: Path) -> int:
    """Serve the agents of a demo's folder until SIGTERM or SIGINT."""
    plan = Plan.read(folder)
    laid = network.lay(plan.seed, plan.areas, plan.devices)
    agents = Agents(laid, plan, Timeline(laid, folder, time.time()))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agents.stop())
    print(
        f"{len(laid.device_id)} agents answer on UDP ports {plan.snmp_port} (SNMP) and {plan.echo_port} (echo)",
        flush=True,
    )
    agents.serve()
    return 0


class Agents:
    """All agents behind two sockets: the address that a packet was sent to says which device is meant."""

    def __init__(self, laid: Network, plan: Plan, timeline: Timeline) -> None:
        self._world = Clockwork(laid, int(plan.as_of.timestamp()) // 3600)
        self._mibs = [Mib(self._world, position) for position in range(len(laid.device_id))]
        self._position = {ipaddress.ip_address(address_of(i)).packed: i for i in range(len(laid.device_id))}
        self._timeline = timeline
        self._faults = Faults()
        self._snmp, self._echo = _open(plan.snmp_port), _open(plan.echo_port)
        self._wake, self._waker = socket.socketpair()
        self._waiting: list[tuple[float, int, socket.socket, bytes, bytes, tuple[str, int]]] = []
        self._sent = 0
        self._is_stopping = False
        self._random = random.Random(plan.seed)

    def stop(self) -> None:
        self._is_stopping = True
        self._waker.send(b"\0")

    def serve(self) -> None:
        """Answer until stopped. Delays wait in a heap: one slow device holds up no other."""
        sockets = (self._snmp, self._echo, self._wake)
        looked = 0.0
        while not self._is_stopping:
            now = time.time()
            if now - looked >= FAULTS_EVERY:
                looked, self._faults = now, self._timeline.at(now)
                self._world.advance(now, self._faults)
            wait = self._waiting[0][0] - now if self._waiting else FAULTS_EVERY
            ready, _, _ = select.select(sockets, (), (), max(0.0, min(FAULTS_EVERY, wait)))
            for readable in ready:
                if readable is not self._wake:
                    self._receive(readable)
            self._send_due(time.time())
        for opened in (*sockets, self._waker):
            opened.close()

    def _receive(self, via: socket.socket) -> None:
        for _ in range(PACKETS_AT_ONCE):
            try:
                data, ancillary, _, sender = via.recvmsg(2048, 64)
            except BlockingIOError:
                return
            if not ancillary:
                continue
            to = ancillary[0][2][8:12]
            position = self._position.get(to)
            if position is None or to[0] != LOOPBACK or position in self._faults.silent:
                continue
            if self._random.random() < self._world.loss(position, self._faults):
                continue
            reply = self._answer(position, data) if via is self._snmp else data
            if reply is not None:
                self._sent += 1
                due = time.time() + self._delay(position)
                heapq.heappush(self._waiting, (due, self._sent, via, reply, to, sender))

    def _answer(self, position: int, data: bytes) -> bytes | None:
        try:
            request = ber.decode(data)
        except ber.MalformedError:
            return None
        if request.community != COMMUNITY.encode():
            return None
        return self._mibs[position].answer(request, time.time())

    def _delay(self, position: int) -> float:
        base = self._world.delay(position, self._faults)
        return base * (1 + JITTER_RATIO * self._random.expovariate(1.0) - JITTER_RATIO)

    def _send_due(self, now: float) -> None:
        while self._waiting and self._waiting[0][0] <= now:
            _, _, via, reply, source, to = heapq.heappop(self._waiting)
            information = struct.pack("=i4s4s", 0, source, b"\0" * 4)
            try:
                via.sendmsg([reply], [(socket.IPPROTO_IP, IP_PKTINFO, information)], 0, to)
            except OSError:
                continue


class Clockwork:
    """The devices' state as a function of absolute time, so that counters go on where a restarted demo left them."""

    def __init__(self, laid: Network, origin_hour: int) -> None:
        self.network = laid
        self._origin = origin_hour
        self._first = -1
        self._hours: NodeHours
        self._before = np.zeros(len(laid.nodes))
        self._passed: np.ndarray
        self._restarted: dict[int, float] = {}
        self._share = np.where(laid.role == "cpe", 0.25, 1.0) * laid.capacity

    def advance(self, now: float, faults: Faults) -> None:
        """Have the hour of ``now`` at hand."""
        self._restarted = faults.restarted_at
        if self._first < 0:
            self._load(self._origin)
        while int(now // 3600) >= self._first + HOURS_AT_ONCE:
            self._before = self._before + self._hours.utilization.sum(axis=1)
            self._load(self._first + HOURS_AT_ONCE)

    def _load(self, first_hour: int) -> None:
        self._first = first_hour
        self._hours = network.node_hours(self.network, first_hour, HOURS_AT_ONCE, with_outages=False)
        self._passed = np.cumsum(self._hours.utilization, axis=1) - self._hours.utilization

    def _served(self, position: int) -> int:
        node = int(self.network.node[position])
        return max(0, node - self.network.nodes.start)

    def _at(self, now: float) -> int:
        return max(0, min(HOURS_AT_ONCE - 1, int(now // 3600) - self._first))

    def bytes_passed(self, position: int, now: float) -> float:
        """Bytes towards the customers since the world's epoch."""
        row, column = self._served(position), self._at(now)
        within = now / 3600 - (self._first + column)
        hours = self._before[row] + self._passed[row, column] + within * self._hours.utilization[row, column]
        return float(hours * 3600 * self._share[position])

    def utilization(self, position: int, now: float) -> float:
        return float(self._hours.utilization[self._served(position), self._at(now)])

    def uptime_seconds(self, position: int, now: float) -> float:
        """Since the last restart; devices came up some time before the world's epoch."""
        booted = (self._origin - 24 * (3 + position % 90)) * 3600
        return now - max(booted, self._restarted.get(position, 0.0))

    def loss(self, position: int, faults: Faults) -> float:
        plant = float(self._hours.loss_ratio[self._served(position), self._at(time.time())])
        return plant + faults.loss.get(position, 0.0) if self.network.role[position] != "router" else 0.0

    def delay(self, position: int, faults: Faults) -> float:
        if self.network.role[position] == "router":
            return 0.001
        p50 = float(self._hours.rtt_p50_seconds[self._served(position), self._at(time.time())])
        return p50 + faults.delay.get(position, 0.0)


class Mib:
    """One agent's objects in order: the system group and IF-MIB (RFC 2863) of its interfaces."""

    def __init__(self, world: Clockwork, position: int) -> None:
        objects = sorted(_objects(world, position))
        self._oids = [name for name, _, _ in objects]
        self._encoded = [encoded for _, encoded, _ in objects]
        self._values = [value for _, _, value in objects]
        self._index = {name: i for i, name in enumerate(self._oids)}

    def answer(self, request: ber.Request, now: float) -> bytes:
        """The Response, cut where a GETBULK's would not fit one datagram (RFC 3416 section 4.2.3)."""
        if request.kind == ber.GET:
            return ber.respond(request, [self._get(name, now) for name in request.oids])
        if request.kind == ber.GET_NEXT:
            return ber.respond(request, [self._next(name, now)[1] for name in request.oids])
        return ber.respond(request, self._bulk(request, now))

    def _get(self, name: ber.Oid, now: float) -> bytes:
        i = self._index.get(name)
        if i is None:
            return ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.NO_SUCH_OBJECT)
        return self._varbind(i, now)

    def _next(self, name: ber.Oid, now: float) -> tuple[ber.Oid, bytes]:
        i = bisect_right(self._oids, name)
        if i == len(self._oids):
            return name, ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.END_OF_MIB)
        return self._oids[i], self._varbind(i, now)

    def _bulk(self, request: ber.Request, now: float) -> list[bytes]:
        single = max(0, request.first)
        varbinds = [self._next(name, now)[1] for name in request.oids[:single]]
        names, size = list(request.oids[single:]), sum(map(len, varbinds))
        for _ in range(max(0, request.second) if names else 0):
            for column, name in enumerate(names):
                names[column], varbind = self._next(name, now)
                size += len(varbind)
                if size > LARGEST_REPLY:
                    return varbinds
                varbinds.append(varbind)
        return varbinds

    def _varbind(self, i: int, now: float) -> bytes:
        return ber.tlv(ber.SEQUENCE, self._encoded[i] + self._values[i](now))


def _objects(world: Clockwork, position: int) -> list[Object]:
    laid = world.network
    name = str(laid.device_id[position]).encode()
    system, uptime = (1, 3, 6, 1, 2, 1, 1), (lambda now: world.uptime_seconds(position, now))
    found = [
        _object((*system, 1, 0), _text(DESCRIPTION)),
        _object((*system, 2, 0), _constant(ber.oid(ENTERPRISE))),
        _object((*system, 3, 0), lambda now: ber.number(ber.TICKS, int(uptime(now) * 100) % 2**32)),
        _object((*system, 5, 0), _text(name)),
        _object((1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0), lambda now: ber.number(ber.INTEGER, int(uptime(now)))),
        _object((1, 3, 6, 1, 2, 1, 25, 1, 1, 0), lambda now: ber.number(ber.TICKS, int(uptime(now) * 100) % 2**32)),
    ]
    is_cpe = laid.role[position] == "cpe"
    names = (CPE_UPLINK, "lan0") if is_cpe else (NODE_UPLINK, "access0", "access1")
    for index, interface in enumerate(names, start=1):
        found += _interface(world, position, index, interface)
    return found


def _interface(world: Clockwork, position: int, index: int, name: str) -> list[Object]:
    """Columns of ifTable and ifXTable. The uplink receives what its other interfaces transmit."""
    laid, is_uplink = world.network, index == 1
    speed = int(laid.capacity[position] * 8)
    down, up = (1.0, 0.12) if is_uplink else (0.12, 1.0)
    if not is_uplink and laid.role[position] != "cpe":
        down, up = down / 2, up / 2

    def passed(share: float) -> Callable[[float], int]:
        return lambda now: int(world.bytes_passed(position, now) * share)

    def count(tag: int, value: Callable[[float], int]) -> Value:
        wrap = 2**32 if tag == ber.COUNTER32 else 2**64
        return lambda now: ber.number(tag, value(now) % wrap)

    def per_packet(share: float) -> Callable[[float], int]:
        return lambda now: int(world.bytes_passed(position, now) * share / 900)

    table, extended = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
    columns: dict[ber.Oid, Value] = {
        (*table, 1): _constant(ber.number(ber.INTEGER, index)),
        (*table, 2): _text(name.encode()),
        (*table, 3): _constant(ber.number(ber.INTEGER, 6)),
        (*table, 5): _constant(ber.number(ber.GAUGE32, min(speed, 2**32 - 1))),
        (*table, 7): _constant(ber.number(ber.INTEGER, 1)),
        (*table, 8): _constant(ber.number(ber.INTEGER, 1)),
        (*table, 10): count(ber.COUNTER32, passed(down)),
        (*table, 13): count(ber.COUNTER32, per_packet(down * 2e-5)),
        (*table, 14): count(ber.COUNTER32, per_packet(down * 1e-5)),
        (*table, 16): count(ber.COUNTER32, passed(up)),
        (*table, 19): count(ber.COUNTER32, per_packet(up * 2e-5)),
        (*table, 20): count(ber.COUNTER32, per_packet(up * 1e-5)),
        (*extended, 1): _text(name.encode()),
        (*extended, 6): count(ber.COUNTER64, passed(down)),
        (*extended, 10): count(ber.COUNTER64, passed(up)),
        (*extended, 15): _constant(ber.number(ber.GAUGE32, speed // 1_000_000)),
        (*extended, 18): _text(b"to the network" if is_uplink else b"to customers"),
        (*extended, 19): _constant(ber.number(ber.TICKS, 0)),
    }
    return [_object((*column, index), value) for column, value in columns.items()]


def _object(name: ber.Oid, value: Value) -> Object:
    return name, ber.oid(name), value


def _constant(encoded: bytes) -> Value:
    return lambda now: encoded


def _text(content: bytes) -> Value:
    return _constant(ber.tlv(ber.OCTETS, content))


def _open(port: int) -> socket.socket:
    """A socket that hears every loopback address. Nothing else reaches it: it is bound to the loopback device where
    the kernel lets it be, and packets to any other address are dropped unread.
    """
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with contextlib.suppress(PermissionError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    opened.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    opened.bind(("", port))
    opened.setblocking(False)
    return opened
