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

from dashboard.tables.checks.columns.subjects import is_of_customer, is_of_something_else, is_of_states
from dashboard.tables.checks.columns.who_left import prospects, reasons, unknown_states
from dashboard.tables.checks.columns.who_left.departures import plain
from dashboard.tables.readers.sheets import Fault, Sheet

_ALL = tomllib.loads((Path(__file__).parents[2] / "words.toml").read_text(encoding="utf-8"))
_WORDS = _ALL["status"]
_GOING = (
    *_WORDS["inactive_columns"],
    *_WORDS["switched_off"],
    *_ALL["departure"]["stems"],
    *_ALL["departure"]["whole"],
)
_WHOLE = re.compile(rf"(?:{'|'.join(map(re.escape, _WORDS['gone_whole']))})(?:\s*[-(,;:/\d].*)?")
_WITHIN = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _WORDS['gone']))})")
_HEDGE = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _WORDS['hedges']))}|(?:{'|'.join(_WORDS['negations'])})\b)")
MOST_KINDS = 60
LONGEST_CODE = 5
SHOWN = 5
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
        words = _gone(name, cells)
        says = pc.fill_null(pc.is_in(cells, pa.array(words, pa.string())), False).to_numpy(zero_copy_only=False)
        lines = sheet.lines[says & is_open].tolist()
        if lines:
            faults += [Fault(line, name, REASON) for line in lines]
            left = cells.filter(pa.array(says & is_open))
            notes.append(_note(name, left, len(lines), has_ended=bool((says & ~is_open).any())))
        found = unknown_states.told(name, cells.filter(pa.array(is_open)), words)
        (warnings if found.is_warning else notes).extend(found.said)
    ids = sheet.columns.get("customer_id", pa.nulls(len(sheet.lines), pa.string()))
    gone = ids.filter(pa.array(np.isin(sheet.lines, [fault.line for fault in faults]))).drop_null().to_pylist()
    return replace(sheet, warnings=(*sheet.warnings, *warnings), gone_ids=tuple(gone)).without(faults, notes)


def rows_say(rows: int) -> str:
    return "1 row says" if rows == 1 else f"{rows:,} rows say"


def _note(name: str, cells: pa.Array, rows: int, *, has_ended: bool) -> str:
    words = pc.unique(cells).to_pylist()
    some = ", ".join(f'"{word}"' for word in words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")
    every = ", ".join(json.dumps(word, ensure_ascii=False) for word in words)
    skip = f'[skip] "{name}" = [{every}]'
    skipping = (
        f"; {skip} would leave out also those of them who have an end, and lose their departures"
        if has_ended
        else f", or leave them out with {skip}"
    )
    return (
        f"{name}: {rows_say(rows)} {some} but not since when, so these rows are not taken as customers. In a mapping take"
        f" ended_on from the column that has the day{skipping}"
    )


def _gone(name: str, cells: pa.Array) -> list[str]:
    """The cells of the column that say so, where it is one of statuses; none where it is about something else."""
    kinds = [str(kind) for kind in pc.unique(cells.drop_null()).to_pylist()]
    if not kinds or is_of_something_else(name) or unknown_states.is_of_sessions(name):
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
    return is_of_states(name) or is_of_customer(name, _WORDS["active_columns"])


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


def _codes(lowered: Mapping[str, str]) -> list[str]:
    """Those of short codes (A, C, ATV, CAN, ...) that are not those of active ones, nor suspended, new or pending."""
    texts = set(lowered.values())
    has_no_and_yes = "n" in texts and bool(texts & set(_WORDS["yes"]))
    here = {*_WORDS["here_codes"], *_WORDS["here_letters"]} - ({"n"} if has_no_and_yes else set())
    if not texts & here or any(len(text) > LONGEST_CODE for text in texts):
        return []
    return [kind for kind, text in lowered.items() if text in (*_WORDS["gone_codes"], *_WORDS["gone_letters"])]


def _begins_gone(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text)) or text.startswith(tuple(_WORDS["gone"]))


def _says_gone(text: str) -> bool:
    """Whether a word anywhere in the cell of a status says so, and none before it takes it back (not, pending)."""
    if _begins_gone(text):
        return True
    return bool(_WITHIN.search(text)) and not text.startswith(tuple(_WORDS["here"])) and not _HEDGE.search(text)
