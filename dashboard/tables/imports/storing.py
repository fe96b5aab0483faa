"""What an import leaves behind: the snapshot, the lines that were refused, an entry in the log."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from dashboard.tables.checks.cells import date_orders
from dashboard.tables.imports import habits, hashed_ids
from dashboard.tables.imports.context import Context
from dashboard.tables.imports.import_report import ImportReport
from dashboard.tables.imports.storage import import_log, snapshots


def store(
    context: Context, table: pa.Table, key: bytes | None, report: ImportReport, order: date_orders.Order | None
) -> ImportReport:
    """Store ``table``, where anything in it is new, and what was refused; the report then names both files."""
    kind, data = context.spec.name, context.settings.data
    reject_file = snapshots.write_rejects(kind, data, report.faults) if report.faults else None
    metadata = dict(context.stored.schema.metadata or {})
    until = metadata.get(b"complete_until", b"").decode()
    if context.as_of and report.rows_read and not report.is_unusable:
        until = max(until, str(context.as_of - datetime.timedelta(days=1)))
    stated = {
        "complete_until": until,
        "customer_key": hashed_ids.fingerprint(key) if key else "",
        habits.DATE_ORDER: order.name if order and report.accepted else "",
    }
    metadata |= {name.encode(): text.encode() for name, text in stated.items() if text}
    is_new = report.accepted or metadata != (context.stored.schema.metadata or {})
    if not is_new or not (table.num_rows or snapshots.newest(kind, data)):
        return replace(report, reject_file=reject_file)
    above = max((entry.snapshot for entry in import_log.entries(data, kind)), default=0)
    snapshot = snapshots.write(kind, data, table.replace_schema_metadata(metadata), above=above)
    import_log.note(_entry(context, report, int(snapshot.stem)), data)
    return replace(report, reject_file=reject_file, snapshot=snapshot)


def _entry(context: Context, report: ImportReport, snapshot: int) -> import_log.Entry:
    return import_log.Entry(
        written_at(),
        report.kind,
        "import",
        snapshot,
        source=report.source.name,
        mapping=context.mapping_name and Path(context.mapping_name).name,
        as_of=str(context.as_of) if context.as_of else None,
        rows_read=report.rows_read,
        added=report.added,
        changed=report.changed,
        unchanged=report.unchanged,
        rejected=report.rejected,
        duplicates=report.duplicates,
        skipped=report.skipped,
        by=context.by,
        joins={join.key: [join.joined, join.rows] for join in report.joins} or None,
    )


def written_at() -> str:
    """The time of an entry in the log, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
