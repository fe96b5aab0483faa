"""A provider's access network of some 300 devices whose tree is known: what stands where, and which port leads to what.

The shapes are those of real ones: a core router, a ring of two aggregation switches with a blocked link, chains of
switches, towers with routers of their own and radios, an OLT with modems, and what no tidy plan has: a switch that does
not answer, one that nobody manages, two devices of one name, links of two cables, devices without LLDP.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

Style = Literal[
    "ios",
    "nxos",
    "junos",
    "procurve",
    "dlink",
    "tplink",
    "edgeswitch",
    "mute_switch",
    "routeros",
    "airos",
    "modem",
    "olt",
]
SEED = 20260101
STYLES: list[Style] = [
    "ios",
    "nxos",
    "junos",
    "procurve",
    "dlink",
    "tplink",
    "edgeswitch",
    "mute_switch",
    "routeros",
    "olt",
]


@dataclass
class Node:
    """One device. ``ports`` are the names of its interfaces by ifIndex; ``parent`` is the truth, by name of the node.

    ``answers`` is False for what is there but not asked or not known; ``area`` is what its sysLocation says.
    """

    name: str
    style: Style
    number: int
    parent: str | None = None
    sys_name: str = ""
    area: str = ""
    answers: bool = True
    is_router: bool = False
    gateway: str | None = None
    ports: dict[int, str] = field(default_factory=dict)
    links: dict[int, tuple[str, int]] = field(default_factory=dict)
    uplinks: list[int] = field(default_factory=list)
    blocked: set[int] = field(default_factory=set)
    clients: list[str] = field(default_factory=list)
    wired: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """An address of its own in 127.40.0.0/16."""
        return f"127.40.{self.number // 250}.{self.number % 250 + 1}"

    @property
    def mac(self) -> bytes:
        return bytes((0x44, 0xD9, 0xE7, self.number >> 8, self.number & 0xFF, 0))

    def port_mac(self, port: int) -> bytes:
        return self.mac[:5] + bytes((1 + list(self.ports).index(port),))

    @property
    def speaks_lldp(self) -> bool:
        return self.style not in ("mute_switch", "airos", "modem", "olt")

    @property
    def lets_lldp_through(self) -> bool:
        """Radios of a bridge over the air pass on what is meant for the next device only."""
        return self.name.startswith("ptp")

    @property
    def has_bridge(self) -> bool:
        return not self.is_router and self.style not in ("airos", "modem")


class Network:
    """The nodes by name, made by ``build``."""

    def __init__(self, seed: int = SEED) -> None:
        self.random = random.Random(seed)
        self.nodes: dict[str, Node] = {}

    def add(self, name: str, style: Style, parent: str | None = None, *, cables: int = 1, **more: object) -> Node:
        """A node below ``parent``, with a link of so many cables between their next free ports."""
        node = Node(name, style, len(self.nodes) + 1, parent, **more)  # type: ignore[arg-type]
        node.sys_name = node.sys_name or name
        node.area = node.area or (self.nodes[parent].area if parent else "Centrum")
        node.gateway = None if parent is None else self._gateway_of(parent)
        self.nodes[name] = node
        count = {"airos": 2, "modem": 2, "routeros": 6}.get(style, 26)
        node.ports = {_index(style, port): _name(style, port) for port in range(1, count + 1)}
        if parent is not None:
            for _ in range(cables):
                node.uplinks.append(self.link(name, parent))
        return node

    def link(self, a: str, b: str) -> int:
        """A cable between the next free ports; the port of ``a``."""
        one, other = self.nodes[a], self.nodes[b]
        port = next(index for index in one.ports if index not in one.links)
        if other.style == "airos":
            one.links[port] = b, 2
            (other.clients if one.style == "airos" else other.wired).append(a)
            return port
        beyond = next(index for index in other.ports if index not in other.links)
        one.links[port], other.links[beyond] = (b, beyond), (a, port)
        return port

    def free(self, name: str) -> int:
        """How many ports have no cable; a radio has room for any number of clients."""
        node = self.nodes[name]
        return 99 if node.style == "airos" else len(node.ports) - len(node.links)

    def _gateway_of(self, name: str) -> str:
        node = self.nodes[name]
        while not node.is_router:
            assert node.parent is not None
            node = self.nodes[node.parent]
        return node.name

    def truth(self) -> dict[str, str | None]:
        """The nearest device above each that answers, for all that answer."""
        found = {}
        for node in self.nodes.values():
            above = node.parent
            while above is not None and not self.nodes[above].answers:
                above = self.nodes[above].parent
            if node.answers:
                found[node.name] = above
        return found

    def is_below(self, name: str, top: str) -> bool:
        """Whether ``top`` is above ``name``, or it itself."""
        at: str | None = name
        while at is not None:
            if at == top:
                return True
            at = self.nodes[at].parent
        return False


def _index(style: Style, port: int) -> int:
    """ifIndex, as these makers count."""
    return {"ios": 10100, "nxos": 436207616, "junos": 500, "tplink": 49152}.get(style, 0) + port


def _name(style: Style, port: int) -> str:
    forms = {
        "ios": f"Gi0/{port}",
        "nxos": f"Ethernet1/{port}",
        "junos": f"ge-0/0/{port - 1}",
        "procurve": str(port),
        "dlink": f"1/{port}",
        "tplink": f"gigabitEthernet 1/0/{port}",
        "edgeswitch": f"0/{port}",
        "mute_switch": f"port {port}",
        "routeros": f"ether{port}",
        "airos": "ath0" if port == 2 else "eth0",
        "modem": "wan0" if port == 1 else "lan0",
        "olt": f"gei_1/4/{port}",
    }
    return forms[style]


def build(seed: int = SEED, *, sectors: int = 4, clients: int = 11) -> Network:
    """The network. ``sectors`` and ``clients`` say how many radios a tower and how many customers a radio has."""
    network = Network(seed)
    add = network.add
    add("core-1", "junos", is_router=True)
    styles: list[Style] = ["ios", "nxos", "procurve", "junos"]
    for number, style in enumerate(styles):
        add(f"agg-{number + 1}", style, "core-1", cables=2 if style == "nxos" else 1)
    _ring(network, "agg-1", "agg-4")
    add("ptp-b", "airos", "agg-3")
    add("ptp-a", "airos", "ptp-b")
    add("far-1", "procurve", "ptp-a", area="Polder")
    add("far-2", "dlink", "far-1", area="Polder")
    areas = ["Noord", "Oost", "Zuid", "West", "Haven", "Polder"]
    access: list[Style] = ["tplink", "dlink", "edgeswitch", "ios", "mute_switch", "procurve", "routeros"]
    for number in range(18):
        style, above = access[number % len(access)], f"agg-{number % 4 + 1}"
        above = f"sw-{number - 6}" if number % 3 == 2 and number >= 8 else above
        add(f"sw-{number + 1}", style, above, area=areas[number % 6])
    network.nodes["sw-3"].sys_name = network.nodes["sw-9"].sys_name = "sw-west"
    add("hidden-1", "ios", "agg-2", answers=False)
    add("sw-19", "ios", "hidden-1", area="Haven")
    add("sw-20", "tplink", "hidden-1", area="Haven")
    _towers(network, areas, sectors, clients)
    add("olt-1", "olt", "agg-3", area="Polder")
    for number in range(24):
        add(f"onu-{number + 1}", "modem", "olt-1")
    return network


def _ring(network: Network, a: str, b: str) -> None:
    """A second way between two, which the spanning tree has blocked at the far end."""
    port = network.link(a, b)
    network.nodes[b].blocked.add(network.nodes[a].links[port][1])
    network.nodes[a].blocked.add(port)


def _towers(network: Network, areas: list[str], sectors: int, clients: int) -> None:
    """Routers with networks of their own: what is behind them is one hop further than any bridge above can see."""
    for tower in range(5):
        top = f"tower-{tower + 1}"
        network.add(top, "routeros", f"sw-{tower + 1}", is_router=True, area=areas[tower])
        network.add(f"{top}-sw", "edgeswitch" if tower % 2 else "tplink", top)
        for sector in range(sectors):
            radio = f"{top}-ap{sector + 1}"
            sys_name = "ubnt" if sector == sectors - 1 else radio
            network.add(radio, "airos", f"{top}-sw", sys_name=sys_name)
            for client in range(clients):
                network.add(f"{radio}-c{client + 1}", "airos", radio, sys_name=f"cust-{tower}{sector}{client}")


def build_random(seed: int) -> Network:
    """A tree of any shape and make: chains, towers, radio bridges, twins, rings, devices that do not answer."""
    network = Network(seed)
    lot = random.Random(seed)
    network.add("core-1", "junos", is_router=True)
    inner = ["core-1"]
    for number in range(lot.choice((15, 40, 70))):
        above = lot.choice([name for name in inner if network.free(name) > 3] or ["core-1"])
        if network.free(above) > 1:
            inner += _random_part(network, lot, above, number)
    for _ in range(lot.choice((0, 0, 1, 2))):
        _random_ring(network, lot, [name for name in inner if not name.startswith("ptp")])
    silent = lot.choice((0.0, 0.0, 0.1))
    for node in network.nodes.values():
        node.answers = node.name == "core-1" or lot.random() >= silent
    return network


def _random_part(network: Network, lot: random.Random, above: str, number: int) -> list[str]:
    """A radio bridge, a radio with its customers, or a device; the names of what others may hang from."""
    kind = lot.random()
    if kind < 0.12:
        near = network.add(f"ptp-a{number}", "airos", above)
        return [network.add(f"ptp-b{number}", "airos", near.name).name] if lot.random() < 0.8 else []
    if kind < 0.3 and not above.startswith("ptp"):
        radio = network.add(f"ap{number}", "airos", above)
        for client in range(lot.choice((1, 2, 5))):
            network.add(f"ap{number}-c{client}", "airos", radio.name)
        return []
    style = lot.choice(STYLES)
    is_router = style in ("routeros", "junos") and lot.random() < 0.4
    sys_name = lot.choice([f"d{number}"] * 8 + ["MikroTik", "twin"])
    cables = 2 if style == "nxos" and lot.random() < 0.25 else 1
    return [network.add(f"d{number}", style, above, cables=cables, is_router=is_router, sys_name=sys_name).name]


def _random_ring(network: Network, lot: random.Random, inner: list[str]) -> None:
    if len(inner) > 2:
        a, b = lot.sample(inner, 2)
        is_new = b not in (network.nodes[a].parent, a) and network.nodes[b].parent != a
        if is_new and network.free(a) and network.free(b):
            _ring(network, a, b)
