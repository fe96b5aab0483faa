"""Columns that say on which day a complaint was answered or solved and not when: how long that took is not known, and not zero."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet

SAMPLE = 1000
"""Most columns show within so many cells that they have times."""
LATER = ("first_answer_at", "solved_at")
TIME = r"\d[T ]+\d{1,2}:\d{2}"
MIDNIGHT = (
    r"\d[T ]+(?:0?0:00(?::00)?|12:00(?::00)?\s*[Aa]\.?[Mm]\.?)(?:[.,]0+)?\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)


def without_days_alone(sheet: Sheet) -> Sheet:
    """The complaints with blank cells in columns of which every cell is a day without a time, or midnight; a note says so.

    Where that is ``opened_at``, nothing is known of how long the others took.
    """
    columns, notes = dict(sheet.columns), []
    opened = columns.get("opened_at")
    for name in LATER:
        cells = columns.get(name)
        if cells is None or cells.null_count == len(cells):
            continue
        which = next((one for one in ("opened_at", name) if _are_days(opened if one == "opened_at" else cells)), None)
        if which is not None:
            columns[name] = pa.nulls(len(cells), pa.string())
            notes.append(
                f"{name} stays blank: {which} says days without a time of day, so how long it took is not known"
            )
    return replace(sheet, columns=columns, notes=(*sheet.notes, *notes)) if notes else sheet


def _are_days(cells: pa.Array | None) -> bool:
    if cells is None or cells.null_count == len(cells):
        return False
    given = cells.drop_null()
    return not (_any_time(given[:SAMPLE]) or _any_time(given))


def _any_time(cells: pa.Array) -> bool:
    has_time = pc.and_not(pc.match_substring_regex(cells, TIME), pc.match_substring_regex(cells, MIDNIGHT))
    return bool(pc.any(has_time).as_py())
