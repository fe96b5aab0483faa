"""The collector's loop: polls who is due, hands readings to the pipeline, and keeps files and inventory current."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import time
from collections.abc import Awaitable, Callable

from bairro_error import BairroError
from collector import counted
from collector.config import CollectorSettings, RetentionSettings
from collector.inventory.watch import InventoryWatch
from collector.loop.pipeline import Pipeline
from collector.loop.polls import Polls
from collector.loop.trap_polls import NO_TRAPS, TrapPolls
from collector.poll.poller import Poller
from collector.poll.profile_files import load_profiles, own_measures
from collector.publish import write_locks
from collector.publish.exposition.counts.own_figures import OwnFigures
from collector.publish.exposition.self_metrics import OwnMetrics
from collector.publish.incidents.cross_shard import Neighbours
from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.incidents.maintenance_windows import WindowSource
from collector.publish.live import device_spans as device_table
from collector.publish.live.port_table import LEAST_WRITE_SECONDS
from collector.publish.quarantine import Aside
from collector.publish.web import service_discovery
from collector.publish.web.guard import Guard
from collector.publish.web.handlers import COSTLY, Site, Status
from collector.publish.web.server import WebServer
from collector.publish.write_failures import WriteFailures
from collector.retention import removal

log = logging.getLogger(__name__)

EXIT_OK = 0
WATCH_SECONDS = 2.0
CLOSE_SECONDS = 2.5
URGENT_SECONDS = 1.0
RETAIN_SECONDS = 900.0
LIVE_REST = 10.0
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
            ask=lambda name: self._polls.start(name, is_due=False),
            ask_again=self._ask_again,
            at=time.time(),
            measures=own_measures(profiles.values()),
        )
        copy = settings.data / "journal" / f"maintenance-{settings.shard}.json"
        self._windows = WindowSource(settings.database_url, copy)
        self._polls = Polls(self._poller, self._pipeline, settings)
        site = Site(self._pipeline.exposition, OwnMetrics(self._figures), probe=self._polls.probe, status=self._status)
        served = {
            **site.handlers(),
            "/sd": service_discovery.handler(settings, lambda: (self._web.scheme, self._web.port)),
        }
        web_file = settings.web.config_file
        self._web = WebServer(served, Guard(web_file) if web_file is not None else None, costly=COSTLY)
        self._traps: TrapPolls | None = None
        if settings.traps.address is not None:
            self._traps = TrapPolls(
                settings, start=lambda name: self._polls.start(name, is_due=False), resolved=self._poller.resolved
            )
        self._ready_at = float("inf")
        self._is_device_table_old = self._wants_reload = True
        self._failures = WriteFailures()
        self._errors = 0
        self._live_rests_until = 0.0
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
        self._polls.replace()
        self._ready_at = self._clock() + self._interval + settings.poll.budget_seconds
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        url = f"{self._web.scheme}://{settings.web.address}:{self._web.port}/metrics"
        what = counted.of(len(self._pipeline.devices), "device")
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
            self._every(max(settings.publish.live_seconds, LEAST_WRITE_SECONDS), self._write_ports, "ports"),
            self._every(settings.publish.journal_seconds, self._write_history, "history"),
            self._every(WATCH_SECONDS, self._watch_inventory, "inventory"),
            self._every(settings.maintenance.read_seconds, self._read_windows, "maintenance"),
            self._every(RETAIN_SECONDS, self._retain, "retention"),
        ]
        self._poller.drive(self._polls.start_who_is_due)
        if self._traps is not None:
            self._traps.replace(self._pipeline.devices)
            self._tasks.append(asyncio.create_task(self._traps.run(), name="traps"))

    async def close(self) -> None:
        """End within a few seconds; the journals take up what is still open."""
        self._polls.stop()
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
                await self._write_ports()
                await asyncio.to_thread(self._pipeline.incidents.close)
                await asyncio.to_thread(self._windows.close)
        log.info("stopped")

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

    def _clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def _tick(self) -> None:
        self._polls.give_up_stuck()
        now = time.time()
        self._pipeline.follow(self._pipeline.network.tick(now))
        self._pipeline.maintain(now)

    async def _read_windows(self) -> None:
        windows = await asyncio.to_thread(self._windows.read, time.time())
        self._pipeline.plan(windows, time.time())

    async def _retain(self) -> None:
        if self._settings.own_shard.index == 0 and self._settings.retention != RetentionSettings():
            await asyncio.to_thread(removal.keep_to, self._settings, time.time())

    async def _write_live(self) -> None:
        began = self._clock()
        with self._failures.noting("live"):
            await self._pipeline.live.write(time.time(), is_due=True)
        self._live_rests_until = self._clock() + LIVE_REST * (self._clock() - began)

    async def _write_urgent_live(self) -> None:
        """Service was lost or came back: pages are to say so with the incident, not some seconds after it."""
        if self._pipeline.live.is_urgent and self._clock() >= self._live_rests_until:
            await self._write_live()

    async def _write_ports(self) -> None:
        with self._failures.noting("live"):
            await asyncio.to_thread(self._pipeline.ports.write)

    async def _write_history(self) -> None:
        await self._pipeline.history.flush(time.time())
        if self._is_device_table_old and self._settings.own_shard.index == 0:
            with self._failures.noting("devices"):
                path, found = self._settings.data / "devices.parquet", self._watch.current.devices
                await asyncio.to_thread(device_table.update, path, found, time.time(), self._aside)
                self._is_device_table_old = False

    def _ask_again(self, device_id: str, at: float) -> None:
        self._polls.suspects.want(device_id, at)

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
            self._polls.replace()
            if self._traps is not None:
                self._traps.replace(self._pipeline.devices)
            self._is_device_table_old = True

    # --- what it says of itself ---

    def _status(self) -> Status:
        unwritten = self._pipeline.history.writer.why_unwritten
        waits_for = f"the quality history cannot be written: {unwritten}" if unwritten else ""
        if self._polls.unpolled and self._clock() < self._ready_at:
            waits_for = f"{counted.of(len(self._polls.unpolled), 'device', 'have')} not been polled yet"
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
            cycle_lag_seconds=self._polls.schedule.lag_seconds(self._clock()),
            poll_interval_seconds=self._interval,
            polls_in_flight=self._poller.in_flight,
            polls_stuck=self._polls.stuck,
            polls_skipped=self._polls.schedule.skipped,
            packets_sent=counts.packets_sent,
            packets_received=counts.packets_received,
            packets_retried=counts.retries,
            packets_late=counts.late,
            packets_rejected=dict(counts.rejected),
            bulk_avoided=counts.bulk_avoided,
            damaged_values=dict(counts.damaged),
            values_refused=dict(self._pipeline.beliefs.refused),
            traffic_unknown=dict(self._pipeline.beliefs.unknown),
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
            errors=self._errors + self._polls.errors,
        )


def _neighbours(settings: CollectorSettings) -> Neighbours:
    """Two shards' first misses of one root lie a poll apart at most, their verdicts hardly more."""
    interval, budget = settings.poll.interval_seconds, settings.poll.budget_seconds
    return Neighbours(
        settings.own_shard,
        near_seconds=1.5 * interval + budget,
        wait_seconds=2 * interval + budget,
        settle_seconds=min(20.0, interval),
    )
