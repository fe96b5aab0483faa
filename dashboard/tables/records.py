"""The door for the provider's records: a file is read, checked row by row and merged into the stored snapshot."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa

from collector.published import TableSpec
from dashboard.config import DashboardSettings
from dashboard.tables import identity, merging, outlines, rules, snapshots, values
from dashboard.tables.delimited import Fault, Sheet, UnreadableError, read_bytes, read_sheet
from dashboard.tables.quality import connect
from dashboard.tables.report import ImportReport
from dashboard.tables.schema import RECORDS
from dashboard.tables.typed import typed_rows

read = snapshots.read


@dataclass(frozen=True)
class _Context:
    """What an import needs to know besides the file: the table, the day of the export, the zone, what is stored."""

    spec: TableSpec
    settings: DashboardSettings
    zone: ZoneInfo
    today: datetime.date
    as_of: datetime.date | None
    stored: pa.Table

    @property
    def tomorrow_at(self) -> datetime.datetime:
        return datetime.datetime.combine(self.today + datetime.timedelta(days=1), datetime.time(), self.zone)


def import_records(
    kind: str,
    source: Path,
    settings: DashboardSettings,
    *,
    as_of: datetime.date | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Import the file ``source`` as records of ``kind`` (areas, customers, prices, complaints or nps).

    ``as_of`` is the day on which the file was exported: nothing in it may be later, and customers without a
    ``valid_from`` column hold from then on. Without it the file may reach up to today. A file that cannot be used
    is a report with a ``failure``, not an exception.
    """
    if kind not in RECORDS:
        return ImportReport(kind, source, failure=f"no such kind of record; there are {', '.join(RECORDS)}")
    blank = ImportReport(kind, source, is_dry_run=dry_run)
    zone = ZoneInfo(settings.timezone)
    with contextlib.ExitStack() as stack:
        try:
            content = read_bytes(source)
            if not dry_run:
                stack.enter_context(snapshots.importing(settings.data))
            context = _Context(
                RECORDS[kind],
                settings,
                zone,
                as_of or datetime.datetime.now(zone).date(),
                as_of,
                snapshots.read(kind, settings.data),
            )
            return _import(context, content, blank)
        except (UnreadableError, values.OrderError, identity.KeyProblemError, snapshots.SnapshotError) as error:
            return replace(blank, failure=str(error))
        except OSError as error:
            return replace(blank, failure=f"cannot be stored: {error}")


def _import(context: _Context, content: bytes, report: ImportReport) -> ImportReport:
    is_geojson = context.spec.name == "areas" and outlines.looks_like_geojson(content)
    sheet = outlines.read_features(content) if is_geojson else read_sheet(content)
    _require_columns(sheet, context)
    key, has_new_key = _customer_key(context, sheet, report.is_dry_run)
    rows, faults = typed_rows(sheet, context.spec, zone=context.zone, as_of=context.as_of)
    rows = _hashed(rows, key)
    with contextlib.closing(connect(context.settings.engine, context.settings.data / "scratch")) as connection:
        rows, faults = _checked(connection, rows, faults, context)
        merged = merging.merge(
            connection, context.spec, rows, context.stored, is_export="valid_from" not in sheet.columns
        )
        notes = _notes(context, sheet, rows, has_new_key and not report.is_dry_run)
    rejected = len({fault.line for fault in faults})
    report = replace(
        report,
        described="GeoJSON, lines are features" if is_geojson else sheet.described,
        rows_read=len(sheet.lines) + len(sheet.faults),
        added=merged.added,
        changed=merged.changed,
        unchanged=merged.unchanged,
        rejected=rejected,
        dropped_columns=tuple(name for name in sheet.columns if name not in context.spec.column_names),
        faults=tuple(faults),
        notes=notes,
    )
    return report if report.is_dry_run else _store(context, merged.table, key, report)


def _require_columns(sheet: Sheet, context: _Context) -> None:
    known = [name for name in sheet.columns if name in context.spec.column_names]
    needed = [column.name for column in context.spec.columns if column.required]
    if context.as_of is not None and "valid_from" in needed and context.spec.name == "customers":
        needed.remove("valid_from")
    missing = [name for name in needed if name not in known]
    if not known:
        raise UnreadableError(f"line 1 names none of the columns of {context.spec.name}: {', '.join(needed)}, ...")
    if missing == ["valid_from"] and context.spec.name == "customers":
        raise UnreadableError("the column valid_from is missing: say with --as-of DATE on which day it was exported")
    if missing:
        raise UnreadableError(f"{_listed('the column', missing)} missing; line 1 names {', '.join(sheet.columns)}")
    if context.spec.name in ("complaints", "nps") and not {"customer_id", "area"} & set(known):
        raise UnreadableError("the column customer_id (or area) is missing")


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"{noun} {names[0]} is" if len(names) == 1 else f"{noun}s {', '.join(names)} are"


