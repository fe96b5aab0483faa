"""Numbers of things in words: one is singular."""

from __future__ import annotations

VERBS = {"are": "is", "were": "was", "have": "has", "say": "says", "stay": "stays"}


def of(number: int, noun: str, verb: str = "") -> str:
    """``1 row is``, ``1,000 rows are``: of a regular noun in the singular and, where one is given, a verb in the plural."""
    one = number == 1
    said = f"{number:,} {noun}{'' if one else 's'}"
    return f"{said} {VERBS[verb] if one else verb}" if verb else said
