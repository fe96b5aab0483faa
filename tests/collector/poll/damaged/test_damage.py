"""A value that cannot be read costs its own cell: in a GET and in a walk, learnt or not; it is counted, logged, explained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from collector.commands.explain_device import verdict
from collector.config import CollectorSettings
from collector.credentials import Credential
from collector.poll.damage import Damaged
from collector.poll.explain import explain
from collector.poll.snmp.codec import GET, OCTETS, Message, Oid, decode_any, encode_oid, encode_tlv, parse_oid
from collector.reading import InterfaceReading, Reading
from tests.collector.publish.recorder import HOUR, SETTLE, START, Recorder

from ..agents import QUICK, Mib, Serve, answering, device, encode_integer, encode_reply, poll, router
from .damaging import crowd, run

IF, IF_X = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
IS_UP, SPEED, NAME, HC_IN, HC_OUT = f"{IF}.8", f"{IF_X}.15", f"{IF_X}.1", f"{IF_X}.6", f"{IF_X}.10"
UPTIME, ENGINE_TIME = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.10.2.1.3.0"
UPLINK = {"role": "cpe", "uplink_interface": "if2"}

AGENTS = 3000
DAMAGE = {
    "empty_number": b"\x46\x00",
    "too_large": b"\x41\x05\xff\xff\xff\xff\xfe",
    "wrong_length": b"\x40\x03\x01\x02\x03",
    "object_identifier": b"\x06\x02\x2b\x80",
    "unknown_type": b"\x45\x01\x01",
    "framing": b"\x46\x05\x01",
}


def without(reading: Reading, name: str, *fields: str) -> tuple[InterfaceReading, ...]:
    """The interfaces, that one without these fields."""
    gone = dict.fromkeys(fields)
    return tuple(port._replace(**gone) if port.name == name else port for port in reading.interfaces)


@pytest.mark.parametrize("after", [0, 1, 4])
@pytest.mark.parametrize("about", [{}, UPLINK], ids=["walk", "get"])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_counter_costs_itself(serve: Serve, kind: str, about: dict[str, Any], after: int) -> None:
    """Whether the device is met with it, or shows it once its replies are known."""
    mib = Mib(router(3))
    agent = device(serve(answering(mib.answer)).port, **about)
    good = poll(agent).reading
    polls = 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal polls
        polls += decode_any(data).varbinds[0].oid == parse_oid(UPTIME)
        mib.replace(router(3) | ({f"{HC_IN}.2": DAMAGE[kind]} if polls == after + 1 else {}))
        return mib.answer(data)

    polled = poll(*[device(serve(answering(answer)).port, **about)] * (after + 4))
    assert [reading.snmp for reading in polled.readings] == ["answered"] * (after + 4)
    for number, reading in enumerate(polled.readings):
        expected = without(good, "if2", "receive_bytes") if number == after else good.interfaces
        assert reading.interfaces == expected
        assert reading.uptime_seconds == good.uptime_seconds
    assert polled.counts.damaged.keys() == {kind}
    assert polled.counts.rejected == {}


SPEED_OF_OLD = f"{IF}.5"
MUTE = {
    "a state that is unknown": ({IS_UP: encode_integer(4)}, "is_up", set()),
    "a state that there is not": ({IS_UP: b"\x02\x05\x00\xff\xff\xff\xbf"}, "is_up", {"unfit"}),
    "a state of text": ({IS_UP: encode_tlv(OCTETS, b"up")}, "is_up", {"unfit"}),
    "no speed yet": ({SPEED: b"\x42\x01\x00", SPEED_OF_OLD: b"\x42\x01\x00"}, "speed_bytes_per_second", set()),
}
"""What a device may be met with in the only row that shows such a column, the field that it leaves open, what is counted."""


@pytest.mark.parametrize("about", [{}, {"role": "cpe", "uplink_interface": "if1"}], ids=["walk", "get"])
@pytest.mark.parametrize("kind", MUTE)
def test_what_says_nothing_when_a_device_is_met_is_read_as_soon_as_it_says_something(
    serve: Serve, kind: str, about: dict[str, Any]
) -> None:
    cells, field, counted = MUTE[kind]
    mib = Mib(router(1))
    polls = 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal polls
        polls += decode_any(data).varbinds[0].oid == parse_oid(UPTIME)
        mib.replace(router(1) | ({f"{oid}.1": value for oid, value in cells.items()} if polls <= 2 else {}))
        return mib.answer(data)

    polled = poll(*[device(serve(answering(answer)).port, **about)] * 5)
    good = poll(device(serve(answering(Mib(router(1)).answer)).port, **about)).reading
    assert [reading.interfaces for reading in polled.readings] == (
        [without(good, "if1", field)] * 2 + [good.interfaces] * 3
    )
    assert polled.counts.damaged.keys() == counted


def test_nothing_stands_in_for_a_damaged_value(serve: Serve) -> None:
    """Neither the 32-bit counter for the 64-bit one, nor hrSystemUptime for snmpEngineTime."""
    objects = router(2) | {"1.3.6.1.2.1.25.1.1.0": encode_integer(99, 0x43)}
    bad = objects | {f"{HC_IN}.1": b"\x46\x00", ENGINE_TIME: b"\x02\x00"}
    reading = poll(device(serve(answering(Mib(bad).answer)).port)).reading
    assert reading.boot_seconds is None
    assert [(port.receive_bytes, port.counter_bits) for port in reading.interfaces] == [(None, 64), (10**12 + 2, 64)]


@pytest.mark.parametrize("about", [{}, UPLINK], ids=["walk", "get"])
def test_a_damaged_name_does_not_make_another_interface(serve: Serve, about: dict[str, Any]) -> None:
    mib = Mib(router(3))
    polls = 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal polls
        polls += decode_any(data).varbinds[0].oid == parse_oid(UPTIME)
        mib.replace(router(3) | ({f"{NAME}.2": b"\x04\x09if2"} if polls == 3 else {}))
        return mib.answer(data)

    polled = poll(*[device(serve(answering(answer)).port, **about)] * 5)
    assert all(reading.interfaces == polled.readings[0].interfaces for reading in polled.readings)
    assert polled.counts.damaged


def test_rows_that_moved_under_a_damaged_name_are_not_believed(serve: Serve) -> None:
    """The uplink's name cannot be read, and the table shows that its row is another interface's now."""
    mib = Mib(router(3))
    polls = 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal polls
        polls += decode_any(data).varbinds[0].oid == parse_oid(UPTIME)
        if polls == 3:
            mib.replace(router(3, first=2) | {f"{NAME}.2": b"\x06\x01\x80"})
        return mib.answer(data)

    last = poll(*[device(serve(answering(answer)).port, **UPLINK)] * 3).reading
    assert [(port.name, port.receive_bytes) for port in last.interfaces] == [("if2", 10**12 + 2)]


def spoilt_names(mib: Mib, spoilt: Oid) -> Any:
    """An agent that encodes one name wrongly."""

    def answer(data: bytes) -> list[bytes]:
        reply = mib.answer(data)[0]
        content = encode_oid(spoilt)
        return [reply.replace(encode_tlv(6, content), encode_tlv(6, content[:-1] + b"\x80"))]

    return answering(answer)


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("about", [{}, UPLINK], ids=["walk", "get"])
def test_a_varbind_whose_name_cannot_be_read_costs_itself(serve: Serve, about: dict[str, Any], version: str) -> None:
    mib = Mib(router(3))
    through = [Credential("default", version)]
    good = poll(device(serve(answering(mib.answer)).port, **about), credentials=through).reading
    agent = device(serve(spoilt_names(mib, parse_oid(f"{HC_IN}.2"))).port, **about)
    for reading in poll(*[agent] * 4, credentials=through).readings:
        assert reading.snmp == "answered"
        assert reading.interfaces == without(good, "if2", "receive_bytes")


def test_a_walk_that_cannot_get_past_a_name_ends(serve: Serve) -> None:
    """The columns are asked for one by one, so that no neighbour tells the row."""
    mib = Mib(router(6), most_varbinds=1)
    polled = poll(device(serve(spoilt_names(mib, parse_oid(f"{HC_IN}.3"))).port))
    assert polled.reading.snmp == "partial"
    assert [port.receive_bytes for port in polled.reading.interfaces] == [10**12 + 1, 10**12 + 2, *[None] * 4]
    assert [port.receive_errors for port in polled.reading.interfaces] == list(range(3, 9))


def test_of_lengths_that_do_not_nest_what_came_before_stays(serve: Serve) -> None:
    """The varbind of ifHCOutOctets says that it is longer than it is."""
    mib = Mib(router(3))

    def answer(data: bytes) -> list[bytes]:
        request = decode_any(data)
        if request.kind != GET or len(request.varbinds) < 6:
            return mib.answer(data)
        reply = mib.answer(data)[0]
        at = reply.index(encode_tlv(6, encode_oid(parse_oid(f"{HC_OUT}.2"))))
        return [reply[: at - 1] + bytes((reply[at - 1] + 1,)) + reply[at:]]

    first, *others = poll(*[device(serve(answering(answer)).port, **UPLINK)] * 3).readings
    assert first.interfaces[0].transmit_bytes == 2 * 10**12 + 2
    for reading in others:
        assert reading.snmp == "answered"
        assert reading.uptime_seconds == 3600.0
        assert (reading.interfaces[0].receive_bytes, reading.interfaces[0].transmit_bytes) == (10**12 + 2, None)


def test_who_a_device_is_is_asked_again_where_it_could_not_be_read(serve: Serve) -> None:
    identity = {"1.3.6.1.2.1.1.1.0": encode_tlv(OCTETS, b"Linux"), "1.3.6.1.2.1.1.2.0": b"\x06\x01\x80"}
    mib = Mib(router(1) | identity)
    served = serve(answering(mib.answer))
    questions = [asked for asked in _polled(served, 2) if asked.varbinds[0].oid == parse_oid("1.3.6.1.2.1.1.2.0")]
    assert len(questions) == 2


def _polled(served: Any, times: int) -> list[Message]:
    poll(*[device(served.port)] * times)
    return [asked for asked in served.asked if asked.kind == GET]


def test_a_damaged_level_is_asked_for_again(serve: Serve) -> None:
    """Met with a damaged level, a radio's table of one row shows it as soon as it can be read."""
    radio = "1.3.6.1.4.1.41112.1.4.5.1"
    identity = {
        "1.3.6.1.2.1.1.1.0": encode_tlv(OCTETS, b"Linux airOS"),
        "1.3.6.1.2.1.1.2.0": encode_tlv(6, encode_oid((1, 3, 6, 1, 4, 1, 10002, 1))),
    }
    levels = {f"{radio}.5.1": encode_integer(-65), f"{radio}.8.1": encode_integer(-95)}
    mib = Mib(router(1) | identity | levels)
    polls = 0

    def answer(data: bytes) -> list[bytes]:
        nonlocal polls
        polls += decode_any(data).varbinds[0].oid == parse_oid(UPTIME)
        bad = {f"{radio}.5.1": encode_tlv(2, b"\x01" * 6)} if polls in (1, 4) else {}
        mib.replace(router(1) | identity | levels | bad)
        return mib.answer(data)

    polled = poll(*[device(serve(answering(answer)).port)] * 5)
    found = [(r.signals[0].received_dbm, r.signals[0].noise_dbm) for r in polled.readings]
    assert found == [(None, -95), (-65, -95), (-65, -95), (None, -95), (-65, -95)]


