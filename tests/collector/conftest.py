"""A real snmpd for every test that wants one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

COMMUNITY = "bairro-test"


@dataclass(frozen=True)
class Agent:
    """A running SNMP agent."""

    address: str
    port: int
    community: str

    def ask(self, tool: str, *oids: str) -> dict[str, str]:
        """What net-snmp's own ``snmpget`` or ``snmpwalk`` says: object identifier in numbers -> value as it prints."""
        command = [tool, "-v2c", "-c", self.community, "-Onetq", "-t", "5", f"{self.address}:{self.port}", *oids]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        pairs = (line.partition(" ") for line in done.stdout.splitlines())
        return {oid.lstrip("."): value.strip('"') for oid, _, value in pairs}


@pytest.fixture(scope="session")
def snmpd(
    tmp_path_factory: pytest.TempPathFactory,
    require_program: Callable[[str], str],
    free_port: Callable[[], int],
    session_processes: Any,
    eventually: Callable[..., Any],
) -> Agent:
    """Debian's snmpd on a free loopback port, with a configuration of its own."""
    require_program("snmpget")
    folder = tmp_path_factory.mktemp("snmpd")
    configuration = folder / "snmpd.conf"
    configuration.write_text(f"rocommunity {COMMUNITY} 127.0.0.1\nsysName bairro-agent\n")
    agent = Agent("127.0.0.1", free_port(), COMMUNITY)
    where = f"udp:{agent.address}:{agent.port}"
    command = [require_program("snmpd"), "-f", "-Lf", folder / "log", "-C", "-c", configuration, "-I", "-smux", where]
    running = session_processes.start(command, env={"SNMP_PERSISTENT_DIR": str(folder)})

    def answers() -> bool:
        assert running.poll() is None, (folder / "log").read_text()[-500:]
        try:
            return bool(agent.ask("snmpget", "1.3.6.1.2.1.1.3.0"))
        except subprocess.CalledProcessError:
            return False

    eventually(answers)
    return agent
