"""Signs and words of currencies in cells of amounts: which currency a cell names, and the number without it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

_WORDS = tomllib.loads((Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8"))["money"]
CODES: dict[str, str] = {mark.lower(): code for code, marks in _WORDS["currencies"].items() for mark in (code, *marks)}
DOLLAR = "$"
"""What some twenty currencies are written with: it is one of them where a column names that by its code as well."""
DOLLARS = frozenset(_WORDS["dollars"])
NOT_A_MARK = r"[\d.,'’\s()+−-]"
_MARKS = "|".join(re.escape(mark) for mark in sorted(CODES, key=len, reverse=True))
BEFORE = rf"(?i)^([+-]?)\s*(?:{_MARKS})\s*([+-]?[\d.,])"
AFTER = rf"(?i)([\d.,])(?:\s*(?:{_MARKS}))+$"


def bare(amounts: pa.Array) -> pa.Array:
    """The cells without their currency: 29.90 of €29.90 EUR."""
    if not pc.any(pc.match_substring_regex(amounts, r"[^\d.,+-]")).as_py():
        return amounts
    return pc.replace_substring_regex(pc.replace_substring_regex(amounts, BEFORE, r"\1\2"), AFTER, r"\1")


def named(cells: pa.Array) -> pa.Array:
    """The currency of each cell by its code; null where the cell names none that is known."""
    encoded = cells.dictionary_encode()
    marks = pc.replace_substring_regex(encoded.dictionary, NOT_A_MARK, "").to_pylist()
    codes = pa.array([_code(mark) for mark in marks], pa.string())
    return codes.take(encoded.indices) if len(codes) else pa.nulls(len(cells), pa.string())


def _code(mark: str) -> str | None:
    """EUR of €, EUR or €EUR; a code says more than the sign beside it."""
    if mark.lower() in CODES:
        return CODES[mark.lower()]
    code = re.search(r"[A-Za-z]{3}$|^[A-Za-z]{3}", mark)
    return CODES.get(code[0].lower()) if code else None
