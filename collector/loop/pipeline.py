"""What becomes of a reading: belief, state, metrics, history, live table, incidents."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from math import inf

from pyarrow import ArrowException

from collector.config import CollectorSettings
from collector.inventory.shards import part_of
from collector.part_measures import PartMeasure
from collector.publish.exposition.page import Exposition
from collector.publish.hours.hour_history import History
from collector.publish.incidents.incident_log import IncidentLog
from collector.publish.live.live_file import LiveTable
from collector.publish.live.port_table import PortTable
from collector.publish.quarantine import Aside
from collector.published import LiveNote
from collector.quality.counters.belief import Beliefs
from collector.quality.maintenance import Calendar, Window
from collector.quality.planned import PlannedOutages
from collector.quality.state import Network
from collector.reading import Device, Reading, Verdict

log = logging.getLogger(__name__)


class Pipeline:
    """The judging and publishing stages, in their order. ``ask`` polls a device at once, ``ask_again`` at a time (Unix
    seconds); ``measures`` are those that profiles declare.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        devices: Iterable[Device],
        *,
        incidents: IncidentLog,
        ask: Callable[[str], object],
        ask_again: Callable[[str, float], object] = lambda _device_id, _at: None,
        at: float,
        aside: Aside | None = None,
        measures: Iterable[PartMeasure] = (),
    ) -> None:
        everybody = tuple(devices)
        interval = settings.poll.interval_seconds
        self._shard = settings.own_shard
        part = part_of(everybody, self._shard)
        polled, owned = (*part.owned, *part.shadows), part.owned
        self._ask, self._ask_again = ask, ask_again
        self.beliefs = Beliefs(settings.poll.counters_refresh_seconds)
        self._planned = PlannedOutages()
        self._calendar = Calendar()
        self._calendar_changes_at = -inf
        self.devices = {device.device_id: device for device in polled}
        self._shadows = frozenset(device.device_id for device in part.shadows)
        self._elsewhere = _elsewhere(everybody, self.devices)
        self.network = Network(
            polled,
            settings.outage,
            degradation=settings.degradation,
            interval_seconds=interval,
            sentinels=settings.sentinels,
            at=at,
        )
        self.incidents = incidents
        self.exposition = Exposition(settings.metrics, owned, cpe_count=part.cpe_count, measures=measures)
        self.history = History(
            settings.data,
            owned,
            interval_seconds=interval,
            settle_seconds=self.network.reach_back_seconds + interval + settings.poll.budget_seconds,
            shard=self._shard.name,
            aside=aside,
        )
        self.live = LiveTable(settings.data, owned, at=at, note=_live_note(settings), row_of=incidents.row_of)
        self.ports = PortTable(settings.data, owned, self._shard.index)

    @property
    def owned_count(self) -> int:
        """Devices that are published here; ``devices`` also holds those that are only polled."""
        return len(self.devices) - len(self._shadows)

    def owns(self, device_id: str) -> bool:
        """Whether the device is published here."""
        return device_id in self.devices and device_id not in self._shadows

    def restore(self, at: float) -> None:
        """Take up what an earlier process left: open hours and open incidents. Reads files and the database."""
        self.history.restore(at)
        found = self.incidents.open_incidents(self._takes_up, self._is_own_root)
        found = tuple(self._planned.restore(incident) for incident in found)
        until = self.history.observed_until
        self.follow(self.network.restore(found, self.history.beliefs(), at=at, observed_until=until))
        self.history.seed(self.network.states(), at)
        try:
            for device_id, rtt_seconds, hours in self.history.writer.files.usual_rtt_seconds(at):
                self.network.know_usual(device_id, rtt_seconds, hours)
        except (OSError, ArrowException) as error:
            log.warning("the history of the last day cannot be read, so usual round trips are learnt anew: %s", error)

    def _takes_up(self, device_id: str) -> bool:
        """Whether the device of an open incident is polled here, or nowhere any more."""
        return device_id not in self._elsewhere

    def _is_own_root(self, root: str | None) -> bool:
        if root is None or (root not in self.devices and root not in self._elsewhere):
            return self._shard.index == 0
        return self.owns(root)

    def replace(self, devices: Iterable[Device], at: float) -> None:
        """Take in a new inventory. A device that another shard has come to publish, or this one, is new to both."""
        everybody = tuple(devices)
        part = part_of(everybody, self._shard)
        polled, owned = (*part.owned, *part.shadows), part.owned
        shadows = frozenset(device.device_id for device in part.shadows)
        changed_hands = {d.device_id for d in polled if d.device_id in self.devices} & (shadows ^ self._shadows)
        if changed_hands:
            self.follow(self.network.replace((d for d in polled if d.device_id not in changed_hands), at))
        self.devices = {device.device_id: device for device in polled}
        self._shadows, self._elsewhere = shadows, _elsewhere(everybody, self.devices)
        self.beliefs.keep_only(self.devices)
        self.exposition.replace(owned, cpe_count=part.cpe_count)
        self.history.replace(owned, at)
        self.live.replace(owned, at)
        self.ports.replace(owned)
        self._use(Calendar(self._calendar.windows, self.devices), at)
        self.follow(self.network.replace(polled, at))

    def take(self, device: Device, reading: Reading) -> None:
        """One poll of one device."""
        reading, delta, passed, seen = self.beliefs.take(device, reading)
        self.follow(self.network.observe(reading, passed, seen))
        if reading.device_id in self._shadows:
            return
        self.exposition.update(reading, restarted=delta.restarted, traffic=passed)
        self.history.observe(reading, delta, passed)
        self.live.update(reading, passed)
        self.ports.update(reading, restarted=delta.restarted)

    def follow(self, verdict: Verdict) -> None:
        """Publish a verdict, and poll the devices that it asks to have polled."""
        for transition in verdict.transitions:
            if transition.device_id in self._shadows:
                continue
            self.exposition.change(transition)
            self.history.change(transition)
            self.live.change(transition)
        for impairment in verdict.impairments:
            self.exposition.impair(impairment)
            self.live.impair(impairment)
        if verdict.incidents:
            for change in verdict.incidents:
                if change.kind == "blind":
                    self.history.blind(change.started_at, change.ended_at)
                    self.live.blind(change.started_at if change.ended_at is None else None)
            told = [self._planned.restate(change, self._calendar) for change in verdict.incidents]
            self.incidents.apply(told, self.devices, shadows=self._shadows)
        for device_id in verdict.ask:
            self._ask(device_id)
        for device_id, at in verdict.again:
            self._ask_again(device_id, at)

    def plan(self, windows: tuple[Window, ...], at: float) -> None:
        """Take in the maintenance windows as they were read last."""
        if windows != self._calendar.windows:
            self._use(Calendar(windows, self.devices), at)

    def maintain(self, at: float) -> None:
        """Let time pass over the maintenance windows: one may have begun or ended."""
        if at >= self._calendar_changes_at:
            self._use(self._calendar, at)

    def _use(self, calendar: Calendar, at: float) -> None:
        self._calendar, self._calendar_changes_at = calendar, calendar.next_change(at)
        under_way = calendar.under_way(at)
        self.exposition.maintain(under_way)
        self.history.plan(calendar)
        self.live.maintain(under_way)
        self.incidents.apply(self._planned.review(calendar, at), self.devices, at, shadows=self._shadows)


def _live_note(settings: CollectorSettings) -> LiveNote:
    shard, bad = settings.own_shard, settings.degradation
    return LiveNote(
        shard.index,
        shard.count,
        poll_interval_seconds=settings.poll.interval_seconds,
        live_seconds=settings.publish.live_seconds,
        loss_ratio=bad.loss_ratio,
        rtt_ratio=bad.rtt_ratio,
        rtt_rise_seconds=bad.rtt_rise_seconds,
        utilization_ratio=bad.utilization_ratio,
    )


def _elsewhere(everybody: Iterable[Device], polled: Mapping[str, Device]) -> frozenset[str]:
    """The devices of the inventory that other shards poll."""
    return frozenset(device.device_id for device in everybody if device.device_id not in polled)
