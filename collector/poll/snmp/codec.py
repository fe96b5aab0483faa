"""Poll stage, wire format: SNMP v1 and v2c requests encoded, any reply decoded strictly (RFC 3416, RFC 2578, X.690).

What cannot be read of a reply costs as little as its lengths allow: a value, a varbind, or the varbinds from there on.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from collector.poll.damage import Damaged
from collector.poll.snmp.bounded_cache import kept_if_short

Oid = tuple[int, ...]

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
IP_ADDRESS, COUNTER32, GAUGE32, TIME_TICKS = 0x40, 0x41, 0x42, 0x43
OPAQUE, NSAP, COUNTER64, UINTEGER32 = 0x44, 0x45, 0x46, 0x47
GET, GET_NEXT, RESPONSE, GET_BULK, REPORT = 0xA0, 0xA1, 0xA2, 0xA5, 0xA8
VERSIONS = {"1": 0, "2c": 1}
NO_ERROR, TOO_BIG, NO_SUCH_NAME, GENERAL_ERROR, AUTHORIZATION_ERROR = 0, 1, 2, 5, 16
ERRORS = [
    "noError",
    "tooBig",
    "noSuchName",
    "badValue",
    "readOnly",
    "genErr",
    "noAccess",
    "wrongType",
    "wrongLength",
    "wrongEncoding",
    "wrongValue",
    "noCreation",
    "inconsistentValue",
    "resourceUnavailable",
    "commitFailed",
    "undoFailed",
    "authorizationError",
    "notWritable",
    "inconsistentName",
]
TYPES = {
    INTEGER: "INTEGER",
    OCTETS: "OCTET STRING",
    NULL: "NULL",
    OID: "OBJECT IDENTIFIER",
    IP_ADDRESS: "IpAddress",
    COUNTER32: "Counter32",
    GAUGE32: "Gauge32",
    TIME_TICKS: "TimeTicks",
    OPAQUE: "Opaque",
    NSAP: "NsapAddress",
    COUNTER64: "Counter64",
    UINTEGER32: "UInteger32",
    0x80: "noSuchObject",
    0x81: "noSuchInstance",
    0x82: "endOfMibView",
}
LARGEST_DATAGRAM = 65535
LONGEST_OID = 128 * 5
"""Bytes of the longest object identifier: 128 numbers of 32 bits (RFC 2578 section 7.1.3)."""
FIRST_REQUEST_ID = 0x40000000
"""Request ids are drawn from here up to 0x7fffffff: always four bytes, so that a packet is patched in place."""


class Absent(Enum):
    """What a v2c agent puts in the place of a value that it does not have (RFC 3416 section 3)."""

    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82


Value = int | bytes | float | Oid | Absent | Damaged | None


class BadPacketError(ValueError):
    """A datagram that is not a usable SNMP reply; ``reason`` is a code for counters, ``detail`` says where."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class BadValueError(BadPacketError):
    """A value that cannot be read, for the reason ``damage``."""

    def __init__(self, damage: Damaged, detail: str) -> None:
        super().__init__("value", detail)
        self.damage = damage


class Varbind(NamedTuple):
    """One name and value. Octets stay bytes, an IpAddress is its four bytes, an Opaque float is a float.

    A name that cannot be read is empty. The last one may stand for all varbinds that could not be followed any more.
    """

    oid: Oid
    tag: int
    value: Value


REST = Varbind((), 0, Damaged.FRAMING)
"""The last varbind of a reply that could not be followed to its end."""


class Message(NamedTuple):
    """A decoded reply. ``kind`` is RESPONSE or REPORT."""

    version: int
    community: bytes
    kind: int
    request_id: int
    error_status: int
    error_index: int
    varbinds: list[Varbind]


class Packet(NamedTuple):
    """An encoded request whose four-byte request id stands at ``id_at``."""

    data: bytes
    id_at: int


def parse_oid(text: str) -> Oid:
    """``"1.3.6.1"`` as numbers. Raises ValueError for anything that is no object identifier."""
    parts = text.strip().lstrip(".").split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"not an object identifier: {text!r}")
    oid = tuple(map(int, parts))
    if not 2 <= len(oid) <= 128 or oid[0] > 2 or (oid[0] < 2 and oid[1] > 39) or max(oid) > 0xFFFFFFFF:
        raise ValueError(f"not an object identifier: {text!r}")
    return oid


