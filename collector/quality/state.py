"""What is believed of every device: readings go in one by one, changes of state and incidents come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from collector.config import DegradationSettings, OutageSettings
from collector.quality import faults, flapping, restoring
from collector.quality.blind import References
from collector.quality.counters.uplink import Traffic
from collector.quality.degradation import Degradations
from collector.quality.judge import Judge
from collector.quality.node import Incident, Node
from collector.quality.outage import NOTHING, Changes
from collector.quality.topology import Topology
from collector.reading import Device, Fault, OpenIncident, QualityState, Reading, Verdict

STALE_INTERVALS = 4.0


class Network:
    """The state machine over all devices of one collector. Pure: every time is an argument, in Unix seconds.

    After every call, devices named in ``Verdict.ask`` must be polled at once; their readings come back through
    ``observe``. A call costs about a microsecond for a device that is up and answers.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        settings: OutageSettings,
        *,
        interval_seconds: float,
        sentinels: Sequence[str] = (),
        degradation: DegradationSettings | None = None,
        at: float = 0.0,
    ) -> None:
        self._topology = Topology(devices, at)
        self._nodes = self._topology.nodes
        self._incidents: dict[str, Incident] = {}
        self._references = References(sentinels)
        self._judge = Judge(self._topology, settings, self._references, interval_seconds)
        self._degradations = Degradations(
            degradation or DegradationSettings(), settings, interval_seconds=interval_seconds, at=at
        )
        self._settings = settings
        self._interval = interval_seconds
        self._stale = STALE_INTERVALS * interval_seconds
        self._blind: Incident | None = None
        self._next_scan = at

    @property
    def is_blind(self) -> bool:
        """Whether the collector doubts its own connection, so that nothing is judged."""
        return self._blind is not None

    @property
    def reach_back_seconds(self) -> float:
        """How far into the past a verdict may reach at most: an hour may be closed once it is older."""
        return self._judge.reach_back_seconds

    def state(self, device_id: str) -> QualityState:
        """What is believed of one device. Raises KeyError where it is not in the inventory."""
        return self._nodes[device_id].quality_state()

    def missed(self, device_id: str) -> int:
        """How many polls in a row a device has not answered. Raises KeyError where it is not in the inventory."""
        return self._nodes[device_id].missed

    def states(self) -> Iterator[QualityState]:
        """What is believed of every device."""
        return (node.quality_state() for node in self._nodes.values())

    def open_incidents(self) -> tuple[OpenIncident, ...]:
        """The incidents that are open now."""
        return tuple(incident.as_open() for incident in self._incidents.values())

    def observe(self, reading: Reading, traffic: Traffic | None = None, seen: tuple[Fault, ...] = ()) -> Verdict:
        """Take in one poll of one device, what passed its uplink since the one before, and faults seen over several."""
        node = self._nodes.get(reading.device_id)
        if node is None:
            return NOTHING
        is_reachable = reading.is_reachable
        if is_reachable:
            at = reading.at
            references = self._references
            references.answered_at = max(references.answered_at, at)
            if node.state == "up" and not node.waiters and not references.doubted and self._blind is None:
                node.answered_at = max(node.answered_at, at)
                self._degradations.add(node, reading, traffic)
                if not node.failing and not seen and faults.is_whole(reading, node.uplink):
                    return NOTHING
                changes = Changes(at + reading.duration_seconds, self._incidents)
                self._judge_parts(node, reading, seen, changes)
                return changes.verdict()
        elif reading.at <= node.heard_at and is_reachable is not None:
            return NOTHING
        changes = Changes(reading.at + reading.duration_seconds, self._incidents)
        if is_reachable:
            self._answered(node, reading.at, changes)
            if node.state == "up":
                node.meter.add_misses()
                self._degradations.add(node, reading, traffic)
                self._judge_parts(node, reading, seen, changes)
        elif is_reachable is False:
            node.meter.miss(reading.echoes)
            self._missed(node, reading.at, changes)
        else:
            self._not_asked(node, reading, changes)
        return changes.verdict()

    def observe_sentinel(self, address: str, at: float, answered: bool) -> Verdict:
        """Take in one burst of echoes to a sentinel, sent at ``at``."""
        changes = Changes(at, self._incidents)
        self._references.hear_sentinel(address, at, answered)
        if answered:
            self._see_again(at, changes)
            self._judge.settle_doubts(changes)
        else:
            self._doubt_self(self._references.all_sentinels_silent_since(), changes)
        return changes.verdict()

    def tick(self, at: float) -> Verdict:
        """Let time pass: a device that was not polled for four intervals no longer counts as observed."""
        if at < self._next_scan:
            return NOTHING
        self._next_scan = at + self._interval
        changes = Changes(at, self._incidents)
        self._degradations.settle(at, changes)
        for node in self._nodes.values():
            if node.state in ("up", "suspect") and node.heard_at < at - self._stale:
                changes.hold(node, node.heard_at)
        if self._blind is None:
            flapping.release(self._incidents.values(), self._nodes, at, self._settings, changes)
        return changes.verdict()

    def replace(self, devices: Iterable[Device], at: float) -> Verdict:
        """Take in a new inventory; what is believed of devices that stay is kept."""
        changes = Changes(at, self._incidents)
        gone = self._topology.replace(devices, at)
        self._nodes = self._topology.nodes
        self._references.forget(gone)
        for node in gone:
            if node.state != "unknown":
                changes.turn(node, "unknown", at)
            elif node.incident is not None:
                changes.leave(node.incident, node, at)
            changes.recover(node, at)
            node.forget_impairments()
        self._degradations.reload()
        self._judge.review([i for i in self._incidents.values() if i.kind == "outage"], at, changes)
        return changes.verdict()

    def restore(
        self,
        incidents: Iterable[OpenIncident],
        states: Iterable[QualityState] = (),
        *,
        at: float,
        observed_until: float | None = None,
    ) -> Verdict:
        """Take up what an earlier collector left open. Until it is polled, a device is ``unknown``.

        The earlier collector observed until ``observed_until`` (else ``at``): no time after that counts as down.
        An incident of which no device is in the inventory any more is closed.
        """
        changes = Changes(at, self._incidents)
        until = at if observed_until is None else min(at, observed_until)
        restoring.take_up_states(self._topology, states)
        for incident in incidents:
            if incident.kind == "degradation":
                restoring.take_up_degradation(self._topology, incident, until, self._degradations, changes)
            else:
                restoring.take_up(self._topology, incident, until, changes)
        return changes.verdict()

    def know_usual(self, device_id: str, rtt_seconds: float, hours: int) -> None:
        """Take over the usual round trip of a device, over that many hours before this collector started."""
        node = self._nodes.get(device_id)
        if node is not None:
            node.meter.know_usual(rtt_seconds, int(3600 * hours / self._degradations.window_seconds))

    def _judge_parts(self, node: Node, reading: Reading, seen: tuple[Fault, ...], changes: Changes) -> None:
        lasting, interval = self._settings.down_after, self._interval
        faults.judge(node, reading, lasting=lasting, interval_seconds=interval, changes=changes, seen=seen)

    def _answered(self, node: Node, at: float, changes: Changes) -> None:
        is_old_poll = at < node.asked_at
        node.answered_at = max(node.answered_at, at)
        if is_old_poll:
            node.asked_at = float("-inf")
        node.is_mute = False
        self._references.unsent.pop(node, None)
        if not self._references.has_sentinels:
            self._see_again(at, changes)
        if node.state != "up" and at > node.missed_at:
            self._judge.rise(node, at, changes)
        self._judge.settle_waiters(node, changes)
        self._judge.settle_doubts(changes)

    def _missed(self, node: Node, at: float, changes: Changes) -> None:
        node.is_mute = False
        self._references.unsent.pop(node, None)
        if self._blind is not None:
            node.missed_at = at
            changes.hold(node, max(self._blind.started_at, node.answered_at))
            return
        self._judge.miss(node, at, at - node.missed_at > self._stale, changes)
        if node.missed and node.first_miss > self._references.answered_at:
            self._doubt_self(self._references.silent_tops_since(self._topology), changes)

    def _not_asked(self, node: Node, reading: Reading, changes: Changes) -> None:
        """No request could be sent: the host refused to send it, or no method is enabled."""
        changes.hold(node, max(node.heard_at, node.since))
        if reading.sent:
            node.is_mute = True
            if node.incident is not None:
                changes.leave(node.incident, node, reading.at)
            self._judge.settle_waiters(node, changes)
            return
        self._references.unsent.setdefault(node, reading.at)
        self._doubt_self(self._references.nothing_leaves_since(self._topology), changes)

    def _doubt_self(self, since: float | None, changes: Changes) -> None:
        """Go blind since ``since``: everybody is unobserved from then; what was judged since then is undone."""
        if since is None or self._blind is not None:
            return
        self._blind = changes.open("blind", "collector", None, since)
        self._references.doubted.clear()
        for node in self._nodes.values():
            if node.state in ("down", "suppressed", "silent") and node.first_miss >= since:
                changes.turn(node, "unknown", node.first_miss)
                node.held, node.missed = "up" if node.was_up else "unknown", 0
            elif node.state == "suspect":
                changes.hold(node, node.first_miss)
            elif node.answered_at <= since:
                changes.hold(node, max(since, node.since))

    def _see_again(self, at: float, changes: Changes) -> None:
        if self._blind is not None and at > self._blind.started_at:
            changes.close(self._blind, at)
            self._blind = None
