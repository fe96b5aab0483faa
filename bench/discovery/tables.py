"""The MIB tables of each device of the network, with the habits of its maker: how LLDP, CDP and bridges are really filled.

The habits are those of recordings (LibreNMS's tests/snmpsim) and of the makers' documents: hardware addresses spelt out
by RouterOS, ports named by their address by D-Link and by number by Junos, rows without a time by TP-Link, names with a
domain or a serial number in CDP, bridge tables split by VLAN by IOS, LLDP rows at a port 0 that says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.discovery.network import Network, Node

Value = int | bytes | str
"""A number, octets, or an object identifier as text."""
Objects = dict[str, Value]
LLDP, CDP, IF, IFX = "1.0.8802.1.1.2.1", "1.3.6.1.4.1.9.9.23.1.2.1.1", "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
BRIDGE, QBRIDGE = "1.3.6.1.2.1.17", "1.3.6.1.2.1.17.7.1.2.2.1.2"
KINDS = {
    "ios": ("1.3.6.1.4.1.9.1.1208", "Cisco IOS Software, C2960S Software (C2960S-UNIVERSALK9-M), Version 15.2(2)E8"),
    "nxos": ("1.3.6.1.4.1.9.12.3.1.3.1084", "Cisco NX-OS(tm) n3000, Software (n3000-uk9), Version 7.0(3)I7(8)"),
    "junos": ("1.3.6.1.4.1.2636.1.1.1.2.90", "Juniper Networks, Inc. mx5-t internet router, kernel JUNOS 19.4R3.11"),
    "procurve": ("1.3.6.1.4.1.11.2.3.7.11.154", "HP J9773A 2530-24G-PoEP Switch, revision YA.16.08"),
    "dlink": ("1.3.6.1.4.1.171.10.119.1", "DGS-3420-28TC Gigabit Ethernet Switch"),
    "tplink": ("1.3.6.1.4.1.11863.5.72", "JetStream 16-Port Gigabit L2 Managed Switch with 2 SFP Slots"),
    "edgeswitch": ("1.3.6.1.4.1.4413", "EdgeSwitch 24-Port 250W, 1.9.3, Linux 3.6.5-1b505fb7"),
    "mute_switch": ("1.3.6.1.4.1.4526.100.4.18", "GS724T"),
    "routeros": ("1.3.6.1.4.1.14988.1", "RouterOS RB760iGS"),
    "airos": ("1.3.6.1.4.1.41112.1.4", "Linux 2.6.33 #1 Mon Jul 11 2022 mips"),
    "modem": ("1.3.6.1.4.1.6321.2.1.1", "Calix ONT 716GE 10.7.110.17 platform 3(C7)"),
    "olt": ("1.3.6.1.4.1.3902.1082.1001.320.2.1", "C320 Version V2.1.0 Software, Copyright (c) by ZTE Corporation"),
}
VLAN = 120


def objects_of(network: Network, node: Node) -> tuple[Objects, Objects]:
    """What the device answers, and what it answers to the community of its VLAN (Cisco only; empty otherwise)."""
    found: Objects = {}
    of_vlan: Objects = {}
    found |= dict(_system(node))
    found |= dict(_interfaces(node))
    if node.speaks_lldp:
        found |= dict(_lldp(network, node))
    if node.style in ("ios", "nxos"):
        found |= dict(_cdp(network, node))
    if node.has_bridge:
        seen = dict(_bridge(network, node))
        (of_vlan if node.style == "ios" else found).update(seen)
    if node.style == "ios":
        found |= {f"1.3.6.1.4.1.9.9.46.1.3.1.1.2.1.{vlan}": 1 for vlan in (1, VLAN, 1002, 1003)}
    found |= dict(_routing(network, node))
    found |= dict(_radio(network, node))
    return found, of_vlan


def _system(node: Node) -> Iterator[tuple[str, Value]]:
    object_id, description = KINDS[node.style]
    if node.style == "junos" and not node.is_router:
        object_id, description = "1.3.6.1.4.1.2636.1.1.1.4.131.2", "Juniper Networks, Inc. ex3400-48t Ethernet Switch"
    domain = ".net.example" if node.style in ("ios", "junos") else ""
    yield "1.3.6.1.2.1.1.1.0", description.encode()
    yield "1.3.6.1.2.1.1.2.0", object_id
    yield "1.3.6.1.2.1.1.3.0", 8640000 + node.number
    yield "1.3.6.1.2.1.1.5.0", (node.sys_name + domain).encode()
    yield "1.3.6.1.2.1.1.6.0", b"Unknown" if node.style in ("modem", "airos") else node.area.encode()
    yield "1.3.6.1.2.1.4.1.0", 1 if node.is_router else 2


def _interfaces(node: Node) -> Iterator[tuple[str, Value]]:
    for index, name in node.ports.items():
        yield f"{IF}.2.{index}", (f"GigabitEthernet0/{index - 10100}" if node.style == "ios" else name).encode()
        yield f"{IF}.3.{index}", 71 if name == "ath0" else 6
        yield f"{IF}.6.{index}", node.port_mac(index)
        yield f"{IF}.8.{index}", 1 if index in node.links else 2
        yield f"{IFX}.1.{index}", name.encode()
    if node.style in ("ios", "nxos"):
        yield f"{IFX}.1.7", b"Vl120"
        yield f"{IF}.3.7", 53
        yield f"{IF}.6.7", node.mac
    if node.style == "nxos":
        yield f"{IFX}.1.369098752", b"port-channel1"
        yield f"{IF}.3.369098752", 161
        for port in node.uplinks:
            yield f"1.2.840.10006.300.43.1.2.1.1.13.{port}", 369098752
    home = 7 if node.style in ("ios", "nxos") else node.uplinks[0] if node.uplinks else next(iter(node.ports))
    yield f"1.3.6.1.2.1.4.20.1.2.{node.address}", home


def _lldp(network: Network, node: Node) -> Iterator[tuple[str, Value]]:
    yield f"{LLDP}.3.1.0", 4
    yield f"{LLDP}.3.2.0", _spelt(node, node.mac)
    yield f"{LLDP}.3.3.0", node.sys_name.encode()
    yield f"{LLDP}.3.6.0", b"\x28" if node.is_router else b"\x20"
    for place, (index, name) in enumerate(node.ports.items(), 1):
        kind, told = _port_id(node, index, name)
        yield f"{LLDP}.3.7.1.2.{_lldp_number(node, place, index)}", kind
        yield f"{LLDP}.3.7.1.3.{_lldp_number(node, place, index)}", told
    for place, (index, _) in enumerate(node.ports.items(), 1):
        for number, (other, port) in enumerate(_heard(network, node, index), 1):
            number_here = _lldp_number(node, place, index)
            row = (
                f"{number_here}.{number + place * 10}"
                if node.style == "tplink"
                else f"0.{number_here}.{number + place * 10}"
            )
            yield from _remote(node, other, port, row)


def _lldp_number(node: Node, place: int, index: int) -> int:
    """lldpLocPortNum: RouterOS of some versions gives 0 for all, ProCurve and D-Link count, others take ifIndex."""
    if node.style == "routeros" and node.number % 2:
        return 0
    return place if node.style in ("ios", "procurve", "dlink", "edgeswitch", "tplink") else index


def _port_id(node: Node, index: int, name: str) -> tuple[int, bytes]:
    if node.style in ("dlink", "routeros"):
        return 3, _spelt(node, node.port_mac(index))
    if node.style == "junos":
        return 7, str(index).encode()
    if node.style == "edgeswitch":
        return 5, f"Port {name.partition('/')[2]}".encode()
    return (7 if node.style == "procurve" else 5), name.encode()


def _sent_port_id(node: Node, index: int, name: str) -> tuple[int, bytes]:
    """What goes out on the wire; RouterOS sends the name, with the bridge before it."""
    if node.style == "routeros":
        return 5, (f"bridge1/{name}" if not node.is_router else name).encode()
    if node.style == "edgeswitch":
        return 5, name.encode()
    return _port_id(node, index, name)


def _heard(network: Network, node: Node, index: int) -> list[tuple[Node, int]]:
    """Who is heard at a port: the next device, if it sends LLDP, or the first behind those that let it through."""
    heard = []
    ahead = [(node, *node.links[index])] if index in node.links else []
    while ahead:
        before, name, port = ahead.pop()
        other = network.nodes[name]
        if other.speaks_lldp:
            heard.append((other, port))
        elif other.lets_lldp_through:
            ahead += [(other, beyond, at) for beyond, at in other.links.values() if beyond != before.name]
            ahead += [
                (other, client, network.nodes[client].uplinks[0])
                for client in (*other.clients, *other.wired)
                if client != before.name
            ]
    return heard


def _remote(node: Node, other: Node, port: int, row: str) -> Iterator[tuple[str, Value]]:
    kind, told = _sent_port_id(other, port, other.ports[port])
    remote = f"{LLDP}.4.1.1"
    yield f"{remote}.4.{row}", 4
    yield f"{remote}.5.{row}", _spelt(node, other.mac)
    yield f"{remote}.6.{row}", kind
    yield f"{remote}.7.{row}", told
    yield f"{remote}.8.{row}", other.ports[port].encode() if other.style == "junos" else b""
    yield f"{remote}.9.{row}", other.sys_name.encode() if node.number % 5 else b""
    yield f"{remote}.12.{row}", b"\x28" if other.is_router else b"\x20"
    if node.style in ("ios", "junos", "edgeswitch"):
        yield f"{LLDP}.4.2.1.3.{row}.1.4.{other.address}", 2


def _spelt(node: Node, mac: bytes) -> bytes:
    """In octets, or as text."""
    return mac.hex(":").upper().encode() if node.style == "routeros" else mac


def _cdp(network: Network, node: Node) -> Iterator[tuple[str, Value]]:
    """Only Cisco's own speak it, and RouterOS, which sends all of its announcements at once."""
    for index, (name, port) in node.links.items():
        other = network.nodes[name]
        if other.style not in ("ios", "nxos", "routeros"):
            continue
        told = f"{other.sys_name}(SSI{other.number:05d})" if other.style == "nxos" else other.sys_name
        told += ".net.example" if other.style == "ios" else ""
        yield f"{CDP}.3.{index}.1", 1
        yield f"{CDP}.4.{index}.1", bytes(map(int, other.address.split(".")))
        yield f"{CDP}.6.{index}.1", told.encode()
        yield f"{CDP}.7.{index}.1", other.ports[port].encode()


