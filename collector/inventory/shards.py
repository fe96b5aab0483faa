"""How an inventory is split among collectors: whole subtrees, by a hash that is the same on every host and day."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collector.config import Shard
from collector.reading import Device


@dataclass(frozen=True, slots=True)
class Part:
    """What one shard polls: ``owned`` devices, which it publishes, and the ``shadows`` above them, which it does not.

    A silence can be attributed to its root only where the devices above are known; so these are polled too.
    ``cpe_count`` counts the customer devices of the whole inventory.
    """

    owned: tuple[Device, ...]
    shadows: tuple[Device, ...]
    cpe_count: int


def part_of(devices: Iterable[Device], shard: Shard) -> Part:
    """The part of the inventory that falls to ``shard``."""
    devices = tuple(devices)
    cpe_count = sum(device.role == "cpe" for device in devices)
    if shard.count == 1:
        return Part(devices, (), cpe_count)
    owners = owners_of(devices, shard.count)
    owned = tuple(device for device in devices if owners[device.device_id] == shard.index)
    names = {device.device_id for device in owned}
    by_id = {device.device_id: device for device in devices}
    above: dict[str, None] = {}
    for device in owned:
        parent = by_id.get(device.parent or "")
        while parent is not None and parent.device_id not in names and parent.device_id not in above:
            above[parent.device_id] = None
            parent = by_id.get(parent.parent or "")
    return Part(owned, tuple(by_id[name] for name in above), cpe_count)


def owners_of(devices: Iterable[Device], count: int) -> dict[str, int]:
    """The index of the shard that owns each device: that of its top access parent."""
    tops = top_parents(devices)
    shards = {top: _shard_of(top, count) for top in set(tops.values())}
    return {device_id: shards[top] for device_id, top in tops.items()}


def top_parents(devices: Iterable[Device]) -> dict[str, str]:
    """The device at whose subtree each device stays: the highest access device above it, itself included.

    Routers are the core: each stands for itself and for the customers who hang from it directly, for it is their
    concentrator; every other device below it begins a subtree. A parent that is not in the inventory is none.
    """
    by_id = {device.device_id: device for device in devices}
    tops: dict[str, str] = {}
    for device in by_id.values():
        trail: dict[str, None] = {}
        at = device
        while at.device_id not in tops:
            trail[at.device_id] = None
            parent = _parent_within(at, by_id)
            if parent is None or parent.device_id in trail:
                tops[at.device_id] = at.device_id
            else:
                at = parent
        for device_id in trail:
            tops[device_id] = tops[at.device_id]
    return tops


def _parent_within(device: Device, by_id: Mapping[str, Device]) -> Device | None:
    """The parent where ``device`` belongs to the same subtree as it."""
    parent = by_id.get(device.parent) if device.parent is not None else None
    if parent is None or device.role == "router":
        return None
    return parent if parent.role != "router" or device.role == "cpe" else None


def _shard_of(top: str, count: int) -> int:
    """Rendezvous hashing: with one shard more only what falls to the new one moves."""
    return max(range(count), key=lambda index: hashlib.blake2b(f"{index}|{top}".encode(), digest_size=8).digest())
