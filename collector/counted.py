"""Numbers of things in words: one is singular."""

from __future__ import annotations

VERBS = {"are": "is", "were": "was", "have": "has", "say": "says", "stay": "stays", "answer": "answers"}


def of(number: int, noun: str, verb: str = "") -> str:
    """``1 row is``, ``1,000 rows are``: of a regular noun in the singular and, where one is given, a verb in the plural."""
    one = number == 1
    said = f"{number:,} {noun if one else _plural(noun)}"
    return f"{said} {VERBS[verb] if one else verb}" if verb else said


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
