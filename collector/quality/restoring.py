"""A collector that starts takes up what an earlier one believed, without counting the time between."""

from __future__ import annotations

from collections.abc import Iterable

from collector.quality.degradation import Degradations
from collector.quality.node import Incident, Node
from collector.quality.outage import Changes
from collector.quality.topology import Topology
from collector.reading import IncidentChange, OpenIncident, QualityState


def take_up_states(topology: Topology, states: Iterable[QualityState]) -> None:
    """Remember who was up and who was silent: it decides who counts in a group outage."""
    for state in states:
        node = topology.nodes.get(state.device_id)
        if node is not None and state.state in ("up", "silent"):
            node.held = state.state
        elif node is not None and state.state == "suspect":
            node.held = "up"


def take_up(topology: Topology, found: OpenIncident, until: float, changes: Changes) -> None:
    """Take up one open incident: its members wait, unobserved since ``until``, for their first poll."""
    incident = _as_told(found)
    left = tuple((device_id, max(since, until)) for device_id, since in found.members)
    nodes = [node for device_id, _ in found.members if (node := topology.nodes.get(device_id)) is not None]
    for node in nodes if found.kind == "outage" else ():
        _put_away(node, incident)
    ended_at = None if incident.away else max(found.started_at, _last_seen(found, until))
    changes.tell(_change(found, ended_at, left))
    if ended_at is not None:
        return
    incident.peak = len(found.members)
    incident.last_left_at = until
    changes.keep(incident)
    root = topology.nodes.get(found.root) if found.root is not None else None
    if found.scope == "group" and root is not None:
        root.group = incident


def take_up_degradation(
    topology: Topology, found: OpenIncident, until: float, degradations: Degradations, changes: Changes
) -> None:
    """Take up an open degradation, whose members are degraded until they are measured; close one that is long ago.

    ``changes.now`` is the time of the start. No time is taken out: nobody was without service.
    """
    root = topology.nodes.get(found.root) if found.root is not None else None
    members = [(node, since) for name, since in found.members if (node := topology.nodes.get(name)) is not None]
    if root is None or not members or until < changes.now - degradations.memory_seconds:
        left = tuple((name, max(since, until)) for name, since in found.members)
        changes.tell(_change(found, max(found.started_at, until), left))
        return
    gone = tuple((name, max(since, until)) for name, since in found.members if name not in topology.nodes)
    changes.tell(_change(found, None, gone))
    incident = _as_told(found)
    incident.peak = len(members)
    changes.keep(incident)
    degradations.take_up(incident, root, members)
    for node, _ in members:
        changes.impair(node)


def _as_told(found: OpenIncident) -> Incident:
    incident = Incident(found.incident_id, found.kind, found.scope, found.root)
    incident.started_at = incident.fell_at = found.started_at
    incident.is_told, incident.measure = True, found.measure
    return incident


def _last_seen(found: OpenIncident, until: float) -> float:
    """When an incident ended whose devices have all left the inventory: when the last of them left it, if any had."""
    return until if found.members or found.last_left_at is None else found.last_left_at


def _change(found: OpenIncident, ended_at: float | None, left: tuple[tuple[str, float], ...]) -> IncidentChange:
    return IncidentChange(
        found.incident_id,
        found.kind,
        found.scope,
        found.root,
        found.started_at,
        ended_at,
        left=left,
        measure=found.measure,
    )


def _put_away(node: Node, incident: Incident) -> None:
    incident.away[node] = None
    node.incident = incident
    node.held = "down" if node.device_id == incident.root else "suppressed"
    node.is_explained = True
