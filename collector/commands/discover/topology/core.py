"""Which device is on top, where nobody has named it: the one that the default routes lead to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from collector.commands.discover.found import Found, Guess
from collector.commands.discover.topology.directory import Directory
from collector.commands.discover.topology.links import STRANGER, Links
from collector.commands.discover.topology.observers import Observed, observe


def core_of(found: Sequence[Found], directory: Directory, graph: Links) -> Guess:
    """The device that the default routes, followed from one to the next, lead most devices to.

    It is sure if all of them lead there, and no other router could be above it.
    """
    observed = observe(found, directory, graph, None)
    ways = {device.device_id: _follow(device.device_id, graph, observed) for device in found}
    ends = Counter(filter(None, ways.values()))
    if not ends:
        best = max(found, key=lambda device: (len(graph.ends.get(device.device_id, {})), device.device_id)).device_id
        if len(found) == 1:
            return Guess(best, "it is the only device that answered", False)
        return Guess(best, "it has the most neighbours, and no device tells where its default route goes", False)
    best, count = max(ends.items(), key=lambda item: (item[1], len(graph.ends.get(item[0], {})), item[0]))
    told = sum(ends.values())
    lead = "default route of 1 device leads" if count == 1 else f"default routes of {count} devices lead"
    why = f"the {lead} there, of {told} that {'has' if told == 1 else 'have'} one"
    followers = {device_id for device_id, end in ways.items() if end == best}
    rivals = [device.device_id for device in found if _may_be_above(device, best, followers, graph)]
    if rivals:
        why += f"; but {', '.join(sorted(rivals)[:3])} could be above it, and says nothing of its default route"
    return Guess(best, why, count == told and count > 1 and not rivals)


def _may_be_above(device: Found, core: str, followers: set[str], graph: Links) -> bool:
    """Whether a router that tells no default route is not known to be behind one that follows the core."""
    routes = device.seen.is_forwarding or "router" in device.seen.own.capabilities
    if not routes or device.device_id == core or device.device_id in followers:
        return False
    reached, ahead, touched = {device.device_id}, [device.device_id], set()
    while ahead:
        for other in graph.ends.get(ahead.pop(), {}):
            if other == core or other in followers:
                touched.add(other)
            elif other not in reached:
                reached.add(other)
                ahead.append(other)
    return core in touched or not touched


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
