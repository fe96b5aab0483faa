"""The tree of a network that is known, with all the habits of its makers' tables; and of parts of it, with tables missing."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from bench.discovery.network import Network, build, build_random
from bench.discovery.tables import Objects, objects_of
from collector import recordings
from collector.commands.discover import naming
from collector.commands.discover.device_areas import AreaRules
from collector.commands.discover.found import Found
from collector.commands.discover.proposal import Proposal, propose
from collector.commands.discover.survey import Asked
from collector.commands.discover.topology.tree import grow
from collector.commands.neighbours.forwarding import ArpEntry, Gateway
from collector.commands.neighbours.interfaces import Interface, Interfaces
from collector.commands.neighbours.lldp import Own
from collector.commands.neighbours.sighting import Sighting
from collector.commands.neighbours.surroundings import Surroundings, read
from collector.poll.snmp.codec import parse_oid
from collector.recordings import Recorded

TABLES = {
    "LLDP and CDP": ("1.0.8802", "1.3.6.1.4.1.9.9.23"),
    "bridge": ("1.3.6.1.2.1.17.4", "1.3.6.1.2.1.17.7"),
    "routes": ("1.3.6.1.2.1.4.21", "1.3.6.1.2.1.4.24"),
    "ARP": ("1.3.6.1.2.1.4.22",),
}


def recorded(objects: Objects) -> dict[tuple[int, ...], Recorded]:
    tags = {int: 2, bytes: 4}
    return {
        parse_oid(oid): Recorded(6, parse_oid(value)) if isinstance(value, str) else Recorded(tags[type(value)], value)
        for oid, value in objects.items()
    }


def proposal(network: Network, missing: dict[str, float], seed: int = 0) -> Proposal:
    """What is concluded; of each table such a share of the devices does not show it."""
    lot = random.Random(seed)
    asked = []
    for node in network.nodes.values():
        own, of_vlan = objects_of(network, node)
        hidden = tuple(f"{root}." for name, share in missing.items() if lot.random() < share for root in TABLES[name])
        shown = (
            {oid: value for oid, value in (own | of_vlan).items() if not oid.startswith(hidden)}
            if hidden
            else own | of_vlan
        )
        if node.answers:
            asked.append(Asked(node.address, "default", read(recorded(shown))))
    return propose(naming.devices(asked, 161), AreaRules(), None, False)


def judged(network: Network, found: Proposal) -> Counter[tuple[str, bool]]:
    """(right, wrong or not known, whether it is marked unsure), counted."""
    names = {node.address: node.name for node in network.nodes.values()}
    by_id = {device_id: names[row["address"]] for device_id, row in found.rows.items()}
    truth = network.truth()
    count: Counter[tuple[str, bool]] = Counter()
    for device_id, row in found.rows.items():
        parent = by_id.get(row["parent"])
        how = "right" if parent == truth[by_id[device_id]] else "not known" if parent is None else "wrong"
        count[how, "parent" in row["unsure"].split()] += 1
    return count


def test_a_network_of_300_devices_is_laid_out() -> None:
    network = build()
    found = proposal(network, {})
    count = judged(network, found)
    assert sum(count.values()) >= 300
    assert count["wrong", False] == 0
    assert count["right", False] + count["right", True] >= 0.95 * sum(count.values())
    assert found.tree.core[::2] == ("core-1", True)
    assert [sorted(ring) for ring in found.tree.rings] == [["agg-1", "agg-4", "core-1"]]
    (stranger,) = found.tree.strangers
    assert stranger.startswith("'hidden-1.net.example' (127.40.0.")
    assert "sw-19 (Gi0/1), sw-20 (gigabitEthernet 1/0/1), but is not in the inventory" in stranger
    assert {"sw-west-127.40.0.13", "sw-west-127.40.0.19"} <= set(found.rows), "two devices of one name"
    assert found.rows["agg-2"]["uplink_interface"] == "port-channel1", "two cables that are bundled"
    assert Counter(row["role"] for row in found.rows.values())["olt"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_nothing_false_is_sure_where_tables_are_missing(seed: int) -> None:
    lot = random.Random(seed)
    network = build(seed, sectors=2, clients=3)
    for node in network.nodes.values():
        node.answers = node.answers and (node.name == "core-1" or lot.random() > 0.07)
    missing = {name: lot.choice((0.0, 0.3, 0.8)) for name in TABLES}
    count = judged(network, proposal(network, missing, seed))
    assert count["wrong", False] == 0, (missing, count)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_false_is_sure_in_a_network_of_any_shape(seed: int) -> None:
    network = build_random(seed)
    lot = random.Random(seed)
    count = judged(network, proposal(network, {name: lot.choice((0.0, 0.0, 0.3)) for name in TABLES}, seed))
    assert count["wrong", False] == count["not known", False] == 0, count


# --- small networks, each with one oddity ---


def device(name: str, number: int, *sightings: Sighting, **seen: object) -> Found:
    """A device with the ports 1 to 4, whose hardware addresses end in its number and the port's."""
    rows = {port: Interface(port, f"p{port}", mac=mac(number, port), kind=6) for port in range(1, 5)}
    ports = Interfaces(rows, {f"10.0.0.{number}": 1})
    told = Surroundings(
        name=name, interfaces=ports, sightings=sightings, own=Own(mac(number), "", name, frozenset()), **seen
    )  # type: ignore[arg-type]
    return Found(name, f"10.0.0.{number}", told)


