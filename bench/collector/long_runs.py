"""Runs of the whole program over time: a network's size, and a network with dead devices. A line a minute is kept."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.collector.contest import free_port, inventory, program, scrape, wait_for, write_settings
from bench.collector.load import FIRST_ROUTER, agents
from bench.collector.process_figures import Log, Run, cpu_seconds, rss_bytes
from bench.collector.values_agree import check_ours, samples

LAG_INTERVAL, LAG_CYCLES = 10, 3
MINUTE = 60.0
OWN = ("polls_skipped_total", "cycle_lag_seconds", "packets_retried_total", "errors_total", "packets_late_total")


def dead(programs: dict[str, Path], folder: Path, options: argparse.Namespace, log: Log) -> None:
    """The lag from a device's turn to its Reading, of those that answer, without and with 5% that never do.

    Its CPU time is not taken: what counts here is ``p50`` and ``p99``, in seconds.
    """
    count = int(options.rate * LAG_INTERVAL)
    for number in range(1, options.rounds + 1):
        for share in (0, 5):
            with agents(programs["agent"], delay=1, dead=share) as truth:
                log.add(_lag(folder, count, truth.port, share), round=number)


def _lag(folder: Path, count: int, port: int, share: int) -> Run:
    at = folder / "lag"
    shutil.rmtree(at, ignore_errors=True)
    path = write_settings(at, inventory(range(count), port), interval=LAG_INTERVAL)
    began = time.time()
    with program(sys.executable, "-m", "bench.collector.ours", "lag", path, LAG_CYCLES) as running:
        assert running.stdout is not None
        running.stdout.readline()
        figures = _json(running.stdout.readline())
        rss = rss_bytes(running.pid)
    polls, alive = int(figures.pop("count")), int(figures.pop("devices"))
    errors = abs(alive - (count - sum(n % 100 < share for n in range(count))))
    name = f"Bairro, {share}% dead" if share else "Bairro, none dead"
    return Run("dead5", name, polls, 0.0, time.time() - began, rss, errors, 12.0, figures)


def _json(line: str) -> dict[str, float]:
    found: dict[str, float] = json.loads(line)
    return found


def network(programs: dict[str, Path], folder: Path, options: argparse.Namespace, log: Log) -> None:
    """10,000 CPE and 200 routers every 60 s, with a scrape a minute: cores, memory, missed cycles."""
    cpe, routers = range(options.cpe), range(FIRST_ROUTER, FIRST_ROUTER + options.network_routers)
    at, port = folder / "network", free_port()
    with agents(programs["agent"], delay=1) as truth:
        rows = inventory(routers, truth.port) + inventory(cpe, truth.port, parents=routers)
        path = write_settings(at, rows, interval=MINUTE, detail=options.detail, port=port)
        name = f"{len(cpe)} CPE, {len(routers)} routers" + (
            f", CPE in detail {options.detail}" if options.detail else ""
        )
        with program(sys.executable, "-m", "bairro", "collect", "--config", path) as running:
            url = f"http://127.0.0.1:{port}/metrics"
            wait_for(url, running)
            time.sleep(2 * MINUTE)
            wanted = [*routers, *(cpe if options.detail == "full" else ())]
            for minute, span, text, cpu in minutes(running.pid, url, options.minutes):
                finding = check_ours(text, truth, wanted, between=(span[1] - 1.2 * MINUTE, span[1]))
                up = sum(v for n, labels, v in samples(text) if n == "bairro_area_devices" and labels["state"] == "up")
                errors = len(finding.faults) + abs(len(rows) - int(up))
                wall = span[1] - span[0]
                more = own_figures(text) | {"minute": minute, "cores": cpu / wall}
                values = finding.values / max(1, finding.devices)
                run = Run("network", name, len(rows), cpu, wall, rss_bytes(running.pid), errors, values, more)
                log.add(run)
                for fault in finding.faults[:1]:
                    print(f"  {fault}", flush=True)


def minutes(pid: int, url: str, count: float) -> Iterator[tuple[int, tuple[float, float], str, float]]:
    """Each minute's number, span, scrape at its end and CPU seconds of the process."""
    before, at = cpu_seconds(pid), time.time()
    for minute in range(1, int(count) + 1):
        time.sleep(max(0.0, at + MINUTE - time.time()))
        text = scrape(url)
        cpu, now = cpu_seconds(pid), time.time()
        yield minute, (at, now), text, cpu - before
        before, at = cpu, now


def own_figures(text: str) -> dict[str, float]:
    """What the collector says of itself that a run is judged by."""
    wanted = {f"bairro_collector_{name}" for name in OWN}
    found: dict[str, float] = {}
    for name, _, value in samples(text):
        if name in wanted:
            short = name.removeprefix("bairro_collector_")
            found[short] = found.get(short, 0.0) + value
    return found
