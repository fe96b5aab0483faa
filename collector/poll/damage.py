"""Poll stage, wire format: values that cannot be read. Each costs its own cell; what stands beside it is read."""

from __future__ import annotations

from enum import Enum


class Damaged(Enum):
    """Takes the place of a value that came but cannot be read, by the kind of damage; the text is its name in metrics.

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
    UNFIT = "unfit"

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
    Damaged.UNFIT: "a value that its object cannot have",
}