def _bridge(network: Network, node: Node) -> Iterator[tuple[str, Value]]:
    """Everybody in the same network as this bridge is learnt at the port that leads to them; some are forgotten."""
    bridge_ports = {index: place for place, index in enumerate(node.ports, 1)}
    for index, place in bridge_ports.items():
        yield f"{BRIDGE}.1.4.1.2.{place}", index
    for other in network.nodes.values():
        if other is node or not _is_in_reach(network, node, other):
            continue
        port = _towards(network, node, other)
        if port is not None and network.random.random() > 0.03:
            octets = ".".join(map(str, other.port_mac(other.uplinks[0]) if other.uplinks else other.mac))
            column = f"{BRIDGE}.4.3.1.2" if node.style in ("ios", "mute_switch", "tplink") else f"{QBRIDGE}.{VLAN}"
            yield f"{column}.{octets}", bridge_ports[port]
            if other.is_router:
                below = ".".join(map(str, other.port_mac(_lan_port(network, node, other))))
                yield f"{column}.{below}", bridge_ports[port]


def _segment(network: Network, node: Node) -> str:
    """The router whose network a device is in; of a router, the network above it."""
    return node.gateway or node.name


def _is_in_reach(network: Network, node: Node, other: Node) -> bool:
    """Whether frames of ``other`` come to ``node`` without passing a router."""
    return _segment(network, other) == _segment(network, node) or other.name == _segment(network, node)


