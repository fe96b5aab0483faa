"""Flapping: a device that goes down again and again is one incident, which stays open until it has been stable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collector.config import OutageSettings
from collector.quality.node import Incident, Node
from collector.quality.outage import Changes
from collector.reading import IncidentScope


def fell_again(node: Node, since: float, settings: OutageSettings) -> bool:
    """Note that an outage attributed to ``node`` began; returns whether it began soon after another."""
    falls = node.falls
    while falls and falls[0] < since - settings.flap_window_seconds:
        falls.popleft()
    falls.append(since)
    return len(falls) > 1


def open_or_resume(
    node: Node, scope: IncidentScope, since: float, settings: OutageSettings, changes: Changes
) -> Incident:
    """The incident of an outage attributed to ``node``: the one that its flapping has kept open, else a new one.

    From the ``flap_count``-th outage within the window on, an incident is kept open.
    """
    incident = node.kept
    if incident is not None and incident.is_kept and (incident.scope == "group") is (scope == "group"):
        incident.resume(since)
        changes.touch(incident)
    else:
        incident = changes.open("outage", scope, node.device_id, since)
    if len(node.falls) >= settings.flap_count:
        incident.is_kept = True
        node.kept = incident
    return incident


def release(
    incidents: Iterable[Incident], nodes: Mapping[str, Node], at: float, settings: OutageSettings, changes: Changes
) -> None:
    """Let go of the incidents whose device has been stable for long enough: they end when it last came back."""
    for incident in incidents:
        if not incident.is_kept or incident.size:
            continue
        root = nodes.get(incident.root) if incident.root is not None else None
        stable_since = incident.last_left_at if root is None else max(incident.last_left_at, root.since)
        if at - stable_since >= settings.flap_hold_seconds and (root is None or _is_observed(root)):
            incident.is_kept = False
            changes.touch(incident)


def _is_observed(root: Node) -> bool:
    """Whether it is known how ``root`` fares: not while it is suspect, nor before it is heard of again after the collector
    was blind or did not run.
    """
    is_unseen = root.state == "unknown" and root.held != "unknown" and not root.is_mute
    return root.state != "suspect" and not is_unseen
