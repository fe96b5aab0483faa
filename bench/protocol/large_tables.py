"""How long a table of thousands of rows takes: ``make bench-large-tables``, beside net-snmp's ``snmpbulkwalk`` in turn.

An agent in C (``table_agent.c``) serves an access concentrator of sessions and one uplink whose ifIndex is the highest.
Each count is polled alone, first without any knowledge of the device and then as usual. ``--wait`` is how many
microseconds the agent takes for an answer. Needs gcc and Debian's snmp.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.reading import Device, Reading

SYSTEM = (("1.0", 4, "Access concentrator"), ("2.0", 6, "1.3.6.1.4.1.99999.1"), ("3.0", 67, "8640000"))
LOW, HIGH = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
PEER = ("snmpbulkwalk", "-v2c", "-cpublic", "-Cr50", "-Oqn")
UPLINK = "uplink"


def recording(sessions: int) -> str:
    """The objects of a concentrator, as a recording."""
    lines = [f"1.3.6.1.2.1.1.{oid}|{kind}|{text}" for oid, kind, text in SYSTEM]
    for index in range(sessions + 1):
        name = f"<pppoe-user{index}>" if index < sessions else UPLINK
        lines += [f"{LOW}.2.{index + 1}|4|{name}", f"{LOW}.5.{index + 1}|66|1000000000"]
        lines += [f"{LOW}.{column}.{index + 1}|2|1" for column in (7, 8)]
        lines += [f"{LOW}.{column}.{index + 1}|65|123456" for column in (10, 13, 14, 16, 19, 20)]
        lines += [f"{HIGH}.1.{index + 1}|4|{name}", f"{HIGH}.15.{index + 1}|66|1000", f"{HIGH}.18.{index + 1}|4|"]
        lines += [f"{HIGH}.{column}.{index + 1}|70|1234567890123" for column in (6, 10)]
    return "\n".join(lines) + "\n"


@contextmanager
def agent(sessions: int, wait: int) -> Iterator[int]:
    """Compile and start the agent; gives its port."""
    with tempfile.TemporaryDirectory() as folder:
        program, table = Path(folder) / "agent", Path(folder) / "table.snmprec"
        table.write_text(recording(sessions))
        source = Path(__file__).with_name("table_agent.c")
        subprocess.run(["gcc", "-O2", "-o", program, source], check=True)
        running = subprocess.Popen([program, f"wait={wait}", table], stdout=subprocess.PIPE, text=True)
        try:
            assert running.stdout is not None
            yield int(running.stdout.readline().split()[1])
        finally:
            running.terminate()
            running.wait()


async def polled(port: int, times: int) -> list[tuple[Reading, float, float]]:
    """Readings of as many polls of one device, each with its seconds of time and of CPU."""
    device = Device("bng", "127.0.0.1", "router", "area", port=port, ping="off", uplink_interface=UPLINK)
    poller = Poller(PollSettings(), PingSettings(), (Credential("default"),), load_profiles())
    await poller.open()
    found = []
    for _ in range(times):
        answered: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        began, cpu = time.monotonic(), time.process_time()
        poller.start(device, answered.set_result)
        found.append((await answered, time.monotonic() - began, time.process_time() - cpu))
    await poller.close()
    return found


def peer_seconds(port: int) -> float:
    began = time.monotonic()
    subprocess.run([*PEER, f"127.0.0.1:{port}", "1.3.6.1.2.1"], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def run(sessions: int, rounds: int, wait: int) -> None:
    rows: list[tuple[float, float, float, float]] = []
    for _ in range(rounds):
        with agent(sessions, wait) as port:
            peer = peer_seconds(port)
            first, *later = asyncio.run(polled(port, 4))
        rows.append((peer, first[1], later[-1][1], later[-1][2]))
    peer, first_seconds, later_seconds, cpu = map(statistics.median, zip(*rows, strict=True))
    reading = later[-1][0]
    has_uplink = any(interface.name == UPLINK for interface in reading.interfaces)
    print(
        f"{sessions} sessions: snmpbulkwalk {peer:.2f} s; first poll {first_seconds:.2f} s, later ones "
        f"{later_seconds:.2f} s ({cpu:.2f} s of CPU); {reading.snmp}, uplink {'read' if has_uplink else 'not read'}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.protocol.large_tables")
    parser.add_argument("--sessions", type=int, nargs="+", default=[2000, 12000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wait", type=int, default=0)
    arguments = parser.parse_args(argv)
    if missing := [program for program in ("gcc", "snmpbulkwalk") if shutil.which(program) is None]:
        print(f"needs {', '.join(missing)}", file=sys.stderr)
        return 2
    for sessions in arguments.sessions:
        run(sessions, arguments.rounds, arguments.wait)
    return 0


if __name__ == "__main__":
    sys.exit(main())
