"""What a device has learnt of where others are: the bridge's table, the ARP table, the default gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from collector.commands.neighbours.interfaces import Interfaces
from collector.commands.neighbours.objects import Columns, address, address_in_index, station

BRIDGED = "1.3.6.1.2.1.17.4.3.1.2"
BRIDGED_BY_VLAN = "1.3.6.1.2.1.17.7.1.2.2.1.2"
ARP, ARP_OF_BOTH = "1.3.6.1.2.1.4.22.1.2", "1.3.6.1.2.1.4.35.1.4"
ROUTE_HOP, ROUTE_PORT = "1.3.6.1.2.1.4.21.1.7.0.0.0.0", "1.3.6.1.2.1.4.21.1.2.0.0.0.0"
CIDR_PORT = "1.3.6.1.2.1.4.24.4.1.5.0.0.0.0.0.0.0.0"
INET_PORT = "1.3.6.1.2.1.4.24.7.1.7.1.4.0.0.0.0.0"
BRIDGE_ROOTS = (BRIDGED, BRIDGED_BY_VLAN)
ROOTS = (ARP, ARP_OF_BOTH, "1.3.6.1.2.1.4.21.1.7.0", "1.3.6.1.2.1.4.21.1.2.0", CIDR_PORT, INET_PORT)
"""dot1dTpFdbPort (RFC 4188), dot1qTpFdbPort (RFC 4363); ipNetToMediaPhysAddress, ipNetToPhysicalPhysAddress (RFC 4293);
of the default route only: ipRouteNextHop, ipRouteIfIndex (RFC 1213), ipCidrRouteIfIndex, inetCidrRouteIfIndex (RFC 4292)."""
CISCO_VLANS = "1.3.6.1.4.1.9.9.46.1.3.1.1.2"
"""vtpVlanState (CISCO-VTP-MIB): Cisco's bridges show the table of each VLAN to a community, or context, of its own."""


class ArpEntry(NamedTuple):
    """An IP address with its hardware address, at an interface (ifIndex)."""

    port: int
    address: str
    mac: bytes


class Gateway(NamedTuple):
    """The next hop of the default route, and the interface towards it if the device says it."""

    address: str
    port: int | None


def learnt(columns: Columns, interfaces: Interfaces) -> dict[bytes, frozenset[int]]:
    """The ports (ifIndex) at which the bridge has seen each hardware address, over all VLANs."""
    found: dict[bytes, set[int]] = {}
    for column, before in ((BRIDGED, 0), (BRIDGED_BY_VLAN, 1)):
        for index, port in columns.numbers(column).items():
            octets = index[before:]
            if len(octets) != 6 or port <= 0 or max(octets) > 255:
                continue
            whose, at = station(bytes(octets)), interfaces.of_bridge_port(port)
            if whose is not None and at is not None:
                found.setdefault(whose, set()).add(at)
    return {whose: frozenset(ports) for whose, ports in found.items()}


def arp(columns: Columns) -> Iterator[ArpEntry]:
    """The table of both versions of the MIB; an entry may be in both."""
    for index, value in columns.octets(ARP).items():
        found, whose = address(index[1:]), station(value)
        if found is not None and whose is not None:
            yield ArpEntry(index[0], found, whose)
    for index, value in columns.octets(ARP_OF_BOTH).items():
        found, whose = address_in_index(index[1:]), station(value)
        if found is not None and whose is not None:
            yield ArpEntry(index[0], found, whose)


def gateways(columns: Columns, interfaces: Interfaces) -> tuple[Gateway, ...]:
    """The next hops of the default route, from the newest of the three tables that has one."""
    newest = [(_inet_hop(index), port) for index, port in columns.numbers(INET_PORT).items()]
    cidr = [(address(index[-4:]), port) for index, port in columns.numbers(CIDR_PORT).items()]
    for table in (newest, cidr, _oldest(columns)):
        found = tuple(
            dict.fromkeys(Gateway(hop, port if port in interfaces.rows else None) for hop, port in table if hop)
        )
        if found:
            return found
    return ()


def _oldest(columns: Columns) -> list[tuple[str | None, int | None]]:
    hop, port = columns.scalar(ROUTE_HOP), columns.scalar(ROUTE_PORT)
    if hop is None or not isinstance(hop.value, bytes):
        return []
    return [(address(hop.value), port.value if port is not None and isinstance(port.value, int) else None)]


def _inet_hop(index: tuple[int, ...]) -> str | None:
    """The next hop behind the length of the prefix, which stood before, and a policy (RFC 4292, inetCidrRouteTable)."""
    policy = index[0] if index else 0
    return address_in_index(index[1 + policy :])


def cisco_vlans(columns: Columns) -> tuple[int, ...]:
    """The VLANs in use; those from 1002 to 1005 are of Token Ring and FDDI."""
    numbers = columns.numbers(CISCO_VLANS)
    return tuple(sorted(index[-1] for index, state in numbers.items() if state == 1 and not 1002 <= index[-1] <= 1005))