def _lan_port(network: Network, node: Node, router: Node) -> int:
    """The router's port towards ``node``."""
    return next(
        (
            port
            for port, (name, _) in router.links.items()
            if port not in router.uplinks and network.is_below(node.name, name)
        ),
        next(iter(router.ports)),
    )


def _towards(network: Network, node: Node, other: Node) -> int | None:
    """The port at which frames of ``other`` arrive."""
    for port, (name, _) in node.links.items():
        is_down = port not in node.uplinks and port not in node.blocked and network.nodes[name].parent == node.name
        if is_down and network.is_below(other.name, name):
            return port
    return node.uplinks[0] if node.uplinks and not network.is_below(other.name, node.name) else None


def _routing(network: Network, node: Node) -> Iterator[tuple[str, Value]]:
    """The default route, and ARP of the gateway; of a router, ARP of those in its network."""
    if node.gateway is not None:
        gateway = network.nodes[node.gateway]
        home = 7 if node.style in ("ios", "nxos") else node.uplinks[0]
        mac = gateway.port_mac(_lan_port(network, node, gateway))
        if node.style in ("routeros", "junos"):
            yield f"1.3.6.1.2.1.4.24.7.1.7.1.4.0.0.0.0.0.2.0.0.1.4.{gateway.address}", home
        elif node.style not in ("dlink", "modem"):
            yield "1.3.6.1.2.1.4.21.1.7.0.0.0.0", bytes(map(int, gateway.address.split(".")))
            yield "1.3.6.1.2.1.4.21.1.2.0.0.0.0", home
        yield f"1.3.6.1.2.1.4.22.1.2.{home}.{gateway.address}", mac
    if node.is_router:
        for other in network.nodes.values():
            if other.gateway == node.name:
                port = _lan_port(network, other, node)
                yield f"1.3.6.1.2.1.4.22.1.2.{port}.{other.address}", other.port_mac(other.uplinks[0])


def _radio(network: Network, node: Node) -> Iterator[tuple[str, Value]]:
    if node.style == "airos":
        clients = [network.nodes[name] for name in node.clients]
        yield "1.3.6.1.4.1.41112.1.4.1.1.2.1", 2 if clients else 1
        for client in clients:
            octets = ".".join(map(str, client.port_mac(client.uplinks[0])))
            yield f"1.3.6.1.4.1.41112.1.4.7.1.1.1.{octets}", client.port_mac(client.uplinks[0])
