"""What an interface says of itself against the evidence of its own columns: units of speed, counters that stand still."""

from __future__ import annotations

import logging

import pytest

from collector.poll.objects.interfaces.corrections import corrections
from collector.poll.objects.interfaces.interface_cache import InterfaceMemory
from collector.poll.objects.interfaces.interface_rows import interfaces, name_interfaces
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Value, encode_subids
from collector.reading import Device, InterfaceReading

TABLE = load_profiles()["generic"].tables[0]
ROUTER = Device("r1", "192.0.2.1", "router", "Area", uplink_interface="e1")
CPE = Device("c1", "192.0.2.2", "cpe", "Area", uplink_interface="e1")
FULL = 2**32 - 1


def cells(**columns: dict[int, Value]) -> dict[str, dict[bytes, Value]]:
    given = {name: {encode_subids((index,)): value for index, value in rows.items()} for name, rows in columns.items()}
    return {column.name: given.get(column.name, {}) for column in TABLE.columns}


def read(**columns: Value) -> InterfaceReading:
    """The only interface of a walk of everything, by column."""
    walked = cells(ifName={1: b"e1"}, **{name: {1: value} for name, value in columns.items()})
    names = name_interfaces(TABLE, walked)
    (interface,) = interfaces(TABLE, walked, names, corrections(TABLE, walked, names))
    return interface


@pytest.mark.parametrize(
    ("high", "low", "megabits"),
    [
        (100, 100_000_000, 100),
        (1000, None, 1000),
        (40_000, FULL, 40_000),
        (None, 100_000_000, 100),
        (0, 2_048_000, 2.048),
        (4, 4_400_000, 4),
        (1000, 100_000_000, 1000),
        (None, 460_800, 0.4608),
        (3_200_000, FULL, 3_200_000),
        (100_000_000, 100_000_000, 100),
        (10_000_000, 10_000_000, 10),
        (1_000_000_000, None, 1000),
        (220_000_000, None, 220),
        (1_000_000, 1_000_000_000, 1000),
        (100, 100_000, 100),
        (100, 100, 100),
        (None, 1000, 1000),
        (None, 10, 10),
        (None, 100_000, 100),
        (None, 10_000, None),
        (None, 5, None),
        (4_294_901_759, None, None),
        (FULL, None, None),
        (FULL, 100_000_000, 100),
        (4_294_901_759, 1_000_000_000, 1000),
        (4_000_000_000, FULL, None),
        (100_000, 100_000_000, None),
        (None, None, None),
    ],
    ids=[
        "as it should be",
        "ifHighSpeed alone",
        "40 Gbit/s",
        "ifSpeed alone",
        "a slow line",
        "rounded to Mbit/s",
        "two speeds that differ by no unit",
        "a modem",
        "a bundle of eight",
        "ifHighSpeed in bit/s",
        "ifHighSpeed in bit/s, slow",
        "ifHighSpeed in bit/s, alone",
        "ifHighSpeed in bit/s, a radio",
        "ifHighSpeed in kbit/s",
        "ifSpeed in kbit/s",
        "ifSpeed in Mbit/s",
        "ifSpeed in Mbit/s, alone",
        "ifSpeed in Mbit/s, slow",
        "ifSpeed in kbit/s, alone",
        "10 Mbit/s in kbit/s or 10 Gbit/s in Mbit/s",
        "no speed",
        "a mark for none",
        "minus one",
        "minus one beside a speed",
        "a mark for none beside a speed",
        "no speed, for ifSpeed is full",
        "100 Mbit/s in kbit/s or 100 Gbit/s in kbit/s",
        "nothing",
    ],
)
def test_a_speed_is_taken_in_the_unit_that_it_is_in(high: Value, low: Value, megabits: float | None) -> None:
    speed = read(ifHighSpeed=high, ifSpeed=low).speed_bytes_per_second
    assert speed == (None if megabits is None else pytest.approx(megabits * 125_000))