def test_each_kind_is_logged_once_a_minute_and_explained(
    serve: Serve, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    bad = router(2) | {f"{HC_IN}.1": b"\x46\x00", f"{HC_OUT}.1": b"\x46\x00", f"{SPEED}.2": b"\x45\x00"}
    agent = device(serve(answering(Mib(bad).answer)).port)
    polled = poll(agent, agent)
    assert polled.counts.damaged["empty_number"] >= 4
    lines = [record.message for record in caplog.records]
    assert "d1: ifHCInOctets cannot be read: a number of no bytes" in lines
    assert len(lines) == 2
    settings = CollectorSettings(inventory=tmp_path / "devices.csv", data=tmp_path, poll=QUICK)
    explanation = explain(agent, settings)
    said = str(explanation)
    assert "values could not be read (absent; the others count)" in verdict(explanation, [])
    assert "ifHCInOctets.1 (1.3.6.1.2.1.31.1.1.1.6.1) = Counter64: cannot be read (a number of no bytes)" in said
    assert " x a type that no object here has" in said


def test_a_reply_that_names_nothing_that_was_asked_is_refused(serve: Serve) -> None:
    def answer(data: bytes) -> list[bytes]:
        request = decode_any(data)
        return [encode_reply(request, [((1, 3, 6, 1, 9), encode_integer(5))])]

    polled = poll(device(serve(answering(answer)).port))
    assert (polled.reading.snmp, polled.reading.failure) == ("refused", "names")


@pytest.mark.slow
def test_of_3000_agents_with_a_damaged_cell_nothing_false_is_read_and_nothing_beside_it_lost(tmp_path: Path) -> None:
    """Each kind of damage in any cell, in some polls out of eight: GET and walk, learnt and not, v2c and v3. What history
    makes of them are bytes that passed: all of them where the uplink's counters were read each time.
    """
    found = run(crowd(AGENTS, "gate"))
    assert found.faults == []
    assert {damaged.value for damaged in Damaged} <= found.damaged.keys()
    recorder = Recorder(tmp_path, *(agent.device for agent in found.agents))
    for agent in found.agents:
        for reading in found.readings[agent.device.device_id]:
            recorder.take(reading, agent.device)
    recorder.flush(START + HOUR + SETTLE)
    rows = recorder.rows()
    measured = 0
    for agent in found.agents:
        row = rows[agent.device.device_id, 0]
        for name, passed in zip(("receive_bytes", "transmit_bytes"), agent.passed(), strict=True):
            assert row[name] is None or row[name] <= passed * (1 + 1e-9)
            if agent.spares_uplink:
                assert row[name] == pytest.approx(passed)
                measured += 1
    assert measured > AGENTS / 2
