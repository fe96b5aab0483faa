"""Which of a file's first rows names its columns: exports have titles, dates and the provider's address above it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dashboard.tables.readers.sheets import column_name

LOOKED_AT = 60
"""Rows among which the header is looked for."""
FEWEST_KNOWN = 2
NEARLY_FULL, HALF = 0.8, 0.5
_OF_NUMBERS = frozenset("0123456789.,-/:+ ")


def found(rows: Sequence[Sequence[str | None]], known: Collection[str]) -> int:
    """The place in ``rows`` (those at the top of the file, as cells) of the one that names the columns.

    ``known`` are names that are looked for, as `column_name` writes them. The first row is taken if it has any of them
    beside another cell, else the one with the most. Where none has any, a first row that is hardly filled is a title: then it is
    the first row that is as full as the fullest and holds different words alone. Otherwise the first row.
    """
    if len(rows) < 2:
        return 0
    names = [{column_name(cell) for cell in row if cell} & set(known) for row in rows]
    if names[0] and (_filled(rows[0]) > 1 or max(_filled(row) for row in rows) <= FEWEST_KNOWN):
        return 0
    best = max(range(len(rows)), key=lambda place: (len(names[place]), -place))
    if len(names[best]) >= min(FEWEST_KNOWN, max(1, len(known))):
        return best
    return _below_titles(rows)


def _below_titles(rows: Sequence[Sequence[str | None]]) -> int:
    fullest = max(_filled(row) for row in rows)
    header = next(
        (place for place, row in enumerate(rows) if _filled(row) >= NEARLY_FULL * fullest and _are_names(row)), 0
    )
    most_above = max((_filled(row) for row in rows[:header]), default=fullest)
    is_below = fullest > 1 and most_above <= max(1, HALF * fullest)
    is_below |= fullest > 2 and most_above <= 2 and all(_says_one_thing(row) for row in rows[:header])
    return header if is_below else 0


def _says_one_thing(row: Sequence[str | None]) -> bool:
    """A title, or a name and its value: From:, 2024-01-01."""
    cells = [cell.strip() for cell in row if cell and cell.strip()]
    return len(cells) < 2 or (len(cells) == 2 and cells[0].endswith(":"))


def _filled(row: Sequence[str | None]) -> int:
    return sum(bool(cell and cell.strip()) for cell in row)


def _are_names(row: Sequence[str | None]) -> bool:
    """Whether the cells are different words; numbers, days and signs alone are values."""
    cells = [cell.strip() for cell in row if cell and cell.strip()]
    return len(set(cells)) == len(cells) and not any(set(cell) <= _OF_NUMBERS for cell in cells)


def said(above: int, where: str) -> str:
    """What is to be told where ``above`` rows were left out; ``where`` is the header's place."""
    rows = "1 row above it was" if above == 1 else f"{above} rows above it were"
    return f"{where} names the columns; {rows} left out"
