"""Poll stage: how far the walk of one column has got, and which cells of a reply are its own."""

from __future__ import annotations

from operator import lt

from collector.poll.damage import Damaged
from collector.poll.profile import Source
from collector.poll.snmp.codec import (
    Absent,
    Value,
    decode_subids,
    encode_oid,
)


class Column:
    """How far one column has got."""

    __slots__ = ("cells", "is_ended", "is_still", "last", "name", "order", "prefix")

    def __init__(self, source: Source, cells: dict[bytes, Value], after: bytes = b"") -> None:
        """``after`` is the index after which it begins."""
        self.name = source.name
        self.is_still = source.is_still
        self.prefix = encode_oid(source.numbers)
        self.cells = cells
        self.last = after
        self.order: tuple[int, ...] = decode_subids(after) if after else ()
        self.is_ended = False

    def index_of(self, content: bytes) -> bytes | None:
        """The index in an OID's content, or None where it lies outside this column."""
        inside = content.startswith(self.prefix) and len(content) > len(self.prefix)
        return content[len(self.prefix) :] if inside else None

    def put(self, index: bytes, value: Value) -> None:
        """Take a cell that is known to be the next."""
        self.cells[index] = value
        self.last = index
        self.order = decode_subids(index)

    def take(self, indexes: list[bytes | None], values: list[Value]) -> bool:
        """Take the next cells up to the column's end; False where they do not increase, which ends it too.

        A damaged cell whose row is not known, or which is not its turn, is passed over.
        """
        if None not in indexes:
            orders = [decode_subids(index) for index in indexes if index is not None]
            if orders and all(map(lt, (self.order, *orders), orders)):
                self.order = orders[-1]
                self.last = indexes[-1] or b""
                self.cells.update(zip(indexes, values, strict=True))  # type: ignore[arg-type]
                return True
        for index, value in zip(indexes, values, strict=True):
            is_damaged = isinstance(value, Damaged)
            if isinstance(value, Absent) or (index is None and not is_damaged):
                self.is_ended = True
                return True
            order = () if index is None else decode_subids(index)
            if order > self.order:
                self.put(index or b"", value)
            elif not is_damaged or value is Damaged.WRONG_LENGTH:
                self.is_ended = True
                return is_damaged
        return True
