"""A real Prometheus scrapes the collector: targets up, rules in health, rates that agree with the agents' counters."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BAIRRO = (sys.executable, "-m", "bairro")
COMMUNITY = "bairro-demo"
IF_NAME, IN_OCTETS = "1.3.6.1.2.1.31.1.1.1.1", "1.3.6.1.2.1.31.1.1.1.6"
EVERY_SECONDS = 0.5
MEASURED_SECONDS = 45
AGAIN_SECONDS = 0.4
"""The demo's lines lose packets. Who asked waits so long and asks again: little beside what is measured."""
pytestmark = pytest.mark.slow


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


class Prometheus:
    """A server of Debian's, on ports and storage of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def data(self, path: str, **parameters: str) -> Any:
        answer = json.loads(ask(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success"
        return answer["data"]

    def value(self, query: str, at: float) -> float:
        result = self.data("query", query=query, time=f"{at:.3f}")["result"]
        assert len(result) == 1, (query, result)
        return float(result[0]["value"][1])


@pytest.fixture(scope="module")
def devices(module_processes, tmp_path_factory, free_port) -> Path:
    """The inventory of a small provider whose agents run."""
    folder = tmp_path_factory.mktemp("agents") / "provider"
    ports = ("--snmp-port", str(free_port()), "--echo-port", str(free_port()))
    prepare = [*BAIRRO, "demo-prepare", "--folder", folder, "--seed", "5", "--areas", "4", "--devices", "60", *ports]
    subprocess.run([str(word) for word in prepare], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    # Restarts and outages of the timeline would break the very series that are measured.
    (folder / "faults.json").write_text('{"timeline": false}')
    with (folder / "agents.log").open("wb") as log:
        module_processes.start([*BAIRRO, "demo-agents", folder], cwd=ROOT, stdout=log)
    return folder / "devices.csv"


@pytest.fixture(scope="module")
def metrics(devices, module_processes, tmp_path_factory, free_port, eventually) -> str:
    """The address of /metrics of a collector that polls twice a second."""
    folder, port = tmp_path_factory.mktemp("collector"), free_port()
    (folder / "collector.toml").write_text(
        f'inventory = "{devices}"\ndata = "data"\n'
        f"[poll]\ninterval_seconds = {EVERY_SECONDS}\ntimeout_seconds = {AGAIN_SECONDS}\n[web]\nport = {port}\n"
        f'[ping]\ncount = 2\n[[credentials]]\nname = "default"\ncommunity = "{COMMUNITY}"\n'
    )
    with (folder / "collect.log").open("wb") as log:
        module_processes.start([*BAIRRO, "collect", "--config", folder / "collector.toml"], cwd=ROOT, stdout=log)
    url = f"http://127.0.0.1:{port}/metrics"
    eventually(lambda: "bairro_interface_receive_bytes_total{" in ask(url))
    return url


@pytest.fixture(scope="module")
def prometheus(metrics, module_processes, require_program, tmp_path_factory, free_port, eventually) -> Prometheus:
    """Debian's Prometheus, with the rules that we ship, scraping as often."""
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    shipped = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    rules = ROOT / "deploy" / "prometheus"
    configuration = (
        shipped.replace("60s", f"{EVERY_SECONDS * 1000:.0f}ms")
        .replace("collector:9733", metrics.split("/")[2])
        .replace("- records.yml", f"- {rules}/records.yml")
        .replace("- alerts.yml", f"- {rules}/alerts.yml")
    )
    (folder / "prometheus.yml").write_text(configuration)
    options = ("config.file=prometheus.yml", "storage.tsdb.path=data", f"web.listen-address=127.0.0.1:{port}")
    with (folder / "log").open("wb") as log:
        command = [require_program("prometheus"), *(f"--{option}" for option in options)]
        module_processes.start(command, cwd=folder, stdout=log)
    server = Prometheus(f"http://127.0.0.1:{port}")
    eventually(lambda: "Ready" in ask(f"{server.url}/-/ready"))
    return server


