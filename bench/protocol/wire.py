"""CPU time of the poll stage: ``make bench-wire``. One collector process, agents in C on loopback.

Prints the median CPU microseconds (user and system, this process only) for a CPE's 13-varbind poll and a router's
walk, both through ``Poller`` and decoded into Readings; with ``--peer`` the same GET by pysnmp in paired runs.
Needs gcc. Figures are only worth comparing on one machine, in one go.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.reading import Device, Reading

UPLINK_OIDS = [
    "1.3.6.1.2.1.1.3.0",
    "1.3.6.1.6.3.10.2.1.3.0",
    "1.3.6.1.2.1.31.1.1.1.1.3",
    "1.3.6.1.2.1.31.1.1.1.15.3",
    "1.3.6.1.2.1.2.2.1.8.3",
    "1.3.6.1.2.1.2.2.1.7.3",
    "1.3.6.1.2.1.31.1.1.1.6.3",
    "1.3.6.1.2.1.31.1.1.1.10.3",
    "1.3.6.1.2.1.2.2.1.14.3",
    "1.3.6.1.2.1.2.2.1.20.3",
    "1.3.6.1.2.1.2.2.1.13.3",
    "1.3.6.1.2.1.2.2.1.19.3",
    "1.3.6.1.2.1.31.1.1.1.19.3",
]


COMMUNITY = Credential("default")


@contextmanager
def agents(interfaces: int) -> Iterator[int]:
    """Agents with so many interfaces on every address of 127.0.0.0/8; yields their port."""
    compiler = shutil.which("gcc")
    if compiler is None:
        sys.exit("bench/protocol/wire.py needs gcc for its agents")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "agent")
        subprocess.run([compiler, "-O2", "-o", program, Path(__file__).with_name("wire_agent.c")], check=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        running = subprocess.Popen([program, str(port), str(interfaces)], stdout=subprocess.PIPE)
        try:
            assert running.stdout is not None
            running.stdout.readline()
            yield port
        finally:
            running.kill()
            running.wait()


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def devices(count: int, port: int, *, role: str) -> list[Device]:
    """So many agents, each on a loopback address of its own."""
    uplink = "if3" if role == "cpe" else None
    addresses = (f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}" for n in range(count))
    return [
        Device(f"d{n}", address, role, "bench", port=port, ping="off", uplink_interface=uplink)  # type: ignore[arg-type]
        for n, address in enumerate(addresses)
    ]


async def poll_all(poller: Poller, targets: list[Device], per_second: float | None) -> list[Reading]:
    """Poll every device once; ``per_second`` spreads the starts evenly in 10 ms steps."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[None] = loop.create_future()
    readings: list[Reading] = []

    def done(reading: Reading) -> None:
        readings.append(reading)
        if len(readings) == len(targets):
            finished.set_result(None)

    begun = loop.time()
    for n, device in enumerate(targets):
        if per_second is not None and n / per_second > loop.time() - begun:
            await asyncio.sleep(0.01)
        poller.start(device, done)
    await finished
    return readings


async def measure(
    targets: list[Device],
    rounds: int,
    per_second: float | None,
    *,
    credential: Credential = COMMUNITY,
    packets_per_second: float = 15000.0,
) -> list[float]:
    """CPU microseconds per poll of each round, after two rounds of learning."""
    settings = PollSettings(packets_per_second=packets_per_second, budget_seconds=60.0)
    poller = Poller(settings, PingSettings(), [credential], load_profiles())
    await poller.open()
    figures = []
    try:
        for number in range(rounds + 2):
            before = cpu_seconds()
            readings = await poll_all(poller, targets, per_second)
            used = (cpu_seconds() - before) / len(targets) * 1e6
            failed = [reading for reading in readings if reading.snmp != "answered"]
            if failed:
                sys.exit(f"{len(failed)} polls failed, the first: {failed[0]}; {poller.counts}")
            if number >= 2:
                figures.append(used)
    finally:
        await poller.close()
    return figures


async def measure_pysnmp(port: int, polls: int) -> float:
    """CPU microseconds per GET of the same twelve objects by pysnmp's asyncio interface."""
    from pysnmp.hlapi.v3arch import asyncio as hlapi

    engine = hlapi.SnmpEngine()
    target = await hlapi.UdpTransportTarget.create(("127.0.0.1", port))
    objects = [hlapi.ObjectType(hlapi.ObjectIdentity(oid)) for oid in UPLINK_OIDS]
    community, context = hlapi.CommunityData("public", mpModel=1), hlapi.ContextData()
    await hlapi.get_cmd(engine, community, target, context, *objects, lookupMib=False)
    before = cpu_seconds()
    for _ in range(polls):
        error, status, _, _ = await hlapi.get_cmd(engine, community, target, context, *objects, lookupMib=False)
        assert not error, error
        assert not status, status
    return (cpu_seconds() - before) / polls * 1e6


def report(name: str, figures: list[float]) -> None:
    low, middle, high = min(figures), statistics.median(figures), max(figures)
    print(f"{name:<58} {middle:8.1f} us   ({low:.1f} to {high:.1f}, {len(figures)} rounds)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--devices", type=int, default=5000)
    parser.add_argument("--routers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pace", type=float, default=1000.0, help="polls a second of the evenly paced run")
    parser.add_argument("--peer", action="store_true", help="also time pysnmp, in turn with ours")
    options = parser.parse_args()
    started = time.monotonic()
    with agents(48) as port:
        cpe = devices(options.devices, port, role="cpe")
        report(
            "CPE, GET of 12 varbinds, as fast as 15,000 packets a second",
            asyncio.run(measure(cpe, options.rounds, None)),
        )
        paced = cpe[: int(options.pace * 2)]
        report(f"the same, {options.pace:.0f} polls a second evenly", asyncio.run(measure(paced, 3, options.pace)))
        routers = devices(options.routers, port, role="router")
        report("router, walk of 11 columns x 48 interfaces", asyncio.run(measure(routers, options.rounds, None)))
        if options.peer:
            pairs = [
                (asyncio.run(measure_pysnmp(port, 30)), asyncio.run(measure(cpe[:1000], 1, None))[0])
                for _ in range(options.rounds)
            ]
            report("pysnmp, GET of the same 12 varbinds", [theirs for theirs, _ in pairs])
            report("  its CPU time over ours, in paired rounds", [theirs / ours for theirs, ours in pairs])
    print(f"{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
