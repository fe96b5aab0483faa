"""Inventories as other systems export them, with the fields that they use; and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import settings_file
from collector import config
from collector.inventory import devices_file
from collector.inventory.devices_file import Inventory

LIBRENMS = {
    "status": "ok",
    "devices": [
        {
            "device_id": 1,
            "hostname": "core.example.net",
            "sysName": "core-1",
            "ip": "10.0.0.1",
            "overwrite_ip": None,
            "community": "secret",
            "port": 161,
            "os": "routeros",
            "type": "network",
            "hardware": "CCR2004",
            "location": "Noord",
            "lat": 52.37,
            "lng": 4.89,
            "disabled": 0,
            "dependency_parent_hostname": None,
        },
        {
            "device_id": 2,
            "hostname": "10.0.0.2",
            "sysName": "sw-1",
            "ip": "10.0.0.2",
            "port": 1161,
            "os": "edgeswitch",
            "type": "network",
            "location": "Noord",
            "disabled": False,
            "dependency_parent_hostname": "core.example.net",
        },
        {"device_id": 3, "hostname": "old", "ip": "10.0.0.3", "type": "network", "location": "Noord", "disabled": 1},
        {
            "device_id": 4,
            "hostname": "sw-9",
            "sysName": "sw-9",
            "ip": "10.0.0.4",
            "os": "ios",
            "type": "network",
            "location": "Oost",
        },
    ],
}
UISP = [
    {
        "identification": {
            "id": "a-1",
            "name": "North AP",
            "role": "ap",
            "type": "airMax",
            "site": {"id": "s", "name": "North"},
        },
        "ipAddress": "10.1.0.2/24",
        "location": {"latitude": 40.4, "longitude": -3.7},
        "attributes": {"ssid": "north"},
    },
    {
        "identification": {
            "id": "a-2",
            "name": "Ana",
            "role": "station",
            "type": "airMax",
            "site": {"id": "c", "name": "North"},
        },
        "ipAddress": "10.1.0.9/24",
        "attributes": {"apDevice": {"id": "a-1", "name": "North AP"}},
    },
    {
        "identification": {
            "id": "a-4",
            "name": "Ana's router",
            "role": "router",
            "type": "erouter",
            "site": {"id": "e", "name": "North", "type": "endpoint"},
        },
        "ipAddress": "10.1.0.10/24",
    },
    {"identification": {"id": "a-3", "name": "UPS", "role": "ups", "site": {"name": "North"}}, "ipAddress": "10.1.0.3"},
]
ZABBIX = """zabbix_export:
  version: '7.0'
  hosts:
    - host: olt-1
      name: OLT one
      groups:
        - name: Discovered hosts
        - name: OLTs
      interfaces:
        - type: SNMP
          ip: 10.2.0.1
          interface_ref: if1
      tags:
        - tag: area
          value: Haven
    - host: onu-1
      groups:
        - name: CPEs
      interfaces:
        - ip: 10.2.0.2
          interface_ref: if1
      tags:
        - tag: parent
          value: olt-1
        - tag: area
          value: Haven
    - host: off-1
      status: DISABLED
