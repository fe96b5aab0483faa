"""`bairro uplinks`: proposes the uplink of each device that the inventory names none for, and says why."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from collector import config
from collector.commands.neighbours import surroundings
from collector.commands.neighbours.objects import Columns
from collector.commands.neighbours.surroundings import Surroundings
from collector.commands.uplinks.proposal import Parent, Proposal, Totals, parent_of, propose
from collector.commands.walker import Walker
from collector.config import CollectorSettings
from collector.credentials import NO_SNMP, Credential, credentials_of
from collector.inventory import devices_file, found_uplinks
from collector.inventory.found_uplinks import AUTO, FoundUplink
from collector.poll.snmp.codec import Oid, parse_oid
from collector.reading import Device
from collector.recordings import Recorded

EXIT_OK, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2
AT_ONCE = 8
WIDE = ("1.3.6.1.2.1.31.1.1.1.6", "1.3.6.1.2.1.31.1.1.1.10")
NARROW = ("1.3.6.1.2.1.2.2.1.10", "1.3.6.1.2.1.2.2.1.16")


@dataclass(frozen=True)
class Asked:
    """What one device said; ``seen`` is None where it said nothing."""

    device: Device
    seen: Surroundings | None
    totals: Totals


def add_to(commands: Any, parent: argparse.ArgumentParser) -> None:
    what_for = "propose the uplink of each device that the inventory names none for"
    command = commands.add_parser("uplinks", parents=[parent], help=what_for)
    command.add_argument("devices", nargs="*", metavar="DEVICE", help="device_ids; default: all without an uplink")
    command.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each device, and keep what was found for rows with ``auto``."""
    settings = config.load(arguments.config)
    inventory = devices_file.load(settings.inventory, settings)
    devices = {device.device_id: device for device in inventory.devices}
    if unknown := [name for name in arguments.devices if name not in devices]:
        print(f"bairro uplinks: {', '.join(map(repr, unknown))} not in {settings.inventory}")
        return EXIT_UNUSABLE
    kept = found_uplinks.read(settings.data)
    wanted = _wanted(devices.values(), arguments.devices, kept)
    if not wanted:
        print(f"{settings.inventory}: every device has an uplink_interface, is a CPE or is not asked by SNMP")
        return EXIT_OK
    proposals = find(wanted, devices, settings)
    for device in wanted:
        print(line(device.device_id, proposals[device.device_id]))
    kept |= {name: FoundUplink(p.interface, p.why) for name, p in proposals.items() if p.interface is not None}
    path = found_uplinks.write(settings.data, {name: row for name, row in kept.items() if name in devices})
    missing = sum(1 for proposal in proposals.values() if proposal.interface is None)
    print(
        f"{len(proposals) - missing} of {len(proposals)} found, kept in {path}. Write them into the column "
        f"uplink_interface, or {AUTO} to use what is kept; the collector reads it with the inventory (SIGHUP)."
    )
    return EXIT_PROBLEMS if missing else EXIT_OK


def line(device_id: str, proposal: Proposal) -> str:
    """What was found for one device, as a line."""
    if proposal.interface is None:
        return f"{device_id}: none: {proposal.why}"
    return f"{device_id}: {proposal.interface}{'' if proposal.is_seen else ' (a guess)'}: {proposal.why}"


def _wanted(devices: Iterable[Device], named: Sequence[str], kept: Mapping[str, FoundUplink]) -> list[Device]:
    """Those that are named; else the network devices that have no uplink, or one that was found earlier."""
    if named:
        return [device for device in devices if device.device_id in named]
    asked = [device for device in devices if device.role != "cpe" and device.credential != NO_SNMP]
    return [d for d in asked if d.uplink_interface is None or _interface(kept, d) == d.uplink_interface]


def _interface(kept: Mapping[str, FoundUplink], device: Device) -> str | None:
    return kept[device.device_id].interface if device.device_id in kept else None


def find(wanted: Sequence[Device], devices: dict[str, Device], settings: CollectorSettings) -> dict[str, Proposal]:
    """Ask the devices and their parents; the proposal for each of ``wanted``."""
    parents = {d.parent for d in wanted if d.parent is not None and d.parent in devices}
    everybody = [*wanted, *(devices[name] for name in parents if devices[name] not in wanted)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = {one.device.device_id: one for one in pool.map(lambda device: _ask(device, settings), everybody)}
    return {device.device_id: _propose(asked[device.device_id], asked, devices) for device in wanted}


def _propose(one: Asked, asked: dict[str, Asked], devices: dict[str, Device]) -> Proposal:
    if one.seen is None:
        return Proposal(None, "it does not answer")
    above = devices.get(one.device.parent or "")
    if above is None:
        return propose(one.seen, Parent(), one.totals)
    said = asked[above.device_id].seen if above.device_id in asked else None
    return propose(one.seen, parent_of(above.device_id, _address(above), said), one.totals)


def _address(device: Device) -> str:
    try:
        return str(socket.getaddrinfo(device.address, None)[0][4][0])
    except OSError:
        return device.address


def _ask(device: Device, settings: CollectorSettings) -> Asked:
    for credential in credentials_of(device.credential, settings.credentials):
        walker = _walker(device, credential, settings)
        seen = surroundings.ask(walker)
        if seen.object_id or seen.interfaces.rows:
            objects: dict[Oid, Recorded] = {}
            for _ in walker.walk_into(objects, [parse_oid(oid) for oid in (*WIDE, *NARROW)]):
                continue
            return Asked(device, seen, totals(Columns(objects)))
    return Asked(device, None, Totals())


def _walker(device: Device, credential: Credential, settings: CollectorSettings) -> Walker:
    timeout = device.timeout_seconds or credential.timeout_seconds or settings.poll.timeout_seconds
    return Walker(device, credential, timeout_seconds=timeout, tries=1 + settings.poll.retries)


def totals(columns: Columns) -> Totals:
    """The byte counters, of 64 bits where a row has them."""
    received, sent = (
        {index[0]: value for index, value in (columns.numbers(narrow) | columns.numbers(wide)).items()}
        for wide, narrow in zip(WIDE, NARROW, strict=True)
    )
    return Totals(received, sent)
