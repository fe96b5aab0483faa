"""Agents of which one cell is damaged at some polls, many of them behind one socket, and what must be true of all that is
read of them: shared by test_damage.py and bench/protocol/damaged_cells.py.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType

from bench.protocol.wire_secure import CREDENTIAL, Front
from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.poller import Poller
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

from ..agents import END_OF_MIB_VIEW, NO_SUCH_INSTANCE, encode_integer, encode_reply

ROUNDS = 8
ROUND_SECONDS = 60.0
START = 1_700_002_800.0
IP_PKTINFO = 8
LARGEST_REPLY = 1400
IF, IF_X = parse_oid("1.3.6.1.2.1.2.2.1"), parse_oid("1.3.6.1.2.1.31.1.1.1")
UPTIME, ENGINE_TIME = parse_oid("1.3.6.1.2.1.1.3.0"), parse_oid("1.3.6.1.6.3.10.2.1.3.0")
DESCRIPTION, OBJECT_ID = parse_oid("1.3.6.1.2.1.1.1.0"), parse_oid("1.3.6.1.2.1.1.2.0")
FIELDS: dict[Oid, str] = {
    (*IF, 8): "is_up",
    (*IF, 13): "receive_discards",
    (*IF, 14): "receive_errors",
    (*IF, 19): "transmit_discards",
    (*IF, 20): "transmit_errors",
    (*IF_X, 6): "receive_bytes",
    (*IF_X, 10): "transmit_bytes",
    (*IF_X, 15): "speed_bytes_per_second",
    (*IF_X, 19): "discontinuity_seconds",
    (*IF_X, 18): "alias",
}
"""Which field of an interface each column fills; ifDescr, ifSpeed and the 32-bit counters stand in for others."""
Spoil = Callable[[random.Random, bytes], bytes]


def _odd_length(step: int) -> Spoil:
    return lambda _, value: bytes((value[0], max(0, value[1] + step) % 128)) + value[2:]


VALUES: dict[str, Spoil] = {
    "a number of no bytes": lambda _, value: bytes((value[0], 0)) if value[0] != OCTETS else b"\x02\x00",
    "a counter of no bytes": lambda chance, _: bytes((chance.choice((0x41, 0x42, 0x43, 0x46, 0x47)), 0)),
    "an unsigned INTEGER": lambda chance, _: (
        b"\x02\x05\x00" + bytes((chance.randrange(128, 256),)) + chance.randbytes(3)
    ),
    "an INTEGER beyond 32 bits": lambda chance, _: b"\x02\x05\x01" + chance.randbytes(4),
    "an INTEGER of many bytes": lambda chance, _: encode_tlv(2, b"\x01" + chance.randbytes(chance.randint(5, 12))),
    "a sign-extended counter": lambda chance, _: (
        bytes((chance.choice((0x41, 0x42, 0x43)), 5, 255)) + chance.randbytes(4)
    ),
    "an over-long counter": lambda chance, _: encode_tlv(
        chance.choice((0x41, 0x42, 0x43)), bytes(6) + chance.randbytes(4)
    ),
    "a Counter64 of nine bytes": lambda chance, _: b"\x46\x09\x01" + chance.randbytes(8),
    "a Counter64 of ten bytes": lambda chance, _: b"\x46\x0a" + chance.randbytes(10),
    "an OID that ends inside a number": lambda chance, _: encode_tlv(
        6, b"\x2b\x06" + bytes((chance.randrange(128, 256),))
    ),
    "an OID with a number over 32 bits": lambda _, __: b"\x06\x06\x2b\x9f\xff\xff\xff\x7f",
    "an address of another length": lambda chance, _: encode_tlv(0x40, chance.randbytes(chance.choice((0, 3, 5, 16)))),
    "an NsapAddress": lambda chance, _: encode_tlv(0x45, chance.randbytes(chance.randint(0, 8))),
    "an Opaque": lambda chance, _: encode_tlv(0x44, b"7" * chance.randint(0, 8)),
    "a type that there is not": lambda chance, _: encode_tlv(
        chance.choice((0x48, 0x0C, 0x13, 0x30)), chance.randbytes(4)
    ),
    "an exception with a length": lambda chance, _: encode_tlv(
        chance.choice((0x80, 0x81, 0x82, 5)), chance.randbytes(1)
    ),
    "a value that is longer than its varbind": _odd_length(1),
    "a value that is shorter than its varbind": _odd_length(-1),
}
"""Ways to damage a value; given the good one."""
NAMES: dict[str, Spoil] = {
    "a name that ends inside a number": lambda _, name: name[:-1] + bytes((name[-1] | 0x80,)),
    "a name of no bytes": lambda _, name: b"\x06\x00",
    "a name of another type": lambda _, name: b"\x04" + name[1:],
    "a name that is longer than its varbind": lambda _, name: bytes((6, 120)) + name[2:],
}
"""Ways to damage the name of a varbind."""
LENGTHS = {"a varbind that is too long": 1, "a varbind that is too short": -1}
"""Ways to damage the length of a varbind: what stands after it cannot be followed."""
KINDS = (*VALUES, *NAMES, *LENGTHS)


class Agent:
    """One device, its numbers at each round, and which of its cells is damaged when.

    ``cell`` is the object that is damaged in ``rounds``; ``truth`` of a round is what an undamaged poll reads. One in four
    starts its agent anew at round ``renewed_at``, so that all is learnt of it again.
    """

    def __init__(self, number: int, seed: str, *, version: str, kind: str | None = None) -> None:
        self.chance = chance = random.Random(f"{seed} {number}")
        self.version = version
        self.ports = range(1, chance.randint(1, 4) + 1)
        self.is_cpe = chance.random() < 0.5
        self.uplink = chance.choice(self.ports)
        self._base = [chance.choice((0, 10**6, 2**31, 2**40, 2**63 - 10**9)) for _ in self.ports]
        self._rates = [chance.choice((1, 1000, 10**7)) for _ in self.ports]
        self.round = 0
        self.renewed_at = chance.randrange(1, ROUNDS) if chance.random() < 0.25 else None
        self._cached: tuple[int, dict[Oid, bytes]] = (-1, {})
        self.order = sorted(self.objects())
        self.kind = kind or chance.choice(KINDS)
        self.cell = chance.choice([oid for oid in self.order if self.is_cpe or oid not in (OBJECT_ID, DESCRIPTION)])
        if self.is_cpe and chance.random() < 0.7:
            self.cell = chance.choice([oid for oid in self.order if oid[-1] == self.uplink and len(oid) > 9])
        first = chance.randrange(ROUNDS)
        self.rounds = range(first, chance.choice((first + 1, first + 2, ROUNDS)))
        self.device = Device(
            f"d{number}",
            f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}",
            "cpe" if self.is_cpe else "router",
            "test",
            ping="off",
            credential="bench" if version == "3" else "default",
            uplink_interface=f"if{self.uplink}",
        )

    @property
    def is_damaged(self) -> bool:
        return self.round in self.rounds

    def bytes_at(self, port: int, round_: int) -> tuple[int, int]:
        """Bytes received and sent until a round."""
        moved = round_ * self._rates[port - 1] * int(ROUND_SECONDS)
        return self._base[port - 1] + moved, self._base[port - 1] + 2 * moved

    def objects(self) -> dict[Oid, bytes]:
        """All objects of the round, undamaged."""
        if self._cached[0] == self.round:
            return self._cached[1]
        found = {
            DESCRIPTION: encode_tlv(OCTETS, b"Router"),
            OBJECT_ID: encode_tlv(6, encode_oid((1, 3, 6, 1, 4, 1, 99999, 1))),
            UPTIME: encode_integer(self.uptime(self.round) * 100, 0x43),
            ENGINE_TIME: encode_integer(self.boot(self.round)),
        }
        for port in self.ports:
            received, sent = self.bytes_at(port, self.round)
            for prefix, columns in self._row(port, received, sent).items():
                found |= {(*prefix, column, port): value for column, value in columns.items()}
        self._cached = (self.round, found)
        return found

    def passed(self) -> tuple[int, int]:
        """Bytes that passed the uplink through all rounds."""
        first, last = self.bytes_at(self.uplink, 0), self.bytes_at(self.uplink, ROUNDS - 1)
        return last[0] - first[0], last[1] - first[1]

    @property
    def spares_uplink(self) -> bool:
        """Whether nothing speaks against any byte of the uplink's: neither damage near its counters nor a restart."""
        touched = [(*IF_X, column) for column in (1, 6, 10, 15)] + [(*IF, 2), (*IF_X, 18)]
        if self.renewed_at is not None or self.cell in (UPTIME, ENGINE_TIME):
            return False
        return self.kind not in LENGTHS and self.cell not in [(*column, self.uplink) for column in touched]

    def uptime(self, round_: int) -> int:
        if self.renewed_at is not None and round_ >= self.renewed_at:
            return 5 + (round_ - self.renewed_at) * int(ROUND_SECONDS)
        return self.boot(round_)

    def boot(self, round_: int) -> int:
        return 100_000 + round_ * int(ROUND_SECONDS)

    def _row(self, port: int, received: int, sent: int) -> dict[Oid, dict[int, bytes]]:
        basic = {
            2: encode_tlv(OCTETS, b"port %d" % port),
            5: encode_integer(1_000_000_000, 0x42),
            8: encode_integer(1),
            10: encode_integer(received % 2**32, 0x41),
            16: encode_integer(sent % 2**32, 0x41),
            **{column: encode_integer(column * port + self.round, 0x41) for column in (13, 14, 19, 20)},
        }
        extended = {
            1: encode_tlv(OCTETS, b"if%d" % port),
            6: encode_integer(received, 0x46),
            10: encode_integer(sent, 0x46),
            15: encode_integer(1000, 0x42),
            18: encode_tlv(OCTETS, b"to house %d" % port),
            19: encode_integer(0, 0x43),
        }
        return {IF: basic, IF_X: extended}

    def truth(self, port: int) -> InterfaceReading:
        """What an undamaged poll reads of a port, its alias included."""
        received, sent = self.bytes_at(port, self.round)
        return InterfaceReading(
            f"if{port}",
            port,
            f"to house {port}",
            True,
            125_000_000.0,
            64,
            received,
            sent,
            14 * port + self.round,
            20 * port + self.round,
            13 * port + self.round,
            19 * port + self.round,
            0.0,
        )

    def answer(self, data: bytes) -> bytes:
        request = decode_any(data)
        objects = self.objects()
        asked = [bind.oid for bind in request.varbinds]
        if request.kind == GET:
            return self._reply(request, [(oid, objects.get(oid, NO_SUCH_INSTANCE)) for oid in asked])
        found: list[tuple[Oid, bytes]] = []
        size = 0
        for _ in range(request.error_index if request.kind == GET_BULK else 1):
            row = [self._following(oid) for oid in asked]
            asked = [oid for oid, _ in row]
            size += sum(len(value) + len(oid) + 6 for oid, value in row)
            if found and size > LARGEST_REPLY:
                break
            found += row
        return self._reply(request, found)

    def _following(self, oid: Oid) -> tuple[Oid, bytes]:
        place = bisect_right(self.order, oid)
        if place == len(self.order):
            return oid, END_OF_MIB_VIEW
        return self.order[place], self.objects()[self.order[place]]

    def _reply(self, request: Message, binds: Sequence[tuple[Oid, bytes]]) -> bytes:
        if not self.is_damaged or all(oid != self.cell for oid, _ in binds):
            return encode_reply(request, binds)
        encoded = b"".join(self._varbind(oid, value) for oid, value in binds)
        head = encode_reply(request, [])
        empty = encode_tlv(SEQUENCE, b"")
        body = head[head.index(b"\xa2") + 2 : -len(empty)] + encode_tlv(SEQUENCE, encoded)
        start = 2 if head[1] < 0x80 else 2 + (head[1] & 0x7F)
        return encode_tlv(SEQUENCE, head[start : head.index(b"\xa2")] + encode_tlv(0xA2, body))

    def _varbind(self, oid: Oid, value: bytes) -> bytes:
        name = encode_tlv(6, encode_oid(oid))
        if oid != self.cell:
            return encode_tlv(SEQUENCE, name + value)
        if self.kind in VALUES:
            value = VALUES[self.kind](self.chance, value)
        elif self.kind in NAMES:
            name = NAMES[self.kind](self.chance, name)
        whole = encode_tlv(SEQUENCE, name + value)
        return whole[:1] + bytes((whole[1] + LENGTHS.get(self.kind, 0),)) + whole[2:]

    # What must be true.

    def faults(self, reading: Reading) -> list[str]:
        """What a reading of this round says falsely, and what it lacks beside the damaged cell."""
        if reading.snmp not in ("answered", "partial"):
            return [f"{reading.snmp}: {reading.failure}"]
        found = self._clock_faults(reading)
        wanted = [self.uplink] if self.is_cpe else list(self.ports)
        for port in wanted:
            read = next((interface for interface in reading.interfaces if interface.index == port), None)
            if read is not None:
                found += self._port_faults(port, read)
            elif not self.may_lack_anything:
                found.append(f"port {port} is lost")
        if len({interface.name for interface in reading.interfaces}) != len(reading.interfaces):
            found.append("a name twice")
        if len(reading.interfaces) > len(self.ports):
            found.append("ports that there are not")
        return found

    @property
    def may_lack_anything(self) -> bool:
        """Whether what stands after the damaged cell cannot be followed."""
        return self.is_damaged and self.kind in LENGTHS

    def _clock_faults(self, reading: Reading) -> list[str]:
        found = []
        for oid, value, true in (
            (UPTIME, reading.uptime_seconds, self.uptime(self.round)),
            (ENGINE_TIME, reading.boot_seconds, self.boot(self.round)),
        ):
            if value is None and not self._may_lack(oid):
                found.append(f"{oid} is lost")
            if value is not None and value != true:
                found.append(f"{oid}: {value}, not {true}")
        return found

    def _port_faults(self, port: int, read: InterfaceReading) -> list[str]:
        truth = self.truth(port)
        found = []
        for column, name in FIELDS.items():
            value, true = getattr(read, name), getattr(truth, name)
            if value is not None and value != true:
                found.append(f"port {port}: {name} is {value}, not {true}")
            elif value is None and not self._may_lack((*column, port)):
                found.append(f"port {port}: {name} is lost")
        if read.counter_bits != 64:
            found.append(f"port {port}: {read.counter_bits} bits")
        named = {truth.name}
        if self.cell == (*IF_X, 1, port) or self.kind in LENGTHS:
            named |= {truth.alias or "", f"port {port}"}
        if read.name not in named:
            found.append(f"port {port} is called {read.name!r}")
        return found

    def _may_lack(self, oid: Oid) -> bool:
        if self.may_lack_anything:
            return True
        is_rare = oid[:-1] == (*IF_X, 18) and bool(self.rounds) and self.round >= self.rounds[0]
        return oid == self.cell and (self.is_damaged or is_rare)