def _customer_key(context: _Context, sheet: Sheet, is_dry_run: bool) -> tuple[bytes | None, bool]:
    if "customer_id" not in context.spec.column_names:
        return None, False
    if "customer_id" not in sheet.columns and not context.settings.customer_key.exists():
        return None, False
    known = next(filter(None, (_key_of(kind, context.settings.data) for kind in RECORDS)), None)
    return identity.load_key(context.settings.customer_key, context.settings.data, known=known, is_dry_run=is_dry_run)


def _key_of(kind: str, data: Path) -> str | None:
    stated = snapshots.read_metadata(kind, data).get(b"customer_key")
    return stated.decode() if stated else None


def _hashed(rows: pa.Table, key: bytes | None) -> pa.Table:
    if key is None:
        return rows
    at = rows.schema.get_field_index("customer_id")
    return rows.set_column(at, "customer_id", identity.hash_ids(rows.column("customer_id").combine_chunks(), key))


def _checked(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table, faults: list[Fault], context: _Context
) -> tuple[pa.Table, list[Fault]]:
    """Rows that keep to the rules, that are not doubles of each other, and that make possible lives."""
    broken = rules.broken_rules(
        connection, context.spec.name, rows, today=context.today, tomorrow_at=context.tomorrow_at
    )
    rows = _without(rows, broken)
    doubled = rules.doubles(connection, context.spec, rows)
    rows = _without(rows, doubled)
    overlapping = rules.overlapping_spells(connection, rows, context.stored) if context.spec.name == "customers" else []
    found = [*faults, *broken, *doubled, *overlapping]
    return _without(rows, overlapping), sorted(found, key=lambda fault: (fault.line, fault.column or ""))


def _without(rows: pa.Table, faults: Sequence[Fault]) -> pa.Table:
    if not faults:
        return rows
    refused = np.isin(rows.column("line").to_numpy(), np.array([fault.line for fault in faults]))
    return rows.filter(pa.array(~refused))


def _notes(context: _Context, sheet: Sheet, rows: pa.Table, has_new_key: bool) -> tuple[str, ...]:
    notes = []
    if has_new_key:
        notes.append(
            f"made the customer key {context.settings.customer_key}: back it up apart from the data;"
            " without it later imports cannot be joined to these records"
        )
    if context.spec.name == "customers" and "valid_from" not in sheet.columns and context.stored.num_rows:
        known, given = (set(table.column("customer_id").to_pylist()) for table in (context.stored, rows))
        if absent := len(known - given):
            notes.append(f"{absent:,} customers of earlier imports are not in this file; they stay as last known")
    if context.spec.name != "areas" and "area" in context.spec.column_names:
        areas = set(snapshots.read("areas", context.settings.data).column("area").to_pylist())
        named = set(rows.column("area").drop_null().to_pylist())
        if areas and (unknown := sorted(named - areas)):
            notes.append(f"{len(unknown):,} areas are not among the imported ones, {unknown[0]!r} among them")
    return tuple(notes)


def _store(context: _Context, table: pa.Table, key: bytes | None, report: ImportReport) -> ImportReport:
    kind, data = context.spec.name, context.settings.data
    reject_file = snapshots.write_rejects(kind, data, report.faults) if report.faults else None
    metadata = dict(context.stored.schema.metadata or {})
    until = metadata.get(b"complete_until", b"").decode()
    if context.as_of:
        until = max(until, str(context.as_of - datetime.timedelta(days=1)))
    stated = {"complete_until": until, "customer_key": identity.fingerprint(key) if key else ""}
    metadata |= {name.encode(): text.encode() for name, text in stated.items() if text}
    is_new = report.accepted or metadata != (context.stored.schema.metadata or {})
    if not is_new or not (table.num_rows or snapshots.newest(kind, data)):
        return replace(report, reject_file=reject_file)
    snapshot = snapshots.write(kind, data, table.replace_schema_metadata(metadata))
    return replace(report, reject_file=reject_file, snapshot=snapshot)
