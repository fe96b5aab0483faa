"""The text of /metrics: CPU of taking in a poll, then scrapes of 100,000 and a million series and how they stall.

``python -m bench.exposition``. Stalls are the longest time that the event loop did not turn, beyond 1 ms sleeps. The
last lines are whole scrapes by curl, through the collector's HTTP.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import partial

from collector.config import MetricsSettings
from collector.publish.exposition.content_negotiation import CLASSIC
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.page import Exposition
from collector.publish.exposition.reference import series_per_device
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.publish.web.handlers import Site, Status
from collector.publish.web.messages import Response, compress
from collector.publish.web.server import WebServer
from collector.reading import Device, EchoBurst, InterfaceReading, Reading

START = 1_700_002_800.0
INTERVAL = 60.0
ROUNDS = 9
RTTS = (0.0121, 0.0131312, 0.0112312, 0.0151231, 0.0162312)


def reading(device: Device, at: float, *, interfaces: int, has_pings: bool) -> Reading:
    """A poll in which every counter, clock and round trip moved; errors and speeds did not."""
    octets = int(at * 12_345)
    counted = tuple(
        InterfaceReading(f"eth{i}", i, None, True, 125e6, 64, octets + i, octets // 9, 12, 0, 3, 0)
        for i in range(interfaces)
    )
    echoes = EchoBurst(5, 0, tuple(rtt + (at % 7) / 1e4 for rtt in RTTS)) if has_pings else None
    return Reading(
        device.device_id,
        at,
        0.0213 + (at % 11) / 1e4,
        "answered",
        True,
        0.0123 + (at % 5) / 1e4,
        at,
        at,
        echoes,
        counted,
    )


def devices(count: int) -> list[Device]:
    return [Device(f"cpe-{n:06d}", "127.0.0.1", "cpe", f"area-{n % 24}", uplink_interface="eth0") for n in range(count)]


def take(exposition: Exposition, readings: list[Reading]) -> None:
    for one in readings:
        exposition.update(one, restarted=False, traffic=None)


def cpu(job: Callable[[], object], times: int = 1) -> float:
    """Microseconds of CPU for each of ``times``."""
    before = time.process_time()
    job()
    return (time.process_time() - before) / times * 1e6


def poll_costs(count: int, *, interfaces: int, has_pings: bool) -> Iterator[float]:
    """Microseconds of CPU to take in one poll, round by round."""
    found = devices(count)
    exposition = Exposition(MetricsSettings(cpe="full"), found)
    for cycle in range(ROUNDS):
        now = [
            reading(d, START + cycle * INTERVAL + n / count, interfaces=interfaces, has_pings=has_pings)
            for n, d in enumerate(found)
        ]
        yield cpu(partial(take, exposition, now), count)


def scraped_between_polls(series: int) -> Iterator[Exposition]:
    """CPE of two interfaces with pings, until there are so many series; polled once more before each scrape."""
    per_device = series_per_device("full", interfaces=2) - 2
    found = devices(-(-series // per_device))
    exposition = Exposition(MetricsSettings(cpe="full"), found)
    for cycle in range(ROUNDS + 2):
        for n, device in enumerate(found):
            at = START + cycle * INTERVAL + n / len(found)
            exposition.update(reading(device, at, interfaces=2, has_pings=True), restarted=False, traffic=None)
        gc.collect()
        gc.freeze()
        if cycle > 1:
            yield exposition


@dataclass
class Stalls:
    """The longest pauses of the loop while something else goes on."""

    longest_seconds: float = 0.0

    async def watch(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest_seconds = max(self.longest_seconds, now - before - 0.001)
            before = now


async def scrape(exposition: Exposition) -> tuple[float, float, float, int, int]:
    """Seconds to render, to compress, the longest stall in them, bytes before and after."""
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    await asyncio.sleep(0.01)
    stalls.longest_seconds = 0.0
    began = time.perf_counter()
    response = Response(await exposition.pieces(CLASSIC))
    rendered = time.perf_counter()
    packed = await compress(response)
    ended = time.perf_counter()
    await asyncio.sleep(0.01)
    watching.cancel()
    return rendered - began, ended - rendered, stalls.longest_seconds, response.size, packed.size


async def _no_probe(_device_id: str) -> None:
    return None


async def served(exposition: Exposition, *options: str) -> tuple[float, float]:
    """CPU seconds of a scrape by curl, with rendering and HTTP, and the longest stall of the loop in it."""
    status = Status("", False, 0, {}, INTERVAL, 0)
    nothing = OwnFigures(**dict.fromkeys(field.name for field in fields(OwnFigures)))
    site = Site(exposition, OwnMetrics(lambda: nothing), probe=_no_probe, status=lambda: status)
    server, stalls = WebServer(site.handlers()), Stalls()
    await server.open("127.0.0.1", 0)
    watching = asyncio.create_task(stalls.watch())
    command = ("curl", "-sSf", *options, "-o", "/dev/null", f"http://127.0.0.1:{server.port}/metrics")
    began = time.process_time()
    curl = await asyncio.create_subprocess_exec(*command)
    stalls.longest_seconds = 0.0
    assert await curl.wait() == 0
    spent = time.process_time() - began
    watching.cancel()
    await server.close()
    return spent, stalls.longest_seconds


def main() -> None:
    print("CPU of taking in one poll, median (least) of rounds")
    for name, count, interfaces, has_pings in (
        ("CPE, uplink alone, no pings", 2000, 1, False),
        ("CPE, two interfaces and pings", 2000, 2, True),
        ("router, 48 interfaces and pings", 50, 48, True),
    ):
        costs = list(poll_costs(count, interfaces=interfaces, has_pings=has_pings))[2:]
        print(f"  {name:32} {statistics.median(costs):7.2f} us ({min(costs):.2f})")
    print("scrapes, medians: time to render, then gzip at level 1 in a thread; longest stall of the loop in both")
    for series in (100_000, 1_000_000):
        rounds = [asyncio.run(scrape(exposition)) for exposition in scraped_between_polls(series)]
        rendered, packed, _, size, small = map(statistics.median, zip(*rounds, strict=True))
        stalls = sorted(stall for _, _, stall, _, _ in rounds)
        print(
            f"  {series:9,} series, {size / 1e6:6.1f} MB: {rendered:.3f} s, gzip {packed:.3f} s to {small / 1e6:.1f} MB,"
            f" stall {stalls[len(stalls) // 2] * 1e3:.1f} ms (worst {stalls[-1] * 1e3:.1f})"
        )
        gc.unfreeze()
        for name, options in (("plain", ()), ("gzip", ("-H", "Accept-Encoding: gzip"))):
            scrapes = [asyncio.run(served(exposition, *options)) for exposition in scraped_between_polls(series)]
            spent, stall = map(statistics.median, zip(*scrapes, strict=True))
            print(f"    through HTTP, {name}: {spent:.3f} s of CPU, stall {stall * 1e3:.1f} ms")
            gc.unfreeze()


if __name__ == "__main__":
    main()
