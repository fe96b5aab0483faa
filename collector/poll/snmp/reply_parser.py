"""Poll stage, wire format: fast decoders for replies whose names are known beforehand.

Each returns None at the first surprise; the caller then asks ``codec.decode``, which knows everything.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from collector.poll.snmp.bounded_cache import kept_if_short
from collector.poll.snmp.codec import INTEGER, OID, BadPacketError, Value, decode_oid, decode_subids, decode_value

_UNSIGNED_SIZE = bytes(5 if tag in (0x41, 0x42, 0x43) else 9 if tag == 0x46 else 0 for tag in range(256))
"""The largest size of an unsigned value by its tag; 0 for other types."""


def expected_values(data: bytes, head: bytes, names: Sequence[bytes]) -> list[Value] | None:
    """The values of a GET reply that names exactly ``names`` (whole OID fields) in order, without an error."""
    try:
        at = _varbinds(data, head)
        values: list[Value] = []
        for name in names:
            if data[at] != 0x30:
                return None
            size = data[at + 1]
            at += 2
            if size >= 0x80:
                size, at = _long(data, size, at)
            end = at + size
            if not data.startswith(name, at):
                return None
            at += len(name)
            start = at + 2
            if data[at + 1] >= 0x80 or start + data[at + 1] != end:
                return None
            largest = _UNSIGNED_SIZE[data[at]]
            if largest > end - start > 0:
                values.append(int.from_bytes(data[start:end], "big"))
            else:
                values.append(decode_value(data[at], data[start:end]))
            at = end
    except (IndexError, BadPacketError):
        return None
    return values if at == len(data) else None


class Cells(NamedTuple):
    """The varbinds of a walked table's reply: each one's index below its column, None outside it, and its value."""

    indexes: list[bytes | None]
    values: list[Value]


def expected_rows(data: bytes, head: bytes, prefixes: Sequence[bytes]) -> Cells | None:
    """The varbinds of an error-free GETBULK reply, where one of each column in turn makes a row.

    ``prefixes`` are the columns' OID contents.
    """
    indexes: list[bytes | None] = []
    values: list[Value] = []
    columns = [(prefix, len(prefix)) for prefix in prefixes]
    add_index, add_value, number = indexes.append, values.append, int.from_bytes
    known: bytes | None = None
    length = len(data)
    try:
        at = _varbinds(data, head)
        while at < length:
            for prefix, width in columns:
                name, end = at + 4, at + 2 + data[at + 1]
                if data[at] != 0x30 or data[at + 1] >= 0x80:
                    end, name = _long_varbind(data, at)
                stop = name + data[name - 1]
                if data[name - 2] != OID or stop + 2 + data[stop + 1] != end:
                    return None
                index = data[name + width : stop]
                if index and data.startswith(prefix, name):
                    if index != known:
                        decode_subids(index)
                        known = index
                    add_index(index)
                else:
                    decode_oid(data[name:stop])
                    add_index(None)
                if _UNSIGNED_SIZE[data[stop]] > data[stop + 1] > 0:
                    add_value(number(data[stop + 2 : end], "big"))
                else:
                    add_value(decode_value(data[stop], data[stop + 2 : end]))
                at = end
                if at >= length:
                    break
    except (IndexError, BadPacketError):
        return None
    return Cells(indexes, values) if values and at == length else None


def _long_varbind(data: bytes, at: int) -> tuple[int, int]:
    """Where a varbind whose size takes more than one byte ends, and where its name's content begins."""
    if data[at] != 0x30:
        raise BadPacketError("unexpected", "no varbind")
    size, at = _long(data, data[at + 1], at + 2)
    stop = at + 2 + data[at + 1]
    if data[at + 1] >= 0x80 or data[stop + 1] >= 0x80:
        raise BadPacketError("unexpected", "a length")
    return at + size, at + 2


