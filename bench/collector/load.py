"""The load that every contender polls: agents in C on loopback, and the truth of what they say."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FIRST_ROUTER = 99 * 62500
ROUTER_INTERFACES, UPLINK = 48, 3
RESTART_SECONDS = 600
IF_TABLE, IF_X_TABLE = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
SCALARS = {"sysUpTime": "1.3.6.1.2.1.1.3", "snmpEngineTime": "1.3.6.1.6.3.10.2.1.3"}
COLUMNS = {
    "ifName": f"{IF_X_TABLE}.1",
    "ifHighSpeed": f"{IF_X_TABLE}.15",
    "ifOperStatus": f"{IF_TABLE}.8",
    "ifHCInOctets": f"{IF_X_TABLE}.6",
    "ifHCOutOctets": f"{IF_X_TABLE}.10",
    "ifInErrors": f"{IF_TABLE}.14",
    "ifOutErrors": f"{IF_TABLE}.20",
    "ifInDiscards": f"{IF_TABLE}.13",
    "ifOutDiscards": f"{IF_TABLE}.19",
    "ifCounterDiscontinuityTime": f"{IF_X_TABLE}.19",
}
"""What the generic profile asks of a device whose columns it knows: a CPE's uplink has all ten, a router eight."""
CPE_OIDS = [f"{oid}.0" for oid in SCALARS.values()] + [f"{oid}.{UPLINK}" for oid in COLUMNS.values()]
ROUTER_COLUMNS = dict(list(COLUMNS.items())[:8])


def address_of(number: int) -> str:
    """Where device ``number`` answers; routers begin at FIRST_ROUTER."""
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"


@dataclass(frozen=True)
class Truth:
    """The straight lines that agent.c counts along, since ``started_at`` (Unix seconds)."""

    port: int
    started_at: float
    has_faults: bool = False

    def rate(self, number: int, interface: int) -> int:
        """Bytes a second that an interface receives; more where it must wrap 32 bits every few minutes."""
        own = 100_000 + 1000 * ((number * 7 + interface * 13) % 900)
        return 4_000_000 + 5 * own if self.has_faults and number % 4 == 2 else own

    def restarts(self, number: int, until: float) -> int:
        """How often a device has restarted."""
        if not self.has_faults or number % 4:
            return 0
        return int((until - self.started_at + number * 37 % RESTART_SECONDS) // RESTART_SECONDS)

    def octets(self, number: int, interface: int, at: float, *, is_sent: bool = False) -> float:
        """What ifHCInOctets (or ifHCOutOctets) says at ``at``, to within a millisecond's traffic."""
        rate = self.rate(number, interface)
        base = 123_456_789_012 + number * 1_000_003
        return (rate // 8 if is_sent else rate) * (at - self.started_at) + base


def build(folder: Path) -> dict[str, Path]:
    """Compile agent.c, loop.c and scrape.c into ``folder``."""
    compiler = shutil.which("gcc")
    if compiler is None:
        sys.exit("make bench-collector needs gcc for its agents and drivers")
    programs = {}
    for name in ("agent", "loop", "scrape"):
        programs[name] = folder / name
        source = Path(__file__).with_name(f"{name}.c")
        subprocess.run([compiler, "-O2", "-o", programs[name], source], check=True)
    return programs


@contextmanager
def agents(program: Path, **options: int) -> Iterator[Truth]:
    """The agents with ``options`` of agent.c, until the block ends."""
    command = [str(program), *(f"{name}={value}" for name, value in options.items())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            word, port, started = running.stdout.readline().split()
            assert word == "ready", word
            yield Truth(int(port), float(started), bool(options.get("faults")))
        finally:
            running.kill()
