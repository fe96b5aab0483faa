"""CPU of keeping the text of /metrics: a poll taken in by what kind of device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

from collector.config import MetricsSettings
from collector.publish.metrics import Exposition
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


def main() -> None:
    print("CPU of taking in one poll, median (least) of rounds")
    for name, count, interfaces, has_pings in (
        ("CPE, uplink alone, no pings", 2000, 1, False),
        ("CPE, two interfaces and pings", 2000, 2, True),
        ("router, 48 interfaces and pings", 50, 48, True),
    ):
        costs = list(poll_costs(count, interfaces=interfaces, has_pings=has_pings))[2:]
        print(f"  {name:32} {statistics.median(costs):7.2f} us ({min(costs):.2f})")


if __name__ == "__main__":
    main()
