"""Poll stage, wire format: SNMP version 3 messages (RFC 3412 section 6, RFC 3414 section 2.4) around a PDU.

A PDU in a SEQUENCE of its own is called *bare* here: to the decoders it is what a v2c message without version and
community would be, so that they need not know what stood around it.
"""

from __future__ import annotations

from typing import NamedTuple

from collector.poll.snmp.codec import (
    GET,
    INTEGER,
    LARGEST_DATAGRAM,
    OCTETS,
    REPORT,
    SEQUENCE,
    BadPacketError,
    encode_request,
    encode_tlv,
)
from collector.poll.snmp.usm import SALT_BYTES, Keys

AUTHENTIC, PRIVATE, REPORTABLE = 1, 2, 4
"""The bits of msgFlags."""
USM = 3
"""The number of the user-based security model."""
MOST_NUMBER = 2**31 - 1
_HEAD_START = b"\x02\x01\x03\x30\x11\x02\x04"
_HEAD_MIDDLE = b"\x02\x03\x00\xff\xe3\x04\x01"
"""msgMaxSize 65507: what fits into one UDP datagram over IPv4."""
_HEAD_END = b"\x02\x01\x03"
_NO_OBJECTS = encode_request(GET, b"", [])
_NOBODY = encode_tlv(OCTETS, encode_tlv(SEQUENCE, b"\x04\x00\x02\x01\x00\x02\x01\x00\x04\x00\x04\x00\x04\x00"))
_LONGEST_FILLING = 7
_FRAME_BYTES = 55
"""All tags and lengths, msgGlobalData, boots and time at their largest."""
_REPORT = bytes((REPORT,))


class Outside(NamedTuple):
    """What is the same around all requests of one user to one engine, encoded: three fields, and msgFlags."""

    engine_id: bytes
    user: bytes
    context: bytes
    flags: int


class Secured(NamedTuple):
    """A version 3 message whose outside is read; nothing of it is verified or decrypted.

    ``mac_at`` is where ``mac`` stands. ``scope`` is the content of the ScopedPDU, or its encrypted bytes where
    ``flags`` has PRIVATE.
    """

    msg_id: int
    flags: int
    model: int
    engine_id: bytes
    boots: int
    seconds: int
    user: bytes
    mac: bytes
    mac_at: int
    salt: bytes
    scope: bytes


def encode_outside(engine_id: bytes, user: str, context: str, flags: int) -> Outside:
    fields = encode_tlv(OCTETS, engine_id), encode_tlv(OCTETS, user.encode("utf-8"))
    return Outside(*fields, fields[0] + encode_tlv(OCTETS, context.encode("utf-8")), flags)


def encode_discovery(msg_id: int, request_id: int) -> bytes:
    """A request to any engine: the report that answers it names the engine (RFC 3414 section 4)."""
    pdu = pdu_with_id(_NO_OBJECTS.data, _NO_OBJECTS.id_at, request_id)
    return encode_tlv(SEQUENCE, _head(msg_id, REPORTABLE) + _NOBODY + encode_tlv(SEQUENCE, b"\x04\x00\x04\x00" + pdu))


def encode_message(outside: Outside, keys: Keys, clock: tuple[int, int], *, msg_id: int, pdu: bytes) -> bytes:
    """A request, encrypted and signed as the keys say; ``clock`` is the engine's boots and seconds."""
    boots, seconds = clock
    scope = encode_tlv(SEQUENCE, outside.context + pdu)
    salt = b""
    if keys.cipher is not None:
        encrypted, salt = keys.cipher.encrypt(scope, boots, seconds)
        scope = encode_tlv(OCTETS, encrypted)
    signer = keys.signer
    mac = signer.zeros if signer is not None else b""
    tail = encode_tlv(OCTETS, salt) + scope
    security = b"".join(
        (
            outside.engine_id,
            _number(boots),
            _number(seconds),
            outside.user,
            encode_tlv(OCTETS, mac),
            tail[: 2 + len(salt)],
        )
    )
    message = encode_tlv(
        SEQUENCE, _head(msg_id, outside.flags) + encode_tlv(OCTETS, encode_tlv(SEQUENCE, security)) + scope
    )
    if signer is None:
        return message
    mac_end = len(message) - len(tail)
    return message[: mac_end - len(mac)] + signer.sign(message) + message[mac_end:]


def encoded_bytes(outside: Outside, keys: Keys) -> int:
    """The most that a message is larger than the PDU in it."""
    fields = len(outside.engine_id) + len(outside.user) + len(outside.context)
    mac_bytes = keys.signer.mac_bytes if keys.signer is not None else 0
    return fields + mac_bytes + SALT_BYTES + _LONGEST_FILLING + _FRAME_BYTES


