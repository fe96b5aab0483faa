"""The one way to write CSV that people open in a spreadsheet: no text in it can run as a formula.

Spreadsheets run a cell that begins with one of ``= + - @`` (or its full-width twin), with or without quotes and blanks
before it, and drop a leading tab or carriage return to get there. An apostrophe before it makes it text again. Numbers
stay as they are: only cells of type text are looked at (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

_BLANK = r"[\s\ufeff\u200b-\u200f\u2060\x00-\x1f\"]*"
_SIGNS = "=+@＝＋－＠﹦﹢﹣﹫-"
_START = re.compile(rf"^(?={_BLANK}[{_SIGNS}]|[\t\r])")
_WITHIN = re.compile(rf'(?<=[;\t\r\n])(?="*[{_SIGNS}])')
"""Where another separator or a line end would begin a cell of its own."""


def inert(value: Any) -> Any:
    """``value``, with an apostrophe wherever a spreadsheet would begin a formula; anything but text is left alone."""
    if not isinstance(value, str):
        return value
    return _WITHIN.sub("'", _START.sub("'", value))


def table(frame: pd.DataFrame, *, float_format: str | None = "%.6g") -> str:
    """``frame`` with its header as CSV (RFC 4180), with CRLF; six significant digits unless told otherwise."""
    columns = [frame[name].map(inert) if _may_hold_text(frame[name]) else frame[name] for name in frame.columns]
    safe = pd.concat(columns, axis=1) if columns else frame
    safe.columns = [inert(name) for name in frame.columns]
    text = io.StringIO()
    safe.to_csv(text, index=False, lineterminator="\r\n", float_format=float_format)
    return text.getvalue()


def _may_hold_text(column: pd.Series) -> bool:
    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column))


def rows(cells: Iterable[Sequence[Any]], *, line_end: str = "\r\n") -> str:
    """Rows of cells, the header first, as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator=line_end).writerows([inert(cell) for cell in row] for row in cells)
    return text.getvalue()