def interface_counters(snmpwalk: str, address: str) -> tuple[float, float, dict[str, float]]:
    """When they were asked for and had come, and ifHCInOctets by ifName, from the agent itself."""

    def walk(oid: str) -> dict[str, str]:
        again = ("-t", str(AGAIN_SECONDS), "-r", "20")
        command = [snmpwalk, "-v2c", "-c", COMMUNITY, "-On", "-Oe", *again, address, oid]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return dict(re.findall(rf"^\.{oid}\.(\d+) = \w+: \"?(.*?)\"?$", text, re.MULTILINE))

    names, asked_at = walk(IF_NAME), time.time()
    octets = walk(IN_OCTETS)
    return asked_at, time.time(), {names[index]: float(value) for index, value in octets.items()}


def one_of_each_role(inventory: Path) -> dict[str, str]:
    """device_id -> address of the first device of each role."""
    with inventory.open(newline="", encoding="utf-8-sig") as file:
        first = {row["role"]: row for row in reversed(list(csv.DictReader(file)))}
    return {row["device_id"]: row["address"] for row in first.values()}


def test_the_target_is_up(prometheus, eventually):
    def targets() -> list[str]:
        return [target["health"] for target in prometheus.data("targets")["activeTargets"]]

    eventually(lambda: targets() == ["up"])


def test_the_text_is_clean(metrics, require_program):
    done = subprocess.run(
        [require_program("promtool"), "check", "metrics"],
        input=ask(metrics),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_rates_agree_with_the_agents_counters(prometheus, devices, require_program, eventually):
    """Within 2%: Prometheus sees each counter up to one poll and one scrape late, at both ends of the same window.

    What lost packets made later than that is known, for our own readings and for the collector's polls, and is allowed.
    """

    def poll_overdue(device: str, at: float) -> float:
        """Seconds by which the newest poll that Prometheus knew of at a time was later than the next one was due."""
        sent_at = prometheus.value(f'bairro_device_last_poll_timestamp_seconds{{device="{device}"}}', at)
        return max(0.0, at - sent_at - EVERY_SECONDS)

    snmpwalk, asked = require_program("snmpwalk"), one_of_each_role(devices)
    eventually(lambda: prometheus.data("query", query="count(bairro_interface_receive_bytes_total)")["result"], 90)
    before = {device: interface_counters(snmpwalk, address) for device, address in asked.items()}
    time.sleep(MEASURED_SECONDS)
    for device, address in asked.items():
        before_at, before_came, first = before[device]
        after_at, after_came, after = interface_counters(snmpwalk, address)
        seconds = after_at - before_at
        shown = prometheus.data("query", query=f'bairro_interface_receive_bytes_total{{device="{device}"}}')["result"]
        assert shown, f"no interface of {device} is scraped"
        late = before_came - before_at + after_came - after_at
        late += poll_overdue(device, before_at) + poll_overdue(device, after_at)
        for interface in (series["metric"]["interface"] for series in shown):
            truth = (after[interface] - first[interface]) / seconds
            series = f'bairro_interface_receive_bytes_total{{device="{device}",interface="{interface}"}}'
            seen = prometheus.value(f"rate({series}[{seconds:.0f}s])", after_at)
            assert truth > 0, (device, interface)
            assert seen == pytest.approx(truth, rel=0.02 + late / seconds), (device, interface, late)


def test_the_rules_evaluate(prometheus):
    groups = prometheus.data("rules")["groups"]
    faults = {
        rule["name"]: rule.get("lastError") for group in groups for rule in group["rules"] if rule["health"] == "err"
    }
    assert groups
    assert not faults
    asked = re.findall(r"^\| [^|]+ \| `(.+)` \|$", DOCUMENT.partition("## Prometheus")[2], re.MULTILINE)
    assert len(asked) >= 8, "the questions of the document"
    for query in asked:
        prometheus.data("query", query=query)
    up = prometheus.data("query", query="area:bairro_area_devices_down:ratio")["result"]
    assert len(up) == 4, "one share for each of the four areas"
