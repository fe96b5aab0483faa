"""Who is due: every device once an interval, at a phase of its own that stays the same across reloads and restarts."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable

SLOW_EVERY = 2


class Schedule:
    """Spreads devices evenly over the interval; all times are seconds on one steady clock."""

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds
        self.skipped = 0
        self._heap: list[tuple[float, str]] = []
        self._due_at: dict[str, float] = {}
        self._slow: set[str] = set()
        self._lags = (0.0, 0.0, 0.0)

    def replace(self, device_ids: Iterable[str], now: float) -> None:
        """Take in the devices of an inventory; who stays keeps its turn."""
        wanted = set(device_ids)
        for device_id in wanted - self._due_at.keys():
            self._put(device_id, self._first_after(device_id, now))
        for device_id in self._due_at.keys() - wanted:
            del self._due_at[device_id]
            self._slow.discard(device_id)

    def slow_down(self, device_id: str, is_slow: bool) -> None:
        """A device that has long been silent is asked every second interval only."""
        if is_slow:
            self._slow.add(device_id)
        else:
            self._slow.discard(device_id)

    def due(self, now: float) -> list[str]:
        """Take the devices whose turn has come; turns that were missed altogether are counted and left out."""
        found = []
        while self._heap and self._heap[0][0] <= now:
            due_at, device_id = heapq.heappop(self._heap)
            if self._due_at.get(device_id) != due_at:
                continue
            found.append(device_id)
            self._note_lag(now - due_at, now)
            following = due_at + self.interval_seconds * (SLOW_EVERY if device_id in self._slow else 1)
            if following <= now:
                self.skipped += int((now - due_at) / self.interval_seconds)
                following = self._first_after(device_id, now)
            self._put(device_id, following)
        return found

    def next_at(self) -> float | None:
        """When the next device is due."""
        return self._heap[0][0] if self._heap else None

    def lag_seconds(self, now: float) -> float:
        """The worst delay of a start within the last one to two intervals."""
        self._note_lag(0.0, now)
        return max(self._lags[1:])

    def _note_lag(self, lag: float, now: float) -> None:
        since, before, current = self._lags
        if now - since >= self.interval_seconds:
            before, current = (current, 0.0) if now - since < 2 * self.interval_seconds else (0.0, 0.0)
            since = now
        self._lags = since, before, max(current, lag)

    def _put(self, device_id: str, due_at: float) -> None:
        self._due_at[device_id] = due_at
        heapq.heappush(self._heap, (due_at, device_id))

    def _first_after(self, device_id: str, now: float) -> float:
        phase = zlib.crc32(device_id.encode()) / 2**32 * self.interval_seconds
        return now + (phase - now) % self.interval_seconds
