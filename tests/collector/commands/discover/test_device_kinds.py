"""What recorded devices are taken for, and by whom they were made, against what their makers sell them as."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector import recordings
from collector.commands.discover import device_kinds
from collector.commands.neighbours.surroundings import read
from collector.reading import ROLES

SOLD_AS = {
    "calix_716ge": ("cpe", "Calix"),
    "cdata": ("olt", "C-Data"),
    "ciscosb_sg350-10": ("switch", "Cisco"),
    "datacom-dmos_dm4610-hw2": ("olt", "Datacom"),
    "dlink_des-3528": ("switch", "D-Link"),
    "edgeosolt": ("olt", "Ubiquiti"),
    "edgeswitch": ("switch", "Broadcom or Ubiquiti"),
    "exa_e7-2": ("olt", "Calix"),
    "fortigate_500d": ("router", "Fortinet"),
    "ios_ie2000": ("switch", "Cisco"),
    "iosxe": ("router", "Cisco"),
    "iosxe_ir1101": ("router", "Cisco"),
    "junos_ex": ("switch", "Juniper"),
    "junos_mx5t-isis": ("router", "Juniper"),
    "nokia-isam": ("olt", "Nokia"),
    "pmp_450": ("ap", "Cambium"),
    "rutos-2xx": ("cpe", ""),
    "thomson-cm": ("cpe", "Thomson"),
    "timos_hc": ("router", "Nokia"),
    "tplink_sg2008": ("switch", "TP-Link"),
    "vrp_s5328c-ei": ("switch", "Huawei"),
    "zxa10_c320": ("olt", "ZTE"),
}


@pytest.mark.parametrize("name", SOLD_AS)
def test_a_recorded_device_is_taken_for_what_it_is_sold_as(shared: Path, name: str) -> None:
    found, _ = recordings.read(shared / "data" / "snmp_recordings" / f"{name}.snmprec")
    seen = read(found)
    assert (device_kinds.role(seen).value, device_kinds.maker(seen).value) == SOLD_AS[name]


def test_every_rule_names_a_role_and_a_reason() -> None:
    assert [rule for rule in device_kinds.kinds().rules if rule.role not in ROLES or not rule.why] == []
