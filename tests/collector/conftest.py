"""A real snmpd for every test that wants one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMUNITY = "bairro-test"


@dataclass(frozen=True)
class Agent:
    """A running SNMP agent."""

    address: str
    port: int
    community: str

    def ask(self, tool: str, *oids: str) -> list[str]:
        """What net-snmp's own ``snmpget`` or ``snmpwalk`` prints, numbers only, a line per varbind."""
        command = [
            tool,
            "-v2c",
            "-c",
            self.community,
            "-On",
            "-Oe",
            "-Ot",
            "-OQ",
            "-t",
            "5",
            f"{self.address}:{self.port}",
        ]
        done = subprocess.run([*command, *oids], capture_output=True, text=True, check=True, timeout=30)
        return done.stdout.splitlines()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def snmpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """Debian's snmpd on an ephemeral loopback port, with a configuration of its own."""
    program = shutil.which("snmpd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None or shutil.which("snmpget") is None:
        pytest.fail("snmpd and snmpget are missing; install the packages snmpd and snmp")
    folder = tmp_path_factory.mktemp("snmpd")
    configuration = folder / "snmpd.conf"
    configuration.write_text(f"rocommunity {COMMUNITY} 127.0.0.1\nsysName bairro-agent\ninterface_replace_old yes\n")
    agent = Agent("127.0.0.1", free_port(), COMMUNITY)
    arguments = ["-f", "-Lf", str(folder / "log"), "-C", "-c", str(configuration), "-I", "-smux", "-r"]
    environment = {"SNMP_PERSISTENT_DIR": str(folder), "PATH": "/usr/bin:/bin"}
    running = subprocess.Popen([program, *arguments, f"udp:{agent.address}:{agent.port}"], env=environment)
    try:
        _wait_for(agent, running, folder / "log")
        yield agent
    finally:
        running.terminate()
        running.wait(timeout=10)


def _wait_for(agent: Agent, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        if running.poll() is not None:
            pytest.fail(f"snmpd ended with {running.returncode}: {log.read_text()[-500:]}")
        try:
            agent.ask("snmpget", "1.3.6.1.2.1.1.3.0")
        except subprocess.CalledProcessError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("snmpd did not answer within its time")
