"""Rows of parts: what a kind, a scale and a precision make of a value, and which way the light of a level goes."""

from __future__ import annotations

from typing import Any

import pytest

from collector.poll.objects import part_values
from collector.poll.objects.decode import Found
from collector.poll.objects.seldom_table import MOST_CELLS, SeldomTable
from collector.poll.profile import Source, Table
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Absent, Value, encode_subids
from collector.reading import PartReading, SignalReading

SENSORS = load_profiles()["entity-sensor"].tables[0]
COLUMNS = {"kind": "entPhySensorType", "scale": "entPhySensorScale", "precision": "entPhySensorPrecision"}
OK, NONOPERATIONAL = 1, 3


def sensor(kind: int, scale: int, precision: int, value: int, *, name: str = "a part", status: int = OK) -> Found:
    """What one sensor with these objects (RFC 3433) comes to."""
    row: dict[str, Value] = {
        "entPhysicalName": name.encode(),
        "entPhySensorType": kind,
        "entPhySensorScale": scale,
        "entPhySensorPrecision": precision,
        "entPhySensorOperStatus": status,
        "entPhySensorValue": value,
    }
    return SeldomTable(SENSORS).learn({column: {encode_subids((7,)): given} for column, given in row.items()})


@pytest.mark.parametrize(
    ("objects", "measure", "value"),
    [
        ((8, 9, 0, 41), "temperature_celsius", 41.0),
        ((8, 9, 1, 415), "temperature_celsius", 41.5),
        ((4, 8, 0, 4990), "voltage_volts", 4.99),
        ((4, 9, 2, 499), "voltage_volts", 4.99),
        ((5, 7, 0, 13536), "current_amperes", 0.013536),
        ((6, 9, 0, 250), "power_watts", 250.0),
        ((6, 10, -1, 2), "power_watts", 20_000.0),
        ((10, 9, 0, 5040), "fan_speed_rpm", 5040.0),
    ],
)
def test_a_sensor_s_value_is_in_base_units(objects: Any, measure: str, value: float) -> None:
    assert sensor(*objects).parts == (PartReading(measure, "a part", pytest.approx(value)),)


@pytest.mark.parametrize("objects", [(9, 9, 0, 40), (12, 9, 0, 1), (7, 9, 0, 50)])
def test_a_kind_that_nobody_asks_for_is_left_out(objects: Any) -> None:
    assert sensor(*objects) == Found()


def test_a_sensor_that_does_not_work_says_nothing() -> None:
    assert sensor(8, 9, 0, 0, status=NONOPERATIONAL) == Found()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("subslot 0/0 transceiver 0 Rx Power Sensor", SignalReading("optical subslot 0/0 transceiver 0", -7.7)),
        (
            "Ethernet1/1 Lane 2 Transceiver Receive Power Sensor",
            SignalReading("optical Ethernet1/1 Lane 2 Transceiver", -7.7),
        ),
        ("Te0/1 Output Power", SignalReading("optical Te0/1", transmitted_dbm=-7.7)),
        ("Te0/1 Power", None),
    ],
)
def test_a_level_is_of_the_way_that_its_name_says(name: str, expected: SignalReading | None) -> None:
    found = sensor(14, 9, 1, -77, name=name)
    assert found.parts == ()
    shown = [signal._replace(dark_dbm=None) for signal in found.signals]
    assert shown == ([] if expected is None else [expected])


def test_watts_are_a_level_where_the_name_says_that_they_are_light() -> None:
    assert sensor(6, 7, 1, 3450, name="DOM RX Power Sensor for Ethernet25").signals[0].received_dbm == pytest.approx(
        -4.62, abs=0.005
    )
    assert sensor(6, 9, 0, 300, name="Power Supply 1 Input Power").parts == (
        PartReading("power_watts", "Power Supply 1 Input Power", 300.0),
    )


def test_a_kind_that_is_none_is_told_by_its_units() -> None:
    row: dict[str, Value] = {
        "entPhysicalName": b"Ethernet1 RX Power",
        "entPhySensorType": 1,
        "entPhySensorUnitsDisplay": b"dBm",
        "entPhySensorScale": 9,
        "entPhySensorPrecision": 2,
        "entPhySensorValue": -612,
    }
    found = SeldomTable(SENSORS).learn({column: {encode_subids((7,)): given} for column, given in row.items()})
    assert [signal.received_dbm for signal in found.signals] == [-6.12]


