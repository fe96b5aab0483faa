"""One run of one contender over a scene: started, warmed up, measured from outside, its answers checked."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.collector.contest import Scene, free_port, inventory, program, scrape, wait_for, write_settings
from bench.collector.load import COLUMNS, CPE_OIDS, ROUTER_COLUMNS, SCALARS
from bench.collector.long_runs import own_figures
from bench.collector.ours import (
    JOURNAL_WRITES_A_CYCLE,
    LIVE_WRITES_A_CYCLE,
    MOST_INTERVALS,
    SETTLED_LAG_SECONDS,
    SETTLED_POLLS,
)
from bench.collector.process_figures import Run, cpu_seconds, peak_rss_bytes
from bench.collector.values_agree import Finding, check_exporter, check_ours

WINDOW, ROUTER_WINDOW = 2000, 50
WARM_CYCLES, WARM_SCRAPES = 2, 1000
CONNECTIONS, PACED_CONNECTIONS = 32, 512
NEVER_BY_TIME = {"live_seconds": 3600.0, "journal_seconds": 600.0}
"""In closed loop files are written by cycles instead (``ours.saturate``)."""
PYTHON = sys.executable


def _run(scene: Scene, name: str, finding: Finding, *, cpu: float, wall: float, rss: int, **more: float) -> Run:
    if finding.faults:
        print(f"  {name}: {len(finding.faults)} faults, the first: {finding.faults[0]}", flush=True)
    polls = int(more.pop("polls"))
    values = finding.values / max(1, finding.devices)
    return Run(scene.name, name, polls, cpu, wall, rss, len(finding.faults), values, more)


# --- ours ---


def bairro(scene: Scene) -> Run:
    """Poll, judge and publish, with a scrape of /metrics a cycle: in closed loop, or as ``bairro collect`` paces it."""
    shutil.rmtree(scene.folder / "bairro", ignore_errors=True)
    return _closed(scene) if scene.rate is None else _paced(scene, scene.rate)


def _closed(scene: Scene) -> Run:
    cycles = max(2, math.ceil(scene.polls / scene.count))
    path = write_settings(
        scene.folder / "bairro",
        inventory(scene.numbers, scene.truth.port),
        interval=60,
        publish=NEVER_BY_TIME,
        packets_per_second=1_000_000,
        budget_seconds=50,
    )
    window = min(ROUTER_WINDOW if scene.is_router else WINDOW, scene.count // 2)
    with (
        program(PYTHON, "-m", "bench.collector.ours", "saturate", path, window) as running,
        ThreadPoolExecutor(1) as pool,
    ):
        lines = _lines(running)
        url = f"http://127.0.0.1:{next(lines)['port']}/metrics"
        before = at = cpu = started = polls = 0.0
        scrapes = []
        for line in lines:
            if "cycle" not in line:
                continue
            if line["cycle"] == WARM_CYCLES:
                before, started, at = cpu_seconds(running.pid), line["polls"], time.time()
            if line["cycle"] == WARM_CYCLES + cycles:
                cpu, polls = cpu_seconds(running.pid) - before, line["polls"] - started
                break
            if line["cycle"] >= WARM_CYCLES:
                scrapes.append(pool.submit(scrape, url))
        wall = time.time() - at
        for each in scrapes:
            each.result()
        rss, asked_at = peak_rss_bytes(running.pid), time.time()
        text = scrape(url)
    finding = check_ours(text, scene.truth, scene.numbers, between=(asked_at - 2 * wall / cycles - 1, time.time()))
    return _run(scene, "Bairro", finding, cpu=cpu, wall=wall, rss=rss, polls=polls, scrapes=len(scrapes))


def _paced(scene: Scene, rate: float) -> Run:
    """The program itself: as many devices as make ``rate`` polls a second with an interval of 20 s."""
    interval, port = scene.count / rate, free_port()
    path = write_settings(
        scene.folder / "bairro",
        inventory(scene.numbers, scene.truth.port),
        interval=interval,
        publish={"live_seconds": interval / LIVE_WRITES_A_CYCLE, "journal_seconds": interval / JOURNAL_WRITES_A_CYCLE},
        port=port,
    )
    cycles = max(1, math.ceil(scene.polls / scene.count))
    with program(PYTHON, "-m", "bairro", "collect", "--config", path) as running:
        url = f"http://127.0.0.1:{port}/metrics"
        wait_for(url, running)
        text = _settled(url, interval)
        own = own_figures(text)
        before, at, polls = cpu_seconds(running.pid), time.time(), _polls(text)
        for cycle in range(1, cycles + 1):
            time.sleep(max(0.0, at + cycle * interval - time.time()))
            text = scrape(url)
        cpu, wall = cpu_seconds(running.pid) - before, time.time() - at
        rss = peak_rss_bytes(running.pid)
    finding = check_ours(text, scene.truth, scene.numbers, between=(at + wall - 1.5 * interval, at + wall))
    made, since = _polls(text) - polls, own_figures(text)
    skipped = since["polls_skipped_total"] - own["polls_skipped_total"]
    more = {"scrapes": cycles, "skipped": skipped, "lag": since["cycle_lag_seconds"]}
    return _run(scene, "Bairro", finding, cpu=cpu, wall=wall, rss=rss, polls=made, **more)


def _settled(url: str, interval: float) -> str:
    """A scrape once learning is over: everybody was polled SETTLED_POLLS times, and of late when it was their turn."""
    for _ in range(MOST_INTERVALS):
        time.sleep(interval)
        text = scrape(url)
        fewest = min(_counts(text), default=0.0)
        if fewest >= SETTLED_POLLS and own_figures(text)["cycle_lag_seconds"] < SETTLED_LAG_SECONDS:
            return text
    sys.exit(f"the collector had not settled after {MOST_INTERVALS} intervals of {interval:g} s: {own_figures(text)}")


def _counts(text: str) -> Iterator[float]:
    """The polls of each device."""
    return (float(line.split()[-1]) for line in text.splitlines() if line.startswith("bairro_polls_total{"))


def _polls(text: str) -> int:
    return int(sum(_counts(text)))


def _lines(running: subprocess.Popen[str]) -> Iterator[dict[str, float]]:
    assert running.stdout is not None
    for line in running.stdout:
        yield json.loads(line)
    sys.exit(f"a process that was measured ended by itself with {running.wait()}")


def bairro_wire(scene: Scene) -> Run:
    """The poll stage alone, up to the Reading; it ends itself at the first Reading that is not whole."""
    cycles = max(2, math.ceil(scene.polls / scene.count))
    window = min(ROUTER_WINDOW if scene.is_router else WINDOW, scene.count // 2)
    words = ("wire", scene.truth.port, scene.first, scene.count, window)
    with program(PYTHON, "-m", "bench.collector.ours", *words) as running:
        before = at = 0.0
        started = 0
        for line in _lines(running):
            if line["cycle"] == WARM_CYCLES:
                before, started, at = cpu_seconds(running.pid), int(line["polls"]), time.time()
            if line["cycle"] == WARM_CYCLES + cycles:
                break
        cpu, wall, polls = cpu_seconds(running.pid) - before, time.time() - at, int(line["polls"]) - started
        rss = peak_rss_bytes(running.pid)
    whole = Finding(scene.count, scene.count * (8 * 48 if scene.is_router else 12), ())
    return _run(scene, "Bairro's poll stage", whole, cpu=cpu, wall=wall, rss=rss, polls=polls)


# --- the exporter ---


def exporter(scene: Scene, *, processors: int | None = None, gzip: bool = True) -> Run:
    """The community's snmp_exporter, one real HTTP scrape a poll; the driver is not counted."""
    name = "snmp_exporter" + (f", GOMAXPROCS={processors}" if processors else "") + ("" if gzip else ", no gzip")
    config, bodies, port = scene.folder / "snmp.yml", scene.folder / "bodies", free_port()
    config.write_text(exporter_config())
    environment = {"GOMAXPROCS": str(processors)} if processors else {}
    words = (f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    with program("prometheus-snmp-exporter", *words, **environment) as running:
        wait_for(f"http://127.0.0.1:{port}/", running)
        _drive(scene, port, min(WARM_SCRAPES, scene.polls), gzip, bodies)
        before, began = cpu_seconds(running.pid), time.time()
        done = _drive(scene, port, scene.polls, gzip, bodies)
        cpu, ended, rss = cpu_seconds(running.pid) - before, time.time(), peak_rss_bytes(running.pid)
    finding = check_exporter(bodies, scene.truth, between=(began, ended))
    if done["failed"]:
        finding = Finding(finding.devices, finding.values, (*finding.faults, f"{done['failed']} scrapes failed"))
    return _run(scene, name, finding, cpu=cpu, wall=done["seconds"], rss=rss, polls=done["polls"])


def _drive(scene: Scene, port: int, scrapes: int, gzip: bool, bodies: Path) -> dict[str, float]:
    module = "router" if scene.is_router else "cpe"
    connections = PACED_CONNECTIONS if scene.rate else CONNECTIONS
    words = (port, module, scene.truth.port, scene.first, scene.count, scrapes, connections, scene.rate or 0, int(gzip))
    done = subprocess.run(
        [str(word) for word in (scene.programs["scrape"], *words, bodies)], stdout=subprocess.PIPE, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def exporter_config() -> str:
    """snmp.yml in the schema of 0.21: the objects that ours asks, ifName as a label of every column."""
    cpe = f"cpe:\n  get: [{', '.join(CPE_OIDS)}]\n{_metrics(COLUMNS)}"
    scalars = ", ".join(f"{oid}.0" for oid in SCALARS.values())
    walk = ", ".join(ROUTER_COLUMNS.values())
    return f"{cpe}router:\n  walk: [{walk}]\n  get: [{scalars}]\n{_metrics(ROUTER_COLUMNS)}"


def _metrics(columns: dict[str, str]) -> str:
    text = "  metrics:\n"
    for name, oid in SCALARS.items():
        text += f"  - {{name: {name}, oid: {oid}, type: gauge, help: {name}}}\n"
    for name, oid in columns.items():
        if name == "ifName":
            continue
        kind = "counter" if name.startswith(("ifHC", "ifIn", "ifOut")) else "gauge"
        text += (
            f"  - name: {name}\n    oid: {oid}\n    type: {kind}\n    help: {name}\n"
            "    indexes: [{labelname: ifIndex, type: gauge}]\n"
            f"    lookups: [{{labels: [ifIndex], labelname: ifName, oid: {columns['ifName']}, type: DisplayString}}]\n"
        )
    return text + "  version: 2\n  max_repetitions: 25\n  retries: 3\n  timeout: 5s\n  auth: {community: public}\n"
