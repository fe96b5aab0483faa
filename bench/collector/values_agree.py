"""Whether what a contender gave is right: every sample there, every byte counter on its line at the time of the poll."""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.collector.load import FIRST_ROUTER, ROUTER_INTERFACES, UPLINK, Truth

Sample = tuple[str, dict[str, str], float]
Span = tuple[float, float]
SLACK_SECONDS = 0.05
EXPORTERS_OWN = "snmp_scrape_"
COUNTERS = {
    "ifHCInOctets": False,
    "ifHCOutOctets": True,
    "bairro_interface_receive_bytes_total": False,
    "bairro_interface_transmit_bytes_total": True,
}
"""Byte counters by name, and whether they are of what was sent."""

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Finding:
    """What was found in the answers: how many devices and values, and the faults, the first of them in words."""

    devices: int
    values: int
    faults: tuple[str, ...]


def samples(text: str) -> Iterator[Sample]:
    """The samples of a text exposition."""
    for name, labels, value in _SAMPLE.findall(text):
        yield name, dict(_LABEL.findall(labels)), float(value)


def device_id(number: int) -> str:
    return f"router-{number - FIRST_ROUTER:05d}" if number >= FIRST_ROUTER else f"cpe-{number:06d}"


def device_number(name: str) -> int:
    role, _, count = name.partition("-")
    return int(count) + (FIRST_ROUTER if role == "router" else 0)


def interfaces(number: int) -> tuple[str, ...]:
    """The interfaces that a poll reads: a CPE's uplink, all of a router's."""
    if number < FIRST_ROUTER:
        return (f"if{UPLINK}",)
    return tuple(f"if{k}" for k in range(1, ROUTER_INTERFACES + 1))


def check_ours(text: str, truth: Truth, numbers: Iterable[int], *, between: Span) -> Finding:
    """Our /metrics: every device up, no poll failed, both byte counters of every interface true ``between``."""
    wanted = {device_id(number): number for number in numbers}
    faults: list[str] = []
    found: set[tuple[str, str, bool]] = set()
    up: set[str] = set()
    values = 0
    for name, labels, value in samples(text):
        device = labels.get("device", "")
        if device not in wanted:
            continue
        values += 1
        if name == "bairro_device_up" and value == 1.0:
            up.add(device)
        elif name == "bairro_polls_failed_total" and value:
            faults.append(f"{device}: {value:.0f} polls failed")
        elif name in COUNTERS:
            found.add((device, labels["interface"], COUNTERS[name]))
            faults += _off_line((name, labels["interface"]), truth, wanted[device], value, between)
    faults += [f"{device}: not up" for device in wanted.keys() - up]
    for device, number in wanted.items():
        faults += _missing(device, number, found)
    return Finding(len(up), values, tuple(faults))


def check_exporter(bodies: Path, truth: Truth, *, between: Span) -> Finding:
    """Every scrape of an SNMP exporter as scrape.c wrote them down, against the same lines."""
    data = bodies.read_bytes()
    at, devices, values = 0, 0, 0
    faults: list[str] = []
    while at < len(data):
        number, size = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + 8 + size]
        at += 8 + size
        text = (gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body).decode()
        devices += 1
        found: set[tuple[str, str, bool]] = set()
        for name, labels, value in samples(text):
            if name.startswith(EXPORTERS_OWN):
                continue
            values += 1
            if name in COUNTERS:
                found.add(("", labels["ifName"], COUNTERS[name]))
                faults += _off_line((name, labels["ifName"]), truth, number, value, between)
        faults += _missing("", number, found)
    return Finding(devices, values, tuple(faults))


def _off_line(counter: tuple[str, str], truth: Truth, number: int, value: float, between: Span) -> list[str]:
    """A fault where ``counter`` (its name and interface) is off its line."""
    name, interface = counter
    low, high = (
        truth.octets(number, int(interface.removeprefix("if")), at, is_sent=COUNTERS[name])
        for at in (between[0] - SLACK_SECONDS, between[1] + SLACK_SECONDS)
    )
    return [] if low <= value <= high else [f"{number} {interface} {name} is {value}, not {low} to {high}"]


def _missing(device: str, number: int, found: set[tuple[str, str, bool]]) -> list[str]:
    return [
        f"{number} {name}: no byte counter"
        for name in interfaces(number)
        for is_sent in (False, True)
        if (device, name, is_sent) not in found
    ]
