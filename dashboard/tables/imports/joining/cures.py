"""What would mend a join, tried: how many rows join with ids rewritten, or with the ids of another column of the file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.cells.ids import SAMPLE, Way, cleaned

Known = Callable[[Sequence[str]], Sequence[bool]]
MOST_TRIED = 200_000
"""Different ids that are tried; of more it is not said how many would join."""
LEAST_SHARE = 0.5
"""Another column is named where at least so many of its first ids are known."""
FEWEST = 3


@dataclass(frozen=True, slots=True)
class OtherKey:
    """A column of the file in which ids on record stand: of ``rows`` that are filled there ``joined`` would join."""

    column: str
    joined: int
    rows: int


def with_way(cells: pa.Array, way: Way, are_known: Known) -> str:
    """How many of the rows with something in ``cells`` would join if they were rewritten so; empty of too many ids."""
    tried = _joined(cells, are_known, way)
    return "" if tried is None else f", with which {tried[0]:,} of {tried[1]:,} rows would join"


def other_key(columns: Mapping[str, pa.Array], declared: Collection[str], are_known: Known) -> OtherKey | None:
    """The column beside the ``declared`` ones whose cells are ids on record, the one with most; None where there is none."""
    best: OtherKey | None = None
    for name, cells in columns.items():
        if name in declared:
            continue
        some = [str(one) for one in pc.unique(cells.drop_null()).slice(0, SAMPLE).to_pylist()]
        if len(some) < FEWEST or sum(are_known(some)) < LEAST_SHARE * len(some):
            continue
        tried = _joined(cells, are_known, Way())
        if tried is not None and (best is None or tried[0] > best.joined):
            best = OtherKey(name, *tried)
    return best


def _joined(cells: pa.Array, are_known: Known, way: Way) -> tuple[int, int] | None:
    """Rows of which the id, rewritten by ``way``, is known, and those that have one; None of too many different ids."""
    counts = pc.value_counts(cleaned(cells).drop_null())
    if len(counts) > MOST_TRIED:
        return None
    numbers = counts.field("counts").to_pylist()
    texts = [way.of(str(one)) for one in counts.field("values").to_pylist()]
    known = are_known(texts)
    return sum(number for number, is_known in zip(numbers, known, strict=True) if is_known), sum(numbers)
