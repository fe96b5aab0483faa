"""Poll stage, explained: a reading as text. What was not given is left out; units stand in the names."""

from __future__ import annotations

import math
from typing import Any

from collector.reading import EchoBurst, Reading

FIELDS = ("snmp", "failure", "sent", "snmp_rtt_seconds", "uptime_seconds", "boot_seconds")
DIGITS = 6
"""Significant digits of a fraction; whole numbers have all of theirs."""


def lines(reading: Reading) -> list[str]:
    """One line a value, and one for each interface, signal channel and probe, and for each value of a part."""
    said = [f"{name} = {value(told)}" for name in FIELDS if (told := getattr(reading, name)) is not None]
    said += [f"pings = {_burst(reading.echoes)}"] if reading.echoes is not None else []
    for kind, records in (("interface", reading.interfaces), ("signal", reading.signals), ("probe", reading.probes)):
        said += [_record(kind, record) for record in records]
    said += [f"part {part or 'the device'}: {measure} {value(told)}" for measure, part, told in reading.parts or ()]
    return said


def value(told: Any) -> str:
    """'yes', '0.00900888', '600000000', 'a, b'."""
    if isinstance(told, bool):
        return "yes" if told else "no"
    if isinstance(told, float) and math.isfinite(told):
        return str(int(told)) if told.is_integer() else f"{told:.{max(DIGITS, len(str(int(abs(told)))) + 2)}g}"
    if isinstance(told, tuple | list):
        return ", ".join(map(value, told))
    return str(told)


def _burst(burst: EchoBurst) -> str:
    said = f"{burst.sent} sent, {burst.lost} lost"
    trips = ", ".join(f"{1000 * seconds:.1f}" for seconds in burst.rtt_seconds)
    return f"{said}, round trips {trips} ms" if trips else said


def _record(kind: str, record: Any) -> str:
    """'interface uplink0: index 1, is_up yes, ...': the first field is its name."""
    first, *others = record._asdict().items()
    told = ", ".join(f"{name} {value(given)}" for name, given in others if given is not None)
    return f"{kind} {first[1]}: {told or 'nothing given'}"
