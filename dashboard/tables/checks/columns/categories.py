"""Complaints that are nearly all "other": a mapping that found no word makes a network without complaints of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Sheet

OTHER = "other"
SHARE = 0.9
FEWEST_MAPPED, FEWEST_STATED = 2, 10
"""So many rows before it is said: of words that a mapping read, and of categories that the file itself states."""
SUBJECTS = (
    "subject",
    "title",
    "summary",
    "titre",
    "assunto",
    "asunto",
    "onderwerp",
    "тема",
    "betreff",
    "sujet",
    "description",
)
SHOWN, LONGEST = 5, 60


def told_where_other(
    sheet: Sheet, read: Mapping[str, pa.Array], unused: Mapping[str, pa.Array], *, is_mapped: bool
) -> Sheet:
    """The sheet of complaints with a warning where nearly all are "other".

    ``read`` are the columns of the export that the category was read from, ``unused`` those that nothing takes.
    """
    cells = sheet.columns.get("category")
    if cells is None or len(cells) < (FEWEST_MAPPED if is_mapped else FEWEST_STATED):
        return sheet
    others = pc.sum(pc.equal(pc.utf8_lower(cells), OTHER)).as_py() or 0
    if others < SHARE * len(cells):
        return sheet
    found = "; ".join(_found(name, column) for name, column in read.items())
    warning = (
        f"category: {others:,} of {len(cells):,} complaints are {OTHER!r}, so none of them counts as one about the network."
        f" {found}. {_advice(list(read), unused)}"
    )
    return replace(sheet, warnings=(*sheet.warnings, warning))


def said_of_unlisted(cells: pa.Array, unlisted: np.ndarray, default: str) -> str:
    """The warning on categories that a mapping with a list of them does not have: ``default`` may be wrong for all of them.

    Long texts are what people wrote, and are not repeated.
    """
    words = cells.filter(pa.array(unlisted))
    counts = sorted(pc.value_counts(words).to_pylist(), key=lambda one: -one["counts"])
    are_words = all(len(one["values"]) <= LONGEST and "@" not in one["values"] for one in counts)
    some = ", ".join(f"{one['values']!r} in {one['counts']:,}" for one in counts[:SHOWN])
    more = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
    return (
        f"category: {len(words):,} of {len(cells):,} complaints have a category that the mapping does not list, and count as"
        f" {default!r}{f' ({some}{more})' if are_words else ''}: if some are about the network, pages show too few. Say"
        " which is which under [columns.category.values], also of those that are 'other'"
    )


def _found(name: str, column: pa.Array) -> str:
    counts = pc.value_counts(column.drop_null()).to_pylist()
    if not counts:
        return f"The column {name} is blank in all rows"
    counts.sort(key=lambda one: -one["counts"])
    some = ", ".join(f"{one['values'][:40]!r} in {one['counts']:,}" for one in counts[:SHOWN])
    more = f" and {len(counts) - SHOWN:,} more" if len(counts) > SHOWN else ""
    return f"In {name} stand {some}{more}"


def _advice(read: list[str], unused: Mapping[str, pa.Array]) -> str:
    subject = next((name for name, cells in unused.items() if cells.null_count < len(cells) and is_subject(name)), None)
    if subject is None:
        return 'Say in a mapping what they mean: [columns.category.words] connection = ["no internet"], slow = ["slow"], ...'
    source = ", ".join(f'"{name}"' for name in (*read, subject))
    return (
        f"{subject} holds text that a mapping can read for words without storing it: under [columns.category]"
        f" source = [{source}], and words under [columns.category.words]"
    )


def is_subject(name: str) -> bool:
    """Whether the column is called one of subjects or of what people wrote."""
    return any(word in name for word in SUBJECTS)
