"""The inventory that a discovery proposes: a row for each device, with what is unsure in it and why it says what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from collector.commands.discover import device_areas, device_kinds
from collector.commands.discover.device_areas import AreaRules
from collector.commands.discover.found import Found, Guess
from collector.commands.discover.naming import tame
from collector.commands.discover.topology.directory import Directory
from collector.commands.discover.topology.tree import Tree, grow
from collector.inventory.device_rows import Row

COLUMNS = (
    "device_id",
    "address",
    "role",
    "area",
    "parent",
    "site",
    "credential",
    "uplink_interface",
    "latitude",
    "longitude",
    "vendor",
    "unsure",
    "why",
)


@dataclass(frozen=True)
class Proposal:
    """``rows`` by device_id in the order of their names, and the tree that their parents make."""

    rows: Mapping[str, Row]
    tree: Tree


def propose(found: Sequence[Found], wanted: AreaRules, core: str | None, names_credentials: bool) -> Proposal:
    """What is concluded of all that was found. ``core`` is the device_id or address of the device on top, if it is named."""
    roles = _roles(found)
    leaves = frozenset(device_id for device_id, role in roles.items() if role.value == "cpe" and role.is_sure)
    tree = grow(found, leaves, _named(found, core))
    roles = {device_id: _by_place(device_id, role, tree) for device_id, role in roles.items()}
    places = device_areas.assign(found, tree, wanted, leaves)
    rows = {}
    for device in found:
        row = _row(device, roles[device.device_id], places[device.device_id], tree)
        if not names_credentials:
            row.pop("credential", None)
        rows[device.device_id] = row
    return Proposal(rows, tree)


def _named(found: Sequence[Found], core: str | None) -> str | None:
    if core is None:
        return None
    return next((d.device_id for d in found if core in (d.device_id, d.address, d.seen.name, *d.also)), None)


def _roles(found: Sequence[Found]) -> dict[str, Guess]:
    """By name and tables, and by what the neighbours heard the device say of its capabilities."""
    directory = Directory(found)
    told: dict[str, set[str]] = {}
    fellows: dict[str, int] = {}
    for device in found:
        clients = [sighting for sighting in device.seen.sightings if sighting.by == "registration"]
        for sighting in device.seen.sightings:
            who = directory.resolve(sighting)
            if who.device_id is not None and not who.is_doubtful:
                told.setdefault(who.device_id, set()).update(sighting.capabilities)
                if sighting.by == "registration":
                    fellows[who.device_id] = max(fellows.get(who.device_id, 0), len(clients))
    return {
        d.device_id: _by_fellows(
            d, device_kinds.role(d.seen, frozenset(told.get(d.device_id, ()))), fellows.get(d.device_id, 0)
        )
        for d in found
    }


def _by_fellows(device: Found, role: Guess, fellows: int) -> Guess:
    """A station that is alone with its access point may be the far end of a link between two sites, not a customer's."""
    if device.seen.radio_mode != "station" or role.value != "cpe" or fellows > 1:
        return role
    return Guess(
        "cpe", f"{role.why}; no other is known at its access point, so it may be a link between two sites", False
    )


def _by_place(device_id: str, role: Guess, tree: Tree) -> Guess:
    """Who has others behind it is no customer's device; the core is a router or a switch."""
    is_above = any(placed.parent.value == device_id and placed.parent.is_sure for placed in tree.placed.values())
    if role.value == "cpe" and is_above and not role.is_sure:
        return Guess("router", f"{role.why}, but others are behind it", False)
    return role


def _row(device: Found, role: Guess, area: Guess, tree: Tree) -> Row:
    placed = tree.placed.get(device.device_id)
    point = device_areas.coordinates(device.seen.location)
    vendor = device_kinds.maker(device.seen)
    told: list[tuple[str, Guess]] = [("role", role), ("area", area)]
    if placed is not None:
        told.append(("parent", placed.parent))
        told += [("uplink_interface", placed.uplink)] if placed.uplink.why else []
    else:
        told.append(("parent", Guess("", f"it is the core: {tree.core.why}", tree.core.is_sure)))
    why = [f"{field}: {guess.why}" for field, guess in told if guess.why]
    why += [f"also at {', '.join(device.also)}"] if device.also else []
    why += [f"not read to the end: {device.seen.incomplete[0]}"] if device.seen.incomplete else []
    return {
        "device_id": device.device_id,
        "address": _address(device),
        "role": role.value,
        "area": area.value,
        "parent": placed.parent.value if placed is not None else "",
        "site": device_areas.location(device),
        "credential": device.credential,
        "uplink_interface": tame(placed.uplink.value) if placed is not None else "",
        "latitude": f"{point.latitude:.6f}" if point is not None else "",
        "longitude": f"{point.longitude:.6f}" if point is not None else "",
        "vendor": vendor.value,
        "unsure": " ".join(field for field, guess in told if not guess.is_sure),
        "why": tame("; ".join(why)),
    }


def _address(device: Found) -> str:
    if device.port == 161:
        return device.address
    return f"[{device.address}]:{device.port}" if ":" in device.address else f"{device.address}:{device.port}"
