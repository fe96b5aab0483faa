"""Counters that came after a retry say how late, so that no rate is taken over the wrong time."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

from collector.poll.snmp_codec import GET, GET_BULK, decode_any
from collector.quality.rates import difference
from collector.reading import InterfaceReading, Reading

from .agents import QUICK, Mib, Serve, Served, answering, device, poll, router

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


def test_an_uplink_read_by_a_second_try(serve: Serve) -> None:
    agent = device(serve(forgetful(GET, 3)).port, role="cpe", uplink_interface="if2")
    first, second, third = poll(agent, agent, agent, settings=PATIENT).readings
    assert [reading.snmp for reading in (first, second, third)] == ["answered"] * 3
    assert second.interfaces[0].late_seconds > 0.79
    assert third.interfaces[0].late_seconds is None


def test_rows_of_a_page_that_was_asked_for_twice(serve: Serve) -> None:
    agent = device(serve(forgetful(GET_BULK, 3)).port)
    first, second = poll(agent, agent, settings=PATIENT).readings
    assert [interface.late_seconds for interface in first.interfaces] == [None, None]
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


def test_a_rate_is_over_the_time_between_the_requests_that_were_answered() -> None:
    def reading(at: float, late: float | None, octets: int) -> Reading:
        port = InterfaceReading("if1", 1, receive_bytes=octets, transmit_bytes=0, late_seconds=late)
        return Reading("r1", at, 0.1, "answered", uptime_seconds=at, interfaces=(port,))

    polled = [reading(1000.0, None, 0), reading(1060.0, 3.0, 6300), reading(1120.0, None, 12000)]
    for before, after in itertools.pairwise(polled):
        delta = difference(before, after).interfaces[0]
        assert delta.receive_bytes / delta.seconds == 100.0
