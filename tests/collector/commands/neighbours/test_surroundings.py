"""Neighbour tables as real devices fill them, and what is made of each oddity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector import recordings
from collector.commands.neighbours.interfaces import Interface, Interfaces
from collector.commands.neighbours.sighting import Sighting
from collector.commands.neighbours.surroundings import Surroundings, ask, read
from collector.commands.walker import Walker
from collector.credentials import Credential
from collector.poll.snmp.codec import IP_ADDRESS, OCTETS, Message, Packet, Varbind, oid_text, parse_oid
from collector.reading import Device
from collector.recordings import Recorded

INTEGER = 2
MAC = bytes.fromhex("0011223344f5")
REMOTE = "1.0.8802.1.1.2.1.4.1.1"
CDP = "1.3.6.1.4.1.9.9.23.1.2.1.1"


def objects(rows: dict[str, Any]) -> dict[Any, Recorded]:
    """Objects by name, with the tag that their value's type asks for."""
    return {
        parse_oid(oid): Recorded(INTEGER if isinstance(value, int) else OCTETS, value) for oid, value in rows.items()
    }


def switch(**more: Any) -> dict[Any, Recorded]:
    """Two ports, Gi0/1 (ifIndex 10101, bridge port 1) and Gi0/2 (10102, bridge port 2), and ``more`` rows."""
    rows: dict[str, Any] = {}
    for port, index in ((1, 10101), (2, 10102)):
        rows[f"1.3.6.1.2.1.31.1.1.1.1.{index}"] = b"Gi0/%d" % port
        rows[f"1.3.6.1.2.1.2.2.1.2.{index}"] = b"GigabitEthernet0/%d" % port
        rows[f"1.3.6.1.2.1.2.2.1.6.{index}"] = MAC[:5] + bytes((port,))
        rows[f"1.3.6.1.2.1.17.1.4.1.2.{port}"] = index
    return objects(rows | more)


def lldp(index: str, chassis: Any, kind: int = 4, **cells: Any) -> dict[str, Any]:
    rows = {f"{REMOTE}.4.{index}": kind, f"{REMOTE}.5.{index}": chassis}
    return rows | {f"{REMOTE}.{column.lstrip('c')}.{index}": value for column, value in cells.items()}


CHASSIS = {
    "six octets": (lldp("0.1.1", MAC), (MAC, (), "")),
    "spelt out by RouterOS": (lldp("0.1.1", b"00:11:22:33:44:F5"), (MAC, (), "")),
    "spelt out with blanks": (lldp("0.1.1", b"00 11 22 33 44 f5"), (MAC, (), "")),
    "as Cisco spells it": (lldp("0.1.1", b"0011.2233.44f5"), (MAC, (), "")),
    "octets under the wrong subtype": (lldp("0.1.1", MAC, 7), (MAC, (), "")),
    "an address": (lldp("0.1.1", bytes((1, 10, 0, 0, 7)), 5), (None, ("10.0.0.7",), "")),
    "a serial number": (lldp("0.1.1", b"FCW1234L0AB", 7), (None, (), "FCW1234L0AB")),
    "a short name of six letters": (lldp("0.1.1", b"switch", 7), (None, (), "switch")),
}


@pytest.mark.parametrize(("rows", "expected"), CHASSIS.values(), ids=CHASSIS)
def test_a_chassis_is_known_however_it_is_written(rows: dict[str, Any], expected: Any) -> None:
    (found,) = read(switch(**rows)).sightings
    assert (found.mac, found.addresses, found.chassis) == expected


def test_the_name_of_an_interface_is_no_ones_own() -> None:
    """As Aruba CX shows VMware's hosts in LibreNMS's recording arubaos-cx: chassis vmnic3, of which there are many."""
    (found,) = read(switch(**lldp("5.1.16", b"vmnic3", 6, c6=3, c7=b"00:50:da:41:d5:d1", c9=b"vmhost-30"))).sightings
    assert (found.names, found.chassis, found.remote_mac) == (("vmhost-30",), "", bytes.fromhex("0050da41d5d1"))
    assert read(switch(**lldp("5.1.16", b"vmnic3", 6))).sightings == ()


