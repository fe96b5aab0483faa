"""Names with letters of two alphabets, which look like names of one: N\u043erte has a Cyrillic letter and is not Norte."""

from __future__ import annotations

import unicodedata
from collections import Counter

ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN")
"""Those that have letters in common, to the eye."""


def foreign(text: str) -> list[str]:
    """The letters of ``text`` that are of another alphabet than most of its letters."""
    alphabets = {letter: _alphabet(letter) for letter in text if letter.isalpha()}
    counts = Counter(alphabets[letter] for letter in text if alphabets.get(letter))
    if len(counts) < 2:
        return []
    usual = counts.most_common(1)[0][0]
    return [letter for letter, alphabet in alphabets.items() if alphabet and alphabet != usual]


def told(text: str) -> str:
    """``text`` with what nobody sees of it: N\u043erte (its \u043e is U+043E, CYRILLIC SMALL LETTER O)."""
    letters = foreign(text)
    if not letters:
        return text
    first = letters[0]
    return f"{text} (its {first} is U+{ord(first):04X}, {unicodedata.name(first)})"


def _alphabet(letter: str) -> str | None:
    return next((one for one in ALPHABETS if unicodedata.name(letter, "").startswith(one)), None)
