"""The links between devices, from what each says of its neighbours; neighbours that were not found are in it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from collector.commands.discover.found import Found
from collector.commands.discover.topology.directory import NAMES_OF_NOBODY, Directory, short
from collector.commands.neighbours.interfaces import Interfaces
from collector.commands.neighbours.sighting import Sighting

STRANGER = "?"
"""What the ids of neighbours begin with that were not found."""
ONLY_NEXT_ONES = frozenset(("lldp", "stp", "registration"))
"""What tells of the very next device. CDP goes through bridges that do not know it, and MNDP through all."""
PHYSICAL = (6, 62, 69, 71, 117)


@dataclass
class End:
    """One end of a link: the ports (ifIndex) of the device that the other was seen at, and by what it is known."""

    ports: set[int] = field(default_factory=set)
    by: set[str] = field(default_factory=set)
    is_doubtful: bool = False


@dataclass
class Links:
    """``ends[a][b]`` is the end at a of the link to b. ``strangers`` are words for those that were not found.

    ``unclear`` are sentences on neighbours that may be one of several devices.
    """

    ends: dict[str, dict[str, End]] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)
    unclear: list[str] = field(default_factory=list)

    def add(self, a: str, b: str, sighting: Sighting, ports: tuple[int | None, int | None], is_doubtful: bool) -> None:
        """A saw b."""
        for one, other, port in ((a, b, ports[0]), (b, a, ports[1])):
            end = self.ends.setdefault(one, {}).setdefault(other, End(is_doubtful=is_doubtful))
            end.ports |= {port} if port is not None else set()
            end.by.add(sighting.by)
            end.is_doubtful &= is_doubtful

    def remove(self, a: str, b: str) -> None:
        del self.ends[a][b], self.ends[b][a]

    def at(self, device_id: str, port: int) -> list[str]:
        """Who is linked to a port."""
        return [other for other, end in self.ends.get(device_id, {}).items() if port in end.ports]


def links(found: Sequence[Found], directory: Directory) -> Links:
    """All links. A device that is seen by itself, or by nothing that tells of the next one, makes none."""
    made = Links()
    strangers = Strangers()
    later: list[tuple[Found, Sighting]] = []
    for device in found:
        for sighting in device.seen.sightings:
            who = directory.resolve(sighting)
            if who.device_id == device.device_id:
                continue
            if who.among:
                made.unclear.append(_unclear(device, sighting, who.among))
            elif sighting.by == "mndp":
                later.append((device, sighting))
            elif who.device_id is not None:
                other = directory.by_id[who.device_id].seen.interfaces
                made.add(device.device_id, who.device_id, sighting, _ports(device, sighting, other), who.is_doubtful)
            elif sighting.by != "registration":
                stranger = strangers.note(sighting)
                made.add(device.device_id, stranger, sighting, (_line(device, sighting), None), False)
    strangers.merge(made)
    for device, sighting in later:
        _take_mndp(made, device, sighting, directory)
    _drop_distant(made)
    return made


def _unclear(device: Found, sighting: Sighting, among: tuple[str, ...]) -> str:
    where = device.seen.interfaces.title(sighting.port) or sighting.local
    at = f", {where}" if where else ""
    return f"{device.device_id}{at}: the neighbour {sighting.said} may be any of {', '.join(among)}: it counts as none"


def _line(device: Found, sighting: Sighting) -> int | None:
    return device.seen.interfaces.line_of(sighting.port)


def _ports(device: Found, sighting: Sighting, other: Interfaces) -> tuple[int | None, int | None]:
    return _line(device, sighting), other.line_of(_remote_port(sighting, other))


def _remote_port(sighting: Sighting, other: Interfaces) -> int | None:
    """The neighbour's port, among its own interfaces."""
    for name in sighting.remote_ports:
        found = other.by_text(name)
        if found is not None:
            return found
    by_mac = other.by_mac(sighting.remote_mac)
    if by_mac is not None:
        return by_mac
    index = sighting.remote_index
    row = other.rows.get(index) if index is not None else None
    if row is None or index is None or other.bridge_ports.get(index, index) != index:
        return None
    return index if row.kind in PHYSICAL else None