def test_who_says_nothing_is_no_neighbour() -> None:
    rows = lldp("0.1.1", b"\0\0\0\0", 0) | lldp("0.2.1", bytes(6), 4, c9=b"\0\0\0\0")
    assert read(switch(**rows)).sightings == ()


PORTS = {
    "by the name that LLDP gives the port": ({"1.0.8802.1.1.2.1.3.7.1.3.7": b"Gi0/2"}, "0.7.1", 10102),
    "by its longer name": ({"1.0.8802.1.1.2.1.3.7.1.3.7": b"gigabitEthernet 0/2"}, "0.7.1", 10102),
    "by its hardware address": ({"1.0.8802.1.1.2.1.3.7.1.3.7": MAC[:5] + b"\2"}, "0.7.1", 10102),
    "by its hardware address in letters": ({"1.0.8802.1.1.2.1.3.7.1.3.7": b"00:11:22:33:44:02"}, "0.7.1", 10102),
    "by the bridge's number": ({}, "0.2.1", 10102),
    "by its ifIndex": ({}, "0.10102.1", 10102),
    "without the time before it": ({}, "2.1", 10102),
    "with a time before it": ({}, "83211.2.1", 10102),
    "nobody can tell": ({}, "0.0.1", None),
}


@pytest.mark.parametrize(("local", "index", "expected"), PORTS.values(), ids=PORTS)
def test_the_local_port_is_found(local: dict[str, Any], index: str, expected: int | None) -> None:
    (found,) = read(switch(**local, **lldp(index, MAC))).sightings
    assert found.port == expected


def test_a_number_that_may_mean_two_ports_means_none() -> None:
    rows: dict[str, Any] = {"1.3.6.1.2.1.31.1.1.1.1.2": b"Vlan2", **lldp("0.2.1", MAC)}
    (found,) = read(switch(**rows)).sightings
    assert found.port is None


def test_what_a_neighbour_says_of_itself() -> None:
    rows = lldp(
        "0.1.1", MAC, c6=7, c7=b"612", c8=b"uplink", c9=b"core-1\nrubbish", c10=b"Junos\r\n21.4", c12=b"\x28\x00"
    )
    rows |= {"1.0.8802.1.1.2.1.4.2.1.3.0.1.1.1.4.10.0.0.9": 2, "1.0.8802.1.1.2.1.4.2.1.3.0.1.1.1.10.0.0.10": 2}
    (found,) = read(switch(**rows)).sightings
    assert found == Sighting(
        "lldp",
        10101,
        "port 1",
        MAC,
        ("core-1",),
        ("10.0.0.9", "10.0.0.10"),
        "",
        ("612", "uplink"),
        None,
        612,
        frozenset({"bridge", "router"}),
        "Junos 21.4",
    )


def test_the_newer_mib_numbers_ports_by_if_index() -> None:
    remote = "1.3.111.2.802.1.1.13.1.4.1.1"
    rows = {f"{remote}.5.0.10102.1.3": 4, f"{remote}.6.0.10102.1.3": MAC, f"{remote}.10.0.10102.1.3": b"agg-2"}
    (found,) = read(switch(**rows)).sightings
    assert (found.port, found.mac, found.names) == (10102, MAC, ("agg-2",))


CDP_IDS = {
    "a name with its domain": (b"sw-1.example.net", None, ("sw-1.example.net",)),
    "NX-OS": (b"sw-1(SSI1834ABC)", None, ("sw-1", "SSI1834ABC")),
    "CatOS": (b"SAL0712XYZ(sw-1)", None, ("SAL0712XYZ", "sw-1")),
    "an address in letters": (b"0011223344f5", MAC, ()),
    "an address in octets": (MAC, MAC, ()),
}


@pytest.mark.parametrize(("told", "mac", "names"), CDP_IDS.values(), ids=CDP_IDS)
def test_cdp_names_are_taken_apart(told: bytes, mac: bytes | None, names: tuple[str, ...]) -> None:
    rows = {f"{CDP}.6.10101.4": told, f"{CDP}.3.10101.4": 1, f"{CDP}.4.10101.4": bytes((10, 0, 0, 2))}
    rows |= {f"{CDP}.7.10101.4": b"FastEthernet0/3", f"{CDP}.9.10101.4": bytes((0, 0, 0, 0x28))}
    (found,) = read(switch(**rows)).sightings
    assert (found.port, found.mac, found.names, found.addresses) == (10101, mac, names, ("10.0.0.2",))
    assert (found.remote_ports, found.capabilities) == (("FastEthernet0/3",), frozenset({"bridge"}))


