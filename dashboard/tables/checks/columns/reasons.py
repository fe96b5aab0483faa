"""A column that says why customers went, filled for customers who by the file have not gone."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.cells.blanks import blanked
from dashboard.tables.checks.columns.departures import plain
from dashboard.tables.readers.sheets import Sheet

_TEXT = (Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8")
_WORDS = tomllib.loads(_TEXT)["reasons"]
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
