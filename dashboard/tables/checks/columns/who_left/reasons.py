"""Why customers went: reasons of those who by the file have not gone, and reasons in words that are not known."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.cells.blanks import blanked
from dashboard.tables.checks.columns.who_left.departures import plain
from dashboard.tables.readers.sheets import Sheet
from dashboard.tables.schema import END_REASONS

_TEXT = (Path(__file__).parents[2] / "words.toml").read_text(encoding="utf-8")
_WORDS = tomllib.loads(_TEXT)["reasons"]
MOST_WORDS, LONGEST = 30, 40
"""Columns with more different reasons, or longer ones, may hold what people wrote, which is not repeated."""
FEWEST_TOLD, SHARE_TOLD = 5, 0.3
_FLAGS = pa.array([*tomllib.loads(_TEXT)["status"]["yes"], *tomllib.loads(_TEXT)["status"]["no"]], pa.string())


def told_where_reasons(sheet: Sheet, unused: Mapping[str, pa.Array]) -> Sheet:
    """The customers with a warning per column of ``unused`` that gives reasons of leaving where ended_on is blank.

    ``unused`` are the columns of the export, by name, that nothing takes, row by row.
    """
    ended = sheet.columns.get("ended_on")
    is_open = np.ones(len(sheet.lines), dtype=bool) if ended is None else ended.is_null().to_numpy(zero_copy_only=False)
    warnings = []
    for name in filter(is_of_reasons, unused):
        cells = blanked(unused[name], name, "text")
        says = pc.and_(pc.is_valid(cells), pc.invert(pc.is_in(pc.utf8_lower(cells), _FLAGS)))
        if number := int((says.to_numpy(zero_copy_only=False) & is_open).sum()):
            warnings.append(_said(name, number))
    return replace(sheet, warnings=(*sheet.warnings, *warnings)) if warnings else sheet


def without_unknown(sheet: Sheet) -> Sheet:
    """The customers with a blank end_reason, and a warning, where somebody went for a reason in words that are not ours.

    The day of their end is known all the same. Where no day says that they went, the cell stays, and refuses its row.
    """
    reasons = sheet.columns.get("end_reason")
    if reasons is None:
        return sheet
    is_end = np.zeros(len(sheet.lines), dtype=bool)
    for name in ("ended_on", "notice_on"):
        if name in sheet.columns:
            is_end |= sheet.columns[name].is_valid().to_numpy(zero_copy_only=False)
    is_ours = pc.is_in(pc.utf8_lower(reasons), pa.array(END_REASONS))
    unknown = pc.and_(pc.and_(pc.is_valid(reasons), pc.invert(is_ours)), pa.array(is_end))
    number = int(pc.sum(unknown).as_py() or 0)
    if not number:
        return sheet
    given = int(np.count_nonzero(reasons.is_valid().to_numpy(zero_copy_only=False) & is_end))
    blanked_reasons = pc.if_else(unknown, pa.scalar(None, pa.string()), reasons)
    warning = _said_of_unknown(number, given, pc.unique(reasons.filter(unknown)).to_pylist())
    return replace(
        sheet,
        columns={**sheet.columns, "end_reason": blanked_reasons},
        warnings=(*sheet.warnings, warning),
        unknown_reasons=tuple(sheet.lines[unknown.to_numpy(zero_copy_only=False)].tolist()),
    )


def _said_of_unknown(number: int, given: int, words: list[str]) -> str:
    are_words = len(words) <= MOST_WORDS and all(len(word) <= LONGEST and word.find("@") < 0 for word in words)
    some = f" ({', '.join(repr(word) for word in words[:3])})" if are_words else ""
    return (
        f"end_reason: {number:,} of {given:,} reasons are none of {', '.join(END_REASONS)}{some}, so why these customers went"
        " is not known where it is not on record already: those with a notice_on count as voluntary, the others as gone for"
        " other reasons, so that pages may show too few who left of their own will, or cannot say how many. A mapping says"
        " under [columns.end_reason.values] which word is which (--propose writes one)"
    )


def told_where_none(sheet: Sheet) -> Sheet:
    """The customers with a note where of many who have gone nothing says why: pages then cannot say how many chose to."""
    ended = sheet.columns.get("ended_on")
    if ended is None or sheet.unknown_reasons:  # those are told of with their words
        return sheet
    lacks = ended.is_valid().to_numpy(zero_copy_only=False)
    number = int(lacks.sum())
    for name in ("end_reason", "notice_on"):
        if name in sheet.columns:
            lacks &= sheet.columns[name].is_null().to_numpy(zero_copy_only=False)
    lacking = int(lacks.sum())
    if lacking < FEWEST_TOLD or lacking <= SHARE_TOLD * number:
        return sheet
    return replace(sheet, notes=(*sheet.notes, _said_of_none(lacking, number)))


def _said_of_none(lacking: int, number: int) -> str:
    return (
        f"{lacking:,} of {number:,} rows with an ended_on have neither an end_reason nor a notice_on, so they count as gone for"
        " other reasons, and pages cannot say how many left of their own will: export the reasons, or the days of notice; where"
        " whoever gives no reason leaves of their own will, a mapping says under [columns.end_reason] constant ="
        ' "voluntary", or blank = "voluntary" beside its source'
    )


def is_of_reasons(column: str) -> bool:
    """Whether the column's name says that it holds why somebody went."""
    name = plain(column)
    is_other = any(word in name for word in _WORDS["not_went"])
    return not is_other and all(any(word in name for word in _WORDS[key]) for key in ("why", "went"))


def _said(name: str, number: int) -> str:
    who = "1 row says why a customer" if number == 1 else f"{number:,} rows say why customers"
    return (
        f"{name}: {who} went, and ended_on is blank there, so they are stored as customers still: export the last days too,"
        f' or say at the top of a mapping ignore = ["{name}"] where it means something else'
    )
