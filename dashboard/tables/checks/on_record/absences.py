"""Customers on record whom a new export of customers no longer has: gone, or only not in the file?"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from collector import counted

LEFT, STAY = "left", "stay"
FEWEST = 10
"""With fewer customers on record a share says nothing, and the file is taken."""
LEAST_NAMED = 0.5
"""A file that names fewer of the customers on record is not believed that all the others left."""


def absent_customers(
    connection: duckdb.DuckDBPyConnection, stored: pa.Table, given: pa.Array, as_of: datetime.date
) -> tuple[int, pa.Table]:
    """How many customers were with the provider on record, and the newest rows of those who are not among ``given``.

    ``given`` are the (hashed) ids of every row of the file, refused ones too. With the provider: the newest row of the
    newest spell has no end, or one after ``as_of``.
    """
    connection.register("stored", stored)
    connection.register("given", pa.table({"customer_id": given}))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE active AS SELECT * FROM stored"
        " QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY started_on DESC, valid_from DESC) = 1"
    )
    connection.execute("DELETE FROM active WHERE ended_on IS NOT NULL AND ended_on < ?", [as_of])
    (number,) = connection.execute("SELECT count(*) FROM active").fetchall()[0]
    absent = connection.sql("SELECT * FROM active ANTI JOIN given USING (customer_id) ORDER BY customer_id")
    return number, absent.to_arrow_table()


def ended(connection: duckdb.DuckDBPyConnection, absent: pa.Table, as_of: datetime.date) -> pa.Table:
    """Those rows as they stand from ``as_of`` on: their last day is the day before it, or their first where that is later."""
    connection.register("absent", absent)
    return connection.sql(
        "SELECT * REPLACE (greatest(CAST(? AS DATE) - 1, started_on) AS ended_on,"
        " greatest(CAST(? AS DATE), valid_from) AS valid_from),"
        " -row_number() OVER (ORDER BY customer_id) AS line FROM absent",
        params=[as_of, as_of],
    ).to_arrow_table()


def refusal_of_left(number: int, active: int, rows: int, reason: str) -> str | None:
    """Why a file of ``rows`` rows is not believed that all ``number`` absent ones of ``active`` left; None where it is.

    ``reason`` says how its ids are those on record written otherwise, where they are. Nobody's customers leave by halves.
    """
    named = active - number
    if not number or (rows and named >= LEAST_NAMED * active and not reason):
        return None
    what = (
        "the file has no row"
        if not rows
        else f"the file names {named:,} of the {active:,} customers with you on record"
    )
    why = f". Are its ids written differently? {reason}" if reason else ""
    return (
        f"{what}, so --absent left would end {number:,} of {active:,}; import the whole list, or say --even-if-most"
        f" beside --absent left where they have really gone{why}"
    )


def refusal_of_one_sheet(number: int, others: Sequence[str]) -> str:
    """Why nobody is ended by one sheet of a workbook whose ``others`` hold such rows too."""
    who = "1 customer on record is" if number == 1 else f"{number:,} customers on record are"
    return f"{who} not on the sheet that was read, and nobody is ended by it{told_of_sheets(others)}"


def told_of_sheets(others: Sequence[str]) -> str:
    """Where the absent ones may be, and what to do; blank where the workbook has no ``others`` with such rows."""
    if not others:
        return ""
    return (
        f"; the workbook has more rows under the same columns, on {counted.of(len(others), 'other sheet')}"
        f" ({', '.join(map(repr, others))}): put all customers on one sheet and import that, or import each sheet with --sheet"
        " and --absent stay; where one sheet alone holds all customers of today, name it with --sheet"
    )


def refusal_of_older(as_of: datetime.date, newest: datetime.date) -> str:
    """Why an export may not end customers whom a newer one still has."""
    return (
        f"this export is of {as_of} and the newest on record of {newest}, so who is absent from it may have come later"
        " and nobody is ended by it: say --absent stay, or import a newer export"
    )


def newest_export(stored: pa.Table) -> datetime.date | None:
    """The day of the newest export on record, or the newest day on which a row of it holds."""
    until = (stored.schema.metadata or {}).get(b"complete_until", b"").decode()
    days = [datetime.date.fromisoformat(until) + datetime.timedelta(days=1)] if until else []
    newest = pc.max(stored.column("valid_from")).as_py()
    return max([*days, *([newest] if newest else [])], default=None)


def refusal(number: int, active: int, share: float, reason: str, beside: Sequence[str] = ()) -> str:
    """Why the file is refused, and how to say which it is."""
    why = f"; are its ids written differently? {reason}" if reason else "; or is it another file?"
    return (
        f"{number:,} of the {active:,} customers on record are not in this file, more than {share:.0%}"
        " (joins.absent_customers), and nothing says why: say --absent left where it is an export of active customers only"
        f" (they ended by --as-of), --absent stay where it holds a part of them or changes alone (they stay as last known){told_of_sheets(beside)}{why}"
    )
