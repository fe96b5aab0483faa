"""Rows of text as every kind of source hands them over, before anybody asks what they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bairro_error import BairroError

UNSEEN = r"[\x{ad}\x{200b}\x{200e}\x{200f}\x{2060}\x{feff}\x{202a}-\x{202e}\x{2066}-\x{2069}]"
"""Zero-width blanks, soft hyphens and marks of direction: nobody sees them, and two names differ by them."""
WIDE_BLANKS = r"[\x{a0}\x{1680}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"
ARABIC = "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹٫٬"
MOST_COLUMNS = 3_000
BLANK = pa.array(["", "NULL", "null", "\\N", "#N/A", "#NULL!", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?"])


class UnreadableError(BairroError, ValueError):
    """A source that is not the table it should be; the message says why, without the source's name."""


@dataclass(frozen=True)
class Fault:
    """One row that is refused: its line (or row) in the source, the column (None: the row as a whole) and why."""

    line: int
    column: str | None
    reason: str


@dataclass(frozen=True)
class Sheet:
    """A source's rows as text. ``columns`` maps lower-case names to columns with blank cells as null; ``lines`` gives
    where each row starts; ``faults`` are rows that are refused already, which are not among them.

    ``unit`` is what ``lines`` counts (line, row or feature), ``described`` says what was read, ``header`` where the
    columns' names stand. ``skipped`` rows were left out by a mapping, and ``unused`` columns were not asked for.
    ``is_decimal_stated``: a mapping says whether decimals have a comma, and nobody has to guess. ``divisors`` are what
    it says that the numbers of columns are to be divided by. ``currencies`` are those of columns that state another one than
    the provider's.
    ``services`` is how a mapping takes several services of one customer ("sum").
    ``unknown_reasons`` are the lines on which somebody went for a reason in words that are not known.
    ``beside`` are the workbook's other sheets that hold more such rows, where nobody named a sheet.
    ``warnings`` are notes that a person has to look at; ``refused_ids`` the customers' ids of refused rows,
    ``gone_ids`` of those of them that are refused since they say that the customer has gone.
    """

    columns: dict[str, pa.Array]
    lines: np.ndarray
    faults: tuple[Fault, ...]
    described: str
    unit: str = "line"
    header: str = "line 1"
    has_decimal_comma: bool = False
    is_decimal_stated: bool = False
    divisors: Mapping[str, float] = field(default_factory=dict)
    currencies: Mapping[str, str] = field(default_factory=dict)
    skipped: int = 0
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    refused_ids: tuple[str, ...] = ()
    gone_ids: tuple[str, ...] = ()
    unknown_reasons: tuple[int, ...] = ()
    services: str | None = None

    def without(self, faults: Sequence[Fault], notes: Sequence[str] = ()) -> Sheet:
        """The sheet without the rows of ``faults``, which join its own."""
        if not faults and not notes:
            return self
        refused = np.isin(self.lines, np.array([fault.line for fault in faults], dtype=np.int64))
        ids = self.columns["customer_id"].filter(pa.array(refused)).drop_null() if "customer_id" in self.columns else ()
        return replace(
            self,
            columns={name: cells.filter(pa.array(~refused)) for name, cells in self.columns.items()},
            lines=self.lines[~refused],
            faults=(*self.faults, *faults),
            notes=(*self.notes, *notes),
            refused_ids=(*self.refused_ids, *(str(one) for one in ids)),
        )

    @property
    def rows_read(self) -> int:
        return len(self.lines) + len({fault.line for fault in self.faults}) + self.skipped


def column_name(text: str) -> str:
    """A column's name as it is looked for: in lower case, blanks and hyphens as underscores."""
    seen = text if text.isascii() else normal(pa.array([text]))[0].as_py()
    return re.sub(r"[\s-]+", "_", seen.strip().lower())


def again(name: str, number: int) -> str:
    """What the column is called whose header says ``name`` for the ``number``-th time; no header's own name has a blank."""
    return f"{name} {number}"


def column_names(cells: Sequence[str], where: str) -> list[str]:
    """The names of a header's cells; a blank one is named by its place, one that stands there again by its number ("labels 2").

    Raises UnreadableError for more than any export of records has.
    """
    if len(cells) > MOST_COLUMNS:
        raise UnreadableError(
            f"{where}: {len(cells):,} columns, more than {MOST_COLUMNS:,}, are no export of records: leave out those that"
            " Bairro does not need"
        )
    seen: Counter[str] = Counter()
    names = []
    for position, cell in enumerate(cells):
        name = column_name(cell) or f"column_{position + 1}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else again(name, seen[name]))
    return names


def trimmed(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Text without blanks around it, its letters written one way; what stands for nothing is null."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pc.all(pc.string_is_ascii(whole), min_count=0).as_py():
        whole = normal(whole)
    stripped = pc.utf8_trim_whitespace(whole)
    return pc.if_else(pc.is_in(stripped, BLANK), pa.scalar(None, pa.string()), stripped)


def normal(text: pa.Array) -> pa.Array:
    """Text as everybody's keyboard writes it: accents with their letters (Unicode's form NFC, which Macs take apart in
    names of files), plain blanks, and nothing that is not seen."""
    composed = _with_digits(pc.utf8_normalize(text, "NFC"))
    return pc.replace_substring_regex(pc.replace_substring_regex(composed, WIDE_BLANKS, " "), UNSEEN, "")


def _with_digits(text: pa.Array) -> pa.Array:
    """Arabic and Persian digits, and their marks for decimals and thousands, as the digits that everybody's programs read."""
    if not pc.any(pc.match_substring_regex(text, f"[{ARABIC}]")).as_py():
        return text
    for digit, plain in zip(ARABIC, "01234567890123456789.,", strict=True):
        text = pc.replace_substring(text, digit, plain)
    return text


def has_content(columns: Sequence[pa.Array], rows: int) -> pa.Array:
    """Rows in which any cell is filled: spreadsheets export lines of separators alone."""
    filled = pa.array(np.zeros(rows, dtype=bool))
    for column in columns:
        filled = pc.or_(filled, pc.is_valid(column))
    return filled


def joined(columns: Sequence[pa.Array], between: str) -> pa.Array:
    """The columns' cells as one text each, blank ones left out; null where all are blank.

    Arrow's own join that skips nulls forgets rows of which every cell is null.
    """
    text = columns[0]
    for column in columns[1:]:
        both = pc.binary_join_element_wise(text, column, between)
        text = pc.if_else(pc.is_null(text), column, pc.if_else(pc.is_null(column), text, both))
    return text
