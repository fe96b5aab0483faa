"""``make bench-wire-v3``: CPU time of version 3, ours and pysnmp's authPriv (SHA-1, AES-128) beside version 2c.

Prints the median CPU microseconds (user and system, this process only) of a CPE's 12-varbind poll and a router's walk
through ``Poller``, and of the same GET and an 8-column walk by pysnmp, in turn, each with version 2c beside it; and how
many devices a minute that is on one core. Needs gcc. The agents are those of bench/protocol/wire.py behind bench/protocol/wire_secure.py.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import statistics
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from bench.protocol.wire import COMMUNITY, UPLINK_OIDS, agents, cpu_seconds, devices, measure
from bench.protocol.wire_secure import CREDENTIAL
from collector.credentials import Credential

INTERFACES = 48
PACKETS_PER_SECOND = 3000.0
"""What the front, which is Python, keeps up with."""
PYSNMP_REPETITIONS = 10
COLUMNS = [oid.rpartition(".")[0] for oid in UPLINK_OIDS[2:] if not oid.endswith(("31.1.1.1.15.3", "31.1.1.1.19.3"))]
Contender = Callable[[], Coroutine[Any, Any, float]]


@contextmanager
def secured(agent_port: int) -> Iterator[int]:
    """The agents behind ``agent_port`` as version 3 has them; yields the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.protocol.wire_secure", str(port), str(agent_port)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert running.stdout is not None
        running.stdout.readline()
        yield port
    finally:
        running.kill()
        running.wait()


class Pysnmp:
    """pysnmp's asyncio interface, to one agent."""

    def __init__(self, port: int, *, is_secure: bool) -> None:
        from pysnmp.hlapi.v3arch import asyncio as hlapi

        self._hlapi: Any = hlapi
        self._port = port
        self._engine = hlapi.SnmpEngine()
        self._user: Any = (
            hlapi.UsmUserData(
                CREDENTIAL.user,
                CREDENTIAL.auth_password,
                CREDENTIAL.priv_password,
                hlapi.usmHMACSHAAuthProtocol,
                hlapi.usmAesCfb128Protocol,
            )
            if is_secure
            else hlapi.CommunityData("public", mpModel=1)
        )

    async def cost(self, ask: Callable[[Pysnmp], Coroutine[Any, Any, None]], times: int) -> float:
        """CPU microseconds of one ``ask``, after one to warm up."""
        self._target = await self._hlapi.UdpTransportTarget.create(("127.0.0.1", self._port))
        await ask(self)
        before = cpu_seconds()
        for _ in range(times):
            await ask(self)
        return (cpu_seconds() - before) / times * 1e6

    async def get(self) -> None:
        objects = [self._object(oid) for oid in UPLINK_OIDS]
        assert len(await self._ask(self._hlapi.get_cmd, *objects)) == len(UPLINK_OIDS)

    async def walk(self) -> None:
        """GETBULK of the columns together until the first has been read whole; a row that was cut off is asked again."""
        at, rows = COLUMNS, 0
        while rows < INTERFACES:
            objects = [self._object(oid) for oid in at]
            binds = await self._ask(self._hlapi.bulk_cmd, 0, PYSNMP_REPETITIONS, *objects)
            names = [str(bind[0]) for bind in binds[: len(binds) // len(COLUMNS) * len(COLUMNS)]]
            rows += sum(name.startswith(f"{COLUMNS[0]}.") for name in names[:: len(COLUMNS)])
            at = names[-len(COLUMNS) :]

    def _object(self, oid: str) -> Any:
        return self._hlapi.ObjectType(self._hlapi.ObjectIdentity(oid))

    async def _ask(self, command: Any, *arguments: Any) -> Any:
        context = self._hlapi.ContextData()
        answer = await command(self._engine, self._user, self._target, context, *arguments, lookupMib=False)
        assert not answer[0], answer[0]
        assert not answer[1], answer[1]
        return answer[3]


def contenders(port: int, secure_port: int, cpes: int, routers: int) -> dict[str, Contender]:
    """What is measured, by its name."""

    def ours(count: int, role: str, credential: Credential) -> Contender:
        targets = devices(count, secure_port if credential.version == "3" else port, role=role)

        async def once() -> float:
            return (await measure(targets, 1, None, credential=credential, packets_per_second=PACKETS_PER_SECOND))[0]

        return once

    def theirs(ask: Callable[[Pysnmp], Coroutine[Any, Any, None]], times: int, is_secure: bool) -> Contender:
        return lambda: Pysnmp(secure_port if is_secure else port, is_secure=is_secure).cost(ask, times)

    return {
        "ours, GET of 12 varbinds, 2c": ours(cpes, "cpe", COMMUNITY),
        "ours, GET of 12 varbinds, 3": ours(cpes, "cpe", CREDENTIAL),
        f"ours, walk of 11 columns x {INTERFACES}, 2c": ours(routers, "router", COMMUNITY),
        f"ours, walk of 11 columns x {INTERFACES}, 3": ours(routers, "router", CREDENTIAL),
        "pysnmp, GET of 12 varbinds, 2c": theirs(Pysnmp.get, 40, False),
        "pysnmp, GET of 12 varbinds, 3": theirs(Pysnmp.get, 40, True),
        f"pysnmp, walk of {len(COLUMNS)} columns x {INTERFACES}, 2c": theirs(Pysnmp.walk, 4, False),
        f"pysnmp, walk of {len(COLUMNS)} columns x {INTERFACES}, 3": theirs(Pysnmp.walk, 4, True),
    }


def compare(cpes: int, routers: int, rounds: int) -> None:
    """Run all contenders in turn, so many times, and print each one's median."""
    with agents(INTERFACES) as port, secured(port) as secure_port:
        compared = contenders(port, secure_port, cpes, routers)
        figures: dict[str, list[float]] = {name: [] for name in compared}
        for _ in range(rounds):
            for name, run in compared.items():
                figures[name].append(asyncio.run(run()))
    for name, found in figures.items():
        middle = statistics.median(found)
        spread = f"{min(found):.0f} to {max(found):.0f}, {len(found)} rounds"
        print(f"{name:<44} {middle:9.1f} us  ({spread})  {60e6 / middle:>10,.0f} a minute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--routers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    compare(options.devices, options.routers, options.rounds)


if __name__ == "__main__":
    main()