def oid_text(oid: Sequence[int]) -> str:
    return ".".join(map(str, oid))


def encode_length(size: int) -> bytes:
    if size < 0x80:
        return bytes((size,))
    if size < 0x100:
        return bytes((0x81, size))
    return bytes((0x82, size >> 8, size & 0xFF))


def encode_tlv(tag: int, content: bytes) -> bytes:
    return bytes((tag,)) + encode_length(len(content)) + content


@kept_if_short(65536)
def encode_subids(subids: Oid) -> bytes:
    """Numbers below a prefix, each in base 128 (X.690 section 8.19.2)."""
    out = bytearray()
    for number in subids:
        chunk = [number & 0x7F]
        while number := number >> 7:
            chunk.append(0x80 | number & 0x7F)
        out += bytes(reversed(chunk))
    return bytes(out)


def encode_oid(oid: Oid) -> bytes:
    """The content bytes of an object identifier (tag and length excluded)."""
    return encode_subids((40 * oid[0] + oid[1], *oid[2:]))


def encode_head(version: str, community: str) -> bytes:
    """The version and community fields, which every message of one credential starts with."""
    return bytes((INTEGER, 1, VERSIONS[version])) + encode_tlv(OCTETS, community.encode("utf-8"))


def encode_request(kind: int, head: bytes, oids: Sequence[bytes], *, first: int = 0, second: int = 0) -> Packet:
    """A GET, GETNEXT or GETBULK for ``oids`` (content bytes); ``first`` and ``second`` are GETBULK's two numbers.

    ``first`` is non-repeaters (under 128), ``second`` max-repetitions (under 32768); both 0 otherwise.
    """
    binds = b"".join([encode_tlv(SEQUENCE, encode_tlv(OID, oid) + b"\x05\x00") for oid in oids])
    numbers = bytes((INTEGER, 1, first)) + (
        bytes((INTEGER, 1, second)) if second < 0x80 else bytes((INTEGER, 2, second >> 8, second & 0xFF))
    )
    body = b"\x02\x04" + FIRST_REQUEST_ID.to_bytes(4, "big") + numbers + encode_tlv(SEQUENCE, binds)
    pdu = encode_tlv(kind, body)
    message = encode_tlv(SEQUENCE, head + pdu)
    return Packet(message, len(message) - len(body) + 2)


def reply_id(data: bytes) -> int:
    """The request id of a reply, read without checking the rest. Raises BadPacketError where there is none."""
    try:
        at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        if data[at + 4] < 0x80:
            at += 5 + data[at + 4]
            at += 2 if data[at + 1] < 0x80 else 2 + (data[at + 1] & 0x7F)
            if data[at] == INTEGER and data[at + 1] == 4:
                return int.from_bytes(data[at + 2 : at + 6], "big", signed=True)
    except IndexError:
        return decode(data).request_id
    return _message_id(data) or decode(data).request_id


def _message_id(data: bytes) -> int:
    """The msgID of a version 3 message (RFC 3412 section 6), of four bytes as ours are; 0 for any other message."""
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    if data[at : at + 4] != b"\x02\x01\x03\x30" or data[at + 5 : at + 7] != b"\x02\x04":
        return 0
    return int.from_bytes(data[at + 7 : at + 11], "big")


def decode(data: bytes) -> Message:
    """Any SNMP v1 or v2c reply. Raises BadPacketError, and nothing else, for any other bytes.

    A value that cannot be read is Damaged, and so is what stands from there on where lengths do not nest.
    """
    return _reply(decode_any(data))


def decode_bare(data: bytes) -> Message:
    """A reply that is a PDU in a SEQUENCE and no more, as version 3 is opened. Raises BadPacketError."""
    return _reply(decode_any_bare(data))


def decode_any_bare(data: bytes) -> Message:
    """The same for requests too. Raises BadPacketError."""
    at, end = _open(data, 0, len(data), SEQUENCE)
    if end != len(data):
        raise BadPacketError("trailing", f"{len(data) - end} bytes after the message")
    return _pdu(data, at, end, 3, b"")


def _reply(message: Message) -> Message:
    if message.kind not in (RESPONSE, REPORT):
        raise BadPacketError("not_a_reply", f"PDU {message.kind:#04x}")
    if message.error_status >= len(ERRORS):
        raise BadPacketError("error_status", f"{message.error_status} at {message.error_index}")
    return message


