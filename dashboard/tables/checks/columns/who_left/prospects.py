"""Rows of people who are no customers yet (leads, quotes, tests), and of customers whose service waits or is suspended."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.columns.subjects import is_of_something_else, is_of_states
from dashboard.tables.readers.sheets import Fault, Sheet

_WORDS = tomllib.loads((Path(__file__).parents[2] / "words.toml").read_text(encoding="utf-8"))["status"]
_NEVER = re.compile(rf"(?:\w+[\s_-]+)?(?:{'|'.join(map(re.escape, _WORDS['never']))})(?!\w)")
"""Such a word is the first or the second of the cell: "Test", "Lead (web)", "Active lead"."""
_AFTER_ALL = re.compile(
    rf"won|convert|accept|signed|ganh|ganad|aceit|acept|заключ|gewonnen|(?<!\w)(?:{'|'.join(_WORDS['negations'])})\b"
)
"""What makes a customer of a lead, or takes the word back."""
MOST_KINDS = 60
SHOWN = 5
REASON = "says that this is no customer, or none yet"


def without_prospects(sheet: Sheet, unused: Mapping[str, pa.Array]) -> Sheet:
    """Customers without those of whom a column that is not used says that they are leads, quotes, tests and the like.

    Each is a fault of that column. Those who wait for their service, or are suspended, stay, and a note counts them.
    """
    faults: list[Fault] = []
    notes: list[str] = []
    for name, cells in unused.items():
        if is_of_something_else(name):
            continue
        kinds = _kinds(cells)
        never = _never(name, kinds)
        if lines := _lines(sheet, cells, never):
            faults += [Fault(line, name, REASON) for line in lines]
            notes.append(_rejected(name, never, len(lines)))
        for begins, what in (("waiting", "whose service has not begun"), ("interrupted", "who are suspended")):
            words = _beginning(name, kinds, _WORDS[begins], never)
            if lines := _lines(sheet, cells, words):
                notes.append(_kept(name, words, len(lines), what))
    return sheet.without(faults, notes)


def _kinds(cells: pa.Array) -> dict[str, str]:
    """The different cells and each in lower case; none where there are too many to be statuses."""
    distinct = pc.unique(cells.drop_null())
    return (
        {str(kind): str(kind).strip().lower() for kind in distinct.to_pylist()} if len(distinct) <= MOST_KINDS else {}
    )


def _lines(sheet: Sheet, cells: pa.Array, words: list[str]) -> list[int]:
    at = pc.fill_null(pc.is_in(cells, pa.array(words, pa.string())), False).to_numpy(zero_copy_only=False)
    return [int(line) for line in sheet.lines[np.asarray(at, dtype=bool)]]


def _never(name: str, kinds: Mapping[str, str]) -> list[str]:
    if name in _WORDS["never_columns"]:
        are_flags = set(kinds.values()) <= {*_WORDS["yes"], *_WORDS["no"]}
        return [kind for kind, text in kinds.items() if are_flags and text in _WORDS["yes"]]
    if not is_of_states(name) and not set(name.split("_")) & set(_WORDS["kind_columns"]):
        return []
    return [kind for kind, text in kinds.items() if _NEVER.match(text) and not _AFTER_ALL.search(text)]


def _beginning(name: str, kinds: Mapping[str, str], words: list[str], never: list[str]) -> list[str]:
    if not is_of_states(name):
        return []
    return [kind for kind, text in kinds.items() if text.startswith(tuple(words)) and kind not in never]


def _some(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")


def _says(rows: int) -> str:
    return "1 row says" if rows == 1 else f"{rows:,} rows say"


def _rejected(name: str, words: list[str], rows: int) -> str:
    every = ", ".join(json.dumps(word, ensure_ascii=False) for word in words)
    return (
        f"{name}: {_says(rows)} {_some(words)}: they are no customers, or none yet, and are not taken. Where they are customers,"
        f' say at the top of a mapping ignore = ["{name}"]; else leave them out with its [skip] "{name}" = [{every}]'
    )


def _kept(name: str, words: list[str], rows: int, what: str) -> str:
    return (
        f"{name}: {_says(rows)} {_some(words)}: customers {what} count as customers from started_on on; a mapping's [skip]"
        " leaves them out"
    )
