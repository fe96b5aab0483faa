"""Who is meant: a neighbour's hardware address, IP address or name, led back to a device that was found."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

from collector.commands.discover.found import Found
from collector.commands.neighbours.sighting import Sighting

NAMES_OF_NOBODY = frozenset(
    [
        "mikrotik",
        "localhost",
        "localhost.localdomain",
        "router",
        "switch",
        "(none)",
        "none",
        "unknown",
        "ubnt",
        "openwrt",
        "lede",
        "airos",
        "default",
        "private",
        "not-configured",
        "noname",
        "system",
        "host",
        "linux",
    ]
)
"""What devices are called that nobody has named."""


class Resolved(NamedTuple):
    """The device that a neighbour is; ``among`` are those that it may be, where it is not just one."""

    device_id: str | None
    is_doubtful: bool = False
    among: tuple[str, ...] = ()


class Directory:
    """The devices that were found, by everything that identifies one."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.by_id = {device.device_id: device for device in found}
        self._macs: dict[Hashable, set[str]] = {}
        self._addresses: dict[Hashable, set[str]] = {}
        self._names: dict[Hashable, set[str]] = {}
        self._chassis: dict[Hashable, set[str]] = {}
        for device in found:
            seen, whose = device.seen, device.device_id
            _note(self._macs, seen.macs, whose)
            _note(self._addresses, (device.address, *device.also, *seen.interfaces.addresses), whose)
            names = {short(seen.name), short(seen.own.name)} - {""}
            _note(self._names, names, whose)
            _note(self._chassis, filter(None, (seen.own.chassis,)), whose)

    def of_mac(self, mac: bytes) -> str | None:
        """The one device with this hardware address."""
        return _only(self._macs.get(mac, set()))

    def of_address(self, address: str) -> str | None:
        """The one device with this IP address."""
        return _only(self._addresses.get(address, set()))

    def resolve(self, sighting: Sighting) -> Resolved:
        """The device that all its marks fit; where they contradict each other the first that says one does, in doubt."""
        marks = [
            self._macs.get(sighting.mac, set()),
            _union(self._addresses, sighting.addresses),
            self._chassis.get(sighting.chassis, set()) if sighting.chassis else set(),
            self._by_name(sighting),
        ]
        told = [mark for mark in marks if mark]
        if not told:
            return Resolved(None)
        common = set.intersection(*told)
        if len(common) == 1:
            (device_id,) = common
            return Resolved(device_id, self._is_only_named(sighting, marks))
        first = next((mark for mark in told if len(mark) == 1), None)
        if not common and first is not None:
            return Resolved(next(iter(first)), True)
        return Resolved(None, True, tuple(sorted(common or set().union(*told))))

    def _by_name(self, sighting: Sighting) -> set[str]:
        """Those of the name; none that say by LLDP that they have another hardware address than the neighbour."""
        found = _union(self._names, [short(name) for name in sighting.names])
        if sighting.by != "lldp" or sighting.mac is None:
            return found
        return {who for who in found if self.by_id[who].seen.own.mac in (None, sighting.mac)}

    @staticmethod
    def _is_only_named(sighting: Sighting, marks: Sequence[set[str]]) -> bool:
        """Whether nothing but a name that anybody may have, or beside a strange hardware address, fits."""
        if any(marks[:3]):
            return False
        is_strange = sighting.mac is not None
        return is_strange or all(short(name) in NAMES_OF_NOBODY for name in sighting.names)


def short(name: str) -> str:
    """A name without its domain and case; an IP address stays whole."""
    name = name.strip().rstrip(".").casefold()
    return name if name.replace(".", "").isdigit() else name.partition(".")[0]


def _note(index: dict[Hashable, set[str]], keys: Iterable[Hashable], whose: str) -> None:
    for key in keys:
        index.setdefault(key, set()).add(whose)


def _union(index: dict[Hashable, set[str]], keys: Iterable[Hashable]) -> set[str]:
    return set().union(*(index.get(key, set()) for key in keys))


def _only(found: set[str]) -> str | None:
    return next(iter(found)) if len(found) == 1 else None
