"""Poll stage: agents that number the rows of ifXTable otherwise than those of ifTable, against RFC 2863: joined by name."""

from __future__ import annotations

from collections.abc import Mapping

from collector.poll.objects.decode import Cells, text
from collector.poll.profile import Source, Table
from collector.poll.snmp.codec import Value, parse_oid

EXTENDED, BASIC = parse_oid("1.3.6.1.2.1.31.1.1.1"), parse_oid("1.3.6.1.2.1.2.2.1")


def is_extended(column: Source) -> bool:
    """Whether it is a column of ifXTable."""
    return column.numbers[: len(EXTENDED)] == EXTENDED


def joins(table: Table, cells: Cells) -> dict[bytes, bytes]:
    """For each row of ifXTable the index of the row of ifTable that it belongs to, where no index is in both tables and
    every ifName is the ifDescr of one row; else nothing.
    """
    names = next((cells.get(c.name, {}) for c in table.columns if is_extended(c) and c.field == "name"), {})
    basic = [c for c in table.columns if c.numbers[: len(BASIC)] == BASIC]
    called = next((cells.get(c.name, {}) for c in basic if c.field == "name"), {})
    there = {index for column in basic for index in cells.get(column.name, {})}
    if not names or not called or not there.isdisjoint(names):
        return {}
    by_name: dict[str, list[bytes]] = {}
    for index, value in called.items():
        by_name.setdefault(text(value) or "", []).append(index)
    found = {index: by_name.get(text(value) or "\0", []) for index, value in names.items()}
    if any(len(rows) != 1 for rows in found.values()) or len({rows[0] for rows in found.values()}) < len(found):
        return {}
    return {index: rows[0] for index, rows in found.items()}


def joined(table: Table, cells: Cells, found: Mapping[bytes, bytes]) -> dict[str, dict[bytes, Value]]:
    """The cells with the rows of ifXTable where they belong."""
    extended = {column.name for column in table.columns if is_extended(column)}
    return {
        name: {found.get(index, index): value for index, value in column.items()} if name in extended else dict(column)
        for name, column in cells.items()
    }
