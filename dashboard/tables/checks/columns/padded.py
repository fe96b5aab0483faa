"""Ids of one column of which some have lost the zeros before them: 00012 beside 13."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet

OF_ONE_LENGTH = ("customer_id", "complaint_id", "response_id")
FEW = 0.1


def told_where_unpadded(sheet: Sheet) -> Sheet:
    """The sheet with a warning for each column of ids in which some are filled up with zeros and shorter ones are not; with
    a note where these are few."""
    warnings: list[str] = []
    notes: list[str] = []
    for name in OF_ONE_LENGTH:
        if name in sheet.columns and (found := _said(name, sheet.columns[name])):
            (notes if found[1] < FEW else warnings).append(found[0])
    return replace(sheet, warnings=(*sheet.warnings, *warnings), notes=(*sheet.notes, *notes))


def _said(name: str, cells: pa.Array) -> tuple[str, float] | None:
    """What is to be said, and the share of the ids that are shorter."""
    distinct = pc.unique(cells.drop_null())
    numbers = distinct.filter(pc.match_substring_regex(distinct, r"^\d+$"))
    padded = numbers.filter(pc.starts_with(numbers, "0"))
    lengths = pc.unique(pc.utf8_length(padded))
    if len(lengths) != 1 or lengths[0].as_py() < 2:
        return None
    width = lengths[0].as_py()
    short = numbers.filter(pc.less(pc.utf8_length(numbers), width))
    if not len(short):
        return None
    stand = "1 id is" if len(short) == 1 else f"{len(short):,} ids are"
    said = (
        f"{name}: {stand} shorter than those with zeros before them ({short[0].as_py()!r} beside {padded[0].as_py()!r}): has a"
        f" spreadsheet taken the zeros off? A mapping puts them on that says under [columns.{name}] pad = {width}"
    )
    return said, len(short) / len(numbers)
