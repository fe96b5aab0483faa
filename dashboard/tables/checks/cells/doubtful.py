"""Cells that are not what somebody meant to write: ids that Excel shortened, text that was read in the wrong encoding."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.checks.cells import encodings, ids
from dashboard.tables.readers.sheets import Fault, Sheet, UnreadableError
from dashboard.tables.schema import CHOICES, given_columns

NOT_READ = frozenset({"geometry", "timezone", *CHOICES})
WORDS = frozenset({"area", "name", "plan"})
ESCAPED = r"&(?:[A-Za-z]{2,8}|#\d{2,6}|#x[0-9A-Fa-f]{2,5});|\\u[0-9A-Fa-f]{4}"
TOTAL = r"(?i)^(?:(?:grand |sub|sub-)?totals?|sum|totais|totaal|итого|всего|gesamt|summe|somme)(?:[\s:].*)?$"
TOTAL_ALONE = r"(?i)^(?:grand |sub|sub-)?(?:totals?|sum|totais|totaal|итого|всего|gesamt|summe|somme):?$"
IDS = ("complaint_id", "response_id", "customer_id")
FILE_SHARE = 0.5
"""From this share of a column's cells on the file is refused and not the rows: another export is needed."""


def without_doubtful(sheet: Sheet, spec: TableSpec) -> Sheet:
    """The sheet without rows that hold such cells: each is a fault, and a note says what the text probably was.

    Raises UnreadableError where half of a column's ids are shortened.
    """
    sheet = _with_letters(sheet)
    faults: list[Fault] = _totals(sheet, spec)
    notes: list[str] = []
    for column in given_columns(spec):
        if column.type != "text" or column.name in NOT_READ or column.name not in sheet.columns:
            continue
        cells = sheet.columns[column.name]
        if column.name in ids.COLUMNS:
            faults += _shortened(sheet, column.name, cells)
        faults += _escaped_quotes(sheet, column.name, cells)
        found, told = _damaged(sheet, column.name, cells)
        faults += found
        notes += told
    return sheet.without(faults, notes)


def without_print_out(sheet: Sheet) -> Sheet:
    """The export without rows that repeat its header, as at the top of each page, and without rules of dashes."""
    if not len(sheet.lines):
        return sheet
    name, first = next(iter(sheet.columns.items()))
    may_be = pc.or_(_is_called(first, name), _is_rule(first))
    lines = sheet.lines[np.asarray(may_be.to_numpy(zero_copy_only=False), dtype=bool)]
    is_header, is_rule = np.ones(len(lines), dtype=bool), np.ones(len(lines), dtype=bool)
    for name, cells in sheet.columns.items() if len(lines) else ():
        some = cells.filter(may_be)
        is_header &= np.array(_is_called(some, name)) | np.array(pc.and_(pc.is_null(some), len(sheet.columns) > 1))
        is_rule &= np.array(_is_rule(some)) | np.array(pc.is_null(some))
    return sheet.without(
        [
            *(Fault(int(line), None, "repeats the header") for line in lines[is_header]),
            *(Fault(int(line), None, "is a rule of dashes") for line in lines[is_rule & ~is_header]),
        ]
    )


def _is_called(cells: pa.Array, name: str) -> pa.Array:
    plain = pc.replace_substring_regex(pc.utf8_lower(cells), r"[\s-]+", "_")
    return pc.fill_null(pc.equal(plain, name), False)


def _is_rule(cells: pa.Array) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(cells, r"^[-=+_]{2,}$"), False)


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


def _totals(sheet: Sheet, spec: TableSpec) -> list[Fault]:
    """Rows that add up the others: by the id, and the last by the name, as an area or plan may be called Total."""
    name = next(one for one in (*(key for key in IDS if key in spec.column_names), spec.key[0]) if one)
    cells = sheet.columns.get(name)
    if cells is None:
        return []
    is_id = name in IDS
    at = np.array(pc.fill_null(pc.match_substring_regex(cells, TOTAL if is_id else TOTAL_ALONE), False))
    at &= is_id | (np.arange(len(cells)) == len(cells) - 1)
    return [Fault(line, name, "is a line of totals") for line in sheet.lines[at].tolist()]


def _escaped_quotes(sheet: Sheet, name: str, cells: pa.Array) -> list[Fault]:
    r"""Cells of an export that writes \" within quotation marks, as MySQL does: read as CSV they are garbled."""
    at = pc.fill_null(pc.match_substring_regex(cells, r'\\.*"|".*\\'), False).to_numpy(zero_copy_only=False)
    reason = "has a backslash beside a quotation mark: let the export double quotation marks, and not escape them"
    return [Fault(line, name, reason) for line in sheet.lines[at].tolist()]


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
