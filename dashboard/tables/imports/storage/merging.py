"""A file's rows merged into what is stored, by key: what is new, what changed, what was known already."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from collector.published import TableSpec
from dashboard.tables.schema import conform


@dataclass(frozen=True)
class Merged:
    """The whole table after the import, sorted by key, and what the file's rows came to."""

    table: pa.Table
    added: int
    changed: int
    unchanged: int


def merge(
    connection: duckdb.DuckDBPyConnection, spec: TableSpec, rows: pa.Table, stored: pa.Table, *, is_export: bool
) -> Merged:
    """Put ``rows`` into ``stored``: a row with a stored key replaces it.

    Customers of an export without history (``is_export``) that are as the row before says add none: history grows
    only where something changed.
    """
    connection.register("rows", rows)
    connection.register("stored", stored)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE compared AS {_comparison(spec, is_export)}")
    counts = dict(connection.execute("SELECT fate, count(*) FROM compared GROUP BY fate").fetchall())
    columns = ", ".join(spec.column_names)
    table = connection.sql(
        f"SELECT {columns} FROM compared WHERE fate <> 'unchanged' UNION ALL SELECT {columns} FROM stored"
        f" WHERE NOT EXISTS (SELECT 1 FROM compared WHERE fate = 'changed' AND {_same('compared', 'stored', spec.key)})"
        f" ORDER BY {', '.join(spec.key)}"
    ).to_arrow_table()
    return Merged(conform(table, spec), *(counts.get(fate, 0) for fate in ("added", "changed", "unchanged")))


def _comparison(spec: TableSpec, is_export: bool) -> str:
    others = tuple(name for name in spec.column_names if name not in spec.key)
    same = _same("rows", "known", others) if others else "TRUE"
    fate = f"CASE WHEN known.{spec.key[0]} IS NULL THEN 'added' WHEN {same} THEN 'unchanged' ELSE 'changed' END AS fate"
    plain = f"SELECT rows.*, {fate} FROM rows LEFT JOIN stored AS known ON {_same('rows', 'known', spec.key)}"
    if spec.name != "customers" or not is_export:
        return plain
    held = (
        f"SELECT rows.line, {same} AS is_same FROM rows ASOF LEFT JOIN stored AS known ON rows.customer_id ="
        " known.customer_id AND rows.started_on = known.started_on AND rows.valid_from >= known.valid_from"
    )
    return (
        "SELECT judged.* REPLACE (CASE WHEN held.is_same THEN 'unchanged' ELSE judged.fate END AS fate)"
        f" FROM ({plain}) AS judged JOIN ({held}) AS held ON held.line = judged.line"
    )


def _same(left: str, right: str, names: tuple[str, ...]) -> str:
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in names)
