"""What of the hours of quality was not believed, by file, and how that is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from dashboard.panel.engines.sql_engine import Engine
from dashboard.tables.believed_hours import CELLS, FAULTS

CODE = "quality_refused"
COPY = "double"
"""The fault of hours that are on record already."""
MOST_FILES = 3
WHICH = (
    "; they lie in folders of different days: where one was written over that day's own hours, these are missing, and a copy"
    " of the data brings them back"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Of ``file`` so many ``rows`` were left out for a fault, or so many values of a column were taken as not measured.

    ``what`` is the code of the fault (see believed_hours.FAULTS) or the name of the column. Of hours that are on record
    already ``beside`` is the other file that holds them: which of the two is the copy, nobody knows.
    """

    file: str
    what: str
    rows: int
    beside: str = ""

    @property
    def may_be_missing(self) -> bool:
        """Whether the two files lie in folders of different days, so that one may have replaced hours of its own day."""
        return bool(self.beside) and PurePath(self.file).parent != PurePath(self.beside).parent

    @property
    def files(self) -> str:
        return " and ".join(sorted({self.file, self.beside} - {""}))


def read(engine: Engine) -> tuple[Refused, ...]:
    """By fault, then by column, the files with the most first; from history_refused."""
    sums = ", ".join(f"CAST(sum(bad_{name}) AS BIGINT)" for name in CELLS)
    found = []
    for file, beside, code, rows, *cells in engine.rows(
        f"SELECT file, beside, code, CAST(sum(rows) AS BIGINT), {sums} FROM history_refused GROUP BY file, beside, code"
    ):
        counts = {code: rows} if code else dict(zip(CELLS, cells, strict=True))
        other = _named(beside) if beside else ""
        found += [Refused(_named(file), what, int(count), other) for what, count in counts.items() if count]
    order = [*FAULTS, *CELLS]
    return tuple(sorted(found, key=lambda one: (order.index(one.what), -one.rows, one.file, one.beside)))


def note(refused: Sequence[Refused]) -> str:
    """All of it for people; empty where everything was believed."""
    rows = [_rows(code, [one for one in refused if one.what == code]) for code in FAULTS]
    columns = [_cells(name, [one for one in refused if one.what == name]) for name in CELLS]
    parts = []
    if said := [text for text in rows if text]:
        parts.append(f"Hours of quality left out, as if not observed: {'; '.join(said)}.")
    if said := [text for text in columns if text]:
        parts.append(f"Values of quality that cannot be, taken as not measured: {'; '.join(said)}.")
    return " ".join(parts)


def are_copies(refused: Sequence[Refused]) -> bool:
    """Whether nothing was left out but hours that count already: that costs nothing, and nobody has to mend it.

    Not where the files are of different days: one may have been written over the other day's own hours.
    """
    return all(one.what == COPY and not one.may_be_missing for one in refused)


def _rows(code: str, found: Sequence[Refused]) -> str:
    return f"{_count(found)} {FAULTS[code]}{_files(found)}" if found else ""


def _cells(name: str, found: Sequence[Refused]) -> str:
    return f"{_count(found)} of {name}{_files(found)}" if found else ""


def _count(found: Iterable[Refused]) -> str:
    return f"{sum(one.rows for one in found):,}"


def _files(found: Sequence[Refused]) -> str:
    named = list(dict.fromkeys(one.files for one in found if one.files))
    if not named:
        return ""
    more = f", and {len(named) - MOST_FILES} more" if len(named) > MOST_FILES else ""
    return f" (in {', '.join(named[:MOST_FILES])}{more}{WHICH if any(one.may_be_missing for one in found) else ''})"


def _named(file: str) -> str:
    """A file by its folder of a day and its name, as elsewhere."""
    return "/".join(PurePath(file).parts[-2:])
