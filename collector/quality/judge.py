"""From a silence to a verdict: find the highest silent device, attribute those behind it to it, and distinguish a group from a single device."""

from __future__ import annotations

from collections.abc import Sequence

from collector.config import OutageSettings
from collector.quality import flapping, group
from collector.quality.blind import INDEPENDENT_TOPS, References
from collector.quality.node import Incident, Node
from collector.quality.outage import Changes
from collector.quality.topology import Topology

PATIENCE = 2


class Judge:
    """Applies the rules of outages to one node at a time, writing what follows into Changes."""

    def __init__(
        self, topology: Topology, settings: OutageSettings, references: References, interval_seconds: float
    ) -> None:
        self._topology = topology
        self._settings = settings
        self._references = references
        self._interval = interval_seconds
        self._apart = interval_seconds / 2
        self._again = min(interval_seconds / 2, settings.again_seconds)
        self._patience = settings.down_after + PATIENCE
        self._one_event_seconds = self._patience * interval_seconds
        self._newly_out: list[Node] = []

    @property
    def reach_back_seconds(self) -> float:
        """A silence waits at most ``patience`` polls for its own verdict, then for its root or its group."""
        window = self._settings.group_window_seconds
        return self._one_event_seconds + max(window, self._one_event_seconds) + self._interval

    def miss(self, node: Node, at: float, is_after_gap: bool, changes: Changes) -> None:
        """``node`` did not answer a poll sent at ``at``; ``is_after_gap``: it had not been polled for long."""
        node.missed_at = at
        apart = self._apart if node.is_cpe or not self._again else self._again
        if node.state in ("up", "unknown"):
            node.was_up = "up" in (node.state, node.held)
            node.begin_silence(at, 1)
            self._resume(node, at, changes)
        elif is_after_gap and node.state == "suspect":
            node.begin_silence(at, 1)
        elif node.missed == 0 or at - node.counted_at >= apart:
            node.missed += 1
            node.counted_at = at
        if at < node.asked_at:
            node.asked_at = float("-inf")
        self.judge(node, changes)
        if self._again and node.state == "suspect" and node.missed < self._settings.down_after and not node.is_cpe:
            changes.ask_again(node, node.counted_at + apart)

    def _resume(self, node: Node, at: float, changes: Changes) -> None:
        """The first miss of a node that was up, or of one that was not observed: then it is what it was before."""
        incident = node.incident
        if node.held in ("down", "suppressed", "silent"):
            changes.turn(node, node.held, at, incident)
            node.is_explained = incident is not None and incident.scope == "group" and incident.root == node.parent_id
        else:
            changes.turn(node, "suspect", at)

    def rise(self, node: Node, at: float, changes: Changes) -> None:
        """``node`` answered: it is up, and no longer explains the silence of those behind it."""
        incident = node.incident
        changes.turn(node, "up", at)
        node.missed, node.was_up, node.is_explained = 0, False, False
        self._references.doubted.pop(node, None)
        above = node.above()
        if above is not None and above.is_out:
            changes.ask(above, after=at, every=self._interval)
        if incident is None:
            return
        for child in node.below():
            if child.incident is incident:
                self._end_explanation(child, at)
                changes.ask(child, after=at, every=self._interval)
        if incident.scope == "group" and not incident.is_ending and group.is_dissolving(incident, self._settings):
            self._dissolve(incident, at)

    def judge(self, node: Node, changes: Changes) -> None:
        """Decide on a node that is silent, as far as can be known now; ask for what is not."""
        if node.missed == 0 or node.state in ("up", "unknown", "down", "silent"):
            return
        if node.state == "suppressed" and node.is_explained:
            return
        self._decide(node, changes)
        while self._newly_out:
            self._sweep(self._newly_out.pop(), changes)

    def _decide(self, node: Node, changes: Changes) -> None:
        above = node.above()
        if above is not None and above.is_out and above.incident is not None:
            self._suppress(node, above.incident, changes)
        elif above is not None and self._must_wait(node, above, changes):
            above.waiters[node] = None
        elif not self._references.has_witness(node, self._topology) and node.missed < self._patience:
            self._references.doubted[node] = None
            self._ask_other_tops(node, changes)
        elif node.missed >= self._settings.down_after:
            self._declare(node, changes)

    def settle_waiters(self, node: Node, changes: Changes) -> None:
        """Judge those that waited for news of ``node``."""
        if node.waiters:
            waiters, node.waiters = node.waiters, {}
            for waiter in waiters:
                self.judge(waiter, changes)

    def settle_doubts(self, changes: Changes) -> None:
        """Judge those that waited for proof that the collector itself is connected."""
        doubted = self._references.doubted
        for node in [node for node in doubted if self._references.answered_at > node.first_miss]:
            del doubted[node]
            self.judge(node, changes)

    def review(self, incidents: Sequence[Incident], at: float, changes: Changes) -> None:
        """After a change of inventory: whose silence is no longer explained is judged anew."""
        nodes = self._topology.nodes
        for incident in incidents:
            root = nodes.get(incident.root) if incident.root is not None else None
            if root is not None and incident.scope == "group" and not incident.is_ending:
                root.group = incident
            for node in (*incident.members, *incident.away):
                if node is not root and not _is_behind(node, incident):
                    self._end_explanation(node, at)
        for node in nodes.values():
            self.judge(node, changes)

    def _must_wait(self, node: Node, above: Node, changes: Changes) -> bool:
        """Whether ``node``'s verdict must wait for news of the device above it, which is asked for."""
        if above.state == "suspect":
            return True
        if above.state == "silent" or above.answered_at > node.first_miss:
            return False
        changes.ask(above, after=node.first_miss, every=self._interval)
        return node.missed < self._patience

    def _ask_other_tops(self, node: Node, changes: Changes) -> None:
        if self._references.has_sentinels:
            return
        others = [top for top in self._topology.tops if top.missed == 0 and top is not node]
        for top in others[:INDEPENDENT_TOPS]:
            changes.ask(top, after=node.first_miss, every=self._interval)

    def _declare(self, node: Node, changes: Changes) -> None:
        """``node`` is silent on its own: a single customer device, a network device that is down, or one of a group."""
        parent = node.parent
        is_parent_up = parent is not None and parent.state == "up"
        if parent is not None and is_parent_up and group.takes_in(parent.group, node, self._settings):
            self._suppress(node, parent.group, changes)
            return
        self._references.doubted.pop(node, None)
        if node.is_cpe:
            changes.turn(node, "silent", node.first_miss)
        else:
            is_flap = flapping.fell_again(node, node.first_miss, self._settings)
            incident = flapping.open_or_resume(node, "device", node.first_miss, self._settings, changes)
            changes.turn(node, "down", node.first_miss, incident, is_flap=is_flap)
        node.is_explained = False
        if parent is not None and is_parent_up and node.was_up:
            self._look_for_group(parent, node, changes)
        if node.is_out:
            self._newly_out.append(node)

    def _look_for_group(self, parent: Node, node: Node, changes: Changes) -> None:
        together = group.fallen_together(parent, node, self._settings)
        if not together:
            return
        since = min(n.first_miss for n in together)
        flapping.fell_again(parent, since, self._settings)
        parent.group = incident = flapping.open_or_resume(parent, "group", since, self._settings, changes)
        for member in together:
            self._suppress(member, incident, changes)
        parent.fallen.clear()

    def _suppress(self, node: Node, incident: Incident, changes: Changes) -> None:
        """Lay ``node``'s silence, and that of those behind it, to ``incident``."""
        own = node.incident
        node.is_explained = True
        if own is incident and node.state == "suppressed":
            return
        if own is not None and own.root == node.device_id and node.state == "down":
            self._absorb(own, incident, changes)
        else:
            changes.turn(node, "suppressed", node.first_miss, incident)
        self._references.doubted.pop(node, None)
        self._newly_out.append(node)

    def _absorb(self, lesser: Incident, incident: Incident, changes: Changes) -> None:
        """Put all members of ``lesser`` into ``incident`` from when they joined: their time is counted once, there."""
        for node, joined in list(lesser.members.items()):
            changes.turn(node, "suppressed", joined, incident)
            node.is_explained = True
        for node in list(lesser.away):
            lesser.away.pop(node)
            incident.away[node] = None
            node.incident, node.held = incident, "suppressed"
        lesser.is_ending, lesser.is_kept = True, False
        if lesser.scope == "group" and lesser.root is not None and lesser.root in self._topology.nodes:
            self._topology.nodes[lesser.root].group = None

    def _sweep(self, node: Node, changes: Changes) -> None:
        """``node`` is out: those behind it that are silent too are attributed to the same incident."""
        incident = node.incident
        if incident is None:
            return
        if node.group is not None and node.group is not incident and self._is_one_event(node.group.fell_at, node):
            self._absorb(node.group, incident, changes)
        for child in node.below():
            if child.missed == 0 or child.incident is incident:
                child.is_explained = child.is_explained or child.incident is incident
            elif self._is_to_be_laid_to(node, child):
                self._suppress(child, incident, changes)
            elif child.state == "suppressed" and child.incident is not node.group:
                changes.turn(child, "suppressed", max(node.first_miss, child.since), incident)
                self._newly_out.append(child)

    def _is_to_be_laid_to(self, node: Node, child: Node) -> bool:
        """Whether the silence of ``child`` has no explanation yet, or one that ``node``'s makes better."""
        if child.state in ("down", "silent"):
            return self._is_one_event(child.first_miss, node)
        return child.state == "suspect" or (child.state == "suppressed" and not child.is_explained)

    def _is_one_event(self, first_miss: float, node: Node) -> bool:
        """Whether a silence since ``first_miss`` may have the same cause as ``node``'s: it is hardly older."""
        return first_miss >= node.first_miss - self._one_event_seconds

    def _end_explanation(self, node: Node, at: float) -> None:
        node.is_explained = False
        node.begin_silence(at, 0)

    def _dissolve(self, incident: Incident, at: float) -> None:
        """A group outage is over for most: those that stay silent are judged one by one from now on."""
        incident.is_ending = True
        root = self._topology.nodes.get(incident.root) if incident.root is not None else None
        if root is not None and root.group is incident:
            root.group = None
        for node in (*incident.members, *incident.away):
            if node.parent is root:
                self._end_explanation(node, at)


def _is_behind(node: Node, incident: Incident) -> bool:
    """Whether what ``incident`` is attributed to still stands above ``node``."""
    above = node.above()
    if above is None:
        return False
    return above.incident is incident or above.device_id == incident.root
