"""A small network for the tests: UDP echo agents on loopback that fall silent on command, and a collector on them."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from threading import Thread

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
HEADER = "device_id,address,role,area,parent,ping,credential,uplink_interface,subscribers"

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


class Echoes:
    """Answers UDP echoes (RFC 862) on 127.1.0.N, one address a device."""

    def __init__(self, names: Iterable[str], port: int) -> None:
        self.port = port
        self.silent: set[str] = set()
        self._sockets: dict[socket.socket, str] = {}
        self.addresses: dict[str, str] = {}
        for number, name in enumerate(names, start=1):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.addresses[name] = f"127.1.0.{number}"
            opened.bind((self.addresses[name], port))
            self._sockets[opened] = name
        self._wake, self._stop = socket.socketpair()
        self._thread = Thread(target=self._answer)
        self._thread.start()

    def _answer(self) -> None:
        while True:
            ready, _, _ = select.select([*self._sockets, self._wake], [], [])
            if self._wake in ready:
                return
            for opened in ready:
                data, sender = opened.recvfrom(2048)
                if self._sockets[opened] not in self.silent:
                    opened.sendto(data, sender)

    def close(self) -> None:
        self._stop.send(b"x")
        self._thread.join(10)
        for opened in (*self._sockets, self._wake, self._stop):
            opened.close()


class CollectorRun:
    """Files of one collector, and the process when it runs."""

    def __init__(self, folder: Path, *, port: int, interval: float = 0.5, top: str = "", tables: str = "") -> None:
        self.folder, self.port, self.data = folder, port, folder / "data"
        self.config = folder / "collector.toml"
        self.inventory = folder / "devices.csv"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.config.write_text(
            f"""inventory = "devices.csv"
data = "data"
{top}
[poll]
interval_seconds = {interval}
timeout_seconds = 0.2
retries = 1
budget_seconds = 1.0
[ping]
count = 3
spacing_seconds = 0.01
timeout_seconds = 0.2
[outage]
group_window_seconds = 5
[web]
port = {port}
[publish]
live_seconds = 0.5
journal_seconds = 0.5
{tables}
"""
        )

    def write_inventory(self, *rows: str) -> None:
        """Replace the inventory in one move, as an export should."""
        beside = self.inventory.with_suffix(".new")
        beside.write_text("\n".join([HEADER, *rows, ""]))
        beside.replace(self.inventory)

    def start(self, *options: str | Path, **environment: str) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bairro", "collect", "--config", str(self.config), *options],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )

    def stop(self, number: int, *, seconds: float = 20.0) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def said(self) -> str:
        return self.log.read_text()

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self) -> Samples:
        found: Samples = {}
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
        return found

    def is_ready(self) -> bool:
        return self.get("/-/ready")[0] == 200
