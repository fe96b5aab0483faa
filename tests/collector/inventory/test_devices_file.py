"""devices.csv as people write it: what is good becomes devices, what is not is named by line and skipped."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from collector.config import CollectorSettings
from collector.credentials import Credential
from collector.inventory import device_rows, devices_file
from collector.reading import Device

HEADER = "device_id,address,role,area"


@pytest.fixture
def settings(tmp_path):
    return CollectorSettings(
        tmp_path / "devices.csv", tmp_path, credentials=(Credential("default"), Credential("field"))
    )


@pytest.fixture
def load(tmp_path, settings):
    def load(text: str | bytes) -> devices_file.Inventory:
        path = tmp_path / "devices.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return devices_file.load(path, settings)

    return load


def problems(found):
    return [str(problem) for problem in found.problems]


def test_a_short_row_and_a_full_one(load):
    found = load(
        "device_id,address,role,area,parent,site,technology,credential,profile,ping,reply_from,uplink_interface,"
        "capacity_receive_bytes_per_second,capacity_transmit_bytes_per_second,subscribers,latitude,longitude,timeout_seconds,retries,counters_refresh_seconds\n"
        "core-1,192.0.2.1,router,Old Town\n"
        "olt-1,192.0.2.2:1161,olt,Old Town,core-1,Exchange,fibre,field,generic,echo:1007,192.0.2.9,eth0,"
        "125000000,12500000,40,51.92,4.48,5,1,30\n"
    )
    assert problems(found) == []
    assert found.devices == (
        Device("core-1", "192.0.2.1", "router", "Old Town"),
        Device(
            "olt-1",
            "192.0.2.2",
            "olt",
            "Old Town",
            port=1161,
            parent="core-1",
            site="Exchange",
            technology="fibre",
            credential="field",
            profile="generic",
            ping="echo:1007",
            reply_from="192.0.2.9",
            uplink_interface="eth0",
            capacity_receive_bytes_per_second=125e6,
            capacity_transmit_bytes_per_second=12.5e6,
            subscribers=40,
            latitude=51.92,
            longitude=4.48,
            timeout_seconds=5.0,
            retries=1,
            counters_refresh_seconds=30.0,
        ),
    )


def test_every_field_of_a_device_has_a_column():
    assert {*device_rows.REQUIRED, *device_rows.OPTIONAL} == {field.name for field in fields(Device)} - {"port"}


@pytest.mark.parametrize(
    ("written", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 161),
        ("192.0.2.1:1161", "192.0.2.1", 1161),
        ("[2001:db8::1]:1161", "2001:db8::1", 1161),
        ("[2001:DB8:0::1]", "2001:db8::1", 161),
        ("2001:db8::1", "2001:db8::1", 161),
        ("router.example.net", "router.example.net", 161),
        ("router-1:1161", "router-1", 1161),
        ("nobody.invalid", "nobody.invalid", 161),
    ],
)
def test_addresses(load, written, address, port):
    (device,) = load(f"{HEADER}\nr1,{written},router,A\n").devices
    assert (device.address, device.port) == (address, port)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("address", "10.0.0.256", "address: '10.0.0.256' is not an IPv4 address"),
        ("address", "10.0.0", "address: '10.0.0' is not an IPv4 address"),
        ("address", "10.0.0.1:0", "address: '0' is not a port (1 to 65535)"),
        ("address", "10.0.0.1:snmp", "address: 'snmp' is not a port (1 to 65535)"),
        ("address", "[::1", "address: '[::1' is not an address: [IPv6] or [IPv6]:port is expected"),
        ("address", "2001:db8::zz", "address: '2001:db8::zz' is not an IPv6 address"),
        ("address", "not a host", "address: 'not a host' is not an address: an IP address or a host name is expected"),
        ("address", "", "address: is empty"),
        ("device_id", "", "device_id: is empty"),
        ("device_id", "r\x071", "device_id: must be at most 200 printable characters"),
        ("role", "modem", "role: must be one of router, olt, cmts, ap, switch, cpe, not 'modem'"),
        ("role", "", "role: is empty"),
        ("area", " ", "area: is empty"),
        ("area", "A" * 201, "area: must be at most 200 characters"),
        ("parent", "r1", "parent: 'r1' is its own parent"),
        ("credential", "secret", "credential: no credential is called 'secret'; known: default, field, off"),
        ("credential", "field+secret", "credential: no credential is called 'secret'; known: default, field, off"),
        ("credential", "field+", "credential: 'field+' has an empty name between its '+'"),
        ("credential", "field+field", "credential: 'field+field' names a credential twice"),
        ("credential", "field+off", "credential: 'off' stands alone: the device is not asked by SNMP then"),
        ("ping", "yes", "ping: must be icmp, echo:PORT or off, not 'yes'"),
        ("ping", "echo:", "ping: '' is not a port (1 to 65535)"),
        ("ping", "echo:70000", "ping: '70000' is not a port (1 to 65535)"),
        ("reply_from", "gateway", "reply_from: 'gateway' is not an IP address"),
        ("subscribers", "-1", "subscribers: '-1' is not a whole number of at least 0"),
        ("subscribers", "2.5", "subscribers: '2.5' is not a whole number of at least 0"),
        ("timeout_seconds", "61", "timeout_seconds: must be 0.01 to 60, not 61"),
        ("timeout_seconds", "5s", "timeout_seconds: '5s' is not a number"),
        ("retries", "11", "retries: must be 0 to 10, not 11"),
        ("counters_refresh_seconds", "-1", "counters_refresh_seconds: must be 0 to 3600, not -1"),
        ("retries", "-1", "retries: '-1' is not a whole number of at least 0"),
        ("latitude", "91", "latitude: must be -90 to 90, not 91"),
        ("latitude", "nan", "latitude: must be -90 to 90, not nan"),
        ("longitude", "east", "longitude: 'east' is not a number"),
        (
            "capacity_receive_bytes_per_second",
            "0",
            "capacity_receive_bytes_per_second: must be 1 to 1e+13, not 0",
        ),
    ],
)
def test_a_bad_row_is_named_and_skipped(load, column, value, message):
    row = {"device_id": "r1", "address": "192.0.2.1", "role": "router", "area": "A", column: value}
    found = load(f"{','.join(row)}\n{','.join(row.values())}\nr2,192.0.2.2,router,A\n")
    assert problems(found) == [f"devices.csv:2: {message}"]
    assert [device.device_id for device in found.devices] == ["r2"]


def test_an_unknown_profile_names_the_known_ones(load):
    (problem,) = problems(load(f"{HEADER},profile\nr1,192.0.2.1,router,A,magic\n"))
    assert problem.startswith("devices.csv:2: profile: no profile is called 'magic'; known: ")
    assert "generic" in problem


def test_own_profiles_count(tmp_path, settings):
    from dataclasses import replace

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "magic.toml").write_text("")
    path = tmp_path / "devices.csv"
    path.write_text(f"{HEADER},profile\nr1,192.0.2.1,router,A,magic\n")
    assert problems(devices_file.load(path, replace(settings, profiles=tmp_path / "mine"))) == []


def test_the_second_of_two_equal_ids_is_skipped(load):
    found = load(f"{HEADER}\nr1,192.0.2.1,router,A\nr2,192.0.2.2,router,A\nr1,192.0.2.3,router,B\n")
    assert problems(found) == ["devices.csv:4: device_id: 'r1' is already on line 2; this row is skipped"]
    assert [d.address for d in found.devices] == ["192.0.2.1", "192.0.2.2"]


def test_a_parent_that_does_not_exist_stays_named(load):
    found = load(f"{HEADER},parent\nr1,192.0.2.1,router,A,nowhere\n")
    assert problems(found) == [
        "devices.csv:2: parent: 'nowhere' does not exist; the device is judged on its own",
    ]
    assert found.devices[0].parent == "nowhere"


def test_the_children_of_a_skipped_row_are_kept_and_told_why(load):
    found = load(f"{HEADER},parent\nr1,10.0.0.300,router,A,\nr2,192.0.2.2,router,A,r1\n")
    assert problems(found) == [
        "devices.csv:2: address: '10.0.0.300' is not an IPv4 address",
        "devices.csv:3: parent: 'r1' was skipped (on line 2); the device is judged on its own",
    ]
    assert [d.device_id for d in found.devices] == ["r2"]
    assert found.skipped == {"r1"}


def test_the_parents_of_a_loop_are_dropped_and_those_behind_it_keep_theirs(load):
    found = load(
        f"{HEADER},parent\na,192.0.2.1,router,A,b\nb,192.0.2.2,router,A,c\nc,192.0.2.3,router,A,a\n"
        "d,192.0.2.4,router,A,a\n"
    )
    assert problems(found) == [
        "devices.csv:2: parent: forms a loop (a > b > c > a); the parent is dropped",
        "devices.csv:3: parent: forms a loop (a > b > c > a); the parent is dropped",
        "devices.csv:4: parent: forms a loop (a > b > c > a); the parent is dropped",
    ]
    assert {d.device_id: d.parent for d in found.devices} == {"a": None, "b": None, "c": None, "d": "a"}


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("latin-1"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.replace(",", ";").encode(),
        lambda text: text.replace(",", "\t").encode(),
        lambda text: text.replace("\n", "\n\n ,,,\n").encode(),
        lambda text: ("\n\n" + text).encode(),
        lambda text: text.replace("São Paulo", '"São Paulo"').encode(),
        lambda text: text.replace("device_id", " Device_ID ").encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: text.replace("\n", ",,\n").encode(),
    ],
    ids=[
        "BOM",
        "Latin-1",
        "UTF-16",
        "CRLF",
        "CR",
        "semicolons",
        "tabs",
        "blank lines",
        "blank lines first",
        "quotes",
        "header in capitals with blanks",
        "no newline at the end",
        "empty columns at the end",
    ],
)
def test_files_as_people_export_them(load, encode):
    found = load(encode(f"{HEADER}\nr1,192.0.2.1,router,São Paulo\nr2,192.0.2.2,router,São Paulo\n"))
    assert problems(found) == []
    assert [(d.device_id, d.area) for d in found.devices] == [("r1", "São Paulo"), ("r2", "São Paulo")]


def test_a_decimal_comma_between_semicolons(load):
    (device,) = load("device_id;address;role;area;latitude\nr1;192.0.2.1;router;A;-23,55\n").devices
    assert device.latitude == -23.55


def test_line_numbers_count_blank_lines(load):
    found = load(f"{HEADER}\n\nr1,192.0.2.1,router,A\n\nr2,x y,router,A\n")
    assert problems(found)[0].startswith("devices.csv:5: address: ")


def test_a_quote_that_is_not_closed_spoils_its_own_line_only(load):
    found = load(f'{HEADER}\nr1,192.0.2.1,router,"A\nr2,192.0.2.2,router,A\n')
    assert problems(found) == ["devices.csv:2: a quote is not closed"]
    assert [d.device_id for d in found.devices] == ["r2"]


def test_too_many_fields(load):
    found = load(f"{HEADER}\nr1,192.0.2.1,router,A,extra\n")
    assert problems(found) == ["devices.csv:2: the row has 5 fields, the header 4"]


def test_an_unknown_column_is_reported_and_ignored(load):
    found = load(f"{HEADER},colour\nr1,192.0.2.1,router,A,red\n")
    assert problems(found) == ["devices.csv:1: colour: unknown column, ignored"]
    assert len(found.devices) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("device_id,address\nr1,192.0.2.1\n", "devices.csv:1: missing columns: role, area (found: device_id, address)"),
        ("", "devices.csv: is empty"),
        ("\n \n", "devices.csv: is empty"),
        (f"{HEADER}\n", "devices.csv: holds no devices"),
        (f"{HEADER},area\n", "devices.csv: line 1: the column 'area' is there twice"),
        (b"PK\x03\x04\x00\x00", "devices.csv: is not a text file"),
    ],
)
def test_files_that_cannot_be_used(load, text, problem):
    found = load(text)
    assert problems(found) == [problem]
    assert found.devices == ()


def test_a_file_that_is_not_there(tmp_path, settings):
    found = devices_file.load(tmp_path / "none.csv", settings)
    assert (problems(found), found.is_readable) == (["none.csv: no such file"], False)


def test_subscribers_default_to_one_behind_a_cpe_and_none_elsewhere(load):
    found = load(f"{HEADER},subscribers\na,192.0.2.1,cpe,A,\nb,192.0.2.2,olt,A,\nc,192.0.2.3,cpe,A,0\n")
    assert [d.subscribers for d in found.devices] == [1, 0, 0]


class TestReload:
    GOOD = f"{HEADER}\nr1,192.0.2.1,router,A\nr2,192.0.2.2,router,A\n"

    @pytest.mark.parametrize("broken", ["", "device_id\n", f"{HEADER}\n", f"{HEADER}\nr1,x y,router,A\n"])
    def test_a_file_that_cannot_be_used_changes_nothing(self, tmp_path, settings, load, broken):
        current = load(self.GOOD)
        (tmp_path / "devices.csv").write_text(broken)
        found = devices_file.reload(tmp_path / "devices.csv", settings, current)
        assert found.devices == current.devices
        assert found.problems != ()

    def test_a_device_whose_row_went_bad_keeps_its_last_good_row(self, tmp_path, settings, load):
        current = load(self.GOOD)
        (tmp_path / "devices.csv").write_text(f"{HEADER}\nr1,x y,router,A\nr3,192.0.2.3,router,A\n")
        found = devices_file.reload(tmp_path / "devices.csv", settings, current)
        assert {d.device_id: d.address for d in found.devices} == {"r3": "192.0.2.3", "r1": "192.0.2.1"}

    def test_a_good_file_replaces_all(self, tmp_path, settings, load):
        current = load(self.GOOD)
        (tmp_path / "devices.csv").write_text(f"{HEADER}\nr3,192.0.2.3,router,A\n")
        found = devices_file.reload(tmp_path / "devices.csv", settings, current)
        assert [d.device_id for d in found.devices] == ["r3"]


def test_sentinels_become_devices_that_are_pinged():
    settings = CollectorSettings(Path("x"), Path("x"), sentinels=("192.0.2.1", "[2001:db8::1]:7"))
    found = [(d.device_id, d.address, d.ping) for d in devices_file.sentinel_devices(settings)]
    assert found == [("192.0.2.1", "192.0.2.1", "icmp"), ("[2001:db8::1]:7", "2001:db8::1", "echo:7")]


def test_a_hundred_thousand_rows_with_faults_between_them(load):
    rows = [f"c{i},10.{i >> 16}.{i >> 8 & 255}.{i & 255},cpe,A{i % 24},olt" for i in range(100_000)]
    rows[50_000] = "c50000,10.0.0.1,cpe,"
    rows[99_999] = "c1,10.0.0.1,cpe,A,olt"
    found = load(f"{HEADER},parent\nolt,192.0.2.1,olt,A,\n" + "\n".join(rows))
    assert len(found.devices) == 99_999
    assert problems(found) == [
        "devices.csv:50003: area: is empty",
        "devices.csv:100002: device_id: 'c1' is already on line 4; this row is skipped",
    ]


@pytest.mark.parametrize("area", ["Sa\u0303o Joa\u0303o", "São\u00a0João", " São \u200bJoão\u00ad "])
def test_names_are_written_as_the_dashboard_reads_them(load, area):
    found = load(f"{HEADER}\ncore-1,192.0.2.1,router,{area}\n")
    assert [device.area for device in found.devices] == ["São João"]
