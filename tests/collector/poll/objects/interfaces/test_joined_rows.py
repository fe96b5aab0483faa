"""Agents that number ifXTable otherwise than ifTable: three ports are three interfaces, not six."""

from __future__ import annotations

import pytest

from collector.poll.snmp.codec import OCTETS, decode_any, encode_tlv
from tests.collector.poll.agents import Mib, Serve, answering, device, encode_integer, poll, router

EXTENDED = "1.3.6.1.2.1.31.1.1.1."
DESCRIPTION = "1.3.6.1.2.1.2.2.1.2"


def apart(ports: int, offset: int, *, names: str = "if%d", counted: int = 0) -> dict[str, bytes]:
    """A router whose ifXTable counts its rows from another number; ifDescr is ``names``."""
    objects = {}
    for oid, value in router(ports).items():
        column, _, index = oid.rpartition(".")
        objects[f"{column}.{int(index) + offset}" if oid.startswith(EXTENDED) else oid] = value
    described = {f"{DESCRIPTION}.{n}": encode_tlv(OCTETS, (names % n).encode()) for n in range(1, ports + 1)}
    moved = {f"{EXTENDED}6.{n + offset}": encode_integer(10**12 + n + counted, 0x46) for n in range(1, ports + 1)}
    return objects | described | moved


@pytest.mark.parametrize("uplink", [None, "if2"])
@pytest.mark.parametrize("role", ["router", "cpe"])
def test_rows_are_joined_by_name_in_every_poll(serve: Serve, role: str, uplink: str | None) -> None:
    polls: list[object] = []

    def answer(data: bytes) -> list[bytes]:
        polls.extend(bind for bind in decode_any(data).varbinds if bind.oid == (1, 3, 6, 1, 2, 1, 1, 3, 0))
        return Mib(apart(3, 1000, counted=len(polls))).answer(data)

    target = device(serve(answering(answer)).port, role=role, uplink_interface=uplink)
    for n, reading in enumerate(poll(*[target] * 4).readings, 1):
        assert reading.snmp == "answered"
        found = {interface.index: interface for interface in reading.interfaces}
        assert {index: interface.name for index, interface in found.items()} == {1: "if1", 2: "if2", 3: "if3"}
        assert [found[i].receive_bytes for i in (1, 2, 3)] == [10**12 + i + n for i in (1, 2, 3)]
        assert [found[i].is_up for i in (1, 2, 3)] == [True, False, True]
        assert {interface.counter_bits for interface in reading.interfaces} == {64}


def test_rows_that_no_name_joins_stay_apart(serve: Serve) -> None:
    served = serve(answering(Mib(apart(3, 1000, names="port %d")).answer))
    assert len(poll(device(served.port)).reading.interfaces) == 6


def test_usual_tables_are_left_alone(serve: Serve) -> None:
    served = serve(answering(Mib(apart(3, 0)).answer))
    assert [interface.index for interface in poll(device(served.port)).reading.interfaces] == [1, 2, 3]
