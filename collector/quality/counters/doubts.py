"""Which counters of a device's interfaces are not to be shown, poll after poll: of all at once, so that it costs little."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from operator import sub
from typing import Any

from collector.hour_bounds import UNTOLD_BYTES_PER_SECOND
from collector.quality.counters.counter_bounds import BYTES, MARGIN, SUMMED, WIDE, misfits, with_values
from collector.quality.counters.trails.trail import Trail
from collector.reading import InterfaceReading

_AT = InterfaceReading._fields.index
SPEED, RECEIVED, SENT = _AT("speed_bytes_per_second"), _AT("receive_bytes"), _AT("transmit_bytes")
NAMES = slice(_AT("name"), _AT("alias") + 1)
PACKETS = slice(_AT("receive_errors"), _AT("transmit_discards") + 1)
NOT_YET_COUNTED = 2**63
"""Bytes that no interface has carried yet: 400 Gbit/s for five years."""


class CounterDoubts:
    """The last counters of all interfaces of a device, and those that are in doubt.

    ``believed`` goes through the polls that are shown. Interfaces that go on as they should are looked at together: no
    counter fell, and none rose by more than the slowest of them carries. Only the others are looked at by themselves.
    ``has_same_rows`` says that the newest poll had the interfaces of the one before, by the same names and aliases.
    """

    __slots__ = (
        "_at",
        "_columns",
        "_is_behind",
        "_last",
        "_least_speed",
        "_missed",
        "_risen",
        "_risen_before",
        "_trails",
        "has_same_rows",
    )

    def __init__(self) -> None:
        self._at = 0.0
        self._last: Sequence[InterfaceReading] = ()
        self._columns: tuple[tuple[Any, ...], ...] = ()
        self._trails: dict[str, Trail] = {}
        self._missed: dict[str, tuple[InterfaceReading, float]] = {}
        self._least_speed = 0.0
        self._risen: list[int] = []
        self._risen_before: list[int] = []
        self._is_behind = False
        self.has_same_rows = False

    def believed(
        self, interfaces: Sequence[InterfaceReading], at: float, *, is_partial: bool, is_anew: bool
    ) -> Sequence[InterfaceReading]:
        """The interfaces of a poll at ``at`` without what cannot be. ``is_anew``: the device restarted before it."""
        seconds = at - self._at
        if seconds <= 0.0:
            self.has_same_rows, self._is_behind = False, True
            return interfaces
        columns, before = tuple(zip(*interfaces, strict=True)), self._columns
        shown = interfaces
        self._risen_before, self._risen = self._risen, []
        self.has_same_rows = columns[NAMES] == before[NAMES] and not self._is_behind
        self._is_behind = False
        if (
            is_anew
            or is_partial
            or self._trails
            or self._missed
            or not self.has_same_rows
            or columns[PACKETS] != before[PACKETS]
            or not self._go_on(columns, seconds)
        ):
            if columns and self.has_same_rows and not self._risen:
                self._risen = _rises(columns, before)
            shown = self._one_by_one(interfaces, at, is_partial=is_partial, is_anew=is_anew)
        self._at, self._last, self._columns = at, interfaces, columns
        return shown

    def _go_on(self, columns: tuple[tuple[Any, ...], ...], seconds: float) -> bool:
        """Whether all byte counters have risen, by no more than the slowest interface carries."""
        if not columns:
            return True
        if columns[SPEED] != self._columns[SPEED] or not self._least_speed:
            self._least_speed = min(speed or UNTOLD_BYTES_PER_SECOND for speed in columns[SPEED])
            return False
        try:
            steps = list(map(sub, columns[RECEIVED] + columns[SENT], self._columns[RECEIVED] + self._columns[SENT]))
        except TypeError:  # some were not read
            return False
        self._risen = steps
        return min(steps) >= 0 and max(steps) <= self._least_speed * MARGIN * seconds

    def _one_by_one(
        self, interfaces: Sequence[InterfaceReading], at: float, *, is_partial: bool, is_anew: bool
    ) -> list[InterfaceReading]:
        if self.has_same_rows and not (self._missed or is_partial or is_anew):
            trails, then, seconds = self._trails, self._at, at - self._at
            return [
                new
                if new.name not in trails and _is_plain(old, new, seconds)
                else self._one(new, (old, then), at, is_anew=False)
                for old, new in zip(self._last, interfaces, strict=True)
            ]
        if is_anew:
            self._trails.clear()
            self._missed.clear()
        before = dict(self._missed)
        before.update((interface.name, (interface, self._at)) for interface in self._last)
        shown = [
            self._one(interface, before.pop(interface.name, None), at, is_anew=is_anew) for interface in interfaces
        ]
        self._missed = before if is_partial else {}
        if not is_partial:
            self._trails = {i.name: self._trails[i.name] for i in interfaces if i.name in self._trails}
        return shown

    def _one(
        self, interface: InterfaceReading, before: tuple[InterfaceReading, float] | None, at: float, *, is_anew: bool
    ) -> InterfaceReading:
        """One interface: a first reading that may be a glitch is not shown until a second confirms it."""
        if is_anew or interface.counter_bits == SUMMED:
            return interface
        if before is None:
            unsure = {field: None for field in BYTES if not 0 < (getattr(interface, field) or 0) < NOT_YET_COUNTED}
            return with_values(interface, unsure) if unsure else interface
        at += interface.late_seconds or 0.0
        trail = self._trails.get(interface.name)
        if trail is None:
            since = before[1] + (before[0].late_seconds or 0.0)
            if at > since and not misfits(before[0], interface, at - since):
                return interface
            trail = self._trails[interface.name] = Trail(before[0], since, since if self._moved(interface) else -inf)
        step = trail.take(interface, at)
        if trail.is_over(at):
            del self._trails[interface.name]
        return trail.shown(interface, step)

    def _moved(self, interface: InterfaceReading) -> bool:
        """Whether the poll before this one is known to have found the interface's counters moved, so that none stood still."""
        names = self._columns[NAMES.start] if self._risen_before else ()
        if interface.name not in names:
            return False
        place = names.index(interface.name)
        return any(self._risen_before[place :: len(names)])


def _rises(columns: tuple[tuple[Any, ...], ...], before: tuple[tuple[Any, ...], ...]) -> list[int]:
    """What all byte counters have risen by, received before sent; 0 where either was not read."""
    pairs = zip(columns[RECEIVED] + columns[SENT], before[RECEIVED] + before[SENT], strict=True)
    return [0 if new is None or old is None else new - old for new, old in pairs]


def _is_plain(before: InterfaceReading, after: InterfaceReading, seconds: float) -> bool:
    """Whether wide byte counters have gone on by what the line carries and nothing else has moved: the usual case."""
    speed, bits, received, sent = after[4:8]
    old_speed, old_bits, old_received, old_sent = before[4:8]
    if bits != WIDE or old_bits != WIDE or before[8:12] != after[8:12]:
        return False
    if received is None or sent is None or old_received is None or old_sent is None:
        return False
    room = (speed or old_speed or UNTOLD_BYTES_PER_SECOND) * seconds
    return 0 <= received - old_received <= room and 0 <= sent - old_sent <= room
