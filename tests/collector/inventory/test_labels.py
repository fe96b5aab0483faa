"""Labels of another system as columns: a preset, one's own table, and what is wrong with either, from a real server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import settings_file
from collector import config
from collector.commands.check import check
from collector.config import CollectorSettings, DiscoverySettings
from collector.inventory import device_rows, devices_file, labels
from collector.inventory.devices_file import Inventory
from collector.inventory.labels import without_prefix_length
from collector.reading import ROLES, Device

NETBOX = DiscoverySettings(preset="netbox")
ROLE = "role (__meta_netbox_role_slug or __meta_netbox_role; see [discovery.roles])"
ADDRESS = (
    "address (__meta_netbox_primary_ip or __meta_netbox_primary_ip4 or __meta_netbox_primary_ip6 or __meta_netbox_ip"
    " or a target that is an IP address)"
)


def group(name: str, *targets: Any, **netbox: Any) -> dict[str, Any]:
    """A device as release 2.2.0 of the plugin gives it: called by its name, with the labels that are set."""
    told = {"name": name, "model": "Device", "status": "active", "role_slug": "olt", "site": "Harbour", **netbox}
    told = {"site_slug": "harbour", **told}
    return {"targets": list(targets) or [name], "labels": {f"__meta_netbox_{key}": told[key] for key in told}}


def device(name: str, address: str, role: str = "olt", **more: Any) -> Device:
    return Device(name, address, role, more.pop("area", "harbour"), site="Harbour", **more)  # type: ignore[arg-type]


def load(settings: CollectorSettings, discovery: DiscoverySettings = NETBOX) -> Inventory:
    return devices_file.load(settings.inventory, replace(settings, discovery=discovery))


def problems(found: Inventory, server: Any) -> list[str]:
    return [str(problem).removeprefix(f"{server.url} ") for problem in found.problems]


def test_the_case_of_a_netbox_works_by_the_preset_alone(server, settings, shared):
    server.body = (shared / "cases" / "snmp" / "netbox_sd.json").read_bytes()
    found = load(settings)
    assert found == Inventory((Device("olt-3", "192.0.2.7", "olt", "harbour", site="harbour"),))
    unread = load(settings, DiscoverySettings())
    assert [str(problem) for problem in unread.problems] == [
        f'{server.url}: its labels are NetBox\'s; set preset = "netbox" under [discovery] to read them',
        f"{server.url} [0].targets[0]: role: is empty",
    ]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (group("a", primary_ip="192.0.2.7", primary_ip4="192.0.2.7"), device("a", "192.0.2.7")),
        (group("a", primary_ip="2001:db8::7", primary_ip4="192.0.2.7"), device("a", "2001:db8::7")),
        (group("a", primary_ip=None, primary_ip4="192.0.2.7"), device("a", "192.0.2.7")),
        (group("a", primary_ip6="2001:db8::7/64"), device("a", "2001:db8::7")),
        (group("a", "a:9100", primary_ip="192.0.2.7/24"), device("a", "192.0.2.7")),
        (group("a", "192.0.2.7/32"), device("a", "192.0.2.7")),
        (group("a", "192.0.2.7:1161"), device("a", "192.0.2.7", port=1161)),
        (group("a", "192.0.2.7/32:1161"), device("a", "192.0.2.7", port=1161)),
        (group("a", "2001:db8::7/128"), device("a", "2001:db8::7")),
        (group("a", "[2001:db8::7]:1161"), device("a", "2001:db8::7", port=1161)),
        (group("a", "a.example.net", ip="192.0.2.7", model="IPAddress"), device("a", "192.0.2.7")),
        (group(None, "192.0.2.7/32"), device("192.0.2.7", "192.0.2.7")),  # type: ignore[arg-type]
        (group("a", "192.0.2.7", role_slug="", role="OLT"), device("a", "192.0.2.7")),
        (group("a", "192.0.2.7", role_slug=None, role="Core Router"), device("a", "192.0.2.7", "router")),
        (group("a", "192.0.2.7", role_slug="access-switch"), device("a", "192.0.2.7", "switch")),
        (group("a", "192.0.2.7", role_slug="ont"), device("a", "192.0.2.7", "cpe", subscribers=1)),
        (group("a", "192.0.2.7", custom_field_area="Old Town"), device("a", "192.0.2.7", area="Old Town")),
        (group("a", "192.0.2.7", custom_field_parent="None"), device("a", "192.0.2.7")),
        (group("a", "192.0.2.7", custom_field_technology="[]"), device("a", "192.0.2.7")),
        (group("a", "192.0.2.7", custom_field_subscribers="40"), device("a", "192.0.2.7", subscribers=40)),
        (group("a", "192.0.2.7", parent="ssh"), device("a", "192.0.2.7")),
        (group("a", "192.0.2.7", status="failed", tags="fibre,ring 2"), device("a", "192.0.2.7")),
    ],
)
def test_what_netbox_says_of_a_device(server, settings, entry, expected):
    server.say([entry])
    assert load(settings) == Inventory((expected,))


def test_every_fault_names_its_group_and_its_labels_and_the_rest_goes_on(server, settings):
    server.say(
        [
            group("core", primary_ip="192.0.2.1", role_slug="core-router"),
            group("a", primary_ip="192.0.2.2", custom_field_parent="core"),
            group("b"),
            group("c", primary_ip="192.0.2.4", role_slug="server"),
            group("d", primary_ip="192.0.2.5", role_slug=None),
            group("e", primary_ip="192.0.2.6", custom_field_area="None"),
            group("f", primary_ip="192.0.2.0/24"),
            group("a", "a:9101", primary_ip="192.0.2.2"),
            group("g", "192.0.2.8", "192.0.2.9"),
            group("h", primary_ip="192.0.2.10", custom_field_parent="11"),
            group("i", primary_ip="192.0.2.11", site_slug=7),
            group("j", None, primary_ip="192.0.2.12"),
        ]
    )
    found = load(settings)
    assert [each.device_id for each in found.devices] == ["core", "a", "g", "h"]
    assert found.skipped == {"b", "c", "d", "e", "f", "i"}
    assert problems(found, server) == [
        f"[2].targets[0]: {ADDRESS}: is empty",
        f"[3].targets[0]: {ROLE}: must be one of {', '.join(ROLES)}, not 'server'",
        f"[4].targets[0]: {ROLE}: is empty",
        "[5].targets[0]: area (__meta_netbox_custom_field_area or __meta_netbox_site_slug): is empty",
        f"[6].targets[0]: {ADDRESS}: '192.0.2.0/24' is not an address: an IP address or a host name is expected",
        "[7].targets[0]: device_id (__meta_netbox_name): 'a' is already at [1].targets[0]; this row is skipped",
        "[8].targets[1]: device_id (__meta_netbox_name): 'g' is already at [8].targets[0]; this row is skipped",
        "[10].targets[0]: area (__meta_netbox_custom_field_area or __meta_netbox_site_slug): is not text: 7",
        "[11].targets[0]: is not text",
        "[9].targets[0]: parent (__meta_netbox_custom_field_parent): '11' does not exist; "
        "the device is judged on its own",
    ]


def test_a_device_whose_labels_break_keeps_its_last_good_row(server, settings):
    server.say([group("a", primary_ip="192.0.2.1"), group("b", primary_ip="192.0.2.2")])
    before = load(settings)
    for broken in ({"primary_ip": None}, {"role_slug": None}, {"role_slug": ["olt"]}):
        server.say([group("a", primary_ip="192.0.2.9"), group("b", **{"primary_ip": "192.0.2.2", **broken})])
        after = devices_file.merge(load(settings), before)
        assert after.devices == (device("a", "192.0.2.9"), device("b", "192.0.2.2"))
        assert len(after.problems) == 1


def test_what_is_not_in_service_is_left_out_and_counted(server, settings, tmp_path):
    away = ("planned", "staged", "inventory", "decommissioning", "Offline")
    groups = [group(status, primary_ip="192.0.2.2", status=status) for status in away]
    server.say([group("a", primary_ip="192.0.2.1"), *groups])
    found = load(settings)
    assert found == Inventory((device("a", "192.0.2.1"),), left_out=5)
    assert devices_file.merge(found, Inventory((device("planned", "192.0.2.2"),))) == found
    path = tmp_path / "collector.toml"
    path.write_text(f'inventory = "{server.url}"\ndata = "data"\n[discovery]\npreset = "netbox"\n')
    lines, code = check(path)
    assert code == 0
    assert f"{server.url}: 5 left out, as the settings of its labels say" in lines
    server.say(groups)
    nothing = "holds no devices but 5 that [discovery.leave_out] or the preset leaves out"
    assert str(load(settings).problems[0]) == f"{server.url}: {nothing}"


OWN = """
[discovery]
preset = "netbox"
token_type = "Token"
token_env = "BAIRRO_TEST_TOKEN"
[discovery.labels]
device_id = ["__meta_netbox_id"]
address = ["__meta_netbox_primary_ip", "__address__"]
area = ["__meta_netbox_tenant", "__meta_netbox_location"]
profile = []
[discovery.roles]
"Fibre Node" = "olt"
[discovery.leave_out]
__meta_netbox_tag_slugs = ["not-ours"]
"""


def test_settings_go_before_the_preset(server, tmp_path, monkeypatch):
    monkeypatch.setenv("BAIRRO_TEST_TOKEN", "secret")
    more = {"role_slug": "fibre-node", "custom_field_profile": "residential", "custom_field_parent": "11"}
    server.say(
        [
            group("a", id="11", primary_ip="192.0.2.1", tenant="Acme", location="Hall"),
            group("a", "a.example.net:1161", id="12", location="Hall", **more),
            group("b", id="13", primary_ip="192.0.2.3", tag_slugs="fibre,not-ours"),
            group("b", id="14", primary_ip="192.0.2.3", status="planned"),
        ]
    )
    path = tmp_path / "collector.toml"
    path.write_text(f'inventory = "{server.url}"\ndata = "data"\n{OWN}')
    settings = config.load(path)
    assert devices_file.load(settings.inventory, settings) == Inventory(
        (
            device("11", "192.0.2.1", area="Acme"),
            device("12", "a.example.net", area="Hall", port=1161, parent="11"),
        ),
        left_out=2,
    )
    assert server.asked[-1]["authorization"] == "Token secret"


def test_a_table_needs_no_preset(server, settings):
    server.say([{"targets": ["192.0.2.1/32"], "labels": {"kind": "BNG", "zone": "centro", "device_id": "bng-1"}}])
    own = DiscoverySettings(labels={"role": ("kind",), "area": ("zone",)}, roles={"bng": "router"})
    assert load(settings, own) == Inventory((Device("bng-1", "192.0.2.1", "router", "centro"),))
    assert problems(load(settings, replace(own, roles={})), server) == [
        f"[0].targets[0]: role (kind; see [discovery.roles]): must be one of {', '.join(ROLES)}, not 'BNG'"
    ]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("192.0.2.7/32", "192.0.2.7"),
        ("192.0.2.7/24:161", "192.0.2.7:161"),
        ("192.0.2.6/31", "192.0.2.6"),
        ("2001:DB8::7/64", "2001:db8::7"),
        ("[2001:db8::7]/64:161", "[2001:db8::7]:161"),
        ("[2001:db8::7/64]:161", "[2001:db8::7]:161"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7/33", "192.0.2.7/33"),
        ("olt-3/32", "olt-3/32"),
        ("192.0.2.7:161", "192.0.2.7:161"),
    ],
)
def test_a_prefix_length_is_no_part_of_an_address(written, same):
    assert without_prefix_length(written) == same


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('preset = "ipam"', "discovery.preset: must be one of netbox, librenms, splynx, uisp, zabbix, not 'ipam'"),
        ('labels = { name = ["x"] }', "discovery.labels.name: unknown column; known: device_id, address, role, area, "),
        ('labels = { area = "x" }', "discovery.labels.area: must be a list"),
        ('roles = { server = "host" }', f"discovery.roles.server: must be one of {', '.join(ROLES)}, not 'host'"),
        ('token_type = "Basic"', "discovery.token_type: must be one of Bearer, Token, not 'Basic'"),
    ],
)
def test_what_the_table_cannot_say(tmp_path, table, message):
    path = tmp_path / "collector.toml"
    path.write_text(f'inventory = "http://a.example.net/sd"\ndata = "data"\n[discovery]\n{table}\n')
    with pytest.raises(settings_file.SettingsError) as caught:
        config.load(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_presets_are_the_choices_and_name_columns_and_roles_that_exist():
    assert sorted(path.stem for path in labels.PRESETS.glob("*.toml")) == sorted(config.CHOICES["discovery.preset"])
    assert config.INVENTORY_COLUMNS == device_rows.REQUIRED + device_rows.OPTIONAL
    for path in labels.PRESETS.glob("*.toml"):
        preset = settings_file.load(path, labels.Preset)
        assert preset.labels.keys() <= set(config.INVENTORY_COLUMNS)
        assert set(preset.roles.values()) <= set(ROLES)
