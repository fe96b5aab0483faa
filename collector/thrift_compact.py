"""Thrift's compact protocol, as Parquet uses it for the footer of a file and the heads of its pages: bytes to plain values.

Anything that does not nest, or lies beyond the end, is an error: no size is believed before it is held against what there is.
"""

from __future__ import annotations

import mmap
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
DEEPEST = 24

Struct = dict[int, Any]
"""Field number -> value: bool, int, bytes, list or Struct; a double stays its eight bytes."""


class Short(int):
    """A number of 16 bits, where one of 32 is a plain int: who expects that passes over this."""


class Long(int):
    """A number of 64 bits."""


class NotThriftError(ValueError):
    """Bytes that are no value of the kind that they are read as."""


_INTEGERS = {I16: Short, I32: int, I64: Long}


def read_struct(content: bytes | mmap.mmap, at: int, end: int, depth: int = 0) -> tuple[Struct, int]:
    """The struct that begins at this place, and where it ends. Raises NotThriftError."""
    fields: Struct = {}
    number = 0
    while True:
        head, at = _byte(content, at, end), at + 1
        if not head:
            return fields, at
        if not head >> 4:
            raise NotThriftError("a field out of order")
        number += head >> 4
        fields[number], at = _value(content, at, end, head & 15, depth)


def _byte(content: bytes | mmap.mmap, at: int, end: int) -> int:
    if at >= end:
        raise NotThriftError("an end before the end")
    return content[at]


def _value(content: bytes | mmap.mmap, at: int, end: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in (I16, I32, I64):
        number, at = _varint(content, at, end)
        return _INTEGERS[kind]((number >> 1) ^ -(number & 1)), at
    if kind == BINARY:
        size, at = _varint(content, at, end)
        return _slice(content, at, size, end), at + size
    if kind == STRUCT:
        return read_struct(content, at, end, _deeper(depth))
    if kind in (LIST, SET):
        return _list(content, at, end, _deeper(depth))
    if kind in (TRUE, FALSE):
        return kind == TRUE, at
    if kind == BYTE:
        return _byte(content, at, end), at + 1
    if kind == DOUBLE:
        return _slice(content, at, 8, end), at + 8
    raise NotThriftError("a kind that no Parquet file has")


def _list(content: bytes | mmap.mmap, at: int, end: int, depth: int) -> tuple[list[Any], int]:
    head, at = _byte(content, at, end), at + 1
    size, kind = head >> 4, head & 15
    if size == 15:
        size, at = _varint(content, at, end)
    if size > end - at:
        raise NotThriftError("a list longer than all that there is")
    found = []
    for _ in range(size):
        if kind in (TRUE, FALSE):
            value, at = _byte(content, at, end) == TRUE, at + 1
        else:
            value, at = _value(content, at, end, kind, depth)
        found.append(value)
    return found, at


def _slice(content: bytes | mmap.mmap, at: int, size: int, end: int) -> bytes:
    if size > end - at:
        raise NotThriftError("a text longer than all that there is")
    return content[at : at + size]


def _deeper(depth: int) -> int:
    if depth >= DEEPEST:
        raise NotThriftError("values nested too deep")
    return depth + 1


def _varint(content: bytes | mmap.mmap, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= end:
            raise NotThriftError("an end before the end")
        byte = content[at]
        at += 1
        if byte < 128:
            return number | byte << shift, at
        number |= (byte & 127) << shift
        shift += 7
        if shift > 63:
            raise NotThriftError("a number of too many bytes")
