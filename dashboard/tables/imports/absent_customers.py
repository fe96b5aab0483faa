"""What a new export of customers says of those on record: who is absent, who has left, who came back."""

from __future__ import annotations

import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from collector import counted
from dashboard.tables.checks.on_record import absences, ends_on_record
from dashboard.tables.imports import hashed_ids
from dashboard.tables.imports.context import Context
from dashboard.tables.imports.joining import join_counts, joins
from dashboard.tables.imports.storage import merging
from dashboard.tables.readers.sheets import Sheet, UnreadableError


def with_ends(
    connection: duckdb.DuckDBPyConnection, context: Context, rows: pa.Table, sheet: Sheet
) -> ends_on_record.Kept:
    """The rows with the ends on record of which the file cannot tell; as they are where all in it are customers."""
    if context.came_back and context.spec.name != "customers":
        raise UnreadableError("--came-back is for customers")
    if context.spec.name != "customers" or context.came_back or context.absent == absences.LEFT:
        return ends_on_record.Kept(rows)
    return ends_on_record.kept(connection, rows, context.stored, sheet.columns)


def who_came_back(
    connection: duckdb.DuckDBPyConnection, context: Context, after: pa.Table
) -> tuple[list[str], list[str]]:
    """Warnings and notes on customers who had left on record and are customers again.

    Raises UnreadableError where they are too many and nobody says that it is so.
    """
    if context.spec.name != "customers" or not context.stored.num_rows:
        return [], []
    number, ended = ends_on_record.returned(connection, context.stored, after, context.today)
    if context.came_back and number:
        return [], [
            f"{counted.of(number, 'customer')} had left on record and {'is one' if number == 1 else 'are customers'} again, as --came-back says"
        ]
    if refusal := ends_on_record.refusal(number, ended):
        raise UnreadableError(refusal)
    return ends_on_record.doubted(number, ended)


def without_absent(
    connection: duckdb.DuckDBPyConnection, context: Context, imported: join_counts.Imported
) -> tuple[pa.Table, int, tuple[str, ...]]:
    """The table after the import with absent customers ended where that was asked for, how many, and what to say of them.

    Raises UnreadableError where too many are absent and nobody said why.
    """
    as_of, key = context.as_of, imported.key
    has_history = "valid_from" in imported.sheet.columns
    if context.absent is not None and context.spec.name != "customers":
        raise UnreadableError("--absent is for customers")
    if context.even_if_most and context.absent != absences.LEFT:
        raise UnreadableError("--even-if-most is said beside --absent left")
    if context.absent == absences.LEFT and as_of is None:
        raise UnreadableError("--absent left needs --as-of: the day of the export, before which they left")
    if context.spec.name != "customers" or key is None or not context.stored.num_rows:
        return imported.after, 0, ()
    given = _given(imported, key, with_gone=context.absent != absences.LEFT)
    active, rows = absences.absent_customers(connection, context.stored, given, context.today)
    number = rows.num_rows
    limit = context.settings.joins.absent_customers
    if context.absent is None and active >= absences.FEWEST and number > limit * active:
        raise UnreadableError(
            absences.refusal(
                number,
                active,
                limit,
                str(joins.why_other_customers(imported, context.stored)),
                imported.sheet.beside,
            )
        )
    if not number or (has_history and context.absent != absences.LEFT):
        return imported.after, 0, ()
    if context.absent != absences.LEFT or as_of is None:
        return (
            imported.after,
            0,
            (
                f"{counted.of(number, 'customer')} of earlier imports {'is not in this file and stays' if number == 1 else 'are not in this file; they stay'} as last known",
            ),
        )
    _check_left(context, imported, number, active, as_of)
    ended = absences.ended(connection, rows, as_of)
    after = merging.merge(connection, context.spec, ended, imported.after, is_export=False)
    gone = " or have gone by it" if imported.sheet.gone_ids else ""
    who = f"{counted.of(number, 'customer')} of earlier imports {'is' if number == 1 else 'are'} not in this file{gone}"
    said = f"{who}: ended before {as_of}, for a reason not known"
    return after.table, number, (said,)


def _check_left(
    context: Context, imported: join_counts.Imported, number: int, active: int, as_of: datetime.date
) -> None:
    """Raises UnreadableError where the file does not show that the ``number`` absent customers of ``active`` left."""
    if imported.sheet.beside:
        raise UnreadableError(absences.refusal_of_one_sheet(number, imported.sheet.beside))
    newest = absences.newest_export(context.stored)
    if newest is not None and as_of < newest:
        raise UnreadableError(absences.refusal_of_older(as_of, newest))
    if context.even_if_most:
        return
    reason = str(joins.why_other_customers(imported, context.stored))
    if refusal := absences.refusal_of_left(number, active, imported.sheet.rows_read, reason):
        raise UnreadableError(refusal)


def told_of_gone(
    connection: duckdb.DuckDBPyConnection, context: Context, imported: join_counts.Imported
) -> tuple[str, ...]:
    """A warning where customers on record are in the file, which says that they have gone and not since when."""
    key = imported.key
    if not imported.sheet.gone_ids or key is None or not context.stored.num_rows or context.absent == absences.LEFT:
        return ()
    numbers = [
        absences.absent_customers(
            connection, context.stored, _given(imported, key, with_gone=with_gone), context.today
        )[1].num_rows
        for with_gone in (True, False)
    ]
    number = numbers[1] - numbers[0]
    if not number:
        return ()
    who = "1 customer on record has" if number == 1 else f"{number:,} customers on record have"
    return (
        f"{who} gone by this file, which does not say since when, and {'stays' if number == 1 else 'stay'} on record as"
        " customers still: export ended_on, or say --absent left, which ends them on the day before --as-of",
    )


def _given(imported: join_counts.Imported, key: bytes, *, with_gone: bool) -> pa.Array:
    """The customers of every row of the file, hashed; also of those that were refused, but without ``with_gone`` not of
    those that say that the customer has gone."""
    sheet, rows = imported.sheet, imported.rows
    others = ~np.isin(sheet.lines, rows.column("line").to_numpy())
    written = sheet.columns["customer_id"].filter(pa.array(others)).drop_null()
    gone = frozenset() if with_gone else frozenset(sheet.gone_ids)
    ids = pa.array([one for one in sheet.refused_ids if one not in gone], pa.string())
    refused = hashed_ids.hash_ids(pa.concat_arrays([written, ids]), key)
    return pc.unique(pa.concat_arrays([rows.column("customer_id").combine_chunks(), refused]))
