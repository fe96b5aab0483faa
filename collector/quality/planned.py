"""Outages that are planned work: their kind follows the maintenance windows of the device that they are attributed to."""

from __future__ import annotations

from dataclasses import replace

from collector.quality.maintenance import Calendar
from collector.reading import IncidentChange, IncidentKind, OpenIncident

KEPT_SECONDS = 2 * 3600.0


class PlannedOutages:
    """Tells outages as ``planned`` while windows of their root cover them from their first moment until now.

    One that began before its window, or outlasts it, is an outage. So an incident may change its kind while it is
    open, and for two hours after its end, because windows are also entered late.
    """

    def __init__(self) -> None:
        self._told: dict[str, IncidentChange] = {}
        self._now = 0.0

    def restore(self, found: OpenIncident) -> OpenIncident:
        """An incident that an earlier collector left open, as the judging stage knows it: planned or not, an outage."""
        if found.kind not in ("outage", "planned"):
            return found
        change = IncidentChange(found.incident_id, found.kind, found.scope, found.root, found.started_at, None)
        self._told[found.incident_id] = change
        return replace(found, kind="outage")

    def restate(self, change: IncidentChange, calendar: Calendar) -> IncidentChange:
        """``change`` with the kind that it has by the windows."""
        if change.kind != "outage":
            return change
        newest = max(change.started_at, *(at for _, at in (*change.joined, *change.left)), self._now)
        told = replace(change, kind=_kind(change, calendar, newest))
        self._told[change.incident_id] = replace(told, joined=(), left=())
        return told

    def review(self, calendar: Calendar, at: float) -> tuple[IncidentChange, ...]:
        """The incidents whose kind is another one at ``at``: a window has ended, or was entered, or called off."""
        self._now = max(self._now, at)
        changed = []
        for incident_id, told in list(self._told.items()):
            if told.ended_at is not None and told.ended_at < at - KEPT_SECONDS:
                del self._told[incident_id]
                continue
            kind = _kind(told, calendar, at)
            if kind != told.kind:
                self._told[incident_id] = replace(told, kind=kind)
                changed.append(self._told[incident_id])
        return tuple(changed)


def _kind(incident: IncidentChange, calendar: Calendar, now: float) -> IncidentKind:
    if incident.root is None:
        return "outage"
    end = max(incident.started_at, now if incident.ended_at is None else incident.ended_at)
    return "planned" if calendar.covers(incident.root, incident.started_at, end) else "outage"
