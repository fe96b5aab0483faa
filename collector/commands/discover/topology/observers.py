"""Which way the core lies from each device, and whom each sees on the other side: bridge tables, ARP, default routes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from collector.commands.discover.found import Found
from collector.commands.discover.topology.directory import Directory
from collector.commands.discover.topology.links import Links

LINES = (6, 62, 69, 71, 117, 161)
"""ifType of Ethernet, of wireless and of aggregates (IANAifType-MIB)."""


@dataclass(frozen=True)
class Uplink:
    """The port (ifIndex) towards the core, and how that is known; None where it is not.

    ``needs_core``: it is known only if the core is the right one.
    """

    port: int | None = None
    why: str = ""
    needs_core: bool = False


@dataclass
class Observed:
    """``uplinks`` by device; ``below[s][port]`` are the devices that s has learnt of at a port that is not its uplink, and
    ``above[d][s]`` is that port the other way round; ``known[s]`` are all that it has learnt of, at whatever port;
    ``gateways`` leads from a device to the one that its default route points at. ``routed`` are devices whose ``below``
    comes from ARP, so that bridges may stand between."""

    uplinks: dict[str, Uplink] = field(default_factory=dict)
    below: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    above: dict[str, dict[str, int]] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)
    gateways: dict[str, str] = field(default_factory=dict)
    routed: set[str] = field(default_factory=set)

    def observers(self, device_id: str) -> dict[str, int]:
        """Who sees a device below itself, and at which port."""
        return self.above.get(device_id, {})

    def deepest(self, device_id: str) -> list[str]:
        """Of those who see it below themselves, the ones that no other stands behind."""
        above = self.observers(device_id)
        return [s for s, port in above.items() if not any(t in self.below[s].get(port, set()) for t in above if t != s)]


def observe(found: Sequence[Found], directory: Directory, links: Links, core: str | None) -> Observed:
    """What the tables say once it is known which device is the core."""
    made = Observed()
    for device in found:
        gateway = _gateway_owner(device, directory)
        if gateway is not None and gateway != device.device_id:
            made.gateways[device.device_id] = gateway
    core_macs = directory.by_id[core].seen.macs if core is not None else frozenset()
    for device in found:
        if device.device_id != core:
            made.uplinks[device.device_id] = _uplink(device, directory, core_macs)
    for device in found:
        _note_below(made, device, directory, is_core=device.device_id == core)
    return made


def _gateway_owner(device: Found, directory: Directory) -> str | None:
    for gateway in device.seen.gateways:
        owner = directory.of_address(gateway.address)
        for mac in _gateway_macs(device, gateway.address):
            owner = owner or directory.of_mac(mac)
        if owner is not None:
            return owner
    return None


def _gateway_macs(device: Found, address: str) -> list[bytes]:
    return [entry.mac for entry in device.seen.arp if entry.address == address]


def _uplink(device: Found, directory: Directory, core_macs: Iterable[bytes]) -> Uplink:
    """The port at which the bridge has learnt the gateway, or else the core; without a bridge, the route's."""
    seen, ports = device.seen, device.seen.interfaces
    towards: list[tuple[str, set[bytes]]] = []
    for gateway in seen.gateways:
        owner = directory.of_address(gateway.address)
        macs = {*_gateway_macs(device, gateway.address)}
        macs |= directory.by_id[owner].seen.macs if owner is not None else set()
        towards.append((f"its gateway {gateway.address}", macs))
    towards.append(("the core", set(core_macs)))
    for what, macs in towards:
        found = {ports.line_of(port) for mac in macs for port in seen.learnt.get(mac, ())} - {None}
        if len(found) == 1:
            return Uplink(found.pop(), f"its bridge has learnt {what} there", what == "the core")
    routes = {ports.line_of(gateway.port) for gateway in seen.gateways if _is_cable(device, gateway.port)} - {None}
    if len(routes) == 1:
        return Uplink(routes.pop(), "its default route goes there")
    return Uplink()


def _is_cable(device: Found, port: int | None) -> bool:
    """Whether an interface is a way out of a bridge; its VLAN interfaces lead to any of its ports."""
    row = device.seen.interfaces.rows.get(port) if port is not None else None
    return row is not None and (not device.seen.learnt or row.kind in LINES)


def _note_below(made: Observed, device: Found, directory: Directory, *, is_core: bool) -> None:
    """The devices at each port but the uplink. Where that is not known, nothing is: up and down look alike."""
    uplink = made.uplinks.get(device.device_id, Uplink()).port
    if uplink is None and not is_core:
        return
    at: dict[str, set[int]] = {}
    for who, port in _bridged(device, directory) or _by_arp(made, device, directory):
        line = device.seen.interfaces.line_of(port)
        if who != device.device_id and line is not None:
            at.setdefault(who, set()).add(line)
    made.known[device.device_id] = set(at)
    for who, lines in at.items():
        if len(lines) == 1 and uplink not in lines:
            (line,) = lines
            made.below.setdefault(device.device_id, {}).setdefault(line, set()).add(who)
            made.above.setdefault(who, {})[device.device_id] = line


def _bridged(device: Found, directory: Directory) -> list[tuple[str, int]]:
    return [
        (who, port)
        for mac, ports in device.seen.learnt.items()
        if (who := directory.of_mac(mac)) is not None
        for port in ports
    ]


def _by_arp(made: Observed, device: Found, directory: Directory) -> list[tuple[str, int]]:
    made.routed.add(device.device_id)
    seen = []
    for entry in device.seen.arp:
        who, by_mac = directory.of_address(entry.address), directory.of_mac(entry.mac)
        if who is not None and by_mac in (None, who):
            seen.append((who, entry.port))
    return seen
