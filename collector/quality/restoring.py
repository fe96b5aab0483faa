"""A collector that starts takes up what an earlier one believed, without counting the time between."""

from __future__ import annotations

from collections.abc import Iterable

from collector.quality.outage import Changes, Incident
from collector.quality.topology import Node, Topology
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
    incident = Incident(found.incident_id, found.kind, found.scope, found.root)
    incident.started_at, incident.is_told = found.started_at, True
    left = tuple((device_id, max(since, until)) for device_id, since in found.members)
    nodes = [node for device_id, _ in found.members if (node := topology.nodes.get(device_id)) is not None]
    for node in nodes if found.kind == "outage" else ():
        _put_away(node, incident)
    ended_at = None if incident.away else max(found.started_at, until)
    changes.tell(
        IncidentChange(found.incident_id, found.kind, found.scope, found.root, found.started_at, ended_at, left=left)
    )
    if ended_at is not None:
        return
    incident.peak = len(found.members)
    incident.last_left_at = until
    changes.keep(incident)
    root = topology.nodes.get(found.root) if found.root is not None else None
    if found.scope == "group" and root is not None:
        root.group = incident


def _put_away(node: Node, incident: Incident) -> None:
    incident.away[node] = None
    node.incident = incident
    node.held = "down" if node.device_id == incident.root else "suppressed"
    node.is_explained = True
