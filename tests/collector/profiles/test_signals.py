"""How raw values of the kinds that vendors send become signals, by what a profile says of them."""

from __future__ import annotations

from typing import Any

import pytest

from collector.poll.objects import decode
from collector.poll.objects.decode import index_text
from collector.poll.objects.interfaces import interface_rows
from collector.poll.profile import Source, Table, choose, telling
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Value, encode_subids

PROFILES = load_profiles()


def source(name: str, field: str = "received_dbm", **keys: Any) -> Source:
    return Source(name, "1.3.6.1.4.1.99999.1", field, "an invented MIB", **keys)


@pytest.mark.parametrize(
    ("keys", "raw", "expected"),
    [
        ({}, b"-9.36 dBm", -9.36),
        ({}, b"-6.1dBm\0", -6.1),
        ({}, b"-2.62 dBm: Normal", -2.62),
        ({}, b"No Power", None),
        ({}, b"Lane0: -3.1; Lane1: -2.9", None),
        ({"divisor": 10, "offset": -48.75}, 128, -35.95),
        ({"multiplier": 0.002, "offset": -30, "absent": (65535,)}, 3000, -24.0),
        ({"multiplier": 0.002, "offset": -30, "absent": (65535,)}, 65535, None),
        ({"divisor": 1000, "milliwatts": True}, 1000, 0.0),
        ({"divisor": 1000, "milliwatts": True}, 0, None),
        ({"divisor": 1000, "milliwatts": True, "below_zero_divisor": 100, "absent": (-1,)}, -462, -4.62),
        ({"divisor": 1000, "milliwatts": True, "below_zero_divisor": 100, "absent": (-1,)}, -1, None),
        ({}, (1, 3), None),
        ({}, float("nan"), None),
        ({}, b"9" * 400, None),
        ({"milliwatts": True}, float("inf"), None),
        ({"milliwatts": True}, b"0.251200", -5.9998036493484),
        ({"milliwatts": True}, b"0.000000", None),
        ({"milliwatts": True}, b"-6.02 dBm", -6.02),
    ],
)
def test_a_raw_value_becomes_a_level(keys: dict[str, Any], raw: Value, expected: float | None) -> None:
    assert decode.number(source("level", **keys), raw) == pytest.approx(expected)


def test_a_rate_is_no_text_that_has_a_unit_of_its_own() -> None:
    rate = source("rate", "transmit_rate_bytes_per_second", divisor=8)
    assert decode.number(rate, 144_400_000) == 18_050_000
    assert decode.number(rate, b"866.7 Mbps") is None


def test_a_linear_power_is_the_published_formula() -> None:
    column = next(c for c in PROFILES["huawei-vrp"].tables[0].columns if c.name == "hwEntityOpticalRxPower")
    assert decode.number(column, 345) == pytest.approx(-4.6218090492673)


@pytest.mark.parametrize(
    ("index", "shown"),
    [
        ((4,), "4"),
        ((4, 2), "4.2"),
        ((12, *b"UBNT83e923ae"), "UBNT83e923ae"),
        ((3, *b"ops", 4, *b"ping"), "ops/ping"),
        ((3, *b"ops", 4, *b"pin"), "3.111.112.115.4.112.105.110"),
        ((), ""),
    ],
)
def test_an_index_is_text_where_it_is_made_of_texts(index: tuple[int, ...], shown: str) -> None:
    assert index_text(index) == shown


def test_channels_are_told_apart_and_the_ratio_is_made_of_level_and_noise() -> None:
    columns = (
        source("name", "channel"),
        source("level"),
        source("noise", "noise_dbm"),
        source("ratio", "noise_ratio_db"),
    )
    cells: dict[str, dict[bytes, Value]] = {
        "name": {row(1): b"north", row(2): b"north", row(3): b"south"},
        "level": {row(1): -60, row(2): -61, row(3): -62, row(4): -63},
        "noise": {row(1): -95, row(3): -95},
        "ratio": {row(3): 30},
    }
    found = {s.channel: s for s in decode.signals(Table("radios", "signals", columns, channel="radio"), cells)}
    assert list(found) == ["radio north#1", "radio north#2", "radio south", "radio 4"]
    assert [s.noise_ratio_db for s in found.values()] == [35, None, 30, None]


