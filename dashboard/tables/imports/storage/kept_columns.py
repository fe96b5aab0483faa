"""Columns that a file does not have: what is on record of its rows stays, as the file says nothing of it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from collector.published import TableSpec
from dashboard.tables.checks.on_record.ends_on_record import ENDS
from dashboard.tables.readers.sheets import Sheet
from dashboard.tables.schema import given_columns

RESTS_ON = {
    "device_id": ("area",),
    "technology": ("area", "plan"),
    "monthly_price": ("plan",),
    "termination_fee": ("contract_until",),
}
"""Where one of these is another than on record, so is what rests on it: who moved has another device, which nobody names."""
WHOSE = {"complaints": ("opened_at",), "nps": ("answered_on",)}
"""Where these differ it is another complaint under a number that was used before, and nothing of the old one stays."""
HAVE_RULES = (*ENDS, "valid_from")
"""Columns with rules of their own: see ends_on_record."""
FEWEST_BLANK = 5
"""A column that is there and blank in so many rows, or more, is one that the export failed to fill."""


def kept(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: pa.Table, stored: pa.Table, sheet: Sheet
) -> tuple[pa.Table, tuple[str, ...]]:
    """The typed ``rows`` with what is on record in the columns that ``sheet`` does not have or leaves blank throughout,
    and what to say of it."""
    lacking = [name for name in _may_be_kept(spec) if _says_nothing(sheet, name)]
    if not lacking or not rows.num_rows or not stored.num_rows:
        return rows, ()
    connection.register("rows", rows)
    connection.register("stored", stored)
    made = connection.sql(_query(spec, lacking)).to_arrow_table()
    lost, made = int(pc.sum(made.column("is_lost")).as_py() or 0), made.drop_columns("is_lost")
    filled = [name for name in lacking if made.column(name).null_count < rows.column(name).null_count]
    if not filled:
        return rows, ()
    return made, (_said(filled, rows, made, lost),)


def _may_be_kept(spec: TableSpec) -> list[str]:
    own = (*spec.key, *HAVE_RULES)
    return [column.name for column in given_columns(spec) if not column.required and column.name not in own]


def _says_nothing(sheet: Sheet, name: str) -> bool:
    cells = sheet.columns.get(name)
    return cells is None or (cells.null_count == len(cells) >= FEWEST_BLANK)


def _query(spec: TableSpec, lacking: Sequence[str]) -> str:
    """Columns are filled in their order, so that what rests on another one is compared with what that one has become."""
    same = " AND ".join(f"rows.{name} = known.{name}" for name in spec.key if name != "valid_from")
    join = (
        f"ASOF LEFT JOIN stored AS known ON {same} AND rows.valid_from >= known.valid_from"
        if "valid_from" in spec.key
        else f"LEFT JOIN stored AS known ON {same}"
    )
    query = f"SELECT rows.*, known FROM rows {join}"
    for name in sorted(lacking, key=lambda one: len(RESTS_ON.get(one, ()))):
        others = [*RESTS_ON.get(name, ()), *WHOSE.get(spec.name, ())]
        condition = " AND ".join(f"{one} IS NOT DISTINCT FROM known.{one}" for one in others) or "TRUE"
        query = f"SELECT * REPLACE (CASE WHEN {condition} THEN known.{name} END AS {name}) FROM ({query})"
    is_lost = " OR ".join(f"known.{name} IS NOT NULL AND {name} IS NULL" for name in lacking)
    return f"SELECT * EXCLUDE (known), {is_lost} AS is_lost FROM ({query}) ORDER BY line"


def _said(filled: Sequence[str], rows: pa.Table, made: pa.Table, lost: int) -> str:
    number = max(rows.column(name).null_count - made.column(name).null_count for name in filled)
    what = filled[0] if len(filled) == 1 else f"{', '.join(filled[:-1])} and {filled[-1]}"
    whose = "1 row keeps" if number == 1 else f"{number:,} rows keep"
    rest = (
        f"; {lost:,} {'does' if lost == 1 else 'do'} not, as what it rests on (the neighbourhood, the plan, the day) is another now"
        if lost
        else ""
    )
    return f"the file has no {what}: {whose} what is on record{rest}"
