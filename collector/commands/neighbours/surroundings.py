"""What one device says about itself and about those beside it: asked here, read by the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from collector.commands.neighbours import announced, forwarding, interfaces, lldp
from collector.commands.neighbours.forwarding import ArpEntry, Gateway
from collector.commands.neighbours.interfaces import Interfaces
from collector.commands.neighbours.lldp import NOT_SAID, Own
from collector.commands.neighbours.objects import Columns, Objects, name, text
from collector.commands.neighbours.sighting import Sighting
from collector.commands.walker import Walker
from collector.poll.snmp.codec import Oid, oid_text, parse_oid
from collector.recordings import Recorded

SYSTEM = "1.3.6.1.2.1.1"
IP_FORWARDING = "1.3.6.1.2.1.4.1"
ROOTS = (
    SYSTEM,
    IP_FORWARDING,
    *interfaces.ROOTS,
    *lldp.ROOTS,
    *announced.ROOTS,
    *forwarding.BRIDGE_ROOTS,
    *forwarding.ROOTS,
    forwarding.CISCO_VLANS,
)
VLAN_ROOTS = (forwarding.BRIDGED, "1.3.6.1.2.1.17.1.4.1.2")
MOST_VLANS, MOST_SILENT_VLANS = 200, 2
MOST_OBJECTS = 50_000
"""Of one column: a large switch knows some 32,000 hardware addresses."""


@dataclass(frozen=True)
class Surroundings:
    """One device and what it sees.

    ``learnt`` are the ports (ifIndex) at which its bridge has seen a hardware address; ``root_port`` is the one towards
    the root of its spanning tree. ``services`` is sysServices, ``is_forwarding`` ipForwarding;
    ``radio_mode`` says which end of its links a radio is. ``incomplete`` says what
    could not be read to its end.
    """

    object_id: str = ""
    description: str = ""
    name: str = ""
    location: str = ""
    services: int | None = None
    is_forwarding: bool | None = None
    own: Own = NOT_SAID
    interfaces: Interfaces = field(default_factory=Interfaces)
    sightings: tuple[Sighting, ...] = ()
    learnt: dict[bytes, frozenset[int]] = field(default_factory=dict)
    arp: tuple[ArpEntry, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    root_port: int | None = None
    radio_mode: Literal["station", "ap"] | None = None
    incomplete: tuple[str, ...] = ()

    @property
    def macs(self) -> frozenset[bytes]:
        """The device's own hardware addresses."""
        return self.interfaces.macs() | ({self.own.mac} if self.own.mac is not None else frozenset())


def ask(walker: Walker, vlan_walker: Callable[[int], Walker] | None = None) -> Surroundings:
    """Walk the device's tables. ``vlan_walker`` makes one for a VLAN of a Cisco bridge; None: those are not asked.

    A table that cannot be read to its end is kept as far as it came and named in ``incomplete``; after a device has
    fallen silent nothing more is asked.
    """
    walker = replace(walker, most_objects=MOST_OBJECTS)
    objects: dict[Oid, Recorded] = {}
    there = set(walker.occupied([parse_oid(root) for root in ROOTS]))
    incomplete = _walk(walker, objects, [root for root in ROOTS if parse_oid(root) in there])
    columns = Columns(objects)
    read_so_far = read(objects)
    learnt = dict(read_so_far.learnt)
    vlans = forwarding.cisco_vlans(columns) if vlan_walker is not None and not incomplete else ()
    silent = []
    for vlan in vlans[:MOST_VLANS]:
        assert vlan_walker is not None
        of_vlan: dict[Oid, Recorded] = {}
        silent += [f"VLAN {vlan}: {why}" for why in _walk(vlan_walker(vlan), of_vlan, VLAN_ROOTS)[:1]]
        if len(silent) > MOST_SILENT_VLANS:
            break
        seen = Columns(of_vlan)
        ports = replace(read_so_far.interfaces, bridge_ports=interfaces.read(seen).bridge_ports)
        for whose, at in forwarding.learnt(seen, ports).items():
            learnt[whose] = learnt.get(whose, frozenset()) | at
    incomplete += silent
    return replace(read_so_far, learnt=learnt, incomplete=tuple(incomplete))


def _walk(walker: Walker, objects: dict[Oid, Recorded], roots: Sequence[str]) -> list[str]:
    """Why not everything could be read, if so."""
    failures = []
    for root, failure in zip(roots, walker.walk_into(objects, [parse_oid(root) for root in roots]), strict=False):
        if failure is not None:
            failures.append(f"{root}: {failure}")
            if failure == "no answer" or not objects:
                break
    return failures


def read(objects: Objects) -> Surroundings:
    """What is in the objects of one device, be they just walked or recorded earlier."""
    columns = Columns(objects)
    ports = interfaces.read(columns)
    object_id, port = columns.scalar(f"{SYSTEM}.2.0"), announced.root_bridge_port(columns)
    services, is_forwarding = columns.numbers(f"{SYSTEM}.7"), columns.numbers(IP_FORWARDING)
    value = object_id.value if object_id is not None else None
    return Surroundings(
        oid_text(value) if isinstance(value, tuple) else "",
        text(_octets(columns, "1.0")),
        name(_octets(columns, "5.0")),
        text(_octets(columns, "6.0")),
        services.get((0,)),
        {1: True, 2: False}.get(is_forwarding.get((0,), 0)),
        lldp.own(columns),
        ports,
        (*lldp.sightings(columns, ports), *announced.sightings(columns, ports)),
        forwarding.learnt(columns, ports),
        tuple(dict.fromkeys(forwarding.arp(columns))),
        forwarding.gateways(columns, ports),
        ports.of_bridge_port(port) if port is not None else None,
        announced.radio_mode(columns),
    )


def _octets(columns: Columns, oid: str) -> object:
    found = columns.scalar(f"{SYSTEM}.{oid}")
    return found.value if found is not None else None