def _take_mndp(made: Links, device: Found, sighting: Sighting, directory: Directory) -> None:
    """Where another protocol knows the link too, its port; otherwise a link in doubt, if it is all alone at its port."""
    who, port = directory.resolve(sighting).device_id, _line(device, sighting)
    if who is None or port is None:
        return
    end = made.ends.get(device.device_id, {}).get(who)
    if end is not None:
        end.ports |= set() if end.ports else {port}
        return
    beside = [s for s in device.seen.sightings if device.seen.interfaces.line_of(s.port) == port]
    if len({directory.resolve(s).device_id for s in beside}) == 1:
        made.add(device.device_id, who, sighting, (port, None), True)


def _drop_distant(made: Links) -> None:
    """Take out links to devices that others stand before."""
    distant = [*_behind_next_ones(made), *_behind_each_other(made)]
    for a, b in distant:
        if b in made.ends.get(a, {}):
            made.remove(a, b)


def _behind_next_ones(made: Links) -> Iterator[tuple[str, str]]:
    """Where LLDP names the next device at a port, one that only CDP sees there stands behind it."""
    for a, others in made.ends.items():
        for b, end in others.items():
            if end.by & ONLY_NEXT_ONES:
                continue
            beside = {c for port in end.ports for c in made.at(a, port)} - {b}
            if any(made.ends[a][c].by & ONLY_NEXT_ONES for c in beside):
                yield a, b


def _behind_each_other(made: Links) -> Iterator[tuple[str, str]]:
    """A and d see each other through e, where d has both at one port and e has them at two."""
    for d, others in made.ends.items():
        for a, end in others.items():
            between = {e for port in end.ports for e in made.at(d, port)} - {a}
            for e in between:
                to_a, to_d = made.ends[e].get(a), made.ends[e].get(d)
                if to_a is not None and to_d is not None and to_a.ports and to_d.ports and not to_a.ports & to_d.ports:
                    yield d, a


class Strangers:
    """Neighbours that were not found; those that share a mark are one."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}
        self._words: dict[str, Sighting] = {}

    def note(self, sighting: Sighting) -> str:
        """A name for it, the same for all of its marks once ``merge`` has been called."""
        marks = [f"mac {sighting.mac.hex(':')}"] if sighting.mac is not None else []
        marks += [f"address {address}" for address in sighting.addresses]
        marks += [f"chassis {' '.join((sighting.chassis, *sighting.names))}"] if sighting.chassis else []
        names = {short(name) for name in sighting.names} - NAMES_OF_NOBODY
        marks += [f"name {name}" for name in sorted(names) if not marks or sighting.by == "cdp"]
        marks = marks or [f"nameless {len(self._words)}"]
        first = self._root(marks[0])
        for mark in marks[1:]:
            self._above[self._root(mark)] = first
        self._words.setdefault(marks[0], sighting)
        if sighting.names and not self._words[marks[0]].names:
            self._words[marks[0]] = sighting
        return f"{STRANGER}{marks[0]}"

    def _root(self, mark: str) -> str:
        while self._above.get(mark, mark) != mark:
            mark = self._above[mark]
        return mark

    def merge(self, made: Links) -> None:
        """Put the ends of strangers that turned out to be one together."""
        for mark, sighting in self._words.items():
            root = f"{STRANGER}{self._root(mark)}"
            if sighting.names or root not in made.strangers:
                made.strangers[root] = sighting.said
            _rename(made, f"{STRANGER}{mark}", root)


def _rename(made: Links, old: str, new: str) -> None:
    if old == new or old not in made.ends:
        return
    for other, end in made.ends.pop(old).items():
        there = made.ends[other].pop(old)
        for one, beyond, moved in ((new, other, end), (other, new, there)):
            kept = made.ends.setdefault(one, {}).setdefault(beyond, End(is_doubtful=moved.is_doubtful))
            kept.ports |= moved.ports
            kept.by |= moved.by
            kept.is_doubtful &= moved.is_doubtful
