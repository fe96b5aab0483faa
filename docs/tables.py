"""Writes docs/tables.md from the declarations: ``python docs/tables.py > docs/tables.md``."""

from __future__ import annotations

import sys

import sqlalchemy as sa

from collector.published import OPERATIONS, PARQUET_TABLES, TableSpec
from dashboard.results.backtest_results import BACKTEST_TABLES
from dashboard.results.stored_results import RESULT_TABLES
from dashboard.tables.panel_tables import PANEL_TABLES
from dashboard.tables.schema import RECORDS

PLACES = {
    "quality_hours": "`<data>/quality/date=YYYY-MM-DD/*.parquet`, one folder per UTC day",
    "devices": "`<data>/devices.parquet`",
    "live": "`<data>/live/shard=K.parquet`, replaced whole every `publish.live_seconds` and within a second or two of an outage; the file's metadata (`bairro.live`, JSON) say which shard wrote it when, how often it does, and whether it is blind",
    "ports": "`<data>/live/ports=K.parquet`, replaced whole every 30 seconds, or every `publish.live_seconds` where that is longer",
}

OPENING = """# Tables

Made by `python docs/tables.py > docs/tables.md` from the declarations in `collector/published.py`,
`dashboard/tables/`; a test fails where they differ.
Units stand in the names; a ratio lies between 0 and 1. Timestamps are UTC. *Required* means never null;
anywhere else null means not known or not measured, never 0. Files of the collector and snapshots of records say in their
metadata which table they are (`bairro_table`) and of which version (`bairro_version`; without it 1, as 0.1 wrote them):
[what becomes of others](decisions/0321-formats-with-a-version.md).
"""

RECORDS_OPENING = """Imported by `bairro import KIND FILE` into `<data>/records/<kind>/`; the last five snapshots are kept.
[Importing](importing.md) tells of Excel, Parquet, databases, mappings, the history and taking an import back.
A row with a key that is known already replaces what was stored; the same file twice changes nothing.
`--dry-run` shows what would happen. Rows that are refused are listed in `<data>/records/rejects/` by line, column and
reason, never by content, and the exit code is 1 (2 where nothing of the file could be used).

- **Files**: CSV with a header line; comma, semicolon or tab; UTF-8, UTF-16, Windows-1252 or Latin-1; quoted cells may
  hold line breaks. Names of columns may differ in case and have blanks for underscores. For areas also a GeoJSON
  FeatureCollection: the area is the property `area`, else `name`, else the feature's id.
- **Dates**: `2025-01-31`, `20250131`, `31/01/2025`, `31-01-25`, `31.01.2025`, `31 Jan 2025`. Whether day or month comes
  first is told by any date of the column, or of the file, with a day after the 12th; otherwise the file is refused.
  Timestamps without a zone are in the provider's time zone.
- **The same row twice** in a file counts as one and is told; two rows with one key that differ are a fault.
- **Numbers**: with semicolons a comma is the decimal mark, otherwise a dot. `1.234` (or `1,234`) that nothing in the
  column settles is refused.
- **Blank** cells: empty, `NULL`, `\\N`, or an error of Excel's such as `#N/A`.
- **What is not stored**: every column that is not listed here. `customer_id` is stored as a keyed hash
  (HMAC-SHA-256, 96 bits); the key is made on the first import in the file that `customer_key` names, outside `<data>`.
  Without it later imports cannot be joined: back it up.
- **Customers without history**: an export without `valid_from` is imported with `--as-of DATE`. Each such export adds
  rows only where something changed; what was before the first is not known and is never filled backwards.
- **Dates to come** are refused, with the export's day (`--as-of`, else today) as the measure; `contract_until` may lie
  ahead, and `ended_on` where there is a `notice_on`.
- **Spells** of one customer may not overlap; one may begin on the day on which another ends.
"""

PANEL_OPENING = """Joined by `dashboard/panel/assemble.py` from records and quality; not stored, except `area_weeks` with the results.

- A customer's quality is that of their `device_id` on each day. Weeks start on Monday 00:00 in the area's time zone,
  else the provider's; an hour belongs to the day, and to the evening (18:00 to 24:00), in which its middle lies.
- Means are weighted by customers and observed time; they are means of hourly 95th percentiles, never a percentile of
  percentiles. Unobserved time is left out; a week with none observed is null.
- `down_hours_per_customer` is the share of observed time that was down, times 168.
- Utilisation is, hour by hour, that of the fullest link from the device up to below the core: the tops of the tree, whose
  own uplinks everybody shares, do not count.
- Time at risk begins at the latest of `started_on`, the first row known of the spell, `records_complete_from` and the
  first observed quality, and ends at the cut-off: the earliest of the last complete days of quality, customers and
  complaints, less `reporting_lag_days`. The last complete day of records is the day before the newest export's
  `--as-of`, or the last day that stands in them.
- A departure is dated by `notice_on`, else by `ended_on`, and that day is at risk. With neither notice nor reason it
  counts as *other*; with notice and no reason as voluntary.
- Exposure ends at the period's start; where somebody left without notice, at least four weeks before `ended_on`.
- Where any customer has a `contract_until`, a customer without one is free; where none has, nobody's lock-in is known.
"""


def text() -> str:
    """The whole document."""
    parts = [OPENING, "## Published by the collector\n"]
    parts += [_table(spec, PLACES[spec.name]) for spec in PARQUET_TABLES]
    parts += ["### The operations database\n"]
    parts += [_database_table(table) for table in OPERATIONS.sorted_tables]
    parts += ["## Records of the provider\n", RECORDS_OPENING]
    parts += [_table(spec) for spec in RECORDS.values()]
    parts += ["## Panel\n", PANEL_OPENING]
    parts += [_table(spec) for spec in PANEL_TABLES]
    seen = {spec.name for spec in (*RECORDS.values(), *PANEL_TABLES)}
    parts += [
        "## Results\n",
        "Written by `bairro build` to `<data>/results/<stamp>/`, with `areas` and `area_weeks`.\n",
    ]
    parts += [_table(spec) for spec in RESULT_TABLES.values() if spec.name not in seen]
    parts += [_table(spec, "`<data>/backtest/<stamp>/`, written by `bairro backtest`") for spec in BACKTEST_TABLES]
    return "\n".join(parts)


def _table(spec: TableSpec, place: str | None = None) -> str:
    opening = [f"### {spec.name}", "", f"A row is {spec.row}. Key: {', '.join(f'`{name}`' for name in spec.key)}."]
    opening += [f"In {place}."] if place else []
    rows = [
        f"| `{column.name}` | {column.type} | {'yes' if column.required else ''} | {_cell(column.description)} |"
        for column in spec.columns
    ]
    return "\n".join([*opening, "", "| column | type | required | what it is |", "|---|---|---|---|", *rows, ""])


def _database_table(table: sa.Table) -> str:
    key = ", ".join(f"`{column.name}`" for column in table.primary_key)
    rows = [
        f"| `{column.name}` | {_kind(column)} | {'' if column.nullable else 'yes'} | {_cell(column.comment or '')} |"
        for column in table.columns
    ]
    opening = [f"#### {table.name}", "", f"Key: {key}.", ""]
    return "\n".join([*opening, "| column | type | required | what it is |", "|---|---|---|---|", *rows, ""])


def _kind(column: sa.Column) -> str:  # type: ignore[type-arg]
    name = type(column.type).__name__
    return {"UtcTimestamp": "timestamp", "String": "text", "Text": "text", "Float": "number"}.get(name, name.lower())


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(text())
