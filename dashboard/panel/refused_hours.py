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


@dataclass(frozen=True, slots=True)
class Refused:
    """Of ``file`` so many ``rows`` were left out for a fault, or so many values of a column were taken as not measured.

    ``what`` is the code of the fault (see believed_hours.FAULTS) or the name of the column.
    """

    file: str
    what: str
    rows: int


def read(engine: Engine) -> tuple[Refused, ...]:
    """By fault, then by column, the files with the most first; from history_refused."""
    sums = ", ".join(f"CAST(sum(bad_{name}) AS BIGINT)" for name in CELLS)
    found = []
    for file, code, rows, *cells in engine.rows(
        f"SELECT file, code, CAST(sum(rows) AS BIGINT), {sums} FROM history_refused GROUP BY file, code"
    ):
        counts = {code: rows} if code else dict(zip(CELLS, cells, strict=True))
        found += [Refused(_named(file), what, int(count)) for what, count in counts.items() if count]
    order = [*FAULTS, *CELLS]
    return tuple(sorted(found, key=lambda one: (order.index(one.what), -one.rows, one.file)))


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
    """Whether nothing was left out but hours that count already: that costs nothing, and nobody has to mend it."""
    return all(one.what == COPY for one in refused)


def _rows(code: str, found: Sequence[Refused]) -> str:
    return f"{_count(found)} {FAULTS[code]}{_files(found)}" if found else ""


def _cells(name: str, found: Sequence[Refused]) -> str:
    return f"{_count(found)} of {name}{_files(found)}" if found else ""


def _count(found: Iterable[Refused]) -> str:
    return f"{sum(one.rows for one in found):,}"


def _files(found: Sequence[Refused]) -> str:
    named = [one.file for one in found if one.file]
    if not named:
        return ""
    more = f" and {len(named) - MOST_FILES} more files" if len(named) > MOST_FILES else ""
    return f" (in {', '.join(named[:MOST_FILES])}{more})"


def _named(file: str) -> str:
    """A file by its folder of a day and its name, as elsewhere."""
    return "/".join(PurePath(file).parts[-2:])
