"""Of whom or what a column of states or of yes and no speaks, by its name: of the customer, or of an e-mail, a bill, a device."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection
from pathlib import Path

_ALL = tomllib.loads((Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8"))
_WORDS, _STATES = _ALL["subjects"], _ALL["status"]["columns"]
_ENDING = r"[^\W\d_]{0,3}"
"""What grammar puts after a stem: ativ-o, актив-ен."""
SHORT = 4
"""Shorter words are looked for at the beginning of a word: "tax" and not "syntax"."""


def is_of_something_else(name: str) -> bool:
    """Whether the name says that the column is about something else than the customer: an e-mail, a payment, a device."""
    parts = re.split(r"[^\w]|_", name)
    return any(
        word in name if len(word) > SHORT else any(part.startswith(word) for part in parts) for word in _WORDS["others"]
    )


def is_of_states(name: str) -> bool:
    """Whether the column is called one of states."""
    parts = re.split(r"[^\w]|_", name)
    return any(word in name if len(word) > SHORT else word in parts for word in _STATES)


def is_of_customer(name: str, stems: Collection[str]) -> bool:
    """Whether all of the name but one of the ``stems`` (activ, disabled) stands for a customer or the customer's service."""
    beside = "|".join(map(re.escape, _WORDS["customer"]))
    stem = "|".join(map(re.escape, stems))
    whole = rf"(?:(?:{beside})[\W_]*)*(?:{stem}){_ENDING}(?:[\W_]*(?:{beside}))*"
    return re.fullmatch(whole, name) is not None
