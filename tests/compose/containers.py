"""docker-compose.yml for real: built, started with the demo, scraped, killed, stopped. `make test-compose` runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BUILD_SECONDS, START_SECONDS = 1800, 480


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def compose_command() -> list[str]:
    """Today's `docker compose` or, where that is missing, `docker-compose`."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.fail("neither `docker compose` nor docker-compose works here", pytrace=False)


class Stack:
    """One project of the compose file on ports of its own."""

    def __init__(self, ports: list[int], **environment: str) -> None:
        self._compose = compose_command()
        self.web, self.metrics, self.prometheus = (f"http://127.0.0.1:{port}" for port in ports)
        names = ("BAIRRO_PORT", "BAIRRO_METRICS_PORT", "PROMETHEUS_PORT")
        own = {name: str(port) for name, port in zip(names, ports, strict=True)}
        project = f"bairro-test-{uuid.uuid4().hex[:8]}"
        self._environment = os.environ | own | environment | {"COMPOSE_PROJECT_NAME": project, "BAIRRO_TAG": "test"}

    def __call__(self, *words: str, seconds: float = 180, check: bool = True) -> str:
        done = subprocess.run(
            [*self._compose, *words],
            cwd=ROOT, env=self._environment, timeout=seconds, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{words}: {done.stdout[-4000:]}{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def inspect(self, service: str) -> dict[str, Any]:
        name = self("--profile", "demo", "ps", "-q", service).split()[0]
        text = subprocess.run(["docker", "inspect", name], capture_output=True, text=True, check=True).stdout
        found: dict[str, Any] = json.loads(text)[0]
        return found

    def down(self) -> None:
        self("--profile", "demo", "down", "--volumes", "--remove-orphans", "--timeout", "30")


@pytest.fixture(scope="module")
def demo(free_port) -> Iterator[Stack]:
    stack = Stack([free_port() for _ in range(3)])
    began = time.monotonic()
    stack("build", "collector", seconds=BUILD_SECONDS)
    print(f"built in {time.monotonic() - began:.0f} s")
    try:
        stack("--profile", "demo", "up", "-d", "--no-build")
        yield stack
    finally:
        print(stack("--profile", "demo", "logs", "--no-color", "--tail", "60", check=False))
        stack.down()


def up(stack: Stack) -> int:
    return len(re.findall(r"^bairro_device_up\{.*\} 1\.0$", ask(f"{stack.metrics}/metrics"), re.MULTILINE))


def test_the_provider_in_a_box_is_polled(demo, eventually):
    eventually(lambda: up(demo) > 100, START_SECONDS, 2)


def test_prometheus_scrapes_and_its_rules_evaluate(demo, eventually):
    def healths() -> set[str]:
        targets = json.loads(ask(f"{demo.prometheus}/api/v1/targets"))["data"]["activeTargets"]
        return {target["health"] for target in targets}

    eventually(lambda: healths() == {"up"}, START_SECONDS, 2)
    groups = json.loads(ask(f"{demo.prometheus}/api/v1/rules"))["data"]["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
    query = f"{demo.prometheus}/api/v1/query?query=count(bairro_device_up==1)"
    eventually(lambda: float(json.loads(ask(query))["data"]["result"][0]["value"][1]) > 100, 120, 2)


def test_pages_answer_and_the_analysis_arrives(demo, eventually):
    assert "<html" in eventually(lambda: ask(f"{demo.web}/"), START_SECONDS)
    assert "excess" in eventually(lambda: ask(f"{demo.web}/areas.csv"), START_SECONDS, 2)
    rebound = urllib.request.Request(f"{demo.web}/areas.csv", headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError, match="421"):
        urllib.request.urlopen(rebound, timeout=10)


def test_containers_are_healthy_and_run_without_root(demo, eventually):
    for service in ("collector", "dashboard"):
        eventually(lambda name=service: demo.inspect(name)["State"]["Health"]["Status"] == "healthy", 120, 2)
        assert demo("exec", "-T", service, "id", "-u").split()[-1] == "10001"
    assert "0\t2147483647" in demo("exec", "-T", "collector", "cat", "/proc/sys/net/ipv4/ping_group_range")


def test_a_collector_that_is_killed_comes_back_and_finds_its_agents(demo, eventually):
    started = demo.inspect("collector")["State"]["StartedAt"]
    os.kill(demo.inspect("collector")["State"]["Pid"], 9)
    eventually(lambda: demo.inspect("collector")["State"]["StartedAt"] != started, 60, 1)
    eventually(lambda: up(demo) > 100, START_SECONDS, 2)


def test_it_stops_cleanly(demo):
    began = time.monotonic()
    demo("--profile", "demo", "stop")
    print(f"stopped in {time.monotonic() - began:.0f} s")
    codes = {name: demo.inspect(name)["State"]["ExitCode"] for name in ("collector", "dashboard", "prometheus")}
    assert codes == {"collector": 0, "dashboard": 0, "prometheus": 0}


def test_a_network_of_ones_own(demo, free_port, tmp_path, eventually):
    """Without the profile: a part without settings waits and says so; with them it runs as the folder's owner."""
    folder = tmp_path / "network"
    folder.mkdir()
    stack = Stack(
        [free_port() for _ in range(3)], BAIRRO_FOLDER=str(folder), BAIRRO_USER=f"{os.getuid()}:{os.getgid()}"
    )
    try:
        stack("build", "collector", seconds=BUILD_SECONDS)
        stack("up", "-d", "--no-build", "collector")
        eventually(lambda: "waiting for /srv/bairro/collector.toml" in stack("logs", "collector"), 30, 1)
        (folder / "devices.csv").write_text("device_id,address,role,area\nlone,127.0.0.1,router,Home\n")
        (folder / "collector.toml").write_text(
            'inventory = "devices.csv"\ndata = "data"\n[poll]\ninterval_seconds = 2\n'
        )
        assert "1 device" in stack("run", "--rm", "-T", "collector", "check")
        reachable = 'bairro_device_reachable{by="ping",device="lone"} 1.0'
        eventually(lambda: reachable in ask(f"{stack.metrics}/metrics"), 60, 1)
        assert (folder / "data").stat().st_uid == os.getuid()
        (folder / "dashboard.toml").write_text('data = "data"\ncustomer_key = "customer.key"\n')
        open_to_all = ("serve", "--address", "0.0.0.0", "--published-on", "192.0.2.1")
        said = stack("run", "--rm", "-T", "dashboard", *open_to_all, check=False)
        assert "can be reached from other hosts" in said
    finally:
        stack.down()
