"""A real snmpd and a real PostgreSQL for every test that wants one."""

from __future__ import annotations

import glob
import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

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


@pytest.fixture(scope="session")
def postgresql_server(
    session_processes: Any, free_port: Callable[[], int], require_program: Callable[[str], str]
) -> Iterator[str]:
    """A URL of a new server's maintenance database; the server refuses to run as root, so it runs as its own user."""
    if not (found := sorted(glob.glob("/usr/lib/postgresql/*/bin"))):
        require_program("postgres")
    user, wrap, port = pwd.getpwuid(os.getuid()).pw_name, (), free_port()
    with tempfile.TemporaryDirectory(prefix="bairro-postgresql-") as folder:
        if os.getuid() == 0:
            user, wrap = "postgres", ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
            os.chown(folder, *pwd.getpwnam("postgres")[2:4])
        data = f"{folder}/data"
        initdb = session_processes.start([*wrap, f"{found[-1]}/initdb", "-D", data, "-U", user, "--auth=trust"])
        assert initdb.wait(60) == 0
        options = ("-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", "fsync=off")
        running = session_processes.start([*wrap, f"{found[-1]}/postgres", "-D", data, *options])
        url = f"postgresql+psycopg://{user}:secret@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
        session_processes.stop(running, signal.SIGINT)


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    """A database of the test's own."""
    name = f"bairro_{time.monotonic_ns()}"
    engine = sa.create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return postgresql_server.removesuffix("postgres") + name


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    engine = sa.create_engine(url)
    while True:
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            engine.dispose()
            return
