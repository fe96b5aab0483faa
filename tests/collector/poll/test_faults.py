"""What bad networks and bad agents get: every fault is counted or named, the good part is kept, nothing hangs."""

from __future__ import annotations

import dataclasses
import logging
import socket
from typing import Any

import pytest

from collector.config import PollSettings
from collector.poll.snmp.codec import GET, GET_BULK, decode_any

from .agents import NULL_FIELD, QUICK, Mib, Serve, Served, answering, device, encode_integer, encode_reply, poll, router

UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)


def agent(interfaces: int = 3, **options: Any) -> Mib:
    return Mib(router(interfaces), **options)


def test_a_good_agent_is_read_whole(serve: Serve) -> None:
    served = serve(answering(agent(40).answer))
    polled = poll(device(served.port))
    assert polled.reading.snmp == "answered"
    assert [interface.name for interface in polled.reading.interfaces] == [f"if{n}" for n in range(1, 41)]
    assert polled.reading.interfaces[4].receive_bytes == 10**12 + 5
    assert polled.reading.interfaces[4].alias == "to house 5"
    assert (polled.reading.uptime_seconds, polled.reading.boot_seconds) == (3600.0, 3600)
    assert polled.counts.rejected == {}


def test_a_lost_packet_is_asked_again(serve: Serve) -> None:
    mib = agent()
    seen: list[bytes] = []

    def forgetful(data: bytes) -> list[bytes]:
        seen.append(data)
        return [] if len(seen) % 2 else mib.answer(data)

    polled = poll(device(serve(answering(forgetful)).port))
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 3
    assert polled.counts.retries >= 2


def test_silence_costs_the_tries_and_no_more(serve: Serve) -> None:
    served = serve(answering(lambda _: []))
    polled = poll(device(served.port))
    assert polled.reading.snmp == "silent"
    assert polled.reading.sent
    assert polled.reading.failure is None
    assert polled.reading.is_reachable is False
    assert len(served.requests) == 2
    assert len({message.request_id for message in served.asked}) == 2


def test_a_device_silent_for_long_is_asked_once_a_poll(serve: Serve) -> None:
    served = serve(answering(lambda _: []))
    poll(*[device(served.port)] * 5, settings=dataclasses.replace(QUICK, timeout_seconds=0.05))
    assert len(served.requests) == 2 + 2 + 2 + 1 + 1


def test_duplicates_are_counted_and_change_nothing(serve: Serve) -> None:
    mib = agent()
    polled = poll(device(serve(answering(lambda data: mib.answer(data) * 2)).port), linger_seconds=0.1)
    assert polled.reading.snmp == "answered"
    assert polled.counts.rejected["duplicate"] >= 2


def test_late_answers_are_counted(serve: Serve) -> None:
    mib = agent()
    held: list[tuple[bytes, Any]] = []

    def slow(served: Served, data: bytes, sender: Any) -> None:
        held.append((data, sender))

    served = serve(slow)
    settings = dataclasses.replace(QUICK, retries=0, timeout_seconds=0.2)
    late = device(served.port)
    other = dataclasses.replace(device(serve(answering(mib.answer)).port), device_id="d2")

    def flush(_: bytes) -> list[bytes]:
        for data, sender in held:
            served.socket.sendto(mib.answer(data)[0], sender)
        held.clear()
        return []

    flusher = dataclasses.replace(device(serve(answering(flush)).port), device_id="d3")
    polled = poll(late, flusher, other, settings=settings, linger_seconds=0.05)
    assert [reading.snmp for reading in polled.readings] == ["silent", "silent", "answered"]
    assert polled.counts.late == polled.counts.rejected["late"] == 1