def decode_any(data: bytes) -> Message:
    """Any SNMP v1 or v2c message but a version 1 trap; of a GETBULK its two numbers take the places of the error's.

    Raises BadPacketError.
    """
    if len(data) > LARGEST_DATAGRAM:
        raise BadPacketError("oversized", f"{len(data)} bytes")
    at, end = _open(data, 0, len(data), SEQUENCE)
    if end != len(data):
        raise BadPacketError("trailing", f"{len(data) - end} bytes after the message")
    version, at = _integer(data, at, end)
    if version not in (0, 1):
        raise BadPacketError("version", str(version))
    start, at = _open(data, at, end, OCTETS)
    return _pdu(data, at, end, version, data[start:at])


def _pdu(data: bytes, at: int, end: int, version: int, community: bytes) -> Message:
    """The PDU from ``at`` to ``end``, where the message ends too."""
    kind = data[at] if at < end else 0
    if kind not in _KINDS:
        raise BadPacketError("not_a_reply", f"PDU {kind:#04x}")
    at, pdu_end = _open(data, at, end, kind)
    if pdu_end != end:
        raise BadPacketError("trailing", "after the PDU")
    request_id, at = _integer(data, at, end)
    status, at = _integer(data, at, end)
    index, at = _integer(data, at, end)
    if status < 0 or index < 0:
        raise BadPacketError("error_status", f"{status} at {index}")
    at, list_end = _open(data, at, end, SEQUENCE)
    if list_end != end:
        raise BadPacketError("trailing", "after the varbinds")
    return Message(version, community, kind, request_id, status, index, _varbinds(data, at, end))


def _varbinds(data: bytes, at: int, end: int) -> list[Varbind]:
    """All varbinds; if their lengths no longer nest, those before, and one in place of the rest."""
    varbinds: list[Varbind] = []
    try:
        while at < end:
            varbind, at = _varbind(data, at, end)
            varbinds.append(varbind)
    except BadPacketError:
        if not varbinds:
            raise
        varbinds.append(REST)
    return varbinds


@kept_if_short(4096)
def decode_subids(content: bytes) -> Oid:
    """Base-128 numbers up to 2**32 - 1 each. Raises BadPacketError."""
    if len(content) > LONGEST_OID:
        raise BadPacketError("oid", f"{len(content)} bytes")
    out, number = [], 0
    for byte in content:
        if number == 0 and byte == 0x80:
            raise BadPacketError("oid", "a number starts with a zero group")
        number = number << 7 | byte & 0x7F
        if number > 0xFFFFFFFF:
            raise BadPacketError("oid", "a number over 32 bits")
        if byte < 0x80:
            out.append(number)
            number = 0
    if content and content[-1] >= 0x80:
        raise BadPacketError("oid", "ends inside a number")
    return tuple(out)