def test_the_bridge_above_and_the_clients_below() -> None:
    rows = {"1.3.6.1.2.1.17.2.7.0": 2, "1.3.6.1.2.1.17.2.15.1.8.2": b"\x80\0" + MAC}
    rows |= {"1.3.6.1.4.1.14988.1.1.1.2.1.1.0.17.34.51.68.246.5": MAC[:5] + b"\xf6"}
    seen = read(switch(**rows))
    assert [(found.by, found.port, found.mac) for found in seen.sightings] == [
        ("stp", 10102, MAC),
        ("registration", None, MAC[:5] + b"\xf6"),
    ]
    assert seen.root_port == 10102


def test_where_others_were_seen() -> None:
    other, third = bytes.fromhex("0a0000000001"), bytes.fromhex("0a0000000002")
    bridged = {"1.3.6.1.2.1.17.4.3.1.2.10.0.0.0.0.1": 1, "1.3.6.1.2.1.17.4.3.1.2.0.0.94.0.1.7": 1}
    by_vlan = {"1.3.6.1.2.1.17.7.1.2.2.1.2.30.10.0.0.0.0.1": 2, "1.3.6.1.2.1.17.7.1.2.2.1.2.30.10.0.0.0.0.2": 0}
    arp = {"1.3.6.1.2.1.4.22.1.2.10101.10.0.0.1": other, "1.3.6.1.2.1.4.35.1.4.10102.1.4.10.0.0.2": third}
    seen = read(switch(**bridged, **by_vlan, **arp))
    assert seen.learnt == {other: {10101, 10102}, bytes.fromhex("00005e000107"): {10101}}
    assert {(entry.port, entry.address, entry.mac) for entry in seen.arp} == {
        (10101, "10.0.0.1", other),
        (10102, "10.0.0.2", third),
    }


ROUTES = {
    "the oldest table": {
        "1.3.6.1.2.1.4.21.1.7.0.0.0.0": Recorded(IP_ADDRESS, bytes((10, 0, 0, 1))),
        "1.3.6.1.2.1.4.21.1.2.0.0.0.0": Recorded(INTEGER, 10101),
    },
    "by prefix": {"1.3.6.1.2.1.4.24.4.1.5.0.0.0.0.0.0.0.0.0.10.0.0.1": Recorded(INTEGER, 10101)},
    "of both families": {"1.3.6.1.2.1.4.24.7.1.7.1.4.0.0.0.0.0.2.0.0.1.4.10.0.0.1": Recorded(INTEGER, 10101)},
    "without a policy": {"1.3.6.1.2.1.4.24.7.1.7.1.4.0.0.0.0.0.0.1.4.10.0.0.1": Recorded(INTEGER, 10101)},
}


@pytest.mark.parametrize("rows", ROUTES.values(), ids=ROUTES)
def test_the_default_gateway(rows: dict[str, Recorded]) -> None:
    seen = read(switch() | {parse_oid(oid): cell for oid, cell in rows.items()})
    assert [tuple(gateway) for gateway in seen.gateways] == [("10.0.0.1", 10101)]


def test_units_and_members_belong_to_their_line() -> None:
    rows = {1: "ge-0/0/1", 2: "ge-0/0/1.0", 3: "ae0", 4: "ge-0/0/2", 5: "vlan.7"}
    ports = Interfaces({index: Interface(index, name) for index, name in rows.items()}, bundles={4: 3})
    assert [ports.line_of(index) for index in rows] == [1, 1, 3, 3, 5]
    assert ports.by_text("") is ports.by_text("ge-0/0/9") is None


