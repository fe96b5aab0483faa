"""Poll stage: whether the name that the inventory gives the uplink fits more than one row, and which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collector.poll.objects.interfaces.interface_rows import Names
from collector.poll.objects.interfaces.row_names import Texts
from collector.poll.snmp.codec import decode_subids, oid_text

MOST_SHOWN = 4
"""Rows that are told one by one."""


class UplinkTwins(NamedTuple):
    """The rows of one text in the best column that has it, by ifIndex; ``taken`` is the ifIndex of the one that counts as
    the uplink, None where none does.
    """

    uplink: str
    column: str
    rows: tuple[tuple[str, str], ...]
    taken: str | None
    others: tuple[str, ...]
    """The columns by which a row may be named instead."""

    def __str__(self) -> str:
        """The rows and what to do, in one sentence for a log and a terminal."""
        shown = ", ".join(f"ifIndex {index} ({texts})" for index, texts in self.rows[:MOST_SHOWN])
        more = f" and {len(self.rows) - MOST_SHOWN} more" if len(self.rows) > MOST_SHOWN else ""
        chosen = "none of them is taken" if self.taken is None else f"ifIndex {self.taken} is taken"
        return (
            f"uplink_interface {self.uplink!r} is the {self.column} of {len(self.rows)} interfaces, and {chosen}: "
            f"{shown}{more}. Name the right one by an {' or '.join(self.others) or 'other text'} that it alone has; where it "
            "has none, give it one"
        )


def uplink_twins(texts: Texts, names: Names, uplink: str | None) -> UplinkTwins | None:
    """The rows that the uplink's name fits; None where it fits one or none, or the one taken alone has it in another column
    too. ``names`` are those that the rows were given.
    """
    for column, found in texts:
        rows = sorted((i for i, text in found.items() if text == uplink and i in names), key=decode_subids)
        if not rows:
            continue
        if uplink is None or len(rows) == 1:
            return None
        taken = next((_index(row) for row in rows if names[row][0] == uplink), None)
        others = [(other.name, told) for other, told in texts if other.name != column.name]
        if any(_index(row) == taken and _is_alone(row, uplink, told) for row in rows for _, told in others):
            return None
        shown = tuple((_index(row), _texts_of(row, others)) for row in rows)
        return UplinkTwins(uplink, column.name, shown, taken, tuple(name for name, _ in others))
    return None


def _index(row: bytes) -> str:
    return oid_text(decode_subids(row))


def _is_alone(row: bytes, text: str, column: Mapping[bytes, str]) -> bool:
    return [index for index, told in column.items() if told == text] == [row]


def _texts_of(row: bytes, columns: Sequence[tuple[str, Mapping[bytes, str]]]) -> str:
    return ", ".join(f"{name} {found[row]!r}" if row in found else f"no {name}" for name, found in columns)
