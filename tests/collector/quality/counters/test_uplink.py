"""Which interface counts as the uplink where the inventory names none: only one that nothing else could be."""

from __future__ import annotations

import pytest

from collector.quality.counters.uplink import uplink_of
from collector.reading import Device, InterfaceReading

ROUTER = Device("r1", "192.0.2.1", "router", "Area")


@pytest.mark.parametrize(
    ("names", "uplink"),
    [
        ("eth0", "eth0"),
        ("lo eth0", "eth0"),
        ("lo #7 eth0", "eth0"),
        ("eth0 (sessions) (loopbacks)", "eth0"),
        ("eth0 (others)", None),
        ("(others)", None),
        ("lo (others)", None),
        ("eth0 eth1", None),
        ("lo lo0", None),
        ("", None),
    ],
)
def test_the_only_one_that_can_be(names: str, uplink: str | None) -> None:
    found = uplink_of(ROUTER, [InterfaceReading(name, n) for n, name in enumerate(names.split(), 1)])
    assert (found.name if found is not None else None) == uplink
