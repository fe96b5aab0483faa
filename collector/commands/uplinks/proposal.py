"""Which interface of a device is its uplink: where it sees its parent, else the one that carries what all others do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.commands.neighbours.sighting import Sighting
from collector.commands.neighbours.surroundings import Surroundings

LINES = (6, 22, 23, 62, 69, 71, 117, 127, 135, 161, 250)
"""ifType of what traffic enters and leaves a device by (IANAifType-MIB); not bridges, loopbacks and internal ones."""
NEARLY_ALL = 0.9
LEAST_BYTES = 10**8
"""Too little traffic says nothing of where it comes from."""


class Proposal(NamedTuple):
    """The interface, by the name that the inventory uses; why; and whether a neighbour said so, not traffic alone.

    Without an interface ``why`` says what is missing.
    """

    interface: str | None
    why: str
    is_seen: bool = False


@dataclass(frozen=True)
class Parent:
    """By what a device can recognise its parent. ``device_id`` is empty where the inventory names none."""

    device_id: str = ""
    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    macs: frozenset[bytes] = frozenset()


@dataclass(frozen=True)
class Totals:
    """Bytes that each interface has received and sent, by ifIndex."""

    received: Mapping[int, int] = field(default_factory=dict)
    sent: Mapping[int, int] = field(default_factory=dict)


def parent_of(device_id: str, address: str, seen: Surroundings | None) -> Parent:
    """A parent of the inventory, with what it says of itself if it was asked."""
    names = {_plain(device_id)} | ({_plain(seen.name)} if seen is not None and seen.name else set())
    addresses = {address} | (set(seen.interfaces.addresses) if seen is not None else set())
    return Parent(device_id, frozenset(names), frozenset(addresses), seen.macs if seen is not None else frozenset())


def propose(seen: Surroundings, parent: Parent, totals: Totals) -> Proposal:
    """What speaks loudest: a neighbour that is the parent, the parent's addresses, the gateway, the traffic."""
    for why, ports in _evidence(seen, parent):
        lines = {seen.interfaces.line_of(port) for port in ports} - {None}
        if len(lines) == 1 and (name := seen.interfaces.title(lines.pop())):
            return Proposal(name, why, is_seen=True)
    loaded = _loaded(seen, totals)
    if loaded is not None and (name := seen.interfaces.title(loaded)):
        return Proposal(
            name, "it carries nearly all that passes the others together, as far as its counters reach back"
        )
    return Proposal(None, "no neighbour, no gateway and no traffic tells one interface from the others")


def _evidence(seen: Surroundings, parent: Parent) -> Iterator[tuple[str, Collection[int | None]]]:
    """Ports that may be the uplink, the surest first, with why."""
    whose = f"its parent {parent.device_id}"
    if parent.device_id:
        for by in ("lldp", "cdp", "mndp", "stp", "registration"):
            found = [one.port for one in seen.sightings if one.by == by and _is(one, parent)]
            yield f"{by.upper()} names {whose} there", found
        yield f"its bridge has learnt {whose} there", _learnt(seen, parent.macs)
    gateways = [one for one in seen.gateways if not parent.device_id or one.address in parent.addresses]
    for gateway in gateways:
        what = f"its default gateway {gateway.address}" + (f", which is {whose}," if parent.device_id else "")
        macs = {entry.mac for entry in seen.arp if entry.address == gateway.address}
        yield f"its bridge has learnt {what} there", _learnt(seen, macs)
        if not seen.learnt:
            yield f"ARP knows {what} there", {entry.port for entry in seen.arp if entry.address == gateway.address}
            yield f"{what} is reached there", [gateway.port]
    if parent.device_id and not seen.learnt:
        yield f"ARP knows {whose} there", {entry.port for entry in seen.arp if entry.address in parent.addresses}


def _is(sighting: Sighting, parent: Parent) -> bool:
    names = {_plain(name) for name in sighting.names}
    is_named = bool(names & parent.names or parent.addresses.intersection(sighting.addresses))
    return is_named or (sighting.mac is not None and sighting.mac in parent.macs)


def _learnt(seen: Surroundings, macs: Collection[bytes]) -> set[int | None]:
    return {port for mac in macs for port in seen.learnt.get(mac, ())}


def _loaded(seen: Surroundings, totals: Totals) -> int | None:
    """The interface whose bytes, both ways, are nearly those of all others together the other way."""
    ports = [row.index for row in seen.interfaces.rows.values() if row.kind in LINES and row.index in totals.received]
    ports = [index for index in ports if index in totals.sent and seen.interfaces.line_of(index) == index]
    found = []
    for index in ports:
        down, up = totals.received[index], totals.sent[index]
        others_sent = sum(totals.sent[other] for other in ports if other != index)
        others_received = sum(totals.received[other] for other in ports if other != index)
        if down >= LEAST_BYTES and _are_close(down, others_sent) and _are_close(up, others_received):
            found.append(index)
    return found[0] if len(found) == 1 and len(ports) > 2 else None


def _are_close(one: int, other: int) -> bool:
    return min(one, other) >= NEARLY_ALL * max(one, other)


def _plain(name: str) -> str:
    """A name of a device without its domain, in small letters."""
    return name.strip().casefold().split(".")[0] if not name.replace(".", "").isdigit() else name.strip()
