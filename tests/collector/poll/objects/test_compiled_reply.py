"""Usual replies read in one step: they give what the long way gives, or nothing."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.credentials import Credential
from collector.poll.objects.compiled_reply import CompiledAnswer, learn_usual
from collector.poll.objects.decode import Scalars
from collector.poll.objects.get_request import Asked, Question, access
from collector.poll.objects.interfaces.asked_row import AskedRow
from collector.poll.profile import Source
from collector.poll.profile_files import load_profiles
from collector.poll.snmp.codec import INTEGER, OCTETS, Value, decode_any, encode_tlv
from collector.reading import InterfaceReading

from ..agents import NO_SUCH_INSTANCE, QUICK, Mib, Serve, answering, device, encode_integer, encode_reply, poll, router

PROFILES = load_profiles()
GENERIC = PROFILES["generic"]
THROUGH = access(Credential("default"))
NAME, *COLUMNS = [column for column in GENERIC.tables[0].columns if not column.is_text or column.field == "name"]
MEASURING = tuple({column.field: column for column in reversed(COLUMNS) if not column.is_text}.values())
CHANNEL = tuple(
    dataclasses.replace(source, channel="radio", oid=f"1.3.6.1.4.1.9999.{n}.0")
    for n, source in enumerate(
        source for source in PROFILES["huawei-vrp"].tables[0].columns if source.field == "received_dbm"
    )
)
SCALARS = Scalars((*{source.field: source for source in reversed(GENERIC.scalars)}.values(), *CHANNEL[:1]))
UPLINK = AskedRow(b"\x03", ("wan", "to the house"), b"wan", (NAME, *MEASURING))
ASKED = [Asked(source) for source in SCALARS.sources] + [Asked(source, UPLINK.index) for source in UPLINK.sources]

whole = st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
fields = st.one_of(
    whole.map(lambda n: encode_integer(n, 0x46 if n >= 2**32 else 0x41)),
    whole.map(lambda n: encode_integer(n, 0x46)),
    st.sampled_from((-1, 0, 1, 2, 7, 2**31 - 1, -(2**31))).map(lambda n: encode_integer(n, INTEGER)),
    st.just(NO_SUCH_INSTANCE),
    st.just(encode_tlv(OCTETS, b"-9.36 dBm")),
)


def question() -> Question:
    return Question(ASKED, THROUGH)


def reply(values: list[bytes], name: bytes = b"wan") -> bytes:
    values[SCALARS.count] = encode_tlv(OCTETS, name)
    request = decode_any(bytes(question().packet))
    return encode_reply(request, [(item.oid, value) for item, value in zip(ASKED, values, strict=True)])


def the_long_way(values: list[Value]) -> CompiledAnswer:
    interface = UPLINK.reading(values[SCALARS.count :])
    return CompiledAnswer(
        SCALARS.number("uptime_seconds", values),
        SCALARS.number("boot_seconds", values),
        () if interface is None else (interface,),
        SCALARS.channels(values),
    )


def learnt(data: bytes) -> Question:
    asked = question()
    asked.read(data)
    records = SCALARS.records()
    assert records is not None
    if asked.layout is not None:
        records.append(UPLINK.record().moved(SCALARS.count))
        asked.usual = learn_usual(asked.layout, [item.source for item in ASKED], SCALARS, records)
    return asked


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(fields, fields, st.booleans()), min_size=len(ASKED), max_size=len(ASKED)))
def test_a_usual_answer_is_that_of_the_long_way(pairs: list[tuple[bytes, bytes, bool]]) -> None:
    first = [before for before, _, _ in pairs]
    second = [after if is_new else before for before, after, is_new in pairs]
    for values in (first, second):
        data = reply(values)
        asked = learnt(reply(first))
        answer, slow = asked.read(data), question().read(data)
        assert isinstance(slow, list)
        if isinstance(answer, CompiledAnswer):
            assert answer == the_long_way(slow)
        else:
            assert answer == slow


def test_numbers_alone_may_differ() -> None:
    values = [encode_integer(1000 + place, 0x41) for place in range(len(ASKED))]
    asked = learnt(reply(values))
    moving = SCALARS.count + 1 + next(place for place, source in enumerate(MEASURING) if not source.is_still)
    values[moving] = encode_integer(2000, 0x41)
    assert isinstance(asked.read(reply(values)), CompiledAnswer)
    for spoil in (
        lambda data: data.replace(b"wan", b"lan"),
        lambda data: data.replace(b"public", b"secret"),
        lambda data: data[:-1],
        lambda data: data.replace(b"\x41\x02", b"\x42\x02", 1),
        lambda data: data.replace(b"\x02\x01\x00\x02\x01\x00", b"\x02\x01\x05\x02\x01\x00"),
    ):
        assert asked.usual is not None
        assert asked.usual.read(spoil(reply(values))) is None


@pytest.mark.parametrize("seconds", [1, -1, 200, -200, 70_000, -70_000, 2**31 - 1, 1 - 2**31])
def test_a_clock_below_zero_is_none_whatever_its_size(seconds: int) -> None:
    """Sizes of three bytes are none of ``struct``'s."""
    values = [encode_integer(1000 + place, 0x41) for place in range(len(ASKED))]
    boot = SCALARS.place("boot_seconds")
    assert boot is not None
    values[boot] = encode_integer(abs(seconds), INTEGER)
    asked = learnt(reply(values))
    values[boot] = encode_integer(seconds, INTEGER)
    answer = asked.read(reply(values))
    assert isinstance(answer, CompiledAnswer)
    assert answer.boot_seconds == (seconds if seconds >= 0 else None)


