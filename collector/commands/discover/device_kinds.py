"""The role and the maker of a device, as far as they show in what it says of itself; the rules are in kinds.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import settings_file
from collector.commands.discover.found import Guess
from collector.commands.neighbours.surroundings import Surroundings

RULES = Path(__file__).with_name("kinds.toml")
PORTS_OF_A_SWITCH = 5
ETHERNET = 6
LAYER_2, LAYER_3 = 0x02, 0x04
"""Bits of sysServices (RFC 3418)."""


@dataclass(frozen=True)
class Rule:
    """Devices whose sysObjectID begins with one of ``object_ids`` or whose sysDescr matches one of ``descriptions``, with
    ``needs_both`` both, and matches ``unless`` nowhere."""

    role: str
    why: str
    object_ids: tuple[str, ...] = ()
    descriptions: tuple[str, ...] = ()
    unless: str = ""
    needs_both: bool = False
    doubtful: bool = False

    def fits(self, object_id: str, description: str) -> bool:
        dotted = object_id.strip(".") + "."
        by_id = any(dotted.startswith(f"{prefix}.") for prefix in self.object_ids)
        by_words = any(re.search(pattern, description) for pattern in self.descriptions)
        fits = (by_id and by_words) if self.needs_both else (by_id or by_words)
        return fits and not (self.unless and re.search(self.unless, description))


@dataclass(frozen=True)
class Kinds:
    """All of kinds.toml."""

    rules: tuple[Rule, ...] = ()
    makers: dict[str, str] = field(default_factory=dict)


@cache
def kinds() -> Kinds:
    """The rules of the package."""
    return settings_file.load(RULES, Kinds)


def maker(seen: Surroundings) -> Guess:
    """Who made the device, by the number in its sysObjectID."""
    numbers = seen.object_id.split(".")
    if numbers[:6] != ["1", "3", "6", "1", "4", "1"] or len(numbers) < 7:
        return Guess("", "it gives no sysObjectID of a maker", False)
    name = kinds().makers.get(numbers[6], "")
    return Guess(name, f"sysObjectID {seen.object_id}", bool(name))


def role(seen: Surroundings, told: frozenset[str] = frozenset()) -> Guess:
    """What the device is for. ``told`` is what its neighbours heard it say of its capabilities.

    What it has registered as clients goes first, then its name, what it announces by LLDP, and whether it bridges or
    routes. Where nothing says, it counts as a switch, in doubt.
    """
    clients = sum(sighting.by == "registration" for sighting in seen.sightings)
    rule = next((rule for rule in kinds().rules if rule.fits(seen.object_id, seen.description)), None)
    if clients and (rule is None or rule.role in ("ap", "router", "cpe")):
        return Guess("ap", f"{clients} clients are registered with it")
    capabilities = seen.own.capabilities | told
    if rule is not None and not rule.doubtful:
        return Guess(rule.role, rule.why)
    by_radio = _by_radio(seen, rule)
    if by_radio is not None:
        return by_radio
    if rule is not None and not (rule.role == "router" and _has_many_ports(seen) and seen.is_forwarding is False):
        return Guess(rule.role, rule.why, False)
    return _by_layers(seen, capabilities)


def _by_radio(seen: Surroundings, rule: Rule | None) -> Guess | None:
    """Ubiquiti's radios say which end they are."""
    if seen.radio_mode is None or (rule is not None and rule.role not in ("ap", "cpe")):
        return None
    return Guess("cpe", "its radio is a station") if seen.radio_mode == "station" else Guess("ap", "its radio is an AP")


def _by_layers(seen: Surroundings, capabilities: frozenset[str]) -> Guess:
    if "docsis" in capabilities:
        return Guess("cpe", "it announces by LLDP that it is a cable device")
    if capabilities and capabilities <= {"station", "telephone", "other"}:
        return Guess("cpe", "it announces by LLDP that it forwards nothing", False)
    if "wlan" in capabilities and not _has_many_ports(seen):
        return Guess("ap", "it announces by LLDP that it is an access point", False)
    if "router" in capabilities and "bridge" not in capabilities:
        return Guess("router", "it announces by LLDP that it routes")
    if "bridge" in capabilities and "router" not in capabilities:
        return Guess("switch", "it announces by LLDP that it bridges")
    services = seen.services or 0
    if seen.is_forwarding and (services & LAYER_3 or "router" in capabilities):
        return Guess("router", "it forwards IP (ipForwarding, sysServices)", not _has_many_ports(seen))
    if seen.learnt or seen.interfaces.bridge_ports or services & LAYER_2:
        return Guess("switch", "it has a bridge table", _has_many_ports(seen))
    if seen.is_forwarding:
        return Guess("router", "it forwards IP (ipForwarding)", False)
    return Guess("switch", "nothing says what it is", False)


def _has_many_ports(seen: Surroundings) -> bool:
    return sum(row.kind == ETHERNET for row in seen.interfaces.rows.values()) >= PORTS_OF_A_SWITCH
