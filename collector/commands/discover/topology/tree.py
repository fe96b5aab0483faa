"""Which device is above which: from the core outwards, along the links, and by what bridges and routers have learnt.

A parent is sure where the link to it is the only way to the core, or where the device's own tables say that the core
lies there, and nothing contradicts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from collector.commands.discover.found import NOT_KNOWN, Found, Guess
from collector.commands.discover.topology.core import core_of
from collector.commands.discover.topology.directory import Directory
from collector.commands.discover.topology.doubtful_places import Doubts
from collector.commands.discover.topology.links import STRANGER, Links, links
from collector.commands.discover.topology.observers import observe
from collector.commands.discover.topology.reach import Reach


@dataclass(frozen=True)
class Placed:
    """The parent of a device and the interface towards it."""

    parent: Guess = NOT_KNOWN
    uplink: Guess = NOT_KNOWN


@dataclass
class Tree:
    """``core`` is the device on top, ``placed`` the others; ``rings`` the loops of the neighbour graph, as walked.

    ``strangers`` are sentences on neighbours that were not found and lie between devices or may hide others;
    ``unclear`` on neighbours that may be any of several devices.
    """

    core: Guess
    placed: dict[str, Placed] = field(default_factory=dict)
    rings: list[tuple[str, ...]] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


def grow(found: Sequence[Found], leaves: frozenset[str] = frozenset(), core: str | None = None) -> Tree:
    """The tree of all that was found. ``leaves`` are devices that have nobody behind them; ``core`` is named, if it is."""
    if not found:
        return Tree(NOT_KNOWN)
    directory = Directory(found)
    graph = links(found, directory)
    top = Guess(core, "it was named") if core is not None else core_of(found, directory, graph)
    tree = Reach(directory, graph, observe(found, directory, graph, top.value), top, leaves)
    doubts = Doubts(tree)
    placed = {device.device_id: _placed(tree, device.device_id) for device in found if device.device_id != top.value}
    return Tree(top, placed, doubts.rings, _strangers(directory, graph), graph.unclear)


def _strangers(directory: Directory, graph: Links) -> list[str]:
    """One sentence for each neighbour that was not found, with all who see it."""
    told = []
    for stranger, words in sorted(graph.strangers.items()):
        ends = graph.ends.get(stranger, {})
        seen_by = []
        for other in sorted(end for end in ends if end in directory.by_id):
            ports = directory.by_id[other].seen.interfaces
            names = [ports.title(port) for port in sorted(graph.ends[other][stranger].ports)]
            seen_by.append(f"{other} ({', '.join(names)})" if any(names) else other)
        if seen_by:
            told.append(
                f"{words} is a neighbour of {', '.join(seen_by)}, but is not in the inventory: it did not answer"
            )
    return told


def _placed(tree: Reach, device_id: str) -> Placed:
    """The nearest device above it that was found, and the interface towards that."""
    guess = tree.parents.get(device_id)
    if guess is None or not guess.value:
        why = guess.why if guess is not None else "no neighbour, bridge or ARP table leads to it"
        return Placed(Guess("", why, False))
    through, parent = guess.value, guess
    while through.startswith(STRANGER) and through in tree.parents:
        words = tree.graph.strangers.get(through, through)
        upper = tree.parents[through]
        parent = Guess(upper.value, f"through {words}, which was not found", False)
        through = upper.value
    if through.startswith(STRANGER):
        return Placed(Guess("", f"linked only to {tree.graph.strangers.get(through, through)}", False))
    return Placed(parent, _uplink_to(tree, device_id, guess.value))


def _uplink_to(tree: Reach, device_id: str, parent: str) -> Guess:
    """The one port at which the parent is; of several none, since none carries all of the traffic."""
    ports = tree.found[device_id].seen.interfaces
    uplink = tree.observed.uplinks.get(device_id)
    end = tree.graph.ends.get(device_id, {}).get(parent)
    own = end.ports if end is not None else set()
    if len(own) > 1:
        names = ", ".join(ports.title(port) for port in sorted(own))
        return Guess("", f"{len(own)} links lead to {parent}: {names}", False)
    port = next(iter(own)) if own else uplink.port if uplink is not None else None
    name = ports.title(port)
    if not name:
        return NOT_KNOWN
    is_alone = sum(row.name == name for row in ports.rows.values()) == 1
    who = tree.graph.strangers.get(parent, parent)
    why = f"{who} is there" if own else (uplink.why if uplink is not None else "")
    return Guess(name, why, is_alone) if is_alone else Guess("", f"several interfaces are called {name}", False)


def children(tree: Tree) -> Mapping[str, list[str]]:
    """By parent, in order of names."""
    found: dict[str, list[str]] = {}
    for device_id, placed in sorted(tree.placed.items()):
        found.setdefault(placed.parent.value, []).append(device_id)
    return found


def walk(tree: Tree) -> Iterator[tuple[int, str]]:
    """Each device with its depth, parents before their children; then those without a parent."""
    below = children(tree)
    stack = [(0, device_id) for device_id in reversed([tree.core.value, *below.get("", [])])]
    while stack:
        depth, device_id = stack.pop()
        yield depth, device_id
        stack += [(depth + 1, child) for child in reversed(below.get(device_id, []))]
