"""What *Now* costs the server when many look at it: python -m bench.dashboard [--devices N] [--areas N] [--viewers N].

`bairro serve` as it is run, and beside it a plain Dash page on the same tables. Three times each: nothing changes; the
collector writes its table every ten seconds with new measurements; all of it beside each other's results in one table.
Latency is that of the callback's answer on loopback, CPU and memory are the server's alone, from /proc.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.collector.process_figures import cpu_seconds, peak_rss_bytes
from bench.dashboard import tables, viewers
from dashboard.pages.sections.now_devices import SHOWN

WRITE_SECONDS = 10.0
START_SECONDS = 60.0
OURS: Mapping[str, Any] = {"now-states.value": list(SHOWN), "theme.data": "light", "now-seen.data": None}


def main() -> None:
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        data, now = Path(folder) / "data", datetime.now(UTC)
        live = tables.write(data, devices=asked.devices, areas=asked.areas, customers=asked.customers, now=now)
        print(f"{len(live)} devices, {asked.areas} areas, {asked.viewers} viewers, {asked.seconds:.0f} s each")
        config = Path(folder) / "dashboard.toml"
        port = _free_port()
        config.write_text(f'data = "data"\ncustomer_key = "key"\n[web]\nport = {port}\n')
        command = [sys.executable, "bairro.py", "serve", "--config", str(config)]
        with _served("Bairro", command, port) as process:
            people = [viewers.Viewer(port, "now-tick.n_intervals", OURS) for _ in range(asked.viewers)]
            _measure("Bairro", process, people, asked.seconds, lambda stop: None, asks_health=True)
            _measure("Bairro", process, people, asked.seconds, lambda stop: _renew(data, live, stop), asks_health=True)
        if asked.without_plain:
            return
        command = [sys.executable, "-m", "bench.dashboard.plain_page", str(data), str(port)]
        with _served("plain Dash", command, port) as process:
            people = [viewers.Viewer(port, "tick.n_intervals", {}) for _ in range(asked.plain_viewers)]
            _measure("plain Dash", process, people, asked.seconds, lambda stop: None, asks_health=False)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=50_000)
    parser.add_argument("--areas", type=int, default=1_000)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--plain-viewers", type=int, default=5, help="of the plain page, which has not room for many")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--without-plain", action="store_true")
    return parser.parse_args()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def _served(name: str, command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server of its own, from when it answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} did not start: {' '.join(command)}") from None
                time.sleep(0.2)
        yield process
        process.terminate()


def _measure(
    name: str, process: subprocess.Popen[bytes], people: list[viewers.Viewer], seconds: float, beside: Any,
    *, asks_health: bool,
) -> None:  # fmt: skip
    """One line of the table; a first look of all of them comes before and is not counted."""
    viewers.watch(people, viewers.TICK_SECONDS, asks_health=False)
    stop = threading.Event()
    writer = threading.Thread(target=beside, args=(stop,))
    writer.start()
    before, began = cpu_seconds(process.pid), time.monotonic()
    seen = viewers.watch(people, seconds, asks_health=asks_health)
    spent, lasted = cpu_seconds(process.pid) - before, time.monotonic() - began
    stop.set()
    writer.join()
    times = sorted(1000 * one for one in seen.seconds) or [0.0]
    print(
        f"{name:<11} {len(seen.seconds):5d} callbacks ({seen.unchanged} unchanged), median {statistics.median(times):6.1f} ms, "
        f"95% within {times[int(0.95 * (len(times) - 1))]:7.1f} ms, worst {times[-1]:7.1f} ms, {len(seen.errors)} errors; "
        f"{spent / lasted:.3f} cores, {1000 * spent / max(1, len(times)):.1f} ms of CPU a callback, "
        f"{peak_rss_bytes(process.pid) / 1e6:.0f} MB, {statistics.mean(seen.sizes or [0]):.0f} bytes each {seen.errors[:1] or ''}",
        flush=True,
    )


def _renew(data: Path, live: Any, stop: threading.Event) -> None:
    """Write the live table anew every ten seconds."""
    seed = 2
    while not stop.wait(WRITE_SECONDS):
        now = datetime.now(UTC)
        tables.write_live(data, tables.renewed(live, now, seed), now)
        seed += 1


if __name__ == "__main__":
    main()
