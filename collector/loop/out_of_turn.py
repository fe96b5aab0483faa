"""Polls out of turn that tell a death from chance soon: suspects asked again, and network devices asked half-way."""

from __future__ import annotations

import heapq
from collections import deque

SHARE_OF_PACE = 0.2
"""Of the packets that may leave, those of suspects that are asked again: when half a network is silent, the rest waits."""
HALFWAY_FROM_SECONDS = 40.0
"""Intervals from which network devices are asked half-way; a shorter one is soon enough by itself."""


class Suspects:
    """Who is to be asked again, and when; all times are Unix seconds. No more than ``most`` at once: the others are asked in
    their turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[float, str]] = []
        self._at: dict[str, float] = {}

    def want(self, device_id: str, at: float) -> None:
        """Ask it at ``at``, or earlier if that was wanted before."""
        if device_id not in self._at and len(self._at) < self._most:
            self._at[device_id] = at
            heapq.heappush(self._heap, (at, device_id))

    def due(self, now: float) -> list[str]:
        """Take those whose time has come."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            found.append(heapq.heappop(self._heap)[1])
            del self._at[found[-1]]
        return found

    def next_at(self) -> float | None:
        return self._heap[0][0] if self._heap else None


def most_suspects(packets_per_second: float, tries: int, again_seconds: float) -> int:
    """How many may be asked again within ``again_seconds``, each with so many tries."""
    return max(10, int(SHARE_OF_PACE * packets_per_second * again_seconds / tries))


class Halfway:
    """Network devices half an interval after their turn; times are of one steady clock."""

    def __init__(self, interval_seconds: float) -> None:
        self._after = interval_seconds / 2
        self._is_used = interval_seconds >= HALFWAY_FROM_SECONDS
        self._waiting: deque[tuple[float, str]] = deque()

    def began(self, device_id: str, now: float) -> None:
        """Its turn came at ``now``."""
        if self._is_used:
            self._waiting.append((now + self._after, device_id))

    def due(self, now: float) -> list[str]:
        """Take those whose half-way has come."""
        found = []
        while self._waiting and self._waiting[0][0] <= now:
            found.append(self._waiting.popleft()[1])
        return found

    def next_at(self) -> float | None:
        return self._waiting[0][0] if self._waiting else None
