"""A column that says who has gone, in an export that does not say when: such rows must not count as customers."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.tables.checks.columns import prospects, reasons
from dashboard.tables.checks.columns.departures import plain
from dashboard.tables.checks.columns.subjects import is_of_customer, is_of_something_else
from dashboard.tables.readers.sheets import Fault, Sheet

_ALL = tomllib.loads((Path(__file__).parents[1] / "words.toml").read_text(encoding="utf-8"))
_WORDS = _ALL["status"]
_GOING = (
    *_WORDS["inactive_columns"],
    *_WORDS["switched_off"],
    *_ALL["departure"]["stems"],
    *_ALL["departure"]["whole"],
)
_KNOWN = tuple(
    word for key in ("here", "gone", "waiting", "interrupted", "never", "gone_whole") for word in _WORDS[key]
)
_WHOLE = re.compile(rf"(?:{'|'.join(map(re.escape, _WORDS['gone_whole']))})(?:\s*[-(,;:/\d].*)?")
_WITHIN = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _WORDS['gone']))})")
_HEDGE = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _WORDS['hedges']))}|(?:{'|'.join(_WORDS['negations'])})\b)")
MOST_KINDS = 60
LONGEST_CODE = 5
SHOWN = 5
MOST_UNKNOWN = 12
REASON = "says that the customer has gone, and ended_on is blank"


def without_non_customers(sheet: Sheet, unused: Mapping[str, pa.Array]) -> Sheet:
    """Customers without leads, tests and the like (see prospects), and without those who have gone."""
    made = prospects.without_prospects(sheet, unused)
    kept = pa.array(np.isin(sheet.lines, made.lines))
    beside = {name: cells.filter(kept) for name, cells in unused.items()}
    gone = without_gone(made, beside)
    kept = pa.array(np.isin(made.lines, gone.lines))
    return reasons.told_where_reasons(gone, {name: cells.filter(kept) for name, cells in beside.items()})


def without_gone(sheet: Sheet, unused: Mapping[str, pa.Array]) -> Sheet:
    """Customers without those of whom a column that is not used says that they have gone, and ended_on does not say when.

    Each is a fault of that column. ``unused`` are the columns of the export, by name, that nothing takes, row by row.
    """
    ended = sheet.columns.get("ended_on")
    is_open = np.ones(len(sheet.lines), dtype=bool) if ended is None else ended.is_null().to_numpy(zero_copy_only=False)
    faults: list[Fault] = []
    notes: list[str] = []
    warnings: list[str] = []
    for name, cells in unused.items():
        open_cells = cells.filter(pa.array(is_open))
        words = _gone(name, cells)
        says = pc.fill_null(pc.is_in(cells, pa.array(words, pa.string())), False).to_numpy(zero_copy_only=False)
        lines = sheet.lines[says & is_open].tolist()
        if lines:
            faults += [Fault(line, name, REASON) for line in lines]
            notes.append(_note(name, words, len(lines)))
        elif not words and (said := _not_understood(name, open_cells)):
            warnings.append(said)
    return replace(sheet, warnings=(*sheet.warnings, *warnings)).without(faults, notes)


def rows_say(rows: int) -> str:
    return "1 row says" if rows == 1 else f"{rows:,} rows say"


def _note(name: str, words: list[str], rows: int) -> str:
    some = ", ".join(f'"{word}"' for word in words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")
    every = ", ".join(json.dumps(word, ensure_ascii=False) for word in words)
    return (
        f"{name}: {rows:,} rows say {some} and not since when, so they are no customers and are not taken: take ended_on"
        f' from the column with the day, or leave them out with a mapping\'s [skip] "{name}" = [{every}]'
    )


def _gone(name: str, cells: pa.Array) -> list[str]:
    """The cells of the column that say so, where it is one of statuses; none where it is about something else."""
    kinds = [str(kind) for kind in pc.unique(cells.drop_null()).to_pylist()]
    if not kinds or is_of_something_else(name):
        return []
    lowered = {kind: kind.strip().lower().replace("\u0307", "") for kind in kinds}  # of a Turkish capital İ
    if len({re.sub(r"\d+", "", text) for text in lowered.values()}) > MOST_KINDS:
        return []
    if (flags := _flagged(name, lowered)) is not None:
        return flags
    is_named = _is_named(name)
    if is_named and (codes := _codes(lowered)):
        return codes
    gone = [kind for kind, text in lowered.items() if (_says_gone(text) if is_named else _begins_gone(text))]
    here = [kind for kind, text in lowered.items() if text.startswith(tuple(_WORDS["here"])) and kind not in gone]
    is_of_statuses = is_named or (len(gone) + len(here) == len(kinds) and bool(here))
    return gone if is_of_statuses else []


def _is_named(name: str) -> bool:
    return any(word in name for word in _WORDS["columns"]) or is_of_customer(name, _WORDS["active_columns"])


def _flagged(name: str, lowered: Mapping[str, str]) -> list[str] | None:
    """Of a column of yes and no the cells that say that a customer has gone; None where it is no such column."""
    says_yes = [kind for kind, text in lowered.items() if text in _WORDS["yes"]]
    says_no = [kind for kind, text in lowered.items() if text in _WORDS["no"]]
    if is_named_for_going(name):
        return says_yes if len(says_yes) + len(says_no) == len(lowered) else None
    return says_no if says_no and is_of_customer(name, _WORDS["active_columns"]) else None


def is_named_for_going(name: str) -> bool:
    """Whether a yes in the column says that the customer has gone (and not that somebody asked for it)."""
    is_going = is_of_customer(name, _GOING) or is_of_customer(plain(name), _GOING)
    return is_going and not any(word in name for word in _WORDS["hedges"])


def _not_understood(name: str, cells: pa.Array) -> str | None:
    """A warning where the column must be one of the customer's states and none of its words or codes is known."""
    counts = {str(one["values"]): int(one["counts"]) for one in pc.value_counts(cells.drop_null()).to_pylist()}
    if not 2 <= len(counts) <= MOST_UNKNOWN or is_of_something_else(name) or not _is_of_state(name):
        return None
    if any(text.strip().lower().startswith(_KNOWN) or _is_code_of_here(text) for text in counts):
        return None
    some = ", ".join(f'"{text}" in {rows:,}' for text, rows in sorted(counts.items(), key=lambda one: -one[1])[:SHOWN])
    return (
        f"{name}: holds {some} rows, and which of them say that a customer has gone is not known, so all count as customers:"
        f' say in a mapping [skip] "{name}" = [...] with those who have gone, or ignore = ["{name}"] where none has'
    )


