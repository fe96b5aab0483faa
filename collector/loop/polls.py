"""The collector's polls: who is due is polled, what ended goes to the pipeline, and who asked for a device is told."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace

from collector.config import CollectorSettings
from collector.credentials import NO_SNMP
from collector.inventory.devices_file import sentinel_devices
from collector.loop.in_flight import InFlight
from collector.loop.out_of_turn import Halfway, Suspects, most_suspects
from collector.loop.pipeline import Pipeline
from collector.loop.schedule import Schedule
from collector.poll.poller import Poller
from collector.reading import Reading

log = logging.getLogger(__name__)

LONGEST_REST_SECONDS = 1.0
SLOW_AFTER_MISSES = 10


class Polls:
    """Polls of the pipeline's devices and of the sentinels, each device's one at a time.

    ``unpolled`` are the devices that no poll has ended for yet, ``stuck`` counts polls that never ended, ``errors``
    faults of ours.
    """

    def __init__(self, poller: Poller, pipeline: Pipeline, settings: CollectorSettings) -> None:
        self.schedule = Schedule(settings.poll.interval_seconds)
        self.in_flight = InFlight(_longest_poll_seconds(settings))
        self.unpolled = set(pipeline.devices)
        self.stuck = self.errors = 0
        poll, again = settings.poll, settings.outage.again_seconds
        self.suspects = Suspects(most_suspects(poll.packets_per_second, 1 + poll.retries, again))
        self._halfway = Halfway(poll.interval_seconds)
        self._poller = poller
        self._pipeline = pipeline
        self._sentinels = {d.device_id: replace(d, credential=NO_SNMP) for d in sentinel_devices(settings)}
        self._waiting: dict[str, list[asyncio.Future[Reading]]] = {}
        self._is_stopping = False
        self._goes_on_at = 0.0

    def replace(self) -> None:
        """Take in the devices that the pipeline has now."""
        names = [*self._pipeline.devices, *self._sentinels]
        self.schedule.replace(names, _clock())
        self._poller.keep_only(names)
        self.unpolled &= self._pipeline.devices.keys()

    def stop(self) -> None:
        """Start nothing more, and drop what ends from now on."""
        self._is_stopping = True
        self._goes_on_at = float("inf")

    def start_who_is_due(self) -> float:
        """Start their polls; returns how long until the next device is due, within limits."""
        now = _clock()
        if now < self._goes_on_at:
            return LONGEST_REST_SECONDS
        try:
            for device_id in self.schedule.due(now):
                self.start(device_id)
                self._note_halfway(device_id, now)
            for device_id in self.suspects.due(time.time()):
                self.start(device_id, is_due=False)
            for device_id in self._halfway.due(now):
                self._knock(device_id)
            following = self._next_at(now)
        except Exception:
            self.errors += 1
            log.exception("the turn of polls failed; it goes on")
            self._goes_on_at = now + LONGEST_REST_SECONDS
            return LONGEST_REST_SECONDS
        return LONGEST_REST_SECONDS if following is None else min(LONGEST_REST_SECONDS, following - now)

    def _next_at(self, now: float) -> float | None:
        again = self.suspects.next_at()
        in_turn = (
            self.schedule.next_at(),
            self._halfway.next_at(),
            None if again is None else now + again - time.time(),
        )
        return min((at for at in in_turn if at is not None), default=None)

    def _note_halfway(self, device_id: str, now: float) -> None:
        device = self._pipeline.devices.get(device_id)
        if device is not None and device.role != "cpe":
            self._halfway.began(device_id, now)

    def _knock(self, device_id: str) -> None:
        """Ask a network device half-way between two polls whether it is there, by one small question; poll it if not."""
        if device_id in self._pipeline.devices and device_id not in self.in_flight:
            self._poller.knock(device_id, lambda: self.start(device_id, is_due=False))

    def start(self, device_id: str, *, is_due: bool = True) -> bool:
        """Poll a device or sentinel; False where a poll of it is in flight, which is then the only one."""
        if device_id in self.in_flight:
            self.schedule.skipped += is_due
            return False
        device = self._pipeline.devices.get(device_id)
        done = self.done
        if device is None:
            device, done = self._sentinels.get(device_id), self._sentinel_done
        if device is None:
            return True
        self.in_flight.begin(device_id, _clock())
        try:
            self._poller.start(device, done)
        except Exception:
            self.in_flight.end(device_id)
            self.errors += 1
            log.exception("%s: a poll could not be started", device_id)
        return True

    def _sentinel_done(self, reading: Reading) -> None:
        self.in_flight.end(reading.device_id)
        answered = reading.is_reachable
        if answered is not None and not self._is_stopping:
            self._pipeline.follow(self._pipeline.network.observe_sentinel(reading.device_id, reading.at, answered))

    def done(self, reading: Reading) -> None:
        """A poll ended, with or without an answer."""
        name = reading.device_id
        self.in_flight.end(name)
        self.unpolled.discard(name)
        device = self._pipeline.devices.get(name)
        if device is not None and not self._is_stopping:
            try:
                self._pipeline.take(device, reading)
                if device.role == "cpe":
                    self.schedule.slow_down(name, self._pipeline.network.missed(name) >= SLOW_AFTER_MISSES)
            except Exception:
                self.errors += 1
                log.exception("%s: a reading was lost to a fault of the collector", name)
        self._answer(name, reading)

    def _answer(self, device_id: str, reading: Reading) -> None:
        """Tell those who asked for this device."""
        for waiting in self._waiting.pop(device_id, ()):
            if not waiting.done():
                waiting.set_result(reading)

    def give_up_stuck(self) -> None:
        """A poll that never ended is dropped, so that the device has its next turn; nothing is known from it."""
        now = _clock()
        if self._poller.outbox.is_waiting:
            self.in_flight.hold_up(now)
        for device_id in self.in_flight.take_stuck(now):
            self.stuck += 1
            log.error("%s: a poll never ended: a fault of the collector; the device is polled again", device_id)
            self._poller.drop(device_id)
            never = Reading(device_id, time.time(), 0.0, "silent", sent=False, failure="the poll never ended")
            self._answer(device_id, never)

    async def probe(self, device_id: str) -> Reading | None:
        """Poll one device of the inventory now, or join the poll in flight."""
        if not self._pipeline.owns(device_id):
            return None
        waiting: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(device_id, []).append(waiting)
        self.start(device_id, is_due=False)
        return await waiting


def _clock() -> float:
    return asyncio.get_running_loop().time()


def _longest_poll_seconds(settings: CollectorSettings) -> float:
    """Twice what a poll may take by its budgets, and a while for a host that is slow."""
    ping = settings.ping
    return 2 * (settings.poll.budget_seconds + ping.count * ping.spacing_seconds + ping.timeout_seconds) + 10.0