@kept_if_short(4096)
def decode_oid(content: bytes) -> Oid:
    """An object identifier from its content bytes. Raises BadPacketError."""
    subids = decode_subids(content)
    if not 1 <= len(subids) <= 127:
        raise BadPacketError("oid", f"{len(subids)} numbers")
    first = min(subids[0] // 40, 2)
    return (first, subids[0] - 40 * first, *subids[1:])


def decode_value(tag: int, content: bytes) -> Value:
    """One value by its tag. Unsigned types sent without their leading zero byte, as some agents do, are unsigned; an
    object identifier without content, as others send, is 0.0.

    Raises BadValueError.
    """
    size = len(content)
    limit = _UNSIGNED.get(tag)
    if limit is not None:
        if not 1 <= size <= limit or (size == limit and content[0] != 0):
            raise BadValueError(Damaged.TOO_LARGE if size else Damaged.EMPTY, f"{TYPES[tag]} of {size} bytes")
        return int.from_bytes(content, "big")
    if tag == INTEGER:
        return _signed(content)
    if tag == OCTETS:
        return content
    if tag == OID:
        return _object_id(content)
    if tag == OPAQUE:
        return _opaque(content)
    if tag == IP_ADDRESS and size == 4:
        return content
    if tag in _EMPTY and size == 0:
        return _EMPTY[tag]
    is_known = tag == IP_ADDRESS or tag in _EMPTY
    raise BadValueError(Damaged.WRONG_LENGTH if is_known else Damaged.UNKNOWN_TYPE, f"type {tag:#04x} of {size} bytes")


_KINDS = (GET, GET_NEXT, RESPONSE, 0xA3, GET_BULK, 0xA6, 0xA7, REPORT)
_UNSIGNED = {COUNTER32: 5, GAUGE32: 5, TIME_TICKS: 5, UINTEGER32: 5, COUNTER64: 9}
_EMPTY: dict[int, Absent | None] = {NULL: None, **{absent.value: absent for absent in Absent}}


def _object_id(content: bytes) -> Oid:
    try:
        return decode_oid(content) if content else (0, 0)
    except BadPacketError as bad:
        raise BadValueError(Damaged.OBJECT_ID, str(bad)) from None


def _signed(content: bytes) -> int:
    """An Integer32, be it sent in up to eight bytes. Where these are an unsigned 32-bit number, its bits are meant, as
    net-snmp takes them (net-snmp/net-snmp#397): 00 ff ff ff bf is -65.
    """
    size = len(content)
    if size == 0:
        raise BadValueError(Damaged.EMPTY, "INTEGER of 0 bytes")
    number = int.from_bytes(content, "big", signed=True)
    if 2**31 <= number < 2**32:
        number -= 2**32
    if size > 8 or not -(2**31) <= number < 2**31:
        raise BadValueError(Damaged.TOO_LARGE, f"INTEGER of {size} bytes")
    return number


def _opaque(content: bytes) -> float:
    """net-snmp wraps floats as Opaque: 9f 78 04 and four bytes, 9f 79 08 and eight (NET-SNMP-TC)."""
    if content[:3] == b"\x9f\x78\x04" and len(content) == 7:
        return float(struct.unpack(">f", content[3:])[0])
    if content[:3] == b"\x9f\x79\x08" and len(content) == 11:
        return float(struct.unpack(">d", content[3:])[0])
    raise BadValueError(Damaged.UNKNOWN_TYPE, f"Opaque of {len(content)} bytes")


def _open(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the ``tag`` field at ``at`` begins and ends."""
    if at + 2 > end:
        raise BadPacketError("truncated", f"at byte {at}")
    if data[at] != tag:
        raise BadPacketError("type", f"{data[at]:#04x} instead of {tag:#04x} at byte {at}")
    return _content(data, at, end)


def _content(data: bytes, at: int, end: int) -> tuple[int, int]:
    size = data[at + 1]
    start = at + 2
    if size >= 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4:
            raise BadPacketError("length", f"at byte {at}")
        start += width
        size = int.from_bytes(data[at + 2 : start], "big")
    if start + size > end:
        raise BadPacketError("truncated", f"{start + size - end} bytes short at byte {at}")
    return start, start + size


def _integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of a message's head; a superfluous fifth byte, as some encoders send, does no harm."""
    start, stop = _open(data, at, end, INTEGER)
    number = int.from_bytes(data[start:stop], "big", signed=True)
    if not 1 <= stop - start <= 5 or not -(2**31) <= number < 2**31:
        raise BadPacketError("value", f"INTEGER of {stop - start} bytes")
    return number, stop


def _varbind(data: bytes, at: int, end: int) -> tuple[Varbind, int]:
    """The varbind at ``at`` and where the next one begins. Raises BadPacketError where that is not known."""
    at, stop = _open(data, at, end, SEQUENCE)
    try:
        start, at = _open(data, at, stop, OID)
    except BadPacketError:
        return Varbind((), 0, Damaged.FRAMING), stop
    try:
        oid = decode_oid(data[start:at])
    except BadPacketError:
        return Varbind((), data[at] if at < stop else 0, Damaged.NAME), stop
    try:
        return Varbind(oid, data[at], _value(data, at, stop)), stop
    except BadValueError as bad:
        return Varbind(oid, data[at], bad.damage), stop
    except (BadPacketError, IndexError):
        return Varbind(oid, 0, Damaged.FRAMING), stop


def _value(data: bytes, at: int, stop: int) -> Value:
    """The value in the bytes from ``at`` to ``stop``. Raises BadPacketError or IndexError if there is none."""
    if at + 2 > stop:
        raise BadPacketError("truncated", f"at byte {at}")
    start, end = _content(data, at, stop)
    if end != stop:
        raise BadPacketError("trailing", f"inside a varbind at byte {end}")
    return decode_value(data[at], data[start:end])
