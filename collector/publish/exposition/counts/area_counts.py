"""What is counted of an area, whole and by the role of its devices."""

from __future__ import annotations

from collector.publish.exposition.samples import labels
from collector.reading import STATES, Role, StateName


class AreaStates:
    """An area's devices by state, and the customers behind those that are down or suppressed; ``planned`` of them by plan."""

    __slots__ = ("affected", "by_state", "heads", "own", "planned")

    def __init__(self, area: str) -> None:
        self.own = labels(area=area)
        self.heads = {state: labels(area=area, state=state) for state in STATES}
        self.by_state: dict[StateName, int] = dict.fromkeys(STATES, 0)
        self.affected = self.planned = 0


class RoleSums:
    """Counters over an area's devices of one role."""

    __slots__ = ("own", "pings_lost", "pings_sent", "receive_bytes", "rtt_count", "rtt_seconds", "transmit_bytes")

    def __init__(self, area: str, role: Role) -> None:
        self.own = labels(area=area, role=role)
        self.pings_sent = self.pings_lost = self.rtt_count = self.receive_bytes = self.transmit_bytes = 0
        self.rtt_seconds = 0.0

    @property
    def ping_rtt(self) -> tuple[int, float]:
        """Count and sum of the round trips."""
        return self.rtt_count, self.rtt_seconds
