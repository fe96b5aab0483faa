"""Poll stage, wire format: values that cannot be read. Each costs its own cell; what stands beside it is read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

K = TypeVar("K")


class Damaged(Enum):
    """What stands for a value that came and cannot be read, by the kind of damage; the text is its name in metrics.

    It is not absent as noSuchInstance is: the device has such an object. So it is asked for again, and no other object
    stands in for it, since a counter that is replaced by another for one poll runs backwards and then leaps.
    """

    EMPTY = "empty_number"
    TOO_LARGE = "too_large"
    WRONG_LENGTH = "wrong_length"
    OBJECT_ID = "object_identifier"
    UNKNOWN_TYPE = "unknown_type"
    NAME = "name"
    FRAMING = "framing"

    @property
    def words(self) -> str:
        """The same for people."""
        return _WORDS[self]


_WORDS = {
    Damaged.EMPTY: "a number of no bytes",
    Damaged.TOO_LARGE: "a number of more bytes than its type has, or beyond its range",
    Damaged.WRONG_LENGTH: "an address or an exception of the wrong length",
    Damaged.OBJECT_ID: "a malformed object identifier",
    Damaged.UNKNOWN_TYPE: "a type that no object here has",
    Damaged.NAME: "a name that cannot be read, or that was not asked for",
    Damaged.FRAMING: "lengths that do not nest",
}


def without_stand_ins(cells: Iterable[tuple[K, Any]]) -> list[Any]:
    """The values of ``cells``, keyed by what they measure and the best first, but for those after a damaged one."""
    damaged: set[K] = set()
    values = []
    for key, value in cells:
        values.append(None if key in damaged else value)
        if isinstance(value, Damaged):
            damaged.add(key)
    return values