RECORDED = {
    "dlink_dgs-3420-28tc": {("1/25", "00:1e:58:5c:09:00", "")},
    "edgeswitch_us-8-v2": {("0/1", "20:4c:9e:6e:08:fe", "US8v2Location")},
    "junos_mx5t-isis": {
        ("xe-0/0/1", "a8:d0:e5:55:c6:d0", "lab-er2"),
        ("ge-1/1/0", "18:2a:d3:84:c2:47", "lab-s1"),
        ("ge-1/1/9", "18:2a:d3:84:c2:47", "lab-s1"),
    },
    "ios_stp-vlans": {("Gi2/0/24", "74:83:c2:fa:9a:6b", "")},
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_devices_name_their_neighbours(shared: Path, name: str) -> None:
    found, _ = recordings.read(shared / "data" / "snmp_recordings" / f"{name}.snmprec")
    seen = read(found)
    told = {
        (seen.interfaces.title(s.port), s.mac.hex(":") if s.mac else "", *(s.names[:1] or ("",)))
        for s in seen.sightings
    }
    assert told >= RECORDED[name]


def test_every_recorded_bridge_is_read(shared: Path) -> None:
    """Each hardware address of dot1dTpFdbPort or dot1qTpFdbPort at a known port of these is learnt."""
    counts = {}
    for name in ("dlink_des-3528", "ies5000_5106", "routeros_rb433gl", "tplink_sg2008", "arris-d5"):
        found, _ = recordings.read(shared / "data" / "snmp_recordings" / f"{name}.snmprec")
        counts[name] = len(read(found).learnt)
    assert counts == {
        "dlink_des-3528": 62,
        "ies5000_5106": 260,
        "routeros_rb433gl": 137,
        "tplink_sg2008": 36,
        "arris-d5": 33,
    }


def test_a_real_agent_is_asked(snmpd: Any) -> None:
    device = Device("a", snmpd.address, "router", "x", port=snmpd.port)
    credential = Credential("default", community=snmpd.community)
    seen = ask(Walker(device, credential, timeout_seconds=2, tries=2))
    assert (seen.name, seen.incomplete) == ("bairro-agent", ())
    assert "lo" in [row.name for row in seen.interfaces.rows.values()]


def test_a_device_that_is_not_there_is_asked_once(free_port: Any) -> None:
    device = Device("a", "127.0.0.1", "router", "x", port=free_port())
    seen = ask(Walker(device, Credential("default"), timeout_seconds=0.01, tries=1))
    assert seen == Surroundings(incomplete=seen.incomplete)
    assert len(seen.incomplete) == 1


class Stub:
    """Answers one GETNEXT for several names with these names, and error status."""

    def __init__(self, names: list[str], error_status: int = 0) -> None:
        self.binds = [Varbind(parse_oid(name) if name else (), INTEGER, 1) for name in names]
        self.error_status = error_status

    def ask(self, packet: Packet) -> Message:
        return Message(1, b"", 0xA2, 0, self.error_status, 0, self.binds)


OCCUPIED = {
    "the first is there, the second is not": (["1.3.6.1.2.7", "1.3.6.1.4.1"], 0, ["1.3.6.1.2"]),
    "fewer names than asked for": (["1.3.6.1.2.7"], 0, ["1.3.6.1.2", "1.3.6.1.3"]),
    "in another order": (["1.3.6.1.4.1", "1.3.6.1.2.7"], 0, ["1.3.6.1.2", "1.3.6.1.3"]),
    "a name that cannot be read": (["1.3.6.1.2.7", ""], 0, ["1.3.6.1.2", "1.3.6.1.3"]),
    "version 1 at its end": (["1.3.6.1.2.7", "1.3.6.1.4.1"], 2, ["1.3.6.1.2", "1.3.6.1.3"]),
}


@pytest.mark.parametrize(("names", "error_status", "expected"), OCCUPIED.values(), ids=OCCUPIED)
def test_tables_that_are_not_there_are_not_asked(names: list[str], error_status: int, expected: list[str]) -> None:
    """What an agent does not answer as it should is no reason to leave a table out."""
    walker = Walker(Device("a", "127.0.0.1", "router", "x"), Credential("default"), timeout_seconds=1, tries=1)
    roots = [parse_oid("1.3.6.1.2"), parse_oid("1.3.6.1.3")]
    caller: Any = Stub(names, error_status)
    assert [oid_text(root) for root in walker.occupied_among(roots, caller)] == expected
