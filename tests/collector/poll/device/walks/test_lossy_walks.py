"""Walks over lines that lose packets: by chance, so that the same is asked again, or for their size, so that less is."""

from __future__ import annotations

import dataclasses

from collector.poll.snmp.codec import GET_BULK, decode_any

from ...agents import QUICK, Mib, Serve, answering, device, poll, router


def test_large_replies_lost_on_the_way_are_asked_for_in_smaller_pieces(serve: Serve) -> None:
    mib = Mib(router(30))
    served = serve(answering(lambda data: [packet for packet in mib.answer(data) if len(packet) < 700]))
    settings = dataclasses.replace(QUICK, timeout_seconds=0.1, retries=4, budget_seconds=30.0)
    polled = poll(device(served.port), settings=settings)
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 30


def test_a_page_lost_by_chance_is_asked_for_again_in_the_same_size(serve: Serve) -> None:
    mib = Mib(router(30))
    seen: list[int] = []

    def forgetful(data: bytes) -> list[bytes]:
        request = decode_any(data)
        if request.kind == GET_BULK:
            seen.append(request.error_index)
        return [] if len(seen) == 2 and request.kind == GET_BULK else mib.answer(data)

    polled = poll(device(serve(answering(forgetful)).port))
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 30
    assert seen[2] == seen[1] > 1


def test_large_replies_are_asked_for_smaller_in_the_next_poll_where_one_has_no_tries_left(serve: Serve) -> None:
    mib = Mib(router(30))
    served = serve(answering(lambda data: [packet for packet in mib.answer(data) if len(packet) < 700]))
    settings = dataclasses.replace(QUICK, timeout_seconds=0.1, retries=0, budget_seconds=30.0)
    there = device(served.port)
    polled = poll(*[there] * 8, settings=settings)
    assert polled.readings[0].snmp == "partial"
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 30


def test_a_first_walk_cut_short_shows_no_more_of_a_customer_than_its_uplink(serve: Serve) -> None:
    mib = Mib(router(12))
    bulks = [0]

    def answer(data: bytes) -> list[bytes]:
        is_bulk = decode_any(data).kind == GET_BULK
        bulks[0] += is_bulk
        return [] if is_bulk and bulks[0] in (2, 3) else mib.answer(data)

    agent = device(serve(answering(answer)).port, role="cpe", uplink_interface="if2")
    cut, whole = poll(agent, agent, settings=dataclasses.replace(QUICK, timeout_seconds=0.8)).readings
    assert (cut.snmp, whole.snmp) == ("partial", "answered")
    assert [i.name for i in cut.interfaces] == [i.name for i in whole.interfaces] == ["if2"]
