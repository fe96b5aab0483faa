"""Incidents grow, shrink and close: what one call changed is collected here and becomes a Verdict."""

from __future__ import annotations

import hashlib
import uuid
from math import inf

from collector.quality.node import Incident, Node
from collector.reading import (
    Impairment,
    IncidentChange,
    IncidentKind,
    IncidentScope,
    StateName,
    Transition,
    Verdict,
)

NOTHING = Verdict()
OBSERVED_WHILE: tuple[StateName, ...] = ("up", "suspect")


def new_incident_id(root: str | None, scope: str, started_at: float, decided_at: float) -> str:
    """A UUID (version 7 in layout) that sorts by start and is the same for the same verdict: no counter to restore."""
    digest = hashlib.blake2b(f"{root}|{scope}|{started_at!r}|{decided_at!r}".encode(), digest_size=10).digest()
    bits = int.from_bytes(digest, "big")
    milliseconds = max(0, int(started_at * 1000)) & (2**48 - 1)
    value = milliseconds << 80 | 7 << 76 | (bits >> 68 & 0xFFF) << 64 | 2 << 62 | (bits & (2**62 - 1))
    return str(uuid.UUID(int=value))


class Changes:
    """Everything that one call changed; ``verdict`` returns it and closes the incidents that no device is in any more."""

    def __init__(self, now: float, incidents: dict[str, Incident]) -> None:
        self.now = now
        self._incidents = incidents
        self._transitions: list[Transition] = []
        self._joined: dict[Incident, dict[str, float]] = {}
        self._left: dict[Incident, list[tuple[str, float]]] = {}
        self._ask: dict[str, None] = {}
        self._again: dict[str, float] = {}
        self._told: list[IncidentChange] = []
        self._impaired: dict[Node, None] = {}

    def open(self, kind: IncidentKind, scope: IncidentScope, root: str | None, started_at: float) -> Incident:
        """A new incident, reported with this verdict."""
        incident = Incident(new_incident_id(root, scope, started_at, self.now), kind, scope, root)
        incident.started_at = incident.fell_at = started_at
        self._incidents[incident.incident_id] = incident
        self.touch(incident)
        return incident

    def touch(self, incident: Incident) -> None:
        """Report ``incident`` with this verdict."""
        self._joined.setdefault(incident, {})
        self._left.setdefault(incident, [])

    def turn(
        self, node: Node, state: StateName, since: float, incident: Incident | None = None, *, is_flap: bool = False
    ) -> None:
        """Put ``node`` into ``state`` since ``since`` and into ``incident``, out of the one that it was in."""
        old, before = node.state, node.incident
        if before is not None and (before is not incident or node not in before.members):
            self.leave(before, node, since)
        if incident is not None and node not in incident.members:
            self._join(incident, node, since)
        node.incident = incident
        node.held = "unknown"
        node.enter(state, since)
        self._tell(node, since, old, is_flap=is_flap)

    def hold(self, node: Node, since: float) -> None:
        """``node`` is no longer observed from ``since``: it stays with its incident, but no time of it counts."""
        if node.state == "unknown":
            return
        old, incident = node.state, node.incident
        if incident is not None and node in incident.members:
            self._leave_row(incident, node, since)
            incident.away[node] = None
        node.held = ("up" if node.was_up else "unknown") if old == "suspect" else old
        node.missed = 0
        node.enter("unknown", since)
        self._tell(node, since, old)

    def leave(self, incident: Incident, node: Node, at: float) -> None:
        """``node`` is out of ``incident`` at ``at``."""
        self.touch(incident)
        joined = incident.members.get(node, -inf)
        if node in incident.members:
            self._leave_row(incident, node, at)
        incident.away.pop(node, None)
        if at > joined:
            incident.last_left_at = max(incident.last_left_at, at)
        node.incident = None

    def worsen(self, node: Node, incident: Incident, since: float) -> None:
        """``node`` is part of the degradation ``incident`` since ``since``."""
        self._join(incident, node, since)
        node.degradation = incident

    def recover(self, node: Node, at: float) -> None:
        """``node`` is no longer part of its degradation from ``at``."""
        incident = node.degradation
        if incident is not None:
            self._leave_row(incident, node, at)
            incident.last_left_at = max(incident.last_left_at, at)
            node.degradation = None

    def impair(self, node: Node) -> None:
        """Report with this verdict what is degraded or failing at ``node``."""
        self._impaired[node] = None

    def ask(self, node: Node, *, after: float, every: float) -> None:
        """Have ``node`` polled by a request sent after ``after``; once for all who want it, again after ``every``."""
        if node.asked_at <= after or self.now - node.asked_at >= every:
            node.asked_at = self.now
            self._ask[node.device_id] = None

    def ask_again(self, node: Node, at: float) -> None:
        """Have ``node`` polled at ``at``, before its turn."""
        self._again[node.device_id] = at

    def close(self, incident: Incident, at: float) -> None:
        """Close an incident that has no members of its own (the collector's blindness)."""
        self._incidents.pop(incident.incident_id, None)
        at = max(at, incident.started_at)
        self.tell(
            IncidentChange(incident.incident_id, incident.kind, incident.scope, incident.root, incident.started_at, at)
        )

    def keep(self, incident: Incident) -> None:
        """An incident that was opened and reported before this collector started."""
        self._incidents[incident.incident_id] = incident

    def tell(self, change: IncidentChange) -> None:
        """A change that was worked out elsewhere."""
        self._told.append(change)

    def verdict(self) -> Verdict:
        """What changed, as one record."""
        told = [change for incident in self._joined if (change := self._change(incident)) is not None]
        if not (self._transitions or told or self._told or self._ask or self._impaired or self._again):
            return NOTHING
        impaired = [
            Impairment(n.device_id, self.now, n.meter.degraded, n.faults, n.meter.known_usual_rtt_seconds)
            for n in self._impaired
        ]
        ask, again = tuple(self._ask), tuple(self._again.items())
        return Verdict(tuple(self._transitions), (*told, *self._told), ask, tuple(impaired), again)

    def _join(self, incident: Incident, node: Node, at: float) -> None:
        self.touch(incident)
        incident.away.pop(node, None)
        incident.members[node] = at
        incident.started_at = min(incident.started_at, at)
        incident.peak = max(incident.peak, incident.size)
        if incident.scope == "device" and node.device_id != incident.root:
            incident.scope = "subtree"
        self._joined[incident][node.device_id] = at

    def _leave_row(self, incident: Incident, node: Node, at: float) -> None:
        self.touch(incident)
        joined = incident.members.pop(node)
        if at <= joined and self._joined[incident].pop(node.device_id, None) is not None:
            return
        self._left[incident].append((node.device_id, max(at, joined)))

    def _tell(self, node: Node, since: float, old: StateName, *, is_flap: bool = False) -> None:
        if node.state not in OBSERVED_WHILE:
            self.recover(node, since)
            if node.forget_impairments():
                self.impair(node)
        incident = node.incident if node.is_out else None
        self._transitions.append(
            Transition(
                node.device_id,
                self.now,
                since,
                old,
                node.state,
                incident.root if incident else None,
                incident.incident_id if incident else None,
                is_flap,
            )
        )

    def _change(self, incident: Incident) -> IncidentChange | None:
        if incident.incident_id not in self._incidents:
            return None
        joined, left = self._joined[incident], self._left[incident]
        ended_at = None
        if incident.kind != "blind" and not incident.size and not incident.is_kept:
            del self._incidents[incident.incident_id]
            if not incident.is_told and not left:
                return None
            ended_at = max(incident.last_left_at, incident.started_at)
        incident.is_told = True
        return IncidentChange(
            incident.incident_id,
            incident.kind,
            incident.scope,
            incident.root,
            incident.started_at,
            ended_at,
            tuple(joined.items()),
            tuple(left),
            incident.measure,
        )
