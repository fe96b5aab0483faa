"""What all contenders of a scene share: which devices, how fast, for how long; and the settings of ours."""

from __future__ import annotations

import csv
import gzip
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.collector.load import FIRST_ROUTER, UPLINK, Truth, address_of
from bench.collector.values_agree import device_id


@dataclass(frozen=True)
class Scene:
    """Devices to poll: ``count`` from number ``first`` on, ``polls`` polls in all.

    ``rate`` is polls begun a second, None for closed loop.
    """

    name: str
    truth: Truth
    programs: dict[str, Path]
    folder: Path
    first: int
    count: int
    polls: int
    rate: float | None = None

    @property
    def is_router(self) -> bool:
        return self.first >= FIRST_ROUTER

    @property
    def numbers(self) -> range:
        return range(self.first, self.first + self.count)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(*command: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process whose standard output is read; it is ended with the block."""
    running = subprocess.Popen(
        [str(word) for word in command], stdout=subprocess.PIPE, text=True, env=os.environ | environment
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        assert running.stdout is not None
        running.stdout.close()


def wait_for(url: str, process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Until ``url`` answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{url} does not answer; the process ended with {process.poll()}")
            time.sleep(0.05)


def scrape(url: str) -> str:
    """One scrape as Prometheus does it, gzip and all."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip", "Accept": "text/plain;version=0.0.4"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        body: bytes = answer.read()
    return gzip.decompress(body).decode()


def write_settings(
    folder: Path,
    devices: list[dict[str, object]],
    *,
    interval: float,
    publish: dict[str, float] | None = None,
    detail: str | None = "full",
    port: int = 0,
    **poll: float,
) -> Path:
    """collector.toml and devices.csv of an inventory; the path of the former. ``poll`` adds to its [poll] section.

    ``detail`` None leaves the level of detail of CPE to the collector.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "devices.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, list(devices[0]))
        rows.writeheader()
        rows.writerows(devices)
    limits, writes = (
        "".join(f"{name} = {value}\n" for name, value in section.items()) for section in (poll, publish or {})
    )
    metrics = f'cpe = "{detail}"' if detail else ""
    path = folder / "collector.toml"
    path.write_text(
        f"""inventory = "devices.csv"
data = "data"

[poll]
interval_seconds = {interval}
{limits}
[publish]
{writes}
[metrics]
{metrics}

[web]
port = {port}
""",
        encoding="utf-8",
    )
    return path


def inventory(numbers: range, port: int, parents: range | None = None) -> list[dict[str, object]]:
    """One row a device: 24 areas; a CPE hangs behind a router where ``parents`` are given. Pings are apart."""
    rows: list[dict[str, object]] = []
    for number in numbers:
        is_router = number >= FIRST_ROUTER
        parent = "" if parents is None or is_router else device_id(parents[number % len(parents)])
        rows.append(
            {
                "device_id": device_id(number),
                "address": f"{address_of(number)}:{port}",
                "role": "router" if is_router else "cpe",
                "area": f"area-{number % 24:02d}",
                "parent": parent,
                "ping": "off",
                "uplink_interface": "if1" if is_router else f"if{UPLINK}",
            }
        )
    return rows
