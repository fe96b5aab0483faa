"""Cells that are not what somebody meant to write: ids that Excel shortened, text that was read in the wrong encoding."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.checks import encodings, ids
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError
from dashboard.tables.schema import CHOICES, given_columns

NOT_READ = frozenset({"geometry", "timezone", *CHOICES})
WORDS = frozenset({"area", "name", "plan"})
ESCAPED = r"&(?:[A-Za-z]{2,8}|#\d{2,6}|#x[0-9A-Fa-f]{2,5});|\\u[0-9A-Fa-f]{4}"
TOTAL = r"(?i)^(?:(?:grand |sub|sub-)?totals?|sum|totais|totaal|итого|всего|gesamt|summe|somme)(?:[\s:].*)?$"
FILE_SHARE = 0.5
"""From this share of a column's cells on the file is refused and not the rows: another export is needed."""


def without_doubtful(sheet: Sheet, spec: TableSpec) -> Sheet:
    """The sheet without rows that hold such cells: each is a fault, and a note says what the text probably was.

    Raises UnreadableError where half of a column's ids are shortened.
    """
    sheet = _with_letters(sheet)
    faults: list[Fault] = _totals(sheet)
    notes: list[str] = []
    for column in given_columns(spec):
        if column.type != "text" or column.name in NOT_READ or column.name not in sheet.columns:
            continue
        cells = sheet.columns[column.name]
        if column.name in ids.COLUMNS:
            faults += _shortened(sheet, column.name, cells)
        found, told = _damaged(sheet, column.name, cells)
        faults += found
        notes += told
    return sheet.without(faults, notes)


def _with_letters(sheet: Sheet) -> Sheet:
    """Names with the letters for which a web page's or a program's signs stand: S&atilde;o and S\\u00e3o are São."""
    columns, notes = dict(sheet.columns), []
    for name in sorted(WORDS & set(columns)):
        cells = columns[name]
        written = pc.unique(cells.filter(pc.fill_null(pc.match_substring_regex(cells, ESCAPED), False))).to_pylist()
        meant = {text: _unescaped(text) for text in written if _unescaped(text) != text}
        if meant:
            encoded = cells.dictionary_encode()
            made = pa.array([meant.get(text, text) for text in encoded.dictionary.to_pylist()], pa.string())
            columns[name] = made.take(encoded.indices)
            text = next(iter(meant))
            notes.append(f"{name}: {text!r} and the like were read as {meant[text]!r}")
    return replace(sheet, columns=columns, notes=(*sheet.notes, *notes)) if notes else sheet


def _unescaped(text: str) -> str:
    return html.unescape(re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text))


def _totals(sheet: Sheet) -> list[Fault]:
    """Rows that add up the others."""
    cells = sheet.columns.get("customer_id")
    if cells is None:
        return []
    at = pc.fill_null(pc.match_substring_regex(cells, TOTAL), False).to_numpy(zero_copy_only=False)
    return [Fault(line, "customer_id", "is a line of totals") for line in sheet.lines[at].tolist()]


def _shortened(sheet: Sheet, name: str, cells: pa.Array) -> list[Fault]:
    is_short = pc.fill_null(pc.match_substring_regex(cells, ids.SHORTENED), False).to_numpy(zero_copy_only=False)
    if not is_short.any():
        return []
    reason = "looks like a number that Excel shortened (written like 1.2E+10)"
    lines = sheet.lines[is_short].tolist()
    filled = len(cells) - cells.null_count
    if len(lines) >= FILE_SHARE * filled:
        raise UnreadableError(
            f"{name} {reason} in {len(lines):,} of {filled:,} cells, the first on {sheet.unit} {lines[0]}: the digits left"
            " out are lost, and different ids look the same; make the column one of text or of whole numbers, and export"
            " the file again"
        )
    return [Fault(line, name, reason) for line in lines]


def _damaged(sheet: Sheet, name: str, cells: pa.Array) -> tuple[list[Fault], list[str]]:
    may_be = pc.or_(pc.invert(pc.string_is_ascii(cells)), pc.match_substring(cells, "?"))
    found = encodings.damaged(pc.unique(cells.filter(pc.fill_null(may_be, False))), are_words=name in WORDS)
    if not found:
        return [], []
    faults, notes = [], []
    for is_lost, reason in ((False, "was read in the wrong encoding"), (True, "has lost letters")):
        texts = [text for text, better in found.items() if (better is None) == is_lost]
        if not texts:
            continue
        at = pc.fill_null(pc.is_in(cells, pa.array(texts, pa.string())), False).to_numpy(zero_copy_only=False)
        lines = sheet.lines[at].tolist()
        faults += [Fault(line, name, reason) for line in lines]
        notes.append(
            f"{name}: {_said(texts[0], found[texts[0]], name)} ({sheet.unit} {lines[0]}); export the file as UTF-8"
        )
    return faults, notes


def _said(text: str, better: str | None, name: str) -> str:
    """With an example, but of ids only in what they are."""
    if name not in ("area", "name", "plan", "technology", "channel", "source"):
        return "an id has letters of a wrong encoding"
    if better is None:
        return f"{text!r} has lost letters, ? or \ufffd stand where they were"
    return f"{text!r} is probably {better!r}, read in the wrong encoding"
