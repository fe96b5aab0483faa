"""The processes of ours that are measured from outside: ``python -m bench.collector.ours saturate|lag|wire ...``.

``saturate`` and ``lag`` are the whole collector, as ``bairro collect`` runs it: poll, judge, publish, incidents,
history, journals, live table, web server. Only who is due when differs in ``saturate``: the next device of the list,
as soon as fewer than so many are in flight. ``wire`` is the poll stage alone, up to the Reading. Each prints a line of
JSON when a cycle of all devices is through.
"""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.collector.load import FIRST_ROUTER, UPLINK, address_of
from collector import config
from collector.config import PingSettings, PollSettings
from collector.credentials import Credential
from collector.loop.schedule import Schedule
from collector.loop.service import COLLECT_AFTER, Collector
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles
from collector.publish.incidents.migrate import migrate
from collector.reading import Device, Reading

LIVE_WRITES_A_CYCLE, JOURNAL_WRITES_A_CYCLE = 6, 12
"""As at an interval of 60 s with the settings' defaults of 10 s and 5 s."""
SETTLED_POLLS, SETTLED_LAG_SECONDS, MOST_INTERVALS = 3, 1.0, 15
"""Learning is over once everybody was polled so often, and lately none later than this; it is waited for so long."""


def say(**figures: object) -> None:
    print(json.dumps(figures), flush=True)


class Backlog(Schedule):
    """Everybody is always due, in turn; as many at once as ``window`` allows."""

    def __init__(self, window: int, in_flight: Callable[[], int]) -> None:
        super().__init__(60.0)
        self._window = window
        self._in_flight = in_flight
        self._names: list[str] = []
        self._started = 0

    @property
    def cycles(self) -> float:
        """How many times over everybody has been polled."""
        return self._started / max(1, len(self._names))

    def replace(self, device_ids: object, now: float) -> None:
        self._names = list(device_ids)  # type: ignore[call-overload]

    def due(self, now: float) -> list[str]:
        flying, names = self._in_flight(), self._names
        free = self._window - flying
        if free <= 0:
            return []
        at = self._started % len(names)
        found = names[at : at + free]
        if at == 0:
            say(cycle=self._started // len(names), polls=self._started - flying)
        self._started += len(found)
        return found

    def next_at(self) -> float | None:
        return 0.0


async def saturate(settings: config.CollectorSettings, window: int) -> None:
    """The collector in closed loop until SIGTERM. Files are written as often a cycle as at an interval of 60 s."""
    collector = Collector(settings)
    backlog = collector._polls.schedule = Backlog(window, lambda: len(collector._polls.in_flight))
    writing = [
        asyncio.create_task(_write_by_cycles(collector._write_live, backlog, LIVE_WRITES_A_CYCLE)),
        asyncio.create_task(_write_by_cycles(collector._write_history, backlog, JOURNAL_WRITES_A_CYCLE)),
    ]
    await _until_stopped(collector)
    for task in writing:
        task.cancel()


async def _write_by_cycles(write: Callable[[], Awaitable[None]], backlog: Backlog, times: int) -> None:
    written = 0
    while True:
        await asyncio.sleep(0.01)
        if backlog.cycles * times >= written + 1:
            written += 1
            await write()


class Timed(Collector):
    """A collector that notes how long after its turn each device's Reading was there."""

    def __init__(self, settings: config.CollectorSettings) -> None:
        super().__init__(settings)
        self.polls: Counter[str] = Counter()
        self.lags: dict[str, list[float]] = {}
        self._take, self._polls.done = self._polls.done, self._timed  # type: ignore[method-assign]

    @property
    def has_settled(self) -> bool:
        """Whether nobody is still being learnt and all had their last turns in time."""
        everybody = len(self.polls) == len(self._pipeline.devices)
        is_late = self._polls.schedule.lag_seconds(self._clock()) >= SETTLED_LAG_SECONDS
        return everybody and not is_late and min(self.polls.values()) >= SETTLED_POLLS

    def _timed(self, reading: Reading) -> None:
        self.polls[reading.device_id] += 1
        due_at = self._polls.schedule._due_at[reading.device_id] - self._interval
        if reading.is_reachable:
            self.lags.setdefault(reading.device_id, []).append(self._clock() - due_at)
        self._take(reading)


async def lag(settings: config.CollectorSettings, cycles: int) -> None:
    """Lags of the devices that answer, in seconds, over ``cycles`` cycles once learning is over."""
    collector = Timed(settings)
    told = asyncio.create_task(_tell_lags(collector, settings.poll.interval_seconds, cycles))
    await _until_stopped(collector)
    told.cancel()


async def _tell_lags(collector: Timed, interval: float, cycles: int) -> None:
    for _ in range(2 * MOST_INTERVALS):
        await asyncio.sleep(interval / 2)
        if collector.has_settled:
            break
    is_settled = collector.has_settled
    collector.lags.clear()
    await asyncio.sleep(cycles * interval)
    lags = sorted(each for those in collector.lags.values() for each in those)
    at = {name: lags[int(len(lags) * share)] for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))}
    say(count=len(lags), devices=len(collector.lags), worst=lags[-1], settled=is_settled, **at)


async def _until_stopped(collector: Collector) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await collector.open()
    say(port=collector._web.port)
    await stop.wait()
    await collector.close()


async def wire(port: int, first: int, count: int, window: int) -> None:
    """The poll stage in closed loop until it is killed; a Reading that is not whole ends it.

    Garbage is collected by the collector's rule.
    """
    gc.set_threshold(*COLLECT_AFTER)
    role = "router" if first >= FIRST_ROUTER else "cpe"
    uplink = f"if{UPLINK}" if role == "cpe" else None
    settings = PollSettings(packets_per_second=1e6, budget_seconds=60.0)
    poller = Poller(settings, PingSettings(), [Credential("default")], load_profiles())
    await poller.open()
    addresses = [address_of(first + n) for n in range(count)]
    devices = [
        Device(f"d{n}", address, role, "bench", port=port, ping="off", uplink_interface=uplink)  # type: ignore[arg-type]
        for n, address in enumerate(addresses)
    ]
    interfaces = 48 if role == "router" else 1
    finished = started = 0

    def done(reading: Reading) -> None:
        nonlocal finished
        finished += 1
        if reading.snmp != "answered" or len(reading.interfaces) != interfaces:
            sys.exit(f"{reading}; {poller.counts}")

    while True:
        for _ in range(window - poller.in_flight):
            if started % count == 0:
                say(cycle=started // count, polls=finished, at=time.time())
            poller.start(devices[started % count], done)
            started += 1
        await asyncio.sleep(settings.tick_seconds)


def main() -> None:
    what, *rest = sys.argv[1:]
    if what == "wire":
        port, first, count, window = map(int, rest)
        asyncio.run(wire(port, first, count, window))
        return
    settings = config.load(Path(rest[0]))
    settings.data.mkdir(exist_ok=True)
    migrate(settings.database_url)
    asyncio.run({"saturate": saturate, "lag": lag}[what](settings, int(rest[1])))


if __name__ == "__main__":
    main()
