"""Columns that say on which day a complaint was answered or solved and not when: how long that took is not known, and not zero."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet

SAMPLE = 1000
"""Most columns show within so many cells that they have times."""
TIME = r"\d[T ]+\d{1,2}:\d{2}"
CLOCK = r"(?:0?0:00(?::00)?|12:00(?::00)?\s*[Aa]\.?[Mm]\.?)(?:[.,]0+)?\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
"""Midnight, with a time zone or without."""
MIDNIGHT = rf"\d[T ]+{CLOCK}"

HOUR = r"\d[T ]+(?P<hour>\d{1,2}):\d{2}(?::\d{2})?(?:[.,]\d+)?$"
"""A time with nothing after it."""
FEWEST_TIMES = 40
TWELVE, NIGHT = frozenset(range(1, 13)), frozenset(range(1, 6))
"""Complaints of the morning alone have no hours of the night."""


def without_days_alone(sheet: Sheet) -> Sheet:
    """The complaints without ``first_answer_at`` where every cell of it, or of ``opened_at``, is a day without a time, or
    midnight; a ``solved_at`` of such cells is the end of its days, as it would lie before ``opened_at`` else."""
    columns, notes = dict(sheet.columns), []
    opened, answered, solved = (columns.get(name) for name in ("opened_at", "first_answer_at", "solved_at"))
    which = "opened_at" if _are_days(opened) else "first_answer_at" if _are_days(answered) else None
    if answered is not None and answered.null_count < len(answered) and which is not None:
        columns["first_answer_at"] = pa.nulls(len(answered), pa.string())
        notes.append(
            f"first_answer_at stays blank: {which} says days without a time of day, so how long an answer took is not known"
        )
    if solved is not None and _are_days(solved) and not _are_days(opened):
        columns["solved_at"] = pc.binary_join_element_wise(
            pc.replace_substring_regex(solved, rf"[T ]+{CLOCK}", ""), "23:59:59", " "
        )
        notes.append("solved_at says days without a time of day: the end of the day is taken")
    return replace(sheet, columns=columns, notes=(*sheet.notes, *notes)) if notes else sheet


def told_of_half_days(sheet: Sheet) -> Sheet:
    """With a warning where the hours of ``opened_at`` are those of a clock of twelve hours, and nothing says which half."""
    opened = sheet.columns.get("opened_at")
    if opened is None:
        return sheet
    timed = opened.filter(pc.fill_null(pc.match_substring_regex(opened, TIME), False))
    hours = pc.struct_field(pc.extract_regex(timed, HOUR), "hour")
    if len(hours) < FEWEST_TIMES or hours.null_count:
        return sheet
    seen = set(pc.unique(hours.cast(pa.int8())).to_pylist())
    if not (seen <= TWELVE and 12 in seen and seen & NIGHT):
        return sheet
    said = (
        "opened_at: no time is after 12:59 or at 0, as on a clock of twelve hours that says neither AM nor PM: all are read as"
        " they stand, so those of the afternoon would be 12 hours early. Export them with AM and PM, or in 24 hours"
    )
    return replace(sheet, warnings=(*sheet.warnings, said))


def _are_days(cells: pa.Array | None) -> bool:
    if cells is None or cells.null_count == len(cells):
        return False
    given = cells.drop_null()
    return not (_any_time(given[:SAMPLE]) or _any_time(given))


def _any_time(cells: pa.Array) -> bool:
    has_time = pc.and_not(pc.match_substring_regex(cells, TIME), pc.match_substring_regex(cells, MIDNIGHT))
    return bool(pc.any(has_time).as_py())
