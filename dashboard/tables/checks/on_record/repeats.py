"""What a whole file says over and over: every row twice under different ids, one day on which all began or went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec

TWINS_OF = {"customers": "customer_id", "complaints": "complaint_id", "nps": "response_id"}
FEWEST_KINDS, MOST_SINGLE = 10, 0.05
"""So many different rows there are at least, and such a share of them occurs an odd number of times."""
FEWEST_AGAIN, SHARE_AGAIN = 10, 0.9
FEWEST_ON_ONE_DAY = 20


@dataclass(frozen=True)
class SingleDay:
    """A column of which a share of the days is one and the same; from so many rows on a person has to look at it, if ever."""

    column: str
    share: float
    fewest_in_doubt: int | None
    said: str


SINGLE_DAYS = (
    SingleDay(
        "started_on",
        0.4,
        None,  # the usual trace of a move to a new program: nothing is wrong with the import
        "customers began on {day}: if that is the day on which they were entered into the program, how long they had been"
        " customers before is not known, and is counted from that day",
    ),
    SingleDay(
        "ended_on",
        0.6,
        40,
        "customers who went did so on {day}: if that is a clean-up of the program, they left before, and their departures"
        " count on the wrong day",
    ),
)


def told(connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: pa.Table, stored: pa.Table) -> list[str]:
    """Warnings on the accepted ``rows`` (typed, ids hashed) beside those ``stored`` before."""
    if spec.name not in TWINS_OF or not rows.num_rows:
        return []
    connection.register("rows", rows)
    connection.register("stored", stored)
    return [*_twins(connection, spec), *(_again(connection, spec) if stored.num_rows else ())]


def _others(spec: TableSpec) -> list[str]:
    return [name for name in spec.column_names if name != TWINS_OF[spec.name]]


def _twins(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> Iterator[str]:
    """Where every row is there twice (or four times): by chance every second would be there an odd number of times."""
    others = ", ".join(_others(spec))
    kinds, single, number = connection.execute(
        "SELECT count(*), count(*) FILTER (number % 2 = 1), sum(number) FROM"
        f" (SELECT count(DISTINCT {TWINS_OF[spec.name]}) AS number FROM rows GROUP BY {others})"
    ).fetchall()[0]
    if kinds >= FEWEST_KINDS and single <= MOST_SINGLE * kinds:
        yield (
            f"nearly all of the {int(number):,} rows are there twice, alike in everything but {TWINS_OF[spec.name]}: is it the"
            f" same list under two kinds of id, or a row for each service? {spec.name} count twice so"
        )


def _again(connection: duckdb.DuckDBPyConnection, spec: TableSpec) -> Iterator[str]:
    """Where the rows are on record already under other ids. Customers are compared by their device."""
    key = TWINS_OF[spec.name]
    others = [name for name in _others(spec) if name != "valid_from"]
    same = " AND ".join(f"stored.{name} IS NOT DISTINCT FROM rows.{name}" for name in others)
    named = "rows.device_id IS NOT NULL" if spec.name == "customers" else "rows.customer_id IS NOT NULL"
    number, again = connection.execute(
        f"SELECT count(*), count(*) FILTER (EXISTS (SELECT 1 FROM stored WHERE {same} AND stored.{key} <> rows.{key}))"
        f" FROM rows WHERE {named} AND NOT EXISTS (SELECT 1 FROM stored WHERE stored.{key} = rows.{key})"
    ).fetchall()[0]
    if number >= FEWEST_AGAIN and again >= SHARE_AGAIN * number:
        yield (
            f"{again:,} of {number:,} new rows are on record already, alike in everything but {key}: the same {spec.name}"
            " under other ids count twice; take one of the two imports back (--undo)"
        )


def told_of_single_days(spec: TableSpec, rows: pa.Table, stored: pa.Table) -> tuple[list[str], list[str]]:
    """Warnings and notes where many customers began, or went, on one day that is new to the records."""
    warnings: list[str] = []
    notes: list[str] = []
    if spec.name == "customers":
        for one in SINGLE_DAYS:
            day, number, of_all = _usual(rows, one.column)
            is_usual = number >= one.share * of_all and of_all >= FEWEST_ON_ONE_DAY
            if is_usual and _usual(stored, one.column)[0] != day:
                said = f"{one.column}: {number:,} of {of_all:,} {one.said.format(day=day)}"
                is_doubt = one.fewest_in_doubt is not None and of_all >= one.fewest_in_doubt
                (warnings if is_doubt else notes).append(said)
    return warnings, notes


def _usual(rows: pa.Table, column: str) -> tuple[object, int, int]:
    """The day that most have, how many, and of how many that have one."""
    days = rows.column(column).drop_null()
    counts = pc.value_counts(days.combine_chunks() if isinstance(days, pa.ChunkedArray) else days)
    if not len(counts):
        return None, 0, 0
    at = int(pc.index(counts.field("counts"), pc.max(counts.field("counts"))).as_py())
    return counts.field("values")[at].as_py(), int(counts.field("counts")[at].as_py()), len(days)
