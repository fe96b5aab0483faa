"""Who is being polled now, and whose poll never ended."""

from __future__ import annotations

from collections.abc import Iterator


class InFlight:
    """Devices with a poll in flight, the oldest first. A poll that outlives ``limit_seconds`` is a fault of ours.

    Every poll has a budget and ends by itself; one that does not would keep its device from being polled for ever.
    """

    def __init__(self, limit_seconds: float) -> None:
        self._limit = limit_seconds
        self._since: dict[str, float] = {}
        self._held_up_at = float("-inf")

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, device_id: str) -> bool:
        return device_id in self._since

    def begin(self, device_id: str, at: float) -> None:
        """A poll begins at ``at``, on a clock that does not jump."""
        self._since[device_id] = at

    def end(self, device_id: str) -> None:
        """Its poll ended, with or without an answer."""
        self._since.pop(device_id, None)

    def hold_up(self, at: float) -> None:
        """Packets still wait for their turn to leave at ``at``: who is late then is not to blame."""
        self._held_up_at = at

    def take_stuck(self, at: float) -> Iterator[str]:
        """Those whose poll should have ended long ago; they may be polled again."""
        while self._since:
            device_id, since = next(iter(self._since.items()))
            if at - max(since, self._held_up_at) <= self._limit:
                return
            del self._since[device_id]
            yield device_id
