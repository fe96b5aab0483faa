"""The collector's loop: polls who is due, hands readings to the pipeline, and keeps files and inventory current."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bairro_error import BairroError
from collector.config import CollectorSettings
from collector.credentials import NO_SNMP
from collector.inventory.devices_file import sentinel_devices
from collector.inventory.watch import InventoryWatch
from collector.loop.in_flight import InFlight
from collector.loop.pipeline import Pipeline
from collector.loop.schedule import Schedule
from collector.loop.trap_polls import NO_TRAPS, TrapPolls
from collector.poll.poller import Poller
from collector.poll.profile import load_profiles
from collector.publish import write_locks
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.publish.incidents.cross_shard import Neighbours
from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.incidents.maintenance_windows import WindowSource
from collector.publish.live import device_spans as device_table
from collector.publish.quarantine import Aside
from collector.publish.web import service_discovery
from collector.publish.web.guard import Guard
from collector.publish.web.handlers import COSTLY, Site, Status
from collector.publish.web.server import WebServer
from collector.publish.write_failures import WriteFailures
from collector.reading import Reading

log = logging.getLogger(__name__)

EXIT_OK = 0
WATCH_SECONDS = 2.0
CLOSE_SECONDS = 2.5
LONGEST_REST_SECONDS = 1.0
URGENT_SECONDS = 1.0
LIVE_REST = 10.0
SLOW_AFTER_MISSES = 10
# Nothing that a poll makes refers to itself, so collections find next to nothing; but to look through objects that are
# not in the processor's cache takes a microsecond each. By Python's usual rule every second cycle of 10,000 devices had
# a collection of all that they keep (0.1 to 0.4 s), and collections of the young cost each poll 10 to 20 us.
COLLECT_AFTER = (50_000, 2, 1_000)


class StartError(BairroError, RuntimeError):
    """The collector cannot begin; the message says why."""


def run(settings: CollectorSettings) -> int:
    """Collect until SIGTERM or SIGINT; returns the exit code. Raises a BairroError where it could not begin."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with write_locks.of_shard(settings.data, settings.own_shard, at=time.time()):
        asyncio.run(_collect(settings))
    return EXIT_OK


async def _collect(settings: CollectorSettings) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    collector = Collector(settings)
    loop.add_signal_handler(signal.SIGHUP, collector.reload_soon)
    try:
        await collector.open()
        await stop.wait()
    finally:
        await collector.close()


