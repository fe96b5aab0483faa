"""Neighbours by Cisco's and MikroTik's own announcements (CISCO-CDP-MIB, MIKROTIK-MIB), by the spanning tree
(BRIDGE-MIB), and clients that a radio or a CMTS has registered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from collector.commands.neighbours.interfaces import Interfaces
from collector.commands.neighbours.objects import Columns, address, mac, mac_by_itself, name, text
from collector.commands.neighbours.sighting import Sighting
from collector.poll.snmp.codec import Oid

CDP = "1.3.6.1.4.1.9.9.23.1.2.1.1"
MNDP = "1.3.6.1.4.1.14988.1.1.11.1.1"
STP = "1.3.6.1.2.1.17.2"
REGISTERED = (
    "1.3.6.1.2.1.10.127.1.3.3.1.2",
    "1.3.6.1.4.1.4491.2.1.20.1.3.1.2",
    "1.3.6.1.4.1.14988.1.1.1.2.1.1",
    "1.3.6.1.4.1.41112.1.4.7.1.1",
)
"""Columns of hardware addresses: docsIfCmtsCmStatusMacAddress (RFC 4546), docsIf3CmtsCmRegStatusMacAddr (DOCS-IF3-MIB),
mtxrWlRtabAddr (MIKROTIK-MIB), ubntStaMac (UBNT-AirMAX-MIB)."""
RADIO_MODE = "1.3.6.1.4.1.41112.1.4.1.1.2"
"""ubntRadioMode (UBNT-AirMAX-MIB): 1 is a station, 2 to 4 are access points."""
ROOTS = (CDP, MNDP, f"{STP}.7", f"{STP}.15.1.8", *REGISTERED, RADIO_MODE)
_CDP_CAPABILITIES = {
    0x01: "router",
    0x02: "bridge",
    0x08: "bridge",
    0x10: "station",
    0x40: "repeater",
    0x80: "telephone",
}
_BARE_MAC = re.compile("[0-9a-fA-F]{12}")
"""As ProCurve switches and phones write it."""
_WITH_SERIAL = re.compile(r"([^()\s]+)\(([^()\s]+)\)")


def sightings(columns: Columns, interfaces: Interfaces) -> Iterator[Sighting]:
    """All of them; rows that identify nobody are left out."""
    for found in (
        *_cdp(columns, interfaces),
        *_mndp(columns, interfaces),
        *_stp(columns, interfaces),
        *_registered(columns),
    ):
        if not found.is_nobody:
            yield found


def _rows(columns: Columns, table: str) -> dict[Oid, dict[int, object]]:
    rows: dict[Oid, dict[int, object]] = {}
    for index, cell in columns.below(table):
        if len(index) > 1:
            rows.setdefault(index[1:], {})[index[0]] = cell.value
    return rows


def _cdp(columns: Columns, interfaces: Interfaces) -> Iterator[Sighting]:
    """cdpCacheTable: indexed by ifIndex. A device id is a name, perhaps with domain or serial number, or a MAC address."""
    for index, row in _rows(columns, CDP).items():
        told = row.get(6)
        words = text(told)
        found = mac_by_itself(told) or (mac(bytes.fromhex(words)) if _BARE_MAC.fullmatch(words) else None)
        addresses = (_ip(row.get(4)) if row.get(3, 1) == 1 else None, _ip(row.get(20)) if row.get(19) == 1 else None)
        names = (name(row.get(17)), *(() if found else _cdp_names(words)))
        yield Sighting(
            "cdp",
            index[0] if index[0] in interfaces.rows else None,
            f"port {index[0]}",
            found,
            tuple(dict.fromkeys(filter(None, names))),
            tuple(dict.fromkeys(filter(None, addresses))),
            "",
            tuple(filter(None, (text(row.get(7)),))),
            capabilities=_cdp_capabilities(row.get(9)),
            description=text(row.get(8)),
        )


def _cdp_names(words: str) -> tuple[str, ...]:
    """``sw-1.example.net``; NX-OS writes ``sw-1(SSI1234)``, CatOS ``SERIAL(sw-1)``: either may be the name."""
    match = _WITH_SERIAL.fullmatch(words)
    return (match[1], match[2]) if match else (words,)


def _cdp_capabilities(value: object) -> frozenset[str]:
    if not isinstance(value, bytes) or not value:
        return frozenset()
    bits = int.from_bytes(value, "big")
    return frozenset(word for bit, word in _CDP_CAPABILITIES.items() if bits & bit)


def _ip(value: object) -> str | None:
    return address(value) if isinstance(value, bytes) else None


def _mndp(columns: Columns, interfaces: Interfaces) -> Iterator[Sighting]:
    """mtxrNeighborTable. Broadcasts that cross bridges: such a neighbour need not be the next device."""
    for row in _rows(columns, MNDP).values():
        called, at = name(row.get(6)), row.get(8)
        yield Sighting(
            "mndp",
            at if isinstance(at, int) and at in interfaces.rows else None,
            "",
            mac(row.get(3)),
            (called,) if called else (),
            tuple(filter(None, (_ip(row.get(2)),))),
            description=text(row.get(5)),
        )


def _stp(columns: Columns, interfaces: Interfaces) -> Iterator[Sighting]:
    """The bridge above, as the spanning tree has it: the designated one of the root port (dot1dStpPortDesignatedBridge)."""
    port = root_bridge_port(columns)
    bridge = columns.scalar(f"{STP}.15.1.8.{port}") if port is not None else None
    if port is not None and bridge is not None and isinstance(bridge.value, bytes) and len(bridge.value) == 8:
        yield Sighting("stp", interfaces.of_bridge_port(port), f"bridge port {port}", mac(bridge.value[2:]))


def root_bridge_port(columns: Columns) -> int | None:
    """The port towards the root of the spanning tree (dot1dStpRootPort); None at the root itself, or without a tree."""
    found = columns.scalar(f"{STP}.7.0")
    return found.value if found is not None and isinstance(found.value, int) and found.value > 0 else None


def radio_mode(columns: Columns) -> Literal["station", "ap"] | None:
    """Which end of its links a radio is, where all of its radios are of one kind and say so."""
    modes = set(columns.numbers(RADIO_MODE).values())
    if modes == {1}:
        return "station"
    return "ap" if modes and modes <= {2, 3, 4} else None


def _registered(columns: Columns) -> Iterator[Sighting]:
    for column in REGISTERED:
        for value in columns.octets(column).values():
            yield Sighting("registration", mac=mac(value))
