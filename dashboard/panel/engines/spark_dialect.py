"""The panel's statements, written for DuckDB, in Spark's SQL: sqlglot's translation and the few things it does not know."""

from __future__ import annotations

from dataclasses import dataclass

import sqlglot
from sqlglot import exp


@dataclass(frozen=True)
class Statement:
    """What a statement makes: the answer to ``query``, in Spark's SQL, under ``name``; a view is not kept as rows."""

    name: str
    query: str
    is_view: bool


def statement(text: str) -> Statement:
    """CREATE TABLE or VIEW ... AS of DuckDB. Raises TypeError where the text is not one such statement."""
    tree = sqlglot.parse_one(text, read="duckdb")
    if not isinstance(tree, exp.Create) or not isinstance(tree.expression, exp.Query):
        raise TypeError(f"not a statement that makes a table: {text[:60]!r}")
    return Statement(tree.this.name, _spark(tree.expression), tree.kind == "VIEW")


def query(text: str) -> str:
    """A query of DuckDB in Spark's SQL."""
    return _spark(sqlglot.parse_one(text, read="duckdb"))


def _spark(tree: exp.Expr) -> str:
    kinds = (exp.Window, exp.ArgMax, exp.ArgMin, exp.DateDiff, exp.Anonymous)
    for node in reversed(list(tree.find_all(*kinds))):  # the innermost first
        changed = _translated(node.copy())
        if changed is not None:
            node.replace(changed)
    return tree.sql(dialect="spark", comments=False)


def _translated(node: exp.Expr) -> exp.Expr | None:
    """``node`` where Spark has it otherwise than DuckDB and sqlglot leaves it; None where it may stay."""
    match node:
        case exp.Window() if isinstance(node.this, exp.RowNumber):
            return exp.cast(node, "BIGINT")  # of 32 bits there
        case exp.ArgMax() | exp.ArgMin():
            known = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
            return exp.Filter(this=node, expression=exp.Where(this=known))  # nulls count there
        case exp.DateDiff() if node.unit is None or node.unit.name.upper() == "DAY":
            return exp.func("DATEDIFF", node.this, node.expression, dialect="spark")
        case exp.Anonymous() if node.name.lower() == "epoch_us":
            return exp.Anonymous(this="UNIX_MICROS", expressions=node.expressions)
        case exp.Anonymous() if node.name.lower() == "isfinite":  # infinity is beyond every bound
            return exp.Paren(this=exp.Not(this=exp.Anonymous(this="ISNAN", expressions=node.expressions)))
        case exp.Anonymous() if node.name.lower() == "timezone":  # a clock's time put in its zone, not read in one
            zone, time = node.expressions
            return exp.Anonymous(this="TO_UTC_TIMESTAMP", expressions=[time, zone])
    return None
