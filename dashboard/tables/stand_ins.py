"""When an id stands for nobody: it is written where an id is missing, so more complaints stand under it than anybody makes.

The import and the build both read this rule here (`dashboard/panel/sql/stand_ins.sql` by `dashboard/panel/statements.py`).
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

ENOUGH = ((10, 20), (20, 10))
"""So many complaints (or answers) under one id, and such a percentage of all that name somebody, are nobody's own."""
ENOUGH_BY_WORD = (3, 5)
"""The same of ids that look like nobody's."""
NOBODY = "nobody"
"""Stored in place of the hash of an id that looks like nobody's. No hash looks so."""
LOOKS = r"(?i)[+-]?0+|-1|x+|9{5,}|1234567?8?9?0?|[-_.*#]+|(?:guest|anonym|unknown|default|test|dummy|generic|system|consumidor|visitante).*"


def found(ids: pa.Array) -> dict[str, int]:
    """Of the ids of a file those that stand for nobody, with their rows."""
    counts = pc.value_counts(ids.drop_null())
    total = int(pc.sum(counts.field("counts")).as_py() or 0)
    fewest = min(rows for rows, _ in (*ENOUGH, ENOUGH_BY_WORD))
    often = counts.filter(pc.greater_equal(counts.field("counts"), fewest)).to_pylist()
    return {str(one["values"]): int(one["counts"]) for one in often if _is_nobody(one["values"], one["counts"], total)}


def looks_so(written: str) -> bool:
    return re.fullmatch(LOOKS, written) is not None


def _is_nobody(written: str, number: int, total: int) -> bool:
    rules = (ENOUGH_BY_WORD, *ENOUGH) if looks_so(written) else ENOUGH
    return any(number >= rows and number * 100 >= percent * total for rows, percent in rules)
