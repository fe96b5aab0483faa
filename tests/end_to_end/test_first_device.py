"""docs/first-device.md, followed to the letter by a new user with one real agent: its files, its commands, its words."""

from __future__ import annotations

import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

DOCUMENT = (Path(__file__).parents[2] / "docs" / "first-device.md").read_text()
pytestmark = pytest.mark.slow


def block(kind: str, containing: str) -> str:
    """The document's fenced block of this kind that holds these words."""
    found = [text for text in re.findall(rf"```{kind}\n(.*?)```", DOCUMENT, re.DOTALL) if containing in text]
    assert len(found) == 1, (kind, containing, found)
    return str(found[0])


def ask(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


@pytest.fixture
def folder(tmp_path, snmpd, free_port):
    """The folder as the document makes it; only ports and the pace differ."""
    folder = tmp_path / "network"
    folder.mkdir()
    agent = f"127.0.0.1:{snmpd()}"
    (folder / "devices.csv").write_text(block("csv", "device_id").replace("127.0.0.1", agent))
    collector = block("toml", "[[credentials]]").replace("interval_seconds = 10", "interval_seconds = 1")
    (folder / "collector.toml").write_text(f"{collector}\n[web]\nport = {free_port()}\n")
    (folder / "dashboard.toml").write_text(f"{block('toml', 'provider')}\n[web]\nport = {free_port()}\n")
    return folder


def port_of(folder: Path, name: str) -> str:
    return re.findall(r"port = (\d+)", (folder / name).read_text())[-1]


def test_the_ten_minute_path(folder, bairro, processes, eventually, require_program):
    checked = bairro("check", cwd=folder)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert not (folder / "data").exists(), "check writes nothing"

    explained = bairro("explain", "router-1", cwd=folder)
    assert explained.returncode == 0, explained.stdout + explained.stderr
    agent = (folder / "devices.csv").read_text().split(",")[4]
    for words in ("router-1", agent.partition(":")[2], "1.3.6.1.2.1.1.3.0", "snmp = answered"):
        assert words in explained.stdout

    start = [*bairro.program, "collect"]
    with (folder / "collect.log").open("wb") as log:
        collecting = processes.start(start, cwd=folder, stdout=log)
    metrics = f"http://127.0.0.1:{port_of(folder, 'collector.toml')}/metrics"
    eventually(lambda: 'bairro_device_up{device="router-1"} 1.0' in ask(metrics))
    counted = re.search(
        r'bairro_interface_receive_bytes_total\{device="router-1",interface="lo"\} (\S+)',
        eventually(lambda: (text := ask(metrics)) and "_receive_bytes_total{" in text and text),
    )
    assert counted is not None
    command = [require_program("snmpwalk"), "-v2c", "-c", "public", "-Oqv", agent, "1.3.6.1.2.1.31.1.1.1.6"]
    truth = [int(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]
    assert 0 < float(counted[1]) <= max(truth)

    with (folder / "serve.log").open("wb") as log:
        serving = processes.start([*bairro.program, "serve"], cwd=folder, stdout=log)
    page = f"http://127.0.0.1:{port_of(folder, 'dashboard.toml')}/"
    assert "<html" in eventually(lambda: ask(page))
    eventually(lambda: (folder / "data" / "live").glob("*.parquet"))

    for process, name in ((serving, "serve"), (collecting, "collect")):
        assert processes.stop(process) == 0, (folder / f"{name}.log").read_text()
    assert not processes.left().keys() & {serving.pid, collecting.pid}
    assert "Traceback" not in (folder / "collect.log").read_text() + (folder / "serve.log").read_text()


def test_the_page_shows_the_device_and_its_outage(folder, bairro, processes, eventually, browser):
    devices = (folder / "devices.csv").read_text().splitlines()
    (folder / "devices.csv").write_text(f"{devices[0]},ping\n{devices[1]},off\n")
    for command in ("collect", "serve"):
        with (folder / f"{command}.log").open("wb") as log:
            processes.start([*bairro.program, command], cwd=folder, stdout=log)
    url = f"http://127.0.0.1:{port_of(folder, 'dashboard.toml')}/"
    eventually(lambda: ask(url))
    page = browser.new_page()
    page.goto(url)

    def is_calm() -> bool:
        said = page.inner_text("body")
        assert "No open incident" in said, "\n\n".join([said, *(log.read_text() for log in folder.glob("*.log"))])
        return True

    eventually(is_calm)

    agent = next(pid for pid, command in processes.left().items() if "snmpd" in command.split()[0])
    subprocess.run(["kill", str(agent)], check=True)
    page.locator("#now-incidents").get_by_text("router-1 is down").wait_for(timeout=60_000)
    page.close()
