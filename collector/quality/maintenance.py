"""Maintenance windows: which device is in one, when, and until when. An overlay on what is believed, not a state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

from collector.reading import Device
from recurrence import Weekly

Span = tuple[float, float]
TargetKind = Literal["device", "site", "area", "subtree"]
TARGET_KINDS: tuple[TargetKind, ...] = ("device", "site", "area", "subtree")
LOOK_AHEAD_SECONDS = 86_400.0
LONGEST_CHAIN = 50


@dataclass(frozen=True, slots=True)
class Window:
    """Planned work on a device, a site, an area or a device with all behind it; times in Unix seconds, ends excluded.

    Without ``weekly`` it runs once, from ``starts_at`` to ``ends_at``. With it, every occurrence that begins between
    the two is a window. Nothing of it holds from ``cancelled_at`` on.
    """

    window_id: str
    target_kind: TargetKind
    target: str
    starts_at: float
    ends_at: float = inf
    weekly: Weekly | None = None
    cancelled_at: float = inf

    def spans(self, start: float, end: float) -> list[Span]:
        """What of it lies within ``start`` to ``end``, in order; occurrences may overlap."""
        if self.weekly is None:
            whole = [(self.starts_at, self.ends_at)]
        else:
            occurrences = self.weekly.spans(max(start, self.starts_at), min(end, self.cancelled_at))
            whole = [(a, b) for a, b in occurrences if self.starts_at <= a < self.ends_at]
        cut = ((max(a, start), min(b, end, self.cancelled_at)) for a, b in whole)
        return [(a, b) for a, b in cut if a < b]

    def holds_until(self, at: float) -> float | None:
        """The end of the occurrence in which ``at`` lies, the last one of several; None outside of all."""
        if self.weekly is None:
            ends = [self.ends_at] if self.starts_at <= at else []
        else:
            around = self.weekly.spans(at, at + 1.0)
            ends = [b for a, b in around if self.starts_at <= a < self.ends_at and a <= at]
        end = min(max(ends, default=at), self.cancelled_at)
        return end if end > at else None


class Calendar:
    """The windows of one moment over the devices of one inventory; never changes, so any thread may ask it.

    A window on a device holds for that device alone, one on a site or an area for every device there, one on a subtree
    for the device and all that hangs from it. What lies behind a device in a window is planned by way of the outage's
    root, see ``planned``.
    """

    def __init__(self, windows: Iterable[Window] = (), devices: Mapping[str, Device] | None = None) -> None:
        self.windows = tuple(windows)
        self._devices = devices or {}
        self._by_target: dict[tuple[str, str], list[Window]] = {}
        for window in self.windows:
            self._by_target.setdefault((window.target_kind, window.target), []).append(window)
        self._has_subtrees = any(window.target_kind == "subtree" for window in self.windows)

    def spans(self, device_ids: Iterable[str], start: float, end: float) -> list[Span]:
        """When any of the devices is in a window between ``start`` and ``end``: sorted, those that touch joined."""
        if not self._by_target:
            return []
        windows = {window for device_id in device_ids for window in self._windows(device_id)}
        return _joined(span for window in windows for span in window.spans(start, end))

    def covers(self, device_id: str, start: float, end: float) -> bool:
        """Whether the device is in windows at ``start`` and without a break until ``end``."""
        until = self.until(device_id, start)
        return until is not None and (until >= end or self.spans([device_id], start, end) == [(start, end)])

    def until(self, device_id: str, at: float) -> float | None:
        """When the window that the device is in at ``at`` ends, the ones that follow it closely included."""
        return _until(self._windows(device_id), at)

    def under_way(self, at: float) -> dict[str, float]:
        """Every device that is in a window at ``at``, and until when."""
        now = {target: windows for target, windows in self._by_target.items() if _until(windows, at) is not None}
        found = {name for kind, name in now if kind == "device" and name in self._devices}
        places = {target for target in now if target[0] != "device"}
        if places:
            found |= {
                device.device_id
                for device in self._devices.values()
                if ("area", device.area) in places
                or ("site", device.site) in places
                or any(("subtree", name) in places for name in self._way_up(device))
            }
        ends = {name: self.until(name, at) for name in found}
        return {name: end for name, end in ends.items() if end is not None}

    def next_change(self, at: float) -> float:
        """The first moment after ``at`` at which a window begins or ends, at most a day ahead."""
        ahead = at + LOOK_AHEAD_SECONDS
        edges = (edge for w in self.windows for span in w.spans(at, ahead) for edge in span if edge > at)
        return min(edges, default=ahead)

    def _windows(self, device_id: str) -> list[Window]:
        found = self._by_target.get(("device", device_id), [])
        device = self._devices.get(device_id)
        if device is None:
            return found
        at_site = self._by_target.get(("site", device.site), []) if device.site is not None else []
        above = [w for name in self._way_up(device) for w in self._by_target.get(("subtree", name), [])]
        return [*found, *at_site, *self._by_target.get(("area", device.area), []), *above]

    def _way_up(self, device: Device) -> list[str]:
        """The device and those that it hangs from, where any window is on a subtree; a ring ends where it comes back."""
        found: list[str] = []
        here: Device | None = device if self._has_subtrees else None
        while here is not None and here.device_id not in found and len(found) < LONGEST_CHAIN:
            found.append(here.device_id)
            parent = here.parent
            here = self._devices.get(parent) if parent is not None else None
            if here is None and parent is not None:
                found.append(parent)
        return found


def _until(windows: Iterable[Window], at: float) -> float | None:
    """Until when ``windows`` hold without a break from ``at`` on; a chain that never ends is followed a while."""
    reached = at
    for _ in range(LONGEST_CHAIN):
        furthest = max((w.holds_until(reached) or reached for w in windows), default=reached)
        if furthest == reached:
            break
        reached = furthest
    return reached if reached > at else None


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
