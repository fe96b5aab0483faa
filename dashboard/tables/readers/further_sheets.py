"""Sheets of a workbook beside the one that is read: those with the same columns hold more of the same records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from collector import counted
from dashboard.tables.readers.sheets import Sheet, UnreadableError

ALIKE = 0.6
"""Of the columns of either sheet so many are also the other's where the two hold the same kind of record."""
FEWEST_ALIKE = 2


def told(chosen: Sheet, title: str, others: Iterable[tuple[str, Callable[[bool], Sheet]]]) -> dict[str, str]:
    """By name a warning for each sheet of ``others`` that holds rows under the columns of ``chosen`` (called ``title``) which that
    has not; each is its name and what reads it, the beginning alone or (False) whole."""
    warnings = {}
    known: set[tuple[str | None, ...]] | None = None
    for name, read in others:
        try:
            if not (shared := _shared(chosen, read(True))):
                continue
            other = read(False)
        except UnreadableError:
            continue
        known = known if known is not None and shared == list(chosen.columns) else set(_rows(chosen, shared))
        if more := sum(row not in known for row in _rows(other, shared)):
            warnings[name] = _said(title, name, more)
    return warnings


def _shared(chosen: Sheet, other: Sheet) -> list[str]:
    """The columns of both, where they are most of the columns of either."""
    shared = [name for name in chosen.columns if name in other.columns]
    is_alike = len(shared) >= max(FEWEST_ALIKE, ALIKE * max(len(chosen.columns), len(other.columns)))
    return shared if is_alike and len(other.lines) else []


def _rows(sheet: Sheet, names: list[str]) -> Iterator[tuple[str | None, ...]]:
    return zip(*(sheet.columns[name].to_pylist() for name in names), strict=True)


def _said(title: str, name: str, more: int) -> str:
    rows = counted.of(more, "more row")
    return (
        f"the sheet {name!r} holds {rows} under the columns of {title!r}, and only {title!r} was read:"
        f" if these are records too, import them as well with --sheet {name!r} (customers: and --absent stay, and"
        " --came-back too where an earlier import ended them), or put all rows on one sheet"
    )
