"""Readings for the tests of publishing: a device that answers, one that does not."""

from __future__ import annotations

from typing import Any

from collector.reading import Device, EchoBurst, InterfaceReading, Reading

CPE = Device("cpe-1", "127.0.0.1", "cpe", "centro", parent="ap-1", uplink_interface="wan", subscribers=1)


def answer(at: float, device: Device = CPE, **changes: Any) -> Reading:
    """A full answer: uptime and counters advance with ``at`` (1,000 bytes a second in, 100 out)."""
    count = int(at)
    values: dict[str, Any] = {
        "device_id": device.device_id,
        "at": at,
        "duration_seconds": 0.2,
        "snmp": "answered",
        "snmp_rtt_seconds": 0.0125,
        "uptime_seconds": at,
        "echoes": EchoBurst(5, 1, (0.010, 0.012, 0.011, 0.030)),
        "interfaces": (
            InterfaceReading(
                "wan", 1, "uplink", True, 125e6, 64, count * 1000, count * 100, 3, 2, 1, 0, is_admin_up=True
            ),
            InterfaceReading("lan", 2, None, False, None, 32, 17, None, None, None, None, None),
        ),
    }
    return Reading(**{**values, **changes})


def silence(at: float, device: Device = CPE) -> Reading:
    """A poll that nothing came back from."""
    return Reading(device.device_id, at, 4.5, "silent", echoes=EchoBurst(5, 5), failure="no answer")
