"""One device for everything that is one, and a device_id for each: addresses of one device are put together."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Sequence

from collector.commands.discover.found import Found
from collector.commands.discover.survey import Asked
from collector.commands.discover.topology.directory import NAMES_OF_NOBODY, short
from collector.inventory.device_rows import plain

LOOPBACK_KIND = 24
"""ifType softwareLoopback: the address of a router that is there as long as the router is."""
STARTS_A_FORMULA = "=+-@\t\r"


def devices(asked: Sequence[Asked], port: int) -> list[Found]:
    """Each device once, by name; its address is that of a loopback interface if one answered, else the lowest."""
    groups: list[list[Asked]] = []
    alike: dict[tuple[str, str], list[list[Asked]]] = {}
    for one in sorted(asked, key=lambda one: _number(one.address)):
        namesakes = alike.setdefault((one.seen.name, one.seen.object_id), [])
        group = next((group for group in namesakes if _is_same(group[0], one)), None)
        if group is None:
            group = []
            namesakes.append(group)
            groups.append(group)
        group.append(one)
    chosen = [(min(group, key=_preference), group) for group in groups]
    names = _ids([one for one, _ in chosen])
    made = [
        Found(
            name,
            one.address,
            one.seen,
            port,
            one.credential,
            tuple(other.address for other in group if other is not one),
        )
        for name, (one, group) in zip(names, chosen, strict=True)
    ]
    return sorted(made, key=lambda device: device.device_id)


def _is_same(a: Asked, b: Asked) -> bool:
    """Whether two addresses of one name and kind are of one device: it has both, or both have the same hardware
    addresses."""
    own_a, own_b = a.seen.interfaces.addresses, b.seen.interfaces.addresses
    if own_a or own_b:
        return (
            b.address in own_a and a.address in own_b if own_a and own_b else b.address in own_a or a.address in own_b
        )
    return bool(a.seen.macs) and a.seen.macs == b.seen.macs and bool(a.seen.name)


def _preference(one: Asked) -> tuple[bool, int]:
    index = one.seen.interfaces.addresses.get(one.address)
    row = one.seen.interfaces.rows.get(index) if index is not None else None
    return row is None or row.kind != LOOPBACK_KIND, _number(one.address)


def _number(address: str) -> int:
    return int(ipaddress.ip_address(address))


def _ids(chosen: Sequence[Asked]) -> list[str]:
    """sysName without its domain where that is enough to tell the devices apart; with the address where no name is."""
    whole = [tame(one.seen.name)[:150] for one in chosen]
    brief = [name if _is_number(name) else name.partition(".")[0] for name in whole]
    count = Counter(name.casefold() for name in brief)
    count_whole = Counter(name.casefold() for name in whole)
    ids = []
    for one, name, full in zip(chosen, brief, whole, strict=True):
        if not name or short(full) in NAMES_OF_NOBODY:
            ids.append(f"{name}-{one.address}" if name else one.address)
        elif count[name.casefold()] == 1:
            ids.append(name)
        elif count_whole[full.casefold()] == 1:
            ids.append(full)
        else:
            ids.append(f"{full}-{one.address}")
    return ids


def _is_number(name: str) -> bool:
    return name.replace(".", "").isdigit()


def tame(text: str) -> str:
    """What a device said, as a cell: in one line, printable, and no formula to a spreadsheet."""
    words = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain(words).split()).lstrip(STARTS_A_FORMULA).strip()