def pdu_with_id(bare: bytes | bytearray, id_at: int, request_id: int) -> bytes:
    """The PDU of a bare request, with this request id."""
    start = 2 if bare[1] < 0x80 else 2 + (bare[1] & 0x7F)
    return bytes(bare[start:id_at]) + request_id.to_bytes(4, "big") + bytes(bare[id_at + 4 :])


def parse(data: bytes) -> Secured:
    """Read the outside of a message. Raises BadPacketError for any other bytes."""
    if len(data) > LARGEST_DATAGRAM:
        raise BadPacketError("oversized", f"{len(data)} bytes")
    at, end = _field(data, 0, len(data), SEQUENCE)
    if end != len(data):
        raise BadPacketError("trailing", f"{len(data) - end} bytes after the message")
    version, at = _read_number(data, at, end)
    if version != 3:
        raise BadPacketError("version", str(version))
    at, stop = _field(data, at, end, SEQUENCE)
    msg_id, at = _read_number(data, at, stop)
    _, at = _read_number(data, at, stop)
    flags, at = _octets(data, at, stop)
    model, at = _read_number(data, at, stop)
    if at != stop or len(flags) != 1:
        raise BadPacketError("type", "in msgGlobalData")
    outer, scope_at = _field(data, at, end, OCTETS)
    at, stop = _field(data, outer, scope_at, SEQUENCE)
    engine_id, at = _octets(data, at, stop)
    boots, at = _read_number(data, at, stop)
    seconds, at = _read_number(data, at, stop)
    user, at = _octets(data, at, stop)
    mac_at, at = _field(data, at, stop, OCTETS)
    mac = data[mac_at:at]
    salt, at = _octets(data, at, stop)
    start, last = _field(data, scope_at, end, OCTETS if flags[0] & PRIVATE else SEQUENCE)
    if at != stop or stop != scope_at or last != end:
        raise BadPacketError("trailing", "in the security parameters or after the PDU")
    return Secured(msg_id, flags[0], model, engine_id, boots, seconds, user, mac, mac_at, salt, data[start:end])


def decrypted_scope(plain: bytes) -> bytes:
    """The content of a decrypted ScopedPDU, without what filled it up to whole blocks. Raises BadPacketError."""
    try:
        at, end = _field(plain, 0, len(plain), SEQUENCE)
    except BadPacketError as bad:
        raise BadPacketError("bad_decryption", str(bad)) from None
    if len(plain) - end > _LONGEST_FILLING:
        raise BadPacketError("bad_decryption", f"{len(plain) - end} bytes after the PDU")
    return plain[at:end]


def pdu_of(scope: bytes, context: bytes | None) -> bytes:
    """The PDU of a ScopedPDU's content. ``context`` must stand before it, unless it is a report.

    Raises BadPacketError.
    """
    if context is not None and scope.startswith(context):
        pdu = scope[len(context) :]
    else:
        engine_end = _field(scope, 0, len(scope), OCTETS)[1]
        pdu = scope[_field(scope, engine_end, len(scope), OCTETS)[1] :]
        if context is not None and pdu[:1] != _REPORT:
            raise BadPacketError("wrong_context")
    if not pdu:
        raise BadPacketError("truncated", "no PDU")
    return pdu


def pdu_id(pdu: bytes) -> int:
    """The request id of a PDU, which is checked no further. Raises BadPacketError."""
    at, end = _field(pdu, 0, len(pdu), pdu[0])
    start, at = _field(pdu, at, end, INTEGER)
    return int.from_bytes(pdu[start:at], "big", signed=True)


def _head(msg_id: int, flags: int) -> bytes:
    return _HEAD_START + msg_id.to_bytes(4, "big") + _HEAD_MIDDLE + bytes((flags,)) + _HEAD_END


def _number(number: int) -> bytes:
    size = number.bit_length() // 8 + 1
    return bytes((INTEGER, size)) + number.to_bytes(size, "big")


def _field(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of the ``tag`` field at ``at`` begins and ends."""
    if at + 2 > end:
        raise BadPacketError("truncated", f"at byte {at}")
    if data[at] != tag:
        raise BadPacketError("type", f"{data[at]:#04x} instead of {tag:#04x} at byte {at}")
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


def _octets(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    start, stop = _field(data, at, end, OCTETS)
    return data[start:stop], stop


def _read_number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number from 0 to 2147483647, as all of a message's head and security parameters are."""
    start, stop = _field(data, at, end, INTEGER)
    number = int.from_bytes(data[start:stop], "big", signed=True)
    if not 1 <= stop - start <= 5 or not 0 <= number <= MOST_NUMBER:
        raise BadPacketError("value", f"INTEGER of {stop - start} bytes at byte {at}")
    return number, stop
