"""Counters that came after a retry say how late, so that no rate is taken over the wrong time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from collector.poll.snmp.codec import GET, GET_BULK, Message, Oid, decode_any, parse_oid
from collector.quality.counters.belief import Beliefs
from collector.reading import Device, InterfaceReading, Reading

from ...agents import QUICK, Mib, Serve, Served, answering, device, encode_integer, encode_reply, poll, router

IF, IF_X = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
IN_OCTETS, OUT_DISCARDS = parse_oid(f"{IF}.10"), parse_oid(f"{IF}.19")
HC_IN, HC_OUT = parse_oid(f"{IF_X}.6"), parse_oid(f"{IF_X}.10")
PATIENT = dataclasses.replace(QUICK, timeout_seconds=0.8, retries=2)


def forgetful(kind: int, after: int) -> Callable[[Served, bytes, Any], None]:
    """An agent that does not hear the first request of a ``kind`` after so many GETs."""
    mib = Mib(router(2))
    gets, lost = [0], [False]

    def answer(data: bytes) -> list[bytes]:
        asked = decode_any(data).kind
        gets[0] += asked == GET
        if asked == kind and gets[0] >= after and not lost[0]:
            lost[0] = True
            return []
        return mib.answer(data)

    return answering(answer)


def is_in_time(interface: InterfaceReading) -> bool:
    """Whether no retry came before it; a busy machine may take half a second by itself."""
    return (interface.late_seconds or 0.0) < PATIENT.timeout_seconds


def asks_for(asked: Message, column: Oid) -> bool:
    return any(bind.oid[: len(column)] == column for bind in asked.varbinds)


def test_an_uplink_read_by_a_second_try(serve: Serve) -> None:
    agent = device(serve(forgetful(GET, 3)).port, role="cpe", uplink_interface="if2")
    first, second, third = poll(agent, agent, agent, settings=PATIENT).readings
    assert [reading.snmp for reading in (first, second, third)] == ["answered"] * 3
    assert second.interfaces[0].late_seconds > 0.79
    assert is_in_time(third.interfaces[0])


def test_rows_of_a_page_that_was_asked_for_twice(serve: Serve) -> None:
    agent = device(serve(forgetful(GET_BULK, 3)).port)
    first, second = poll(agent, agent, settings=PATIENT).readings
    assert all(map(is_in_time, first.interfaces))
    assert all(interface.late_seconds > 0.79 for interface in second.interfaces)


def test_rows_that_came_the_usual_way_before_a_page_was_lost(serve: Serve) -> None:
    """The fourth poll's GET comes late, and its walk loses a page after some rows that kept to the route."""
    mib = Mib(router(60))
    gets, bulks, lost = [0], [0], set()

    def answer(data: bytes) -> list[bytes]:
        asked = decode_any(data).kind
        gets[0] += asked == GET
        bulks[0] = bulks[0] + 1 if asked == GET_BULK else 0
        step = (asked, bulks[0])
        if gets[0] >= 5 and step in ((GET, 0), (GET_BULK, 3)) and step not in lost:
            lost.add(step)
            return []
        return mib.answer(data)

    agent = device(serve(answering(answer)).port)
    last = poll(*[agent] * 4, settings=PATIENT).reading
    assert len(lost) == 2
    assert last.snmp == "answered"
    assert len(last.interfaces) == 60
    late = [interface.late_seconds for interface in last.interfaces]
    assert 0.79 < late[0] < late[-1] - 0.79


def test_counters_read_in_time_are_not_late_for_what_was_asked_after_them(serve: Serve) -> None:
    """The interfaces were renumbered: their counters come first, then a page of all the rest is lost."""
    mib = Mib(router(12))
    gets, lost = [0], []

    def answer(data: bytes) -> list[bytes]:
        asked = decode_any(data)
        gets[0] += asked.kind == GET
        if gets[0] == 5 and asked.kind == GET:
            mib.replace(router(12, first=130))
        if gets[0] == 5 and asked.kind == GET_BULK and asks_for(asked, IN_OCTETS) and not lost:
            lost.append(asked)
            return []
        return mib.answer(data)

    agent = device(serve(answering(answer)).port)
    last = poll(*[agent] * 4, settings=PATIENT).reading
    assert lost
    assert [interface.index for interface in last.interfaces] == list(range(130, 142))
    assert [interface.counter_bits for interface in last.interfaces] == [64] * 12
    assert all(map(is_in_time, last.interfaces))