def _is_of_state(name: str) -> bool:
    """Whether the column is called by a word for states, and by words for the customer; "state" and "estado" are also places."""
    if name in _WORDS["also_places"]:
        return False
    return (
        is_of_customer(name, [word for word in _WORDS["columns"] if len(word) > 4]) or plain(name) in _WORDS["columns"]
    )


def _is_code_of_here(text: str) -> bool:
    return text.strip().lower() in (*_WORDS["here_codes"], _WORDS["here_letters"][0])


def _codes(lowered: Mapping[str, str]) -> list[str]:
    """Those of short codes (A, C, ATV, CAN, ...) that are not those of active ones, nor suspended, new or pending."""
    texts = set(lowered.values())
    if texts & set(_WORDS["here_codes"]) and all(len(text) <= LONGEST_CODE for text in texts):
        return [kind for kind, text in lowered.items() if text in _WORDS["gone_codes"]]
    has_no_and_yes = "n" in texts and bool(texts & set(_WORDS["yes"]))
    here = set(_WORDS["here_letters"]) - ({"n"} if has_no_and_yes else set())
    if not texts & here or any(len(text) != 1 for text in texts):
        return []
    return [kind for kind, text in lowered.items() if text in _WORDS["gone_letters"]]


def _begins_gone(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text)) or text.startswith(tuple(_WORDS["gone"]))


def _says_gone(text: str) -> bool:
    """Whether a word anywhere in the cell of a status says so, and none before it takes it back (not, pending)."""
    if _begins_gone(text):
        return True
    return bool(_WITHIN.search(text)) and not text.startswith(tuple(_WORDS["here"])) and not _HEDGE.search(text)