class Layout:
    """The shape of one reply: where its numbers stand and every byte that is not one of them.

    Replies of one device to one question differ, nearly always, only in their numbers. Those that do are read by
    one ``struct`` call; comparing the rest checks community, names, types, sizes and texts all at once. ``places``
    are those of the numbers among the values, ``signed`` those of type INTEGER, ``odd`` those of a size that
    ``struct`` does not know. ``constants`` are the values of the reply that it was learnt from.
    """

    __slots__ = ("_skeleton", "_unpack", "constants", "odd", "places", "signed", "size")

    def __init__(self, fields: struct.Struct, skeleton: tuple[bytes, ...], values: Sequence[Value]) -> None:
        self.size = fields.size
        self._unpack = fields.unpack
        self._skeleton = skeleton
        self.constants = tuple(values)
        self.places: tuple[int, ...] = ()
        self.odd: tuple[int, ...] = ()
        self.signed: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[Any, ...]:
        """What replies that ``numbers`` reads have in common: layouts of the same shape read the same of them."""
        return self._unpack, self._skeleton, self.places, self.odd, self.signed

    def values(self, data: bytes) -> list[Value] | None:
        """The reply's values in order, or None for a reply of another shape."""
        numbers = self.numbers(data)
        return None if numbers is None else self.filled(numbers)

    def filled(self, numbers: Sequence[Any]) -> list[Value]:
        """The values in order, from the numbers of a reply."""
        values = list(self.constants)
        for place, number in zip(self.places, numbers, strict=True):
            values[place] = number
        for place in self.odd:
            values[place] = int.from_bytes(values[place], "big", signed=place in self.signed)  # type: ignore[arg-type]
        return values

    def numbers(self, data: bytes) -> tuple[Any, ...] | None:
        """The numbers at ``places``, bytes for the ``odd`` ones, or None for a reply of another shape."""
        if len(data) != self.size:
            return None
        parts = self._unpack(data)
        return parts[3::2] if parts[::2] == self._skeleton else None


_FORMATS = {
    (4, True): "i",
    (2, True): "h",
    (1, True): "b",
    (8, False): "Q",
    (4, False): "I",
    (2, False): "H",
    (1, False): "B",
}


def learn_layout(data: bytes, head: bytes, values: Sequence[Value], still: Container[int] = ()) -> Layout:
    """The shape of a reply that ``expected_values`` or ``expected_rows`` has just accepted.

    The values at ``still`` are not expected to change: a reply in which one has is of another shape.
    """
    at = _varbinds(data, head)
    request_id = _request_id_at(data, head)
    formats, edges, places, odd, signed = [f">{request_id}sI"], [(0, request_id)], [], [], []
    last = request_id + 4
    for place in range(len(values)):
        size, at = data[at + 1], at + 2
        if size >= 0x80:
            size, at = _long(data, size, at)
        end = at + size
        at += 2 + data[at + 1]
        tag, start, at = data[at], at + 2, end
        if place in still or not (_UNSIGNED_SIZE[tag] or tag == INTEGER) or (tag == INTEGER and end - start > 4):
            continue
        if _UNSIGNED_SIZE[tag] == end - start:
            start += 1
        code = _FORMATS.get((end - start, tag == INTEGER))
        if code is None:
            code = f"{end - start}s"
            odd.append(place)
        if tag == INTEGER:
            signed.append(place)
        formats.append(f"{start - last}s{code}")
        edges.append((last, start))
        places.append(place)
        last = end
    if len(data) > last:
        formats.append(f"{len(data) - last}s")
        edges.append((last, len(data)))
    skeleton = tuple(_shared(data[start:end]) for start, end in edges)
    layout = Layout(_struct("".join(formats)), skeleton, values)
    layout.places, layout.odd, layout.signed = tuple(places), tuple(odd), tuple(signed)
    return layout


@lru_cache(maxsize=4096)
def _struct(layout: str) -> struct.Struct:
    return struct.Struct(layout)


@kept_if_short(16384)
def _shared(piece: bytes) -> bytes:
    """The same bytes for all layouts: most pieces of most devices are alike, and stay in the processor's cache."""
    return piece


def _varbinds(data: bytes, head: bytes) -> int:
    """Where the varbinds of an error-free response begin. Raises BadPacketError at any surprise."""
    at = _request_id_at(data, head) + 4
    if data[at : at + 7] != b"\x02\x01\x00\x02\x01\x00\x30":
        raise BadPacketError("unexpected", "an error status")
    size, at = data[at + 7], at + 8
    if size >= 0x80:
        size, at = _long(data, size, at)
    if at + size != len(data):
        raise BadPacketError("unexpected", "a length")
    return at


def _request_id_at(data: bytes, head: bytes) -> int:
    size, at = data[1], 2
    if size >= 0x80:
        size, at = _long(data, size, at)
    pdu = at + len(head)
    if data[0] != 0x30 or at + size != len(data) or not data.startswith(head, at) or data[pdu] != 0xA2:
        raise BadPacketError("unexpected", "a message head")
    size, at = data[pdu + 1], pdu + 2
    if size >= 0x80:
        size, at = _long(data, size, at)
    if at + size != len(data) or data[at] != INTEGER or data[at + 1] != 4:
        raise BadPacketError("unexpected", "a PDU head")
    return at + 2


def _long(data: bytes, size: int, at: int) -> tuple[int, int]:
    """A length in more than one byte, and where it ends."""
    width = size & 0x7F
    if not 1 <= width <= 4 or at + width > len(data):
        raise BadPacketError("unexpected", "a length")
    return int.from_bytes(data[at : at + width], "big"), at + width
