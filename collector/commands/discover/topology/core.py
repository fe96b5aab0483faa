"""Which device is on top, where nobody has named it: the one that the default routes lead to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from collector.commands.discover.found import Found, Guess
from collector.commands.discover.topology.directory import Directory
from collector.commands.discover.topology.links import STRANGER, Links
from collector.commands.discover.topology.observers import Observed, observe


def core_of(found: Sequence[Found], directory: Directory, graph: Links) -> Guess:
    """The device that the default routes, followed from one to the next, lead most devices to."""
    observed = observe(found, directory, graph, None)
    ends = Counter(filter(None, (_follow(device.device_id, graph, observed) for device in found)))
    if ends:
        best, count = max(ends.items(), key=lambda item: (item[1], len(graph.ends.get(item[0], {})), item[0]))
        told = sum(ends.values())
        is_sure = count > told / 2 and count > 1
        return Guess(best, f"the default routes of {count} devices lead there, of {told} that have one", is_sure)
    best = max(found, key=lambda device: (len(graph.ends.get(device.device_id, {})), device.device_id)).device_id
    return Guess(best, "it has the most neighbours, and no device tells where its default route goes", False)


def _follow(device_id: str, graph: Links, observed: Observed) -> str | None:
    """The end of the way that leads from gateway to gateway, or over the ports towards it; None where it begins nowhere."""
    seen = [device_id]
    while True:
        upper = observed.gateways.get(seen[-1])
        uplink = observed.uplinks[seen[-1]].port
        if upper is None and uplink is not None:
            beyond = [other for other in graph.at(seen[-1], uplink) if not other.startswith(STRANGER)]
            upper = beyond[0] if len(beyond) == 1 else None
        if upper is None or upper in seen:
            return seen[-1] if len(seen) > 1 else None
        seen.append(upper)
