"""What becomes of a reading: difference, state, metrics, history, live table, incidents."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from collector.config import CollectorSettings
from collector.publish.history import History
from collector.publish.incidents import IncidentLog
from collector.publish.live import LiveTable
from collector.publish.metrics import Exposition
from collector.publish.uplink import traffic
from collector.quality.rates import difference
from collector.quality.state import Network
from collector.reading import Device, Reading, Verdict

LONGEST_SETTLE_SECONDS = 900.0


def settle_seconds(settings: CollectorSettings) -> float:
    """How long after its end an hour may still be reached by a verdict.

    The poll that crosses the border, ``down_after`` misses with their timeouts, and a group's window.
    """
    poll, outage = settings.poll, settings.outage
    verdict = max(outage.down_after * poll.interval_seconds, outage.group_window_seconds)
    return min(LONGEST_SETTLE_SECONDS, poll.interval_seconds + verdict + poll.budget_seconds)


class Pipeline:
    """The judging and publishing stages, in their order. ``ask`` polls a device at once."""

    def __init__(
        self,
        settings: CollectorSettings,
        devices: Iterable[Device],
        *,
        incidents: IncidentLog,
        ask: Callable[[str], None],
    ) -> None:
        devices = tuple(devices)
        interval = settings.poll.interval_seconds
        self._ask = ask
        self._counted: dict[str, Reading] = {}
        self.devices = {device.device_id: device for device in devices}
        self.network = Network(devices, settings.outage, interval_seconds=interval)
        self.incidents = incidents
        self.exposition = Exposition(settings.metrics, devices)
        self.history = History(
            settings.data,
            devices,
            interval_seconds=interval,
            settle_seconds=settle_seconds(settings),
            shard=settings.shard,
        )
        self.live = LiveTable(settings.data, devices, shard=settings.shard)

    def replace(self, devices: Iterable[Device], at: float) -> None:
        """Take in a new inventory."""
        devices = tuple(devices)
        self.devices = {device.device_id: device for device in devices}
        self._counted = {name: reading for name, reading in self._counted.items() if name in self.devices}
        self.exposition.replace(devices)
        self.history.replace(devices, at)
        self.live.replace(devices)
        self.follow(self.network.replace(devices, at))

    def take(self, device: Device, reading: Reading) -> None:
        """One poll of one device."""
        delta = difference(self._counted.get(reading.device_id), reading)
        if reading.interfaces or reading.uptime_seconds is not None:
            self._counted[reading.device_id] = reading
        self.follow(self.network.observe(reading))
        passed = traffic(device, reading, delta)
        self.exposition.update(reading, restarted=delta.restarted, traffic=passed)
        self.history.observe(reading, delta, passed)
        self.live.update(reading, passed)

    def follow(self, verdict: Verdict) -> None:
        """Pass a verdict on to who publishes it, and ask whom it wants asked."""
        for transition in verdict.transitions:
            self.exposition.change(transition)
            self.history.change(transition)
        if verdict.transitions:
            self.live.touch()
        if verdict.incidents:
            for change in verdict.incidents:
                if change.kind == "blind":
                    self.history.blind(change.started_at, change.ended_at)
            self.incidents.apply(verdict.incidents, self.devices)
        for device_id in verdict.ask:
            self._ask(device_id)