def test_both_ways_of_a_port_are_one_channel() -> None:
    levels = [
        SignalReading("optical 1", received_dbm=-7.0, dark_dbm=-40.0),
        SignalReading("optical 1", transmitted_dbm=-2.0),
    ]
    assert part_values.joined(levels) == (SignalReading("optical 1", -7.0, transmitted_dbm=-2.0, dark_dbm=-40.0),)


@pytest.mark.parametrize(
    ("row", "share"),
    [
        ({"memory_used": 30, "memory_size": 120}, 0.25),
        ({"memory_free": 30, "memory_size": 120}, 0.75),
        ({"memory_used": 30, "memory_free": 90}, 0.25),
        ({"memory_used": 30}, None),
        ({"memory_used": 0, "memory_size": 0}, None),
    ],
)
def test_two_of_used_free_and_size_tell_the_share_in_use(row: dict[str, Any], share: float | None) -> None:
    expected = [] if share is None else [PartReading("memory_ratio", "main", share)]
    assert part_values.measured("main", row) == expected


def test_memory_of_net_snmp_is_without_buffers_and_caches() -> None:
    scalars = load_profiles()["ucd-memory"].scalars
    assert part_values.scalars(scalars, [1000, 100, 50, 250]) == (PartReading("memory_ratio", "memory", 0.6),)
    assert part_values.scalars(scalars, [1000, 100, Absent.NO_SUCH_OBJECT, 250]) == (
        PartReading("memory_ratio", "memory", 0.65),
    )


def a_table(**keys: Any) -> Table:
    columns = [
        Source(field, f"1.3.6.1.4.1.99999.1.{n}", field, "a MIB") for n, field in enumerate(("name", "kind", "value"))
    ]
    columns[1] = Source("kind", "1.3.6.1.4.1.99999.1.1", "kind", "a MIB", values={"3": "dV", "6": "state"})
    return Table("gauges", "parts", tuple(columns), **keys)


def cells(*rows: tuple[Value, Value, Value]) -> dict[str, dict[bytes, Value]]:
    columns = zip(("name", "kind", "value"), zip(*rows, strict=True), strict=True)
    return {name: {encode_subids((n,)): value for n, value in enumerate(column)} for name, column in columns}


def test_kinds_have_divisors_and_may_be_turned_around_and_names_pick_rows() -> None:
    kinds = {"dV": "voltage_volts/10", "state": "!power_supply_ok"}
    walked = cells((b"psu1", 3, 121), (b"psu1", 6, 0), (b"psu2", 6, 1), (b"fan", 2, 9000), (b"other", 3, 50))
    expected = {("voltage_volts", "psu1", 12.1), ("power_supply_ok", "psu1", 1.0), ("power_supply_ok", "psu2", 0.0)}
    assert set(SeldomTable(a_table(kinds=kinds, only="psu")).learn(walked).parts) == expected


def test_only_values_are_asked_again_and_a_part_that_is_gone_is_looked_for() -> None:
    table = SeldomTable(a_table(kinds={"dV": "voltage_volts/10"}))
    table.learn(cells((b"in", 3, 121), (b"out", 3, 50)))
    assert [asked.oid[-2:] for asked in table.asked()] == [(2, 0), (2, 1)]
    assert [part.value for part in table.read([120, 51]).parts] == [12.0, 5.1]
    assert table.is_known
    assert [part.part for part in table.read([Absent.NO_SUCH_INSTANCE, 51]).parts] == ["out"]
    assert not table.is_known


def test_so_many_parts_are_asked_for_and_the_rest_told() -> None:
    table = SeldomTable(a_table(kinds={"dV": "voltage_volts/10"}))
    table.learn(cells(*[(b"%d" % n, 3, n) for n in range(MOST_CELLS + 3)]))
    assert (len(table.asked()), table.left_out) == (MOST_CELLS, 3)
