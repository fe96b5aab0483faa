"""docs/tables.md says what the declarations say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from collector.published import OPERATIONS, PARQUET_TABLES
from dashboard.results.stored_results import RESULT_TABLES
from dashboard.tables.panel_tables import PANEL_TABLES
from dashboard.tables.schema import RECORDS

ROOT = Path(__file__).parent.parent.parent.parent


def test_the_document_is_what_its_generator_writes() -> None:
    made = subprocess.run(
        [sys.executable, "docs/tables.py"], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == made.stdout, (
        "python docs/tables.py > docs/tables.md"
    )


def test_every_column_of_every_table_is_in_it() -> None:
    document = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    for spec in (*PARQUET_TABLES, *RECORDS.values(), *PANEL_TABLES, *RESULT_TABLES.values()):
        section = document.split(f"### {spec.name}\n", 1)[1].split("\n##", 1)[0]
        for column in spec.columns:
            assert f"| `{column.name}` | {column.type} |" in section
    for table in OPERATIONS.sorted_tables:
        assert f"#### {table.name}\n" in document