class Collector:
    """Composes poller, pipeline, web server and the jobs that repeat."""

    def __init__(self, settings: CollectorSettings) -> None:
        self._settings = settings
        self._interval = settings.poll.interval_seconds
        self._watch = InventoryWatch(settings)
        found = self._watch.current
        if not found.is_readable:
            raise StartError("; ".join(str(problem) for problem in found.problems))
        profiles = load_profiles(*([settings.profiles] if settings.profiles else []))
        self._poller = Poller(settings.poll, settings.ping, settings.credentials, profiles)
        self._aside = Aside()
        journal, neighbours = settings.data / "journal", _neighbours(settings)
        self._pipeline = Pipeline(
            settings,
            found.devices,
            incidents=IncidentLog(settings.database_url, journal, neighbours, self._aside),
            aside=self._aside,
            ask=lambda name: self._start(name, is_due=False),
            at=time.time(),
        )
        copy = settings.data / "journal" / f"maintenance-{settings.shard}.json"
        self._windows = WindowSource(settings.database_url, copy)
        self._sentinels = {d.device_id: replace(d, credential=NO_SNMP) for d in sentinel_devices(settings)}
        site = Site(self._pipeline.exposition, OwnMetrics(self._figures), probe=self._probe, status=self._status)
        served = {
            **site.handlers(),
            "/sd": service_discovery.handler(settings, lambda: (self._web.scheme, self._web.port)),
        }
        web_file = settings.web.config_file
        self._web = WebServer(served, Guard(web_file) if web_file is not None else None, costly=COSTLY)
        self._schedule = Schedule(self._interval)
        self._traps: TrapPolls | None = None
        if settings.traps.address is not None:
            self._traps = TrapPolls(
                settings, start=lambda name: self._start(name, is_due=False), resolved=self._poller.resolved
            )
        self._in_flight = InFlight(_longest_poll_seconds(settings))
        self._stuck = 0
        self._waiting: dict[str, list[asyncio.Future[Reading]]] = {}
        self._unpolled = set(self._pipeline.devices)
        self._ready_at = float("inf")
        self._is_device_table_old = self._wants_reload = True
        self._failures = WriteFailures()
        self._errors = 0
        self._is_stopping = False
        self._goes_on_at = self._live_rests_until = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    # --- begin and end ---

    async def open(self) -> None:
        """Begin: listen first, so that a port in use is reported before anything is sent.

        Raises PortInUseError, TrapPortError, and StartError where this host allows no polling.
        """
        settings, now = self._settings, time.time()
        await self._web.open(settings.web.address, settings.own_port)
        if self._traps is not None:
            self._traps.open()
        try:
            await self._poller.open()
        except OSError as error:
            raise StartError(f"this host gives no UDP socket to poll from: {error.strerror or error}") from error
        await self._read_windows()
        await asyncio.to_thread(self._pipeline.restore, now)
        self._schedule.replace([*self._pipeline.devices, *self._sentinels], self._clock())
        self._ready_at = self._clock() + self._interval + settings.poll.budget_seconds
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        url = f"{self._web.scheme}://{settings.web.address}:{self._web.port}/metrics"
        what = f"{len(self._pipeline.devices)} devices"
        if settings.own_shard.count > 1:
            what += f" ({self._pipeline.owned_count} of its own) as shard {settings.own_shard}"
        log.info("polling %s every %g s; metrics at %s", what, self._interval, url)
        if self._poller.ping_unavailable:
            log.warning("%s", self._poller.ping_unavailable)
        self._wants_reload = False
        self._tasks = [
            self._every(min(1.0, self._interval / 4), self._tick, "tick"),
            self._every(settings.publish.live_seconds, self._write_live, "live"),
            self._every(URGENT_SECONDS, self._write_urgent_live, "urgent live"),
            self._every(settings.publish.journal_seconds, self._write_history, "history"),
            self._every(WATCH_SECONDS, self._watch_inventory, "inventory"),
            self._every(settings.maintenance.read_seconds, self._read_windows, "maintenance"),
        ]
        self._poller.drive(self._poll_who_is_due)
        if self._traps is not None:
            self._traps.replace(self._pipeline.devices)
            self._tasks.append(asyncio.create_task(self._traps.run(), name="traps"))

    async def close(self) -> None:
        """End within a few seconds; the journals take up what is still open."""
        self._is_stopping = True
        self._goes_on_at = float("inf")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._traps is not None:
            self._traps.close()
        await self._web.close()
        await self._poller.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.to_thread(self._pipeline.history.close, time.time())
                await self._write_live()
                await asyncio.to_thread(self._pipeline.incidents.close)
                await asyncio.to_thread(self._windows.close)
        log.info("stopped")

    # --- poll ---

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()

    def _poll_who_is_due(self) -> float:
        """Start their polls; returns how long until the next device is due, within limits."""
        now = self._clock()
        if now < self._goes_on_at:
            return LONGEST_REST_SECONDS
        try:
            for device_id in self._schedule.due(now):
                self._start(device_id)
            following = self._schedule.next_at()
        except Exception:
            self._errors += 1
            log.exception("the turn of polls failed; it goes on")
            self._goes_on_at = now + LONGEST_REST_SECONDS
            return LONGEST_REST_SECONDS
        return LONGEST_REST_SECONDS if following is None else min(LONGEST_REST_SECONDS, following - now)

    def _start(self, device_id: str, *, is_due: bool = True) -> bool:
        """Poll a device or sentinel; False where a poll of it is in flight, which is then the only one."""
        if device_id in self._in_flight:
            self._schedule.skipped += is_due
            return False
        device = self._pipeline.devices.get(device_id)
        done = self._done
        if device is None:
            device, done = self._sentinels.get(device_id), self._sentinel_done
        if device is None:
            return True
        self._in_flight.begin(device_id, self._clock())
        try:
            self._poller.start(device, done)
        except Exception:
            self._in_flight.end(device_id)
            self._errors += 1
            log.exception("%s: a poll could not be started", device_id)
        return True

    def _sentinel_done(self, reading: Reading) -> None:
        self._in_flight.end(reading.device_id)
        answered = reading.is_reachable
        if answered is not None and not self._is_stopping:
            self._pipeline.follow(self._pipeline.network.observe_sentinel(reading.device_id, reading.at, answered))

    def _done(self, reading: Reading) -> None:
        """A poll ended, with or without an answer."""
        name = reading.device_id
        self._in_flight.end(name)
        self._unpolled.discard(name)
        device = self._pipeline.devices.get(name)
        if device is not None and not self._is_stopping:
            try:
                self._pipeline.take(device, reading)
                if device.role == "cpe":
                    self._schedule.slow_down(name, self._pipeline.network.missed(name) >= SLOW_AFTER_MISSES)
            except Exception:
                self._errors += 1
                log.exception("%s: a reading was lost to a fault of the collector", name)
        self._answer(name, reading)

    def _answer(self, device_id: str, reading: Reading) -> None:
        """Tell those who asked for this device."""
        for waiting in self._waiting.pop(device_id, ()):
            if not waiting.done():
                waiting.set_result(reading)

    def _give_up_stuck(self) -> None:
        """A poll that never ended is dropped, so that the device has its next turn; nothing is known from it."""
        now = self._clock()
        if self._poller.outbox.is_waiting:
            self._in_flight.hold_up(now)
        for device_id in self._in_flight.take_stuck(now):
            self._stuck += 1
            log.error("%s: a poll never ended: a fault of the collector; the device is polled again", device_id)
            self._poller.drop(device_id)
            never = Reading(device_id, time.time(), 0.0, "silent", sent=False, failure="the poll never ended")
            self._answer(device_id, never)

    async def _probe(self, device_id: str) -> Reading | None:
        """Poll one device of the inventory now, or join the poll in flight."""
        if not self._pipeline.owns(device_id):
            return None
        waiting: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(device_id, []).append(waiting)
        self._start(device_id, is_due=False)
        return await waiting

    # --- what repeats ---

    def _every(self, seconds: float, job: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    await job()
                except Exception:
                    self._errors += 1
                    log.exception("the %s job failed; it goes on", name)

        return asyncio.create_task(repeat(), name=name)

    async def _tick(self) -> None:
        self._give_up_stuck()
        now = time.time()
        self._pipeline.follow(self._pipeline.network.tick(now))
        self._pipeline.maintain(now)

    async def _read_windows(self) -> None:
        windows = await asyncio.to_thread(self._windows.read, time.time())
        self._pipeline.plan(windows, time.time())

    async def _write_live(self) -> None:
        began = self._clock()
        with self._failures.noting("live"):
            await self._pipeline.live.write(time.time(), is_due=True)
        self._live_rests_until = self._clock() + LIVE_REST * (self._clock() - began)

    async def _write_urgent_live(self) -> None:
        """Service was lost or came back: pages are to say so with the incident, not some seconds after it."""
        if self._pipeline.live.is_urgent and self._clock() >= self._live_rests_until:
            await self._write_live()

    async def _write_history(self) -> None:
        await self._pipeline.history.flush(time.time())
        if self._is_device_table_old and self._settings.own_shard.index == 0:
            with self._failures.noting("devices"):
                path, found = self._settings.data / "devices.parquet", self._watch.current.devices
                await asyncio.to_thread(device_table.update, path, found, time.time(), self._aside)
                self._is_device_table_old = False

    def reload_soon(self) -> None:
        """SIGHUP: read the inventory again, whether or not its file has changed."""
        self._wants_reload = True

    async def _watch_inventory(self) -> None:
        if not self._wants_reload and not self._watch.has_changed():
            return
        self._wants_reload = False
        if await self._watch.reload():
            devices, now = self._watch.current.devices, time.time()
            self._pipeline.replace(devices, now)
            self._schedule.replace([*self._pipeline.devices, *self._sentinels], self._clock())
            self._poller.keep_only([*self._pipeline.devices, *self._sentinels])
            if self._traps is not None:
                self._traps.replace(self._pipeline.devices)
            self._unpolled &= self._pipeline.devices.keys()
            self._is_device_table_old = True

    # --- what it says of itself ---

    def _status(self) -> Status:
        unwritten = self._pipeline.history.writer.why_unwritten
        waits_for = f"the quality history cannot be written: {unwritten}" if unwritten else ""
        if self._unpolled and self._clock() < self._ready_at:
            waits_for = f"{len(self._unpolled)} devices have not been polled yet"
        return Status(
            waits_for=waits_for,
            is_blind=self._pipeline.network.is_blind,
            devices=self._pipeline.owned_count,
            by_state=self._pipeline.exposition.by_state(),
            interval_seconds=self._interval,
            problems=len(self._watch.current.problems),
            notes=(self._poller.ping_unavailable,) if self._poller.ping_unavailable else (),
        )

    def _figures(self) -> OwnFigures:
        counts, history = self._poller.counts, self._pipeline.history.writer
        traps = self._traps.counts() if self._traps is not None else NO_TRAPS
        return OwnFigures(
            blind=float(self._pipeline.network.is_blind),
            cycle_lag_seconds=self._schedule.lag_seconds(self._clock()),
            poll_interval_seconds=self._interval,
            polls_in_flight=self._poller.in_flight,
            polls_stuck=self._stuck,
            polls_skipped=self._schedule.skipped,
            packets_sent=counts.packets_sent,
            packets_received=counts.packets_received,
            packets_retried=counts.retries,
            packets_late=counts.late,
            packets_rejected=dict(counts.rejected),
            bulk_avoided=counts.bulk_avoided,
            damaged_values=dict(counts.damaged),
            values_refused=dict(self._pipeline.beliefs.refused),
            inventory_devices=self._pipeline.owned_count,
            inventory_problems=len(self._watch.current.problems),
            inventory_loaded_timestamp_seconds=self._watch.loaded_at,
            history_rows=history.rows_written,
            history_unwritten=history.pending_hours,
            incidents_unwritten=self._pipeline.incidents.unwritten,
            maintenance_windows=self._windows.known,
            maintenance_read_timestamp_seconds=self._windows.read_at,
            write_failures={"devices": 0, "live": 0, **self._failures.counts, "history": history.failures},
            files_set_aside=dict(self._aside.files),
            rows_left_out=dict(self._aside.rows),
            connections_ended=dict(self._web.places.ended),
            traps=traps.heard_by_kind,
            traps_dropped=traps.dropped_by_reason,
            trap_worker_restarts=traps.restarts,
            polls_prompted=traps.polls_started,
            errors=self._errors,
        )


def _longest_poll_seconds(settings: CollectorSettings) -> float:
    """Twice what a poll may take by its budgets, and a while for a host that is slow."""
    ping = settings.ping
    return 2 * (settings.poll.budget_seconds + ping.count * ping.spacing_seconds + ping.timeout_seconds) + 10.0


def _neighbours(settings: CollectorSettings) -> Neighbours:
    """Two shards' first misses of one root lie a poll apart at most, their verdicts hardly more."""
    interval, budget = settings.poll.interval_seconds, settings.poll.budget_seconds
    return Neighbours(
        settings.own_shard,
        near_seconds=1.5 * interval + budget,
        wait_seconds=2 * interval + budget,
        settle_seconds=min(20.0, interval),
    )
