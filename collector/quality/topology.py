"""The tree of devices: whose silence can explain whose."""

from __future__ import annotations

from collections.abc import Iterable

from collector.quality.node import Node
from collector.reading import Device


class Topology:
    """All nodes by device id, linked; ``tops`` are the network devices that hang from nothing.

    A device whose parent is not in the inventory is judged on its own, but is no top: nobody knows that it is
    independent of the others.
    """

    def __init__(self, devices: Iterable[Device], at: float) -> None:
        self.nodes: dict[str, Node] = {device.device_id: Node(device, at) for device in devices}
        self.tops: list[Node] = []
        self._link()

    def replace(self, devices: Iterable[Device], at: float) -> list[Node]:
        """Take in a new inventory; nodes that stay keep what is believed of them. Returns those that left."""
        old, self.nodes = self.nodes, {}
        for device in devices:
            node = old.pop(device.device_id, None) or Node(device, at)
            node.is_cpe, node.parent_id, node.uplink = device.role == "cpe", device.parent, device.uplink_interface
            self.nodes[device.device_id] = node
        self._link()
        return list(old.values())

    def _link(self) -> None:
        for node in self.nodes.values():
            node.children.clear()
            node.waiters.clear()
            node.live_children = 0
        for node in self.nodes.values():
            node.parent = self.nodes.get(node.parent_id) if node.parent_id is not None else None
            if node.parent is not None:
                node.parent.children.append(node)
                node.parent.live_children += node.is_live
        self.tops = [node for node in self.nodes.values() if node.parent_id is None and not node.is_cpe]
