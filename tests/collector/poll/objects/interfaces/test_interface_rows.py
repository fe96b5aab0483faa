"""Rows of interface tables: their names, fallbacks, and what is absent."""

from __future__ import annotations

import pytest

from collector.poll.objects.interfaces import interface_rows
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import Absent, Value, encode_subids

TABLE = load_profiles()["generic"].tables[0]


def cells(**columns: dict[int, Value]) -> dict[str, dict[bytes, Value]]:
    """A walked table from column name -> ifIndex -> value; columns not given are empty."""
    given = {name: {encode_subids((index,)): value for index, value in rows.items()} for name, rows in columns.items()}
    return {column.name: given.get(column.name, {}) for column in TABLE.columns}


def names(**columns: dict[int, Value]) -> list[tuple[str, str | None]]:
    return list(interface_rows.name_interfaces(TABLE, cells(**columns)).values())


def test_names_are_those_of_if_name() -> None:
    assert names(ifName={1: b"e1", 2: b"e2"}, ifAlias={1: b"to the north", 2: b""}, ifDescr={1: b"d", 2: b"d"}) == [
        ("e1", "to the north"),
        ("e2", None),
    ]


def test_double_names_fall_back_to_alias_and_description() -> None:
    found = names(
        ifName={1: b"e", 2: b"e", 3: b"e"},
        ifAlias={1: b"north", 2: b"same", 3: b"same"},
        ifDescr={1: b"one", 2: b"two", 3: b"three"},
    )
    assert [name for name, _ in found] == ["north", "two", "three"]


def test_missing_names_fall_back_row_by_row() -> None:
    assert [name for name, _ in names(ifName={1: b"e1", 2: b""}, ifDescr={1: b"one", 2: b"two", 3: b"three"})] == [
        "e1",
        "two",
        "three",
    ]


def test_what_is_double_everywhere_is_told_apart_by_its_number() -> None:
    found = names(ifName={1: b"e", 2: b"e"}, ifDescr={1: b"d", 2: b"d"})
    assert [name for name, _ in found] == ["e#1", "e#2"]


def test_fallback_names_never_collide_with_real_ones() -> None:
    found = names(ifName={1: b"a", 2: b"b", 3: b"b"}, ifDescr={1: b"x", 2: b"a", 3: b"y"})
    assert len({name for name, _ in found}) == 3


def test_rows_without_any_name_are_left_out() -> None:
    assert names(ifHCInOctets={1: 5}, ifName={2: b"e2"}) == [("e2", None)]


def test_wide_counters_are_preferred_row_by_row() -> None:
    walked = cells(
        ifName={1: b"e1", 2: b"e2"},
        ifHCInOctets={1: 2**40},
        ifHCOutOctets={1: 2**41},
        ifInOctets={1: 0, 2: 7},
        ifOutOctets={1: 0, 2: 8},
    )
    one, two = interface_rows.interfaces(TABLE, walked, interface_rows.name_interfaces(TABLE, walked))
    assert (one.receive_bytes, one.transmit_bytes, one.counter_bits) == (2**40, 2**41, 64)
    assert (two.receive_bytes, two.transmit_bytes, two.counter_bits) == (7, 8, 32)


@pytest.mark.parametrize(
    ("high", "low", "speed"),
    [
        (1000, 1_000_000_000, 125_000_000.0),
        (0, 512_000, 64_000.0),
        (10_000, 4_294_967_295, 1_250_000_000.0),
        (None, 4_294_967_295, None),
        (0, 0, None),
        (None, None, None),
    ],
)
def test_speed(high: int | None, low: int | None, speed: float | None) -> None:
    walked = cells(ifName={1: b"e"}, ifHighSpeed={1: high}, ifSpeed={1: low})
    (interface,) = interface_rows.interfaces(TABLE, walked, interface_rows.name_interfaces(TABLE, walked))
    assert interface.speed_bytes_per_second == speed


@pytest.mark.parametrize(
    ("status", "is_up"), [(1, True), (2, False), (4, None), (5, False), (7, False), (0, None), (b"", None)]
)
def test_status(status: Value, is_up: bool | None) -> None:
    walked = cells(ifName={1: b"e"}, ifOperStatus={1: status})
    (interface,) = interface_rows.interfaces(TABLE, walked, interface_rows.name_interfaces(TABLE, walked))
    assert interface.is_up is is_up


def test_what_is_not_given_is_none_and_never_zero() -> None:
    walked = cells(ifName={1: b"e"}, ifInErrors={1: Absent.NO_SUCH_INSTANCE}, ifHCInOctets={1: b"text"})
    (interface,) = interface_rows.interfaces(TABLE, walked, interface_rows.name_interfaces(TABLE, walked))
    assert interface.receive_bytes is None
    assert interface.receive_errors is None
    assert interface.transmit_discards is None
    assert interface.discontinuity_seconds is None
    assert interface.is_up is None
