"""Just enough BER for an SNMP v2c agent (RFC 3416): written apart from the collector's codec, which it helps to test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

Oid = tuple[int, ...]

GET, GET_NEXT, RESPONSE, GET_BULK = 0xA0, 0xA1, 0xA2, 0xA5
INTEGER, OCTETS, NULL, OBJECT, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
COUNTER32, GAUGE32, TICKS, COUNTER64 = 0x41, 0x42, 0x43, 0x46
NO_SUCH_OBJECT, END_OF_MIB = b"\x80\x00", b"\x82\x00"


class MalformedError(ValueError):
    """A packet that is not a v2c request."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: for GETBULK ``first`` is non-repeaters and ``second`` max-repetitions."""

    community: bytes
    kind: int
    request_id: bytes
    first: int
    second: int
    oids: tuple[Oid, ...]


def decode(data: bytes) -> Request:
    """Read one request. Raises MalformedError."""
    try:
        message, _ = _expect(data, 0, SEQUENCE)
        version, at = _expect(message, 0, INTEGER)
        community, at = _expect(message, at, OCTETS)
        kind, body, _ = _tlv(message, at)
        if version != b"\x01" or kind not in (GET, GET_NEXT, GET_BULK):
            raise MalformedError("not a v2c request")
        request_id, at = _expect(body, 0, INTEGER)
        first, at = _expect(body, at, INTEGER)
        second, at = _expect(body, at, INTEGER)
        varbinds, _ = _expect(body, at, SEQUENCE)
        oids, at = [], 0
        while at < len(varbinds):
            pair, at = _expect(varbinds, at, SEQUENCE)
            oids.append(decode_oid(_expect(pair, 0, OBJECT)[0]))
    except IndexError:
        raise MalformedError("cut short") from None
    return Request(community, kind, request_id, _signed(first), _signed(second), tuple(oids))


def respond(request: Request, varbinds: list[bytes]) -> bytes:
    """A Response with no error to ``request``."""
    pdu = tlv(INTEGER, request.request_id) + b"\x02\x01\x00\x02\x01\x00" + tlv(SEQUENCE, b"".join(varbinds))
    return tlv(SEQUENCE, b"\x02\x01\x01" + tlv(OCTETS, request.community) + tlv(RESPONSE, pdu))


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def number(tag: int, value: int) -> bytes:
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(name: Oid) -> bytes:
    """An object identifier as a TLV (X.690 section 8.19)."""
    content = bytearray([name[0] * 40 + name[1]])
    for part in name[2:]:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(part & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return tlv(OBJECT, bytes(content))


@lru_cache(maxsize=4096)
def decode_oid(content: bytes) -> Oid:
    parts, value = [content[0] // 40, content[0] % 40], 0
    for byte in content[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(value)
            value = 0
    return tuple(parts)


def _signed(content: bytes) -> int:
    return int.from_bytes(content, "big", signed=True)


def _expect(data: bytes, at: int, tag: int) -> tuple[bytes, int]:
    found, content, end = _tlv(data, at)
    if found != tag:
        raise MalformedError(f"tag {found:#x} where {tag:#x} belongs")
    return content, end


def _tlv(data: bytes, at: int) -> tuple[int, bytes, int]:
    tag, size = data[at], data[at + 1]
    at += 2
    if size & 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[at : at + count], "big")
        at += count
    if at + size > len(data):
        raise MalformedError("longer than the packet")
    return tag, data[at : at + size], at + size
