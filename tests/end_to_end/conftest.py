"""The product as a user starts it: a small demo on ports of its own, a real snmpd, a real Prometheus, a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BAIRRO = (sys.executable, "-m", "bairro")
READY_SECONDS = 150.0


def get(url: str, seconds: float = 10.0) -> str:
    """The body of an answer of 200; raises OSError for any other."""
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        return str(answer.read().decode())


@dataclass
class Demo:
    """A running `bairro demo`."""

    folder: Path
    ports: dict[str, int]
    process: subprocess.Popen[Any]
    output: Path

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.ports['port']}"

    @property
    def metrics(self) -> str:
        return f"http://127.0.0.1:{self.ports['metrics-port']}"

    def samples(self, name: str) -> dict[str, float]:
        """The series of one metric: its labels as they stand -> value."""
        lines = re.findall(rf"^{name}(\{{.*\}})? (\S+)$", get(f"{self.metrics}/metrics"), re.MULTILINE)
        return {labels: float(value) for labels, value in lines}

    def inject(self, faults: list[dict[str, Any]], *, has_scenes: bool = True) -> None:
        """Ask the agents for faults; [] mends everything (demo/agents.py reads the file again within a second).

        ``has_scenes``: whether the demo's own outages, which come and go every quarter of an hour, go on.
        """
        waiting = self.folder / "faults.json.new"
        waiting.write_text(json.dumps({"timeline": has_scenes, "faults": faults}))
        waiting.replace(self.folder / "faults.json")


@pytest.fixture(scope="session")
def start_demo(free_port, eventually) -> Callable[..., Demo]:
    """Start a small demo and wait until its pages and metrics answer; the options are those of `bairro demo`.

    It starts with a umask that would let everybody read and write what it writes.
    """

    def start(processes: Any, folder: Path, ports: dict[str, int] | None = None, wrap: tuple[str, ...] = ()) -> Demo:
        ports = ports or {name: free_port() for name in ("port", "metrics-port", "snmp-port", "echo-port")}
        options = [word for name, port in ports.items() for word in (f"--{name}", str(port))]
        world = ("--seed", "11", "--areas", "6", "--devices", "90")
        output = folder.parent / f"{uuid.uuid4().hex}.out"
        with output.open("wb") as log:
            command = [*wrap, *BAIRRO, "demo", "--folder", folder, *world, *options]
            process = processes.start(command, stdout=log, cwd=ROOT, umask=0)
        demo = Demo(folder, ports, process, output)

        def is_up() -> bool:
            if process.poll() is not None:
                pytest.fail(f"the demo ended with {process.returncode}:\n{output.read_text()}", pytrace=False)
            return "running;" in output.read_text() and bool(get(f"{demo.web}/-/healthy"))

        eventually(is_up, READY_SECONDS)
        return demo

    return start


@pytest.fixture(scope="module")
def demo(start_demo, module_processes, tmp_path_factory) -> Demo:
    """The demo that the tests of a file look at. It ends with them: it polls, answers and builds as long as it runs."""
    return start_demo(module_processes, tmp_path_factory.mktemp("demo") / "provider")


@pytest.fixture(scope="module")
def built_demo(demo, eventually) -> Demo:
    """The same once the analysis is there."""
    eventually(lambda: list((demo.folder / "data" / "results").glob("*/manifest.json")), READY_SECONDS, 0.5)
    return demo


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots are kept."""
    folder = ROOT / "test-artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def snmpd(require_program, free_port, processes, tmp_path, eventually) -> Callable[..., int]:
    """Start Debian's snmpd on 127.0.0.1 with community ``public``; returns its port."""

    def start(community: str = "public") -> int:
        program, snmpget = require_program("snmpd"), require_program("snmpget")
        folder = tmp_path / "snmpd"
        folder.mkdir(exist_ok=True)
        (folder / "snmpd.conf").write_text(f"rocommunity {community} 127.0.0.1\nsysName first\nsysLocation here\n")
        port = free_port()
        command = [
            program,
            "-f",
            "-Lf",
            folder / "log",
            "-C",
            "-c",
            folder / "snmpd.conf",
            "-I",
            "-smux",
            f"udp:127.0.0.1:{port}",
        ]
        processes.start(command, env={"SNMP_PERSISTENT_DIR": str(folder), "MIBS": ""})
        ask = [snmpget, "-v2c", "-c", community, "-t", "1", "-r", "0", f"127.0.0.1:{port}", "1.3.6.1.2.1.1.3.0"]
        eventually(lambda: subprocess.run(ask, capture_output=True, check=False).returncode == 0)
        return port

    return start


@pytest.fixture(scope="session")
def bairro() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run one command of Bairro to its end, as in a shell in ``cwd``."""

    def run(*words: str | Path, cwd: Path, seconds: float = 240.0) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BAIRRO_")}
        command = [*BAIRRO, *(str(word) for word in words)]
        return subprocess.run(
            command, cwd=cwd, env=environment, timeout=seconds, capture_output=True, text=True, check=False
        )

    run.program = BAIRRO  # type: ignore[attr-defined]
    return run