def test_an_answer_to_the_first_try_is_taken_after_the_second_left(serve: Serve) -> None:
    mib = agent()
    held: list[bytes] = []

    def behind(data: bytes) -> list[bytes]:
        """Each request is answered when the next one comes."""
        held.append(data)
        return mib.answer(held[-2]) if len(held) == 2 else mib.answer(data) if len(held) > 2 else []

    polled = poll(device(serve(answering(behind)).port))
    assert polled.reading.snmp == "answered"
    assert polled.reading.snmp_rtt_seconds is not None
    assert polled.reading.snmp_rtt_seconds >= QUICK.timeout_seconds


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: data[:5], "truncated"),
        (lambda data: b"\xff" * 40, "value"),
        (lambda data: data + b"extra", "trailing"),
        (lambda data: data.replace(b"public", b"secret"), "wrong_community"),
        (lambda data: data.replace(b"\x02\x01\x01\x04", b"\x02\x01\x00\x04"), "version"),
    ],
)
def test_unusable_replies_are_refused_and_the_wait_goes_on(serve: Serve, spoil: Any, reason: str) -> None:
    mib = agent()
    served = serve(answering(lambda data: [spoil(mib.answer(data)[0]), *mib.answer(data)]))
    polled = poll(device(served.port))
    assert polled.reading.snmp == "answered"
    assert polled.counts.rejected.get(reason, 0) >= 1 or reason == "value"
    assert sum(polled.counts.rejected.values()) >= 2


def test_only_unusable_replies_are_a_refusal_with_its_reason(serve: Serve) -> None:
    mib = agent()
    polled = poll(device(serve(answering(lambda data: [mib.answer(data)[0][:-3]])).port))
    assert polled.reading.snmp == "refused"
    assert polled.reading.failure == "truncated"
    assert polled.reading.is_reachable is True


def test_wrong_request_id_is_refused(serve: Serve) -> None:
    def wrong(data: bytes) -> list[bytes]:
        request = decode_any(data)
        return [encode_reply(request, [(UPTIME, NULL_FIELD)], request_id=request.request_id ^ 1)]

    polled = poll(device(serve(answering(wrong)).port))
    assert polled.reading.snmp == "silent"
    assert polled.counts.rejected == {"unknown_id": 2}


def from_elsewhere(mib: Mib) -> Any:
    """An agent that answers from another port of another loopback address."""

    def reply(_served: Served, data: bytes, sender: Any) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.9", 0))
            for packet in mib.answer(data):
                other.sendto(packet, sender)

    return reply


def test_wrong_address_is_refused(serve: Serve) -> None:
    polled = poll(device(serve(from_elsewhere(agent())).port))
    assert polled.reading.snmp == "silent"
    assert polled.counts.rejected == {"wrong_address": 2}
    assert polled.counts.strangers == {"127.0.0.1": "127.0.0.9"}


def test_wrong_address_is_taken_where_the_inventory_allows_it(serve: Serve) -> None:
    polled = poll(device(serve(from_elsewhere(agent())).port, reply_from="127.0.0.9"))
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 3


def test_refusals_are_logged_once_for_many(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="bairro.poll"):
        served = serve(answering(lambda data: [b"garbage"] * 50))
        polled = poll(device(served.port))
    assert polled.counts.rejected == {"type": 100}
    assert len(caplog.records) == 1


def test_endless_walk_stops_at_the_row_limit(serve: Serve) -> None:
    mib = agent(0)

    def endless(data: bytes) -> list[bytes]:
        request = decode_any(data)
        if request.kind == GET:
            return mib.answer(data)
        rows = []
        for row in range(1, request.error_index + 1):
            for bind in request.varbinds:
                width = 11 if bind.oid[6] == 31 else 10
                last = bind.oid[width] if len(bind.oid) > width else 0
                rows.append(((*bind.oid[:width], last + row), encode_integer(1, 0x41)))
        return [encode_reply(request, rows)]

    polled = poll(device(serve(answering(endless)).port), settings=dataclasses.replace(QUICK, max_rows=50))
    assert polled.reading.snmp == "partial"
    assert polled.reading.failure is not None
    assert "more than 50 rows" in polled.reading.failure


def test_endless_walk_stops_at_the_byte_limit(serve: Serve) -> None:
    served = serve(answering(agent(200).answer))
    polled = poll(device(served.port), settings=dataclasses.replace(QUICK, max_answer_bytes=5000))
    assert polled.reading.snmp == "partial"
    assert "more than 5000 bytes" in (polled.reading.failure or "")
    assert 0 < len(polled.reading.interfaces) < 200


