"""Group outages: many children of one live parent fall silent together (fibre cut, node failure, street power)."""

from __future__ import annotations

from typing import TypeGuard

from collector.config import OutageSettings
from collector.quality.node import Incident, Node


def takes_in(group: Incident | None, node: Node, settings: OutageSettings) -> TypeGuard[Incident]:
    """Whether a child that has fallen silent now belongs to its parent's open group outage."""
    return group is not None and abs(node.first_miss - group.fell_at) <= settings.group_window_seconds


def fallen_together(parent: Node, child: Node, settings: OutageSettings) -> list[Node]:
    """The children of ``parent`` that make a group outage with ``child``, whose silence has just been confirmed.

    Empty unless at least ``group_min`` and ``group_share_ratio`` of the children that were up fell silent within
    ``group_window_seconds``. Children that were off before do not count.
    """
    window = settings.group_window_seconds
    parent.fallen.append((child.first_miss, child))
    while parent.fallen[0][0] < child.first_miss - 2 * window:
        parent.fallen.popleft()
    if not _are_enough(len(parent.fallen), parent, settings):
        return []
    silent = sorted(
        ((first_miss, node) for first_miss, node in parent.fallen if _still_counts(first_miss, node)),
        key=lambda fallen: fallen[0],
    )
    together = _largest_run(silent, window)
    return together if _are_enough(len(together), parent, settings) and child in together else []


def is_dissolving(group: Incident, settings: OutageSettings) -> bool:
    """Whether enough members are back that the rest no longer count as a group."""
    return group.size < settings.group_min or group.size < settings.group_share_ratio * group.peak


def _are_enough(count: int, parent: Node, settings: OutageSettings) -> bool:
    return count >= settings.group_min and count >= settings.group_share_ratio * (parent.live_children + count)


def _still_counts(first_miss: float, node: Node) -> bool:
    own = node.incident
    laid_to_itself = node.state == "silent" or (node.state == "down" and own is not None and own.root == node.device_id)
    return laid_to_itself and node.first_miss == first_miss


def _largest_run(silent: list[tuple[float, Node]], window: float) -> list[Node]:
    """The most nodes whose first misses lie within ``window`` of each other; ``silent`` is in order of time."""
    best = (0, 0)
    start = 0
    for end in range(1, len(silent) + 1):
        while silent[end - 1][0] - silent[start][0] > window:
            start += 1
        if end - start > best[1] - best[0]:
            best = start, end
    return [node for _, node in silent[best[0] : best[1]]]