def mac(number: int, port: int = 0) -> bytes:
    return bytes((0x44, 0xD9, 0xE7, 0, number, port))


def lldp(port: int, number: int, name: str = "") -> Sighting:
    return Sighting("lldp", port, mac=mac(number), names=(name,) if name else ())


def parents(*found: Found, core: str | None = "core") -> dict[str, tuple[str, bool]]:
    tree = grow(found, core=core)
    return {name: (placed.parent.value, placed.parent.is_sure) for name, placed in tree.placed.items()}


CORE = device("core", 1, lldp(1, 2), lldp(2, 3))


def test_links_told_by_one_end_only_are_links() -> None:
    assert parents(CORE, device("a", 2), device("b", 3, lldp(1, 1))) == {"a": ("core", True), "b": ("core", True)}


def test_of_a_ring_nothing_is_sure_until_a_table_says_it() -> None:
    a, b = device("a", 2, lldp(1, 1), lldp(2, 4)), device("b", 3, lldp(1, 1), lldp(2, 4))
    assert parents(CORE, a, b, device("c", 4))["c"] == ("a", False)
    gateway = {"gateways": (Gateway("10.0.0.1", 2),), "arp": (ArpEntry(2, "10.0.0.1", mac(1)),)}
    assert parents(CORE, a, b, device("c", 4, lldp(1, 2), lldp(2, 3), **gateway))["c"] == ("b", True)


def test_a_gateway_that_two_routers_share_tells_the_way_too() -> None:
    """VRRP (RFC 5798): its hardware address is nobody's, but a bridge has learnt where it is."""
    shared = bytes.fromhex("00005e000101")
    a, b = device("a", 2, lldp(1, 1), lldp(2, 4)), device("b", 3, lldp(1, 1), lldp(2, 4))
    gateway = {"gateways": (Gateway("10.0.0.254", None),), "arp": (ArpEntry(3, "10.0.0.254", shared),)}
    c = device("c", 4, lldp(1, 2), lldp(2, 3), learnt={shared: frozenset({2})}, **gateway)
    assert parents(CORE, a, b, c)["c"] == ("b", True)


def test_who_stands_between_is_told_and_what_is_behind_is_placed_in_doubt() -> None:
    a = device("a", 2, Sighting("lldp", 1, mac=mac(77), names=("hidden",)))
    core = device("core", 1, Sighting("lldp", 3, mac=mac(77), names=("hidden",)))
    tree = grow([core, a], core="core")
    assert tree.placed["a"].parent[::2] == ("core", False)
    assert tree.strangers == [
        "'hidden' (44:d9:e7:00:4d:00) is a neighbour of a (p1), core (p3), but is not in the inventory: it did not answer"
    ]


def test_a_name_that_two_have_counts_for_neither() -> None:
    by_name = Sighting("cdp", 1, names=("twin.example.net",))
    core = device("core", 1, by_name)
    twins = [Found(f"twin-{n}", f"10.0.0.{n}", device("twin", n).seen) for n in (2, 3)]
    tree = grow([core, *twins], core="core")
    assert [placed.parent.value for placed in tree.placed.values()] == ["", ""]
    assert tree.unclear == [
        "core, p1: the neighbour 'twin.example.net' may be any of twin-2, twin-3: it counts as none"
    ]


