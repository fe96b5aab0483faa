"""Partial failures: a device that is there, and of which a part does not answer or is down."""

from __future__ import annotations

from collector.quality.node import Node
from collector.quality.outage import Changes
from collector.reading import FAULTS, Fault, Reading

SEEN: tuple[Fault, ...] = ("two_devices",)
OF_SNMP: dict[str, Fault] = {"silent": "snmp_silent", "refused": "snmp_refused", "partial": "snmp_partial"}


def is_whole(reading: Reading, uplink: str | None) -> bool:
    """Whether every part of a device that answered did, as nearly always."""
    if reading.snmp != "answered" and reading.snmp in OF_SNMP:
        return False
    echoes = reading.echoes
    if echoes is not None and echoes.lost >= echoes.sent:
        return False
    if uplink is not None and reading.snmp != "off":
        for interface in reading.interfaces:
            if interface.name == uplink:
                return interface.is_up is not False and interface.is_admin_up is not False
        return False
    return True


def judge(
    node: Node,
    reading: Reading,
    *,
    lasting: int,
    interval_seconds: float,
    changes: Changes,
    seen: tuple[Fault, ...] = (),
) -> None:
    """A part that failed in ``lasting`` polls in a row is a fault, until one in which it did not.

    ``seen`` are faults that took several polls to see: they hold at once.
    """
    failing = node.failing
    asked = _parts(reading, node.uplink)
    for fault in SEEN:
        asked[fault] = fault in seen
        if fault in seen:
            failing[fault] = lasting
            asked.pop("uplink_missing", None)
    counts = reading.at - node.failing_at >= interval_seconds / 2
    for fault, fails in asked.items():
        if not fails:
            failing.pop(fault, None)
        elif counts or fault not in failing:
            failing[fault] = failing.get(fault, 0) + 1
    if counts:
        node.failing_at = reading.at
    faults = tuple(fault for fault in FAULTS if failing.get(fault, 0) >= lasting)
    if faults != node.faults:
        node.faults = faults
        changes.impair(node)


def _parts(reading: Reading, uplink: str | None) -> dict[Fault, bool]:
    """What this poll can say of each fault; a part that was not asked is left out."""
    parts: dict[Fault, bool] = {}
    if reading.snmp != "off":
        parts |= {fault: reading.snmp == outcome for outcome, fault in OF_SNMP.items()}
    if reading.echoes is not None and reading.echoes.sent:
        parts["ping_silent"] = reading.echoes.lost >= reading.echoes.sent
    if uplink is not None:
        parts |= _uplink(reading, uplink)
    return parts


def _uplink(reading: Reading, uplink: str) -> dict[Fault, bool]:
    """What the poll says of the uplink named in the inventory.

    It is missing where a whole answer leaves it out; one that an operator has shut is not down by a fault.
    """
    for interface in reading.interfaces:
        if interface.name == uplink:
            is_shut = interface.is_admin_up is False
            found: dict[Fault, bool] = {"uplink_missing": False, "uplink_shut": is_shut}
            if interface.is_up is not None:
                found["uplink_down"] = not interface.is_up and not is_shut
            return found
    if reading.snmp != "answered":
        return {}
    return {"uplink_missing": True, "uplink_shut": False, "uplink_down": False}