@pytest.mark.parametrize(
    ("level", "noise", "ratio"),
    [(-60, -95, 35), (65, 95, None), (65, -95, None), (-60, 95, None), (-60, None, None), (-128, -128, None)],
)
def test_a_ratio_is_made_only_of_a_level_and_a_noise_that_can_be(
    level: int, noise: int | None, ratio: int | None
) -> None:
    columns = (source("level"), source("noise", "noise_dbm"))
    cells: dict[str, dict[bytes, Value]] = {"level": {row(1): level}, "noise": {} if noise is None else {row(1): noise}}
    found = decode.signals(Table("radios", "signals", columns, channel="radio"), cells)
    assert [signal.noise_ratio_db for signal in found] == ([] if level == -128 else [ratio])


def test_one_object_is_several_columns_by_the_end_of_the_index() -> None:
    received, sent = source("received", index_ends="5.1"), source("sent", "transmitted_dbm", index_ends="4.1")
    table = Table("modules", "signals", (received, sent))
    assert [column.name for column in table.walked] == ["received"]
    walked: dict[str, dict[bytes, Value]] = {
        "received": {
            encode_subids(index): value
            for index, value in (((7, 4, 1), -2), ((7, 5, 1), -9), ((8, 5, 1), -11), ((641, 1), 3), ((9, 5, 129), 4))
        }
    }
    found = decode.signals(table, table.spread(walked))
    assert [(signal.channel, signal.received_dbm, signal.transmitted_dbm) for signal in found] == [
        ("7", -9, -2),
        ("8", -11, None),
    ]


def test_interfaces_that_another_table_has_are_left_out() -> None:
    table = next(table for table in PROFILES["ubiquiti-edgemax"].tables if table.rows == "interfaces")
    names = {row(0): b"eth0", row(1): b"lag1", row(2): b"pon1", row(3): b"eth0.4093"}
    named = interface_rows.name_interfaces(table, {"port name": names})
    assert [name for name, _ in named.values()] == ["lag1", "pon1"]


