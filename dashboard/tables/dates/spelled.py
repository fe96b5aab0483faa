"""Dates with words in them, as people and programs spell them, rewritten as dates that are read without knowing languages."""

from __future__ import annotations

import calendar
import re

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.dates import written_clocks
from dashboard.tables.dates.month_names import ENGLISH, months_of

WORD = re.compile(r"[^\W\d_]{3,}")
_WEEKDAY = r"^\pL{2,}\.?,?\s+((?:\pL{3,}\.?\s+\d{1,2}\b|\d{1,2}(?:[-/.]|\.? (?:de )?\pL)).*)$"
"""Mon, 12 May 2025; Mon May 12 2025."""
_OF_JAVASCRIPT = r"(:\d{2})\s*(?:GMT|UTC)([+-]\d{2}:?\d{2})(?:\s*\(.*\))?$"
"""22:00:00 GMT+0200 (Central European Summer Time)."""
_DAY_FIRST = (
    r"^(?P<day>\d{1,2})(?:\.|er|º|ª|°|st|nd|rd|th)?(?P<mark>[-/. ]| de | of )\s*(?P<month>\pL{3,})\.?(?:[-/., ]\s*| del? )"
    r"(?P<year>\d{4}|\d{2})(?P<rest>(?:[T ,].*)?)$"
)
_MONTH_FIRST = r"^(?P<month>\pL{3,})\.?[- ](?P<mark>\s*)(?P<day>\d{1,2})(?:st|nd|rd|th)?,?[- ]\s*(?P<year>\d{4})(?P<rest>(?:[T ,].*)?)$"
_YEAR_FIRST = (
    r"^(?P<year>\d{4})(?P<mark>[-/. ])\s*(?P<month>\pL{3,})\.?[-/. ]\s*(?P<day>\d{1,2})(?P<rest>(?:[T ,].*)?)$"
)


def plain(column: pa.Array) -> pa.Array:
    """``column`` with its months' names in English and its days where they are looked for: 01-ene-23 is 01-jan-23.

    What is not known stays as it stands, and is refused when it is read.
    """
    encoded = column.dictionary_encode()
    texts = written_clocks.plain(encoded.dictionary)
    if not pc.any(pc.match_substring_regex(texts, r"\pL{3}")).as_py():
        return texts.take(encoded.indices)
    texts = pc.replace_substring_regex(texts, _WEEKDAY, r"\1")
    texts = pc.replace_substring_regex(texts, _OF_JAVASCRIPT, r"\1\2")
    for pattern in (_DAY_FIRST, _MONTH_FIRST, _YEAR_FIRST):
        texts = _rewritten(texts, pattern)
    return texts.take(encoded.indices)


def _rewritten(texts: pa.Array, pattern: str) -> pa.Array:
    found = pc.extract_regex(texts, pattern)
    words = pc.utf8_lower(pc.struct_field(found, "month"))
    months = months_of(set(pc.unique(words.drop_null()).to_pylist()))
    if not months:
        return texts
    rewritten = []
    for text, part, word in zip(texts.to_pylist(), found.to_pylist(), words.to_pylist(), strict=True):
        mark = "-" if part and part["mark"] == "-" else " "
        known = months.get(word)
        rest = part["rest"].lstrip(",") if part else ""
        rewritten.append(
            text if known is None else f"{part['day']}{mark}{ENGLISH[known - 1]}{mark}{part['year']}{rest}"
        )
    return pa.array(rewritten, pa.string())


def with_english_names(column: pa.Array, *, full: bool) -> pa.Array:
    """``column`` with its months' names in English where they stand: for formats with %b, or ``full`` for those with %B."""
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    months = months_of({word.lower() for text in texts for word in WORD.findall(text)})
    names = [calendar.month_name[month] if full else ENGLISH[month - 1] for month in range(1, 13)]
    renamed = [
        WORD.sub(lambda word: names[months[word[0].lower()] - 1] if word[0].lower() in months else word[0], text)
        for text in texts
    ]
    return pa.array(renamed, pa.string()).take(encoded.indices)
