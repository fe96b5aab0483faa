"""An hour of everything that goes wrong at once, against the rates that the agents truly have.

By device number mod 4: restarts every ten minutes with counters from zero, ifIndex renumbered every seven, 32-bit
counters that wrap every few minutes, none of these; and 2% of all packets lost each way. Each interval's scrape and
live table are held against the truth: no rate over 105% of it, no incident, nobody down, memory flat.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import re
import sqlite3
import statistics
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.collector.contest import free_port, inventory, program, scrape, wait_for, write_settings
from bench.collector.load import FIRST_ROUTER, UPLINK, Truth, agents
from bench.collector.long_runs import own_figures
from bench.collector.process_figures import Log, Run, cpu_seconds, rss_bytes
from bench.collector.values_agree import COUNTERS, device_number, samples

KEPT_SECONDS = 60.0
SPIKE_RATIO, LOW_RATIO = 1.05, 0.95
WINDOW = 4
STEADY = (1, 3)
"""Numbers modulo 4 of devices whose counters neither start anew nor wrap: their rates may not be low either."""

Series = tuple[str, str, bool]


@dataclass
class Watch:
    """Rates over WINDOW polls of each counter as Prometheus would take them, falls taken for resets, by the times of the
    polls behind the values; and the collector's own rates from one poll to the next.

    ``lows`` counts rates of steady devices below LOW_RATIO of the truth, ``gaps`` counters that a scrape lacks though
    their device has answered a poll since they were last shown.
    """

    truth: Truth
    worst: float = 0.0
    spikes: int = 0
    rates: int = 0
    lows: int = 0
    gaps: int = 0
    faults: list[tuple[float, str]] = field(default_factory=list)
    _values: dict[Series, float] = field(default_factory=dict)
    _passed: dict[Series, deque[tuple[float, float]]] = field(default_factory=dict)

    def scraped(self, text: str) -> None:
        """Take in one scrape."""
        found = list(samples(text))
        polled = {labels["device"]: value for name, labels, value in found if name == POLLED_AT}
        shown = set()
        for name, labels, value in found:
            if name in COUNTERS and labels["device"] in polled:
                series = labels["device"], labels["interface"], COUNTERS[name]
                shown.add(series)
                self._count(series, polled[labels["device"]], value)
        hidden = self._passed.keys() - shown
        self.gaps += sum(polled[series[0]] != self._passed[series][-1][0] for series in hidden)

    def _count(self, series: Series, at: float, value: float) -> None:
        points = self._passed.setdefault(series, deque(maxlen=WINDOW + 1))
        if points and points[-1][0] == at:
            return
        before = self._values.get(series)
        self._values[series] = value
        grown = 0.0 if before is None else value - before if value >= before else value
        points.append((at, grown + (points[-1][1] if points else 0.0)))
        if len(points) == WINDOW + 1:
            (since, then), (until, now) = points[0], points[-1]
            self.rate(series, (now - then) / (until - since), "on /metrics")

    def live(self, path: Path) -> None:
        """Take in the live table's rates of the uplinks."""
        with contextlib.suppress(OSError, pa.ArrowException):
            table = pq.read_table(path, columns=["device_id", "receive_bytes_per_second"]).to_pydict()
            for device, rate in zip(table["device_id"], table["receive_bytes_per_second"], strict=True):
                if rate is not None:
                    uplink = "if1" if device_number(device) >= FIRST_ROUTER else f"if{UPLINK}"
                    self.rate((device, uplink, False), rate, "in the live table")

    def rate(self, series: Series, rate: float, where: str) -> None:
        """Hold one rate against the truth."""
        device, interface, is_sent = series
        if not re.fullmatch(r"if\d+", interface):
            self.spikes += 1
            self.faults.append((math.inf, f"{device} has no interface {interface} {where}"))
            return
        true = self.truth.rate(device_number(device), int(interface.removeprefix("if")))
        ratio = rate / (true // 8 if is_sent else true)
        self.rates += 1
        self.worst = max(self.worst, ratio)
        self.lows += ratio < LOW_RATIO and device_number(device) % 4 in STEADY
        if ratio > SPIKE_RATIO:
            self.spikes += 1
            self.faults.append((ratio, f"{device} {interface} {where}: {ratio:.3f} of the true rate"))


POLLED_AT = "bairro_device_last_poll_timestamp_seconds"


def soak(programs: dict[str, Path], folder: Path, options: argparse.Namespace, log: Log) -> None:
    """Run for ``options.minutes``; a line is kept every KEPT_SECONDS."""
    cpe, routers = range(options.soak_cpe), range(FIRST_ROUTER, FIRST_ROUTER + options.soak_routers)
    at, port = folder / "soak", free_port()
    with agents(programs["agent"], delay=1, drop=options.soak_drop, faults=1, renumber=options.soak_renumber) as truth:
        rows = inventory(routers, truth.port) + inventory(cpe, truth.port, parents=routers)
        path = write_settings(at, rows, interval=options.soak_interval, detail="full", port=port)
        with program(sys.executable, "-m", "bairro", "collect", "--config", path) as running:
            url = f"http://127.0.0.1:{port}/metrics"
            wait_for(url, running)
            subject = Subject(running.pid, url, at / "data", [*routers, *cpe])
            for run in _lines(subject, Watch(truth), options):
                log.add(run)


@dataclass(frozen=True)
class Subject:
    """The collector that is watched, where it writes, and its devices."""

    pid: int
    url: str
    data: Path
    numbers: list[int]


def _lines(subject: Subject, watch: Watch, options: argparse.Namespace) -> Iterator[Run]:
    """What was found in each minute."""
    pid, data = subject.pid, subject.data
    began = kept = time.time()
    memory: list[tuple[float, float]] = []
    before, polls = cpu_seconds(pid), 0.0
    while time.time() < began + 60 * options.minutes:
        time.sleep(options.soak_interval)
        text = scrape(subject.url)
        watch.scraped(text)
        watch.live(data / "live/shard=0.parquet")
        now = time.time()
        if now - kept < KEPT_SECONDS:
            continue
        memory.append((now, float(rss_bytes(pid))))
        cpu, made = cpu_seconds(pid), _sum(text, "bairro_polls_total")
        more = own_figures(text) | _verdict(text, subject, watch, now)
        more |= {"minute": (now - began) / 60, "rss_slope_mb_per_hour": _slope(memory)}
        wrong = watch.spikes + int(more["incidents"] + more["outages"] + more["down"])
        yield Run("soak", "Bairro", int(made - polls), cpu - before, now - kept, rss_bytes(pid), wrong, 1.0, more)
        for _, fault in sorted(watch.faults, reverse=True)[:3]:
            print(f"  {fault}", flush=True)
        watch.faults.clear()
        before, kept, polls = cpu, now, made


def _verdict(text: str, subject: Subject, watch: Watch, now: float) -> dict[str, float]:
    return {
        "rates": watch.rates,
        "spikes": watch.spikes,
        "worst_ratio": watch.worst,
        "lows": watch.lows,
        "gaps": watch.gaps,
        "incidents": _incidents(subject.data / "operations.sqlite"),
        "outages": _sum(text, "bairro_device_outages_total"),
        "down": float(sum(n == "bairro_device_down" for n, _, _ in samples(text))),
        "polls_failed": _sum(text, "bairro_polls_failed_total"),
        "restarts_counted": _sum(text, "bairro_device_restarts_total"),
        "restarts_made": float(sum(watch.truth.restarts(number, now) for number in subject.numbers)),
    }


def _sum(text: str, family: str) -> float:
    return sum(value for name, _, value in samples(text) if name == family)


def _incidents(database: Path) -> float:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return float(opened.execute("select count(*) from incidents").fetchone()[0])


def _slope(memory: list[tuple[float, float]]) -> float:
    """Megabytes an hour over the second half of what was seen; 0 while there is too little."""
    half = memory[len(memory) // 2 :]
    if len(half) < 3:
        return 0.0
    slope, _ = statistics.linear_regression(*zip(*half, strict=True))
    return float(slope) * 3600 / 1e6
