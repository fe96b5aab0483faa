"""Uplinks that are found: what tells an interface from the others, what tells nothing, and who uses what was found."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from collector import config, recordings
from collector.commands.neighbours import surroundings
from collector.commands.neighbours.forwarding import ArpEntry, Gateway
from collector.commands.neighbours.interfaces import Interface, Interfaces
from collector.commands.neighbours.objects import Columns
from collector.commands.neighbours.sighting import Sighting
from collector.commands.neighbours.surroundings import Surroundings
from collector.commands.uplinks.command import run, totals
from collector.commands.uplinks.proposal import Parent, Totals, parent_of, propose
from collector.inventory import devices_file, found_uplinks
from collector.inventory.found_uplinks import FoundUplink
from tests.collector.poll.agents import Mib, Served, answering, encode_integer, router

MAC, OTHER = bytes.fromhex("02005e100001"), bytes.fromhex("02005e100002")
PORTS = Interfaces({n: Interface(n, f"ge-{n}", kind=6) for n in (1, 2, 3)} | {9: Interface(9, "vlan9", kind=136)})
PARENT = parent_of(
    "core-1", "192.0.2.1", Surroundings(name="Core-1.example.net", own=surroundings.NOT_SAID._replace(mac=MAC))
)
NO_TOTALS = Totals()
BUSY = Totals({1: 10**9, 2: 10**8, 3: 10**8}, {1: 2 * 10**8, 2: 4 * 10**8, 3: 6 * 10**8})


@pytest.mark.parametrize(
    ("seen", "totals", "interface", "why", "is_seen"),
    [
        ({"sightings": (Sighting("lldp", 2, names=("core-1",)),)}, BUSY, "ge-2", "LLDP names its parent core-1 there", True),
        ({"sightings": (Sighting("cdp", 3, addresses=("192.0.2.1",)),)}, BUSY, "ge-3", "CDP names its parent core-1 there", True),
        ({"sightings": (Sighting("lldp", 3, mac=MAC),)}, BUSY, "ge-3", "LLDP names its parent core-1 there", True),
        ({"learnt": {MAC: frozenset({2})}}, BUSY, "ge-2", "its bridge has learnt its parent core-1 there", True),
        (
            {"learnt": {OTHER: frozenset({3})}, "gateways": (Gateway("192.0.2.1", 9),), "arp": (ArpEntry(9, "192.0.2.1", OTHER),)},
            BUSY,
            "ge-3",
            "its bridge has learnt its default gateway 192.0.2.1, which is its parent core-1, there",
            True,
        ),
        ({"arp": (ArpEntry(2, "192.0.2.1", OTHER),)}, BUSY, "ge-2", "ARP knows its parent core-1 there", True),
        ({"sightings": (Sighting("lldp", 2, names=("sw-9",)),)}, BUSY, "ge-1", "it carries nearly all", False),
        ({"gateways": (Gateway("192.0.2.77", 2),)}, NO_TOTALS, None, "no neighbour, no gateway and no traffic", False),
        ({"learnt": {MAC: frozenset({2, 3})}}, NO_TOTALS, None, "no neighbour", False),
    ],
)  # fmt: skip
def test_what_is_proposed(
    seen: dict[str, object], totals: Totals, interface: str | None, why: str, is_seen: bool
) -> None:
    found = propose(Surroundings(interfaces=PORTS, **seen), PARENT, totals)  # type: ignore[arg-type]
    assert (found.interface, found.is_seen) == (interface, is_seen)
    assert found.why.startswith(why)


@pytest.mark.parametrize(
    "totals",
    [
        NO_TOTALS,
        Totals({1: 5 * 10**7, 2: 10, 3: 10}, {1: 20, 2: 2 * 10**7, 3: 3 * 10**7}),
        Totals({1: 10**9, 2: 10**9, 3: 10**9}, {1: 10**9, 2: 10**9, 3: 10**9}),
        Totals({1: 10**9, 2: 10**8}, {1: 10**8, 2: 10**9}),
    ],
    ids=["none", "too little", "alike", "two ports mirror each other"],
)
def test_traffic_that_tells_nothing(totals: Totals) -> None:
    assert propose(Surroundings(interfaces=PORTS), Parent(), totals).interface is None


def test_recordings_whose_neighbours_say_so_too(shared: Path) -> None:
    """By traffic alone, held against what LLDP and the spanning tree say of the same devices."""
    told = {"dlink_dgs-3420-28tc": "1/25", "tplink_sg2008": "port 1: Gigabit Copper"}
    for name, uplink in told.items():
        objects, _ = recordings.read(shared / "data" / "snmp_recordings" / f"{name}.snmprec")
        seen = surroundings.read(objects)
        assert propose(seen, Parent(), totals(Columns(objects))).interface == uplink
        assert {seen.interfaces.title(s.port) for s in seen.sightings if s.by in ("lldp", "stp")} == {uplink}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    (tmp_path / "collector.toml").write_text(
        'inventory = "devices.csv"\ndata = "data"\n[poll]\ntimeout_seconds = 0.5\nretries = 0\n'
    )
    return tmp_path / "collector.toml"


def inventory(toml: Path, *rows: str) -> None:
    lines = ["device_id,address,role,area,parent,ping,uplink_interface", *rows]
    (toml.parent / "devices.csv").write_text("\n".join(lines) + "\n")


def test_it_asks_prints_and_keeps_what_auto_then_uses(toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counters = {
        f"1.3.6.1.2.1.31.1.1.1.{column}.{n}": encode_integer(value, 0x46)
        for n, received, sent in ((1, 10**11, 10**10), (2, 6 * 10**9, 6 * 10**10), (3, 4 * 10**9, 4 * 10**10))
        for column, value in ((6, received), (10, sent))
    }
    kinds = {f"1.3.6.1.2.1.2.2.1.3.{n}": encode_integer(6) for n in (1, 2, 3)}
    served = Served(answering(Mib(router(3) | counters | kinds).answer))
    try:
        inventory(toml, f"r1,127.0.0.1:{served.port},router,a,,off,auto", "r2,127.0.0.1:9,router,a,,off,")
        before = devices_file.load(toml.parent / "devices.csv", config.load(toml))
        assert run(argparse.Namespace(config=toml, devices=[])) == 1
    finally:
        served.stop()
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("r1: if1 (a guess): it carries nearly all that passes the others together")
    assert second == "r2: none: it does not answer"
    assert last.startswith("1 of 2 found, kept in ")
    assert [device.uplink_interface for device in before.devices] == [None, None]
    assert [problem.reason for problem in before.problems] == [
        "r1: auto: none has been found yet, so no traffic is measured; run bairro uplinks"
    ]
    after = devices_file.load(toml.parent / "devices.csv", config.load(toml))
    assert [device.uplink_interface for device in after.devices] == ["if1", None]
    assert after.problems == ()


def test_devices_that_are_not_there_or_need_none(toml: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory(toml, "r1,127.0.0.1:9,router,a,,off,eth0", "c1,127.0.0.1:9,cpe,a,,off,")
    assert run(argparse.Namespace(config=toml, devices=[])) == 0
    assert "every device has an uplink_interface" in capsys.readouterr().out
    assert run(argparse.Namespace(config=toml, devices=["r9"])) == 2
    assert "bairro uplinks: 'r9' not in " in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    kept = {"r1": FoundUplink("eth0", "LLDP names it")}
    assert found_uplinks.read(tmp_path) == {}
    path = found_uplinks.write(tmp_path, kept)
    assert found_uplinks.read(tmp_path) == kept
    for text in ("", "[]", '{"r1": {}}', "\xff"):
        path.write_text(text, encoding="latin-1")
        assert found_uplinks.read(tmp_path) == {}