def test_cdp_through_a_bridge_that_does_not_know_it_is_no_link() -> None:
    core = device("core", 1, lldp(1, 2), Sighting("cdp", 1, names=("b",)))
    assert parents(core, device("a", 2, lldp(1, 1), lldp(2, 3)), device("b", 3))["b"] == ("a", True)


def test_two_cables_that_are_not_bundled_have_no_one_uplink() -> None:
    a = device("a", 2, lldp(1, 1), lldp(2, 1))
    placed = grow([device("core", 1), a], core="core").placed["a"]
    assert (placed.parent.value, placed.uplink.value) == ("core", "")
    assert placed.uplink.why == "2 links lead to core: p1, p2"


def test_without_any_table_nobody_has_a_parent_and_the_core_is_in_doubt() -> None:
    tree = grow([device("a", 2), device("b", 3)])
    assert not tree.core.is_sure
    assert [placed.parent.is_sure for placed in tree.placed.values()] == [False]


def test_tables_that_lead_in_a_circle_end_somewhere() -> None:
    towards = [{"gateways": (Gateway(f"10.0.0.{n}", 1),)} for n in (3, 4, 2)]
    ring = [
        device(name, n, lldp(1, 2 + (n - 1) % 3), **more)
        for name, n, more in zip("abc", (2, 3, 4), towards, strict=True)
    ]
    assert set(parents(device("core", 1), *ring)) == {"a", "b", "c"}


def test_no_devices_make_no_tree() -> None:
    assert not grow([]).placed


def test_what_four_hosts_with_snmpd_and_lldpd_answered_makes_their_tree() -> None:
    """Debian's snmpd 5.9.3 and lldpd 1.0.16, walked while they ran in four network namespaces: core - agg - left, right.

    lldpd on ``left`` had heard of ``agg`` and shown it to no SNMP table, so that link is told by one end.
    """
    folder = Path(__file__).parents[3] / "data" / "lldpd"
    names = ("core", "agg", "left", "right")
    asked = [
        Asked(f"10.99.0.{number}", "default", read(recordings.read(folder / f"{name}.snmprec")[0]))
        for number, name in enumerate(names, 1)
    ]
    found = propose(naming.devices(asked, 161), AreaRules(), None, False)
    assert {name: (row["parent"], row["uplink_interface"], row["role"]) for name, row in found.rows.items()} == {
        "core": ("", "", "router"),
        "agg": ("core", "up0", "router"),
        "left": ("agg", "up0", "router"),
        "right": ("agg", "up0", "router"),
    }
    assert [row["unsure"] for row in found.rows.values()] == [""] * 4


def test_a_router_that_could_be_above_the_core_makes_it_doubtful() -> None:
    """``border`` tells no default route and is next to the core; behind a device that follows the core it could not be."""
    followers = [
        device(name, number, lldp(1, 1), gateways=(Gateway("10.0.0.1", 1),)) for name, number in (("a", 2), ("b", 3))
    ]
    border = device("border", 9, is_forwarding=True)
    above = grow([device("core", 1, lldp(1, 2), lldp(2, 3), lldp(3, 9)), *followers, border])
    assert (above.core.value, above.core.is_sure) == ("core", False)
    assert "border could be above it" in above.core.why
    behind = device("border", 9, lldp(1, 2), is_forwarding=True)
    assert grow([CORE, *followers, behind]).core.is_sure


def test_default_routes_that_lead_to_two_make_the_core_doubtful() -> None:
    routes = [
        device(name, n, gateways=(Gateway(f"10.0.0.{top}", 1),))
        for name, n, top in (("a", 2, 1), ("b", 3, 1), ("c", 4, 5))
    ]
    core = grow([device("core", 1), *routes, device("other", 5)]).core
    assert core[::2] == ("core", False)
    assert core.why == "the default routes of 2 devices lead there, of 3 that have one"


def test_who_stands_at_a_port_that_only_the_bridge_table_tells_may_be_between() -> None:
    """RouterOS names no port in LLDP; its tables do."""
    learnt = {mac(2, 1): frozenset({3}), mac(5, 1): frozenset({3})}
    core = device("core", 1, Sighting("lldp", None, mac=mac(2)), learnt=learnt)
    assert parents(core, device("a", 2), device("radio", 5))["a"] == ("core", False)