@dataclass
class Found:
    """What a run found: faults in words, by agent; and what was counted."""

    agents: list[Agent]
    readings: dict[str, list[Reading]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    damaged: Counter[str] = field(default_factory=Counter)


class Crowd:
    """All agents behind one socket, told apart by the loopback address that is asked; a thread answers for them."""

    def __init__(self, agents: Sequence[Agent]) -> None:
        self._by_address = {socket.inet_aton(agent.device.address): agent for agent in agents}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("", 0))
        self._socket.settimeout(0.05)
        self.port = int(self._socket.getsockname()[1])
        self._asked: Agent
        self._front = Front(self._answer)
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _answer(self, request: bytes) -> bytes:
        return self._asked.answer(request)

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_stopping.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._is_stopping.is_set():
            try:
                data, control, _, sender = self._socket.recvmsg(65535, 64)
            except TimeoutError:
                continue
            host = control[0][2][8:12]
            agent = self._asked = self._by_address[host]
            reply = self._front.answer(data) if agent.version == "3" else agent.answer(data)
            where = struct.pack("@I4s4x", 0, host)
            self._socket.sendmsg([reply], [(socket.IPPROTO_IP, IP_PKTINFO, where)], 0, sender)


SETTINGS = PollSettings(
    timeout_seconds=3.0, retries=2, budget_seconds=60.0, tick_seconds=0.005, packets_per_second=4000
)
AT_ONCE = 250
"""So many agents are polled at once. More of them would want a longer timeout, and who cannot be read waits for each."""


