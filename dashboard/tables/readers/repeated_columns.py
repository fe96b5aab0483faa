"""Columns of which the header says the name more than once, as Jira's exports do: read as one, where they agree."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet, UnreadableError, again, joined


def of(sheet: Sheet, name: str) -> list[str]:
    """The columns of ``sheet`` whose header says ``name``, the first of them first; none where it has no such column."""
    if name not in sheet.columns:
        return []
    further = (again(name, number) for number in itertools.count(2))
    return [name, *itertools.takewhile(lambda one: one in sheet.columns, further)]


def is_further(sheet: Sheet, name: str) -> bool:
    """Whether ``name`` is that of a column whose header says what another one before it says."""
    first, blank, number = name.rpartition(" ")
    return bool(blank) and number.isdecimal() and name in of(sheet, first)


def as_text(sheet: Sheet, name: str) -> pa.Array:
    """The cells of all columns called ``name``, one after the other in one text."""
    return joined([sheet.columns[one] for one in of(sheet, name)], " ")


def as_one(sheet: Sheet, name: str) -> pa.Array:
    """The cells of the columns called ``name``: in each row that of the one that is filled, or of those that are alike.

    Raises UnreadableError where two of them say different things in a row.
    """
    cells, *further = (sheet.columns[one] for one in of(sheet, name))
    for other in further:
        differ = pc.fill_null(pc.not_equal(cells, other), False)
        if pc.any(differ, min_count=0).as_py():
            line = sheet.lines[pc.index(differ, True).as_py()]
            raise UnreadableError(
                f"{sheet.header}: the column {name} stands there twice, and the two differ on {sheet.unit} {line}:"
                " give one of them another name"
            )
        cells = pc.coalesce(cells, other)
    return cells
