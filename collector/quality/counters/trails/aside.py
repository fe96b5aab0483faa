"""Counters that are not believed while the others of their interface go on."""

from __future__ import annotations

from collector.quality.counters.counter_bounds import BYTES, misfits, told_speed, with_values
from collector.reading import InterfaceReading

POLLS_TO_STAND = 5
"""A counter at a value that it cannot have reached is believed after it has stayed there for this many polls."""


class Aside:
    """A counter that is not believed while the others of its interface go on: its last value that was, and what came."""

    __slots__ = ("at", "bits", "came", "came_at", "polls", "value")

    def __init__(self, value: int, at: float, came: int, came_at: float) -> None:
        self.value, self.at = value, at
        self.came, self.came_at = came, came_at
        self.polls = 1

    def goes_on(self, field: str, base: InterfaceReading, reading: InterfaceReading, at: float) -> bool:
        """Whether the counter goes on from where it was believed."""
        return field not in misfits(with_values(base, {field: self.value}), reading, at - self.at)

    def goes_on_anew(self, field: str, base: InterfaceReading, reading: InterfaceReading, at: float) -> bool:
        """Whether it has gone on for a while from where it is now, be it faster than the stated speed: that may be wrong."""
        new = getattr(reading, field)
        stated = told_speed(base, reading, None) if field in BYTES else None
        if field in misfits(with_values(base, {field: self.came}), reading, at - self.came_at, stated):
            self.came, self.came_at, self.polls = new, at, 1
            return False
        self.polls += 1
        return new != self.came or self.polls >= POLLS_TO_STAND
