"""Writes the data folder of a small provider with the programs of a commit, for later commits to read.

    python tests/data/folders/write.py COMMIT tests/data/folders/NAME

Real programs do all of it: `bairro collect` polls a snmpd and echo agents on loopback, through four turns of an hour and
one of a day (its clock is moved on between them), hears an OLT fall silent and is killed; `bairro import` takes a few
dozen customers of a demo world of three neighbourhoods, and `bairro build` makes the results of that whole world, which
are named after that world's time. Lock files and SQLite's shared memory are left out.
Needs git, snmpd and free ports 24161 and 24007 on loopback. Takes about three minutes.
"""

from __future__ import annotations

import csv
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[3]
SNMP, ECHO, WEB = 24161, 24007, 24733
CUSTOMERS = 40
AS_OF, RESULTS = "2026-11-22T00:00:00Z", "20261122T020000.000000Z"
# (seconds that the collector has run, Unix seconds that its clock then shows): 22:59:40 of 21 November, then just
# before the next three hours.
CLOCK = ((0, 1_795_301_980), (45, 1_795_305_580), (90, 1_795_309_180), (135, 1_795_312_780))
SILENT_AFTER, KILLED_AFTER = 165, 185
START = """
import sys, time
began, real = time.monotonic(), time.time
def shown():
    ran = time.monotonic() - began
    since, at = max(step for step in CLOCK if step[0] <= ran)
    return at + ran - since
time.time = shown
import bairro
sys.exit(bairro.main(["collect", "--config", sys.argv[1]]))
"""
DEVICES = f"""\
device_id,address,role,area,parent,ping,credential,uplink_interface,subscribers
core,127.1.0.1:{SNMP},router,n001,,echo:{ECHO},,lo,0
olt-1,127.1.0.2,olt,n001,core,echo:{ECHO},,,0
cpe-1,127.1.0.3,cpe,n001,olt-1,echo:{ECHO},,,1
cpe-2,127.1.0.4,cpe,n001,olt-1,echo:{ECHO},,,1
cpe-3,127.1.0.5,cpe,n002,core,echo:{ECHO},,,1
"""
COLLECTOR = f"""\
inventory = "devices.csv"
data = "data"
[poll]
interval_seconds = 1.0
timeout_seconds = 0.3
retries = 1
budget_seconds = 1.0
[ping]
count = 3
spacing_seconds = 0.02
timeout_seconds = 0.3
[outage]
group_window_seconds = 5
[web]
port = {WEB}
[publish]
live_seconds = 1.0
journal_seconds = 1.0
"""
DASHBOARD = 'data = "data"\ncustomer_key = "customer.key"\ntimezone = "Europe/Lisbon"\n'


def main() -> None:
    commit, folder = sys.argv[1], Path(sys.argv[2]).resolve()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        source = scratch / "source"
        source.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for file, text in (("devices.csv", DEVICES), ("collector.toml", COLLECTOR), ("dashboard.toml", DASHBOARD)):
            (folder / file).write_text(text)
        collect(source, folder, scratch)
        analyse(source, folder, scratch)
    for path in (*(folder / "data").rglob("*.lock"), *(folder / "data").rglob("*-shm")):
        path.unlink()


def collect(source: Path, folder: Path, scratch: Path) -> None:
    configuration = scratch / "snmpd.conf"
    configuration.write_text("rocommunity public default\nsysName core\n")
    start = START.replace("CLOCK", repr(CLOCK))
    with Echoes() as echoes:
        agent = subprocess.Popen(["snmpd", "-f", "-C", "-c", configuration, "-Lo", f"udp:127.1.0.1:{SNMP}"])
        time.sleep(2)
        with (scratch / "log").open("w") as log:
            collector = subprocess.Popen(
                [sys.executable, "-c", start, folder / "collector.toml"],
                cwd=source,
                env=environment(source),
                stderr=log,
            )
            time.sleep(SILENT_AFTER)
            echoes.silent = {f"127.1.0.{number}" for number in (2, 3, 4)}
            time.sleep(KILLED_AFTER - SILENT_AFTER)
            collector.kill()
            collector.wait()
        agent.terminate()
        agent.wait()
    print((scratch / "log").read_text())


def analyse(source: Path, folder: Path, scratch: Path) -> None:
    demo = scratch / "demo"
    run(source, "demo-prepare", "--folder", demo, "--areas", "3", "--devices", "16", "--seed", "3", "--as-of", AS_OF)
    run(source, "build", "--config", demo / "dashboard.toml")
    (results,) = (demo / "data" / "results").glob("2*")
    shutil.copytree(results, folder / "data" / "results" / RESULTS)
    kept: set[str] = set()
    for kind in ("areas", "customers", "prices", "complaints", "nps"):
        some = scratch / f"{kind}.csv"
        with (demo / "records" / f"{kind}.csv").open() as whole, some.open("w") as part:
            rows = csv.DictReader(whole)
            written = csv.DictWriter(part, rows.fieldnames or ())
            written.writeheader()
            for row in rows:
                if kind == "customers" and len(kept) < CUSTOMERS:
                    kept.add(row["customer_id"])
                if row.get("customer_id") is None or row["customer_id"] in kept:
                    written.writerow(row)
        run(source, "import", kind, some, "--config", folder / "dashboard.toml")


def run(source: Path, *words: str | Path) -> None:
    """Exit code 1 says that something was left out, such as that the demo's customers hang on other devices than these."""
    done = subprocess.run([sys.executable, "-m", "bairro", *words], cwd=source, env=environment(source), check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"bairro {' '.join(map(str, words))}: exit code {done.returncode}")


def environment(source: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(source)}


class Echoes:
    """UDP echo (RFC 862) on 127.1.0.1 to 127.1.0.5, but for those that are ``silent``."""

    def __init__(self) -> None:
        self.silent: set[str] = set()
        self._sockets: dict[socket.socket, str] = {}

    def __enter__(self) -> Echoes:
        for number in range(1, 6):
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            opened.bind((f"127.1.0.{number}", ECHO))
            self._sockets[opened] = f"127.1.0.{number}"
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._answer)
        self._thread.start()
        return self

    def _answer(self) -> None:
        while not self._is_ended.is_set():
            for opened in select.select([*self._sockets], [], [], 0.2)[0]:
                packet, sender = opened.recvfrom(2048)
                if self._sockets[opened] not in self.silent:
                    opened.sendto(packet, sender)

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        self._thread.join()
        for opened in self._sockets:
            opened.close()


if __name__ == "__main__":
    main()
