"""The network's agents: SNMP v2c over real UDP, each at its own loopback address, from one socket."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from bisect import bisect_right
from collections.abc import Mapping

from bench.discovery.tables import Objects, Value
from demo import ber

IP_PKTINFO = 8
LARGEST_REPLY = 1400


class Mib:
    """Objects in order, encoded once."""

    def __init__(self, objects: Objects) -> None:
        named = sorted((tuple(map(int, oid.split("."))), value) for oid, value in objects.items())
        self._names = [name for name, _ in named]
        self._binds = [ber.tlv(ber.SEQUENCE, ber.oid(name) + _encoded(value)) for name, value in named]
        self._places = {name: place for place, name in enumerate(self._names)}

    def answer(self, request: ber.Request) -> bytes:
        if request.kind == ber.GET:
            return ber.respond(request, [self._get(name) for name in request.oids])
        binds: list[bytes] = []
        names, size = list(request.oids), 0
        for _ in range(request.second if request.kind == ber.GET_BULK else 1):
            for column, name in enumerate(names):
                names[column], bind = self._next(name)
                size += len(bind)
                if size > LARGEST_REPLY:
                    return ber.respond(request, binds)
                binds.append(bind)
        return ber.respond(request, binds)

    def _get(self, name: ber.Oid) -> bytes:
        place = self._places.get(name)
        return self._binds[place] if place is not None else ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.NO_SUCH_OBJECT)

    def _next(self, name: ber.Oid) -> tuple[ber.Oid, bytes]:
        place = bisect_right(self._names, name)
        if place == len(self._names):
            return name, ber.tlv(ber.SEQUENCE, ber.oid(name) + ber.END_OF_MIB)
        return self._names[place], self._binds[place]


def _encoded(value: Value) -> bytes:
    if isinstance(value, int):
        return ber.number(ber.INTEGER, value)
    return ber.tlv(ber.OCTETS, value) if isinstance(value, bytes) else ber.oid(tuple(map(int, value.split("."))))


class Agents:
    """Answers in a thread until ``stop``. ``mibs`` are by address and community; who is asked with another is silent."""

    def __init__(self, mibs: Mapping[tuple[str, str], Mib], port: int = 0) -> None:
        self._mibs = {
            (ipaddress.ip_address(address).packed, name.encode()): mib for (address, name), mib in mibs.items()
        }
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("", port))
        self._socket.settimeout(0.05)
        self.port = int(self._socket.getsockname()[1])
        self.asked: set[str] = set()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            try:
                data, ancillary, _, sender = self._socket.recvmsg(4096, 64)
            except TimeoutError:
                continue
            to = ancillary[0][2][8:12]
            self.asked.add(socket.inet_ntoa(to))
            try:
                request = ber.decode(data)
            except ber.MalformedError:
                continue
            mib = self._mibs.get((to, request.community))
            if mib is not None:
                source = struct.pack("=i4s4s", 0, to, b"\0" * 4)
                self._socket.sendmsg([mib.answer(request)], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, sender)
