"""The interfaces of one device, and which of them somebody means by a name, a number or a hardware address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collector.commands.neighbours.objects import Columns, address, address_in_index, mac

ROOTS = (
    "1.3.6.1.2.1.31.1.1.1.1",
    "1.3.6.1.2.1.31.1.1.1.15",
    "1.3.6.1.2.1.31.1.1.1.18",
    "1.3.6.1.2.1.2.2.1.2",
    "1.3.6.1.2.1.2.2.1.3",
    "1.3.6.1.2.1.2.2.1.6",
    "1.3.6.1.2.1.2.2.1.8",
    "1.3.6.1.2.1.4.20.1.2",
    "1.3.6.1.2.1.4.34.1.3",
    "1.3.6.1.2.1.17.1.1",
    "1.3.6.1.2.1.17.1.4.1.2",
    "1.2.840.10006.300.43.1.2.1.1.13",
)
"""ifName, ifHighSpeed, ifAlias, ifDescr, ifType, ifPhysAddress, ifOperStatus (RFC 2863); ipAdEntIfIndex, ipAddressIfIndex
(RFC 4293); dot1dBaseBridgeAddress, dot1dBasePortIfIndex (RFC 4188); dot3adAggPortAttachedAggID (IEEE8023-LAG-MIB)."""
_UNIT = re.compile(r"(.*[0-9])\.[0-9]+")
_PARTS = re.compile(r"([A-Za-z][A-Za-z \-_]*?)[ \-_]*([0-9].*)")


@dataclass(frozen=True, slots=True)
class Interface:
    """One row of ifTable. ``name`` is ifName, or ifDescr where there is none; what the device did not say is None."""

    index: int
    name: str
    description: str = ""
    alias: str = ""
    mac: bytes | None = None
    kind: int | None = None
    is_up: bool | None = None
    speed_mbps: int | None = None


@dataclass(frozen=True)
class Interfaces:
    """All interfaces of a device by ifIndex, its own addresses, and how its bridge and its bundles number them.

    ``addresses`` leads from each IP address to an ifIndex, ``bridge_ports`` from dot1dBasePort to one, ``bundles`` from
    a member of an aggregate to that.
    """

    rows: dict[int, Interface] = field(default_factory=dict)
    addresses: dict[str, int] = field(default_factory=dict)
    bridge_ports: dict[int, int] = field(default_factory=dict)
    bundles: dict[int, int] = field(default_factory=dict)
    bridge_mac: bytes | None = None

    def macs(self) -> frozenset[bytes]:
        """The hardware addresses of the device."""
        own = {row.mac for row in self.rows.values()} | {self.bridge_mac}
        return frozenset(found for found in own if found is not None)

    def of_bridge_port(self, port: int) -> int | None:
        """The ifIndex of a port of the bridge; without a table of them, the number itself where it is an ifIndex."""
        if self.bridge_ports:
            return self.bridge_ports.get(port)
        return port if port in self.rows else None

    def by_text(self, words: str) -> int | None:
        """The one interface that is called so, by ifName, ifDescr or ifAlias, then by a shorter spelling of these."""
        words = words.strip()
        if not words:
            return None
        for matches in (_same, _alike):
            found = {row.index for row in self.rows.values() if any(matches(words, name) for name in _names(row))}
            if found:
                return found.pop() if len(found) == 1 else self._named(words)
        return None

    def _named(self, words: str) -> int | None:
        """Several match: the one whose ifName it is."""
        found = [row.index for row in self.rows.values() if row.name == words]
        return found[0] if len(found) == 1 else None

    def by_mac(self, wanted: bytes | None) -> int | None:
        """The one interface with this hardware address; VLANs and bridges that share their port's do not count."""
        if wanted is None:
            return None
        found = [row for row in self.rows.values() if row.mac == wanted]
        if len(found) > 1:
            found = [row for row in found if row.kind in (6, 71, 117, 62, 69)]
        return found[0].index if len(found) == 1 else None

    def line_of(self, index: int | None) -> int | None:
        """What an interface is a part of: the port of a unit (``ge-0/0/1.0``), the aggregate of its member; or itself."""
        if index is None or index not in self.rows:
            return index
        match = _UNIT.fullmatch(self.rows[index].name)
        port = self.by_text(match[1]) if match else None
        index = index if port is None else port
        return self.bundles.get(index, index)

    def title(self, index: int | None) -> str:
        """What the inventory calls it; empty where it has no name."""
        row = self.rows.get(index) if index is not None else None
        return row.name if row is not None else ""


def read(columns: Columns) -> Interfaces:
    """The interfaces in what was walked."""
    names, descriptions = columns.texts("1.3.6.1.2.1.31.1.1.1.1"), columns.texts("1.3.6.1.2.1.2.2.1.2")
    aliases, physical = columns.texts("1.3.6.1.2.1.31.1.1.1.18"), columns.octets("1.3.6.1.2.1.2.2.1.6")
    kinds, states = columns.numbers("1.3.6.1.2.1.2.2.1.3"), columns.numbers("1.3.6.1.2.1.2.2.1.8")
    speeds = columns.numbers("1.3.6.1.2.1.31.1.1.1.15")
    rows = {}
    for index in sorted({*names, *descriptions, *kinds}):
        if len(index) == 1:
            rows[index[0]] = Interface(
                index[0],
                names.get(index) or descriptions.get(index, ""),
                descriptions.get(index, ""),
                aliases.get(index, ""),
                mac(physical.get(index)),
                kinds.get(index),
                {1: True, 2: False}.get(states.get(index, 0)),
                speeds.get(index) or None,
            )
    bridge = columns.scalar("1.3.6.1.2.1.17.1.1.0")
    return Interfaces(
        rows,
        dict(_addresses(columns)),
        {index[0]: at for index, at in columns.numbers("1.3.6.1.2.1.17.1.4.1.2").items() if len(index) == 1},
        {
            index[0]: at
            for index, at in columns.numbers("1.2.840.10006.300.43.1.2.1.1.13").items()
            if len(index) == 1 and at in rows and at != index[0]
        },
        mac(bridge.value) if bridge is not None else None,
    )


def _addresses(columns: Columns) -> Iterator[tuple[str, int]]:
    for index, at in columns.numbers("1.3.6.1.2.1.4.34.1.3").items():
        found = address_in_index(index)
        if found is not None:
            yield found, at
    for index, at in columns.numbers("1.3.6.1.2.1.4.20.1.2").items():
        found = address(index)
        if found is not None:
            yield found, at


def _names(row: Interface) -> tuple[str, ...]:
    return tuple(filter(None, (row.name, row.description, row.alias)))


def _same(words: str, name: str) -> bool:
    return words.casefold() == name.casefold()


def _alike(words: str, name: str) -> bool:
    """Whether one shortens the other: ``Gi0/1`` and ``GigabitEthernet0/1``, with the same numbers."""
    first, second = _PARTS.fullmatch(words), _PARTS.fullmatch(name)
    if first is None or second is None or first[2].casefold() != second[2].casefold():
        return False
    short, long = sorted((_letters(first[1]), _letters(second[1])), key=len)
    return long.startswith(short)


def _letters(words: str) -> str:
    return re.sub("[^a-z]", "", words.casefold())
