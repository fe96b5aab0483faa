"""CPU of judging and publishing one poll, of a scrape and of closing an hour: python bench/publish.py [devices]."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from collector.config import MetricsSettings, OutageSettings
from collector.publish.history import History
from collector.publish.live import LiveTable
from collector.publish.metrics import Exposition
from collector.quality.rates import difference
from collector.quality.state import Network
from collector.quality.uplink import traffic
from collector.reading import Device, EchoBurst, InterfaceReading, Reading

START = 1_700_002_800.0
INTERVAL = 60.0
RTTS = (0.0121, 0.0131312, 0.0112312, 0.0151231, 0.0162312)


def reading(device: Device, at: float) -> Reading:
    """A CPE with two interfaces and a burst of five echoes; every poll's numbers differ."""
    octets = int(at * 12_345)
    interfaces = tuple(
        InterfaceReading(name, i, None, True, 125e6, 64, octets, octets // 9, 0, 0, 0, 0)
        for i, name in enumerate(("wan", "lan"))
    )
    rtts = tuple(rtt + (at % 7) / 1e4 for rtt in RTTS)
    return Reading(device.device_id, at, 0.213, "answered", True, 0.0123, at, at, EchoBurst(5, 0, rtts), interfaces)


def cpu(job: Callable[[], object], times: int) -> float:
    """Microseconds of CPU for each of ``times``."""
    before = time.process_time()
    job()
    return (time.process_time() - before) / times * 1e6


def main(count: int) -> None:
    devices = [
        Device(f"cpe-{n:06d}", "127.0.0.1", "cpe", f"area-{n % 24}", uplink_interface="wan", subscribers=1)
        for n in range(count)
    ]
    by_id = {device.device_id: device for device in devices}
    network = Network(devices, OutageSettings(), interval_seconds=INTERVAL)
    exposition = Exposition(MetricsSettings(cpe="full"), devices)
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder), devices, interval_seconds=INTERVAL, settle_seconds=600)
        live = LiveTable(Path(folder), devices, at=START)
        print(f"{count} CPE of two interfaces, all answering; CPU in us a poll\n")
        last = [reading(device, START) for device in devices]
        for cycle in range(1, 4):
            now = [reading(device, START + cycle * INTERVAL + n / count) for n, device in enumerate(devices)]
            deltas = [difference(before, after) for before, after in zip(last, now, strict=True)]
            passed = [traffic(by_id[r.device_id], r, d) for r, d in zip(now, deltas, strict=True)]
            triples = list(zip(now, deltas, passed, strict=True))
            figures = {
                "difference": cpu(lambda: [difference(a, b) for a, b in zip(last, now, strict=True)], count),
                "judge": cpu(lambda: [network.observe(r, p) for r, p in zip(now, passed, strict=True)], count),
                "traffic": cpu(lambda: [traffic(by_id[r.device_id], r, d) for r, d, _ in triples], count),
                "metrics": cpu(
                    lambda: [exposition.update(r, restarted=False, traffic=p) for r, _, p in triples], count
                ),
                "history": cpu(lambda: [history.observe(r, d, p) for r, d, p in triples], count),
                "live": cpu(lambda: [live.update(r, p) for r, _, p in triples], count),
                "journal": cpu(lambda: asyncio.run(history.flush(START + cycle * INTERVAL)), count),
            }
            last = now
        for name, figure in figures.items():
            print(f"  {name:12} {figure:7.2f}")
        print(f"  {'sum':12} {sum(figures.values()):7.2f}\n")
        text = exposition.render()
        series = sum(not line.startswith("#") for line in text.splitlines())
        print(f"scrape: {series} series, {len(text) / 1e6:.1f} MB, {cpu(exposition.render, 1) / 1e3:.1f} ms of CPU")
        asyncio.run(live.write())
        live.update(now[0], None)
        print(f"live table: {cpu(lambda: asyncio.run(live.write()), 1) / 1e3:.0f} ms (in a thread)")
        close = cpu(lambda: asyncio.run(history.flush(START + 3600 + 600)), 1) / 1e3
        print(f"closing the hour: {close:.0f} ms (in a thread but for a copy)")
    registry = CollectorRegistry()
    gauge = Gauge("yardstick", "For comparison.", ["device"], registry=registry)
    for n in range(10_000):
        gauge.labels(f"cpe-{n:06d}").set(n * 1.1)
    us = cpu(lambda: generate_latest(registry), 10_000)
    print(f"yardstick: prometheus_client's generate_latest takes {us:.1f} us a series on this machine now")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2500)
