"""Degradation: which devices that answer lose, delay or choke traffic for long, and whose doing that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from collector.config import DegradationSettings, OutageSettings
from collector.quality.counters.uplink import Traffic
from collector.quality.node import Incident, Node
from collector.quality.outage import Changes
from collector.reading import IncidentScope, Measure, Reading

LEAST_POLLS = 5


@dataclass(frozen=True, slots=True)
class _Cause:
    """What a degradation is attributed to: a network device, or something between one and its children (``group``)."""

    node: Node
    is_group: bool = False


class Degradations:
    """Judges windows of ``window_seconds``, all from the same times on, and lays what is degraded to its root.

    A device whose windows changed the verdict waits until everybody's window is judged; then ``settle`` goes through
    the degraded from the top of the tree down. So no order of polls decides whose degradation it is.
    """

    def __init__(
        self, settings: DegradationSettings, outage: OutageSettings, *, interval_seconds: float, at: float
    ) -> None:
        self.window_seconds = max(settings.window_seconds, LEAST_POLLS * interval_seconds)
        self._settings = settings
        self._outage = outage
        self._settling = 2 * interval_seconds
        self._settle_at = at + self.window_seconds
        self._degraded: dict[Node, None] = {}
        self._turned: dict[Node, None] = {}
        self._incidents: dict[_Cause, Incident] = {}
        self._needs_laying = False

    def add(self, node: Node, reading: Reading, traffic: Traffic | None) -> None:
        """Take in a poll that ``node`` answered. A customer's own line is theirs to fill: no saturation of a CPE."""
        meter = node.meter
        if reading.at >= meter.until:
            window = max(int(reading.at // self.window_seconds), meter.window + 1)
            if meter.turn_window(window, self._settings, self.window_seconds):
                self._turned[node] = None
        meter.add(reading, None if node.is_cpe else traffic)

    def reload(self) -> None:
        """The tree has changed: what is degraded is attributed to its root anew."""
        self._needs_laying = True

    def take_up(self, incident: Incident, root: Node, members: Iterable[tuple[Node, float]]) -> None:
        """Take up an incident from before a restart: each member is degraded until its windows say otherwise."""
        for node, since in members:
            node.meter.hold(incident.measure or "loss", since, self._settings)
            node.degradation = incident
            incident.members[node] = since
            self._degraded[node] = None
        self._incidents[_Cause(root, incident.scope == "group")] = incident
        self._needs_laying = True

    @property
    def memory_seconds(self) -> float:
        """How long ago a window may lie and still count."""
        return self.window_seconds * self._settings.of_windows

    def settle(self, at: float, changes: Changes) -> None:
        """Once a window, after all have been polled in the next one: open, change and close incidents."""
        if at < self._settle_at:
            return
        passed = (at - self._settling) // self.window_seconds
        self._settle_at = (passed + 1) * self.window_seconds + self._settling
        for node in self._turned:
            changes.impair(node)
            self._needs_laying = True
            if node.meter.degraded:
                self._degraded[node] = None
        self._turned.clear()
        for node in [node for node in self._degraded if not self._is_degraded(node, at)]:
            del self._degraded[node]
            self._needs_laying = True
            if node.meter.degraded:
                node.forget_impairments()
                changes.impair(node)
                changes.recover(node, at)
            else:
                changes.recover(node, node.meter.recovered_at)
        if self._needs_laying:
            self._needs_laying = False
            self._lay(changes)

    def _is_degraded(self, node: Node, at: float) -> bool:
        """Whether it was degraded and has been polled since: without a poll it is unknown whether it still is."""
        return bool(node.meter.degraded) and node.heard_at >= at - 2 * self.window_seconds

    def _lay(self, changes: Changes) -> None:
        """Put every degraded device into the incident of its root, and drop the incidents without devices."""
        roots: dict[Node, _Cause] = {}
        alone: dict[Node, list[Node]] = {}
        for node in sorted(self._degraded, key=Node.depth):
            above = _nearest(node, roots)
            if above is not None:
                roots[node] = roots[above]
            elif not node.is_cpe:
                roots[node] = _Cause(node)
            elif node.parent is not None:
                alone.setdefault(node.parent, []).append(node)
        for parent, children in alone.items():
            if self._is_group(parent, len(children)):
                roots |= dict.fromkeys(children, _Cause(parent, is_group=True))
        members: dict[_Cause, list[Node]] = {}
        for node, cause in roots.items():
            members.setdefault(cause, []).append(node)
        for node in self._degraded:
            if node not in roots:
                changes.recover(node, changes.now)
        for cause, nodes in members.items():
            self._fill(cause, nodes, changes)
        self._incidents = {cause: incident for cause, incident in self._incidents.items() if incident.size}

    def _is_group(self, parent: Node, count: int) -> bool:
        """Whether enough children of a parent that is not degraded itself are degraded to assume a common cause.

        The counts of a group outage, and half of them while the incident is open.
        """
        known = self._incidents.get(_Cause(parent, is_group=True))
        count *= 2 if known is not None and known.size else 1
        least, share = self._outage.group_min, self._outage.group_share_ratio
        return count >= least and count >= share * parent.live_children

    def _fill(self, cause: _Cause, nodes: list[Node], changes: Changes) -> None:
        """Who joins a root later than it began itself is in its incident from then; who came before, from its start."""
        incident = self._incidents.get(cause)
        began = min(node.meter.degraded_since for node in nodes)
        if cause.node in nodes:
            began = cause.node.meter.degraded_since
        if incident is None or not incident.size:
            scope: IncidentScope = "group" if cause.is_group else "device"
            incident = changes.open("degradation", scope, cause.node.device_id, began)
            incident.measure = _measure(cause, nodes)
            self._incidents[cause] = incident
        for node in nodes:
            if node.degradation is not incident:
                since = max(began, node.meter.degraded_since)
                if node.degradation is not None:
                    since = max(since, node.degradation.members[node])
                    changes.recover(node, since)
                changes.worsen(node, incident, since)


def _nearest(node: Node, roots: dict[Node, _Cause]) -> Node | None:
    above = node.parent
    while above is not None and above not in roots:
        above = above.parent
    return above


def _measure(cause: _Cause, nodes: Iterable[Node]) -> Measure:
    """What the root is degraded in first of all; of a group, what most are."""
    if not cause.is_group:
        return cause.node.meter.degraded[0]
    return Counter(node.meter.degraded[0] for node in nodes).most_common(1)[0][0]
