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
from pathlib import Path

from demo import ber, network
from demo.clockwork import Clockwork
from demo.fault_timeline import Faults, Timeline
from demo.files import COMMUNITY, Plan, address_of
from demo.history import CPE_UPLINK, NODE_UPLINK
from demo.mib import Mib
from demo.network import Network

LOOPBACK = 127
RECEIVE_BUFFER = 2 << 20
"""About a second of packets: what waits longer is of no use to who asked."""
FAULTS_EVERY = 0.5
PACKETS_AT_ONCE = 400
IP_PKTINFO = 8
JITTER_RATIO = 0.25


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
        shapes = {True: Mib((CPE_UPLINK, "lan0")), False: Mib((NODE_UPLINK, "access0", "access1"))}
        self._mibs = [shapes[is_cpe] for is_cpe in (laid.role == "cpe").tolist()]
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
        now = time.time()
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
            reply = self._answer(position, data, now) if via is self._snmp else data
            if reply is not None:
                self._sent += 1
                due = now + self._delay(position)
                heapq.heappush(self._waiting, (due, self._sent, via, reply, to, sender))

    def _answer(self, position: int, data: bytes, now: float) -> bytes | None:
        try:
            request = ber.decode(data)
        except ber.MalformedError:
            return None
        if request.community != COMMUNITY.encode():
            return None
        return self._mibs[position].answer(request, self._world.at(position, now))

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
