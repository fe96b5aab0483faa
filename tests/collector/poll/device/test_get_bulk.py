"""Agents whose GETBULK fails though GETNEXT works are walked by GETNEXT, which is remembered, said, and tried again rarely."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.protocol.wire_secure import CREDENTIAL, Front
from collector.commands.explain_device import verdict
from collector.commands.walker import Walker
from collector.config import CollectorSettings
from collector.credentials import Credential
from collector.poll.device.get_bulk import GetBulk
from collector.poll.explain import explain
from collector.poll.profile import telling
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import GET_BULK, GET_NEXT, Message, decode_any, parse_oid

from ..agents import (
    NULL_FIELD,
    QUICK,
    Answer,
    Mib,
    Serve,
    Served,
    answering,
    device,
    encode_integer,
    encode_reply,
    poll,
    router,
)

UPTIME = parse_oid("1.3.6.1.2.1.1.3.0")
HASTY = dataclasses.replace(QUICK, timeout_seconds=0.1, retries=2)

Bulk = Callable[[Message], list[bytes]]


def silent(_request: Message) -> list[bytes]:
    return []


def general_error(request: Message) -> list[bytes]:
    return [encode_reply(request, [(bind.oid, NULL_FIELD) for bind in request.varbinds], error=(5, 1))]


def not_known(request: Message) -> list[bytes]:
    return [encode_reply(request, [(bind.oid, NULL_FIELD) for bind in request.varbinds], error=(2, 1))]


def cut_off(request: Message) -> list[bytes]:
    return [encode_reply(request, [(UPTIME, NULL_FIELD)])[:-2]]


class Odd:
    """An agent with four ports that answers GETBULK in a way of its own while ``is_odd``; ``asked`` are the kinds."""

    def __init__(self, bulk: Bulk) -> None:
        self.mib = Mib(router(4))
        self.bulk = bulk
        self.is_odd = True
        self.asked: list[int] = []

    def answer(self, data: bytes) -> list[bytes]:
        request = decode_any(data)
        self.asked.append(request.kind)
        return self.bulk(request) if self.is_odd and request.kind == GET_BULK else self.mib.answer(data)


@pytest.mark.parametrize("bulk", [silent, general_error, not_known, cut_off])
def test_its_ports_are_read_in_the_first_poll_and_getbulk_left_alone_after_it(serve: Serve, bulk: Bulk) -> None:
    odd = Odd(bulk)
    agent = device(serve(answering(odd.answer)).port)
    good = poll(device(serve(answering(Mib(router(4)).answer)).port)).reading
    polled = poll(*[agent] * 4, settings=HASTY)
    for reading in polled.readings:
        assert (reading.snmp, reading.failure) == ("answered", None)
        assert [port._replace(late_seconds=None) for port in reading.interfaces] == list(good.interfaces)
    assert odd.asked.count(GET_BULK) <= 5
    assert odd.asked[-6:].count(GET_NEXT) == 5
    assert polled.counts.bulk_avoided == 1
    assert polled.poller.bulk_trouble("d1") is not None


class SilentError(Exception):
    """An agent behind a front of version 3 has nothing to say."""


def secured(answer: Answer) -> Callable[[Served, bytes, Any], None]:
    """The same agent, asked by version 3."""

    def ask(request: bytes) -> bytes:
        packets = answer(request)
        if not packets:
            raise SilentError
        return packets[0]

    front = Front(ask)

    def reply(served: Served, data: bytes, sender: Any) -> None:
        with contextlib.suppress(SilentError):
            served.socket.sendto(front.answer(data), sender)

    return reply


@pytest.mark.parametrize("bulk", [silent, general_error])
def test_version_3_alike(serve: Serve, bulk: Bulk) -> None:
    odd = Odd(bulk)
    agent = device(serve(secured(odd.answer)).port)
    polled = poll(*[agent] * 3, settings=HASTY, credentials=[CREDENTIAL])
    assert [reading.snmp for reading in polled.readings] == ["answered"] * 3
    assert [port.receive_bytes for port in polled.reading.interfaces] == [10**12 + n for n in range(1, 5)]
    assert odd.asked[-6:].count(GET_NEXT) == 5
    assert polled.counts.bulk_avoided == 1


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_silence_is_blamed_on_getbulk_whatever_the_number_of_tries(serve: Serve, retries: int) -> None:
    odd = Odd(silent)
    agent = device(serve(answering(odd.answer)).port)
    polled = poll(*[agent] * 4, settings=dataclasses.replace(HASTY, retries=retries))
    assert [reading.snmp for reading in polled.readings][1:] == ["answered"] * 3
    assert polled.counts.bulk_avoided == 1


def test_a_lost_packet_changes_nothing(serve: Serve) -> None:
    mib = Mib(router(30))
    bulks = 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal bulks
        request = decode_any(data)
        bulks += request.kind == GET_BULK
        assert request.kind != GET_NEXT or request.varbinds[0].oid in telling(load_profiles().values())
        return [] if request.kind == GET_BULK and bulks % 3 == 1 else mib.answer(data)

    patient = dataclasses.replace(HASTY, timeout_seconds=0.4, budget_seconds=30)
    polled = poll(*[device(serve(answering(answer)).port)] * 4, settings=patient)
    assert [reading.snmp for reading in polled.readings] == ["answered"] * 4
    assert polled.counts.bulk_avoided == 0
    assert polled.poller.bulk_trouble("d1") is None


def test_a_device_that_has_restarted_is_asked_by_getbulk_again(serve: Serve) -> None:
    """An upgrade may have mended it; where it has not, one try shows that."""
    odd = Odd(silent)
    agent = device(serve(answering(odd.answer)).port)
    boots = [360_000, 370_000, 100, 200, 100, 200]
    polls: list[int] = []

    def answer(data: bytes) -> list[bytes]:
        if decode_any(data).varbinds[0].oid == UPTIME:
            polls.append(0)
            if len(polls) == 5:
                odd.is_odd = False
            odd.asked.clear()
        objects = router(4) | {"1.3.6.1.2.1.1.3.0": encode_integer(boots[min(len(polls), 6) - 1], 0x43)}
        odd.mib.replace(objects)
        return odd.answer(data)

    agent = device(serve(answering(answer)).port)
    polled = poll(*[agent] * 7, settings=HASTY)
    assert all(len(reading.interfaces) == 4 for reading in polled.readings)
    assert polled.counts.bulk_avoided == 1
    assert GET_NEXT not in odd.asked
    assert polled.poller.bulk_trouble("d1") is None


def test_a_row_that_fails_either_way_is_not_getbulks_fault(serve: Serve) -> None:
    """The agent answers genErr for what follows ifHCInOctets.2, however it is asked."""
    mib = Mib(router(4))
    bad = parse_oid("1.3.6.1.2.1.31.1.1.1.6.2")
    kinds: list[int] = []

    def answer(data: bytes) -> list[bytes]:
        request = decode_any(data)
        kinds.append(request.kind)
        reply = decode_any(mib.answer(data)[0])
        place = next((n for n, bind in enumerate(request.varbinds) if bind.oid == bad), None)
        follows = [bind.oid for bind in reply.varbinds]
        crosses = bad in follows and follows[-1] != bad and request.kind == GET_BULK and request.error_index > 1
        if place is None and not crosses:
            return mib.answer(data)
        nulls = [(bind.oid, NULL_FIELD) for bind in request.varbinds]
        return [encode_reply(request, nulls, error=(5, 1 if place is None else place + 1))]

    polled = poll(*[device(serve(answering(answer)).port)] * 3)
    assert polled.reading.snmp == "partial"
    assert [port.receive_bytes for port in polled.reading.interfaces] == [10**12 + 1, 10**12 + 2, None, None]
    assert [port.transmit_bytes for port in polled.reading.interfaces] == [2 * 10**12 + n for n in (1, 2, 3, 4)]
    assert polled.counts.bulk_avoided == 0
    assert kinds.count(GET_NEXT) <= 4, "one of them asks which branches the device has"


def test_a_device_that_is_silent_altogether_is_not_blamed(serve: Serve) -> None:
    mib = Mib(router(4))
    is_gone = False

    def answer(data: bytes) -> list[bytes]:
        nonlocal is_gone
        is_gone = is_gone or decode_any(data).kind == GET_BULK
        return [] if is_gone else mib.answer(data)

    polled = poll(device(serve(answering(answer)).port), settings=HASTY)
    assert (polled.reading.snmp, polled.reading.failure) == ("partial", "ifTable and ifXTable: timeout")
    assert polled.counts.bulk_avoided == 0
    assert polled.poller.bulk_trouble("d1") is None


def test_where_a_poll_has_no_time_left_the_next_begins_with_getnext(serve: Serve) -> None:
    odd = Odd(silent)
    agent = device(serve(answering(odd.answer)).port)
    settings = dataclasses.replace(HASTY, timeout_seconds=0.2, budget_seconds=0.5)
    polled = poll(*[agent] * 3, settings=settings)
    assert polled.readings[0].snmp == "partial"
    assert [reading.snmp for reading in polled.readings[1:]] == ["answered"] * 2
    assert polled.counts.bulk_avoided == 1


def test_a_late_answer_to_a_walk_is_an_answer(serve: Serve) -> None:
    """Each request is answered when the next one comes, be it the same again."""
    mib = Mib(router(4))
    held: list[bytes] = []

    def behind(data: bytes) -> list[bytes]:
        if decode_any(data).kind != GET_BULK:
            held.clear()
            return mib.answer(data)
        held.append(data)
        return mib.answer(held[-2]) if len(held) > 1 else []

    polled = poll(
        *[device(serve(answering(behind)).port)] * 5, settings=dataclasses.replace(QUICK, timeout_seconds=0.8)
    )
    for reading in polled.readings:
        assert reading.snmp == "answered"
        assert len(reading.interfaces) == 4
        assert (reading.interfaces[0].late_seconds or 0.0) < 0.8
    assert polled.counts.retries >= 5
    assert polled.counts.bulk_avoided == 0


def test_it_is_explained_and_logged(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    agent = device(serve(answering(Odd(general_error).answer)).port)
    explanation = explain(agent, CollectorSettings(inventory=tmp_path / "devices.csv", data=tmp_path, poll=QUICK))
    assert "GETBULK is answered with genErr: tables were walked by GETNEXT" in str(explanation)
    assert "walked by GETNEXT, since GETBULK is answered with genErr" in verdict(explanation, [])
    lines = [record.message for record in caplog.records]
    assert lines == ["d1: GETBULK is answered with genErr: its tables are walked by GETNEXT, row by row"]


@pytest.mark.parametrize("bulk", [silent, general_error])
def test_a_device_is_captured_without_getbulk(serve: Serve, bulk: Bulk) -> None:
    odd = Odd(bulk)
    walker = Walker(device(serve(answering(odd.answer)).port), Credential("default"), timeout_seconds=0.1, tries=2)
    objects, failure = walker.walk()
    assert failure is None
    assert set(objects) >= {oid for oid in odd.mib.objects if oid[:7] == parse_oid("1.3.6.1.2.1.31")}


def test_what_is_known_of_getbulk() -> None:
    def after(*events: tuple[str, Any]) -> GetBulk:
        known = GetBulk()
        for name, argument in events:
            getattr(known, name)(*([] if argument is None else [argument]))
        return known

    lost = ("lost", 10)
    assert not after(lost).has_failed
    assert after(lost, lost).has_failed
    assert not after(("answered", None), lost, lost).has_failed
    assert after(("answered", None), lost, lost, lost).has_failed
    assert not after(lost, lost, ("answered", None)).has_failed
    assert after(lost, lost).is_used
    assert not after(lost, ("lost", 1)).is_used
    assert not after(lost, lost).answered_next()
    assert after(lost, ("lost", 1)).answered_next()
    assert GetBulk(after(("refused", "no"), ("answered_next", None))).is_used


def test_it_is_not_said_to_be_walked_by_getnext_where_it_was_not(serve: Serve) -> None:
    """The poll was over before GETNEXT could be tried: the device may be slow."""
    hurried = dataclasses.replace(HASTY, timeout_seconds=0.5, budget_seconds=0.3)
    polled = poll(device(serve(answering(Odd(silent).answer)).port), settings=hurried)
    assert polled.reading.snmp in {"partial", "silent"}
    assert polled.poller.bulk_trouble("d1") is None