def test_all_of_a_row_is_of_one_moment(serve: Serve) -> None:
    """The agent breaks its replies off within rows, and counts on between any two."""
    mib = Mib(router(30))
    pages = [0]

    def answer(data: bytes) -> list[bytes]:
        pages[0] += 1
        octets = {f"{IF_X}.{column}.{n}": encode_integer(pages[0], 0x46) for column in (6, 10) for n in range(1, 31)}
        mib.replace(router(30) | octets)
        request = decode_any(data)
        asked = [bind.oid for bind in request.varbinds]
        return [encode_reply(request, mib.varbinds(request.kind, asked, request.error_index)[:37])]

    agent = device(serve(answering(answer)).port)
    for reading in poll(*[agent] * 6).readings:
        assert reading.snmp == "answered"
        assert len(reading.interfaces) == 30
        assert [i.receive_bytes for i in reading.interfaces] == [i.transmit_bytes for i in reading.interfaces]
        assert len({i.receive_bytes for i in reading.interfaces}) > 5


def test_rows_that_are_renumbered_during_a_walk_keep_their_own_counters(serve: Serve) -> None:
    """After the second page a row is put before the others: the next one shows the last name once more."""
    mib = Mib(router(30))
    state = {"gets": 0, "bulks": 0}

    def answer(data: bytes) -> list[bytes]:
        kind = decode_any(data).kind
        state["gets"] += kind == GET
        state["bulks"] = state["bulks"] + 1 if kind == GET_BULK else 0
        if state["gets"] == 7 and state["bulks"] == 3:
            mib.replace(router(30, first=2))
        return mib.answer(data)

    agent = device(serve(answering(answer)).port)
    for reading in poll(*[agent] * 7).readings:
        assert reading.snmp == "answered"
        assert [i.name for i in reading.interfaces] == [f"if{n}" for n in range(1, 31)]
        assert [i.alias for i in reading.interfaces] == [f"to house {n}" for n in range(1, 31)]
        assert [i.receive_bytes for i in reading.interfaces] == [10**12 + n for n in range(1, 31)]
    assert [i.index for i in reading.interfaces] == list(range(2, 32))


def test_a_counter_that_another_time_stands_beside_is_left_out(serve: Serve) -> None:
    """The agent takes four objects at a time, so that columns are walked apart; the one of bytes sent comes late."""
    mib = Mib(router(3), most_varbinds=4)
    lost = []

    def answer(data: bytes) -> list[bytes]:
        asked = decode_any(data)
        if asked.kind == GET_BULK and len(asked.varbinds) <= 4 and asks_for(asked, HC_OUT) and not lost:
            lost.append(asked)
            return []
        return mib.answer(data)

    agent = device(serve(answering(answer)).port)
    first, second = poll(agent, agent, settings=PATIENT).readings
    assert lost
    assert [(i.receive_bytes, i.transmit_bytes) for i in first.interfaces] == [(10**12 + n, None) for n in (1, 2, 3)]
    assert all(map(is_in_time, first.interfaces))
    assert [i.transmit_bytes for i in second.interfaces] == [2 * 10**12 + n for n in (1, 2, 3)]


@pytest.mark.parametrize(("late_part", "late_counters"), [(HC_IN, "both"), (HC_OUT, "sent"), (OUT_DISCARDS, "none")])
def test_an_uplink_asked_for_in_parts_is_as_late_as_its_counters(
    serve: Serve, late_part: Oid, late_counters: str
) -> None:
    mib = Mib(router(3), most_varbinds=5)
    lost = []

    def answer(data: bytes) -> list[bytes]:
        asked = decode_any(data)
        if asked.kind == GET and len(asked.varbinds) <= 5 and asks_for(asked, late_part) and not lost:
            lost.append(asked)
            return []
        return mib.answer(data)

    agent = device(serve(answering(answer)).port, role="cpe", uplink_interface="if2")
    uplink = poll(agent, agent, settings=PATIENT).reading.interfaces[0]
    assert lost
    assert uplink.receive_bytes == 10**12 + 2
    assert uplink.transmit_bytes == (None if late_counters == "sent" else 2 * 10**12 + 2)
    assert is_in_time(uplink) == (late_counters != "both")


def test_a_rate_is_over_the_time_between_the_requests_that_were_answered() -> None:
    def reading(at: float, late: float | None, octets: int) -> Reading:
        port = InterfaceReading("if1", 1, receive_bytes=octets, transmit_bytes=0, late_seconds=late)
        return Reading("r1", at, 0.1, "answered", uptime_seconds=at, interfaces=(port,))

    polled = [reading(1000.0, None, 0), reading(1060.0, 3.0, 6300), reading(1120.0, None, 12000)]
    beliefs, router = Beliefs(), Device("r1", "192.0.2.1", "router", "Area")
    passed = [beliefs.take(router, taken).traffic for taken in polled]
    assert [traffic and traffic.receive_bytes / traffic.seconds for traffic in passed] == [None, 100.0, 100.0]