"""
SPLYNX = (
    "id,title,ip,type,parent_id,address,active\n"
    "7,Tower 1,10.3.0.1,Router,0,Hill 4,1\n8,Sector A,10.3.0.2,Access Point,7,Hill 4,1\n9,Old,10.3.0.3,Router,0,Hill 4,0\n"
)


def load(tmp_path: Path, name: str, content: str, discovery: str) -> Inventory:
    (tmp_path / name).write_text(content, encoding="utf-8")
    settings = tmp_path / "collector.toml"
    settings.write_text(f'inventory = "{name}"\ndata = "data"\n[discovery]\n{discovery}\n')
    read = config.load(settings)
    return devices_file.load(read.inventory, read)


def shown(found: Inventory) -> list[tuple[str, str, str, str, str | None]]:
    return [(d.device_id, d.address, d.role, d.area, d.parent) for d in found.devices]


def test_librenms_is_read_and_a_role_that_nobody_knows_is_told(tmp_path: Path) -> None:
    found = load(tmp_path, "librenms.json", json.dumps(LIBRENMS), 'preset = "librenms"')
    assert shown(found) == [
        ("core-1", "10.0.0.1", "router", "Noord", None),
        ("sw-1", "10.0.0.2", "switch", "Noord", "core-1"),
    ]
    assert (found.devices[0].latitude, found.devices[0].longitude, found.left_out) == (52.37, 4.89, 1)
    (problem,) = found.problems
    assert str(problem).startswith(
        "librenms.json [3]: role (purpose or os or type or hardware; see [discovery.roles]): must be"
    )
    assert str(problem).endswith("not 'ios'")
    told = load(
        tmp_path, "librenms.json", json.dumps(LIBRENMS), 'preset = "librenms"\n[discovery.roles]\nios = "switch"'
    )
    assert (shown(told)[2], told.problems) == (("sw-9", "10.0.0.4", "switch", "Oost", None), ())


def test_uisp_knows_the_access_point_of_a_station(tmp_path: Path) -> None:
    found = load(tmp_path, "uisp.json", json.dumps(UISP), 'preset = "uisp"')
    assert shown(found) == [
        ("North AP", "10.1.0.2", "ap", "North", None),
        ("Ana", "10.1.0.9", "cpe", "North", "North AP"),
        ("Ana's router", "10.1.0.10", "cpe", "North", None),
    ]
    assert (found.problems, found.left_out, found.devices[1].subscribers) == ((), 1, 1)


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_zabbix_says_it_by_groups_and_tags(tmp_path: Path, kind: str) -> None:
    import yaml

    content = ZABBIX if kind == "yaml" else json.dumps(yaml.safe_load(ZABBIX))
    found = load(tmp_path, f"zabbix.{kind}", content, 'preset = "zabbix"')
    assert shown(found) == [
        ("olt-1", "10.2.0.1", "olt", "Haven", None),
        ("onu-1", "10.2.0.2", "cpe", "Haven", "olt-1"),
    ]
    assert (found.problems, found.left_out) == ((), 1)


def test_splynx_numbers_its_parents(tmp_path: Path) -> None:
    found = load(tmp_path, "splynx.csv", SPLYNX, 'preset = "splynx"')
    assert shown(found) == [
        ("Tower 1", "10.3.0.1", "router", "Hill 4", None),
        ("Sector A", "10.3.0.2", "ap", "Hill 4", "Tower 1"),
    ]
    numbers = SPLYNX.replace(",Router,", ",1,").replace(",Access Point,", ",5,")
    told = load(tmp_path, "splynx.csv", numbers, 'preset = "splynx"')
    assert [str(problem).rpartition("not ")[2] for problem in told.problems] == ["'1'", "'5'"]
    assert str(told.problems[0]).startswith("splynx.csv:2: role (")


def test_a_table_of_ones_own_needs_no_preset(tmp_path: Path) -> None:
    table = '[discovery.labels]\ndevice_id = ["Name"]\naddress = ["Management IP"]\narea = ["District"]\n[discovery.roles]\nBackbone = "router"'
    content = "Name;Management IP;District;role\nr1;10.0.0.1;Oost;backbone\n;10.0.0.2;Oost;router\n"
    found = load(tmp_path, "own.csv", content, table)
    assert shown(found) == [
        ("r1", "10.0.0.1", "router", "Oost", None),
        ("10.0.0.2", "10.0.0.2", "router", "Oost", None),
    ]


FAULTS = {
    "not JSON": ('{"devices": [', 'preset = "librenms"', "e.json: cannot be made out: Expecting value"),
    "no list": (
        '{"devices": {}}',
        'preset = "librenms"',
        "e.json: holds no devices: a list under 'devices' is expected",
    ),
    "no object": ('{"devices": [7]}', 'preset = "librenms"', "e.json [0]: is not an object"),
    "no address": (
        '[{"identification": {"id": "a", "name": "b", "role": "ap", "site": {"name": "N"}}}]',
        'preset = "uisp"',
        "e.json [0]: address (ipAddress): is empty",
    ),
}


@pytest.mark.parametrize(("content", "discovery", "expected"), FAULTS.values(), ids=FAULTS)
def test_what_cannot_be_used_is_told(tmp_path: Path, content: str, discovery: str, expected: str) -> None:
    found = load(tmp_path, "e.json", content, discovery)
    assert str(found.problems[0]).startswith(expected)


@pytest.mark.parametrize(
    ("inventory", "preset", "message"),
    [
        ("devices.csv", "netbox", "discovery.preset: netbox is for a URL"),
        ("https://a.example.net/", "librenms", "discovery.preset: librenms is for a file that was exported"),
    ],
)
def test_a_preset_of_the_other_kind_is_refused(tmp_path: Path, inventory: str, preset: str, message: str) -> None:
    path = tmp_path / "collector.toml"
    path.write_text(f'inventory = "{inventory}"\ndata = "data"\n[discovery]\npreset = "{preset}"\n')
    with pytest.raises(settings_file.SettingsError) as fault:
        config.load(path)
    assert str(fault.value) == f"{path}: {message}"
