"""Words that stand for an empty cell: N/A, none, unknown, desconhecido, onbekend, неизвестно, days that do not exist."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.readers.sheets import Sheet
from dashboard.tables.schema import given_columns

WORDS: tuple[str, ...] = tuple(
    tomllib.loads((Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8"))["blank"]
)
NOT_IN = frozenset({"name", "geometry"})
"""Columns in which any word may stand."""
NO_DAY = (
    r"^(?:0{4}[-/.]0{1,2}[-/.]0{1,2}|0{1,2}[-/.]0{1,2}[-/.](?:0{4}|00)|0{8}"
    r"|[29]999[-/.]?12[-/.]?31|31[-/.]12[-/.][29]999|12[-/.]31[-/.][29]999)(?:[T ].*)?$"
)
"""Databases write so that there is no day, or no end."""
EDGES = (
    r"^(?:(?:1970|190[01]|1753|0001)[-/.]?01[-/.]?01|1899[-/.]?12[-/.]?3[01]|0?1[-/.]0?1[-/.](?:1970|190[01]|1753|0001)"
    r"|(?:2099|2199)[-/.]?12[-/.]?31|3[01][-/.]12[-/.]1899|12[-/.]3[01][-/.]1899|(?:31[-/.]12|12[-/.]31)[-/.](?:2099|2199)|2038[-/.]?01[-/.]?19|2079[-/.]?06[-/.]?06)(?:[T ].*)?$"
)
"""Zero in programs' ways of counting days, and the last days that they know. As valid_from they mean: always."""
NO_DEVICE = r"(?i)^(?:0+|(?:00[:-]){5}00|(?:ff[:-]){5}ff)$"


def blanked(
    text: pa.Array, column: str, kind: str, *, words: Collection[str] = WORDS, keep: Collection[str] = ()
) -> pa.Array:
    """The cells of our ``column`` (of the type ``kind``) with null where they say that nothing is there.

    ``keep`` are words that mean something in this column.
    """
    if column in NOT_IN:
        return text
    kept = {word.lower() for word in keep}
    says_blank = pc.is_in(
        pc.utf8_lower(text), pa.array([w.lower() for w in words if w.lower() not in kept], pa.string())
    )
    is_day = kind in ("date", "timestamp")
    if is_day and column != "valid_from":
        says_blank = pc.or_(says_blank, pc.fill_null(pc.match_substring_regex(text, EDGES), False))
    pattern = NO_DAY if is_day else NO_DEVICE if column == "device_id" else None
    if pattern is not None:
        says_blank = pc.or_(says_blank, pc.fill_null(pc.match_substring_regex(text, pattern), False))
    return pc.if_else(says_blank, pa.scalar(None, pa.string()), text)


def without_blank_words(sheet: Sheet, spec: TableSpec, areas: Collection[str]) -> Sheet:
    """The sheet with the blank words of every column of ``spec`` as blank cells; ``areas`` are those on record."""
    columns, notes = dict(sheet.columns), []
    for column in given_columns(spec):
        if column.name not in columns:
            continue
        before = columns[column.name]
        columns[column.name] = blanked(before, column.name, column.type, keep=areas if column.name == "area" else ())
        if note := told(column.name, before, columns[column.name]):
            notes.append(note)
    return replace(sheet, columns=columns, notes=(*sheet.notes, *notes))


def told(column: str, before: pa.Array, after: pa.Array) -> str | None:
    """How many cells were taken as blank, and by which words."""
    number = after.null_count - before.null_count
    if not number:
        return None
    words = pc.unique(before.filter(pc.and_(pc.is_null(after), pc.is_valid(before)))).to_pylist()
    some = ", ".join(repr(word) for word in words[:3]) + (", ..." if len(words) > 3 else "")
    cells = "cell counts" if number == 1 else "cells count"
    return f"{column}: {number:,} {cells} as blank ({some}); a mapping's blank = [...] says which words do"
