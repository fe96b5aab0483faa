"""Whether the collector itself is cut off: its own references are silent, so that others' silence proves nothing."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from collector.quality.node import Node
from collector.quality.topology import Topology

INDEPENDENT_TOPS = 3


class References:
    """What proves the collector's own connection: sentinels where there are any, else any device that answers.

    ``answered_at`` is the newest request, to anybody, that was answered. ``doubted`` are devices whose verdict
    waits for such a proof.
    """

    def __init__(self, sentinels: Iterable[str]) -> None:
        self.answered_at = -inf
        self.doubted: dict[Node, None] = {}
        self.unsent: dict[Node, float] = {}
        self._silent_since: dict[str, float | None] = dict.fromkeys(sentinels)

    @property
    def has_sentinels(self) -> bool:
        return bool(self._silent_since)

    def hear(self, at: float) -> None:
        """Somebody answered a request that was sent at ``at``."""
        self.answered_at = max(self.answered_at, at)

    def hear_sentinel(self, address: str, at: float, answered: bool) -> None:
        """What became of the echoes sent to a sentinel at ``at``."""
        if answered:
            self._silent_since[address] = None
            self.hear(at)
        elif self._silent_since.get(address) is None:
            self._silent_since[address] = at

    def all_sentinels_silent_since(self) -> float | None:
        """Since when no sentinel has answered; None if one does, or if none is configured."""
        since = list(self._silent_since.values())
        return max((at for at in since if at is not None), default=None) if None not in since else None

    def has_witness(self, node: Node, topology: Topology) -> bool:
        """Whether another device answered a request sent after ``node`` fell silent, or there is none that could."""
        if not self.has_sentinels and len(topology.tops) < INDEPENDENT_TOPS:
            return True
        return self.answered_at > node.first_miss

    def silent_tops_since(self, topology: Topology) -> float | None:
        """Since when three independent tree tops, and everybody else, are silent; None if they are not."""
        if self.has_sentinels:
            return None
        silent = sorted(top.first_miss for top in topology.tops if top.missed and top.first_miss > self.answered_at)
        return silent[0] if len(silent) >= INDEPENDENT_TOPS else None

    def nothing_leaves_since(self, topology: Topology) -> float | None:
        """Since when this host refuses to send to most devices; None if it does not."""
        if 2 * len(self.unsent) <= len(topology.nodes):
            return None
        return min(self.unsent.values())

    def forget(self, nodes: Iterable[Node]) -> None:
        """Drop nodes that left the inventory."""
        for node in nodes:
            self.doubted.pop(node, None)
            self.unsent.pop(node, None)
