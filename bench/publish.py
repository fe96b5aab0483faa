"""CPU of judging and publishing one poll, and of closing an hour: python -m bench.publish [devices].

Once stage by stage over many polls, and once as the collector does it, every poll through all stages. The sum is of the
latter: a poll that is still in the processor's cache costs the later stages less.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from collector.config import MetricsSettings, OutageSettings
from collector.publish.exposition.page import Exposition
from collector.publish.hours.hour_history import History
from collector.publish.live.live_file import LiveTable
from collector.quality.counters.belief import Beliefs, Believed
from collector.quality.state import Network
from collector.reading import Device, EchoBurst, InterfaceReading, Reading

START = 1_700_002_800.0
INTERVAL = 60.0
SLICES = 12
CYCLES = 12
POLLS_KEPT = 3
"""More than any stage keeps of a device, so that none pays for freeing what another made: poll and stages share that."""
RTTS = (0.0121, 0.0131312, 0.0112312, 0.0151231, 0.0162312)
SHAPES = (
    ("a CPE of one interface, no pings", ("wan",), False),
    ("a CPE of one interface, five echoes", ("wan",), True),
    ("a CPE of two interfaces, five echoes", ("wan", "lan"), True),
    ("a router of 48 interfaces, five echoes", ("wan", *(f"ether{n}" for n in range(47))), True),
)


class Stages:
    """All that a poll goes through, and the CPU that each stage took: polls spread evenly, files as often as they are."""

    def __init__(self, count: int, interfaces: Sequence[str], has_pings: bool, folder: Path) -> None:
        self.devices = [
            Device(f"cpe-{n:06d}", "127.0.0.1", "cpe", f"area-{n % 24}", uplink_interface="wan", subscribers=1)
            for n in range(count)
        ]
        self._interfaces, self._has_pings = interfaces, has_pings
        self._network = Network(self.devices, OutageSettings(), interval_seconds=INTERVAL)
        self._exposition = Exposition(MetricsSettings(cpe="full"), self.devices)
        self._history = History(folder, self.devices, interval_seconds=INTERVAL, settle_seconds=600)
        self._live = LiveTable(folder, self.devices, at=START)
        self._beliefs = Beliefs()
        self._newest = {d.device_id: deque([self._reading(d, START)], POLLS_KEPT) for d in self.devices}
        for device in self.devices:
            self._beliefs.take(device, self._newest[device.device_id][0])
        self._runner = asyncio.Runner()
        self.seconds: dict[str, float] = {}

    def cycle(self, number: int) -> dict[str, float]:
        """Poll everybody once; microseconds of CPU a poll by stage. Odd cycles take each stage apart."""
        self.seconds = {}
        size = -(-len(self.devices) // SLICES)
        for part in range(SLICES):
            at = START + number * INTERVAL + part * INTERVAL / SLICES
            self._take(self.devices[part * size : (part + 1) * size], at, apart=number % 2 > 0)
            with self._timing("journal"):
                self._runner.run(self._history.flush(at))
            if part % 2:
                with self._timing("live table"):
                    self._runner.run(self._live.write(START))
        return {stage: seconds / len(self.devices) * 1e6 for stage, seconds in self.seconds.items()}

    def close_hour(self) -> float:
        """Microseconds of CPU for each poll of an hour, for the hour's rows."""
        with self._timing("hour"):
            self._runner.run(self._history.flush(START + 3600 + 600))
        self._runner.close()
        return self.seconds["hour"] / len(self.devices) / 60 * 1e6

    def _take(self, devices: list[Device], at: float, *, apart: bool) -> None:
        now = [self._reading(device, at + n / len(devices)) for n, device in enumerate(devices)]
        for reading in now:
            self._newest[reading.device_id].append(reading)
        if not apart:
            with self._timing("together"):
                for device, new in zip(devices, now, strict=True):
                    self._take_one(device, new)
            return
        observe, update = self._network.observe, self._exposition.update
        with self._timing("belief"):
            polls: list[Believed] = [self._beliefs.take(d, r) for d, r in zip(devices, now, strict=True)]
        with self._timing("judge"):
            for reading, _, crossed, _ in polls:
                observe(reading, crossed)
        with self._timing("metrics"):
            for reading, delta, crossed, _ in polls:
                update(reading, restarted=delta.restarted, traffic=crossed)
        with self._timing("history"):
            for reading, delta, crossed, _ in polls:
                self._history.observe(reading, delta, crossed)
        with self._timing("live"):
            for reading, _, crossed, _ in polls:
                self._live.update(reading, crossed)

    def _take_one(self, device: Device, new: Reading) -> None:
        new, delta, passed, _ = self._beliefs.take(device, new)
        self._network.observe(new, passed)
        self._exposition.update(new, restarted=delta.restarted, traffic=passed)
        self._history.observe(new, delta, passed)
        self._live.update(new, passed)

    def _reading(self, device: Device, at: float) -> Reading:
        octets = int(at * 12_345)
        interfaces = tuple(
            InterfaceReading(name, i, None, True, 125e6, 64, octets, octets // 9, 0, 0, 0, 0)
            for i, name in enumerate(self._interfaces)
        )
        burst = EchoBurst(5, 0, tuple(rtt + (at % 7) / 1e4 for rtt in RTTS)) if self._has_pings else None
        return Reading(device.device_id, at, 0.213, "answered", True, 0.0123, at, at, burst, interfaces)

    @contextmanager
    def _timing(self, stage: str) -> Iterator[None]:
        before = time.process_time()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.process_time() - before


def cpu(job: Callable[[], object], times: int) -> float:
    """Microseconds of CPU for each of ``times``."""
    before = time.process_time()
    job()
    return (time.process_time() - before) / times * 1e6


def show(title: str, count: int, interfaces: Sequence[str], has_pings: bool) -> None:
    """Print the median over cycles of each stage."""
    with tempfile.TemporaryDirectory() as folder:
        stages = Stages(count, interfaces, has_pings, Path(folder))
        gc.collect()
        gc.freeze()  # as the collector does once it has begun
        cycles = [stages.cycle(number) for number in range(1, CYCLES + 1)][2:]
        hour = stages.close_hour()
    apart, together = cycles[0::2], cycles[1::2]
    medians = {stage: statistics.median(cycle[stage] for cycle in apart) for stage in apart[0]}
    whole = {stage: statistics.median(cycle[stage] for cycle in together) for stage in together[0]}
    print(f"{title} ({count} of them)")
    for stage in ("belief", "judge", "metrics", "history", "live"):
        print(f"  {stage:12} {medians[stage]:7.2f}")
    print(f"  {'together':12} {whole['together']:7.2f}")
    for stage in ("journal", "live table"):
        print(f"  {stage:12} {whole[stage]:7.2f}")
    print(f"  {'hour rows':12} {hour:7.2f}")
    print(f"  {'sum':12} {sum(whole.values()) + hour:7.2f}\n")


def main(count: int) -> None:
    print("CPU in us a poll, journal every 5 s and live table every 10 s of a minute's polls; medians over cycles\n")
    for title, interfaces, has_pings in SHAPES:
        show(title, max(SLICES, count // len(interfaces)), interfaces, has_pings)
    registry = CollectorRegistry()
    gauge = Gauge("yardstick", "For comparison.", ["device"], registry=registry)
    for n in range(10_000):
        gauge.labels(f"cpe-{n:06d}").set(n * 1.1)
    us = cpu(lambda: generate_latest(registry), 10_000)
    print(f"yardstick: prometheus_client's generate_latest takes {us:.1f} us a series on this machine now")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2500)