def test_walk_stops_where_answers_do_not_increase(serve: Serve) -> None:
    mib = agent(3)

    def stuck(data: bytes) -> list[bytes]:
        request = decode_any(data)
        if request.kind == GET:
            return mib.answer(data)
        return [encode_reply(request, mib.varbinds(GET_BULK, [bind.oid[:-1] for bind in request.varbinds], 1))]

    served = serve(answering(stuck))
    polled = poll(device(served.port))
    assert polled.reading.snmp == "partial"
    assert "do not increase" in (polled.reading.failure or "")
    assert len(served.requests) < 10


def test_too_big_shrinks_walks_and_splits_questions(serve: Serve) -> None:
    served = serve(answering(agent(20, most_varbinds=2).answer))
    polled = poll(device(served.port), settings=dataclasses.replace(QUICK, budget_seconds=30.0))
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 20
    assert polled.reading.interfaces[19].transmit_errors == 24
    assert polled.reading.boot_seconds == 3600


def test_walk_cut_short_keeps_what_came(serve: Serve) -> None:
    mib = agent(30)
    count = [0]

    def dies(data: bytes) -> list[bytes]:
        count[0] += 1
        return mib.answer(data) if count[0] <= 4 else []

    polled = poll(device(serve(answering(dies)).port), settings=dataclasses.replace(QUICK, timeout_seconds=0.1))
    assert polled.reading.snmp == "partial"
    assert polled.reading.is_reachable is True
    assert "timeout" in (polled.reading.failure or "")
    assert polled.reading.interfaces
    assert polled.reading.interfaces[0].receive_bytes == 10**12 + 1


def test_budget_ends_a_poll_that_would_go_on(serve: Serve) -> None:
    served = serve(answering(lambda _: []))
    settings = PollSettings(timeout_seconds=0.2, retries=50, budget_seconds=0.7, tick_seconds=0.005)
    polled = poll(device(served.port), settings=settings)
    assert polled.reading.snmp == "silent"
    assert 2 <= len(served.requests) <= 5


@pytest.mark.parametrize(("status", "index"), [(2, 2), (5, 2), (5, 0)])
def test_an_object_that_fails_is_left_out(serve: Serve, status: int, index: int) -> None:
    """noSuchName of version 1 agents, and genErr with and without the place that failed."""
    bad = (1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0)
    mib = agent()

    def fails(data: bytes) -> list[bytes]:
        request = decode_any(data)
        asked = [bind.oid for bind in request.varbinds]
        if request.kind == GET and bad in asked:
            place = asked.index(bad) + 1 if index else 0
            return [encode_reply(request, [(oid, NULL_FIELD) for oid in asked], error=(status, place))]
        return mib.answer(data)

    served = serve(answering(fails))
    polled = poll(*[device(served.port)] * 2)
    assert [reading.snmp for reading in polled.readings] == ["answered", "answered"]
    assert polled.reading.uptime_seconds == 3600
    assert polled.reading.boot_seconds is None
    gets = [message for message in served.asked if message.kind == GET]
    assert [bind.oid for bind in gets[-1].varbinds] == [UPTIME], "what failed is not asked again"


def test_walks_shrink_where_the_agent_fails_on_large_ones(serve: Serve) -> None:
    mib = agent(12)

    def fails(data: bytes) -> list[bytes]:
        request = decode_any(data)
        if request.kind == GET_BULK and request.error_index > 2:
            return [encode_reply(request, [(bind.oid, NULL_FIELD) for bind in request.varbinds], error=(5, 1))]
        return mib.answer(data)

    polled = poll(device(serve(answering(fails)).port))
    assert polled.reading.snmp == "answered"
    assert len(polled.reading.interfaces) == 12


