"""Our decoders against pysnmp's, packet by packet: what ours accept must have pysnmp's values, or be a known class."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error
from pysnmp.proto import api
from pysnmp.smi.error import SmiError

from collector.poll.damage import Damaged
from collector.poll.snmp.codec import (
    INTEGER,
    REST,
    Absent,
    BadPacketError,
    Message,
    Value,
    Varbind,
    decode,
    decode_subids,
    reply_id,
)
from collector.poll.snmp.reply_parser import Layout, expected_rows, expected_values, learn_layout

from .fuzzing import HEAD, Seed

UNSIGNED = (0x41, 0x42, 0x43, 0x46)
V2 = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]

STRICTER = {
    "value": "a number of the message's head of no bytes, which pysnmp takes for 0, or of more bytes than it has",
    "length": "a length in more than four bytes, where four hold any packet's",
    "version": "a version other than 1 and 2c, which pysnmp's message leaves to others to refuse",
    "error_status": "an error status that RFC 3416 does not define, or a negative error index",
    "not_a_reply": "a request or a trap",
}
"""What pysnmp accepts and we refuse, by the reason that we give."""

KINDER = {
    "unsigned": "a Counter or Gauge without its leading zero byte, as some agents send: unsigned here, refused there",
    "empty oid": "an object identifier without content, as others send: 0.0 here, refused there",
    "uinteger": "the UInteger32 of SNMPv2p (RFC 1442), which pysnmp does not know",
    "integer": "an INTEGER that is an unsigned number of 32 bits: its bits are meant, as net-snmp reads it",
}
"""What pysnmp refuses and we accept."""

KNOWN = {
    **{f"refused here: {reason}": why for reason, why in STRICTER.items()},
    **{f"accepted here: {kind}": why for kind, why in KINDER.items()},
    **{f"absent here: {damage.value}": f"{damage.words}: costs its own cell" for damage in Damaged},
}
"""Every class of difference, and why."""


class DisagreementError(AssertionError):
    """Two decoders that read one packet differently, in no known way."""


def read_by_pysnmp(data: bytes) -> tuple[Any, Any] | None:
    """pysnmp's message and PDU; None where it refuses."""
    try:
        message, rest = decoder.decode(data, asn1Spec=V2.Message())
        pdu = V2.apiMessage.get_pdu(message)
        V2.apiPDU.get_varbinds(pdu)
    except (PyAsn1Error, SmiError, IndexError, TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None
    return None if rest else (message, pdu)


def read_by_us(data: bytes) -> Message | str:
    """Our message, or why it is refused."""
    try:
        return decode(data)
    except BadPacketError as bad:
        return bad.reason


def disagreement(data: bytes, ours: Message | str) -> str | None:
    """The class in which pysnmp differs from ``ours``, None where both agree. Raises DisagreementError."""
    theirs = read_by_pysnmp(data)
    damage = (
        None
        if isinstance(ours, str)
        else next((bind.value for bind in ours.varbinds if isinstance(bind.value, Damaged)), None)
    )
    if isinstance(ours, str):
        if theirs is None:
            return None
        if ours not in STRICTER:
            raise DisagreementError(f"refused as {ours}, but pysnmp reads {data.hex()}")
        return f"refused here: {ours}"
    if damage is not None:
        if theirs is not None:
            _compare(data, ours, *theirs)
        return f"absent here: {damage.value}"
    if theirs is None:
        kind = next((kind for bind in ours.varbinds if (kind := _kinder(bind, data))), None)
        if kind is None:
            raise DisagreementError(f"pysnmp refuses what is read as {ours}: {data.hex()}")
        return f"accepted here: {kind}"
    _compare(data, ours, *theirs)
    return None


def _kinder(bind: Varbind, data: bytes) -> str | None:
    if bind.tag == 0x47:
        return "uinteger"
    if bind.oid == (0, 0) or bind.value == (0, 0):
        return "empty oid"
    if bind.tag == INTEGER and isinstance(bind.value, int) and bind.value < 0:
        return "integer" if _stands_in(data, INTEGER, bytes(1) + (bind.value + 2**32).to_bytes(4, "big")) else None
    return "unsigned" if bind.tag in UNSIGNED and _is_bare(bind, data) else None


def _is_bare(bind: Varbind, data: bytes) -> bool:
    """Whether a number stands in ``data`` with its highest bit first; its length may be written the long way."""
    if not isinstance(bind.value, int) or not bind.value:
        return False
    size = (bind.value.bit_length() + 7) // 8
    if bind.value >> (8 * size - 1) == 0:
        return False
    return _stands_in(data, bind.tag, bind.value.to_bytes(size, "big"))


def _stands_in(data: bytes, tag: int, content: bytes) -> bool:
    """Whether a value stands in ``data``, however its length is written; an INTEGER with up to three zeros more."""
    for padding in range(4 if tag == INTEGER else 1):
        size = len(content) + padding
        lengths = [bytes((size,))] + [bytes((0x80 | width,)) + size.to_bytes(width, "big") for width in range(1, 5)]
        if any(bytes((tag,)) + length + bytes(padding) + content in data for length in lengths):
            return True
    return False


def _compare(data: bytes, ours: Message, message: Any, pdu: Any) -> None:
    theirs = V2.apiPDU.get_varbinds(pdu)
    head = (
        bytes(V2.apiMessage.get_community(message)),
        int(V2.apiPDU.get_request_id(pdu)),
        int(V2.apiPDU.get_error_status(pdu)),
        int(pdu.getComponentByPosition(2)),
    )
    if head != (ours.community, ours.request_id, ours.error_status, ours.error_index):
        raise DisagreementError(f"{head} for {ours}: {data.hex()}")
    binds = ours.varbinds[:-1] if ours.varbinds[-1:] == [REST] else ours.varbinds
    if len(theirs) != len(binds) and len(binds) == len(ours.varbinds):
        raise DisagreementError(f"{len(theirs)} varbinds for {len(ours.varbinds)}: {data.hex()}")
    for (oid, value), bind in zip(theirs, binds, strict=False):
        if (bind.oid and tuple(oid) != bind.oid) or not _is_same(bind.value, value):
            raise DisagreementError(f"{oid} = {value!r} for {bind}: {data.hex()}")


def _is_same(ours: Value, theirs: Any) -> bool:
    if isinstance(ours, Damaged):
        return True
    if isinstance(ours, Absent):
        return type(theirs).__name__.upper() == ours.name.replace("_", "")
    if ours is None:
        return type(theirs).__name__ in ("Null", "UnSpecified")
    if isinstance(ours, float):
        wrapped = bytes(theirs)
        value = struct.unpack(">f" if wrapped[1] == 0x78 else ">d", wrapped[3:])[0]
        return value == ours or value != value  # noqa: PLR0124
    if isinstance(ours, bytes):
        return bytes(theirs) == ours
    return (tuple(theirs) if isinstance(ours, tuple) else int(theirs)) == ours


# --- the fast decoders against the general one ---


def layout_of(seed: Seed) -> Layout | None:
    values = expected_values(seed.data, HEAD, seed.names)
    return None if values is None else learn_layout(seed.data, HEAD, values)


def check_fast(data: bytes, seed: Seed, layout: Layout | None, ours: Message | str) -> int:
    """How many of the fast decoders read ``data``; each as the general one does. Raises DisagreementError."""
    slow = None if isinstance(ours, str) or ours.error_status else [bind.value for bind in ours.varbinds]
    found: list[Sequence[Value] | None] = [expected_values(data, HEAD, seed.names)]
    cells = expected_rows(data, HEAD, seed.prefixes)
    found.append(None if cells is None else cells.values)
    if layout is not None:
        found.append(layout.values(data))
    for values in found:
        if values is not None and repr(list(values)) != repr(slow):
            raise DisagreementError(f"{values} read fast, {slow} in general: {data.hex()}")
    if cells is not None and not isinstance(ours, str):
        _check_indexes(data, seed, cells.indexes, ours)
    if not isinstance(ours, str) and reply_id(data) != ours.request_id:
        raise DisagreementError(f"id {reply_id(data)} for {ours.request_id}: {data.hex()}")
    return sum(values is not None for values in found)


def _check_indexes(data: bytes, seed: Seed, indexes: Sequence[bytes | None], ours: Message) -> None:
    columns = [oid[:-1] for oid in seed.oids]
    for place, (index, bind) in enumerate(zip(indexes, ours.varbinds, strict=True)):
        column = columns[place % len(columns)]
        below = bind.oid[len(column) :] if bind.oid[: len(column)] == column else None
        if (None if index is None else decode_subids(index)) != (below or None):
            raise DisagreementError(f"index {index!r} for {bind.oid}: {data.hex()}")
