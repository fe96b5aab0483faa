"""The panel's statements in Spark's SQL, and what is said where Spark cannot be had. `make test-spark` runs them."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from dashboard.config import DashboardSettings, EngineSettings
from dashboard.panel.engines import choice
from dashboard.panel.engines.sql_engine import EngineError
from dashboard.panel.row_accounts import COUNTS
from dashboard.panel.statements import expanded

needs_sqlglot = pytest.mark.skipif(find_spec("sqlglot") is None, reason="the extra is not installed: bairro[spark]")
STATEMENTS = {
    path.name: expanded(path.read_text()) for path in Path(str(files("dashboard") / "panel" / "sql")).glob("*.sql")
}

AGREEING = {
    "AND",
    "ARG_MAX",
    "ARG_MIN",
    "ARRAY",
    "AVG",
    "CASE",
    "CAST",
    "CEIL",
    "COALESCE",
    "COUNT",
    "DATEDIFF",
    "DATE_PART",
    "DATE_TRUNC",
    "EXPLODE",
    "GENERATE_SERIES",
    "GREATEST",
    "IF",
    "LAG",
    "LEAD",
    "LEAST",
    "MAX",
    "MIN",
    "NULLIF",
    "OR",
    "ROUND",
    "ROW_NUMBER",
    "SUM",
    "TIMESTAMP_TRUNC",
    "TRY_CAST",
    "TS_OR_DS_TO_DATE",
    "UNIX_MICROS",
}
"""Functions that were seen to give on Spark what they give on DuckDB; one that is new here needs `make test-spark`."""


@pytest.fixture
def dialect() -> Any:
    from dashboard.panel.engines import spark_dialect

    return spark_dialect


@needs_sqlglot
def test_statements_translate_and_use_what_both_engines_have(dialect: Any) -> None:
    import sqlglot
    from sqlglot import exp

    assert len(STATEMENTS) > 30
    for name, text in STATEMENTS.items():
        made = dialect.statement(text)
        assert made.name == name.removesuffix(".sql")
        tree = sqlglot.parse_one(made.query, read="spark")
        functions = tree.find_all(exp.Func)
        used = {node.name.upper() if isinstance(node, exp.Anonymous) else node.sql_name() for node in functions}
        assert used <= AGREEING, (name, used - AGREEING)
        assert "QUALIFY" not in text, f"{name}: sqlglot's way round it repeats columns"
        ranges = sqlglot.parse_one(text, read="duckdb").find_all(exp.GenerateSeries)
        assert not any(found.args.get("step") for found in ranges), f"{name}: sqlglot ends a range a whole step early"


@needs_sqlglot
def test_the_counts_of_rows_translate(dialect: Any) -> None:
    assert "`table`" in dialect.query(COUNTS)


@needs_sqlglot
@pytest.mark.parametrize(
    ("written", "run"),
    [
        ("row_number() OVER (ORDER BY a)", "CAST(ROW_NUMBER() OVER (ORDER BY a NULLS LAST) AS BIGINT)"),
        ("arg_max(a, b)", "MAX_BY(a, b) FILTER(WHERE NOT a IS NULL)"),
        ("date_diff('day', a, b)", "DATEDIFF(b, a)"),
        ("a AT TIME ZONE z", "FROM_UTC_TIMESTAMP(a, z)"),
        ("epoch_us(timezone(z, a))", "UNIX_MICROS(TO_UTC_TIMESTAMP(a, z))"),
        ("a // b", "a DIV b"),
    ],
)
def test_what_sqlglot_does_not_know_is_translated(dialect: Any, written: str, run: str) -> None:
    assert dialect.query(f"SELECT {written} FROM t") == f"SELECT {run} FROM t"


@needs_sqlglot
def test_a_statement_that_makes_nothing_is_refused(dialect: Any) -> None:
    with pytest.raises(TypeError, match="makes a table"):
        dialect.statement("SELECT 1")


@pytest.mark.skipif(find_spec("pyspark") is not None and find_spec("sqlglot") is not None, reason="Spark is installed")
def test_without_the_extra_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    settings = DashboardSettings(tmp_path, tmp_path / "key", engine=EngineSettings(name="spark"))
    with pytest.raises(EngineError, match=r"is not installed: pip install 'bairro\[spark\]'"):
        choice.start(settings)