def test_authorization_error_is_a_refusal(serve: Serve) -> None:
    def refuses(data: bytes) -> list[bytes]:
        request = decode_any(data)
        return [encode_reply(request, [(bind.oid, NULL_FIELD) for bind in request.varbinds], error=(16, 0))]

    reading = poll(device(serve(answering(refuses)).port)).reading
    assert (reading.snmp, reading.failure) == ("refused", "authorizationError")
    assert reading.is_reachable is True


def test_report_is_a_refusal(serve: Serve) -> None:
    served = serve(answering(lambda data: [encode_reply(decode_any(data), [(UPTIME, NULL_FIELD)], kind=0xA8)]))
    assert poll(device(served.port)).reading.snmp == "refused"


def test_uplink_that_moved_is_found_again_in_the_same_poll(serve: Serve) -> None:
    mib = agent(3)
    served = serve(answering(mib.answer))
    target = device(served.port, role="cpe", uplink_interface="if3")
    gets: list[int] = []

    def renumber(_: bytes) -> list[bytes]:
        gets.append(len(served.requests))
        mib.replace(router(3, first=7))
        return []

    other = dataclasses.replace(device(serve(answering(renumber)).port), device_id="d2")
    settings = dataclasses.replace(QUICK, retries=0)
    polled = poll(target, target, other, target, target, settings=settings)
    assert [reading.interfaces[0].index for reading in polled.readings if reading.interfaces] == [3, 3, 9, 9]
    assert {reading.interfaces[0].name for reading in polled.readings if reading.interfaces} == {"if3"}
    assert polled.reading.interfaces[0].receive_bytes == 10**12 + 3


def test_a_usual_poll_of_an_uplink_is_one_get_of_twelve(serve: Serve) -> None:
    served = serve(answering(agent(4).answer))
    polled = poll(*[device(served.port, role="cpe", uplink_interface="if2")] * 3)
    assert polled.reading.interfaces[0].name == "if2"
    last = served.asked[-1]
    assert (last.kind, len(last.varbinds)) == (GET, 12)
    assert served.asked[-2].kind == GET


def test_new_interfaces_are_named_when_they_appear(serve: Serve) -> None:
    mib = agent(3)
    served = serve(answering(mib.answer))
    target = device(served.port)

    def grow(_: bytes) -> list[bytes]:
        mib.replace(router(5))
        return []

    other = dataclasses.replace(device(serve(answering(grow)).port), device_id="d2")
    polled = poll(target, target, other, target, settings=dataclasses.replace(QUICK, retries=0))
    assert [len(reading.interfaces) for reading in polled.readings] == [3, 3, 0, 5]
    assert polled.reading.interfaces[4].alias == "to house 5"


def test_aliases_are_not_walked_again_while_the_rows_are_the_same(serve: Serve) -> None:
    served = serve(answering(agent(3).answer))
    polled = poll(*[device(served.port)] * 2)
    assert polled.reading.interfaces[0].alias == "to house 1"
    alias = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18)
    walked = [bind.oid[:11] for message in served.asked for bind in message.varbinds if message.kind == GET_BULK]
    assert alias in walked
    last = [bind.oid[:11] for bind in served.asked[-1].varbinds]
    assert alias not in last


def test_unresolvable_name_is_data() -> None:
    """A label over 63 characters fails in the resolver's own library: no name server is asked."""
    name = "a" * 64
    reading = poll(device(161, address=name)).reading
    assert reading.sent is False
    assert reading.is_reachable is None
    assert (reading.failure or "").startswith(f"address: {name!r} does not resolve: ")


def test_local_send_error_is_not_silence() -> None:
    """The kernel refuses to send to a broadcast address without SO_BROADCAST (EACCES)."""
    polled = poll(device(9, address="255.255.255.255"))
    assert polled.reading.sent is False
    assert polled.reading.is_reachable is None
    assert (polled.reading.failure or "").startswith("send: ")
    assert polled.counts.send_errors == 1


def test_nothing_to_ask_is_said_so() -> None:
    reading = poll(device(161, credential="off")).reading
    assert (reading.snmp, reading.echoes, reading.is_reachable) == ("off", None, None)