def test_a_state_that_changes_is_read_the_long_way_once() -> None:
    values = [encode_integer(1000 + place, 0x41) for place in range(len(ASKED))]
    asked = learnt(reply(values))
    still = SCALARS.count + 1 + next(place for place, source in enumerate(MEASURING) if source.is_still)
    values[still] = encode_integer(2000, 0x41)
    answer = asked.read(reply(values))
    assert isinstance(answer, list)
    assert answer[still] == 2000
    assert isinstance(learnt(reply(values)).read(reply(values)), CompiledAnswer)


def test_what_another_shape_taught_is_forgotten() -> None:
    values = [encode_integer(1000 + place, 0x41) for place in range(len(ASKED))]
    asked = learnt(reply(values))
    assert isinstance(asked.read(reply(values, b"elsewhere")), list)
    assert asked.usual is None


@pytest.mark.parametrize(
    "source",
    [
        source
        for profile in PROFILES.values()
        for source in (*profile.scalars, *(column for table in profile.tables for column in table.columns))
        if not source.is_text and source.convert is not None
    ],
    ids=lambda source: source.name,
)
def test_a_number_is_converted_alike_both_ways(source: Source) -> None:
    assert source.convert is not None
    short, unsigned = source.convert_number, source.convert_unsigned
    for number in (*range(-300, 300), *source.absent, 32767, 65535, 2**31 - 1, 2**32 - 1, 2**63):
        assert (short(int(number)) if short is not None else int(number)) == source.convert(int(number))
        if number >= 0:
            assert (unsigned(int(number)) if unsigned is not None else int(number)) == source.convert(int(number))


def test_usual_polls_read_what_a_first_poll_reads(serve: Serve) -> None:
    mib = Mib(router(3))
    served = serve(answering(mib.answer))
    target = device(served.port, role="cpe", uplink_interface="if2")
    moved = 0

    def move(_: bytes) -> list[bytes]:
        nonlocal moved
        moved += 1
        mib.replace(router(3) | {"1.3.6.1.2.1.31.1.1.1.6.2": encode_integer(256**moved, 0x46)})
        return []

    mover = dataclasses.replace(device(serve(answering(move)).port), device_id="mover")
    polled = poll(*[target, target] + [mover, target, target] * 5, settings=dataclasses.replace(QUICK, retries=0))
    read = [reading.interfaces[0] for reading in polled.readings if reading.interfaces]
    counted = [10**12 + 2, 10**12 + 2] + [256**n for n in range(1, 6) for _ in range(2)]
    assert [interface.receive_bytes for interface in read] == counted
    assert {interface._replace(receive_bytes=0) for interface in read} == {
        InterfaceReading("if2", 2, "to house 2", False, 125e6, 64, 0, 2 * 10**12 + 2, 4, 6, 3, 5, 0.0)
    }
    assert {reading.uptime_seconds for reading in polled.readings if reading.interfaces} == {3600.0}
