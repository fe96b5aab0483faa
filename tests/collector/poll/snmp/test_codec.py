"""The codec against pysnmp and pyasn1: what they encode we decode, what we encode they decode, nothing crashes."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api, rfc1902

from collector.poll.damage import Damaged
from collector.poll.snmp.codec import (
    GET,
    GET_BULK,
    GET_NEXT,
    REST,
    SEQUENCE,
    TYPES,
    Absent,
    BadPacketError,
    decode,
    decode_oid,
    decode_subids,
    encode_head,
    encode_oid,
    encode_request,
    encode_subids,
    encode_tlv,
    oid_text,
    parse_oid,
    reply_id,
)
from collector.poll.snmp.reply_parser import expected_values, learn_layout

from ..damaged.fuzzing import parse, seed

V2 = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
HEAD = encode_head("2c", "public")

numbers32 = st.integers(0, 2**32 - 1)
subids = st.one_of(st.integers(0, 300), numbers32)
oids = st.builds(lambda tail: (1, 3, *tail), st.lists(subids, min_size=1, max_size=20))
values = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(lambda n: (rfc1902.Integer32(n), n)),
    st.binary(max_size=300).map(lambda b: (rfc1902.OctetString(b), b)),
    oids.map(lambda o: (rfc1902.ObjectIdentifier(o), o)),
    numbers32.map(lambda n: (rfc1902.Counter32(n), n)),
    numbers32.map(lambda n: (rfc1902.Gauge32(n), n)),
    numbers32.map(lambda n: (rfc1902.TimeTicks(n), n)),
    st.integers(0, 2**64 - 1).map(lambda n: (rfc1902.Counter64(n), n)),
    st.binary(min_size=4, max_size=4).map(lambda b: (rfc1902.IpAddress(b), b)),
    st.binary(max_size=20)
    .filter(lambda b: b[:2] != b"\x9f\x78")
    .map(lambda b: (rfc1902.Opaque(b), Damaged.UNKNOWN_TYPE)),
    st.floats(width=32, allow_nan=False).map(lambda n: (rfc1902.Opaque(b"\x9f\x78\x04" + struct.pack(">f", n)), n)),
    st.just((V2.NoSuchObject(""), Absent.NO_SUCH_OBJECT)),
    st.just((V2.NoSuchInstance(""), Absent.NO_SUCH_INSTANCE)),
    st.just((V2.EndOfMibView(""), Absent.END_OF_MIB_VIEW)),
)
varbinds = st.lists(st.tuples(oids, values), min_size=1, max_size=14)


def pysnmp_reply(
    request_id: int, binds: list[tuple[tuple[int, ...], object]], error: tuple[int, int] = (0, 0)
) -> bytes:
    """A response as pysnmp would send it."""
    pdu = V2.GetResponsePDU()
    V2.apiPDU.set_defaults(pdu)
    V2.apiPDU.set_request_id(pdu, request_id)
    V2.apiPDU.set_error_status(pdu, error[0])
    if error[0]:
        V2.apiPDU.set_error_index(pdu, error[1])
    V2.apiPDU.set_varbinds(pdu, binds)
    message = V2.Message()
    V2.apiMessage.set_defaults(message)
    V2.apiMessage.set_community(message, "public")
    V2.apiMessage.set_pdu(message, pdu)
    return encoder.encode(message)


@settings(max_examples=60, deadline=None)
@given(varbinds, st.integers(-(2**31), 2**31 - 1))
def test_decodes_what_pysnmp_encodes(binds: list, request_id: int) -> None:
    data = pysnmp_reply(request_id, [(oid, theirs) for oid, (theirs, _) in binds])
    message = decode(data)
    assert message.community == b"public"
    assert message.request_id == request_id == reply_id(data)
    assert [(bind.oid, bind.value) for bind in message.varbinds] == [(oid, ours) for oid, (_, ours) in binds]
    assert all(bind.tag in TYPES for bind in message.varbinds)


@settings(max_examples=60, deadline=None)
@given(varbinds, st.integers(2**30, 2**31 - 1))
def test_fast_decoder_agrees_with_the_general_one(binds: list, request_id: int) -> None:
    data = pysnmp_reply(request_id, [(oid, theirs) for oid, (theirs, _) in binds])
    names = [encode_tlv(0x06, encode_oid(oid)) for oid, _ in binds]
    fast = expected_values(data, HEAD, names)
    slow = [bind.value for bind in decode(data).varbinds]
    has_long_text = any(isinstance(ours, bytes) and len(ours) > 127 for _, (_, ours) in binds)
    assert fast == slow or (fast is None and (has_long_text or Damaged.UNKNOWN_TYPE in slow))
    if fast is not None:
        layout = learn_layout(data, HEAD, fast)
        assert layout.values(data) == slow
        assert layout.values(data[:-1]) is None


@pytest.mark.parametrize("size", range(1, 5))
def test_a_layout_reads_numbers_of_every_size_anew(size: int) -> None:
    """snmpEngineTime takes three bytes from its ninth hour to its 97th day."""
    low, high = 2 ** (8 * size - 9) if size > 1 else 0, 2 ** (8 * size - 1) - 1
    name = (1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0)
    names = [encode_tlv(0x06, encode_oid(name))] * 2

    def reply(integer: int, counter: int) -> bytes:
        return pysnmp_reply(2**30, [(name, rfc1902.Integer32(integer)), (name, rfc1902.Counter64(counter))])

    first = reply(low, low)
    layout = learn_layout(first, HEAD, expected_values(first, HEAD, names) or [])
    assert layout is not None
    for number in (low + 1, high):
        assert layout.values(reply(number, number)) == [number, number]
    assert layout.values(reply(-high, low)) == [-high, low]


@pytest.mark.parametrize("kind", [GET, GET_NEXT, GET_BULK])
@settings(max_examples=20, deadline=None)
@given(st.lists(oids, min_size=1, max_size=40), st.integers(0, 1000))
def test_pysnmp_decodes_what_we_encode(kind: int, asked: list, repetitions: int) -> None:
    packet = encode_request(
        kind, HEAD, [encode_oid(oid) for oid in asked], second=repetitions if kind == GET_BULK else 0
    )
    data = bytearray(packet.data)
    data[packet.id_at : packet.id_at + 4] = (0x51525354).to_bytes(4, "big")
    message, rest = decoder.decode(bytes(data), asn1Spec=V2.Message())
    pdu = V2.apiMessage.get_pdu(message)
    assert not rest
    assert pdu.tagSet.baseTag.tagId == 0 or pdu.tagSet[-1].tagId == kind & 0x1F
    if kind == GET_BULK:
        assert V2.apiBulkPDU.get_max_repetitions(pdu) == repetitions
        assert V2.apiBulkPDU.get_request_id(pdu) == 0x51525354
    else:
        assert V2.apiPDU.get_request_id(pdu) == 0x51525354
    assert [tuple(oid) for oid, _ in V2.apiPDU.get_varbinds(pdu)] == asked


REPLY = pysnmp_reply(
    0x51525354,
    [
        ((1, 3, 6, 1, 2, 1, 1, 3, 0), rfc1902.TimeTicks(123456789)),
        ((1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1, 300), rfc1902.OctetString("ether1")),
        ((1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6, 300), rfc1902.Counter64(2**63 + 5)),
        ((1, 3, 6, 1, 2, 1, 2, 2, 1, 8, 300), rfc1902.Integer32(-2)),
        ((1, 3, 6, 1, 2, 1, 1, 2, 0), rfc1902.ObjectIdentifier((1, 3, 6, 1, 4, 1, 8072))),
    ],
)
NAMES = [encode_tlv(0x06, encode_oid(bind.oid)) for bind in decode(REPLY).varbinds]


@settings(max_examples=1000, deadline=None)
@given(st.binary(max_size=400))
def test_garbage_raises_one_error_class(data: bytes) -> None:
    with pytest.raises(BadPacketError):
        decode(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\x30", "truncated"),
        (REPLY[:-1], "truncated"),
        (REPLY + b"\0", "trailing"),
        (b"\x30\x80" + REPLY[2:], "length"),
        (b"\x30\x85" + REPLY[2:], "length"),
        (b"\0" * 70000, "oversized"),
        (b"\x31" + REPLY[1:], "type"),
        (REPLY.replace(b"\x02\x01\x01\x04", b"\x02\x01\x03\x04"), "version"),
        (REPLY.replace(b"\xa2", b"\xa7", 1), "not_a_reply"),
        (REPLY.replace(b"\x51\x52\x53\x54\x02\x01\x00", b"\x51\x52\x53\x54\x02\x00"), "truncated"),
        (b"\x30\x0f\x02\x01\x01\x04\x01p\xa2\x07\x02\x00\x02\x00\x02\x01\x00", "value"),
        (REPLY.replace(b"\x30\x10\x06\x08\x2b", b"\x31\x10\x06\x08\x2b", 1), "type"),
        (REPLY.replace(b"\x51\x52\x53\x54\x02\x01\x00", b"\x51\x52\x53\x54\x02\x01\x55"), "error_status"),
    ],
)
def test_each_fault_has_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(BadPacketError) as raised:
        decode(data)
    assert raised.value.reason == reason


UPTIME, NAME = b"\x43\x04" + (123456789).to_bytes(4, "big"), b"\x04\x06ether1"


@pytest.mark.parametrize(
    ("good", "bad", "damage"),
    [
        (UPTIME, b"\x43\x04" + b"", Damaged.FRAMING),
        (UPTIME, b"\x43\x00", Damaged.EMPTY),
        (UPTIME, b"\x02\x00", Damaged.EMPTY),
        (UPTIME, b"\x46\x00", Damaged.EMPTY),
        (UPTIME, b"\x41\x05\xff\xff\xff\xff\xfe", Damaged.TOO_LARGE),
        (UPTIME, b"\x42\x06" + bytes(5) + b"\1", Damaged.TOO_LARGE),
        (UPTIME, b"\x46\x09\x01" + bytes(8), Damaged.TOO_LARGE),
        (UPTIME, b"\x02\x05\x01\0\0\0\0", Damaged.TOO_LARGE),
        (UPTIME, b"\x02\x09" + bytes(9), Damaged.TOO_LARGE),
        (UPTIME, b"\x02\x05\xff\x7f\xff\xff\xff", Damaged.TOO_LARGE),
        (UPTIME, b"\x40\x03\x7f\0\0", Damaged.WRONG_LENGTH),
        (UPTIME, b"\x81\x01\0", Damaged.WRONG_LENGTH),
        (UPTIME, b"\x05\x01\0", Damaged.WRONG_LENGTH),
        (UPTIME, b"\x06\x02\x2b\x80", Damaged.OBJECT_ID),
        (UPTIME, b"\x06\x06\x2b\x9f\xff\xff\xff\x7f", Damaged.OBJECT_ID),
        (UPTIME, b"\x44\x02\x01\x02", Damaged.UNKNOWN_TYPE),
        (UPTIME, b"\x45\x02ok", Damaged.UNKNOWN_TYPE),
        (UPTIME, b"\x49\x02ok", Damaged.UNKNOWN_TYPE),
        (b"\x06\x08\x2b", b"\x06\x08\x80", Damaged.NAME),
        (b"\x06\x08\x2b", b"\x06\x18\x2b", Damaged.FRAMING),
        (b"\x06\x08\x2b", b"\x04\x08\x2b", Damaged.FRAMING),
        (b"\x43\x04\x07", b"\x43\x05\x07", Damaged.FRAMING),
        (b"\x43\x04\x07", b"\x43\x03\x07", Damaged.FRAMING),
    ],
)
def test_a_damaged_value_costs_itself(good: bytes, bad: bytes, damage: Damaged) -> None:
    """Its neighbours are read; the lengths around it are true."""
    root = parse(REPLY)[0]
    first = [node for node in root.walk() if node.tag == SEQUENCE][2]
    whole = first.encode()[2:]
    assert good in whole
    first.content = whole.replace(good, bad, 1)
    values = [bind.value for bind in decode(root.encode()).varbinds]
    assert values == [damage, *(bind.value for bind in decode(REPLY).varbinds[1:])]
    assert expected_values(root.encode(), HEAD, NAMES) is None


@pytest.mark.parametrize("lie", [1, -1, 200, -200])
def test_where_lengths_do_not_nest_what_came_before_stays(lie: int) -> None:
    root = parse(REPLY)[0]
    third = [node for node in root.walk() if node.tag == SEQUENCE][4]
    third.lie = lie
    binds = decode(root.encode()).varbinds
    assert binds[:2] == decode(REPLY).varbinds[:2]
    assert binds[-1] == REST
    assert all(bind.value is Damaged.FRAMING for bind in binds[2:])


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"\0\xff\xff\xff\xbf", -65),
        (b"\xff\xff\xff\xff\xbf", -65),
        (bytes(4) + b"\xff\xff\xff\xbf", -65),
        (b"\xff" * 7 + b"\xbf", -65),
        (b"\0\x7f\xff\xff\xff", 2**31 - 1),
        (bytes(5), 0),
    ],
)
def test_an_integer_of_too_many_bytes_has_its_low_32_bits(content: bytes, number: int) -> None:
    """As net-snmp reads it (net-snmp/net-snmp#397); a layout never takes it for a number that may change."""
    name = (1, 3, 6, 1, 4, 1, 41112, 1, 4, 5, 1, 5, 1)
    data = seed([(oid_text(name), encode_tlv(2, content))]).data
    assert decode(data).varbinds[0].value == number
    values = expected_values(data, HEAD, [encode_tlv(6, encode_oid(name))])
    assert values == [number]
    layout = learn_layout(data, HEAD, values)
    assert layout.values(data) == [number]
    assert layout.values(data[:-1] + bytes((data[-1] ^ 1,))) is None


def test_unsigned_values_without_their_leading_zero_are_unsigned() -> None:
    data = REPLY.replace(b"\x43\x04" + (123456789).to_bytes(4, "big"), b"\x43\x04\xff\xff\xff\xfe")
    assert decode(data).varbinds[0].value == 2**32 - 2


def test_version_one_shape() -> None:
    packet = encode_request(GET, encode_head("1", "c"), [encode_oid((1, 3, 6, 1, 2, 1, 1, 3, 0))])
    message, rest = decoder.decode(packet.data, asn1Spec=api.PROTOCOL_MODULES[api.SNMP_VERSION_1].Message())
    assert not rest
    assert int(message["version"]) == 0


def test_opaque_float() -> None:
    data = pysnmp_reply(2**30, [((1, 3, 6), rfc1902.Opaque(b"\x9f\x78\x04\x3f\xc0\x00\x00"))])
    assert decode(data).varbinds[0].value == 1.5


@pytest.mark.parametrize("text", ["", "1", "1.3.x", "3.1", "1.40", "1.3.4294967296", "1..3", "1.3.-1"])
def test_parse_oid_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="not an object identifier"):
        parse_oid(text)


def test_long_object_identifiers_are_refused_or_not_kept() -> None:
    """128 numbers are the most that there may be; an agent that makes up long ones all the time takes no memory."""
    with pytest.raises(BadPacketError, match="641 bytes"):
        decode_subids(bytes(641))
    made_up = [encode_subids((number, *range(2**31, 2**31 + 120))) for number in range(300, 3300)]
    tracemalloc.start()
    try:
        for content in made_up:
            assert len(decode_oid(encode_subids((43,)) + content)) == 123
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 500_000
