"""Neighbours by LLDP (IEEE 802.1AB): LLDP-MIB, LLDP-V2-MIB and Nokia's TIMETRA-LLDP-MIB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from collector.commands.neighbours.interfaces import Interfaces
from collector.commands.neighbours.objects import Columns, address, address_in_index, mac, mac_by_itself, name, text
from collector.commands.neighbours.sighting import Sighting
from collector.poll.snmp.codec import Oid

LOCAL = "1.0.8802.1.1.2.1.3"
ROOTS = (
    LOCAL,
    "1.0.8802.1.1.2.1.4.1.1",
    "1.0.8802.1.1.2.1.4.2.1.3",
    "1.3.111.2.802.1.1.13.1.3.2",
    "1.3.111.2.802.1.1.13.1.4.1.1",
    "1.3.111.2.802.1.1.13.1.4.2.1.3",
    "1.3.6.1.4.1.6527.3.1.2.59.4.1.1",
    "1.3.6.1.4.1.6527.3.1.2.59.4.2.1.3",
)
CAPABILITIES = ("other", "repeater", "bridge", "wlan", "router", "telephone", "docsis", "station")
"""LldpSystemCapabilitiesMap, from the most significant bit on."""
CHASSIS_MAC, CHASSIS_ADDRESS = 4, 5
WITHIN_A_DEVICE = (2, 3, 6)
"""Chassis ids that are the alias, part or name of an interface (LldpChassisIdSubtype): every VMware host is ``vmnic3``."""
PORT_MAC, PORT_ADDRESS, PORT_LOCAL = 3, 4, 7


class Dialect(NamedTuple):
    """A MIB with a table of remote systems: where it is, where its managed addresses are, its first column, and how many
    numbers stand before and behind the local port in an index."""

    table: str
    managed: str
    first: int
    before: int
    behind: int
    is_by_index: bool


DIALECTS = (
    Dialect("1.0.8802.1.1.2.1.4.1.1", "1.0.8802.1.1.2.1.4.2.1.3", 4, 1, 1, False),
    Dialect("1.3.111.2.802.1.1.13.1.4.1.1", "1.3.111.2.802.1.1.13.1.4.2.1.3", 5, 1, 2, True),
    Dialect("1.3.6.1.4.1.6527.3.1.2.59.4.1.1", "1.3.6.1.4.1.6527.3.1.2.59.4.2.1.3", 4, 1, 2, True),
)
"""LLDP-MIB numbers ports in its own way; the other two by ifIndex. The columns follow each other in the same order."""


class Own(NamedTuple):
    """Who a device says it is by LLDP; what it does not say is empty."""

    mac: bytes | None
    chassis: str
    name: str
    capabilities: frozenset[str]


NOT_SAID = Own(None, "", "", frozenset())


def own(columns: Columns) -> Own:
    """What the device sends about itself (lldpLocChassisId, lldpLocSysName, lldpLocSysCapEnabled)."""
    value = _scalar(columns, f"{LOCAL}.2.0") or _scalar(columns, "1.3.111.2.802.1.1.13.1.3.2.0")
    found = mac(value)
    chassis = "" if found is not None else text(value)
    return Own(found, chassis, name(_scalar(columns, f"{LOCAL}.3.0")), _capabilities(_scalar(columns, f"{LOCAL}.6.0")))


def sightings(columns: Columns, interfaces: Interfaces) -> Iterator[Sighting]:
    """Each neighbour in each of the tables. Rows that identify nobody are left out."""
    for dialect in DIALECTS:
        managed = _managed(columns, dialect)
        for index, row in _rows(columns, dialect).items():
            number = _local_port(index, dialect)
            port = _if_index(columns, interfaces, dialect, number)
            found = _sighting(row, managed.get(index, ()))._replace(
                port=port, local=_local_words(columns, dialect, number)
            )
            if not found.is_nobody:
                yield found


def _rows(columns: Columns, dialect: Dialect) -> dict[Oid, dict[int, object]]:
    """The cells of each row by their place from the first column on: subtype, chassis, subtype, port, texts."""
    rows: dict[Oid, dict[int, object]] = {}
    for index, cell in columns.below(dialect.table):
        if len(index) > 1:
            rows.setdefault(index[1:], {})[index[0] - dialect.first] = cell.value
    return rows


def _sighting(row: dict[int, object], managed: tuple[str, ...]) -> Sighting:
    """What the neighbour says of itself in a row."""
    chassis, kind = row.get(1), row.get(0)
    found = mac(chassis) if kind == CHASSIS_MAC else mac_by_itself(chassis)
    addresses = (*managed, *([_network_address(chassis)] if kind == CHASSIS_ADDRESS else []))
    port, port_kind = row.get(3), row.get(2)
    port_mac = mac(port) if port_kind == PORT_MAC else mac_by_itself(port)
    words = "" if port_mac is not None or port_kind == PORT_ADDRESS else text(port)
    called = name(row.get(5))
    return Sighting(
        "lldp",
        mac=found,
        names=(called,) if called else (),
        addresses=tuple(dict.fromkeys(filter(None, addresses))),
        chassis="" if found is not None or kind in (CHASSIS_ADDRESS, *WITHIN_A_DEVICE) else text(chassis),
        remote_ports=tuple(dict.fromkeys(filter(None, (words, _behind_bridge(words), text(row.get(4)))))),
        remote_mac=port_mac,
        remote_index=int(words) if port_kind == PORT_LOCAL and words.isascii() and words.isdigit() else None,
        capabilities=_capabilities(row.get(8)),
        description=text(row.get(6)),
    )


def _behind_bridge(words: str) -> str:
    """``ether5`` of ``bridge1/ether5``, as RouterOS names a port that is in a bridge."""
    before, slash, port = words.rpartition("/")
    return port if slash and before and port[:1].isalpha() else ""


def _local_port(index: Oid, dialect: Dialect) -> int | None:
    """The number of the local port in an index; some agents leave out the time that stands before it."""
    if len(index) == dialect.before + 1 + dialect.behind:
        return index[dialect.before]
    return index[0] if len(index) == 1 + dialect.behind else None


def _if_index(columns: Columns, interfaces: Interfaces, dialect: Dialect, port: int | None) -> int | None:
    """The ifIndex of a local port; None where its number could mean either of two, or is 0, as RouterOS has it of all."""
    if not port or dialect.is_by_index:
        return port if port in interfaces.rows else None
    told = _scalar(columns, f"{LOCAL}.7.1.3.{port}")
    by_name = interfaces.by_text(text(told)) or interfaces.by_text(text(_scalar(columns, f"{LOCAL}.7.1.4.{port}")))
    if by_name is not None:
        return by_name
    by_mac = interfaces.by_mac(mac(told))
    if by_mac is not None:
        return by_mac
    numbers = {
        found for found in (interfaces.bridge_ports.get(port), port if port in interfaces.rows else None) if found
    }
    return numbers.pop() if len(numbers) == 1 else None


def _local_words(columns: Columns, dialect: Dialect, port: int | None) -> str:
    if port is None:
        return ""
    told = "" if dialect.is_by_index else text(_scalar(columns, f"{LOCAL}.7.1.3.{port}"))
    return told if told.isprintable() and told else f"port {port}"


def _managed(columns: Columns, dialect: Dialect) -> dict[Oid, tuple[str, ...]]:
    """The management addresses of each row; they stand in the index, with their length or, from some agents, without."""
    found: dict[Oid, tuple[str, ...]] = {}
    width = dialect.before + 1 + dialect.behind
    for index, _ in columns.below(dialect.managed):
        rest = index[width:]
        told = address_in_index(rest) or (address(rest[1:]) if rest else None)
        if told is not None:
            found[index[:width]] = (*found.get(index[:width], ()), told)
    return found


def _network_address(chassis: object) -> str | None:
    """Octets with the family of the address before it (IANA: 1 is IPv4, 2 is IPv6)."""
    return address(chassis[1:]) if isinstance(chassis, bytes) and chassis[:1] in (b"\1", b"\2") else None


def _scalar(columns: Columns, oid: str) -> object:
    found = columns.scalar(oid)
    return None if found is None else found.value


def _capabilities(value: object) -> frozenset[str]:
    """The bits that are set."""
    if not isinstance(value, bytes) or not 1 <= len(value) <= 4:
        return frozenset()
    return frozenset(word for place, word in enumerate(CAPABILITIES) if value[0] & (0x80 >> place))
