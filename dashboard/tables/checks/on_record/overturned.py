"""What one file would change of much that is on record: ticket numbers used again, most customers moved, names exchanged."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from collector.published import TableSpec

EVENTS = {"complaints": ("complaint_id", "opened_at"), "nps": ("response_id", "answered_on")}
FEWEST_USED_AGAIN = 3
MOST_USED_AGAIN = 0.5
FEWEST_MOVED, MOST_MOVED = 10, 0.2
MAY_BE_EMPTIED = ("device_id", "technology", "plan", "monthly_price", "contract_until")

NEWEST = "SELECT * FROM {table} QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY started_on DESC, valid_from DESC) = 1"
USED_AGAIN = """
SELECT
    count(*) FILTER (
        (was.customer_id IS DISTINCT FROM now.customer_id OR was.area IS DISTINCT FROM now.area AND now.customer_id IS NULL)
        AND abs(epoch(CAST(was.{at} AS TIMESTAMP)) - epoch(CAST(now.{at} AS TIMESTAMP))) >= 86400
    ),
    count(*) FILTER (was IS DISTINCT FROM now)
FROM before AS was JOIN after AS now USING ({key})
"""


def refusal(connection: duckdb.DuckDBPyConnection, spec: TableSpec, before: pa.Table, after: pa.Table) -> str | None:
    """Why a file is refused of whose changes on record most are other complaints (or answers) under known numbers.

    Another one: another customer, or area where none is named, and a day or more apart. None where it is not so.
    """
    number, changed = _used_again(connection, spec, before, after)
    if number < FEWEST_USED_AGAIN or number <= MOST_USED_AGAIN * changed:
        return None
    key, at = EVENTS[spec.name]
    return (
        f"{number:,} of the {changed:,} {spec.name} that would change have a {key} that is on record with another customer"
        f" and another {at}: are the numbers used again, or those of another system? The ones on record would be lost. In a"
        f' mapping [columns.{key}] source = ["{at}", "{key}"] makes them different: it puts the day before the number'
    )


def told(connection: duckdb.DuckDBPyConnection, spec: TableSpec, before: pa.Table, after: pa.Table) -> list[str]:
    """Warnings on what the records ``after`` an import say otherwise than ``before`` of much that was known."""
    if not before.num_rows:
        return []
    if spec.name == "customers":
        return [*_moved(connection, before, after), *_emptied(connection, before, after)]
    if spec.name == "areas":
        return _exchanged(connection, before, after)
    number, changed = _used_again(connection, spec, before, after)
    if not number:
        return []
    key, at = EVENTS[spec.name]
    return [
        f"{number:,} of the {changed:,} {spec.name} that change have a {key} that was on record with another customer and"
        f" another {at}, and take its place: --undo takes the import back"
    ]


def _used_again(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, before: pa.Table, after: pa.Table
) -> tuple[int, int]:
    """Of how many ids the customer and the day are others than before, and of how many ids anything is."""
    if spec.name not in EVENTS or not before.num_rows:
        return 0, 0
    key, at = EVENTS[spec.name]
    connection.register("before", before)
    connection.register("after", after)
    return connection.execute(USED_AGAIN.format(key=key, at=at)).fetchall()[0]


def _moved(connection: duckdb.DuckDBPyConnection, before: pa.Table, after: pa.Table) -> list[str]:
    """Where more customers moved than move between two exports: areas were exchanged, or are called otherwise."""
    connection.register("before", before)
    connection.register("after", after)
    number, known = connection.execute(
        f"SELECT count(*) FILTER (was.area <> now.area), count(*) FROM ({NEWEST.format(table='before')}) AS was"
        f" JOIN ({NEWEST.format(table='after')}) AS now USING (customer_id) WHERE was.ended_on IS NULL"
    ).fetchall()[0]
    if number < FEWEST_MOVED or number <= MOST_MOVED * known:
        return []
    return [
        f"{number:,} of {known:,} customers moved to another neighbourhood: are neighbourhoods exchanged or called otherwise"
        " in this file, or read from another column? --undo takes the import back"
    ]


def _emptied(connection: duckdb.DuckDBPyConnection, before: pa.Table, after: pa.Table) -> list[str]:
    """Where much that was known of customers is blank now: an export of which a join has failed."""
    connection.register("before", before)
    connection.register("after", after)
    counts = ", ".join(
        f"count(*) FILTER (was.{name} IS NOT NULL AND now.{name} IS NULL), count(was.{name})" for name in MAY_BE_EMPTIED
    )
    found = connection.execute(
        f"SELECT {counts} FROM ({NEWEST.format(table='before')}) AS was JOIN ({NEWEST.format(table='after')}) AS now"
        " USING (customer_id) WHERE was.ended_on IS NULL"
    ).fetchall()[0]
    return [
        f"{name}: blank now of {blank:,} of {known:,} customers of whom it was known: has the export lost them? --undo takes the"
        " import back; a file without the column changes nothing"
        for name, blank, known in zip(MAY_BE_EMPTIED, found[::2], found[1::2], strict=True)
        if blank >= FEWEST_MOVED and blank > MOST_MOVED * known
    ]


def _exchanged(connection: duckdb.DuckDBPyConnection, before: pa.Table, after: pa.Table) -> list[str]:
    """Where a neighbourhood has the name that another one had, which has a new one too."""
    connection.register("before", before)
    connection.register("after", after)
    found = connection.execute(
        "WITH renamed AS (SELECT area, was.name AS old, now.name AS new FROM before AS was JOIN after AS now USING (area)"
        " WHERE was.name <> now.name)"
        " SELECT area, new, other FROM renamed JOIN (SELECT area AS other, old AS held FROM renamed) ON new = held"
        " ORDER BY area"
    ).fetchall()
    if not found:
        return []
    area, name, other = found[0]
    return [
        f"{len(found):,} neighbourhoods have the name that another one had ({area!r} is now {name!r}, as {other!r} was): are"
        " their ids exchanged? Then all on record counts in the wrong one; --undo takes the import back"
    ]
