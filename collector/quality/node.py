"""One device of the tree and what is believed of it, and the open incidents that devices are in."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from math import inf

from collector.quality.meter import Meter
from collector.reading import (
    Device,
    Fault,
    IncidentKind,
    IncidentScope,
    Measure,
    OpenIncident,
    QualityState,
    StateName,
)


class Node:
    """One device in the tree.

    ``first_miss`` is the first missed poll of the silence that is being judged, ``missed`` the polls missed since, and
    ``counted_at`` the last that counted among them; for a device whose explanation has ended it is when that ended. ``held`` is what it was when the collector
    ceased to observe it. ``is_explained`` says that its suppression has a cause that still stands. ``fallen``
    are the children that fell silent recently, ``live_children`` those that are up, or were until this silence.
    ``degradation`` is the incident that its own degradation belongs to, ``failing`` counts the polls in a row in which
    a part of it failed, of which ``faults`` have lasted. ``falls`` are when outages that are attributed to it began
    late, ``kept`` the incident that its flapping keeps open.
    """

    __slots__ = (
        "answered_at",
        "asked_at",
        "children",
        "counted_at",
        "degradation",
        "device_id",
        "failing",
        "failing_at",
        "fallen",
        "falls",
        "faults",
        "first_miss",
        "group",
        "held",
        "incident",
        "is_cpe",
        "is_explained",
        "is_live",
        "is_mute",
        "is_unsent",
        "kept",
        "live_children",
        "meter",
        "missed",
        "missed_at",
        "parent",
        "parent_id",
        "since",
        "state",
        "uplink",
        "waiters",
        "was_up",
    )

    def __init__(self, device: Device, at: float) -> None:
        self.device_id = device.device_id
        self.is_cpe = device.role == "cpe"
        self.parent_id = device.parent
        self.uplink = device.uplink_interface
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.state: StateName = "unknown"
        self.since = at
        self.held: StateName = "unknown"
        self.was_up = self.is_live = self.is_mute = self.is_unsent = self.is_explained = False
        self.missed = 0
        self.first_miss = self.counted_at = self.missed_at = self.answered_at = self.asked_at = -inf
        self.incident: Incident | None = None
        self.group: Incident | None = None
        self.fallen: deque[tuple[float, Node]] = deque()
        self.live_children = 0
        self.waiters: dict[Node, None] = {}
        self.meter = Meter()
        self.degradation: Incident | None = None
        self.failing: dict[Fault, int] = {}
        self.failing_at = -inf
        self.faults: tuple[Fault, ...] = ()
        self.falls: deque[float] = deque()
        self.kept: Incident | None = None

    @property
    def heard_at(self) -> float:
        """The last poll that says anything about the device."""
        return max(self.answered_at, self.missed_at)

    @property
    def is_out(self) -> bool:
        """Whether its silence is attributed to the network now."""
        return self.state in ("down", "suppressed")

    def begin_silence(self, at: float, missed: int) -> None:
        """Count misses anew from ``at``."""
        self.first_miss, self.missed = at, missed
        self.counted_at = at

    def above(self) -> Node | None:
        """The nearest ancestor that can be judged: one that nothing can ask is looked through."""
        node = self.parent
        while node is not None and node.is_mute:
            node = node.parent
        return node

    def below(self) -> Iterator[Node]:
        """The nearest descendants that can be judged."""
        waiting = [self]
        while waiting:
            for child in waiting.pop().children:
                if child.is_mute:
                    waiting.append(child)
                else:
                    yield child

    def enter(self, state: StateName, since: float) -> None:
        """Take on ``state``, keeping the parent's count of live children."""
        self.state, self.since = state, since
        is_live = state == "up" or (state == "suspect" and self.was_up)
        if is_live != self.is_live:
            self.is_live = is_live
            if self.parent is not None:
                self.parent.live_children += 1 if is_live else -1

    def forget_impairments(self) -> bool:
        """It is out or not observed: nothing is known of what ails it besides. Returns whether anything did."""
        ailed = bool(self.faults or self.meter.degraded)
        self.meter.clear()
        self.failing.clear()
        self.faults = ()
        return ailed

    def depth(self) -> int:
        """How many devices it hangs below."""
        steps, above = 0, self.parent
        while above is not None:
            steps, above = steps + 1, above.parent
        return steps

    def quality_state(self) -> QualityState:
        """What is believed now, for others."""
        incident = self.incident if self.is_out else None
        return QualityState(
            self.device_id,
            self.state,
            self.since,
            self.missed,
            incident.root if incident else None,
            incident.incident_id if incident else None,
            self.meter.degraded,
            self.faults,
        )


class Incident:
    """One open incident. ``members`` maps nodes to when they joined; ``away`` are members not observed just now.

    ``peak`` is the most members it had; ``is_ending`` says that its cause is over and stragglers are judged anew.
    ``is_kept`` says that it stays open with nobody in it, because its device flaps; ``fell_at`` is when the newest of
    its outages began.
    """

    __slots__ = (
        "away",
        "fell_at",
        "incident_id",
        "is_ending",
        "is_kept",
        "is_told",
        "kind",
        "last_left_at",
        "measure",
        "members",
        "peak",
        "root",
        "scope",
        "started_at",
    )

    def __init__(self, incident_id: str, kind: IncidentKind, scope: IncidentScope, root: str | None) -> None:
        self.incident_id = incident_id
        self.kind: IncidentKind = kind
        self.scope: IncidentScope = scope
        self.root = root
        self.measure: Measure | None = None
        self.started_at = self.fell_at = 0.0
        self.last_left_at = -inf
        self.members: dict[Node, float] = {}
        self.away: dict[Node, None] = {}
        self.peak = 0
        self.is_told = self.is_ending = self.is_kept = False

    @property
    def size(self) -> int:
        return len(self.members) + len(self.away)

    def resume(self, since: float) -> None:
        """Its device fell again at ``since``."""
        self.fell_at, self.is_ending, self.peak = since, False, self.size

    def as_open(self) -> OpenIncident:
        """The incident as others see it."""
        members = tuple((node.device_id, joined) for node, joined in self.members.items())
        last_left_at = None if self.last_left_at == -inf else self.last_left_at
        return OpenIncident(
            self.incident_id, self.kind, self.scope, self.root, self.started_at, members, self.measure, last_left_at
        )