def run(agents: Sequence[Agent]) -> Found:
    """Poll each agent ROUNDS times, and look at every reading."""
    found = Found(list(agents), {agent.device.device_id: [] for agent in agents})
    with Crowd(agents) as crowd:
        asyncio.run(_poll(found, crowd.port))
    return found


async def _poll(found: Found, port: int) -> None:
    poller = Poller(SETTINGS, PingSettings(), [Credential("default"), CREDENTIAL], load_profiles())
    turn = asyncio.Semaphore(AT_ONCE)
    await poller.open()
    try:
        await asyncio.gather(*(_rounds(found, poller, agent, port, turn) for agent in found.agents))
    finally:
        await poller.close()
    found.damaged.update(poller.counts.damaged)


async def _rounds(found: Found, poller: Poller, agent: Agent, port: int, turn: asyncio.Semaphore) -> None:
    """One agent's rounds, one after the other: who waits for a timeout holds up nobody else's."""
    device = _at(agent.device, port)
    async with turn:
        for number in range(ROUNDS):
            agent.round = number
            answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
            poller.start(device, answered.set_result)
            _judge(found, agent, await answered)


def _judge(found: Found, agent: Agent, reading: Reading) -> None:
    what = f"{agent.device.device_id} ({agent.device.role}, {len(agent.ports)} ports, v{agent.version}), {agent.kind}"
    where = f"at {agent.cell} in rounds {agent.rounds}, round {agent.round}"
    found.faults += [f"{what} {where}: {fault}" for fault in agent.faults(reading)]
    at = START + agent.round * ROUND_SECONDS
    interfaces = tuple(port._replace(late_seconds=None) for port in reading.interfaces)
    found.readings[reading.device_id].append(reading._replace(at=at, interfaces=interfaces))


def _at(device: Device, port: int) -> Device:
    return replace(device, port=port)


def crowd(count: int, seed: str) -> list[Agent]:
    """So many agents: each kind of damage in turn, every other one of version 3."""
    return [
        Agent(n, seed, version="3" if n // len(KINDS) % 2 else "2c", kind=KINDS[n % len(KINDS)]) for n in range(count)
    ]