@pytest.mark.parametrize(
    ("wide", "narrow", "bits", "received"),
    [
        ((5, 5), (5, 5), 64, 5),
        ((0, 0), (10**8, 10**7), 32, 10**8),
        ((0, 10**12), (10**8, 10**7), 32, 10**8),
        ((10**12, 0), (10**8, 10**7), 32, 10**8),
        ((0, 0), (0, 0), 64, 0),
        ((0, 0), (1500, 900), 64, 0),
        ((2**40 + 7, 2**41), (7, 0), 64, 2**40 + 7),
        ((0, 0), (None, None), 64, 0),
        ((None, None), (10**8, 10**7), 32, 10**8),
    ],
    ids=[
        "alike",
        "both at nothing",
        "one at nothing",
        "the other",
        "idle",
        "hardly begun",
        "wrapped",
        "no 32-bit ones",
        "no 64-bit ones",
    ],
)
def test_the_32_bit_pair_serves_where_the_64_bit_pair_stands_at_nothing(
    wide: tuple[Value, Value], narrow: tuple[Value, Value], bits: int, received: int
) -> None:
    found = read(ifHCInOctets=wide[0], ifHCOutOctets=wide[1], ifInOctets=narrow[0], ifOutOctets=narrow[1])
    assert (found.counter_bits, found.receive_bytes) == (bits, received)


def counters(wide: int, narrow: int) -> dict[str, dict[bytes, Value]]:
    both = {name: {1: wide} for name in ("ifHCInOctets", "ifHCOutOctets")}
    return cells(ifName={1: b"e1"}, ifInOctets={1: narrow}, ifOutOctets={1: narrow}, **both)


def test_counters_that_stand_still_are_found_at_the_next_learning_and_remembered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    bits = []
    before: InterfaceMemory | None = None
    for wide, narrow in ((777, 10**6), (777, 10**7), (777, 10**7), (10**9, 10**8)):
        memory = InterfaceMemory(TABLE, ROUTER)
        if before is not None:
            memory.remember(before)
        walked = counters(wide, narrow)
        assert memory.learn(walked)
        bits.append(memory.readings(walked)[0].counter_bits)
        asked = {column.name for column in memory.columns()}
        assert ("ifHCInOctets" in asked) is (bits[-1] == 64), "what is not believed is not asked"
        before = memory
    assert bits == [64, 32, 32, 64]
    assert [record.message for record in caplog.records] == [
        "r1: interface e1: ifHCInOctets and ifHCOutOctets stand still, so the 32-bit counters are read"
    ]


def test_the_uplink_of_a_cpe_is_put_right_too() -> None:
    walked = {
        **counters(0, 10**8),
        "ifHighSpeed": {encode_subids((1,)): 10**8},
        "ifSpeed": {encode_subids((1,)): 10**8},
    }
    memory = InterfaceMemory(TABLE, CPE)
    assert memory.learn(walked)
    assert [item.source.name for item in memory.asked()] == ["ifName", "ifInOctets", "ifOutOctets"]
    found = memory.read([b"e1", 10**8 + 5, 10**8 + 6])
    assert found is not None
    (interface,) = found.interfaces
    assert (interface.speed_bytes_per_second, interface.counter_bits, interface.receive_bytes) == (
        12.5e6,
        32,
        10**8 + 5,
    )
    (record,) = memory.question_records()
    assert record.known["speed_bytes_per_second"] == 12.5e6


def test_what_is_put_right_is_told_once_for_all_ports_alike(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rows = range(1, 11)
    walked = cells(ifName={n: b"gi%d" % n for n in rows}, ifSpeed=dict.fromkeys(rows, 1000))
    memory = InterfaceMemory(TABLE, ROUTER)
    for _ in range(3):
        assert memory.learn(walked)
    assert [record.message for record in caplog.records] == [
        "r1: interface gi1 and 9 more: ifSpeed is given in Mbit/s instead of bit/s: it is taken for 1000 Mbit/s"
    ]