@pytest.mark.parametrize(
    ("object_id", "description", "expected"),
    [
        ("1.3.6.1.4.1.14988.1", "RouterOS CCR2004", {"mikrotik"}),
        ("1.3.6.1.4.1.10002.1", "Linux 2.6.33 mips", {"ubiquiti-radio"}),
        ("1.3.6.1.4.1.41112.1.5", "EdgeOS v2.0.9", {"ubiquiti-edgemax"}),
        ("1.3.6.1.4.1.17713.21", "Cambium ePMP", {"cambium-epmp"}),
        ("1.3.6.1.4.1.161.19.250.256", "CANOPY 20.3 AP", {"cambium-pmp-ap"}),
        ("1.3.6.1.4.1.161.19.250.256", "CANOPY 15.0.0.1 AP-DES", {"cambium-pmp-ap"}),
        ("1.3.6.1.4.1.161.19.250.256", "CANOPY 20.3 SM", {"cambium-pmp"}),
        ("1.3.6.1.4.1.161.19.250.256", "CANOPY 13.4.1 BHUL450-AES Timing Slave", {"cambium-pmp"}),
        ("1.3.6.1.4.1.43356.1.1", "Mimosa Firmware", {"mimosa"}),
        ("1.3.6.1.4.1.9.1.1732", "Cisco IOS XR Software (ASR9K)", {"cisco"}),
        ("1.3.6.1.4.1.9.1.2661", "Cisco IOS Software [Amsterdam], ISR Software", {"cisco", "cisco-cellular"}),
        (
            "1.3.6.1.4.1.9.1.1378",
            "Cisco IOS Software, C880 Software (C880DATA-UNIVERSALK9-M)",
            {"cisco", "cisco-cellular", "dsl"},
        ),
        ("1.3.6.1.4.1.9.1.827", "Cisco IOS Software, 10000 Software (UBR10K4-K9P6U2-M), uBR10000", {"cisco", "docsis"}),
        ("1.3.6.1.4.1.2636.1.1.1.2.29", "Juniper Networks, Inc. mx240", {"juniper"}),
        ("1.3.6.1.4.1.2011.2.23.291", "Huawei Versatile Routing Platform Software", {"huawei-vrp"}),
        ("1.3.6.1.4.1.2011.2.248", "Huawei Integrated Access Software", {"huawei-olt"}),
        ("1.3.6.1.4.1.3902.1082.1001.320.2.1", "C320 Version V2.1.0 Software", {"zte-olt", "zte-olt-c300"}),
        ("1.3.6.1.4.1.3902.1082.1001.650.2.1", "C650 Version V1.2.1 Software", {"zte-olt", "zte-olt-c600"}),
        ("1.3.6.1.4.1.6321.1.2.2.5.3", "E7-2", {"calix"}),
        ("1.3.6.1.4.1.637.61.1", "NFXS-A FANT-F NOKIA ISAM", {"nokia-isam"}),
        ("1.3.6.1.4.1.4998.2.1", "ARRIS CMTS C4", {"docsis"}),
        ("1.3.6.1.4.1.4115.1.9.1", "E6K", {"docsis"}),
        ("1.3.6.1.4.1.4115.800.1", "ARRIS DOCSIS 3.1 Touchstone Gateway", {"docsis"}),
        ("1.3.6.1.4.1.4115.820.1.0", "ARRIS DOCSIS 3.0 <<HW_REV: 2; VENDOR: ARRIS; MODEL: TM822A>>", {"docsis"}),
        ("1.3.6.1.4.1.7367", "DrayTek Corporation, Router Model: Vigor165 VDSL", {"draytek"}),
        ("1.3.6.1.4.1.2007.1.1.191", "Router model TV BASE VDSL2/ADSL WLAN", {"dsl", "teldat"}),
        ("1.3.6.1.4.1.11863.5.72", "JetStream 16-Port Gigabit", {"tp-link"}),
        ("1.3.6.1.4.1.12356.101.1.1", "", {"fortinet"}),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux OpenWrt 5.10", {"linux"}),
        ("1.3.6.1.4.1.8072.3.2.10", "Linux roof 3.14.65 #1 SMP PREEMPT RT armv7l", {"linux", "ubiquiti-ltu"}),
        ("1.3.6.1.4.1.6321.1.2.4.1", "AXOS E7-2", {"calix"}),
        ("1.3.6.1.4.1.44641", "VyOS 1.4", {"linux"}),
        ("1.3.6.1.4.1.2281.1.20.1.3.1", "Ceragon IP-20G", {"ceragon"}),
        ("1.3.6.1.4.1.6527.1.3.17", "TiMOS-C-16.0.R7 cpm/hops64 Nokia 7750 SR", {"nokia-sr"}),
        ("1.3.6.1.4.1.6527.6.1.1.2.2", "TiMOS-B-8.0 Nokia SAR", {"nokia-sr"}),
        ("1.3.6.1.4.1.9.6.1.1004.10.2", "CBS350-24P-4G", {"cisco-small-business"}),
        ("1.3.6.1.4.1.35265.1.176", "MES2424B", {"eltex"}),
        ("1.3.6.1.4.1.17713.60.1", "Cambium cnWave V5000 Distribution Node, Version 1.4", {"cambium-cnwave"}),
        ("1.3.6.1.4.1.7262.4.1", "Harmony Enhanced", {"dragonwave"}),
        ("1.3.6.1.4.1.9.1.2059", "ir800 Software (ir800-UNIVERSALK9-M)", {"cisco", "cisco-cellular"}),
        ("1.3.6.1.4.1.890.1", "something else", set()),
    ],
)
def test_devices_are_known_by_their_family(object_id: str, description: str, expected: set[str]) -> None:
    applying = {name for name, profile in PROFILES.items() if profile.applies(object_id, description)}
    assert applying - {"generic"} == expected


def test_a_device_that_calls_itself_what_others_do_is_known_by_what_it_answers() -> None:
    answered = (1, 3, 6, 1, 4, 1, 48690, 1)
    assert answered in telling(PROFILES.values())
    chosen = choose(PROFILES, None, "1.3.6.1.4.1.8072.3.2.10", "Linux gateway 4.14", {answered})
    assert PROFILES["teltonika"] in chosen
    assert PROFILES["teltonika"] not in choose(PROFILES, None, "1.3.6.1.4.1.8072.3.2.10", "Linux gateway 4.14")
    assert PROFILES["teltonika"].reason("", "", {answered}) == "it answers for 1.3.6.1.4.1.48690.1"


def row(number: int) -> bytes:
    return encode_subids((number,))
