"""A column that says who has gone, in an export that does not say when: such rows must not count as customers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.readers.sheets import Fault, Sheet

_WORDS = tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))["status"]
MOST_KINDS = 60
REASON = "says that the customer has gone, and ended_on is blank"


def without_gone(sheet: Sheet, unused: Mapping[str, pa.Array]) -> Sheet:
    """Customers without those of whom a column that is not used says that they have gone, and ended_on does not say when.

    Each is a fault of that column. ``unused`` are the columns of the export, by name, that nothing takes, row by row.
    """
    ended = sheet.columns.get("ended_on")
    is_open = np.ones(len(sheet.lines), dtype=bool) if ended is None else ended.is_null().to_numpy(zero_copy_only=False)
    faults: list[Fault] = []
    notes: list[str] = []
    for name, cells in unused.items():
        words = _gone(name, cells)
        says = pc.fill_null(pc.is_in(cells, pa.array(words, pa.string())), False).to_numpy(zero_copy_only=False)
        lines = sheet.lines[says & is_open].tolist()
        if lines:
            faults += [Fault(line, name, REASON) for line in lines]
            notes.append(_note(name, words, len(lines)))
    return sheet.without(faults, notes)


def _note(name: str, words: list[str], rows: int) -> str:
    some = ", ".join(f'"{word}"' for word in words[:5])
    return (
        f"{name}: {rows:,} rows say {some} and not since when, so they are no customers and are not taken: take ended_on"
        f' from the column with the day, or leave them out with a mapping\'s [skip] "{name}" = [{some}]'
    )


def _gone(name: str, cells: pa.Array) -> list[str]:
    """The cells of the column that say so, where it is one of statuses; none where it is about something else."""
    kinds = [str(kind) for kind in pc.unique(cells.drop_null()).to_pylist()]
    if not kinds or len(kinds) > MOST_KINDS or any(word in name for word in _WORDS["other_columns"]):
        return []
    lowered = {kind: kind.strip().lower() for kind in kinds}
    says_no = [kind for kind, text in lowered.items() if text in _WORDS["no"]]
    if says_no and any(word in name for word in _WORDS["active_columns"]):
        return says_no
    gone = [
        kind for kind, text in lowered.items() if text in _WORDS["gone_whole"] or text.startswith(tuple(_WORDS["gone"]))
    ]
    is_named = any(word in name for word in _WORDS["columns"] + _WORDS["active_columns"])
    here = [kind for kind, text in lowered.items() if text.startswith(tuple(_WORDS["here"])) and kind not in gone]
    is_of_statuses = is_named or (len(gone) + len(here) == len(kinds) and bool(here))
    return gone if is_of_statuses else []
